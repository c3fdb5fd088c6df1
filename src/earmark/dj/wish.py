"""A wish: the conditions of a set."""

import math
from dataclasses import dataclass, field

import numpy as np

from earmark.dj.candidates import Rows
from earmark.dj.course import Energy
from earmark.errors import PlanError


@dataclass(frozen=True)
class Wish:
    """Conditions of a set.

    Attributes:
        first: rows, one of which begins it.
        last: rows, one of which ends it; empty if any may.
        tracks: how many; 0 if that follows from `seconds`.
        seconds: how long; 0 if that does not matter.
        play: rows that must be in it, wherever.
        avoid: rows that must not.
        repeat_artists: whether an artist may have more than one track, without being asked for.
        energy: course of the energy.
        variety: how much chance may cost; 0 always gives the same set, 1 is worth as much as a tempo 8 % away.
        seed: of the chance.
    """

    first: Rows
    last: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    tracks: int = 0
    seconds: float = 0.0
    play: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    avoid: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    repeat_artists: bool = False
    energy: Energy = Energy.FREE
    variety: float = 0.0
    seed: int = 0


def seconds_of(minutes: float) -> float:
    """Seconds of a length in minutes.

    Raises:
        PlanError: it is no length.
    """
    if not math.isfinite(minutes) or minutes <= 0:
        raise PlanError(f"the length is {minutes} minutes, but must be more than 0")
    return 60 * minutes
