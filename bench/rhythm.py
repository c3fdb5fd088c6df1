"""Tempo, beats, bars and keys of tracks whose truth is known, beside librosa and essentia.

    python -m bench.rhythm

Renders `PER_STYLE` tracks of each style that nobody has looked at, hears them and the drum loops of ../shared/audio,
and writes the section `rhythm` of docs/benchmarks.md. Measures: tempo within 0.1 BPM; mir_eval's F-measure of beats
and of downbeats (70 ms); mir_eval's weighted score of keys. A track without drums for most of its bars has no beat that
anyone could agree on: it counts for its key only.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mir_eval
import numpy as np
from bench.arguments import arguments
from bench.page import ROOT, table, write
from bench.peers.__main__ import SCRIPTS
from bench.peers.environment import Missing, python
from bench.programs import conditions, spend
from numpy.typing import NDArray

from earmark.hearing import Listener, Model
from earmark.synth import STYLES, Truth, render
from earmark.synth.harmony import TONICS
from earmark.testing import write_wav

PER_STYLE = 4
FIRST_SEED = 500_000
SECONDS = 45.0
LOOPS = ROOT.parent / "shared" / "audio" / "house-loops"
MEASURES = ("tempo within 0.1 BPM", "tempo within 0.02 BPM", "beats (F)", "downbeats (F)", "keys")
PEERS = {
    "librosa": ("librosa_features.py", ("librosa", "onnxruntime")),
    "essentia": ("essentia_rhythm_key.py", ("essentia",)),
}

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """Tempo, beats, downbeats and key of a track as a program gives them; None for what it does not give."""

    bpm: float | None = None
    beats: Times | None = None
    downbeats: Times | None = None
    key: str | None = None


def earmark(paths: Sequence[Path]) -> Iterator[Answer]:
    """`earmark listen`."""
    listen = Listener(Model.open("house12"))
    for path in paths:
        heard = listen(path)
        rhythm, key = heard.rhythm, heard.key
        yield Answer(
            rhythm.bpm if rhythm else None,
            rhythm.beats if rhythm else None,
            rhythm.downbeats if rhythm else None,
            f"{TONICS[key.tonic]} {'minor' if key.minor else 'major'}" if key else None,
        )


def answers(paths: Sequence[Path]) -> tuple[dict[str, list[Answer]], list[str]]:
    """The answers of all programs, and the versions of the peers, or why one is missing."""
    found = {"earmark": list(earmark(paths))}
    versions = []
    for name, (script, needs) in PEERS.items():
        try:
            interpreter, version = python(needs)
        except Missing as error:
            versions.append(f"no {name} ({error})")
            continue
        lines = spend([interpreter, str(SCRIPTS / script), *map(str, paths)]).output.splitlines()
        heard = [json.loads(line) for line in lines]
        found[name] = [Answer(each["bpm"], np.array(each["beats"]), None, each["key"]) for each in heard]
        versions.append(version)
    return found, versions


def has_beat(truth: Truth) -> bool:
    """True if drums strike in at least half of the bars."""
    strokes = np.sort(np.concatenate([np.empty(0), *(np.array(each) for each in truth.onsets.values())]))
    bars = np.searchsorted(strokes, truth.downbeats)
    return float(np.mean(np.diff(bars) > 0)) >= 0.5  # noqa: PLR2004  half


def measure(answer: Answer, truth: Truth) -> Iterator[tuple[str, float]]:
    """The measures of an answer; what is missing counts 0."""
    if has_beat(truth):
        error = abs((answer.bpm or 0) - truth.bpm)
        yield "tempo within 0.1 BPM", float(error <= 0.1)  # noqa: PLR2004  said in the name
        yield "tempo within 0.02 BPM", float(error <= 0.02)  # noqa: PLR2004  the same
        for name, reference, found in (
            ("beats (F)", truth.beats, answer.beats),
            ("downbeats (F)", truth.downbeats, answer.downbeats),
        ):
            if found is not None or answer.bpm is None:
                estimated = np.empty(0) if found is None else found
                yield name, float(mir_eval.beat.f_measure(np.array(reference), estimated)) if estimated.size else 0.0
    yield "keys", float(mir_eval.key.weighted_score(truth.key, answer.key)) if answer.key else 0.0


def rendered(folder: Path) -> Iterator[tuple[Path, Truth]]:
    """Tracks of all styles, at tempi that are no whole numbers, beginning with up to two seconds of silence."""
    rng = np.random.default_rng(0)
    for style in STYLES:
        for seed in range(FIRST_SEED, FIRST_SEED + PER_STYLE):
            drawn = render(style, seed, 1.0).truth.bpm
            bpm = round(float(drawn + rng.uniform(-0.5, 0.5)), 2)
            track = render(style, seed, SECONDS, bpm=bpm, lead_in=float(rng.uniform(0, 2)))
            yield write_wav(folder / f"{len(list(folder.iterdir()))}.wav", track.audio, track.sample_rate), track.truth


def means(scores: dict[tuple[str, str], list[float]], aims: dict[str, str]) -> str:
    """The means, a row for each measure."""
    programs = ("earmark", *PEERS)
    rows = []
    for name in (measured for measured in MEASURES if ("earmark", measured) in scores):
        cells = [f"{np.mean(values):.3f}" if (values := scores.get((each, name))) else "" for each in programs]
        rows.append((name, str(len(scores["earmark", name])), *cells, aims.get(name, "")))
    return table(("measure", "tracks", *programs, "aim"), rows)


def by_style(scores: dict[tuple[str, str], list[float]]) -> str:
    """A table of earmark's means for each style."""
    names = ("tempo within 0.1 BPM", "beats (F)", "downbeats (F)", "keys")
    lines = [f"| style | {' | '.join(names)} |", "|---|---|---|---|---|"]
    for style in STYLES:
        means = [f"{np.mean(values):.2f}" if (values := scores.get((style, name))) else "none" for name in names]
        lines.append(f"| {style} | {' | '.join(means)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the section."""
    arguments(__doc__)
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    styles: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        tracks = list(rendered(Path(name)))
        heard, versions = answers([path for path, _ in tracks])
    truths = [truth for _, truth in tracks]
    for program, each in heard.items():
        for truth, answer in zip(truths, each, strict=True):
            for measured, value in measure(answer, truth):
                scores[program, measured].append(value)
                if program == "earmark":
                    styles[truth.style, measured].append(value)
    beatless = [not has_beat(truth) for truth in truths]
    refused = sum(none and answer.bpm is None for none, answer in zip(beatless, heard["earmark"], strict=True))
    loops: dict[tuple[str, str], list[float]] = defaultdict(list)
    paths = sorted(LOOPS.glob("*.mp3"))
    for program, each in answers(paths)[0].items() if paths else ():
        for path, answer in zip(paths, each, strict=True):
            error = abs((answer.bpm or 0) - float(path.name.partition("bpm")[0]))
            loops[program, "tempo within 0.1 BPM"].append(error <= 0.1)  # noqa: PLR2004  said in the name
            loops[program, "tempo within 0.02 BPM"].append(error <= 0.02)  # noqa: PLR2004  the same
    aims = {
        "tempo within 0.1 BPM": "0.95",
        "beats (F)": "0.95",
        "downbeats (F)": "0.85",
        "keys": "above both",
    }
    write(
        "rhythm",
        f"""{conditions()}
{PER_STYLE} rendered tracks of each style, {SECONDS:.0f} s, beside {", ".join(versions)} in the same run.
The templates for bars were fitted to other compositions of the same synthesizer, some with the same sounds; a few
constants were chosen with an eye on those and on the loops; one on these tracks, the weight of scales in keys.
F-measures (70 ms) and the weighted score of keys are mir_eval's. Of {sum(beatless)} tracks without drums in most bars,
whose beat nobody could name, earmark refuses {refused}; they count for their keys only. librosa has no key: its
chroma is compared with Krumhansl's profiles.

{means(scores, aims)}

What earmark reaches in each style:

{by_style(styles)}

The {len(paths)} real drum loops of 8 s, whose tempo stands in their names:

{means(loops, {"tempo within 0.1 BPM": "0.95"}) if loops else "were not there."}""",
    )


if __name__ == "__main__":
    main()
