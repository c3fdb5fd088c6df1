"""A folder into the catalogue: once, for ever, or a collection that is too big for one machine."""

import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.app.listening import MODEL, open_listener
from earmark.app.progress import Counting, unseen
from earmark.errors import EarmarkError
from earmark.library import Catalogue, tags
from earmark.library import catalogue as catalogues
from earmark.library.scanning import scan as scans
from earmark.library.scanning.examine import Examiner
from earmark.library.scanning.scan import ScanResult, ScanStatus
from earmark.library.scanning.watch import watch as watching
from earmark.runner import sensible_workers

if TYPE_CHECKING:
    from earmark.analysis import Analysis
    from earmark.hearing import Listener


def examiner(catalogue: Path, model: str = MODEL, *, fast: bool = False, again: bool = False) -> Examiner:
    """The task that looks at one file with a model.

    Args:
        catalogue: the path of the catalogue.
        model: its name or folder.
        fast: hear three windows of each file only; what was heard in full stays as it is.
        again: hear what is known, too.

    Raises:
        BundleError: there is no such model.
    """
    from earmark.hearing.bundle import locate, read_config
    from earmark.hearing.listener import version_of

    config = read_config(locate(model))
    listen = partial(_listen, model=model, fast=fast)
    version, fuller = version_of(config, fast=fast), version_of(config) if fast else ""
    return catalogues.examiner(catalogue, listen, version=version, fuller=fuller, again=again)


@cache
def _listener(model: str, *, fast: bool) -> "Listener":
    """The listener, opened once in each process."""
    return open_listener(model, fast=fast)


def _listen(path: Path, *, model: str, fast: bool) -> "Analysis":
    return _listener(model, fast=fast)(path)


@dataclass
class Scan:
    """One scan of a folder: first compared with the catalogue, then heard.

    Attributes:
        catalogue: where results are committed.
        changes: what is new, changed or gone; and what was left out (`changes.skipped`).
        examine: looks at a file.
        counts: how many files became of each `ScanStatus` so far; beside them "unchanged", "failing": those of the
            unchanged that could not be heard before, and "skipped".
    """

    catalogue: Catalogue
    changes: scans.Survey
    examine: Examiner
    counts: "Counter[str]" = field(default_factory=Counter)

    @classmethod
    def of(
        cls, catalogue: Catalogue, folder: Path, examine: Examiner, *, retry: bool = False, tags: bool = False
    ) -> "Scan":
        """Compare a folder with a catalogue; nothing is heard yet.

        Args:
            catalogue: the open catalogue.
            folder: with all below it; or one file.
            examine: looks at a file; see `examiner`.
            retry: try files again that could not be heard.
            tags: read the tags of unchanged files again, too.
        """
        changes = scans.survey(
            catalogue,
            folder,
            version=examine.version,
            fuller=examine.fuller,
            again=examine.again,
            retry=retry,
            tags=tags,
        )
        counts = Counter(unchanged=changes.unchanged, failing=changes.failing, skipped=len(changes.skipped))
        return cls(catalogue, changes, examine, counts)

    def hear(self, *, workers: int = 0, progress: Counting = unseen) -> Generator[ScanResult, None, None]:
        """Hear what is new or changed; each file is committed before it is yielded.

        Args:
            workers: processes; 0 chooses.
            progress: is told of each file that was new or changed, or whose tags were read again.

        Raises:
            EarmarkError: there is no audio file in the folder.
        """
        total = len(self.changes.fresh)
        found = scans.hear(self.catalogue, self.changes, self.examine, workers=workers or sensible_workers(total))
        reread = scans.reread(self.catalogue, self.changes.same, self.examine.read_tags)
        with closing(found), progress(total + len(self.changes.same), "files") as advance:
            for retagged in reread:
                advance()
                if retagged:
                    self.counts[retagged.status] += 1
                    self.counts["unchanged"] -= 1
                    yield retagged
            for each in found:
                self.counts[each.status] += 1
                if each.status not in (ScanStatus.BACK, ScanStatus.MISSING):
                    advance()
                yield each
        if not total and not self.changes.unchanged:
            raise EarmarkError(f"{self.changes.folder}: there is no audio file in this folder")


def watch(
    catalogue: Catalogue,
    folder: Path,
    examine: Examiner,
    *,
    workers: int = 0,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[ScanResult, None, None]:
    """Scan a folder again and again, for ever; see `Scan`. What `sleep` raises ends it."""
    return watching(catalogue, folder, examine, workers=lambda files: workers or sensible_workers(files), sleep=sleep)


def problems(found: ScanResult) -> list[str | EarmarkError]:
    """Complaints about a file, in lines that begin with its name, or the error itself."""
    outcome = found.outcome
    if isinstance(outcome, EarmarkError):
        return [outcome]
    heard = outcome.analysis.warnings if outcome.analysis and found.status is ScanStatus.HEARD else ()
    return [f"{outcome.path}: warning: {warning}" for warning in (outcome.error, *heard) if warning]


@dataclass(frozen=True)
class ClusterScan:
    """Numbers of a scan on a cluster: files, and those of them that could not be heard."""

    files: int = 0
    failed: int = 0


def scan_on_cluster(
    uri: str, out: str, address: str, model: str = MODEL, *, actors: int = 0, progress: Counting = unseen
) -> ClusterScan:
    """Hear what has no row in `out` yet, on a Ray cluster.

    Args:
        uri: the collection: a folder, or a URI of a store that pyarrow knows.
        out: the folder of the Parquet files, likewise.
        address: of the cluster; `local` starts one.
        model: its name or folder.
        actors: how many hear at once; 0 chooses.
        progress: is told of each file.

    Raises:
        BundleError: there is no such model.
    """
    from earmark.hearing.bundle import locate
    from earmark.library.scanning import cluster

    locate(model)  # what is wrong with its name is said here, not by every actor
    task = cluster.ActorTask(partial(open_listener, model), tags.read)
    files, failed = 0, 0
    with ExitStack() as shown:
        advance: Callable[[], None] | None = None
        for total, group in cluster.scan(uri, out, task, address=address, actors=actors or None):
            advance = advance or shown.enter_context(progress(total, "files"))
            files, failed = files + group.files, failed + group.failed
            for _ in range(group.files):
                advance()
    return ClusterScan(files, failed)
