"""Contexts: what somebody has put or played together, out of the collections that DJ programs keep.

A *context* is a playlist, an evening of the history, or all plays that a program has counted. An evening ends at six in
the morning. Tracks that were only heard in the headphones were not played. Playlists that earmark exported are no
contexts: they say what it heard and planned, not what somebody likes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from math import log2
from pathlib import Path, PurePath
from typing import Final

from earmark.files import absolute
from earmark.library.exports.crates import FOLDER
from earmark.library.imports import Collection, Playlist
from earmark.library.places import located

MORNING: Final = timedelta(hours=6)
PLAYS: Final = "plays"


@dataclass(frozen=True)
class Context:
    """Tracks that belong together, each with how much it does: 1 for being there, more for being played often."""

    name: str
    weights: dict[Path, float]


def contexts(collection: Collection, moved: Mapping[str, Path] | None = None) -> list[Context]:
    """All contexts of a collection with two tracks or more: playlists, then evenings, then plays.

    Args:
        collection: what a DJ program knows.
        moved: beginnings of paths and what they became on this machine.
    """

    @cache
    def here(path: PurePath) -> Path:
        return absolute(located(path, moved))

    found = [
        Context("/".join((*each.folders, each.name)), _once(map(here, each.tracks)))
        for each in collection.playlists
        if not is_exported(each)
    ]
    evenings: dict[str, list[Path]] = {}
    for play in collection.history:
        if play.public:
            evening = f"{play.at - MORNING:%Y-%m-%d}" if play.at else "history"
            evenings.setdefault(evening, []).append(here(play.path))
    found += [Context(name, _once(paths)) for name, paths in sorted(evenings.items())]
    counted = {here(track.path): log2(1 + track.plays) for track in collection.tracks if track.plays}
    found.append(Context(PLAYS, counted))
    return [each for each in found if len(each.weights) > 1]


def is_exported(playlist: Playlist) -> bool:
    """Whether earmark made a playlist, as the folder says in which exports put theirs."""
    return playlist.folders[:1] == (FOLDER,)


def _once(paths: Iterable[Path]) -> dict[Path, float]:
    return dict.fromkeys(paths, 1.0)
