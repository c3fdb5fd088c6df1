"""Long work: one thing after the other, noted on disk, so that a server that was killed goes on with it.

Conventions: a job is a kind of work and its arguments, both JSON. `queued` and `running` jobs are begun again when a
server starts; the works themselves skip what is done already. Progress is told to whoever asks, not written down.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias
from uuid import uuid4

from earmark import files
from earmark.errors import EarmarkError
from earmark.runner import StoppedError
from earmark.web import notes

logger = logging.getLogger(__name__)

KEPT = 50  # finished jobs that are still listed
LINES = 200  # of complaints, for each job


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Job:
    """Long work, as it stands now.

    Attributes:
        id: its name.
        kind: of work.
        arguments: of the work.
        state: where it stands.
        asked: when it was asked for, in seconds since 1970.
        done: how many things are done,
        total: of so many,
        unit: and what they are called.
        seconds: since the first of them was begun.
        lines: complaints, the last ones.
        result: of the work, JSON; None before the end.
        error: why it failed; "" if it did not.
    """

    id: str
    kind: str
    arguments: dict[str, Any]
    state: State = State.QUEUED
    asked: float = 0.0
    done: int = 0
    total: int = 0
    unit: str = ""
    seconds: float = 0.0
    lines: tuple[str, ...] = ()
    result: Any = None
    error: str = ""

    @property
    def left(self) -> float | None:
        """Seconds that it will still take, by its rate so far; None as long as nobody can tell."""
        if not self.done or self.state is not State.RUNNING:
            return None
        return self.seconds / self.done * (self.total - self.done)

    def as_json(self) -> dict[str, Any]:
        """The job as it stands in JSON, with the seconds that are left; of its tracks, how many they are."""
        arguments = dict(self.arguments)
        if isinstance(arguments.get("tracks"), list):
            arguments["tracks"] = len(arguments["tracks"])
        return {**asdict(replace(self, arguments=arguments)), "seconds_left": self.left}


class Cancelled(Exception):  # noqa: N818  no error: somebody asked for it
    """The work is to stop; what is done stays done."""


class FullError(EarmarkError):
    """Too many jobs wait."""


@dataclass
class Report:
    """The ear of a work's progress.

    Attributes:
        jobs: where it is told.
        id: of the job.
    """

    jobs: "Jobs"
    id: str

    @contextmanager
    def counting(self, total: int, unit: str) -> Iterator[Callable[[], None]]:
        """Count things; a `progress.Counting`."""
        began, done = time.monotonic(), 0

        def advance() -> None:
            nonlocal done
            done += 1
            self._tell(done=done, total=total, unit=unit, seconds=time.monotonic() - began)

        self._tell(done=0, total=total, unit=unit, seconds=0.0)
        yield advance

    @contextmanager
    def staging(self) -> Iterator[Callable[[str, float], None]]:
        """Tell of work in stages, in hundredths; a `progress.Staging`."""
        began = time.monotonic()

        def advance(title: str, share: float) -> None:
            self._tell(done=round(100 * share), total=100, unit=f"% {title}", seconds=time.monotonic() - began)

        yield advance

    def complain(self, line: object) -> None:
        """Note a complaint."""
        with self.jobs.lock:
            job = self.jobs.known[self.id]
            self.jobs.known[self.id] = replace(job, lines=(*job.lines, str(line))[-LINES:])

    def keep(self, **chosen: Any) -> None:  # noqa: ANN401  arguments of the work
        """Note arguments that the work chose itself, so that it goes on with them where it is cut."""
        with self.jobs.lock:
            job = self.jobs.known[self.id]
            self.jobs.note(replace(job, arguments={**job.arguments, **chosen}))

    def _tell(self, **progress: Any) -> None:  # noqa: ANN401  the fields of `Job`
        with self.jobs.lock:
            self.jobs.known[self.id] = replace(self.jobs.known[self.id], **progress)
        if self.jobs.is_to_stop(self.id):
            raise Cancelled


Work: TypeAlias = Callable[[Mapping[str, Any], Report], Any]
"""Does the work of a job and returns its result, JSON."""


@dataclass
class Jobs:
    """The jobs of a server.

    Attributes:
        folder: where they are noted, one file each.
        works: the kinds of work.
        waiting: jobs that may wait at once.
        closed: no other job is begun.
    """

    folder: Path
    works: Mapping[str, Work]
    waiting: int = 20
    known: dict[str, Job] = field(default_factory=dict, init=False)
    lock: threading.RLock = field(default_factory=threading.RLock, init=False)
    _queue: "SimpleQueue[str]" = field(default_factory=SimpleQueue, init=False)
    _stopping: set[str] = field(default_factory=set, init=False)
    closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        found = (notes.read(path, _noted) for path in self.folder.glob("*.json"))
        for job in sorted(filter(None, found), key=lambda job: job.asked):
            if job.state not in ACTIVE:
                self.known[job.id] = job
            elif job.kind not in self.works:
                self.known[job.id] = replace(job, state=State.FAILED, error="this earmark does no such work")
            else:
                self.known[job.id] = replace(job, state=State.QUEUED)
                self._queue.put(job.id)
        self._thread = threading.Thread(target=self._work, daemon=True, name="jobs")
        self._thread.start()

    def ask(self, kind: str, arguments: dict[str, Any]) -> Job:
        """Put a job at the end of the queue.

        Raises:
            FullError: too many wait.
        """
        with self.lock:
            if sum(job.state in ACTIVE for job in self.known.values()) > self.waiting:
                raise FullError("too many jobs wait; try again when one of them is done")
            job = Job(uuid4().hex[:12], kind, arguments, asked=time.time())
            self.note(job)
        self._queue.put(job.id)
        return job

    def all(self) -> list[Job]:
        """The jobs, the latest first."""
        with self.lock:
            return sorted(self.known.values(), key=lambda job: -job.asked)

    def get(self, name: str) -> Job | None:
        """The job of this id."""
        with self.lock:
            return self.known.get(name)

    def cancel(self, name: str) -> None:
        """Have a job stop as soon as it tells of its progress; what is done stays done."""
        with self.lock:
            job = self.known[name]
            if job.state is State.QUEUED:
                self.note(replace(job, state=State.CANCELLED))
            elif job.state is State.RUNNING:
                self._stopping.add(name)

    def is_to_stop(self, name: str) -> bool:
        """Whether somebody cancelled a job, or the server stops."""
        return self.closed or name in self._stopping

    def close(self) -> None:
        """Have the job that runs stop at its next step; the next server goes on with it."""
        self.closed = True
        self._queue.put("")

    def wait(self, seconds: float) -> None:
        """Wait until the job that runs has stopped, but not for ever."""
        self._thread.join(seconds)

    def _work(self) -> None:
        while not self.closed and (name := self._queue.get()):
            with self.lock:
                job = self.known.get(name)
                if job is None or job.state is not State.QUEUED:  # cancelled, and perhaps forgotten since
                    continue
                self.note(replace(job, state=State.RUNNING))
            self._run(job)
            self._forget()

    def _run(self, job: Job) -> None:
        """Do the work; whatever ends it is noted, and the next job has its turn."""
        try:
            result = self.works[job.kind](job.arguments, Report(self, job.id))
            json.dumps(result)  # one that cannot be noted is a fault of the work
        except Cancelled:
            end: dict[str, Any] = {"state": State.QUEUED if self.closed else State.CANCELLED}
        except StoppedError:
            end = {"state": State.QUEUED}
        except EarmarkError as error:
            end = {"state": State.FAILED, "error": str(error)}
        except Exception as error:  # noqa: BLE001  the one boundary of a job
            end = {"state": State.FAILED, "error": f"earmark itself failed over this: {error!r}"}
        else:
            end = {"state": State.DONE, "result": result}
        with self.lock:
            self.note(replace(self.known[job.id], **end))
            self._stopping.discard(job.id)

    def note(self, job: Job) -> None:
        """Note a job; where the disk takes nothing more, it is known as long as the server runs."""
        self.known[job.id] = job
        try:
            files.write_text(self.folder / f"{job.id}.json", json.dumps(asdict(job)))
        except OSError as error:
            logger.warning("%s: the job %s could not be noted: %s", self.folder, job.kind, error.strerror)

    def _forget(self) -> None:
        """Forget the oldest of the jobs that have ended."""
        with self.lock:
            ended = sorted((job for job in self.known.values() if job.state not in ACTIVE), key=lambda job: job.asked)
            for job in ended[:-KEPT]:
                del self.known[job.id]
                with suppress(OSError):  # then the next server forgets it
                    (self.folder / f"{job.id}.json").unlink(missing_ok=True)


def _noted(note: dict[str, Any]) -> Job:
    """A job as it was noted."""
    arguments = {**note["arguments"]}
    return Job(**{**note, "arguments": arguments, "state": State(note["state"]), "lines": tuple(note["lines"])})
