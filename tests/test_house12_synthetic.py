"""Descriptors of synthetic sound: damage, half the drums and what is no music."""

from pathlib import Path

import numpy as np
import pytest
import torch

from earmark.audio import decode
from earmark.errors import TableError
from earmark.learning.evaluation.degradations import BAND_LIMIT, TAUGHT, as_mp3, band_limited, excerpt, quieter
from earmark.learning.networks.frontend import Descriptors
from earmark.recipes.house12 import synthetic
from earmark.recipes.house12.non_music import non_music
from earmark.recipes.house12.recipe import SyntheticConfig, read_recipe
from earmark.recipes.house12.synthetic import RATE, full_mix, half_time
from earmark.recipes.shipped import FILES
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


def test_half_time_silences_the_drums_on_every_second_beat() -> None:
    track = render("Drum & Bass", 3, 8.0)
    difference = full_mix(track) - half_time(track)
    drums = track.stems["drums"]
    beats = [round(beat * track.sample_rate) for beat in track.truth.beats]
    for index, (start, end) in enumerate(zip(beats, beats[1:], strict=False)):
        expected = drums[:, start + 2 : end - 2] if index % 2 else 0
        assert difference[:, start + 2 : end - 2] == pytest.approx(expected, abs=1e-5)


def test_what_is_no_music_is_of_many_kinds_and_finite() -> None:
    sounds = non_music(np.random.default_rng(0), 2)
    assert len(sounds) == 14
    front_end = Descriptors()
    rows = torch.cat([front_end(torch.from_numpy(sound)[None]) for sound in sounds])
    assert torch.isfinite(rows).all()
    assert all(sound.shape == (10 * RATE,) and np.abs(sound).max() <= 1.2 for sound in sounds)
    assert len({sound.tobytes() for sound in sounds}) >= 13  # digital silence may come twice


def test_the_shipped_descriptors_are_the_same_after_they_were_stored(tmp_path: Path) -> None:
    rows = synthetic.load(read_recipe(FILES["house12"]).synthetic.file)
    synthetic.save(rows, tmp_path / "copy.npz")
    again = synthetic.load(tmp_path / "copy.npz")
    assert list(again.degraded) == list(rows.degraded) == [*TAUGHT, synthetic.DRUMS]
    assert np.array_equal(again.non_music, rows.non_music)
    assert np.array_equal(again.half_time.after, rows.half_time.after)
    for name, pairs in rows.degraded.items():
        assert np.array_equal(again.degraded[name].before, pairs.before)
        assert np.array_equal(again.degraded[name].after, pairs.after)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.npz"]


@pytest.mark.parametrize("content", [b"no archive", None])
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, other=np.zeros(3)) if content is None else path.write_bytes(content)
    with pytest.raises(TableError, match=r"other\.npz: not the descriptors of synthetic sound"):
        synthetic.load(path)


def test_sounds_are_measured_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "STYLES", ["Techno / Tech House"])
    monkeypatch.setattr(synthetic, "TRACK_SECONDS", 4.0)
    monkeypatch.setattr(synthetic, "TAUGHT", {"-12 dB": quieter, "8 kHz low-pass": band_limited})
    monkeypatch.setattr(synthetic, "SOUNDS", 1)
    monkeypatch.setattr(synthetic, "DRUM_TRACKS", 1)
    shares: list[float] = []
    config = SyntheticConfig(file=Path("any"), per_style=1, seed=3)
    rows = synthetic.measure(config, shares.append)
    assert rows.half_time.before.shape == (4, 70)
    assert rows.non_music.shape == (7, 70)
    assert list(rows.degraded) == ["-12 dB", "8 kHz low-pass", "drums alone"]
    quiet, dull, drums = rows.degraded.values()
    assert np.array_equal(drums.before, quiet.before)
    assert (drums.after[:, :68] != drums.before[:, :68]).any()
    assert quiet.before == pytest.approx(quiet.after, abs=0.02)  # descriptors do not depend on the level
    assert (dull.after[:, 3:5] < dull.before[:, 3:5]).all()  # centroid and spread without what was above 8 kHz
    assert (rows.half_time.after[:, :68] != rows.half_time.before[:, :68]).any()
    assert shares == [0.2, 0.4, 0.6, 0.8, 1.0]
