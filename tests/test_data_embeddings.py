"""Embeddings are heard once: what is stored is used, what changed is heard again, what was killed goes on."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from earmark.audio import decode
from earmark.errors import UnreadableAudio
from earmark.files import cache_folder
from earmark.hearing import Model
from earmark.hearing.bundle import CONFIG, NETWORK
from earmark.learning.data.embeddings import Embedded, Embedder, cache_key, default_cache, embed
from earmark.testing import noise, write_wav
from earmark.testing.bundles import tiny_bundle


@pytest.fixture
def crate(tmp_path: Path) -> list[Path]:
    generator = np.random.default_rng(0)
    (tmp_path / "crate").mkdir()
    return [write_wav(tmp_path / "crate" / f"{n}.wav", noise(2.5, generator, 8000), 8000) for n in range(4)]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that are really opened, in their order."""
    names: list[str] = []
    listen = Embedder.__call__

    def noted(self: Embedder, path: Path) -> Embedded:
        names.append(path.name)
        return listen(self, path)

    monkeypatch.setattr(Embedder, "__call__", noted)
    return names


def test_embeddings_and_logits_are_those_of_the_model(crate: list[Path], tiny: Path, tmp_path: Path) -> None:
    (one, *_) = embed(crate, tiny, tmp_path / "cache", 1)
    assert isinstance(one, Embedded)
    assert one.embeddings.shape == (3, 2)  # 2.5 s: two windows of 1 s, and one pulled back to end with the track
    model = Model.open(tiny)
    np.testing.assert_allclose(one.embeddings.mean(0), model.hear(decode(crate[0], 8000)).embedding, rtol=1e-5)
    np.testing.assert_allclose(one.logits[:, 1], 10 * one.embeddings[:, 0], rtol=1e-5)


def test_silence_teaches_nothing(tiny: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    sound, silence = noise(2.0, generator, 8000), np.zeros(24_000, np.float32)
    file = write_wav(tmp_path / "ends.wav", np.concatenate([sound, silence]), 8000)
    empty = write_wav(tmp_path / "empty.wav", silence, 8000)
    found, nothing = embed([file, empty], tiny, tmp_path / "cache", 1)
    assert isinstance(found, Embedded)
    assert isinstance(nothing, Embedded)
    assert (len(found.embeddings), len(nothing.embeddings)) == (2, 3)  # of silence alone, all windows stay
    np.testing.assert_allclose(found.embeddings.mean(0), Model.open(tiny).hear(decode(file, 8000)).embedding, rtol=1e-5)


def test_a_second_run_hears_nothing(crate: list[Path], tiny: Path, tmp_path: Path, heard: list[str]) -> None:
    first = list(embed(crate, tiny, tmp_path / "cache", 1))
    assert heard == ["0.wav", "1.wav", "2.wav", "3.wav"]
    heard.clear()
    second = list(embed(crate, tiny, tmp_path / "cache", 1))
    assert heard == []
    for one, other in zip(first, second, strict=True):
        assert isinstance(one, Embedded)
        assert isinstance(other, Embedded)
        assert one.path == other.path
        np.testing.assert_array_equal(one.embeddings, other.embeddings)
        np.testing.assert_array_equal(one.logits, other.logits)


def test_workers_give_the_same(crate: list[Path], tiny: Path, tmp_path: Path) -> None:
    alone = list(embed(crate, tiny, tmp_path / "one", 1))
    together = list(embed(crate, tiny, tmp_path / "two", 2))
    for one, other in zip(alone, together, strict=True):
        assert isinstance(one, Embedded)
        assert isinstance(other, Embedded)
        np.testing.assert_array_equal(one.embeddings, other.embeddings)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        path.name for path in (tmp_path / "two").iterdir()
    )


def test_a_file_that_changed_is_heard_again(crate: list[Path], tiny: Path, tmp_path: Path, heard: list[str]) -> None:
    before = list(embed(crate, tiny, tmp_path / "cache", 1))
    heard.clear()
    write_wav(crate[2], np.full(20000, 0.25, np.float32), 8000)
    after = list(embed(crate, tiny, tmp_path / "cache", 1))
    assert heard == ["2.wav"]
    assert isinstance(before[1], Embedded)
    assert isinstance(after[1], Embedded)
    assert isinstance(after[2], Embedded)
    np.testing.assert_array_equal(before[1].embeddings, after[1].embeddings)
    np.testing.assert_allclose(after[2].embeddings, 0.25, atol=1e-3)


def test_another_model_or_another_cut_is_heard_anew(
    crate: list[Path], tiny: Path, tmp_path: Path, heard: list[str]
) -> None:
    list(embed(crate, tiny, tmp_path / "cache", 1))
    heard.clear()
    other = tiny_bundle(tmp_path / "models" / "other", hop=0.5)
    assert isinstance(found := [*embed(crate, other, tmp_path / "cache", 1)][-1], Embedded)
    assert len(heard) == 4
    assert len(found.embeddings) == 4


def test_another_network_of_the_same_settings_is_heard_anew(
    crate: list[Path], tiny: Path, tmp_path: Path, heard: list[str]
) -> None:
    list(embed(crate[:1], tiny, tmp_path / "cache", 1))
    other = tiny_bundle(tmp_path / "models" / tiny.name)
    network = onnx.load(other / NETWORK)
    next(each for each in network.graph.initializer if each.name == "slopes").float_data[1] = 20.0
    onnx.save(network, other / NETWORK)
    config = json.loads((other / CONFIG).read_text(encoding="utf-8"))
    config["sha256"][NETWORK] = hashlib.sha256((other / NETWORK).read_bytes()).hexdigest()
    (other / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    heard.clear()
    (found,) = embed(crate[:1], other, tmp_path / "cache", 1)
    assert heard == ["0.wav"]
    assert isinstance(found, Embedded)
    np.testing.assert_allclose(found.logits[:, 1], 20 * found.embeddings[:, 0], rtol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": {NETWORK: "0" * 64}},
        {"sample_rate": 16_000},
        {"window": 2.0},
        {"hop": 0.25},
        {"shortest": 0.25},
    ],
)
def test_the_cache_key_holds_all_that_embeddings_depend_on(
    crate: list[Path], tiny: Path, change: dict[str, Any]
) -> None:
    config = Model.open(tiny).config
    assert cache_key(crate[0], replace(config, **change)) != cache_key(crate[0], config)


def test_the_cache_key_is_of_a_file_as_it_is_and_of_nothing_else(crate: list[Path], tiny: Path) -> None:
    config = Model.open(tiny).config
    first = cache_key(crate[0], config)
    assert first == cache_key(crate[0], replace(config, name="else", temperature=2.0, styles=["One"]))
    assert first != cache_key(crate[1], config)
    os.utime(crate[0], ns=(0, 1))
    touched = cache_key(crate[0], config)
    assert touched != first
    crate[0].write_bytes(crate[0].read_bytes() + b"\0")
    os.utime(crate[0], ns=(0, 1))
    assert cache_key(crate[0], config) != touched


def test_a_damaged_store_is_said_and_heard_again(
    crate: list[Path], tiny: Path, tmp_path: Path, heard: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    list(embed(crate[:1], tiny, tmp_path / "cache", 1))
    (stored,) = (tmp_path / "cache").iterdir()
    stored.write_bytes(stored.read_bytes()[:50])
    heard.clear()
    (again,) = embed(crate[:1], tiny, tmp_path / "cache", 1)
    assert heard == ["0.wav"]
    assert isinstance(again, Embedded)
    assert "damaged, so" in caplog.text
    heard.clear()
    list(embed(crate[:1], tiny, tmp_path / "cache", 1))
    assert heard == []


def test_what_cannot_be_heard_is_a_result_in_its_place_and_is_not_stored(
    crate: list[Path], tiny: Path, tmp_path: Path
) -> None:
    crate[1].write_bytes(b"no audio at all")
    missing = tmp_path / "missing.wav"
    outcomes = list(embed([crate[0], crate[1], missing, crate[3]], tiny, tmp_path / "cache", 1))
    assert [isinstance(outcome, UnreadableAudio) for outcome in outcomes] == [False, True, True, False]
    assert str(outcomes[2]).startswith(f"{missing}: ")
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_path_that_is_named_twice_is_heard_once(
    crate: list[Path], tiny: Path, tmp_path: Path, heard: list[str]
) -> None:
    outcomes = list(embed([crate[0], crate[1], crate[0]], tiny, tmp_path / "cache", 1))
    assert heard == ["0.wav", "1.wav"]
    assert [outcome.path.name for outcome in outcomes] == ["0.wav", "1.wav", "0.wav"]


SLOW = """
import sys, time
from pathlib import Path
from earmark.hearing import Model
from earmark.learning.data.embeddings import embed
run = Model.run
Model.run = lambda self, waveform: time.sleep(0.3) or run(self, waveform)
list(embed([Path(path) for path in sys.argv[3:]], Path(sys.argv[1]), Path(sys.argv[2]), 1))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed otherwise there")
def test_what_was_heard_before_a_kill_is_not_heard_again(
    crate: list[Path], tiny: Path, tmp_path: Path, heard: list[str]
) -> None:
    cache = tmp_path / "cache"
    with subprocess.Popen([sys.executable, "-c", SLOW, tiny, cache, *crate]) as process:
        deadline = time.monotonic() + 60
        while len(list(cache.glob("*.npz"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    done = len(list(cache.glob("*.npz")))
    assert 2 <= done < len(crate)
    outcomes = list(embed(crate, tiny, cache, 1))
    assert heard == [path.name for path in crate[done:]]
    assert all(isinstance(outcome, Embedded) for outcome in outcomes)


def test_the_cache_is_where_the_system_keeps_what_can_be_made_again() -> None:
    assert default_cache() == cache_folder() / "embeddings"
