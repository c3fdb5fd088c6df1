"""A set as a file names it: the tracks that are to be played, in their order.

    .m3u8 .m3u     a playlist
    .json          what `earmark set --json` prints: {"tracks": [{"path": ...}, ...]}; or just a list of paths
    .xml .nml      an export for rekordbox or Traktor: its only playlist, or all tracks where it has none

Relative paths in JSON are relative to the folder of the file.
"""

import json
from pathlib import Path
from typing import Any, Final

from earmark.errors import ExchangeError
from earmark.files import absolute, as_spelled
from earmark.library.imports import IMPORTERS

READERS: Final = {".m3u8": "m3u", ".m3u": "m3u", ".xml": "rekordbox", ".nml": "traktor"}


def is_setlist(path: Path) -> bool:
    """Whether the suffix of a file says that it is a set, and no sound."""
    return path.suffix.lower() in {*READERS, ".json"}


def read(path: Path) -> list[Path]:
    """The files of a set, in their order.

    Raises:
        ExchangeError: it cannot be read, names no tracks, or has several playlists.
    """
    if path.suffix.lower() == ".json":
        named = _from_json(path)
    else:
        collection = IMPORTERS[READERS[path.suffix.lower()]](path)
        if len(collection.playlists) > 1:
            raise ExchangeError(f"{path}: it has {len(collection.playlists)} playlists; export the one to be mixed")
        playlists = [playlist.tracks for playlist in collection.playlists]
        named = [Path(each) for each in (playlists[0] if playlists else [track.path for track in collection.tracks])]
    if not named:
        raise ExchangeError(f"{path}: it names no tracks")
    return [as_spelled(each) for each in named]


def _from_json(path: Path) -> list[Path]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExchangeError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise ExchangeError(f"{path}: it is no JSON") from None
    entries = content.get("tracks") if isinstance(content, dict) else content
    names = [_name(entry) for entry in entries] if isinstance(entries, list) else []
    if not all(names):
        raise ExchangeError(f'{path}: a track without a "path"')
    return [absolute(path.parent / name) for name in names]


def _name(entry: Any) -> str:  # noqa: ANN401  JSON
    """The path in an entry, or ""."""
    name = entry.get("path") if isinstance(entry, dict) else entry
    return name if isinstance(name, str) else ""
