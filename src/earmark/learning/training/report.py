"""The report of a run: its best network as a bundle, calibrated, and measured on artists that it never heard.

Calibration looks at the validation tracks, the figures of the card at the test tracks, once.
"""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.hearing.activity import Activity
from earmark.hearing.bundle import Config
from earmark.learning import bundle, cards
from earmark.learning.data.manifest import Manifest
from earmark.learning.data.splits import first_artist
from earmark.learning.training import assistant
from earmark.learning.training.batches import hear, stretch_of
from earmark.learning.training.objective import mean_auc
from earmark.learning.training.run import CHECKPOINT, Run
from earmark.measures.classification import apply_temperature, fit_temperature
from earmark.measures.ranking import roc_auc
from earmark.measures.regression import correlation, rmse
from earmark.measures.scores import Score, score

LIMITS = """- It knows what is in its training tracks and nothing else: other music, other studios, other labellers may
  be heard worse than the figures say.
- The figures are for tracks of the same collection, each judged by {windows} of its stretches.
- Whoever shares this model says under which licence, and whose music it learned from.
"""


@dataclass(frozen=True)
class Report:
    """The outcome of a run.

    `score` holds Precision at 1, 2 and 3 of the test tracks for styles; `measures` is what the config says, for any
    task. `rank` is 0 in the first of several processes.
    """

    folder: Path
    epochs: int
    best_epoch: int
    dropped: dict[Path, str]
    score: Score | None
    measures: dict[str, Any]
    rank: int = 0


def conclude(run: Run, out: Path, source: str) -> Report:
    """Calibrate, measure and write the network of a run that is finished."""
    run.network.to("cpu")
    if run.config.assistants:
        assistant.detach(run.network)
    run.scale.fold(run.network.body)
    temperature, threshold = _calibrate(run)
    found, result = _measure(run, temperature)
    config = Config.of(
        run.network,
        name=out.name,
        task=run.manifest.task,
        architecture=run.config.architecture,
        settings=run.config.settings,
        styles=run.manifest.classes,
        temperature=round(temperature, 4),
        unknown_threshold=round(threshold, 4),
        provenance={
            "summary": run.config.summary or f"trained on {len(run.manifest.part('train').entries)} tracks",
            "recipe": run.config.model_dump(mode="json"),
            "torch": torch.__version__.partition("+")[0],
            "manifest": source,
            "tracks": {split: len(run.manifest.part(split).entries) for split in ("train", "valid", "test")},
        },
        measures=found,
    )
    check = bundle.check_waveform(run.network.sample_rate, run.network.samples)
    bundle.write(out, run.network, config, _card(run, config, result), check)
    (run.folder / CHECKPOINT).unlink()
    return Report(out, run.state.epoch, run.state.best_epoch, run.dropped, result, found)


def _calibrate(run: Run) -> tuple[float, float]:
    """The temperature, from the windows of the validation tracks, and the threshold of the unknown."""
    if run.manifest.task != "styles":
        return 1.0, 0.0
    valid = run.manifest.part("valid")
    heard = sounding_logits(run, valid)
    labels = np.repeat(valid.labels(), [len(logits) for logits in heard])
    temperature = fit_temperature(labels, apply_temperature(np.concatenate(heard), 1.0))
    confidence = [apply_temperature(logits, temperature).mean(0).max() for logits in heard]
    return temperature, float(np.quantile(confidence, run.config.unknown))


def sounding_logits(run: Run, part: Manifest) -> list[NDArray[np.float32]]:
    """The logits of the windows of each track that have a vote when a model listens: silence has none."""
    heard = []
    for entry, logits in zip(part.entries, hear(run.network, part, run.cache), strict=True):
        activity = Activity(run.cache.sample_rate)
        for index in range(len(logits)):
            activity.add(stretch_of(run.cache, entry.path, index))
        voting = activity.weights() > 0  # (windows,)
        heard.append(logits[voting if voting.any() else ~voting])
    return heard


def _measure(run: Run, temperature: float) -> tuple[dict[str, Any], Score | None]:
    """Figures of the test tracks, or of the validation tracks where there are none; they name the side."""
    side = "test" if run.manifest.part("test").entries else "valid"
    part = run.manifest.part(side)
    heard = sounding_logits(run, part)
    found: dict[str, Any] = {"side": side, "tracks": len(part.entries), "artists": len(_named(part))}
    if part.task == "styles":
        predicted = np.stack([apply_temperature(logits, temperature).mean(0) for logits in heard])
        result = score(f"{side} tracks", part.classes, part.labels(), predicted, None, _groups(part))
        return found | {"precision_at_1": round(result.micro[0].value, 3), "score": result.as_json()}, result
    predicted = np.stack([run.objective.predict(logits) for logits in heard])
    return found | _each_class(part, predicted), None


def _each_class(part: Manifest, predicted: NDArray[np.float64]) -> dict[str, Any]:
    """ROC-AUC of each tag that some tracks have and others have not, or error and correlation of each value."""
    targets = part.targets()
    columns = list(zip(part.classes, targets.T.astype(np.float64), predicted.T, strict=True))
    if part.task == "tags":
        areas = {
            name: round(roc_auc(truth > 0, values), 3)
            for name, truth, values in columns
            if 0 < truth.sum() < len(truth)
        }
        return {"roc_auc": round(mean_auc(part, predicted), 3), "roc_auc_of": areas}
    correlations = {name: round(correlation(truth, values), 3) for name, truth, values in columns}
    return {
        "rmse_of": {name: round(rmse(truth, values), 4) for name, truth, values in columns},
        "correlation_of": {name: value for name, value in correlations.items() if math.isfinite(value)},
    }


def _groups(part: Manifest) -> NDArray[np.intp]:
    """A number for each artist, (tracks,); a track of nobody we know is by an artist of its own."""
    names = [first_artist(each.artist) or f"/{index}" for index, each in enumerate(part.entries)]
    groups: NDArray[np.intp] = np.unique(names, return_inverse=True)[1]
    return groups


def _named(part: Manifest) -> set[str]:
    return {first_artist(entry.artist) for entry in part.entries} - {""}


def _sides(manifest: Manifest) -> str:
    """A sentence on artists that are on several sides of the split, as far as the names tell."""
    train, valid, test = (_named(manifest.part(side)) for side in ("train", "valid", "test"))
    several = len((train & valid) | (train & test) | (valid & test))
    if several:
        who = f"{several} artist{'s are' if several > 1 else ' is'}"
        return f"**{who} on several sides of the split, so the figures below may flatter.**"
    return "The sides of the split share no artist, as far as the names tell."


def _card(run: Run, config: Config, result: Score | None) -> str:
    parameters = sum(each.numel() for each in run.network.body.parameters())
    return cards.card(
        config.name,
        config.provenance["summary"],
        f"{cards.signature(config)} Architecture `{config.architecture}`, {parameters:,} trained parameters.",
        cards.section(
            "What it was made from",
            _counts(run.manifest),
            f"{_sides(run.manifest)} The best epoch was number {run.state.best_epoch + 1} of {run.state.epoch}, by "
            f"{run.objective.measure_name} on the validation tracks.",
            f"Recipe (torch {config.provenance['torch']}):",
            f"```json\n{run.config.model_dump_json(indent=2)}\n```",
        ),
        cards.section("How well it hears", *_figures(config, result)),
        cards.limits(run.config.notes, LIMITS.format(windows=run.config.windows)),
    )


def _counts(manifest: Manifest) -> str:
    """A table of tracks and artists for each class and side."""
    sides = {split: manifest.part(split) for split in ("train", "valid", "test")}
    if manifest.task == "values":
        return cards.bullets(f"{name}: {len(part.entries)} tracks" for name, part in sides.items())
    counts = {name: Counter(label for entry in part.entries for label in entry.labels) for name, part in sides.items()}
    return cards.table(
        ["", *sides],
        [
            *([label, *(counts[side][label] for side in sides)] for label in manifest.classes),
            ["tracks", *(len(part.entries) for part in sides.values())],
            ["artists named", *(len(_named(part)) for part in sides.values())],
        ],
    )


def _figures(config: Config, result: Score | None) -> list[str]:
    found = config.measures
    about = f"On {found['tracks']} {found['side']} tracks by {found['artists']} named artists"
    if found["side"] != "test":
        about += " (there were no test tracks, so the best epoch was chosen by these very tracks)"
    if result:
        error = f"The expected calibration error is {result.calibration_error:.3f}."
        return [
            f"{about}, with 95 % intervals from a bootstrap over the artists. {error}",
            cards.precision([result]),
            cards.precision_by_style(result),
        ]
    if "roc_auc" in found:
        areas = ((tag, f"{area:.3f}") for tag, area in found["roc_auc_of"].items())
        return [f"{about}: mean ROC-AUC {found['roc_auc']:.3f}.", cards.table(["tag", "ROC-AUC"], areas)]
    errors = ((name, error, found["correlation_of"].get(name, "–")) for name, error in found["rmse_of"].items())
    return [f"{about}.", cards.table(["value", "RMSE", "correlation"], errors)]
