"""Tracks that look mislabelled: a head that has not heard them takes them for something else.

Tracks are ranked by the margin between the probability of their own label and that of the strongest other style, the
least first. A track is *flagged* when another style is as probable for it as that style is for the tracks that bear its
label, on average: confident learning's way of telling a wrong label from a hard track. Where styles are so clear that
the average is above 0.8, this will do: else half of all tracks would be below. Neither is a selection; listen.

References: Northcutt, Jiang, Chuang, Confident learning: estimating uncertainty in dataset labels, Journal of
Artificial Intelligence Research 70, 2021.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.files import replacing_text
from earmark.learning.data.manifest import ManifestEntry
from earmark.learning.teaching.labelled import LabelledEmbeddings
from earmark.measures.classification import Probabilities

CLEAR = 0.8
COLUMNS = ("rank", "flagged", "style", "looks_like", "margin", "own", "other", "artist", "title", "path")


@dataclass(frozen=True)
class LabelIssue:
    """A track and the style it looks like; `own` and `other` are the probabilities (0-1) of its label and that one."""

    entry: ManifestEntry
    looks_like: str
    own: float
    other: float
    flagged: bool

    @property
    def margin(self) -> float:
        """Probability of its own label minus that of the strongest other one, -1 to 1."""
        return self.own - self.other


def rank(labelled: LabelledEmbeddings, held_out: Probabilities) -> list[LabelIssue]:
    """Rank all tracks, the most doubtful first, by their held-out probabilities (tracks, styles)."""
    tracks = np.arange(len(labelled.labels))
    own = held_out[tracks, labelled.labels]
    others = held_out.copy()
    others[tracks, labelled.labels] = -1
    averages = [own[labelled.labels == style].mean() for style in range(len(labelled.styles))]
    usual = np.minimum(averages, CLEAR)
    confident = np.where(held_out >= usual, held_out, -1)  # styles that are as probable as usual for their own tracks
    flagged = (confident.max(1) >= 0) & (confident.argmax(1) != labelled.labels)
    found = [
        LabelIssue(
            labelled.entries[track],
            labelled.styles[others[track].argmax()],
            float(own[track]),
            float(others[track].max()),
            bool(flagged[track]),
        )
        for track in tracks
    ]
    return sorted(found, key=lambda issue: issue.margin)


def write(issues: list[LabelIssue], path: Path) -> None:
    """Write all tracks as CSV, the most doubtful first."""
    with replacing_text(path, errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for place, each in enumerate(issues, 1):
            numbers = (f"{value:.4f}" for value in (each.margin, each.own, each.other))
            names = (each.entry.artist, each.entry.title, each.entry.path)
            writer.writerow(
                (place, "yes" if each.flagged else "", each.entry.labels[0], each.looks_like, *numbers, *names)
            )
