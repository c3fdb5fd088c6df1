"""The doubt that a recording gives: noise of known bandwidth and length has known answers."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from earmark.learning.networks.recording import WHOLE, RecordingDoubt

RATE = 22_050
NARROW, SHORT = 1.5, 0.44


def noise(seconds: float, highest: float = RATE / 2) -> NDArray[np.float32]:
    """White noise with nothing above `highest` Hz."""
    size = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(size))
    spectrum[np.fft.rfftfreq(size, 1 / RATE) > highest] = 0
    sound = np.fft.irfft(spectrum, size)
    scaled: NDArray[np.float32] = (sound / np.abs(sound).max()).astype(np.float32)
    return scaled


def factor(waveform: NDArray[np.float32]) -> float:
    return float(RecordingDoubt(RATE, NARROW, SHORT)(torch.from_numpy(waveform)[None]))


@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_nothing_is_doubted_of_a_whole_window_of_full_bandwidth_at_any_level(gain: float) -> None:
    assert factor(gain * noise(WHOLE)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("highest", [4500.0, 7000.0, 8000.0])
def test_what_has_no_treble_is_doubted(highest: float) -> None:
    assert factor(noise(WHOLE, highest)) == pytest.approx(NARROW, abs=1e-5)


@pytest.mark.parametrize("seconds", [1.0, 10.0, 20.0])
def test_what_is_short_is_doubted(seconds: float) -> None:
    assert factor(noise(seconds)) == pytest.approx((WHOLE / seconds) ** SHORT, rel=1e-3)


def test_both_doubts_multiply() -> None:
    assert factor(noise(10, 7000)) == pytest.approx(NARROW * (WHOLE / 10) ** SHORT, rel=1e-3)


def test_silence_has_the_doubt_of_its_length_alone() -> None:
    assert factor(np.zeros(10 * RATE, np.float32)) == pytest.approx((WHOLE / 10) ** SHORT, rel=1e-3)
