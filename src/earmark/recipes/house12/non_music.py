"""Sounds that are no music: silence, noises, tones, sweeps, clicks and something like speech.

Conventions: waveform (samples,) float32 at 22,050 Hz, ten seconds long.
"""

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Waveform
from earmark.learning.networks.frontend import Descriptors
from earmark.spectra import hann

RATE = Descriptors.SAMPLE_RATE
SECONDS = 10

Sound = NDArray[np.float64]
_TIME = np.arange(SECONDS * RATE) / RATE


def non_music(generator: np.random.Generator, each: int) -> list[Waveform]:
    """Sounds that are no music, `each` of every kind."""
    kinds = (_silence, _noise, _pulsing_noise, _tones, _sweep, _clicks, _babble)
    return [kind(generator).astype(np.float32) for kind in kinds for _ in range(each)]


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
    position = (_TIME / SECONDS * turns) % 1
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
