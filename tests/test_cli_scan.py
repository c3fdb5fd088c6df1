"""`earmark scan` and `earmark find`, with a model whose answers are known."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earmark.analysis import Analysis
from earmark.app.catalogue import catalogue_path
from earmark.cli import main
from earmark.files import data_folder
from earmark.hearing import Listener
from earmark.library import Catalogue, Tags, Track
from earmark.testing import write_wav
from earmark.testing.tracks import heard_track, steady

Earmark = Callable[..., tuple[int, str, str]]


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Earmark:
    """Return what runs the command in this process: its status, and what it printed."""
    monkeypatch.setenv("EARMARK_CATALOGUE", str(tmp_path / "catalogue.db"))
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, os.fsdecode(out), os.fsdecode(err)

    return run


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    """Return a folder of three files that the tiny model hears as Up, Down, and nothing it knows, and of a bad one."""
    folder = tmp_path / "crate"
    folder.mkdir()
    for name, level in {"up": 0.5, "down": -0.5, "still": 0.0}.items():
        write_wav(folder / f"{name}.wav", np.full(8000, level, np.float32), 8000)
    (folder / "worse.mp3").write_text("no music", encoding="utf-8")
    return folder


def test_scan_says_what_it_did_and_names_what_failed(
    earmark_: Earmark, crate: Path, tiny: Path, tmp_path: Path
) -> None:
    named = f"catalogue: {tmp_path / 'catalogue.db'}\n"
    status, out, err = earmark_("scan", crate, "--model", tiny)
    assert (status, out) == (1, f"3 heard, 0 unchanged, 1 could not be heard; {named}")
    assert err == f"earmark: {crate}/worse.mp3: it is not audio, or damaged beyond recognition\n"
    (crate / "up.wav").rename(crate / "upper.wav")
    shutil.copy(crate / "down.wav", crate / "copy.wav")
    (crate / "still.wav").unlink()
    status, out, err = earmark_("scan", crate, "--model", tiny)
    assert (status, out) == (0, f"0 heard, 1 moved, 1 known by its sound, 2 unchanged, 1 missing; {named}")
    assert err == "earmark: 1 unchanged file could not be heard in an earlier scan; --retry tries again\n"
    assert earmark_("scan", crate, "--model", tiny, "--retry")[:2] == (
        1,
        f"0 heard, 3 unchanged, 1 could not be heard; {named}",
    )
    assert earmark_("scan", crate, "--model", tiny, "--again")[1].startswith(
        "3 heard, 0 unchanged, 1 could not be heard;"
    )


def test_scan_in_several_processes(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    assert earmark_("scan", crate, "--model", tiny, "--workers", "2")[1].startswith("3 heard, 0 unchanged, 1 could")
    assert earmark_("find", "--count") == (0, "4\n", "")


def test_a_fast_scan_hears_styles_alone_and_a_full_one_the_rest(
    earmark_: Earmark, crate: Path, tiny: Path, tmp_path: Path
) -> None:
    def heard() -> dict[str, bool]:
        """Return whether the loudness of each file is known."""
        with Catalogue(tmp_path / "catalogue.db") as catalogue:
            tracks = [catalogue.track(crate / f"{name}.wav") for name in ("up", "down")]
        return {track.path.stem: track.analysis.loudness is not None for track in tracks if track and track.analysis}

    assert earmark_("scan", crate / "up.wav", "--model", tiny)[1].startswith("1 heard")
    assert earmark_("scan", crate, "--model", tiny, "--fast")[1].startswith("2 heard, 1 unchanged")
    assert heard() == {"up": True, "down": False}
    assert earmark_("scan", crate, "--model", tiny, "--fast")[1].startswith("0 heard, 4 unchanged")
    assert earmark_("scan", crate, "--model", tiny)[1].startswith("2 heard, 2 unchanged")
    assert heard() == {"up": True, "down": True}


def test_scan_warns_of_what_was_heard_but_damaged(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    content = (crate / "up.wav").read_bytes()
    (crate / "up.wav").write_bytes(content[: len(content) // 4])
    _, out, err = earmark_("scan", crate, "--model", tiny)
    assert out.startswith("3 heard")
    assert re.search(r"up\.wav: warning: heard 0\.\d s of 1\.0 s declared: 0\.\d s missing\n", err)


def test_scan_counts_what_it_skips_and_lists_it_on_request(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    shutil.copy(crate / "up.wav", crate / "._up.wav")
    (crate / ".trash").mkdir()
    (crate / "worse.mp3").unlink()
    status, out, err = earmark_("scan", crate, "--model", tiny)
    assert (status, out.split(";")[0], err) == (0, "3 heard, 0 unchanged, 2 skipped (--skipped lists them)", "")
    status, out, err = earmark_("scan", crate, "--model", tiny, "--skipped")
    assert (status, out.split(";")[0]) == (0, "0 heard, 3 unchanged, 2 skipped")
    assert err.splitlines() == [
        f"earmark: {crate}/._up.wav: its name begins with a dot",
        f"earmark: {crate}/.trash: its name begins with a dot",
    ]
    assert earmark_("scan", crate, "--watch", "--skipped")[0] == 2


def test_scan_reads_tags_again_without_hearing(earmark_: Earmark, crate: Path, tiny: Path, tmp_path: Path) -> None:
    (crate / "worse.mp3").unlink()
    song = write_tagged(crate / "song.wav", "One")
    earmark_("scan", crate, "--model", tiny)
    before = song.stat()
    write_tagged(song, "Two")
    os.utime(song, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert earmark_("scan", crate, "--model", tiny)[1].startswith("0 heard, 4 unchanged;")
    assert earmark_("scan", crate, "--model", tiny, "--tags")[1].startswith("0 heard, 1 with other tags, 3 unchanged;")
    assert earmark_("scan", crate, "--model", tiny, "--tags")[1].startswith("0 heard, 4 unchanged;")
    with Catalogue(tmp_path / "catalogue.db") as opened:
        track = opened.track(song)
    assert track is not None
    assert (track.tags.title, track.analysis is not None) == ("Two", True)


def write_tagged(path: Path, title: str) -> Path:
    """Write a file of one second with a title of three letters."""
    write_wav(path, np.full(8000, 0.25, np.float32), 8000)
    content = path.read_bytes()
    info = b"INFOINAM" + struct.pack("<I", 4) + title.encode() + b"\0"
    chunks = content[8:] + b"LIST" + struct.pack("<I", len(info)) + info
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
    return path


def test_scan_refuses_what_it_cannot_do(earmark_: Earmark, crate: Path, tiny: Path, tmp_path: Path) -> None:
    assert earmark_("scan", tmp_path / "none") == (
        1,
        "",
        f"earmark: {tmp_path}/none: there is no such file or folder\n",
    )
    assert earmark_("scan", crate, "--watch", "--again")[0] == 2
    (tmp_path / "empty").mkdir()
    status, out, err = earmark_("scan", tmp_path / "empty", "--model", tiny)
    assert (status, out[:20], err) == (
        1,
        "0 heard, 0 unchanged",
        f"earmark: {tmp_path}/empty: there is no audio file in this folder\n",
    )
    (tmp_path / "text.db").write_text("no database at all", encoding="utf-8")
    answer = earmark_("scan", crate, "--model", tiny, "--catalogue", tmp_path / "text.db")
    assert answer == (1, "", f"earmark: {tmp_path}/text.db: it is not a catalogue\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_watching_ends_in_order_with_ctrl_c(crate: Path, tiny: Path, tmp_path: Path) -> None:
    options = ["--watch", "--model", tiny, "--catalogue", tmp_path / "w.db"]
    command = [sys.executable, "-m", "earmark", "scan", str(crate), *map(str, options)]
    listening = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs us in the background ignores it
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, listening)
    try:
        assert process.stdout
        first = process.stdout.readline()
        write_wav(tmp_path / "new.wav", np.full(8000, 0.25, np.float32), 8000)
        (tmp_path / "new.wav").rename(crate / "new.wav")
        lines = [first, *(process.stdout.readline() for _ in range(3))]
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert sorted(lines) == sorted(
        [
            f"heard   {crate}/down.wav  Down 0.99\n",
            f"heard   {crate}/still.wav\n",
            f"heard   {crate}/up.wav  Up 0.99\n",
            f"heard   {crate}/new.wav  Up 0.92\n",
        ]
    )
    assert out == f"4 heard, 0 unchanged, 1 could not be heard; catalogue: {tmp_path / 'w.db'}\n"
    assert err.splitlines() == [
        f"earmark: watching {crate}; Ctrl-C ends it",
        f"earmark: {crate}/worse.mp3: it is not audio, or damaged beyond recognition",
    ]
    assert process.returncode == 1


# Where the catalogue is


def test_the_catalogue_given_comes_before_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_CATALOGUE", "/environment.db")
    assert catalogue_path(Path("/given.db")) == Path("/given.db")
    assert catalogue_path(None) == Path("/environment.db")


def test_the_catalogue_is_with_the_data_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARMARK_CATALOGUE", raising=False)
    assert catalogue_path(None) == data_folder() / "catalogue.db"


# Finding


@pytest.fixture
def stocked(tmp_path: Path) -> Path:
    """Return a catalogue of three tracks, the last of which is missing and has a name that is no text."""
    path = tmp_path / "catalogue.db"
    with Catalogue(path) as catalogue:
        catalogue.keep(heard_track("/m/a deep.mp3", {"Deep House": 0.8}, rhythm=steady(125.98, 0.1, 300.0)))
        catalogue.keep(heard_track("/m/b.mp3", {"Drum & Bass": 0.7}, rhythm=steady(174.0, 0.1, 300.0)))
        catalogue.keep(replace(heard_track("/m/\udcff.mp3", {"Trance": 0.9}, unknown=True), missing=True))
    return path


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "ab"),
        (["de"], "a"),
        (["a", "de"], "a"),
        (["deep house"], "a"),
        (["drum", "bass"], "b"),
        (["--bpm", "87"], ""),
        (["--bpm", "87", "--half-double"], "b"),
        (["--sort", "bpm", "--reverse"], "ba"),
        (["--sort", "probability"], "ab"),
        (["--style", "dnb"], "b"),
        (["--style", "deep HOUSE"], "a"),
        (["--family", "bass"], "b"),
        (["--bpm", "126"], "a"),
        (["--bpm", "126.0"], "a"),
        (["--bpm", "125.9"], ""),
        (["--bpm", "125"], ""),
        (["--bpm", "170-180"], "b"),
        (["--missing", "--unknown"], "\udcff"),
        (["--confidence", "sure"], "a"),
        (["--confidence", "likely"], "b"),
        (["--confidence", "unsure"], ""),
        (["--confidence", "sure", "--missing"], "\udcff"),
        (["--confidence", "sure", "--sort", "bpm", "bass"], ""),
        (["--limit", "1"], "a"),
        (["--limit", "1", "--after", "1"], "b"),
    ],
    ids=str,
)
def test_find_prints_what_meets_its_options(earmark_: Earmark, arguments: list[str], expected: str) -> None:
    status, out, err = earmark_("find", *arguments, "--paths")
    assert [line[3] for line in out.splitlines()] == list(expected)
    assert (status, err) == (0, "")


@pytest.mark.usefixtures("stocked")
def test_find_shows_a_table_and_how_to_go_on(earmark_: Earmark) -> None:
    status, out, err = earmark_("find", "--limit", "1")
    heading, row = out.splitlines()
    assert heading.split() == ["track", "style", "BPM", "key", "time"]
    assert row.split() == ["a", "deep.mp3", "Deep", "House", "0.80", "126.0", "5:00"]
    assert (status, err) == (0, "2 tracks; the next page: --after 1\n")
    assert earmark_("find", "nothing") == (0, "", "0 tracks\n")


def test_find_shows_all_columns_in_80_and_crops_nothing_in_a_pipe(tmp_path: Path) -> None:
    title = "A Title That Is Longer Than Any Terminal Leaves Room For (Extended Mix Of The Second Day)"
    with Catalogue(tmp_path / "c.db") as catalogue:
        track = heard_track("/m/a.mp3", {"House / Nu Disco / Disco": 0.8}, rhythm=steady(125.98, 0.1, 300.0))
        catalogue.keep(replace(track, tags=Tags(title=title, artist="Somebody")))
        catalogue.keep(Track(Path("/m/broken.mp3"), 1, 1, "b", error="it is not audio"))
    arguments = ["find", "--catalogue", str(tmp_path / "c.db")]
    shown = on_terminal(80, *arguments).replace("\r", "").splitlines()
    assert shown == [
        "track                         style                             BPM  key  time",
        "Somebody – A Title That Is …  House / Nu Disco / Disco  0.80  126.0       5:00",
        "",
        "not heard:",
        "/m/broken.mp3: it is not audio",
        "2 tracks",
    ]
    piped = subprocess.run(
        [sys.executable, "-m", "earmark", *arguments], capture_output=True, encoding="utf-8", check=True
    ).stdout.splitlines()
    assert re.split("  +", piped[1]) == [f"Somebody – {title}", "House / Nu Disco / Disco", "0.80", "126.0", "5:00"]
    assert piped[2:] == ["", "not heard:", "/m/broken.mp3: it is not audio"]
    only = subprocess.run(
        [sys.executable, "-m", "earmark", *arguments, "--errors"], capture_output=True, text=True, check=True
    )
    assert (only.stdout, only.stderr) == ("/m/broken.mp3: it is not audio\n", "1 track\n")


def test_control_characters_of_names_and_tags_reach_no_terminal(tmp_path: Path) -> None:
    """A title could clear the screen, retitle the window, or write a name backwards."""
    title = "ev\x1b]0;pwned\x07il\x1b[2J\u202e\x9b2J"
    name = "/m/\x1b[2J.mp3"
    with Catalogue(tmp_path / "c.db") as catalogue:
        track = heard_track(name, {"Trance": 0.8})
        catalogue.keep(replace(track, tags=Tags(title=title, artist="x")))
        catalogue.keep(Track(Path(f"{name}.mp3"), 1, 1, "b", error="it is not audio"))
    for options in ([], ["--errors"], ["--paths"]):
        shown = on_terminal(80, "find", "--catalogue", tmp_path / "c.db", *options)
        assert "�[2J" in shown
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", shown)
    command = [sys.executable, "-m", "earmark", "find", "--catalogue", str(tmp_path / "c.db"), "--paths"]
    piped = subprocess.run(command, capture_output=True, check=True).stdout  # for programs: the name as it is
    assert piped == f"{name}\n{name}.mp3\n".encode()
    refused = subprocess.run(
        [sys.executable, "-m", "earmark", "listen", "/m/\x1b[2J\nx.mp3"], capture_output=True, text=True, check=False
    )
    assert refused.stderr == "earmark: /m/�[2J x.mp3: no file matches\n"


def on_terminal(columns: int, *arguments: str | Path) -> str:
    """What a command prints on a terminal without colours."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}
    command = [sys.executable, "-m", "earmark", *map(str, arguments)]
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        printed = b""
        try:
            while block := os.read(master, 65536):
                printed += block
        except OSError:  # the command has ended
            pass
    os.close(master)
    assert process.returncode == 0
    return printed.decode()


@pytest.mark.usefixtures("stocked")
def test_find_prints_json_that_says_all_that_matters(earmark_: Earmark) -> None:
    (found,) = json.loads(earmark_("find", "deep", "--json")[1])
    assert {key: found[key] for key in ("id", "path", "missing", "error")} == {
        "id": 1,
        "path": "/m/a deep.mp3",
        "missing": False,
        "error": "",
    }
    assert found["tags"]["genres"] == []
    assert found["heard"]["styles"][0] == {"style": "Deep House", "probability": 0.8}
    (lost,) = json.loads(earmark_("find", "--missing", "--json")[1])
    assert lost["path"] == "/m/\udcff.mp3"


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--style", "polka"], 1, "no style of this catalogue is called 'polka'; there are: "),
        (["--family", "polka"], 1, "no family of this catalogue is called 'polka'; there are: "),
        (["--bpm", "130-120"], 2, "the tempo is '130-120', but a range begins with the lower one: 120-130; `earmark"),
        (["--bpm", "1-1e300"], 2, "the tempo is '1-1e300', but must be such as 126"),
        (["--bpm", "nan"], 2, "the tempo is 'nan', but must be such as 126"),
        (["--half-double"], 2, "--half-double goes with --bpm"),
        (["--bpm", "fast"], 2, "the tempo is 'fast', but must be such as 126, or a range such as 124-128"),
        (["--confidence", "certain"], 2, "'certain' is not one of 'sure', 'likely', 'unsure'"),
        (["--key", "H"], 2, "the key is 'H', but must be such as 8A, or Am"),
        (["--json", "--paths"], 2, "--count, --paths and --json exclude each other"),
        (["--catalogue", "/none.db"], 1, "/none.db: there is no catalogue here; `earmark scan FOLDER` makes one"),
    ],
    ids=str,
)
def test_find_says_what_it_does_not_understand(
    earmark_: Earmark, arguments: list[str], status: int, message: str
) -> None:
    answer = earmark_("find", *arguments)
    assert answer[:2] == (status, "")
    assert message in " ".join(re.sub(r"[│╭╮╰╯─\n]", " ", answer[2]).split())


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the program fail over the file still.wav, and return the line that says so."""
    hear = Listener.__call__

    def fail(self: Listener, path: Path | str) -> Analysis:
        if Path(path).name == "still.wav":
            raise TypeError("a fault of\nthe program")
        return hear(self, path)

    monkeypatch.setattr(Listener, "__call__", fail)
    return "still.wav: earmark could not handle this file: TypeError: a fault of the program (please report it)\n"


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_the_program_costs_one_file(
    earmark_: Earmark, crate: Path, tiny: Path, tmp_path: Path, faulty: str, *, debug: bool
) -> None:
    (crate / "worse.mp3").unlink()
    for command, done in {
        "listen": "up.wav",
        "scan": "2 heard, 0 unchanged, 1 could not",
        "tag": "2 files would",
    }.items():
        options = ["--debug"] if debug else []
        status, out, err = earmark_(*options, command, crate, "--model", tiny, "--workers", "1")
        assert (status, faulty in err, err.count("earmark: ")) == (1, True, 1)
        assert done in out
        assert ("in fail\n" in err, "Traceback" in err) == (debug, debug)
    with Catalogue(tmp_path / "catalogue.db") as catalogue:
        kept = catalogue.track(crate / "still.wav")
    assert kept
    assert (f"still.wav: {kept.error}\n", kept.analysis) == (faulty, None)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_what_is_no_regular_file_is_refused_instead_of_waited_for(
    earmark_: Earmark, crate: Path, tiny: Path, tmp_path: Path
) -> None:
    (crate / "worse.mp3").unlink()
    os.mkfifo(crate / "pipe.mp3")
    (crate / "link.mp3").symlink_to(tmp_path / "nothing")
    for command in ("scan", "listen", "tag"):  # the last one looks in the catalogue
        status, out, err = earmark_(command, crate, *([] if command == "tag" else ["--model", tiny]))
        assert (status, "pipe.mp3: it is not a regular file\n" in err) == (1, True)
        assert ("link.mp3: it is a link to nothing\n" in err) is (command == "scan")
    status, out, err = earmark_("manifest", "folder", tmp_path, tmp_path / "list.csv")
    assert "pipe.mp3: it is not a regular file\n" in err
    assert f"written: {tmp_path / 'list.csv'}\n" in out


def test_words_find_what_was_heard_in_the_examples(earmark_: Earmark, tmp_path: Path) -> None:
    """Neither the titles ("Late Room", "Two Step Ahead") nor the path need name the style."""
    examples = Path(__file__).parents[1] / "examples"
    for name, plain in {"03-deep-house": "a", "04-drum-and-bass": "b", "09-nu-disco": "c"}.items():
        shutil.copy(examples / f"{name}.opus", tmp_path / f"{plain}.opus")
    assert earmark_("scan", tmp_path)[0] == 0
    expected = {"deep house": "a", "house": "ac", "drum & bass": "b", "disco late": "", "room house": "a"}
    for words, found in expected.items():
        listed = earmark_("find", words, "--paths")[1].split()
        assert [Path(path).stem for path in listed] == list(found), words
