"""Taste: learned from playlists, histories and plays, and asked for tracks of the catalogue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.app.naming import Finder
from earmark.app.similar import (
    Found,
    alike,
    different_artists,
    heard_in,
    sounds_of,
    without_copies,
)
from earmark.errors import CatalogueError, EarmarkError, ExchangeError
from earmark.files import data_folder
from earmark.library import Catalogue, Query, Track
from earmark.library.similarity import CHOICE, Neighbour, Similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from earmark.learning.taste.taste import Taste
    from earmark.library.catalogue import EmbeddingColumn
    from earmark.library.imports import Collection

NAME: Final = "taste.npz"
PROGRAMS: Final = {".xml": "rekordbox", ".nml": "traktor", ".m3u8": "m3u", ".m3u": "m3u"}
"""The importer for each kind of file."""


@dataclass(frozen=True)
class Learned:
    """What was learned from.

    Attributes:
        contexts: how many playlists and evenings.
        tracks: how many tracks are in these, and were heard.
        unheard: how many are in these, and were not.
        exported: how many playlists were left out, because earmark exported them.
        elsewhere: how many are no files, but of a streaming service.
        explained: share of what factors of unseen tracks vary, which their sound explains.
    """

    contexts: int
    tracks: int
    unheard: int
    exported: int
    elsewhere: int
    explained: float


def taste_path(given: Path | None = None) -> Path:
    """The file of the taste that is meant; there may be none yet."""
    return given or data_folder() / NAME


def known_taste(given: Path | None = None) -> "Taste":
    """The taste that was learned; `given` as in `taste_path`.

    Raises:
        BundleError: there is none yet, or it is damaged.
    """
    from earmark.learning.taste.taste import Taste

    return Taste.load(taste_path(given))


def learn_taste(
    catalogue: Catalogue,
    sources: Sequence[Path],
    out: Path,
    *,
    moved: Mapping[str, Path] | None = None,
    model: str = "",
) -> Learned:
    """Learn a taste and write it.

    Args:
        catalogue: holds what was heard in the tracks.
        sources: collections, playlists and histories, or folders with such.
        out: the file to write.
        moved: beginnings of paths and what they became on this machine.
        model: take what this model heard; by default the one that most tracks show.

    Raises:
        EarmarkError: a file cannot be read, or there is too little in them.
        MissingExtra: the extra `taste` is not installed.
    """
    from earmark.learning.taste.contexts import contexts, is_exported
    from earmark.learning.taste.taste import FEWEST, Taste
    from earmark.library.imports import joined

    collection = joined([_read(file) for file in _files(sources)])
    found = contexts(collection, moved)
    exported = sum(map(is_exported, collection.playlists))
    if exported and len(found) < FEWEST:
        left_out = f"left out: {exported} in a folder `earmark`, as earmark exports them"
        raise EarmarkError(f"too little to learn from: {len(found)} playlists and evenings ({left_out})")
    column = catalogue.embeddings(model)
    if not len(column.ids):
        raise CatalogueError(f"{catalogue.path}: no track was heard yet; `earmark scan FOLDER` does it")
    paths = list(dict.fromkeys(path for each in found for path in each.weights))
    known = _places(catalogue, paths, column.ids)
    embeddings = {str(path): column.matrix[at] for path, at in zip(paths, known, strict=True) if at >= 0}
    named = [(each.name, {str(path): much for path, much in each.weights.items()}) for each in found]
    taste = Taste.learn(named, embeddings, Similarity(column).space, column.model)
    taste.save(out)
    unheard = len(paths) - len(embeddings)
    explained = taste.head.explained
    return Learned(len(taste.contexts), len(taste.paths), unheard, exported, collection.elsewhere, explained)


def recommend(
    catalogue: Catalogue,
    taste: "Taste",
    *,
    playlists: Sequence[str] = (),
    like: Sequence[str] = (),
    new: bool = False,
    query: Query | None = None,
    limit: int = 10,
    variety: float = 0.0,
    one_per_artist: bool = False,
) -> Found:
    """Tracks of the catalogue that fit playlists, or some tracks, or all that the user listens to; the best first.

    Args:
        catalogue: the open catalogue.
        taste: what was learned.
        playlists: names of playlists or evenings that were learned from; what is in them is not recommended.
        like: files, or words of `find` that mean one track each, in their place.
        new: only tracks that are in no playlist, and were never played.
        query: conditions that the answers meet.
        limit: how many at most.
        variety: 0 takes the best; up to 1, the more the answers differ from each other.
        one_per_artist: no artist twice.

    Raises:
        EarmarkError: no playlist is called so, a track is not there, or the catalogue does not fit the taste.
    """
    from earmark.learning.taste.factors import fold_in
    from earmark.learning.taste.taste import recommend as scores_for

    if playlists and like:
        raise ValueError("either playlists or tracks")
    column = catalogue.embeddings(taste.model)
    if not len(column.ids) or column.matrix.shape[1] != len(taste.space.centre):
        raise CatalogueError(
            f"{catalogue.path}: it was not filled by the {taste.model} that the taste was learned with; "
            "`earmark scan` it, and `earmark learn-taste` again"
        )
    at = _places(catalogue, [Path(path) for path in taste.paths], column.ids)
    known = np.full(len(column.ids), -1)
    known[at[at >= 0]] = np.flatnonzero(at >= 0)
    asked = Finder(catalogue, taste.model).each_once(like)
    if asked:
        number = {path: at for at, path in enumerate(taste.paths)}
        seeds = np.stack([heard_in(track).embedding for track in asked])
        own = np.array([number.get(str(track.path), -1) for track in asked])
        wanted = fold_in(taste.factors(seeds, own), np.ones(len(seeds)), taste.track_factors)
        members = column.places(np.array([track.id for track in asked], np.int64))
    else:
        wanted, tracks = taste.wanted([taste.context(name) for name in playlists])
        members = at[tracks][at[tracks] >= 0]
        seeds = column.matrix[members]
    similarity = Similarity(column)
    scores = scores_for(taste, similarity, known, wanted, seeds)
    allowed = np.ones(len(scores), bool) if query in (None, Query()) else np.isin(column.ids, catalogue.ids(query))
    allowed[members] = False
    if new or not (playlists or like):
        allowed[known >= 0] = False
    order = np.flatnonzero(allowed)[np.argsort(-scores[allowed], kind="stable")][: CHOICE * limit]
    nearest = [Neighbour(int(column.ids[row]), float(scores[row])) for row in order]
    tracks_of = {track.id: track for track in catalogue.by_ids([each.id for each in nearest])}
    others = without_copies(asked, [tracks_of[each.id] for each in nearest], 2 * limit)
    if one_per_artist:
        others = different_artists(asked, others)
    left = {track.id for track in others}
    chosen = similarity.varied([each for each in nearest if each.id in left], limit, variety)
    beside = asked or _beside(catalogue, column, similarity, members, [each.id for each in chosen])
    sounds = sounds_of(column.model)
    return Found(tuple(asked), tuple(alike(each, tracks_of[each.id], beside, similarity, sounds) for each in chosen))


def _beside(
    catalogue: Catalogue,
    column: "EmbeddingColumn",
    similarity: Similarity,
    members: "NDArray[np.intp]",
    found: Sequence[int],
) -> list[Track]:
    """The tracks of a context that those found are most like."""
    if not len(members) or not found:
        return []
    scores = similarity.between(similarity.rows(found), column.matrix[members])  # (found, members)
    nearest = dict.fromkeys(scores.argmax(1).tolist())
    return catalogue.by_ids(column.ids[members[list(nearest)]].tolist())


def _files(sources: Iterable[Path]) -> list[Path]:
    """Files of the programs that are known, those in folders and all below them in the order of their names."""
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            found += sorted(path for path in source.rglob("*") if path.suffix.lower() in PROGRAMS)
        else:
            found.append(source)
    if not found:
        raise ExchangeError(f"{', '.join(map(str, sources))}: no collection or playlist: {', '.join(PROGRAMS)}")
    return found


def _read(file: Path) -> "Collection":
    from earmark.library.imports import IMPORTERS

    program = PROGRAMS.get(file.suffix.lower())
    if program is None:
        raise ExchangeError(f"{file}: neither a collection nor a playlist: {', '.join(PROGRAMS)}")
    return IMPORTERS[program](file)


def _places(catalogue: Catalogue, paths: Iterable[Path], ids: "NDArray[np.int64]") -> "NDArray[np.intp]":
    """The row of each path in the column with these ids; -1 for one that is not in it, (paths,)."""
    row = {number: at for at, number in enumerate(ids.tolist())}
    states = (catalogue.state(path) for path in paths)
    return np.array([-1 if state is None else row.get(state.id, -1) for state in states], np.intp)
