"""Log-mel patches: what YAMNet, and its relatives trained on AudioSet, take for sound.

Conventions: a waveform is mono, at 16 kHz, nominally in [-1, 1]; a *frame* is 25 ms under a Hann window, every 10 ms;
a *patch* is 96 frames, 0.96 s and 15 ms, of 64 mel bands: the logarithms of sums of *magnitudes*.
References: S. Hershey et al., CNN architectures for large-scale audio classification, 2017.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000  # Hz
WINDOW, HOP, N_FFT = 400, 160, 512  # samples
FRAMES, BANDS = 96, 64  # of a patch
LOWEST, HIGHEST = 125.0, 7500.0  # Hz
OFFSET = 0.001  # added before the logarithm


def front_end(waveform: NDArray[np.float32], hop: int = 48) -> NDArray[np.float32]:
    """The patches of a waveform (samples,) at 16 kHz; one shorter than a patch is filled up with silence.

    Args:
        waveform: what does not fill a patch at the end is not heard.
        hop: from one patch to the next, in frames of 10 ms; 48 is usual, half a patch.

    Shape: (patches, 96, 64).
    """
    shortest = (FRAMES - 1) * HOP + WINDOW
    if len(waveform) < shortest:
        waveform = np.pad(waveform, (0, shortest - len(waveform)))
    log_mel = np.log(magnitudes(waveform) @ mel_matrix(SAMPLE_RATE, N_FFT) + OFFSET)  # (frames, 64)
    patches = np.lib.stride_tricks.sliding_window_view(log_mel, FRAMES, axis=0)[::hop]  # (patches, 64, 96)
    return np.ascontiguousarray(patches.transpose(0, 2, 1))


def magnitudes(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """The magnitudes of the spectra of all whole frames of a waveform (samples,).

    Shape: (frames, 257).
    """
    frames = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW)[::HOP]
    spectra: NDArray[np.float32] = np.abs(np.fft.rfft(frames * hann(WINDOW), N_FFT))
    return spectra


def hann(length: int) -> NDArray[np.float32]:
    """A Hann window that would be periodic, (length,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


@cache
def mel_matrix(sample_rate: int, n_fft: int) -> NDArray[np.float32]:
    """Triangles of height 1, equally spaced in mel from 125 to 7500 Hz, straight in *mel*; 0 Hz counts for nothing.

    Shape: (n_fft / 2 + 1, 64).
    """
    bins = mel(np.arange(n_fft // 2 + 1) * sample_rate / n_fft)[:, None]
    corners = np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    matrix = np.maximum(0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    matrix.setflags(write=False)
    return matrix.astype(np.float32)


def mel(frequency: "float | NDArray[np.float64]") -> "NDArray[np.float64]":
    """Pitch in mel, as HTK has it, of a frequency in Hz."""
    return 1127 * np.log1p(np.asarray(frequency) / 700)
