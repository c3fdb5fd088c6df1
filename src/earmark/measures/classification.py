"""Measures of a classifier. NumPy only.

Conventions
-----------
labels          (tracks,) int, indices of the true classes
probabilities   (tracks, classes), rows sum to 1; only the order within a row matters to Precision at k
answer          the most probable class, of several the one of the lowest index; its probability is the *confidence*

Metrics
-------
precision_at_k  share of tracks whose true class is among the k most probable (for k = 1: accuracy)
macro           the mean over the classes of the same share: a small class counts as much as a large one
confusion       how many tracks of each class got each answer
calibration     expected calibration error: mean distance between confidence and accuracy (Guo et al., ICML 2017)
reliability     the same bin by bin, for a picture
coverage        share of tracks that are answered, and of these answered rightly, if a lesser confidence is not enough
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labels = NDArray[np.intp]
Probabilities = NDArray[np.float64]
Average = Literal["micro", "macro"]


def precision_at_k(y_true: Labels, y_prob: Probabilities, k: int, average: Average = "micro") -> float:
    """Share of tracks whose true class is among the k most probable; ties go to the class of the lower index.

    >>> precision_at_k(np.array([0, 2]), np.array([[0.2, 0.7, 0.1], [0.0, 0.4, 0.6]]), 1)
    0.5
    """
    right = hits(y_true, y_prob, k)
    return float(right.mean()) if average == "micro" else class_mean(right, y_true)


def hits(y_true: Labels, y_prob: Probabilities, k: int) -> NDArray[np.float64]:
    """1 for each track whose true class is among the k most probable, else 0, shape (tracks,)."""
    _validate(y_true, y_prob)
    top = np.argsort(-y_prob, axis=1, kind="stable")[:, :k]
    found: NDArray[np.float64] = (top == y_true[:, None]).any(1).astype(np.float64)
    return found


def class_mean(values: NDArray[np.float64], y_true: Labels) -> float:
    """The mean over the classes present of the means of their tracks; values (tracks,)."""
    counts = np.bincount(y_true)
    present = np.flatnonzero(counts)
    return float((np.bincount(y_true, weights=values)[present] / counts[present]).mean())


def confusion(y_true: Labels, y_prob: Probabilities) -> NDArray[np.intp]:
    """Counts of tracks by class (row) and answer (column), shape (classes, classes)."""
    _validate(y_true, y_prob)
    classes = y_prob.shape[1]
    return np.bincount(y_true * classes + y_prob.argmax(1), minlength=classes**2).reshape(classes, classes)


def grouped(y_prob: Probabilities, group_of: Sequence[str]) -> tuple[tuple[str, ...], Probabilities]:
    """Add up the probabilities of classes that belong together, such as the styles of a family.

    Args:
        y_prob: (tracks, classes)
        group_of: the group of each class.

    Returns:
        The groups in the order in which the classes first name them, and their probabilities, (tracks, groups).
    """
    names = tuple(dict.fromkeys(group_of))
    belongs = np.array([[group == name for name in names] for group in group_of])
    return names, y_prob @ belongs


def by_class(y_true: Labels, y_prob: Probabilities, k: int, classes: int) -> NDArray[np.float64]:
    """Precision at k of the tracks of each class, nan where there are none, shape (classes,)."""
    right = hits(y_true, y_prob, k)
    counts = np.bincount(y_true, minlength=classes)
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = np.bincount(y_true, weights=right, minlength=classes) / counts
    return shares


@dataclass(frozen=True)
class Reliability:
    """Confidence beside accuracy: for each bin of confidence its mean, the share that was right, and how many tracks.

    The bins are of equal width between 0 and 1; mean and share are nan where a bin is empty. Shapes (bins,).
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.intp]

    def as_json(self) -> dict[str, list[Any]]:
        """The bins in plain values, rounded to three digits; None where a bin is empty."""
        means = {"confidence": self.confidence, "accuracy": self.accuracy}
        rounded = {
            name: [None if np.isnan(each) else round(float(each), 3) for each in of] for name, of in means.items()
        }
        return {**rounded, "count": self.count.tolist()}


def reliability(y_true: Labels, y_prob: Probabilities, bins: int = 15) -> Reliability:
    """Confidence and accuracy bin by bin."""
    _validate(y_true, y_prob)
    confidence, correct = y_prob.max(1), y_prob.argmax(1) == y_true
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    sums = np.array([np.bincount(bin_of, weights=values, minlength=bins) for values in (confidence, correct)])
    means = np.divide(sums, count, out=np.full((2, bins), np.nan), where=count > 0)
    return Reliability(means[0], means[1], count)


def calibration_error(y_true: Labels, y_prob: Probabilities, bins: int = 15) -> float:
    """Expected calibration error of the most probable class, over bins of equal width."""
    found = reliability(y_true, y_prob, bins)
    gaps = np.abs(found.confidence - found.accuracy)
    return float(np.nansum(gaps * found.count) / len(y_true))


def coverage(
    y_true: Labels, y_prob: Probabilities, thresholds: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coverage and accuracy of a classifier that keeps silent where its confidence is below a threshold.

    Returns:
        For each threshold the share of tracks that are answered, and the share of these whose answer is right (nan
        where none is answered); shapes (thresholds,).
    """
    _validate(y_true, y_prob)
    answered = y_prob.max(1) >= np.atleast_1d(np.asarray(thresholds, np.float64))[:, None]  # (thresholds, tracks)
    right = (answered & (y_prob.argmax(1) == y_true)).sum(1)
    count = answered.sum(1)
    return count / len(y_true), np.divide(right, count, out=np.full(len(count), np.nan), where=count > 0)


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
