"""Tables of measured descriptors: what was measured of real tracks, and the protocols that compare models on it.

Two public tables hold 70 descriptors for each of 5,500 tracks out of a shop's charts of November 2016 and January
2021 (Caparrini et al., Journal of New Music Research 49(3), 2020; Vitos, "Dance librarian", 2021), and a third maps
their genres to the twelve styles.

Conventions: rows (tracks, 70) float32 as `frontend.Descriptors` computes them: 34 means, 34 deviations, sine and
cosine of the tempo modulo an octave; labels (tracks,) are indices into the classes.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from earmark.errors import TableError
from earmark.learning.evaluate import Average
from earmark.styles import styles

Rows = NDArray[np.float32]
Indices = NDArray[np.intp]

TABLE_2021 = "beatport_2021jan"
TABLE_2016 = "beatsdataset_201611_23genres"
CROSSWALK = "genre_to_style.csv"
STATISTICS = 68  # columns "1-..." to "68-..."


@dataclass(frozen=True)
class Table:
    """One table: `rows` (tracks, 70), the shop's `genres`, our `styles` ("" where none), the `artists` ("" unknown)."""

    rows: Rows
    genres: tuple[str, ...]
    styles: tuple[str, ...]
    artists: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """A way of comparing models: the test part of each fold is predicted by a model trained on the other part."""

    name: str
    classes: tuple[str, ...]
    rows: Rows
    labels: Indices
    folds: tuple[tuple[Indices, Indices], ...]  # (train, test)


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
        _by_artist("styles 2021, by artist", new, new.styles, style_order(set(new.styles))),
        _across("styles 2016 to 2021", old, new),
        _by_artist("32 genres 2021, by artist", new, new.genres, tuple(sorted(set(new.genres)))),
        _ten_folds("23 genres 2016, 10-fold", old),
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


def _by_artist(name: str, table: Table, labels: tuple[str, ...], classes: tuple[str, ...]) -> Protocol:
    """Five folds; all tracks of an artist are in the same one."""
    kept = np.flatnonzero([bool(label) for label in labels])
    named = [labels[row] for row in kept]
    y = np.array([classes.index(label) for label in named])
    # Artists are numbered in the order of their appearance, so that the folds are those of the reference figures.
    numbers = {artist: number for number, artist in enumerate(dict.fromkeys(table.artists[row] for row in kept))}
    groups = [numbers[table.artists[row]] for row in kept]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(kept, y, groups)
    return Protocol(name, classes, table.rows[kept], y, tuple(folds))


def _across(name: str, train: Table, test: Table) -> Protocol:
    """Train on one table, test on the other, on the styles that both have."""
    classes = style_order(set(train.styles) & set(test.styles))
    parts = [np.flatnonzero([style in classes for style in table.styles]) for table in (train, test)]
    rows = np.concatenate([train.rows[parts[0]], test.rows[parts[1]]])
    named = [train.styles[row] for row in parts[0]] + [test.styles[row] for row in parts[1]]
    y = np.array([classes.index(label) for label in named])
    return Protocol(name, classes, rows, y, ((np.arange(len(parts[0])), np.arange(len(parts[0]), len(rows))),))


def _ten_folds(name: str, table: Table) -> Protocol:
    """Ten folds; the table names no artists."""
    classes = tuple(sorted(set(table.genres)))
    y = np.array([classes.index(genre) for genre in table.genres])
    folds = StratifiedKFold(10, shuffle=True, random_state=0).split(y, y)
    return Protocol(name, classes, table.rows, y, tuple(folds))
