"""Onset strength: the rise of each octave's level from one hundredth of a second to the next.

    waveform -> power spectra of 23 ms, a hundred a second -> energies of eight octaves -> rises of their logarithms
             -> energy of each millisecond

Conventions: a *frame* is about a hundredth of a second; frame i is centred on i / frame_rate seconds. Logarithms are
natural, of energies relative to the mean of the band in the whole track, so that level and equalisation do not matter.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Waveform
from earmark.spectra import filtered, hann, real_fft

LONGEST: Final = 1800.0  # seconds; what is longer is a mix of tracks, with many tempi
FRAMES: Final = 100  # per second, about: a whole number of samples lies between two
WINDOW: Final = 0.0232  # seconds, about: 512 samples at 22,050 Hz
BANDS: Final = 8
LOWEST: Final = 110.0  # Hz, the upper edge of the first band: kick and bass; each other band is an octave
FLOOR: Final = 30.0  # energies below the mean / 30 do not count,
ABSENT: Final = 1e-5  # nor do bands 50 dB below the whole track: a window leaks as much
QUIET_RISE: Final = 0.1  # neper in a frame; what rises more slowly is no onset


class Envelopes(NamedTuple):
    """Energy over time.

    `energies` is (frames, BANDS) at `frame_rate` Hz; the frames of a band lie side by side in memory, so that sums over
    them are quick. `fine` is the energy of each stretch of `1 / fine_rate` seconds, about a millisecond, (stretches,).
    Both are empty for a recording that is too long to be one track.
    """

    frame_rate: float
    energies: NDArray[np.float32]
    fine_rate: float
    fine: NDArray[np.float32]

    @property
    def seconds(self) -> float:
        """Length of the track."""
        return self.fine.size / self.fine_rate

    def levels(self) -> NDArray[np.float64]:
        """The logarithms of the energies (frames, BANDS), 0 at the floor."""
        mean = self.energies.mean(0, dtype=np.float64)
        levels: NDArray[np.float64] = np.log1p(self.energies * (FLOOR / np.maximum(mean, ABSENT * mean.sum() + 1e-30)))
        return levels

    def onset_strength(self) -> NDArray[np.float64]:
        """Rise of each level into a frame, in neper, where it is sudden; (frames, BANDS)."""
        levels = self.levels()
        return np.maximum(np.diff(levels, axis=0, prepend=levels[:1]) - QUIET_RISE, 0)


class OnsetAccumulator:
    """Accumulates the envelopes of a waveform that comes in blocks of any length.

    Args:
        sample_rate: in Hz, 8,000 at least.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._left = round(LONGEST * sample_rate)
        self._hop = round(sample_rate / FRAMES)
        self._length = 1 << round(np.log2(WINDOW * sample_rate))  # samples
        self._window = (self._length * hann(self._length)).astype(np.float32)  # what the transform divides by
        self._bands = _bands(sample_rate, self._length)
        self._held = np.zeros(self._length // 2, np.float32)  # so that frame 0 is centred on the first sample
        self._stretch = sample_rate // 1000  # samples
        self._behind = 0  # samples at the end of what is held, that make no whole stretch yet
        self._energies: list[NDArray[np.float32]] = []
        self._fine: list[NDArray[np.float32]] = []

    def add(self, waveform: Waveform) -> None:
        """Take the next block."""
        self._left -= waveform.size
        if self._left < 0:
            self._energies.clear()
            self._fine.clear()
            return
        joined = np.concatenate([self._held, waveform])
        fresh = joined[self._held.size - self._behind :]
        self._behind = fresh.size % self._stretch
        stretches = fresh[: fresh.size - self._behind].reshape(-1, self._stretch)
        self._fine.append(np.einsum("ij,ij->i", stretches, stretches))
        self._held = self._analyse(joined)

    def _analyse(self, waveform: Waveform) -> Waveform:
        """Take the spectra of all whole frames, and return what is left over."""
        if waveform.size < self._length:
            return waveform
        frames = np.lib.stride_tricks.sliding_window_view(waveform, self._length)[:: self._hop]
        spectra = real_fft(frames * self._window)  # (frames, length / 2 + 1)
        self._energies.append(filtered(np.square(spectra.view(np.float32)), self._bands))
        return waveform[len(frames) * self._hop :]

    def envelopes(self) -> Envelopes:
        """The envelopes of all blocks; call it once, at the end."""
        if self._left >= 0:
            self._held = self._analyse(np.pad(self._held, (0, self._length // 2)))
        return Envelopes(
            self._sample_rate / self._hop,
            np.asfortranarray(np.concatenate([np.empty((0, BANDS), np.float32), *self._energies])),
            self._sample_rate / self._stretch,
            np.concatenate([np.empty(0, np.float32), *self._fine]),
        )


def _bands(sample_rate: int, length: int) -> NDArray[np.float32]:
    """Membership of bins in bands, for the squares of the real and the imaginary part by turns; bin 0 is in none.

    At low sample rates the highest bands hold one bin each.

    Shape: (length + 2, BANDS).
    """
    hertz = LOWEST * 2.0 ** np.arange(BANDS)
    ends = np.minimum(np.ceil(hertz * length / sample_rate), length // 2 + 1 - np.arange(BANDS)[::-1])
    starts = np.concatenate([[1], ends[:-1]])
    bins = np.repeat(np.arange(length // 2 + 1), 2)[:, None]
    return ((bins >= starts) & (bins < ends)).astype(np.float32)
