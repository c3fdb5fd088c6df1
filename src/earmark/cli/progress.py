"""Progress of long work on standard error: how far, at which rate, how long still.

The bars are loaded when there is one to draw: a single file needs none.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from earmark.cli.messages import line

if TYPE_CHECKING:
    from rich.progress import TaskID

    from earmark.learning.training.run import Step


@contextmanager
def counted_progress(total: int, unit: str) -> Iterator[Callable[[], None]]:
    """Show a bar for `total` things, called `unit`; call the function that it yields after each.

    Nothing is shown of a single thing, or where standard error is no terminal.
    """
    if total <= 1 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from earmark.cli import show, terminal
    from earmark.cli.rate import RateColumn

    columns = (BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn())
    # On one terminal with the results, one console draws both, and the bar stays below them.
    console = show.stdout() if sys.stdout.isatty() else terminal.console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(unit, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def training_progress() -> Iterator[Callable[["Step"], None]]:
    """Show a bar for each stage of a training run; call the function that it yields with each step.

    Where there is no terminal, print a line for each epoch instead.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from earmark.cli import terminal

    console = terminal.console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        stages: dict[str, TaskID] = {}

        def advance(step: "Step") -> None:
            if step.stage not in stages:
                stages[step.stage] = progress.add_task(step.stage, total=step.total, completed=step.done, figures="")
            figures = f"epoch {step.epoch + 1}  loss {step.loss:.3f}  right {step.hits:.2f}"
            if step.closed:
                console.print(f"{figures}  validation {step.valid:.3f}", highlight=False)
            elif step.stage == "train":
                figures += f"  {step.rate:.1f} windows/s"
                progress.update(stages[step.stage], completed=step.done, figures=figures)
            else:
                progress.update(stages[step.stage], completed=step.done)

        yield advance


@contextmanager
def titled_progress(*, lines: bool = False) -> Iterator[Callable[[str, float], None]]:
    """Show one bar for each title; call the function that it yields with a title and the share that is done (0-1).

    Where there is no terminal, `lines` prints a line for each quarter instead, for what takes minutes.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from earmark.cli import terminal

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = terminal.console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}
        quarters: dict[str, int] = {}

        def advance(title: str, share: float) -> None:
            quarter = int(share * 4 + 1e-9)
            if lines and not console.is_terminal and quarters.get(title, -1) < quarter:
                quarters[title] = quarter
                sys.stderr.write(f"{line(title)}: {25 * quarter} %\n")
            if title not in tasks:
                tasks[title] = progress.add_task(title, total=1.0)
            progress.update(tasks[title], completed=share)

        yield advance


@contextmanager
def working(title: str) -> Iterator[None]:
    """Show that something is being done of which nobody knows how far it is; nothing where there is no terminal."""
    from earmark.cli import terminal

    console = terminal.console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(line(title)):
        yield
