"""Whether the words of an answer can be believed: on synthetic tracks, whole, without treble, and cut to ten seconds.

    earmark synth corpus CORPUS --per-style 8 --seed 9
    python bench/confidence.py MODEL CORPUS CHARTS

Printed are tables in Markdown; into the folder CHARTS go the reliability diagram and the accuracy over the coverage, of
all conditions together. An answer that names a family alone is right if that is the family.
"""

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.analysis import Analysis, Confidence
from earmark.audio import Waveform, decode
from earmark.hearing import Model
from earmark.learning.evaluation import charts
from earmark.learning.evaluation.degradations import EXCERPT, excerpt, low_passed
from earmark.measures.classification import (
    calibration_error,
    confusion,
    coverage,
    fit_temperature,
    grouped,
    hits,
    reliability,
)

NAMED = (Confidence.SURE, Confidence.LIKELY, Confidence.UNSURE)
SILENT = (Confidence.SEVERAL, Confidence.UNKNOWN, Confidence.NO_MUSIC)
THRESHOLDS = np.linspace(0, 0.98, 50)


def both(path: Path, sample_rate: int) -> Waveform:
    """Ten seconds from the middle, without treble."""
    passed = low_passed(path, sample_rate)
    first = max(0, (len(passed) - round(EXCERPT * sample_rate)) // 2)
    return passed[first : first + round(EXCERPT * sample_rate)]


CONDITIONS: dict[str, Callable[[Path, int], Waveform]] = {
    "whole": decode,
    "nothing above 8 kHz": low_passed,
    "ten seconds": excerpt,
    "both": both,
}


@dataclass(frozen=True)
class Heard:
    """One track under one condition: its style and what was heard."""

    style: str
    analysis: Analysis


def hear(model: Model, path: Path, style: str, waveform: Waveform) -> Heard:
    """What a model hears in a waveform, as a listener would tell it."""
    heard, config = model.hear(waveform), model.config
    unknown = bool(heard.no_music) or heard.timeline.mean().max() < config.unknown_threshold
    seconds = len(waveform) / config.sample_rate
    found = Analysis(
        path, seconds, heard.timeline, config.families, unknown, heard.embedding, config.name, no_music=heard.no_music
    )
    return Heard(style, found)


def right(heard: Heard) -> bool:
    """Whether the answer names the style, or its family alone."""
    answer, families = heard.analysis.answer(), heard.analysis.families
    return answer.family == families[heard.style] if answer.family_alone else answer.styles == (heard.style,)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("charts", type=Path)
    given = parser.parse_args()
    model = Model.open(given.model)
    with (given.corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        tracks = [(given.corpus / row["path"], row["style"]) for row in csv.DictReader(file)]
    heard: dict[str, list[Heard]] = defaultdict(list)
    for path, style in tracks:
        for name, change in CONDITIONS.items():
            heard[name].append(hear(model, path, style, change(path, model.config.sample_rate)))

    styles = model.config.styles
    families = [model.config.families[style] for style in styles]
    print(f"{len(tracks)} tracks\n")
    print("| | style right | mean confidence | family right | mean confidence | calibration error | temperature |")
    print("|---|---|---|---|---|---|---|")
    for name, every in heard.items():
        labels, shares = arrays(every, styles)
        names, sums = grouped(shares, families)
        of_family = np.array([names.index(families[label]) for label in labels])
        print(
            f"| {name} | {hits(labels, shares, 1).mean():.2f} | {shares.max(1).mean():.2f} "
            f"| {hits(of_family, sums, 1).mean():.2f} | {sums.max(1).mean():.2f} "
            f"| {calibration_error(labels, shares):.2f} | {fit_temperature(labels, shares):.2f} |"
        )
    every = [each for part in heard.values() for each in part]
    print_words(every)
    print_confusion(heard["whole"], styles)
    draw(every, styles, model, given.charts)


def arrays(every: list[Heard], styles: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Labels (tracks,) and probabilities (tracks, styles)."""
    labels = np.array([styles.index(each.style) for each in every])
    return labels, np.stack([each.analysis.timeline.mean() for each in every])


def print_words(every: list[Heard]) -> None:
    """How often each word is said, and how often the answer with it is right."""
    said = Counter(each.analysis.answer().confidence for each in every)
    true = Counter(each.analysis.answer().confidence for each in every if right(each))
    alone = Counter(each.analysis.answer().confidence for each in every if each.analysis.answer().family_alone)
    print("\n| it says | answers | of these a family alone | right |\n|---|---|---|---|")
    for word in NAMED:
        if said[word]:
            print(f"| {word} | {said[word]} | {alone[word]} | {true[word] / said[word]:.2f} |")
    for word in SILENT:
        if said[word]:
            print(f"| {word} | {said[word]} | | |")


def print_confusion(every: list[Heard], styles: list[str]) -> None:
    """What each style is taken for, whole tracks."""
    print("\n| style | tracks | first answers |\n|---|---|---|")
    for style, counts in zip(styles, confusion(*arrays(every, styles)), strict=True):
        answers = ", ".join(f"{styles[index]} {counts[index]}" for index in np.argsort(-counts) if counts[index])
        print(f"| {style} | {counts.sum()} | {answers} |")


def draw(every: list[Heard], styles: list[str], model: Model, folder: Path) -> None:
    """Write the two charts."""
    labels, shares = arrays(every, styles)
    families = [model.config.families[style] for style in styles]
    names, sums = grouped(shares, families)
    of_family = np.array([names.index(families[label]) for label in labels])
    covered, precise = coverage(labels, shares, THRESHOLDS)
    covered_family, precise_family = coverage(of_family, sums, THRESHOLDS)
    own = []
    for truth, told in ((labels, shares), (of_family, sums)):
        answered, true = coverage(truth, told, model.config.unknown_threshold)
        own.append((float(answered[0]), float(true[0])))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reliability.png").write_bytes(charts.reliability(reliability(labels, shares, 10), charts.LIGHT))
    curves = [("style", covered, precise), ("family", covered_family, precise_family)]
    (folder / "coverage.png").write_bytes(charts.coverage(curves, own, charts.LIGHT))


if __name__ == "__main__":
    main()
