"""What commands do, called as a page calls it: without a terminal, and nothing is printed."""

import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import earmark.app
from earmark.analysis import Analysis
from earmark.app import auditing, evaluating, exporting, listening, lookup, scanning, tagging
from earmark.app.catalogue import catalogue_path, open_if_any
from earmark.app.progress import counted
from earmark.app.query import camelot, query, tempo_range
from earmark.errors import BundleError, CatalogueError, EarmarkError, FileError, TagError, UnreadableAudio
from earmark.library import Catalogue, Tags, Track
from earmark.library.scanning import cluster
from earmark.library.tags import Journal, Settings, read
from earmark.testing import write_wav
from earmark.testing.tracks import heard_track, steady


@pytest.fixture(autouse=True)
def silent(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Fail if anything is printed."""
    yield
    assert capfd.readouterr() == ("", "")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for the catalogue and the journal."""
    monkeypatch.setenv("EARMARK_CATALOGUE", str(tmp_path / "home" / "catalogue.db"))
    monkeypatch.setenv("EARMARK_JOURNAL", str(tmp_path / "home" / "journal"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    """Return a folder of two files that the tiny model hears as Up and Down, and of one that is no audio."""
    folder = tmp_path / "crate"
    folder.mkdir()
    for name, level in {"a-up.wav": 0.5, "b-down.wav": -0.5}.items():
        write_wav(folder / name, np.full(16_000, level, np.float32), 8000)
    (folder / "c.mp3").write_text("no audio", encoding="utf-8")
    return folder


class Counter:
    """A display of progress that remembers what it was told."""

    def __init__(self) -> None:
        self.announced: list[tuple[int, str]] = []
        self.advanced = 0

    @contextmanager
    def __call__(self, total: int, unit: str) -> Iterator[Callable[[], None]]:
        self.announced.append((total, unit))
        yield self.advance

    def advance(self) -> None:
        self.advanced += 1


def styles(outcomes: Iterator[Analysis | FileError]) -> list[str]:
    """The most probable style of each file, or why it cannot be heard."""
    return [each.reason if isinstance(each, FileError) else each.timeline.top(1)[0][0] for each in outcomes]


def test_no_act_knows_the_terminal() -> None:
    modules = [f"earmark.app.{module.name}" for module in pkgutil.iter_modules(earmark.app.__path__)]
    assert len(modules) >= 9
    command = f"import sys, {', '.join(modules)}; print({{'typer', 'rich', 'torch', 'onnxruntime'}} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True)
    assert loaded.stdout == "set()\n"


def test_progress_counts_what_is_passed_on() -> None:
    progress = Counter()
    assert list(counted("abc", 3, "letters", progress)) == ["a", "b", "c"]
    assert (progress.announced, progress.advanced) == ([(3, "letters")], 3)


# Listening and looking up


def test_files_are_heard_after_what_names_none(crate: Path, tiny: Path) -> None:
    progress = Counter()
    found = list(listening.hear([str(crate), "none/*.wav"], str(tiny), progress=progress))
    assert styles(iter(found)) == ["no file matches", "Up", "Down", "it is not audio, or damaged beyond recognition"]
    assert (progress.announced, progress.advanced) == ([(3, "files")], 3)


def test_what_a_catalogue_knows_is_not_heard_again(crate: Path, tiny: Path, home: Path) -> None:
    sources = [str(crate / "a-up.wav"), str(crate / "b-down.wav")]
    progress = Counter()
    assert styles(lookup.heard(sources, model=str(tiny), progress=progress)) == ["Up", "Down"]
    assert progress.advanced == 2
    with Catalogue(home / "catalogue.db") as catalogue:
        list(catalogue.scan(crate / "a-up.wav", listening.open_listener(str(tiny))))
    reason = f"as it is now, it is not in the catalogue {home / 'catalogue.db'}: `earmark scan` it first"
    assert styles(lookup.heard(sources, home / "catalogue.db")) == ["Up", reason]
    os.utime(crate / "a-up.wav", (1, 1))  # another time, but what it holds is the same
    assert styles(lookup.heard(sources[:1], home / "catalogue.db")) == ["Up"]
    write_wav(crate / "a-up.wav", np.full(16_000, -0.4, np.float32), 8000)  # another recording by the same name
    assert styles(lookup.heard(sources[:1], home / "catalogue.db")) == [reason]


def test_a_known_file_that_cannot_be_read_any_more_is_one_error_among_the_others(
    crate: Path, tiny: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Catalogue(home / "catalogue.db") as catalogue:
        list(catalogue.scan(crate, listening.open_listener(str(tiny))))
    os.utime(crate / "a-up.wav", (1, 1))

    def unreadable(path: Path) -> str:
        raise UnreadableAudio(path, "it cannot be read: Input/output error")

    monkeypatch.setattr(lookup, "content_hash", unreadable)
    reason = f"as it is now, it is not in the catalogue {home / 'catalogue.db'}: `earmark scan` it first"
    sources = [str(crate / "a-up.wav"), str(crate / "b-down.wav")]
    assert styles(lookup.heard(sources, home / "catalogue.db")) == ["Down", reason]


def test_the_catalogue_is_opened_only_if_there_is_one(home: Path) -> None:
    assert catalogue_path() == home / "catalogue.db"
    with open_if_any() as none:
        assert none is None
    with pytest.raises(CatalogueError, match=r"other\.db"):
        open_if_any(home / "other.db")
    Catalogue(home / "catalogue.db").close()
    with open_if_any() as opened:
        assert opened
        assert opened.path == home / "catalogue.db"


# Searching


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("8a", "8A"), ("12B", "12B"), ("Am", "8A"), ("am", "8A"), ("C", "8B")),
        *(
            ("f#m", "11A"),
            ("Gbm", "11A"),
            ("db", "3B"),
            ("C#", "3B"),
            ("dbm", "12A"),
            ("E#m", "4A"),
            ("Cb", "1B"),
            ("e♭m", "2A"),
        ),
    ],
)
def test_keys_are_understood_in_both_notations(text: str, expected: str) -> None:
    assert camelot(text) == expected


@pytest.mark.parametrize("text", ["", "H", "13A", "0B", "Amm", "8"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"the key is '{text}', but must be such as 8A, or Am"):
        camelot(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("126", (125.5, 126.4)), ("126.0", (126.0, 126.0)), ("124-128.5", (124.0, 128.5)), ("124–128", (124.0, 128.0))],
)
def test_tempos_are_numbers_or_ranges(text: str, expected: tuple[float, float]) -> None:
    assert tempo_range(text) == expected


@pytest.mark.parametrize("text", ["fast", "124-", "-", "12-13-14"])
def test_what_is_no_tempo_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"the tempo is '{text}', but must be such as 126"):
        tempo_range(text)


def test_a_query_knows_the_names_of_styles_and_families(home: Path) -> None:
    with Catalogue(home / "catalogue.db") as catalogue:
        with pytest.raises(EarmarkError, match="no family of this catalogue is called 'Bass'; there are: none"):
            query(catalogue, family="Bass")
        catalogue.keep(heard_track("/m/a.mp3", {"Drum & Bass": 0.9}, rhythm=steady(174.0, 0.1, 300.0)))
        catalogue.keep(heard_track("/m/b.mp3", {"Trap": 0.9}, rhythm=steady(140.0, 0.1, 300.0)))
        wanted = query(catalogue, style="DnB", family="bass", bpm="170-175")
        assert (wanted.style, wanted.family, wanted.bpm) == ("Drum & Bass", "Bass", (170.0, 175.0))
        assert [track.path.name for track in catalogue.find(wanted)] == ["a.mp3"]
        assert catalogue.count(query(catalogue, family="BASS")) == 2
        with pytest.raises(EarmarkError, match="no style of this catalogue is called 'polka'"):
            query(catalogue, style="polka")


# Scanning


def test_a_scan_says_what_it_will_do_and_what_it_did(crate: Path, tiny: Path, home: Path) -> None:
    examine = scanning.examiner(home / "catalogue.db", str(tiny))
    assert examine.version == listening.open_listener(str(tiny)).version
    with Catalogue(home / "catalogue.db") as catalogue:
        scan = scanning.Scan.of(catalogue, crate, examine)
        assert [path.name for path in scan.changes.fresh] == ["a-up.wav", "b-down.wav", "c.mp3"]
        progress = Counter()
        found = list(scan.hear(workers=1, progress=progress))
        assert (progress.announced, progress.advanced) == ([(3, "files")], 3)
        assert scan.counts == {"unchanged": 0, "failing": 0, "skipped": 0, "heard": 2, "failed": 1}
        broken = f"{crate / 'c.mp3'}: it is not audio, or damaged beyond recognition"
        assert [[str(line) for line in scanning.problems(each)] for each in found] == [[], [], [broken]]
        (crate / "a-up.wav").unlink()
        again = scanning.Scan.of(catalogue, crate, examine)
        progress = Counter()
        list(again.hear(progress=progress))
        assert again.counts == {"unchanged": 2, "failing": 1, "skipped": 0, "missing": 1}
        assert progress.advanced == 0
        (home / "empty").mkdir()
        with pytest.raises(EarmarkError, match="empty: there is no audio file in this folder"):
            list(scanning.Scan.of(catalogue, home / "empty", examine).hear())


def test_a_scan_on_a_cluster_counts_its_groups(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [(3, cluster.GroupResult(2, 1)), (3, cluster.GroupResult(1, 0))]
    asked = []

    def scan(
        uri: str, out: str, task: cluster.ActorTask, **options: object
    ) -> Iterator[tuple[int, cluster.GroupResult]]:
        asked.append((uri, out, task.open_listen(), options))
        yield from groups

    monkeypatch.setattr(cluster, "scan", scan)
    progress = Counter()
    done = scanning.scan_on_cluster("s3://a", "s3://b", "local", str(tiny), progress=progress)
    assert done == scanning.ClusterScan(files=3, failed=1)
    assert (progress.announced, progress.advanced) == ([(3, "files")], 3)
    ((uri, out, listener, options),) = asked
    assert (uri, out, options) == ("s3://a", "s3://b", {"address": "local", "actors": None})
    assert isinstance(listener, type(listening.open_listener(str(tiny))))
    groups.clear()
    assert scanning.scan_on_cluster("s3://a", "s3://b", "local", str(tiny)) == scanning.ClusterScan()
    with pytest.raises(BundleError):
        scanning.scan_on_cluster("s3://a", "s3://b", "local", "no model")


# Tagging


def test_tags_are_planned_written_and_undone(crate: Path, tiny: Path, home: Path) -> None:
    before = {path.name: path.read_bytes() for path in crate.iterdir()}
    settings = Settings(fields=("genre",))

    def heard() -> Iterator[Analysis | FileError]:
        return listening.hear([str(crate)], str(tiny))

    tally = tagging.Tally()
    planned = list(tagging.tag(heard(), settings))
    for outcome in planned:
        tally.add(outcome)
    assert [each.changes[0].after for each in planned if isinstance(each, tagging.Tagged)] == [("Up",), ("Down",)]
    assert isinstance(planned[2], UnreadableAudio)
    assert tally == tagging.Tally(changed=2, unchanged=0, refused=1)
    assert {path.name: path.read_bytes() for path in crate.iterdir()} == before
    with Catalogue(home / "catalogue.db") as catalogue:
        list(catalogue.scan(crate, listening.open_listener(str(tiny)), version="1"))
        run = Journal().start()
        list(tagging.tag(heard(), settings, run, catalogue=catalogue))
        known = catalogue.track(crate / "a-up.wav")
        assert known
        assert known.tags.genres == read(crate / "a-up.wav").genres == ("Up",)
        assert known.analysis
        again = [each for each in tagging.tag(heard(), settings, run) if isinstance(each, tagging.Tagged)]
        assert [each.changes for each in again] == [(), ()]
        assert Journal().runs()[0].files == 2  # what was right already is not written again
        (crate / "b-down.wav").write_bytes(b"RIFF" + before["b-down.wav"])
        back = list(tagging.undo(Journal(), run.name, catalogue=catalogue))
        assert back[1] == crate / "a-up.wav"
        assert isinstance(back[0], TagError)
        known = catalogue.track(crate / "a-up.wav")
        assert known
        assert known.tags.genres == ()
    assert (crate / "a-up.wav").read_bytes() == before["a-up.wav"]


def test_a_file_that_goes_after_its_undo_is_no_obstacle_to_the_others(
    crate: Path, tiny: Path, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Catalogue(home / "catalogue.db") as catalogue:
        list(catalogue.scan(crate, listening.open_listener(str(tiny)), version="1"))
        done = [crate / "b-down.wav", crate / "a-up.wav"]
        monkeypatch.setattr("earmark.library.tags.undo", lambda *_args, **_more: iter(done))
        (crate / "b-down.wav").unlink()
        assert list(tagging.undo(Journal(), "any", catalogue=catalogue)) == done
    assert "b-down.wav: the catalogue could not be told of its new tags" in caplog.text


def test_the_sound_is_compared_as_asked_for(crate: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(tagging, "write", lambda path, *_, verify, **_more: asked.append((path.name, verify)))
    heard = listening.hear([str(crate / "a-up.wav")], str(tiny))
    list(tagging.tag(heard, Settings(fields=("genre",)), Journal().start(), verify="decode"))
    assert asked == [("a-up.wav", "decode")]


# Auditing and exporting


@pytest.fixture
def stocked(home: Path, tmp_path: Path) -> Iterator[Catalogue]:
    """Return a catalogue with a right and a wrong genre, a copy, a broken file, and one that has vanished."""
    tracks = [
        heard_track(tmp_path / "right.wav", {"Trance": 0.9}, tags=Tags("One", "A", genres=("Trance",)), content="1"),
        heard_track(tmp_path / "wrong.wav", {"Trap": 0.8}, tags=Tags("Two", "B", genres=("Techno",)), content="2"),
        heard_track(tmp_path / "copy.wav", {"Trance": 0.9}, content="1"),
        Track(tmp_path / "broken.mp3", 5, 0, "3", error="it is empty"),
        replace(heard_track(tmp_path / "gone.mp3"), missing=True),
    ]
    with Catalogue(home / "catalogue.db") as made:
        for track in tracks:
            made.keep(track)
        yield made


def test_an_audit_has_an_object_and_rows(stocked: Catalogue, tmp_path: Path) -> None:
    found = auditing.audit(stocked, workers=1)
    answer = found.as_json()
    assert [each["path"] for each in answer["disagreements"]] == [str(tmp_path / "wrong.wav")]
    assert answer["counts"] == {"agreed": 1, "unsure": 0, "unheard": 1, "untagged": 1, "unnamed": 0}
    twins = [str(tmp_path / "right.wav"), str(tmp_path / "copy.wav")]
    assert answer["duplicates"] == [{"identical": True, "paths": twins, "same_content": [twins]}]
    assert [(row["finding"], Path(row["path"]).name) for row in found.rows()] == [
        ("genre", "wrong.wav"),
        ("same content", "right.wav"),
        ("same content", "copy.wav"),
    ]
    assert all(set(row) <= set(auditing.COLUMNS) for row in found.rows())
    # The files are not there: what may be the same recording cannot be decoded, and is named.
    assert {failure.reason for failure in found.failures} == {"there is no such file"}
    assert auditing.audit(stocked, genres=False, duplicates=False).as_json() == {}
    assert not auditing.audit(stocked, duplicates=False, min_doubt=1).as_json()["disagreements"]


def test_an_export_counts_what_it_leaves_out(stocked: Catalogue, tmp_path: Path) -> None:
    out = tmp_path / "a.m3u8"
    assert exporting.export(stocked, "m3u8", out) == exporting.Exported(tracks=3, unheard=1, missing=1)
    assert out.read_text(encoding="utf-8").count("#EXTINF") == 3
    with pytest.raises(EarmarkError, match=r"a\.m3u8: it exists already"):
        exporting.export(stocked, "m3u8", out)
    stocked.keep(heard_track(tmp_path / "two\nlines.mp3"))
    again = exporting.export(stocked, "m3u8", out, replace=True)
    assert again.unnamed == [f"{tmp_path}/two\nlines.mp3: left out: its name has more than one line"]
    assert exporting.export(stocked, "csv", tmp_path / "a.csv").tracks == 6
    with pytest.raises(ValueError, match="there is no format 'vinyl', only m3u8, rekordbox, "):
        exporting.export(stocked, "vinyl", tmp_path / "a")
    with pytest.raises(ValueError, match="csv has no playlists"):
        exporting.export(stocked, "csv", tmp_path / "b.csv", playlists="by-style")


# Evaluating


def test_a_file_that_two_models_cannot_hear_is_complained_of_once(crate: Path, tiny: Path) -> None:
    manifest = crate / "list.csv"
    rows = ["a-up.wav,Up,a,test", "b-down.wav,Down,b,test", "c.mp3,Up,c,test"]
    manifest.write_text("\n".join(["path,style,artist,split", *rows, ""]), encoding="utf-8")
    progress = Counter()
    complaints: list[FileError] = []
    found = evaluating.examine(
        str(tiny), manifest, against=str(tiny), workers=1, progress=progress, complain=complaints.append
    )
    assert [Path(each.path).name for each in complaints] == ["c.mp3"]
    assert (progress.announced, progress.advanced) == ([(6, "tracks")], 6)
    assert len(found.failures) == 1
    assert found.opponent


def test_damage_and_cards(crate: Path, tiny: Path) -> None:
    complaints: list[FileError] = []
    moved = evaluating.degrade(str(tiny), crate, workers=1, complain=complaints.append)
    assert len(moved) == 16
    assert [Path(each.path).name for each in complaints] == ["c.mp3"]
    assert evaluating.card(str(tiny)) == "# tiny\n"
    with pytest.raises(BundleError, match="tiny: not made from tables by a recipe that comes with earmark"):
        evaluating.repeat(str(tiny), crate)
    with pytest.raises(BundleError):
        evaluating.card("no model")
