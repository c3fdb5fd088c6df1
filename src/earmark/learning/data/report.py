"""A report on a manifest: its tracks, what was left out and why, and its mistakes, as values and as Markdown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from earmark.learning.data.duplicates import Group, contradicting, crossing
from earmark.learning.data.manifest import Manifest, ManifestEntry
from earmark.learning.data.sources import Dropped
from earmark.learning.data.splits import SPLITS, first_artist

WITHOUT = (
    "they cannot be learned",
    "training cannot watch how well it knows them",
    "how well they are known cannot be measured",
)
"""What classes without tracks in a split suffer, for each of `SPLITS`."""
NAMED = 10  # classes in a warning
COLUMNS = ("class", "tracks", *SPLITS, "artists", "hours")


@dataclass(frozen=True)
class Row:
    """A class, or all of them: tracks in each split, known artists, and the total length in hours."""

    name: str
    splits: tuple[int, ...]
    artists: int
    hours: float

    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of `COLUMNS`."""
        return (self.name, str(sum(self.splits)), *map(str, self.splits), str(self.artists), f"{self.hours:.2f}")


@dataclass(frozen=True)
class ManifestReport:
    """The contents of a manifest and its mistakes.

    Attributes:
        classes: a row for each class; none for numbers. A track with several tags is in several.
        total: all tracks, each once.
        nameless: tracks of unknown artists, which are split by the names of their files.
        endless: tracks that do not say how long they are; the hours are without them.
        divided: artists with tracks on more than one side of the split.
        dropped: tracks that were left out.
        duplicates: groups of files with the same recording; None where nobody looked.
        crossing: those of them that are on more than one side of the split.
        contradicting: those of them that are labelled differently.
    """

    classes: tuple[Row, ...]
    total: Row
    nameless: int
    endless: int
    divided: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    duplicates: tuple[Group, ...] | None
    crossing: tuple[Group, ...]
    contradicting: tuple[Group, ...]

    def reasons(self) -> dict[str, int]:
        """The number of tracks that were dropped for each reason, the most frequent first."""
        return dict(Counter(each.reason for each in self.dropped).most_common())

    def remarks(self) -> list[str]:
        """Remarks on the manifest, in sentences."""
        copies = sum(map(len, self.duplicates or ()))
        counted = (
            (self.nameless, "{} of unknown artists, split by the names of their files", "track"),
            (self.endless, "{} without a known length, not in the hours", "track"),
            (len(self.divided), "{} on more than one side of the split", "artist"),
            (len(self.duplicates or ()), f"{{}} there more than once, in {copies} files", "recording"),
            (len(self.crossing), "{} with copies on more than one side of the split", "recording"),
            (len(self.contradicting), "{} with copies that are labelled differently", "recording"),
        )
        remarks = [text.format(_count(number, noun)) for number, text, noun in counted if number]
        return [*remarks, "not searched for duplicates"] if self.duplicates is None else remarks

    def warnings(self) -> list[str]:
        """The classes that are missing on a side of the split, and what cannot be done for want of them."""
        found = []
        for index, (split, loss) in enumerate(zip(SPLITS, WITHOUT, strict=True)):
            absent = [row.name for row in self.classes if not row.splits[index]]
            more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
            found += [f"no tracks of {', '.join(absent[:NAMED])}{more} in {split}: {loss}"] if absent else []
        return found

    def markdown(self, title: str) -> str:
        """The report as a page."""
        lines = [f"# {title}", "", *_table(COLUMNS, [row.cells() for row in (*self.classes, self.total)]), ""]
        lines += [f"- {remark}" for remark in (*self.remarks(), *self.warnings())]
        if self.dropped:
            lines += ["", "## Left out", ""]
            lines += _table(("tracks", "reason"), [(str(count), reason) for reason, count in self.reasons().items()])
            lines += ["", *_list(f"{each.path}: {each.reason}" for each in self.dropped)]
        if self.divided:
            lines += ["", "## Artists on more than one side of the split", "", *_list(self.divided)]
        for heading, groups in (
            ("Same recording", self.duplicates or ()),
            ("Same recording, on more than one side of the split", self.crossing),
            ("Same recording, labelled differently", self.contradicting),
        ):
            if groups:
                lines += ["", f"## {heading}", "", *_list(", ".join(map(str, group)) for group in groups)]
        return "\n".join(lines) + "\n"


def report(
    manifest: Manifest,
    durations: Mapping[Path, float | None],
    dropped: Sequence[Dropped] = (),
    duplicates: Sequence[Group] | None = None,
) -> ManifestReport:
    """Count what is in a manifest.

    Args:
        manifest: the manifest.
        durations: of its files, in seconds.
        dropped: tracks that were left out when it was made.
        duplicates: groups of files with the same recording; None where nobody looked.
    """
    entries = manifest.entries
    by_class: dict[str, list[ManifestEntry]] = {name: [] for name in manifest.classes if manifest.task != "values"}
    sides: dict[str, set[str]] = {}
    for entry in entries:
        for label in entry.labels:
            by_class[label].append(entry)
        sides.setdefault(first_artist(entry.artist), set()).add(entry.split)
    return ManifestReport(
        classes=tuple(_row(name, members, durations) for name, members in by_class.items()),
        total=_row("all", entries, durations),
        nameless=sum(not first_artist(entry.artist) for entry in entries),
        endless=sum(durations.get(entry.path) is None for entry in entries),
        divided=tuple(sorted(artist for artist, on in sides.items() if artist and len(on) > 1)),
        dropped=tuple(dropped),
        duplicates=None if duplicates is None else tuple(duplicates),
        crossing=tuple(crossing(manifest, duplicates or ())),
        contradicting=tuple(contradicting(manifest, duplicates or ())),
    )


def _row(name: str, entries: Sequence[ManifestEntry], durations: Mapping[Path, float | None]) -> Row:
    splits = Counter(entry.split for entry in entries)
    artists = {first_artist(entry.artist) for entry in entries} - {""}
    seconds = sum(durations.get(entry.path) or 0.0 for entry in entries)
    return Row(name, tuple(splits[split] for split in SPLITS), len(artists), seconds / 3600)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]


def _list(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]
