"""Teach a model new styles from few tracks: a small head on the embeddings of a frozen model.

    reading         labelled tracks from a folder or a manifest
    labelled        their embeddings, and the groups that must not be divided by a test
    heads           the table of heads: fit, settings to choose among
    validation      folds by artist, the choice of a head, and predictions that no choice has seen
    accuracy        held-out figures with intervals
    learning_curve  accuracy against the number of tracks
    label_issues    tracks that look mislabelled
    merging         the base's styles beside the taught ones
    study           all of these over one set of labelled tracks
    usability       whether the model is of any use
    writing         the bundle, its card, and the report

References: Choi et al., Transfer learning for music classification and regression tasks, arXiv 1703.09179, 2017.
"""

from earmark.learning.teaching.heads import HEADS, require_head
from earmark.learning.teaching.labelled import LabelledEmbeddings, prepare, require_teachable
from earmark.learning.teaching.merging import Merging, OtherTracks, other_tracks
from earmark.learning.teaching.reading import read, read_others
from earmark.learning.teaching.study import Study, study
from earmark.learning.teaching.usability import reason_against
from earmark.learning.teaching.writing import measure_merging, require_mergeable, write

__all__ = [
    "HEADS",
    "LabelledEmbeddings",
    "Merging",
    "OtherTracks",
    "Study",
    "measure_merging",
    "other_tracks",
    "prepare",
    "read",
    "read_others",
    "reason_against",
    "require_head",
    "require_mergeable",
    "require_teachable",
    "study",
    "write",
]
