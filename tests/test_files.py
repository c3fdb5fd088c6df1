"""A reader finds the old file or the new one, whole; folders of the user are absolute; paths keep their links."""

import errno
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

import platformdirs
import pytest

from earmark import files
from earmark.files import (
    absolute,
    as_spelled,
    cache_folder,
    data_folder,
    put,
    replacement,
    replacing,
    replacing_folder,
    replacing_text,
    write_bytes,
    write_text,
)

if sys.platform != "win32":
    import fcntl
    import resource


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "crate.csv"
    path.write_bytes(b"old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def assert_two_writers_at_once(path: Path) -> None:
    """Assert that two writers of one file do not share what they write: the last one to finish wins."""
    with replacing(path) as first:
        first.write(b"first")
        write_bytes(path, b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names(path.parent) == ["crate.csv"]


# A file


def test_the_old_file_stands_until_the_block_ends(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
        assert len(names(path.parent)) == 2
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["crate.csv"]


def test_a_file_that_was_not_there_is_made_with_its_folders(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a/b/c.bin", b"\x00\xff")
    assert (tmp_path / "a/b/c.bin").read_bytes() == b"\x00\xff"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(path: Path, error: type[BaseException]) -> None:
    def write() -> NoReturn:
        with replacing(path) as file:
            file.write(b"half of the ne")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_bytes() == b"old"
    assert names(path.parent) == ["crate.csv"]


def test_a_crash_between_write_and_rename_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_self: Path, _target: Path) -> NoReturn:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="Input/output error"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(path.parent) == ["crate.csv"]


def test_the_content_is_on_the_disk_before_the_rename_and_the_name_after_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    replace, synced = Path.replace, files.sync

    def note_rename(fresh: Path, target: Path) -> Path:
        steps.append(f"rename {fresh.read_bytes()!r}")
        return replace(fresh, target)

    def note_sync(what: Path) -> None:
        steps.append("sync folder" if what == path.parent else f"sync {what.read_bytes()!r}")
        synced(what)

    monkeypatch.setattr(Path, "replace", note_rename)
    monkeypatch.setattr(files, "sync", note_sync)
    write_bytes(path, b"new")
    assert steps == ["sync b'new'", "rename b'new'", "sync folder"]


def test_a_share_that_cannot_sync_folders_is_written_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def refuse_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_bytes(path, b"new")
    with replacing_folder(path.parent / "bundle") as fresh:
        (fresh / "file").touch()
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["bundle", "crate.csv"]


class PyAVError(OSError):
    filename = property(lambda _: ".crate.csv.part")


@pytest.mark.parametrize("error", [OSError, PyAVError])
def test_a_full_disk_is_told_with_the_name_of_the_file(path: Path, error: type[OSError]) -> None:
    with pytest.raises(OSError, match="No space left") as told, replacing(path):
        raise error(errno.ENOSPC, "No space left on device")
    assert told.value.filename == str(path)


def test_errors_name_the_file_that_the_user_knows(tmp_path: Path) -> None:
    (tmp_path / "crates").mkdir()
    with pytest.raises(OSError, match=r"crates'$") as told:
        write_bytes(tmp_path / "crates", b"")
    assert told.value.filename == str(tmp_path / "crates")
    with pytest.raises(OSError, match="No such file") as other, replacing(tmp_path / "new"):
        (tmp_path / "source").read_bytes()
    assert other.value.filename == str(tmp_path / "source")


def test_two_writers_of_one_file_do_not_share_what_they_write(path: Path) -> None:
    with replacing(path) as first:
        first.write(b"first")
        with replacing(path) as second:
            second.write(b"second, and longer")
        assert path.read_bytes() == b"second, and longer"
    assert path.read_bytes() == b"first"


KILLED = """
import os, signal, sys
from pathlib import Path
from earmark.files import replacement
path = Path(sys.argv[1])
with replacement(path, sys.argv[2]) as first, replacement(path, sys.argv[2]) as second:
    first.write_bytes(b"half")
    second.write_bytes(b"more")
    if sys.argv[3:]:
        print("written", flush=True)
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps what was left")
@pytest.mark.parametrize("suffix", [".part", ".part.mp3"])
def test_what_a_killed_process_left_goes_with_the_next_one(path: Path, suffix: str) -> None:
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", KILLED, str(path), suffix], check=False).returncode == -9
        assert len(names(path.parent)) == 3
    with replacement(path.with_name("other.csv"), suffix) as fresh:
        fresh.write_bytes(b"other")
    with replacement(path, suffix) as fresh:
        assert fresh.read_bytes() == b""
        assert len(names(path.parent)) == 3
        fresh.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["crate.csv", "other.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps what was left")
def test_what_another_process_writes_stays(path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(path), ".part", "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdin
        assert other.stdout.readline() == b"written\n"
        theirs = {each: each.read_bytes() for each in path.parent.iterdir() if each != path}
        assert sorted(theirs.values()) == [b"half", b"more"]
        write_bytes(path, b"new")
        assert {each: each.read_bytes() for each in path.parent.iterdir() if each != path} == theirs
        other.stdin.close()
    write_bytes(path, b"newer")
    assert names(path.parent) == ["crate.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission there")
def test_a_link_in_the_place_of_an_unfinished_file_leads_nowhere(path: Path) -> None:
    other = path.with_name("other.csv")
    other.write_bytes(b"of another time")
    with replacement(path) as fresh:
        name = fresh.name
    path.with_name(name).symlink_to(other)
    write_bytes(path, b"newer")
    assert (path.read_bytes(), other.read_bytes()) == (b"newer", b"of another time")


def test_a_name_that_is_free_again_may_be_that_of_another_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs: list[Path] = []

    def replace(fresh: Path, target: Path) -> None:
        os.replace(fresh, target)  # noqa: PTH105  the one that is replaced here
        fresh.write_bytes(b"of another writer")
        theirs.append(fresh)

    monkeypatch.setattr(Path, "replace", replace)
    write_bytes(path, b"new")
    assert [each.read_bytes() for each in (path, *theirs)] == [b"new", b"of another writer"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_share_that_cannot_lock_is_written_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int, _how: int) -> NoReturn:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert_two_writers_at_once(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_share_whose_locks_keep_the_writer_out_is_written_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def of_smb(self: Path, mode: str = "r", buffering: int = -1) -> IO[Any]:
        file = opened(self, mode, buffering)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise PermissionError(13, "Permission denied") from None
        fcntl.flock(file, fcntl.LOCK_UN)
        return file

    monkeypatch.setattr(Path, "open", of_smb)
    assert_two_writers_at_once(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_no_more_open_files_than_the_system_allows(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    handles = [path.open()]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (handles[0].fileno() + 20, hard))
        with suppress(OSError):
            while True:
                handles.append(path.open())
        with pytest.raises(OSError, match="Too many open files"):
            write_bytes(path, b"new")
        handles.pop().close()
        write_bytes(path, b"new")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in handles:
            each.close()
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["crate.csv"]


def test_an_unfinished_file_is_hidden_and_marked(path: Path) -> None:
    with replacement(path) as fresh:
        assert (fresh.parent, fresh.name[:11], fresh.suffix) == (path.parent, ".crate.csv.", ".part")
        fresh.touch()
    with replacement(path, suffix=".part.opus") as fresh:
        assert fresh.suffix == ".opus"
        fresh.touch()


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 125 + ".json")  # 255 bytes
    write_text(path, "{}")
    assert path.read_bytes() == b"{}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_bytes(tmp_path / "new", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_text_is_utf_8_with_the_line_ends_that_it_is_given(path: Path) -> None:
    with replacing_text(path) as file:
        file.write("Röyksopp\r\n")
        file.write("a\n")
    assert path.read_bytes() == b"R\xc3\xb6yksopp\r\na\n"
    write_text(path, "b\n")
    assert path.read_bytes() == b"b\n"


def test_a_name_that_is_no_text_is_written_as_its_user_asks(path: Path) -> None:
    name = os.fsdecode(b"a\xff.mp3")
    with replacing_text(path, errors="surrogateescape") as file:
        file.write(name)
    assert path.read_bytes() == b"a\xff.mp3"
    write_text(path, name, errors="backslashreplace")
    assert path.read_bytes() == b"a\\udcff.mp3"
    with pytest.raises(UnicodeEncodeError), replacing_text(path) as file:
        file.write(name)
    assert path.read_bytes() == b"a\\udcff.mp3"
    assert names(path.parent) == ["crate.csv"]


def test_a_file_that_came_another_way_is_put_in_its_place(path: Path) -> None:
    part = path.with_name("download")
    part.write_bytes(b"new")
    put(part, path)
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["crate.csv"]


# A folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "old").write_bytes(b"old")
    return folder


def test_a_folder_gives_way_to_another_as_a_whole(folder: Path) -> None:
    with replacing_folder(folder) as fresh:
        (fresh / "new").write_bytes(b"new")
        assert names(folder) == ["old"]
    assert names(folder) == ["new"]
    assert names(folder.parent) == ["bundle"]


def test_a_folder_that_was_not_there_is_made(tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "a" / "bundle") as fresh:
        (fresh / "new").touch()
    assert names(tmp_path / "a" / "bundle") == ["new"]
    assert names(tmp_path / "a") == ["bundle"]


def test_an_error_in_the_block_leaves_the_old_folder_and_nothing_else(folder: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing_folder(folder) as fresh:
        (fresh / "new").rename(fresh / "other")
    assert names(folder) == ["old"]
    assert names(folder.parent) == ["bundle"]


def test_a_second_rename_that_fails_undoes_the_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def fail_for_the_new(self: Path, target: Path) -> Path:
        if self.suffix == ".new":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new)
    with pytest.raises(PermissionError), replacing_folder(folder) as fresh:
        (fresh / "new").touch()
    assert names(folder) == ["old"]
    assert names(folder.parent) == ["bundle"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, PermissionError])
def test_whatever_comes_between_the_renames_the_old_folder_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.suffix == ".new" or (self.suffix == ".old" and error is PermissionError):
            raise error
        return rename(self, target)

    def replace() -> None:
        with replacing_folder(folder) as fresh:
            (fresh / "new").touch()

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(error):
        replace()
    (kept,) = folder.parent.iterdir()
    assert names(kept) == ["old"]
    assert (kept == folder) == (error is KeyboardInterrupt)  # else nothing can be renamed, and it keeps the other name


# Folders of the user


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="of Linux")
@pytest.mark.parametrize("given", [None, "", "relative"])
def test_data_and_cache_are_in_the_home_unless_an_absolute_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("EARMARK_CACHE")
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
        if given is not None:
            monkeypatch.setenv(name, given)
    assert data_folder() == tmp_path / ".local/share/earmark"
    assert cache_folder() == tmp_path / ".cache/earmark"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert data_folder() == Path("/data/earmark")
    assert cache_folder() == Path("/cache/earmark")
    monkeypatch.setenv("EARMARK_CACHE", "/elsewhere")
    assert cache_folder() == Path("/elsewhere")


def test_a_user_without_a_home_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*_: object, **__: object) -> Path:
        raise RuntimeError("could not determine the home directory")  # as platformdirs says it

    monkeypatch.setattr(platformdirs, "user_data_path", homeless)
    monkeypatch.setattr(platformdirs, "user_cache_path", homeless)
    monkeypatch.delenv("EARMARK_CACHE")
    for folder in (data_folder, cache_folder):
        with pytest.raises(FileNotFoundError, match="this user has no home folder: set HOME"):
            folder()


# Absolute paths


def test_an_absolute_path_drops_two_dots_and_keeps_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "music")
    monkeypatch.chdir(tmp_path)
    assert absolute("link/../link/./a.mp3") == tmp_path / "link" / "a.mp3"
    assert absolute(Path("link")) == tmp_path / "link"


# Names that read alike

NFC, NFD = "Beyonc\u00e9", "Beyonce\u0301"


@pytest.mark.parametrize(("there", "asked"), [(NFC, NFD), (NFD, NFC)])
def test_a_file_is_found_however_its_accents_are_spelled(there: str, asked: str, tmp_path: Path) -> None:
    path = tmp_path / f"{there} und Mötley Cru\u0308e" / f"{there}.mp3"
    path.parent.mkdir()
    path.touch()
    other = tmp_path / f"{asked} und Mo\u0308tley Crüe" / f"{asked}.mp3"
    assert as_spelled(other) == as_spelled(path) == path
    gone = tmp_path / asked / "gone.mp3"
    assert as_spelled(gone) == gone


def test_the_exact_spelling_goes_first_but_not_into_a_dead_end(tmp_path: Path) -> None:
    for name in (NFC, NFD):
        (tmp_path / name).mkdir()
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell the two spellings apart")
    for name in (NFC, NFD):
        (tmp_path / NFC / f"{name}.mp3").touch()
    for name in (NFC, NFD):
        assert as_spelled(tmp_path / NFC / f"{name}.mp3") == tmp_path / NFC / f"{name}.mp3"
        assert as_spelled(tmp_path / NFD / f"{name}.mp3") == tmp_path / NFC / f"{name}.mp3"


def test_a_file_that_comes_later_is_found(tmp_path: Path) -> None:
    assert as_spelled(tmp_path / f"{NFD}.mp3") == tmp_path / f"{NFD}.mp3"
    (tmp_path / f"{NFC}.mp3").touch()
    os.utime(tmp_path, ns=(1, 1))
    assert as_spelled(tmp_path / f"{NFD}.mp3") == tmp_path / f"{NFC}.mp3"


@pytest.mark.parametrize("name", ["é" * 300, "é\0", "é/../é", ".", "/", "é"])
def test_a_name_that_no_file_can_have_stays_as_it_is(name: str) -> None:
    assert as_spelled(Path(name)) == Path(name)
