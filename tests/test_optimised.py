"""Optimised networks: a quicker opening that gives the same answers and notices the same damage."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from earmark.errors import BundleError
from earmark.hearing import Model, bundle, optimised
from earmark.hearing.bundle import NETWORK, WEIGHTS, read_config, shipped
from earmark.hearing.optimised import ENTRY, KEPT, open_network, optimised_networks
from earmark.hearing.session import open_session
from earmark.testing.bundles import tiny_bundle


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARMARK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def mine(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "mine"))


def logits(folder: Path) -> list[float]:
    """Logits of a constant waveform; the tiny model gives 0, 2.5 and -2.5."""
    model = Model.open(folder)
    return [float(logit) for logit in model.run(np.full((1, 8000), 0.25, np.float32))[0][0]]


def entries() -> list[str]:
    return sorted(path.name for path in optimised_networks().iterdir())


@pytest.fixture
def opened_directly(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The bundles whose own files were checked."""
    checked: list[Path] = []
    intact = bundle.require_intact

    def require_intact(folder: Path, *rest: object) -> None:
        checked.append(folder)
        intact(folder, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(bundle, "require_intact", require_intact)
    return checked


@pytest.mark.parametrize("name", list(shipped()))
def test_answers_are_the_same_to_the_last_bit(name: str, opened_directly: list[Path]) -> None:
    folder = shipped()[name]
    config = read_config(folder)
    direct = open_session(folder / NETWORK)
    waveform = np.random.default_rng(1).uniform(-0.5, 0.5, (2, round(config.window * config.sample_rate)))
    expected = [output.tobytes() for output in direct.run(None, {"waveform": waveform.astype(np.float32)})]
    for _ in range(2):
        session = open_network(folder, config)
        assert [output.name for output in session.get_outputs()] == [output.name for output in direct.get_outputs()]
        outputs = session.run(None, {"waveform": waveform.astype(np.float32)})
        assert [output.tobytes() for output in outputs] == expected
    assert opened_directly == [folder]
    assert len(entries()) == 1


def test_the_second_opening_reads_the_entry_alone(mine: Path, opened_directly: list[Path]) -> None:
    assert logits(mine) == logits(mine) == [0.0, 2.5, -2.5]
    assert opened_directly == [mine]
    mine = mine.rename(mine.with_name("moved"))
    assert logits(mine) == [0.0, 2.5, -2.5]
    assert len(opened_directly) == 1
    assert len(entries()) == 1


@pytest.mark.parametrize("name", [NETWORK, WEIGHTS])
def test_damage_to_a_bundle_is_found_although_there_is_an_entry(mine: Path, name: str) -> None:
    Model.open(mine)
    content = bytearray((mine / name).read_bytes())
    content[len(content) // 2] ^= 1
    (mine / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"^{re.escape(str(mine / name))}: damaged"):
        Model.open(mine)
    (mine / name).unlink()
    with pytest.raises(BundleError, match=f"^{re.escape(str(mine / name))}: missing$"):
        Model.open(mine)


def test_verifying_looks_at_the_files_of_the_bundle_themselves(mine: Path) -> None:
    Model.open(mine)
    path = mine / WEIGHTS
    times = path.stat()
    path.write_bytes(b"nine"[: times.st_size])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert logits(mine) == [0.0, 2.5, -2.5]  # what was checked is what is heard
    with pytest.raises(BundleError, match="damaged"):
        Model.open(mine).verify()


@pytest.mark.parametrize("name", ["house12", "tiny"])
def test_one_flipped_bit_in_an_entry_is_noticed_and_the_entry_made_anew(
    name: str, tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tiny if name == "tiny" else shipped()[name]
    Model.open(folder).verify()
    for kind in ("*.onnx", "*.bin", "*.json") if name == "house12" else ("*.onnx", "*.json"):
        (path,) = optimised_networks().glob(f"*/{kind}")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        caplog.clear()
        Model.open(folder).verify()
        assert [record.message.partition(": ")[0] for record in caplog.records] == [str(path.parent)]
        caplog.clear()
        Model.open(folder).verify()
        assert caplog.records == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"crc32": 5}', b"\xff", b'{"crc32": {"nothing": 0}}'])
def test_an_entry_that_makes_no_sense_is_made_anew(mine: Path, content: bytes) -> None:
    assert logits(mine) == [0.0, 2.5, -2.5]
    (entry,) = optimised_networks().iterdir()
    intact = (entry / ENTRY).read_bytes()
    (entry / ENTRY).write_bytes(content)
    assert logits(mine) == [0.0, 2.5, -2.5]
    assert json.loads((entry / ENTRY).read_bytes())["made_for"] == json.loads(intact)["made_for"]


def test_an_entry_that_onnx_runtime_refuses_is_made_anew(mine: Path, caplog: pytest.LogCaptureFixture) -> None:
    Model.open(mine)
    (entry,) = optimised_networks().iterdir()
    (entry / optimised.NETWORK).write_bytes(b"no network")
    described = json.loads((entry / ENTRY).read_bytes())
    described["crc32"][optimised.NETWORK] = optimised.checksum(entry / optimised.NETWORK)
    (entry / ENTRY).write_text(json.dumps(described), encoding="utf-8")
    assert logits(mine) == [0.0, 2.5, -2.5]
    assert "made anew" in caplog.text
    caplog.clear()
    assert logits(mine) == [0.0, 2.5, -2.5]
    assert caplog.text == ""


@pytest.mark.parametrize("changed", ["processor", "RUNTIME", "REVISION"])
def test_an_entry_is_for_one_processor_and_one_onnx_runtime(
    mine: Path, changed: str, opened_directly: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Model.open(mine)
    monkeypatch.setattr(optimised, changed, (lambda: ["another"]) if changed == "processor" else "another")
    assert logits(mine) == [0.0, 2.5, -2.5]
    assert opened_directly == [mine, mine]
    assert len(entries()) == 2


def test_the_processor_is_known_by_its_instructions() -> None:
    machine, instructions, said = optimised.processor()
    assert machine
    assert instructions["baseline"]
    assert len(said) > 5


def test_without_a_place_to_write_a_bundle_is_opened_all_the_same(
    mine: Path, cache: Path, opened_directly: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    cache.write_text("a file where a folder should be", encoding="utf-8")
    with caplog.at_level("INFO"):
        assert logits(mine) == logits(mine) == [0.0, 2.5, -2.5]
    assert opened_directly == [mine, mine]
    assert "not kept" in caplog.text


def test_without_a_home_a_bundle_is_opened_all_the_same(
    mine: Path, opened_directly: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise FileNotFoundError(errno.ENOENT, "this user has no home folder")

    monkeypatch.setattr(optimised, "cache_folder", homeless)
    assert logits(mine) == [0.0, 2.5, -2.5]
    assert opened_directly == [mine]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of the size of files")
@pytest.mark.parametrize("most", [0, 100_000, 4_000_000])
def test_an_entry_that_does_not_fit_on_the_disk_is_not_kept(most: int) -> None:
    code = f"""
import resource
import numpy as np
from earmark.hearing import Model
resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))
print(Model.open("house12").run(np.full((1, 44100), 0.25, np.float32))[0].tobytes().hex())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    waveform = np.full((1, 44100), 0.25, np.float32)
    direct = open_session(shipped()["house12"] / NETWORK).run(["logits"], {"waveform": waveform})[0]
    assert (done.stdout, done.stderr) == (f"{direct.tobytes().hex()}\n", "")
    assert entries() == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_may_only_be_read_serves_what_it_has(mine: Path, opened_directly: list[Path]) -> None:
    Model.open(mine)
    (entry,) = optimised_networks().iterdir()
    for folder in (entry, entry.parent):
        folder.chmod(0o555)
    try:
        assert logits(mine) == [0.0, 2.5, -2.5]
        assert logits(tiny_bundle(mine.parent / "other", name="other")) == [0.0, 2.5, -2.5]
    finally:
        for folder in (entry.parent, entry):
            folder.chmod(0o755)
    assert opened_directly == [mine, mine.parent / "other"]
    assert entries() == [entry.name]


def test_a_network_that_does_not_come_out_the_same_is_not_kept(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = np.array([[0, 2.5, -2.4]], np.float32)

    class Another:
        def run(self, *_: object) -> list[np.ndarray]:
            return [other, other]

    monkeypatch.setattr(optimised, "open_optimised", lambda _: Another())
    assert logits(mine) == [0.0, 2.5, -2.5]
    assert entries() == []


def test_the_entries_that_were_used_last_are_kept(tmp_path: Path, opened_directly: list[Path]) -> None:
    first, *others = (tiny_bundle(tmp_path / f"{number}") for number in range(KEPT + 3))
    Model.open(first)
    for age, other in enumerate(others):
        Model.open(other)
        Model.open(first)
        for entry in optimised_networks().iterdir():  # time goes by
            os.utime(entry, (age, entry.stat().st_mtime - 10))
    assert len(entries()) == KEPT
    opened_directly.clear()
    Model.open(first)
    Model.open(others[-1])
    assert opened_directly == []
    Model.open(others[0])
    assert opened_directly == [others[0]]


def test_processes_that_open_side_by_side_give_the_same_answers() -> None:
    code = """
import sys
import numpy as np
from earmark.hearing import Model
model = Model.open("house12")
print(model.run(np.full((1, 44100), 0.25, np.float32))[0].tobytes().hex())
"""
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate() for process in running]
    assert {error for _, error in said} == {""}
    waveform = np.full((1, 44100), 0.25, np.float32)
    direct = open_session(shipped()["house12"] / NETWORK).run(["logits"], {"waveform": waveform})[0]
    assert {answer for answer, _ in said} == {f"{direct.tobytes().hex()}\n"}
    (entry,) = optimised_networks().iterdir()
    assert json.loads((entry / ENTRY).read_bytes())["crc32"].keys() | {ENTRY} == {p.name for p in entry.iterdir()}
