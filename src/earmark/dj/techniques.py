"""Techniques: the ways to go over from one track into another, and the pairs of styles that take them.

All that is known stands in `techniques.toml`. A technique is three curves, one for each band of the mixer, each the
share (0-1) that the new track has. Shares are angles: at share s the old track has the gain cos(s pi/2) and the new one
sin(s pi/2), so that the powers of both always add up to one, and two basslines are never at full level together.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError

TABLE: Final = Path(__file__).with_name("techniques.toml")
BANDS: Final = ("bass", "middle", "treble")
CUT: Final = 0.010  # seconds that a jump takes at least: shorter ones click

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Technique:
    """A way to go over; places are 0-1 along it.

    `bars` are its shortest and longest length; `leaves` and `enters` where in the old and the new track, `lead` how
    many bars before the drop; `jump` how many beats a jump of a curve takes; `curves` the points of each band.
    """

    name: str
    says: str
    bars: tuple[int, int]
    leaves: str
    enters: str
    lead: int
    jump: float
    curves: tuple[Points, Points, Points]

    def shares(self, places: NDArray[np.float64], jump: float) -> NDArray[np.float64]:
        """The share of the new track in each band.

        Args:
            places: along the transition, rising, (n,).
            jump: how long a jump takes, in the same unit.

        Shape: (BANDS, n).
        """
        return np.stack([_along(points, places, jump) for points in self.curves])


def _along(points: Points, places: NDArray[np.float64], jump: float) -> NDArray[np.float64]:
    at = np.array([place for place, _ in points])
    before = np.append(at[1:] == at[:-1], False)  # the first of two points at one place
    moved = np.maximum.accumulate(at - jump * before)
    shares: NDArray[np.float64] = np.interp(places, moved, [share for _, share in points])
    return shares


@cache
def techniques() -> dict[str, Technique]:
    """The techniques by their names."""
    return {
        name: Technique(
            name,
            entry["says"],
            (entry["bars"][0], entry["bars"][1]),
            entry["leaves"],
            entry["enters"],
            entry.get("lead", 0),
            float(entry["jump"]),
            (_points(entry["bass"]), _points(entry["middle"]), _points(entry["treble"])),
        )
        for name, entry in _table()["technique"].items()
    }


def named(name: str) -> Technique:
    """A technique by its name.

    Raises:
        EarmarkError: there is none of this name.
    """
    if name not in techniques():
        raise EarmarkError(f"there is no way to mix called {name!r}, only {', '.join(techniques())}")
    return techniques()[name]


def usual(old: tuple[str, str], new: tuple[str, str]) -> Technique:
    """The technique for a pair of tracks, given style and family of each; "" where unknown."""
    for pair in _table()["pair"]:
        if pair["from"] in (*old, "*") and pair["to"] in (*new, "*"):
            return techniques()[pair["technique"]]
    return techniques()["blend"]


def _points(rows: list[list[float]]) -> Points:
    return tuple((float(place), float(share)) for place, share in rows)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
