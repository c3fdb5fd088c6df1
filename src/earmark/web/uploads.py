"""Room for files that are sent: how many may be under way at once, and how much of the disk they may take together.

A file is under way from the first byte on until its answer is there. It lies on the disk twice while it is copied out
of the request, under a name that says what it is.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from earmark.web.ears import BusyError

COPIES: Final = 2  # of a file, at most


class Uploads:
    """The files that are sent, heard or waiting.

    Args:
        most: files at once.
        room: bytes on the disk for all of them; one alone may take more.
    """

    def __init__(self, most: int, room: int) -> None:
        self._most, self._room = most, room
        self._lock = threading.Lock()
        self._sizes: list[int] = []

    @contextmanager
    def under_way(self, size: int) -> Iterator[None]:
        """Keep room for a file as long as the block lasts.

        Args:
            size: its bytes, or the most that it may have.

        Raises:
            BusyError: there is none now.
        """
        with self._lock:
            taken = COPIES * (sum(self._sizes) + size)
            if len(self._sizes) >= self._most or (self._sizes and taken > self._room):
                raise BusyError("too many files are sent at once; try again in a moment")
            self._sizes.append(size)
        try:
            yield
        finally:
            with self._lock:
                self._sizes.remove(size)
