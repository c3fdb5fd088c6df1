"""Which tracks look mislabelled: those that a head which has not heard them takes for something else.

Tracks are ranked by the margin between the probability of their own label and that of the strongest other style, the
least first. A track is *flagged* when another style is as probable for it as that style is for the tracks that bear its
label, on average: confident learning's way of telling a wrong label from a hard track. Where styles are so clear that
the average is above 0.8, this will do: else half of all tracks would be below. Neither is a verdict; listen.

References: Northcutt, Jiang, Chuang, Confident learning: estimating uncertainty in dataset labels, Journal of
Artificial Intelligence Research 70, 2021.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.files import replacing_text
from earmark.learning.data.manifest import Entry
from earmark.learning.teaching.lesson import Lesson
from earmark.measures.classification import Probabilities

CLEAR = 0.8
COLUMNS = ("rank", "flagged", "style", "looks_like", "margin", "own", "other", "artist", "title", "path")


@dataclass(frozen=True)
class Suspect:
    """A track and what it looks like; `own` and `other` are probabilities (0-1), `margin` is their difference."""

    entry: Entry
    looks_like: str
    own: float
    other: float
    flagged: bool

    @property
    def margin(self) -> float:
        """How much more probable its own label is than the strongest other one, -1 to 1."""
        return self.own - self.other


def rank(lesson: Lesson, held_out: Probabilities) -> list[Suspect]:
    """All tracks, the most suspicious first, by their held-out probabilities (tracks, styles)."""
    tracks = np.arange(len(lesson.labels))
    own = held_out[tracks, lesson.labels]
    others = held_out.copy()
    others[tracks, lesson.labels] = -1
    averages = [own[lesson.labels == style].mean() for style in range(len(lesson.styles))]
    usual = np.minimum(averages, CLEAR)
    confident = np.where(held_out >= usual, held_out, -1)  # styles that are as probable as usual for their own tracks
    flagged = (confident.max(1) >= 0) & (confident.argmax(1) != lesson.labels)
    found = [
        Suspect(
            lesson.entries[track],
            lesson.styles[others[track].argmax()],
            float(own[track]),
            float(others[track].max()),
            bool(flagged[track]),
        )
        for track in tracks
    ]
    return sorted(found, key=lambda suspect: suspect.margin)


def write(suspects: list[Suspect], path: Path) -> None:
    """Write all tracks as CSV, the most suspicious first."""
    with replacing_text(path, errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for place, each in enumerate(suspects, 1):
            numbers = (f"{value:.4f}" for value in (each.margin, each.own, each.other))
            names = (each.entry.artist, each.entry.title, each.entry.path)
            writer.writerow(
                (place, "yes" if each.flagged else "", each.entry.labels[0], each.looks_like, *numbers, *names)
            )
