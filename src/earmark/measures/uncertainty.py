"""The uncertainty of a measure: 95 % intervals, and the comparison of two classifiers. NumPy only.

Conventions
-----------
bootstrap  of any measure: the tracks are drawn anew, with replacement, and measured again and again (Efron and
           Tibshirani, 1993). Where tracks resemble each other (those of one artist, windows of one track) they are
           one group, and groups are drawn, each with all of its tracks: one by one they would look like more than
           they are.
wilson     of a share, in closed form (Wilson, JASA 22, 1927): it says something even where all tracks agree, which
           drawn anew would agree again.
mcnemar    are two classifiers that heard the same tracks equally often right? (McNemar, Psychometrika 12, 1947)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earmark.measures.classification import Labels, class_mean

Indices = NDArray[np.intp]

BLOCK = 1_000_000  # tracks drawn at once


@dataclass(frozen=True)
class Figure:
    """A measure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap(
    measure: Callable[[Indices], ArrayLike],
    tracks: int,
    *,
    groups: Indices | None = None,
    draws: int = 2000,
    generator: np.random.Generator | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % bootstrap intervals of a measure, or of several at once.

    Args:
        measure: what to measure of the tracks drawn, given as indices with repetitions; a number or an array. Where
            it is nan in a draw (no track of a class), the other draws make the interval.
        tracks: how many there are.
        groups: (tracks,) the number of each track's group, if groups are to be drawn rather than tracks.
        draws: how often.
        generator: the same draws each time unless given.

    Returns:
        The lower and the upper ends, each of the shape of the measure.
    """
    unit_of = np.arange(tracks) if groups is None else np.unique(groups, return_inverse=True)[1]
    members = np.split(np.argsort(unit_of, kind="stable"), np.bincount(unit_of).cumsum()[:-1])
    values = [
        measure(np.concatenate([members[unit] for unit in chosen]))
        for block in _draws(len(members), draws, generator)
        for chosen in block
    ]
    shape = np.shape(values[0])
    columns = np.reshape(np.asarray(values, np.float64), (draws, -1))
    known = np.isfinite(columns).any(0)
    ends = np.full((2, columns.shape[1]), np.nan)
    ends[:, known] = np.nanquantile(columns[:, known], [0.025, 0.975], axis=0)
    return ends[0].reshape(shape), ends[1].reshape(shape)


def mean_interval(
    values: NDArray[np.float64],
    *,
    classes: Indices | None = None,
    groups: Indices | None = None,
    draws: int = 2000,
    generator: np.random.Generator | None = None,
) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean, as `bootstrap` gives it, but all draws at once.

    Args:
        values: (tracks,)
        classes: (tracks,); where given, it is of the mean over the classes that were drawn of their means.
        groups: as there.
        draws: as there.
        generator: as there.
    """
    class_of = np.zeros(len(values), np.intp) if classes is None else np.unique(classes, return_inverse=True)[1]
    unit_of = np.arange(len(values)) if groups is None else np.unique(groups, return_inverse=True)[1]
    shape = unit_of.max() + 1, class_of.max() + 1
    sums, counts = np.zeros((2, *shape))  # (units, classes)
    np.add.at(sums, (unit_of, class_of), values)
    np.add.at(counts, (unit_of, class_of), 1)
    means = []
    for chosen in _draws(shape[0], draws, generator):
        rows = np.arange(len(chosen))[:, None] * shape[0]
        times = np.bincount((chosen + rows).ravel(), minlength=chosen.size).reshape(chosen.shape).astype(np.float64)
        drawn = times @ counts  # (draws, classes)
        of_class = np.divide(times @ sums, drawn, out=np.zeros_like(drawn), where=drawn > 0)
        means.append(of_class.sum(1) / (drawn > 0).sum(1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)


def wilson(share: float, tracks: int) -> tuple[float, float]:
    """The 95 % interval of a share of so many tracks.

    >>> [round(end, 3) for end in wilson(1.0, 5)]
    [0.566, 1.0]
    """
    z2 = 1.959964**2  # the square of the 97.5th percentile of the normal distribution
    middle = (share + z2 / (2 * tracks)) / (1 + z2 / tracks)
    reach = (z2 * (share * (1 - share) / tracks + z2 / (4 * tracks**2))) ** 0.5 / (1 + z2 / tracks)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def difference(by: NDArray[np.float64], artists: Indices, classes: Labels | None = None) -> Figure:
    """By how much two models differ, (tracks,), in the mean of the tracks or, if these are given, of the classes."""
    value = float(by.mean()) if classes is None else class_mean(by, classes)
    return Figure(value, *mean_interval(by, classes=classes, groups=artists))


def estimates(measure: Callable[[Indices], ArrayLike], artists: Indices, *, draws: int = 2000) -> list[Figure]:
    """Several measures of the tracks whose indices they are given, with intervals; no substitute for equal draws."""
    values = np.atleast_1d(np.asarray(measure(np.arange(len(artists))), np.float64))
    low, high = bootstrap(measure, len(artists), groups=artists, draws=draws)
    ends = zip(values, np.atleast_1d(low), np.atleast_1d(high), strict=True)
    return [Figure(float(value), float(bottom), float(top)) for value, bottom, top in ends]


@dataclass(frozen=True)
class McNemar:
    """Two classifiers on the same tracks: how many both, one or neither got right; `p_value` if they were equal."""

    both: int
    first_only: int
    second_only: int
    neither: int
    p_value: float


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """McNemar's test, exact and two-sided, of two classifiers; (tracks,) whether each was right.

    Only the tracks on which they differ count: were the classifiers equal, each of those would go to either of them
    like a coin. The exact binomial probability is right for few of them and affordable for many. It takes tracks to be
    independent.

    References: Dietterich, Approximate statistical tests for comparing supervised classification learning algorithms,
        Neural Computation 10(7), 1998.
    """
    if first.shape != second.shape:
        raise ValueError(f"answers to {len(first)} tracks and to {len(second)} cannot be paired")
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    one, other = int((first & ~second).sum()), int((~first & second).sum())
    flips = one + other
    ways, tail = 1, 0  # of `flips` coins to show so many heads; whole numbers, so that nothing is lost
    for heads in range(min(one, other) + 1):
        tail += ways
        ways = ways * (flips - heads) // (heads + 1)
    return McNemar(both, one, other, neither, min(1.0, 2 * tail / 2**flips))


def _draws(units: int, draws: int, generator: np.random.Generator | None) -> Iterator[Indices]:
    """As many units as there are, with repetitions, so often: blocks of draws, each (draws, units)."""
    generator = generator or np.random.default_rng(0)
    rows = max(1, BLOCK // units)
    for first in range(0, draws, rows):
        yield generator.integers(units, size=(min(rows, draws - first), units))
