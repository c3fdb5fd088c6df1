"""The beat grid as DJ programs keep it: marks with a time and a tempo, from which the beats run on by themselves.

One mark is enough for a track at constant tempo. Where the beats that were heard leave the grid, another mark begins.
Bars have four beats.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.analysis import Rhythm

BEATS: Final = 4  # in a bar
TOLERANCE: Final = 0.010  # seconds by which a grid may be wrong at the first beat of a bar before it is set anew
BARS: Final = 8  # over which the tempo after a new mark is measured; one alone is as uncertain as its two ends


@dataclass(frozen=True)
class Mark:
    """A beat at `time` in seconds, the `beat` (1-4) of its bar, from which the grid runs on at `bpm`."""

    time: float
    bpm: float
    beat: int = 1


def marks(rhythm: Rhythm, decimals: int) -> list[Mark]:
    """The grid of a track, from its first downbeat on; from its first beat where no downbeat is known.

    Args:
        rhythm: what was heard.
        decimals: to which the program keeps a tempo; what it rounds away is made good by more marks.
    """
    bars = rhythm.downbeats if rhythm.downbeats.size else rhythm.beats[:1]
    if not bars.size or not rhythm.bpm > 0:
        return []
    found = [Mark(_first(bars), round(rhythm.bpm, decimals))]
    while True:
        bar = 60 * BEATS / found[-1].bpm
        ahead = (bars - found[-1].time) / bar  # (bars,): how many bars after the last mark
        late = np.flatnonzero((ahead > 0) & (np.abs(ahead - np.round(ahead)) * bar > TOLERANCE))
        if not late.size:
            return found
        following = bars[late[0] : late[0] + BARS + 1]
        bpm = 60 * BEATS / float(np.median(np.diff(following))) if following.size > 1 else rhythm.bpm
        found.append(Mark(float(following[0]), round(bpm, decimals)))


def _first(bars: NDArray[np.float64]) -> float:
    """Begin of the grid in seconds, as the first bars agree: the start of the file may cut off the very first."""
    early = bars[: BARS + 1]
    if early.size == 1:
        return float(early[0])
    bar = float(np.median(np.diff(early)))
    time = float(np.median(early - np.round((early - early[0]) / bar) * bar))
    return time if time >= 0 else time + bar


def from_the_start(found: list[Mark]) -> list[Mark]:
    """The same grid with the first mark on the first beat that lies in the file, whichever of its bar that is."""
    if not found:
        return []
    first, *others = found
    period = 60 / first.bpm
    back = int(first.time / period + 1e-6)
    return [Mark(max(0.0, first.time - back * period), first.bpm, -back % BEATS + 1), *others]
