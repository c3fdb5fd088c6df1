"""Embeddings of a collection: one matrix per model, and the nearest neighbours in it.

An embedding is a place in a space that belongs to its model; only those of one model can be compared. Rows have length
1, so that the product of two rows is their cosine: 1 for the same direction, 0 for nothing in common.

Nearest neighbours are exact: every row is compared, a block of queries at a time, so that a block of products and never
the whole square is in memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.library.track import Track

PRODUCTS: Final = 1 << 24  # that are in memory at once: 64 MiB


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of the tracks that one model heard.

    Attributes:
        model: its name.
        tracks: one for each row, without their analyses: a collection does not fit into memory with them.
        durations: of the tracks in seconds, (tracks,).
        matrix: rows of length 1, (tracks, dims).
    """

    model: str
    tracks: tuple[Track, ...]
    durations: NDArray[np.float64]
    matrix: NDArray[np.float32]

    def nearest(self, queries: NDArray[np.floating], count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Nearest rows to each query, and their cosines; the nearest first, of equals the first row.

        Args:
            queries: of any length, (queries, dims).
            count: how many neighbours each gets; all rows where there are fewer.

        Shape: (queries, count) both.
        """
        count = min(count, len(self.matrix))
        rows = np.empty((len(queries), count), np.intp)
        cosines = np.empty((len(queries), count), np.float32)
        directions = unit(queries)
        block = max(1, PRODUCTS // max(1, len(self.matrix)))
        for start in range(0, len(queries), block):
            found = directions[start : start + block] @ self.matrix.T  # (block, tracks)
            order = np.argsort(-found, axis=1, kind="stable")[:, :count]
            rows[start : start + block] = order
            cosines[start : start + block] = np.take_along_axis(found, order, axis=1)
        return rows, cosines


def read_embeddings(tracks: Iterable[Track]) -> list[Embeddings]:
    """Embeddings of tracks, in their order; one matrix for each model, the first that occurs first.

    A track without analysis, or with an embedding of zeros, has no row. Two models of one name whose embeddings differ
    in length are two.
    """
    heard: dict[tuple[str, int], list[tuple[Track, float, NDArray[np.float32]]]] = {}
    for track in tracks:
        analysis = track.analysis
        if analysis is not None and np.any(analysis.embedding):
            row = replace(track, analysis=None), analysis.duration, unit(analysis.embedding)
            heard.setdefault((analysis.model, analysis.embedding.size), []).append(row)
    return [
        Embeddings(
            model,
            tuple(track for track, _, _ in rows),
            np.array([duration for _, duration, _ in rows]),
            np.stack([direction for _, _, direction in rows]),
        )
        for (model, _), rows in heard.items()
    ]


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Vectors at length 1; one of zeros stays zero.

    Shape: (..., dims), as given.
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
