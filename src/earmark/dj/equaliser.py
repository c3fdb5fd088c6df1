"""A three-band equaliser with linear phase: bass, middle and treble, which add up to the sound itself.

The bass is what a low-pass at `BORDERS[0]` lets through, the treble what one at `BORDERS[1]` does not, the middle the
rest. So with all gains at 1 the sound is unchanged, sample by sample, and no band is late.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.spectra import hann

Stereo = NDArray[np.float32]

BORDERS: Final = (200.0, 2500.0)  # Hz
LENGTH: Final = 0.045  # seconds of the filters: they pass from 1 to 0 within 90 Hz


def reach(rate: int) -> int:
    """Samples before and after each one that the equaliser needs."""
    return round(LENGTH * rate / 2)


def equalised(sound: Stereo, gains: NDArray[np.float64], rate: int) -> Stereo:
    """Sound with a gain for each band at each sample.

    Args:
        sound: with `reach` more samples before and after, (2, samples + 2 reach).
        gains: (3, samples).
        rate: in Hz.

    Shape: (2, samples).
    """
    low, below = _low_passed(sound, rate)
    middle = sound[:, reach(rate) : sound.shape[1] - reach(rate)]
    bass, mid, treble = gains.astype(np.float32)
    # bass * low + mid * (below - low) + treble * (middle - below), with two products less
    out: Stereo = treble * middle + (mid - treble) * below + (bass - mid) * low
    return out


def _low_passed(sound: Stereo, rate: int) -> NDArray[np.float32]:
    """Sound through both low-passes, (2 filters, 2, samples)."""
    size = 1 << (sound.shape[1] - 1).bit_length()
    spectrum = np.fft.rfft(sound, size)
    both = np.fft.irfft(spectrum * _responses(rate, size)[:, None], size)
    return both[:, :, 2 * reach(rate) : sound.shape[1]].astype(np.float32)


@cache
def _responses(rate: int, size: int) -> NDArray[np.complex128]:
    """Spectra of the low-passes: sincs under a Hann window, with the sum 1."""
    places = np.arange(-reach(rate), reach(rate) + 1)
    taps = np.stack([np.sinc(2 * border / rate * places) * hann(places.size, periodic=False) for border in BORDERS])
    spectra: NDArray[np.complex128] = np.fft.rfft(taps / taps.sum(1, keepdims=True), size)
    return spectra
