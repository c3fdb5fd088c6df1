"""Which head is best, and how well it hears: cross-validation in which nobody is tested by an artist it has heard.

Every candidate predicts every track once, by a head that was fitted without the track's group. The candidate whose
predictions lose least is fitted to all tracks and shipped. Its own figure in that comparison flatters: the best of many
is also the luckiest. So the honest figures come from predictions that no choice has seen: a fold's tracks are predicted
by the candidate, at the temperature, that are best on the *other* folds. This costs no further fit.

Loss is the negative log-likelihood of the tracks, styles counting alike: of few tracks it says more than the share that
is right. A track's probabilities are the means over its windows, and the temperature is fitted to just those.

References: Varma and Simon, Bias in error estimation when using cross-validation for model selection, BMC
Bioinformatics 7, 2006; Tsamardinos et al., Bootstrapping the out-of-sample predictions for efficient and accurate
cross-validation, Machine Learning 107, 2018, for choosing anew on predictions that are there already; Platt,
Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers, 1999.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.model_selection import StratifiedGroupKFold

from earmark.learning.teaching.candidates import Candidate, logits_of
from earmark.learning.teaching.lesson import Indices, Lesson, over_tracks
from earmark.measures.classification import Probabilities, apply_temperature

logger = logging.getLogger(__name__)

MOST_FOLDS = 5
HOTTEST = np.log(32)  # of the temperature, either way: decision values are small, log shares are not
ATTEMPTS = 20  # at folds that leave every style on both sides


@dataclass(frozen=True)
class Folds:
    """How a lesson is cut for testing.

    Attributes:
        parts: (train, test) tracks of each fold; every track is tested once.
        measured: (tracks,) whether a track's prediction says how well its *style* is heard. It does not where one
            artist made all tracks of a style, because then his other tracks must be learned from.
    """

    parts: tuple[tuple[Indices, Indices], ...]
    measured: NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """A candidate's held-out logits (windows, styles), what they lose at their best temperature, and that."""

    candidate: Candidate
    logits: NDArray[np.float64]
    loss: float
    temperature: float


@dataclass(frozen=True)
class Verdict:
    """The candidate that is shipped, and the probabilities (tracks, styles) on which no choice was made."""

    best: Trial
    honest: Probabilities


def fold(lesson: Lesson, seed: int = 0) -> Folds:
    """Cut a lesson into up to five folds by group, so that every style is learned from in each."""
    lone = _alone_with_a_style(lesson)
    keys = np.where(lone, lesson.groups.max() + 1 + np.arange(len(lone)), lesson.groups)
    fewest = min(len(np.unique(keys[lesson.labels == style])) for style in range(len(lesson.styles)))
    for count in range(min(MOST_FOLDS, fewest), 1, -1):
        for attempt in range(ATTEMPTS):
            splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed + attempt)
            parts = tuple(splitter.split(keys, lesson.labels, keys))
            if all(len(np.unique(lesson.labels[train])) == len(lesson.styles) for train, _ in parts):
                return Folds(parts, ~lone)
    # Artists who share styles with each other can leave no cut at all: then tracks are cut, and nothing is measured.
    splitter = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
    alone = np.arange(len(keys))
    return Folds(tuple(splitter.split(keys, lesson.labels, alone)), np.zeros(len(keys), bool))


def _alone_with_a_style(lesson: Lesson) -> NDArray[np.bool_]:
    """Which tracks are of a group that made all tracks of some style, (tracks,)."""
    lone = np.zeros(len(lesson.labels), bool)
    for style in range(len(lesson.styles)):
        makers = np.unique(lesson.groups[lesson.labels == style])
        if len(makers) == 1:
            lone |= lesson.groups == makers[0]
    return lone


def hold_out(lesson: Lesson, folds: Folds, candidate: Candidate) -> NDArray[np.float64]:
    """The logits of every window by a head that was not fitted to its track's group, (windows, styles)."""
    logits = np.zeros((len(lesson.windows), len(lesson.styles)))
    for train, test in folds.parts:
        tested = np.isin(lesson.track_of, test)
        logits[tested] = logits_of(candidate.fit(lesson.part(train)), lesson.windows[tested])
    return logits


def track_probabilities(logits: NDArray[np.float64], track_of: Indices, temperature: float) -> Probabilities:
    """The probabilities of tracks: the means over their windows, (windows, styles) -> (tracks, styles)."""
    return over_tracks(apply_temperature(logits, temperature), track_of)


def loss_of(probabilities: Probabilities, lesson: Lesson) -> float:
    """Mean negative log-likelihood of tracks, styles counting alike.

    The label of a track is taken for as sure as its style has tracks: as if beside those one more had been seen, which
    was of any style. A head that has made no mistake yet is not sure without bounds for it (Platt, 1999).
    """
    styles = len(lesson.styles)
    doubt = 1 / (np.bincount(lesson.labels, minlength=styles)[lesson.labels] + 1)  # (tracks,)
    targets = np.eye(styles)[lesson.labels] * (1 - doubt)[:, None] + doubt[:, None] / styles
    losses = -(targets * np.log(np.maximum(probabilities, 1e-12))).sum(1)
    return float(np.average(losses, weights=lesson.track_weights()))


def fit_track_temperature(lesson: Lesson, logits: NDArray[np.float64]) -> tuple[float, float]:
    """The temperature at which the tracks' probabilities lose least, and that loss.

    Unlike `classification.fit_temperature` this looks at the mean over windows *after* the softmax, as a listener does:
    averaging makes an answer less sure, and a track's temperature is lower for it.
    """

    def loss(log_temperature: float) -> float:
        return loss_of(track_probabilities(logits, lesson.track_of, float(np.exp(log_temperature))), lesson)

    found = minimize_scalar(loss, bounds=(-HOTTEST, HOTTEST), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x)), float(found.fun)


def judge(
    lesson: Lesson,
    folds: Folds,
    candidates: Sequence[Candidate],
    progress: Callable[[float], None] = lambda share: None,  # noqa: ARG005  takes note by doing nothing
) -> tuple[tuple[Trial, ...], Verdict]:
    """Try all candidates: the trials in their order, and the verdict."""
    trials = []
    for index, candidate in enumerate(candidates):
        logits = hold_out(lesson, folds, candidate)
        temperature, loss = fit_track_temperature(lesson, logits)
        trials.append(Trial(candidate, logits, loss, temperature))
        logger.info("%s: loss %.3f at temperature %.3f", candidate, loss, temperature)
        progress((index + 1) / len(candidates))
    best = min(trials, key=lambda trial: trial.loss)
    return tuple(trials), Verdict(best, unchosen(lesson, folds, trials))


def unchosen(lesson: Lesson, folds: Folds, trials: Sequence[Trial]) -> Probabilities:
    """The probabilities of each fold's tracks by what was best on the other folds, (tracks, styles)."""
    honest = np.zeros((len(lesson.labels), len(lesson.styles)))
    for train, test in folds.parts:
        rest = lesson.part(train)
        known, tested = np.isin(lesson.track_of, train), np.isin(lesson.track_of, test)
        fits = [(fit_track_temperature(rest, trial.logits[known]), trial) for trial in trials]
        (temperature, _), best = min(fits, key=lambda fit: fit[0][1])
        part = lesson.part(test)
        honest[np.sort(test)] = track_probabilities(best.logits[tested], part.track_of, temperature)
    return honest
