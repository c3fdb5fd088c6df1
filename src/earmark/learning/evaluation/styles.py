"""Measures of a model that names styles: precision, confusion, calibration and coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.learning.evaluation.comparison import Comparison, PairedDifference
from earmark.learning.evaluation.predictions import Predictions
from earmark.measures.classification import (
    Average,
    Labels,
    Probabilities,
    Reliability,
    calibration_error,
    class_mean,
    confusion,
    coverage,
    grouped,
    hits,
    reliability,
)
from earmark.measures.scores import RANKS, precision, ranks
from earmark.measures.uncertainty import Figure, Indices, difference, mcnemar

AVERAGES: tuple[Average, ...] = ("micro", "macro")
CURVE_POINTS = 200  # of the coverage curve, at most
COVERED = (1.0, 0.9, 0.75, 0.5, 0.25)  # shares of the tracks that are answered, in the table
MISTAKES = 20
CONFUSIONS = 10


@dataclass(frozen=True)
class Precisions:
    """Precision at 1, 2 and 3 of styles or families (`asked`), over `count` tracks or windows or as class mean."""

    asked: str
    average: Average
    count: int
    classes: int
    at: tuple[Figure, ...]


@dataclass(frozen=True)
class StyleRow:
    """One style: its tracks, Precision at 1, 2 and 3 of them; how often it was the answer, and rightly (0-1)."""

    name: str
    family: str
    tracks: int
    at: tuple[Figure, ...]
    answered: int
    rightly: float


@dataclass(frozen=True)
class FamilyRow:
    """One family: its tracks, how often it is the most probable family, and Precision at 1, 2, 3 of their styles."""

    name: str
    tracks: int
    right: Figure
    at: tuple[Figure, ...]


@dataclass(frozen=True)
class Coverage:
    """The share of tracks answered at a threshold of confidence (0-1), and the share of these that is right."""

    threshold: float
    coverage: float
    right: Figure


@dataclass(frozen=True)
class Confusion:
    """A style that is taken for another, and the number of such tracks."""

    style: str
    answer: str
    tracks: int


@dataclass(frozen=True)
class Mistake:
    """A track whose style the model got wrong, and its confidence (0-1)."""

    path: str
    style: str
    answer: str
    confidence: float


@dataclass(frozen=True)
class StyleFigures:
    """The figures of a model that names styles.

    `confusion` is (styles, styles): tracks by style and answer. `curve` is (3, thresholds): threshold, coverage,
    accuracy. `silence`, named so in report.json, is the coverage at the model's own threshold, then at others.
    """

    styles: tuple[str, ...]
    precisions: tuple[Precisions, ...]
    by_style: tuple[StyleRow, ...]
    by_family: tuple[FamilyRow, ...]
    confusion: NDArray[np.intp]
    confused: tuple[Confusion, ...]
    calibration_error: float
    confidence: float
    reliability: Reliability
    curve: NDArray[np.float64]
    silence: tuple[Coverage, ...]
    mistakes: tuple[Mistake, ...]


def measure(predictions: Predictions) -> StyleFigures:
    """Measure the predictions of a model for styles."""
    labels, probabilities, artists = predictions.labels(), predictions.tracks(), predictions.artists()
    matrix = confusion(labels, probabilities)
    return StyleFigures(
        styles=tuple(predictions.config.styles),
        precisions=_precisions(predictions),
        by_style=_by_style(predictions, matrix),
        by_family=_by_family(predictions),
        confusion=matrix,
        confused=_confused(predictions.config.styles, matrix),
        calibration_error=calibration_error(labels, probabilities),
        confidence=float(probabilities.max(1).mean()),
        reliability=reliability(labels, probabilities),
        curve=_curve(labels, probabilities),
        silence=_coverage(labels, probabilities, artists, predictions.config.unknown_threshold),
        mistakes=_mistakes(predictions),
    )


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Compare two models that have heard the same tracks; their styles may stand in another order."""
    right = np.array([[hits(each.labels(), each.tracks(), k) for k in RANKS] for each in (first, second)])
    styles, artists = first.manifest.labels(), first.artists()
    rows = [
        PairedDifference(
            f"P@{k}", float(one.mean()), float(other.mean()), difference(one - other, artists), is_share=True
        )
        for k, one, other in zip(RANKS, *right, strict=True)
    ]
    one, other = right[:, 0]
    by = difference(one - other, artists, styles)
    means = class_mean(one, styles), class_mean(other, styles)
    rows.append(PairedDifference("P@1, mean of the styles", *means, by, is_share=True))
    return Comparison(tuple(rows), mcnemar(one == 1, other == 1))


def _precisions(predictions: Predictions) -> tuple[Precisions, ...]:
    labels, probabilities, artists = predictions.labels(), predictions.tracks(), predictions.artists()
    windows, track_of = predictions.windows()
    family_of, families = _families(predictions, probabilities)
    ways = {
        "style": (labels, probabilities, artists),
        "family": (family_of[labels], families, artists),
        "style, one window": (labels[track_of], windows, artists[track_of]),
    }
    return tuple(
        Precisions(asked, average, len(truth), len(np.unique(truth)), ranks(truth, predicted, whose, average))
        for asked, (truth, predicted, whose) in ways.items()
        for average in AVERAGES
    )


def _families(predictions: Predictions, probabilities: Probabilities) -> tuple[Indices, Probabilities]:
    """The family of each style (styles,), and the probabilities of the families (tracks, families)."""
    family_names = [predictions.config.families[style] for style in predictions.config.styles]
    names, summed = grouped(probabilities, family_names)
    return np.array([names.index(family) for family in family_names]), summed


def _by_style(predictions: Predictions, matrix: NDArray[np.intp]) -> tuple[StyleRow, ...]:
    labels, probabilities, artists = predictions.labels(), predictions.tracks(), predictions.artists()
    answered = matrix.sum(0)
    rows = []
    for index, name in enumerate(predictions.config.styles):
        of = labels == index
        if of.any():
            rows.append(
                StyleRow(
                    name=name,
                    family=predictions.config.families[name],
                    tracks=int(of.sum()),
                    at=ranks(labels[of], probabilities[of], artists[of]),
                    answered=int(answered[index]),
                    rightly=float(matrix[index, index] / answered[index]) if answered[index] else float("nan"),
                )
            )
    return tuple(rows)


def _by_family(predictions: Predictions) -> tuple[FamilyRow, ...]:
    labels, probabilities, artists = predictions.labels(), predictions.tracks(), predictions.artists()
    family_of, families = _families(predictions, probabilities)
    rows = []
    for index, name in enumerate(dict.fromkeys(predictions.config.families[s] for s in predictions.config.styles)):
        of = family_of[labels] == index
        if of.any():
            right = precision(family_of[labels[of]], families[of], artists[of])
            rows.append(FamilyRow(name, int(of.sum()), right, ranks(labels[of], probabilities[of], artists[of])))
    return tuple(rows)


def _confused(styles: Sequence[str], matrix: NDArray[np.intp]) -> tuple[Confusion, ...]:
    """The most frequent mistakes."""
    wrong = matrix * (1 - np.eye(len(matrix), dtype=np.intp))
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
    return tuple(
        Confusion(styles[style], styles[answer], int(wrong[style, answer]))
        for style, answer in pairs
        if wrong[style, answer]
    )


def _curve(labels: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """Threshold, coverage and accuracy, (3, thresholds), from answering everything to the one most certain answer."""
    thresholds = np.append(0, np.unique(probabilities.max(1)))
    chosen = np.unique(np.linspace(0, len(thresholds) - 1, CURVE_POINTS).round().astype(int))
    return np.stack([thresholds[chosen], *coverage(labels, probabilities, thresholds[chosen])])


def _coverage(labels: Labels, probabilities: Probabilities, artists: Indices, own: float) -> tuple[Coverage, ...]:
    """The model's own threshold, then those that leave so many of the tracks answered."""
    confidence = probabilities.max(1)
    ranked = np.sort(confidence)[::-1]
    found = []
    for threshold in (own, *(ranked[max(1, round(share * len(ranked))) - 1] for share in COVERED)):
        kept = confidence >= threshold
        right = Figure(np.nan, np.nan, np.nan)
        if kept.any():
            right = precision(labels[kept], probabilities[kept], artists[kept])
        found.append(Coverage(float(threshold), float(kept.mean()), right))
    return tuple(found)


def _mistakes(predictions: Predictions) -> tuple[Mistake, ...]:
    """The wrong answers, the surest first."""
    labels, probabilities, styles = predictions.labels(), predictions.tracks(), predictions.config.styles
    predicted = probabilities.argmax(1)
    surest = np.argsort(-probabilities.max(1), kind="stable")
    wrong = [track for track in surest if predicted[track] != labels[track]][:MISTAKES]
    names = predictions.names()
    return tuple(
        Mistake(names[track], styles[labels[track]], styles[predicted[track]], float(probabilities[track].max()))
        for track in wrong
    )
