"""Any number of tags for each track: does the model rank the tracks that have a tag above those that have not?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.learning.evaluation.comparison import Contrast, Contrasts
from earmark.learning.evaluation.predictions import Predictions
from earmark.measures.ranking import average_precision, roc_auc
from earmark.measures.uncertainty import Figure, Indices, estimates

DRAWS = 500  # each sorts all tracks for every tag

Measure = Callable[[NDArray[np.bool_], NDArray[np.float64]], float]
MEASURES: dict[str, Measure] = {"ROC-AUC": roc_auc, "PR-AUC": average_precision}


@dataclass(frozen=True)
class TagRow:
    """One tag, how many tracks have it, and the areas under its curves (0-1)."""

    name: str
    tracks: int
    roc_auc: Figure
    pr_auc: Figure


@dataclass(frozen=True)
class TagFigures:
    """All that is measured of a model that gives tags; the means are over the tags that could be measured."""

    by_tag: tuple[TagRow, ...]
    measured: int
    roc_auc: Figure
    pr_auc: Figure
    chance: float
    """What PR-AUC would be by chance: the mean share of tracks that have a tag."""


def measure(predictions: Predictions) -> TagFigures:
    """Measure everything."""
    names = predictions.manifest.classes
    found = estimates(_measured(predictions), predictions.artists(), draws=DRAWS)
    relevant = predictions.manifest.targets() > 0
    counts = relevant.sum(0)
    known = (counts > 0) & (counts < len(relevant))
    roc, precise = found[: len(names)], found[len(names) : 2 * len(names)]
    return TagFigures(
        by_tag=tuple(TagRow(*row) for row in zip(names, counts.tolist(), roc, precise, strict=True)),
        measured=int(known.sum()),
        roc_auc=found[-2],
        pr_auc=found[-1],
        chance=float(relevant[:, known].mean()) if known.any() else float("nan"),
    )


def contrast(first: Predictions, second: Predictions) -> Contrasts:
    """Compare two models that have heard the same tracks."""
    one, other = _measured(first), _measured(second)
    differences = estimates(lambda chosen: one(chosen)[-2:] - other(chosen)[-2:], first.artists(), draws=DRAWS)
    everything = np.arange(len(first.answers))
    values = zip(MEASURES, *(each(everything)[-2:].tolist() for each in (one, other)), differences, strict=True)
    return Contrasts(
        tuple(Contrast(f"{name}, mean of the tags", ours, its, by, is_share=False) for name, ours, its, by in values)
    )


def _measured(predictions: Predictions) -> Callable[[Indices], NDArray[np.float64]]:
    """What measures chosen tracks: ROC-AUC of each tag, PR-AUC of each, the means of both, (2 tags + 2,).

    A tag that all or none of them have says nothing, and is nan.
    """
    relevant = predictions.manifest.targets() > 0  # (tracks, tags)
    scores = predictions.tracks()[:, predictions.columns()]

    def measured(chosen: Indices) -> NDArray[np.float64]:
        truth, said = relevant[chosen], scores[chosen]
        known = truth.any(axis=0) & ~truth.all(axis=0)
        values = np.full((2, truth.shape[1]), np.nan)
        for row, area in zip(values, MEASURES.values(), strict=True):
            row[known] = [area(truth[:, tag], said[:, tag]) for tag in np.flatnonzero(known)]
        means = values[:, known].mean(1) if known.any() else np.full(2, np.nan)
        return np.concatenate([*values, means])

    return measured
