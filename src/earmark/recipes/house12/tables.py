"""Tables of measured descriptors of real tracks: rows, genres, styles and artists.

Two public tables hold 70 descriptors for each of 5,500 tracks out of a shop's charts of November 2016 and January
2021 (Caparrini et al., Journal of New Music Research 49(3), 2020; Vitos, "Dance librarian", 2021), and a third maps
their genres to the twelve styles.

Conventions: rows (tracks, 70) float32 as `frontend.Descriptors` computes them: 34 means, 34 deviations, sine and
cosine of the tempo modulo an octave; labels (tracks,) are indices into the classes, UNLABELLED where there is none.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from earmark.errors import TableError
from earmark.styles import styles

Rows = NDArray[np.float32]
Indices = NDArray[np.intp]

TABLE_2021 = "beatport_2021jan"
TABLE_2016 = "beatsdataset_201611_23genres"
CROSSWALK = "genre_to_style.csv"
ATTRIBUTION = (
    "Descriptors of tracks of January 2021, (c) 2021 Botond Vitos, project bandcamp_librarian, MIT licence; "
    "descriptors of tracks of November 2016, (c) A. Caparrini, project pyGenreClf, Apache-2.0 licence"
)
STATISTICS = 68  # columns "1-..." to "68-..."
UNLABELLED = -1
# Between the tables the nearest neighbours are either within 1.2 of each other (the same title, as far as titles are
# known: the shop lists a track for years) or more than 2.7 apart, in standard deviations of the descriptors.
SAME_TRACK = 2.0


@dataclass(frozen=True)
class MeasuredTable:
    """One table: `rows` (tracks, 70), the shop's `genres`, our `styles` ("" where none), the `artists` ("" unknown)."""

    rows: Rows
    genres: tuple[str, ...]
    styles: tuple[str, ...]
    artists: tuple[str, ...]


@dataclass(frozen=True)
class Labels:
    """One label for each row: `indices` (tracks,) < `classes`, or UNLABELLED."""

    indices: Indices
    classes: int

    def of(self, rows: Indices) -> "Labels":
        """The labels of some of the rows."""
        return Labels(self.indices[rows], self.classes)


@dataclass(frozen=True)
class Genres:
    """What the classes are made of: a genre for each row, and for each genre the class of which it is a part.

    Attributes:
        labels: the genres, (tracks,).
        styles: the class of each genre, UNLABELLED where it is a part of none.
    """

    labels: Labels
    styles: tuple[int, ...]

    def of(self, rows: Indices) -> "Genres":
        """The genres of some of the rows."""
        return Genres(self.labels.of(rows), self.styles)


def read(folder: Path, name: str) -> MeasuredTable:
    """Read one of the two tables, `name` without its suffix.

    Raises:
        TableError: the file is missing, lacks a column or holds something that is not a number.
    """
    lines = _read_lines(folder, name)
    crosswalk = _styles_of_genres(folder)
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
    genres = tuple(line["genre"] for line in lines)
    return MeasuredTable(
        rows=rows,
        genres=genres,
        styles=tuple(crosswalk.get((name, genre), "") for genre in genres),
        artists=tuple(line.get("artist", "") for line in lines),
    )


def measured(folder: Path) -> dict[str, list[dict[str, str]]]:
    """The lines of both tables by the style that their genre maps to, for the synthesizer to follow.

    Halftime has no real data: it is given the lines of Drum & Bass, whose sounds and tempo it shares.

    Raises:
        TableError: a file is missing or damaged.
    """
    crosswalk = _styles_of_genres(folder)
    by_style: dict[str, list[dict[str, str]]] = {style.label: [] for style in styles()}
    for name in (TABLE_2021, TABLE_2016):
        for line in _read_lines(folder, name):
            if style := crosswalk.get((name, line["genre"])):
                by_style[style].append(line)
    by_style["Halftime"] = by_style["Drum & Bass"]
    return by_style


def _read_csv(path: Path, *columns: str) -> list[dict[str, str]]:
    """The lines of a table, each with as many values as there are columns."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
    except FileNotFoundError:
        raise TableError(f"{path}: no such table") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: {error}") from error
    if not lines:
        raise TableError(f"{path}: the table is empty")
    for number, line in enumerate(lines, 2):
        if None in line or None in line.values():
            count = "more" if None in line else "fewer"
            raise TableError(f"{path}: row {number} has {count} values than there are columns")
    if missing := [column for column in columns if column not in lines[0]]:
        raise TableError(f"{path}: there is no column {missing[0]!r}")
    return lines


def _read_lines(folder: Path, name: str) -> list[dict[str, str]]:
    """The lines of a table, its genre in the column `genre`: that of 2016 calls it `class`."""
    lines = _read_csv(folder / f"{name}.csv")
    if not {"genre", "class"} & lines[0].keys():
        raise TableError(f"{folder / name}.csv: there is no column 'genre'")
    return [{"genre": line.get("class", "")} | line for line in lines]


def _styles_of_genres(folder: Path) -> dict[tuple[str, str], str]:
    """The style of each genre of each table; genres without a style are left out."""
    lines = _read_csv(folder / CROSSWALK, "table", "genre", "style")
    return {(line["table"], line["genre"]): line["style"] for line in lines if line["style"]}


def genres_with_styles(genres: Labels, labels: Indices) -> Genres:
    """Genres of rows, and the label that each has on its rows: the same on all, UNLABELLED where it has none."""
    return Genres(genres, tuple(int(labels[genres.indices == genre][0]) for genre in range(genres.classes)))


def style_order(labels: set[str]) -> tuple[str, ...]:
    """The labels in the order of the models' outputs."""
    return tuple(style.label for style in styles() if style.label in labels)


def indices(labels: Sequence[str], classes: Sequence[str]) -> Indices:
    """Index of each label among the classes, UNLABELLED where it is none of them, (tracks,)."""
    number = {name: index for index, name in enumerate(classes)}
    return np.array([number.get(label, UNLABELLED) for label in labels])


def genres_of_both(new: MeasuredTable, old: MeasuredTable) -> tuple[Labels, Labels]:
    """The genres of 2021 and those of 2016, each for the rows of both tables, one after the other."""
    genres = []
    for table in (new, old):
        known = indices(table.genres, tuple(sorted(set(table.genres))))
        parts = [known if each is table else np.full(len(each.rows), UNLABELLED) for each in (new, old)]
        genres.append(Labels(np.concatenate(parts), known.max() + 1))
    return genres[0], genres[1]


def same_tracks(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Rows that must be a track that is among the others too, although nothing names it, (tracks,) bool."""
    both = np.concatenate([rows, others])
    centre, spread = both.mean(0), both.std(0) + 1e-12
    nearest, _ = NearestNeighbors(n_neighbors=1).fit((others - centre) / spread).kneighbors((rows - centre) / spread)
    close: NDArray[np.bool_] = nearest[:, 0] < SAME_TRACK
    return close
