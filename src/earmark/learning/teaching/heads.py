"""The table of heads: each is fitted by scikit-learn, whose result becomes the weights of a small network.

A fit returns the very module that goes into the bundle, so the head that is validated is the one that is shipped.
To add a head, write its network in `learning.networks.heads` and its fit here, and add a row to `HEADS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from earmark.errors import EarmarkError
from earmark.learning.networks.heads import Head, KernelHead, LinearHead, NeighbourHead, Standardise
from earmark.learning.teaching.labelled import LabelledEmbeddings

Settings = Mapping[str, float | str]

TWO: Final = 2  # styles: scikit-learn then fits one boundary, not one for each style


@dataclass(frozen=True)
class Candidate:
    """A kind of head and the settings of its fit."""

    kind: str
    settings: Settings = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(f'{name} {value}' for name, value in self.settings.items())})"

    def fit(self, labelled: LabelledEmbeddings) -> Head:
        """Fit a head to labelled tracks; each style must have some."""
        return HEADS[self.kind].fit(labelled, **self.settings).eval()


def candidates(kinds: Sequence[str]) -> tuple[Candidate, ...]:
    """All candidates of some kinds, in the order of their complexity: of equals the first is chosen."""
    return tuple(Candidate(kind, settings) for kind in kinds for settings in HEADS[kind].grid)


def require_head(kind: str) -> None:
    """Make sure that a kind of head is known.

    Raises:
        EarmarkError: it is not.
    """
    if kind not in HEADS:
        raise EarmarkError(f"{kind!r} is no head; known are {', '.join(HEADS)}")


@torch.no_grad()
def logits_of(head: Head, windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits of a head, (windows, dims) -> (windows, styles)."""
    logits: NDArray[np.float64] = head(torch.from_numpy(windows)).double().numpy()
    return logits


def fit_linear(labelled: LabelledEmbeddings, C: float) -> LinearHead:  # noqa: N803  scikit-learn's name
    """Multinomial logistic regression, penalised by the squares of its weights over 2 C."""
    head = LinearHead(len(labelled.styles), labelled.windows.shape[1])
    weights = labelled.window_weights()
    standard = standardise(head.standardise, labelled.windows, weights)
    fitted = LogisticRegression(C=C, max_iter=2000).fit(standard, labelled.labels[labelled.track_of], weights)
    if len(labelled.styles) == TWO:  # the logit of the second; that of the first is 0
        _fill(head.weight, np.concatenate([np.zeros_like(fitted.coef_), fitted.coef_]))
        _fill(head.bias, np.append(0, fitted.intercept_))
    else:
        _fill(head.weight, fitted.coef_)
        _fill(head.bias, fitted.intercept_)
    return head


def fit_svm(labelled: LabelledEmbeddings, C: float, width: float) -> KernelHead:  # noqa: N803  scikit-learn's name
    """A support vector machine for each style; `width` is gamma times the number of values in an embedding."""
    styles, dims = len(labelled.styles), labelled.windows.shape[1]
    gamma = width / dims
    weights, labels = labelled.window_weights(), labelled.labels[labelled.track_of]
    scaler = Standardise(dims)
    standard = standardise(scaler, labelled.windows, weights)
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


def fit_neighbours(labelled: LabelledEmbeddings, k: int, metric: str) -> NeighbourHead:
    """Every track becomes a point, the mean of its windows; with few tracks fewer neighbours are asked."""
    points = labelled.track_means()
    head = NeighbourHead(len(labelled.styles), points.shape[1], len(points), min(k, len(points) - 1), metric)
    weights = labelled.track_weights()
    _fill(head.points, standardise(head.standardise, points, weights))
    _fill(head.votes, np.eye(len(labelled.styles))[labelled.labels] * weights[:, None])
    return head


@dataclass(frozen=True)
class TeachingHead:
    """A kind of head.

    Attributes:
        title: its name in words.
        network: the class of its network.
        fit: labelled tracks and settings -> a network with fitted weights.
        grid: the settings to choose among, the simplest first.
    """

    title: str
    network: type[Head]
    fit: Callable[..., Head]
    grid: tuple[Settings, ...]


HEADS: Final = {
    head.network.kind: head
    for head in (
        TeachingHead("linear", LinearHead, fit_linear, tuple({"C": C} for C in (0.001, 0.01, 0.1, 1.0, 10.0))),
        TeachingHead(
            "support vector",
            KernelHead,
            fit_svm,
            tuple({"C": C, "width": width} for C in (1.0, 10.0) for width in (0.1, 0.3, 1.0)),
        ),
        TeachingHead(
            "nearest-neighbour",
            NeighbourHead,
            fit_neighbours,
            tuple({"k": k, "metric": metric} for metric in ("euclidean", "cosine") for k in (3, 7, 15)),
        ),
    )
}
"""All kinds, by the name that the command line and a bundle give them; the simplest first."""


def standardise(layer: Standardise, rows: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take mean and deviation from rows (n, dims), and return the rows standardised; a constant stays at 0."""
    scaler = StandardScaler().fit(rows.astype(np.float64), sample_weight=weights)
    _fill(layer.mean, scaler.mean_)
    _fill(layer.scale, scaler.scale_)
    standard: NDArray[np.float64] = scaler.transform(rows)
    return standard


def _fill(buffer: torch.Tensor, values: NDArray[np.float64]) -> None:
    buffer.copy_(torch.from_numpy(np.ascontiguousarray(values)))
