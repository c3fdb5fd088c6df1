"""Measurements of a model: on labelled tracks, under the protocols of its recipe, and on damaged audio."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from earmark.app.progress import Counting, Staging, unseen, unstaged
from earmark.errors import FileError
from earmark.runner import Outcome, gather, run_all, sensible_workers

if TYPE_CHECKING:
    from earmark.hearing import Model
    from earmark.learning.evaluation.degradations import Movement
    from earmark.learning.evaluation.results import Evaluation
    from earmark.measures.scores import Score

T = TypeVar("T")
Complain: TypeAlias = Callable[[FileError], None]


def examine(
    model: str,
    manifest: Path,
    split: str = "test",
    *,
    against: str | None = None,
    skip_unknown: bool = False,
    workers: int = 0,
    progress: Counting = unseen,
    complain: Complain = lambda _: None,
) -> "Evaluation":
    """Have one or two models hear the tracks of a manifest, and measure their answers.

    Args:
        model: its name or folder.
        manifest: the labelled tracks, a .csv or .parquet file.
        split: the part of them to hear; "all" for all of it.
        against: another model, to be compared on the same tracks.
        skip_unknown: leave out classes that a model does not know.
        workers: processes; 0 chooses.
        progress: is told of each track and model.
        complain: is told at once of each file that cannot be heard, and only once.

    Raises:
        ManifestError: nothing in the manifest can be asked.
        BundleError: there is no such model, or it is damaged.
    """
    from earmark.learning.data.manifest import read
    from earmark.learning.evaluation.predictions import Predictions, collect, open_predictor
    from earmark.learning.evaluation.results import Speed, evaluate
    from earmark.learning.evaluation.selection import select

    sources = [model, against] if against else [model]
    configs = [open_verified(source).config for source in sources]
    selection = select(read(manifest), manifest, split, configs, skip_unknown=skip_unknown)
    files = [entry.path for entry in selection.manifest.entries]
    workers = workers or sensible_workers(len(files))
    predictions: list[Predictions] = []
    walls = []
    complain = _once(complain)
    with progress(len(files) * len(sources), "tracks") as advance:
        for source, config in zip(sources, configs, strict=True):
            began = time.perf_counter()
            outcomes = _told(run_all(files, partial(open_predictor, source), workers), advance, complain)
            predictions.append(collect(config, manifest, selection.manifest, outcomes))
            walls.append(time.perf_counter() - began)
    heard = predictions[0].predicted
    speed = Speed(sum(each.seconds for each in heard), walls[0], sum(each.cpu for each in heard), workers)
    return evaluate(split, selection, speed, predictions[0], predictions[1] if against else None)


def repeat(model: str, tables: Path, recipe: Path | None = None, *, progress: Staging = unstaged) -> "list[Score]":
    """Repeat the protocols of a model that was made from tables of descriptors.

    Args:
        model: its name or folder.
        tables: the folder with the tables.
        recipe: a file, or the name of one that comes with earmark; by default the one that the model names.
        progress: is told how much of each stage is done.

    Raises:
        BundleError: there is no such model, it is damaged, or no recipe of it is known and none is given.
        ManifestError: something is wrong with the recipe.
        TableError: something is wrong with the tables.
    """
    from earmark.recipes import shipped
    from earmark.recipes.house12.recipe import read_recipe
    from earmark.recipes.house12.training import evaluate

    opened = open_verified(model)
    path = shipped.locate(recipe) if recipe else shipped.recipe_of_tables(opened.config)
    with progress() as advance:
        advance("read the tables", 0.0)
        return evaluate(read_recipe(path), tables, advance)


def degrade(
    model: str,
    audio: Path,
    *,
    workers: int = 0,
    progress: Counting = unseen,
    complain: Complain = lambda _: None,
) -> "list[Movement]":
    """Degrade the files in a folder, and measure how far the answers of a model move.

    Args:
        model: its name or folder.
        audio: the folder.
        workers: processes; 0 chooses.
        progress: is told of each file.
        complain: is told at once of each file that cannot be heard.

    Raises:
        BundleError: there is no such model, or it is damaged.
    """
    from earmark.learning.evaluation.degradations import open_moving

    open_verified(model)
    found = list(gather([str(audio)]))
    for each in found:
        if isinstance(each, FileError):
            complain(each)
    files = [each for each in found if isinstance(each, Path)]
    moved: list[Movement] = []
    with progress(len(files), "files") as advance:
        outcomes = run_all(files, partial(open_moving, model), workers or sensible_workers(len(files)))
        for outcome in _told(outcomes, advance, complain):
            moved += () if isinstance(outcome, FileError) else outcome
    return moved


def card(model: str) -> str:
    """The card of a model, Markdown.

    Raises:
        BundleError: there is no such model, or it is damaged.
    """
    from earmark.hearing.bundle import CARD

    return (open_verified(model).folder / CARD).read_text(encoding="utf-8")


def open_verified(model: str) -> "Model":
    """Open a model and check that it answers as it should.

    Raises:
        BundleError: there is no such model, or it is damaged.
    """
    from earmark.hearing import Model

    opened = Model.open(model)
    opened.verify()
    return opened


def _told(outcomes: Iterable[Outcome[T]], advance: Callable[[], None], complain: Complain) -> Iterator[Outcome[T]]:
    """Pass outcomes on, count each, and complain of what cannot be heard."""
    for outcome in outcomes:
        advance()
        if isinstance(outcome, FileError):
            complain(outcome)
        yield outcome


def _once(complain: Complain) -> Complain:
    """Complain of each file once, however many models fail to hear it."""
    told: set[str] = set()

    def complain_once(failure: FileError) -> None:
        if str(failure) not in told:
            told.add(str(failure))
            complain(failure)

    return complain_once
