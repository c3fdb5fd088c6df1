"""Numbers for each track: how far the estimates are from the truth."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.learning.evaluation.comparison import Contrast, Contrasts
from earmark.learning.evaluation.predictions import Predictions
from earmark.measures.regression import correlation, r2, rmse
from earmark.measures.uncertainty import Figure, Indices, estimates

MEASURES = (rmse, r2, correlation)


@dataclass(frozen=True)
class ValueRow:
    """One value: `rmse` in its unit, the share of its variance that is explained, and the correlation."""

    name: str
    rmse: Figure
    r2: Figure
    correlation: Figure


@dataclass(frozen=True)
class ValueFigures:
    """All that is measured of a model that estimates numbers; truth and estimate are (tracks, values)."""

    by_value: tuple[ValueRow, ...]
    truth: NDArray[np.float64]
    estimate: NDArray[np.float64]


def measure(predictions: Predictions) -> ValueFigures:
    """Measure everything."""
    truth, estimate = _pairs(predictions)
    found = estimates(_measured(truth, estimate), predictions.artists())
    rows = np.reshape(np.array(found, dtype=object), (truth.shape[1], len(MEASURES)))
    names = predictions.manifest.classes
    return ValueFigures(tuple(ValueRow(name, *row) for name, row in zip(names, rows, strict=True)), truth, estimate)


def contrast(first: Predictions, second: Predictions) -> Contrasts:
    """Compare two models that have heard the same tracks, by the RMSE of each value."""
    both = [_measured(*_pairs(each), (rmse,)) for each in (first, second)]
    differences = estimates(lambda chosen: both[0](chosen) - both[1](chosen), first.artists())
    everything = np.arange(len(first.answers))
    values = zip(first.manifest.classes, *(each(everything).tolist() for each in both), differences, strict=True)
    return Contrasts(
        tuple(Contrast(f"RMSE of {name}", one, other, by, is_share=False) for name, one, other, by in values)
    )


def _pairs(predictions: Predictions) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Truth and estimate, both (tracks, values)."""
    truth = predictions.manifest.targets().astype(np.float64)
    return truth, predictions.tracks()[:, predictions.columns()]


def _measured(
    truth: NDArray[np.float64],
    estimate: NDArray[np.float64],
    measures: tuple[Callable[[NDArray[np.float64], NDArray[np.float64]], float], ...] = MEASURES,
) -> Callable[[Indices], NDArray[np.float64]]:
    """What measures chosen tracks, (values * measures,)."""

    def measured(chosen: Indices) -> NDArray[np.float64]:
        pairs = list(zip(truth[chosen].T, estimate[chosen].T, strict=True))
        return np.array([each(*pair) for pair in pairs for each in measures])

    return measured
