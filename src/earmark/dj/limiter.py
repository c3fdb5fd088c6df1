"""A limiter that looks ahead: no peak above the ceiling, nor between two samples, and nothing changed where none is.

The gain that each sample needs is known `WIDTH` before and after it. The smallest one of those, averaged over as many
samples, is never above what is needed, and moves without a kink.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Stereo = NDArray[np.float32]

CEILING: Final = -1.0  # dBTP
MARGIN: Final = 0.25  # dB that it stays below: meters that look more closely find peaks that are so much higher
WIDTH: Final = 0.008  # seconds before and after a peak in which the gain falls and rises
FACTOR: Final = 4  # values between samples that are looked at, as BS.1770 does
TAPS: Final = 16  # of the interpolating filter


class Limiter:
    """Limits a stream in blocks of any length; what comes out is late by what it looks ahead."""

    def __init__(self, rate: int, ceiling: float = CEILING) -> None:
        self._ceiling = 10 ** ((ceiling - MARGIN) / 20)
        self._width = round(WIDTH * rate)
        self._halo = 2 * self._width + TAPS
        self._held = np.zeros((2, self._halo), np.float32)  # silence before the first sample
        self.deepest = 1.0  # smallest gain so far

    def limit(self, sound: Stereo) -> Stereo:
        """Take the next block, and give what is ready. Shape: (2, samples)."""
        joined = np.concatenate([self._held, sound], axis=1)
        count = joined.shape[1] - 2 * self._halo
        if count <= 0:
            self._held = joined
            return joined[:, :0]
        out = self._limited(joined)
        self._held = joined[:, count:]
        return out

    def flush(self) -> Stereo:
        """What is still held, at the end of the stream. Shape: (2, samples)."""
        return self.limit(np.zeros((2, self._halo), np.float32))

    def _limited(self, joined: Stereo) -> Stereo:
        """All but the `halo` at both ends, limited."""
        inside = joined[:, self._halo : joined.shape[1] - self._halo]
        if float(np.abs(joined).max()) <= self._ceiling / 2:  # nothing between the samples can reach so high
            return inside
        peaks = _peaks(joined)  # (samples,)
        needed = np.minimum(1.0, self._ceiling / np.maximum(peaks, 1e-9))
        if needed.min() == 1:
            return inside
        held = _running_minimum(needed, 2 * self._width + 1)
        sums = np.concatenate([[0.0], np.cumsum(held)])
        span = 2 * self._width + 1
        gain = (sums[span:] - sums[:-span]) / span
        start = (gain.size - inside.shape[1]) // 2
        chosen = gain[start : start + inside.shape[1]]
        self.deepest = min(self.deepest, float(chosen.min()))
        limited: Stereo = inside * chosen.astype(np.float32)
        return limited


def _running_minimum(values: NDArray[np.float64], span: int) -> NDArray[np.float64]:
    """The smallest of so many neighbours, of all places that have them; by doubling, (values - span + 1,)."""
    length = 1
    while 2 * length <= span:
        values = np.minimum(values[:-length], values[length:])
        length *= 2
    rest = span - length
    smallest: NDArray[np.float64] = np.minimum(values[: values.size - rest], values[rest:])
    return smallest


def _peaks(sound: Stereo) -> NDArray[np.float64]:
    """The highest level at each sample and beside it, between the samples, of both channels; (samples,)."""
    highest: NDArray[np.float64] = np.abs(sound).max(0).astype(np.float64)
    for channel in sound:
        for taps in _filters():
            between: NDArray[np.float64] = np.abs(np.convolve(channel, taps, mode="same"))
            np.maximum(highest, between, out=highest)
            np.maximum(highest[1:], between[:-1], out=highest[1:])
            np.maximum(highest[:-1], between[1:], out=highest[:-1])
    return highest


@cache
def _filters() -> tuple[NDArray[np.float32], ...]:
    """Filters that give the values a quarter, a half and three quarters of a sample later."""
    places = np.arange(TAPS) - TAPS // 2
    found = []
    for phase in range(1, FACTOR):
        distance = places + phase / FACTOR
        taps = np.sinc(distance) * np.cos(np.pi * distance / (TAPS + 2)) ** 2
        found.append((taps / taps.sum()).astype(np.float32))
    return tuple(found)
