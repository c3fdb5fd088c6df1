"""A model that hears files a few at once, for everybody who asks; when too many wait, the next one is refused.

A model is opened once and shared. What was heard last stays in memory, known by the sound itself, so that a question
about a file that is sent again (why? what sounds alike?) hears nothing again; the file itself is not kept.
"""

import math
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from earmark.app.listening import open_listener
from earmark.errors import EarmarkError
from earmark.hearing.bundle import CONFIG
from earmark.library.content import content_hash
from earmark.runner import StoppedError, run, usable_cores
from earmark.web.waveform import Drawing, Outline

if TYPE_CHECKING:
    from collections.abc import Callable

    from earmark.analysis import Analysis
    from earmark.audio import Waveform
    from earmark.hearing import Listener, Model
    from earmark.runner import Outcome

T = TypeVar("T")

MODELS: Final = 2  # that stay open: the one that hears, and the one that filled the catalogue
REMEMBERED: Final = 64  # files of which it is known what was heard; a few kB each


class BusyError(EarmarkError):
    """Too many files wait for the model."""


class LateError(EarmarkError):
    """A file takes longer to be heard than anybody waits."""


@dataclass(frozen=True)
class Heard:
    """A file that was heard: the analysis, the hash of its content, and the outline of its sound."""

    analysis: "Analysis"
    content: str
    outline: Outline


class Ears:
    """A model with a waiting room.

    Args:
        model: tells the name or folder of the model now; it is opened when a file comes.
        waiting: files that may wait or be heard at once.
        threads: files that are heard at once; by default one for each core.
        patience: seconds after which a file is given up: a day of silence makes a small file.
    """

    def __init__(
        self, model: "Callable[[], str]", waiting: int, threads: int = 0, *, patience: float = math.inf
    ) -> None:
        threads = threads or usable_cores()
        self._model = model
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[Listener, int]] = OrderedDict()  # with the age of its files
        self._known: OrderedDict[tuple[str, str, int], Heard] = OrderedDict()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ears")
        self._patience = patience
        self._stopped = False
        self._room = threading.BoundedSemaphore(waiting + threads)

    def hear(self, path: Path) -> "Future[Outcome[Heard]]":
        """Hear a file as soon as it is its turn.

        Raises:
            BusyError: too many wait; nothing was begun.
        """
        return self.do(lambda: run(path, self.heard))

    def do(self, work: "Callable[[], T]") -> "Future[T]":
        """Do other work of the model's kind as soon as it is its turn.

        Raises:
            BusyError: too many wait; nothing was begun.
            StoppedError: the server stops.
        """
        if self._stopped:
            raise StoppedError("the server stops")
        if not self._room.acquire(blocking=False):
            raise BusyError("too many files wait to be heard; try again in a moment")
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._room.release())
        return future

    def stop(self) -> None:
        """Give up what is under way, and hear nothing more."""
        self._stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Stop, and wait until nothing is under way."""
        self.stop()
        self._pool.shutdown(wait=True)

    @property
    def model(self) -> "Model":
        """The model that hears, open."""
        return self._listener(self._model())[0].model

    def heard(self, path: Path, model: str = "") -> Heard:
        """Hear a file now, or remember what was heard in it; within `do`, so that not too many do it at once.

        Args:
            path: the file.
            model: the name of another model than the one that hears.

        Raises:
            UnreadableAudio: it cannot be heard.
            BundleError: there is no such model.
            LateError: it takes too long.
            StoppedError: the server stops.
        """
        listener, age = self._listener(model or self._model())
        key = content_hash(path), str(listener.model.folder), age
        with self._lock:
            found = self._known.get(key)
        if found is None:
            drawing = Drawing(listener.model.config.sample_rate)
            found = Heard(listener(path, tap=self._while_awaited(drawing.add)), key[0], drawing.outline())
            with self._lock:
                self._known[key] = found
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return replace(found, analysis=replace(found.analysis, path=path))

    def _while_awaited(self, take: "Callable[[Waveform], None]") -> "Callable[[Waveform], None]":
        """Takes blocks until it is too late for them."""
        end = time.monotonic() + self._patience

        def taking(block: "Waveform") -> None:
            if self._stopped:
                raise StoppedError("the server stops")
            if time.monotonic() > end:
                raise LateError("it could not be heard in time")
            take(block)

        return taking

    def listener(self, model: str) -> "Callable[[Path], Analysis]":
        """Hears files with a model of this name, or remembers what it heard."""
        return lambda path: self.heard(path, model).analysis

    def _listener(self, name: str) -> "tuple[Listener, int]":
        """The model of a name, opened again where another one lies in its place, and the age of its files."""
        with self._lock:
            named = (each for each, (opened, _) in self._open.items() if name in (each, opened.model.config.name))
            known = next(named, name)
            if known in self._open and self._open[known][1] != _age(self._open[known][0].model.folder):
                del self._open[known]
            if known not in self._open:
                opened = open_listener(known)
                self._open[known] = opened, _age(opened.model.folder)
            self._open.move_to_end(known)
            while len(self._open) > MODELS:
                self._open.popitem(last=False)
            return self._open[known]


def _age(folder: Path) -> int:
    """When a model was written; 0 if it is gone."""
    try:
        return (folder / CONFIG).stat().st_mtime_ns
    except FileNotFoundError:
        return 0
