"""The score of a classifier: Precision at 1, 2 and 3 with intervals, beside the best known figures. NumPy only.

Tracks of one artist resemble each other, and windows of one track much more so: to draw them one by one would make
the figures look surer than they are, so artists are drawn, each with all of its tracks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from earmark.measures.classification import (
    Average,
    Labels,
    Probabilities,
    Reliability,
    by_class,
    calibration_error,
    confusion,
    hits,
    precision_at_k,
    reliability,
)
from earmark.measures.uncertainty import Figure, Indices, mean_interval, wilson

RANKS = (1, 2, 3)


@dataclass(frozen=True)
class Confusion:
    """What the tracks of each class were taken for.

    Attributes:
        classes: all of them, in the order of the outputs.
        counts: tracks by class (row) and answer (column), (classes, classes).
    """

    classes: tuple[str, ...]
    counts: NDArray[np.intp]

    @classmethod
    def of(cls, classes: Sequence[str], labels: Labels, probabilities: Probabilities) -> Self:
        """Count the answers to tracks of these labels."""
        return cls(tuple(classes), confusion(labels, probabilities))

    def as_json(self) -> dict[str, list[Any]]:
        """Names and counts in plain values."""
        return {"classes": list(self.classes), "counts": self.counts.tolist()}


@dataclass(frozen=True)
class Score:
    """Precision at 1, 2 and 3 of one protocol, over tracks (`micro`) and over classes (`macro`).

    `reference` holds the best known figures of the same protocol under the same two names, as far as they were
    measured. `by_class` is Precision at 1 of each class that has test tracks, with their number. `confusion` says
    what the tracks of each class were taken for, `reliability` how often an answer of each confidence was right.
    """

    protocol: str
    tracks: int
    classes: int
    micro: tuple[Figure, ...]
    macro: tuple[Figure, ...]
    calibration_error: float
    by_class: dict[str, tuple[float, int]]
    confusion: Confusion
    reliability: Reliability
    reference: Mapping[Average, tuple[float, float, float]]

    def as_json(self) -> dict[str, Any]:
        """The score in plain values, rounded to three digits."""
        return {
            "protocol": self.protocol,
            "tracks": self.tracks,
            "classes": self.classes,
            **{
                name: [[round(figure.value, 3), round(figure.low, 3), round(figure.high, 3)] for figure in figures]
                for name, figures in (("micro", self.micro), ("macro", self.macro))
            },
            "calibration_error": round(self.calibration_error, 3),
            "by_class": {name: [round(value, 3), count] for name, (value, count) in self.by_class.items()},
            "confusion": self.confusion.as_json(),
            "reliability": self.reliability.as_json(),
        }


def precision(
    y_true: Labels, y_prob: Probabilities, artists: Indices | None, k: int = 1, average: Average = "micro"
) -> Figure:
    """Precision at k of tracks, or of windows, with the interval of drawing artists, or tracks where none are given.

    Where all draws of artists agree, Wilson's interval for as many artists takes their place.
    """
    value = precision_at_k(y_true, y_prob, k, average)
    low, high = precision_interval(y_true, y_prob, k, average, groups=artists)
    if low == high and artists is not None:
        low, high = wilson(value, len(np.unique(artists)))
    return Figure(value, low, high)


def precision_interval(
    y_true: Labels,
    y_prob: Probabilities,
    k: int,
    average: Average = "micro",
    *,
    groups: Indices | None = None,
    draws: int = 2000,
    generator: np.random.Generator | None = None,
) -> tuple[float, float]:
    """The 95 % bootstrap interval of `precision_at_k`; groups, draws and generator as in `uncertainty.bootstrap`."""
    classes = y_true if average == "macro" else None
    return mean_interval(hits(y_true, y_prob, k), classes=classes, groups=groups, draws=draws, generator=generator)


def ranks(
    y_true: Labels, y_prob: Probabilities, artists: Indices | None, average: Average = "micro"
) -> tuple[Figure, ...]:
    """Precision at 1, 2 and 3."""
    return tuple(precision(y_true, y_prob, artists, k, average) for k in RANKS)


def score(
    protocol: str,
    classes: tuple[str, ...],
    labels: Labels,
    probabilities: Probabilities,
    reference: Mapping[Average, tuple[float, float, float]] | None,
    artists: Indices | None = None,
) -> Score:
    """Measure predictions: labels (tracks,), probabilities (tracks, classes), artists (tracks,) as numbers."""
    counts = np.bincount(labels, minlength=len(classes))
    shares = by_class(labels, probabilities, 1, len(classes))
    return Score(
        protocol=protocol,
        tracks=len(labels),
        classes=int((counts > 0).sum()),
        micro=ranks(labels, probabilities, artists, "micro"),
        macro=ranks(labels, probabilities, artists, "macro"),
        calibration_error=calibration_error(labels, probabilities),
        by_class={
            name: (float(share), int(count))
            for name, share, count in zip(classes, shares, counts, strict=True)
            if count
        },
        confusion=Confusion.of(classes, labels, probabilities),
        reliability=reliability(labels, probabilities),
        reference=reference or {},
    )


def rows(scores: list[Score]) -> list[tuple[str, ...]]:
    """The table of scores as text: protocol, tracks, average, then ours with its interval and the best known figure."""
    table = []
    for each in scores:
        averages: dict[Average, tuple[Figure, ...]] = {"micro": each.micro, "macro": each.macro}
        for average, figures in averages.items():
            known = each.reference.get(average)
            cells = [
                f"{figure.value:.3f} ({figure.low:.3f}–{figure.high:.3f})" + (f" / {known[rank]:.3f}" if known else "")
                for rank, figure in enumerate(figures)
            ]
            table.append((each.protocol, str(each.tracks), average, *cells))
    return table
