"""The embeddings of one model as a matrix, out of one column of the catalogue.

To read a million of them out of their rows takes minutes, so the matrix of a large collection is kept in a file beside
the catalogue, `catalogue.db-embeddings/`, and mapped into memory. The name of the file is a digest of what it was made
from (`STATE`): after any scan that heard something it is made anew, and the old one goes. It can be deleted any time.
"""

import hashlib
import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.files import replacement
from earmark.library.catalogue import rows
from earmark.library.embeddings import unit

logger = logging.getLogger(__name__)

KEPT: Final = 5000  # tracks from which on the matrix is kept in a file
BLOCK: Final = 4096  # rows that are read at once

# What was heard never changes under its number: `writing.keep_analysis` gives each new one a higher number.
STATE: Final = """
SELECT id, analysis FROM tracks
WHERE NOT +missing AND analysis IN (SELECT id FROM analyses WHERE model IN (SELECT id FROM models WHERE name = ?))
ORDER BY id
"""
_SIZES: Final = "SELECT length(embedding), count(*) FROM analyses WHERE model IN (SELECT id FROM models WHERE name = ?)"
_COLUMN: Final = """
SELECT tracks.id, embedding FROM tracks JOIN analyses ON analyses.id = tracks.analysis
WHERE NOT +missing AND analyses.model IN (SELECT id FROM models WHERE name = ?) AND length(embedding) = ?
ORDER BY tracks.id
"""
_MOST: Final = """
SELECT name FROM models JOIN analyses ON analyses.model = models.id JOIN tracks ON tracks.analysis = analyses.id
WHERE NOT missing GROUP BY name ORDER BY count(*) DESC, name LIMIT 1
"""


@dataclass(frozen=True)
class EmbeddingColumn:
    """The embeddings that one model gave the tracks that are there.

    A track whose embedding is all zeros, or of another length than most of that model's, is not among them.

    Attributes:
        model: its name; "" where nothing was heard.
        ids: of the tracks, rising, (tracks,).
        matrix: rows of length 1, (tracks, dims); perhaps mapped from a file, so not to be written to.
        file: where that file is; None for a small collection.
    """

    model: str
    ids: NDArray[np.int64]
    matrix: NDArray[np.float32]
    file: Path | None = None

    def places(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """The rows of tracks in their order, of those that have one, (at most tracks,)."""
        place = np.searchsorted(self.ids, ids)
        there = place < len(self.ids)
        there[there] = self.ids[place[there]] == ids[there]
        return place[there]


def read_column(connection: sqlite3.Connection, catalogue: Path, model: str) -> EmbeddingColumn:
    """The embeddings of a model, "" for the one that most tracks show."""
    if not model:
        found = connection.execute(_MOST).fetchone()
        if found is None:
            return EmbeddingColumn("", np.empty(0, np.int64), np.empty((0, 0), np.float32))
        model = rows.spoken(found[0])
    name = rows.text(model)
    with closing(connection.execute(STATE, (name,))) as cursor:
        state = np.array([tuple(row) for row in cursor], np.int64).reshape(-1, 2)
    if len(state) < KEPT:
        return EmbeddingColumn(model, *_read(connection, name))
    file = _file(catalogue, model, state)
    try:
        return EmbeddingColumn(model, *_mapped(file), file)
    except FileNotFoundError:
        ids, matrix = _read(connection, name)
    try:
        _keep(file, ids, matrix)
    except OSError as error:  # it is a convenience: the matrix is here
        logger.warning("%s: the embeddings could not be kept: %s", file, error.strerror)
        return EmbeddingColumn(model, ids, matrix)
    return EmbeddingColumn(model, *_mapped(file), file)


def _read(connection: sqlite3.Connection, name: str | bytes) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    sizes = Counter({size: count for size, count in connection.execute(f"{_SIZES} GROUP BY 1", (name,)) if size})
    size = max(sizes, key=lambda each: (sizes[each], each), default=0)
    blocks = list(_blocks(connection, name, size))
    if not blocks:
        return np.empty(0, np.int64), np.empty((0, size // 4), np.float32)
    ids, matrices = zip(*blocks, strict=True)
    return np.concatenate(ids), np.concatenate(matrices)


def _blocks(
    connection: sqlite3.Connection, name: str | bytes, size: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    with closing(connection.execute(_COLUMN, (name, size))) as cursor:
        while block := cursor.fetchmany(BLOCK):
            ids = np.array([row[0] for row in block], np.int64)
            matrix = np.frombuffer(b"".join(row[1] for row in block), "<f4").reshape(len(block), -1)
            there = matrix.any(1)
            yield ids[there], unit(matrix[there])


def _file(catalogue: Path, model: str, state: NDArray[np.int64]) -> Path:
    of_model = hashlib.sha256(model.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    of_state = hashlib.sha256(state.tobytes()).hexdigest()[:16]
    return catalogue.with_name(f"{catalogue.name}-embeddings") / f"{of_model}-{of_state}.npy"


def _mapped(file: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    ids = np.load(_ids(file), allow_pickle=False)
    return ids, np.load(file, mmap_mode="r", allow_pickle=False)


def _ids(file: Path) -> Path:
    return file.with_suffix(".ids.npy")


def _keep(file: Path, ids: NDArray[np.int64], matrix: NDArray[np.float32]) -> None:
    """Write the matrix, then the ids, which say that it is whole; remove those of an earlier state."""
    for path, array in ((file, matrix), (_ids(file), ids)):
        with replacement(path) as fresh, fresh.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)
    model = file.name.partition("-")[0]
    for other in os.scandir(file.parent):
        if other.name.startswith(f"{model}-") and not other.name.startswith(file.stem):
            with suppress(OSError):  # another process may have it open, on Windows
                os.unlink(other.path)  # noqa: PTH108  what scandir gives
