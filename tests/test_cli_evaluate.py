"""`earmark evaluate`, as a user calls it, with a model whose answers can be told by heart."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from earmark.cli import main, show
from earmark.testing import write_wav
from earmark.testing.bundles import tiny_bundle


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


Evaluate = Callable[..., Answer]

TRACKS = {  # style, level of each second
    "up/a": ("Up", [0.4, 0.4]),
    "up/b": ("Up", [0.4, 0.3]),
    "up/c": ("Up", [-0.2]),  # heard as Down
    "down/d": ("Down", [-0.4, 0.1]),
    "down/e": ("Down", [-0.5]),
    "still/f": ("Still", [0.0]),
}


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Evaluate:
    """Return what runs the command in this process, on a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    show.stdout.cache_clear()  # the console of an earlier test was made for another terminal

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["earmark", "evaluate", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Answer(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    """Return a folder of six files that the tiny model hears, and their manifest."""
    lines = ["path,style,artist,split"]
    for name, (style, levels) in TRACKS.items():
        path = tmp_path / "crate" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, np.repeat(np.array(levels, np.float32), 8000), 8000)
        lines.append(f"{name}.wav,{style},{path.stem},test")
    (tmp_path / "crate" / "list.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return tmp_path / "crate"


def add(manifest: Path, *lines: str) -> None:
    with manifest.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def words(answer: Answer) -> str:
    return " ".join(answer.out.split())


def test_a_manifest_is_heard_and_measured(evaluate: Evaluate, tiny: Path, crate: Path) -> None:
    answer = evaluate(tiny, crate / "list.csv")
    said = words(answer)
    assert (answer.status, answer.err) == (0, "")
    assert "6 tracks of 6 artists, 9.0 s of sound in 9 windows" in said
    assert "All figures rest on 6 tracks: mind the intervals." in said
    assert re.search(r"83\.3 % first answer right [\d.]+–[\d.]+; mean of the styles 88\.9 %", said)
    assert re.search(r"Up 3 66\.7 \([\d.]+–[\d.]+\) 66\.7 100\.0 2 100\.0", said)
    assert "up/c.wav Up Down 86.7 %" in said  # softmax of 0, -2, 2
    assert "style, one window micro 9 77.8" in said


def test_the_report_is_written_and_its_head_printed(
    evaluate: Evaluate, tiny: Path, crate: Path, tmp_path: Path
) -> None:
    out = tmp_path / "reports" / "one"
    answer = evaluate(tiny, crate / "list.csv", "--out", out)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[-1] == f"report: {out / 'report.html'}"
    assert "83.3 % first answer right" in words(answer)
    assert "Style by style" not in answer.out
    record = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert record["figures"]["precisions"][0]["at"][0]["value"] == pytest.approx(5 / 6, abs=1e-5)
    assert record["figures"]["confusion"] == [[1, 0, 0], [0, 2, 1], [0, 0, 2]]
    assert [track["path"] for track in record["tracks"]] == [f"{name}.wav" for name in TRACKS]
    assert record["speed"]["audio"] == pytest.approx(9)
    assert record["speed"]["wall"] > 0
    home = str(Path.home())
    assert home not in (out / "report.md").read_text(encoding="utf-8")


def test_what_cannot_be_heard_is_one_line_each_and_the_rest_goes_on(
    evaluate: Evaluate, tiny: Path, crate: Path, tmp_path: Path
) -> None:
    (crate / "empty.wav").touch()
    add(crate / "list.csv", "empty.wav,Up,x,test", "none.wav,Up,y,test")
    for workers in ("1", "2"):
        out = tmp_path / workers
        answer = evaluate(tiny, crate / "list.csv", "--against", tiny, "--out", out, "--workers", workers)
        assert answer.err.splitlines() == [
            f"earmark: {crate / 'empty.wav'}: the file is empty",
            f"earmark: {crate / 'none.wav'}: there is no such file",
        ]
        assert answer.status == 1
        assert "2 files could not be heard: see the end." in words(answer)
        record = json.loads((out / "report.json").read_text(encoding="utf-8"))
        assert record["failures"] == [["empty.wav", "the file is empty"], ["none.wav", "there is no such file"]]
        assert record["figures"]["precisions"][0]["count"] == 6


def test_two_models_are_compared(evaluate: Evaluate, tiny: Path, crate: Path, tmp_path: Path) -> None:
    # The other one knows the same styles by each other's names.
    other = tiny_bundle(tmp_path / "other", styles=["Still", "Down", "Up"])
    answer = evaluate(tiny, crate / "list.csv", "--against", other, "--out", tmp_path / "out")
    said = words(answer)
    assert answer.status == 0
    assert re.search(r"P@1 83\.3 % 33\.3 % \+50\.0 points", said)
    assert "Of the tracks that one has right and the other wrong, 4 are right with tiny and 1 with other." in said
    assert "p = 0.38 (McNemar's test, exact)" in said
    record = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert record["opponent"]["contrasts"]["mcnemar"] == {
        "both": 1,
        "first_only": 4,
        "second_only": 1,
        "neither": 0,
        "p_value": 0.375,
    }


@pytest.mark.parametrize(("split", "tracks"), [("train", 1), ("valid", 0), ("all", 7)])
def test_another_part_can_be_heard(evaluate: Evaluate, tiny: Path, crate: Path, split: str, tracks: int) -> None:
    write_wav(crate / "t.wav", np.full(8000, 0.3, np.float32), 8000)
    add(crate / "list.csv", "t.wav,Up,somebody,train")
    answer = evaluate(tiny, crate / "list.csv", "--split", split)
    if tracks:
        assert f"{tracks} track" in words(answer)
    else:
        assert answer == Answer(1, "", f"earmark: {crate / 'list.csv'}: no track is in the split 'valid'\n")


def test_classes_that_the_model_does_not_know_are_said_or_skipped(evaluate: Evaluate, tiny: Path, crate: Path) -> None:
    add(crate / "list.csv", "g.wav,Polka,x,test")
    answer = evaluate(tiny, crate / "list.csv")
    assert (answer.status, answer.out) == (1, "")
    reason = "classes that the model does not know: Polka (tiny); --skip-unknown leaves them out"
    assert answer.err == f"earmark: {crate / 'list.csv'}: {reason}\n"
    skipped = evaluate(tiny, crate / "list.csv", "--skip-unknown")
    assert skipped.status == 0
    assert "Left out, because a model does not know them: Polka, and with them 1 track." in words(skipped)


def test_a_model_of_tags_is_measured_by_its_ranking(evaluate: Evaluate, crate: Path, tmp_path: Path) -> None:
    rows = [f"{name}.wav,{style};Still,{name},test" for name, (style, _) in TRACKS.items()]
    (crate / "tags.csv").write_text("\n".join(["path,tags,artist,split", *rows, ""]), encoding="utf-8")
    answer = evaluate(tiny_bundle(tmp_path / "tagger", task="tags"), crate / "tags.csv")
    said = words(answer)
    assert answer.status == 0
    assert re.search(r"Still 6 n/a n/a", said)  # all have it
    assert re.search(r"Down 2 0\.875 ", said)  # c stands above d, of eight pairs one is wrong
    assert "mean of 2 tags" in said


def test_a_model_of_values_is_measured_by_its_errors(evaluate: Evaluate, crate: Path, tmp_path: Path) -> None:
    rows = [f"{name}.wav,{10 * np.mean(levels) + 1},{name},test" for name, (_, levels) in TRACKS.items()]
    (crate / "values.csv").write_text("\n".join(["path,value:Up,artist,split", *rows, ""]), encoding="utf-8")
    answer = evaluate(tiny_bundle(tmp_path / "estimator", task="values"), crate / "values.csv")
    assert answer.status == 0
    assert re.search(r"Up 1\.00 \(1\.00 to 1\.00\) 0\.\d+ \([-\d. to]+\) 1\.00 \(1\.00 to 1\.00\)", words(answer))


def test_a_missing_manifest_is_one_line(evaluate: Evaluate, tiny: Path, tmp_path: Path) -> None:
    answer = evaluate(tiny, tmp_path / "none.csv")
    assert (answer.status, answer.out) == (1, "")
    assert re.fullmatch(rf"earmark: {re.escape(str(tmp_path / 'none.csv'))}: .+\n", answer.err)


@pytest.mark.parametrize("option", ["--against", "--out"])
def test_what_needs_a_manifest_says_so(evaluate: Evaluate, tiny: Path, tmp_path: Path, option: str) -> None:
    answer = evaluate(tiny, option, tmp_path)
    assert (answer.status, answer.out) == (2, "")
    assert "--against and --out need a manifest" in answer.err


def test_without_matplotlib_it_says_what_is_missing(tiny: Path, crate: Path) -> None:
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'matplotlib':\n"
        "            raise ModuleNotFoundError('none', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from earmark.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", program, "evaluate", str(tiny), str(crate / "list.csv")]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        "earmark: `earmark evaluate` needs more than the base install: pip install 'earmark[train]'\n"
    )


def test_a_manifest_needs_no_torch(tiny: Path, crate: Path) -> None:
    program = (
        "import sys\n"
        "from earmark.cli import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(sorted({'torch', 'sklearn', 'pyplot', 'matplotlib.pyplot'} & set(sys.modules)), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", program, "evaluate", str(tiny), str(crate / "list.csv")]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stderr) == (0, "[]\n")


# Degraded audio


def test_damage_moves_the_answers_of_what_can_be_heard(evaluate: Evaluate, tiny: Path, crate: Path) -> None:
    (crate / "up" / "bad.wav").write_text("no audio", encoding="utf-8")
    (crate / "up" / "empty.mp3").touch()
    for workers in ("1", "2"):
        answer = evaluate(tiny, "--audio", crate, "--workers", workers)
        assert answer.status == 1
        assert answer.err.splitlines() == [
            f"earmark: {crate / 'up' / 'bad.wav'}: it is not audio, or damaged beyond recognition",
            f"earmark: {crate / 'up' / 'empty.mp3'}: the file is empty",
        ]
        rows = {line[:16].strip(): line.split() for line in answer.out.splitlines()}
        # Files, same style, same family, same answer: one file, quieter, is not sure enough to be named so.
        assert [rows["-12 dB"][column] for column in (2, 3, 5, 7)] == ["6", "6", "6", "5"]
        assert "10-s excerpt" not in answer.out  # none is that long
        assert rows["all"][1] == "48"  # six files, all degradations but the excerpt


def test_a_file_that_ends_before_its_middle_is_degraded_as_far_as_it_goes(
    evaluate: Evaluate, tiny: Path, tmp_path: Path
) -> None:
    whole = write_wav(tmp_path / "cut.wav", np.full(30 * 8000, 0.3, np.float32), 8000)
    whole.write_bytes(whole.read_bytes()[: 44 + 2 * 8000 * 5])  # 5 s of the 30 s declared
    answer = evaluate(tiny, "--audio", tmp_path)
    assert answer.status == 0
    assert re.search(r"all +8 +", answer.out)  # all degradations but the excerpt


def test_progress_is_shown_on_a_terminal(tiny: Path, crate: Path) -> None:
    pty = pytest.importorskip("pty")
    for arguments in ([str(crate / "list.csv")], ["--audio", str(crate)]):
        leader, follower = pty.openpty()
        command = [sys.executable, "-m", "earmark", "evaluate", str(tiny), *arguments]
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower, env=environment) as process:
            os.close(follower)
            shown = b""
            while True:
                try:
                    chunk = os.read(leader, 4096)
                except OSError:  # how a terminal says that nobody is there any more
                    break
                if not chunk:
                    break
                shown += chunk
        os.close(leader)
        assert process.returncode == 0
        assert b"6/6" in shown
