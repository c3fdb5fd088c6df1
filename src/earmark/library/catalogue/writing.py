"""Changes of the tables; each function within a transaction of its caller."""

import sqlite3
import time
from typing import Final

from earmark.analysis import Analysis
from earmark.library.catalogue import rows
from earmark.library.catalogue.rows import Cell
from earmark.library.track import Track

HEARD: Final = """
SELECT analyses.id FROM analyses JOIN models ON models.id = analyses.model WHERE content = ? AND version = ?
ORDER BY analyses.model DESC LIMIT 1
"""

# What a search looks at stands with the track as well.
_SHOW: Final = """
UPDATE tracks SET (analysis, style, family, bpm, camelot)
= (SELECT id, style, family, bpm, camelot FROM analyses WHERE id = ?)
"""


def note(connection: sqlite3.Connection, track: Track, moved: int = 0) -> int:
    """Write what is known of a file, but for what was heard in it.

    Args:
        connection: to the catalogue.
        track: its path decides which row it has.
        moved: the id of the track that has moved to this path, if one did.

    Returns:
        Its id.
    """
    cells: dict[str, Cell] = {
        "path": rows.text(str(track.path)),
        "size": track.size,
        "modified": track.modified,
        "fingerprint": rows.text(track.content_hash),
        "missing": int(track.missing),
        "error": rows.text(track.error),
        **rows.tag_cells(track.tags),
    }
    row = connection.execute("SELECT id FROM tracks WHERE path = ?", (cells["path"],)).fetchone()
    found = int(row[0]) if row else moved  # another scan may have been quicker
    if moved and not row:
        former = "INSERT INTO moves (track, path, moved) SELECT id, path, ? FROM tracks WHERE id = ?"
        connection.execute(former, (_now(), moved))
    if not found:
        return insert(connection, "tracks", {**cells, "added": _now()})
    settings = ", ".join(f"{column} = ?" for column in cells)
    connection.execute(f"UPDATE tracks SET {settings} WHERE id = ?", (*cells.values(), found))  # noqa: S608  our columns
    return found


def keep_analysis(connection: sqlite3.Connection, content_hash: str, analysis: Analysis, version: str) -> None:
    """Write what was heard, in the place of what an older version of the model heard, and show it in all copies."""
    content = rows.text(content_hash)
    model = _model(connection, rows.model_cells(analysis, version))
    cells = {"content": content, "model": model, **rows.analysis_cells(analysis)}
    found = connection.execute("SELECT id FROM analyses WHERE content = ? AND model = ?", (content, model)).fetchone()
    if found:
        settings = ", ".join(f"{column} = ?" for column in cells)
        connection.execute(f"UPDATE analyses SET {settings} WHERE id = ?", (*cells.values(), found[0]))  # noqa: S608  the same
        number = found[0]
    else:
        number = insert(connection, "analyses", cells)
    connection.execute(f"{_SHOW} WHERE fingerprint = ?", (number, content))
    older = "DELETE FROM analyses WHERE content = ? AND id <> ? AND model IN (SELECT id FROM models WHERE name = ?)"
    connection.execute(older, (content, number, rows.text(analysis.model)))


def show(connection: sqlite3.Connection, track: int, version: str) -> None:
    """Let a track show what a version of a model has heard of its content, or nothing."""
    (content,) = connection.execute("SELECT fingerprint FROM tracks WHERE id = ?", (track,)).fetchone()
    heard = connection.execute(HEARD, (content, rows.text(version))).fetchone()
    if heard:
        connection.execute(f"{_SHOW} WHERE id = ?", (heard[0], track))
    else:
        nothing = "UPDATE tracks SET analysis = NULL, style = '', family = '', bpm = NULL, camelot = '' WHERE id = ?"
        connection.execute(nothing, (track,))


def insert(connection: sqlite3.Connection, table: str, cells: dict[str, Cell]) -> int:
    """Insert a row and return its id."""
    places = ", ".join("?" * len(cells))
    sql = f"INSERT INTO {table} ({', '.join(cells)}) VALUES ({places})"  # noqa: S608  our own names
    return int(connection.execute(sql, tuple(cells.values())).lastrowid or 0)


def _model(connection: sqlite3.Connection, cells: dict[str, Cell]) -> int:
    where = " AND ".join(f"{column} = ?" for column in cells)
    found = connection.execute(f"SELECT id FROM models WHERE {where}", tuple(cells.values())).fetchone()  # noqa: S608  the same
    return int(found[0]) if found else insert(connection, "models", cells)


def _now() -> int:
    """Seconds since 1970."""
    return int(time.time())
