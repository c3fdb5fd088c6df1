"""The beat grid: the moment of each beat, at the constant tempo of a machine or the drifting one of a drummer.

A *grid* is a line, or many short ones: `beats` are reached at `times`, both rising. Beats are counted from where the
grid begins, so only their differences mean something here; `bars` finds out which of them begin a bar.

First the tempo is taken to be constant. Then each stretch of four bars is compared with the mean bar of the track: if
most of them fit to within a few milliseconds, it is constant. If not, the tempo is followed: a path through the local
tempi that is as strong and as smooth as can be, which a loop then locks to the onsets, from the clearest stretch
outwards.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from earmark.hearing.rhythm.tempo import refine, salience, vertex
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


class BeatGrid(NamedTuple):
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


def track_beats(onsets: Array, frame_rate: float, bpm: float) -> tuple[BeatGrid, bool]:
    """The beat grid of onsets (frames, bands) whose tempo is about `bpm`, and whether its tempo is constant."""
    grid = BeatGrid.constant(refine(onsets, frame_rate, bpm))
    signal = onsets.sum(1)
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
    cells, share = _phases(beats, period, bins)
    weight = _sums(np.ones(beats.size), cells, share, (bins,))
    columns = values.reshape(len(values), -1).T
    means: Array = np.stack([_sums(row, cells, share, (bins,)) for row in columns], 1)  # (bins, columns)
    means /= np.maximum(weight, 1e-9)[:, None]
    return means.reshape(bins, *values.shape[1:])


def _phases(beats: Array, period: float, bins: int) -> tuple[NDArray[np.int64], Array]:
    """The bin of a period in which each beat lies, and how far (0-1) it is on the way to the next; (beats,) both."""
    place = beats * (bins / period)
    below = np.floor(place)
    return below.astype(np.int64) % bins, place - below


def _sums(values: Array, cells: NDArray[np.int64], share: Array, shape: tuple[int, ...]) -> Array:
    """Sums of values in the cells of an array (..., bins), divided between the bin of each and the next."""
    later = values * share
    here, there = (np.bincount(cells, part, math.prod(shape)).reshape(shape) for part in (values - later, later))
    return np.asarray(here + np.roll(there, 1, axis=-1), np.float64)


def _deviations(signal: Array, beats: Array) -> tuple[Array, Array]:
    """Delays in bins of each stretch against the mean bar of the track, and their correlations.

    Shape: (stretches,), both.
    """
    return _shift(_profiles(signal, beats, ADVANCE), _smooth(fold(signal, beats, BAR, BINS)))


def _profiles(signal: Array, beats: Array, advance: int) -> Array:
    """The mean bar of each stretch, smoothed; a new one begins after every `advance` beats.

    Shape: (stretches, BINS).
    """
    count = np.arange(beats[0], beats[-1] - STRETCH, advance).size
    if not count:
        return np.empty((0, BINS))
    shared = STRETCH // advance
    parts = count + shared - 1  # as long as an advance; each is in so many stretches
    borders = np.searchsorted(beats, beats[0] + advance * np.arange(parts + 1))
    cells, share = _phases(beats[: borders[-1]], BAR, BINS)
    cells += np.repeat(BINS * np.arange(parts), np.diff(borders))
    sums, weights = (
        sliding_window_view(_sums(each, cells, share, (parts, BINS)), shared, axis=0).sum(-1)
        for each in (signal[: borders[-1]], np.ones(borders[-1]))
    )
    return _smooth(sums / np.maximum(weights, 1e-9))


def _smooth(profile: Array) -> Array:
    smooth: Array = (np.roll(profile, 1, axis=-1) + 2 * profile + np.roll(profile, -1, axis=-1)) / 4
    smooth -= smooth.mean(-1, keepdims=True)
    return smooth


def _shift(profiles: Array, template: Array) -> tuple[Array, Array]:
    """Delays in bins of profiles against a template, up to `REACH`, and their correlations there.

    Shape: (..., BINS) and (BINS,) -> (...,), both.
    """
    reach = np.arange(-REACH - 1, REACH + 2)
    products = profiles @ template[(np.arange(template.size)[:, None] - reach) % template.size]  # (..., reach)
    norms = np.maximum(np.linalg.norm(profiles, axis=-1) * np.linalg.norm(template), 1e-9)
    best = products[..., 1:-1].argmax(-1)[..., None] + np.arange(3)
    around = np.take_along_axis(products, best, -1)  # (..., 3)
    return reach[best[..., 1]] + vertex(*np.moveaxis(around, -1, 0)), around[..., 1] / norms


def _drifting(signal: Array, frame_rate: float, bpm: float) -> BeatGrid:
    """The grid along the strongest path through the local tempi that does not jump."""
    window = round(LOCAL * frame_rate)
    padded = np.pad(signal, (window // 2, window))
    starts = np.arange(0, signal.size, round(LOCAL_HOP * frame_rate))
    taper = hann(window, periodic=False)
    size = 1 << (2 * window - 1).bit_length()
    overlap = np.fft.irfft(np.abs(np.fft.rfft(taper, size)) ** 2)[:window]
    spectra = np.fft.rfft(sliding_window_view(padded, window)[starts] * taper, size)  # (starts, bins)
    products = np.fft.irfft(np.square(spectra.real) + np.square(spectra.imag))[:, :window]
    products /= np.maximum(overlap, 0.01 * overlap[0]) * max(float(signal.var()), 1e-9)
    tempi = bpm * np.linspace(1 - AROUND, 1 + AROUND, TEMPI)
    saliences = salience(products, frame_rate, tempi)  # (starts, TEMPI)
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
    middles = np.arange(beats[0], beats[-1] - STRETCH, BAR) + STRETCH / 2
    if middles.size < 2:  # noqa: PLR2004  nothing to compare
        return grid
    profiles = _profiles(signal, beats, BAR)
    clearest = int(profiles.max(1).argmax())
    late = np.zeros(middles.size)  # bins
    for steps in (range(clearest + 1, middles.size), range(clearest - 1, -1, -1)):
        template, offset, trend = profiles[clearest], 0.0, 0.0
        for place in steps:
            offset += trend
            aligned = _rotated(profiles[place], -offset)
            shift, correlation = (float(each) for each in _shift(aligned, template))
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
