"""Tracks of the catalogue that sound like some, and why."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earmark.app.listening import listener_of
from earmark.app.naming import Finder
from earmark.errors import BundleError, CatalogueError, EarmarkError, FileError
from earmark.library import Catalogue, Query, Track
from earmark.library.duplicates import Copies, Fingerprinted, find_copies, fingerprint_of
from earmark.library.likeness import Likeness, likeness
from earmark.library.similarity import CHOICE, Neighbour, Similarity

if TYPE_CHECKING:
    from earmark.analysis import Analysis

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alike:
    """A track, its score in standard deviations, and why: beside the seed that it is most like, if there is one."""

    track: Track
    score: float
    seed: Track | None
    why: Likeness | None

    def as_json(self) -> dict[str, Any]:
        """The track as it stands in JSON, with its score and the reasons."""
        return {
            **self.track.as_json(),
            "score": round(self.score, 3),
            "like": str(self.seed.path) if self.seed else None,
            "why": self.why.as_json() if self.why else None,
        }


@dataclass(frozen=True)
class Found:
    """The tracks that were asked for, and those like them."""

    seeds: tuple[Track, ...]
    tracks: tuple[Alike, ...]


def similar(
    catalogue: Catalogue,
    seeds: Sequence[str],
    *,
    unlike: Sequence[str] = (),
    query: Query | None = None,
    limit: int = 10,
    variety: float = 0.0,
    one_per_artist: bool = False,
    model: str = "",
    listener: "Callable[[str], Callable[[Path], Analysis]] | None" = None,
) -> Found:
    """The tracks of a catalogue that are most like some, the most alike first; none of these, and no copy of them.

    Args:
        catalogue: the open catalogue.
        seeds: files, which are listened to if the catalogue does not know them, or words of `find` that mean one track.
        unlike: the same: tracks that the answers are to be unlike.
        query: conditions that the answers meet.
        limit: how many at most.
        variety: 0 takes the most alike; up to 1, the more the answers differ from each other.
        one_per_artist: no artist twice, and none of the seeds.
        model: compare what this model heard; by default the one that most tracks show.
        listener: opens a model by its name, to listen to files; by default `listener_of`.

    Raises:
        EarmarkError: a seed is not there, cannot be heard, or its words mean several tracks; or nothing was heard yet.
    """
    column = catalogue.embeddings(model)
    if not len(column.ids):
        heard_by = f" by {model}" if model else ""
        raise CatalogueError(f"{catalogue.path}: no track was heard yet{heard_by}; `earmark scan FOLDER` does it")
    finder = Finder(catalogue, column.model, (listener or listener_of)(column.model))
    asked, shunned = (finder.each_once(names) for names in (seeds, unlike))
    for track in (*asked, *shunned):
        if heard_in(track).embedding.size != column.matrix.shape[1]:
            reason = f"the catalogue was filled by another version of {column.model}; `earmark scan` it again"
            raise CatalogueError(f"{track.path}: {reason}")
    similarity = Similarity(column)
    wanted, unwanted = (
        np.stack([heard_in(track).embedding for track in tracks]) if tracks else None for tracks in (asked, shunned)
    )
    if wanted is None:
        raise ValueError("there is no seed")
    nearest = similarity.nearest(
        wanted,
        CHOICE * limit + len(asked) + len(shunned),
        unlike=unwanted,
        among=None if query in (None, Query()) else catalogue.ids(query),
    )
    tracks = {track.id: track for track in catalogue.by_ids([each.id for each in nearest])}
    others = without_copies([*asked, *shunned], [tracks[each.id] for each in nearest], 2 * limit)
    if one_per_artist:
        others = different_artists(asked, others)
    left = {track.id for track in others}
    chosen = similarity.varied([each for each in nearest if each.id in left], limit, variety)
    sounds = sounds_of(column.model)
    return Found(tuple(asked), tuple(alike(each, tracks[each.id], asked, similarity, sounds) for each in chosen))


def heard_in(track: Track) -> "Analysis":
    """What was heard in a track.

    Raises:
        EarmarkError: nothing was.
    """
    if track.analysis is None:
        raise EarmarkError(f"{track.path}: it was not heard")
    return track.analysis


def without_copies(seeds: Sequence[Track], tracks: Sequence[Track], checked: int) -> list[Track]:
    """Tracks without the seeds, and without what is a copy of one of these or of an earlier track.

    Contents are compared of all; recordings of the first `checked` only, because what may be a copy is decoded.
    """
    contents = {track.content_hash for track in seeds}
    left = []
    for track in tracks:
        if track.content_hash not in contents:
            contents.add(track.content_hash)
            left.append(track)
    # Ids that are no ids of the catalogue: seeds and tracks go in, and come out of their groups, by position.
    compared = [replace(track, id=number) for number, track in enumerate([*seeds, *left[:checked]])]
    copies: set[int] = set()
    for found in find_copies(compared, _fingerprints):
        if isinstance(found, Copies):
            copies |= {track.id for track in found.tracks if track.id != min(each.id for each in found.tracks)}
        else:
            logger.info("%s", found)
    return [track for number, track in enumerate(left, len(seeds)) if number not in copies]


def _fingerprints(paths: Sequence[Path]) -> Iterator[Fingerprinted]:
    for path in paths:
        try:
            yield fingerprint_of(path)
        except FileError as error:  # it has vanished since: find_copies passes it on
            yield error


def different_artists(seeds: Sequence[Track], tracks: Sequence[Track]) -> list[Track]:
    """The first track of each artist that is not a seed's; tracks without an artist stay."""
    artists = {track.tags.artist.casefold() for track in seeds}
    left = []
    for track in tracks:
        artist = track.tags.artist.casefold()
        if not artist or artist not in artists:
            left.append(track)
            artists.add(artist)
    return left


def sounds_of(model: str) -> "Callable[[Analysis], dict[str, float]]":
    """Words for how a track sounds, if the model is there and gives any."""
    from earmark.hearing.bundle import locate, read_config
    from earmark.hearing.qualities import qualities

    try:
        config = read_config(locate(model))
    except BundleError:  # it heard the catalogue, and has gone since
        return lambda _: {}
    return lambda heard: qualities(config, heard.embedding)


def alike(
    found: Neighbour,
    track: Track,
    seeds: Sequence[Track],
    similarity: Similarity,
    sounds: "Callable[[Analysis], dict[str, float]]",
) -> Alike:
    """A neighbour with the reasons, beside the one of some tracks that it is most like."""
    heard = heard_in(track)
    if not seeds:
        return Alike(track, found.score, None, None)
    scores = similarity.between(heard.embedding[None], np.stack([heard_in(seed).embedding for seed in seeds]))[0]
    seed = seeds[int(np.argmax(scores))]
    why = likeness(heard, heard_in(seed), sounds(heard), sounds(heard_in(seed)))
    return Alike(track, found.score, seed, why)
