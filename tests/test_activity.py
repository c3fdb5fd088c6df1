"""Activity: stationary noise, a tone, silence and what is none of them have known answers."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.audio import Waveform, decode
from earmark.hearing.activity import Activity, without_silent_ends
from earmark.testing import chord, click_train, noise, silence, tone

RATE = 22_050


def active(*windows: Waveform) -> Activity:
    activity = Activity(RATE)
    for window in windows:
        activity.add(window)
    return activity


def coloured(exponent: float, seconds: float = 6.0) -> Waveform:
    """Noise whose power falls with this power of the frequency."""
    white = noise(seconds, np.random.default_rng(1), RATE)
    spectrum = np.fft.rfft(white) / np.maximum(np.arange(white.size // 2 + 1), 20) ** (exponent / 2)
    waveform: Waveform = np.fft.irfft(spectrum).astype(np.float32)
    return waveform / np.float32(np.abs(waveform).max())


def weights(*windows: Waveform) -> NDArray[np.float64]:
    return active(*windows).weights()


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0], ids=["white", "pink", "brown"])
def test_noise_of_any_colour_is_noise(exponent: float) -> None:
    assert active(coloured(exponent)).no_music() == "noise"


@pytest.mark.parametrize("hertz", [50, 440, 441.3, 5000])
def test_a_sine_is_a_lone_tone(hertz: float) -> None:
    assert active(tone(hertz, 6.0, RATE)).no_music() == "a lone tone"


def test_a_loud_bass_line_is_no_lone_tone() -> None:
    seconds = np.arange(12 * RATE) / RATE
    notes = np.array([43.7, 49.0, 55.0, 41.2])[(seconds * 2).astype(int) % 4]
    bass = np.sin(2 * np.pi * np.cumsum(notes) / RATE) * np.exp(-2 * (seconds % 0.5))
    hiss = noise(12.0, np.random.default_rng(2), RATE)
    assert active((0.5 * bass + 0.02 * hiss).astype(np.float32)).no_music() == ""


@pytest.mark.parametrize(
    "waveform",
    [
        chord((220.0, 277.2, 329.6), 6.0, RATE),
        np.sign(tone(440, 6.0, RATE)) * np.float32(0.2),
        chord((50.0, 100.0, 150.0), 6.0, RATE),
    ],
    ids=["chord", "square wave", "hum"],
)
def test_what_never_changes_is_a_steady_sound(waveform: Waveform) -> None:
    assert active(waveform).no_music() == "a steady sound"


@pytest.mark.parametrize("name", ["01-ambient", "02-brostep", "11-techno"])
def test_music_is_music(name: str) -> None:
    example = Path(__file__).parents[1] / "examples" / f"{name}.opus"
    assert active(decode(example, RATE, duration=15)).no_music() == ""


def test_silence_is_silence_even_with_dither() -> None:
    assert active(silence(6.0, RATE)).no_music() == "silence"
    assert active(noise(6.0, np.random.default_rng(0), RATE, level=1 / 32768)).no_music() == "silence"


@pytest.mark.parametrize(
    "waveform",
    [
        chord((220.0, 277.2, 329.6), 6.0, RATE) + 0.1 * click_train(125, 6.0, RATE),
        tone(50, 6.0, RATE) + 0.1 * click_train(125, 6.0, RATE),
        click_train(125, 6.0, RATE),
        np.concatenate([tone(220, 3.0, RATE), tone(330, 3.0, RATE)]),
        noise(6.0, np.random.default_rng(0), RATE) * np.linspace(0.1, 1, 6 * RATE, dtype=np.float32),
        noise(1.0, np.random.default_rng(0), RATE),
    ],
    ids=["a beat on a chord", "a beat on a tone", "clicks", "melody", "rising noise", "too short"],
)
def test_what_may_be_music_is_not_judged(waveform: Waveform) -> None:
    assert active(waveform).no_music() == ""


def test_an_offset_is_no_steady_sound() -> None:
    assert active(np.repeat(np.array([0.5, -0.5], np.float32), 3 * RATE)).no_music() == ""


def test_silence_between_two_stretches_of_noise_changes_nothing() -> None:
    assert active(coloured(1.0), silence(20.0, RATE), coloured(1.0)).no_music() == "noise"


def test_a_window_counts_by_the_share_that_sounds() -> None:
    sound = tone(440, 8.0, RATE)
    found = weights(sound, np.concatenate([silence(2.0, RATE), sound[: 6 * RATE]]), silence(8.0, RATE))
    assert found == pytest.approx([1, 0.75, 0], abs=0.02)


def test_a_window_that_is_mostly_silent_has_no_vote_unless_all_are() -> None:
    short = np.concatenate([tone(440, 3.0, RATE), silence(5.0, RATE)])
    assert weights(tone(440, 8.0, RATE), short)[1] == 0
    assert weights(short, silence(8.0, RATE)) == pytest.approx([3 / 8, 0], abs=0.02)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(0.0, 0.0, 4.0), (0.9, 0.9, 5.8), (1.0, 0.0, 4.0), (0.0, 3.0, 4.0), (2.5, 0.5, 4.5)],
)
def test_a_second_of_silence_at_an_end_is_cut_off(before: float, after: float, expected: float) -> None:
    rate = 8000  # a whole number of samples in a tenth of a second
    window = np.concatenate([silence(before, rate), tone(440, 4.0, rate), silence(after, rate)])
    assert without_silent_ends(window, rate).size == expected * rate
    assert np.count_nonzero(without_silent_ends(window, rate)) == np.count_nonzero(window)


def test_silence_in_the_middle_stays_and_so_does_silence_alone() -> None:
    broken = np.concatenate([tone(440, 1.0, RATE), silence(3.0, RATE), tone(440, 1.0, RATE)])
    assert without_silent_ends(broken, RATE).size == broken.size
    assert without_silent_ends(silence(3.0, RATE), RATE).size == 3 * RATE


@pytest.mark.parametrize(("decibels", "weight"), [(-25, 1.0), (-40, 0.0)])
def test_what_is_far_quieter_than_the_track_does_not_sound(decibels: float, weight: float) -> None:
    loud = tone(440, 8.0, RATE)
    assert weights(loud, loud * np.float32(10 ** (decibels / 20))).tolist() == [1.0, weight]


def test_a_quiet_track_sounds_as_a_loud_one_does() -> None:
    assert weights(tone(440, 4.0, RATE, level=0.002)).tolist() == [1.0]
    assert weights(np.array([0.1], np.float32)).tolist() == [1.0]
