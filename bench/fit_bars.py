"""Fit the templates that tell where a bar begins: src/earmark/hearing/rhythm/bars.json.

    earmark synth corpus CORPUS ...
    python -m bench.fit_bars CORPUS

Each track of the corpus is heard whole, from a random moment on, and in two excerpts of 8 to 16 s; drums alone are
rendered for `DRUMS` seeds of each style and heard in excerpts too, so that the templates do not lean on chords. One
template is fitted to the styles with a kick on each beat and one to the others, each so that the softmax over the
sixteen steps gives the truth (multinomial logistic regression with a ridge). Every fourth artist is left out of the
fit; the share of his tracks whose bars are right is printed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from bench.arguments import arguments
from numpy.typing import NDArray

from earmark.audio import Waveform, decode
from earmark.hearing.rhythm import OnsetAccumulator, bars, tempo
from earmark.hearing.rhythm.beats import BAR, BeatGrid
from earmark.styles import families_of
from earmark.synth import STYLES, render

RATE = 22_050  # Hz
PER_STYLE = 36  # tracks of the corpus
DRUMS = 8  # seeds of each style whose drums are heard alone
FIRST_SEED = 900_000  # the corpus has other ones
RIDGE = 0.02
ROUNDS = 400

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """The features of an excerpt, the step that begins its bars, and what it is from."""

    features: Array
    answer: int
    four: bool
    artist: int
    kind: str


def examples_of(
    waveform: Waveform, truth: dict[str, Any], excerpts: list[tuple[float, float]], kind: str
) -> Iterator[Example]:
    """The examples in some excerpts (seconds) of a track."""
    style, artist = truth["style"], int(truth["artist"].rpartition("-")[2])
    for start, end in excerpts:
        listener = OnsetAccumulator(RATE)
        listener.add(waveform[round(start * RATE) : round(end * RATE)])
        envelopes = listener.envelopes()
        onset_strength = envelopes.onset_strength()
        grid = BeatGrid.constant(tempo.refine(tempo.standardised(onset_strength), envelopes.frame_rate, truth["bpm"]))
        beats = grid.beats_at(np.arange(len(onset_strength)) / envelopes.frame_rate)
        eighth, features = bars.features(onset_strength, envelopes, grid, beats)
        downbeat = float(grid.beats_at(np.array([truth["downbeats"][0] - start]))[0])
        answer = round((downbeat - eighth) * bars.STEPS / BAR) % bars.STEPS
        yield Example(features, answer, families_of([style])[style] in bars.FOUR, artist, kind)


def gather(corpus: Path) -> Iterator[Example]:
    """All examples."""
    rng = np.random.default_rng(0)
    for folder in sorted(path for path in corpus.iterdir() if path.is_dir()):
        for path in sorted(folder.glob("*.json"))[:PER_STYLE]:
            truth = json.loads(path.read_text(encoding="utf-8"))
            if sum(map(len, truth["onsets"].values())) < 15:  # noqa: PLR2004  nothing that has a bar
                continue
            waveform = decode(path.with_suffix(".opus"), RATE)
            length = waveform.size / RATE
            yield from examples_of(waveform, truth, [(rng.uniform(0, 5), length)], "whole")
            yield from examples_of(waveform, truth, short(rng, length), "excerpt")
    for style in STYLES:
        for seed in range(FIRST_SEED, FIRST_SEED + DRUMS):
            track = render(style, seed, 20.0, lead_in=rng.uniform(0, 1.5))
            for stems in (("drums",), ("drums", "bass")):
                stereo = np.sum([track.stems[name] for name in stems if name in track.stems], axis=0)
                if np.ndim(stereo) and np.abs(track.stems["drums"]).max() > 1e-4:  # noqa: PLR2004  they play
                    waveform = soxr.resample(stereo.mean(0).astype(np.float32), track.sample_rate, RATE)
                    yield from examples_of(waveform, track.truth.as_json(), short(rng, 20.0), " and ".join(stems))


def short(rng: np.random.Generator, length: float) -> list[tuple[float, float]]:
    """Two excerpts of 8 to 16 s, in seconds."""
    starts = rng.uniform(0, length - 16, 2)
    return [(float(start), float(start + rng.uniform(8, 16))) for start in starts]


def fit(examples: list[Example]) -> Array:
    """The template (STEPS, FEATURES) under which the answers are most likely."""
    rolled = np.stack([_rolled(example.features) for example in examples])  # (examples, steps, weights)
    answers = np.array([example.answer for example in examples])
    weights = np.zeros(rolled.shape[2])
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for turn in range(1, ROUNDS + 1):
        share = _softmax(rolled @ weights)
        share[np.arange(len(answers)), answers] -= 1
        slope = np.einsum("es,esw->w", share, rolled) / len(answers) + RIDGE * weights
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2  # Adam
        weights -= 0.02 * mean / (1 - 0.9**turn) / (np.sqrt(square / (1 - 0.99**turn)) + 1e-8)
    return weights.reshape(bars.STEPS, bars.FEATURES)


def _rolled(features: Array) -> Array:
    return np.stack([np.roll(features, -step, axis=0).ravel() for step in range(bars.STEPS)])


def _softmax(logits: Array) -> Array:
    share: Array = np.exp(logits - logits.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    return share


def templates(examples: list[Example]) -> dict[str, Array]:
    """Both templates."""
    return {
        "four": fit([example for example in examples if example.four]),
        "broken": fit([example for example in examples if not example.four]),
    }


def main() -> None:
    """Fit, say how well it does for other artists, and write the file."""
    examples = list(gather(Path(*arguments(__doc__, "CORPUS"))))
    known = templates([example for example in examples if example.artist % 4])
    for kind in dict.fromkeys(example.kind for example in examples):
        unseen = [example for example in examples if example.kind == kind and not example.artist % 4]
        right = [
            int(np.logaddexp(*(bars.scores(example.features, known[name]) for name in known)).argmax())
            == example.answer
            for example in unseen
        ]
        print(f"{kind}: {np.mean(right):.3f} of {len(right)} bars right")
    fitted = {name: template.round(2).tolist() for name, template in templates(examples).items()}
    target = Path(bars.__file__).with_name("bars.json")
    rows = ",\n".join(
        f'"{name}": [\n' + ",\n".join(f"  {json.dumps(row)}" for row in template) + "\n]"
        for name, template in fitted.items()
    )
    target.write_text("{\n" + rows + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
