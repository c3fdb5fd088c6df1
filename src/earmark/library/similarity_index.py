"""Candidates for the nearest of a large collection, from a graph of neighbours on the disk (usearch, extra `large`).

To compare a million directions one by one takes a tenth of a second and half a gigabyte of memory. The graph (HNSW) is
walked instead; it lies beside the matrix of `catalogue.column`, is mapped into memory, and is made when it is first
asked for. What it finds is compared exactly afterwards, so that an error of the graph can miss a track, but never gives
a wrong score or order.

References: Y. Malkov and D. Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical
navigable small world graphs", IEEE TPAMI 42(4), 2020.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from earmark.files import replacement

logger = logging.getLogger(__name__)

SUFFIX: Final = ".usearch"
NEIGHBOURS: Final = 16  # of each track in the graph
CARE: Final = 128  # tracks that are looked at when one is added


class Graph:
    """A graph of directions; `files` has the reason for its folder."""

    def __init__(self, index: Any) -> None:  # noqa: ANN401  usearch has no types
        self._index = index

    @classmethod
    def open(cls, file: Path, blocks: Iterable[NDArray[np.float32]], axes: int) -> Self | None:
        """The graph of a file, made from blocks of directions if there is none; None without the extra `large`.

        Args:
            file: of the matrix that it belongs to.
            blocks: of directions in the order of the matrix, each (rows, axes).
            axes: their number.
        """
        try:
            from usearch.index import Index  # noqa: PLC0415  an extra
        except ModuleNotFoundError:
            logger.info("without the extra `large` every track of a large collection is compared")
            return None
        path = file.with_suffix(SUFFIX)
        if not path.exists():
            index = Index(ndim=axes, metric="ip", dtype="f16", connectivity=NEIGHBOURS, expansion_add=CARE)
            start = 0
            for block in blocks:
                index.add(np.arange(start, start + len(block)), block)
                start += len(block)
            with replacement(path) as fresh:
                index.save(str(fresh))
        return cls(Index.restore(str(path), view=True))

    def candidates(self, directions: NDArray[np.float32], count: int) -> NDArray[np.intp]:
        """Rows that are among the nearest of any of the directions, rising, (rows,)."""
        self._index.expansion_search = count
        found = [self._index.search(direction, count).keys for direction in directions]
        return np.unique(np.concatenate(found)).astype(np.intp)
