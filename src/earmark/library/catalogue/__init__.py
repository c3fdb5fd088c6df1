"""The catalogue: everything that is known of each track of a collection, in one SQLite file.

Conventions: a track is a path; what was heard belongs to the content of its file (`library.content`), so that copies
share it and a file that moves takes it along. A content may have been heard by several models; a track shows what was
heard last. A newer version of a model replaces what the older one heard.

schema      the file: opening, migrations, errors
migrations  the tables; docs/catalogue.md describes each column
rows        tracks as rows, and back
writing     changes of the tables
query       conditions, and the words by which the index finds them
order       the orders in which tracks can be listed
column      the embeddings of one model as a matrix
summaries   the single values of many tracks at once

A scan works on a catalogue as on any `scanning.scan.Store`, and knows nothing of this package.
"""

import os
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from earmark.analysis import Analysis
from earmark.files import absolute
from earmark.library.catalogue import rows, writing
from earmark.library.catalogue.column import EmbeddingColumn, read_column
from earmark.library.catalogue.order import SORTS, folded
from earmark.library.catalogue.query import Query
from earmark.library.catalogue.schema import connect, transaction, translated
from earmark.library.catalogue.summaries import SELECT as SUMMARIES
from earmark.library.catalogue.summaries import summaries
from earmark.library.track import FileState, Summary, Tags, Track

if TYPE_CHECKING:
    from earmark.errors import EarmarkError
    from earmark.library.scanning.examine import Examiner

__all__ = ["Catalogue", "EmbeddingColumn", "Query", "examiner"]

PAGE: Final = 200  # tracks that are read at once

_STATE: Final = """
SELECT tracks.id, path, size, modified, fingerprint, missing, error, version
FROM tracks LEFT JOIN analyses ON analyses.id = tracks.analysis LEFT JOIN models ON models.id = analyses.model
"""


class Catalogue:
    """An open catalogue, for one thread; any number of them, in any number of processes, may have the same file open.

    Args:
        path: where it is.
        create: make it if there is none.

    Raises:
        CatalogueError: it is not there, not a catalogue, or of a newer earmark. So does every method, when the disk is
            full or another program does not finish writing.
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        self.path = Path(path)
        self._connection = connect(self.path, create=create)
        self._connection.row_factory = sqlite3.Row
        self._connection.create_function("folded", 1, folded, deterministic=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def scan(
        self,
        folder: Path | str,
        listen: Callable[[Path], Analysis],
        *,
        version: str = "",
        read_tags: Callable[[Path], Tags] | None = None,
        again: bool = False,
        retry: bool = False,
        workers: int = 1,
    ) -> "Iterator[Track | EarmarkError]":
        """Hear what is new or changed in a folder; each result is committed before the next file is begun.

        Args:
            folder: with all below it.
            listen: hears a file.
            version: stands for all that makes `listen` hear as it does; what was heard by another one is heard again.
            read_tags: reads the tags of a file; `library.tags.read` where none is given.
            again: hear everything again.
            retry: try files again that could not be heard.
            workers: processes; `listen` and `read_tags` must be picklable if there are several.

        Yields:
            Each track of which something new is known, or why a file could not be heard; nothing for what is unchanged.

        Raises:
            EarmarkError: there is no such folder.
        """
        from earmark.library.scanning import scan  # noqa: PLC0415  loads the decoders; looking up needs none

        examine = examiner(self.path, listen, version=version, read_tags=read_tags, again=again)
        changes = scan.survey(self, Path(folder), version=version, again=again, retry=retry)
        for result in scan.hear(self, changes, examine, workers=workers):
            yield result.outcome

    # Finding

    def track(self, path: Path | str) -> Track | None:
        """The track at a path, with all that is known of it; accents in the path may be spelled in one sign or two."""
        if found := self._tracks("WHERE path = ?", _cell(path)):
            return found[0]
        wanted = absolute(path)
        others = {unicodedata.normalize(form, str(wanted)) for form in ("NFC", "NFD")} - {str(wanted)}
        alike = (track for other in sorted(others) for track in self._tracks("WHERE path = ?", _cell(other)))
        return next((track for track in alike if not _are_two(wanted, track.path)), None)

    def find(
        self,
        query: Query | None = None,
        *,
        after: int = 0,
        limit: int = PAGE,
        sort: str = "added",
        descending: bool = False,
    ) -> list[Track]:
        """A page of the tracks that meet a query.

        Args:
            query: by default all that are there.
            after: the id of the last track of the page before.
            limit: how many at most.
            sort: one of `order.SORTS`; by default the order in which they came into the catalogue.
            descending: begin at the other end.
        """
        if sort != "added" or descending:
            return self._sorted(query, after, limit, SORTS[sort], "DESC" if descending else "ASC")
        if (match := self._match(query)) and not (query and query.confidence):  # no more of the index than the page
            ids = "SELECT rowid FROM search WHERE search MATCH ? AND rowid > ? ORDER BY rowid LIMIT ?"
            return self._tracks(f"WHERE tracks.id IN ({ids}) ORDER BY tracks.id", match, after, limit)
        meets, values = self._condition(query)
        return self._tracks(f"WHERE {meets} AND tracks.id > ? ORDER BY tracks.id LIMIT ?", *values, after, limit)

    def count(self, query: Query | None = None) -> int:
        """Number of tracks that meet a query."""
        if query and query.confidence:
            meets, values = self._condition(query)
            return int(self._rows(f"SELECT count(*) FROM tracks WHERE {meets}", *values)[0][0])  # noqa: S608  our words
        if match := self._match(query):
            return int(self._rows("SELECT count(*) FROM search WHERE search MATCH ?", match)[0][0])
        return int(self._rows("SELECT count(*) FROM tracks WHERE missing = 0")[0][0])

    def tracks(self) -> Iterator[Track]:
        """All tracks, missing ones too, in the order in which they came; others may write meanwhile."""
        last = 0
        while page := self._tracks("WHERE tracks.id > ? ORDER BY tracks.id LIMIT ?", last, PAGE):
            yield from page
            last = page[-1].id

    def by_ids(self, ids: Iterable[int]) -> list[Track]:
        """The tracks with these ids, in this order; an id that there is not is passed over."""
        wanted = [int(number) for number in ids]
        found: dict[int, Track] = {}
        for start in range(0, len(wanted), PAGE):
            page = wanted[start : start + PAGE]
            places = ", ".join("?" * len(page))
            found |= {track.id: track for track in self._tracks(f"WHERE tracks.id IN ({places})", *page)}
        return [found[number] for number in wanted if number in found]

    def ids(self, query: Query | None = None, *, sort: str = "added", descending: bool = False) -> NDArray[np.int64]:
        """The ids of all tracks that meet a query, in the order of `find`, (tracks,)."""
        meets, values = self._condition(query)
        direction = "DESC" if descending else "ASC"
        joined = "" if sort == "added" else "LEFT JOIN analyses ON analyses.id = tracks.analysis"
        order = f"{SORTS[sort]} {direction}, tracks.id {direction}"
        sql = f"SELECT tracks.id FROM tracks {joined} WHERE {meets} ORDER BY {order}"  # noqa: S608  our own words
        if sort == "added" and not descending and len(values) == 1:  # words alone: the index has them in this order
            sql = "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid"
        with translated(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None  # plain tuples: half the time for 100,000 of them
            return np.fromiter(chain.from_iterable(cursor.execute(sql, values)), np.int64)

    def embeddings(self, model: str = "") -> EmbeddingColumn:
        """The embeddings of the tracks that are there, as one matrix; see `column`.

        Args:
            model: the name of the model that heard them; by default the one that most tracks show.
        """
        with translated(self.path):
            return read_column(self._connection, self.path, model)

    def summaries(self, query: Query | None = None) -> Iterator[Summary]:
        """Summaries of the tracks that meet a query and hold music, in the order in which they came."""
        meets, values = self._condition(query)
        return summaries(iter(self._rows(f"{SUMMARIES} AND {meets} ORDER BY tracks.id", *values)))

    def families(self) -> dict[str, str]:
        """The styles that the models know which have listened, and the family of each."""
        found: dict[str, str] = {}
        for row in self._rows("SELECT families FROM models ORDER BY id"):
            found |= rows.parsed(row["families"])
        return found

    # The states of files, for a scan

    def state(self, path: Path | str) -> FileState | None:
        """The state of the file at a path, as it was last noted."""
        return next(iter(self._states("WHERE path = ?", _cell(path))), None)

    def states_of(self, content_hash: str) -> list[FileState]:
        """The files with this content."""
        return self._states("WHERE fingerprint = ? ORDER BY tracks.id", rows.text(content_hash))

    def states_below(self, folder: Path | str) -> list[FileState]:
        """The files in a folder and all below it, or the one at this path; but for the missing ones."""
        top = str(absolute(folder)).rstrip(os.sep)
        first, beyond = top + os.sep, top + chr(ord(os.sep) + 1)
        found = self._states("WHERE path = ? AND NOT +missing", rows.text(top))
        # A name that is no text is a blob, and blobs are sorted apart from texts.
        for lower, upper in ((rows.text(first), rows.text(beyond)), (rows.raw(first), rows.raw(beyond))):
            found += self._states("WHERE path >= ? AND path < ? AND NOT +missing ORDER BY path", lower, upper)
        return found

    def knows(self, content_hash: str, *versions: str) -> bool:
        """Whether one of these versions of a model has heard this content."""
        return any(self._rows(writing.HEARD, rows.text(content_hash), rows.text(version)) for version in versions)

    # Writing

    def keep(self, track: Track, *, version: str = "", moved: int = 0) -> Track:
        """Note what is known of a track, instead of what is noted about its path.

        A track without analysis takes what `version` has heard of its content, if it has.

        Args:
            track: what is known; its `id` does not count.
            version: of the model that heard it.
            moved: the id of the track that has moved to this path, if one did.

        Returns:
            The track as it stands in the catalogue.

        Raises:
            ValueError: something was heard, but the track has no content hash.
        """
        if track.analysis and not track.content_hash:
            raise ValueError(f"{track.path}: what was heard belongs to a content, but the track has no content hash")
        with translated(self.path), transaction(self._connection):
            number = writing.note(self._connection, replace(track, path=absolute(track.path)), moved)
            if track.analysis:
                writing.keep_analysis(self._connection, track.content_hash, track.analysis, version)
            else:
                writing.show(self._connection, number, version)
        (kept,) = self._tracks("WHERE tracks.id = ?", number)
        return kept

    def mark(self, tracks: Iterable[int], *, missing: bool) -> None:
        """Mark the tracks with these ids as missing, or as there again."""
        marks = [(int(missing), number) for number in tracks]
        with translated(self.path), transaction(self._connection):
            self._connection.executemany("UPDATE tracks SET missing = ? WHERE id = ?", marks)

    def _match(self, query: Query | None) -> str:
        return (query or Query()).match(self.families() if query and query.words else {})

    def _condition(self, query: Query | None) -> tuple[str, list[float | str]]:
        """The condition that tracks meet which meet a query, in SQL, and its values."""
        match = self._match(query)
        meets = "tracks.id IN (SELECT rowid FROM search WHERE search MATCH ?)" if match else "NOT +missing"
        values: list[float | str] = [match] if match else []
        if query and query.confidence:
            meets += " AND tracks.analysis IN (SELECT id FROM analyses WHERE confidence >= ? AND confidence < ?)"
            values += query.confidence
        return meets, values

    def _sorted(self, query: Query | None, after: int, limit: int, key: str, direction: str) -> list[Track]:
        """A page in the order of a key; tracks with the same key in the order in which they came."""
        meets, values = self._condition(query)
        joined = "FROM tracks LEFT JOIN analyses ON analyses.id = tracks.analysis"
        if after:
            beyond = "<" if direction == "DESC" else ">"
            meets += f" AND ({key}, tracks.id) {beyond} (SELECT {key}, tracks.id {joined} WHERE tracks.id = ?)"
            values.append(after)
        order = f"{key} {direction}, tracks.id {direction}"
        return self._tracks(f"WHERE {meets} ORDER BY {order} LIMIT ?", *values, limit)

    def _tracks(self, where: str, *values: rows.Cell) -> list[Track]:
        return [rows.track(row) for row in self._rows(f"{rows.SELECT} {where}", *values)]

    def _states(self, where: str, *values: rows.Cell) -> list[FileState]:
        return [_state(row) for row in self._rows(f"{_STATE} {where}", *values)]

    def _rows(self, sql: str, *values: rows.Cell) -> list[sqlite3.Row]:
        with translated(self.path):
            return self._connection.execute(sql, values).fetchall()


def examiner(
    catalogue: Path,
    listen: Callable[[Path], Analysis],
    *,
    version: str,
    fuller: str = "",
    read_tags: Callable[[Path], Tags] | None = None,
    again: bool = False,
) -> "Examiner":
    """The task of a scan, which asks the catalogue at a path which contents are known.

    Args:
        catalogue: its path.
        listen: hears a file.
        version: as in `Catalogue.scan`; so are the others.
        fuller: a version that hears all that this one does and more; what it has heard stays.
        read_tags: reads the tags of a file.
        again: hear known contents, too.
    """
    from earmark.library.scanning.examine import Examiner  # noqa: PLC0415  loads the decoders; looking up needs none

    if read_tags is None:
        from earmark.library import tags  # noqa: PLC0415  loads mutagen

        read_tags = tags.read
    versions = (version, fuller) if fuller else (version,)
    is_known = partial(_is_known, catalogue, versions)
    return Examiner(listen, read_tags, is_known, version, again=again, fuller=fuller)


def _is_known(catalogue: Path, versions: tuple[str, ...], content_hash: str) -> bool:
    """Whether a catalogue knows a content, asked from any process."""
    with Catalogue(catalogue, create=False) as opened:
        return opened.knows(content_hash, *versions)


def _state(row: sqlite3.Row) -> FileState:
    return FileState(
        id=row["id"],
        path=Path(rows.spoken(row["path"])),
        size=row["size"],
        modified=row["modified"],
        content_hash=rows.spoken(row["fingerprint"]),
        missing=bool(row["missing"]),
        error=rows.spoken(row["error"]),
        version=None if row["version"] is None else rows.spoken(row["version"]),
    )


def _are_two(one: Path, other: Path) -> bool:
    """Whether two spellings of a path are two files, as they can be where names are compared byte by byte."""
    return one.exists() and other.exists() and not one.samefile(other)


def _cell(path: Path | str) -> str | bytes:
    return rows.text(str(absolute(path)))
