"""Sections of rendered tracks, whose form is known: boundaries within one bar, and the names of bars.

    python -m bench.structure          measures, and writes its section of docs/mix.md
    python -m bench.structure --fit    fits src/earmark/dj/structure.json to other tracks
    ... --keep DIR                     keeps the tracks there, and takes those that are there already

The whole way is measured: the file is written, heard with house12, and its bars are those that were heard. Where the
tempo heard is another level of the metre than the true one (87 for 174), bars are of another length and the boundaries
count as they lie in time: within one true bar.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.page import ROOT, table, write
from numpy.typing import NDArray

from earmark.analysis import Rhythm
from earmark.audio import Waveform, decode
from earmark.dj.grid import BEATS, Grid
from earmark.dj.structure import NAMES, changes, features, sections
from earmark.dj.structure import Section as Heard
from earmark.hearing import Listener, Model
from earmark.hearing.rhythm import Envelopes, OnsetAccumulator
from earmark.synth import STYLES, Truth, render
from earmark.synth.encoding import write_audio
from earmark.synth.track import Section

PAGE = ROOT / "docs" / "mix.md"
TABLE = ROOT / "src" / "earmark" / "dj" / "structure.json"
FITTED, MEASURED = 700_000, 900_000  # first seeds
PER_STYLE = {FITTED: 3, MEASURED: 2}
RATE = 22_050  # Hz
SHORTEST, LONGEST = 150.0, 260.0  # seconds
LEAD_INS = (0.0, 0.0, 0.3, 0.05)  # seconds of silence before the first beat
WEIGHT = 0.1  # of a bar: neighbours are no independent witnesses
TRUST, PRIOR = 0.5, 1.75  # of what changes: its weight, and what is added, because lengths speak for a beginning, too
BROAD = 4.0  # added to variances, in square dB: real tracks are less alike than rendered ones


@dataclass(frozen=True)
class Example:
    """A rendered track: its truth, its bars as they were heard, and its envelopes."""

    truth: Truth
    grid: Grid
    envelopes: Envelopes


def fitted() -> Iterator[Example]:
    """Tracks of all styles on their true bars, for the table."""
    for seed, place, style in _drawn(FITTED):
        track = render(style, seed=seed, seconds=_seconds(seed, place), sample_rate=RATE)
        beats = np.array(track.truth.beats)
        rhythm = Rhythm(track.truth.bpm, 1.0, 0.0, beats, np.array(track.truth.downbeats))
        yield Example(track.truth, Grid.of(rhythm, track.seconds), _envelopes(track.waveform))


def measured(folder: Path) -> Iterator[Example]:
    """Tracks of all styles, heard as any file is."""
    listener = Listener(Model.open("house12"), parts=("rhythm",))
    for seed, place, _ in _drawn(MEASURED):
        path, truth = rendered(folder, seed, place)
        analysis = listener(path)
        yield Example(truth, Grid.of(analysis.rhythm, analysis.duration), _envelopes(decode(path, RATE)))


def rendered(folder: Path, seed: int, place: int) -> tuple[Path, Truth]:
    """A track of the style at a place and the truth about it, rendered if it is not in the folder."""
    path = folder / f"{seed}-{place:02d}.flac"
    known = path.with_suffix(".json")
    if not known.exists():
        rng = np.random.default_rng([seed, place])
        seconds, lead_in = float(rng.uniform(SHORTEST, LONGEST)), float(rng.choice(LEAD_INS))
        track = render(STYLES[place], seed=seed, seconds=seconds, lead_in=lead_in)
        write_audio(path, track.audio, track.sample_rate)
        known.write_text(json.dumps(track.truth.as_json()), encoding="utf-8")
    said = json.loads(known.read_text(encoding="utf-8"))
    sections = tuple(Section(**section) for section in said.pop("sections"))
    return path, Truth(**said, sections=sections)


def _drawn(first_seed: int) -> Iterator[tuple[int, int, str]]:
    """Seed, place of the style and style of each track."""
    for seed in range(first_seed, first_seed + PER_STYLE[first_seed]):
        for place, style in enumerate(STYLES):
            yield seed, place, style


def _seconds(seed: int, place: int) -> float:
    return float(np.random.default_rng([seed, place]).uniform(SHORTEST, LONGEST))


def _envelopes(waveform: Waveform) -> Envelopes:
    accumulator = OnsetAccumulator(RATE)
    accumulator.add(waveform)
    return accumulator.envelopes()


def true_names(example: Example) -> NDArray[np.intp]:
    """The kind of section that each bar lies in, as the synthesizer says; (bars,)."""
    middles = (example.grid.times[:-1:BEATS] + example.grid.times[BEATS::BEATS]) / 2
    starts = [section.start for section in example.truth.sections]
    places = np.clip(np.searchsorted(starts, middles, "right") - 1, 0, len(starts) - 1)
    names: NDArray[np.intp] = np.array([NAMES.index(section.name) for section in example.truth.sections])[places]
    return names


def true_beginnings(example: Example) -> NDArray[np.float64]:
    """Whether a section begins with each bar, 0 or 1; (bars,)."""
    begins = np.zeros(example.grid.bars)
    for section in example.truth.sections[1:]:
        bar = round((section.start - example.grid.bar(0)) * example.truth.bpm / 60 / BEATS)
        if 0 < bar < begins.size:
            begins[bar] = 1
    return begins


def logistic(rows: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of a logistic regression, by Newton's method; (columns,)."""
    weights = np.zeros(rows.shape[1])
    ridge = 0.1
    for _ in range(30):
        found = 1 / (1 + np.exp(-rows @ weights))
        curvature = (rows * (found * (1 - found))[:, None]).T @ rows + ridge * np.eye(weights.size)
        weights += np.linalg.solve(curvature, rows.T @ (truth - found) - ridge * weights)
    return weights


def fit(tracks: list[Example]) -> None:
    """Write the table of the features in each kind of section."""
    rows = np.concatenate([features(track.envelopes, track.grid) for track in tracks])
    names = np.concatenate([true_names(track) for track in tracks])
    fitted_to: dict[str, object] = {"weight": WEIGHT}
    for number, name in enumerate(NAMES):
        mine = rows[names == number]
        covariance = np.cov(mine.T) + BROAD * np.eye(rows.shape[1])
        precision = np.linalg.inv(covariance)
        fitted_to[name] = {"mean": mine.mean(0).round(3).tolist(), "precision": precision.round(5).tolist()}
    changed = np.concatenate([changes(features(track.envelopes, track.grid)) for track in tracks])
    weights = TRUST * logistic(changed, np.concatenate([true_beginnings(track) for track in tracks]))
    weights[0] += PRIOR
    fitted_to["beginning"] = weights.round(4).tolist()
    TABLE.write_text(json.dumps(fitted_to, separators=(",", ":")) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Score:
    """Boundaries that were found, that there are, and that agree within one bar; the share of bars named rightly."""

    found: int
    true: int
    agree: int
    bars: float


def score(example: Example, heard: tuple[Heard, ...]) -> Score:
    """Compare sections with the truth; start and end of the track are no boundaries."""
    bar = 60 * BEATS / example.truth.bpm
    true = [section.start for section in example.truth.sections[1:]]
    found = [example.grid.bar(section.bar) for section in heard[1:]]
    free = list(found)
    agree = 0
    for moment in true:
        near = [each for each in free if abs(each - moment) <= bar]
        if near:
            free.remove(min(near, key=lambda each: abs(each - moment)))
            agree += 1
    names = np.repeat([NAMES.index(section.name) for section in heard], [section.bars for section in heard])
    return Score(len(found), len(true), agree, float(np.mean(names == true_names(example))))


def summary(scores: list[Score]) -> tuple[float, float, float, float]:
    """Precision, recall and F of the boundaries of all tracks, and the mean share of bars named rightly."""
    agree = sum(each.agree for each in scores)
    precision, recall = agree / sum(each.found for each in scores), agree / sum(each.true for each in scores)
    return precision, recall, 2 * precision * recall / (precision + recall), float(np.mean([s.bars for s in scores]))


def beats_away(example: Example) -> tuple[NDArray[np.float64], int]:
    """Seconds from each beat heard to the nearest true one, and how many beats its bars begin late (0-3)."""
    true = np.array(example.truth.beats)
    heard = example.grid.times[:-1]
    heard = heard[heard < true[-1] + 60 / example.truth.bpm / 2]
    nearest = np.abs(heard[:, None] - true).argmin(1)
    return heard - true[nearest], int(np.bincount(nearest[::BEATS] % BEATS).argmax())


def report(tracks: list[Example]) -> str:
    """The table of the page."""
    scores = [(track.truth.style, score(track, sections(track.envelopes, track.grid))) for track in tracks]
    groups = [(style, [each for name, each in scores if name == style]) for style in STYLES]
    groups.append(("**all**", [each for _, each in scores]))
    rows = [(name, *(f"{value:.2f}" for value in summary(group))) for name, group in groups]
    away = [beats_away(track) for track in tracks]
    worst = sorted(float(np.abs(each).max()) for each, _ in away)
    right = sum(whole == 0 for _, whole in away)
    half, most = 1000 * worst[len(worst) // 2], 1000 * worst[-1]
    lines = [
        table(("style", "precision", "recall", "F", "bars named rightly"), rows),
        "",
        f"Bars are as good as the beats: in half of the tracks those heard are at worst {half:.1f} ms from the true,",
        f"{most:.1f} ms in all; bars begin on the right beat in {right} of {len(away)} tracks.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Fit, or measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    if chosen.fit:
        fit(list(fitted()))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write("structure", report(list(measured(folder))), PAGE)


if __name__ == "__main__":
    main()
