"""The spectral measures of the descriptor tables, as far as conditioning steers by them.

Frames of 50 ms without overlap; magnitudes of the 551 bins below 11,025 Hz, 20 Hz apart, at any sample rate.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy import fft

from earmark.spectra import chroma_matrix, mfcc_matrix, talkbox_mel

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
    """The 40 triangles of the tables' cepstra. Shape: `(551, 40)`."""
    return talkbox_mel(round(2 * NYQUIST), BINS).T


@cache
def cosines() -> Array:
    """The cosine transform from bands to cepstra. Shape: `(13, 40)`."""
    return mfcc_matrix(BANDS, CEPSTRA)


@cache
def chroma_bins() -> Array:
    """The weight of each bin's power in each "pitch class" of the tables (0 is A). Shape: `(551, 12)`."""
    return chroma_matrix(round(2 * NYQUIST), BINS).T


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
