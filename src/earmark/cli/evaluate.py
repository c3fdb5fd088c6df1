"""`earmark evaluate`: how well does a model hear?"""

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.messages import complain, say, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from earmark.errors import FileError
    from earmark.learning.evaluation.document import Block, Section
    from earmark.learning.evaluation.results import Evaluation

NAME_WIDTH = 24  # characters of a name that are not folded


class Split(StrEnum):
    """The part of a manifest that a model is measured on."""

    TEST = "test"
    VALID = "valid"
    TRAIN = "train"
    ALL = "all"


def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name or folder.")] = "house12",
    manifest: Annotated[
        Path | None, typer.Argument(help="Tracks whose styles, tags or values are known: a .csv or .parquet file.")
    ] = None,
    split: Annotated[Split, typer.Option(help="The part of the manifest to hear.")] = Split.TEST,
    against: Annotated[str | None, typer.Option(help="Another model, to be compared on the same tracks.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report into this folder.")] = None,
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave out classes that a model does not know.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Number of processes; 0 for automatic.")] = 0,
    tables: Annotated[
        Path | None, typer.Option(help="Repeat the tests of a recipe on the tables in this folder (minutes).")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe to repeat; by default the one the model names.")
    ] = None,
    audio: Annotated[
        Path | None, typer.Option(help="Measure how the answers change when these files are degraded.")
    ] = None,
) -> None:
    """Measure a model on labelled tracks and report; without a manifest, print its card or measure it otherwise."""
    if not manifest and (against or out):
        raise typer.BadParameter("--against and --out need a manifest")

    from earmark.app import evaluating
    from earmark.cli import show
    from earmark.cli.progress import counted_progress, titled_progress

    failed = False
    if manifest:
        evaluation = evaluating.examine(
            model,
            manifest,
            split.value,
            against=against,
            skip_unknown=skip_unknown,
            workers=workers,
            progress=counted_progress,
            complain=complain,
        )
        _tell(evaluation, out)
        failed |= bool(evaluation.failures)
    if tables:
        scores = evaluating.repeat(model, tables, recipe, progress=partial(titled_progress, lines=True))
        show.stdout().print(show.scores_table(scores))
    if audio:

        def note(failure: "FileError") -> None:
            nonlocal failed
            failed = True
            complain(failure)

        moved = evaluating.degrade(model, audio, workers=workers, progress=counted_progress, complain=note)
        if moved:
            show.stdout().print(show.movements_table(moved))
    if not (manifest or tables or audio):
        sys.stdout.write(f"{visible(evaluating.card(model))}\n")
    if failed:
        raise typer.Exit(1)


def _tell(evaluation: "Evaluation", out: Path | None) -> None:
    """Write the report and print its head, or print all of its tables."""
    from earmark.cli import show
    from earmark.learning.evaluation.report import WEBPAGE, compose, write

    document = compose(evaluation)
    console = show.stdout()
    sections = document.sections
    if out:  # where the rest can be read in peace
        sections = sections[:1] if evaluation.opponent else ()
    for part in _pieces(document.opening, sections):
        console.print(part)
    if out:
        write(evaluation, out)
        say(f"report: {out / WEBPAGE}")


def _pieces(opening: "tuple[Block, ...]", sections: "tuple[Section, ...]") -> "Iterator[RenderableType]":
    """A document on the terminal."""
    from rich.text import Text

    for block in opening:
        yield from _block(block)
        yield ""
    for section in sections:
        yield Text(section.title, "bold")
        for block in section.blocks:
            yield from _block(block)
        yield ""


def _block(block: "Block") -> "Iterable[RenderableType]":
    """A block on the terminal; pictures are for paper."""
    from rich.table import Table as Grid
    from rich.text import Text

    from earmark.learning.evaluation.document import Note, Table, Tiles

    match block:
        case str():
            yield Text(block, "dim")
        case Note(text):
            yield Text(text, "bold")
        case Tiles(tiles):
            grid = Grid.grid(padding=(0, 2))
            grid.add_column(justify="right")
            for tile in tiles:
                grid.add_row(Text(tile.value, "bold"), Text(tile.label), Text(tile.remark, "dim"))
            yield grid
        case Table():
            grid = Grid(box=None, header_style="dim", pad_edge=False, padding=(0, 1, 0, 0))
            for name, align in zip(block.columns, block.align, strict=True):
                # Where the terminal is narrow an interval goes below its number, and long names are folded.
                words = [word for cells in block.rows for word in cells[len(grid.columns)].split()]
                longest = max(map(len, [*words, name]), default=0)
                grid.add_column(
                    Text(name),
                    justify="right" if align == "r" else "left",
                    min_width=min(longest, NAME_WIDTH),
                    overflow="fold",
                )
            for cells in block.rows:
                grid.add_row(*map(Text, cells))
            yield grid
