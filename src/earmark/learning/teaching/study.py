"""Everything measured on labelled tracks: the best head, its accuracy, its learning curve, and doubtful labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from earmark.learning.teaching import accuracy, label_issues, learning_curve
from earmark.learning.teaching.accuracy import Accuracy
from earmark.learning.teaching.heads import HEADS, candidates
from earmark.learning.teaching.label_issues import LabelIssue
from earmark.learning.teaching.labelled import LabelledEmbeddings
from earmark.learning.teaching.learning_curve import Point
from earmark.learning.teaching.validation import Folds, Trial, cross_validate, fold

UNKNOWN_SHARE = 0.02  # of the taught tracks may be called unlike anything the model knows

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Study:
    """The heads that were tried on labelled tracks, and the figures of the best.

    Attributes:
        labelled: the tracks.
        folds: their division for testing.
        trials: every candidate's held-out predictions.
        best: the trial of the candidate that is shipped.
        accuracy: held-out figures; None where they cannot be measured.
        curve: the learning curve; empty where it cannot be measured.
        label_issues: all tracks, those that look mislabelled first.
        threshold: the confidence that all but 2 % of the held-out tracks reach.
    """

    labelled: LabelledEmbeddings
    folds: Folds
    trials: tuple[Trial, ...]
    best: Trial
    accuracy: Accuracy | None
    curve: list[Point]
    label_issues: list[LabelIssue]
    threshold: float

    def unmeasured(self) -> list[str]:
        """The styles whose tracks cannot be measured because one artist made them all."""
        known = set(self.labelled.labels[self.folds.measured].tolist())
        return [style for index, style in enumerate(self.labelled.styles) if index not in known]


def study(
    labelled: LabelledEmbeddings,
    kinds: Sequence[str] = tuple(HEADS),
    *,
    seed: int = 0,
    progress: Progress = lambda title, share: None,  # noqa: ARG005  takes note by doing nothing
) -> Study:
    """Choose a head, measure it on held-out tracks, and look for labels that may be wrong.

    Args:
        labelled: the tracks.
        kinds: of heads to choose among.
        seed: of the folds and of the draws of the learning curve.
        progress: called with a title and the share that is done (0-1).
    """
    folds = fold(labelled, seed)
    trials, selection = cross_validate(
        labelled, folds, candidates(kinds), lambda share: progress("choosing a head", share)
    )
    generator = np.random.default_rng(seed)
    return Study(
        labelled=labelled,
        folds=folds,
        trials=trials,
        best=selection.best,
        accuracy=accuracy.measure(labelled, folds, selection.held_out),
        curve=learning_curve.learning_curve(
            labelled, folds, selection.best, generator, lambda share: progress("learning curve", share)
        ),
        label_issues=label_issues.rank(labelled, selection.held_out),
        threshold=float(np.quantile(selection.held_out.max(1), UNKNOWN_SHARE)),
    )
