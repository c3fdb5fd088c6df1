"""Transitions and textures: risers, impacts, falls, snare rolls; vinyl, crowd, rain and air.

Every function returns float32 of shape `(2, samples)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.synth import filters
from earmark.synth.oscillators import oscillator

if TYPE_CHECKING:
    from collections.abc import Callable

    from earmark.synth.track import Audio


def _noise(samples: int, rng: np.random.Generator) -> Audio:
    return rng.standard_normal((2, samples), dtype=np.float32)


def riser(samples: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Noise whose filter opens, with a rising tone: the tension of a build."""
    along = np.linspace(0, 1, samples)
    frames = np.linspace(0, 1, filters.frame_count(samples))
    noise = filters.moving(
        _noise(samples, rng), filters.lowpass_response(300 * 40**frames, rng.uniform(0.8, 3), sample_rate)
    )
    sound = noise * np.float32(0.25)
    if rng.random() < 0.6:  # noqa: PLR2004  a choice of the producer
        start = 110 * 2 ** rng.uniform(0, 1)
        tone = oscillator(start * 2 ** (2 * along), samples, sample_rate, "saw")
        sound = sound + np.float32(0.15) * tone
    return np.asarray(
        filters.static(sound, sample_rate, "highpass", 250) * along.astype(np.float32) ** 1.5, dtype=np.float32
    )


def fall(samples: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """A riser backwards, for after the drop."""
    return np.ascontiguousarray(riser(samples, sample_rate, rng)[:, ::-1])


def impact(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A boom with a cloud of noise."""
    t = np.arange(int(1.8 * sample_rate), dtype=np.float32) / np.float32(sample_rate)
    hz = rng.uniform(38, 60)
    boom = np.sin(2 * np.pi * (hz * t + 3 * (1 - np.exp(-t / 0.05)))) * np.exp(-t / 0.4)
    cloud = filters.static(_noise(t.size, rng), sample_rate, "bandpass", (300, rng.uniform(3000, 9000))) * np.exp(
        -t / 0.35
    )
    return np.asarray((boom + np.float32(0.35) * cloud) * np.minimum(t / 0.001, 1), dtype=np.float32)


def vinyl(samples: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Crackle, hiss and rumble of a record."""
    out = 0.05 * filters.static(_noise(samples, rng), sample_rate, "highpass", 2000)
    count = rng.poisson(rng.uniform(8, 40) * samples / sample_rate)
    places = rng.integers(0, samples, size=count)
    crackle = np.zeros((2, samples), dtype=np.float32)
    crackle[rng.integers(0, 2, count), places] = rng.exponential(1.0, count)
    rumble = filters.static(_noise(samples, rng), sample_rate, "lowpass", 60)
    return np.asarray(
        out + filters.static(crackle, sample_rate, "bandpass", (800, 9000)) * 3 + 0.1 * rumble, dtype=np.float32
    )


def _slow(samples: int, sample_rate: int, rng: np.random.Generator, per_second: float) -> Audio:
    """A slow random curve between 0 and 1. Shape: `(samples,)`."""
    points = int(samples / sample_rate * per_second) + 4
    return np.interp(np.linspace(0, points - 1, samples), np.arange(points), rng.random(points)).astype(np.float32)


def crowd(samples: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Many voices at once: noise in the formants of vowels, swelling irregularly."""
    noise = filters.static(_noise(samples, rng), sample_rate, "bandpass", (400, 3200))
    frames = filters.frame_count(samples)
    mouth = np.abs(np.cumsum(rng.normal(0, 0.05, frames))) % 2
    voices = filters.moving(noise, filters.vowel_response(("a", "e", "o"), mouth, sample_rate))
    return np.asarray(voices * (0.3 + _slow(samples, sample_rate, rng, 3)), dtype=np.float32)


def rain(samples: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Rain, surf or wind: shaped noise that breathes."""
    noise = filters.static(
        _noise(samples, rng), sample_rate, "bandpass", (rng.uniform(200, 1500), rng.uniform(3000, 11000))
    )
    return np.asarray(noise * 0.4 * (0.3 + _slow(samples, sample_rate, rng, rng.uniform(0.2, 6))), dtype=np.float32)


def room(samples: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """The air of a room, mostly below 1 kHz."""
    return np.asarray(filters.static(_noise(samples, rng), sample_rate, "bandpass", (60, 900)) * 0.3, dtype=np.float32)


TEXTURES: Final[dict[str, Callable[[int, int, np.random.Generator], Audio]]] = {
    "vinyl": vinyl,
    "crowd": crowd,
    "rain": rain,
    "room": room,
}


def endless(
    texture: Callable[[int, int, np.random.Generator], Audio],
    samples: int,
    sample_rate: int,
    rng: np.random.Generator,
) -> Audio:
    """A texture of any length from nine seconds of it: turns that fade into each other over one second."""
    turn, overlap = 9 * sample_rate, sample_rate
    if samples <= turn:
        return texture(samples, sample_rate, rng)
    piece = texture(turn, sample_rate, rng)
    fade = np.sqrt(np.linspace(0, 1, overlap, dtype=np.float32))
    out = np.zeros((2, samples + turn), dtype=np.float32)
    out[:, :turn] = piece
    for start in range(turn - overlap, samples, turn - overlap):
        out[:, start : start + overlap] *= fade[::-1]
        out[:, start : start + overlap] += fade * piece[:, :overlap]
        out[:, start + overlap : start + turn] = piece[:, overlap:]
    return out[:, :samples]
