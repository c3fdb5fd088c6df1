"""Serato crates: files in `_Serato_/Subcrates` on the drive that the music is on.

    vrsn, text            1.0/Serato ScratchLive Crate
    otrk                  for each track, in the order of the crate
      ptrk, text          its path from the root of the drive, with slashes: Music/deep/one.flac

Each record is a tag of four letters, a length in bytes (32 bits, the highest first) and what it holds; text is UTF-16,
the highest byte first. A crate is called as its file is; `earmark%%Trap.crate` is `Trap` inside of `earmark`. Serato
knows only tracks on the drive that the crate is on, and joins crates of the same name on several drives.

Reference: the description of the format in the wiki of Mixxx, "Serato Database Format".
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path, PurePath

from earmark.errors import ExchangeError
from earmark.files import replacing
from earmark.library.exports.crates import FOLDER, Grouping, by_style
from earmark.library.exports.writing import file_name
from earmark.library.places import absolute
from earmark.library.track import Track

HOME = "_Serato_"
INSIDE = "%%"  # between a crate and the one inside of it
VERSION = "1.0/Serato ScratchLive Crate"


def write(tracks: Sequence[Track], out: Path, grouping: Grouping = by_style) -> None:
    """Write a crate with all tracks, and those of the grouping inside of it.

    Args:
        tracks: all of them on the drive of `out`.
        out: Serato's folder `_Serato_`, or the one in which it is.
        grouping: which crates there are inside.

    Raises:
        ExchangeError: a track is on another drive.
    """
    home = out if out.name == HOME else out / HOME
    drive = drive_of(home)
    _write(tracks, home / "Subcrates" / f"{FOLDER}.crate", drive)
    for crate in grouping(tracks):
        _write(crate.tracks, home / "Subcrates" / f"{FOLDER}{INSIDE}{file_name(crate.name)}.crate", drive)


def drive_of(folder: PurePath) -> PurePath:
    """The root of the drive that a folder is on, whether or not the folder is there yet."""
    folder = absolute(folder)
    if folder.drive:
        return type(folder)(folder.anchor)
    return next(parent for parent in (folder, *folder.parents) if os.path.ismount(parent))


def problem(path: PurePath, drive: PurePath) -> str:
    """Reason why a crate on a drive cannot hold a track, or ""."""
    path = absolute(path)
    if type(path) is not type(drive) or not path.is_relative_to(drive):
        return f"it is not on the drive of the crate, {drive}"
    try:
        str(path).encode("utf-16-be")
    except UnicodeEncodeError:
        return "its name is not UTF-8 text"
    return ""


def _write(tracks: Sequence[Track], out: Path, drive: PurePath) -> None:
    with replacing(out) as file:
        file.write(_record("vrsn", VERSION.encode("utf-16-be")))
        for track in tracks:
            reason = problem(track.path, drive)
            if reason:
                raise ExchangeError(f"{track.path}: {reason}")
            path = absolute(track.path).relative_to(drive).as_posix()
            file.write(_record("otrk", _record("ptrk", path.encode("utf-16-be"))))


def _record(tag: str, content: bytes) -> bytes:
    return tag.encode("ascii") + struct.pack(">I", len(content)) + content
