"""`earmark b2b`: turns from the keyboard, transitions, the log, the set."""

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earmark.analysis import Key
from earmark.app.back_to_back import BackToBack
from earmark.audio import decode
from earmark.cli import main
from earmark.cli.player import Player
from earmark.dj.partner import LIVE
from earmark.errors import EarmarkError
from earmark.hearing import Model
from earmark.hearing.live import moments
from earmark.library import Catalogue, Tags
from earmark.testing import silence, tiny_track, write_wav
from earmark.testing.tracks import heard_track, steady

Earmark = Callable[..., tuple[int, list[str], str]]
RATE = 22_050


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Earmark:
    """Return what runs the command with these lines from the keyboard: exit status, lines, and standard error."""

    def run(keys: str, *arguments: str | Path) -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "argv", ["earmark", "b2b", "--player", "none", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(keys))
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        captured = capsys.readouterr()
        return code if isinstance(code, int) else 0, captured.out.splitlines(), captured.err

    return run


@pytest.fixture(autouse=True)
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the catalogue that the command finds: six tracks of 24 seconds, each by another artist."""
    path = tmp_path / "catalogue.db"
    monkeypatch.setenv("EARMARK_CATALOGUE", str(path))
    with Catalogue(path) as opened:
        for number in range(6):
            bpm = 122.0 + number
            file = tmp_path / f"track {number}.wav"
            write_wav(file, tiny_track(bpm=bpm, seconds=24.0, sample_rate=RATE).waveform, RATE)
            track = heard_track(
                file,
                {"Deep House": 0.9 - number / 100},
                tags=Tags(f"Title {number}", f"Artist {number}"),
                rhythm=steady(bpm, 0.0, 24.0),
                key=Key.from_name("Am"),
                duration=24.0,
            )
            opened.keep(track, version="1")
    return path


def test_a_session_is_played_saved_and_gone_on_with(earmark_: Earmark, tmp_path: Path) -> None:
    session, out = tmp_path / "session.json", tmp_path / "set.m3u8"
    status, lines, err = earmark_("title 0\n\n\nq\n", session, "--no-transitions", "--out", out)
    assert (status, "earmark:" in err) == (0, False)
    assert lines[0].startswith("heard: Artist 0 – Title 0: Deep House 0.90; 122.0 BPM; 8A; energy 8")
    assert lines[1] == "  1  Artist 1 – Title 1: stays Deep House; 122 → 123 BPM (+0.8%); the same key"
    assert [line[:5] for line in lines[1:5]] == ["  1  ", "  2  ", "  3  ", "  4  "]
    assert lines[5:] == ["plays: Artist 1 – Title 1", f"written: {out}"]
    assert [line for line in out.read_text(encoding="utf-8").splitlines() if line.endswith(".wav")] == [
        "track 0.wav",
        "track 1.wav",
    ]
    status, lines, err = earmark_("Title 1\nTitle 4\n2\n", session, "--no-transitions")
    assert status == 0
    assert lines[0] == "going on after 2 turns"
    assert "earmark: Artist 1 – Title 1: was played before" in err
    assert lines[-1] == "plays: Artist 3 – Title 3" or lines[-1] == "plays: Artist 5 – Title 5"
    turns = json.loads(session.read_text(encoding="utf-8"))["turns"]
    assert [turn["player"] for turn in turns] == ["human", "machine"] * 2
    assert [turn["track"]["title"] for turn in turns[:3]] == ["Title 0", "Title 1", "Title 4"]


def test_a_file_in_the_way_of_the_set_is_said_before_anything_is_played(earmark_: Earmark, tmp_path: Path) -> None:
    session, out = tmp_path / "session.json", tmp_path / "set.m3u8"
    out.write_text("mine", encoding="utf-8")
    status, lines, err = earmark_("title 0\n\nq\n", session, "--no-transitions", "--out", out)
    assert (status, lines) == (1, [])
    assert err == f"earmark: {out}: it exists already; --replace overwrites it\n"
    assert not session.exists()


def test_a_player_with_odd_quotes_is_one_line(earmark_: Earmark) -> None:
    assert earmark_("q\n", "--player", 'play "')[::2] == (
        1,
        "earmark: the player 'play \"' cannot be read: No closing quotation\n",
    )


def test_turns_are_taken_back_and_moods_and_alternatives_chosen(earmark_: Earmark) -> None:
    status, lines, err = earmark_("title 0\nu\nx\n2\nb\nb\n\n1\nq\n", "--no-transitions")
    assert status == 0
    assert "earmark: x: no such key" in err
    played = [line for line in lines if line.startswith(("plays", "taken"))]
    second = played[0].removeprefix("plays: ")
    assert played[1:3] == [f"taken back: {second}", "taken back: Artist 0 – Title 0"]
    assert len(played) == 4  # the machine began


def test_transitions_are_rendered(earmark_: Earmark, tmp_path: Path) -> None:
    pytest.importorskip("python_stretch")
    folder = tmp_path / "transitions"
    status, lines, _ = earmark_("title 0\n\nq\n", "--folder", folder)
    assert status == 0
    assert lines[-1].startswith("  transition: Deep House into Deep House: ")
    (file,) = folder.iterdir()
    assert file.name == "transition-01.flac"
    sound = decode(file, RATE)
    assert 5 < len(sound) / RATE < 60
    assert 0.05 < float(np.abs(sound).max()) <= 1.0


def test_the_machine_says_so_when_nothing_is_left(earmark_: Earmark) -> None:
    keys = "title 0\n\ntitle 2\n\ntitle 4\n\nq\n"
    status, lines, err = earmark_(keys, "--no-transitions", "--among", "title", "--bpm", "122-124")
    assert status == 0
    assert "no track by an artist who was not played yet is left in the crate" in err
    assert lines[-1].startswith(("heard", "plays"))


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        (("--bpm", "60-61"), 1, "no track in it may be played"),
        (("--bpm", "fast"), 2, "the tempo is 'fast'"),
        (("--player", "no-such-player"), 1, "no-such-player: there is no such program; --player none plays nothing"),
        (("--out", "set.doc"), 2, "no format has the suffix '.doc'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    earmark_: Earmark, options: tuple[str, ...], status: int, reason: str
) -> None:
    given, lines, err = earmark_("", "--no-transitions", *options)
    assert (given, lines) == (status, [])
    assert reason in err
    assert err.count("\n") == 1


def test_what_was_heard_live_is_answered(catalogue: Path) -> None:
    model = Model.open("house12")
    track = tiny_track(bpm=124.0, seconds=12.0, sample_rate=model.config.sample_rate).waveform
    *_, last = moments(iter(np.array_split(track, 100)), model)
    with Catalogue(catalogue) as opened:
        session = BackToBack(opened)
        assert "124.0 BPM" in session.human_heard(last)
        assert session.session.turns[0].played.track.path == LIVE
        assert session.machine(session.picks()[0]).mixed is None
        (quiet,) = moments([silence(2.0, model.config.sample_rate)], model)
        with pytest.raises(EarmarkError, match="no music was heard"):
            session.human_heard(quiet)


def test_a_player_plays_one_file_at_a_time(tmp_path: Path) -> None:
    script = "import sys, time; open(sys.argv[1] + '.played', 'w').close(); time.sleep(60)"
    player = Player(f'{sys.executable} -c "{script}"')
    began = time.monotonic()
    for name in ("a", "b"):
        assert player.play(tmp_path / name)
        while not (tmp_path / f"{name}.played").exists():
            time.sleep(0.05)
    player.stop()
    assert time.monotonic() - began < 60  # neither was waited for
    assert not Player("none").play(tmp_path / "c")
