"""The spectral measures of the descriptor tables, as far as conditioning steers by them.

Frames of 50 ms without overlap; magnitudes of the 551 bins below 11,025 Hz, 20 Hz apart, at any sample rate. Bands,
cepstra and chroma follow pyAudioAnalysis 0.3.14, oddities included, because the tables were made with it; that they
equal those of `earmark.learning.filterbanks` is a test (this room may not import that one).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy import fft

if TYPE_CHECKING:
    from earmark.synth.track import Audio

BINS: Final = 551
BANDS: Final = 40
CEPSTRA: Final = 13
SECOND: Final = 20  # frames
NYQUIST: Final = 11_025.0  # Hz

Array = npt.NDArray[np.float64]


def frame_length(sample_rate: int) -> int:
    """Samples of a frame: 50 ms, even, so that bins are 20 Hz apart."""
    return 2 * int(0.025 * sample_rate)


def magnitudes(waveform: Audio, sample_rate: int) -> npt.NDArray[np.float32]:
    """Magnitude spectra of a waveform, scaled as at 22,050 Hz. Shape: `(frames, 551)`."""
    length = frame_length(sample_rate)
    frames = waveform[: waveform.size // length * length].reshape(-1, length)
    spectra = np.abs(fft.rfft(frames - frames.mean()))[:, :BINS]
    return np.asarray(spectra * np.float32(2 / length), dtype=np.float32)


@cache
def mel_bands() -> Array:
    """The 40 triangles, 13 spaced linearly and 27 logarithmically, from 66 Hz to 3.5 kHz. Shape: `(551, 40)`."""
    step, ratio, rate = 200 / 3, 1.0711703, 2 * NYQUIST
    linear = 133.33 + step * np.arange(13)
    corners = np.concatenate([linear, linear[-1] * ratio ** np.arange(1, 30)])
    hz = np.arange(BINS) / BINS * rate  # runs to the sample rate, where the bins end at half of it: so the tables do
    bands = np.zeros((BINS, BANDS))
    for band, (low, centre, high) in enumerate(zip(corners[:-2], corners[1:-1], corners[2:], strict=True)):
        first, middle, last = (int(corner * BINS / rate) + 1 for corner in (low, centre, high))
        bands[first:middle, band] = 2 / (high - low) * (hz[first:middle] - low) / (centre - low)
        bands[middle:last, band] = 2 / (high - low) * (high - hz[middle:last]) / (high - centre)
    return bands


@cache
def cosines() -> Array:
    """The first 13 rows of the orthonormal DCT-II. Shape: `(13, 40)`."""
    return np.asarray(fft.dct(np.eye(BANDS), norm="ortho")[:, :CEPSTRA].T, dtype=np.float64)


@cache
def chroma_bins() -> Array:
    """The weight of each bin's power in each "pitch class" of the tables (0 is A). Shape: `(551, 12)`.

    Where bins share a semitone only the last one counts, divided by the count of another semitone: an oddity of the
    original.
    """
    semitone = np.round(12 * np.log2(np.arange(1, BINS + 1) * NYQUIST / BINS / 27.5)).astype(int)
    _, inverse, count = np.unique(semitone, return_inverse=True, return_counts=True)
    sharing = count[inverse]
    weights = np.zeros((BINS, 12))
    for place, index in {int(s) % BINS: index for index, s in enumerate(semitone)}.items():
        weights[index, place % 12] += 1 / sharing[semitone[place]]
    return weights


def cepstra(spectra: npt.NDArray[np.float32]) -> Array:
    """Mel cepstra of magnitude spectra. Shape: `(frames, 551)` to `(frames, 13)`."""
    return np.asarray(np.log10(spectra @ mel_bands() + 1e-12) @ cosines().T, dtype=np.float64)


def chroma(spectra: npt.NDArray[np.float32]) -> Array:
    """Pitch classes of magnitude spectra, as shares of the power. Shape: `(frames, 551)` to `(frames, 12)`."""
    power = spectra.astype(np.float64) ** 2
    return np.asarray(power @ chroma_bins() / (power.sum(axis=1, keepdims=True) + 1e-12), dtype=np.float64)


def by_second(features: Array) -> Array:
    """Group frames into whole seconds. Shape: `(frames, n)` to `(seconds, 20, n)`."""
    seconds = features.shape[0] // SECOND
    return features[: seconds * SECOND].reshape(seconds, SECOND, -1)
