"""`earmark mix`: what it writes, prints and returns."""

import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from earmark.audio import Recording
from earmark.cli import main
from earmark.library import Catalogue
from earmark.testing import click_train, write_wav
from earmark.testing.tracks import heard_track, steady

Earmark = Callable[..., tuple[int, str, str]]
RATE = 22_050
SECONDS = 48.0


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Earmark:
    """Return what runs the command in this process: exit status, what it printed, and on standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture
def crate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two click tracks that the user's catalogue knows, and a playlist of them."""
    monkeypatch.setenv("EARMARK_CATALOGUE", str(tmp_path / "catalogue.db"))
    with Catalogue(tmp_path / "catalogue.db") as catalogue:
        for name, bpm in (("one", 120.0), ("two", 124.0)):
            path = write_wav(tmp_path / f"{name}.wav", click_train(bpm, SECONDS, RATE), RATE)
            track = heard_track(path, {"Deep House": 0.9}, rhythm=steady(bpm, 0.0, SECONDS), duration=SECONDS)
            catalogue.keep(replace(track, size=path.stat().st_size, modified=path.stat().st_mtime_ns))
    (tmp_path / "set.m3u8").write_text("#EXTM3U\ntwo.wav\none.wav\n", encoding="utf-8")
    return tmp_path


def test_a_playlist_becomes_a_mix_with_its_cue_sheet_picture_and_decisions(earmark_: Earmark, crate: Path) -> None:
    out = crate / "out" / "mix.flac"
    status, said, complaints = earmark_("mix", crate / "set.m3u8", out, "--technique", "swap")
    assert (status, complaints) == (0, "")
    lines = said.splitlines()
    assert lines[0] == "  0:00  two"
    assert "a short blend" in lines[1]
    assert "the new track +3.3 %" in lines[1]
    assert lines[-1].startswith(f"written: {out}, {out.with_suffix('.cue')}, ")
    assert "2 tracks" in lines[-1]
    found = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert [Path(track["path"]).name for track in found["tracks"]] == ["two.wav", "one.wav"]
    with Recording(out) as recording:
        assert (recording.channels, recording.sample_rate) == (2, 44_100)
        assert recording.duration == pytest.approx(found["seconds"], abs=0.01)
    assert out.with_suffix(".cue").read_text(encoding="utf-8").count("TRACK") == 2
    assert ET.parse(out.with_suffix(".svg")).getroot().tag.endswith("svg")  # noqa: S314  our own
    assert sorted(path.name for path in out.parent.iterdir()) == ["mix.cue", "mix.flac", "mix.json", "mix.svg"]


def test_a_mix_that_is_there_stays_unless_it_may_go(earmark_: Earmark, crate: Path) -> None:
    (crate / "mix.cue").write_text("mine", encoding="utf-8")
    refused = earmark_("mix", crate / "one.wav", crate / "two.wav", crate / "mix.wav")
    assert refused == (1, "", f"earmark: {crate / 'mix.cue'}: it exists already; --replace overwrites it\n")
    assert earmark_("mix", crate / "one.wav", crate / "two.wav", crate / "mix.wav", "--replace")[0] == 0
    assert (crate / "mix.cue").read_text(encoding="utf-8").startswith('FILE "mix.wav" WAVE')


def test_a_track_is_never_overwritten(earmark_: Earmark, crate: Path) -> None:
    before = (crate / "two.wav").read_bytes()
    refused = earmark_("mix", crate / "one.wav", crate / "two.wav", crate / "two.wav", "--replace")
    reason = "it is what is to be mixed, and would be overwritten"
    assert refused == (1, "", f"earmark: {crate / 'two.wav'}: {reason}\n")
    assert (crate / "two.wav").read_bytes() == before
    (crate / "set.json").write_text('["one.wav", "two.wav"]', encoding="utf-8")
    refused = earmark_("mix", crate / "set.json", crate / "set.flac", "--replace")
    assert refused == (1, "", f"earmark: {crate / 'set.json'}: {reason}\n")


def test_a_track_that_cannot_be_heard_is_left_out_and_named(earmark_: Earmark, crate: Path) -> None:
    (crate / "broken.wav").write_bytes(b"RIFF")
    tracks = [crate / name for name in ("one.wav", "broken.wav", "two.wav")]
    status, said, complaints = earmark_("mix", *tracks, crate / "mix.wav")
    assert status == 1
    assert complaints.startswith(f"earmark: left out: {crate / 'broken.wav'}: ")
    assert "2 tracks" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("one.wav", "mix.flac"), "a mix takes two tracks at least, not 1"),
        (("one.wav", "two.wav", "mix.doc"), "a mix is written as one of .flac, .wav, .mp3, .opus"),
        (("one.wav", "two.wav", "mix.flac", "--loudness", "nan"), "'--loudness': nan is no number"),
        (("one.wav", "two.wav", "mix.flac", "--technique", "magic"), "there is no way to mix called 'magic'"),
        (("gone.m3u8", "mix.flac"), "gone.m3u8: No such file or directory"),
    ],
)
def test_what_cannot_be_mixed_is_one_line(
    earmark_: Earmark, crate: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], reason: str
) -> None:
    monkeypatch.chdir(crate)
    status, said, complaints = earmark_("mix", *arguments)
    assert (status, said, complaints.count("\n")) == (2 if reason.startswith("'") else 1, "", 1)
    assert reason in complaints
    assert not list(crate.glob("mix.*"))
