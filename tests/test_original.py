"""The ten pieces of the original are told by heart: the tiny model hears the mean of a window (earmark.testing)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.audio import Recording, Waveform
from earmark.errors import BundleError
from earmark.hearing import Listener, Model
from earmark.hearing.original import duration_of, hear_pieces
from earmark.testing import write_wav
from earmark.testing.bundles import tiny_bundle

RATE = 8000  # Hz, of the tiny model
UP = 1  # the place of that style


def ramp(seconds: float) -> Waveform:
    """From -0.5 to 0.5, so that each moment has a value of its own."""
    return np.linspace(-0.5, 0.5, round(seconds * RATE), dtype=np.float32)


def expected(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities of the tiny model for windows of these means."""
    exponential = np.exp(np.outer(means, [0.0, 10.0, -10.0]))
    probabilities: NDArray[np.float64] = exponential / exponential.sum(1, keepdims=True)
    return probabilities


@pytest.fixture(scope="module")
def model(tiny: Path) -> Model:
    return Model.open(tiny)


def test_the_first_window_of_each_piece_is_heard(model: Model, tmp_path: Path) -> None:
    waveform = ramp(29)  # pieces of 3 s, the last one of 2
    heard = Listener(model, original=True)(write_wav(tmp_path / "a.wav", waveform, RATE))
    assert heard.timeline.starts == pytest.approx([0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
    assert heard.timeline.window == 1.0
    means = np.array([waveform[start : start + RATE].mean() for start in range(0, 29 * RATE, 3 * RATE)], np.float64)
    assert heard.timeline.probabilities == pytest.approx(expected(means), abs=1e-3)
    assert heard.timeline.mean() == pytest.approx(expected(means).mean(0), abs=1e-3)
    assert heard.embedding == pytest.approx([means.mean(), np.abs(means).mean()], abs=1e-3)
    assert heard.duration == 29.0
    assert heard.warnings == ()


def test_a_piece_shorter_than_the_window_is_filled_up_with_silence(model: Model, tmp_path: Path) -> None:
    waveform = np.full(9 * RATE + RATE // 2, 0.4, np.float32)  # pieces of 1.05 s, the last one of 0.05 s
    heard = Listener(model, original=True)(write_wav(tmp_path / "a.wav", waveform, RATE))
    means = np.array([0.4] * 9 + [0.05 * 0.4])
    assert heard.timeline.probabilities == pytest.approx(expected(means), abs=1e-3)
    # The timeline ends with the track, although windows reach beyond it.
    assert heard.timeline.segments()[-1].end == pytest.approx(9.5)


def test_what_begins_after_the_end_is_left_out(model: Model, tmp_path: Path) -> None:
    waveform = np.full(3 * RATE, -0.4, np.float32)  # pieces of 0.4 s: the eighth begins at 2.8 s, the ninth at 3.2 s
    heard = Listener(model, original=True)(write_wav(tmp_path / "a.wav", waveform, RATE))
    assert heard.timeline.starts == pytest.approx([0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8])
    means = np.array([0.4 * -0.4] * 7 + [0.2 * -0.4])
    assert heard.timeline.probabilities == pytest.approx(expected(means), abs=1e-3)
    assert heard.warnings == ("2 of 10 pieces left out: they begin after the end of the sound",)


def test_a_truncated_file_is_heard_as_far_as_it_goes(model: Model, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.full(29 * RATE, 0.4, np.float32), RATE)
    path.write_bytes(path.read_bytes()[: 44 + 2 * round(12.5 * RATE)])  # half of the fifth window is left
    heard = Listener(model, original=True)(path)
    assert heard.timeline.starts == pytest.approx([0, 3, 6, 9, 12])
    assert heard.timeline.probabilities == pytest.approx(expected(np.array([0.4] * 4 + [0.2])), abs=1e-3)
    assert heard.warnings == (
        "heard 12.5 s of 29.0 s declared: 16.5 s missing",
        "5 of 10 pieces left out: they begin after the end of the sound",
    )


def test_a_file_that_declares_no_duration_is_measured(model: Model, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.full(19 * RATE, 0.4, np.float32), RATE)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", tmp_path / "a.wav", "-write_xing", "0"]
    subprocess.run([*command, tmp_path / "a.mp3"], check=True)
    with Recording(tmp_path / "a.mp3") as recording:
        assert recording.duration is None
        assert duration_of(recording) == pytest.approx(19.0, abs=0.2)  # and the encoder's padding
        pieces = hear_pieces(model, recording)
    assert pieces.heard.timeline.starts == pytest.approx(2.0 * np.arange(10), abs=0.2)
    assert pieces.heard.timeline.probabilities[1:-1, UP] == pytest.approx(expected(np.array([0.4]))[0, UP], abs=0.01)


def test_all_ten_are_one_batch(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[NDArray[np.float32]] = []
    run = model.run

    def spy(waveforms: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        batches.append(waveforms)
        return run(waveforms)

    monkeypatch.setattr(model, "run", spy)
    waveform = ramp(19)
    Listener(model, original=True)(write_wav(tmp_path / "a.wav", waveform, RATE))
    (batch,) = batches
    assert batch == pytest.approx(
        np.stack([waveform[start : start + RATE] for start in range(0, 19 * RATE, 2 * RATE)]), abs=1e-4
    )


def test_a_model_without_probabilities_is_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", ramp(3), RATE)
    listener = Listener(Model.open(tiny_bundle(tmp_path / "numbers", task="values")), original=True)
    with pytest.raises(BundleError, match="numbers: the model gives values, no probabilities of styles or tags"):
        listener(path)
    with pytest.raises(ValueError, match="not both"):
        Listener(listener.model, fast=True, original=True)


def test_the_command_hears_the_ten_pieces(tiny: Path, tmp_path: Path) -> None:
    waveform = np.repeat(np.array([0.4, -0.4] * 10, np.float32), RATE)[: 19 * RATE]  # pieces begin with the rises
    path = write_wav(tmp_path / "a.wav", waveform, RATE)
    of_2018 = shutil.copytree(tiny, tmp_path / "of-2018")
    config = json.loads((of_2018 / "config.json").read_text(encoding="utf-8"))
    (of_2018 / "config.json").write_text(json.dumps(config | {"architecture": "emusic"}), encoding="utf-8")
    command = [sys.executable, "-m", "earmark", "listen", str(path), "--model", str(of_2018), "--json"]
    plain, original = (
        json.loads(subprocess.run([*command, *more], check=True, capture_output=True, encoding="utf-8").stdout)[0]
        for more in ([], ["--windows", "original"])
    )
    assert original["styles"][0] == {"style": "Up", "probability": 0.9817}
    assert plain["styles"][0] == {"style": "Up", "probability": 0.5168}  # ten of nineteen seconds
    both = subprocess.run(
        [*command, "--fast", "--windows", "original"], check=False, capture_output=True, encoding="utf-8"
    )
    assert both.returncode == 2
    other = subprocess.run(
        [sys.executable, "-m", "earmark", "listen", str(path), "--windows", "original"],
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    assert (other.returncode, other.stdout) == (1, "")
    assert other.stderr == (
        "earmark: house12: `--windows original` is for models of the 2018 system, such as emusic12; "
        "this one, of the architecture pool, would give wrong answers\n"
    )
    assert "exclude each other" in both.stderr
