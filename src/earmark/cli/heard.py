"""What was heard in files: from the catalogue where it knows them, else by listening."""

import sys
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.cli.catalogue import catalogue_path, open_catalogue
from earmark.cli.listen import open_listener

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from earmark.analysis import Analysis
    from earmark.library import Catalogue, Track
    from earmark.runner import Outcome

MODEL = "house12"


def heard(paths: list[str], catalogue: Path | None, model: str, workers: int) -> "Iterator[Outcome[Analysis]]":
    """What was heard in each file, or why nobody knows.

    Args:
        paths: files, folders, patterns.
        catalogue: where to look it up, and nowhere else.
        model: what to listen with, and to look nothing up; if neither is given, the user's catalogue is asked first.
        workers: how many processes listen; 0 chooses.
    """
    from earmark.errors import UnreadableAudio
    from earmark.runner import gather

    found = list(gather(paths))
    files = [path for path in found if isinstance(path, Path)]
    yield from (path for path in found if isinstance(path, UnreadableAudio))
    unknown = files
    if not model and (catalogue or catalogue_path(None).exists()):
        with closing(open_catalogue(catalogue)) as opened:
            known = {path: _of_track(opened.track(path)) for path in files}
            place = opened.path
        yield from (analysis for path in files if (analysis := known[path]))
        unknown = [path for path in files if not known[path]]
        if catalogue:
            reason = f"as it is now, it is not in the catalogue {place}: `earmark scan` it first"
            yield from (UnreadableAudio(path, reason) for path in unknown)
            return
    if unknown:
        yield from _listened(unknown, model or MODEL, workers)


def _of_track(track: "Track | None") -> "Analysis | None":
    """What was heard in a track, if it holds the same still."""
    from earmark.library import content

    if track is None or track.analysis is None:
        return None
    try:
        status = track.path.stat()
    except OSError:
        return None
    same = (status.st_size, status.st_mtime_ns) == (track.size, track.modified)
    return track.analysis if same or content.fingerprint(track.path) == track.fingerprint else None


def _listened(files: list[Path], model: str, workers: int) -> "Iterator[Outcome[Analysis]]":
    from earmark.runner import run_all, sensible_workers

    task = partial(open_listener, model, fast=False)
    yield from _counted(run_all(files, task, workers or sensible_workers(len(files))), len(files))


def _counted(outcomes: "Iterable[Outcome[Analysis]]", total: int) -> "Iterator[Outcome[Analysis]]":
    """Show on a terminal how many files are done."""
    from earmark.cli.progress import counted_progress

    shown = total > 1 and sys.stderr.isatty()
    with counted_progress(total, "files") if shown else nullcontext(lambda: None) as advance:
        for outcome in outcomes:
            advance()
            yield outcome


def note_tags(catalogue: "Catalogue | None", path: Path) -> None:
    """Have a catalogue know the tags of a file that were just written, if it knows the file."""
    from dataclasses import replace

    from earmark.library.tags import read

    if catalogue is None or (track := catalogue.track(path)) is None or (entry := catalogue.entry(path)) is None:
        return
    status = path.stat()
    written = replace(track, tags=read(path), size=status.st_size, modified=status.st_mtime_ns, analysis=None)
    catalogue.keep(written, version=entry.version or "")
