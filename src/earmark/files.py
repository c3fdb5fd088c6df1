"""Files replaced in one step, the folders of the user, and absolute paths.

A file is written under a name of its own beside the one that it replaces, reaches the disk (fsync), and is renamed.
Whoever reads meanwhile, and whoever comes after a crash or a power cut, finds the old file or the new one, whole.

Conventions: the name of an unfinished file begins with "." and ends with ".part"; two processes that write the same
file do not share it, and the last one to finish wins. Text is UTF-8 with the line ends that it is given.
"""

import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO
from uuid import uuid4

import platformdirs

APP = "earmark"


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` at the end of the block, unless an error ends it."""
    with replacement(path) as fresh, fresh.open("xb") as file:
        yield file


@contextmanager
def replacing_text(path: Path, errors: str = "strict") -> Iterator[TextIO]:
    """Open a text file that takes the place of `path` at the end of the block, unless an error ends it."""
    with replacing(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors=errors, newline="")
        yield text
        text.detach()  # writes what it still holds


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, replacing one that stands there."""
    with replacing(path) as file:
        file.write(content)


def write_text(path: Path, text: str, errors: str = "strict") -> None:
    """Write a file as UTF-8, replacing one that stands there."""
    write_bytes(path, text.encode(errors=errors))


@contextmanager
def replacement(path: Path, suffix: str = ".part") -> Iterator[Path]:
    """Give the name of a file that takes the place of `path` at the end of the block, for writers that open it.

    Args:
        path: the file to replace; its folder is made if it is not there.
        suffix: the end of the name, for writers that choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _unfinished(path, suffix)
    try:
        yield fresh
        put(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder, for files only, that takes the place of the folder `path` at the end of the block.

    Two renames are needed, so for a moment there is no folder of that name; if the second fails, the first is undone.
    """
    fresh, old = (_unfinished(path, suffix) for suffix in (".new", ".old"))
    fresh.mkdir(parents=True)
    try:
        yield fresh
        for each in fresh.iterdir():
            sync(each)
        _sync_names(fresh)
        if not path.exists():
            fresh.rename(path)
        else:
            path.rename(old)
            try:
                fresh.rename(path)
            except OSError:
                old.rename(path)
                raise
        _sync_names(path.parent)
    finally:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)


def put(fresh: Path, path: Path) -> None:
    """Rename a finished file to `path`, once its content is on the disk: a power cut cannot leave it empty."""
    sync(fresh)
    fresh.replace(path)
    _sync_names(path.parent)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, reach the disk. Windows keeps the names in a folder by itself."""
    if sys.platform == "win32" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def data_folder() -> Path:
    """The folder of this user for what earmark keeps: catalogue, journal, models."""
    return platformdirs.user_data_path(APP, appauthor=False)


def cache_folder() -> Path:
    """The folder of this user for what earmark can make again."""
    return platformdirs.user_cache_path(APP, appauthor=False, opinion=False)


def absolute(path: str | os.PathLike[str]) -> Path:
    """The path from the root, without `..`; links stay what they are, so a path keeps the names that its user knows."""
    return Path(os.path.abspath(path))  # noqa: PTH100  what pathlib has instead follows links or keeps ".."


def _sync_names(folder: Path) -> None:
    """Have renames reach the disk, where the file system can do that: some shares cannot, and the files are there."""
    with suppress(OSError):
        sync(folder)


def _unfinished(path: Path, suffix: str) -> Path:
    """A name that nobody else writes to; the beginning of the true name, because that may be as long as names can."""
    return path.with_name(f".{path.name[:40]}.{uuid4().hex[:8]}{suffix}")
