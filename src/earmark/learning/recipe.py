r"""From the tables to a shipped model, and the figures that stand in its card.

    recipe (TOML) + tables -> lessons -> fit -> calibrate -> bundle
                           \-> protocols (evaluate): the same recipe on parts of the rows, tested on the others

The same recipe and the same versions give the same weights, bit for bit, on one kind of processor.
"""

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
from earmark.hearing.bundle import FORMAT, Config
from earmark.learning import bundle, card, fitting, tables
from earmark.learning.evaluate import apply_temperature, fit_temperature
from earmark.learning.fitting import FitConfig, OneThread
from earmark.learning.forest import ForestConfig
from earmark.learning.frontend import Descriptors
from earmark.learning.lessons import Lessons, Shift, learn, learn_shift, load, save
from earmark.learning.measures import Score, score
from earmark.learning.tables import Indices, Protocol, Rows, Table
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
    """All rows that a shipped model is trained on; `artists` is "" where unknown, `weights` how much a row counts."""

    rows: Rows
    labels: Indices
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
        forest = ForestConfig(**raw.pop("forest"))
        fit = FitConfig(**raw.pop("fit") | {"forest": forest})
        lessons_file = path.with_name(raw["lessons"].pop("file"))
        return Recipe(fit=replace(fit, hidden=tuple(fit.hidden)), lessons_file=lessons_file, **raw)
    except FileNotFoundError:
        raise TableError(f"{path}: no such recipe") from None
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise TableError(f"{path}: not a recipe: {error}") from error


def examples(new: Table, old: Table, lessons: Lessons, recipe: Recipe) -> Examples:
    """The mapped rows of both tables, and rows for Halftime, which neither has.

    Halftime is what prior knowledge allows: the rows of drum & bass, at their tempo, moved as the descriptors move
    when the drums play half as often.
    """
    labels = [style.label for style in styles()]
    kept = [np.flatnonzero([bool(style) for style in table.styles]) for table in (new, old)]
    rows = np.concatenate([new.rows[kept[0]], old.rows[kept[1]]])
    named = [table.styles[row] for table, part in zip((new, old), kept, strict=True) for row in part]
    artists = [new.artists[row] for row in kept[0]] + [""] * len(kept[1])
    source = np.flatnonzero([style == DRUM_AND_BASS for style in named])
    half = learn_shift(lessons.half_time, rows, constant=True)
    generator = np.random.default_rng(recipe.lessons["seed"])
    half_rows = half.apply(rows[source], generator)
    half_rows[:, tables.STATISTICS :] = rows[source, tables.STATISTICS :]  # the tempo is the same
    return Examples(
        rows=np.concatenate([rows, half_rows]),
        labels=np.array([labels.index(style) for style in named] + [labels.index(HALFTIME)] * len(source)),
        artists=(*artists, *(artists[row] for row in source)),
        weights=np.repeat([1.0, recipe.lessons["half_time_weight"]], [len(rows), len(source)]).astype(np.float32),
        tested=np.arange(len(rows) + len(source)) < len(kept[0]),
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


def run_protocols(recipe: Recipe, folder: Path, lessons: Lessons, progress: Progress) -> Iterator[Score]:
    """The recipe under each of the protocols whose figures are known."""
    for protocol in tables.protocols(folder):
        with OneThread():
            labels, probabilities = fitting.cross_validate(
                protocol,
                recipe.fit,
                degraded=degraded_copies(protocol.rows, lessons, recipe),
                strangers=lessons.strangers,
                progress=lambda share, name=protocol.name: progress(name, share),  # type: ignore[misc]
            )
        yield score(protocol.name, protocol.classes, labels, probabilities, tables.REFERENCE[protocol.name])


def by_artist(sample: Examples) -> Protocol:
    """Each row of the 2021 table is predicted by a model of all twelve styles that has not heard its artist.

    Five folds by artist over the 2021 rows; the 2016 rows, which name no artist, are in every training part.
    """
    tested = np.flatnonzero(sample.tested)
    numbers = {artist: number for number, artist in enumerate(dict.fromkeys(sample.artists))}
    groups = np.array([numbers[artist] for artist in sample.artists])
    split = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(tested, sample.labels[tested], groups[tested])
    folds = []
    for _, test in split:
        unheard = groups[tested[test]]
        nameless = np.array([not artist for artist in sample.artists]) & ~sample.tested
        folds.append((np.flatnonzero(~np.isin(groups, unheard) | nameless), tested[test]))
    return Protocol(AS_SHIPPED, tuple(style.label for style in styles()), sample.rows, sample.labels, tuple(folds))


def evaluate(recipe: Recipe, folder: Path, progress: Progress) -> list[Score]:
    """The scores of a recipe: as shipped, then under each protocol whose figures are known."""
    lessons, sample = _prepare(recipe, folder, progress)
    _, _, shipped = _calibrate(sample, recipe, lessons, progress)
    return [shipped, *run_protocols(recipe, folder, lessons, progress)]


def train(recipe: Recipe, folder: Path, out: Path, progress: Progress) -> list[Score]:
    """Train, calibrate, measure and write the model of a recipe.

    Args:
        recipe: what to do.
        folder: where the tables are.
        out: the bundle to write; its last part should be the recipe's name.
        progress: called with a title and the share that is done.

    Raises:
        TableError: something is wrong with the tables.
    """
    lessons, sample = _prepare(recipe, folder, progress)
    temperature, threshold, shipped = _calibrate(sample, recipe, lessons, progress)
    scores = [shipped, *run_protocols(recipe, folder, lessons, progress)]
    with OneThread():
        network = fitting.fit(
            sample.rows,
            sample.labels,
            len(styles()),
            recipe.fit,
            weights=sample.weights,
            degraded=degraded_copies(sample.rows, lessons, recipe),
            strangers=lessons.strangers,
            progress=lambda share: progress("fit", share),
        )
        config = _config(recipe, scores, temperature=round(temperature, 4), threshold=round(threshold, 4))
        rate = Descriptors.SAMPLE_RATE
        bundle.write(out, network, config, card.write(config, scores), bundle.check_waveform(rate, 3 * rate))
    return scores


def _prepare(recipe: Recipe, folder: Path, progress: Progress) -> tuple[Lessons, Examples]:
    new, old = (tables.read(folder, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    if not recipe.lessons_file.exists():
        with OneThread():
            made = learn(recipe.lessons["per_style"], recipe.lessons["seed"], lambda share: progress("lessons", share))
        save(made, recipe.lessons_file)
    lessons = load(recipe.lessons_file)
    return lessons, examples(new, old, lessons, recipe)


def _calibrate(sample: Examples, recipe: Recipe, lessons: Lessons, progress: Progress) -> tuple[float, float, Score]:
    """Temperature and threshold from held-out predictions, and the score of those."""
    with OneThread():
        labels, held_out = fitting.cross_validate(
            by_artist(sample),
            recipe.fit,
            weights=sample.weights,
            degraded=degraded_copies(sample.rows, lessons, recipe),
            strangers=lessons.strangers,
            progress=lambda share: progress(AS_SHIPPED, share),
        )
    temperature = fit_temperature(labels, held_out)
    calibrated = apply_temperature(np.log(held_out), temperature)
    threshold = float(np.quantile(calibrated.max(1), recipe.unknown["real"]))
    classes = tuple(style.label for style in styles())
    return temperature, threshold, score(AS_SHIPPED, classes, labels, calibrated, None)


def _config(recipe: Recipe, scores: list[Score], *, temperature: float, threshold: float) -> Config:
    rows = styles()
    return Config(
        format=FORMAT,
        name=recipe.name,
        task="styles",
        architecture="descriptors",
        settings={"members": recipe.fit.members, "hidden": list(recipe.fit.hidden), "knots": recipe.fit.knots},
        sample_rate=Descriptors.SAMPLE_RATE,
        **recipe.windows,
        styles=[style.label for style in rows],
        families={style.label: style.family for style in rows},
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
        sha256={},
    )
