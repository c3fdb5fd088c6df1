r"""From the tables to a shipped model, and the figures that stand in its card.

    recipe (TOML) + tables -> lessons -> fit -> calibrate -> bundle
                           \-> protocols (evaluate): the same recipe on parts of the rows, tested on the others

`held_out` gives the predictions that a model is calibrated on, and `fitted` the network itself, for those who want to
pool it with another one before they calibrate.

The same recipe and the same versions give the same weights, bit for bit, on one kind of processor.
"""

import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from earmark.errors import TableError
from earmark.hearing.bundle import Config
from earmark.learning import bundle
from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.measures.classification import apply_temperature, fit_temperature
from earmark.measures.scores import Score, score
from earmark.recipes.house12 import card, fitting, tables
from earmark.recipes.house12.fitting import FitConfig, OneThread
from earmark.recipes.house12.held_out import HeldOut, Teaching, cross_validate
from earmark.recipes.house12.shifts import Lessons, Shift, learn, learn_shift, load, save
from earmark.recipes.house12.tables import UNLABELLED, Indices, Protocol, Rows, Table, Task
from earmark.styles import styles

Progress = Callable[[str, float], None]

AS_SHIPPED = "styles 2021, by artist, as shipped"
DRUM_AND_BASS, HALFTIME = "Drum & Bass", "Halftime"


@dataclass(frozen=True)
class Recipe:
    """A recipe file, read."""

    name: str
    summary: str
    windows: dict[str, float]
    lessons: dict[str, Any]
    lessons_file: Path
    fit: FitConfig
    unknown: dict[str, float]


@dataclass(frozen=True)
class Examples:
    """All rows that a shipped model is trained on; `artists` is "" where unknown, `weights` how much a row counts.

    `genres` are what the shop called them, one task for each table. Rows may have a genre and no style.
    """

    rows: Rows
    labels: Indices
    genres: tuple[Task, ...]
    artists: tuple[str, ...]
    weights: NDArray[np.float32]
    tested: NDArray[np.bool_]  # rows whose label and artist were measured: the ones that may be tested on


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        TableError: it is missing, no TOML, or has a key too many or too few.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        fit = FitConfig(**raw.pop("fit"))
        lessons_file = path.with_name(raw["lessons"].pop("file"))
        return Recipe(fit=replace(fit, hidden=tuple(fit.hidden)), lessons_file=lessons_file, **raw)
    except FileNotFoundError:
        raise TableError(f"{path}: no such recipe") from None
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise TableError(f"{path}: not a recipe: {error}") from error


def examples(new: Table, old: Table, lessons: Lessons, recipe: Recipe) -> Examples:
    """The rows of both tables, and rows for Halftime, which neither has.

    Halftime is what prior knowledge allows: the rows of drum & bass, at their tempo, moved as the descriptors move
    when the drums play half as often. They have no genre: no shop named them.
    """
    labels = [style.label for style in styles()]
    rows = np.concatenate([new.rows, old.rows])
    known = tables.indices((*new.styles, *old.styles), labels)
    artists = (*new.artists, *old.artists)
    source = np.flatnonzero(known == labels.index(DRUM_AND_BASS))
    half = learn_shift(lessons.half_time, rows, constant=True)  # a constant does not depend on the rows
    half_rows = half.apply(rows[source], np.random.default_rng(recipe.lessons["seed"]))
    half_rows[:, tables.STATISTICS :] = rows[source, tables.STATISTICS :]  # the tempo is the same
    unnamed = np.full(len(source), UNLABELLED)
    in_new = np.arange(len(rows) + len(source)) < len(new.rows)
    return Examples(
        rows=np.concatenate([rows, half_rows]),
        labels=np.concatenate([known, np.full(len(source), labels.index(HALFTIME))]),
        genres=tuple(
            Task(np.concatenate([task.labels, unnamed]), task.classes) for task in tables.genre_tasks(new, old)
        ),
        artists=(*artists, *(artists[row] for row in source)),
        weights=np.repeat([1.0, recipe.lessons["half_time_weight"]], [len(rows), len(source)]).astype(np.float32),
        tested=np.concatenate([known != UNLABELLED, unnamed != UNLABELLED]) & in_new,
    )


def degraded_copies(rows: Rows, lessons: Lessons, recipe: Recipe) -> list[Rows]:
    """What damaged recordings of the same tracks would have given, `copies` times for each degradation."""
    generator = np.random.default_rng(recipe.lessons["seed"])
    shifts = [learn_shift(pairs, rows) for pairs in lessons.degraded.values()]
    return [_keep_tempo(shift, rows, generator) for shift in shifts for _ in range(recipe.lessons["copies"])]


def _keep_tempo(shift: Shift, rows: Rows, generator: np.random.Generator) -> Rows:
    """Apply a shift to all but the tempo: a point on a circle has no linear regression."""
    moved = shift.apply(rows, generator)
    moved[:, tables.STATISTICS :] = rows[:, tables.STATISTICS :]
    return moved


def run_protocols(
    recipe: Recipe, folder: Path, lessons: Lessons, progress: Progress, keep: Path | None = None
) -> Iterator[Score]:
    """The recipe under each of the protocols whose figures are known."""
    for protocol in tables.protocols(folder):
        with OneThread():
            found = cross_validate(
                protocol,
                recipe.fit,
                teaching=_teaching(lessons, recipe),
                keep=keep,
                progress=lambda share, name=protocol.name: progress(name, share),  # type: ignore[misc]
            )
        yield score(protocol.name, protocol.classes, found.labels, found.probabilities, tables.REFERENCE[protocol.name])


def by_artist(sample: Examples) -> Protocol:
    """Each row of the 2021 table is predicted by a model of all twelve styles that has not heard its artist.

    Five folds by artist over the 2021 rows. The 2016 rows name no artist: they are in every training part but for those
    that must be a track under test.
    """
    tested = np.flatnonzero(sample.tested)
    numbers = {artist: number for number, artist in enumerate(dict.fromkeys(sample.artists))}
    groups = np.array([numbers[artist] for artist in sample.artists])
    nameless = np.array([not artist for artist in sample.artists]) & ~sample.tested
    split = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(tested, sample.labels[tested], groups[tested])
    folds = []
    for _, part in split:
        test = tested[part]
        unheard = ~np.isin(groups, groups[test]) | nameless
        folds.append((np.flatnonzero(unheard & ~tables.same_tracks(sample.rows, sample.rows[test])), test))
    classes = tuple(style.label for style in styles())
    return Protocol(AS_SHIPPED, classes, sample.rows, sample.labels, tuple(folds), sample.genres)


def held_out(recipe: Recipe, folder: Path, progress: Progress, keep: Path | None = None) -> HeldOut:
    """Labels and probabilities of the 2021 rows that have a style, each by a network that has not heard its artist.

    Args:
        recipe: what to do.
        folder: where the tables are.
        progress: called with a title and the share that is done.
        keep: a folder for the answers of folds that are done, so that they are not fitted again.

    Raises:
        TableError: something is wrong with the tables.
    """
    lessons, sample = _prepare(recipe, folder, progress)
    return _held_out(sample, recipe, lessons, progress, keep)


def fitted(recipe: Recipe, folder: Path, progress: Progress) -> DescriptorNetwork:
    """The network of a recipe, fitted to all rows; its logits are not calibrated.

    Raises:
        TableError: something is wrong with the tables.
    """
    lessons, sample = _prepare(recipe, folder, progress)
    teaching = _teaching(lessons, recipe)
    with OneThread():
        return fitting.fit(
            sample.rows,
            sample.labels,
            len(styles()),
            recipe.fit,
            others=sample.genres,
            weights=sample.weights,
            degrade=teaching.degrade,
            strangers=teaching.strangers,
            progress=lambda share: progress("fit", share),
        )


def evaluate(recipe: Recipe, folder: Path, progress: Progress, keep: Path | None = None) -> list[Score]:
    """The scores of a recipe: as shipped, then under each protocol whose figures are known."""
    _, _, shipped = _calibrate(held_out(recipe, folder, progress, keep), recipe)
    lessons, _ = _prepare(recipe, folder, progress)
    return [shipped, *run_protocols(recipe, folder, lessons, progress, keep)]


def train(recipe: Recipe, folder: Path, out: Path, progress: Progress) -> list[Score]:
    """Train, calibrate, measure and write the model of a recipe.

    What is done is kept beside `out`, in a folder that ends in ".training", until the model is written: after an
    interruption the same call goes on where it was.

    Args:
        recipe: what to do.
        folder: where the tables are.
        out: the bundle to write; its last part should be the recipe's name.
        progress: called with a title and the share that is done.

    Raises:
        TableError: something is wrong with the tables.
        BundleError: something that is no model is at `out`.
    """
    bundle.require_replaceable(out)
    keep = out.with_name(f"{out.name}.training")
    scores = evaluate(recipe, folder, progress, keep)
    temperature, threshold, _ = _calibrate(held_out(recipe, folder, progress, keep), recipe)
    network = fitted(recipe, folder, progress)
    config = _config(recipe, network, scores, temperature=round(temperature, 4), threshold=round(threshold, 4))
    check = bundle.check_waveform(network.sample_rate, 3 * network.sample_rate)
    bundle.write(out, network, config, card.write(config, scores), check)
    shutil.rmtree(keep)
    return scores


def _prepare(recipe: Recipe, folder: Path, progress: Progress) -> tuple[Lessons, Examples]:
    new, old = (tables.read(folder, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    if not recipe.lessons_file.exists():
        with OneThread():
            made = learn(recipe.lessons["per_style"], recipe.lessons["seed"], lambda share: progress("lessons", share))
        save(made, recipe.lessons_file)
    lessons = load(recipe.lessons_file)
    return lessons, examples(new, old, lessons, recipe)


def _teaching(lessons: Lessons, recipe: Recipe) -> Teaching:
    return Teaching(lambda rows: degraded_copies(rows, lessons, recipe), lessons.strangers)


def _held_out(sample: Examples, recipe: Recipe, lessons: Lessons, progress: Progress, keep: Path | None) -> HeldOut:
    with OneThread():
        return cross_validate(
            by_artist(sample),
            recipe.fit,
            teaching=_teaching(lessons, recipe),
            weights=sample.weights,
            keep=keep,
            progress=lambda share: progress(AS_SHIPPED, share),
        )


def _calibrate(found: HeldOut, recipe: Recipe) -> tuple[float, float, Score]:
    """Temperature and threshold from held-out predictions, and the score of those."""
    temperature = fit_temperature(found.labels, found.probabilities)
    calibrated = apply_temperature(np.log(found.probabilities), temperature)
    threshold = float(np.quantile(calibrated.max(1), recipe.unknown["real"]))
    classes = tuple(style.label for style in styles())
    return temperature, threshold, score(AS_SHIPPED, classes, found.labels, calibrated, None)


def _config(
    recipe: Recipe, network: DescriptorNetwork, scores: list[Score], *, temperature: float, threshold: float
) -> Config:
    return Config.of(
        network,
        name=recipe.name,
        architecture="descriptors",
        settings={
            "members": recipe.fit.members,
            "hidden": list(recipe.fit.hidden),
            "knots": recipe.fit.knots,
            "harmonics": recipe.fit.harmonics,
        },
        window=recipe.windows["window"],
        hop=recipe.windows["hop"],
        shortest=recipe.windows["shortest"],
        styles=[style.label for style in styles()],
        temperature=temperature,
        unknown_threshold=threshold,
        provenance={
            "summary": recipe.summary,
            "recipe": f"recipes/{recipe.name}.toml",
            "torch": torch.__version__.partition("+")[0],
            "data": card.ATTRIBUTION,
        },
        measures={"precision_at_1": round(scores[0].micro[0].value, 3), "unknown_share": recipe.unknown["real"]}
        | {"protocols": [each.as_json() for each in scores]},
    )
