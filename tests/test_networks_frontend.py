"""The front ends against independent implementations, and against signals with known answers."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from pyAudioAnalysis import ShortTermFeatures

from earmark.audio import decode
from earmark.learning.networks.frontend import Descriptors, HalfSpectrum, MelSpectrogram, OctaveTempo, normalise

RATE = Descriptors.SAMPLE_RATE
TRACKS = ("eis.ogg", "gold.wav", "melt.opus", "modula.flac", "tribb.mp3", "trip1.aiff")


def as_int16(waveform: np.ndarray) -> np.ndarray:
    return np.round(waveform * 2**15).clip(-(2**15), 2**15 - 1)


def short_term(waveform: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return Descriptors().short_term(normalise(torch.from_numpy(waveform.astype(np.float32))[None]))[0].numpy().T


def oracle(samples: np.ndarray) -> np.ndarray:
    features, _ = ShortTermFeatures.feature_extraction(samples, RATE, 1102, 1102, deltas=False)
    return np.asarray(features.T)


def music(seconds: float, seed: int = 0) -> np.ndarray:
    """Chords, a kick and hats: enough of everything for every descriptor to have something to say."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    kick = np.sin(2 * np.pi * 55 * time) * np.exp(-8 * (time % 0.48))
    hat = generator.standard_normal(time.size) * np.exp(-60 * ((time + 0.24) % 0.48))
    chord = sum(np.sin(2 * np.pi * pitch * time + pitch) for pitch in (220, 277.2, 329.6))
    return (0.5 * kick + 0.1 * hat + 0.1 * chord + 1e-3 * generator.standard_normal(time.size)).astype(np.float32)


@pytest.mark.parametrize("name", TRACKS)
def test_the_34_descriptors_of_real_tracks_agree_with_pyaudioanalysis(shared_audio: Path, name: str) -> None:
    samples = as_int16(decode(shared_audio / "tracks" / name, RATE, start=10, duration=29.12))
    expected = oracle(samples)
    distance = np.abs(short_term(samples / 2**15) - expected).max(0)
    assert expected.shape == (582, 34)
    assert (distance / np.abs(expected).max(0)).max() < 1e-5


def test_the_34_descriptors_of_made_music_agree_with_pyaudioanalysis() -> None:
    samples = as_int16(music(5))
    expected = oracle(samples)
    assert np.abs(short_term(samples / 2**15) - expected).max(0) == pytest.approx(0, abs=1e-5 * np.abs(expected).max())
    assert (np.abs(short_term(samples / 2**15) - expected).max(0) / np.abs(expected).max(0)).max() < 1e-5


def test_a_silent_frame_with_an_offset_is_as_silent_as_in_double_precision() -> None:
    samples = as_int16(music(3))
    samples[: 1102 * 5] = 1
    expected = oracle(samples)
    assert (np.abs(short_term(samples / 2**15) - expected).max(0) / np.abs(expected).max(0)).max() < 1e-4


def test_the_rows_of_the_tables_are_means_and_deviations_over_seconds() -> None:
    samples = as_int16(music(6 * 20 * 1102 / RATE))
    by_second = oracle(samples).reshape(6, 20, 34)
    expected = np.concatenate([by_second.mean(1).mean(0), by_second.std(1).mean(0)])
    with torch.no_grad():
        row = Descriptors()(torch.from_numpy(samples / 2**15).float()[None])[0, :68].numpy()
    assert row == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_the_short_fourier_transforms_give_the_spectrum_of_the_long_one() -> None:
    frames = np.random.default_rng(0).standard_normal((2, 3, 1102))
    expected = np.abs(np.fft.rfft(frames))[..., :551]
    rows = HalfSpectrum()(torch.from_numpy(frames).float()).sqrt().numpy() * 551  # (2, 570, 3)
    present = HalfSpectrum.arranged(np.ones(551)) > 0
    order = HalfSpectrum.arranged(np.arange(551.0))[present].astype(int)
    assert sorted(order) == list(range(551))
    assert rows[:, present].transpose(0, 2, 1) == pytest.approx(expected[..., order], rel=1e-4, abs=1e-3)
    assert not rows[:, ~present].any()


def test_a_tone_has_its_centroid_at_its_frequency_and_no_spread() -> None:
    bin_width = RATE / 1102
    time = np.arange(RATE) / RATE
    row = short_term(np.sin(2 * np.pi * 100 * bin_width * time))[0]
    assert row[3] * RATE / 2 == pytest.approx(101 * bin_width, rel=1e-3)  # the descriptor counts bins from one
    assert row[4] < 0.02
    assert row[0] == pytest.approx(2 * 100 / 1102, rel=0.02)  # two zero crossings for each of 100 periods
    assert row[1] == pytest.approx(0.5, rel=1e-3)  # the energy of a sine at full scale


def test_silence_gives_finite_descriptors() -> None:
    row = Descriptors()(torch.zeros(1, 3 * RATE))
    assert torch.isfinite(row).all()
    assert row[0, :8].tolist() == [0.0] * 8
    assert row[0, 68:].norm() < 0.01


@pytest.mark.parametrize("gain", [0.25, 0.01])
def test_level_does_not_move_the_descriptors(gain: float) -> None:
    waveform = torch.from_numpy(music(4))[None]
    front_end = Descriptors()
    assert front_end(gain * waveform).numpy() == pytest.approx(front_end(waveform).numpy(), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("bpm", [64.0, 87.0, 100.0, 124.0, 128.0, 140.0, 174.0])
def test_the_tempo_of_clicks_is_found_modulo_an_octave(bpm: float) -> None:
    waveform = np.random.default_rng(0).standard_normal(20 * RATE).astype(np.float32) * 1e-4
    for beat in np.arange(0.1, 19.9, 60 / bpm):
        waveform[round(beat * RATE) :][:300] += np.exp(-np.arange(300) / 50).astype(np.float32)
    sine, cosine = OctaveTempo(RATE)(torch.from_numpy(waveform)[None])[0].tolist()
    octaves = (np.arctan2(sine, cosine) / (2 * np.pi) - np.log2(bpm) + 0.5) % 1 - 0.5
    assert bpm * 2**octaves == pytest.approx(bpm, rel=0.005)
    assert np.hypot(sine, cosine) > 0.9


def test_the_tempo_of_real_loops_is_found(shared_audio: Path) -> None:
    found = []
    tempo = OctaveTempo(RATE)
    for loop in sorted((shared_audio / "house-loops").glob("*.mp3")):
        stated = float(loop.name.partition("bpm")[0])
        sine, cosine = tempo(torch.from_numpy(decode(loop, RATE))[None])[0].tolist()
        octaves = (np.arctan2(sine, cosine) / (2 * np.pi) - np.log2(stated) + 0.5) % 1 - 0.5
        found.append(abs(2**octaves - 1) < 0.006)
    assert len(found) == 18
    assert sum(found) >= 17


def test_noise_has_no_clear_tempo() -> None:
    noise = torch.from_numpy(np.random.default_rng(1).standard_normal(20 * RATE)).float()[None]
    assert OctaveTempo(RATE)(noise).norm() < 0.5


def test_the_autocorrelation_agrees_with_its_definition() -> None:
    onset = torch.from_numpy(np.random.default_rng(0).uniform(size=1300)).float()
    centred = (onset - onset.mean()).double().numpy()
    expected = [float(centred[: len(centred) - lag] @ centred[lag:]) for lag in (0, 1, 7, 300, 511)]
    got = OctaveTempo(RATE).autocorrelation(onset[None])[0].numpy()
    assert got[[0, 1, 7, 300, 511]] == pytest.approx(np.array(expected) / expected[0], abs=1e-4)


def test_the_mel_spectrogram_is_librosas_in_decibels() -> None:
    waveform = decode_noise(12_000 * 5)
    excess = -waveform.size % 1024
    padded = np.pad(waveform, (excess // 2, excess - excess // 2))
    power = librosa.feature.melspectrogram(
        y=padded, sr=12_000, n_fft=1024, hop_length=1024, n_mels=96, center=False, window="hann", power=2.0
    )
    expected = librosa.power_to_db(power, ref=np.max, amin=1e-10, top_db=80)
    got = MelSpectrogram(12_000, 1024, 96)(torch.from_numpy(waveform)[None])[0, 0].detach().numpy()
    assert got.shape == (96, 59)
    assert got == pytest.approx(expected, abs=1e-2)


def decode_noise(samples: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(samples).astype(np.float32) * 0.1
