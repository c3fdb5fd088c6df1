"""The same task on many files: which files, and several worker processes.

Conventions: a *task* takes the path of a file and returns what it made of it: a listener returns an `Analysis`.
Results come in the order of the paths, each as soon as it and all before it are done, so what has been handed out is
never lost when the rest is interrupted. A file that nothing can be done with is a result too: the error itself,
whatever went wrong over it. Only what is no fault of one file ends the run: a model or a catalogue that is damaged.
"""

import concurrent.futures  # itself no more than a list of names: multiprocessing is loaded with the first pool
import glob
import os
import signal
import sys
import threading
import unicodedata
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from earmark.errors import EarmarkError, FileError, UnexpectedError, UnreadableAudio
from earmark.files import as_spelled
from earmark.folders import audio_below

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from types import FrameType

    Handler: TypeAlias = Callable[[int, FrameType | None], None]

T = TypeVar("T")
Task: TypeAlias = Callable[[Path], T]
Outcome: TypeAlias = T | FileError

FILES_PER_WORKER = 4  # starting a worker costs about as much as hearing a file
TICK = 0.2  # seconds between two looks at work in a process of its own


def gather(sources: Iterable[str]) -> Iterator[Path | UnreadableAudio]:
    """Find the audio files of sources: files as they are, folders with all below them, patterns.

    What counts in a folder is said in `folders`. A source that names nothing is an error in its place.
    """
    for source in sources:
        path = as_spelled(Path(source))
        if source and os.path.isdir(path):  # noqa: PTH112  which takes names that are too long for a file, too
            yield from _below(path)
        elif not os.path.exists(path) and glob.has_magic(source):  # noqa: PTH110  the same
            yield from _matching(source) or [UnreadableAudio(path, "no file matches")]
        else:
            yield path


def _matching(pattern: str) -> Sequence[Path | UnreadableAudio]:
    """The files that a pattern names, sorted; where there are none, those of the pattern with its accents respelled."""
    for spelling in dict.fromkeys([pattern, *(unicodedata.normalize(form, pattern) for form in ("NFC", "NFD"))]):
        if matches := sorted(glob.glob(spelling, recursive=True)):  # noqa: PTH207  a pattern may be absolute
            return list(map(Path, matches))
    return []


def _below(folder: Path) -> Iterator[Path | UnreadableAudio]:
    found = False
    for each in audio_below(folder):
        found = True
        yield each
    if not found:
        yield UnreadableAudio(folder, "there is no audio file in this folder")


def run(path: Path, task: Task[T]) -> Outcome[T]:
    """Run the task on a file; where it fails, the error is the outcome.

    Raises:
        EarmarkError: it fails for another reason than this file.
    """
    try:
        return task(path)
    except FileError as error:
        return error
    except EarmarkError:
        raise
    except Exception as error:  # noqa: BLE001  the one boundary: the files after this one are heard all the same
        return UnexpectedError.of(path, error)


def run_all(paths: Iterable[Path], open_task: Callable[[], Task[T]], workers: int) -> Generator[Outcome[T], None, None]:
    """Run a task on files, in worker processes if `workers` > 1.

    Args:
        paths: the files.
        open_task: makes the task, once in each worker; it and what the task returns must be picklable then.
        workers: how many processes.
    """
    if workers <= 1:
        task = open_task()
        with _ctrl_c_noted() as pressed:
            for path in paths:
                yield run(path, task)
                if pressed.is_set():
                    raise KeyboardInterrupt
        return
    yield from _run_in_parallel(paths, open_task, workers)


def _run_in_parallel(paths: Iterable[Path], open_task: Callable[[], Task[T]], workers: int) -> Iterator[Outcome[T]]:
    remaining = iter(paths)
    waiting: deque[tuple[Path, Future[Outcome[T]]]] = deque()
    pool = _pool(open_task, workers)
    try:
        while True:
            while len(waiting) < 2 * workers and (path := next(remaining, None)) is not None:
                waiting.append((path, _submit(pool, path)))
            if not waiting:
                return
            path, future = waiting.popleft()
            try:
                outcome = future.result()
            except BrokenExecutor:
                _require_going()
                # A worker died: a decoder that crashes takes its process with it. Nobody says over which file, so
                # each one that was under way gets a process of its own.
                yield from (_salvage(*each, open_task) for each in ((path, future), *waiting))
                waiting.clear()
                pool = _pool(open_task, workers)
                continue
            yield outcome
    finally:
        # Waited for: Python's own clean-up at exit would race with the pool's and complain.
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(pool: "concurrent.futures.ProcessPoolExecutor", path: Path) -> Future[Outcome[T]]:
    """Give a file to the pool; if the pool broke in the meantime, so does this file's future."""
    try:
        with _ctrl_c_held_back():  # this may start a worker
            return pool.submit(_run_in_worker, path)
    except BrokenExecutor as error:
        future: Future[Outcome[T]] = Future()
        future.set_exception(error)
        return future


def _salvage(path: Path, future: Future[Outcome[T]], open_task: Callable[[], Task[T]]) -> Outcome[T]:
    """The outcome if it was there before the pool broke, else that of running the file in a process of its own."""
    try:
        return future.result()
    except BrokenExecutor:
        return _run_alone(path, open_task)


def _run_alone(path: Path, open_task: Callable[[], Task[T]]) -> Outcome[T]:
    with _pool(open_task, 1) as pool:
        try:
            return _submit(pool, path).result()
        except BrokenExecutor:
            _require_going()
            return UnreadableAudio(path, "the decoder crashed over it")


def _pool(open_task: Callable[[], Task[T]], workers: int) -> "concurrent.futures.ProcessPoolExecutor":
    import multiprocessing  # noqa: PLC0415  most runs start no other process

    # Spawned, not forked: ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=context, initializer=_prepare_worker, initargs=(open_task,)
    )


_task_of_worker: Callable[[], Task[Any]]


def _prepare_worker(open_task: Callable[[], Task[T]]) -> None:
    global _task_of_worker  # noqa: PLW0603  a worker process is for one task, set here once
    # Opened with the first file, so that what is wrong with the model is raised where the file's outcome is awaited.
    _task_of_worker = cache(open_task)
    _go_with_parent()


def _go_with_parent() -> None:
    """End this process without a word with Ctrl-C, and with the process that started it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not so in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a word
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this worker when the process that started it is gone: a killed parent tells nobody."""
    import multiprocessing  # noqa: PLC0415  most runs start no other process

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _ctrl_c_noted() -> Iterator[threading.Event]:
    """Note whether Ctrl-C was pressed: PyAV swallows its exception where it meets the end of a file."""
    pressed = threading.Event()

    def note(number: int, frame: "FrameType | None") -> None:
        pressed.set()
        signal.default_int_handler(number, frame)

    _take_ctrl_c(signal.default_int_handler, note)
    try:
        yield pressed
    finally:
        _take_ctrl_c(note, signal.default_int_handler)


def _take_ctrl_c(before: "Handler", after: "Handler") -> None:
    """Replace what handles Ctrl-C, if it is that which was expected; only the main thread may."""
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGINT) is before:
        signal.signal(signal.SIGINT, after)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Hold Ctrl-C back; processes started meanwhile do so until they are prepared, or would die with a traceback."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_in_worker(path: Path) -> Outcome[Any]:
    return run(path, _task_of_worker())


def run_apart(task: Callable[[Callable[[float], None]], T], told: Callable[[float], None]) -> T:
    """Do long work that nothing else can stop in a process of its own, which ends where `told` raises.

    Args:
        task: the work; it is given a function to tell the share that is done (0-1). It and its result are picklable.
        told: is called with that share, a few times in a second.

    Raises:
        StoppedError: all runs of this process were ended.
        EarmarkError: the process ended without a result; its terminal shows why.
    """
    import multiprocessing  # noqa: PLC0415  most runs start no other process

    context = multiprocessing.get_context("spawn")
    hearing, telling = context.Pipe(duplex=False)
    process = context.Process(target=_work_apart, args=(task, telling), daemon=True)
    with _ctrl_c_held_back():
        process.start()
    telling.close()
    share = 0.0
    try:
        while True:
            told(share)
            if (message := _message(hearing)) is None:
                told(share)
                _require_going()
                raise EarmarkError("the process that did this ended without a result")
            share, *results = message or (share,)
            if results:
                result: T = results[0]
                return result
    finally:
        process.kill()
        process.join()
        hearing.close()


def _message(hearing: "Connection") -> tuple[Any, ...] | None:
    """The next message, () as long as there is none; None where the process ended, be it in the middle of one."""
    try:
        return hearing.recv() if hearing.poll(TICK) else ()
    except (EOFError, OSError):  # on Windows BrokenPipeError
        return None


def _work_apart(task: Callable[[Callable[[float], None]], T], telling: "Connection") -> None:
    _go_with_parent()
    result = task(lambda share: telling.send((share,)))
    telling.send((1.0, result))


class StoppedError(EarmarkError):
    """What was under way was ended, by no fault of its own."""


_stopped = threading.Event()


def stop() -> None:
    """End all runs of this process for good, as a server does that stops; what they were at has no outcome."""
    import multiprocessing  # noqa: PLC0415  most runs start no other process

    _stopped.set()
    for worker in multiprocessing.active_children():
        worker.terminate()


def _require_going() -> None:
    if _stopped.is_set():
        raise StoppedError("stopped")


def sensible_workers(files: int) -> int:
    """The number of processes that is worth starting for so many files on the cores that this one may use."""
    return max(1, min(usable_cores(), files // FILES_PER_WORKER))


def usable_cores() -> int:
    """Number of cores that this process may use: fewer than the machine has in a container, or under `taskset`."""
    if hasattr(os, "sched_getaffinity"):  # Linux; os.process_cpu_count, which asks everywhere, came with Python 3.13
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
