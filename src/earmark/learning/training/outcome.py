"""What comes out of a run: the best network, calibrated, measured on artists that it never heard, as a bundle.

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

from earmark.hearing.bundle import Config
from earmark.learning import bundle
from earmark.learning.data.manifest import Manifest
from earmark.learning.data.splits import first_artist
from earmark.learning.training import assistant
from earmark.learning.training.batches import hear
from earmark.learning.training.objective import mean_auc
from earmark.learning.training.run import CHECKPOINT, Run
from earmark.measures import scores
from earmark.measures.classification import apply_temperature, fit_temperature
from earmark.measures.ranking import roc_auc
from earmark.measures.regression import correlation, rmse
from earmark.measures.scores import Score, score

CARD = """# {name}

{summary}.

Waveform in (mono, {sample_rate} Hz, windows of {window:.2f} s), {classes} {task} out. Architecture `{architecture}`,
{parameters:,} trained parameters.

## What it was made from

{counts}

{sides} The best epoch was number {best} of {epochs}, by
{measure} on the validation tracks.

Recipe (torch {torch}):

```json
{recipe}
```

## How well it hears

{figures}

## What to know before trusting it

{notes}- It knows what is in its training tracks and nothing else: other music, other studios, other labellers may be
  heard worse than the figures say.
- The figures are for tracks of the same collection, each judged by {windows} of its stretches.
- Whoever shares this model says under which licence, and whose music it learned from.
"""


@dataclass(frozen=True)
class Report:
    """How a run went.

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
    if run.config.assistant:
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
    """The temperature, from all windows of the validation tracks, and the threshold of the unknown."""
    if run.manifest.task != "styles":
        return 1.0, 0.0
    valid = run.manifest.part("valid")
    heard = hear(run.network, valid, run.cache)
    labels = np.repeat(valid.labels(), [len(logits) for logits in heard])
    temperature = fit_temperature(labels, apply_temperature(np.concatenate(heard), 1.0))
    confidence = [apply_temperature(logits, temperature).mean(0).max() for logits in heard]
    return temperature, float(np.quantile(confidence, run.config.unknown))


def _measure(run: Run, temperature: float) -> tuple[dict[str, Any], Score | None]:
    """The figures of the test tracks; of the validation tracks, and said so, where there are none."""
    side = "test" if run.manifest.part("test").entries else "valid"
    part = run.manifest.part(side)
    heard = hear(run.network, part, run.cache)
    found: dict[str, Any] = {"side": side, "tracks": len(part.entries), "artists": _artists(part)}
    if part.task == "styles":
        answers = np.stack([apply_temperature(logits, temperature).mean(0) for logits in heard])
        result = score(f"{side} tracks", part.classes, part.labels(), answers, None, _groups(part))
        return found | {"precision_at_1": round(result.micro[0].value, 3), "score": result.as_json()}, result
    answers = np.stack([run.objective.answer(logits) for logits in heard])
    return found | _each_class(part, answers), None


def _each_class(part: Manifest, answers: NDArray[np.float64]) -> dict[str, Any]:
    """ROC-AUC of each tag that some tracks have and others have not, or error and correlation of each value."""
    targets = part.targets()
    columns = list(zip(part.classes, targets.T.astype(np.float64), answers.T, strict=True))
    if part.task == "tags":
        areas = {
            name: round(roc_auc(truth > 0, said), 3) for name, truth, said in columns if 0 < truth.sum() < len(truth)
        }
        return {"roc_auc": round(mean_auc(part, answers), 3), "roc_auc_of": areas}
    correlations = {name: round(correlation(truth, said), 3) for name, truth, said in columns}
    return {
        "rmse_of": {name: round(rmse(truth, said), 4) for name, truth, said in columns},
        "correlation_of": {name: value for name, value in correlations.items() if math.isfinite(value)},
    }


def _groups(part: Manifest) -> NDArray[np.intp]:
    """A number for each artist, (tracks,); a track of nobody we know is by an artist of its own."""
    names = [first_artist(each.artist) or f"/{index}" for index, each in enumerate(part.entries)]
    groups: NDArray[np.intp] = np.unique(names, return_inverse=True)[1]
    return groups


def _artists(part: Manifest) -> int:
    return len(_named(part))


def _named(part: Manifest) -> set[str]:
    return {first_artist(entry.artist) for entry in part.entries} - {""}


def _sides(manifest: Manifest) -> str:
    """Whether an artist is on several sides of the split, as far as the names tell."""
    train, valid, test = (_named(manifest.part(side)) for side in ("train", "valid", "test"))
    several = len((train & valid) | (train & test) | (valid & test))
    if several:
        who = f"{several} artist{'s are' if several > 1 else ' is'}"
        return f"**{who} on several sides of the split, so the figures below may flatter.**"
    return "The sides of the split share no artist, as far as the names tell."


def _card(run: Run, config: Config, result: Score | None) -> str:
    return CARD.format(
        name=config.name,
        summary=config.provenance["summary"].rstrip("."),
        sample_rate=config.sample_rate,
        window=config.window,
        classes=len(config.styles),
        task=config.task,
        architecture=config.architecture,
        parameters=sum(each.numel() for each in run.network.body.parameters()),
        counts=_counts(run.manifest),
        sides=_sides(run.manifest),
        best=run.state.best_epoch + 1,
        epochs=run.state.epoch,
        measure=run.objective.measure_name,
        torch=config.provenance["torch"],
        recipe=run.config.model_dump_json(indent=2),
        figures=_figures(config, result),
        notes=f"{run.config.notes.strip()}\n" if run.config.notes else "",
        windows=run.config.windows,
    )


def _counts(manifest: Manifest) -> str:
    """A table of tracks and artists for each class and side."""
    sides = {split: manifest.part(split) for split in ("train", "valid", "test")}
    if manifest.task == "values":
        return "\n".join(f"- {name}: {len(part.entries)} tracks" for name, part in sides.items())
    counts = {name: Counter(label for entry in part.entries for label in entry.labels) for name, part in sides.items()}
    lines = ["| | train | valid | test |", "|---|---|---|---|"]
    lines += [f"| {label} | {' | '.join(str(counts[side][label]) for side in sides)} |" for label in manifest.classes]
    lines += [f"| tracks | {' | '.join(str(len(part.entries)) for part in sides.values())} |"]
    lines += [f"| artists named | {' | '.join(str(_artists(part)) for part in sides.values())} |"]
    return "\n".join(lines)


def _figures(config: Config, result: Score | None) -> str:
    found = config.measures
    about = f"On {found['tracks']} {found['side']} tracks by {found['artists']} named artists"
    if found["side"] != "test":
        about += " (there were no test tracks, so the best epoch was chosen by these very tracks)"
    if result:
        table = ["| | tracks | average | P@1 | P@2 | P@3 |", "|---|---|---|---|---|---|"]
        table += [f"| {' | '.join(row)} |" for row in scores.rows([result])]
        table += ["", "| style | tracks | P@1 |", "|---|---|---|"]
        table += [f"| {name} | {count} | {share:.2f} |" for name, (share, count) in result.by_class.items()]
        error = f"The expected calibration error is {result.calibration_error:.3f}."
        return f"{about}, with 95 % intervals from a bootstrap over the artists. {error}\n\n" + "\n".join(table)
    if "roc_auc" in found:
        rows = "\n".join(f"| {name} | {area:.3f} |" for name, area in found["roc_auc_of"].items())
        return f"{about}: mean ROC-AUC {found['roc_auc']:.3f}.\n\n| tag | ROC-AUC |\n|---|---|\n{rows}"
    rows = "\n".join(
        f"| {name} | {error} | {found['correlation_of'].get(name, '–')} |" for name, error in found["rmse_of"].items()
    )
    return f"{about}.\n\n| value | RMSE | correlation |\n|---|---|---|\n{rows}"
