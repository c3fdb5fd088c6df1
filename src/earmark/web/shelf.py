"""Pages of the catalogue from any place on.

The first page is asked of the index alone, so that each letter of a search is answered at once; for the others, the
list in the order of the search is kept as long as nothing changes; so is the map.
"""

import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.app.atlas import atlas
from earmark.app.catalogue import open_catalogue
from earmark.library import Query, Track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEPT = 8  # lists; one of 100,000 tracks takes 0.8 MB


class Shelf:
    """The lists of one catalogue.

    Args:
        path: of the catalogue.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lists: OrderedDict[tuple[object, ...], NDArray[np.int64]] = OrderedDict()
        self._lock = threading.Lock()
        self._map: tuple[tuple[object, ...], bytes] = (), b""
        self._drawing = threading.Lock()

    def page(
        self, query: Query, sort: str, start: int, limit: int, *, descending: bool = False
    ) -> tuple[int, list[Track]]:
        """How many tracks meet a query, and those from `start` on, at most `limit`.

        Args:
            query: the conditions.
            sort: as in `Catalogue.find`.
            start: of the page.
            limit: of the page.
            descending: as in `Catalogue.find`.

        Raises:
            CatalogueError: there is no catalogue, or it cannot be read.
        """
        key = (query, sort, descending, self._stamp())
        with open_catalogue(self._path) as opened:
            with self._lock:
                found = self._lists.get(key)
            if found is None and not start and not query.confidence:
                return opened.count(query), opened.find(query, limit=limit, sort=sort, descending=descending)
            if found is None:
                found = opened.ids(query, sort=sort, descending=descending)
                with self._lock:
                    self._lists[key] = found
                    while len(self._lists) > KEPT:
                        self._lists.popitem(last=False)
            return len(found), opened.by_ids(found[start : start + limit].tolist())

    def map(self, arranged: Path) -> bytes:
        """The map of all tracks as JSON; it is drawn anew where something has changed.

        Args:
            arranged: as in `atlas`.

        Raises:
            CatalogueError: there is no catalogue, or it cannot be read.
        """
        with self._drawing:
            stamp = self._stamp(arranged)
            if self._map[0] != stamp or not self._map[1]:
                with open_catalogue(self._path) as opened:
                    self._map = stamp, json.dumps(atlas(opened, arranged).as_json()).encode()
            return self._map[1]

    def _stamp(self, *others: Path) -> tuple[object, ...]:
        """The state of the files of the catalogue, and of others."""
        return tuple(map(_state, (self._path, self._path.with_name(self._path.name + "-wal"), *others)))


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of change of a file; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns
