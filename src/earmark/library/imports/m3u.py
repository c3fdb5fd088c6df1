"""Playlists as text: M3U8, and M3U, whose letters are UTF-8 or those of an old Windows.

A playlist is called as its `#PLAYLIST` line says, else as its file. Paths may be relative to its folder, of Windows, or
URLs of files; the URL of a stream is no track.
"""

import ntpath
import os
import re
from pathlib import Path, PurePath, PureWindowsPath

from earmark.errors import ExchangeError
from earmark.files import as_spelled
from earmark.library.imports.records import Collection, ImportedTrack, Playlist
from earmark.library.places import DRIVE, absolute, from_url, place

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
LINE = re.compile(r"\r\n|\n|\r")  # and no other ends of lines: a name may hold those
LARGEST = 1 << 28  # bytes; a million paths have a hundred letters each


def read(path: Path) -> Collection:
    """Read a playlist.

    Raises:
        ExchangeError: it cannot be opened, or is no text.
    """
    name, caption = path.stem, ("", "")
    tracks: list[ImportedTrack] = []
    elsewhere = 0
    for line in LINE.split(_text(path)):
        if line.startswith("#PLAYLIST:"):
            name = line.partition(":")[2].strip() or name
        elif line.startswith("#EXTINF:"):
            caption = _caption(line)
        elif line.strip() and not line.startswith("#"):
            found = _place(line, path)
            if found is None:
                elsewhere += 1
            else:
                tracks.append(ImportedTrack(found, title=caption[1], artist=caption[0]))
            caption = ("", "")
    playlist = Playlist(name, (), tuple(track.path for track in tracks))
    described = {track.path: track for track in reversed(tracks)}
    return Collection(tuple(described[path] for path in dict.fromkeys(playlist.tracks)), (playlist,), (), elsewhere)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ExchangeError(f"{path}: too large for a playlist")
        raw = path.read_bytes()
    except OSError as error:
        raise ExchangeError(f"{path}: {error.strerror}") from None
    if b"\0" in raw:
        raise ExchangeError(f"{path}: not a playlist: it holds a NUL")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if path.suffix.lower() == ".m3u8":
            line = raw.count(b"\n", 0, error.start) + 1
            raise ExchangeError(f"{path}, line {line}: not UTF-8 text, as a playlist .m3u8 is") from None
        return raw.decode("cp1252", "replace")


def _caption(line: str) -> tuple[str, str]:
    """Artist and title from `#EXTINF:272,Somebody - One`."""
    artist, separator, title = line.partition(",")[2].strip().partition(" - ")
    return (artist, title) if separator else ("", artist)


def _place(line: str, playlist: Path) -> PurePath | None:
    if URL.match(line):
        return from_url(line)
    if DRIVE.match(line) or line.startswith("\\\\"):
        return PureWindowsPath(line)
    if line.startswith("/"):
        return place(line)
    folder = absolute(playlist.parent)
    # A relative path with backslashes was written on Windows, unless there is a file of that very name.
    if "\\" in line and not os.path.exists(as_spelled(Path(folder, line))):  # noqa: PTH110  which takes lines of any length
        line = line.replace(ntpath.sep, "/")
    return absolute(Path(folder, line))
