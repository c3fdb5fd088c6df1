"""No file is ever damaged: a full disk, rights, other programs, a kill between any two steps; and undo."""

import base64
import fcntl
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from earmark.errors import EarmarkError, TagError
from earmark.files import data_folder
from earmark.library.tags import Change, Journal, read, undo, write
from earmark.library.tags.journal import Run, default_folder
from earmark.library.tags.swap import temporary
from earmark.testing.tagged import encode, plant

KEY = [Change("key", (), ("Am",))]


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an mp3 with tags of other programs."""
    path = encode(tmp_path_factory.mktemp("song") / "song.mp3", "mp3 2.4")
    plant(path, "mp3 2.4")
    return path


@pytest.fixture
def path(song: Path, tmp_path: Path) -> Path:
    """Return a copy of it in a folder of its own."""
    folder = tmp_path / "music"
    folder.mkdir()
    return Path(shutil.copy(song, folder))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return an empty journal."""
    return Journal(tmp_path / "journal")


def hidden(path: Path) -> list[str]:
    """What lies beside a file under a hidden name."""
    return [each.name for each in path.parent.iterdir() if each.name.startswith(".")]


def refused(path: Path, journal: Journal, changes: list[Change] = KEY) -> str:
    """Why a file is not written; it must be what it was, with nothing beside it."""
    before = path.read_bytes()
    with pytest.raises(TagError) as error:
        write(path, changes, journal.start())
    assert path.read_bytes() == before
    assert hidden(path) == []
    return error.value.reason


# The disk


@contextmanager
def no_file_longer_than(count: int) -> Iterator[None]:
    """Let the system refuse to make a file longer than this, as it does when the disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def in_child(work: Callable[[], object]) -> int:
    """Do something in a process of its own, which ends without cleaning up; return its exit status."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("room", [0, 1, 5000, 25_000])
def test_where_the_copy_has_no_room_nothing_happens(room: int, path: Path, journal: Journal) -> None:
    def work() -> None:
        with no_file_longer_than(room):
            assert refused(path, journal) == "not changed: File too large"

    assert in_child(work) == 0
    assert not journal.folder.exists()


def test_where_the_journal_has_no_room_nothing_happens(path: Path, journal: Journal) -> None:
    run = journal.start()
    write(path, KEY, run)
    size = run.path.stat().st_size
    before = path.read_bytes()
    long = "x" * 40_000  # a comment to be taken out again, of which the journal has to keep every byte

    def work() -> None:
        write(path, [Change("comment", (), (long + os.urandom(40_000).hex(),))], run)
        with no_file_longer_than(path.stat().st_size + 100):
            run.path.write_bytes(run.path.read_bytes() + b"\n" * (path.stat().st_size - run.path.stat().st_size))
            comment = read(path).comment
            reason = refused(path, journal=_Same(run), changes=[Change("comment", (comment,), ("short",))])
            assert reason == f"not changed: the journal {run.path} cannot be written: File too large"

    assert in_child(work) == 0
    assert size < len(before)
    assert all(isinstance(each, Path) for each in undo(journal))
    assert read(path).comment == read(path).key == ""


class _Same(Journal):
    """A journal that goes on with a run."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.path.parent)
        self.run_ = run

    def start(self) -> Run:
        return self.run_


def test_everything_is_on_the_disk_before_the_file_is_replaced(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure at any moment: the copy and the journal are whole before the rename, the names soon after."""
    steps: list[tuple[str, Path, int]] = []
    true_fsync, true_replace = os.fsync, os.replace

    def fsync(handle: int) -> None:
        true_fsync(handle)
        name = Path(f"/proc/self/fd/{handle}").readlink()
        steps.append(("fsync", name, 0 if name.is_dir() else os.fstat(handle).st_size))

    def replace(source: Path, target: Path) -> None:
        steps.append(("replace", Path(target), Path(source).stat().st_size))
        true_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    run = journal.start()
    write(path, KEY, run)
    new, noted = path.stat().st_size, run.path.stat().st_size
    assert steps == [
        ("fsync", temporary(path), new),
        ("fsync", run.path, noted),
        ("fsync", journal.folder, 0),  # the name of a new journal
        ("replace", path, new),
        ("fsync", path.parent, 0),
    ]
    steps.clear()
    write(path, [Change("key", ("Am",), ("C",))], run)
    assert [name for _, name, _ in steps] == [temporary(path), run.path, path, path.parent]
    assert steps[1][2] == run.path.stat().st_size


def refuse(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace", "utime", "chown"])
def test_a_step_that_fails_leaves_everything_as_it_was(
    call: str, path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, call, refuse)
    assert refused(path, journal) == "not changed: No space left on device"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the names in a folder by itself")
def test_a_folder_that_cannot_be_synced_does_not_deny_the_change(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some shares cannot; the file is changed by then."""
    true_fsync, folder = os.fsync, path.parent.stat().st_ino

    def fsync(handle: int) -> None:
        if os.fstat(handle).st_ino == folder:
            raise OSError(22, "Invalid argument")
        true_fsync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    before = path.read_bytes()
    write(path, KEY, journal.start())
    assert read(path).key == "Am"
    assert list(undo(journal)) == [path]
    assert path.read_bytes() == before
    assert [run.undone for run in journal.runs()] == [1]


def test_a_journal_that_cannot_be_written_stops_the_write(path: Path, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be", encoding="utf-8")
    assert "not changed: the journal" in refused(path, Journal(tmp_path / "journal"))


def test_what_is_no_file_is_refused(tmp_path: Path, journal: Journal) -> None:
    with pytest.raises(TagError, match="it is not a file"):
        write(tmp_path, KEY, journal.start())
    with pytest.raises(TagError, match="it cannot be opened: No such file or directory"):
        write(tmp_path / "gone.mp3", KEY, journal.start())


def test_a_write_leaves_the_times_of_the_file(path: Path, journal: Journal) -> None:
    times = (1_500_000_000_123_456_789, 1_400_000_000_987_654_321)  # read, and changed
    os.utime(path, ns=times)
    write(path, KEY, journal.start())
    now = path.stat()
    assert (now.st_atime_ns, now.st_mtime_ns) == times


def test_on_request_a_write_and_its_undo_set_the_time_of_change(path: Path, journal: Journal) -> None:
    before = path.read_bytes()
    times = (1_500_000_000_123_456_789, 1_400_000_000_987_654_321)  # read, and changed
    os.utime(path, ns=times)
    begin = time.time_ns()
    write(path, KEY, journal.start(), touch=True)
    written = path.stat()
    assert begin <= written.st_mtime_ns <= time.time_ns()
    assert written.st_atime_ns == times[0]
    assert list(undo(journal, touch=True)) == [path]
    assert written.st_mtime_ns < path.stat().st_mtime_ns <= time.time_ns()
    assert path.read_bytes() == before


def test_a_refused_write_does_not_touch_the_file(path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = path.stat().st_mtime_ns
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(TagError, match="No space left on device"):
        write(path, KEY, journal.start(), touch=True)
    assert (path.stat().st_mtime_ns, hidden(path)) == (changed, [])


# Rights


def test_a_journal_is_for_its_owner_only(path: Path, journal: Journal) -> None:
    run = journal.start()
    write(path, KEY, run)
    assert run.path.stat().st_mode & 0o777 == 0o600


@contextmanager
def as_nobody() -> Iterator[None]:
    """Act as a user without any rights, if this one may do everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_file_stays_so_even_for_the_superuser(path: Path, journal: Journal) -> None:
    path.chmod(0o444)
    assert refused(path, journal) == "it is read-only"


def test_a_read_only_folder(song: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # not below a folder that only its owner may enter
        folder = Path(name)
        journal = Journal(folder / "journal")
        path = Path(shutil.copy(song, folder))
        folder.chmod(0o555)
        path.chmod(0o666)
        try:
            with as_nobody():
                assert refused(path, journal) == "not changed: Permission denied"
        finally:
            folder.chmod(0o755)


def test_who_may_not_give_a_file_to_its_owner_writes_it_all_the_same(song: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = Path(shutil.copy(song, folder))
        folder.chmod(0o777)
        path.chmod(0o664)
        with as_nobody():
            write(path, KEY, Journal(folder / "journal").start())
        assert read(path).key == "Am"
        assert path.stat().st_mode & 0o777 == 0o664


def test_owner_attributes_and_links(path: Path, journal: Journal) -> None:
    if os.geteuid() == 0:
        os.chown(path, 1234, 2345)
    try:
        os.setxattr(path, "user.xdg.tags", b"techno")
    except OSError:
        pytest.skip("this file system keeps no extended attributes")
    path.chmod(0o604)
    owner = (path.stat().st_uid, path.stat().st_gid)
    link = path.with_name("link.mp3")
    link.symlink_to(path.name)
    write(link, KEY, journal.start())
    assert link.is_symlink()
    assert read(path).key == "Am"
    assert os.getxattr(path, "user.xdg.tags") == b"techno"
    assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o777) == (*owner, 0o604)


def test_a_name_as_long_as_names_can_be(path: Path, journal: Journal) -> None:
    long = path.rename(path.with_name("x" * 251 + ".mp3"))
    before = long.read_bytes()
    write(long, KEY, journal.start())
    assert read(long).key == "Am"
    assert list(undo(journal)) == [long]
    assert long.read_bytes() == before


# Other programs


@pytest.mark.parametrize("when", ["while it is copied", "while it is noted"])
def test_a_file_that_another_program_writes_in_between_is_left_to_it(
    when: str, path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = path.read_bytes() + b"written by another program"
    true_copystat, true_record = shutil.copystat, Run.record

    def copystat(*arguments: Any) -> None:  # noqa: ANN401  what the true one takes
        true_copystat(*arguments)
        path.write_bytes(theirs)

    def record(*arguments: Any) -> None:  # noqa: ANN401  the same
        true_record(*arguments)
        path.write_bytes(theirs)

    if when == "while it is copied":
        monkeypatch.setattr(shutil, "copystat", copystat)
    else:
        monkeypatch.setattr(Run, "record", record)
    with pytest.raises(TagError, match="another program has written it in the meantime"):
        write(path, KEY, journal.start())
    assert path.read_bytes() == theirs
    assert hidden(path) == []


@pytest.mark.parametrize("time", ["the same time", "another time"])
def test_a_file_that_another_program_replaces_by_one_as_long_is_left_to_it(
    time: str, path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = path.stat()
    theirs = path.read_bytes()[:-1] + b"!"
    true_record = Run.record

    def record(*arguments: Any) -> None:  # noqa: ANN401  what the true one takes
        true_record(*arguments)
        if time == "another time":  # in place
            path.write_bytes(theirs)
            os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1_000_000_000))
        else:
            path.with_name("theirs").write_bytes(theirs)
            os.utime(path.with_name("theirs"), ns=(seen.st_atime_ns, seen.st_mtime_ns))
            path.with_name("theirs").replace(path)

    monkeypatch.setattr(Run, "record", record)
    with pytest.raises(TagError, match="another program has written it in the meantime"):
        write(path, KEY, journal.start())
    assert path.read_bytes() == theirs
    assert hidden(path) == []


def test_two_at_once_do_not_get_into_each_others_way(path: Path, journal: Journal) -> None:
    copy = temporary(path)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # another earmark, in the middle of its write
        with copy.open("xb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            os.write(writing, b"x")
            signal.pause()
        os._exit(0)
    os.read(reading, 1)
    before = path.read_bytes()
    try:
        with pytest.raises(TagError, match="not changed: Resource temporarily unavailable"):
            write(path, KEY, journal.start())
        assert path.read_bytes() == before
        assert copy.exists()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    write(path, KEY, journal.start())  # what the killed one left is no hindrance
    assert read(path).key == "Am"
    assert hidden(path) == []


def test_what_a_killed_run_left_on_nfs_is_no_hindrance(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def of_nfs(handle: int, how: int) -> None:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor")  # there a lock is for those who may write
        flock(handle, how)

    temporary(path).write_bytes(b"half")
    monkeypatch.setattr(fcntl, "flock", of_nfs)
    write(path, KEY, journal.start())
    assert read(path).key == "Am"
    assert hidden(path) == []


def test_a_share_that_cannot_lock_is_written_but_nothing_is_cleared_there(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int, _how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    write(path, KEY, journal.start())
    assert read(path).key == "Am"
    assert hidden(path) == []
    before = path.read_bytes()
    temporary(path).write_bytes(b"half")
    with pytest.raises(TagError, match="not changed: No locks available"):
        write(path, [Change("key", ("Am",), ("Bm",))], journal.start())
    assert (path.read_bytes(), temporary(path).read_bytes()) == (before, b"half")


# A kill between any two steps


def killed_at(line: int, work: Callable[[], object]) -> bool:
    """Do something in a process that is ended without warning before its `line`-th line of swap or journal code.

    Returns whether it came so far.
    """

    def trace(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401  a trace function returns itself
        nonlocal line
        if not frame.f_code.co_filename.endswith(("tags/swap.py", "tags/journal.py", "tags/undo.py", "tags/write.py")):
            return None
        if event == "line":
            line -= 1
            if line < 0:
                os._exit(77)
        return trace

    def traced() -> None:
        sys.settrace(trace)
        work()

    status = in_child(traced)
    assert status in (0, 77)
    return status == 77


STEPS = [pytest.param(7, id="every seventh"), pytest.param(1, id="every", marks=pytest.mark.slow)]


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_a_line_a_file_is_the_old_one_or_the_new_one(
    step: int, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a kill is no power failure, and the disk is slow
    old = path.read_bytes()
    write(path, KEY, Journal(tmp_path / "first").start())
    new = path.read_bytes()
    seen = set()
    line, going_on = 0, True
    while going_on:
        path.write_bytes(old)
        journal = Journal(tmp_path / f"journal-{line}")
        run = journal.start()
        going_on = killed_at(line, partial(write, path, KEY, run))
        left = path.read_bytes()
        assert left in (old, new), line
        seen.add((left == new, bool(hidden(path))))
        if left == new:
            assert list(undo(journal, run.name)) == [path]
            assert path.read_bytes() == old
        else:
            write(path, KEY, journal.start())
            assert path.read_bytes() == new
        assert hidden(path) == [], line  # the next run clears what the killed one left
        line += step
    assert line > 80
    assert seen == {(False, False), (False, True), (True, False)}


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_a_line_undo_can_be_done_again(
    step: int, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    old = path.read_bytes()
    line, going_on = 0, True
    while going_on:
        path.write_bytes(old)
        journal = Journal(tmp_path / f"journal-{line}")
        write(path, KEY, journal.start())
        new = path.read_bytes()
        going_on = killed_at(line, partial(_undo_all, journal))
        assert path.read_bytes() in (old, new), line
        again = list(undo(journal)) if journal.runs()[0].undone == 0 else []
        assert again in ([], [path])
        assert path.read_bytes() == old
        assert hidden(path) == [], line
        line += step
    assert line > 60


def _undo_all(journal: Journal) -> None:
    assert [each for each in undo(journal) if isinstance(each, TagError)] == []


# Undo


def test_undo_goes_back_run_by_run(path: Path, journal: Journal) -> None:
    contents = [path.read_bytes()]
    for before, after in (((), ("Am",)), (("Am",), ("Bbm",)), (("Bbm",), ("C",))):
        write(path, [Change("key", before, after)], journal.start())
        contents.append(path.read_bytes())
    names = [past.name for past in journal.runs()]
    assert len(set(names)) == 3
    for content in reversed(contents[:-1]):
        assert list(undo(journal)) == [path]
        assert path.read_bytes() == content
    with pytest.raises(EarmarkError, match="there is nothing to undo"):
        list(undo(journal))
    assert [(past.name, past.files, past.undone) for past in journal.runs()] == [(name, 1, 1) for name in names]


def test_undo_of_a_file_that_was_changed_since_is_refused(path: Path, journal: Journal) -> None:
    first = journal.start()
    write(path, KEY, first)
    write(path, [Change("key", ("Am",), ("C",))], journal.start())
    later = path.read_bytes()
    (error,) = undo(journal, first.name)
    assert isinstance(error, TagError)
    assert error.reason == "not undone: it was changed since, by another program or a later run"
    assert path.read_bytes() == later


def test_undo_names_what_is_gone_and_goes_on(song: Path, tmp_path: Path, journal: Journal) -> None:
    paths = [Path(shutil.copy(song, tmp_path / name)) for name in ("a.mp3", "b.mp3", "c.mp3")]
    before = song.read_bytes()
    run = journal.start()
    for path in paths:
        write(path, KEY, run)
    paths[1].unlink()
    outcomes = list(undo(journal, run.name))
    assert [str(each) for each in outcomes] == [
        str(paths[2]),
        f"{paths[1]}: it cannot be opened: No such file or directory",
        str(paths[0]),
    ]
    assert paths[0].read_bytes() == paths[2].read_bytes() == before
    assert [(past.files, past.undone) for past in journal.runs()] == [(3, 2)]


def test_an_unknown_run(journal: Journal) -> None:
    for name in ("20200101-000000", "../x"):
        with pytest.raises(EarmarkError, match="there is no run"):
            list(undo(journal, name))


def test_a_line_that_was_not_finished_stands_for_nothing(
    path: Path, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    old = path.read_bytes()
    run = journal.start()
    write(path, KEY, run)
    whole = run.path.read_bytes()
    run.path.write_bytes(whole + b'\n{"format": 1, "path": "/mus')
    write(path, [Change("key", ("Am",), ("C",))], run)
    assert list(undo(journal)) == [path, path]
    assert path.read_bytes() == old
    assert "unfinished, left out" in caplog.text


def test_a_journal_that_does_not_lead_back_is_not_followed(path: Path, journal: Journal) -> None:
    run = journal.start()
    write(path, KEY, run)
    new = path.read_bytes()
    line = json.loads(run.path.read_bytes())
    line["splices"][0][2] = base64.b64encode(zlib.compress(b"other bytes")).decode()
    run.path.write_text(json.dumps(line), encoding="utf-8")
    (error,) = undo(journal)
    assert isinstance(error, TagError)
    assert error.reason == "not undone: the journal does not lead back to the file before"
    assert path.read_bytes() == new
    assert hidden(path) == []
    assert [past.undone for past in journal.runs()] == [0]


def test_an_undo_that_cannot_be_noted_says_so(path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    old = path.read_bytes()
    run = journal.start()
    write(path, KEY, run)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "_add", fail)
    (error,) = undo(journal)
    assert isinstance(error, TagError)
    assert error.reason == f"undone, but the journal {run.path} cannot be written: No space left on device"
    assert path.read_bytes() == old


def test_runs_of_one_second_come_by_their_number(journal: Journal) -> None:
    journal.folder.mkdir()
    for name in ("20260101-120000-10", "20260101-120000", "20260101-120000-2", "20251231-235959-11"):
        (journal.folder / f"{name}.jsonl").touch()
    assert [past.name for past in journal.runs()] == [
        "20260101-120000-10",
        "20260101-120000-2",
        "20260101-120000",
        "20251231-235959-11",
    ]


def test_a_journal_of_a_newer_earmark(journal: Journal) -> None:
    journal.folder.mkdir()
    (journal.folder / "20300101-000000.jsonl").write_text(json.dumps({"format": 2}), encoding="utf-8")
    with pytest.raises(TagError, match="the journal is of a newer earmark"):
        journal.runs()


def test_the_journal_holds_little_more_than_what_was_taken_out(path: Path, journal: Journal) -> None:
    run = journal.start()
    write(path, [Change("comment", (), ("x" * 10_000,))], run)
    assert run.path.stat().st_size < 600 + len(str(path))


def test_where_journals_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EARMARK_JOURNAL", raising=False)
    assert default_folder() == data_folder() / "journal"
    monkeypatch.setenv("EARMARK_JOURNAL", str(tmp_path / "here"))
    assert default_folder() == tmp_path / "here"
