"""The table of heads: each is fitted by scikit-learn, whose result becomes the arrays of a small classifier.

A fit returns the very head that goes into the bundle, so the head that is validated is the one that is shipped.
To add a head, write its answer in `teaching.fitted`, the same as a module of torch in `learning.networks.heads`, and
its fit here, and add a row to `HEADS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from earmark.errors import EarmarkError
from earmark.learning.teaching.fitted import FittedHead, KernelHead, LinearHead, NeighbourHead, Standardise
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

    def fit(self, labelled: LabelledEmbeddings) -> FittedHead:
        """Fit a head to labelled tracks; each style must have some."""
        return HEADS[self.kind].fit(labelled, **self.settings)


def candidates(kinds: Sequence[str]) -> tuple[Candidate, ...]:
    """All candidates of some kinds, in the order of their complexity: of equals the first is chosen."""
    return tuple(Candidate(kind, settings) for kind in kinds for settings in HEADS[kind].grid)


def require_head(kind: str) -> None:
    """Make sure that a kind of head is known.

    Raises:
        EarmarkError: it is not.
    """
    if kind not in HEADS:
        raise EarmarkError(f"there is no head called {kind!r}; the heads are {', '.join(HEADS)}")


def fit_linear(labelled: LabelledEmbeddings, C: float) -> LinearHead:  # noqa: N803  scikit-learn's name
    """Multinomial logistic regression, penalised by the squares of its weights over 2 C."""
    weights = labelled.window_weights()
    standardise = Standardise.of(labelled.windows, weights)
    standard, labels = standardise(labelled.windows), labelled.labels[labelled.track_of]
    fitted = LogisticRegression(C=C, max_iter=2000).fit(standard, labels, weights)
    if len(labelled.styles) == TWO:  # the logit of the second; that of the first is 0
        weight = np.concatenate([np.zeros_like(fitted.coef_), fitted.coef_])
        return LinearHead(standardise, weight, np.append(0, fitted.intercept_))
    return LinearHead(standardise, fitted.coef_, fitted.intercept_)


def fit_svm(labelled: LabelledEmbeddings, C: float, width: float) -> KernelHead:  # noqa: N803  scikit-learn's name
    """A support vector machine for each style; `width` is gamma times the number of values in an embedding."""
    styles, dims = len(labelled.styles), labelled.windows.shape[1]
    gamma = width / dims
    weights, labels = labelled.window_weights(), labelled.labels[labelled.track_of]
    standardise = Standardise.of(labelled.windows, weights)
    standard = standardise(labelled.windows)
    coefficients, bias = np.zeros((len(standard), styles)), np.zeros(styles)
    for style in range(1, TWO) if styles == TWO else range(styles):
        machine = SVC(C=C, gamma=gamma).fit(standard, labels == style, weights)
        coefficients[machine.support_, style] = machine.dual_coef_[0]
        bias[style] = machine.intercept_[0]
    if styles == TWO:
        coefficients[:, 0], bias[0] = -coefficients[:, 1], -bias[1]
    support = np.flatnonzero(coefficients.any(1))
    return KernelHead(standardise, standard[support], coefficients[support], bias, gamma)


def fit_neighbours(labelled: LabelledEmbeddings, k: int, metric: str) -> NeighbourHead:
    """Every track becomes a point, the mean of its windows; with few tracks fewer neighbours are asked."""
    points, weights = labelled.track_means(), labelled.track_weights()
    standardise = Standardise.of(points, weights)
    votes = np.eye(len(labelled.styles))[labelled.labels] * weights[:, None]
    return NeighbourHead(standardise, standardise(points), votes, min(k, len(points) - 1), metric)


@dataclass(frozen=True)
class TeachingHead:
    """A kind of head.

    Attributes:
        title: its name in words.
        kind: its name in a bundle and on the command line.
        fit: labelled tracks and settings -> a head.
        grid: the settings to choose among, the simplest first.
    """

    title: str
    kind: str
    fit: Callable[..., FittedHead]
    grid: tuple[Settings, ...]


HEADS: Final = {
    head.kind: head
    for head in (
        TeachingHead("linear", LinearHead.kind, fit_linear, tuple({"C": C} for C in (0.001, 0.01, 0.1, 1.0, 10.0))),
        TeachingHead(
            "support vector",
            KernelHead.kind,
            fit_svm,
            tuple({"C": C, "width": width} for C in (1.0, 10.0) for width in (0.1, 0.3, 1.0)),
        ),
        TeachingHead(
            "nearest-neighbour",
            NeighbourHead.kind,
            fit_neighbours,
            tuple({"k": k, "metric": metric} for metric in ("euclidean", "cosine") for k in (3, 7, 15)),
        ),
    )
}
"""All kinds, by the name that the command line and a bundle give them; the simplest first."""
