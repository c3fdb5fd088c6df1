"""Progress of long work on standard error: how far, at which rate, how long still."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from earmark.cli import show


class RateColumn(ProgressColumn):
    """How many a second; the task's description says of what."""

    def render(self, task: Task) -> Text:
        """The rate of late, or nothing while there is none."""
        return Text(f"{task.speed:.1f} {task.description}/s" if task.speed else "", "dim")


@contextmanager
def counted_progress(total: int, unit: str) -> Iterator[Callable[[], None]]:
    """Show a bar for `total` things, called `unit`; call the function that it yields after each."""
    columns = (BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn())
    console = show.stdout() if sys.stdout.isatty() else Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(unit, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def titled_progress() -> Iterator[Callable[[str, float], None]]:
    """Show one bar for each title; call the function that it yields with a title and the share that is done (0-1)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[str, TaskID] = {}

        def advance(title: str, share: float) -> None:
            if title not in tasks:
                tasks[title] = progress.add_task(title, total=1.0)
            progress.update(tasks[title], completed=share)

        yield advance
