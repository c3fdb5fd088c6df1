"""A manifest: the list of tracks that something is learned from, in a CSV or Parquet file.

    path,style,artist,title,split
    deep/one.flac,Deep House,Somebody,One,train

Conventions:

* `path` is absolute once read. In the file it is relative to the folder of the manifest where the track lies below it,
  so that a folder with its manifest can be moved.
* What is to be learned stands in one column `style` (one label for each track), or one column `tags` (any number,
  separated by `;`; in Parquet a list), or one column `value:NAME` for each number (regression).
* `artist`, `title` and `split` may be left out. Without the column `split` the name of the artist decides (`splits`).
* The classes are the labels that occur: the twelve styles in the order of the models' outputs, then all others,
  sorted. A label that is one of the twelve in another spelling becomes it ("DRUM AND BASS", "drum-bass"); whatever
  else a label is called, it stays as written.
* Reading is strict: what is not understood is a `ManifestError` that says in which line.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from earmark.errors import ManifestError
from earmark.files import absolute, as_spelled
from earmark.learning.data import formats
from earmark.learning.data.formats import Cells
from earmark.learning.data.splits import SPLITS, split_of
from earmark.styles import normalise, styles

LearningTask: TypeAlias = Literal["styles", "tags", "values"]

VALUE = "value:"  # what the name of a column with numbers begins with
OPTIONAL = ("artist", "title", "split")


@dataclass(frozen=True)
class ManifestEntry:
    """A track, its labels or values, and its side of the split.

    Attributes:
        path: the audio file.
        labels: exactly one for the task `styles`, any number for `tags`, none for `values`.
        values: one for each class for the task `values`, else none.
        artist: "" where unknown.
        title: "" where unknown.
        split: train, valid or test.
    """

    path: Path
    labels: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    artist: str = ""
    title: str = ""
    split: str = "train"


@dataclass(frozen=True)
class Manifest:
    """Tracks to learn from; `classes` are the names of the outputs, in their order.

    Raises:
        ValueError: an entry does not fit the task or the classes.
    """

    task: LearningTask
    classes: tuple[str, ...]
    entries: tuple[ManifestEntry, ...]

    def __post_init__(self) -> None:
        known = set(self.classes)
        for entry in self.entries:
            labels_fit = known.issuperset(entry.labels) and not (self.task == "styles" and len(entry.labels) != 1)
            values_fit = len(entry.values) == (len(known) if self.task == "values" else 0)
            if not labels_fit or not values_fit or entry.split not in SPLITS:
                raise ValueError(f"{entry} does not fit the task {self.task!r} with the classes {self.classes}")

    def part(self, split: str) -> "Manifest":
        """The entries of one split; the same task and classes."""
        return replace(self, entries=tuple(entry for entry in self.entries if entry.split == split))

    def targets(self) -> NDArray[np.float32]:
        """The outputs that a network should have: one 1 in each row, several, or the values.

        Shape: (entries, classes).
        """
        if self.task == "values":
            return np.array([entry.values for entry in self.entries], np.float32).reshape(-1, len(self.classes))
        column = {name: index for index, name in enumerate(self.classes)}
        targets = np.zeros((len(self.entries), len(self.classes)), np.float32)
        for row, entry in zip(targets, self.entries, strict=True):
            row[[column[label] for label in entry.labels]] = 1
        return targets

    def labels(self) -> NDArray[np.intp]:
        """The index of each entry's class; for the task `styles` only.

        Shape: (entries,).

        Raises:
            ValueError: the task is another one.
        """
        if self.task != "styles":
            raise ValueError(f"only styles have one label each, not {self.task}")
        column = {name: index for index, name in enumerate(self.classes)}
        return np.array([column[entry.labels[0]] for entry in self.entries], np.intp)


@cache
def _twelve() -> dict[str, str]:
    return {_folder_name(style.label): style.label for style in styles()}


def _folder_name(label: str) -> str:
    """A label as the name of a folder, where no slash can stand and "&" is often left out."""
    return re.sub(r"[;,/|]|and", "", normalise(label))


def spell(label: str) -> str:
    """A label as we spell it: one of the twelve styles if it is one in another spelling, else as it is.

    >>> spell("drum-bass"), spell("HOUSE Nu Disco - Disco"), spell(" Psytrance ")
    ('Drum & Bass', 'House / Nu Disco / Disco', 'Psytrance')
    """
    return _twelve().get(_folder_name(label), label.strip())


def class_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Each label once: the twelve styles in their order, then the others, sorted."""
    found = set(labels)
    ours = [label for label in _twelve().values() if label in found]
    return (*ours, *sorted(found - set(ours)))


def labelled(task: Literal["styles", "tags"], entries: Iterable[ManifestEntry]) -> Manifest:
    """The manifest of entries with labels; its classes are those that occur."""
    kept = tuple(entries)
    return Manifest(task, class_order(label for entry in kept for label in entry.labels), kept)


def require_one_spelling(label: str, spellings: dict[str, str]) -> None:
    """Make sure that a label is spelled as before: two spellings of one label would be two classes.

    Args:
        label: the label.
        spellings: those before; this one is added.

    Raises:
        ManifestError: it was spelled otherwise.
    """
    first = spellings.setdefault(normalise(label) or label, label)
    if first != label:
        raise ManifestError(f"the label {label!r} was spelled {first!r} further up")


def require_trainable(manifest: Manifest, name: Path | str = "the manifest") -> None:
    """Make sure that something can be learned from a manifest.

    Args:
        manifest: the tracks.
        name: its name in an error, such as its file.

    Raises:
        ManifestError: it is empty, has a single class, a class without training tracks or a split without tracks that
            training needs (train, valid), or some of its files are not there.
    """
    if not manifest.entries:
        raise ManifestError(f"{name}: no tracks")
    if manifest.task != "values" and len(manifest.classes) < 2:  # noqa: PLR2004  one thing cannot be told from another
        raise ManifestError(
            f"{name}: all tracks are {''.join(manifest.classes)!r}; learning needs at least two classes"
        )
    for split in ("train", "valid"):
        if not manifest.part(split).entries:
            raise ManifestError(f"{name}: no track is in the split {split!r}")
    trained = {label for entry in manifest.part("train").entries for label in entry.labels}
    untrained = [label for label in manifest.classes if label not in trained]
    if manifest.task != "values" and untrained:
        raise ManifestError(f"{name}: no training track is {' or '.join(map(repr, untrained))}")
    missing = [entry.path for entry in manifest.entries if not entry.path.is_file()]
    if missing:
        others = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ManifestError(f"{name}: there is no file {missing[0]}{others}")


def read(path: Path) -> Manifest:
    """Read a manifest, `.csv` or `.parquet`.

    Raises:
        ManifestError: it is missing or not a manifest; the message says in which line.
    """
    table = formats.read(path)
    task, values = _task(path, table.columns)
    classes = class_order(values)
    entries: list[ManifestEntry] = []
    lines_of: dict[Path, str] = {}
    spellings: dict[str, str] = {}
    for where, cells in table.lines:
        try:
            entry = _entry(path.parent, cells, task, classes)
            _require_new(entry.path, where, lines_of)
            for label in entry.labels:
                require_one_spelling(label, spellings)
        except ManifestError as error:
            raise ManifestError(f"{path}, {where}: {error}") from None
        entries.append(entry)
    return Manifest("values", classes, tuple(entries)) if task == "values" else labelled(task, entries)


def write(manifest: Manifest, path: Path) -> None:
    """Write a manifest, `.csv` or `.parquet`; under a temporary name first, then renamed.

    Raises:
        ManifestError: the suffix is another one, or a name cannot be written.
    """
    targets: dict[LearningTask, dict[str, type]] = {
        "styles": {"style": str},
        "tags": {"tags": list},
        "values": {VALUE + name: float for name in manifest.classes},
    }
    folder = absolute(path.parent)
    kinds = {"path": str, **targets[manifest.task], **dict.fromkeys(OPTIONAL, str)}
    formats.write(path, kinds, [_cells(manifest, entry, folder) for entry in manifest.entries])


def _cells(manifest: Manifest, entry: ManifestEntry, folder: Path) -> dict[str, Any]:
    path = absolute(entry.path)
    target: dict[str, Any] = {VALUE + name: value for name, value in zip(manifest.classes, entry.values, strict=False)}
    if manifest.task == "styles":
        target = {"style": entry.labels[0]}
    elif manifest.task == "tags":
        target = {"tags": list(entry.labels)}
    return {
        "path": (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix(),
        **target,
        **{column: getattr(entry, column) for column in OPTIONAL},
    }


def _task(path: Path, columns: tuple[str, ...]) -> tuple[LearningTask, list[str]]:
    """The task that the columns name, and the names of the values if it is values."""
    known = {"path", "style", "tags", *OPTIONAL}
    values = [column for column in columns if column.startswith(VALUE)]
    unknown = [column for column in columns if column not in known and column not in values]
    twice = [column for column in columns if columns.count(column) > 1]
    targets = [column for column in ("style", "tags") if column in columns] + values[:1]
    reason = None
    if unknown or VALUE in values:
        name = unknown[0] if unknown else VALUE
        reason = f"unknown column {name!r}; known are path, style or tags or {VALUE}NAME, {', '.join(OPTIONAL)}"
    elif twice:
        reason = f"the column {twice[0]!r} is there twice"
    elif "path" not in columns:
        reason = "there is no column 'path'"
    elif len(targets) != 1:
        found = " and ".join(targets) or "none of them"
        reason = f"a manifest has a column style, or tags, or {VALUE}NAME; this one has {found}"
    if reason:
        raise ManifestError(f"{path}, line 1: {reason}")
    task: dict[str, LearningTask] = {"style": "styles", "tags": "tags"}
    return task.get(targets[0], "values"), [column.removeprefix(VALUE) for column in values]


def _entry(folder: Path, cells: Cells, task: LearningTask, classes: tuple[str, ...]) -> ManifestEntry:
    """Read one line."""
    if not isinstance(cells["path"], str) or not cells["path"]:
        raise ManifestError("the path is empty")
    path = as_spelled(absolute(folder / cells["path"]))
    artist, title = _text(cells, "artist"), _text(cells, "title")
    split = _text(cells, "split") if "split" in cells else split_of(artist, path)
    if split not in SPLITS:
        raise ManifestError(f"the split is {split!r}, not one of {', '.join(SPLITS)}")
    labels: tuple[str, ...] = ()
    if task == "styles":
        labels = (_label(cells["style"]),)
    elif task == "tags":
        labels = tuple(dict.fromkeys(map(_label, formats.split_list(cells["tags"]))))
    values = tuple(_number(name, cells[VALUE + name]) for name in classes)
    return ManifestEntry(path, labels, values, artist, title, split)


def _text(cells: Cells, column: str) -> str:
    return str(cells.get(column) or "").strip()


def _label(cell: object) -> str:
    if not isinstance(cell, str) or not cell.strip():
        raise ManifestError("a label is empty")
    return spell(cell)


def _number(name: str, cell: Any) -> float:  # noqa: ANN401  text from CSV, anything from Parquet
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ManifestError(f"the value {name!r} is {cell!r}, not a number")
    return number


def _require_new(path: Path, where: str, lines_of: dict[Path, str]) -> None:
    first = lines_of.setdefault(path, where)
    if first != where:
        raise ManifestError(f"{path} is in {first} already")
