"""`earmark evaluate`: how well does a model hear?"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from earmark.errors import UnreadableAudio
    from earmark.hearing import Model
    from earmark.learning.evaluation.document import Block, Section
    from earmark.learning.evaluation.results import Evaluation
    from earmark.runner import Outcome, Task

T = TypeVar("T")
NAME_WIDTH = 24  # characters of a name that are not folded


class Split(StrEnum):
    """Which tracks of a manifest a model is asked about."""

    TEST = "test"
    VALID = "valid"
    TRAIN = "train"
    ALL = "all"


def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name or folder.")] = "house12",
    manifest: Annotated[
        Path | None, typer.Argument(help="Tracks whose styles, tags or values are known: a .csv or .parquet file.")
    ] = None,
    split: Annotated[Split, typer.Option(help="Which part of the manifest to hear.")] = Split.TEST,
    against: Annotated[str | None, typer.Option(help="Another model, to be compared on the same tracks.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report into this folder.")] = None,
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave out classes that a model does not know.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 chooses.")] = 0,
    tables: Annotated[Path | None, typer.Option(help="Repeat the protocols on the tables in this folder.")] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe to repeat; by default the one the model names.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="Degrade the files in this folder; does the answer move?")] = None,
) -> None:
    """Measure a model on labelled tracks and report; without a manifest, print its card or measure it otherwise."""
    if not manifest and (against or out):
        raise typer.BadParameter("--against and --out need a manifest")

    from earmark.hearing import Model
    from earmark.hearing.bundle import CARD

    opened = Model.open(model)
    opened.verify()
    failed = False
    if manifest:
        evaluation = _examine(model, manifest, split, against, workers, skip_unknown=skip_unknown)
        _tell(evaluation, out)
        failed |= bool(evaluation.failures)
    if tables:
        _repeat(opened, tables, recipe)
    if audio:
        failed |= _degrade(model, audio, workers)
    if not (manifest or tables or audio):
        typer.echo((opened.folder / CARD).read_text(encoding="utf-8"))
    if failed:
        raise typer.Exit(1)


def _examine(
    model: str, manifest: Path, split: Split, against: str | None, workers: int, *, skip_unknown: bool
) -> "Evaluation":
    """Have one or two models hear the tracks of a manifest, and measure what they say."""
    from earmark.hearing import Model
    from earmark.learning.data.manifest import read
    from earmark.learning.evaluation import writing  # noqa: F401  what it needs must not be missed after an hour
    from earmark.learning.evaluation.predictions import Predictions, collect, open_answering
    from earmark.learning.evaluation.results import Speed, evaluate
    from earmark.learning.evaluation.selection import select
    from earmark.runner import sensible_workers

    sources = [model, against] if against else [model]
    opened = [Model.open(source) for source in sources]
    for other in opened[1:]:
        other.verify()
    configs = [each.config for each in opened]
    selection = select(read(manifest), manifest, split.value, configs, skip_unknown=skip_unknown)
    files = [entry.path for entry in selection.manifest.entries]
    workers = workers or sensible_workers(len(files))
    predictions: list[Predictions] = []
    walls = []
    told: set[str] = set()
    with _progress(len(files) * len(sources), "tracks") as advance:
        for source, config in zip(sources, configs, strict=True):
            began = time.perf_counter()
            outcomes = _outcomes(files, partial(open_answering, source), workers, advance, told)
            predictions.append(collect(config, manifest, selection.manifest, outcomes))
            walls.append(time.perf_counter() - began)
    answers = predictions[0].answers
    speed = Speed(sum(each.seconds for each in answers), walls[0], sum(each.cpu for each in answers), workers)
    return evaluate(split.value, selection, speed, predictions[0], predictions[1] if against else None)


def _progress(total: int, unit: str) -> AbstractContextManager[Callable[[], None]]:
    """A bar on a terminal; elsewhere nothing."""
    from earmark.cli.progress import counted_progress

    return counted_progress(total, unit) if sys.stderr.isatty() else nullcontext(lambda: None)


def _outcomes(
    files: list[Path],
    open_task: "Callable[[], Task[T]]",
    workers: int,
    advance: Callable[[], None],
    told: set[str],
) -> "Iterator[Outcome[T]]":
    """Pass on what comes of each file, and say on standard error, once, what cannot be heard."""
    from earmark.errors import UnreadableAudio
    from earmark.runner import run_all

    for outcome in run_all(files, open_task, workers):
        advance()
        if isinstance(outcome, UnreadableAudio):
            _complain(outcome, told)
        yield outcome


def _complain(failure: "UnreadableAudio", told: set[str]) -> None:
    """Print a line on standard error; not by typer, which would write past the progress bar and into it."""
    line = f"earmark: {failure}\n"
    if line not in told:
        told.add(line)
        sys.stderr.write(line)


def _tell(evaluation: "Evaluation", out: Path | None) -> None:
    """Write the report and print its head, or print all of its tables."""
    from earmark.cli import show
    from earmark.learning.evaluation.contents import compose
    from earmark.learning.evaluation.writing import WEBPAGE, write

    document = compose(evaluation)
    console = show.stdout()
    sections = document.sections
    if out:  # where the rest can be read in peace
        sections = sections[:1] if evaluation.opponent else ()
    for part in _pieces(document.opening, sections):
        console.print(part)
    if out:
        write(evaluation, out)
        typer.echo(f"report: {out / WEBPAGE}")


def _pieces(opening: "tuple[Block, ...]", sections: "tuple[Section, ...]") -> "Iterator[RenderableType]":
    """What a document looks like on the terminal."""
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
            yield Text(text, "yellow")
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


def _repeat(model: "Model", tables: Path, recipe: Path | None) -> None:
    """Measure a model that was made from tables of descriptors under their protocols."""
    from earmark.cli import show
    from earmark.cli.progress import titled_progress
    from earmark.errors import BundleError
    from earmark.recipes.house12.recipe import evaluate as evaluate_recipe
    from earmark.recipes.house12.recipe import read_recipe

    recipe = recipe or Path(model.config.provenance.get("recipe", ""))
    if not recipe.name:
        raise BundleError(f"{model.folder}: the model names no recipe to repeat; give one with --recipe")
    with titled_progress() as progress:
        scores = evaluate_recipe(read_recipe(recipe), tables, progress)
    show.stdout().print(show.scores_table(scores))


def _degrade(model: str, audio: Path, workers: int) -> bool:
    """See how far damage moves the answers; whether a file could not be heard."""
    from earmark.cli import show
    from earmark.errors import UnreadableAudio
    from earmark.learning.evaluation.degradations import Movement, open_moving
    from earmark.runner import gather, sensible_workers

    found = list(gather([str(audio)]))
    told: set[str] = set()
    for each in found:
        if isinstance(each, UnreadableAudio):
            _complain(each, told)
    files = [each for each in found if isinstance(each, Path)]
    moved: list[Movement] = []
    with _progress(len(files), "files") as advance:
        for outcome in _outcomes(
            files, partial(open_moving, model), workers or sensible_workers(len(files)), advance, told
        ):
            moved += () if isinstance(outcome, UnreadableAudio) else outcome
    if moved:
        show.stdout().print(show.movements_table(moved))
    return bool(told)
