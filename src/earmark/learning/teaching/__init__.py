"""Teach a model new styles from few tracks: a small head on the embeddings of a frozen model.

    reading      where the labelled tracks come from
    lesson       labelled tracks as the model hears them; who may be tested against whom
    candidates   the heads to choose among, and how each is fitted
    validation   folds by artist, the choice, and predictions that no choice has seen
    accuracy     honest figures with intervals
    curve        accuracy against the number of tracks
    suspects     which tracks look mislabelled
    merge        the base's styles beside the taught ones
    study        all of these over one lesson
    writing      the bundle, its card, and the report

References: Choi et al., Transfer learning for music classification and regression tasks, arXiv 1703.09179, 2017.
"""

from earmark.learning.teaching.lesson import Lesson, prepare, require_teachable
from earmark.learning.teaching.merging import Merging, Others, other_tracks
from earmark.learning.teaching.reading import read, read_others
from earmark.learning.teaching.study import KINDS, Findings, study
from earmark.learning.teaching.writing import require_mergeable, write

__all__ = [
    "KINDS",
    "Findings",
    "Lesson",
    "Merging",
    "Others",
    "other_tracks",
    "prepare",
    "read",
    "read_others",
    "require_mergeable",
    "require_teachable",
    "study",
    "write",
]
