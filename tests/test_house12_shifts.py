"""Damage, half the drums and what is no music: the movements are measured, and applied to the right rows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from earmark.audio import decode
from earmark.learning.evaluation.degradations import BAND_LIMIT, as_mp3, band_limited, excerpt, quieter
from earmark.learning.networks.frontend import Descriptors
from earmark.recipes.house12.shifts import RATE, Pairs, full_mix, half_time, learn_shift, strangers
from earmark.synth import render
from earmark.testing import noise, write_wav


@pytest.fixture
def noise_file(tmp_path: Path) -> Path:
    path = tmp_path / "noise.wav"
    write_wav(path, noise(12.0, np.random.default_rng(0), 44_100, level=0.5), 44_100)
    return path


def level(waveform: np.ndarray) -> float:
    return float(10 * np.log10((waveform.astype(np.float64) ** 2).mean()))


def level_above(waveform: np.ndarray, hertz: float) -> float:
    """Mean power above a frequency, in dB."""
    spectrum = np.abs(np.fft.rfft(waveform)) ** 2
    return float(10 * np.log10(spectrum[np.fft.rfftfreq(waveform.size, 1 / RATE) > hertz].sum() / spectrum.sum()))


def test_quieter_is_twelve_decibels_quieter(noise_file: Path) -> None:
    assert level(quieter(noise_file, RATE)) == pytest.approx(level(decode(noise_file, RATE)) - 12, abs=0.05)


def test_band_limited_holds_nothing_above_eight_kilohertz(noise_file: Path) -> None:
    assert level_above(band_limited(noise_file, RATE), BAND_LIMIT / 2 + 200) < -60


def test_the_mp3_is_the_same_sound_with_loss(noise_file: Path) -> None:
    whole, lossy = decode(noise_file, RATE), as_mp3(noise_file, RATE)
    assert lossy.size == pytest.approx(whole.size, abs=RATE // 10)
    both = min(whole.size, lossy.size)
    assert 0.6 < np.corrcoef(whole[:both], lossy[:both])[0, 1] < 0.999  # the same, in time, and yet not the same


def test_the_excerpt_is_ten_seconds_from_the_middle(noise_file: Path) -> None:
    part = excerpt(noise_file, RATE)
    assert part.size == 10 * RATE
    assert part == pytest.approx(decode(noise_file, RATE)[RATE : 11 * RATE], abs=1e-4)


def test_a_shift_recovers_the_movement_that_it_was_shown() -> None:
    generator = np.random.default_rng(0)
    real = generator.standard_normal((500, 70)).astype(np.float32) * 5 + 2
    before = generator.standard_normal((400, 70)).astype(np.float32) * 5 + 2
    after = before.copy()
    after[:, 3] += 0.5 * (before[:, 7] - 2) + 1
    shift = learn_shift(Pairs(before, after), real)
    moved = shift.apply(real, generator)
    assert (moved - real)[:, 3] == pytest.approx(0.5 * (real[:, 7] - 2) + 1, abs=1.0)
    assert np.corrcoef((moved - real)[:, 3], real[:, 7])[0, 1] > 0.98
    assert np.abs((moved - real)[:, :3]).max() < 1e-4


def test_a_constant_shift_moves_all_rows_alike_but_for_noise() -> None:
    generator = np.random.default_rng(0)
    before = generator.standard_normal((2000, 70)).astype(np.float32)
    after = before + 2 + 0.1 * generator.standard_normal(before.shape).astype(np.float32)
    moved = learn_shift(Pairs(before, after), before, constant=True).apply(before, generator) - before
    assert moved.mean(0) == pytest.approx(np.full(70, 2.0), abs=0.02)
    assert moved.std(0) == pytest.approx(np.full(70, 0.1), abs=0.02)


def test_half_time_silences_the_drums_on_every_second_beat() -> None:
    track = render("Drum & Bass", 3, 8.0)
    difference = full_mix(track) - half_time(track)
    drums = track.stems["drums"]
    beats = [round(beat * track.sample_rate) for beat in track.truth.beats]
    for index, (start, end) in enumerate(zip(beats, beats[1:], strict=False)):
        expected = drums[:, start + 2 : end - 2] if index % 2 else 0
        assert difference[:, start + 2 : end - 2] == pytest.approx(expected, abs=1e-5)


def test_strangers_are_many_kinds_of_finite_sound() -> None:
    sounds = strangers(np.random.default_rng(0), 2)
    assert len(sounds) == 14
    front_end = Descriptors()
    rows = torch.cat([front_end(torch.from_numpy(sound)[None]) for sound in sounds])
    assert torch.isfinite(rows).all()
    assert all(sound.shape == (10 * RATE,) and np.abs(sound).max() <= 1.2 for sound in sounds)
    assert len({sound.tobytes() for sound in sounds}) >= 13  # digital silence may come twice
