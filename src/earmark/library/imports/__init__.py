"""Collections that other programs keep: the user's genres, playlists, ratings and plays, one reader per format.

Every reader takes a file and returns a `Collection`; damage is one line, an `ExchangeError`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from earmark.library.imports import m3u, rekordbox, traktor
from earmark.library.imports.records import Collection, ImportedTrack, Play, Playlist, joined

__all__ = ["IMPORTERS", "Collection", "ImportedTrack", "Play", "Playlist", "joined"]

IMPORTERS: Final[dict[str, Callable[[Path], Collection]]] = {
    "rekordbox": rekordbox.read,
    "traktor": traktor.read,
    "m3u": m3u.read,
}
