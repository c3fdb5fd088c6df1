"""Measures of a model for tags, and their section of the report: areas under the ROC and precision-recall curves."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.learning.evaluation import charts
from earmark.learning.evaluation.charts import Bar
from earmark.learning.evaluation.comparison import Comparison, PairedDifference
from earmark.learning.evaluation.document import Block, Picture, Section, Table, Tile, Tiles
from earmark.learning.evaluation.predictions import Predictions
from earmark.learning.evaluation.wording import count, plain, plain_between, plain_ends
from earmark.measures.ranking import average_precision, roc_auc
from earmark.measures.uncertainty import Figure, Indices, estimates

DRAWS = 500  # each sorts all tracks for every tag

Measure = Callable[[NDArray[np.bool_], NDArray[np.float64]], float]
MEASURES: dict[str, Measure] = {"ROC-AUC": roc_auc, "PR-AUC": average_precision}

CHANCE = 0.5  # of ROC-AUC
MEANING = (
    "ROC-AUC is the probability that a track with the tag gets more of it than a track without; by chance 0.5. "
    "PR-AUC is the area under precision over recall; by chance it is the share of the tracks that have the tag. "
    "Tags that all or none of the tracks have cannot be measured."
)


@dataclass(frozen=True)
class TagRow:
    """One tag, the number of tracks that have it, and the areas under its curves (0-1)."""

    name: str
    tracks: int
    roc_auc: Figure
    pr_auc: Figure


@dataclass(frozen=True)
class TagFigures:
    """The figures of a model for tags; the means are over the tags that could be measured."""

    by_tag: tuple[TagRow, ...]
    measured: int
    roc_auc: Figure
    pr_auc: Figure
    chance: float
    """PR-AUC by chance: the mean share of tracks that have a tag (0-1)."""


def measure(predictions: Predictions) -> TagFigures:
    """Measure the predictions of a model for tags."""
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


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Compare two models that have heard the same tracks."""
    one, other = _measured(first), _measured(second)
    differences = estimates(lambda chosen: one(chosen)[-2:] - other(chosen)[-2:], first.artists(), draws=DRAWS)
    everything = np.arange(len(first.predicted))
    values = zip(MEASURES, *(each(everything)[-2:].tolist() for each in (one, other)), differences, strict=True)
    return Comparison(
        tuple(
            PairedDifference(f"{name}, mean of the tags", ours, its, by, is_share=False)
            for name, ours, its, by in values
        )
    )


def _measured(predictions: Predictions) -> Callable[[Indices], NDArray[np.float64]]:
    """A function of chosen tracks: ROC-AUC of each tag, PR-AUC of each, the means of both, (2 tags + 2,).

    A tag that all or none of them have says nothing, and is nan.
    """
    relevant = predictions.manifest.targets() > 0  # (tracks, tags)
    scores = predictions.tracks()[:, predictions.columns()]

    def measured(chosen: Indices) -> NDArray[np.float64]:
        truth, predicted = relevant[chosen], scores[chosen]
        known = truth.any(axis=0) & ~truth.all(axis=0)
        values = np.full((2, truth.shape[1]), np.nan)
        for row, area in zip(values, MEASURES.values(), strict=True):
            row[known] = [area(truth[:, tag], predicted[:, tag]) for tag in np.flatnonzero(known)]
        means = values[:, known].mean(1) if known.any() else np.full(2, np.nan)
        return np.concatenate([*values, means])

    return measured


def tiles(found: TagFigures) -> Tiles:
    """The most important figures."""
    measured = f"mean of {count(found.measured, 'tag')}"
    return Tiles(
        (
            Tile(plain(found.roc_auc.value), "ROC-AUC", f"{plain_ends(found.roc_auc)}; {measured}; by chance 0.5"),
            Tile(plain(found.pr_auc.value), "PR-AUC", f"{plain_ends(found.pr_auc)}; by chance {plain(found.chance)}"),
        )
    )


def sections(found: TagFigures) -> tuple[Section, ...]:
    """All sections."""
    rows = [Bar(row.name, row.roc_auc, row.tracks) for row in found.by_tag if math.isfinite(row.roc_auc.value)]
    blocks: list[Block] = [MEANING]
    if rows:
        blocks.append(
            Picture(
                "tags",
                "ROC-AUC of each tag, with intervals; in brackets the number of tracks that have it. Dashed: chance.",
                lambda theme: charts.bars(rows, theme, "ROC-AUC", chance=CHANCE, percent=False),
            )
        )
    blocks.append(
        Table(
            "lrrr",
            ("tag", "tracks", "ROC-AUC", "PR-AUC"),
            tuple(
                (row.name, f"{row.tracks:,}", plain_between(row.roc_auc), plain_between(row.pr_auc))
                for row in found.by_tag
            ),
        )
    )
    return (Section("Tag by tag", tuple(blocks)),)
