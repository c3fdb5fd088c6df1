"""Scanning a folder into a catalogue: only what is new or changed is heard.

    survey     walks the folder and compares each file with the catalogue: by path, size and time of change
    examine    looks at new and changed files, in worker processes: content hash, tags; an unknown content is heard
    hear       commits each result before it hands it out, and marks at the end the files that have vanished

The catalogue is a `Store`: whatever can note the state of files and keep tracks.

Conventions: a file whose size and time of change are those in the catalogue is unchanged. A file that has the content
of one that is gone is that one, moved. A track has vanished if the system says that there is no such file; a folder
that cannot be read proves nothing. A file that could not be heard is tried again when it changes; one of which not even
the bytes could be read, each time. What was heard in a file stays when a later scan fails over it, unless its sound has
changed; the failure is noted beside it.
"""

import os
from collections.abc import Container, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol

from earmark.errors import EarmarkError, FileError, UnreadableAudio
from earmark.files import absolute, as_spelled, composed
from earmark.folders import Skipped, audio_below
from earmark.library.scanning.examine import TAGS_UNREADABLE, Examiner, ReadTags, failed, with_tags
from earmark.library.track import FileState, Track
from earmark.runner import Task, run, run_all


class Store(Protocol):
    """The part of a catalogue that a scan needs (`catalogue.Catalogue`)."""

    def track(self, path: Path) -> Track | None:
        """The track at a path."""

    def state(self, path: Path) -> FileState | None:
        """The state of the file at a path, as it was last noted."""

    def states_of(self, content_hash: str) -> list[FileState]:
        """The files with this content."""

    def states_below(self, folder: Path) -> list[FileState]:
        """The files in a folder and all below it that are not missing."""

    def knows(self, content_hash: str, *versions: str) -> bool:
        """Whether one of these versions of a model has heard this content."""

    def keep(self, track: Track, *, version: str, moved: int) -> Track:
        """Note a track, and return it as it stands in the catalogue then."""

    def mark(self, tracks: Iterable[int], *, missing: bool) -> None:
        """Mark tracks, by their ids, as missing or as there again."""


class ScanStatus(StrEnum):
    """Outcome of a file.

    `KNOWN` is new or changed, but its sound was heard before: a copy, or a file with new tags. `RETAGGED` looked
    unchanged, but its tags are others (`reread`).
    """

    HEARD = "heard"
    KNOWN = "known"
    MOVED = "moved"
    BACK = "back"
    RETAGGED = "retagged"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True)
class ScanResult:
    """Result for one file: the track as it stands in the catalogue now, or why it could not be heard."""

    status: ScanStatus
    outcome: Track | EarmarkError


@dataclass(frozen=True)
class Survey:
    """Differences between a folder and the catalogue.

    Attributes:
        folder: absolute.
        fresh: files to look at.
        back: tracks that were missing and are as they were.
        here: ids of the tracks whose files are there.
        same: unchanged files that were heard, if `survey` was asked for them (`tags`).
        skipped: what might hold music and was left out, and why: hidden names, links not followed, folders that
            cannot be read.
        unchanged: how many files are as they were.
        failing: how many of those could not be heard.
    """

    folder: Path
    fresh: list[Path]
    back: list[FileState]
    here: set[int]
    same: list[FileState] = field(default_factory=list)
    skipped: list[UnreadableAudio] = field(default_factory=list)
    unchanged: int = 0
    failing: int = 0


def survey(
    catalogue: Store,
    folder: Path,
    *,
    version: str,
    fuller: str = "",
    again: bool = False,
    retry: bool = False,
    tags: bool = False,
    ready: Container[Path] | None = None,
) -> Survey:
    """Compare a folder with the catalogue.

    Args:
        catalogue: what is known.
        folder: with all below it; or one file.
        version: of the model: what another one heard is heard again.
        fuller: another version whose answers are good enough, if there is one.
        again: look at every file.
        retry: look at what could not be heard, too.
        tags: list the unchanged files, too, for `reread`.
        ready: the only files to look at; by default all. Nothing is said of the others.

    Raises:
        EarmarkError: there is no such folder.
    """
    folder = as_spelled(absolute(folder))
    if not folder.exists():
        raise EarmarkError(f"{folder}: there is no such folder")
    found = Survey(folder, [], [], set())
    unchanged = failing = 0
    enough = {version, fuller or version}
    for path in walk(folder, found.skipped.append):
        state = catalogue.state(path)
        if state:
            found.here.add(state.id)
        if ready is not None and path not in ready:
            continue
        if again or state is None or _is_stale(state, enough, retry=retry):
            found.fresh.append(path)
            continue
        unchanged += 1
        failing += _has_failed(state)
        if state.missing:
            found.back.append(state)
        if tags and not _has_failed(state):
            found.same.append(state)
    return replace(found, unchanged=unchanged, failing=failing)


def walk(folder: Path, skipped: Skipped = lambda _: None) -> Iterator[Path]:
    """The audio files of a folder and all below it, or the one at this path.

    Args:
        folder: where to look.
        skipped: is told what is left out.
    """
    if not folder.is_dir():
        yield folder
        return
    for each in audio_below(folder, skipped):
        if isinstance(each, Path):
            yield each
        else:
            skipped(each)


def hear(
    catalogue: Store, changes: Survey, examine: Examiner, *, workers: int = 1
) -> Generator[ScanResult, None, None]:
    """Look at what is new or changed and commit it, file by file; then mark what has vanished.

    Args:
        catalogue: the one that was changes.
        changes: what `survey` found.
        examine: looks at a file.
        workers: processes.

    Yields:
        One for each file of `changes.fresh`, after those that are back and before those that are missing.
    """
    yield from _marked(catalogue, changes.back, ScanStatus.BACK)
    outcomes = run_all(changes.fresh, partial(_given, examine), workers)
    for path, outcome in zip(changes.fresh, outcomes, strict=True):
        yield _committed(catalogue, path, outcome, examine)
    absent = [state for state in catalogue.states_below(changes.folder) if state.id not in changes.here]
    yield from _marked(catalogue, [state for state in absent if _is_gone(state.path)], ScanStatus.MISSING)


def reread(
    catalogue: Store, states: Iterable[FileState], read_tags: ReadTags
) -> Generator[ScanResult | None, None, None]:
    """Read tags again and commit what is new in them; nothing is heard.

    Other programs may change tags and keep the size and the time of change of the file.

    Args:
        catalogue: the one that the states are from.
        states: files that were heard and are unchanged since.
        read_tags: reads the tags of a file.

    Yields:
        One for each file; None where its tags are those that are noted.
    """
    for state in states:
        noted = catalogue.track(state.path)
        if noted is None:
            yield None
            continue
        read = run(state.path, partial(_with_tags, noted, read_tags))
        now = replace(noted, error=f"{TAGS_UNREADABLE}: {read.reason}") if isinstance(read, FileError) else read
        if (now.tags, now.error) == (noted.tags, noted.error):
            yield None
        else:
            kept = catalogue.keep(replace(now, analysis=None, missing=False), version=state.version or "", moved=0)
            yield ScanResult(ScanStatus.RETAGGED, kept)


def _with_tags(noted: Track, read_tags: ReadTags, _path: Path) -> Track:
    """A track with what its file says now; the catalogue does not keep all of it."""
    heard = replace(noted, error="") if noted.error.startswith(TAGS_UNREADABLE) else noted
    now = with_tags(heard, read_tags)
    return replace(now, tags=now.tags.as_kept())


def _given(examine: Examiner) -> Task[Track]:
    return examine


def _is_stale(state: FileState, enough: Container[str | None], *, retry: bool) -> bool:
    """Whether a file must be looked at again."""
    try:
        status = state.path.stat()
    except OSError:
        return True  # the examiner says why
    if (status.st_size, status.st_mtime_ns) != (state.size, state.modified):
        return True
    if _has_failed(state):
        return retry or not state.content_hash
    return state.version not in enough


def _has_failed(state: FileState) -> bool:
    return bool(state.error) and state.version is None


def _marked(catalogue: Store, states: list[FileState], status: ScanStatus) -> Iterator[ScanResult]:
    if not states:
        return
    catalogue.mark([state.id for state in states], missing=status is ScanStatus.MISSING)
    for state in states:
        track = catalogue.track(state.path)
        if track:
            yield ScanResult(status, track)


def _committed(catalogue: Store, path: Path, outcome: Track | FileError, examine: Examiner) -> ScanResult:
    """Write the outcome of an examination."""
    track = failed(path, outcome) if isinstance(outcome, FileError) else outcome
    if track is None:
        return ScanResult(ScanStatus.FAILED, _absent(path, outcome))
    before = catalogue.state(path)
    moved = None if before else _former(catalogue, track)
    known = examine.fuller and not track.analysis and catalogue.knows(track.content_hash, examine.fuller)
    version = examine.fuller if known else examine.version
    failure = _failure(catalogue, track, outcome, examine)
    if failure and before and before.version is not None and _holds_the_same(before, track):
        track, version = _as_noted(catalogue, before, track), before.version
    kept = catalogue.keep(track, version=version, moved=moved.id if moved else 0)
    if failure:
        return ScanResult(ScanStatus.FAILED, failure)
    return ScanResult(ScanStatus.HEARD if track.analysis else ScanStatus.MOVED if moved else ScanStatus.KNOWN, kept)


def _failure(catalogue: Store, track: Track, outcome: Track | FileError, examine: Examiner) -> FileError | None:
    """The reason why nothing was heard in a file, if something should have been."""
    if isinstance(outcome, FileError):
        return outcome  # with all that it knows, which the catalogue does not keep
    if track.analysis or not track.error:
        return None
    known = not examine.again and catalogue.knows(track.content_hash, examine.version, examine.fuller)
    return None if known else UnreadableAudio(track.path, track.error)


def _holds_the_same(before: FileState, track: Track) -> bool:
    """Whether a file holds the sound that was noted of it; where nobody could look, its size and time say so."""
    same_file = (before.size, before.modified) == (track.size, track.modified)
    return same_file or (bool(track.content_hash) and before.content_hash == track.content_hash)


def _as_noted(catalogue: Store, before: FileState, track: Track) -> Track:
    """A track that failed, with the sound that is noted of it, and the tags if they were not read again."""
    noted = catalogue.track(before.path)
    if noted is None or track.content_hash == before.content_hash:
        return track
    return replace(track, content_hash=before.content_hash, tags=noted.tags)


def _absent(path: Path, outcome: Track | FileError) -> FileError:
    """The reason why there is no track of a file: it is gone, or what its examination says."""
    if os.path.islink(path):  # noqa: PTH114  which takes paths that are too long
        return UnreadableAudio(path, "it is a link to nothing")
    if _is_gone(path) or not isinstance(outcome, FileError):
        return UnreadableAudio(path, "it vanished before it was heard")
    return outcome


def _former(catalogue: Store, track: Track) -> FileState | None:
    """The track that has moved to a path that is new: its content is this one, and its file is gone."""
    same = catalogue.states_of(track.content_hash) if track.content_hash else []
    gone = [each for each in same if each.missing or _is_gone(each.path) or _is_respelled(each.path, track.path)]
    return min(gone, key=lambda state: state.path.name != track.path.name, default=None)


def _is_gone(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # not allowed to look, a share that does not answer: proves nothing
        return False
    return False


def _is_respelled(one: Path, other: Path) -> bool:
    """Whether two paths differ in case or in the spelling of accents only and are the same file.

    So they are where the file system does not tell them apart.
    """
    first, second = (composed(str(path)).casefold() for path in (one, other))
    try:
        return first == second and one.samefile(other)
    except OSError:  # gone, or nobody may look
        return False
