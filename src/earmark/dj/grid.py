"""The bars of a track as a DJ counts them: whole bars of four beats, from the first downbeat to the last.

A track without a beat is counted, too, in bars of two seconds, so that everything has bars; its grid says that nobody
heard them, and it is never stretched to another's tempo.

Conventions: times are seconds from the start of the file; bars and beats are counted from 0 at the first downbeat.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from earmark.analysis import Rhythm

BEATS: Final = 4  # in a bar
COUNTED: Final = 0.5  # seconds of a beat that nobody heard
EARLY: Final = 0.001  # seconds before the start of the file that are rounding
FEWEST: Final = 2  # bars of a beat that something can be laid on


@dataclass(frozen=True)
class Grid:
    """Beats of whole bars.

    `times` are those of all beats and of the end of the last bar, (4 bars + 1,). `heard` is False where the beat is
    made up.
    """

    times: NDArray[np.float64]
    heard: bool = True

    @classmethod
    def of(cls, rhythm: Rhythm | None, duration: float) -> Self:
        """The grid of a track of so many seconds.

        A tempo that does not move makes a straight line of the beats: then the rounding of single beats, and the start
        of the file, which cuts off the very first, do not count.
        """
        if rhythm is None or rhythm.downbeats.size < FEWEST:
            beats = max(1, int(duration / COUNTED / BEATS)) * BEATS
            return cls(np.arange(beats + 1, dtype=np.float64) * COUNTED, heard=False)
        found: NDArray[np.float64] = rhythm.beats
        first = int(np.argmin(np.abs(found - rhythm.downbeats[0])))
        numbers = np.arange(found.size)
        if rhythm.drift == 0 and found.size > BEATS:
            slope, start = np.polyfit(numbers[1:], found[1:], 1).tolist()
            found = start + slope * numbers
        step = float(np.median(np.diff(found)))
        after = np.arange(1, BEATS + 1) * step + found[-1]
        times = np.concatenate([found, after[after <= duration + 0.1 * step]])[first:]
        times = np.maximum(times if times[0] > -EARLY else times[BEATS:], 0)
        return cls(np.asarray(times[: (times.size - 1) // BEATS * BEATS + 1], np.float64))

    def __repr__(self) -> str:
        """One line: how many bars at which tempo."""
        return f"<Grid {self.bars} bars at {self.bpm:.2f} BPM{'' if self.heard else ', made up'}>"

    @property
    def bars(self) -> int:
        """Whole bars."""
        return (self.times.size - 1) // BEATS

    @property
    def bpm(self) -> float:
        """Tempo, the median of all beats."""
        return 60 / float(np.median(np.diff(self.times)))

    def bar(self, number: int) -> float:
        """Time of a downbeat; `bars` is the end of the last one."""
        return float(self.times[BEATS * number])

    def cut(self, first: int, end: int) -> Self:
        """The grid of some of the bars."""
        return type(self)(self.times[BEATS * first : BEATS * end + 1], self.heard)

    def doubled(self) -> Self:
        """The same grid with twice as many beats, and so twice as many bars: 87 BPM counted as 174."""
        halves = np.interp(np.arange(2 * self.times.size - 1) / 2, np.arange(self.times.size), self.times)
        return type(self)(halves, self.heard)
