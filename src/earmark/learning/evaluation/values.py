"""Measures of a model that estimates numbers, and their section of the report: error, R2 and correlation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from earmark.learning.evaluation import charts
from earmark.learning.evaluation.comparison import Comparison, PairedDifference
from earmark.learning.evaluation.document import Picture, Section, Table, Tile, Tiles
from earmark.learning.evaluation.predictions import Predictions
from earmark.learning.evaluation.wording import plain, plain_between
from earmark.measures.regression import correlation, r2, rmse
from earmark.measures.uncertainty import Figure, Indices, estimates

MEASURES = (rmse, r2, correlation)

TILES = 6
MEANING = (
    "RMSE is the root of the mean squared error, in the unit of the value. R2 is the share of the variance that is "
    "explained: 1 is perfect, 0 no better than always saying the mean. Correlation does not mind a wrong scale or "
    "offset."
)


@dataclass(frozen=True)
class ValueRow:
    """One value: `rmse` in its unit, the share of its variance that is explained, and the correlation."""

    name: str
    rmse: Figure
    r2: Figure
    correlation: Figure


@dataclass(frozen=True)
class ValueFigures:
    """The figures of a model that estimates numbers; truth and estimate are (tracks, values)."""

    by_value: tuple[ValueRow, ...]
    truth: NDArray[np.float64]
    estimate: NDArray[np.float64]


def measure(predictions: Predictions) -> ValueFigures:
    """Measure the predictions of a model for values."""
    truth, estimate = _pairs(predictions)
    found = estimates(_measured(truth, estimate), predictions.artists())
    rows = np.reshape(np.array(found, dtype=object), (truth.shape[1], len(MEASURES)))
    names = predictions.manifest.classes
    return ValueFigures(tuple(ValueRow(name, *row) for name, row in zip(names, rows, strict=True)), truth, estimate)


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Compare two models that have heard the same tracks, by the RMSE of each value."""
    both = [_measured(*_pairs(each), (rmse,)) for each in (first, second)]
    differences = estimates(lambda chosen: both[0](chosen) - both[1](chosen), first.artists())
    everything = np.arange(len(first.predicted))
    values = zip(first.manifest.classes, *(each(everything).tolist() for each in both), differences, strict=True)
    return Comparison(
        tuple(PairedDifference(f"RMSE of {name}", one, other, by, is_share=False) for name, one, other, by in values)
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
    """A function of chosen tracks -> (values * measures,)."""

    def measured(chosen: Indices) -> NDArray[np.float64]:
        pairs = list(zip(truth[chosen].T, estimate[chosen].T, strict=True))
        return np.array([each(*pair) for pair in pairs for each in measures])

    return measured


def tiles(found: ValueFigures) -> Tiles:
    """The most important figures."""
    return Tiles(
        tuple(
            Tile(plain(row.correlation.value), f"correlation, {row.name}", f"RMSE {plain_between(row.rmse)}")
            for row in found.by_value[:TILES]
        )
    )


def sections(found: ValueFigures) -> tuple[Section, ...]:
    """All sections."""
    names = [row.name for row in found.by_value]
    return (
        Section(
            "Value by value",
            (
                MEANING,
                Table(
                    "lrrr",
                    ("value", "RMSE", "R2", "correlation"),
                    tuple(
                        (row.name, *map(plain_between, (row.rmse, row.r2, row.correlation))) for row in found.by_value
                    ),
                ),
                Picture(
                    "values",
                    "Truth and estimate of each track; on the dashed line they are equal.",
                    partial(charts.scatter, names, found.truth, found.estimate),
                ),
            ),
        ),
    )
