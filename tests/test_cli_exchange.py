"""`earmark export-library`, `earmark audit` and manifests from DJ programs: what they write, print and return."""

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyrekordbox import RekordboxXml

from earmark.cli import main
from earmark.learning.data.manifest import read
from earmark.library import Catalogue
from earmark.library.exports import FORMATS
from earmark.library.track import Tags, Track
from earmark.testing import noise, write_wav
from earmark.testing.tracks import heard_track

Earmark = Callable[..., tuple[int, str, str]]
RATE = 8000


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


def music(path: Path, seed: int, gain: float = 1.0) -> None:
    rng = np.random.default_rng(seed)
    loudness = rng.uniform(0.1, 1, 24).repeat(RATE // 2).astype(np.float32)
    waveform = np.cumsum(noise(12, rng, RATE)).astype(np.float32) * np.float32(2e-3 * gain) * loudness
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, waveform, RATE)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Track]:
    """Return the tracks of the catalogue that commands find: right, wrong, a copy, one broken, one vanished."""
    folder = tmp_path / "music"
    for number, name in enumerate(("right", "wrong", "other")):
        music(folder / f"{name}.wav", number)
    music(folder / "copy.wav", 0, gain=0.3)
    tracks = [
        heard_track(folder / "right.wav", {"Trance": 0.9}, tags=Tags("One", "A", genres=("Trance",)), duration=12.0),
        heard_track(
            folder / "wrong.wav", {"Trap": 0.8}, tags=Tags("Two", "B", genres=("Techno", "Wave")), duration=12.0
        ),
        heard_track(folder / "other.wav", {"Deep House": 0.55}, embedding=(0.0, 1.0), duration=12.0),
        heard_track(folder / "copy.wav", {"Trance": 0.9}, duration=12.0),
        Track(folder / "broken.mp3", 5, 0, "bb", error="it is empty"),
        replace(heard_track(folder / "gone.mp3"), missing=True),
    ]
    monkeypatch.setenv("EARMARK_CATALOGUE", str(tmp_path / "catalogue.db"))
    with Catalogue(tmp_path / "catalogue.db") as made:
        return [made.keep(track) for track in tracks]


def test_what_a_dj_program_can_play_is_exported(earmark_: Earmark, catalogue: list[Track], tmp_path: Path) -> None:
    out = tmp_path / "out/rekordbox.xml"
    status, said, complaints = earmark_("export-library", "--format", "rekordbox", out)
    assert (status, said) == (0, f"written: {out}: 4 tracks\n")
    assert complaints.splitlines() == [
        "earmark: left out: 1 track not heard; `earmark find --errors` names them",
        "earmark: left out: 1 track missing; `earmark find --missing` names them",
    ]
    made = RekordboxXml(out)
    assert [(track["Name"], track["Genre"]) for track in made.get_tracks()] == [
        *(("One", "Trance"), ("Two", "Techno; Wave"), ("other", "Deep House"), ("copy", "Trance")),
    ]
    assert [node.name for node in made.get_playlist("earmark").get_playlists()] == ["Deep House", "Trance", "Trap"]
    assert earmark_("export-library", "--format", "rekordbox", out) == (
        *(1, "", f"earmark: {out}: it exists already; --replace overwrites it\n"),
    )
    options = ("--genre", "heard", "--min-confidence", "0.6", "--playlists", "by-family", "--replace")
    assert earmark_("export-library", "--format", "rekordbox", out, *options)[0] == 0
    made = RekordboxXml(out)
    assert [track["Genre"] for track in made.get_tracks()] == ["Trance", "Trap", "", "Trance"]
    assert [node.name for node in made.get_playlist("earmark").get_playlists()] == ["Bass", "Trance"]
    assert len(catalogue) == 6


def test_tables_hold_everything(earmark_: Earmark, catalogue: list[Track], tmp_path: Path) -> None:
    out = tmp_path / "all.csv"
    assert earmark_("export-library", "--format", "csv", out) == (0, f"written: {out}: 6 tracks\n", "")
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [str(track.path) for track in catalogue]
    assert [(row["error"], row["missing"]) for row in rows][4:] == [("it is empty", "False"), ("", "True")]
    status, _, complaints = earmark_("export-library", "--format", "csv", tmp_path / "b", "--playlists", "none")
    assert status != 0
    assert "csv has no playlists" in complaints


def test_what_cannot_be_named_is_said(earmark_: Earmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Catalogue(tmp_path / "catalogue.db") as made:
        made.keep(heard_track(tmp_path / "two\nlines.mp3"))
        made.keep(heard_track(tmp_path / "good.mp3"))
    out = tmp_path / "a.m3u8"
    arguments = ("--catalogue", tmp_path / "catalogue.db")
    status, said, complaints = earmark_("export-library", "--format", "m3u8", out, *arguments)
    assert (status, said) == (1, f"written: {out}: 1 track\n")
    assert complaints == f"earmark: {tmp_path}/two lines.mp3: left out: its name has more than one line\n"
    assert out.read_text() == "#EXTM3U\n#EXTINF:300,good\ngood.mp3\n"
    monkeypatch.setenv("EARMARK_CATALOGUE", str(tmp_path / "none.db"))
    assert earmark_("export-library", "--format", "m3u8", tmp_path / "b")[0] == 1


def test_audit_as_a_table(earmark_: Earmark, catalogue: list[Track]) -> None:
    status, said, complaints = earmark_("audit", "--workers", "1")
    assert (status, complaints) == (0, "")
    lines = said.splitlines()
    assert lines[0] == "1 genre tag disagrees with what was heard"
    assert lines[1].startswith("the number is the model's doubt of the tag; the model errs, too")
    assert lines[2] == "0.98  Techno, Wave  but heard Trap 0.80"
    assert "".join(lines[3:5]).replace(" ", "").startswith(str(catalogue[1].path).replace(" ", ""))
    for line in (
        *("1 agree", "2 have no genre", "1 were not heard", "words that name no style of the model: Wave (1)"),
        "1 recording appears more than once",
    ):
        assert line in lines
    music = catalogue[0].path.parent
    shown = said[said.index("the same recording") :].replace("\n", "")
    assert f"{music}/right.wav" in shown
    assert f"{music}/copy.wav" in shown
    assert "other.wav" not in shown


def test_audit_for_programs(earmark_: Earmark, catalogue: list[Track]) -> None:
    answer = json.loads(earmark_("audit", "--json", "--workers", "1")[1])
    (wrong,) = answer["disagreements"]
    assert wrong == {
        "path": str(catalogue[1].path),
        "tag": ["Techno", "Wave"],
        "tag_styles": ["Techno / Tech House"],
        "heard": "Trap",
        "probability": 0.8,
        "family": "Bass",
        "same_family": False,
        "doubt": pytest.approx(1 - 0.2 / 11, abs=1e-4),
    }
    assert answer["counts"] == {"agreed": 1, "unsure": 0, "unheard": 1, "untagged": 2, "unnamed": 0}
    assert answer["unknown_words"] == {"Wave": 1}
    paths = [str(catalogue[n].path) for n in (0, 3)]
    assert answer["duplicates"] == [{"identical": False, "paths": paths, "same_content": []}]
    rows = list(csv.DictReader(io.StringIO(earmark_("audit", "--csv", "--workers", "1")[1])))
    assert [(row["finding"], row["path"], row["tag"], row["group"]) for row in rows] == [
        ("genre", str(catalogue[1].path), "Techno;Wave", ""),
        ("unknown word", "", "Wave", ""),
        ("same recording", str(catalogue[0].path), "", "1"),
        ("same recording", str(catalogue[3].path), "", "1"),
    ]
    assert json.loads(earmark_("audit", "--json", "--no-duplicates", "--min-doubt", "0.99")[1])["disagreements"] == []
    before = ("audit", "--json", "--no-duplicates", "--min-certainty", "0.99")  # the option's earlier name
    assert json.loads(earmark_(*before)[1])["disagreements"] == []
    assert list(json.loads(earmark_("audit", "--json", "--no-genres", "--workers", "1")[1])) == ["duplicates"]


def test_a_file_that_cannot_be_decoded_is_named(earmark_: Earmark, catalogue: list[Track]) -> None:
    catalogue[3].path.write_bytes(b"no sound")
    status, said, complaints = earmark_("audit", "--json", "--workers", "1")
    assert status == 1
    assert complaints.startswith(f"earmark: {catalogue[3].path}: ")
    assert json.loads(said)["duplicates"] == []


@pytest.mark.parametrize(("program", "name"), [("rekordbox", "a.xml"), ("traktor", "a.nml")])
def test_manifests_from_dj_programs(
    earmark_: Earmark, catalogue: list[Track], tmp_path: Path, program: str, name: str
) -> None:
    FORMATS[program].write(catalogue[:4], tmp_path / name)
    out = tmp_path / "list.csv"
    status, said, _ = earmark_("manifest", program, tmp_path / name, out, "--from", "playlist", "--workers", "1")
    assert status == 0
    assert said.splitlines()[-1] == f"written: {out}"
    assert {entry.path.name: entry.labels for entry in read(out).entries} == {
        "right.wav": ("Trance",),
        "copy.wav": ("Trance",),
        "wrong.wav": ("Trap",),
        "other.wav": ("Deep House",),
    }
    options = ("--styles", "--no-duplicates")
    assert earmark_("manifest", program, tmp_path / name, out, *options)[0] == 0
    assert {entry.path.name: entry.labels[0] for entry in read(out).entries} == {
        "right.wav": "Trance",
        "copy.wav": "Trance",
        "wrong.wav": "Techno / Tech House",
        "other.wav": "Deep House",
    }
    assert earmark_("manifest", program, tmp_path / name, out, "--moved", "nonsense")[0] != 0
    assert earmark_("manifest", program, tmp_path / name, out, "--from", "plays", "--several")[0] != 0
    broken = tmp_path / "broken.xml"
    broken.write_text("<NML><ENTRY></NML>" if program == "traktor" else "<DJ_PLAYLISTS><TRACK></DJ_PLAYLISTS>")
    assert earmark_("manifest", program, broken, out) == (
        *(1, "", f"earmark: {broken}, line 1: not whole XML: mismatched tag\n"),
    )


def test_manifests_from_playlists(earmark_: Earmark, catalogue: list[Track], tmp_path: Path) -> None:
    FORMATS["m3u8"].write(catalogue[:1], tmp_path / "Peak time.m3u8")
    FORMATS["m3u8"].write(catalogue[1:3], tmp_path / "Warm-up.m3u8")
    out = tmp_path / "list.csv"
    lists = (tmp_path / "Peak time.m3u8", tmp_path / "Warm-up.m3u8")
    assert earmark_("manifest", "playlists", *lists, out, "--no-duplicates")[0] == 0
    assert {entry.path.name: entry.labels for entry in read(out).entries} == {
        "right.wav": ("Peak time",),
        "wrong.wav": ("Warm-up",),
        "other.wav": ("Warm-up",),
    }
