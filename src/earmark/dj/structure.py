"""Structure: the sections of a track on its bars.

A track is a chain of sections, each an intro, a break, a build, a drop or an outro. What is heard of each bar is
described by how loud it is beside the loud bars of its own track, in four registers and as onsets. Three things decide:
how these usually are in each kind of section, how much they change where one begins, and how many bars a section lasts.
Of all chains the most probable is sought (Viterbi's algorithm over whole sections). The table stands in structure.json
and was fitted to rendered tracks by `python -m bench.structure --fit`.

Conventions: features are (bars, FEATURES), in dB below the track's own loud bars, but for the last two.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earmark.dj.grid import BEATS, Grid
from earmark.hearing.rhythm import Envelopes

Array = NDArray[np.float64]

NAMES: Final = ("intro", "break", "build", "drop", "outro")
PHRASE: Final = 8  # bars
REGISTERS: Final = ((0, 1), (1, 3), (3, 6), (6, 8))  # octaves of the envelopes: bass, low middle, high middle, treble
LEVEL: Final = len(REGISTERS)  # the feature that is the level of all registers
LOUD: Final = 90  # percentile of the bars
DEEPEST: Final = -40.0  # dB; no level is lower
SILENT: Final = -35.0  # dB; what is below is silence
AHEAD: Final = 4  # bars whose mean is compared with as many before
COURSES: Final = 2  # features that already compare
RANGE: Final = 6.0  # dB that count as one in a change
FAINT: Final = 0.1  # change that is none
LONGEST: Final = 64  # bars of a section

# Costs, as negative logarithms of probabilities. A section of eight bars, or of several times eight, costs nothing.
UNEVEN: Final = {0: 0.0, 4: 0.7, 2: 2.5, 6: 2.5}  # by what is left of the bars after whole phrases,
ODD: Final = 4.0  # an odd number of bars
SHORT: Final = 3.0  # a section of less than four bars
FIRST: Final = {"intro": 0.0, "break": 4.0, "build": 5.0, "drop": 5.0}
LAST: Final = {"outro": 0.0, "break": 4.0, "drop": 5.0}
NEXT: Final = {
    ("intro", "break"): 0.7,
    ("intro", "build"): 1.5,
    ("intro", "drop"): 1.0,
    ("break", "build"): 0.5,
    ("break", "drop"): 1.0,
    ("break", "outro"): 2.5,
    ("build", "drop"): 0.1,
    ("build", "break"): 3.0,
    ("drop", "break"): 0.5,
    ("drop", "build"): 2.0,
    ("drop", "outro"): 1.0,
    ("drop", "drop"): 2.0,  # one of more than `LONGEST` bars
}
NEVER: Final = 1e9


@dataclass(frozen=True)
class Section:
    """A stretch of whole bars with one function, one of `NAMES`; `bar` is its first."""

    name: str
    bar: int
    bars: int

    @property
    def end(self) -> int:
        """The bar after the last one."""
        return self.bar + self.bars


def sections(envelopes: Envelopes, grid: Grid) -> tuple[Section, ...]:
    """The sections of a track, without gaps from the first bar to the last.

    Args:
        envelopes: of the whole track; a recording too long for them is one drop.
        grid: its bars.
    """
    if not envelopes.energies.size:
        return (Section("drop", 0, grid.bars),)
    described = features(envelopes, grid)
    return most_probable(log_likelihoods(described), beginnings(described))


def sounding(envelopes: Envelopes, grid: Grid) -> Grid:
    """The grid without the bars of silence before the first sound and after the last one."""
    if not envelopes.energies.size:
        return grid
    heard = np.flatnonzero(features(envelopes, grid)[:, LEVEL] > SILENT)
    return grid.cut(int(heard[0]), int(heard[-1]) + 1)


def features(envelopes: Envelopes, grid: Grid) -> Array:
    """Level of each register, all of them, onsets of the bass and of the treble, and how both go on; (bars, 9)."""
    borders = np.clip(np.rint(grid.times[::BEATS] * envelopes.frame_rate).astype(int), 0, len(envelopes.energies))
    energies = _bar_means(envelopes.energies.astype(np.float64), borders)  # (bars, bands)
    registers = np.stack([energies[:, first:last].sum(1) for first, last in REGISTERS], axis=1)
    onsets = _bar_means(envelopes.onset_strength(), borders)
    levels = np.column_stack([_below_loud(registers), _below_loud(energies.sum(1, keepdims=True))])
    strokes = 2 * _below_loud(np.column_stack([onsets[:, :1].sum(1), onsets[:, 3:].sum(1)]))
    course = np.column_stack([_course(levels[:, 3]), _course(levels[:, 0])])
    return np.column_stack([levels, strokes, course])


def _bar_means(values: Array, borders: NDArray[np.intp]) -> Array:
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    means: Array = np.maximum(np.diff(sums[borders], axis=0) / np.maximum(np.diff(borders), 1)[:, None], 0)
    return means


def _below_loud(powers: Array) -> Array:
    """Levels in dB below the loud bars of each column."""
    loud = np.percentile(powers, LOUD, axis=0) + 1e-30
    levels: Array = 10 * np.log10(np.maximum(powers / loud, 10 ** (DEEPEST / 10)))
    return levels


def _course(level: Array) -> Array:
    """How much louder the next bars are, this one among them, than those before; (bars,), in dB."""
    padded = np.pad(level, (AHEAD, AHEAD), mode="edge")
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    places = np.arange(level.size) + AHEAD
    course: Array = (sums[places + AHEAD] - 2 * sums[places] + sums[places - AHEAD]) / AHEAD
    return course


def log_likelihoods(described: Array) -> Array:
    """Logarithm of the probability of each bar in each kind of section; (bars, NAMES)."""
    table = model()
    found: Array = np.empty((len(described), len(NAMES)))
    for column, name in enumerate(NAMES):
        mean, inverse = np.array(table[name]["mean"]), np.array(table[name]["precision"])
        away = described - mean
        found[:, column] = 0.5 * (np.linalg.slogdet(inverse)[1] - np.einsum("ij,jk,ik->i", away, inverse, away))
    return found * float(table["weight"])


def beginnings(described: Array) -> Array:
    """Logarithm of the odds that a section begins with each bar, by how much changes there; (bars,)."""
    odds: Array = changes(described) @ np.array(model()["beginning"])
    return odds


def changes(described: Array) -> Array:
    """Change into each bar: over four bars, over one, and whether it is the largest near; (bars, CHANGES)."""
    levels = described[:, :-COURSES] / RANGE
    padded = np.pad(levels, ((AHEAD, AHEAD), (0, 0)), mode="edge")
    sums = np.concatenate([np.zeros((1, levels.shape[1])), np.cumsum(padded, axis=0)])
    places = np.arange(len(levels)) + AHEAD
    long = np.linalg.norm((sums[places + AHEAD] - 2 * sums[places] + sums[places - AHEAD]) / AHEAD, axis=1)
    short = np.linalg.norm(np.diff(levels, axis=0, prepend=levels[:1]), axis=1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(long, 2), 5).max(1)
    largest = long >= around
    logs = np.log(long + FAINT), np.log(short + FAINT)
    return np.column_stack([np.ones(len(levels)), *logs, largest, largest * logs[0]])


@cache
def model() -> dict[str, Any]:
    """Mean and precision matrix of the features in each kind of section, the weights of a bar and of its changes."""
    table: dict[str, Any] = json.loads(Path(__file__).with_name("structure.json").read_text(encoding="utf-8"))
    return table


def most_probable(likelihoods: Array, odds: Array) -> tuple[Section, ...]:
    """The most probable chain of sections, given `log_likelihoods` (bars, NAMES) and `beginnings` (bars,)."""
    bars = len(likelihoods)
    sums = np.concatenate([np.zeros((1, len(NAMES))), np.cumsum(likelihoods, axis=0)])
    best = np.full((bars + 1, len(NAMES)), -np.inf)  # of chains that end here with this kind of section
    came = np.zeros((bars + 1, len(NAMES), 2), int)  # bar at which it begins, kind before
    costs = np.array([[NEXT.get((before, name), NEVER) for name in NAMES] for before in NAMES])
    first = np.array([FIRST.get(name, NEVER) for name in NAMES])
    lengths = np.array([0.0, *(_length_cost(length) for length in range(1, LONGEST + 1))])
    for end in range(1, bars + 1):
        starts = np.arange(max(0, end - LONGEST), end)
        entering = best[starts][:, :, None] - costs  # (starts, before, name)
        before = entering.argmax(1)
        reached = entering.max(1) + odds[starts][:, None]
        if starts[0] == 0:
            reached[0] = -first
        total = reached + sums[end] - sums[starts] - lengths[end - starts][:, None]
        chosen = total.argmax(0)
        best[end] = total.max(0)
        came[end, :, 0] = starts[chosen]
        came[end, :, 1] = before[chosen, np.arange(len(NAMES))]
    kind = int(np.argmax(best[bars] - [LAST.get(name, NEVER) for name in NAMES]))
    chain: list[Section] = []
    end = bars
    while end:
        start, before_kind = came[end, kind].tolist()
        chain.append(Section(NAMES[kind], start, end - start))
        end, kind = start, before_kind
    return _joined(chain[::-1])


def _joined(chain: list[Section]) -> tuple[Section, ...]:
    """The chain, with neighbours of one kind as one section."""
    joined: list[Section] = []
    for section in chain:
        if joined and joined[-1].name == section.name:
            section = Section(section.name, joined[-1].bar, joined.pop().bars + section.bars)  # noqa: PLW2901
        joined.append(section)
    return tuple(joined)


def _length_cost(bars: int) -> float:
    return (ODD if bars % 2 else UNEVEN[bars % PHRASE]) + (SHORT if bars < PHRASE // 2 else 0.0)
