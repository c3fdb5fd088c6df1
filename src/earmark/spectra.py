"""Windows and filterbanks: from samples to a spectrum, and from there to mel bands, cepstra and pitch classes.

Conventions: `bins` are the values of a magnitude or power spectrum from 0 Hz upwards; all windows and filterbanks are
float64; frequencies are in Hz.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

ON_ONE_THREAD: Final = 4 * 65_536
"""Multiplications in a matrix product up to which OpenBLAS does it on the thread that asks (its `interface/gemm.c`)."""

SUMMED_ON_ONE_THREAD: Final = 10_000
"""Length of vectors up to which OpenBLAS multiplies them on the thread that asks (its `kernel/x86_64/sdot.c`)."""


def energies(rows: NDArray[Any]) -> NDArray[Any]:
    """The sum of the squares in each row.

    Shape: (..., samples) -> (...,).
    """
    *before, length = rows.shape
    number, over = divmod(length, SUMMED_ON_ONE_THREAD)
    rest = rows[..., length - over :]
    sums = np.asarray(np.vecdot(rest, rest))
    if not number:
        return sums
    parts = rows[..., : length - over].reshape(*before, number, SUMMED_ON_ONE_THREAD)
    return np.asarray(np.vecdot(parts, parts).sum(-1) + sums)


def filtered(rows: NDArray[Any], bank: NDArray[Any]) -> NDArray[Any]:
    """The product of many rows (spectra, stretches of a waveform) with a filterbank, some rows at a time.

    One large product would wake all threads of BLAS, and they burn more processor time than the product costs, on cores
    where other files are heard.

    Shape: (rows, bins) and (bins, bands) -> (rows, bands).
    """
    group = max(2, ON_ONE_THREAD // bank.size)
    if 1 < len(rows) <= group:
        return np.asarray(rows @ bank)
    whole = len(rows) // group * group
    out = np.empty((len(rows), bank.shape[1]), np.result_type(rows, bank))
    np.matmul(rows[:whole].reshape(-1, group, len(bank)), bank, out=out[:whole].reshape(-1, group, bank.shape[1]))
    rest = rows[whole:]
    if len(rest):  # a single row would go to another function of BLAS, which wakes them earlier
        out[whole:] = (np.repeat(rest, 2, axis=0) @ bank)[:1] if len(rest) == 1 else rest @ bank
    return out


def real_fft(frames: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The discrete Fourier transforms of frames, divided by their length, in single precision.

    That is what NumPy does with `norm="forward"` only: else it takes the factor 1 for a number of double precision, and
    transforms frame by frame, which is slower.

    Shape: (..., length) -> (..., length / 2 + 1).
    """
    return np.fft.rfft(frames, norm="forward").astype(np.complex64, copy=False)  # it is; the types do not say so


def hann(length: int, *, periodic: bool = True) -> NDArray[np.float64]:
    """Hann window: periodic for spectra of frames, symmetric (0 at both ends) to fade a single stretch in and out.

    Shape: (length,).
    """
    if not periodic:
        return np.hanning(length)
    window: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return window


def mel_slaney(sample_rate: int, n_fft: int, n_mels: int) -> Matrix:
    """Triangles of equal area, equally spaced on Slaney's mel scale from 0 Hz to half the sample rate.

    The scale is linear below 1 kHz (200/3 Hz per mel) and logarithmic above (27 mels for a factor of 6.4).

    Shape: (n_fft / 2 + 1, n_mels).
    References: M. Slaney, Auditory Toolbox, 1998; the default of librosa and of kapre 0.1.3.
    """
    nyquist = sample_rate / 2
    knee = 15.0  # mel, at 1 kHz
    per_mel = np.log(6.4) / 27
    top = knee + np.log(nyquist / 1000) / per_mel if nyquist > 1000 else nyquist * 3 / 200  # noqa: PLR2004  Hz
    mels = np.linspace(0, top, n_mels + 2)
    corners = np.where(mels < knee, mels * 200 / 3, 1000 * np.exp((mels - knee) * per_mel))
    frequencies = np.linspace(0, nyquist, n_fft // 2 + 1)[:, None]
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.minimum((frequencies - low) / (centre - low), (high - frequencies) / (high - centre))
    matrix: Matrix = np.maximum(0, triangles) * 2 / (high - low)
    return matrix


def bin_frequencies(sample_rate: int, n_fft: int) -> NDArray[np.float64]:
    """Frequencies of the bins of a spectrum, from 0 to half the sample rate.

    Shape: (n_fft / 2 + 1,).
    """
    frequencies: NDArray[np.float64] = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    return frequencies


def mel_htk(frequencies: NDArray[np.float64], n_mels: int, lowest: float, highest: float) -> Matrix:
    """Triangles of height 1, straight and equally spaced on the mel scale of HTK, 1127 ln(1 + f / 700).

    Args:
        frequencies: where they are wanted, in Hz.
        n_mels: bands.
        lowest: where the first triangle begins, in Hz.
        highest: where the last one ends, in Hz.

    Shape: (frequencies,) -> (frequencies, n_mels).
    References: S. Young et al., The HTK Book; the front end of the networks trained on AudioSet.
    """
    mel = 1127 * np.log1p(frequencies / 700)[:, None]
    corners = np.linspace(1127 * np.log1p(lowest / 700), 1127 * np.log1p(highest / 700), n_mels + 2)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    matrix: Matrix = np.maximum(0, np.minimum((mel - low) / (centre - low), (high - mel) / (high - centre)))
    return matrix


def talkbox_mel(sample_rate: int, bins: int) -> Matrix:
    """The 40 triangles of pyAudioAnalysis: 13 spaced linearly from 133 Hz, 27 logarithmically.

    Its frequency axis runs to the sample rate where the spectrum it meets ends at half of it, so what it calls
    6.9 kHz is 3.4 kHz. The tables were made like that, so it stays.

    Shape: (40, bins).
    """
    linear, logarithmic = 13, 27
    step, ratio = 200 / 3, 1.0711703
    corners = np.concatenate(
        [
            133.33 + step * np.arange(linear),
            (133.33 + step * (linear - 1)) * ratio ** np.arange(1, logarithmic + 3),
        ],
    )
    frequencies = np.arange(bins) / bins * sample_rate
    matrix = np.zeros((linear + logarithmic, bins))
    for row, (low, centre, high) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        first, middle, last = (int(corner * bins / sample_rate) + 1 for corner in (low, centre, high))
        height = 2 / (high - low)
        matrix[row, first:middle] = height * (frequencies[first:middle] - low) / (centre - low)
        matrix[row, middle:last] = height * (high - frequencies[middle:last]) / (high - centre)
    return matrix


def mfcc_matrix(bands: int, coefficients: int) -> Matrix:
    """The first rows of the orthonormal discrete cosine transform of type II.

    Shape: (coefficients, bands).
    """
    angle = np.pi / bands * np.outer(np.arange(coefficients), np.arange(bands) + 0.5)
    matrix: Matrix = np.cos(angle) * np.sqrt(2 / bands)
    matrix[0] /= np.sqrt(2)
    return matrix


def chroma_matrix(sample_rate: int, bins: int) -> Matrix:
    """Pitch classes as pyAudioAnalysis sums them, as a matrix on the power spectrum.

    Each bin has a semitone above A0 (27.5 Hz). Two oddities of the original are part of the tables and so of this
    matrix: where several bins share a semitone only the last one counts, and a semitone is divided by the number of
    bins that share the semitone of the *bin* with its index, not its own. Bins below A0 count from the end.

    Shape: (12, bins).
    """
    semitone = np.round(12 * np.log2(np.arange(1, bins + 1) * sample_rate / (2 * bins) / 27.5)).astype(int)
    _, inverse, count = np.unique(semitone, return_inverse=True, return_counts=True)
    sharing = count[inverse]  # (bins,): how many bins have the semitone of this bin
    last_bin = {int(s) % bins: bin_index for bin_index, s in enumerate(semitone)}
    matrix = np.zeros((12, bins))
    for place, bin_index in last_bin.items():
        matrix[place % 12, bin_index] += 1 / sharing[semitone[place]]
    return matrix
