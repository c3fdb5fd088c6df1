"""Scenes: some seconds of one or two sounds as they might reach a microphone or a file, many at once.

In distillation the sounds need no labels, as the teachers name whatever they hear; what counts is that they are many
and unlike each other (Beyer et al., "Knowledge distillation: a good teacher is patient and consistent", CVPR 2022).
So a scene draws from every kind of material, mixes, changes speed, spectrum, band and room, overdrives, adds noise,
leaves out what a codec would, and sets the level anywhere between a whisper and clipping.

Filters and rooms are applied by one Fourier transform of the whole scene, as if it were a loop.

Conventions: scenes (batch, samples) float32 at the bank's 32 kHz, on the bank's device; they depend on nothing but the
generator and the bank.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.recipes.distillation.bank import RATE, Bank
from earmark.recipes.distillation.material import KINDS

PLAIN = 0.25  # share of the scenes that are left as they are, but for their speed and level
MOVED, SPEED = 0.5, 0.4  # share of the stretches at another speed, and how far it goes, in octaves
MIXED = 0.4  # share of the mixtures, among the others; so are the shares that follow
COLOURED = 0.35  # other spectra
BELLS = 0.2  # parts of the spectrum louder or softer
NARROW = 0.25  # nothing above a frequency: old files, telephones, videos
ROOMS = 0.2
DRIVEN = 0.2
NOISY = 0.2
CODED = 0.12
FULL_SCALE = 0.6  # half of the music that is published touches full scale; what is recorded may be anything

Mask = NDArray[np.bool_]

LONGEST_ROOM = 3.0  # seconds
CODEC_FRAME, CODEC_BANDS = 1024, 24  # samples; bands with a threshold each


def scenes(bank: Bank, rng: np.random.Generator, count: int, seconds: float) -> Tensor:
    """Scenes, (count, seconds x 32,000)."""
    samples = round(seconds * RATE)
    device = bank.sound.device
    noise = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    sound = stretches(bank, rng, count, samples)
    changed = rng.random(count) >= PLAIN
    mixed = _some(MIXED, changed, rng)
    if len(mixed):
        other = stretches(bank, rng, len(mixed), samples)
        ratio = (power(sound[mixed]) / power(other)).sqrt()
        level = _column(10 ** (rng.uniform(-15, 3, len(mixed)) / 20), device)
        sound[mixed] += other * ratio * level
    heard = sound.abs().amax(1, keepdim=True) > 0
    sound = filtered(sound, changed, rng, noise)
    sound = sound / _peak(sound)
    driven = _some(DRIVEN, changed, rng)
    sound[driven] = torch.tanh(sound[driven] * _column(10 ** (rng.uniform(0, 18, len(driven)) / 20), device))
    noisy = _some(NOISY, changed, rng)
    hiss = torch.randn(len(noisy), samples, generator=noise, device=device)
    sound[noisy] += hiss * _column(10 ** (rng.uniform(-60, -20, len(noisy)) / 20), device)
    coded = _some(CODED, changed, rng)
    if len(coded):
        sound[coded] = coded_badly(sound[coded], _column(rng.uniform(12, 24, len(coded)), device))
    loudness = np.where(rng.random(count) < FULL_SCALE, 0.0, rng.uniform(-40, 3, count))  # dB
    scaled = sound * (_column(10 ** (loudness / 20), device) / _peak(sound))
    return torch.where(heard, scaled.clamp(-1, 1), 0)


def stretches(bank: Bank, rng: np.random.Generator, count: int, samples: int) -> Tensor:
    """Stretches of any clips, half of them at another speed and so at another pitch, (count, samples).

    A clip that ends begins again.
    """
    device = bank.sound.device
    shares = {kind: share for kind, share in KINDS.items() if kind in bank.kinds}
    drawn = rng.choice(len(shares), count, p=np.array(list(shares.values())) / sum(shares.values()))
    clips = np.zeros(count, np.int64)
    for number, kind in enumerate(shares):
        these = drawn == number
        clips[these] = rng.choice(bank.kinds[kind], these.sum())
    speed = np.where(rng.random(count) < MOVED, 2 ** rng.uniform(-SPEED, SPEED, count), 1.0)
    lengths = bank.lengths[clips]
    offset = rng.integers(np.maximum(1, lengths - (samples * speed).astype(np.int64)))
    time = torch.arange(samples, device=device, dtype=torch.float64)
    place = _column(offset, device, torch.float64) + time * _column(speed, device, torch.float64)
    before = place.long()
    between = (place - before).float()
    length, start = (_column(each, device, torch.int64) for each in (lengths, bank.starts[clips]))
    one = bank.sound[start + before % length].float()
    two = bank.sound[start + (before + 1) % length].float()
    return torch.lerp(one, two, between) / 32768


def filtered(sound: Tensor, changed: Mask, rng: np.random.Generator, noise: torch.Generator) -> Tensor:
    """With other spectra, in narrower bands, in rooms; some of each."""
    count, samples = sound.shape
    device = sound.device
    frequency = torch.fft.rfftfreq(samples, 1 / RATE, device=device)  # Hz
    octave = torch.log2(frequency.clamp_min(20) / 1000)
    decibel = torch.zeros(count, len(frequency), device=device)

    some = _some(COLOURED, changed, rng)
    low, high = np.log2(rng.uniform(20, 150, len(some)) / 1000), np.log2(rng.uniform(3.9, 16, len(some)))
    tilt = _column(rng.uniform(-3, 3, len(some)), device) * octave
    slopes = (_column(low, device) - octave).clamp_min(0) + (octave - _column(high, device)).clamp_min(0)
    decibel[some] += tilt.clamp(-12, 12) - 24 * slopes

    for _ in range(2):
        some = _some(BELLS, changed, rng)
        middle, width = rng.uniform(-4, 3.5, len(some)), rng.uniform(0.3, 1.5, len(some))
        bell = torch.exp(-(((octave - _column(middle, device)) / _column(width, device)) ** 2))
        decibel[some] += _column(rng.uniform(-12, 9, len(some)), device) * bell

    some = _some(NARROW, changed, rng)
    edge = 1000 * 2 ** rng.uniform(1.6, 3.9, len(some))  # 3 to 15 kHz
    beyond = (frequency - _column(edge, device)) / _column(rng.uniform(0.02, 0.2, len(some)) * edge, device)
    decibel[some] -= 60 * beyond.clamp(0, 1.5)

    spectrum = torch.fft.rfft(sound) * 10 ** (decibel.clamp(-90, 24) / 20)
    some = _some(ROOMS, changed, rng)
    if len(some):
        spectrum[some] *= rooms(len(some), samples, rng, noise)
    changed_sound: Tensor = torch.fft.irfft(spectrum, samples)
    return changed_sound


def rooms(count: int, samples: int, rng: np.random.Generator, noise: torch.Generator) -> Tensor:
    """What rooms do to the spectrum of a scene, (count, samples / 2 + 1) complex.

    The tail is noise that decays by 60 dB within 0.1 to 3 s, darker than the sound, added at -20 to -2 dB.
    """
    device = noise.device
    length = min(samples, round(LONGEST_ROOM * RATE))
    decay = _column(rng.uniform(0.1, LONGEST_ROOM, count) * RATE, device)  # samples
    tail = torch.randn(count, length, generator=noise, device=device)
    tail *= 10 ** (-3 * torch.arange(length, device=device) / decay)
    tail[:, 1:] += _column(rng.uniform(0, 0.9, count), device) * tail[:, :-1].clone()
    tail /= tail.square().sum(1, keepdim=True).sqrt()
    response: Tensor = 1 + _column(10 ** (rng.uniform(-20, -2, count) / 20), device) * torch.fft.rfft(tail, samples)
    return response


def coded_badly(sound: Tensor, threshold: Tensor) -> Tensor:
    """Without what a lossy codec would leave out: all that lies `threshold` dB below the strongest of its band.

    Frames of 1,024 samples overlap by half under a sine window, as in a lapped transform.

    Shape: (batch, samples), (batch, 1) -> (batch, samples).
    """
    batch, samples = sound.shape
    hop = CODEC_FRAME // 2
    padded = torch.nn.functional.pad(sound, (hop, hop + -samples % hop))
    window = torch.sin(torch.pi * (torch.arange(CODEC_FRAME, device=sound.device) + 0.5) / CODEC_FRAME)
    spectrum = torch.fft.rfft(padded.unfold(1, CODEC_FRAME, hop) * window)  # (batch, frames, 513)
    edges = np.unique(np.geomspace(1, spectrum.shape[2] + 1, CODEC_BANDS + 1).astype(int) - 1)
    faintest = 10 ** (-threshold[:, :, None] / 20)  # (batch, 1, 1)
    for low, high in zip(edges, edges[1:], strict=False):
        band = spectrum[:, :, low:high]
        loud = band.abs()
        band *= loud >= faintest * loud.amax(2, keepdim=True)
    halves = (torch.fft.irfft(spectrum) * window).unflatten(2, (2, hop))  # (batch, frames, 2, hop)
    summed = torch.zeros(batch, halves.shape[1] + 1, hop, device=sound.device)
    summed[:, :-1] += halves[:, :, 0]
    summed[:, 1:] += halves[:, :, 1]
    return summed.flatten(1)[:, hop : hop + samples]


EDGE = 0.087  # of the band: where the resampler that files are read with begins to fall off


def at(rate: int, sound: Tensor) -> Tensor:
    """Scenes at a lower sample rate: what lies above half of it is left out, and the last of the band falls off.

    Shape: (batch, samples) -> (batch, samples x rate / 32,000).
    """
    samples = sound.shape[1] * rate // RATE
    spectrum = torch.fft.rfft(sound)[:, : samples // 2 + 1]
    edge = torch.linspace(0, 1, samples // 2 + 1, device=sound.device)
    lower: Tensor = torch.fft.irfft(spectrum * ((1 - edge) / EDGE).clamp(max=1), samples) * (rate / RATE)
    return lower


def power(sound: Tensor) -> Tensor:
    """The mean square of each scene, (batch, 1), never 0."""
    return sound.square().mean(1, keepdim=True).clamp_min(1e-12)


def _some(share: float, of: Mask, rng: np.random.Generator) -> NDArray[np.int64]:
    """The places of a share of those that are True."""
    return np.flatnonzero((rng.random(len(of)) < share) & of)


def _peak(sound: Tensor) -> Tensor:
    return sound.abs().amax(1, keepdim=True).clamp_min(1e-9)


def _column(values: NDArray[np.generic], device: torch.device | str, kind: torch.dtype = torch.float32) -> Tensor:
    """One value for each scene, (batch, 1)."""
    return torch.as_tensor(values, device=device).to(kind)[:, None]
