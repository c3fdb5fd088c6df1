"""Log-mel patches: what YAMNet, and its relatives trained on AudioSet, take for sound.

Conventions: a waveform is mono, at 16 kHz, nominally in [-1, 1]; a *frame* is 25 ms under a Hann window, every 10 ms;
a *patch* is 96 frames, 0.96 s and 15 ms, of 64 mel bands: the logarithms of sums of *magnitudes*.
References: S. Hershey et al., CNN architectures for large-scale audio classification, 2017.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from earmark.spectra import bin_frequencies, hann, mel_htk

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
    log_mel = np.log(magnitudes(waveform) @ mel_matrix() + OFFSET)  # (frames, 64)
    patches = np.lib.stride_tricks.sliding_window_view(log_mel, FRAMES, axis=0)[::hop]  # (patches, 64, 96)
    return np.ascontiguousarray(patches.transpose(0, 2, 1))


def magnitudes(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """The magnitudes of the spectra of all whole frames of a waveform (samples,).

    Shape: (frames, 257).
    """
    frames = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW)[::HOP]
    spectra: NDArray[np.float32] = np.abs(np.fft.rfft(frames * hann(WINDOW).astype(np.float32), N_FFT))
    return spectra


@cache
def mel_matrix() -> NDArray[np.float32]:
    """Mel bands from 125 to 7500 Hz, as a matrix on the magnitudes.

    Shape: (257, 64).
    """
    matrix = mel_htk(bin_frequencies(SAMPLE_RATE, N_FFT), BANDS, LOWEST, HIGHEST).astype(np.float32)
    matrix.setflags(write=False)
    return matrix
