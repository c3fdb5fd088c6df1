"""Activity of a track: the share of each window that sounds, and whether what sounds is noise or a lone tone.

A tenth of a second *sounds* if its power is above -70 dBFS (the gate of EBU R128), and at most `BELOW` dB under the
mean of those that are. A window in which the share s sounds counts s in the answer for the track; one that is mostly
silent has no vote, unless all of them are. Because a network hears silence as well, a second or more of it at either
end of a window is cut off.

Noise and a tone are known by how steady they are. The power of stationary noise in a bin of a spectrum is distributed
exponentially from one frame to the next, whatever the colour of the noise, so that the geometric mean over time is
exp(-0.577) = 0.561 of the arithmetic one in *every* bin; a steady tone has 1 there, music and speech have far less in
most bins. A sound is steady if nearly all its power is in bins of the second kind: a hum, a chord that is held. A lone
tone is one narrow peak in nearly all frames, always in the same place. Where most bins come and go, there is a beat on
top of it, and it may be music.
"""

from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Waveform
from earmark.spectra import energies, hann, real_fft

NoMusic: TypeAlias = Literal["", "silence", "noise", "a lone tone", "a steady sound"]

STEPS: Final = 10  # per second
SILENT: Final = 1e-7  # power of -70 dBFS
EDGE: Final = 10  # steps of silence at an end of a window that are cut off, or more
MOSTLY: Final = 0.5  # share of a window
BELOW: Final = 30.0  # dB: the quiet parts of a track sound, what is left between two tracks does not

FRAME: Final = 0.0464  # seconds, about: 1,024 samples at 22,050 Hz
LOWEST: Final = 2  # bin; below, there is the offset of the waveform
ENOUGH: Final = 43  # frames, two seconds, for a verdict on noise or a tone
PLENTY: Final = 150  # frames of a window: more of them, or their neighbours, tell nothing new

STATIONARY: Final = float(np.exp(-np.euler_gamma))
FAINT: Final = 1e-6  # of the strongest bin's power: what is less was filtered away
TOLERANCE: Final = 0.08  # of the flatness: a lossy codec lowers it by 0.02
SPREAD: Final = 0.9  # deviation of a bin's flatness times the root of the frames: that of noise is 0.45
MOST: Final = 0.9  # of the bins, or of the frames
STEADY: Final = 0.9  # flatness, weighted by power; that of music is 0.65 at most
TRANSIENT: Final = 0.15  # flatness of bins that come and go
PURE: Final = 0.95  # share of the power that a lone tone has in `NARROW` bins on each side
NARROW: Final = 2
BASS: Final = 8  # bin, about 170 Hz: down there, all notes of a bass line are one narrow peak, so a lone tone is steady


class Activity:
    """Accumulates the windows of a track; sample rate in Hz."""

    def __init__(self, sample_rate: int) -> None:
        self._step = max(1, sample_rate // STEPS)
        self._length = 1 << round(np.log2(FRAME * sample_rate))
        self._window = (self._length * hann(self._length)).astype(np.float32)  # what the transform divides by
        self._whole = float(np.square(self._window).sum()) / self._length / 2  # of a spectrum, if the mean square is 1
        bins = self._length // 2 + 1 - LOWEST
        self._powers: list[NDArray[np.float64]] = []  # of the steps of each window
        self._frames = 0
        self._sum, self._logarithms = np.zeros(bins), np.zeros(bins)
        self._tones = np.zeros(bins)  # frames that hold one tone, by its bin

    def add(self, waveform: Waveform) -> None:
        """Take the next window."""
        step = min(self._step, waveform.size)
        self._powers.append(_powers(waveform, step))
        frames = waveform[: waveform.size // self._length * self._length].reshape(-1, self._length)
        frames = frames[:: max(1, len(frames) // PLENTY)]
        spectra = real_fft(frames * self._window)[:, LOWEST:]
        power = np.square(spectra.real) + np.square(spectra.imag)  # (frames, bins)
        power = power[power.sum(1) > SILENT * self._whole]
        if not len(power):
            return
        self._frames += len(power)
        self._sum += power.sum(0, dtype=np.float64)
        self._logarithms += np.log(power + np.float32(1e-20)).sum(0, dtype=np.float64)
        strongest = power.argmax(1)
        padded = np.pad(power, ((0, 0), (NARROW, NARROW)))
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * NARROW + 1, axis=1)
        peak = around[np.arange(len(power)), strongest].sum(1)
        pure = strongest[peak > PURE * power.sum(1)]
        self._tones += np.bincount(pure, minlength=self._tones.size)

    def weights(self) -> NDArray[np.float64]:
        """The share of each window that sounds, 0-1, or 0 where it has no vote; (windows,)."""
        powers = np.concatenate([np.empty(0), *self._powers])
        sounding = powers[powers > SILENT]
        gate = max(SILENT, sounding.mean() * 10 ** (-BELOW / 10)) if sounding.size else SILENT
        shares = np.array([float((each > gate).mean()) for each in self._powers])
        votes: NDArray[np.float64] = np.where(shares < MOSTLY, 0.0, shares) if shares.max() >= MOSTLY else shares
        return votes

    def no_music(self) -> NoMusic:
        """The name of what sounds, if it is no music; "" if it may be."""
        if not any((each > SILENT).any() for each in self._powers):
            return "silence"
        if self._frames < ENOUGH:
            return ""
        audible = self._sum > FAINT * self._sum.max()
        mean = self._sum[audible] / self._frames
        flatness = np.exp(self._logarithms[audible] / self._frames) / mean  # (bins,), over time
        if np.sort(flatness)[flatness.size // 2] < TRANSIENT:
            return ""
        steady = np.average(flatness, weights=mean) > STEADY
        tones = np.convolve(self._tones, np.ones(3))  # (bins + 2,), the bin itself one place further
        if tones.max() > MOST * self._frames and (steady or tones.argmax() + LOWEST - 1 > BASS):
            return "a lone tone"
        if steady:
            return "a steady sound"
        near = np.abs(flatness - STATIONARY) < TOLERANCE + SPREAD / np.sqrt(self._frames)
        return "noise" if abs(flatness.mean() - STATIONARY) < TOLERANCE and near.mean() > MOST else ""


def without_silent_ends(waveform: Waveform, sample_rate: int) -> Waveform:
    """A window without the silence at its ends, if that is a second or more; one in which nothing sounds as it is."""
    step = max(1, sample_rate // STEPS)
    if waveform.size <= EDGE * step:
        return waveform
    sounding = np.flatnonzero(_powers(waveform, step) > SILENT)
    if not sounding.size:
        return waveform
    steps = waveform.size // step
    first = int(sounding[0]) * step if sounding[0] >= EDGE else 0
    end = (int(sounding[-1]) + 1) * step if steps - 1 - sounding[-1] >= EDGE else waveform.size
    return waveform[first:end]


def _powers(waveform: Waveform, step: int) -> NDArray[np.float64]:
    """The mean squares of stretches of `step` samples; what is left over at the end belongs to the last."""
    whole = waveform.size // step
    stretches, rest = waveform[: whole * step].reshape(whole, step), waveform[whole * step :]
    powers: NDArray[np.float64] = energies(stretches) / np.float64(step)
    powers[-1] = (powers[-1] * step + float(energies(rest))) / (step + rest.size)
    return powers
