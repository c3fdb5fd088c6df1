"""The genre tags of a collection against what was heard.

A tag is read as `styles.from_tag` reads it, under any of the names that other people use; a style that a user has
taught is known by its own name, too. A word that names no style of the model says nothing that could be wrong: such
words are counted apart.

The doubt of a tag is the probability that the model gives to all that the tag does not say: with a tag of the same
family, of all other styles; with one of another family, of all other families. It ranks the tags and is no probability
that a tag is wrong: where a person and a model disagree it is often the model that errs, however sure it is. A style of
the same family is the milder mistake and counts half.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from earmark.analysis import Analysis
from earmark.library.track import Track
from earmark.styles import HARD_SEPARATORS, from_tag, normalise

SAME_FAMILY: Final = 0.5
"""Weight of a disagreement within a family beside one between families: an opinion, not a measurement."""


@dataclass(frozen=True)
class Disagreement:
    """A track whose tag says another style than was heard.

    Attributes:
        track: the track, without its analysis.
        tagged: the styles that the tag names.
        heard: the most probable style.
        probability: its probability (0-1).
        family: the family that was heard.
        same_family: whether the tag names a style of that family.
        doubt: the probability that the model gives to all that the tag does not say (0-1).
    """

    track: Track
    tagged: tuple[str, ...]
    heard: str
    probability: float
    family: str
    same_family: bool
    doubt: float

    @property
    def weight(self) -> float:
        """Weight by which disagreements are ranked (0-1)."""
        return self.doubt * (SAME_FAMILY if self.same_family else 1)


@dataclass(frozen=True)
class GenreAudit:
    """Agreement and disagreement of the genre tags of a collection.

    Attributes:
        disagreements: the heaviest first.
        agreed: how many tags name the style that was heard.
        unsure: how many tracks have a style in their tag, but none is probable enough to be named.
        unheard: how many tracks were not heard.
        untagged: how many have no genre.
        unnamed: how many have a genre, but none that the model knows.
        words: what stands in tags and names no style of the model, in its most frequent spelling, with how often.
    """

    disagreements: tuple[Disagreement, ...]
    agreed: int
    unsure: int
    unheard: int
    untagged: int
    unnamed: int
    words: dict[str, int]


def audit_genres(tracks: Iterable[Track]) -> GenreAudit:
    """Compare the genre tags of tracks with what was heard; files that have vanished are passed over."""
    disagreements: list[Disagreement] = []
    counts: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for track in tracks:
        if track.missing:
            continue
        if track.analysis is None:
            counts["unheard"] += 1
            continue
        if not track.tags.genres:
            counts["untagged"] += 1
            continue
        tagged, unknown = read_genres(track.tags.genres, track.analysis)
        words.update(unknown)
        if not tagged:
            counts["unnamed"] += 1
        elif track.analysis.unknown:
            counts["unsure"] += 1
        elif track.analysis.timeline.top(1)[0][0] in tagged:
            counts["agreed"] += 1
        else:
            disagreements.append(_disagreement(track, track.analysis, tagged))
    disagreements.sort(key=lambda each: (-each.weight, str(each.track.path)))
    return GenreAudit(
        tuple(disagreements),
        counts["agreed"],
        counts["unsure"],
        counts["unheard"],
        counts["untagged"],
        counts["unnamed"],
        _one_spelling(words),
    )


def read_genres(genres: Iterable[str], analysis: Analysis) -> tuple[tuple[str, ...], list[str]]:
    """The styles of the model that genres name, each once, and the words that name none."""
    own = {normalise(style): style for style in analysis.timeline.styles}
    tagged: list[str] = []
    unknown: list[str] = []
    for word in _words(genres):
        named = [style.label for style in from_tag(word) if style.label in analysis.timeline.styles]
        if normalise(word) in own:
            named = [own[normalise(word)]]
        if named:
            tagged += named
        else:
            unknown.append(word)
    return tuple(dict.fromkeys(tagged)), unknown


def _words(genres: Iterable[str]) -> list[str]:
    """The values of a genre tag; a comma or a slash may be part of a name, and is left to `from_tag`."""
    return [
        word for genre in genres for part in re.split(";", genre.translate(HARD_SEPARATORS)) if (word := part.strip())
    ]


def _disagreement(track: Track, analysis: Analysis, tagged: tuple[str, ...]) -> Disagreement:
    timeline = analysis.timeline
    heard, probability = timeline.top(1)[0]
    families = dict(timeline.families(analysis.families))
    family, named = analysis.families[heard], {analysis.families[style] for style in tagged}
    same_family = family in named
    if same_family:
        shares = dict(zip(timeline.styles, timeline.mean().tolist(), strict=True))
        right = sum(shares[style] for style in tagged)
    else:
        right = sum(families[name] for name in named)
    return Disagreement(
        replace(track, analysis=None), tagged, heard, probability, family, same_family, min(1.0, max(0.0, 1 - right))
    )


def _one_spelling(words: Counter[str]) -> dict[str, int]:
    """Words that differ in case or punctuation alone as one, the most frequent first."""
    spelling: dict[str, str] = {}
    sums: Counter[str] = Counter()
    for word, count in words.most_common():
        name = normalise(word) or word
        spelling.setdefault(name, word)
        sums[name] += count
    return {spelling[name]: count for name, count in sorted(sums.items(), key=lambda item: (-item[1], item[0]))}
