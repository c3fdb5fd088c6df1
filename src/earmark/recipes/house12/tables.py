"""Tables of measured descriptors: what was measured of real tracks, and the protocols that compare models on it.

Two public tables hold 70 descriptors for each of 5,500 tracks out of a shop's charts of November 2016 and January
2021 (Caparrini et al., Journal of New Music Research 49(3), 2020; Vitos, "Dance librarian", 2021), and a third maps
their genres to the twelve styles.

Conventions: rows (tracks, 70) float32 as `frontend.Descriptors` computes them: 34 means, 34 deviations, sine and
cosine of the tempo modulo an octave; labels (tracks,) are indices into the classes, UNLABELLED where there is none.

A protocol has a main task, which is tested, and others, which are taught beside it: a style is easier to tell by one
who must tell its genres apart.

    styles 2021, by artist       beside the styles: the 32 genres of the same table, on rows without a style too
    styles 2016 to 2021          the 23 genres of the older table, on rows without a style too; nothing of the newer
    32 genres 2021, by artist    the 23 genres of the older table
    23 genres 2016, 10-fold      the 32 genres of the newer table

Nothing is taught of a row under test, of its artist where artists are known, or, in these last two, of what must be the
same track in the other table.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.neighbors import NearestNeighbors

from earmark.errors import TableError
from earmark.measures.classification import Average
from earmark.styles import styles

Rows = NDArray[np.float32]
Indices = NDArray[np.intp]

TABLE_2021 = "beatport_2021jan"
TABLE_2016 = "beatsdataset_201611_23genres"
CROSSWALK = "genre_to_style.csv"
STATISTICS = 68  # columns "1-..." to "68-..."
UNLABELLED = -1
# Between the tables the nearest neighbours are either within 1.2 of each other (the same title, as far as titles are
# known: the shop lists a track for years) or more than 2.7 apart, in standard deviations of the descriptors.
SAME_TRACK = 2.0


@dataclass(frozen=True)
class Table:
    """One table: `rows` (tracks, 70), the shop's `genres`, our `styles` ("" where none), the `artists` ("" unknown)."""

    rows: Rows
    genres: tuple[str, ...]
    styles: tuple[str, ...]
    artists: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """Something to learn about rows: `labels` (tracks,) < classes."""

    labels: Indices
    classes: int

    def of(self, rows: Indices) -> "Task":
        """The same task for some of the rows."""
        return Task(self.labels[rows], self.classes)


@dataclass(frozen=True)
class Protocol:
    """A way of comparing models: the test part of each fold is predicted by a model trained on the other part.

    `others` are tasks whose labels are taught as well, for as many rows; none of them is tested.
    """

    name: str
    classes: tuple[str, ...]
    rows: Rows
    labels: Indices
    folds: tuple[tuple[Indices, Indices], ...]  # (train, test)
    others: tuple[Task, ...] = ()


def read(folder: Path, name: str) -> Table:
    """Read one of the two tables, `name` without its suffix.

    Raises:
        TableError: the file is missing, lacks a column or holds something that is not a number.
    """
    lines = _read_csv(folder / f"{name}.csv")
    crosswalk = {line["genre"]: line["style"] for line in _read_csv(folder / CROSSWALK) if line["table"] == name}
    columns = [column for column in lines[0] if column.split("-")[0].isdecimal()]
    try:
        values = np.array([[float(line[column]) for column in columns] for line in lines])
    except ValueError as error:
        raise TableError(f"{folder / name}.csv: {error}") from error
    if [column.split("-")[0] for column in columns[:71]] != [str(number) for number in range(1, 72)]:
        raise TableError(f"{folder / name}.csv: the columns 1 to 71 are not all there")
    angle = 2 * np.pi * np.log2(values[:, columns.index("71-BPMessentia")])
    rows = np.column_stack([values[:, :STATISTICS], np.sin(angle), np.cos(angle)]).astype(np.float32)
    if not np.isfinite(rows).all():
        raise TableError(f"{folder / name}.csv: row {int(np.argmin(np.isfinite(rows).all(1))) + 2} is not finite")
    genres = tuple(line.get("genre") or line["class"] for line in lines)
    return Table(
        rows=rows,
        genres=genres,
        styles=tuple(crosswalk.get(genre, "") for genre in genres),
        artists=tuple(line.get("artist", "") for line in lines),
    )


def measured(folder: Path) -> dict[str, list[dict[str, str]]]:
    """The lines of both tables by the style that their genre maps to, for the synthesizer to follow.

    Halftime has no real data: it is given the lines of Drum & Bass, whose sounds and tempo it shares.

    Raises:
        TableError: a file is missing or damaged.
    """
    crosswalk = {(line["table"], line["genre"]): line["style"] for line in _read_csv(folder / CROSSWALK)}
    by_style: dict[str, list[dict[str, str]]] = {style.label: [] for style in styles()}
    for name in (TABLE_2021, TABLE_2016):
        for line in _read_csv(folder / f"{name}.csv"):
            style = crosswalk.get((name, line.get("genre") or line["class"]))
            if style:
                by_style[style].append(line)
    by_style["Halftime"] = by_style["Drum & Bass"]
    return by_style


def _read_csv(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
    except FileNotFoundError:
        raise TableError(f"{path}: no such table") from None
    if not lines:
        raise TableError(f"{path}: the table is empty")
    if any(None in line for line in lines):
        raise TableError(f"{path}: a row has more values than there are columns")
    return lines


def protocols(folder: Path) -> list[Protocol]:
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


def style_order(labels: set[str]) -> tuple[str, ...]:
    """The labels in the order of the models' outputs."""
    return tuple(style.label for style in styles() if style.label in labels)


def indices(labels: Sequence[str], classes: Sequence[str]) -> Indices:
    """Which of the classes each label is, UNLABELLED where it is none of them, (tracks,)."""
    number = {name: index for index, name in enumerate(classes)}
    return np.array([number.get(label, UNLABELLED) for label in labels])


def genre_tasks(new: Table, old: Table) -> tuple[Task, Task]:
    """The genres of the rows of both tables, one after the other: those of either are a task of their own."""
    tasks = []
    for table in (new, old):
        known = indices(table.genres, tuple(sorted(set(table.genres))))
        parts = [known if each is table else np.full(len(each.rows), UNLABELLED) for each in (new, old)]
        tasks.append(Task(np.concatenate(parts), known.max() + 1))
    return tasks[0], tasks[1]


def same_tracks(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Which of the rows must be a track that is among the others, although nothing names it, (tracks,)."""
    both = np.concatenate([rows, others])
    centre, spread = both.mean(0), both.std(0) + 1e-12
    nearest, _ = NearestNeighbors(n_neighbors=1).fit((others - centre) / spread).kneighbors((rows - centre) / spread)
    close: NDArray[np.bool_] = nearest[:, 0] < SAME_TRACK
    return close


def _styles_by_artist(name: str, new: Table) -> Protocol:
    """The styles of the newer table; the rows of unheard artists that map to no style teach their genre alone."""
    classes = style_order(set(new.styles))
    labels = indices(new.styles, classes)
    genres = indices(new.genres, sorted(set(new.genres)))
    return Protocol(name, classes, new.rows, labels, _artist_folds(new, labels), (Task(genres, genres.max() + 1),))


def _genres_by_artist(name: str, new: Table, old: Table) -> Protocol:
    """The genres of the newer table, beside those of the older one."""
    genres, older = genre_tasks(new, old)
    folds = []
    for train, test in _artist_folds(new, genres.labels[: len(new.rows)]):
        beside = np.flatnonzero(~same_tracks(old.rows, new.rows[test]))
        folds.append((np.concatenate([train, len(new.rows) + beside]), test))
    rows = np.concatenate([new.rows, old.rows])
    return Protocol(name, tuple(sorted(set(new.genres))), rows, genres.labels, tuple(folds), (older,))


def _artist_folds(table: Table, labels: Indices) -> tuple[tuple[Indices, Indices], ...]:
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


def _across(name: str, train: Table, test: Table) -> Protocol:
    """Train on one table, test on the other, on the styles that both have."""
    classes = style_order(set(train.styles) & set(test.styles))
    rows = np.concatenate([train.rows, test.rows])
    y = indices((*train.styles, *test.styles), classes)
    tested = len(train.rows) + np.flatnonzero(y[len(train.rows) :] != UNLABELLED)
    genres = indices((*train.genres, *[""] * len(test.rows)), sorted(set(train.genres)))
    return Protocol(
        name, classes, rows, y, ((np.arange(len(train.rows)), tested),), (Task(genres, len(set(train.genres))),)
    )


def _ten_folds(name: str, new: Table, old: Table) -> Protocol:
    """Ten folds of the older table, which names no artists; the newer one is in no test part."""
    classes = tuple(sorted(set(old.genres)))
    y = indices(old.genres, classes)
    folds = []
    for train, test in StratifiedKFold(10, shuffle=True, random_state=0).split(y, y):
        beside = np.flatnonzero(~same_tracks(new.rows, old.rows[test]))
        folds.append((np.concatenate([len(new.rows) + train, beside]), len(new.rows) + test))
    labels = np.concatenate([np.full(len(new.rows), UNLABELLED), y])
    rows = np.concatenate([new.rows, old.rows])
    return Protocol(name, classes, rows, labels, tuple(folds), genre_tasks(new, old)[:1])
