"""Sets: the words of a wish as tracks of the catalogue, the plan, and the set for another program."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from earmark.app.exporting import write_set
from earmark.app.listening import MODEL
from earmark.app.lookup import heard
from earmark.app.query import style_named
from earmark.dj.candidates import Candidates, Rows
from earmark.dj.cost import read_weights
from earmark.dj.course import Energy
from earmark.dj.planner import Plan, plan
from earmark.dj.sets import Step, explained
from earmark.dj.wish import Wish, seconds_of
from earmark.errors import EarmarkError, FileError
from earmark.files import write_text
from earmark.library import Catalogue, Query, Tags, Track
from earmark.library.content import content_hash
from earmark.library.track import Summary

MENTIONED = 5  # tracks that a message names
LOOKED_AT = 200  # tracks with the words, among which one may be called exactly so
SEEDS = 1 << 31


@dataclass(frozen=True)
class MadeSet:
    """A set that was planned; `seed` is None where there was no chance."""

    steps: tuple[Step, ...]
    plan: Plan
    seed: int | None

    def as_json(self) -> dict[str, Any]:
        """The set as other programs, and `earmark mix`, read it."""
        return {
            "tracks": [step.as_json() for step in self.steps],
            "duration": round(self.plan.seconds, 3),
            "cost": round(self.plan.cost, 4),
            "exact": self.plan.exact,
            "seed": self.seed,
        }


class Finder:
    """Tracks and styles under the words by which a user calls them."""

    def __init__(self, catalogue: Catalogue, model: str = "") -> None:
        self.catalogue = catalogue
        self.model = model
        self.tracks: dict[Path, Track] = {}

    def track(self, words: str) -> Track:
        """The track that is meant: by its path, a file that is heard now, or words that one track alone has.

        Raises:
            EarmarkError: there is none, or more than one.
        """
        if found := self._by_path(words):
            return found
        matches = [track for track in self.catalogue.find(Query(words=words), limit=LOOKED_AT) if track.analysis]
        if not matches or not words.strip():
            raise EarmarkError(f"{words}: no file, and no track of the catalogue that was heard, is called so")
        called = [
            track for track in matches if words.casefold() in (track.tags.title.casefold(), track.path.stem.casefold())
        ]
        matches = called if len(called) == 1 else matches
        if len(matches) > 1:
            more = ", ..." if len(matches) > MENTIONED else ""
            names = ", ".join(str(track.path) for track in matches[:MENTIONED])
            raise EarmarkError(f"{words}: that may be any of {names}{more}; give more words, or the path")
        return self._kept(matches[0])

    def style(self, words: str) -> str:
        """The style of the catalogue that is called so; "" if it is none."""
        try:
            return style_named(words, self.catalogue.families())
        except EarmarkError:
            return ""

    def end(self, words: str) -> Track | str:
        """The track or the style that is meant; a file goes first, then a style, then words of a track."""
        return self._by_path(words) or self.style(words) or self.track(words)

    def ids(self, words: str) -> set[int]:
        """The numbers of all tracks that are meant by a path, or have the words."""
        found = self._by_path(words)
        return {found.id} if found else set(self.catalogue.ids(Query(words=words)).tolist())

    def summaries(self) -> list[Summary]:
        """The tracks that were found so far."""
        return [Summary.of(track) for track in self.tracks.values()]

    def _by_path(self, words: str) -> Track | None:
        if not words:
            return None
        path = Path(words)
        known = self.catalogue.track(path)
        if known and known.analysis:
            return self._kept(known)
        return self._kept(hear_track(path, self.model)) if path.is_file() else None

    def _kept(self, track: Track) -> Track:
        self.tracks[track.path] = track
        return track


def hear_track(path: Path, model: str = "") -> Track:
    """A file that is not in the catalogue, heard now, with its tags.

    Raises:
        FileError: it cannot be heard.
    """
    from earmark.library.tags import read

    (outcome,) = heard([str(path)], model=model or MODEL, workers=1)
    if isinstance(outcome, FileError):
        raise outcome
    try:
        tags = read(path)
    except FileError:  # a file without tags that can be read is called by its name
        tags = Tags()
    return Track(path=path, size=0, modified=0, content_hash=content_hash(path), tags=tags, analysis=outcome)


def make_set(
    catalogue: Catalogue,
    start: str,
    goal: str = "",
    *,
    minutes: float = 0.0,
    tracks: int = 0,
    play: Iterable[str] = (),
    avoid: Iterable[str] = (),
    query: Query | None = None,
    repeat_artists: bool = False,
    energy: str = "free",
    variety: float = 0.0,
    seed: int | None = None,
    weights: Path | None = None,
) -> MadeSet:
    """Plan a set.

    Args:
        catalogue: what may be played.
        start: the track, or the style, that it begins with.
        goal: the track, or the style, that it ends with; "" for any.
        minutes: how long it is to be.
        tracks: or how many tracks it is to have.
        play: tracks that must be in it.
        avoid: tracks, or words of tracks, that must not.
        query: conditions of all tracks but those that are named.
        repeat_artists: whether an artist may have several tracks.
        energy: the course of the energy, one of `dj.course.Energy`.
        variety: how much chance may cost; 0 always gives the same set.
        seed: of the chance; drawn where there is none.
        weights: a file of weights in the place of ours.

    Raises:
        EarmarkError: a track is not there, or there is no such set.
    """
    weighed = read_weights(weights)
    finder = Finder(catalogue)
    ends = [finder.end(words) if words else None for words in (start, goal)]
    wanted = [finder.track(words) for words in play]
    unwanted = set[int]().union(*(finder.ids(words) for words in avoid))
    candidates = Candidates.of_catalogue(catalogue, query, finder.summaries())
    drawn = seed if seed is not None or not variety else secrets.randbelow(SEEDS)
    first, last = (_rows(candidates, end) for end in ends)
    wish = Wish(
        first=first,
        last=last,
        tracks=tracks,
        seconds=seconds_of(minutes) if minutes else 0.0,
        play=np.array([row for track in wanted for row in _rows(candidates, track)], np.intp),
        avoid=np.array([row for row, one in enumerate(candidates.summaries) if one.id in unwanted], np.intp),
        repeat_artists=repeat_artists,
        energy=Energy(energy),
        variety=variety,
        seed=drawn or 0,
    )
    found = plan(candidates, wish, weighed)
    return MadeSet(explained(candidates, wish, found, weighed), found, drawn if variety else None)


def export_set(
    catalogue: Catalogue, steps: Sequence[Step], form: str, out: Path, name: str, *, replace: bool = False
) -> None:
    """Write a set for another program, as a playlist of that name where the format has playlists.

    Raises:
        ValueError: there is no such format.
        EarmarkError: there is something at `out` already, or it cannot be written.
    """
    known = {track.id: track for track in catalogue.by_ids([step.track.id for step in steps if step.track.id])}
    tracks = [known.get(step.track.id) or hear_track(step.track.path) for step in steps]
    write_set(tracks, form, out, name, replace=replace)


def draw_set(made: MadeSet, out: Path, *, replace: bool = False) -> None:
    """Draw a set as SVG.

    Raises:
        EarmarkError: there is something at `out` already.
    """
    from earmark.dj.set_picture import picture

    if out.exists() and not replace:
        raise EarmarkError(f"{out}: it exists already; --replace overwrites it")
    write_text(out, picture(made.steps, made.plan))


def _rows(candidates: Candidates, end: Track | str | None) -> Rows:
    """The rows of a track, or those of a style.

    Raises:
        EarmarkError: no track is of this style.
    """
    if end is None:
        return np.empty(0, np.intp)
    if isinstance(end, str):
        rows = candidates.of_style(end)
        if not len(rows):
            raise EarmarkError(f"no track that may be played is mostly {end}")
        return rows
    row = candidates.row(Summary.of(end))
    return np.empty(0, np.intp) if row is None else np.array([row])
