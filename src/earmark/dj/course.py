"""The course of a set: tempo, energy and style from its first track to its last.

Conventions: a *share* is how far the set has come, 0 for its first track and 1 for its last. The *progress* of a track
on a journey is where it lies between the style that the set leaves and the one that it goes to, 0-1: its projection on
the line between them, in the space of `Candidates.mixtures`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.dj.candidates import Candidates, Column
from earmark.dj.cost import Weights, energy_part, hellinger, tempo_part

LOW, HIGH = 0.1, 0.9  # quantiles of the energy that there is
SUMMIT: Final = 2 / 3  # share of a set at which it peaks
SAME: Final = 0.1  # distance of two styles below which there is no journey


class Energy(StrEnum):
    """Courses of the energy."""

    FREE = "free"
    HOLD = "hold"
    RISE = "rise"
    FALL = "fall"
    PEAK = "peak"


@dataclass(frozen=True)
class Point:
    """Values at one end of a set; None where it is open."""

    bpm: float | None
    energy: float | None
    mixture: Column | None


@dataclass(frozen=True)
class Course:
    """Values along a set.

    Attributes:
        bpm: at its begin and its end; None where the tempo is free.
        energy: pairs of share and energy, between which it goes straight; empty where the energy is free.
        mixtures: the styles that it leaves and goes to; None where there is no journey.
    """

    bpm: tuple[float, float] | None
    energy: tuple[tuple[float, float], ...]
    mixtures: tuple[Column, Column] | None

    def cost(self, tracks: Candidates, share: float, weights: Weights) -> Column:
        """The cost of each track in a place, but for the clock, (tracks,)."""
        cost = np.zeros(len(tracks), np.float32)
        for name, part in self.parts(tracks, share, weights).items():
            cost += np.float32(getattr(weights.place, name)) * part
        return cost

    def parts(self, tracks: Candidates, share: float, weights: Weights) -> dict[str, Column]:
        """The parts of that cost, not weighed, (tracks,) each; only what the course does not leave free."""
        parts = {}
        if self.bpm:
            first, last = np.log2(self.bpm)
            parts["tempo"] = tempo_part(tracks.bpm, np.float32(2 ** (first + share * (last - first))), weights)
        if self.energy:
            shares, levels = zip(*self.energy, strict=True)
            parts["energy"] = energy_part(tracks.energy, np.float32(np.interp(share, shares, levels)), weights)
        if self.mixtures:
            first, last = self.mixtures
            wanted = np.sqrt((1 - share) * first**2 + share * last**2)  # between the probabilities
            parts["style"] = hellinger(tracks.mixtures @ wanted)
        return parts

    def progress(self, tracks: Candidates) -> NDArray[np.float64]:
        """The progress of each track, (tracks,); 0 where there is no journey."""
        if not self.mixtures:
            return np.zeros(len(tracks))
        first, last = (mixture.astype(np.float64) for mixture in self.mixtures)
        way = last - first
        return np.clip((tracks.mixtures - first) @ way / (way @ way), 0, 1)


def course(tracks: Candidates, first: Point, last: Point, energy: Energy) -> Course:
    """The course between two points."""
    bpm = None
    if first.bpm and last.bpm:
        fold = np.clip(
            np.rint(np.log2(last.bpm / first.bpm)), -1, 1
        )  # half time ends at the tempo that it is played at
        bpm = (first.bpm, float(last.bpm / 2**fold))
    mixtures = None
    if first.mixture is not None and last.mixture is not None:
        distance = float(hellinger(np.asarray(first.mixture @ last.mixture)))
        mixtures = (first.mixture, last.mixture) if distance > SAME else None
    return Course(bpm, _energy(tracks, first.energy, last.energy, energy), mixtures)


def point(tracks: Candidates, rows: NDArray[np.intp]) -> Point:
    """The middle of some tracks: median tempo and energy, mean style."""
    mixture = tracks.mixtures[rows].mean(0)
    length = np.linalg.norm(mixture)
    return Point(_median(tracks.bpm[rows]), _median(tracks.energy[rows]), mixture / length if length else None)


def _energy(
    tracks: Candidates, first: float | None, last: float | None, shape: Energy
) -> tuple[tuple[float, float], ...]:
    known = tracks.energy[~np.isnan(tracks.energy)]
    if not known.size:
        return ()
    low, high = (float(level) for level in np.quantile(known, (LOW, HIGH)))
    begin = float(np.median(known)) if first is None else first
    if shape is Energy.HOLD:
        return ((0, begin), (1, begin))
    if shape is Energy.RISE:
        return ((0, begin), (1, max(begin, high)))
    if shape is Energy.FALL:
        return ((0, begin), (1, min(begin, low)))
    if shape is Energy.PEAK:
        return ((0, begin), (SUMMIT, max(begin, high)), (1, begin if last is None else last))
    return () if first is None or last is None else ((0, first), (1, last))


def _median(values: Column) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else None
