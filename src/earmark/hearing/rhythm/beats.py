"""The beat grid: the moment of each beat, at the constant tempo of a machine or the drifting one of a drummer.

A *grid* is a line, or many short ones: `beats` are reached at `times`, both rising. Beats are counted from where the
grid begins, so only their differences mean something here; `bars` finds out which of them begin a bar.

First the tempo is taken to be constant. Then each stretch of four bars is compared with the mean bar of the track: if
most of them fit to within a few milliseconds, it is constant. If not, the tempo is followed: a path through the local
tempi that is as strong and as smooth as can be, which a loop then locks to the onsets, from the clearest stretch
outwards.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.hearing.rhythm.tempo import BEATS, refine, salience, standardised, vertex
from earmark.spectra import hann

Array = NDArray[np.float64]

BAR: Final = 4  # beats
BINS: Final = 96  # in a bar: 24 to a beat
STRETCH, ADVANCE = 16, 8  # beats
REACH: Final = BINS // BAR // 8  # bins: an eighth of a beat; further away is the next sixteenth
STEADY: Final = 0.012  # seconds: what is off by less on average is a machine
CORRELATED: Final = 0.4  # correlation from which on a stretch counts

LOCAL, LOCAL_HOP = 10.0, 2.0  # seconds that give a local tempo, and the distance of two
AROUND: Final = 0.08  # how far tempi may lie from the mean one (relative)
TEMPI: Final = 161  # that are tried there
STIFFNESS: Final = 0.002  # what a change by one of them costs, squared, in salience
GAIN: Final = 0.5  # how much of a deviation the loop takes over at once


@dataclass(frozen=True)
class BeatGrid:
    """Beats and their times in seconds, (points,) each; straight lines between the points, and beyond both ends."""

    times: Array
    beats: Array

    @classmethod
    def constant(cls, bpm: float) -> "BeatGrid":
        """A constant tempo, beginning at 0."""
        return cls(np.array([0.0, 60.0]), np.array([0.0, bpm]))

    def beats_at(self, times: Array) -> Array:
        """Beats, and fractions of them, at some times in seconds."""
        return _line(times, self.times, self.beats)

    def times_of(self, beats: Array) -> Array:
        """Times of some beats in seconds."""
        return _line(beats, self.beats, self.times)


def _line(x: Array, xs: Array, ys: Array) -> Array:
    """Interpolate linearly, and beyond both ends with the slopes there."""
    inside: Array = np.interp(x, xs, ys)
    first, last = (ys[1] - ys[0]) / (xs[1] - xs[0]), (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    outside: Array = np.minimum(x - xs[0], 0) * first + np.maximum(x - xs[-1], 0) * last
    return inside + outside


def track_beats(onset_strength: Array, frame_rate: float, bpm: float) -> tuple[BeatGrid, bool]:
    """The beat grid of onset strength (frames, bands) whose tempo is about `bpm`, and whether its tempo is constant."""
    grid = BeatGrid.constant(refine(onset_strength, frame_rate, bpm))
    signal = standardised(onset_strength).sum(1)
    moments = np.arange(signal.size) / frame_rate
    shift, correlation = _deviations(signal, grid.beats_at(moments))
    clear = correlation > CORRELATED
    seconds = np.abs(shift[clear]) / BINS * BAR * 60 / bpm
    if seconds.size < 2 or float(np.average(seconds, weights=correlation[clear])) < STEADY:  # noqa: PLR2004  a stretch
        return grid, True
    return _locked(signal, moments, _drifting(signal, frame_rate, bpm)), False


def fold(values: Array, beats: Array, period: int, bins: int) -> Array:
    """The mean of values at each phase of a period, divided between the two nearest bins.

    Args:
        values: (frames, columns) or (frames,).
        beats: that are reached at each frame, (frames,).
        period: in beats.
        bins: of a period.

    Shape: (bins, columns) or (bins,).
    """
    place = beats / period % 1 * bins
    low = place.astype(np.int64) % bins
    high, share = (low + 1) % bins, place - np.floor(place)
    weight = np.bincount(low, 1 - share, bins) + np.bincount(high, share, bins)
    columns = values.reshape(len(values), -1).T
    sums = [np.bincount(low, row * (1 - share), bins) + np.bincount(high, row * share, bins) for row in columns]
    means: Array = np.stack(sums, 1) / np.maximum(weight, 1e-9)[:, None]  # (bins, columns)
    return means.reshape(bins, *values.shape[1:])


def _deviations(signal: Array, beats: Array) -> tuple[Array, Array]:
    """Delays in bins of each stretch against the mean bar of the track, and their correlations.

    Shape: (stretches,), both.
    """
    whole = _smooth(fold(signal, beats, BAR, BINS))
    borders = np.searchsorted(beats, np.arange(beats[0], beats[-1] - STRETCH, ADVANCE))
    ends = np.searchsorted(beats, np.arange(beats[0], beats[-1] - STRETCH, ADVANCE) + STRETCH)
    found = [
        _shift(_smooth(fold(signal[start:end], beats[start:end], BAR, BINS)), whole)
        for start, end in zip(borders, ends, strict=True)
    ]
    return np.array([shift for shift, _ in found]), np.array([correlation for _, correlation in found])


def _smooth(profile: Array) -> Array:
    smooth: Array = (np.roll(profile, 1) + 2 * profile + np.roll(profile, -1)) / 4
    smooth -= smooth.mean()
    return smooth


def _shift(profile: Array, template: Array) -> tuple[float, float]:
    """Delay in bins of a profile against a template, up to `REACH`, and their correlation there."""
    reach = np.arange(-REACH - 1, REACH + 2)
    products = template[(np.arange(template.size) - reach[:, None]) % template.size] @ profile
    norm = max(float(np.linalg.norm(profile) * np.linalg.norm(template)), 1e-9)
    best = int(products[1:-1].argmax()) + 1
    return float(reach[best] + vertex(*products[best - 1 : best + 2])), float(products[best] / norm)


def _drifting(signal: Array, frame_rate: float, bpm: float) -> BeatGrid:
    """The grid along the strongest path through the local tempi that does not jump."""
    window = round(LOCAL * frame_rate)
    padded = np.pad(signal, (window // 2, window))
    starts = np.arange(0, signal.size, round(LOCAL_HOP * frame_rate))
    taper = hann(window, periodic=False)
    size = 1 << (2 * window - 1).bit_length()
    overlap = np.fft.irfft(np.abs(np.fft.rfft(taper, size)) ** 2)[:window]
    tempi = bpm * np.linspace(1 - AROUND, 1 + AROUND, TEMPI)
    needed = max(BEATS) * 60 * frame_rate / tempi[0]  # frames
    saliences = []
    for start in starts:
        spectrum = np.fft.rfft(padded[start : start + window] * taper, size)
        products = np.fft.irfft(np.abs(spectrum) ** 2)[:window] / np.maximum(overlap, 0.01 * overlap[0])
        products[int(needed) + 2 :] = 0
        saliences.append(salience(products / max(float(signal.var()), 1e-9), frame_rate, tempi))
    cost = STIFFNESS * np.subtract.outer(np.arange(TEMPI), np.arange(TEMPI)) ** 2.0
    total = saliences[0]
    back = []
    for local in saliences[1:]:
        arriving = total - cost  # (to, from)
        back.append(arriving.argmax(1))
        total = arriving.max(1) + local
    path = [int(total.argmax())]
    for origin in reversed(back):
        path.append(int(origin[path[-1]]))
    local_tempi = tempi[path[::-1]]  # (starts,)
    times = np.append(starts / frame_rate, (starts[-1] / frame_rate) + LOCAL_HOP)
    return BeatGrid(times, np.concatenate([[0.0], np.cumsum(local_tempi * LOCAL_HOP / 60)]))


def _locked(signal: Array, moments: Array, grid: BeatGrid) -> BeatGrid:
    """A grid that is bent until each stretch fits those before it, from the one most like the whole outwards."""
    beats = grid.beats_at(moments)
    middles = np.arange(beats[0] + ADVANCE, beats[-1] - ADVANCE, BAR)
    if middles.size < 2:  # noqa: PLR2004  nothing to compare
        return grid
    profiles = []
    for middle in middles:
        first, last = np.searchsorted(beats, (middle - ADVANCE, middle + ADVANCE))
        profiles.append(_smooth(fold(signal[first:last], beats[first:last], BAR, BINS)))
    clearest = int(np.argmax([profile.max() for profile in profiles]))
    late = np.zeros(middles.size)  # bins
    for steps in (range(clearest + 1, middles.size), range(clearest - 1, -1, -1)):
        template, offset, trend = profiles[clearest], 0.0, 0.0
        for place in steps:
            offset += trend
            aligned = _rotated(profiles[place], -offset)
            shift, correlation = _shift(aligned, template)
            if correlation > CORRELATED:
                offset += GAIN * shift
                trend += 0.1 * shift
                template = 0.8 * template + 0.2 * _rotated(aligned, -GAIN * shift)
            late[place] = offset
    # A stretch that comes late reaches its beats late.
    times = grid.times_of(middles)
    return BeatGrid(times, middles - late / BINS * BAR)


def _rotated(profile: Array, bins: float) -> Array:
    """A profile that comes later by a number of bins, whole or not."""
    places = np.arange(profile.size)
    around = np.append(profile, profile[0])
    rotated: Array = np.interp((places - bins) % profile.size, np.arange(around.size), around)
    return rotated
