"""A model that hears files a few at once, for everybody who asks; when too many wait, the next one is refused."""

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from earmark.app.listening import open_listener
from earmark.errors import EarmarkError
from earmark.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from earmark.analysis import Analysis
    from earmark.runner import Outcome

T = TypeVar("T")


class BusyError(EarmarkError):
    """Too many files wait for the model."""


class Ears:
    """A model with a waiting room.

    Args:
        model: tells the name or folder of the model now; it is opened when a file comes, once for each thread.
        waiting: files that may wait or be heard at once.
        threads: files that are heard at once; by default one for each core.
    """

    def __init__(self, model: "Callable[[], str]", waiting: int, threads: int = 0) -> None:
        threads = threads or os.cpu_count() or 1
        self._model = model
        self._here = threading.local()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ears")
        self._room = threading.BoundedSemaphore(waiting + threads)

    def hear(self, path: Path) -> "Future[Outcome[Analysis]]":
        """Hear a file as soon as it is its turn.

        Raises:
            BusyError: too many wait; nothing was begun.
        """
        return self.do(lambda: run(path, self._listener()))

    def do(self, work: "Callable[[], T]") -> "Future[T]":
        """Do other work of the model's kind as soon as it is its turn.

        Raises:
            BusyError: too many wait; nothing was begun.
        """
        if not self._room.acquire(blocking=False):
            raise BusyError("too many files wait to be heard; try again in a moment")
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._room.release())
        return future

    def close(self) -> None:
        """Hear what is under way, and nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _listener(self) -> "Callable[[Path], Analysis]":
        name = self._model()
        if getattr(self._here, "name", None) != name:
            self._here.listener, self._here.name = open_listener(name), name
        listener: Callable[[Path], Analysis] = self._here.listener
        return listener
