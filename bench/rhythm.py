"""Tempo, beats, bars and keys of tracks whose truth is known, beside librosa and essentia; and what they cost.

    python -m bench.rhythm

Renders `PER_STYLE` tracks of each style that nobody has looked at, hears them and the drum loops of ../shared/audio,
and writes its section of docs/benchmarks.md. Measures: tempo within 0.1 BPM; mir_eval's F-measure of beats and of
downbeats (70 ms); mir_eval's weighted score of keys. A track without drums for most of its bars has no beat that
anyone could agree on: it counts for its key only.
"""

import re
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import essentia
import librosa
import mir_eval
import numpy as np
from bench import tempi
from bench.listen import FFMPEG, PAGE, ROOT, cpu_seconds, make_track
from essentia import standard
from numpy.typing import NDArray

from earmark.audio import decode
from earmark.hearing import Listener, Model
from earmark.hearing.listener import PARTS
from earmark.synth import STYLES, Truth, render
from earmark.synth.harmony import TONICS
from earmark.testing import write_wav

PER_STYLE = 4
FIRST_SEED = 500_000
SECONDS = 45.0
LOOPS = ROOT.parent / "shared" / "audio" / "house-loops"
MEASURES = ("tempo within 0.1 BPM", "tempo within 0.02 BPM", "beats (F)", "downbeats (F)", "keys")
HEADING = "## Tempo, beats and keys"
ROUNDS = 5

# Krumhansl and Kessler's probe-tone ratings, which is what people put on top of librosa's chroma.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """Tempo, beats, downbeats and key of a track as a program gives them; None for what it does not give."""

    bpm: float | None = None
    beats: Times | None = None
    downbeats: Times | None = None
    key: str | None = None


class Programs:
    """The programs, each opened once."""

    def __init__(self) -> None:
        essentia.log.infoActive = essentia.log.warningActive = False
        self._listener = Listener(Model.open("house12"))
        self._rhythm = standard.RhythmExtractor2013(method="multifeature")
        self._keys = standard.KeyExtractor()

    def earmark(self, path: Path) -> Answer:
        """`earmark listen`."""
        heard = self._listener(path)
        rhythm, key = heard.rhythm, heard.key
        return Answer(
            rhythm.bpm if rhythm else None,
            rhythm.beats if rhythm else None,
            rhythm.downbeats if rhythm else None,
            f"{TONICS[key.tonic]} {'minor' if key.minor else 'major'}" if key else None,
        )

    def librosa(self, path: Path) -> Answer:
        """`beat_track`, and the best correlation of the mean chroma."""
        waveform = decode(path, 22_050)
        tempo, beats = librosa.beat.beat_track(y=waveform, sr=22_050, units="time")
        chroma = librosa.feature.chroma_cqt(y=waveform, sr=22_050).mean(1)
        likeness = [
            [np.corrcoef(np.roll(profile, tonic), chroma)[0, 1] for tonic in range(12)] for profile in (MAJOR, MINOR)
        ]
        mode, tonic = np.unravel_index(np.argmax(likeness), (2, 12))
        return Answer(float(np.atleast_1d(tempo)[0]), beats, None, f"{TONICS[tonic]} {('major', 'minor')[mode]}")

    def essentia(self, path: Path) -> Answer:
        """`RhythmExtractor2013` and `KeyExtractor`, as they are."""
        waveform = decode(path, 44_100)
        bpm, beats, _, _, _ = self._rhythm(waveform)
        tonic, scale, _ = self._keys(waveform)
        return Answer(float(bpm), beats, None, f"{tonic} {scale}")

    def answers(self, path: Path) -> dict[str, Answer]:
        """The answers of all programs."""
        return {"earmark": self.earmark(path), "librosa": self.librosa(path), "essentia": self.essentia(path)}


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


def costs(folder: Path) -> dict[str, list[float]]:
    """CPU seconds, in rounds, of what is done with five minutes of mp3."""
    track = str(make_track(folder, 300))
    model = Model.open("house12")

    def hearing(parts: tuple[str, ...]) -> float:
        begin = time.process_time()
        Listener(model, parts=parts)(track)
        return time.process_time() - begin

    programs: dict[str, Callable[[], float]] = {
        "decode": partial(cpu_seconds, [FFMPEG, "-v", "error", "-i", track, "-f", "null", "-"]),
        "styles": partial(hearing, ()),
        "all": partial(hearing, PARTS),
        "command": partial(cpu_seconds, [sys.executable, "-m", "earmark", "listen", track]),
    }
    spent: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, run in programs.items():
            spent[name].append(run())
    return spent


def ratio(spent: dict[str, list[float]], name: str) -> str:
    """The median, and the extremes, of the ratios to decoding."""
    ratios = sorted(one / other for one, other in zip(spent[name], spent["decode"], strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"


def table(scores: dict[tuple[str, str], list[float]], aims: dict[str, str]) -> str:
    """The means, a row for each measure."""
    programs = ("earmark", "librosa", "essentia")
    lines = [f"| {' | '.join(('measure', 'tracks', *programs, 'aim'))} |", "|---|---|---|---|---|---|"]
    for name in (measured for measured in MEASURES if ("earmark", measured) in scores):
        means = [f"{np.mean(values):.3f}" if (values := scores.get((each, name))) else "" for each in programs]
        lines.append(f"| {' | '.join((name, str(len(scores['earmark', name])), *means, aims.get(name, '')))} |")
    return "\n".join(lines)


def by_style(scores: dict[tuple[str, str], list[float]]) -> str:
    """A table of earmark's means for each style."""
    names = ("tempo within 0.1 BPM", "beats (F)", "downbeats (F)", "keys")
    lines = [f"| style | {' | '.join(names)} |", "|---|---|---|---|---|"]
    for style in STYLES:
        means = [f"{np.mean(values):.2f}" if (values := scores.get((style, name))) else "none" for name in names]
        lines.append(f"| {style} | {' | '.join(means)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the section."""
    programs = Programs()
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    styles: dict[tuple[str, str], list[float]] = defaultdict(list)
    beatless = refused = 0
    with tempfile.TemporaryDirectory() as name:
        for path, truth in rendered(Path(name)):
            answers = programs.answers(path)
            for program, answer in answers.items():
                for measured, value in measure(answer, truth):
                    scores[program, measured].append(value)
                    if program == "earmark":
                        styles[truth.style, measured].append(value)
            beatless += not has_beat(truth)
            refused += not has_beat(truth) and answers["earmark"].bpm is None
            print(time.strftime("%X"), truth.style, truth.bpm, answers["earmark"].bpm, flush=True)
            path.unlink()
    loops: dict[tuple[str, str], list[float]] = defaultdict(list)
    for path in sorted(LOOPS.glob("*.mp3")):
        bpm = float(path.name.partition("bpm")[0])
        for program, answer in programs.answers(path).items():
            loops[program, "tempo within 0.1 BPM"].append(abs((answer.bpm or 0) - bpm) <= 0.1)  # noqa: PLR2004
            loops[program, "tempo within 0.02 BPM"].append(abs((answer.bpm or 0) - bpm) <= 0.02)  # noqa: PLR2004
    with tempfile.TemporaryDirectory() as name:
        spent = costs(Path(name))
    aims = {
        "tempo within 0.1 BPM": "0.95",
        "beats (F)": "0.95",
        "downbeats (F)": "0.85",
        "keys": "above both",
    }
    section = f"""{HEADING}

Written by `python -m bench.rhythm`: {PER_STYLE} rendered tracks of each style, {SECONDS:.0f} s, beside librosa
{metadata.version("librosa")} and essentia {metadata.version("essentia")} in the same run.
The templates for bars were fitted to other compositions of the same synthesizer, some with the same sounds; a few
constants were chosen with an eye on those and on the loops; one on these tracks, the weight of scales in keys.
F-measures (70 ms) and the weighted score of keys are mir_eval's. Of {beatless} tracks without drums in most bars, whose
beat nobody could name, earmark refuses {refused}; they count for their keys only. librosa has no key: its chroma is
compared with Krumhansl's profiles.

{table(scores, aims)}

What earmark reaches in each style:

{by_style(styles)}

The {len(loops["earmark", "tempo within 0.1 BPM"])} real drum loops of 8 s, whose tempo stands in their names:

{table(loops, {"tempo within 0.1 BPM": "0.95"}) if loops else "were not there."}

{tempi.section()}

What it costs: CPU time for five minutes of mp3, as a multiple of `ffmpeg -i FILE -f null -`, which decodes it; the
median of {ROUNDS} rounds in which the programs take turns (smallest–largest).

| what | multiple of decoding | aim |
|---|---|---|
| in a running process, as in a scan: styles alone | {ratio(spent, "styles")} | |
| styles, tempo, beats, key and loudness | {ratio(spent, "all")} | at most 2 |
| `earmark listen FILE`, with starting Python | {ratio(spent, "command")} | |
"""
    page = PAGE.read_text(encoding="utf-8")
    others = re.sub(rf"\n*{re.escape(HEADING)}\n.*?(?=\n## |\Z)", "", page, flags=re.DOTALL).rstrip()
    PAGE.write_text(f"{others}\n\n{section}", encoding="utf-8")
    print(section)


if __name__ == "__main__":
    main()
