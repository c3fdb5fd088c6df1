"""The command: mostly called in this process, and as a process of its own where that is what counts."""

import csv
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import earmark
from earmark.analysis import Analysis, Key, Loudness
from earmark.cli import answer as answering
from earmark.cli import main, show, terminal
from earmark.cli.answer import STRIP, bar
from earmark.cli.progress import titled_progress
from earmark.styles import families_of
from earmark.testing import sweep, tone, write_wav
from earmark.timeline import Timeline

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMAND = [sys.executable, "-m", "earmark"]
MUSIC = ["rhythm", "key", "loudness"]
KEYS = [
    "path",
    "duration",
    "styles",
    "family",
    "unknown",
    "answer",
    "no_music",
    "segments",
    *MUSIC,
    "model",
    "warnings",
]


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


Earmark = Callable[..., Answer]


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Earmark:
    """Return what runs the command in this process."""

    def run(*arguments: str | Path, stdin: str = "") -> Answer:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Answer(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three files that the tiny model hears as Up, Down, and nothing it knows."""
    folder = tmp_path_factory.mktemp("crate")
    for name, values in {"a-up.wav": [0.5, 0.5], "b-down.wav": [0.5, -0.5, -0.5], "c-still.wav": [0.01]}.items():
        write_wav(folder / name, np.repeat(np.array(values, np.float32), 8000), 8000)
    return folder


@pytest.fixture
def bad_crate(crate: Path, tmp_path: Path) -> Path:
    """Return a folder of a file that can be heard between two that cannot."""
    (tmp_path / "b.wav").write_bytes((crate / "a-up.wav").read_bytes())
    (tmp_path / "a.mp3").write_text("a text that goes by the name of music", encoding="utf-8")
    (tmp_path / "c.flac").touch()
    return tmp_path


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401  what run takes
    """Run the command as a process."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], check=False, capture_output=True, encoding="utf-8", timeout=60, **options
    )


# What every command has


def test_help_lists_the_commands() -> None:
    answer = run("--help")
    commands = answer.stdout.partition("Commands:")[2]
    assert {"listen", "models", "evaluate", "train-tables"} <= set(re.findall(r"^  (\S+)  ", commands, re.MULTILINE))
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_version_is_that_of_the_package(earmark_: Earmark) -> None:
    assert earmark_("--version") == Answer(0, f"earmark {earmark.__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [["listen"], ["lsiten", "a.wav"], ["listen", "--fsat", "a.wav"], ["export-library", "a.csv"]]
)
def test_a_wrong_call_is_explained_with_status_2(earmark_: Earmark, arguments: list[str]) -> None:
    answer = earmark_(*arguments)
    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert line.startswith("earmark: ")
    assert line.endswith(" --help` explains the options")


def test_models_lists_those_that_come_with_earmark(earmark_: Earmark) -> None:
    answer = earmark_("models")
    (row,) = [line.split() for line in answer.out.splitlines() if line.strip().startswith("house12")]
    assert row[1:3] == ["12", "pool"]
    assert answer.status == 0


def test_evaluate_prints_the_card(earmark_: Earmark, tiny: Path) -> None:
    assert earmark_("evaluate", tiny) == Answer(0, "# tiny\n\n", "")


def test_evaluate_says_what_is_missing(earmark_: Earmark, tiny: Path, tmp_path: Path) -> None:
    answer = earmark_("evaluate", tiny, "--audio", tmp_path)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err == f"earmark: {tmp_path}: there is no audio file in this folder\n"
    answer = earmark_("evaluate", tiny, "--tables", tmp_path)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err == (
        "earmark: tiny: not made from tables by a recipe that comes with earmark; give one with --recipe\n"
    )


# Listening


def test_listen_names_the_styles_of_an_example() -> None:
    answer = run("listen", EXAMPLES / "11-techno.opus", "--timeline")
    heading, *rows = answer.stdout.rstrip().splitlines()
    labels = "|".join(map(re.escape, show.colours()))
    assert re.match(r"11-techno\.opus  0:30  .+  \w+ family [01]\.\d\d", heading)
    assert len(rows) == 6  # three styles, tempo, key and loudness, the strip and its legend
    shares = []
    for row in rows[:3]:
        match = re.fullmatch(
            rf"  (?:{labels}) +([01]\.\d\d) +([█▉▊▋▌▍▎▏]*) +(?:House|Techno|Trance|Bass|Ambient)(?: .*)?", row
        )
        assert match, row
        shares.append(float(match[1]))
        assert match[2] == bar(shares[-1]) or abs(len(match[2]) - len(bar(shares[-1]))) <= 1
    assert shares == sorted(shares, reverse=True)
    assert re.fullmatch(r"  \d+\.\d\d BPM   [A-G]b?m? \d+[AB]   -\d+\.\d LUFS *", rows[3])
    assert rows[4].strip() == "█" * STRIP
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_table_says_what_was_heard_where(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    answer = earmark_("listen", crate, "--model", tiny)
    assert answer.out.split("\n\n")[1].splitlines()[1].split() == [
        "Down",
        "0.66",
        bar(0.664),
        "Motion",
        "0:01–0:03",
    ]
    assert [line for line in answer.out.splitlines() if "wav" in line] == [
        "a-up.wav  0:02  Up, sure  Motion family 0.99",
        "b-down.wav  0:03  Down, likely  Motion family 0.99",
        "c-still.wav  0:01  unlike anything I know  rests on 1 s",
    ]
    assert (answer.status, answer.err) == (0, "")


def heard_as(probabilities: list[list[float]], styles: tuple[str, ...], *, parts: bool, no_music: str = "") -> Analysis:
    """An analysis of windows of ten seconds."""
    timeline = Timeline(
        styles, 10.0 * np.arange(len(probabilities), dtype=np.float64), 10.0, np.array(probabilities, np.float32)
    )
    return Analysis(
        Path("crate") / "中文 – night\x1b[2J.wav",
        10.0 * len(probabilities),
        timeline,
        dict.fromkeys(styles, "House"),
        False,
        np.zeros(2, np.float32),
        "tiny",
        key=Key(9, minor=True, confidence=0.3) if parts else None,
        loudness=Loudness(-8.25, 3.0, -1.0, np.zeros(1, np.float32)) if parts else None,
        no_music=no_music,
    )


@pytest.mark.parametrize("timeline", [False, True])
@pytest.mark.parametrize(
    "heard",
    [
        heard_as([[0.7, 0.2, 0.1]], ("Trance", "Deep House", "夜の音楽"), parts=True),
        heard_as([[0.1, 0.3, 0.6], [0.5, 0.3, 0.2]] * 9, ("Techno", "Halftime", "夜の音楽"), parts=False),
        heard_as([[0.4, 0.35, 0.25]], ("Trance", "e\u0301tude", "x"), parts=False, no_music="noise"),
        heard_as([[0.4, 0.35, 0.25]], ("Trance", "Trap", "x"), parts=True, no_music="silence"),
    ],
    ids=["one window", "many places", "no music", "no music, but loud"],
)
def test_a_pipe_gets_the_text_that_a_terminal_shows(
    heard: Analysis, capsys: pytest.CaptureFixture[str], *, timeline: bool
) -> None:
    console = terminal.console()
    console.print(show.analysis(heard, 3, timeline=timeline))
    shown = capsys.readouterr().out
    assert answering.text(heard, 3, timeline=timeline) == shown
    assert shown.startswith(
        "中文 – night�[2J.wav  0:10  " if len(heard.timeline.starts) == 1 else "中文 – night�[2J.wav  3:00"
    )
    console.print(show.brief(heard))
    assert answering.line(heard) == capsys.readouterr().out


@pytest.mark.parametrize(("words", "loaded"), [((), ["earmark.hearing.rhythm", "earmark.styles"]), (("--fast",), [])])
def test_a_pipe_gets_its_answer_from_what_is_needed_for_it(
    tiny: Path, crate: Path, words: tuple[str, ...], loaded: list[str]
) -> None:
    code = """
import sys
from earmark.cli import main
try:
    main()
finally:
    print(sorted(sys.modules.keys() & {"rich", "earmark.hearing.rhythm", "earmark.styles"}))
"""
    words = ("listen", str(crate / "a-up.wav"), "--model", str(tiny), *words)
    done = subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[0].startswith("a-up.wav  0:02  Up, sure")
    assert done.stdout.splitlines()[-1] == str(loaded)


def test_lines_end_where_there_is_nothing_more_to_see(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_row("a  b", "long")
    table.add_row("c", Text.assemble("d ", ("   ", "on red"), "  "))
    table.add_row("", "")
    terminal.console().print(table)
    terminal.console().print("e ", end="|")
    assert capsys.readouterr().out == "a  b  long\nc     d    \n\ne |"


def test_the_family_beside_a_style_is_its_own_though_another_one_has_more() -> None:
    styles = ("Ambient / Electronic", "Techno / Tech House", "Deep House", "Progressive House")
    timeline = Timeline(styles, np.array([0.0]), 30.0, np.array([[0.31, 0.25, 0.24, 0.20]], np.float32))
    heard = Analysis(Path("rain.wav"), 30.0, timeline, families_of(styles), False, np.zeros(2, np.float32), "tiny")
    assert heard.family()[0] == "House"
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(show.analysis(heard, 3, timeline=False))
    assert console.export_text().splitlines()[0] == (
        "rain.wav  0:30  Ambient / Electronic, unsure  Ambient family 0.31  rests on 30 s"
    )


def test_an_answer_that_rests_on_less_than_a_second_says_so(earmark_: Earmark, tiny: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "stab.wav", sweep(200, 2000, 0.4, 8000), 8000)
    assert "rests on 0.4 s" in earmark_("listen", tmp_path, "--model", tiny).out


def test_what_is_no_music_has_no_table_of_styles(earmark_: Earmark, tiny: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "hum.wav", tone(440, 3.0, 8000), 8000)
    answer = earmark_("listen", tmp_path, "--model", tiny)
    heading, *rest = answer.out.splitlines()
    assert heading == "hum.wav  0:03  no music: a lone tone"
    assert [line.split()[1:] for line in rest if line.strip()] == [["LUFS"]]
    assert all(len(line) < 80 for line in rest)


def test_the_timeline_is_a_strip_with_a_legend(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    answer = earmark_("listen", crate / "b-down.wav", "--model", tiny, "--timeline")
    strip, legend = answer.out.rstrip().splitlines()[-2:]
    assert strip.strip() == "█" * STRIP
    assert legend.split() == ["0:00", "Up", "0.99", "0:01", "Down", "0.99"]


@pytest.mark.parametrize(("still", "up", "hinted"), [(6, 5, True), (6, 6, False), (9, 0, False)])
def test_teaching_is_hinted_at_where_most_of_ten_or_more_tracks_are_unknown(
    earmark_: Earmark, tiny: Path, tmp_path: Path, *, still: int, up: int, hinted: bool
) -> None:
    for number in range(still + up):
        level = (0.01 if number < still else 0.5) + number * 1e-3  # no two files of the same sound
        write_wav(tmp_path / f"{number}.wav", np.full(8000, level, np.float32), 8000)
    hint = (
        f"earmark: {still} of {still + up} tracks are unknown or unsure; "
        "`earmark teach` learns your own styles from a folder for each\n"
    )
    for form in ([], ["--csv"]):
        assert earmark_("listen", tmp_path, "--model", tiny, *form).err.count(hint) == hinted
    said = earmark_("scan", tmp_path, "--model", tiny, "--catalogue", tmp_path / "c.db", "--workers", "1")
    assert said.err.count(hint) == hinted


def test_json_is_one_array_of_objects_with_the_documented_keys(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    answer = earmark_("listen", crate, "--model", tiny, "--json")
    heard = json.loads(answer.out)
    assert [list(each) for each in heard] == [KEYS] * 3
    assert [heard[1].pop(part) for part in MUSIC[:2]] == [None, None]
    assert list(heard[1].pop("loudness")) == ["integrated", "range", "true_peak"]
    assert heard[1] == {
        "path": str(crate / "b-down.wav"),
        "duration": 3.0,
        "styles": [
            {"style": "Down", "probability": 0.6622},
            {"style": "Up", "probability": 0.3311},
            {"style": "Still", "probability": 0.0067},
        ],
        "family": {"family": "Motion", "probability": 0.9933},
        "unknown": False,
        "answer": {"confidence": "likely", "styles": ["Down"], "family": "Motion", "seconds": 3.0},
        "no_music": None,
        "segments": [
            {"start": 0.0, "end": 1.0, "style": "Up", "probability": 0.9933},
            {"start": 1.0, "end": 3.0, "style": "Down", "probability": 0.9933},
        ],
        "model": "tiny",
        "warnings": [],
    }
    assert [each["unknown"] for each in heard] == [False, False, True]


def test_json_of_an_example_is_sorted_and_adds_up_to_no_more_than_1(earmark_: Earmark) -> None:
    (heard,) = json.loads(earmark_("listen", EXAMPLES / "03-deep-house.opus", "--json", "--top", "12").out)
    shares = [style["probability"] for style in heard["styles"]]
    assert len(shares) == 12
    assert shares == sorted(shares, reverse=True)
    assert 0.99 < sum(shares) <= 1 + 12 * 0.00005  # each is rounded to four digits
    assert heard["duration"] == pytest.approx(30, abs=0.1)
    assert (heard["segments"][0]["start"], heard["segments"][-1]["end"]) == (0, heard["duration"])
    assert heard["model"] == "house12"


def test_tempo_key_and_loudness_are_heard(earmark_: Earmark) -> None:
    example = EXAMPLES / "03-deep-house.opus"  # 121 BPM, C minor, from its first sample on
    (heard,) = json.loads(earmark_("listen", example, "--json", "--detail").out)
    rhythm, key, loudness = (heard[part] for part in MUSIC)
    assert rhythm["bpm"] == pytest.approx(121, abs=0.02)
    assert rhythm["first_downbeat"] == pytest.approx(0, abs=0.01)
    assert rhythm["drift"] == 0
    assert rhythm["beats"][::4] == rhythm["downbeats"]
    assert rhythm["beats"] == pytest.approx([beat * 60 / 121 for beat in range(61)], abs=0.01)
    assert (key["name"], key["camelot"]) == ("Cm", "5A")
    assert loudness["integrated"] == pytest.approx(-11.2, abs=0.3)
    assert len(loudness["curve"]) == 30
    (row,) = csv.DictReader(io.StringIO(earmark_("listen", example, "--csv").out))
    assert float(row["bpm"]) == rhythm["bpm"]
    assert (row["key"], row["camelot"], float(row["lufs"])) == ("Cm", "5A", loudness["integrated"])
    table = earmark_("listen", example).out.splitlines()
    assert table[4].split() == ["121.00", "BPM", "Cm", "5A", f"{loudness['integrated']:.1f}", "LUFS"]


def test_fast_leaves_out_what_needs_the_whole_track(earmark_: Earmark) -> None:
    example = EXAMPLES / "03-deep-house.opus"
    (heard,) = json.loads(earmark_("listen", example, "--json", "--fast").out)
    assert [heard[part] for part in MUSIC] == [None] * 3
    (row,) = csv.DictReader(io.StringIO(earmark_("listen", example, "--csv", "--fast").out))
    assert [row[cell] for cell in ("bpm", "key", "camelot", "lufs")] == [""] * 4
    assert "BPM" not in earmark_("listen", example, "--fast").out


def test_detail_goes_with_json(earmark_: Earmark, crate: Path) -> None:
    answer = earmark_("listen", crate, "--detail")
    assert (answer.status, answer.out) == (2, "")
    assert "--detail goes with --json" in answer.err


def test_json_of_nothing_is_an_empty_array(earmark_: Earmark, tmp_path: Path, tiny: Path) -> None:
    answer = earmark_("listen", tmp_path, "--json", "--model", tiny)
    assert (answer.status, json.loads(answer.out)) == (1, [])
    assert answer.err == f"earmark: {tmp_path}: there is no audio file in this folder\n"


def test_csv_has_a_line_for_each_file(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    answer = earmark_("listen", crate, "--model", tiny, "--csv", "--top", "2")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [row["path"] for row in rows] == [str(path) for path in sorted(crate.iterdir())]
    assert [rows[0].pop(cell) for cell in ("bpm", "key", "camelot")] == [""] * 3
    assert -80 < float(rows[0].pop("lufs")) < 0
    assert rows[0] == {
        "path": str(crate / "a-up.wav"),
        "duration": "2.0",
        "family": "Motion",
        "family_probability": "0.9933",
        "unknown": "False",
        "style_1": "Up",
        "probability_1": "0.9933",
        "style_2": "Still",
        "probability_2": "0.0067",
        "model": "tiny",
        "warnings": "",
    }


def test_csv_has_empty_cells_for_styles_that_the_model_does_not_have(
    earmark_: Earmark, crate: Path, tiny: Path
) -> None:
    answer = earmark_("listen", crate / "a-up.wav", "--model", tiny, "--csv", "--top", "5")
    (row,) = csv.DictReader(io.StringIO(answer.out))
    assert [row[f"style_{rank}"] for rank in range(1, 6)] == ["Up", "Still", "Down", "", ""]
    assert (row["probability_5"], row["model"]) == ("", "tiny")


@pytest.mark.parametrize("top", [1, 2, 3, 9])
def test_top_is_how_many_styles_are_named(earmark_: Earmark, crate: Path, tiny: Path, top: int) -> None:
    (heard,) = json.loads(earmark_("listen", crate / "a-up.wav", "--model", tiny, "--json", "--top", str(top)).out)
    assert [style["style"] for style in heard["styles"]] == ["Up", "Still", "Down"][:top]


def test_json_and_csv_exclude_each_other(earmark_: Earmark, crate: Path) -> None:
    answer = earmark_("listen", crate, "--json", "--csv")
    assert (answer.status, answer.out) == (2, "")
    assert "--json and --csv exclude each other" in answer.err


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]], ids=["table", "json", "csv"])
def test_what_cannot_be_heard_is_one_line_each_and_the_rest_goes_on(
    earmark_: Earmark, bad_crate: Path, tiny: Path, form: list[str]
) -> None:
    answer = earmark_("listen", bad_crate, bad_crate / "none.wav", "--model", tiny, *form)
    assert answer.err.splitlines() == [
        f"earmark: {bad_crate / 'a.mp3'}: it is not audio, or damaged beyond recognition",
        f"earmark: {bad_crate / 'c.flac'}: the file is empty",
        f"earmark: {bad_crate / 'none.wav'}: there is no such file",
    ]
    assert answer.status == 1
    assert "b.wav" in answer.out
    assert "a.mp3" not in answer.out
    if form == ["--json"]:
        assert [heard["path"] for heard in json.loads(answer.out)] == [str(bad_crate / "b.wav")]


def test_workers_give_the_same_answer(earmark_: Earmark, bad_crate: Path, tiny: Path) -> None:
    alone = earmark_("listen", bad_crate, "--model", tiny, "--json", "--workers", "1")
    assert earmark_("listen", bad_crate, "--model", tiny, "--json", "--workers", "2") == alone


def test_a_truncated_file_is_heard_with_a_warning(earmark_: Earmark, crate: Path, tmp_path: Path, tiny: Path) -> None:
    cut = tmp_path / "cut.wav"
    cut.write_bytes((crate / "b-down.wav").read_bytes()[: 44 + 16_000])
    answer = earmark_("listen", cut, "--model", tiny, "--json")
    warning = "heard 1.0 s of 3.0 s declared: 2.0 s missing"
    assert answer.err == f"earmark: {cut}: warning: {warning}\n"
    assert json.loads(answer.out)[0]["warnings"] == [warning]
    assert answer.status == 0


def test_a_dash_reads_the_list_from_standard_input(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    names = f"{crate / 'c-still.wav'}\n\n{crate / 'a-up.wav'}\r\n"
    answer = earmark_("listen", crate / "b-down.wav", "-", "--model", tiny, "--json", stdin=names)
    assert [Path(heard["path"]).name for heard in json.loads(answer.out)] == ["b-down.wav", "c-still.wav", "a-up.wav"]


def test_fast_hears_three_windows(earmark_: Earmark, tmp_path: Path, tiny: Path) -> None:
    path = write_wav(tmp_path / "long.wav", np.repeat(np.array([0.5, -0.5], np.float32), 80_000), 8000)
    (heard,) = json.loads(earmark_("listen", path, "--model", tiny, "--json", "--fast").out)
    assert heard["duration"] == 20.0
    assert [(part["start"], part["end"]) for part in heard["segments"]] == [(5.5, 8.5), (8.5, 16.5)]


def test_a_file_name_in_another_encoding_is_printed_all_the_same(crate: Path, tmp_path: Path, tiny: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \xf0\x9f\x8e\xb5.wav")  # Latin-1 and an emoji
    try:
        (tmp_path / name).write_bytes((crate / "a-up.wav").read_bytes())
    except (OSError, UnicodeError):
        pytest.skip("this file system has Unicode names only")
    for encoding, form, printed in [
        ("utf-8:strict", "--csv", "caf\\udce9 🎵.wav"),
        ("ascii", "--timeline", "caf\\udce9 \\U0001f3b5.wav"),
        ("ascii", "--json", "caf\\udce9 \\ud83c\\udfb5.wav"),
    ]:
        answer = run("listen", tmp_path, "--model", tiny, form, env=os.environ | {"PYTHONIOENCODING": encoding})
        assert (answer.returncode, answer.stderr) == (0, "")
        assert printed in answer.stdout
    assert json.loads(answer.stdout)[0]["path"] == str(tmp_path / name)


# When something goes wrong


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_unknown_model_is_one_line(earmark_: Earmark, crate: Path, workers: str) -> None:
    answer = earmark_("listen", crate, "--model", "nope", "--workers", workers)
    assert (answer.status, answer.out) == (1, "")
    assert re.fullmatch(
        r"earmark: nope: there is no model of this name and no such folder; the models are emusic12, house12; .*\n",
        answer.err,
    )


def test_debug_shows_the_traceback(crate: Path) -> None:
    answer = run("--debug", "listen", crate, "--model", "nope")
    assert answer.returncode == 1
    assert answer.stderr.startswith("Traceback (most recent call last):")
    assert "earmark.errors.BundleError: nope: there is no model of this name" in answer.stderr


WITHOUT = """
import sys
missing, sys.argv = sys.argv[1], ["earmark", *sys.argv[2:]]
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from earmark.cli import main
main()
"""


def without(missing: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command as if a module were not installed."""
    command = [sys.executable, "-c", WITHOUT, missing, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_a_command_whose_extra_is_missing_says_how_to_get_it(tmp_path: Path, tiny: Path) -> None:
    calls: list[list[str | Path]] = [
        ["train-tables", tmp_path / "r.toml", tmp_path, tmp_path / "out"],
        ["evaluate", tiny, "--tables", tmp_path],
    ]
    for call in calls:
        answer = without("torch", *call)
        assert (answer.returncode, answer.stdout) == (1, "")
        line = f"earmark: `earmark {call[0]}` needs more than the base install: pip install 'earmark[train]'\n"
        assert answer.stderr == line


@pytest.mark.parametrize("missing", ["sklearn", "scipy", "onnx", "safetensors"])
def test_teaching_needs_no_more_than_its_own_extra(tmp_path: Path, missing: str) -> None:
    answer = without(missing, "teach", tmp_path, tmp_path / "out")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "earmark: `earmark teach` needs more than the base install: pip install 'earmark[teach]'\n"


@pytest.mark.parametrize("missing", ["fastapi", "fastapi_offline", "nicegui", "uvicorn"])
def test_serving_needs_its_own_extra(tmp_path: Path, missing: str) -> None:
    answer = without(missing, "serve", tmp_path, "--no-browser", "--catalogue", tmp_path / "c.db")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "earmark: `earmark serve` needs more than the base install: pip install 'earmark[web]'\n"


def test_a_module_that_no_extra_brings_is_missed_loudly(tmp_path: Path) -> None:
    answer = without("soxr", "listen", tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.rstrip().endswith("ModuleNotFoundError: No module named 'soxr'")


# Interruptions


# What is started in the background, as these tests may be, ignores Ctrl-C unless told not to.
INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from earmark.cli import main
main()
"""


@pytest.fixture
def interrupted(crate: Path, tiny: Path) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Return what listens to very many files, presses Ctrl-C after some lines, and says how that ended."""
    listeners = []

    def listen(*options: str, after: int) -> tuple[int, str, str]:
        command = [sys.executable, "-c", INTERRUPTIBLE, "listen", "-", "--json", "--model", str(tiny), *options]
        pipe = subprocess.PIPE
        listener = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        listeners.append(listener)
        assert listener.stdin
        assert listener.stdout
        assert listener.stderr
        listener.stdin.write(f"{crate / 'a-up.wav'}\n" * 50_000)
        listener.stdin.close()
        begun = listener.stdout.read(1) + "".join(listener.stdout.readline() for _ in range(after))
        time.sleep(0.1)
        os.killpg(listener.pid, signal.SIGINT)  # the whole group, as a terminal does
        out, err = listener.stdout.read(), listener.stderr.read()
        return listener.wait(timeout=30), begun + out, err

    yield listen
    for listener in listeners:
        listener.kill()
        listener.wait()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_loses_nothing_done_and_leaves_valid_json(
    interrupted: Callable[..., tuple[int, str, str]], workers: str
) -> None:
    status, out, err = interrupted("--workers", workers, after=3)
    heard = json.loads(out)
    assert status == 130
    assert 2 <= len(heard) < 50_000
    assert all(each["styles"][0]["style"] == "Up" for each in heard)
    assert err == ""


def test_ctrl_c_while_the_workers_start_ends_them_without_a_word(
    interrupted: Callable[..., tuple[int, str, str]],
) -> None:
    status, out, err = interrupted("--workers", "2", after=0)
    assert (status, err) == (130, "")
    assert len(json.loads(out)) < 50_000


def test_ctrl_c_just_after_the_first_object_leaves_valid_json(
    earmark_: Earmark, crate: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = typer.echo

    def echo_and_stop(message: str, *, nl: bool = True) -> None:
        echo(message, nl=nl)
        if "a-up.wav" in message:
            raise KeyboardInterrupt

    monkeypatch.setattr(typer, "echo", echo_and_stop)
    answer = earmark_("listen", crate, "--model", tiny, "--json")
    assert answer.status == 130
    assert [Path(heard["path"]).name for heard in json.loads(answer.out)] == ["a-up.wav"]


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]], ids=["table", "json", "csv"])
def test_a_closed_pipe_ends_it_quietly(crate: Path, tiny: Path, form: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)  # as `| head -1` does once it has seen enough
    try:
        command = [*COMMAND, "listen", str(crate), "--model", str(tiny), *form]
        answer = subprocess.run(command, check=False, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(writing)
    assert answer.stderr == ""
    assert answer.returncode in {1, 128 + signal.SIGPIPE}


def test_the_choices_of_options_are_those_of_the_tables() -> None:
    from earmark.cli.evaluate import Split  # noqa: PLC0415  needed by no other test here
    from earmark.cli.tag import PolicyName, Verify  # noqa: PLC0415  the same
    from earmark.learning.data.splits import SPLITS  # noqa: PLC0415  the same
    from earmark.learning.evaluation.selection import ALL  # noqa: PLC0415  the same
    from earmark.library.tags import Policy  # noqa: PLC0415  the same
    from earmark.library.tags.audio_bytes import VERIFIERS  # noqa: PLC0415  the same

    assert {*PolicyName} == {*Policy}
    assert {*Verify} == {*VERIFIERS}
    assert {*Split} == {*SPLITS, ALL}


# What it costs to start


LOADED = """
import sys
sys.argv = ["earmark", *sys.argv[1:]]
from earmark.cli import main
try:
    main()
finally:
    print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], {"torch", "onnxruntime", "numpy", "av", "sklearn", "onnx"}),
        (["models"], {"torch", "sklearn", "onnx"}),
        (["listen", EXAMPLES / "01-ambient.opus"], {"torch", "sklearn", "onnx", "scipy"}),
    ],
    ids=["help", "models", "listen"],
)
def test_a_command_loads_only_what_it_needs(arguments: list[str | Path], heavy: set[str]) -> None:
    command = [sys.executable, "-c", LOADED, *map(str, arguments)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    loaded = set(answer.stderr.split())
    assert "typer" in loaded
    assert not loaded & heavy


def test_help_costs_less_than_0_3_s_of_processor_time() -> None:
    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    costs = []
    for _ in range(5):
        before = spent()
        subprocess.run([*COMMAND, "--help"], check=True, capture_output=True)
        costs.append(spent() - before)
    assert min(costs) < 0.3, costs


def test_what_cannot_be_written_is_one_line(crate: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # below which nobody can write, superusers included
    styles = tmp_path / "styles"
    for style in ("Trance", "Trap"):
        shutil.copytree(crate, styles / style)
    command = [*COMMAND, "manifest", "folder", str(styles), str(tmp_path / "file" / "out.csv"), "--no-duplicates"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == f"earmark: {tmp_path / 'file'}: File exists"
    assert "Traceback" not in answer.stderr


def test_brief_is_one_line_for_each_file(earmark_: Earmark, crate: Path, tiny: Path) -> None:
    answer = earmark_("listen", "--brief", "--model", tiny, crate)
    assert [line.split() for line in answer.out.splitlines()] == [
        ["a-up.wav", "0.99", "Up,", "sure"],
        ["b-down.wav", "0.66", "Down,", "likely"],
        ["c-still.wav", "unlike", "anything", "I", "know"],
    ]
    assert earmark_("listen", "--brief", "--json", crate).status == 2


def test_the_demo_names_files_that_are_there_and_says_what_to_do_next() -> None:
    text = (EXAMPLES.parent / "Makefile").read_text(encoding="utf-8")
    recipe = text.partition("demo:")[2].partition("\ntest:")[0]
    assert [(EXAMPLES.parent / name).is_file() for name in re.findall(r"examples/\S+", recipe)] == [True]
    assert recipe.count("--timeline") == 1
    assert {"scan", "teach"} <= set(re.findall(r'echo "  \$\(BIN\)/earmark (\w+)', recipe))


def test_long_work_says_how_far_it_is_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with titled_progress(lines=True) as advance:
        for share in (0.0, 0.1, 0.3, 0.6, 1.0):
            advance("fit", share)
    assert capsys.readouterr().err == "fit: 0 %\nfit: 25 %\nfit: 50 %\nfit: 100 %\n"


def test_a_pool_takes_the_names_of_models(
    earmark_: Earmark, monkeypatch: pytest.MonkeyPatch, tiny: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny, tmp_path / "mine")
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path))
    joined: list[Path] = []
    monkeypatch.setattr("earmark.learning.pooling.make", lambda _recipe, *models: joined.extend(models))
    assert earmark_("pool", "house12-pool", "mine", tiny, tmp_path / "out").status == 0
    assert joined == [tmp_path / "mine", tiny, tmp_path / "out"]
    missing = earmark_("evaluate", "mine+yours")
    assert missing.status == 1
    assert missing.err.startswith("earmark: mine+yours: there is no model of this name and no such folder; the models ")
    assert missing.err.endswith(
        "; `earmark models` says which can be added; "
        "`earmark pool house12-pool mine yours OUT` makes one model of two, of descriptors and an ear\n"
    )
    assert earmark_("evaluate", "house12+ears").err.endswith("; `earmark models add ears` makes it\n")
