"""Study a lesson: which head, how well it hears, what more tracks would bring, and which labels may be wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from earmark.learning.teaching import accuracy, learning_curve, suspects
from earmark.learning.teaching.accuracy import Accuracy
from earmark.learning.teaching.candidates import candidates
from earmark.learning.teaching.learning_curve import Point
from earmark.learning.teaching.lesson import Lesson
from earmark.learning.teaching.suspects import Suspect
from earmark.learning.teaching.validation import Folds, Trial, fold, judge

KINDS = ("linear", "svm", "neighbours")
UNKNOWN_SHARE = 0.02  # of the taught tracks may be called unlike anything the model knows

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Findings:
    """All that came of a lesson.

    Attributes:
        lesson: the tracks.
        folds: how they were cut.
        trials: every candidate's held-out predictions.
        best: the trial of the candidate that is shipped.
        accuracy: the honest figures; None where they cannot be measured.
        curve: the learning curve; empty where it cannot be measured.
        suspects: all tracks, those that look mislabelled first.
        threshold: the confidence that all but 2 % of the held-out tracks reach.
    """

    lesson: Lesson
    folds: Folds
    trials: tuple[Trial, ...]
    best: Trial
    accuracy: Accuracy | None
    curve: list[Point]
    suspects: list[Suspect]
    threshold: float

    def unmeasured(self) -> list[str]:
        """The styles whose tracks cannot be measured because one artist made them all."""
        known = set(self.lesson.labels[self.folds.measured].tolist())
        return [style for index, style in enumerate(self.lesson.styles) if index not in known]


def study(
    lesson: Lesson,
    kinds: Sequence[str] = KINDS,
    *,
    seed: int = 0,
    progress: Progress = lambda title, share: None,  # noqa: ARG005  takes note by doing nothing
) -> Findings:
    """Choose a head, measure it honestly, and look for labels that may be wrong.

    Args:
        lesson: the tracks.
        kinds: of heads to choose among.
        seed: of the folds and of the draws of the learning curve.
        progress: called with a title and the share that is done (0-1).
    """
    folds = fold(lesson, seed)
    trials, verdict = judge(lesson, folds, candidates(kinds), lambda share: progress("choosing a head", share))
    generator = np.random.default_rng(seed)
    return Findings(
        lesson=lesson,
        folds=folds,
        trials=trials,
        best=verdict.best,
        accuracy=accuracy.measure(lesson, folds, verdict.honest),
        curve=learning_curve.learning_curve(
            lesson, folds, verdict.best, generator, lambda share: progress("learning curve", share)
        ),
        suspects=suspects.rank(lesson, verdict.honest),
        threshold=float(np.quantile(verdict.honest.max(1), UNKNOWN_SHARE)),
    )
