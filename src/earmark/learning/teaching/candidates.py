"""The heads that a lesson may end with, and how each is fitted: scikit-learn's fit becomes the weights of a head.

What is validated is what is shipped: a candidate gives the very module that goes into the bundle.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from earmark.learning.networks.heads import Head, KernelHead, LinearHead, NeighbourHead, Standardise
from earmark.learning.teaching.lesson import Lesson

TWO = 2  # styles: scikit-learn then fits one boundary, not one for each style


@dataclass(frozen=True)
class Candidate:
    """A kind of head and the settings of its fit."""

    kind: str
    settings: Mapping[str, float | str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(f'{name} {value}' for name, value in self.settings.items())})"

    def fit(self, lesson: Lesson) -> Head:
        """Fit a head to all tracks of a lesson, each of whose styles has some."""
        return FITS[self.kind](lesson, **self.settings).eval()


def candidates(kinds: Sequence[str]) -> tuple[Candidate, ...]:
    """All candidates of some kinds, in the order of their complexity: of equals the first is chosen."""
    grids: dict[str, list[Mapping[str, float | str]]] = {
        "linear": [{"C": C} for C in (0.001, 0.01, 0.1, 1.0, 10.0)],
        "svm": [{"C": C, "width": width} for C in (1.0, 10.0) for width in (0.1, 0.3, 1.0)],
        "neighbours": [{"k": k, "metric": metric} for metric in ("euclidean", "cosine") for k in (3, 7, 15)],
    }
    return tuple(Candidate(kind, settings) for kind in kinds for settings in grids[kind])


@torch.no_grad()
def logits_of(head: Head, windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """What a head says to embeddings, (windows, dims) -> (windows, styles)."""
    logits: NDArray[np.float64] = head(torch.from_numpy(windows)).double().numpy()
    return logits


def fit_linear(lesson: Lesson, C: float) -> LinearHead:  # noqa: N803  scikit-learn's name
    """Multinomial logistic regression, penalised by the squares of its weights over 2 C."""
    head = LinearHead(len(lesson.styles), lesson.windows.shape[1])
    weights = lesson.window_weights()
    standard = standardise(head.standardise, lesson.windows, weights)
    fitted = LogisticRegression(C=C, max_iter=2000).fit(standard, lesson.labels[lesson.track_of], weights)
    if len(lesson.styles) == TWO:  # the logit of the second; that of the first is 0
        _fill(head.weight, np.concatenate([np.zeros_like(fitted.coef_), fitted.coef_]))
        _fill(head.bias, np.append(0, fitted.intercept_))
    else:
        _fill(head.weight, fitted.coef_)
        _fill(head.bias, fitted.intercept_)
    return head


def fit_svm(lesson: Lesson, C: float, width: float) -> KernelHead:  # noqa: N803  scikit-learn's name
    """A support vector machine for each style; `width` is gamma times the number of values in an embedding."""
    styles, dims = len(lesson.styles), lesson.windows.shape[1]
    gamma = width / dims
    weights, labels = lesson.window_weights(), lesson.labels[lesson.track_of]
    scaler = Standardise(dims)
    standard = standardise(scaler, lesson.windows, weights)
    coefficients, bias = np.zeros((len(standard), styles)), np.zeros(styles)
    for style in range(1, TWO) if styles == TWO else range(styles):
        machine = SVC(C=C, gamma=gamma).fit(standard, labels == style, weights)
        coefficients[machine.support_, style] = machine.dual_coef_[0]
        bias[style] = machine.intercept_[0]
    if styles == TWO:
        coefficients[:, 0], bias[0] = -coefficients[:, 1], -bias[1]
    support = np.flatnonzero(coefficients.any(1))
    head = KernelHead(styles, dims, len(support), gamma)
    head.standardise = scaler
    _fill(head.vectors, standard[support])
    _fill(head.coefficients, coefficients[support])
    _fill(head.bias, bias)
    return head


def fit_neighbours(lesson: Lesson, k: int, metric: str) -> NeighbourHead:
    """Every track becomes a point, the mean of its windows; with few tracks fewer neighbours are asked."""
    points = lesson.track_means()
    head = NeighbourHead(len(lesson.styles), points.shape[1], len(points), min(k, len(points) - 1), metric)
    weights = lesson.track_weights()
    _fill(head.points, standardise(head.standardise, points, weights))
    _fill(head.votes, np.eye(len(lesson.styles))[lesson.labels] * weights[:, None])
    return head


FITS: dict[str, Callable[..., Head]] = {"linear": fit_linear, "svm": fit_svm, "neighbours": fit_neighbours}


def standardise(layer: Standardise, rows: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take mean and deviation from rows (n, dims), and return the rows standardised; a constant stays at 0."""
    scaler = StandardScaler().fit(rows.astype(np.float64), sample_weight=weights)
    _fill(layer.mean, scaler.mean_)
    _fill(layer.scale, scaler.scale_)
    standard: NDArray[np.float64] = scaler.transform(rows)
    return standard


def _fill(buffer: torch.Tensor, values: NDArray[np.float64]) -> None:
    buffer.copy_(torch.from_numpy(np.ascontiguousarray(values)))
