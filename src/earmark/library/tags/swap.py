"""A file gives way to a changed copy of itself in one step, or stays what it is.

    copy with the patch -> owner, permissions, attributes -> fsync -> check -> times -> commit -> still the same?
    -> rename -> fsync of the folder

The copy lies beside the file under a name of its own, the same one each time, so that what a killed run has left behind
is found and cleared by the next.
"""

import hashlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from earmark.errors import TagError
from earmark.files import lock, sync
from earmark.library.tags.patch import Patch, apply

PREFIX: Final = ".earmark-"
WRITABLE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def look(path: Path) -> os.stat_result:
    """State of a file before it is changed.

    Raises:
        TagError: there is no such file, or nobody may write it.
    """
    try:
        seen = path.stat()
    except OSError as error:
        raise TagError(path, f"it cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(seen.st_mode):
        raise TagError(path, "it is not a file")
    if not seen.st_mode & WRITABLE:
        # Renaming would do it all the same, and override who wanted this file left alone.
        raise TagError(path, "it is read-only")
    return seen


def swap(
    path: Path,
    seen: os.stat_result,
    patch: Patch,
    check: Callable[[Path], None],
    commit: Callable[[], None],
    *,
    touch: bool = False,
) -> None:
    """Put a changed copy in the place of a file.

    Args:
        path: the file; not a link.
        seen: how it stood when the patch was made.
        patch: the change.
        check: raises where the copy, whose path it is given, is not what it should be.
        commit: is called when all is ready, before the rename.
        touch: let the time of change be now; else it stays.

    Raises:
        TagError: it could not be done; the file is what it was.
    """
    copy = temporary(path)
    try:
        clear(copy)
        sink = copy.open("xb")
        try:  # from here on the copy is ours
            _fill(path, copy, sink, patch)
            _check(path, seen, copy, check)
            changed = time.time_ns() if touch else seen.st_mtime_ns
            os.utime(copy, ns=(seen.st_atime_ns, changed))  # the check has read it
            _require_unchanged(path, seen)
            commit()
            _require_unchanged(path, seen)
            copy.replace(path)
        finally:
            copy.unlink(missing_ok=True)
        with suppress(OSError):  # some shares cannot; the file is changed all the same
            sync(path.parent)
    except OSError as error:
        raise TagError(path, f"not changed: {error.strerror or error}") from error
    except ValueError as error:
        raise TagError(path, f"not changed: {error}") from error


def temporary(path: Path) -> Path:
    """Path of the copy of a file; the name is short, because that of the file may be as long as names can be."""
    return path.with_name(f"{PREFIX}{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}{path.suffix[:16]}")


def clear(copy: Path) -> None:
    """Remove what a killed run has left behind.

    Raises:
        BlockingIOError: another process is writing it at this moment.
    """
    with suppress(FileNotFoundError):
        with copy.open("r+b") as file:  # NFS locks only what may be written
            lock(file.fileno())
        copy.unlink()


def _fill(path: Path, copy: Path, sink: BinaryIO, patch: Patch) -> None:
    with sink, path.open("rb") as source:
        try:
            lock(sink.fileno())
        except BlockingIOError:  # somebody clears it
            raise
        except OSError:  # a share that cannot lock: nobody clears there
            pass
        apply(patch, source, sink.write)
        sink.flush()
        _keep_appearance(path, copy)
        os.fsync(sink.fileno())


def _check(path: Path, seen: os.stat_result, copy: Path, check: Callable[[Path], None]) -> None:
    try:
        check(copy)
    except TagError:
        _require_unchanged(path, seen)  # or that is the true reason
        raise


def _keep_appearance(path: Path, copy: Path) -> None:
    """Owner, permissions, extended attributes and times, as far as this user may set them."""
    if sys.platform != "win32":
        seen = path.stat()
        with suppress(PermissionError):  # only the superuser gives files away; the group may still be ours to give
            os.chown(copy, -1, seen.st_gid)
        with suppress(PermissionError):
            os.chown(copy, seen.st_uid, -1)
    shutil.copystat(path, copy)


def _require_unchanged(path: Path, seen: os.stat_result) -> None:
    now = path.stat()
    if any(getattr(now, fact) != getattr(seen, fact) for fact in ("st_size", "st_mtime_ns", "st_ino", "st_dev")):
        raise TagError(path, "not changed: another program has written it in the meantime")
