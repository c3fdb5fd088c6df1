"""The file of a catalogue: opened, checked, and brought up to date by migrations, each with a name.

A migration is a file of SQL in `migrations/`; which ones were made stands in the table `migrations`. One that is
unknown here was made by a newer earmark, which alone knows what the tables mean: such a catalogue is refused.

Conventions: SQLite in WAL mode, so that readers never wait; foreign keys are checked; what is committed is on the disk
(`synchronous=FULL`), a power failure takes nothing back. A writer waits `PATIENCE` for another one.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from earmark.errors import CatalogueError

MIGRATIONS: Final = Path(__file__).with_name("migrations")
APPLICATION: Final = int.from_bytes(b"earm", "big")  # stands in the header of the file and says whose it is
PATIENCE: Final = 30.0  # seconds

# Extended codes come with their primary code in the lowest byte.
_REASONS: Final = {
    sqlite3.SQLITE_BUSY: f"another program has been writing to it for {PATIENCE:.0f} s; try again when it has finished",
    sqlite3.SQLITE_LOCKED: "another program holds it; try again when it has finished",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is not a catalogue",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
}


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a catalogue and bring it up to date.

    Raises:
        CatalogueError: there is none and none may be created, or it is something else, or of a newer earmark.
    """
    if not create and not path.exists():
        raise CatalogueError(f"{path}: there is no catalogue here; `earmark scan FOLDER` makes one")
    if create:
        _make_folder(path.parent)
    with translated(path):
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        with translated(path):
            _require_ours(connection, path)
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Say in our words what went wrong with a database."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        raise CatalogueError(f"{path}: {_REASONS.get(code, error)}") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written within is committed together, or nothing is."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise


@cache
def migrations() -> tuple[tuple[str, str], ...]:
    """All migrations, name and SQL, in their order."""
    return tuple((file.stem, file.read_text(encoding="utf-8")) for file in sorted(MIGRATIONS.glob("*.sql")))


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and tables:
        raise CatalogueError(f"{path}: it is a database of another program")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    done = _done(connection)
    names = {name for name, _ in migrations()}
    if newer := sorted(done - names):
        raise CatalogueError(f"{path}: it was made by a newer earmark, which added {', '.join(newer)}; update earmark")
    if done == names:
        return
    with transaction(connection):
        done = _done(connection)  # another process may have been quicker
        connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, made TEXT NOT NULL)")
        for name, sql in migrations():
            if name not in done:
                for statement in _statements(sql):
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?, datetime('now'))", (name,))


def _done(connection: sqlite3.Connection) -> set[str]:
    """The names of the migrations that were made."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone():
        return set()
    with closing(connection.execute("SELECT name FROM migrations")) as rows:
        return {name for (name,) in rows}


def _statements(sql: str) -> Iterator[str]:
    """The statements of a script one by one: sqlite3 runs a whole script outside of any transaction only."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueError(f"{folder}: the folder of the catalogue cannot be made: {error.strerror}") from error
