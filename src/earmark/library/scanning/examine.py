"""Looking at one file: all that a catalogue wants to know of it, as a task for `runner.run_all`."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from earmark.analysis import Analysis
from earmark.errors import TagError, UnreadableAudio
from earmark.library import content
from earmark.library.catalogue import Catalogue
from earmark.library.track import Tags, Track

Listen: TypeAlias = Callable[[Path], Analysis]
ReadTags: TypeAlias = Callable[[Path], Tags]


@dataclass(frozen=True)
class Examiner:
    """Finds out what there is to know of a file; content that the catalogue knows already is not heard again.

    Attributes:
        catalogue: where it is; it is only read.
        listen: hears a file.
        read_tags: reads its tags.
        version: stands for all that makes `listen` hear as it does.
        again: hear what is known, too.
    """

    catalogue: Path
    listen: Listen
    read_tags: ReadTags
    version: str
    again: bool = False

    def __call__(self, path: Path) -> Track:
        """Look at a file.

        Returns:
            The track. It has no analysis if that is known already or if the file could not be heard, and no fingerprint
            if what it holds is not sure: it must be looked at again.

        Raises:
            UnreadableAudio: there is no such file.
        """
        before = _status(path)
        track = Track(path, before.st_size, before.st_mtime_ns, "")
        try:
            track = replace(track, fingerprint=content.fingerprint(path))
            track = self._with_tags(track)
            if self.again or not self._is_known(track.fingerprint):
                track = replace(track, analysis=self.listen(path))
        except UnreadableAudio as error:
            track = replace(track, error=error.reason)
        after = _status(path)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            return replace(track, analysis=None, fingerprint="", error="it changed while it was heard")
        return track

    def _with_tags(self, track: Track) -> Track:
        try:
            return replace(track, tags=self.read_tags(track.path))
        except TagError as error:  # it can be heard all the same
            return replace(track, error=f"its tags cannot be read: {error.reason}")

    def _is_known(self, fingerprint: str) -> bool:
        with Catalogue(self.catalogue, create=False) as catalogue:
            return catalogue.knows(fingerprint, self.version)


def crashed(path: Path, error: UnreadableAudio) -> Track | None:
    """The track of a file over which the process died that looked at it; None if there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Track(path, status.st_size, status.st_mtime_ns, content.of_bytes(path), error=error.reason)


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise UnreadableAudio(path, f"it cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a null byte in the name
        raise UnreadableAudio(path, "no file can have this name") from error
