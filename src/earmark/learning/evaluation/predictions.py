"""Predictions of a model for the tracks of a manifest, window by window.

The files are heard elsewhere (`runner.run_all`, in as many processes as one likes), by the task that `open_predictor`
makes; the outcomes are collected here.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Recording
from earmark.errors import FileError, ManifestError
from earmark.hearing import Listener, Model
from earmark.hearing.bundle import Config
from earmark.learning.data.manifest import Manifest, ManifestEntry
from earmark.learning.data.splits import first_artist
from earmark.measures.classification import Labels
from earmark.measures.uncertainty import Indices


@dataclass(frozen=True)
class Prediction:
    """The prediction for one file.

    `windows` are probabilities or values, (windows, outputs); `seconds` of audio were heard, in `cpu` seconds of
    processor time with all that belongs to it: reading, decoding, resampling. `weights` are those of the windows in the
    prediction for the track, (windows,); without them, and where all are 0, the windows count alike.
    """

    windows: NDArray[np.float32]
    seconds: float
    cpu: float
    weights: NDArray[np.float64] | None = None

    def mean(self) -> NDArray[np.float64]:
        """The prediction for the whole track, (outputs,)."""
        weights = None if self.weights is None or not self.weights.any() else self.weights
        mean: NDArray[np.float64] = np.average(self.windows.astype(np.float64), 0, weights)
        return mean


def open_predictor(model: str | Path) -> Callable[[Path], Prediction]:
    """Open a model as a task of `runner`; for tags and styles it predicts as the listener does."""
    opened = Model.open(model)
    ask = _estimates if opened.config.task == "values" else _probabilities

    def predict(path: Path) -> Prediction:
        began = time.process_time()
        windows, seconds, weights = ask(opened, path)
        return Prediction(windows, seconds, time.process_time() - began, weights)

    return predict


def _probabilities(model: Model, path: Path) -> tuple[NDArray[np.float32], float, NDArray[np.float64] | None]:
    heard = Listener(model)(path)
    return heard.timeline.probabilities, heard.duration, heard.timeline.weights


def _estimates(model: Model, path: Path) -> tuple[NDArray[np.float32], float, None]:
    rate = model.config.sample_rate
    values, end = [], 0.0
    with Recording(path) as recording:
        for start, waveform in model.windows(recording.blocks(rate)):
            values.append(model.run(waveform[None])[0][0])
            end = start + len(waveform) / rate
    return np.stack(values), end, None


@dataclass(frozen=True)
class Predictions:
    """Predictions for the tracks of a manifest, in their order; tracks that cannot be heard are left out.

    `source` is the file of the manifest: the tracks are named as they lie in its folder.
    """

    config: Config
    source: Path
    manifest: Manifest
    predicted: tuple[Prediction, ...]
    failures: tuple[FileError, ...]

    def tracks(self) -> NDArray[np.float64]:
        """The prediction for each track, the weighted mean over its windows, shape (tracks, outputs)."""
        return np.array([each.mean() for each in self.predicted])

    def windows(self) -> tuple[NDArray[np.float64], Indices]:
        """The prediction for each window of all tracks, (windows, outputs), and the index of its track, (windows,)."""
        counts = [len(each.windows) for each in self.predicted]
        windows = np.concatenate([each.windows for each in self.predicted]).astype(np.float64)
        return windows, np.repeat(np.arange(len(counts)), counts)

    def labels(self) -> Labels:
        """The output that each track's style belongs to, shape (tracks,)."""
        return self.columns()[self.manifest.labels()]

    def columns(self) -> Indices:
        """The output that belongs to each class of the manifest, shape (classes,)."""
        return np.array([self.config.styles.index(name) for name in self.manifest.classes])

    def artists(self) -> Indices:
        """A number for each track, the same for all of one artist; a track without an artist has one of its own."""
        keys = [
            first_artist(entry.artist) or f"\0{number}" for number, entry in enumerate(self.manifest.entries)
        ]  # (tracks,)
        return np.unique(keys, return_inverse=True)[1]

    def names(self) -> tuple[str, ...]:
        """The name of each track in the report."""
        return tuple(shown(entry.path, self.source.parent) for entry in self.manifest.entries)

    def only(self, kept: set[ManifestEntry]) -> "Predictions":
        """The same for some of the tracks."""
        pairs = [pair for pair in zip(self.manifest.entries, self.predicted, strict=True) if pair[0] in kept]
        return replace(
            self,
            manifest=replace(self.manifest, entries=tuple(entry for entry, _ in pairs)),
            predicted=tuple(each for _, each in pairs),
        )


def shown(path: Path, folder: Path) -> str:
    """A path as it is shown to others: from a folder, else from the home of the user, else from the root."""
    for base, prefix in ((folder.absolute(), ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return prefix + path.relative_to(base).as_posix()
    return path.as_posix()


def collect(
    config: Config, source: Path, manifest: Manifest, outcomes: Iterable[Prediction | FileError]
) -> Predictions:
    """Join the predictions for the tracks of a manifest.

    Args:
        config: of the model.
        source: the file of the manifest.
        manifest: the tracks.
        outcomes: the prediction for each track or why it cannot be heard, in the same order.

    Raises:
        ManifestError: not one of them can be heard.
    """
    entries: list[ManifestEntry] = []
    predicted: list[Prediction] = []
    failures: list[FileError] = []
    for entry, outcome in zip(manifest.entries, outcomes, strict=True):
        if isinstance(outcome, FileError):
            failures.append(outcome)
        else:
            entries.append(entry)
            predicted.append(outcome)
    if not predicted:
        raise ManifestError(f"{source}: none of the {len(manifest.entries)} tracks can be heard")
    return Predictions(config, source, replace(manifest, entries=tuple(entries)), tuple(predicted), tuple(failures))


def in_common(first: Predictions, second: Predictions) -> tuple[Predictions, Predictions]:
    """Both on the tracks that both have heard."""
    kept = set(first.manifest.entries) & set(second.manifest.entries)
    return first.only(kept), second.only(kept)
