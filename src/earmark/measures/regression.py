"""Measures of estimated numbers. NumPy only.

Conventions: `truth` and `estimate` are (tracks,), in the unit of the value.

Metrics
-------
rmse         root of the mean squared error, in the unit of the value
r2           share of the variance that is explained: 1 is perfect, 0 as good as always saying the mean, below is worse
correlation  Pearson's: 1 even where the scale or the offset are wrong

`r2` and `correlation` are nan where the truth does not vary; so is `correlation` where the estimate does not.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]


def rmse(truth: Values, estimate: Values) -> float:
    """Root of the mean squared error."""
    _validate(truth, estimate)
    return float(np.sqrt(np.mean((truth - estimate) ** 2)))


def r2(truth: Values, estimate: Values) -> float:
    """Coefficient of determination."""
    _validate(truth, estimate)
    spread = ((truth - truth.mean()) ** 2).sum()
    return float(1 - ((truth - estimate) ** 2).sum() / spread) if spread else float("nan")


def correlation(truth: Values, estimate: Values) -> float:
    """Pearson's correlation."""
    _validate(truth, estimate)
    one, other = truth - truth.mean(), estimate - estimate.mean()
    spread = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / spread) if spread else float("nan")


def _validate(truth: Values, estimate: Values) -> None:
    if truth.shape != estimate.shape or truth.ndim != 1 or not len(truth):
        raise ValueError(f"values {truth.shape} and estimates {estimate.shape} do not belong together")
