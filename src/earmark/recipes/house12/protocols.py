"""Protocols that compare models on the measured tables: rows, labels, and what is taught when what is tested.

A model of styles tells their genres apart, and a style is the sum of its genres. It may learn auxiliary labels beside
those that are tested.

    styles 2021, by artist       from the 32 genres of the same table, those without a style too
    styles 2016 to 2021          from the 23 genres of the older table, likewise; nothing of the newer
    32 genres 2021, by artist    beside them: the 23 genres of the older table
    23 genres 2016, 10-fold      beside them: the 32 genres of the newer table

Nothing is taught of a row under test, of its artist where artists are known, or, in these last two, of what must be the
same track in the other table.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from earmark.measures.classification import Average
from earmark.recipes.house12.tables import (
    TABLE_2016,
    TABLE_2021,
    UNLABELLED,
    Genres,
    Indices,
    Labels,
    MeasuredTable,
    Rows,
    genres_of_both,
    genres_with_styles,
    indices,
    read,
    same_tracks,
    style_order,
)


@dataclass(frozen=True)
class EvaluationProtocol:
    """Rows with labels in folds: the test part of each fold is predicted by a model trained on its training part.

    Attributes:
        name: as it stands in cards.
        classes: the names of the labels.
        rows: descriptors, (tracks, 70).
        labels: indices into the classes, (tracks,).
        folds: the rows of the training and of the test part of each.
        auxiliary: further labels of the rows, which are taught and not tested.
        genres: what the classes are made of, taught and not tested; not given where they are genres themselves.
    """

    name: str
    classes: tuple[str, ...]
    rows: Rows
    labels: Indices
    folds: tuple[tuple[Indices, Indices], ...]  # (train, test)
    auxiliary: tuple[Labels, ...] = ()
    genres: Genres | None = None


def protocols(folder: Path) -> list[EvaluationProtocol]:
    """The four protocols whose figures stand in REFERENCE."""
    new, old = read(folder, TABLE_2021), read(folder, TABLE_2016)
    return [
        _styles_by_artist("styles 2021, by artist", new),
        _across("styles 2016 to 2021", old, new),
        _genres_by_artist("32 genres 2021, by artist", new, old),
        _ten_folds("23 genres 2016, 10-fold", new, old),
    ]


# Precision at 1, 2, 3 of the best of ExtraTrees, SVM and a perceptron under each protocol, each column's own best, and
# the best mean over the classes where it was measured. "Published" figures used more descriptors or mixed artists.
REFERENCE: dict[str, dict[Average, tuple[float, float, float]]] = {
    "styles 2021, by artist": {"micro": (0.697, 0.871, 0.938), "macro": (0.677, 0.844, 0.913)},
    "styles 2016 to 2021": {"micro": (0.600, 0.801, 0.882), "macro": (0.603, 0.802, 0.899)},
    "32 genres 2021, by artist": {"micro": (0.500, 0.654, 0.737)},
    "23 genres 2016, 10-fold": {"micro": (0.548, 0.723, 0.815)},
}


def _styles_by_artist(name: str, new: MeasuredTable) -> EvaluationProtocol:
    """The styles of the newer table; the rows of unheard artists that map to no style teach their genre alone."""
    classes = style_order(set(new.styles))
    labels = indices(new.styles, classes)
    genres = Labels(indices(new.genres, sorted(set(new.genres))), len(set(new.genres)))
    return EvaluationProtocol(
        name, classes, new.rows, labels, _artist_folds(new, labels), genres=genres_with_styles(genres, labels)
    )


def _genres_by_artist(name: str, new: MeasuredTable, old: MeasuredTable) -> EvaluationProtocol:
    """The genres of the newer table, beside those of the older one."""
    genres, older = genres_of_both(new, old)
    folds = []
    for train, test in _artist_folds(new, genres.indices[: len(new.rows)]):
        beside = np.flatnonzero(~same_tracks(old.rows, new.rows[test]))
        folds.append((np.concatenate([train, len(new.rows) + beside]), test))
    rows = np.concatenate([new.rows, old.rows])
    return EvaluationProtocol(name, tuple(sorted(set(new.genres))), rows, genres.indices, tuple(folds), (older,))


def _artist_folds(table: MeasuredTable, labels: Indices) -> tuple[tuple[Indices, Indices], ...]:
    """Five folds of the labelled rows; all tracks of an artist are in the same one, and train nothing else."""
    kept = np.flatnonzero(labels != UNLABELLED)
    # Artists are numbered in the order of their appearance, so that the folds are those of the reference figures.
    numbers = {artist: number for number, artist in enumerate(dict.fromkeys(table.artists[row] for row in kept))}
    groups = [numbers[table.artists[row]] for row in kept]
    folds = []
    for _, part in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(kept, labels[kept], groups):
        under_test = {table.artists[row] for row in kept[part]}
        train = np.flatnonzero([artist not in under_test for artist in table.artists])
        folds.append((train, kept[part]))
    return tuple(folds)


def _across(name: str, train: MeasuredTable, test: MeasuredTable) -> EvaluationProtocol:
    """Train on one table, test on the other, on the styles that both have."""
    classes = style_order(set(train.styles) & set(test.styles))
    rows = np.concatenate([train.rows, test.rows])
    y = indices((*train.styles, *test.styles), classes)
    tested = len(train.rows) + np.flatnonzero(y[len(train.rows) :] != UNLABELLED)
    names = sorted(set(train.genres))
    genres = Labels(indices((*train.genres, *[""] * len(test.rows)), names), len(names))
    folds = ((np.arange(len(train.rows)), tested),)
    return EvaluationProtocol(name, classes, rows, y, folds, genres=genres_with_styles(genres, y))


def _ten_folds(name: str, new: MeasuredTable, old: MeasuredTable) -> EvaluationProtocol:
    """Ten folds of the older table, which names no artists; the newer one is in no test part."""
    classes = tuple(sorted(set(old.genres)))
    y = indices(old.genres, classes)
    folds = []
    for train, test in StratifiedKFold(10, shuffle=True, random_state=0).split(y, y):
        beside = np.flatnonzero(~same_tracks(new.rows, old.rows[test]))
        folds.append((np.concatenate([len(new.rows) + train, beside]), len(new.rows) + test))
    labels = np.concatenate([np.full(len(new.rows), UNLABELLED), y])
    rows = np.concatenate([new.rows, old.rows])
    return EvaluationProtocol(name, classes, rows, labels, tuple(folds), genres_of_both(new, old)[:1])
