"""`earmark manifest`: what it writes, what it says, and its exit status."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from earmark.cli import main
from earmark.cli.manifest import Target
from earmark.learning.data import collections
from earmark.learning.data.manifest import read
from earmark.testing import noise, write_wav

Earmark = Callable[..., tuple[int, str, str]]
RATE = 8000


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Earmark:
    """Return what runs the command in this process: exit status, what it printed, and on standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earmark", "manifest", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    """Return a folder with two styles, a copy under another artist's name, and a file that is no audio."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "crate"
    for style, artists in {"trance": ("A", "B", "C"), "Gabber": ("D", "E")}.items():
        (folder / style).mkdir(parents=True)
        for artist in artists:
            loudness = rng.uniform(0, 1, 24).repeat(RATE // 2).astype(np.float32)
            waveform = np.cumsum(noise(12, rng, RATE)).astype(np.float32) * np.float32(2e-3) * loudness
            write_wav(folder / style / f"{artist} - One.wav", waveform, RATE)
            if artist == "E":
                write_wav(folder / style / "Z - Two.wav", waveform * np.float32(0.25), RATE)
    (folder / "trance/broken.mp3").write_bytes(b"no sound")
    return folder


def test_from_a_folder(earmark_: Earmark, crate: Path, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    status, said, complaints = earmark_("folder", crate, out, "--report", tmp_path / "list.md", "--workers", "1")
    assert status == 0
    made = read(out)
    first, *warnings = complaints.splitlines()
    assert first == f"earmark: {crate}/trance/broken.mp3: it is not audio, or damaged beyond recognition"
    absent = {
        split: [name for name in made.classes if (name, split) not in {(e.labels[0], e.split) for e in made.entries}]
        for split in ("train", "valid", "test")
    }
    assert any(absent.values())  # of so few artists
    assert [line.partition(": ")[2].rpartition(": ")[0] for line in warnings] == [
        f"warning: no tracks of {', '.join(names)} in {split}" for split, names in absent.items() if names
    ]
    assert made.classes == ("Trance", "Gabber")
    assert [entry.path.name for entry in made.entries] == [
        *("D - One.wav", "E - One.wav", "Z - Two.wav"),
        *("A - One.wav", "B - One.wav", "C - One.wav"),
    ]
    assert made.entries[1].split == made.entries[2].split
    lines = [line.split() for line in said.splitlines()]
    assert ["Trance", "3"] in [line[:2] for line in lines]
    assert ["all", "6"] in [line[:2] for line in lines]
    assert "same recording: E - One.wav, Z - Two.wav" in said
    assert "1            it is not audio, or damaged beyond recognition" in said
    assert said.endswith(f"written: {out}\n")
    assert f"- {crate}/trance/broken.mp3: it is not audio" in (tmp_path / "list.md").read_text()


def test_without_decoding(earmark_: Earmark, crate: Path, tmp_path: Path) -> None:
    status, said, _ = earmark_("folder", crate, tmp_path / "list.parquet", "--no-duplicates")
    assert status == 0
    assert "not searched for duplicates" in said
    assert len(read(tmp_path / "list.parquet").entries) == 6


def test_checking(earmark_: Earmark, crate: Path, tmp_path: Path) -> None:
    files = sorted(path for path in crate.rglob("*.wav"))
    rows = [
        f"{path},{path.parent.name},{split}"
        for path, split in zip(files, ("train", "valid", "test", "train", "train", "test"), strict=True)
    ]
    listed = tmp_path / "list.csv"
    listed.write_text("\n".join(["path,style,split", *rows]))
    status, said, complaints = earmark_("check", listed, "--duplicates", "--workers", "1")
    missing = "earmark: warning: no tracks of Trance in valid: training cannot watch how well it knows them\n"
    assert (status, complaints) == (0, missing)
    assert "1 recording with copies on more than one side of the split" in said
    listed.write_text("\n".join(["path,style,split", *rows, f"{crate}/gone.wav,trance,train"]))
    status, said, complaints = earmark_("check", listed)
    assert status == 1
    assert complaints.splitlines() == [
        f"earmark: {crate}/gone.wav: there is no such file",
        missing.strip(),
        f"earmark: {listed}: there is no file {crate}/gone.wav",
    ]
    listed.write_text("\n".join(["path,style,split", *rows, f"{crate}/trance/broken.mp3,trance,train"]))
    assert earmark_("check", listed)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "gone.csv"), "gone.csv: No such file or directory"),
        (("folder", "gone", "list.csv"), "gone: No such file or directory"),
        (("folder", "crate", "list.xlsx"), "list.xlsx: a manifest is a file .csv or .parquet"),
        (("tags", "crate", "list.csv"), "list.csv: not written: no track is left"),
        (("jamendo", "gone.tsv", "list.csv", "--audio", "crate"), "gone.tsv: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    earmark_: Earmark, crate: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(crate.parent)
    status, _, complaints = earmark_(*arguments)
    assert status == 1
    assert complaints.splitlines()[-1] == f"earmark: {said}"
    assert not list(crate.parent.glob("list.*"))


def test_from_the_published_data_sets(earmark_: Earmark, crate: Path, tmp_path: Path) -> None:
    (crate / "0").mkdir()
    (crate / "trance/A - One.wav").rename(crate / "0/a.wav")
    header = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    for split, path in {"train": "0/a.wav", "test": "trance/B - One.wav"}.items():
        row = f"track_{split}\tartist_1\talbum_1\t{path}\t12.0\tgenre---trance\tgenre---electronic\n"
        (tmp_path / f"autotagging-{split}.tsv").write_text(header + row)
    tables = [tmp_path / f"autotagging-{split}.tsv" for split in ("train", "test")]
    out = tmp_path / "jamendo.csv"
    assert earmark_("jamendo", *tables, out, "--audio", crate, "--no-duplicates")[0] == 0
    assert [(entry.labels, entry.split) for entry in read(out).entries] == [
        (("genre---trance", "genre---electronic"), "train"),
        (("genre---trance", "genre---electronic"), "test"),
    ]
    assert earmark_("jamendo", *tables, out, "--audio", crate, "--no-duplicates", "--styles")[0] == 0
    assert [entry.labels for entry in read(out).entries] == [("Trance",), ("Trance",)]

    (tmp_path / "annotations_final.csv").write_text(
        '"clip_id"\t"slow"\t"trance"\t"mp3_path"\n"1"\t"1"\t"1"\t"0/a.wav"\n'
    )
    (tmp_path / "clip_info_final.csv").write_text('"clip_id"\t"title"\t"artist"\n"1"\t"T"\t"A"\n')
    out = tmp_path / "magna.csv"
    status, _, complaints = earmark_(
        *("magnatagatune", tmp_path / "annotations_final.csv", out, "--clips", tmp_path / "clip_info_final.csv"),
        *("--audio", crate, "--by-folder"),
    )
    assert status == 0
    assert [line.rpartition(": ")[0] for line in complaints.splitlines()] == [
        "earmark: warning: no tracks of Trance, slow in valid",
        "earmark: warning: no tracks of Trance, slow in test",
    ]
    assert [(entry.labels, entry.artist, entry.split) for entry in read(out).entries] == [
        (("slow", "Trance"), "A", "train")
    ]


def test_the_targets_of_the_command_are_those_of_collections() -> None:
    assert [target.value for target in Target] == list(get_args(collections.Target))
