"""Scanning: what is heard and what is not, and that nothing is lost whenever it is killed."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from earmark.analysis import Analysis
from earmark.errors import EarmarkError, TagError, UnreadableAudio
from earmark.library import Catalogue, Query, Tags, Track
from earmark.library.catalogue import examiner
from earmark.library.scanning.scan import ScanStatus, hear, reread, survey
from earmark.library.scanning.watch import watch
from earmark.testing import noise, write_wav
from earmark.testing.doubles import listen, read_tags

RATE = 8000
SOUNDS = 220


@dataclass
class Ear:
    """A listener that notes what it was given to hear, and may do something meanwhile."""

    given: list[str] = field(default_factory=list)
    meanwhile: Callable[[Path], object] = lambda path: path

    def __call__(self, path: Path) -> Analysis:
        self.given.append(path.name)
        self.meanwhile(path)
        return listen(path)

    def heard(self) -> list[str]:
        """What was given since the last time this was asked."""
        given, self.given = self.given, []
        return given


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return files that hold different sounds."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    return [write_wav(folder / f"{number:03}.wav", noise(0.05, rng, RATE), RATE) for number in range(SOUNDS)]


@pytest.fixture
def crate(tmp_path: Path, sounds: list[Path]) -> Path:
    """Return a folder of four files, two of them in a folder of their own."""
    folder = tmp_path / "crate"
    (folder / "deep").mkdir(parents=True)
    for name, sound in zip(("a", "b", "deep/c", "deep/d"), sounds, strict=False):
        shutil.copy(sound, folder / f"{name}.wav")
    return folder


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue(tmp_path / "catalogue.db") as opened:
        yield opened


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def scan(catalogue: Catalogue, ear: Ear) -> Callable[..., list[str]]:
    """Return what scans a folder, and says what became of each file."""

    def run(
        folder: Path, version: str = "1", *, fuller: str = "", again: bool = False, retry: bool = False
    ) -> list[str]:
        examine = examiner(catalogue.path, ear, read_tags=read_tags, version=version, fuller=fuller, again=again)
        changes = survey(catalogue, folder, version=version, fuller=fuller, again=again, retry=retry)
        return [told(found.status, found.outcome) for found in hear(catalogue, changes, examine)]

    return run


def told(status: ScanStatus, outcome: Track | EarmarkError) -> str:
    return f"{status} {outcome.path.name}" if isinstance(outcome, Track) else f"{status} {outcome}"


Scan = Callable[..., list[str]]


# What is heard, and what not


@pytest.mark.parametrize("error", [PermissionError, TimeoutError, OSError])
def test_a_former_place_where_nobody_may_look_does_not_end_a_scan(
    error: type[OSError], scan: Scan, crate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(crate)
    shutil.copy(crate / "a.wav", crate / "A.wav")
    stat = Path.stat

    def refused(path: Path, **kind: bool) -> os.stat_result:
        if path.name == "a.wav" and (crate / "A.wav").name in seen:
            raise error(13, "no")
        seen.add(path.name)
        return stat(path, **kind)

    seen: set[str] = set()
    monkeypatch.setattr(Path, "stat", refused)
    assert "known A.wav" in scan(crate)


@pytest.mark.parametrize("error", [PermissionError, TimeoutError, OSError])
def test_a_file_that_cannot_be_looked_at_has_not_vanished(
    error: type[OSError], scan: Scan, crate: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share that does not answer proves nothing: its tracks stay."""
    scan(crate)
    shutil.move(crate / "deep", crate.parent)

    def lstat(path: Path) -> os.stat_result:
        if "deep" in path.parts:
            raise error(5, "the share does not answer")
        return os.lstat(path)

    with monkeypatch.context() as share:
        share.setattr(Path, "lstat", lstat)
        assert scan(crate) == []
    assert [track.missing for track in catalogue.tracks()] == [False] * 4
    assert scan(crate) == ["missing c.wav", "missing d.wav"]  # now that the system says that they are not there


def test_everything_new_is_heard_and_nothing_twice(scan: Scan, crate: Path, catalogue: Catalogue, ear: Ear) -> None:
    assert scan(crate) == ["heard a.wav", "heard b.wav", "heard c.wav", "heard d.wav"]
    assert ear.heard() == ["a.wav", "b.wav", "c.wav", "d.wav"]
    (first, *_) = catalogue.tracks()
    status = (crate / "a.wav").stat()
    assert (first.path, first.size, first.modified) == (crate / "a.wav", status.st_size, status.st_mtime_ns)
    assert (first.tags, first.error, first.missing) == (Tags(title="a"), "", False)
    assert first.analysis
    assert first.analysis.timeline.top(1)[0][0] == f"style {first.path.read_bytes()[-1]}"
    assert scan(crate) == []
    assert ear.heard() == []


def test_the_method_of_the_catalogue_scans(catalogue: Catalogue, crate: Path) -> None:
    (crate / "bad.wav").write_bytes((crate / "a.wav").read_bytes()[:-2])
    outcomes = list(catalogue.scan(crate, listen, read_tags=read_tags))
    assert [str(each) for each in outcomes if isinstance(each, EarmarkError)] == [f"{crate}/bad.wav: bad on purpose"]
    assert [each.path.name for each in outcomes if isinstance(each, Track)] == ["a.wav", "b.wav", "c.wav", "d.wav"]
    assert list(catalogue.scan(crate, listen, read_tags=read_tags)) == []


def test_workers_find_out_the_same(tmp_path: Path, crate: Path) -> None:
    (crate / "bad.wav").write_text("no sound", encoding="utf-8")
    contents = []
    for workers in (1, 2):
        with Catalogue(tmp_path / f"{workers}.db") as catalogue:
            list(catalogue.scan(crate, listen, read_tags=read_tags, workers=workers))
            contents.append(summary(catalogue.path))
    assert contents[0] == contents[1]
    assert len(contents[0]) == 5


def test_new_tags_are_read_and_the_sound_is_not_heard_again(
    catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan
) -> None:
    scan(crate)
    ear.heard()
    with (crate / "a.wav").open("ab") as file:
        file.write(b"LIST" + (20).to_bytes(4, "little") + b"INFOINAM\x08\0\0\0a title\0")
    assert scan(crate) == ["known a.wav"]
    assert ear.heard() == []
    track = catalogue.track(crate / "a.wav")
    assert track
    assert track.size == (crate / "a.wav").stat().st_size
    assert track.analysis


def test_a_changed_sound_is_heard(catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan, sounds: list[Path]) -> None:
    scan(crate)
    ear.heard()
    before = catalogue.track(crate / "a.wav")
    shutil.copy(sounds[10], crate / "a.wav")
    assert scan(crate) == ["heard a.wav"]
    after = catalogue.track(crate / "a.wav")
    assert before
    assert after
    assert after.id == before.id
    assert after.content_hash != before.content_hash
    assert scan(crate) == []


def test_moved_files_are_known(catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan) -> None:
    scan(crate)
    ear.heard()
    before = {track.content_hash: track.id for track in catalogue.tracks()}
    (crate / "deep").rename(crate / "shallow")
    (crate / "a.wav").rename(crate / "z.wav")
    assert scan(crate) == ["moved z.wav", "moved c.wav", "moved d.wav"]
    assert ear.heard() == []
    assert {track.content_hash: track.id for track in catalogue.tracks()} == before
    track = catalogue.track(crate / "z.wav")
    assert track
    with sqlite3.connect(catalogue.path) as connection:
        moves = connection.execute("SELECT path FROM moves WHERE track = ?", (track.id,)).fetchall()
    assert moves == [(str(crate / "a.wav"),)]
    assert (track.tags, track.missing) == (Tags(title="z"), False)


def test_a_file_that_moves_to_another_folder_is_known_there_and_not_missing_here(
    catalogue: Catalogue, crate: Path, tmp_path: Path, ear: Ear, scan: Scan
) -> None:
    scan(crate)
    (tmp_path / "other").mkdir()
    (crate / "a.wav").rename(tmp_path / "other/a.wav")
    assert scan(tmp_path / "other") == ["moved a.wav"]
    assert scan(crate) == []
    assert len(ear.heard()) == catalogue.count() == 4


def test_a_file_that_was_missing_for_long_is_known_where_it_turns_up(
    crate: Path, tmp_path: Path, ear: Ear, scan: Scan
) -> None:
    scan(crate)
    (crate / "a.wav").rename(tmp_path / "a.wav")
    assert scan(crate) == ["missing a.wav"]
    assert scan(crate) == []
    (tmp_path / "a.wav").rename(crate / "deep/new name.wav")
    assert scan(crate) == ["moved new name.wav"]
    assert len(ear.heard()) == 4


def test_two_files_that_trade_places_are_known(catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan) -> None:
    scan(crate)
    ear.heard()
    before = {str(track.path): track.content_hash for track in catalogue.tracks()}
    a, b, c = str(crate / "a.wav"), str(crate / "b.wav"), str(crate / "c.wav")
    Path(a).rename(c)
    Path(b).rename(a)
    Path(c).rename(b)
    for path, seconds in ((a, 1), (b, 2)):
        os.utime(path, (seconds, seconds))
    assert scan(crate) == ["known a.wav", "known b.wav"]
    assert ear.heard() == []
    after = {str(track.path): track.content_hash for track in catalogue.tracks()}
    assert (after[a], after[b]) == (before[b], before[a])


def test_a_copy_is_known(catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan) -> None:
    shutil.copy(crate / "a.wav", crate / "copy.wav")
    assert scan(crate)[2] == "known copy.wav"
    shutil.copy(crate / "a.wav", crate / "later.wav")
    assert scan(crate) == ["known later.wav"]
    assert len(ear.heard()) == 4
    (copies,) = {len(catalogue.states_of(track.content_hash)) for track in catalogue.find(Query(words="later"))}
    assert copies == 3
    shown = [track.analysis for track in catalogue.tracks() if track.path.stem in ("a", "copy", "later")]
    assert [analysis and analysis.path.stem for analysis in shown] == ["a", "copy", "later"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_a_copy_and_a_link_to_nothing_an_error(crate: Path, scan: Scan) -> None:
    (crate / "link.wav").symlink_to(crate / "a.wav")
    (crate / "nowhere.wav").symlink_to(crate / "no such file.wav")
    heard = scan(crate)
    assert heard[2] == "known link.wav"
    assert heard[3] == f"failed {crate}/nowhere.wav: it is a link to nothing"


def test_what_has_vanished_is_kept_marked_and_unmarked(catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan) -> None:
    scan(crate)
    aside = (crate / "deep").rename(crate / ".deep")
    assert scan(crate) == ["missing c.wav", "missing d.wav"]
    assert [track.missing for track in catalogue.tracks()] == [False, False, True, True]
    assert (catalogue.count(), catalogue.count(Query(missing=True))) == (2, 2)
    aside.rename(crate / "deep")
    assert scan(crate) == ["back c.wav", "back d.wav"]
    assert catalogue.count() == 4
    assert len(ear.heard()) == 4


def test_only_what_lies_in_the_scanned_folder_can_be_missing(crate: Path, scan: Scan) -> None:
    scan(crate)
    (crate / "a.wav").unlink()
    (crate / "deep/c.wav").unlink()
    assert scan(crate / "deep") == ["missing c.wav"]
    assert scan(crate) == ["missing a.wav"]


def test_a_folder_that_is_not_there_is_an_error_and_its_tracks_are_not_missing(
    catalogue: Catalogue, crate: Path, scan: Scan
) -> None:
    scan(crate)
    crate.rename(crate.with_name("unplugged"))
    with pytest.raises(EarmarkError, match="crate: there is no such folder"):
        scan(crate)
    assert catalogue.count(Query(missing=True)) == 0


def test_one_file_can_be_scanned(crate: Path, scan: Scan) -> None:
    assert scan(crate / "b.wav") == ["heard b.wav"]
    assert scan(crate) == ["heard a.wav", "heard c.wav", "heard d.wav"]
    (crate / "b.wav").unlink()
    assert scan(crate) == ["missing b.wav"]


# What fails


def test_a_bad_file_is_noted_and_tried_again_only_when_it_changes(
    catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan
) -> None:
    bad = crate / "bad.wav"
    bad.write_text("no sound", encoding="utf-8")
    assert scan(crate)[2] == f"failed {bad}: bad on purpose"
    track = catalogue.track(bad)
    assert track
    assert (track.error, track.analysis, track.tags.title) == ("bad on purpose", None, "bad")
    assert [each.path for each in catalogue.find(Query(failed=True))] == [bad]
    ear.heard()
    assert scan(crate) == []
    assert survey(catalogue, crate, version="1").failing == 1
    assert scan(crate, retry=True) == [f"failed {bad}: bad on purpose"]
    bad.write_text("other bytes", encoding="utf-8")
    assert scan(crate) == [f"failed {bad}: bad on purpose"]
    assert ear.heard() == ["bad.wav"] * 2
    bad.rename(crate / "good.wav")
    assert scan(crate) == ["heard good.wav"]
    track = catalogue.track(crate / "good.wav")
    assert track
    assert track.error == ""


def test_a_file_over_which_the_process_dies_is_noted_too(catalogue: Catalogue, crate: Path) -> None:
    (crate / "crash.wav").write_bytes((crate / "a.wav").read_bytes()[:-2])
    outcomes = list(catalogue.scan(crate, listen, read_tags=read_tags, workers=2))
    assert [str(each) for each in outcomes if isinstance(each, EarmarkError)] == [
        f"{crate}/crash.wav: the decoder crashed over it"
    ]
    assert list(catalogue.scan(crate, listen, read_tags=read_tags)) == []


def fail(error: Exception) -> Callable[[Path], object]:
    """Return what raises an error over `a.wav`."""

    def over(path: Path) -> None:
        if path.name == "a.wav":
            raise error

    return over


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "there is not enough memory for it"),
        (UnreadableAudio("a.wav", "the drive is gone"), "the drive is gone"),
    ],
)
def test_what_was_heard_stays_when_a_later_scan_fails(
    catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan, error: Exception, reason: str, version: str
) -> None:
    scan(crate)
    before = catalogue.track(crate / "a.wav")
    assert before
    assert before.analysis
    ear.meanwhile = fail(error)
    failed = scan(crate / "a.wav", version=version, again=version == "1")
    assert [each.split(": ")[-1] for each in failed] == [reason]
    after = catalogue.track(crate / "a.wav")
    assert after
    assert after.analysis
    assert (after.content_hash, after.tags, after.id) == (before.content_hash, before.tags, before.id)
    assert (after.error, after.missing) == (reason, False)
    assert [each.path for each in catalogue.find(Query(failed=True))] == [crate / "a.wav"]
    assert list(reread(catalogue, [state for state in [catalogue.state(after.path)] if state], read_tags)) == [None]
    ear.meanwhile = lambda path: path
    assert scan(crate, version=version)[:1] == (["heard a.wav"] if version == "2" else [])


def test_new_tags_are_noted_when_the_same_sound_cannot_be_heard_again(
    catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan
) -> None:
    scan(crate)
    os.utime(crate / "a.wav", (1, 1))
    ear.meanwhile = fail(UnreadableAudio("a.wav", "the drive is gone"))
    assert scan(crate / "a.wav", again=True) == [f"failed {crate}/a.wav: the drive is gone"]
    after = catalogue.track(crate / "a.wav")
    assert after
    assert after.analysis
    assert (after.modified, after.tags.title, after.error) == (10**9, "a", "the drive is gone")


@pytest.mark.parametrize("error", [MemoryError(), UnreadableAudio("a.wav", "the drive is gone")])
def test_a_failure_over_a_changed_sound_replaces_what_was_heard(
    catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan, sounds: list[Path], error: Exception
) -> None:
    scan(crate)
    shutil.copy(sounds[9], crate / "a.wav")
    os.utime(crate / "a.wav", (1, 1))
    ear.meanwhile = fail(error)
    scan(crate)
    after = catalogue.track(crate / "a.wav")
    assert after
    assert (after.analysis, bool(after.error)) == (None, True)


def test_a_file_whose_tags_cannot_be_read_is_heard(catalogue: Catalogue, crate: Path, scan: Scan) -> None:
    (crate / "a.wav").rename(crate / "odd.wav")
    assert scan(crate)[1] == "heard odd.wav"
    track = catalogue.track(crate / "odd.wav")
    assert track
    assert (track.error, track.tags) == ("its tags cannot be read: odd on purpose", Tags())
    assert track.analysis
    assert scan(crate) == []


def test_a_file_that_changes_while_it_is_heard_is_heard_again(
    catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan
) -> None:
    ear.meanwhile = lambda path: path.write_bytes(path.read_bytes() + b"\0\0") if path.stem == "b" else None
    assert scan(crate)[1] == f"failed {crate}/b.wav: it changed while it was heard"
    track = catalogue.track(crate / "b.wav")
    assert track
    assert track.analysis is None
    ear.meanwhile = lambda path: path
    assert scan(crate) == ["heard b.wav"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_tried_each_time(crate: Path, scan: Scan) -> None:
    (crate / "a.wav").chmod(0)
    assert scan(crate)[0] == f"failed {crate}/a.wav: it cannot be read: Permission denied"
    assert scan(crate) == [f"failed {crate}/a.wav: it cannot be read: Permission denied"]
    (crate / "a.wav").chmod(0o644)
    assert scan(crate) == ["heard a.wav"]


# Models


def test_another_version_hears_again_and_only_once(crate: Path, ear: Ear, scan: Scan) -> None:
    shutil.copy(crate / "a.wav", crate / "copy.wav")
    scan(crate)
    ear.heard()
    assert scan(crate, version="2") == ["heard a.wav", "heard b.wav", "known copy.wav", "heard c.wav", "heard d.wav"]
    assert ear.heard() == ["a.wav", "b.wav", "c.wav", "d.wav"]
    assert scan(crate, version="2") == []


def test_what_a_fuller_version_has_heard_stays(catalogue: Catalogue, crate: Path, ear: Ear, scan: Scan) -> None:
    scan(crate / "a.wav", version="full")
    ear.heard()
    shutil.copy(crate / "a.wav", crate / "copy.wav")
    (crate / "a.wav").rename(crate / "moved.wav")
    quick = scan(crate, version="quick", fuller="full")
    assert quick == ["heard b.wav", "moved copy.wav", "known moved.wav", "heard c.wav", "heard d.wav"]
    assert ear.heard() == ["b.wav", "c.wav", "d.wav"]
    versions = {each.path.name: each.version for each in catalogue.states_below(crate)}
    assert versions == {
        "b.wav": "quick",
        "c.wav": "quick",
        "copy.wav": "full",
        "d.wav": "quick",
        "moved.wav": "full",
    }
    assert scan(crate, version="quick", fuller="full") == []
    assert scan(crate, version="full") == ["heard b.wav", "heard c.wav", "heard d.wav"]


def test_again_hears_everything(crate: Path, ear: Ear, scan: Scan) -> None:
    scan(crate)
    ear.heard()
    assert scan(crate, again=True) == ["heard a.wav", "heard b.wav", "heard c.wav", "heard d.wav"]
    assert ear.heard() == ["a.wav", "b.wav", "c.wav", "d.wav"]


# Watching


class Clock:
    """Stands for the time between two looks: does one thing after the other, then ends like Ctrl-C."""

    def __init__(self, *events: Callable[[], object]) -> None:
        self.events = list(events)

    def __call__(self, seconds: float) -> None:
        assert seconds > 0
        if not self.events:
            raise KeyboardInterrupt
        self.events.pop(0)()


def watched(catalogue: Catalogue, folder: Path, ear: Ear, *events: Callable[[], object]) -> list[str]:
    seen: list[str] = []
    found = watch(
        catalogue, folder, examiner(catalogue.path, ear, read_tags=read_tags, version="1"), sleep=Clock(*events)
    )
    with pytest.raises(KeyboardInterrupt):
        seen.extend(told(each.status, each.outcome) for each in found)
    return seen


def nothing() -> None:
    """Let time pass."""


def test_watching_hears_what_is_there_and_what_comes(
    catalogue: Catalogue, crate: Path, ear: Ear, sounds: list[Path]
) -> None:
    assert watched(
        catalogue,
        crate,
        ear,
        nothing,
        lambda: shutil.copy(sounds[20], crate / "new.wav"),
        nothing,
        (crate / "a.wav").unlink,
        lambda: (crate / "b.wav").rename(crate / "moved.wav"),
        nothing,
        nothing,
    ) == ["heard a.wav", "heard b.wav", "heard c.wav", "heard d.wav", "heard new.wav", "missing a.wav",
          "missing b.wav", "moved moved.wav"]  # fmt: skip
    assert [track.missing for track in catalogue.tracks()] == [True, False, False, False, False]


@pytest.mark.skipif(sys.platform != "linux", reason="names are compared byte by byte on Linux")
def test_a_folder_is_watched_whatever_the_spelling_of_its_name(catalogue: Catalogue, crate: Path, ear: Ear) -> None:
    crate.rename(crate.with_name("Cafe\u0301"))
    found = watched(catalogue, crate.with_name("Caf\u00e9"), ear, nothing, nothing)
    assert found == ["heard a.wav", "heard b.wav", "heard c.wav", "heard d.wav"]


def test_a_file_that_is_still_being_copied_is_left_alone(
    catalogue: Catalogue, crate: Path, ear: Ear, sounds: list[Path]
) -> None:
    whole = sounds[21].read_bytes()

    def write(share: float) -> None:
        (crate / "slow.wav").write_bytes(whole[: round(len(whole) * share)])

    copying = [partial(write, share) for share in (0.2, 0.5, 0.9, 1.0)]
    seen = watched(catalogue, crate, ear, nothing, *copying, nothing, nothing)
    assert seen[4:] == ["heard slow.wav"]
    assert ear.heard().count("slow.wav") == 1


def test_nothing_happens_while_the_folder_is_away(catalogue: Catalogue, crate: Path, ear: Ear) -> None:
    away = crate.with_name("away")
    seen = watched(
        catalogue,
        crate,
        ear,
        nothing,
        lambda: crate.rename(away),
        nothing,
        lambda: away.rename(crate),
        nothing,
        nothing,
    )
    assert seen == ["heard a.wav", "heard b.wav", "heard c.wav", "heard d.wav"]


# Killed at any moment

DRIVER = Path(__file__).with_name("scan_driver.py")


def summary(path: Path) -> list[tuple[object, ...]]:
    """All that a catalogue holds, but for numbers that depend on the order, and moments."""
    everything = """
        SELECT path, size, modified, fingerprint, missing, error, title, tracks.style, content, embedding
        FROM tracks LEFT JOIN analyses ON analyses.id = analysis ORDER BY path
    """
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")
        found = connection.execute(everything).fetchall()
        assert (
            connection.execute("SELECT count(DISTINCT content), count(*) FROM analyses").fetchone()
            == (len({row[8] for row in found if row[8]}),) * 2
        )
    connection.close()
    return found


def driven(catalogue: Path, folder: Path, workers: int) -> "subprocess.Popen[str]":
    command = [sys.executable, str(DRIVER), str(catalogue), str(folder), str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def count(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (tracks,) = connection.execute("SELECT count(*) FROM tracks").fetchone()
    connection.close()
    return int(tracks)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize(
    ("kills", "files", "workers"),
    [(6, 60, 1), pytest.param(50, 200, 1, marks=pytest.mark.slow), pytest.param(50, 200, 2, marks=pytest.mark.slow)],
)
def test_a_scan_that_is_killed_again_and_again_ends_as_one_that_is_not(
    tmp_path: Path, sounds: list[Path], kills: int, files: int, workers: int
) -> None:
    folder = tmp_path / "crate"
    folder.mkdir()
    for number, sound in enumerate(sounds[:files]):
        shutil.copy(sound, folder / f"{'bad' if number % 20 == 7 else 'track'} {number}.wav")
    for number in range(0, files, 25):
        shutil.copy(sounds[number], folder / f"copy {number}.wav")
    with Catalogue(tmp_path / "whole.db") as whole:
        list(whole.scan(folder, listen, read_tags=read_tags))
    rng = random.Random(1)  # noqa: S311  no secret
    killed, noted, partly = 0, 0, 0
    path = tmp_path / "killed.db"
    total = count(tmp_path / "whole.db")
    while killed < kills:
        if noted >= total * 0.95:  # go on with another one, so that kills fall on every part of a scan
            assert_finishes(path, folder, workers, tmp_path / "whole.db")
            for each in tmp_path.glob("killed.db*"):
                each.unlink()
            noted = 0
        process = driven(path, folder, workers)
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        for _ in range(rng.randrange(total // 6)):
            if process.stdout.readline() != "one more\n":
                break
        time.sleep(rng.uniform(0, 0.02))
        os.killpg(process.pid, signal.SIGKILL) if killed % 2 else process.kill()
        process.communicate()
        killed += 1
        assert count(path) >= noted  # what was committed is there
        noted = count(path)
        partly += 0 < noted < total
    assert partly  # some kills fell into the middle
    assert_finishes(path, folder, workers, tmp_path / "whole.db")


def assert_finishes(path: Path, folder: Path, workers: int, whole: Path) -> None:
    process = driven(path, folder, workers)
    assert process.communicate()[0].replace("one more\n", "") == "begun\ndone\n"
    assert summary(path) == summary(whole)


def test_two_scans_at_once_find_out_what_one_does(tmp_path: Path, sounds: list[Path]) -> None:
    folder = tmp_path / "crate"
    folder.mkdir()
    for number, sound in enumerate(sounds[:40]):
        shutil.copy(sound, folder / f"{number}.wav")
    both = [driven(tmp_path / "both.db", folder, 1) for _ in range(2)]
    assert [process.communicate()[0].splitlines()[-1] for process in both] == ["done"] * 2
    with Catalogue(tmp_path / "whole.db") as whole:
        list(whole.scan(folder, listen, read_tags=read_tags))
    assert summary(tmp_path / "both.db") == summary(tmp_path / "whole.db")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_ctrl_c_loses_nothing_that_was_committed(tmp_path: Path, crate: Path) -> None:
    with Catalogue(tmp_path / "a.db") as catalogue:
        seen = []

        def interrupted(path: Path) -> Analysis:
            if path.stem == "c":
                raise KeyboardInterrupt
            return listen(path)

        def keep_up() -> None:
            for outcome in catalogue.scan(crate, interrupted, read_tags=read_tags):
                assert isinstance(outcome, Track)
                seen.append(outcome.path.name)
                with Catalogue(catalogue.path) as other:  # committed before it is handed out
                    assert other.state(outcome.path)

        with pytest.raises(KeyboardInterrupt):
            keep_up()
        assert seen == ["a.wav", "b.wav"]
        assert catalogue.count() == 2


# Tags read again


def test_tags_that_others_changed_are_read_again_and_nothing_is_heard(
    catalogue: Catalogue, ear: Ear, crate: Path, scan: Scan
) -> None:
    (crate / "bad.wav").write_text("no music", encoding="utf-8")
    ear.meanwhile = lambda path: (_ for _ in ()).throw(UnreadableAudio(path, "bad")) if path.stem == "bad" else path
    scan(crate)
    ear.heard()
    said = {"b.wav": Tags(title="new", bpm=128.0, bpm_text=""), "a.wav": Tags(title="a", bpm_text="128 BPM")}

    def reading(path: Path) -> Tags:
        if path.name == "c.wav":
            raise TagError(path, "odd now")
        if path.name == "d.wav":
            raise MemoryError
        return said.get(path.name) or read_tags(path)

    def again() -> list[str]:
        changes = survey(catalogue, crate, version="1", tags=True)
        assert (changes.fresh, changes.unchanged, len(changes.same)) == ([], 5, 4)
        return [told(each.status, each.outcome) if each else "" for each in reread(catalogue, changes.same, reading)]

    assert again() == ["", "retagged b.wav", "retagged c.wav", "retagged d.wav"]
    track = catalogue.track(crate / "b.wav")
    assert track is not None
    assert (track.tags, track.analysis is not None) == (Tags(title="new", bpm=128.0), True)
    assert getattr(catalogue.track(crate / "deep/c.wav"), "error", "") == "its tags cannot be read: odd now"
    assert getattr(catalogue.track(crate / "deep/d.wav"), "error", "").endswith(": there is not enough memory for it")
    assert again() == ["", "", "", ""]
    said["c.wav"] = Tags(title="c")
    changes = survey(catalogue, crate, version="1", tags=True)
    assert [bool(each) for each in reread(catalogue, changes.same, read_tags)] == [False, True, True, True]
    assert getattr(catalogue.track(crate / "deep/c.wav"), "error", "") == ""
    assert ear.heard() == []
    assert survey(catalogue, crate, version="1").same == []


# Links, and names that read alike


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_linked_album_is_heard_and_missing_while_it_is_away(crate: Path, tmp_path: Path, scan: Scan) -> None:
    album = tmp_path / "elsewhere/album"
    album.parent.mkdir()
    (crate / "deep").rename(album)
    (crate / "deep").symlink_to(album, target_is_directory=True)
    (crate / "loop").symlink_to(crate, target_is_directory=True)
    assert scan(crate) == ["heard a.wav", "heard b.wav", "heard c.wav", "heard d.wav"]
    assert scan(crate) == []
    album.rename(tmp_path / "away")
    assert scan(crate) == ["missing c.wav", "missing d.wav"]
    (tmp_path / "away").rename(album)
    assert scan(crate) == ["back c.wav", "back d.wav"]


def test_what_is_skipped_is_known_after_a_survey(crate: Path, catalogue: Catalogue) -> None:
    shutil.copy(crate / "a.wav", crate / "._a.wav")
    assert [str(each) for each in survey(catalogue, crate, version="1").skipped] == [
        f"{crate}/._a.wav: its name begins with a dot"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="the length of paths is that of Linux")
def test_a_file_whose_path_is_too_long_says_so(tmp_path: Path, scan: Scan) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    rest = 4096 - len(str(folder)) - 20
    for length in [*[200] * (rest // 201), rest % 201 - 1 or 1]:
        os.mkdir("n" * length, dir_fd=handle)
        inner = os.open("n" * length, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(os.open("a name of more than twenty letters.wav", os.O_CREAT, dir_fd=handle))
    os.close(handle)
    (line,) = scan(folder)
    assert line.endswith("more than twenty letters.wav: it cannot be opened: File name too long")


@pytest.mark.parametrize(("there", "asked"), [("Beyonc\u00e9", "Beyonce\u0301"), ("Beyonce\u0301", "Beyonc\u00e9")])
def test_a_folder_may_be_spelled_in_two_ways(there: str, asked: str, crate: Path, scan: Scan) -> None:
    (crate / "deep").rename(crate / there)
    assert scan(crate / there) == ["heard c.wav", "heard d.wav"]
    assert scan(crate / asked) == []
