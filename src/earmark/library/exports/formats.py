"""The formats of an export, one row each: a new one is a module with a writer, and a line in `FORMATS`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from earmark.library.exports import m3u8, rekordbox, serato, tables, traktor
from earmark.library.exports.crates import Grouping
from earmark.library.track import Track

Writer: TypeAlias = Callable[[Sequence[Track], Path], None]
PlaylistWriter: TypeAlias = Callable[[Sequence[Track], Path, Grouping], None]


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: as `--format` takes it.
        suffix: of its file; "" where it is a folder.
        contents: one line about what it says and to whom.
        writer: writes tracks to a path; without a grouping it makes the playlists that suit the format.
        grouped: the same with a grouping that makes the playlists; None in a format without playlists.
        unnameable: tells why the format cannot name the file of a track in an export to a path, or "".
    """

    name: str
    suffix: str
    contents: str
    writer: Writer
    grouped: PlaylistWriter | None
    unnameable: Callable[[Path, Path], str]

    @property
    def has_playlists(self) -> bool:
        """Whether it groups tracks."""
        return self.grouped is not None

    @property
    def is_table(self) -> bool:
        """Whether it holds everything that is known, one row per track, instead of playlists."""
        return self.grouped is None

    def write(self, tracks: Sequence[Track], out: Path, grouping: Grouping | None = None) -> None:
        """Write an export, which appears when it is whole.

        Args:
            tracks: the collection.
            out: the file, or the folder.
            grouping: makes the playlists; by default those that suit the format.

        Raises:
            ValueError: a grouping for a format that has no playlists.
            ExchangeError: the format cannot name the file of a track; see `problem`.
        """
        if grouping is None:
            self.writer(tracks, out)
        elif self.grouped is not None:
            self.grouped(tracks, out, grouping)
        else:
            raise ValueError(f"{self.name} has no playlists")

    def problem(self, path: Path, out: Path) -> str:
        """Tell why the format cannot name a file in an export to `out`, or ""."""
        return self.unnameable(path, out)


def _nothing(path: Path, out: Path) -> str:  # noqa: ARG001  a URL can hold any name
    return ""


def _by_name(problem: Callable[[Path], str]) -> Callable[[Path, Path], str]:
    """A check of the name alone, wherever the export goes."""
    return lambda path, _: problem(path)


def _by_drive(path: Path, out: Path) -> str:
    return serato.problem(path, serato.drive_of(out))


# fmt: off
_ROWS: Final = (
    Format("m3u8", ".m3u8", "a playlist that every player reads", m3u8.write, m3u8.write, _by_name(m3u8.problem)),
    Format("rekordbox", ".xml", "tempo, grid, key, colour, first downbeat, playlists; for rekordbox",
           rekordbox.write, rekordbox.write, _nothing),
    Format("traktor", ".nml", "tempo, grid, key, first downbeat, playlists; for Traktor",
           traktor.write, traktor.write, _by_name(traktor.problem)),
    Format("serato", "", "crates, in the folder `_Serato_`; for Serato DJ", serato.write, serato.write, _by_drive),
    Format("csv", ".csv", "single values, one line per track; for spreadsheets",
           tables.write_csv, None, _by_name(tables.problem)),
    Format("parquet", ".parquet", "everything that is known, one row per track; for programs",
           tables.write_parquet, None, _by_name(tables.problem)),
    Format("json", ".json", "everything that is known, one object per track; for programs",
           tables.write_json, None, _by_name(tables.problem)),
)
# fmt: on

FORMATS: Final[Mapping[str, Format]] = {row.name: row for row in _ROWS}
"""All formats by name."""
