"""Bars: the beats of a grid that are downbeats, and the exact moments of the attacks.

A bar has sixteen steps (sixteenths), so there are sixteen answers. All onsets of the track are laid on one mean bar,
and the track is searched for changes: what is new at a step, beside the beat, the bar and the two bars before it.
Chords, crashes and whole sections begin with a bar. Templates say how likely each of these makes a step the first one;
there is one for music with a kick on each beat and one for broken beats, weighed with the probabilities of the styles.
The templates stand in bars.json and were fitted to rendered tracks, whole ones and drums alone, by bench/fit_bars.py.

Conventions: features are (steps, FEATURES): the strength of the onsets in each band at each step of the mean bar, then
how much changes at each, over a beat, a bar and two bars.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.hearing.rhythm.beats import BAR, BeatGrid, fold
from earmark.hearing.rhythm.onsets import BANDS, Envelopes

Array = NDArray[np.float64]

STEPS: Final = 16  # sixteenths in a bar
PARTS: Final = 6  # of a step, in which the onsets of the mean bar are sorted
CHANGES: Final = (4, 16, 32)  # steps that are compared with as many before
FEATURES: Final = BANDS + len(CHANGES)
SURELY: Final = 3  # changes at a step of the bar count half if there are so few bars
STRONGEST: Final = 3.0  # change, in means: one crash is no proof
FOUR: Final = ("House", "Techno", "Trance")  # families with a kick on each beat
TRUST: Final = 0.8  # in the style, when a template is chosen

ATTACK: Final = 0.010  # seconds over which the energy rises at an onset
NEAR: Final = 0.030  # seconds around a step, where its onsets are
SHARPNESS: Final = 100  # exponent by which the steepest rise outweighs the others
LOUD: Final = 30.0  # energies below the mean / 30 do not count


def first_downbeat(onset_strength: Array, envelopes: Envelopes, grid: BeatGrid, families: Mapping[str, float]) -> float:
    """The first downbeat, as a beat of the grid (0-4, with a fraction)."""
    beats = grid.beats_at(np.arange(len(onset_strength)) / envelopes.frame_rate)
    eighths, described = features(onset_strength, envelopes, grid, beats)
    four = sum(families.get(family, 0.0) for family in FOUR) if families else 0.5
    four = TRUST * four + (1 - TRUST) / 2
    on_each_beat, broken = (scores(described, template) for template in templates())
    best = int(np.logaddexp(on_each_beat + np.log(four), broken + np.log(1 - four)).argmax())
    return (eighths + best * BAR / STEPS) % BAR


def features(onset_strength: Array, envelopes: Envelopes, grid: BeatGrid, beats: Array) -> tuple[float, Array]:
    """The features that may tell where a bar begins.

    The eighths are found first: swing moves the sixteenths between them, not them.

    Returns:
        A beat at which there is an eighth, and the features (STEPS, FEATURES) of it and the steps after it.
    """
    deviation = onset_strength.std(0)
    mean_bar = fold(onset_strength, beats, BAR, STEPS * PARTS) / np.where(deviation > 0, deviation, 1)  # (bins, bands)
    mean_bar = (np.roll(mean_bar, 1, 0) + 2 * mean_bar + np.roll(mean_bar, -1, 0)) / 4
    eighth = int(mean_bar.sum(1).reshape(STEPS // 2, 2 * PARTS).sum(0).argmax())  # bins
    strength = np.sqrt(mean_bar[(eighth + PARTS * np.arange(STEPS)) % len(mean_bar)])  # (steps, bands)
    beat = eighth / len(mean_bar) * BAR
    return beat, np.column_stack([strength - strength.mean(0), _changes(envelopes, grid, beat)])


def _changes(envelopes: Envelopes, grid: BeatGrid, beat: float) -> Array:
    """Changes at each step of the bar, relative to their mean; (STEPS, CHANGES)."""
    levels = envelopes.levels()
    begin, end = grid.beats_at(np.array([0.0, len(levels) / envelopes.frame_rate]))
    first = int(np.ceil((begin - beat) / BAR)) * STEPS  # so that step 0 of what follows is step 0 of a bar
    steps = np.arange(first, int((end - beat) * STEPS / BAR) + 1)
    borders = grid.times_of(beat + steps * BAR / STEPS) * envelopes.frame_rate + 0.5
    sums = np.zeros((BANDS, len(levels) + 1))
    np.cumsum(levels.T, axis=1, out=sums[:, 1:])
    at = np.stack([np.interp(borders, np.arange(len(levels) + 1), row) for row in sums], 1)  # (borders, bands)
    means = np.diff(at, axis=0) / np.maximum(np.diff(borders), 1e-9)[:, None]  # (steps, bands)
    sums = np.concatenate([np.zeros((1, BANDS)), np.cumsum(means, axis=0)])
    changes = np.zeros((STEPS, len(CHANGES)))
    for column, span in enumerate(CHANGES):
        place = np.arange(span, len(means) - span + 1)
        difference = np.abs(sums[place + span] - 2 * sums[place] + sums[place - span]).sum(1) / span
        count = np.bincount(place % STEPS, minlength=STEPS)
        mean = np.bincount(place % STEPS, difference**2, STEPS) / np.maximum(count, 1)
        changes[:, column] = np.minimum(mean / (mean.mean() + 0.05) - 1, STRONGEST) * count / (count + SURELY)
    return changes


def scores(described: Array, template: Array) -> Array:
    """The score of each step as the first of a bar, given features and template (STEPS, FEATURES); (STEPS,)."""
    bars = np.arange(STEPS)[:, None] + np.arange(STEPS)  # each from another step on
    rolled: Array = described[bars % STEPS].reshape(STEPS, -1) @ template.ravel()
    return rolled


@cache
def templates() -> tuple[Array, Array]:
    """For a kick on each beat, and for broken beats; (STEPS, FEATURES) each."""
    table = json.loads(Path(__file__).with_name("bars.json").read_text(encoding="utf-8"))
    return np.array(table["four"]), np.array(table["broken"])


def lateness(envelopes: Envelopes, moments: Array, tilt: float) -> Array:
    """Delays in seconds, (moments,), of the onsets at some moments in rising order.

    The spectra that found the moments are longer than an attack. Here the energy of each millisecond around them is
    laid on one mean onset, which lies where that rises most: `NEAR` away at most. If the tempo was a little off, onsets
    that are late by a growing amount give the steepest rise together; so a line is fitted, not a constant.

    Args:
        envelopes: of the track.
        moments: in seconds.
        tilt: how much more late the last ones may be than the first ones, or the other way round, in seconds.
    """
    span, reach, most = (round(seconds * envelopes.fine_rate) for seconds in (ATTACK, NEAR, tilt))
    around = np.arange(-reach - most - span, reach + most + span)
    places = np.round(moments * envelopes.fine_rate).astype(np.int64)
    inside = (places + around[0] >= 0) & (places + around[-1] < envelopes.fine.size - 1)
    if inside.sum() < BAR:
        return np.zeros(moments.size)
    loud = LOUD / max(float(envelopes.fine.mean(dtype=np.float64)), 1e-30)
    levels = np.log1p(envelopes.fine[places[inside, None] + around] * loud)  # (moments inside, milliseconds around)
    sums = np.pad(np.cumsum(levels, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    rise = np.maximum(sums[:, 2 * span :] - 2 * sums[:, span:-span] + sums[:, : -2 * span], 0)
    progress = (moments - moments[inside].mean()) / max(float(np.ptp(moments[inside])), 1e-9)  # -0.5 to 0.5
    tilts = np.arange(-most, most + 1)
    # Of evenly spaced moments many lie just between two milliseconds: the last bit is not to say which they go to.
    shifts = np.rint(np.round(np.outer(tilts, progress[inside]), 6))  # (tilts, moments inside)
    means = np.zeros((tilts.size, 2 * reach + 1))
    for shift in range(int(shifts.min()), int(shifts.max()) + 1):
        means += (shifts == shift).astype(np.float64) @ rise[:, most + shift :][:, : 2 * reach + 1] / len(rise)
    if not means.any():  # only the spectrum changes there, not the level
        return np.zeros(moments.size)
    # The top is as flat as a millisecond is coarse: its middle counts, not its highest point.
    share = (means / means.max()) ** SHARPNESS  # (tilts, latenesses)
    latest, steepest = share.sum(0) @ np.arange(-reach, reach + 1), share.sum(1) @ tilts
    late = (latest + steepest * progress) / share.sum() / envelopes.fine_rate
    return np.asarray(late, np.float64)
