"""Write a taught model and the report beside it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import sklearn

from earmark.errors import BundleError
from earmark.files import write_text
from earmark.hearing.bundle import FORMAT, NETWORK, Config, read_config
from earmark.learning import bundle_files
from earmark.learning.teaching import answer, card, label_issues, learning_curve, merging
from earmark.learning.teaching.accuracy import rounded
from earmark.learning.teaching.merging import Merging, OtherTracks
from earmark.learning.teaching.study import UNKNOWN_SHARE, Study
from earmark.styles import families_of


def require_mergeable(model: Path) -> None:
    """Make sure that a model has styles of its own to answer with beside taught ones.

    Raises:
        BundleError: it has not.
    """
    task = read_config(model).task
    if task != "styles":
        raise BundleError(f"{model}: it names {task}; only a model that names styles can keep them beside taught ones")


def measure_merging(study: Study, model: Path, others: OtherTracks, *, seed: int = 0) -> Merging:
    """Measure on held-out tracks how the styles of a model and the taught ones get along.

    Args:
        study: the tracks, and the head that was chosen.
        model: the folder of the bundle that heard the tracks.
        others: other music.
        seed: of the division of the others.

    Raises:
        BundleError: the model names no styles.
        ManifestError: the others do not suffice for merging.
    """
    require_mergeable(model)
    generator = np.random.default_rng(seed)
    return merging.measure(study.labelled, others, study.folds, study.best, read_config(model), generator)


def write(
    study: Study,
    model: Path,
    out: Path,
    report: Path,
    *,
    others: OtherTracks | None = None,
    measured: Merging | None = None,
    source: str = "",
) -> Merging | None:
    """Fit the chosen head to all tracks, write it on top of its model, and the report beside it.

    Args:
        study: the tracks, and the head that was chosen.
        model: the folder of the bundle that heard the tracks.
        out: the bundle to write; its last part is the name.
        report: the folder of the report; see `write_report`.
        others: other music, to merge with the model's own styles; none to answer with the taught ones alone.
        measured: the effect of merging with them, if it is measured already.
        source: name of the manifest, for the provenance.

    Returns:
        The measured effect of merging, if there was any.

    Raises:
        BundleError: something is wrong with the model, or what stands in place of the new one is none.
        ManifestError: the others do not suffice for merging.
    """
    bundle_files.require_replaceable(out)
    base = read_config(model)
    head = study.best.candidate.fit(study.labelled)
    if others is None:
        built = answer.taught(head, len(study.labelled.styles))
    else:
        measured = measured or measure_merging(study, model, others)
        built = answer.merged(
            head,
            merging.fit_gate(study.labelled, others),
            styles=len(measured.styles),
            base_styles=len(base.styles),
            taught=[measured.styles.index(style) for style in study.labelled.styles],
            temperatures=(base.temperature, study.best.temperature),
        )
    config = _config(study, base, out.name, measured, built.settings)
    config = replace(config, provenance=config.provenance | {"manifest": source})
    answer.write(out, built, config, card.write(config, study, measured, base), model)
    write_report(report, study, config.measures)
    return measured


def write_report(folder: Path, study: Study, measures: Mapping[str, Any]) -> None:
    """Write the report: `suspects.csv`, `learning-curve.png` and all figures in `report.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    label_issues.write(study.label_issues, folder / "suspects.csv")
    if study.curve:
        learning_curve.draw(study.curve, folder / "learning-curve.png")
    else:
        (folder / "learning-curve.png").unlink(missing_ok=True)  # of an earlier study that could be measured
    candidates = [
        {
            "head": trial.candidate.kind,
            "settings": dict(trial.candidate.settings),
            "loss": round(trial.loss, 4),
            "temperature": round(trial.temperature, 4),
        }
        for trial in study.trials
    ]
    report = json.dumps(dict(measures) | {"candidates": candidates}, indent=1, ensure_ascii=False)
    write_text(folder / "report.json", report + "\n")


def _config(study: Study, base: Config, name: str, merging: Merging | None, own: dict[str, Any]) -> Config:
    names = list(merging.styles if merging else study.labelled.styles)
    family_of = families_of(names) | base.families
    threshold = study.threshold
    if merging:
        threshold = min(base.unknown_threshold, float(np.quantile(merging.confidence, UNKNOWN_SHARE)))
    settings = {"base": {"architecture": base.architecture, "settings": base.settings, "styles": len(base.styles)}}
    return replace(
        base,
        format=FORMAT,
        name=name,
        task="styles",
        architecture="merged" if merging else "taught",
        settings=settings | own,
        styles=names,
        families={style: family_of[style] for style in names},
        temperature=1.0 if merging else study.best.temperature,
        unknown_threshold=round(threshold, 4),
        provenance=_provenance(study, base, merging),
        measures=_measures(study, merging),
        sha256={},
    )


def _provenance(study: Study, base: Config, merging: Merging | None) -> dict[str, Any]:
    labelled = study.labelled
    more = f", beside the {len(base.styles)} of {base.name}" if merging else ""
    return {
        "summary": f"{len(labelled.styles)} styles taught with {len(labelled.labels)} tracks{more}",
        "head": {"kind": study.best.candidate.kind, **study.best.candidate.settings},
        "splits": sorted({entry.split for entry in labelled.entries}),
        "base": {"name": base.name, "network": base.sha256[NETWORK], "provenance": base.provenance},
        "onnx": onnx.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _measures(study: Study, merging: Merging | None) -> dict[str, Any]:
    measures: dict[str, Any] = {
        "tracks": len(study.labelled.labels),
        "artists": study.labelled.artists(),
        "tracks_without_artist": study.labelled.nameless(),
        "unknown_share": UNKNOWN_SHARE,
        "accuracy": study.accuracy.as_json() if study.accuracy else None,
        "learning_curve": [
            {"tracks_per_style": round(point.per_style, 1), "accuracy": rounded(point.accuracy)}
            for point in study.curve
        ],
        "suspects": sum(issue.flagged for issue in study.label_issues),
    }
    if study.accuracy:
        measures["precision_at_1"] = round(study.accuracy.micro.value, 3)
    if merging:
        measures["merging"] = {
            "other_tracks": merging.others,
            "taught_right": rounded(merging.won),
            "others_unchanged": rounded(merging.kept),
        }
    return measures
