"""Write evaluation.npz, what two models said about labelled tracks, and evaluation.json, what is to be found in it.

The answers come from scikit-learn and SciPy alone, nothing of earmark is imported; the intervals from a bootstrap of
its own with ten times as many draws. Made with numpy 2.4.6, scikit-learn 1.9.1 and scipy 1.17.1:

    python tests/golden/make_evaluation.py
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import binomtest, pearsonr
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
    top_k_accuracy_score,
)

HERE = Path(__file__).parent
TRACKS, ARTISTS, DRAWS = 120, 40, 20_000
STYLES, FAMILY_OF = 6, np.array([0, 0, 1, 1, 2, 2])  # nobody has tracks of the last style
THRESHOLD = 0.5

Floats = NDArray[Any]  # of either precision
Ints = NDArray[np.int64]


def hear(rng: np.random.Generator, labels: Ints, windows: Ints, skill: float) -> Floats:
    """Probabilities of each window, (windows, styles): the more skill, the more are right; those of a track agree."""
    track_of = np.repeat(np.arange(TRACKS), windows)
    logits = rng.normal(size=(TRACKS, STYLES))
    logits[np.arange(TRACKS), labels] += skill
    return softmax(2 * logits[track_of] + rng.normal(size=(len(track_of), STYLES)), axis=1).astype(np.float32)


def means(windows: Floats, counts: Ints) -> Floats:
    """Probabilities of each track, (tracks, styles)."""
    return np.array([part.mean(0, dtype=np.float64) for part in np.split(windows, np.cumsum(counts)[:-1])])


def interval(rng: np.random.Generator, right: Floats, artists: Ints) -> list[float]:
    """95 % of the means of `right` (tracks,) when artists are drawn with all that is theirs."""
    sums, counts = (np.bincount(artists, weights=weights) for weights in (right, np.ones(len(right))))
    drawn = rng.integers(len(sums), size=(DRAWS, len(sums)))
    low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
    return [float(low), float(high)]


def top_k(labels: Ints, said: Floats, k: int) -> float:
    """Precision at k."""
    return 1.0 if k >= said.shape[1] else float(top_k_accuracy_score(labels, said, k=k, labels=range(said.shape[1])))


def of_styles(rng: np.random.Generator, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """What is true of the model that names styles, and of the other one."""
    labels, counts, artists = arrays["labels"], arrays["counts"], arrays["artists"]
    said, other = means(arrays["windows"], counts), means(arrays["other"], counts)
    families = np.stack([said[:, family == FAMILY_OF].sum(1) for family in range(3)], axis=1)
    window_labels = np.repeat(labels, counts)
    answer, confidence = said.argmax(1), said.max(1)
    right, other_right = answer == labels, other.argmax(1) == labels
    accuracies, confidences = calibration_curve(right, confidence, n_bins=15)
    filled = np.histogram(confidence, bins=np.linspace(0, 1, 16))[0]
    filled = filled[filled > 0]
    answered = confidence >= THRESHOLD
    first_only, second_only = int((right & ~other_right).sum()), int((~right & other_right).sum())
    return {
        "precision": {
            "style": [top_k(labels, said, k) for k in (1, 2, 3)],
            "family": [top_k(FAMILY_OF[labels], families, k) for k in (1, 2, 3)],
            "style, one window": [top_k(window_labels, arrays["windows"], k) for k in (1, 2, 3)],
        },
        "macro": {
            "style": recall_score(labels, answer, average="macro", zero_division=0, labels=range(5)),
            "family": recall_score(FAMILY_OF[labels], families.argmax(1), average="macro"),
            "style, one window": recall_score(
                window_labels, arrays["windows"].argmax(1), average="macro", labels=range(5)
            ),
        },
        "by_style": [
            [accuracy_score(labels[labels == style], answer[labels == style])]
            + [top_k(labels[labels == style], said[labels == style], k) for k in (2, 3)]
            for style in range(5)
        ],
        "rightly": precision_score(labels, answer, average=None, labels=range(5)).tolist(),
        "by_family": [
            accuracy_score(FAMILY_OF[labels][of], families[of].argmax(1))
            for of in (FAMILY_OF[labels] == family for family in range(3))
        ],
        "confusion": confusion_matrix(labels, answer, labels=range(STYLES)).tolist(),
        "bins": {"confidence": confidences.tolist(), "accuracy": accuracies.tolist(), "count": filled.tolist()},
        "calibration_error": float(np.average(np.abs(accuracies - confidences), weights=filled)),
        "coverage": float(answered.mean()),
        "right_of_answered": accuracy_score(labels[answered], answer[answered]),
        "discordant": [first_only, second_only],
        "p_value": binomtest(first_only, first_only + second_only).pvalue,
        "intervals": {
            "track": interval(rng, right.astype(float), artists),
            "window": interval(
                rng, (arrays["windows"].argmax(1) == window_labels).astype(float), np.repeat(artists, counts)
            ),
            "difference": interval(rng, right.astype(float) - other_right, artists),
        },
    }


def main() -> None:
    """Draw, measure, write."""
    rng = np.random.default_rng(2018)
    labels = np.concatenate([np.arange(5), rng.integers(5, size=TRACKS - 5)])
    counts = rng.integers(1, 5, size=TRACKS)
    relevant = rng.random((TRACKS, 4)) < np.array([0.5, 0.2, 0.05, 0.0])  # nobody has the last tag
    truth = rng.normal(100, 20, size=(TRACKS, 2))
    arrays: dict[str, NDArray[Any]] = {
        "labels": labels,
        "counts": counts,
        "artists": rng.integers(ARTISTS, size=TRACKS),
        "windows": hear(rng, labels, counts, 1.6),
        "other": hear(rng, labels, counts, 1.1),
        "relevant": relevant,
        # Two digits, so that tracks share their places.
        "scores": np.clip(rng.normal(0.4 + 0.2 * relevant, 0.2), 0, 1).round(2).astype(np.float32),
        "truth": truth.astype(np.float32),
        "estimate": (0.8 * truth + rng.normal(0, 10, truth.shape)).astype(np.float32),
    }
    tags = range(3)
    known: dict[str, Any] = {
        "styles": of_styles(rng, arrays),
        "tags": {
            "roc_auc": [roc_auc_score(relevant[:, tag], arrays["scores"][:, tag]) for tag in tags],
            "pr_auc": [average_precision_score(relevant[:, tag], arrays["scores"][:, tag]) for tag in tags],
        },
        "values": {
            "rmse": [mean_squared_error(*pair) ** 0.5 for pair in pairs(arrays)],
            "r2": [r2_score(*pair) for pair in pairs(arrays)],
            "correlation": [pearsonr(*pair).statistic for pair in pairs(arrays)],
        },
    }
    np.savez_compressed(HERE / "evaluation.npz", allow_pickle=False, **arrays)
    (HERE / "evaluation.json").write_text(json.dumps(known, indent=1, default=float) + "\n", encoding="utf-8")
    print(json.dumps(known["styles"]["precision"]))


def pairs(arrays: dict[str, NDArray[Any]]) -> list[tuple[Floats, Floats]]:
    """Truth and estimate of each value, in double precision."""
    truth, estimate = arrays["truth"].astype(np.float64), arrays["estimate"].astype(np.float64)
    return list(zip(truth.T, estimate.T, strict=True))


if __name__ == "__main__":
    main()
