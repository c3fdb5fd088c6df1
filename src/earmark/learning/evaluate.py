"""Measures of a classifier, and their uncertainty. NumPy only.

Conventions
-----------
labels          (tracks,) int, indices of the true classes
probabilities   (tracks, classes), rows sum to 1; only the order within a row matters to Precision at k

Metrics
-------
precision_at_k  share of tracks whose true class is among the k most probable (for k = 1: accuracy)
macro           the mean over the classes of the same share: a small class counts as much as a large one
interval        95 % bootstrap interval: tracks drawn anew with replacement (Efron and Tibshirani, 1993)
calibration     expected calibration error: mean distance between confidence and accuracy (Guo et al., ICML 2017)
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.intp]
Probabilities = NDArray[np.float64]
Average = Literal["micro", "macro"]


def precision_at_k(y_true: Labels, y_prob: Probabilities, k: int, average: Average = "micro") -> float:
    """Share of tracks whose true class is among the k most probable; ties go to the class of the lower index.

    >>> precision_at_k(np.array([0, 2]), np.array([[0.2, 0.7, 0.1], [0.0, 0.4, 0.6]]), 1)
    0.5
    """
    hits = _hits(y_true, y_prob, k)
    return float(hits.mean()) if average == "micro" else float(_macro(hits[None], y_true)[0])


def interval(
    y_true: Labels,
    y_prob: Probabilities,
    k: int,
    average: Average = "micro",
    *,
    draws: int = 2000,
    generator: np.random.Generator | None = None,
) -> tuple[float, float]:
    """The 95 % bootstrap interval of `precision_at_k`; the draws are the same each time unless told otherwise."""
    generator = generator or np.random.default_rng(0)
    hits = _hits(y_true, y_prob, k)
    values = np.empty(draws)
    for draw in range(draws):
        chosen = generator.integers(len(hits), size=len(hits))
        values[draw] = hits[chosen].mean() if average == "micro" else _macro(hits[None, chosen], y_true[chosen])[0]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def by_class(y_true: Labels, y_prob: Probabilities, k: int, classes: int) -> NDArray[np.float64]:
    """Precision at k of the tracks of each class, nan where there are none, shape (classes,)."""
    hits = _hits(y_true, y_prob, k)
    counts = np.bincount(y_true, minlength=classes)
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = np.bincount(y_true, weights=hits, minlength=classes) / counts
    return shares


def calibration_error(y_true: Labels, y_prob: Probabilities, bins: int = 15) -> float:
    """Expected calibration error of the most probable class, over bins of equal width."""
    _validate(y_true, y_prob)
    confidence = y_prob.max(1)
    correct = y_prob.argmax(1) == y_true
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(bin_of, weights=confidence - correct, minlength=bins)
    return float(np.abs(gap).sum() / len(y_true))


def fit_temperature(y_true: Labels, y_prob: Probabilities) -> float:
    """The temperature by which to divide log-probabilities so that the held-out likelihood is largest.

    Golden-section search over the logarithm of the temperature, between 1/8 and 8; the likelihood has one maximum.

    References: Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    _validate(y_true, y_prob)
    logits = np.log(np.maximum(y_prob, 1e-12))

    def loss(log_temperature: float) -> float:
        return -float(np.log(apply_temperature(logits, np.exp(log_temperature)))[np.arange(len(y_true)), y_true].mean())

    golden = (np.sqrt(5) - 1) / 2
    low, high = -np.log(8), np.log(8)
    while high - low > 1e-4:  # noqa: PLR2004  a hundredth of a percent
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def apply_temperature(logits: NDArray[np.floating], temperature: float) -> Probabilities:
    """Softmax of logits divided by the temperature, shape (..., classes)."""
    scaled = np.asarray(logits, np.float64) / temperature
    exponential = np.exp(scaled - scaled.max(-1, keepdims=True))
    probabilities: Probabilities = exponential / exponential.sum(-1, keepdims=True)
    return probabilities


def _validate(y_true: Labels, y_prob: Probabilities) -> None:
    if y_true.ndim != 1 or y_prob.ndim != 2 or len(y_true) != len(y_prob) or len(y_true) == 0:  # noqa: PLR2004  axes
        raise ValueError(f"labels {y_true.shape} and probabilities {y_prob.shape} do not belong together")


def _hits(y_true: Labels, y_prob: Probabilities, k: int) -> NDArray[np.float64]:
    _validate(y_true, y_prob)
    top = np.argsort(-y_prob, axis=1, kind="stable")[:, :k]
    hits: NDArray[np.float64] = (top == y_true[:, None]).any(1).astype(np.float64)
    return hits


def _macro(hits: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """Mean over the classes present of the mean hit rate, (n, tracks) -> (n,)."""
    counts = np.bincount(labels)
    present = np.flatnonzero(counts)
    return np.array([(np.bincount(labels, weights=row)[present] / counts[present]).mean() for row in hits])
