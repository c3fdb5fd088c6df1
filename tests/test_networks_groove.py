"""The groove as a witness: tempi, snares and hats whose evidence can be told beforehand."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from earmark.learning.networks.frontend import OctaveTempo
from earmark.learning.networks.groove import Groove, TempoLikelihood

RATE = 22_050
SLOW, FAST, HALF, ROLLING, PLAIN = range(5)
TEMPI = [(SLOW, 116, 130), (FAST, 165, 180), (HALF, 160, 180), (ROLLING, 130, 160), (PLAIN, 136, 152)]
DOUBT = 0.1


def drums(bpm: float, seconds: float, strokes: dict[str, list[float]]) -> NDArray[np.float32]:
    """Kicks, snares and hats on the given beats of each bar of four, over a whisper of noise."""
    generator = np.random.default_rng(0)
    time = np.arange(RATE // 4) / RATE
    sounds = {
        "kick": np.sin(2 * np.pi * 50 * time) * np.exp(-20 * time),
        "snare": 0.5 * generator.standard_normal(len(time)) * np.exp(-25 * time),
        "hat": 0.15 * np.diff(generator.standard_normal(len(time)), prepend=0) * np.exp(-80 * time),
    }
    sound = 1e-3 * generator.standard_normal(round(seconds * RATE))
    for name, beats in strokes.items():
        for bar in range(int(seconds * bpm / 240)):
            for beat in beats:
                start = round((4 * bar + beat) * 60 / bpm * RATE)
                part = sounds[name][: len(sound) - start]
                sound[start : start + len(part)] += part
    scaled: NDArray[np.float32] = (sound / np.abs(sound).max()).astype(np.float32)
    return scaled


def evidence(waveform: NDArray[np.float32], weight: float = 0.0) -> NDArray[np.float32]:
    groove = Groove(RATE, 5, TEMPI, DOUBT, weight, half_rate=[(HALF, FAST)], running_hats=[(ROLLING, PLAIN)])
    found: NDArray[np.float32] = groove(torch.from_numpy(waveform)[None])[0].numpy()
    return found


@pytest.mark.parametrize(("bpm", "usual"), [(174, [FAST, HALF]), (87, [FAST, HALF]), (140, [ROLLING, PLAIN])])
def test_a_tempo_speaks_for_the_styles_that_have_it_in_any_octave(bpm: float, usual: list[int]) -> None:
    likelihood = TempoLikelihood(6, TEMPI, DOUBT)
    octave = (np.log2(bpm / OctaveTempo.SLOWEST) * OctaveTempo.TEMPI) % OctaveTempo.TEMPI
    certain = torch.zeros(1, OctaveTempo.TEMPI)
    certain[0, round(octave)] = 1
    found = likelihood(certain)[0].numpy()
    expected = [0 if style in usual else np.log(DOUBT) for style in range(5)]
    np.testing.assert_allclose(found[:5], expected, atol=1e-5)
    assert found[5] == 0  # of which no tempo is known


def test_where_any_tempo_is_as_likely_a_wide_range_is_likelier() -> None:
    flat = torch.full((1, OctaveTempo.TEMPI), 1 / OctaveTempo.TEMPI)
    found = TempoLikelihood(6, TEMPI, DOUBT)(flat)[0].numpy()
    for style, slowest, fastest in TEMPI:
        share = np.log2(fastest / slowest)
        assert found[style] == pytest.approx(np.log(share + (1 - share) * DOUBT), abs=0.03)


@pytest.mark.parametrize("bpm", [166.0, 174.0, 179.0])
def test_snares_tell_half_the_rate_from_the_whole(bpm: float) -> None:
    hats = [beat / 2 for beat in range(8)]
    half = evidence(drums(bpm, 20, {"kick": [0], "snare": [2], "hat": hats}))
    whole = evidence(drums(bpm, 20, {"kick": [0, 2.5], "snare": [1, 3], "hat": hats}))
    assert half[HALF] > 1
    assert whole[HALF] < -1
    for found in (half, whole):
        assert found[FAST] == -found[HALF]
        assert found[SLOW] == 0


@pytest.mark.parametrize("bpm", [134.0, 140.0, 152.0])
def test_hats_on_all_sixteenths_are_told_from_eighths(bpm: float) -> None:
    beats: dict[str, list[float]] = {"kick": [0, 2.5], "snare": [2]}
    running = evidence(drums(bpm, 20, beats | {"hat": [step / 4 for step in range(16)]}))
    plain = evidence(drums(bpm, 20, beats | {"hat": [step / 2 for step in range(8)]}))
    assert running[ROLLING] > plain[ROLLING] + 0.5
    assert running[PLAIN] == -running[ROLLING]
    assert plain[ROLLING] < 0


def test_noise_has_no_groove_and_silence_gives_finite_evidence() -> None:
    noise = np.random.default_rng(1).standard_normal(20 * RATE).astype(np.float32)
    assert np.abs(evidence(noise)).max() < 0.5
    assert np.isfinite(evidence(np.zeros(RATE, np.float32), weight=1.0)).all()


def test_evidence_of_less_counts_for_less() -> None:
    beats: dict[str, list[float]] = {"kick": [0, 1, 2, 3], "hat": [0.5, 1.5, 2.5, 3.5]}
    long, short = (evidence(drums(124, seconds, beats), weight=1.0)[PLAIN] for seconds in (16, 2))
    assert long == pytest.approx(np.log(DOUBT), abs=0.4)
    assert short == pytest.approx(long / 4, abs=0.3)
