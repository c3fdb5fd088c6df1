"""One server for each catalogue: two would do the same jobs twice and write over each other's notes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from earmark.errors import EarmarkError


@contextmanager
def alone(catalogue: Path) -> Iterator[None]:
    """Keep other servers from a catalogue. SQLite holds the lock, so whatever ends the process ends that, too.

    Raises:
        EarmarkError: another server has it, or nothing can be written beside it.
    """
    path = catalogue.with_name(catalogue.stem + ".serving")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise EarmarkError(f"{path}: cannot be written: {error}") from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            reason = "another `earmark serve` has this catalogue; --catalogue names another one"
            raise EarmarkError(f"{catalogue}: {reason if busy else error}") from error
        yield
