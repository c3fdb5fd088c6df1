"""Files replaced in one step, files found whatever the spelling of their names, and the folders of the user.

A file is written under a name of its own beside the one that it replaces, reaches the disk (fsync), and is renamed.
Whoever reads meanwhile, and whoever comes after a crash or a power cut, finds the old file or the new one, whole.

Conventions: the name of an unfinished file begins with "." and ends with ".part"; two processes that write the same
file do not share it, and the last one to finish wins. It is locked as long as its writer lives, so whoever writes the
same file next removes what a killed one left; but on Windows and on SMB shares, whose locks would be in
the writer's own way. Text is UTF-8 with the line ends that it is given.
"""

import errno
import io
import os
import shutil
import sys
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import platformdirs

if sys.platform != "win32":
    import fcntl

APP = "earmark"
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # errors of writing that name no file
WRITERS: Final = 16  # of one file at once, whose unfinished files can be removed later


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` at the end of the block, unless an error ends it."""
    with replacement(path) as fresh, fresh.open("wb") as file:
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
    """Make an empty file that takes the place of `path` at the end of the block, for writers that open it by name.

    Args:
        path: the file to replace; its folder is made if it is not there.
        suffix: the end of the name, for writers that choose the format by it.

    Raises:
        OSError: it cannot be written; it names `path`, also where the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _claimed(path, suffix) as fresh:
            yield fresh
            put(fresh, path)
    except OSError as error:
        if error.errno in FULL or str(error.filename).startswith(str(_hidden(path, ""))):
            raise OSError(error.errno, error.strerror, str(path)) from error  # the name that its user knows
        raise


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
            try:
                path.rename(old)
                fresh.rename(path)
            except BaseException:  # Ctrl-C among them
                if old.exists() and not path.exists():
                    old.rename(path)
                raise
        _sync_names(path.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if path.exists():  # else the old one is all that there is
            shutil.rmtree(old, ignore_errors=True)


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


def lock(handle: int, *, wait: bool = False) -> None:
    """Mark an open file as being written, until it is closed or its process ends.

    On Windows nothing is done: an open file cannot be removed there anyway.

    Raises:
        BlockingIOError: somebody else has marked it, and it is not waited for.
        OSError: this share cannot lock.
    """
    if sys.platform != "win32":
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def data_folder() -> Path:
    """The folder of this user for what earmark keeps: catalogue, journal, models.

    Raises:
        FileNotFoundError: this user has no home.
    """
    with _at_home():
        return platformdirs.user_data_path(APP, appauthor=False)


def cache_folder() -> Path:
    """The folder for what earmark can make again: `EARMARK_CACHE`, or the user's folder for that.

    Raises:
        FileNotFoundError: this user has no home.
    """
    if chosen := os.environ.get("EARMARK_CACHE"):
        return Path(chosen)
    with _at_home():
        return platformdirs.user_cache_path(APP, appauthor=False, opinion=False)


@contextmanager
def _at_home() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # a number without a name in a container
        raise FileNotFoundError(errno.ENOENT, "this user has no home folder: set HOME") from error


def absolute(path: str | os.PathLike[str]) -> Path:
    """The path from the root, without `..`; links stay what they are, so a path keeps the names that its user knows."""
    return Path(os.path.abspath(path))  # noqa: PTH100  what pathlib has instead follows links or keeps ".."


def composed(text: str) -> str:
    """A text in the form in which two spellings of it compare as equal: letters together with their accents (NFC)."""
    return unicodedata.normalize("NFC", text)


def as_spelled(path: Path) -> Path:
    """The path of the file that is there under this name, whether its letters and accents are stored as one or as two.

    macOS takes accents apart where most systems keep them together, so a list and the files that it names may spell
    the same names differently. The exact spelling goes first; where there is no such file, the path stays as it is.
    """
    if str(path).isascii() or os.path.lexists(path):
        return path
    return next(_spellings(path), path)


def _spellings(path: Path) -> Iterator[Path]:
    """All paths of files that read like this one, the exact spelling of each name first."""
    if path.parent == path:
        yield path
        return
    for folder in _spellings(path.parent):
        exact = folder / path.name
        if os.path.lexists(exact):
            yield exact
        if not path.name.isascii():
            alike = _names(folder).get(composed(path.name), ())
            yield from (folder / name for name in alike if name != path.name)


def _names(folder: Path) -> Mapping[str, list[str]]:
    """Names in a folder by their composed form; none where it cannot be read."""
    try:
        return _names_as_of(folder, folder.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=64)
def _names_as_of(folder: Path, _changed: int) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):  # noqa: PTH208  names, not paths
        if not name.isascii():
            found.setdefault(composed(name), []).append(name)
    return found


def _sync_names(folder: Path) -> None:
    """Have renames reach the disk, where the file system can do that: some shares cannot, and the files are there."""
    with suppress(OSError):
        sync(folder)


@contextmanager
def _claimed(path: Path, suffix: str) -> Iterator[Path]:
    """An unfinished file, which is removed at the end of the block unless it has been renamed."""
    fresh, handle = _claim(path, suffix)
    try:
        yield fresh
    finally:
        _release(fresh, handle)


def _claim(path: Path, suffix: str) -> tuple[Path, int | None]:
    """Make and lock an unfinished file under the first name at which nobody writes; remove what was left at the others.

    Returns:
        The file and the handle that locks it; none on Windows, and where locks keep the writer itself out.
    """
    if sys.platform != "win32":
        beginning = f"{zlib.crc32(os.fsencode(path.name)):08x}"
        names = (_hidden(path, f"{beginning}-{number}{suffix}") for number in range(WRITERS))
        fresh, handle = next(((name, made) for name in names if (made := _make(name)) is not None), (path, None))
        if handle is not None:
            all(map(_clear, names))  # as far as there are any
            if _is_writable(fresh):
                return fresh, handle
            _release(fresh, handle)
    fresh = _unfinished(path, suffix)
    fresh.touch(exist_ok=False)
    return fresh, None


def _make(fresh: Path) -> int | None:
    """Make an unfinished file and lock it; None where somebody else writes it."""
    _clear(fresh)
    try:
        handle = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return None
    with suppress(OSError):  # a share that cannot lock: nobody clears there, either
        lock(handle, wait=True)
    if _is_open(fresh, handle):
        return handle
    os.close(handle)  # somebody cleared it before it was locked
    return None


def _clear(fresh: Path) -> bool:
    """Remove an unfinished file whose writer is gone.

    Returns:
        Whether there was one, removed or not.
    """
    try:
        handle = os.open(fresh, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:  # a link, a folder, a file of another user: not ours to remove
        return os.path.lexists(fresh)
    with suppress(OSError):  # it is being written
        lock(handle)
        if _is_open(fresh, handle):
            fresh.unlink()
    os.close(handle)
    return True


def _is_writable(fresh: Path) -> bool:
    """Whether a locked file can be written by name: SMB shares refuse all handles but the one that holds the lock."""
    try:
        with fresh.open("wb", buffering=0) as file:
            file.write(b"?")
            file.truncate(0)
    except OSError:
        return False
    return True


def _release(fresh: Path, handle: int | None) -> None:
    """Unlock an unfinished file, and remove it unless it has been renamed: then another writer may have its name."""
    if handle is None:
        fresh.unlink(missing_ok=True)
        return
    if _is_open(fresh, handle):
        fresh.unlink()
    os.close(handle)


def _is_open(path: Path, handle: int) -> bool:
    """Whether a handle is that of the file which has this name now."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _unfinished(path: Path, suffix: str) -> Path:
    """A name that nobody else writes to."""
    return _hidden(path, f"{os.urandom(4).hex()}{suffix}")


def _hidden(path: Path, end: str) -> Path:
    """A hidden name beside a file: only the beginning of the true name, because that may be as long as names can."""
    return path.with_name(f".{path.name[:40]}.{end}")
