"""Augmentation of a waveform or a spectrogram each time it is drawn: level, place, speed, spectrum, codec, masks.

All is plain NumPy or torch on one window, from the generator that it is given; nothing is done where a range is zero.

Conventions: waveform (samples,) float32; spectrogram (batch, 1, bands, frames).

References:
    Park et al., "SpecAugment", arXiv 1904.08779 (2019), for the masks.
    Zhang et al., "mixup: beyond empirical risk minimization", arXiv 1710.09412 (2018).
"""

import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import Tensor

from earmark.audio import Waveform
from earmark.learning.training.config import Augmentation

CODEC_FRAME = 1024  # samples of a transform
CODEC_BANDS = 24  # of a transform, each with its own threshold
LOWEST = 20.0  # Hz, of the audible


def longest(samples: int, sample_rate: int, augmentation: Augmentation) -> int:
    """The number of samples that must be at hand to draw a window of `samples`."""
    return round(samples * (1 + augmentation.speed)) + round(2 * augmentation.shift * sample_rate)


def middle(stretch: Waveform, samples: int) -> Waveform:
    """The middle of a stretch, filled up with silence at the end where it is shorter; shape (samples,)."""
    start = max(0, (len(stretch) - samples) // 2)
    taken = stretch[start : start + samples]
    return np.pad(taken, (0, samples - len(taken))).astype(np.float32)


def draw(
    stretch: Waveform, samples: int, sample_rate: int, settings: Augmentation, generator: np.random.Generator
) -> Waveform:
    """A window from a stretch of at least its length, changed at random; shape (samples,)."""
    speed = 1 + settings.speed * generator.uniform(-1, 1)
    needed = min(len(stretch), round(samples * speed))
    room = len(stretch) - needed
    centre = room / 2 + generator.uniform(-1, 1) * min(room / 2, settings.shift * sample_rate)
    start = int(np.clip(round(centre), 0, room))
    waveform = stretch[start : start + needed]
    if settings.speed:
        waveform = _at_speed(waveform, speed)
    waveform = middle(waveform, samples)
    if generator.random() < settings.equaliser:
        waveform = equalise(waveform, sample_rate, generator)
    if generator.random() < settings.codec:
        waveform = lose(waveform, float(generator.uniform(12, 24)))
    gain = 10 ** (settings.gain * generator.uniform(-1, 1) / 20)
    return (waveform * gain).astype(np.float32)


def _at_speed(waveform: Waveform, speed: float) -> Waveform:
    """Linear interpolation: what it does to the highest octave is one more thing that may vary."""
    places = np.arange(int(len(waveform) / speed)) * speed
    resampled: Waveform = np.interp(places, np.arange(len(waveform)), waveform).astype(np.float32)
    return resampled


def equalise(waveform: Waveform, sample_rate: int, generator: np.random.Generator) -> Waveform:
    """Limit the band and tilt the spectrum: a phone, a club recording, a cheap encoder.

    Below a cut-off of 20 to 150 Hz and above one of 0.35 to 1 of the band it falls by 24 dB per octave; the tilt is up
    to 3 dB per octave around 1 kHz.
    """
    size = next_fast_len(
        len(waveform) + sample_rate, real=True
    )  # what rings past the end must not come in at the start
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), LOWEST)
    low, high = generator.uniform(20, 150), generator.uniform(0.35, 1) * sample_rate / 2
    octave = np.log2(frequency / 1000)
    decibel = generator.uniform(-3, 3) * octave
    decibel -= 24 * np.maximum(0, np.log2(low / frequency)) + 24 * np.maximum(0, np.log2(frequency / high))
    changed = np.fft.irfft(np.fft.rfft(waveform, size) * 10 ** (np.clip(decibel, -60, 12) / 20), size)
    return changed[: len(waveform)].astype(np.float32)


def lose(waveform: Waveform, threshold: float) -> Waveform:
    """Leave out what a lossy codec would: all that lies `threshold` dB below the strongest of its band.

    Frames of 1,024 samples overlap by half under a sine window, as in a lapped transform.
    """
    hop = CODEC_FRAME // 2
    padded = np.pad(waveform, (hop, hop + -len(waveform) % hop))
    window = np.sin(np.pi * (np.arange(CODEC_FRAME) + 0.5) / CODEC_FRAME)
    frames = np.lib.stride_tricks.sliding_window_view(padded, CODEC_FRAME)[::hop] * window  # (frames, 1024)
    spectrum = np.fft.rfft(frames)  # (frames, 513)
    edges = np.unique(np.geomspace(1, spectrum.shape[1] + 1, CODEC_BANDS + 1).astype(int) - 1)
    strongest = np.maximum.reduceat(np.abs(spectrum), edges[:-1], axis=1).repeat(np.diff(edges), axis=1)
    kept = np.where(np.abs(spectrum) >= strongest * 10 ** (-threshold / 20), spectrum, 0)
    halves = (np.fft.irfft(kept) * window).reshape(len(frames), 2, hop)
    summed = np.zeros((len(frames) + 1, hop))
    summed[:-1] += halves[:, 0]
    summed[1:] += halves[:, 1]
    return summed.reshape(-1)[hop : hop + len(waveform)].astype(np.float32)


def mask(spectrogram: Tensor, settings: Augmentation, generator: np.random.Generator) -> Tensor:
    """Fill stretches of bands and of frames of each sample with its mean."""
    batch, _, bands, frames = spectrogram.shape
    filled = spectrogram.mean((1, 2, 3), keepdim=True)
    for _ in range(settings.frequency_masks):
        covered = _spans(batch, bands, settings.frequency_mask, generator).to(spectrogram.device)
        spectrogram = torch.where(covered[:, None, :, None], filled, spectrogram)
    for _ in range(settings.time_masks):
        covered = _spans(batch, frames, settings.time_mask, generator).to(spectrogram.device)
        spectrogram = torch.where(covered[:, None, None, :], filled, spectrogram)
    return spectrogram


def _spans(batch: int, size: int, longest: int, generator: np.random.Generator) -> Tensor:
    """A stretch of at most `longest` places of each row, as a mask (batch, size)."""
    length = generator.integers(min(longest, size) + 1, size=(batch, 1))
    first = generator.integers(size - length + 1)
    place = np.arange(size)
    return torch.from_numpy((place >= first) & (place < first + length))


def mix(waveform: Tensor, target: Tensor, alpha: float, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Play another track of the batch along with each, and share the target between the two."""
    if not alpha or len(waveform) < 2:  # noqa: PLR2004  nobody to mix with
        return waveform, target
    share = float(generator.beta(alpha, alpha))
    other = torch.from_numpy(generator.permutation(len(waveform))).to(waveform.device)
    return share * waveform + (1 - share) * waveform[other], share * target + (1 - share) * target[other]
