"""What tables cannot teach, learned from sound of our own: damage, half the drums, and what is no music.

The tables hold descriptors of whole, clean recordings. Synthetic tracks, which we can damage and take apart, tell how
the descriptors *move*; the movements are then applied to the rows of the real tracks. Nothing synthetic is ever
presented as a real example of a style.

    shifts     how descriptors move under each degradation: a linear map of the descriptors, and what it leaves open
    half_time  how the descriptors of drum & bass move when its drums play on every second beat only
    strangers  descriptors of silence, tones, noises and the like

Conventions: rows (n, 70) as `frontend.Descriptors` computes them. Shifts are in units of the spread of the real rows.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from earmark.audio import Waveform, decode
from earmark.files import replacing
from earmark.learning.evaluation.degradations import TAUGHT
from earmark.learning.networks.frontend import Descriptors
from earmark.recipes.house12.tables import Rows
from earmark.spectra import hann
from earmark.synth import STYLES, Track, render
from earmark.synth.encoding import write_audio

RATE = Descriptors.SAMPLE_RATE
STRANGER_SECONDS = 10
RIDGE = 30.0  # of the regression, in tracks' worth of evidence that nothing moves


@dataclass(frozen=True)
class Pairs:
    """Descriptors of the same sounds before and after, each (n, 70)."""

    before: Rows
    after: Rows


@dataclass(frozen=True)
class Lessons:
    """What was learned; `degraded` by the name of the degradation."""

    degraded: dict[str, Pairs]
    half_time: Pairs
    strangers: Rows


def save(lessons: Lessons, path: Path) -> None:
    """Write lessons as .npz."""
    pairs = {"half_time": lessons.half_time} | {f"degraded/{name}": each for name, each in lessons.degraded.items()}
    arrays = {name: np.stack([each.before, each.after]) for name, each in pairs.items()}
    with replacing(path) as file:
        np.savez_compressed(file, strangers=lessons.strangers, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> Lessons:
    """Read lessons that `save` has written."""
    with np.load(path, allow_pickle=False) as arrays:
        degraded = {name: Pairs(*arrays[f"degraded/{name}"]) for name in TAUGHT}
        return Lessons(degraded, Pairs(*arrays["half_time"]), arrays["strangers"])


@dataclass(frozen=True)
class Shift:
    """after = before + spread * (before' @ weight + bias + residual * noise), before' standardised; (70, 70), (70,)."""

    centre: Rows
    spread: Rows
    weight: Rows
    bias: Rows
    residual: Rows

    def apply(self, rows: Rows, generator: np.random.Generator) -> Rows:
        """Shifted copies of rows (n, 70), noise included."""
        standard = (rows - self.centre) / self.spread
        noise = generator.standard_normal(rows.shape) * self.residual
        shifted: Rows = (rows + self.spread * (standard @ self.weight + self.bias + noise)).astype(np.float32)
        return shifted


def learn_shift(pairs: Pairs, real: Rows, *, constant: bool = False) -> Shift:
    """Ridge regression of the movement on the descriptors, or its mean alone if `constant`.

    Args:
        pairs: what was heard before and after.
        real: real rows, for centre and spread.
        constant: leave out the dependence on the descriptors.
    """
    centre, spread = real.mean(0), real.std(0)
    before = (pairs.before - centre) / spread
    movement = (pairs.after - pairs.before) / spread
    mean, bias = before.mean(0), movement.mean(0)
    deviation = before - mean
    size = before.shape[1]
    weight = (
        np.zeros((size, size))
        if constant
        else np.linalg.solve(deviation.T @ deviation + RIDGE * np.eye(size), deviation.T @ (movement - bias))
    )
    residual = (movement - bias - deviation @ weight).std(0)
    return Shift(centre, spread, weight, bias - mean @ weight, residual)


def learn(per_style: int, seed: int, progress: Callable[[float], None]) -> Lessons:
    """Render, damage and measure: `per_style` tracks of 30 s of each style.

    Args:
        per_style: tracks of each of the twelve styles; drum & bass is rendered four times as often for `half_time`.
        seed: of the first track.
        progress: called with the share that is done.
    """
    describe = _describer()
    degraded: dict[str, tuple[list[Rows], list[Rows]]] = {name: ([], []) for name in TAUGHT}
    halves: tuple[list[Rows], list[Rows]] = ([], [])
    half_time_tracks = 4 * per_style
    total = per_style * len(STYLES) + half_time_tracks
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "track.wav")
        for index in range(per_style * len(STYLES)):
            track = render(list(STYLES)[index % len(STYLES)], seed + index, 30.0)
            write_audio(file, track.audio, track.sample_rate)
            before = describe(decode(file, RATE))
            for name, degrade in TAUGHT.items():
                degraded[name][0].append(before)
                degraded[name][1].append(describe(degrade(file, RATE)))
            progress((index + 1) / total)
    for index in range(half_time_tracks):
        track = render("Drum & Bass", seed + total + index, 30.0)
        for side, mix in zip(halves, (full_mix(track), half_time(track)), strict=True):
            side.append(describe(soxr.resample(mix.mean(0), track.sample_rate, RATE)))
        progress((per_style * len(STYLES) + index + 1) / total)
    return Lessons(
        degraded={name: Pairs(np.stack(before), np.stack(after)) for name, (before, after) in degraded.items()},
        half_time=Pairs(np.stack(halves[0]), np.stack(halves[1])),
        strangers=np.stack([describe(sound) for sound in strangers(np.random.default_rng(seed), 20)]),
    )


def full_mix(track: Track) -> NDArray[np.float32]:
    """The sum of the stems, shape (2, samples)."""
    mix: NDArray[np.float32] = np.sum(list(track.stems.values()), axis=0)
    return mix


def half_time(track: Track) -> NDArray[np.float32]:
    """The mix of a track with its drums on the first and third beat of each bar only, shape (2, samples)."""
    gate = np.zeros(track.audio.shape[1], np.float32)
    beats = [*track.truth.beats, track.seconds]
    for start, end in zip(beats[::2], beats[1::2], strict=False):
        gate[round(start * track.sample_rate) : round(end * track.sample_rate)] = 1
    return full_mix(track) - track.stems["drums"] * (1 - gate)


def _describer() -> Callable[[Waveform], Rows]:
    front_end = Descriptors().eval()

    @torch.no_grad()
    def describe(waveform: Waveform) -> Rows:
        row: Rows = front_end(torch.from_numpy(np.ascontiguousarray(waveform, np.float32))[None])[0].numpy()
        return row

    return describe


def strangers(generator: np.random.Generator, each: int) -> list[Waveform]:
    """Sounds that are no music, `each` of every kind, ten seconds long, shape (samples,) at 22,050 Hz."""
    kinds = (_silence, _noise, _pulsing_noise, _tones, _sweep, _clicks, _babble)
    return [kind(generator).astype(np.float32) for kind in kinds for _ in range(each)]


Sound = NDArray[np.float64]
_TIME = np.arange(STRANGER_SECONDS * RATE) / RATE


def _silence(generator: np.random.Generator) -> Sound:
    """Digital silence, or the last bits of it."""
    loudest = generator.choice([0, 1, 2])
    return generator.integers(-loudest, loudest + 1, _TIME.size) / 2**15


def _noise(generator: np.random.Generator) -> Sound:
    """Noise of any slope from rising to steeply falling, over a band of any width."""
    spectrum = np.fft.rfft(generator.standard_normal(_TIME.size))
    frequency = np.fft.rfftfreq(_TIME.size, 1 / RATE)
    low, high = np.sort(20 * 2 ** generator.uniform(0, 9, 2))
    shape = (np.maximum(frequency, 20) / 1000) ** generator.uniform(-1.5, 0.5)
    shape[(frequency < low) | (frequency > high * 1.5)] *= 10 ** generator.uniform(-3, 0)
    return _scaled(np.fft.irfft(spectrum * shape, _TIME.size), generator)


def _pulsing_noise(generator: np.random.Generator) -> Sound:
    """Noise that swells and fades: surf, wind, machines."""
    rate = 2 ** generator.uniform(-3, 4)
    swell = (0.5 + 0.5 * np.sin(2 * np.pi * rate * _TIME)) ** generator.uniform(0.5, 6)
    return _noise(generator) * swell


def _tones(generator: np.random.Generator) -> Sound:
    """One to four steady tones with a few partials: a test signal, hum, a dial tone."""
    tone = np.zeros_like(_TIME)
    for _ in range(generator.integers(1, 5)):
        pitch = 40 * 2 ** generator.uniform(0, 7)
        partials = np.arange(1, generator.integers(2, 8))
        partials = partials[partials * pitch < RATE / 2]
        tone += (np.sin(2 * np.pi * pitch * np.outer(partials, _TIME)) / partials[:, None]).sum(0)
    return _scaled(tone, generator) + 10 ** generator.uniform(-5, -3) * generator.standard_normal(_TIME.size)


def _sweep(generator: np.random.Generator) -> Sound:
    """A tone that slides, once or over and over: sirens, test sweeps."""
    turns = generator.integers(1, 20)
    position = (_TIME / STRANGER_SECONDS * turns) % 1
    low, high = generator.uniform(30, 400), generator.uniform(800, 10_000)
    frequency = low * (high / low) ** position
    return _scaled(np.sin(2 * np.pi * np.cumsum(frequency) / RATE), generator)


def _clicks(generator: np.random.Generator) -> Sound:
    """Clicks and knocks at irregular times."""
    sound = np.zeros_like(_TIME)
    decay = np.exp(-np.arange(2000) / generator.uniform(5, 400))
    for place in generator.integers(0, _TIME.size - 2000, generator.integers(1, 60)):
        sound[place : place + 2000] += decay * generator.standard_normal(2000) * generator.uniform(0.1, 1)
    return _scaled(sound, generator) + 10 ** generator.uniform(-5, -3) * generator.standard_normal(_TIME.size)


def _babble(generator: np.random.Generator) -> Sound:
    """Something like speech: a buzz whose formants change with each syllable, hisses, pauses."""
    sound = np.zeros_like(_TIME)
    place = 0
    pitch = generator.uniform(80, 260)
    while place < _TIME.size:
        length = int(generator.uniform(0.08, 0.35) * RATE)
        time = np.arange(length) / RATE
        glide = pitch * 2 ** (generator.uniform(-0.3, 0.3) * time / time[-1] + generator.uniform(-0.2, 0.2))
        harmonics = np.arange(1, 40)[:, None]
        formants = generator.uniform([250, 800, 2200], [900, 2300, 3400])
        gain = sum(np.exp(-(((harmonics * pitch - formant) / 180) ** 2)) for formant in formants) + 0.02
        voiced = (gain * np.sin(2 * np.pi * harmonics * np.cumsum(glide) / RATE)).sum(0)
        hiss = np.diff(generator.standard_normal(length), prepend=0.0)
        syllable = hann(length, periodic=False) * (voiced if generator.random() < 0.75 else hiss)  # noqa: PLR2004  three of four
        end = min(place + length, _TIME.size)
        sound[place:end] += syllable[: end - place] * generator.uniform(0.3, 1)
        place = end + int(generator.choice([0.0, 0.02, 0.4], p=[0.6, 0.25, 0.15]) * RATE)
    return _scaled(sound, generator) + 10 ** generator.uniform(-5, -3) * generator.standard_normal(_TIME.size)


def _scaled(sound: Sound, generator: np.random.Generator) -> Sound:
    scaled: Sound = sound / (np.abs(sound).max() + 1e-12) * 10 ** generator.uniform(-1.5, 0)
    return scaled
