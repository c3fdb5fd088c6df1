"""The evaluation of a model on a manifest, as one record and as JSON."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from earmark import __version__
from earmark.learning.data.manifest import LearningTask, ManifestEntry
from earmark.learning.data.splits import first_artist
from earmark.learning.evaluation import styles, tags, values
from earmark.learning.evaluation.comparison import Comparison
from earmark.learning.evaluation.predictions import Predictions, in_common, shown
from earmark.learning.evaluation.selection import Selection
from earmark.learning.evaluation.styles import StyleFigures
from earmark.learning.evaluation.tags import TagFigures
from earmark.learning.evaluation.values import ValueFigures

FORMAT = 1
DIGITS = 5  # in JSON

Figures: TypeAlias = StyleFigures | TagFigures | ValueFigures


@dataclass(frozen=True)
class Speed:
    """Speed of the evaluation: all in seconds, `wall` with the start of the worker processes."""

    audio: float
    wall: float
    cpu: float
    workers: int


@dataclass(frozen=True)
class TrackResult:
    """The truth of a track, and the prediction for each output of the model."""

    path: str
    truth: tuple[str, ...] | tuple[float, ...]
    answer: tuple[float, ...]


@dataclass(frozen=True)
class Opponent:
    """The other model on the same tracks, and the differences."""

    model: str
    figures: Figures
    contrasts: Comparison


@dataclass(frozen=True)
class Evaluation:
    """A model, the tracks it was measured on, and its figures.

    `artists` are those whose names are known, `skipped` the classes that were left out with `left_out` tracks,
    `failures` the files that could not be heard, with the reasons.
    """

    model: str
    manifest: str
    split: str
    task: LearningTask
    outputs: tuple[str, ...]
    artists: int
    windows: int
    skipped: tuple[str, ...]
    left_out: int
    warnings: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    speed: Speed
    figures: Figures
    opponent: Opponent | None
    tracks: tuple[TrackResult, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values: shares as 0-1, rounded to five digits, null where something could not be measured."""
        plain: dict[str, Any] = _plain({"format": FORMAT, "earmark": __version__, **asdict(self)})
        return plain


_MEASURE: dict[LearningTask, Callable[[Predictions], Figures]] = {
    "styles": styles.measure,
    "tags": tags.measure,
    "values": values.measure,
}
_COMPARE: dict[LearningTask, Callable[[Predictions, Predictions], Comparison]] = {
    "styles": styles.compare,
    "tags": tags.compare,
    "values": values.compare,
}


def evaluate(
    split: str, selection: Selection, speed: Speed, predictions: Predictions, other: Predictions | None
) -> Evaluation:
    """Measure the predictions of a model, and compare them with those of another on the tracks that both have heard.

    Args:
        split: the part of the manifest that was chosen.
        selection: the tracks that were chosen.
        speed: of the first model.
        predictions: of the first model.
        other: of the other model, for the same tracks.
    """
    failures = {failure.path: failure.reason for each in (predictions, other) if each for failure in each.failures}
    opponent = None
    if other:
        predictions, other = in_common(predictions, other)
        opponent = Opponent(
            model=other.config.name if other.config.name != predictions.config.name else f"{other.config.name} (other)",
            figures=_MEASURE[other.manifest.task](other),
            contrasts=_COMPARE[other.manifest.task](predictions, other),
        )
    entries = predictions.manifest.entries
    return Evaluation(
        model=predictions.config.name,
        manifest=shown(predictions.source.absolute(), Path.cwd()),
        split=split,
        task=predictions.manifest.task,
        outputs=tuple(predictions.config.styles),
        artists=len({first_artist(entry.artist) for entry in entries} - {""}),
        windows=sum(len(each.windows) for each in predictions.predicted),
        skipped=selection.skipped,
        left_out=selection.left_out,
        warnings=selection.warnings,
        failures=tuple((shown(path, predictions.source.parent), reason) for path, reason in failures.items()),
        speed=speed,
        figures=_MEASURE[predictions.manifest.task](predictions),
        opponent=opponent,
        tracks=tuple(
            TrackResult(name, _truth(entry), tuple(answer.tolist()))
            for name, entry, answer in zip(predictions.names(), entries, predictions.tracks(), strict=True)
        ),
    )


def _truth(entry: ManifestEntry) -> tuple[str, ...] | tuple[float, ...]:
    return entry.values or entry.labels


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever stands in the record
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    return value
