r"""Places of files in the words of other programs: URLs, and volumes with folders.

Conventions: a *place* is an absolute path of the system that it comes from: `C:\Music\a.mp3` is a `PureWindowsPath`
wherever it is read, so that a collection of one machine can be read on another. `located` leads from there to the files
of this one. What is written can be read back; names that are not UTF-8 travel as the bytes they are.

    rekordbox   file://localhost/Users/me/a%20b.mp3, file://localhost/C:/Music/a.mp3, file://localhost//server/share/a.mp3
    Traktor     VOLUME "Macintosh HD" or "C:", DIR "/:Users/:me/:", FILE "a b.mp3"; as one key: VOLUME + DIR + FILE
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Final
from urllib.parse import quote, unquote

from earmark import files

SCHEME: Final = "file://"
LOCAL: Final = "localhost"
DRIVE: Final = re.compile(r"[A-Za-z]:(?=[/\\]|$)")

VOLUMES: Final = PurePosixPath("/Volumes")  # where macOS mounts drives
BOOT: Final = "Macintosh HD"  # what its own is called unless somebody renamed it
SYSTEM: Final = frozenset({"Users", "Library", "home"})  # folders that only the drive with the system has at its top


def absolute(path: PurePath) -> PurePath:
    """The place of a path: a relative one begins at the current folder, and `..` is resolved as it is written."""
    if path.is_absolute() and ".." not in path.parts:
        return path
    return files.absolute(path)


def place(text: str) -> PurePath:
    r"""The place that a path as text stands for, in the form of the system that it comes from.

    >>> place("C:/Music/a.mp3"), place("/home/me/a.mp3")
    (PureWindowsPath('C:/Music/a.mp3'), PurePosixPath('/home/me/a.mp3'))
    """
    if DRIVE.match(text) or text.startswith("\\\\"):
        return PureWindowsPath(text)
    return PurePosixPath(text)


def to_url(path: PurePath) -> str:
    """A place as rekordbox writes it: always with the host, and one slash after it except before a server's name.

    >>> to_url(PurePosixPath("/home/me/ä #1.mp3"))
    'file://localhost/home/me/%C3%A4%20%231.mp3'
    """
    text = path.as_posix()
    if not path.drive:
        text = text.lstrip("/")  # POSIX allows two at the beginning, and then they are no server
    text = text if text.startswith("//") else f"/{text}"
    return f"{SCHEME}{LOCAL}{quote(text, safe='/:', errors='surrogateescape')}"


def from_url(url: str) -> PurePath | None:
    """The place that a URL names; None where it names no file: a track of a streaming service.

    Understood are the spellings of other programs, too: no host, a doubled slash, an escaped colon.
    """
    if not url.lower().startswith(SCHEME):
        return None
    host, slash, rest = url[len(SCHEME) :].partition("/")
    text = unquote(slash + rest, errors="surrogateescape")
    if not slash or "\0" in text:
        return None
    if DRIVE.match(text.lstrip("/")):
        return PureWindowsPath(text.lstrip("/"))
    if host.lower() not in ("", LOCAL):
        # "localhostspotify:track:..." is what rekordbox writes for a stream; a true host is a server with shares.
        return None if host.lower().startswith(LOCAL) else PureWindowsPath(f"//{host}{text}")
    if text.startswith("//") and os.name == "nt":
        return PureWindowsPath(text)
    return PurePosixPath("/" + text.lstrip("/"))


def to_volume(path: PurePath) -> tuple[str, tuple[str, ...]]:
    """The volume of a place as Traktor calls it, and the names of the folders and the file on it.

    Traktor composes the letters of names that macOS keeps apart from their accents.

    >>> to_volume(PureWindowsPath("C:/Music/a.mp3")), to_volume(PurePosixPath("/Volumes/Stick/Sets/a.mp3"))
    (('C:', ('Music', 'a.mp3')), ('Stick', ('Sets', 'a.mp3')))
    """
    if path.drive:
        return path.drive, path.parts[1:]
    names = tuple(files.composed(name) for name in path.parts[1:])
    if path.is_relative_to(VOLUMES) and len(names) > 2:  # noqa: PLR2004  "Volumes", the drive, and what is on it
        return names[1], names[2:]
    return boot_volume(), names


def from_volume(volume: str, names: tuple[str, ...]) -> PurePath:
    """The place of a file on a volume that Traktor names.

    What is not on a mounted drive is on the one with the system, if its path looks like that.
    """
    if DRIVE.match(volume) or volume.startswith("\\\\"):
        return PureWindowsPath(f"{volume}\\", *names)
    if _is_boot(volume) or (not _is_mounted(volume) and names[:1] and names[0] in SYSTEM):
        return PurePosixPath("/", *names)
    return VOLUMES.joinpath(volume, *names)


@cache
def boot_volume() -> str:
    """Name of the drive with the system on macOS; the usual one elsewhere."""
    if Path(VOLUMES).is_dir():
        for volume in sorted(Path(VOLUMES).iterdir()):
            if volume.is_symlink() and volume.resolve() == Path("/"):
                return files.composed(volume.name)
    return BOOT


def _is_boot(volume: str) -> bool:
    return volume in ("", boot_volume())


@cache
def _is_mounted(volume: str) -> bool:
    return os.path.isdir(VOLUMES / volume)  # noqa: PTH112  which takes names that are no names, too


def located(path: PurePath, moved: Mapping[str, Path] | None = None) -> Path:
    """The file on this machine that a place stands for, in the spelling that its name has here.

    Args:
        path: the place, of any machine.
        moved: what the beginning of a place becomes here; the longest that fits counts.
    """
    for old in sorted(moved or {}, key=len, reverse=True):
        beginning = place(old)
        if type(beginning) is type(path) and _composed(path).is_relative_to(_composed(beginning)):
            rest = path.parts[len(beginning.parts) :]
            return files.as_spelled(Path((moved or {})[old], *rest))
    return files.as_spelled(Path(path))


def _composed(path: PurePath) -> PurePath:
    return type(path)(files.composed(str(path)))
