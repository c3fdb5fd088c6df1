"""Writing what was heard into the tags of files, and undoing it.

Nothing is written without a run of the journal, from which every write can be undone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from earmark.analysis import Analysis
from earmark.app.lookup import note_tags
from earmark.errors import EarmarkError, FileError, TagError
from earmark.library import Catalogue, tags
from earmark.library.tags import Change, Journal, Settings, plan, read, write
from earmark.library.tags.containers import require_writable
from earmark.library.tags.journal import Run
from earmark.library.tags.policy import require_words_known
from earmark.runner import Outcome
from earmark.runner import run as run_on


@dataclass(frozen=True)
class Tagged:
    """A file and the changes of its tags that were written, or would be; none where they say what was heard already."""

    path: Path
    changes: tuple[Change, ...]


TagOutcome: TypeAlias = Outcome[Tagged]


@dataclass
class Tally:
    """Numbers of files: changed (or to be changed), unchanged, refused."""

    changed: int = 0
    unchanged: int = 0
    refused: int = 0

    def add(self, outcome: TagOutcome) -> None:
        """Count one file."""
        if isinstance(outcome, EarmarkError):
            self.refused += 1
        elif outcome.changes:
            self.changed += 1
        else:
            self.unchanged += 1


def tag(
    heard: Iterable[Outcome[Analysis]],
    settings: Settings,
    run: Run | None = None,
    *,
    verify: str = "",
    touch: bool = False,
    catalogue: Catalogue | None = None,
    damaged: bool = False,
) -> Iterator[TagOutcome]:
    """Plan the changes of each file, and write them if there is a run to note them in.

    Args:
        heard: what was heard in each file, or why nothing was; see `lookup.heard`.
        settings: the fields, and what happens to them.
        run: of the journal; None writes nothing.
        verify: how the sound of a changed copy is compared: "packets" or "decode"; "" chooses.
        touch: let the time of change of written files be now; else it stays.
        catalogue: is told what was written.
        damaged: write to files, too, that were heard with a warning: cut off, or with packets that are damaged.

    Yields:
        For each file its changes, or why it was left alone.

    Raises:
        EarmarkError: the user's own words name a style that the model does not know.
    """
    for outcome in heard:
        if isinstance(outcome, FileError):
            yield outcome
            continue
        require_words_known(settings.words, outcome)

        def task(path: Path, analysis: Analysis = outcome) -> Tagged:
            changes = plan(read(path), analysis, settings)
            if changes and analysis.warnings and not damaged:
                raise TagError(path, f"left as it is, --damaged writes to it: {'; '.join(analysis.warnings)}")
            if changes:
                require_writable(path)
            if run and changes:
                write(path, changes, run, verify=verify, touch=touch)
                note_tags(catalogue, path)
            return Tagged(path, changes)

        yield run_on(outcome.path, task)


def undo(
    journal: Journal, run: str = "", *, touch: bool = False, catalogue: Catalogue | None = None
) -> Iterator[Path | TagError]:
    """Restore the files of a run byte for byte, the last one first.

    Args:
        journal: where the runs are noted.
        run: its name; the latest of which something is left to undo by default.
        touch: let the time of change be now; else it stays.
        catalogue: is told what was written.

    Yields:
        Each file that is again what it was, or why it is not.

    Raises:
        EarmarkError: there is no such run.
    """
    for outcome in tags.undo(journal, run, touch=touch):
        if isinstance(outcome, Path):
            note_tags(catalogue, outcome)
        yield outcome
