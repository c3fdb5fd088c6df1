"""One-shots of a drum kit: synthetic, analogue-like and acoustic-like.

Every drum is a function of a sample rate and a generator that draws one design; it returns one struck sound, float32,
shape `(samples,)`, peak about 1. `KITS` says which drums a kind of kit is made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.synth.filters import static
from earmark.synth.oscillators import oscillator

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from earmark.synth.track import Audio

    Drum = Callable[[int, np.random.Generator], Audio]


def _time(seconds: float, sample_rate: int) -> npt.NDArray[np.float32]:
    return np.arange(int(seconds * sample_rate), dtype=np.float32) / np.float32(sample_rate)


def _noise(samples: int, rng: np.random.Generator) -> Audio:
    return rng.standard_normal(samples, dtype=np.float32)


def _finish(sound: npt.NDArray[np.floating], sample_rate: int) -> Audio:
    """Peak 1, with a millisecond of fade in and ten of fade out."""
    fade = min(sound.size, sample_rate // 100)
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    attack = max(2, sample_rate // 2000)
    sound[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    return np.asarray(sound / (np.abs(sound).max() + 1e-9), dtype=np.float32)


def kick(
    sample_rate: int, rng: np.random.Generator, *, deep: float = 0.5, hard: float = 0.3, long: float = 0.5
) -> Audio:
    """A kick: a sine that falls, a click, saturation. `deep`, `hard` and `long` in 0-1 steer the draw."""
    tail_hz = rng.uniform(42, 50) * 1.25 ** (1 - deep * 2 * rng.random())
    sweep_hz = rng.uniform(120, 380) * (0.6 + hard)
    click_hz = rng.uniform(900, 4500) * (0.4 + hard)
    decay = rng.uniform(0.07, 0.14) * (0.7 + 1.6 * long)
    t = _time(min(0.9, 4.5 * decay + 0.08), sample_rate)
    sweep, snap = rng.uniform(0.025, 0.05), rng.uniform(0.0025, 0.006)
    turns = tail_hz * t - sweep_hz * sweep * np.expm1(-t / sweep) - click_hz * snap * np.expm1(-t / snap)
    hold = rng.uniform(0.0, 0.06) * long
    body = np.sin(2 * np.pi * turns) * np.exp(-np.maximum(t - hold, 0) / decay)
    drive = 1 + 6 * hard * rng.uniform(0.4, 1)
    body = np.tanh(drive * body) / np.tanh(drive)
    click = static(_noise(t.size, rng), sample_rate, "highpass", 2500) * np.exp(-t / rng.uniform(0.001, 0.004))
    return _finish(body + rng.uniform(0.02, 0.2) * (0.5 + hard) * click, sample_rate)


def kick_acoustic(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A bass drum with a beater, two modes of the head and a small room."""
    t = _time(0.4, sample_rate)
    hz = rng.uniform(52, 72)
    modes = np.sin(2 * np.pi * (hz * t + 1.2 * (1 - np.exp(-t / 0.02)))) * np.exp(-t / rng.uniform(0.06, 0.11))
    modes += 0.4 * np.sin(2 * np.pi * hz * 1.6 * t) * np.exp(-t / 0.05)
    beater = static(_noise(t.size, rng), sample_rate, "bandpass", (1500, 5000)) * np.exp(-t / 0.006)
    room = static(_noise(t.size, rng), sample_rate, "bandpass", (80, 900)) * np.exp(-t / 0.07)
    return _finish(modes + rng.uniform(0.3, 0.8) * beater + rng.uniform(0.05, 0.2) * room, sample_rate)


def snare(sample_rate: int, rng: np.random.Generator, *, tight: float = 0.5, crack: float = 0.5) -> Audio:
    """A snare: two modes of the head, the wires as noise, saturation. `tight` and `crack` in 0-1."""
    t = _time(0.5, sample_rate)
    hz = rng.uniform(165, 225)
    bend = rng.uniform(0.2, 0.9) * (1 - np.exp(-t / 0.015))
    head = np.sin(2 * np.pi * (hz * t + bend)) * np.exp(-t / rng.uniform(0.05, 0.09))
    head += 0.5 * np.sin(2 * np.pi * hz * rng.uniform(1.6, 1.9) * t) * np.exp(-t / 0.04)
    wires = static(_noise(t.size, rng), sample_rate, "bandpass", (rng.uniform(700, 1800), rng.uniform(8000, 14000)))
    wires *= np.exp(-t / (rng.uniform(0.05, 0.13) * (1.5 - tight)))
    snap = static(_noise(t.size, rng), sample_rate, "highpass", 3000) * np.exp(-t / 0.004)
    mix = head + rng.uniform(0.6, 1.3) * wires + crack * rng.uniform(0.4, 1.2) * snap
    return _finish(np.tanh(rng.uniform(1, 2.5) * mix), sample_rate)


def snare_acoustic(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A snare struck in a room, as on the records that breakbeats are cut from."""
    dry = snare(sample_rate, rng, tight=0.3, crack=0.8)
    t = _time(dry.size / sample_rate, sample_rate)[: dry.size]
    ring = np.sin(2 * np.pi * rng.uniform(280, 420) * t) * np.exp(-t / 0.09)
    room = static(_noise(dry.size, rng), sample_rate, "bandpass", (300, 6000)) * np.exp(-t / rng.uniform(0.08, 0.16))
    return _finish(dry + rng.uniform(0.1, 0.3) * ring + rng.uniform(0.08, 0.3) * room, sample_rate)


def clap(sample_rate: int, rng: np.random.Generator) -> Audio:
    """Several hands that do not quite agree, then the room."""
    t = _time(0.45, sample_rate)
    low = rng.uniform(700, 1100)
    noise = static(_noise(t.size, rng), sample_rate, "bandpass", (low, low * rng.uniform(3, 7)))
    hands = np.zeros_like(t)
    for delay in np.sort(rng.uniform(0, 0.028, rng.integers(2, 5))):
        hands += np.where(t >= delay, np.exp(-np.maximum(t - delay, 0) / 0.006), 0)
    late = 0.025  # seconds until the room answers
    tail = np.where(t > late, np.exp(-np.maximum(t - late, 0) / rng.uniform(0.04, 0.12)), 0)
    return _finish(noise * (hands + rng.uniform(0.5, 1) * tail), sample_rate)


def rim(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A rim shot, or the click of a wood block."""
    t = _time(0.09, sample_rate)
    hz = rng.uniform(380, 560)
    tone = np.sin(2 * np.pi * hz * t) + 0.8 * np.sin(2 * np.pi * hz * rng.uniform(3.2, 4.1) * t)
    return _finish(tone * np.exp(-t / rng.uniform(0.008, 0.018)), sample_rate)


def _metal(samples: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Six square waves at no simple ratio, the sound of an analogue cymbal."""
    ratios = np.array([1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523]) * rng.uniform(0.97, 1.03, 6)
    base = rng.uniform(320, 560)
    waves = [oscillator(base * r, samples, sample_rate, "square", phase=rng.random()) for r in ratios]
    return np.asarray(np.sum(waves, axis=0), dtype=np.float32)


def _cymbal(sample_rate: int, rng: np.random.Generator, seconds: float, decay: float, low: float) -> Audio:
    t = _time(seconds, sample_rate)
    metal = static(_metal(t.size, sample_rate, rng), sample_rate, "highpass", low)
    hiss = static(_noise(t.size, rng), sample_rate, "highpass", low * rng.uniform(0.9, 1.3))
    share = rng.uniform(0.1, 0.9)
    mix = share * metal / (metal.std() + 1e-9) + (1 - share) * hiss / (hiss.std() + 1e-9)
    return _finish(mix * (np.exp(-t / decay) + 0.25 * np.exp(-t / (decay / 5))), sample_rate)


def hat(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A closed hi-hat."""
    return _cymbal(sample_rate, rng, 0.14, rng.uniform(0.012, 0.04), rng.uniform(5500, 9000))


def open_hat(sample_rate: int, rng: np.random.Generator) -> Audio:
    """An open hi-hat."""
    return _cymbal(sample_rate, rng, 0.5, rng.uniform(0.07, 0.18), rng.uniform(4500, 8000))


def ride(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A ride cymbal with a bell."""
    wash = _cymbal(sample_rate, rng, 0.9, rng.uniform(0.15, 0.35), rng.uniform(3500, 6000))
    t = _time(0.9, sample_rate)
    bell = np.sin(2 * np.pi * rng.uniform(2500, 4200) * t) * np.exp(-t / 0.12)
    return _finish(wash + rng.uniform(0.1, 0.4) * bell, sample_rate)


def crash(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A crash cymbal of two seconds."""
    return _cymbal(sample_rate, rng, 2.2, rng.uniform(0.4, 0.7), rng.uniform(2500, 5000))


def shaker(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A shaker: noise that swells before it falls."""
    t = _time(0.14, sample_rate)
    swell = rng.uniform(0.008, 0.025)
    noise = static(_noise(t.size, rng), sample_rate, "bandpass", (rng.uniform(3500, 6000), rng.uniform(10000, 15000)))
    return _finish(noise * (t / swell) * np.exp(1 - t / swell), sample_rate)


def tom(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A tom, conga or bongo: a skin of 90 to 420 Hz."""
    t = _time(0.45, sample_rate)
    hz = 90 * 2 ** rng.uniform(0, 2.2)
    skin = np.sin(2 * np.pi * (hz * t + rng.uniform(0.2, 1.2) * (1 - np.exp(-t / 0.03))))
    skin *= np.exp(-t / rng.uniform(0.04, 0.14))
    slap = static(_noise(t.size, rng), sample_rate, "bandpass", (hz * 2, hz * 8)) * np.exp(-t / 0.01)
    return _finish(skin + rng.uniform(0.05, 0.5) * slap, sample_rate)


def cowbell(sample_rate: int, rng: np.random.Generator) -> Audio:
    """Two square waves a fifth apart, more or less."""
    t = _time(0.3, sample_rate)
    hz = rng.uniform(480, 620)
    waves = oscillator(hz, t.size, sample_rate, "square") + oscillator(hz * 1.48, t.size, sample_rate, "square")
    return _finish(static(waves, sample_rate, "bandpass", (600, 3500)) * np.exp(-t / 0.05), sample_rate)


def glitch(sample_rate: int, rng: np.random.Generator) -> Audio:
    """A short machine noise: FM zap, held sample or burst."""
    t = _time(rng.uniform(0.03, 0.12), sample_rate)
    hz = 200 * 2 ** rng.uniform(0, 4)
    index = rng.uniform(1, 9) * np.exp(-t / 0.02)
    zap = np.sin(2 * np.pi * hz * t + index * np.sin(2 * np.pi * hz * rng.uniform(0.3, 3.7) * t))
    held = np.repeat(zap[:: rng.integers(4, 24)], 24)[: t.size]
    sound = zap if held.size < t.size else held
    return _finish(sound * np.exp(-t / 0.03), sample_rate)


KICKS: Final[dict[str, Drum]] = {
    "round": lambda sr, rng: kick(sr, rng, deep=0.7, hard=0.15, long=0.5),
    "punchy": lambda sr, rng: kick(sr, rng, deep=0.4, hard=0.45, long=0.35),
    "long": lambda sr, rng: kick(sr, rng, deep=0.7, hard=0.5, long=1.0),
    "hard": lambda sr, rng: kick(sr, rng, deep=0.6, hard=1.0, long=0.8),
    "short": lambda sr, rng: kick(sr, rng, deep=0.3, hard=0.5, long=0.05),
    "acoustic": kick_acoustic,
}
SNARES: Final[dict[str, Drum]] = {
    "tight": lambda sr, rng: snare(sr, rng, tight=0.9, crack=0.6),
    "big": lambda sr, rng: snare(sr, rng, tight=0.1, crack=1.0),
    "acoustic": snare_acoustic,
    "clap": clap,
    "rim": rim,
}
CYMBALS_AND_SMALL: Final[dict[str, Drum]] = {
    "hat": hat,
    "open": open_hat,
    "ride": ride,
    "crash": crash,
    "shaker": shaker,
    "tom": tom,
    "conga": tom,
    "cowbell": cowbell,
    "rim": rim,
    "glitch": glitch,
    "clap": clap,
}
