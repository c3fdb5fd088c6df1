"""The choice of a head by cross-validation; no head is tested on an artist that it was fitted to.

Every candidate predicts every track once, by a head that was fitted without the track's group. The candidate whose
predictions lose least is fitted to all tracks and shipped. Its own figure in that comparison flatters: the best of many
is also the luckiest. So the figures that are reported come from predictions that no choice has seen: a fold's tracks
are predicted by the candidate, at the temperature, that are best on the *other* folds. This costs no further fit.

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

from earmark.learning.teaching.heads import Candidate
from earmark.learning.teaching.labelled import Indices, LabelledEmbeddings, over_tracks
from earmark.measures.classification import Probabilities, apply_temperature

logger = logging.getLogger(__name__)

MOST_FOLDS = 5
HOTTEST = np.log(32)  # of the temperature, either way: decision values are small, log shares are not
ATTEMPTS = 20  # at folds that leave every style on both sides


@dataclass(frozen=True)
class Folds:
    """The division of labelled tracks for testing.

    Attributes:
        parts: (train, test) tracks of each fold; every track is tested once.
        measured: (tracks,) whether a track's prediction says how well its *style* is known. It does not where one
            artist made all tracks of a style: the artist's other tracks are then in the training part.
    """

    parts: tuple[tuple[Indices, Indices], ...]
    measured: NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """A candidate's held-out logits (windows, styles), its best temperature, and the loss at that temperature."""

    candidate: Candidate
    logits: NDArray[np.float64]
    loss: float
    temperature: float


@dataclass(frozen=True)
class Selection:
    """The best trial, and the probabilities (tracks, styles) of nested cross-validation: no choice was made on them."""

    best: Trial
    held_out: Probabilities


def fold(labelled: LabelledEmbeddings, seed: int = 0) -> Folds:
    """Divide the tracks into up to five folds by group, so that every style is learned from in each."""
    lone = _alone_with_a_style(labelled)
    keys = np.where(lone, labelled.groups.max() + 1 + np.arange(len(lone)), labelled.groups)
    fewest = min(len(np.unique(keys[labelled.labels == style])) for style in range(len(labelled.styles)))
    for count in range(min(MOST_FOLDS, fewest), 1, -1):
        for attempt in range(ATTEMPTS):
            splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed + attempt)
            parts = tuple(splitter.split(keys, labelled.labels, keys))
            if all(len(np.unique(labelled.labels[train])) == len(labelled.styles) for train, _ in parts):
                return Folds(parts, ~lone)
    # Artists who share styles with each other can leave no cut at all: then tracks are cut, and nothing is measured.
    splitter = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
    alone = np.arange(len(keys))
    return Folds(tuple(splitter.split(keys, labelled.labels, alone)), np.zeros(len(keys), bool))


def _alone_with_a_style(labelled: LabelledEmbeddings) -> NDArray[np.bool_]:
    """Whether each track is of a group that made all tracks of some style, (tracks,)."""
    lone = np.zeros(len(labelled.labels), bool)
    for style in range(len(labelled.styles)):
        groups = np.unique(labelled.groups[labelled.labels == style])
        if len(groups) == 1:
            lone |= labelled.groups == groups[0]
    return lone


def held_out_logits(labelled: LabelledEmbeddings, folds: Folds, candidate: Candidate) -> NDArray[np.float64]:
    """The logits of every window by a head that was not fitted to its track's group, (windows, styles)."""
    logits = np.zeros((len(labelled.windows), len(labelled.styles)))
    for train, test in folds.parts:
        tested = np.isin(labelled.track_of, test)
        logits[tested] = candidate.fit(labelled.part(train))(labelled.windows[tested])
    return logits


def track_probabilities(logits: NDArray[np.float64], track_of: Indices, temperature: float) -> Probabilities:
    """The probabilities of tracks: the means over their windows, (windows, styles) -> (tracks, styles)."""
    return over_tracks(apply_temperature(logits, temperature), track_of)


def loss_of(probabilities: Probabilities, labelled: LabelledEmbeddings) -> float:
    """Mean negative log-likelihood of tracks, styles counting alike.

    The label of a track is taken for as sure as its style has tracks: as if beside those one more had been seen, which
    was of any style. A head that has made no mistake yet is not sure without bounds for it (Platt, 1999).
    """
    styles = len(labelled.styles)
    doubt = 1 / (np.bincount(labelled.labels, minlength=styles)[labelled.labels] + 1)  # (tracks,)
    targets = np.eye(styles)[labelled.labels] * (1 - doubt)[:, None] + doubt[:, None] / styles
    losses = -(targets * np.log(np.maximum(probabilities, 1e-12))).sum(1)
    return float(np.average(losses, weights=labelled.track_weights()))


def fit_track_temperature(labelled: LabelledEmbeddings, logits: NDArray[np.float64]) -> tuple[float, float]:
    """The temperature at which the tracks' probabilities lose least, and that loss.

    Unlike `measures.classification.fit_temperature` this looks at the mean over the windows *after* the softmax, as a
    listener does: averaging makes an answer less sure, and a track's temperature is lower for it.
    """

    def loss(log_temperature: float) -> float:
        return loss_of(track_probabilities(logits, labelled.track_of, float(np.exp(log_temperature))), labelled)

    found = minimize_scalar(loss, bounds=(-HOTTEST, HOTTEST), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x)), float(found.fun)


def cross_validate(
    labelled: LabelledEmbeddings,
    folds: Folds,
    candidates: Sequence[Candidate],
    progress: Callable[[float], None] = lambda share: None,  # noqa: ARG005  takes note by doing nothing
) -> tuple[tuple[Trial, ...], Selection]:
    """Try all candidates: the trials in their order, and the selection."""
    trials = []
    for index, candidate in enumerate(candidates):
        logits = held_out_logits(labelled, folds, candidate)
        temperature, loss = fit_track_temperature(labelled, logits)
        trials.append(Trial(candidate, logits, loss, temperature))
        logger.info("%s: loss %.3f at temperature %.3f", candidate, loss, temperature)
        progress((index + 1) / len(candidates))
    best = min(trials, key=lambda trial: trial.loss)
    return tuple(trials), Selection(best, nested_probabilities(labelled, folds, trials))


def nested_probabilities(labelled: LabelledEmbeddings, folds: Folds, trials: Sequence[Trial]) -> Probabilities:
    """The probabilities of each fold's tracks by the trial that was best on the other folds, (tracks, styles)."""
    held_out = np.zeros((len(labelled.labels), len(labelled.styles)))
    for train, test in folds.parts:
        rest = labelled.part(train)
        known, tested = np.isin(labelled.track_of, train), np.isin(labelled.track_of, test)
        fits = [(fit_track_temperature(rest, trial.logits[known]), trial) for trial in trials]
        (temperature, _), best = min(fits, key=lambda fit: fit[0][1])
        part = labelled.part(test)
        held_out[np.sort(test)] = track_probabilities(best.logits[tested], part.track_of, temperature)
    return held_out
