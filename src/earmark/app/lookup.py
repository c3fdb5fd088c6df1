"""Analyses of files: from the catalogue where it knows them, else by listening."""

import logging
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.app.catalogue import catalogue_path, open_catalogue
from earmark.app.listening import MODEL, hear_files
from earmark.app.progress import Counting, unseen
from earmark.errors import FileError, TagError, UnreadableAudio
from earmark.library.content import content_hash
from earmark.runner import Outcome, gather

if TYPE_CHECKING:
    from earmark.analysis import Analysis
    from earmark.library import Catalogue, Track

logger = logging.getLogger(__name__)


def heard(
    sources: Iterable[str],
    catalogue: Path | None = None,
    model: str = "",
    *,
    workers: int = 0,
    progress: Counting = unseen,
) -> "Iterator[Outcome[Analysis]]":
    """The analysis of each file, or why there is none.

    Args:
        sources: files, folders, patterns.
        catalogue: where to look it up, and nowhere else.
        model: listen with this model, and look nothing up. If neither is given, the user's catalogue is asked first.
        workers: processes that listen; 0 chooses.
        progress: is told of each file that is listened to.

    Raises:
        CatalogueError: the catalogue is not there, or cannot be read.
        BundleError: there is no such model, or it is damaged.
    """
    found = list(gather(sources))
    files = [path for path in found if isinstance(path, Path)]
    yield from (path for path in found if isinstance(path, FileError))
    unknown = files
    if not model and (catalogue or catalogue_path().exists()):
        with closing(open_catalogue(catalogue)) as opened:
            known = {path: current(opened.track(path)) for path in files}
            place = opened.path
        yield from (analysis for path in files if (analysis := known[path]))
        unknown = [path for path in files if not known[path]]
        if catalogue:
            reason = f"as it is now, it is not in the catalogue {place}: `earmark scan` it first"
            yield from (UnreadableAudio(path, reason) for path in unknown)
            return
    if unknown:
        yield from hear_files(unknown, model or MODEL, workers=workers, progress=progress)


def current(track: "Track | None") -> "Analysis | None":
    """The analysis of a track, if its file still holds what was heard."""
    if track is None or track.analysis is None:
        return None
    try:
        status = track.path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):  # the listener says so
        return None
    same = (status.st_size, status.st_mtime_ns) == (track.size, track.modified)
    try:
        return track.analysis if same or content_hash(track.path) == track.content_hash else None
    except UnreadableAudio:  # the listener says so
        return None


def note_tags(catalogue: "Catalogue | None", path: Path) -> None:
    """Tell a catalogue that the tags of a file were just written, if it knows the file.

    A file that cannot be read any more is left to the next scan, and logged: what was done to it is done.
    """
    from earmark.library.tags import read

    if catalogue is None or (track := catalogue.track(path)) is None or (state := catalogue.state(track.path)) is None:
        return
    try:
        status, now = path.stat(), read(path)
    except (OSError, TagError) as error:
        logger.warning("%s: the catalogue could not be told of its new tags: %s", path, error)
        return
    written = replace(track, tags=now, size=status.st_size, modified=status.st_mtime_ns, analysis=None)
    catalogue.keep(written, version=state.version or "")
