"""Scanning a folder into a catalogue: only what is new or changed is heard.

    survey     walks the folder and compares each file with the catalogue: by path, size and time of change
    examine    looks at what is new or changed, in worker processes: fingerprint, tags, and what is not known is heard
    hear       commits each result before it hands it out, and marks at the end what has vanished

Conventions: a file whose size and time of change are those in the catalogue is unchanged. A file that has the content
of one that is gone is that one, moved. A track has vanished if the system says that there is no such file; a folder
that cannot be read proves nothing. A file that could not be heard is tried again when it changes; one of which not even
the bytes could be read, each time.
"""

from collections.abc import Container, Generator, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from earmark.errors import EarmarkError, UnreadableAudio
from earmark.files import absolute
from earmark.library.catalogue import Catalogue, Entry
from earmark.library.scanning.examine import Examiner, crashed
from earmark.library.track import Track
from earmark.runner import Task, gather, run_all


class How(StrEnum):
    """What became of a file; `KNOWN` is new or changed, but has a sound that was heard before: a copy, or new tags."""

    HEARD = "heard"
    KNOWN = "known"
    MOVED = "moved"
    BACK = "back"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True)
class Found:
    """What a scan found out: the track as it stands in the catalogue now, or why a file could not be heard."""

    how: How
    outcome: Track | EarmarkError


@dataclass(frozen=True)
class Survey:
    """What a folder holds beside what the catalogue knows of it.

    Attributes:
        folder: absolute.
        fresh: files to look at.
        back: tracks that were missing and are as they were.
        here: ids of the tracks whose files are there.
        unchanged: how many files are as they were.
        failing: how many of those could not be heard.
    """

    folder: Path
    fresh: list[Path]
    back: list[Entry]
    here: set[int]
    unchanged: int = 0
    failing: int = 0


def survey(
    catalogue: Catalogue,
    folder: Path,
    *,
    version: str,
    again: bool = False,
    retry: bool = False,
    ready: Container[Path] | None = None,
) -> Survey:
    """Compare a folder with the catalogue.

    Args:
        catalogue: what is known.
        folder: with all below it; or one file.
        version: of the model: what another one heard is heard again.
        again: look at every file.
        retry: look at what could not be heard, too.
        ready: the only files to look at; by default all. Nothing is said of the others.

    Raises:
        EarmarkError: there is no such folder.
    """
    folder = absolute(folder)
    if not folder.exists():
        raise EarmarkError(f"{folder}: there is no such folder")
    found = Survey(folder, [], [], set())
    unchanged = failing = 0
    for path in walk(folder):
        entry = catalogue.entry(path)
        if entry:
            found.here.add(entry.id)
        if ready is not None and path not in ready:
            continue
        if again or entry is None or _is_stale(entry, version, retry=retry):
            found.fresh.append(path)
            continue
        unchanged += 1
        failing += _has_failed(entry)
        if entry.missing:
            found.back.append(entry)
    return replace(found, unchanged=unchanged, failing=failing)


def walk(folder: Path) -> Iterator[Path]:
    """The audio files of a folder and all below it, sorted."""
    return (path for path in gather([str(folder)]) if isinstance(path, Path))


def hear(
    catalogue: Catalogue, surveyed: Survey, examine: Examiner, *, workers: int = 1
) -> Generator[Found, None, None]:
    """Look at what is new or changed and commit it, file by file; then mark what has vanished.

    Args:
        catalogue: the one that was surveyed.
        surveyed: what `survey` found.
        examine: looks at a file.
        workers: processes.

    Yields:
        One for each file of `surveyed.fresh`, after those that are back and before those that are missing.
    """
    yield from _marked(catalogue, surveyed.back, How.BACK)
    outcomes = run_all(surveyed.fresh, partial(_given, examine), workers)
    for path, outcome in zip(surveyed.fresh, outcomes, strict=True):
        yield _committed(catalogue, path, outcome, examine.version)
    absent = [entry for entry in catalogue.entries_below(surveyed.folder) if entry.id not in surveyed.here]
    yield from _marked(catalogue, [entry for entry in absent if _is_gone(entry.path)], How.MISSING)


def _given(examine: Examiner) -> Task[Track]:
    return examine


def _is_stale(entry: Entry, version: str, *, retry: bool) -> bool:
    """Whether a file must be looked at again."""
    try:
        status = entry.path.stat()
    except OSError:
        return True  # the examiner says why
    if (status.st_size, status.st_mtime_ns) != (entry.size, entry.modified):
        return True
    if _has_failed(entry):
        return retry or not entry.fingerprint
    return entry.version != version


def _has_failed(entry: Entry) -> bool:
    return bool(entry.error) and entry.version is None


def _marked(catalogue: Catalogue, entries: list[Entry], how: How) -> Iterator[Found]:
    if not entries:
        return
    catalogue.mark([entry.id for entry in entries], missing=how is How.MISSING)
    for entry in entries:
        track = catalogue.track(entry.path)
        if track:
            yield Found(how, track)


def _committed(catalogue: Catalogue, path: Path, outcome: Track | UnreadableAudio, version: str) -> Found:
    """Write what the examiner found out."""
    track = crashed(path, outcome) if isinstance(outcome, UnreadableAudio) else outcome
    if track is None:
        return Found(How.FAILED, UnreadableAudio(path, "it vanished before it was heard"))
    moved = None if catalogue.entry(path) else _former(catalogue, track)
    kept = catalogue.keep(track, version=version, moved=moved.id if moved else 0)
    if kept.error and kept.analysis is None:
        return Found(How.FAILED, UnreadableAudio(path, kept.error))
    return Found(How.HEARD if track.analysis else How.MOVED if moved else How.KNOWN, kept)


def _former(catalogue: Catalogue, track: Track) -> Entry | None:
    """The track that has moved to a path that is new: its content is this one, and its file is gone."""
    same = catalogue.entries_of(track.fingerprint) if track.fingerprint else []
    gone = [each for each in same if each.missing or _is_gone(each.path) or _is_respelled(each.path, track.path)]
    return min(gone, key=lambda entry: entry.path.name != track.path.name, default=None)


def _is_gone(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # not allowed to look, a share that does not answer: proves nothing
        return False
    return False


def _is_respelled(one: Path, other: Path) -> bool:
    """Whether two paths differ in case only and are the same file, where the file system does not tell them apart."""
    return str(one).casefold() == str(other).casefold() and one.exists() and one.samefile(other)
