import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from earmark import Model, testing
from earmark.testing.bundles import tiny_bundle


def test_a_tone_holds_its_energy_at_its_frequency() -> None:
    waveform = testing.tone(440.0, 2.0, 22_050, level=0.5)
    spectrum = np.abs(np.fft.rfft(waveform))
    assert waveform.shape == (44_100,)
    assert waveform.dtype == np.float32
    assert np.argmax(spectrum) / 2.0 == 440.0
    assert np.sqrt(np.mean(waveform**2)) == pytest.approx(0.5 / np.sqrt(2), rel=1e-4)


def test_silence_is_exactly_zero() -> None:
    assert np.array_equal(testing.silence(1.5, 8_000), np.zeros(12_000, dtype=np.float32))


def test_a_click_train_clicks_at_every_beat_and_nowhere_else() -> None:
    waveform = testing.click_train(120, 4.0, 22_050, first=0.25)
    struck = np.flatnonzero(np.abs(waveform) > 0.2)
    starts = struck[np.flatnonzero(np.diff(struck, prepend=-10_000) > 2_000)] / 22_050
    assert starts == pytest.approx(0.25 + 0.5 * np.arange(8), abs=1e-3)


def test_a_sweep_is_at_the_geometric_middle_half_way() -> None:
    waveform = testing.sweep(100.0, 6_400.0, 4.0, 22_050)
    middle = waveform[44_100 - 1_024 : 44_100 + 1_024] * np.hanning(2_048)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 22_050 / 2_048 == pytest.approx(800.0, abs=15)


def test_noise_repeats_for_a_seed_and_stays_within_its_level() -> None:
    first = testing.noise(1.0, np.random.default_rng(4), level=0.3)
    again = testing.noise(1.0, np.random.default_rng(4), level=0.3)
    assert np.array_equal(first, again)
    assert 0.29 < np.abs(first).max() <= 0.3


def test_a_chord_never_exceeds_its_level() -> None:
    waveform = testing.chord((220.0, 277.18, 329.63), 1.0, level=0.5)
    assert 0.3 < np.abs(waveform).max() <= 0.5


def test_the_kicks_of_a_tiny_track_fall_on_its_beats() -> None:
    track = testing.tiny_track(bpm=120.0, seconds=6.0, first=0.3)
    assert track.beats == pytest.approx(0.3 + 0.5 * np.arange(12))
    assert track.downbeats == track.beats[::4]
    for beat in track.beats[1:]:
        at = round(beat * track.sample_rate)
        before = np.mean(track.waveform[at - 800 : at - 100] ** 2)
        after = np.mean(track.waveform[at : at + 700] ** 2)
        assert after > 1.3 * before, f"nothing begins at {beat} s"


def test_half_time_keeps_the_tempo_and_leaves_one_kick_in_four() -> None:
    full, half = testing.tiny_track(172.0), testing.tiny_track(172.0, half_time=True)

    def level(track: testing.TinyTrack, place: int) -> float:
        moments = [round(beat * track.sample_rate) for beat in track.beats[place::4]]
        return float(np.mean([np.mean(track.waveform[m : m + 1_500] ** 2) for m in moments]))

    assert full.beats == half.beats
    assert level(half, 1) < 0.5 * level(full, 1)
    assert level(half, 2) > 1.5 * level(half, 1)


def test_a_wav_file_comes_back_to_half_a_step_of_16_bits(tmp_path: Path) -> None:
    stereo = np.stack([testing.tone(200, 0.5, 8_000), testing.tone(300, 0.5, 8_000)])
    path = testing.write_wav(tmp_path / "two.wav", stereo, 8_000)
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8_000, 4_000)
        back = np.frombuffer(file.readframes(4_000), "<i2").reshape(-1, 2).T / 32767
    assert np.abs(back - stereo).max() <= 0.5 / 32767 + 1e-7


def test_importing_it_loads_neither_scipy_nor_torch() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, earmark.testing; print('scipy' in sys.modules, 'torch' in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert loaded.stdout.split() == ["False", "False"]


def test_the_tiny_model_answers_as_it_says(tmp_path: Path) -> None:
    model = Model.open(tiny_bundle(tmp_path / "tiny"))
    model.verify()
    heard = model.hear(np.full(16_000, 0.1, np.float32))
    weights = np.exp([0.0, 1.0, -1.0])
    assert heard.timeline.styles == ("Still", "Up", "Down")
    assert heard.timeline.probabilities == pytest.approx(np.tile(weights / weights.sum(), (2, 1)), abs=1e-5)
    assert heard.embedding == pytest.approx([0.1, 0.1], abs=1e-5)
