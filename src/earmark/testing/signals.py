"""Signals with known answers, for tests: ours and those of programs that use earmark.

*Conventions.* A waveform is float32, shape `(samples,)`, within [-1, 1]; times are seconds, levels linear peaks. What
is random takes a `numpy.random.Generator`. Only NumPy is needed: `tiny_track` is made from first principles and not by
the synthesizer room, which needs SciPy.

Example:
    >>> waveform = click_train(bpm=120, seconds=4.0, sample_rate=22_050)
    >>> waveform.shape
    (88200,)
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pathlib import Path

Waveform = npt.NDArray[np.float32]

SAMPLE_RATE = 22_050  # Hz


def _times(seconds: float, sample_rate: int) -> npt.NDArray[np.float64]:
    return np.arange(round(seconds * sample_rate)) / sample_rate


def silence(seconds: float, sample_rate: int = SAMPLE_RATE) -> Waveform:
    """Digital silence."""
    return np.zeros(round(seconds * sample_rate), dtype=np.float32)


def tone(hz: float, seconds: float, sample_rate: int = SAMPLE_RATE, *, level: float = 0.5) -> Waveform:
    """A sine that begins at zero."""
    return (level * np.sin(2 * np.pi * hz * _times(seconds, sample_rate))).astype(np.float32)


def chord(hertz: tuple[float, ...], seconds: float, sample_rate: int = SAMPLE_RATE, *, level: float = 0.5) -> Waveform:
    """Several sines at once; together they stay below `level`."""
    tones = [tone(hz, seconds, sample_rate, level=level / len(hertz)) for hz in hertz]
    return np.asarray(np.sum(tones, axis=0), dtype=np.float32)


def sweep(low: float, high: float, seconds: float, sample_rate: int = SAMPLE_RATE, *, level: float = 0.5) -> Waveform:
    """A sine that rises exponentially: at t seconds it is at low (high / low) ** (t / seconds) Hz."""
    rate = np.log(high / low) / seconds
    turns = low / rate * np.expm1(rate * _times(seconds, sample_rate))
    return np.asarray(level * np.sin(2 * np.pi * turns), dtype=np.float32)


def noise(seconds: float, rng: np.random.Generator, sample_rate: int = SAMPLE_RATE, *, level: float = 0.5) -> Waveform:
    """White noise, uniform between -level and level."""
    return rng.uniform(-level, level, round(seconds * sample_rate)).astype(np.float32)


def click(sample_rate: int = SAMPLE_RATE, *, hz: float = 1500.0) -> Waveform:
    """A click of 20 ms: a decaying sine, peak about 1 in its first millisecond."""
    seconds = _times(0.02, sample_rate)
    return (np.exp(-seconds / 0.004) * np.sin(2 * np.pi * hz * seconds)).astype(np.float32)


def clicks_at(
    moments: npt.ArrayLike, seconds: float, sample_rate: int = SAMPLE_RATE, *, level: float = 0.8, hz: float = 1500.0
) -> Waveform:
    """Clicks at the given moments (seconds), each beginning at the nearest sample."""
    struck = level * click(sample_rate, hz=hz)
    waveform = silence(seconds, sample_rate)
    for moment in np.asarray(moments, dtype=np.float64).ravel():
        start = round(float(moment) * sample_rate)
        if 0 <= start < waveform.size:
            end = min(waveform.size, start + struck.size)
            waveform[start:end] += struck[: end - start]
    return np.clip(waveform, -1, 1)


def click_train(
    bpm: float, seconds: float, sample_rate: int = SAMPLE_RATE, *, first: float = 0.0, level: float = 0.8
) -> Waveform:
    """A metronome: a click every 60 / bpm seconds, from `first` on."""
    return clicks_at(np.arange(first, seconds, 60.0 / bpm), seconds, sample_rate, level=level)


@dataclass(frozen=True)
class TinyTrack:
    """A little track and everything about it; times in seconds."""

    waveform: Waveform
    sample_rate: int
    bpm: float
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    key: str


def tiny_track(
    bpm: float = 124.0,
    seconds: float = 8.0,
    sample_rate: int = SAMPLE_RATE,
    *,
    first: float = 0.0,
    half_time: bool = False,
) -> TinyTrack:
    """Kick, snare, hats and the chords of A minor: the least that has tempo, beats, downbeats and a key.

    The kick is on every beat, the snare on two and four and the hats between the beats. `half_time` leaves the kick on
    one and the snare on three, at the same tempo.

    Args:
        bpm: quarter notes per minute.
        seconds: length.
        sample_rate: in Hz.
        first: moment of the first downbeat.
        half_time: half as many kicks.
    """
    beat = 60.0 / bpm
    rng = np.random.default_rng(0)
    moments = np.arange(first, seconds - 1e-9, beat)
    waveform = silence(seconds, sample_rate)
    t = _times(0.2, sample_rate)
    kick = (0.6 * np.sin(2 * np.pi * (50 * t - 3 * np.expm1(-t / 0.03))) * np.exp(-t / 0.06)).astype(np.float32)
    snare = (0.3 * rng.standard_normal(t.size) * np.exp(-t / 0.04)).astype(np.float32)
    hat = (0.1 * np.diff(rng.standard_normal(t.size + 1)) * np.exp(-t / 0.01)).astype(np.float32)
    for index, moment in enumerate(moments):
        place = index % 4
        if not half_time or place == 0:
            _strike(waveform, kick, moment, sample_rate)
        if place in ((2,) if half_time else (1, 3)):
            _strike(waveform, snare, moment, sample_rate)
        _strike(waveform, hat, moment + beat / 2, sample_rate)
    # A minor, F major, C major, G major: one bar each; the tonic's bass first and last.
    chords: tuple[tuple[float, ...], ...] = (
        (110.0, 220.0, 261.63, 329.63),
        (87.31, 220.0, 261.63, 349.23),
        (130.81, 196.0, 261.63, 329.63),
        (98.0, 196.0, 246.94, 293.66),
    )
    for index, moment in enumerate(moments[::4]):
        held = chord(chords[index % 4], min(4 * beat, seconds - moment), sample_rate, level=0.25)
        fade = np.minimum(1, np.arange(held.size, dtype=np.float32)[::-1] / (0.02 * sample_rate))
        _strike(waveform, held * fade, moment, sample_rate)
    beats = tuple(float(moment) for moment in moments)
    return TinyTrack(np.clip(waveform, -1, 1), sample_rate, bpm, beats, beats[::4], "A minor")


def _strike(waveform: Waveform, sound: Waveform, moment: float, sample_rate: int) -> None:
    start = round(moment * sample_rate)
    if start < waveform.size:
        end = min(waveform.size, start + sound.size)
        waveform[start:end] += sound[: end - start]


def write_wav(path: Path, waveform: Waveform, sample_rate: int = SAMPLE_RATE) -> Path:
    """Write a 16-bit WAV file with the standard library and return its path.

    Shape: `(samples,)` for mono, `(2, samples)` for stereo.
    """
    frames = np.atleast_2d(waveform).T  # (samples, channels)
    whole = np.round(np.clip(frames, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(whole.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(whole.tobytes())
    return path
