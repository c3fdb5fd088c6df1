"""Fit the weights that tell a tempo: src/earmark/hearing/rhythm/tempo.json.

    python -m bench.fit_tempo

`GROOVES` grooves of bench/grooves.py are heard. The weights are such that the softmax over all tempi gives the true one
(conditional logit with a ridge); the grooves are played at all tempi alike, so the weights hold nothing of how common a
tempo is: `tempo.prior` knows that. First each quarter of the patterns is left out of a fit and then heard; the share of
right answers, of answers at another level of the metre, and the reliability of the probabilities are printed.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench.arguments import arguments
from bench.grooves import NAMES, RATE, make
from numpy.typing import NDArray
from scipy import optimize

from earmark.hearing.rhythm import OnsetAccumulator, tempo

GROOVES = 2000
FOLDS = 4
RIDGE = 0.001
ROUNDS = 200
NEAR = round(0.02 / tempo.STEP)  # tempi on each side of the answer that are as right

Array = NDArray[np.float64]


def heard(seed: int) -> tuple[Array, float, str]:
    """The features (TEMPI, features) of a groove, its tempo in BPM, and the name of its pattern."""
    played = make(seed)
    accumulator = OnsetAccumulator(RATE)
    accumulator.add(played.waveform)
    envelopes = accumulator.envelopes()
    onsets = tempo.standardised(envelopes.onset_strength())
    correlation, low = tempo.autocorrelations(onsets, envelopes.frame_rate)
    return tempo.features(correlation, low, envelopes.frame_rate), played.bpm, played.groove


def fit(features: Array, answers: NDArray[np.int64]) -> Array:
    """The weights (features,) under which tempi near the answers (grooves,) are most likely together.

    Args:
        features: (grooves, TEMPI, features).
        answers: places in TEMPI.
    """
    scale = features.std((0, 1))
    scaled = (features / scale).astype(np.float32)  # (grooves, TEMPI, features)
    near = np.abs(np.arange(scaled.shape[1]) - answers[:, None]) <= NEAR  # (grooves, TEMPI)

    def loss(weights: Array) -> tuple[float, Array]:
        logits = scaled @ weights.astype(np.float32)
        share = np.exp(logits - logits.max(1, keepdims=True))
        right = share * near
        missed = share / share.sum(1, keepdims=True) - right / np.maximum(right.sum(1, keepdims=True), 1e-30)
        likelihood = np.log(np.maximum(right.sum(1), 1e-30) / share.sum(1)).mean(dtype=np.float64)
        slope = np.einsum("gt,gtf->f", missed, scaled, optimize=True) / len(answers)
        return float(RIDGE * weights @ weights - likelihood), slope + 2 * RIDGE * weights

    found = optimize.minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS})
    return np.asarray(found.x / scale)


def softmax(logits: Array) -> Array:
    """Probabilities of logits; both (tempi,)."""
    share: Array = np.exp(logits - logits.max())
    share /= share.sum()
    return share


def reliability(confidence: Array, right: NDArray[np.bool_]) -> Iterator[str]:
    """A line for each stretch of confidence: how often such answers are right."""
    for low, high in ((0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            said, were = confidence[inside].mean(), right[inside].mean()
            yield f"confidence {low}-{min(high, 1)}: {said:.2f} on average, {were:.2f} of {inside.sum()} right"


def main() -> None:
    """Fit, say how well it does for other patterns, and write the file."""
    arguments(__doc__)
    examples = [heard(seed) for seed in range(GROOVES)]
    features = np.stack([example[0] for example in examples])
    bpm = np.array([example[1] for example in examples])
    answers = np.abs(np.log2(tempo.TEMPI[None] / bpm[:, None])).argmin(1)
    fold = np.array([NAMES.index(example[2]) % FOLDS for example in examples])
    octaves, confidence = np.zeros(GROOVES), np.zeros(GROOVES)
    near = round(tempo.SAME / tempo.STEP)
    for left_out in range(FOLDS):
        weights = fit(features[fold != left_out], answers[fold != left_out])
        for number in np.flatnonzero(fold == left_out):
            share = softmax(features[number] @ weights)
            best = int(share.argmax())
            octaves[number] = np.log2(tempo.TEMPI[best] / bpm[number])
            confidence[number] = share[max(best - near, 0) : best + near + 1].sum()
    right, family = np.abs(octaves) < tempo.SAME, np.abs(octaves - octaves.round()) < tempo.SAME
    print(f"other patterns: {right.mean():.3f} right, {(family & ~right).mean():.3f} an octave off,", end=" ")
    print(f"{1 - family.mean():.3f} wrong beyond an octave")
    print(*reliability(confidence, right), sep="\n")
    fitted = fit(features, answers).round(3).tolist()
    target = Path(tempo.__file__).with_name("tempo.json")
    target.write_text(json.dumps({"weights": fitted}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
