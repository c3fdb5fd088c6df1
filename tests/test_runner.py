import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from earmark import runner
from earmark.analysis import Analysis
from earmark.errors import BundleError, EarmarkError, FileError, TagError, UnexpectedError, UnreadableAudio
from earmark.runner import FILES_PER_WORKER, Outcome, gather, run, run_all, sensible_workers, usable_cores
from earmark.timeline import Timeline

# What the listeners below do over a file is in its name. They stand at module level, or no worker could have them.


def listen(path: Path) -> Analysis:
    """Hear a style named after the file, after a while if it is called slow, or not at all."""
    match path.stem.partition("-")[0]:
        case "crash":
            os._exit(1)  # as a decoder that crashes takes its process along
        case "bug":
            len(path)  # type: ignore[arg-type]  # a fault of the program
        case "memory":
            raise MemoryError
        case "tags":
            raise TagError(path, "odd on purpose")
        case "model":
            raise BundleError("the model is damaged")
        case "bad":
            raise UnreadableAudio(path, "bad on purpose")
        case "slow":
            time.sleep(0.3)
        case "forever":
            Path(path.parent, f"{os.getpid()}.pid").touch()
            time.sleep(60)
    heard = Timeline((path.stem,), np.array([0.0]), 1.0, np.array([[1.0]], np.float32))
    return Analysis(path, 1.0, heard, {}, unknown=False, embedding=np.zeros(2, np.float32), model="named")


def work_apart(folder: Path, told: Callable[[float], None]) -> str:
    """Tell of two halves; never end, die or fail, if the folder is called so."""
    told(0.5)
    match folder.name:
        case "endless":
            Path(folder, f"{os.getpid()}.pid").touch()
            time.sleep(60)
        case "dies":
            os._exit(1)
        case "fails":
            raise ValueError("a fault of the work")
    return f"{folder.name} is done by a child of {os.getppid()}"


def open_listener() -> Callable[[Path], Analysis]:
    return listen


def open_nothing(reason: str) -> Callable[[Path], Analysis]:
    raise BundleError(reason)


def named(outcomes: Iterable[Outcome[Analysis]]) -> list[str]:
    """Each outcome as the name of its file, with the reason if it could not be heard."""
    return [
        f"{outcome.path.name}: {outcome.reason}" if isinstance(outcome, FileError) else outcome.path.name
        for outcome in outcomes
    ]


def touch(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def test_files_are_passed_on_as_they_are_in_the_order_given(tmp_path: Path) -> None:
    b, a, text = touch(tmp_path, "b.mp3", "a.mp3", "notes.txt")
    assert list(gather(map(str, [b, text, a, b]))) == [b, text, a, b]


def test_a_folder_gives_the_audio_files_below_it_sorted(tmp_path: Path) -> None:
    touch(tmp_path, "b.wav", "a.MP3", "cover.jpg", "z/y/c.flac", "c/b.ogg", "c/a.opus", "c/list.m3u8")
    found = [path.relative_to(tmp_path).as_posix() for path in gather([str(tmp_path)]) if isinstance(path, Path)]
    assert found == ["a.MP3", "b.wav", "c/a.opus", "c/b.ogg", "z/y/c.flac"]


def test_hidden_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    (seen, *_) = touch(tmp_path, "a.wav", "._a.wav", ".trash/b.wav", "c/.d/e.wav")
    assert list(gather([str(tmp_path)])) == [seen]


def test_a_pattern_stands_for_the_files_that_match_sorted(tmp_path: Path) -> None:
    b, a, deep = touch(tmp_path, "b.wav", "a.wav", "c/d/e.wav")
    touch(tmp_path, "a.mp3")
    assert list(gather([str(tmp_path / "*.wav")])) == [a, b]
    assert list(gather([str(tmp_path / "c/**/*.wav")])) == [deep]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    (bracketed, _) = touch(tmp_path, "mix [2024].wav", "mix 2.wav")
    assert list(gather([str(bracketed)])) == [bracketed]


def test_what_names_nothing_is_an_error_in_its_place(tmp_path: Path) -> None:
    (a,) = touch(tmp_path, "a.wav")
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "texts/a.txt")
    sources = [tmp_path / "empty", a, tmp_path / "*.flac", tmp_path / "texts", a]
    assert [outcome.name if isinstance(outcome, Path) else str(outcome) for outcome in gather(map(str, sources))] == [
        f"{tmp_path / 'empty'}: there is no audio file in this folder",
        "a.wav",
        f"{tmp_path / '*.flac'}: no file matches",
        f"{tmp_path / 'texts'}: there is no audio file in this folder",
        "a.wav",
    ]


@pytest.mark.parametrize("name", ["missing.mp3", "n" * 300 + ".mp3"], ids=["missing", "too long a name"])
def test_a_missing_file_is_passed_on_for_the_listener_to_refuse(tmp_path: Path, name: str) -> None:
    assert list(gather([str(tmp_path / name)])) == [tmp_path / name]


def test_what_cannot_be_heard_is_an_outcome() -> None:
    outcome = run(Path("bad.wav"), listen)
    assert isinstance(outcome, UnreadableAudio)
    assert str(outcome) == "bad.wav: bad on purpose"
    assert str(pickle.loads(pickle.dumps(outcome))) == "bad.wav: bad on purpose"  # noqa: S301  our own


@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_one_file_does_the_others_go_on(workers: int) -> None:
    paths = [Path(name) for name in ["a.wav", "bug.wav", "b.wav", "memory.wav", "tags.wav", "c.wav"]]
    outcomes = list(run_all(paths, open_listener, workers))
    fault = f"TypeError: object of type '{type(Path()).__name__}' has no len()"
    assert named(outcomes) == [
        "a.wav",
        f"bug.wav: earmark could not handle this file: {fault} (please report it)",
        "b.wav",
        "memory.wav: there is not enough memory for it",
        "tags.wav: odd on purpose",
        "c.wav",
    ]
    assert isinstance(outcomes[1], UnexpectedError)
    assert "in listen\n" in outcomes[1].traceback  # the place, not the fact alone
    assert outcomes[1].traceback.endswith(f"{fault}\n")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_no_fault_of_one_file_ends_the_run(workers: int) -> None:
    outcomes = run_all([Path("a.wav"), Path("model.wav"), Path("b.wav")], open_listener, workers)
    assert named([next(outcomes)]) == ["a.wav"]
    with pytest.raises(BundleError, match=r"^the model is damaged$"):
        next(outcomes)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_who_ends_the_program_is_obeyed(ending: type[BaseException]) -> None:
    def end(path: Path) -> Analysis:
        raise ending(path)

    with pytest.raises(ending):
        run(Path("a.wav"), end)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts as in a terminal: what is started in the background, as tests may be, ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_that_is_lost_over_a_file_ends_the_run_after_it() -> None:
    def press(path: Path) -> Analysis:
        with suppress(KeyboardInterrupt):  # as PyAV does where it meets the end of a file
            signal.raise_signal(signal.SIGINT)
        return listen(path)

    outcomes = run_all([Path("a.wav"), Path("b.wav")], lambda: press, 1)
    assert named([next(outcomes)]) == ["a.wav"]
    with pytest.raises(KeyboardInterrupt):
        next(outcomes)


@pytest.mark.usefixtures("interruptible")
def test_who_handles_ctrl_c_since_goes_on_with_that() -> None:
    outcomes = run_all([Path("a.wav"), Path("b.wav")], open_listener, 1)
    next(outcomes)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    outcomes.close()
    assert signal.signal(signal.SIGINT, signal.default_int_handler) is signal.SIG_IGN


@pytest.mark.usefixtures("interruptible")
def test_a_run_may_end_in_another_thread() -> None:
    outcomes = run_all([Path("a.wav"), Path("b.wav")], open_listener, 1)
    next(outcomes)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(outcomes.close).result()
        assert named(pool.submit(list, run_all([Path("c.wav")], open_listener, 1)).result()) == ["c.wav"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_outcomes_come_in_the_order_of_the_files(workers: int) -> None:
    paths = [Path(name) for name in ["slow-1.wav", "a.wav", "bad-2.wav", "slow-3.wav", "b.wav", "c.wav", "bad-4.wav"]]
    assert named(run_all(paths, open_listener, workers)) == [
        "slow-1.wav",
        "a.wav",
        "bad-2.wav: bad on purpose",
        "slow-3.wav",
        "b.wav",
        "c.wav",
        "bad-4.wav: bad on purpose",
    ]


def test_an_analysis_from_a_worker_is_whole() -> None:
    (outcome,) = run_all([Path("a.wav")], open_listener, 2)
    assert isinstance(outcome, Analysis)
    assert outcome.timeline.top(1) == [("a", 1.0)]
    assert outcome.embedding.tolist() == [0, 0]


def test_outcomes_are_handed_out_before_the_last_file_is_taken() -> None:
    taken: list[str] = []

    def paths() -> Iterable[Path]:
        for number in range(100):
            taken.append(f"{number}.wav")
            yield Path(taken[-1])

    for workers, most in [(1, 1), (2, 5)]:
        taken.clear()
        outcomes = run_all(paths(), open_listener, workers)
        assert named([next(outcomes)]) == ["0.wav"]
        assert len(taken) <= most


def test_a_crash_costs_its_own_file_and_no_other() -> None:
    assert named(run_all(map(Path, ["slow-a.wav", "crash.wav", "bad.wav"]), open_listener, 2)) == [
        "slow-a.wav",
        "crash.wav: the decoder crashed over it",
        "bad.wav: bad on purpose",
    ]


def test_who_stops_ends_what_is_under_way_and_it_has_no_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_stopped", threading.Event())

    def stop() -> None:
        while len(list(tmp_path.glob("*.pid"))) < 2:
            time.sleep(0.05)
        runner.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    began = time.monotonic()
    with pytest.raises(runner.StoppedError):
        list(run_all([tmp_path / f"forever-{number}.wav" for number in range(4)], open_listener, 2))
    stopping.join()
    assert time.monotonic() - began < 50  # each takes a minute


def test_a_crash_while_nobody_waits_for_it_is_survived_too() -> None:
    names = ["a.wav", "crash.wav", "b.wav", "c.wav", "d.wav"]
    outcomes = []
    for outcome in run_all(map(Path, names), open_listener, 2):
        outcomes.append(outcome)
        if len(outcomes) == 1:
            time.sleep(1.0)  # the pool breaks meanwhile, before it is given the next file
    assert named(outcomes) == ["a.wav", "crash.wav: the decoder crashed over it", "b.wav", "c.wav", "d.wav"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_that_cannot_be_opened_says_why(workers: int) -> None:
    with pytest.raises(BundleError, match=r"^no such model$"):
        list(run_all([Path("a.wav"), Path("b.wav")], partial(open_nothing, "no such model"), workers))


def test_a_worker_is_started_for_every_few_files_and_never_more_than_there_are_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("earmark.runner.usable_cores", lambda: 4)
    few = FILES_PER_WORKER
    assert [sensible_workers(files) for files in (0, 1, 2 * few - 1, 2 * few, 3 * few, 1000)] == [1, 1, 1, 2, 3, 4]


def test_only_the_cores_that_this_process_may_use_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == 64


@pytest.mark.skipif(sys.platform != "linux", reason="whether a process lives is read from /proc")
def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from test_runner import open_listener; from earmark.runner import run_all\n"
        "if __name__ == '__main__': list(run_all([Path(sys.argv[1], 'forever.mp3')] * 2, open_listener, 2))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], env=environment)
    try:
        workers = eventually(lambda: [int(path.stem) for path in tmp_path.glob("*.pid")], lambda found: len(found) == 2)
    finally:
        parent.kill()
        parent.wait()
    assert eventually(lambda: [pid for pid in workers if alive(pid)], lambda left: not left) == []


def test_work_apart_tells_how_far_it_is_and_gives_its_result() -> None:
    shares: list[float] = []
    result = runner.run_apart(partial(work_apart, Path("this")), shares.append)
    assert result == f"this is done by a child of {os.getpid()}"
    assert shares[0] == 0
    assert shares[-1] == 0.5


def test_work_apart_ends_where_it_is_told_to(tmp_path: Path) -> None:
    (folder := tmp_path / "endless").mkdir()

    def told(_: float) -> None:
        if list(folder.iterdir()):
            raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        runner.run_apart(partial(work_apart, folder), told)
    assert time.monotonic() - began < 50  # it takes a minute
    with pytest.raises(ProcessLookupError):
        os.kill(int(next(folder.iterdir()).stem), 0)


@pytest.mark.parametrize("how", ["dies", "fails"])
def test_work_apart_that_ends_without_a_result_says_so(how: str) -> None:
    with pytest.raises(EarmarkError, match="ended without a result"):
        runner.run_apart(partial(work_apart, Path(how)), lambda _: None)


@pytest.mark.parametrize("error", [BrokenPipeError(109, "The pipe has been ended"), OSError("got end of file")])
def test_work_apart_that_ends_within_a_word_says_so(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def poll(*_: object) -> bool:
        raise error

    monkeypatch.setattr("multiprocessing.connection.Connection.poll", poll)
    with pytest.raises(EarmarkError, match="ended without a result"):
        runner.run_apart(partial(work_apart, Path("this")), lambda _: None)


def test_who_stops_ends_work_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_stopped", threading.Event())
    (folder := tmp_path / "endless").mkdir()

    def told(_: float) -> None:
        if list(folder.iterdir()):
            runner.stop()

    with pytest.raises(runner.StoppedError):
        runner.run_apart(partial(work_apart, folder), told)


def eventually(look: Callable[[], list[int]], good: Callable[[list[int]], bool], seconds: float = 60.0) -> list[int]:
    """What is seen as soon as it is good, or in the end."""
    end = time.monotonic() + seconds
    while not good(seen := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return seen


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Nobody may be there to bury it: a zombie is dead.
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(("there", "asked"), [("Beyonc\u00e9", "Beyonce\u0301"), ("Beyonce\u0301", "Beyonc\u00e9")])
def test_a_source_is_found_however_its_accents_are_spelled(there: str, asked: str, tmp_path: Path) -> None:
    (path,) = touch(tmp_path, f"{there}/{there}.mp3")
    sources = [tmp_path / asked, tmp_path / asked / f"{asked}.mp3", tmp_path / asked / f"{asked}*.mp3"]
    assert [list(gather([str(source)])) for source in sources] == [[path], [path], [path]]
