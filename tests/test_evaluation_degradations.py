"""Degradations: what each does to sounds whose fate is known."""

from pathlib import Path

import numpy as np
import pytest

from earmark.audio import Waveform
from earmark.learning.evaluation.degradations import DEGRADATIONS, TAUGHT
from earmark.testing import tone, write_wav

RATE = 22_050


def strength(waveform: Waveform, hz: float) -> float:
    """The amplitude of a frequency."""
    time = np.arange(len(waveform)) / RATE
    return float(2 * np.abs(np.mean(waveform * np.exp(-2j * np.pi * hz * time))))


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of two tones, at 1 and 9 kHz, each with an amplitude of 0.3."""
    path = tmp_path_factory.mktemp("tones") / "tones.wav"
    write_wav(path, tone(1000, 20, RATE, level=0.3) + tone(9000, 20, RATE, level=0.3), RATE)
    return path


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("-12 dB", 0.3 * 10 ** (-12 / 20), 0.3 * 10 ** (-12 / 20)),
        ("8 kHz low-pass", 0.3, 0.0),
        ("16 kHz resampling", 0.3, 0.0),
        ("mono", 0.3, 0.3),
        ("10-s excerpt", 0.3, 0.3),
        ("vinyl", 0.3, 0.3 / (1 + (9 / 12) ** 8)),
    ],
)
def test_tones_come_out_as_strong_as_they_should(tones: Path, name: str, low: float, high: float) -> None:
    heard = DEGRADATIONS[name](tones, RATE)
    assert strength(heard, 1000) == pytest.approx(low, rel=0.01)
    assert strength(heard, 9000) == pytest.approx(high, rel=0.02, abs=1e-4)


@pytest.mark.parametrize(("name", "speed"), [("+4 % speed", 1.04), ("-4 % speed", 1 / 1.04)])
def test_speed_moves_pitch_and_length(tones: Path, name: str, speed: float) -> None:
    heard = DEGRADATIONS[name](tones, RATE)
    assert len(heard) == pytest.approx(20 * RATE / speed, abs=2)
    assert strength(heard, 1000 * speed) == pytest.approx(0.3, rel=0.02)
    assert strength(heard, 1000) < 0.01


def test_mp3_keeps_what_lies_below_its_band_limit(tones: Path) -> None:
    heard = DEGRADATIONS["64 kb/s mp3"](tones, RATE)
    kept = strength(heard[RATE : -2 * RATE], 1000)  # the one channel is shared between two, 3 dB lower
    assert 0.2 < kept < 0.3
    assert strength(heard[RATE : -2 * RATE], 9000) == pytest.approx(kept, rel=0.05)


def test_an_excerpt_is_ten_seconds_and_mono_is_as_long_as_before(tones: Path) -> None:
    assert len(DEGRADATIONS["10-s excerpt"](tones, RATE)) == pytest.approx(10 * RATE, abs=1)
    assert len(DEGRADATIONS["mono"](tones, RATE)) == 20 * RATE


def test_a_worn_record_is_noisy_between_the_notes(tmp_path: Path) -> None:
    path = tmp_path / "click.wav"
    sound = np.zeros(10 * RATE, np.float32)
    sound[:100] = 0.5
    write_wav(path, sound, RATE)
    heard = DEGRADATIONS["vinyl"](path, RATE)
    quiet = heard[RATE:]
    level = 20 * np.log10(np.median(np.abs(quiet)) / 0.6745 / 0.5)  # the median: clicks are few
    assert -52 < level < -40
    assert np.abs(quiet).max() > 20 * np.median(np.abs(quiet))
    np.testing.assert_array_equal(heard, DEGRADATIONS["vinyl"](path, RATE))


def test_what_is_taught_is_a_part_of_what_is_measured() -> None:
    assert set(TAUGHT) <= set(DEGRADATIONS)
