"""A measure with its uncertainty: a 95 % bootstrap interval over artists, each drawn with all of its tracks.

Tracks of one artist resemble each other, and windows of one track much more so: to draw them one by one would make
the figures look surer than they are. Where all draws agree, which happens when all tracks are right or there is one
artist alone, the draws know nothing of the uncertainty, and Wilson's interval for as many artists takes their place.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earmark.measures.classification import Average, Labels, Probabilities, class_mean
from earmark.measures.scores import RANKS, Figure, precision
from earmark.measures.uncertainty import Indices, bootstrap, mean_interval


def ranks(y_true: Labels, y_prob: Probabilities, artists: Indices, average: Average = "micro") -> tuple[Figure, ...]:
    """Precision at 1, 2 and 3."""
    return tuple(precision(y_true, y_prob, artists, k, average) for k in RANKS)


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
