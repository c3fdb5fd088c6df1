"""A collection for other programs: one writer per format, all of them in `EXPORTERS`.

A writer takes tracks and the file to write; one that knows playlists also takes the grouping that makes them
(`WITH_PLAYLISTS`). Files appear when they are whole. What a format cannot name is an `ExchangeError`; `problem` says so
before.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from earmark.library.exports import m3u8, rekordbox, serato, tables, traktor
from earmark.library.exports.crates import GROUPINGS, Crate, Grouping
from earmark.library.exports.facts import certain, in_heard_words, light
from earmark.library.track import Track

__all__ = [
    "EXPORTERS",
    "GROUPINGS",
    "WITH_PLAYLISTS",
    "Crate",
    "Grouping",
    "certain",
    "in_heard_words",
    "light",
    "problem",
]


class PlaylistWriter(Protocol):
    """Writes a collection with playlists."""

    def __call__(self, tracks: Sequence[Track], out: Path, grouping: Grouping = ..., /) -> None:
        """Write the tracks, and the playlists that the grouping makes of them."""


WITH_PLAYLISTS: Final[dict[str, PlaylistWriter]] = {
    "m3u8": m3u8.write,
    "rekordbox": rekordbox.write,
    "traktor": traktor.write,
    "serato": serato.write,
}

EXPORTERS: Final[dict[str, Callable[[Sequence[Track], Path], None]]] = {
    **WITH_PLAYLISTS,
    "csv": tables.write_csv,
    "parquet": tables.write_parquet,
    "json": tables.write_json,
}


def problem(form: str, path: Path, out: Path) -> str:
    """Why a format cannot name a file, or ""; `out` is where the export goes."""
    if form == "serato":
        return serato.problem(path, serato.drive_of(out))
    return _PROBLEMS[form](path)


def _none(path: Path) -> str:  # noqa: ARG001  a URL can hold any name
    return ""


_PROBLEMS: Final[dict[str, Callable[[Path], str]]] = {
    "m3u8": m3u8.problem,
    "rekordbox": _none,
    "traktor": traktor.problem,
    "csv": tables.problem,
    "parquet": tables.problem,
    "json": tables.problem,
}
