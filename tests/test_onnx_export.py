"""An exported model is one file that hears what the model hears, in Python, in JavaScript and in C++.

Two of the languages need what earmark does not install. onnxruntime-web is looked for where the variable
ONNXRUNTIME_WEB says, or in examples/export/node_modules; the C++ library where ONNXRUNTIME_HOME says (a folder with
include/ and lib/), or by pkg-config. Where something is missing, the tests that need it are skipped.
"""

import ast
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from earmark import Listener, Model
from earmark.audio import Waveform, decode
from earmark.cli import main
from earmark.errors import BundleError
from earmark.hearing.bundle import ATTRIBUTION, CARD, CHECK, CONFIG, NETWORK, WEIGHTS, shipped
from earmark.learning import onnx_export as exporting
from earmark.learning.onnx_export import Exported, export
from earmark.testing import noise, write_wav
from earmark.testing.bundles import tiny_bundle

ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / "examples/export"
PAGE = (ROOT / "docs/export.md").read_text(encoding="utf-8")
SOURCES = sorted(path for path in PROGRAMS.iterdir() if path.suffix in {".py", ".js", ".html", ".cpp", ".hpp"})


def run(path: Path, waveforms: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Run an exported file with plain ONNX Runtime."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_outputs()]
    return dict(zip(names, session.run(names, {"waveform": waveforms}), strict=True))


# The file


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        # The logits of the mean 0.1 are 0, 1 and -1; they are divided by 0.5.
        ("styles", np.exp([0, 2, -2]) / np.exp([0, 2, -2]).sum()),
        ("tags", 1 / (1 + np.exp([0, -2, 2]))),
    ],
)
def test_probabilities_are_those_of_the_model(tmp_path: Path, task: str, expected: NDArray[np.float64]) -> None:
    bundle = tiny_bundle(tmp_path / "tiny", task=task, temperature=0.5)
    exported = export(bundle, tmp_path / "tiny.onnx")
    waveforms = np.stack([np.full(8000, 0.1, np.float32), noise(1.0, np.random.default_rng(3), 8000) + np.float32(0.2)])
    outputs = run(exported.path, waveforms)
    assert outputs["probabilities"][0] == pytest.approx(expected, abs=1e-5)
    assert outputs["logits"][0] == pytest.approx([0, 1, -1], abs=1e-5)
    for row, waveform in enumerate(waveforms):
        heard = Model.open(bundle).hear(waveform)
        assert outputs["probabilities"][row] == pytest.approx(heard.timeline.probabilities[0], abs=1e-5)
        assert outputs["embedding"][row] == pytest.approx(heard.embedding, abs=1e-5)


def test_the_shipped_model_hears_the_same_from_one_file(tmp_path: Path) -> None:
    model = Model.open("house12")
    exported = export("house12", tmp_path / "house12.onnx")
    for seconds in (29.12, 5.0):
        waveform = decode(ROOT / "examples/04-drum-and-bass.opus", 22_050, duration=seconds)
        heard = model.hear(waveform)
        outputs = run(exported.path, waveform[None])
        assert outputs["probabilities"] == pytest.approx(heard.timeline.probabilities, abs=1e-5)
        assert outputs["embedding"][0] == pytest.approx(heard.embedding, abs=1e-4)


def test_the_file_holds_every_weight_and_whom_it_learned_from(tmp_path: Path) -> None:
    exported = onnx.load(export("house12", tmp_path / "house12.onnx").path, load_external_data=False)
    assert not any(each.external_data for each in exported.graph.initializer)
    about = {entry.key: entry.value for entry in exported.metadata_props}
    assert about["attribution"] == (shipped()["house12"] / ATTRIBUTION).read_text(encoding="utf-8")
    assert "ATTRIBUTION.md" in about["card"]


def test_values_have_no_probabilities(tmp_path: Path) -> None:
    exported = export(tiny_bundle(tmp_path / "tiny", task="values"), tmp_path / "tiny.onnx")
    outputs = run(exported.path, np.full((1, 8000), 0.3, np.float32))
    assert exported.outputs == {"logits": 3, "embedding": 2}
    assert outputs.keys() == exported.outputs.keys()
    assert outputs["logits"] == pytest.approx(np.array([[0, 3, -3]]), abs=1e-5)


def test_the_file_says_all_that_a_program_must_know(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny", temperature=0.8, shortest=0.25, hop=0.5)
    exported = export(bundle, tmp_path / "out.onnx")
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == {
        "earmark.format": "1",
        "name": "tiny",
        "task": "styles",
        "styles": '["Still", "Up", "Down"]',
        "families": '{"Still": "Rest", "Up": "Motion", "Down": "Motion"}',
        "sample_rate": "8000",
        "window": "1.0",
        "hop": "0.5",
        "shortest": "0.25",
        "temperature": "0.8",
        "unknown_threshold": "0.5",
        "provenance": '{"summary": "made by hand"}',
        "card": "# tiny\n",
    }
    assert [node.name for node in session.get_inputs()] == ["waveform"]
    assert {node.name: node.shape for node in session.get_outputs()} == {
        "logits": ["batch", 3],
        "embedding": ["batch", 2],
        "probabilities": ["batch", 3],
    }
    assert exported == Exported(
        tmp_path / "out.onnx",
        (tmp_path / "out.onnx").stat().st_size,
        {"logits": 3, "embedding": 2, "probabilities": 3},
        Model.open(bundle).config,
    )


def test_the_page_names_each_of_the_metadata(tiny: Path) -> None:
    table = PAGE.partition("| key | what |")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w.]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "`" in line))
    assert named == list(exporting.metadata(Model.open(tiny).config, "", "works"))


def test_the_same_model_gives_the_same_bytes(tiny: Path, tmp_path: Path) -> None:
    first, second = export(tiny, tmp_path / "a.onnx"), export(tiny, tmp_path / "deep/er/b.onnx")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert {path.name for path in tmp_path.rglob("*")} == {"a.onnx", "deep", "er", "b.onnx"}


# What is refused


def refuses(tiny: Path, out: Path, reason: str) -> None:
    """Expect an error, and that nothing is left behind nor changed."""
    before = {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()}
    with pytest.raises(BundleError, match=reason):
        export(tiny, out)
    assert {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", [NETWORK, WEIGHTS, CHECK])
def test_a_damaged_model_is_not_exported(tmp_path: Path, name: str) -> None:
    bundle = tiny_bundle(tmp_path / "tiny")
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    refuses(bundle, tmp_path / "out.onnx", rf"{name}: damaged: its checksum is not the one in config\.json$")


@pytest.mark.parametrize(("card", "reason"), [(None, "missing"), (b"\xff", "'utf-8' codec .*")])
def test_a_model_without_a_card_is_not_exported(tmp_path: Path, card: bytes | None, reason: str) -> None:
    bundle = tiny_bundle(tmp_path / "tiny")
    (bundle / CARD).unlink()
    if card:
        (bundle / CARD).write_bytes(card)
    refuses(bundle, tmp_path / "out.onnx", rf"README\.md: {reason}$")


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ({"styles": "Sigmoid"}, r"probabilities for the check sample that are off by 0\.\d+$"),
        ({}, "logits, embedding in place of logits, embedding, probabilities$"),
    ],
)
def test_a_file_that_hears_something_else_never_takes_the_place_of_a_good_one(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layers: dict[str, str], reason: str
) -> None:
    out = export(tiny, tmp_path / "out.onnx").path
    monkeypatch.setattr(exporting, "LAYERS", layers)
    refuses(tiny, out, r"out\.onnx: would give " + reason)


def test_a_network_that_knows_the_name_already_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = onnx.load(tiny / NETWORK)
    network.graph.node.append(helper.make_node("Neg", ["logits"], ["probabilities"]))
    monkeypatch.setattr(exporting, "read_network", lambda *_: network.SerializeToString())
    refuses(tiny, tmp_path / "out.onnx", r"(?s)model\.onnx: cannot be exported: .*probabilities")


def test_only_an_earlier_export_is_replaced(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny")
    out = export(bundle, tmp_path / "out.onnx").path
    (other := tmp_path / "other").mkdir()
    export(tiny_bundle(other / "tiny", temperature=2.0), out)
    assert onnx.load(out).metadata_props[9].value == "2.0"
    (tmp_path / "notes.txt").write_text("earmark.format", encoding="utf-8")
    (tmp_path / "empty").touch()
    for taken in ("tiny/model.onnx", "notes.txt", "empty", "tiny"):
        refuses(
            bundle, tmp_path / taken, f"{taken}: this was not written by `earmark export`, so it is not overwritten; .*"
        )
    Model.open(bundle).verify()


def test_where_no_file_can_be_written_the_reason_is_said(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refuses(tiny, tmp_path / "file/out.onnx", r"out\.onnx: cannot be written: (File exists|Not a directory)$")


# The command


Earmark = Callable[..., tuple[int, str, str]]


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Earmark:
    """Return what runs the command in this process: its exit status and what it printed."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return (int(ended.value.code or 0), *capsys.readouterr())

    return call


def test_the_command_prints_what_the_page_shows(
    earmark_: Earmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, printed, complaints = earmark_("export", "house12", "house12.onnx")
    assert (status, complaints) == (0, "")
    assert printed.count("\n") == 3
    assert f"$ earmark export house12 house12.onnx\n{printed}```" in PAGE


def test_the_command_says_in_one_line_what_is_wrong(earmark_: Earmark, tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text("{}", encoding="utf-8")
    status, printed, complaints = earmark_("export", tmp_path, tmp_path / "out.onnx")
    assert (status, printed) == (1, "")
    assert re.fullmatch(rf"earmark: {re.escape(str(tmp_path / CONFIG))}: missing: [\w, ]+\n", complaints)


# The programs


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_page_quotes_the_programs_word_for_word(source: Path) -> None:
    fences = {
        fence for _, fence in re.findall(r"^```(py|python|js|html|cpp)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    }
    assert source.read_text(encoding="utf-8") in fences
    assert len(fences) == len(SOURCES) == 6
    assert f"`examples/export/{source.name}`" in PAGE


def test_plain_python_is_plain() -> None:
    tree = ast.parse((PROGRAMS / "hear.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    assert imported == {"json", "sys", "wave", "numpy", "onnxruntime"}


Hear = Callable[[Path, Path], str]  # the file of a model and a WAV file -> what is printed or shown


def command_output(*command: str | Path) -> str:
    """Return what a command prints."""
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", timeout=60)
    return done.stdout


@pytest.fixture(scope="module")
def python() -> Hear:
    return lambda model, track: command_output(sys.executable, "-X", "utf8", PROGRAMS / "hear.py", model, track)


def _library() -> list[str]:
    """The options that let a compiler find the C++ library of ONNX Runtime."""
    if home := os.environ.get("ONNXRUNTIME_HOME"):
        return [f"-I{home}/include", f"-L{home}/lib", f"-Wl,-rpath,{home}/lib", "-lonnxruntime"]
    known = shutil.which("pkg-config") and subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libonnxruntime"], check=False, capture_output=True, encoding="utf-8"
    )
    if not known or known.returncode:
        pytest.skip("ONNX Runtime for C++ is not here: neither ONNXRUNTIME_HOME nor pkg-config names it")
    return known.stdout.split()


@pytest.fixture(scope="module")
def cpp(tmp_path_factory: pytest.TempPathFactory) -> Hear:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        pytest.skip("there is no C++ compiler on the path")
    program = tmp_path_factory.mktemp("cpp") / "hear"
    warnings = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run(
        [compiler, "-std=c++17", *warnings, PROGRAMS / "hear.cpp", "-o", program, *_library()],
        check=True,
        timeout=120,
    )
    return lambda model, track: command_output(program, model, track)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, says nothing, and lets no model be kept."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
        pass

    def end_headers(self) -> None:
        if self.path.endswith(".onnx"):
            self.send_header("Cache-Control", "no-store")
        super().end_headers()


def _web() -> Path:
    package = Path(os.environ.get("ONNXRUNTIME_WEB") or PROGRAMS / "node_modules/onnxruntime-web")
    if not package.is_dir():
        pytest.skip(f"onnxruntime-web is not here: {package}")
    return package


@pytest.fixture(scope="module")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hear]:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("there is no chromium on the path")
    site = tmp_path_factory.mktemp("site")
    (site / "node_modules").mkdir()
    (site / "node_modules/onnxruntime-web").symlink_to(_web().resolve(), target_is_directory=True)
    for source in SOURCES:
        shutil.copy(source, site)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  not every machine that tests has a browser

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        tabs = browser.new_context()
        yield lambda model, track: _shown(tabs, site, f"http://127.0.0.1:{server.server_port}/", model, track)
        browser.close()
    server.shutdown()


def _shown(tabs: Any, site: Path, address: str, model: Path, track: Path) -> str:  # noqa: ANN401  playwright's
    """What the page shows of a track, in the form of the other programs."""
    shutil.copy(model, site / "model.onnx")
    tab = tabs.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text))
    tab.goto(address)
    tab.wait_for_function("!document.getElementById('status').textContent.includes('…')")
    tab.set_input_files("#file", track)
    tab.wait_for_function("document.querySelectorAll('#styles li').length === 3")
    assert wrong == []
    lines = [re.sub(r"^([\d.]+) ", r"\1  ", line) for line in tab.locator("#styles li").all_inner_texts()]
    if tab.inner_text("#status").startswith("Unlike anything the model knows"):
        lines.append("unlike anything the model knows")
    tab.close()
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture(params=["python", "javascript", "cpp"])
def hear(request: pytest.FixtureRequest) -> Hear:
    """Return what hears a track in each of the three languages."""
    program: Hear = request.getfixturevalue(request.param)
    return program


def agrees(printed: str, bundle: str | Path, track: Path) -> None:
    """Compare what a program prints with what earmark hears: the top three, to a step of the last of four digits."""
    expected = Listener(Model.open(bundle))(track)
    lines = [line.split("  ", 1) for line in printed.splitlines()]
    assert (lines[3:] == [["unlike anything the model knows"]]) is expected.unknown
    assert [style for _, style in lines[:3]] == [style for style, _ in expected.timeline.top(3)]
    probabilities = [probability for _, probability in expected.timeline.top(3)]
    assert [float(probability) for probability, _ in lines[:3]] == pytest.approx(probabilities, abs=1.5e-4)


STEREO = np.repeat(np.array([[0.5, -0.1, 0.3, 0.2, -0.4], [0.1, -0.3, -0.1, 0.4, 0.2]], np.float32), 4000, axis=1)


@pytest.mark.parametrize(
    ("task", "waveform"),
    [
        ("styles", STEREO),  # two and a half windows: the last is pulled back
        ("tags", STEREO),
        ("styles", np.full(3000, 0.4, np.float32)),  # shorter than the shortest
        ("styles", np.full(9000, -0.01, np.float32)),  # unknown
    ],
    ids=["styles", "tags", "short", "unknown"],
)
def test_each_language_hears_what_earmark_hears(hear: Hear, tmp_path: Path, task: str, waveform: Waveform) -> None:
    styles = ['Größe "8"', "Up", "Down\\Town"]  # what JSON must escape
    families = dict.fromkeys(styles, "All")
    bundle = tiny_bundle(tmp_path / "tiny", task=task, styles=styles, families=families, hop=0.9, temperature=1.5)
    track = write_wav(tmp_path / "track.wav", waveform, 8000)
    agrees(hear(export(bundle, tmp_path / "tiny.onnx").path, track), bundle, track)


def test_each_language_hears_a_track_with_the_shipped_model(hear: Hear, tmp_path: Path) -> None:
    track = write_wav(tmp_path / "track.wav", decode(ROOT / "examples/04-drum-and-bass.opus", 22_050), 22_050)
    agrees(hear(export("house12", tmp_path / "house12.onnx").path, track), "house12", track)


@pytest.mark.slow
def test_each_language_hears_real_music(hear: Hear, tmp_path: Path, shared_audio: Path) -> None:
    track = write_wav(tmp_path / "track.wav", decode(shared_audio / "tracks/gold.wav", 22_050), 22_050)
    agrees(hear(export("house12", tmp_path / "house12.onnx").path, track), "house12", track)


@pytest.mark.parametrize("program", ["python", "cpp"])
def test_a_track_of_another_sample_rate_is_refused(
    program: str, tiny: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    listen: Hear = request.getfixturevalue(program)
    track = write_wav(tmp_path / "track.wav", np.zeros(4000, np.float32), 16_000)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        listen(export(tiny, tmp_path / "tiny.onnx").path, track)
    assert failed.value.stderr == f"{track}: must have 16 bits at 8000 Hz\n"


def test_the_metadata_are_json_where_the_page_says_so(tiny: Path, tmp_path: Path) -> None:
    about = {entry.key: entry.value for entry in onnx.load(export(tiny, tmp_path / "t.onnx").path).metadata_props}
    config = Model.open(tiny).config
    assert {key: json.loads(about[key]) for key in ("styles", "families", "provenance")} == {
        "styles": config.styles,
        "families": config.families,
        "provenance": config.provenance,
    }
