"""The exact bytes of before, from the journal."""

from collections.abc import Iterator
from pathlib import Path

from earmark.errors import EarmarkError, TagError
from earmark.library.tags.journal import Journal, Run, Write
from earmark.library.tags.layouts.layout import read_exactly
from earmark.library.tags.patch import Splice, digest
from earmark.library.tags.swap import look, swap


def undo(journal: Journal, name: str = "", *, touch: bool = False) -> Iterator[Path | TagError]:
    """Undo the writes of a run, the last one first; yield each file that is again what it was, or why it is not.

    Args:
        journal: where the runs are noted.
        name: of the run; the latest one of which something is left to undo by default.
        touch: let the time of change be now; else it stays.

    Raises:
        EarmarkError: there is no such run.
    """
    run = _chosen(journal, name)
    for write in reversed(run.writes()):
        if write.undone:
            continue
        try:
            _undo(write, touch=touch)
            run.mark_undone(write)
        except TagError as error:
            yield error
        else:
            yield write.path


def _chosen(journal: Journal, name: str) -> Run:
    if not (name or (name := journal.latest())):
        raise EarmarkError("there is nothing to undo")
    run = journal.run(name)
    if run is None:
        raise EarmarkError(f"there is no run {name!r}; `earmark tag --runs` lists them")
    return run


def _undo(write: Write, *, touch: bool) -> None:
    """Restore the earlier bytes; where the run was killed between its note and its write, they are still there."""
    path = write.path
    seen = look(path)
    with path.open("rb") as file:
        now = digest(file)
        if now == write.before:
            return
        if now != write.after:
            raise TagError(path, "not undone: it was changed since, by another program or a later run")
        patch = tuple(
            Splice(each.offset, read_exactly(file, each.offset, each.length), each.old) for each in write.back
        )

    def check(copy: Path) -> None:
        with copy.open("rb") as changed:
            if digest(changed) != write.before:
                raise TagError(path, "not undone: the journal does not lead back to the file before")

    swap(path, seen, patch, check, lambda: None, touch=touch)
