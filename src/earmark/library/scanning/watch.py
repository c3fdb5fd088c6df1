"""Watching a folder: a scan whenever something in it has changed.

By looking again and again, which works on every system and on network drives. A file is ready when its size and time
of change stay the same from one look to the next: what is still being copied is not heard half-written.
"""

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final, TypeAlias

from earmark.files import absolute, as_spelled
from earmark.library.scanning.examine import Examiner
from earmark.library.scanning.scan import ScanResult, Store, hear, survey, walk

INTERVAL: Final = 2.0  # seconds from the end of a look to the next

State: TypeAlias = tuple[int, int]


def watch(
    catalogue: Store,
    folder: Path,
    examine: Examiner,
    *,
    workers: Callable[[int], int] = lambda _: 1,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[ScanResult, None, None]:
    """Scan a folder again and again, for ever.

    Args:
        catalogue: where results are committed.
        folder: with all below it. While it is not there (a drive that is not plugged in), nothing happens.
        examine: looks at a file.
        workers: how many processes for so many files.
        sleep: waits for so many seconds.
    """
    folder = absolute(folder)
    before: dict[Path, State] = {}
    done: dict[Path, State] | None = None
    while True:
        here = as_spelled(folder)  # the folder may come later
        now = _states(here)
        ready = {path: state for path, state in now.items() if before.get(path) == state}
        if ready != done and here.exists():
            changes = survey(catalogue, here, version=examine.version, fuller=examine.fuller, ready=ready)
            yield from hear(catalogue, changes, examine, workers=workers(len(changes.fresh)))
            done = ready
        before = now
        sleep(INTERVAL)


def _states(folder: Path) -> dict[Path, State]:
    """Size and time of change of each file that can be looked at."""
    states = {}
    for path in walk(folder):
        try:
            status = path.stat()
        except OSError:  # gone in between, or a link to nothing
            continue
        states[path] = (status.st_size, status.st_mtime_ns)
    return states
