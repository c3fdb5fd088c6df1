"""The audio files below a folder, and what is left out there.

Conventions: a file counts by the suffix of its name; names that begin with a dot do not, be they trash or what macOS
puts beside the files of other systems. A link to a folder is followed once: after everything else, and neither where
that folder was walked already nor where it leads back up, to a folder in which the link or the whole lies.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from earmark.audio import SUFFIXES
from earmark.errors import UnreadableAudio

Identity: TypeAlias = tuple[int, int] | str
Skipped: TypeAlias = Callable[[UnreadableAudio], object]


def audio_below(folder: Path, skipped: Skipped = lambda _: None) -> Iterator[Path | UnreadableAudio]:
    """The audio files below a folder, sorted, those behind links last; in its place, each folder that cannot be read.

    Args:
        folder: where to look.
        skipped: is told of all else that might hold music and is left out: hidden names, and links not followed.
    """
    links: deque[Path] = deque()
    walked: list[Path] = []

    def enter(inner: Path) -> bool:
        walked.append(inner)
        return True

    yield from _walk(folder, enter, links, skipped)
    if not links:
        return
    above = set(map(_identity, folder.resolve().parents))
    seen = set(map(_identity, walked))

    def enter_once(inner: Path) -> bool:
        identity = _identity(inner)
        new = identity not in seen
        seen.add(identity)
        return new

    while links:
        link = links.popleft()
        target = _identity(link)
        if target in above or target in map(_identity, link.parent.resolve().parents):
            skipped(UnreadableAudio(link, "a link to a folder that it lies in: not followed"))
        elif target in seen:
            skipped(UnreadableAudio(link, "a link to a folder that was looked into already"))
        else:
            yield from _walk(link, enter_once, links, skipped)


def _walk(
    top: Path, enter: Callable[[Path], bool], links: deque[Path], skipped: Skipped
) -> Iterator[Path | UnreadableAudio]:
    """Files of a folder, then those of the folders in it; links to folders are put aside."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        if not enter(folder):
            continue
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield UnreadableAudio(folder, f"this folder cannot be read: {error.strerror}")
            continue
        inside: list[Path] = []
        for entry in found:
            path = Path(folder, entry.name)
            is_folder, is_audio = _is_folder(entry), path.suffix.lower() in SUFFIXES
            if entry.name.startswith("."):
                if is_folder or is_audio:
                    skipped(UnreadableAudio(path, "its name begins with a dot"))
            elif is_folder:
                (links if _is_link(entry) else inside).append(path)
            elif is_audio:
                yield path
            elif entry.is_symlink() and not os.path.exists(path):  # noqa: PTH110  which takes paths that are too long
                skipped(UnreadableAudio(path, "a link to nothing"))
        waiting += reversed(inside)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, a place where nobody may look
        return False


def _is_link(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a link, or what Windows has instead."""
    return entry.is_symlink() or bool(getattr(entry, "is_junction", bool)())


def _identity(folder: Path) -> Identity:
    """What is the same for two paths of one folder: device and inode, or the true path where there are none."""
    try:
        status = folder.stat()
    except OSError:
        return os.path.realpath(folder)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(folder)


def inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the audio files that lie in a folder itself, sorted; hidden ones are left out.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        seen = [entry for entry in sorted(entries, key=lambda entry: entry.name) if not entry.name.startswith(".")]
    folders = [Path(folder, entry.name) for entry in seen if _is_folder(entry)]
    taken = set(folders)
    others = [path for entry in seen if (path := Path(folder, entry.name)) not in taken]
    return folders, [path for path in others if path.suffix.lower() in SUFFIXES]
