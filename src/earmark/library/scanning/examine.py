"""Examination of one file: everything that a catalogue keeps of it, as a task for `runner.run_all`."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from earmark.analysis import Analysis
from earmark.errors import FileError, TagError, UnreadableAudio
from earmark.library.content import bytes_hash, content_hash
from earmark.library.track import Tags, Track

TAGS_UNREADABLE: Final = "its tags cannot be read"
"""Beginning of the error of a track that can be heard, but whose tags cannot be read."""

Listen: TypeAlias = Callable[[Path], Analysis]
ReadTags: TypeAlias = Callable[[Path], Tags]


@dataclass(frozen=True)
class Examiner:
    """A task that makes the track of a file; a content that was heard before is not heard again.

    It travels to worker processes, so everything in it can be pickled.

    Attributes:
        listen: hears a file.
        read_tags: reads its tags.
        is_known: tells of a content hash whether this version, or the fuller one, has heard that content.
        version: stands for all that makes `listen` hear as it does.
        again: hear known contents, too.
        fuller: a version that hears all that this one does and more, if there is one; what it has heard stays.
    """

    listen: Listen
    read_tags: ReadTags
    is_known: Callable[[str], bool]
    version: str
    again: bool = False
    fuller: str = ""

    def __call__(self, path: Path) -> Track:
        """Look at a file.

        Returns:
            The track. It has no analysis if that is known already or if the file could not be heard, and no content
            hash if what it holds is not sure: it must be looked at again.

        Raises:
            UnreadableAudio: there is no such file.
        """
        before = _status(path)
        track = Track(path, before.st_size, before.st_mtime_ns, "")
        try:
            track = replace(track, content_hash=content_hash(path))
            track = with_tags(track, self.read_tags)
            if self.again or not self.is_known(track.content_hash):
                track = replace(track, analysis=self.listen(path))
        except UnreadableAudio as error:
            track = replace(track, error=error.reason)
        after = _status(path)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            return replace(track, analysis=None, content_hash="", error="it changed while it was heard")
        return track


def with_tags(track: Track, read_tags: ReadTags) -> Track:
    """The track with the tags of its file, or with the error why they cannot be read: it can be heard all the same."""
    try:
        return replace(track, tags=read_tags(track.path))
    except TagError as error:
        return replace(track, error=f"{TAGS_UNREADABLE}: {error.reason}")


def failed(path: Path, error: FileError) -> Track | None:
    """Track of a file whose examination failed, or crashed its process; None if there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    try:
        content = bytes_hash(path)
    except UnreadableAudio:
        content = ""
    return Track(path, status.st_size, status.st_mtime_ns, content, error=error.reason)


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise UnreadableAudio(path, f"it cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a null byte in the name
        raise UnreadableAudio(path, "no file can have this name") from error
