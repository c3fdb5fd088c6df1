"""`earmark tag` as a person uses it: look, write, undo."""

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from earmark.cli import main
from earmark.library import Catalogue, Track
from earmark.library.tags import read
from earmark.testing import write_wav


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


Tag = Callable[..., Answer]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep journals and catalogues of this test apart from those of the user."""
    folder = tmp_path / "home"
    monkeypatch.setenv("EARMARK_JOURNAL", str(folder / "journal"))
    monkeypatch.setenv("EARMARK_CATALOGUE", str(folder / "catalogue.db"))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.fixture
def tag(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tag:
    """Return what runs `earmark tag` in this process."""

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["earmark", "tag", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Answer(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    """Return a folder of two files that the tiny model hears as Up and Down, and one that is no audio."""
    folder = tmp_path / "crate"
    folder.mkdir()
    for name, level in {"a-up.wav": 0.5, "b-down.wav": -0.5}.items():
        write_wav(folder / name, np.full(16_000, level, np.float32), 8000)
    (folder / "c.mp3").write_text("a text that goes by the name of music", encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_is_written_without_write(tag: Tag, crate: Path, tiny: Path, home: Path) -> None:
    before = contents(crate)
    answer = tag(crate, "--model", tiny, "--fields", "genre,provenance")
    assert answer.status == 1
    assert answer.out.splitlines() == [
        f"{crate / 'a-up.wav'}",
        "  genre       Up",
        "  provenance  tiny, earmark 0.1.0",
        "",
        f"{crate / 'b-down.wav'}",
        "  genre       Down",
        "  provenance  tiny, earmark 0.1.0",
        "",
        "2 files would change, 1 refused; --write writes the changes",
    ]
    assert answer.err == f"earmark: {crate / 'c.mp3'}: it is not audio, or damaged beyond recognition\n"
    assert contents(crate) == before
    assert not home.exists()


def test_a_file_that_is_cut_off_is_left_alone(tag: Tag, tmp_path: Path, tiny: Path) -> None:
    example = (Path(__file__).parents[1] / "examples" / "04-drum-and-bass.opus").read_bytes()
    cut = tmp_path / "cut.opus"
    cut.write_bytes(example[: len(example) // 3])
    before = cut.read_bytes()
    answer = tag(cut, "--model", tiny, "--write", "--fields", "energy")
    assert (answer.status, cut.read_bytes()) == (1, before)
    assert answer.out == "0 files written, 1 refused\n"
    (warning,) = answer.err.removeprefix(f"earmark: {cut}: left as it is, --damaged writes to it: ").splitlines()
    assert warning == "it has no last page: it was cut off, or recorded from a stream"
    answer = tag(cut, "--model", tiny, "--fields", "energy", "--damaged")
    assert (answer.status, answer.err) == (0, "")
    assert [line.split() for line in answer.out.splitlines()][1][0] == "energy"


def test_a_dry_run_shows_the_first_files_and_diff_shows_all(
    tag: Tag, crate: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("earmark.cli.tag"), "FIRST", 1)
    (crate / "c.mp3").unlink()
    common = (crate, "--model", tiny, "--fields", "genre")
    names = [str(crate / name) for name in ("a-up.wav", "b-down.wav")]

    def shown(answer: Answer) -> list[str]:
        return [line for line in answer.out.splitlines() if line.startswith((str(crate), "and "))]

    assert shown(tag(*common)) == [names[0], "and 1 file more; --diff shows every one"]
    assert shown(tag(*common, "--diff")) == names
    written = tag(*common, "--write")
    assert written.out.startswith("2 files written; ")
    tag("--undo")
    assert shown(tag(*common, "--write", "--diff")) == names


def test_write_and_undo(tag: Tag, crate: Path, tiny: Path) -> None:
    before = contents(crate)
    answer = tag(crate, "--model", tiny, "--write")
    assert answer.status == 1
    name = answer.out.split("`earmark tag --undo ")[1].split("`")[0]
    assert f"2 files written, 1 refused; `earmark tag --undo {name}` takes it back" in answer.out
    assert [read(crate / file).genres for file in ("a-up.wav", "b-down.wav")] == [("Up",), ("Down",)]
    assert tag(crate, "--model", tiny).out == "0 files would change, 2 unchanged, 1 refused\n"
    runs = tag("--runs")
    assert [line.split() for line in runs.out.splitlines()][1][::3] == [name, "2"]
    undone = tag("--undo", name)
    assert (undone.status, undone.out.splitlines()) == (
        0,
        [f"{crate / 'b-down.wav'}", f"{crate / 'a-up.wav'}", "2 files restored, byte for byte"],
    )
    assert contents(crate) == before
    assert [line.split() for line in tag("--runs").out.splitlines()][1][-1] == "all"
    again = tag("--undo")
    assert (again.status, again.err) == (1, "earmark: there is nothing to undo\n")


def test_on_request_the_time_of_change_is_now(tag: Tag, crate: Path, tiny: Path) -> None:
    song = crate / "a-up.wav"
    os.utime(song, ns=(10**18, 10**18))
    tag(song, "--model", tiny, "--write")
    assert song.stat().st_mtime_ns == 10**18
    tag("--undo", "--touch")
    undone = song.stat().st_mtime_ns
    assert undone > 10**18
    tag(song, "--model", tiny, "--write", "--touch")
    assert song.stat().st_mtime_ns > undone
    assert "--touch goes with --write or --undo" in tag(song, "--touch").err


def test_a_difference_shows_what_goes_and_what_comes(tag: Tag, crate: Path, tiny: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.toml"
    words.write_text('[genre]\nUp = ["Uplifting", "Peak\u202etime"]\n', encoding="utf-8")
    tag(crate / "a-up.wav", "--model", tiny, "--write")
    policy = ("--policy", "replace", "--comment-template", "{style} {probability:.0%}")
    refused = tag(crate / "a-up.wav", "--model", tiny, *policy, "--map", words)
    assert (refused.status, refused.out) == (1, "")
    assert "what 'Up' is called under [genre] is neither a text nor a list of texts" in refused.err
    words.write_text('[genre]\nUp = ["Uplifting", "Peak [time]"]\n', encoding="utf-8")
    answer = tag(crate / "a-up.wav", "--model", tiny, *policy, "--map", words)
    assert answer.out.splitlines()[1:3] == [
        "  genre    Up → Uplifting; Peak [time]",
        "  comment  Up 99%",
    ]


def test_what_is_only_continued_shows_what_is_added(tag: Tag, crate: Path, tiny: Path) -> None:
    path = crate / "a-up.wav"
    tag(path, "--model", tiny, "--write", "--fields", "comment", "--comment-template", "first")
    answer = tag(path, "--model", tiny, "--policy", "append", "--fields", "comment", "--comment-template", "second")
    assert answer.out.splitlines()[1].rstrip() == "  comment  first / second"


def test_undo_of_a_file_that_was_changed_since(tag: Tag, crate: Path, tiny: Path) -> None:
    tag(crate / "a-up.wav", crate / "b-down.wav", "--model", tiny, "--write")
    with (crate / "b-down.wav").open("ab") as file:
        file.write(b"more")
    answer = tag("--undo")
    assert answer.status == 1
    assert answer.out.splitlines()[-1] == "1 file restored, byte for byte; 1 not restored"
    assert answer.err == (
        f"earmark: {crate / 'b-down.wav'}: not undone: it was changed since, by another program or a later run\n"
    )


def in_catalogue(home: Path, crate: Path) -> list[Track]:
    """What the catalogue knows of the two files."""
    with Catalogue(home / "catalogue.db") as catalogue:
        return [track for name in ("a-up.wav", "b-down.wav") if (track := catalogue.track(crate / name))]


def test_what_a_scan_heard_is_written_and_the_catalogue_knows_it(
    tag: Tag, crate: Path, tiny: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earmark.hearing import Listener, Model  # noqa: PLC0415  only this test listens itself

    with Catalogue(home / "catalogue.db") as catalogue:
        list(catalogue.scan(crate, Listener(Model.open(tiny)), version="1"))
    monkeypatch.setattr("earmark.app.listening.open_listener", None)  # nobody listens again
    (crate / "c.mp3").unlink()
    answer = tag(crate, "--write")
    assert (answer.status, answer.err) == (0, "")
    known = in_catalogue(home, crate)
    assert [track.tags.genres for track in known] == [("Up",), ("Down",)]
    assert all(track.analysis and track.size == track.path.stat().st_size for track in known)
    assert tag(crate).out == "0 files would change, 2 unchanged\n"
    tag("--undo")
    assert [track.tags.genres for track in in_catalogue(home, crate)] == [(), ()]
    write_wav(crate / "a-up.wav", np.full(16_000, -0.4, np.float32), 8000)  # another recording by the same name
    explicit = tag(crate, "--catalogue", home / "catalogue.db")
    assert explicit.status == 1
    assert "1 file would change, 1 refused" in explicit.out
    assert f"{crate / 'a-up.wav'}: as it is now, it is not in the catalogue" in explicit.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--write", "--undo"], "--write, --undo and --runs exclude each other"),
        (["--catalogue", "x", "--model", "y", "a"], "--catalogue and --model exclude each other"),
        (["--undo", "a", "b"], "--undo takes one run"),
        ([], "name the files or folders to tag"),
        (["a.mp3", "--fields", "mood"], "no field is called 'mood'"),
        (["a.mp3", "--comment-template", "{mood}"], "speaks of {mood}"),
        (["a.mp3", "--map", "missing.toml"], "missing.toml: No such file or directory"),
        (["a.mp3", "--catalogue", "missing.db"], "missing.db"),
        (["--undo", "never"], "there is no run 'never'"),
    ],
)
def test_what_cannot_be_meant(tag: Tag, arguments: list[str], complaint: str) -> None:
    answer = tag(*arguments)
    assert answer.status in (1, 2)
    assert complaint in " ".join(answer.err.replace("│", " ").split())
    assert "Traceback" not in answer.err
