"""The learning curve: how much better a head gets with more tracks, and so whether it is worth labelling more.

A head of the chosen kind is fitted to a few tracks of each style, drawn from the training part of each fold, and tested
on the fold. Styles may have unequal numbers of tracks: a size is the most that are taken of each. Its settings were
chosen with all tracks, so with few of them it may be a little worse than its best. The last point is the fit to the
whole training parts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.files import replacing
from earmark.learning.teaching.accuracy import share_of
from earmark.learning.teaching.labelled import Indices, LabelledEmbeddings
from earmark.learning.teaching.validation import Folds, Trial, track_probabilities
from earmark.measures.uncertainty import Figure

SIZES = (2, 5, 10, 20, 50, 100, 200, 500)  # tracks of each style
REPEATS = 3


@dataclass(frozen=True)
class Point:
    """Accuracy after learning from at most so many tracks of each style, with its interval."""

    per_style: float
    accuracy: Figure


def learning_curve(
    labelled: LabelledEmbeddings,
    folds: Folds,
    trial: Trial,
    generator: np.random.Generator,
    progress: Callable[[float], None] = lambda share: None,  # noqa: ARG005  takes note by doing nothing
) -> list[Point]:
    """The curve of a candidate over the measured tracks; empty where none is."""
    if not folds.measured.any():
        return []
    largest = [int(np.bincount(labelled.labels[train]).max()) for train, _ in folds.parts]
    sizes = [size for size in SIZES if size < min(largest)]
    points = []
    for index, size in enumerate(sizes):
        hits = np.zeros(len(labelled.labels))
        for train, test in folds.parts:
            tested = labelled.part(test)
            for _ in range(REPEATS):
                head = trial.candidate.fit(labelled.part(_draw(labelled, train, size, generator)))
                hits[test] += _hits(tested, head(tested.windows), trial)
        points.append(Point(size, _over_measured(hits / REPEATS, labelled, folds)))
        progress((index + 1) / len(sizes))
    everything = Point(float(np.mean(largest)), _over_measured(_hits(labelled, trial.logits, trial), labelled, folds))
    return [*points, everything]


def _draw(labelled: LabelledEmbeddings, train: Indices, size: int, generator: np.random.Generator) -> Indices:
    """At most `size` tracks of each style."""
    shuffled = generator.permutation(train)
    return np.concatenate(
        [shuffled[labelled.labels[shuffled] == style][:size] for style in range(len(labelled.styles))]
    )


def _hits(labelled: LabelledEmbeddings, logits: NDArray[np.float64], trial: Trial) -> NDArray[np.float64]:
    probabilities = track_probabilities(logits, labelled.track_of, trial.temperature)
    hits: NDArray[np.float64] = (probabilities.argmax(1) == labelled.labels).astype(np.float64)
    return hits


def _over_measured(hits: NDArray[np.float64], labelled: LabelledEmbeddings, folds: Folds) -> Figure:
    return share_of(hits[folds.measured], labelled.groups[folds.measured])


def draw(points: list[Point], path: Path) -> None:
    """Draw the curve as PNG."""
    from matplotlib.figure import Figure as Picture  # noqa: PLC0415  slow to load, and nothing else needs it
    from matplotlib.ticker import NullFormatter, NullLocator  # noqa: PLC0415  the same

    picture = Picture(figsize=(6.4, 4.0), layout="constrained")
    axes = picture.subplots()
    sizes = [point.per_style for point in points]
    values, lows, highs = np.array([(each.accuracy.value, each.accuracy.low, each.accuracy.high) for each in points]).T
    axes.fill_between(sizes, lows, highs, color="#4c72b0", alpha=0.2, linewidth=0, label="95 % interval over artists")
    axes.plot(sizes, values, "o-", color="#4c72b0", label="accuracy")
    axes.set(
        xscale="log",
        xlabel="tracks of each style learned from, at most",
        ylabel="share of unheard tracks that is right",
    )
    axes.set_xticks(sizes, [f"{size:.0f}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, 1.02)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    with replacing(path) as file:
        picture.savefig(file, format="png", dpi=150)
