"""Accuracy of a head from held-out probabilities, with 95 % intervals over artists."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.learning.teaching.labelled import Indices, LabelledEmbeddings
from earmark.learning.teaching.validation import Folds
from earmark.measures.classification import Probabilities, Reliability, by_class, calibration_error, reliability
from earmark.measures.scores import Confusion, precision
from earmark.measures.uncertainty import Figure, mean_interval, wilson


@dataclass(frozen=True)
class Accuracy:
    """Precision at 1 of tracks whose artist was not heard.

    Attributes:
        tracks: number of tracks that were predicted.
        artists: number of artists they are by; a track without a named artist counts as one of its own.
        micro: share of tracks that is right (0-1).
        macro: mean over the styles of the same share.
        guess: the share that would be right by always naming the commonest style.
        calibration_error: the mean distance between confidence and accuracy.
        by_style: the share of each style and the number of its tracks; a style that cannot be measured is missing.
        confusion: the styles that the tracks of each style were taken for.
        reliability: how often an answer of each confidence was right.
    """

    tracks: int
    artists: int
    micro: Figure
    macro: Figure
    guess: float
    calibration_error: float
    by_style: dict[str, tuple[float, int]]
    confusion: Confusion
    reliability: Reliability

    def as_json(self) -> dict[str, Any]:
        """The figures in plain values, rounded to three digits."""
        return {
            "tracks": self.tracks,
            "artists": self.artists,
            "micro": rounded(self.micro),
            "macro": rounded(self.macro),
            "guess": round(self.guess, 3),
            "calibration_error": round(self.calibration_error, 3),
            "by_style": {style: [round(share, 3), count] for style, (share, count) in self.by_style.items()},
            "confusion": self.confusion.as_json(),
            "reliability": self.reliability.as_json(),
        }


def rounded(figure: Figure) -> list[float]:
    """Value, low and high end, to three digits."""
    return [round(value, 3) for value in (figure.value, figure.low, figure.high)]


def share_of(hits: NDArray[np.generic], groups: Indices) -> Figure:
    """The mean of hits (tracks,), with its interval over groups; where all draws agree, Wilson's for as many groups."""
    values = hits.astype(np.float64)
    value, (low, high) = float(values.mean()), mean_interval(values, groups=groups)
    return Figure(value, low, high) if low < high else Figure(value, *wilson(value, len(np.unique(groups))))


def measure(labelled: LabelledEmbeddings, folds: Folds, held_out: Probabilities) -> Accuracy | None:
    """The accuracy over the tracks that can be measured, or None where fewer than two styles have such tracks."""
    known = folds.measured
    labels, probabilities, groups = labelled.labels[known], held_out[known], labelled.groups[known]
    counts = np.bincount(labels, minlength=len(labelled.styles))
    if (counts > 0).sum() < 2:  # noqa: PLR2004  one style cannot be told from another
        return None
    shares = by_class(labels, probabilities, 1, len(labelled.styles))
    return Accuracy(
        tracks=len(labels),
        artists=len(np.unique(groups)),
        micro=precision(labels, probabilities, groups),
        macro=precision(labels, probabilities, groups, average="macro"),
        guess=float(counts.max() / counts.sum()),
        calibration_error=calibration_error(labels, probabilities),
        by_style={
            style: (float(share), int(count))
            for style, share, count in zip(labelled.styles, shares, counts, strict=True)
            if count
        },
        confusion=Confusion.of(labelled.styles, labels, probabilities),
        reliability=reliability(labels, probabilities),
    )
