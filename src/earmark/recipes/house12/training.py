r"""From the tables to a shipped model, and the figures that stand in its card, by one function: `train`.

    recipe (TOML) + tables + measured sound -> examples -> fit -> calibrate -> bundle
                                            \-> protocols (`evaluate`): fitted to some of the rows, tested on others

`held_out` gives the predictions that a model is calibrated on, and `fitted` the network itself, for those who want to
pool it with another one before they calibrate.

The same recipe and the same versions give the same weights, bit for bit, on one kind of processor.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from earmark.hearing.bundle import Config
from earmark.learning import bundle, bundle_files
from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.measures.classification import apply_temperature, fit_temperature
from earmark.measures.scores import Score, score
from earmark.recipes import music
from earmark.recipes.house12 import card, fitting, protocols, recordings, synthetic, tables
from earmark.recipes.house12.examples import AS_SHIPPED, Examples, by_artist, examples
from earmark.recipes.house12.fitting import one_thread
from earmark.recipes.house12.held_out import HeldOut, cross_validate
from earmark.recipes.house12.recipe import TableRecipe
from earmark.recipes.house12.shifts import Pairs
from earmark.recipes.house12.tables import Rows
from earmark.styles import styles

Progress = Callable[[str, float], None]
"""Called with a title and the share that is done."""


@dataclass(frozen=True)
class Calibration:
    """Temperature and unknown threshold, found on held-out predictions, and the score of those."""

    temperature: float
    threshold: float
    score: Score


@dataclass(frozen=True)
class Prepared:
    """What a fit takes: the examples, how descriptors scatter, and sounds that are no music (sounds, 70)."""

    examples: Examples
    scatter: list[Pairs]
    non_music: Rows


def train(recipe: TableRecipe, folder: Path, out: Path, progress: Progress, works: Path | None = None) -> list[Score]:
    """Train, calibrate, measure and write the model of a recipe.

    What is done is kept beside `out`, in a folder that ends in ".training", until the model is written: after an
    interruption the same call goes on where it was.

    Args:
        recipe: the settings.
        folder: the folder of the tables.
        out: the bundle to write; its last part should be the recipe's name.
        progress: called as it goes.
        works: the folder of openly licensed music, needed where the recipe's descriptors of it are missing.

    Raises:
        TableError: something is wrong with the tables, or with the descriptors of the music.
        BundleError: something that is no model is at `out`.
    """
    bundle_files.require_replaceable(out)
    if works and not recipe.recordings.file.exists():
        measure_recordings(recipe, works, progress)
    keep = out.with_name(f"{out.name}.training")
    scores = evaluate(recipe, folder, progress, keep)
    calibration = calibrate(held_out(recipe, folder, progress, keep), recipe)
    network = fitted(recipe, folder, progress)
    config = _config(recipe, network, scores, calibration)
    check = bundle.check_waveform(network.sample_rate, 3 * network.sample_rate)
    attribution = recipe.recordings.file.with_suffix(".md").read_text(encoding="utf-8")
    bundle.write(out, network, config, card.write(config, scores, recipe.notes), check, attribution)
    shutil.rmtree(keep)
    return scores


def evaluate(recipe: TableRecipe, folder: Path, progress: Progress, keep: Path | None = None) -> list[Score]:
    """The scores of a recipe: as shipped, then under each protocol whose figures are known."""
    shipped = calibrate(held_out(recipe, folder, progress, keep), recipe).score
    return [shipped, *run_protocols(recipe, folder, progress, keep)]


def run_protocols(recipe: TableRecipe, folder: Path, progress: Progress, keep: Path | None = None) -> Iterator[Score]:
    """The scores of a recipe under each of the protocols whose figures are known."""
    prepared = prepare(recipe, folder, progress)
    for protocol in protocols.protocols(folder):
        with one_thread():
            found = cross_validate(
                protocol,
                recipe.fit,
                scatter=prepared.scatter,
                non_music=prepared.non_music,
                keep=keep,
                progress=lambda share, name=protocol.name: progress(name, share),  # type: ignore[misc]
            )
        reference = protocols.REFERENCE[protocol.name]
        yield score(protocol.name, protocol.classes, found.labels, found.probabilities, reference)


def held_out(recipe: TableRecipe, folder: Path, progress: Progress, keep: Path | None = None) -> HeldOut:
    """Labels and probabilities of the 2021 rows that have a style, each by a network that has not heard its artist.

    Args:
        recipe: the settings.
        folder: the folder of the tables.
        progress: called as it goes.
        keep: a folder for the predictions of folds that are done, so that they are not fitted again.

    Raises:
        TableError: something is wrong with the tables.
    """
    prepared = prepare(recipe, folder, progress)
    with one_thread():
        return cross_validate(
            by_artist(prepared.examples),
            recipe.fit,
            scatter=prepared.scatter,
            non_music=prepared.non_music,
            weights=prepared.examples.weights,
            keep=keep,
            progress=lambda share: progress(AS_SHIPPED, share),
        )


def fitted(recipe: TableRecipe, folder: Path, progress: Progress) -> DescriptorNetwork:
    """The network of a recipe, fitted to all rows; its logits are not calibrated.

    Raises:
        TableError: something is wrong with the tables.
    """
    prepared = prepare(recipe, folder, progress)
    sample = prepared.examples
    with one_thread():
        return fitting.fit(
            sample.rows,
            sample.labels,
            len(styles()),
            recipe.fit,
            genres=sample.genres,
            auxiliary=[sample.older],
            weights=sample.weights,
            scatter=prepared.scatter,
            non_music=prepared.non_music,
            progress=lambda share: progress("fit", share),
        )


def calibrate(found: HeldOut, recipe: TableRecipe) -> Calibration:
    """The temperature that fits held-out predictions, and the threshold that calls `recipe.unknown` of them unknown."""
    temperature = fit_temperature(found.labels, found.probabilities)
    calibrated = apply_temperature(np.log(found.probabilities), temperature)
    threshold = float(np.quantile(calibrated.max(1), recipe.unknown))
    classes = tuple(style.label for style in styles())
    return Calibration(temperature, threshold, score(AS_SHIPPED, classes, found.labels, calibrated, None))


def prepare(recipe: TableRecipe, folder: Path, progress: Progress) -> Prepared:
    """The examples, and what was measured on other sound; the synthetic sound is measured anew if its file is missing.

    Raises:
        TableError: something is wrong with the tables, or the descriptors of recordings are missing.
    """
    new, old = (tables.read(folder, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    if not recipe.synthetic.file.exists():
        with one_thread():
            made = synthetic.measure(recipe.synthetic, lambda share: progress("synthetic sound", share))
        synthetic.save(made, recipe.synthetic.file)
    rows = synthetic.load(recipe.synthetic.file)
    scatter = [*recordings.load(recipe.recordings.file).values(), *rows.degraded.values()]
    return Prepared(examples(new, old, rows.half_time, recipe), scatter, rows.non_music)


def measure_recordings(recipe: TableRecipe, works: Path, progress: Progress) -> None:
    """Write the descriptors of openly licensed music that a recipe takes, and the list of the works beside them.

    Raises:
        ManifestError: there is no manifest in the folder of the music.
    """
    with one_thread():
        pairs = recordings.measure(recipe.recordings, works, lambda share: progress("real recordings", share))
    excerpts = recordings.chosen(recipe.recordings, works)
    text = music.attribution(recipe.name, excerpts, text=recordings.ATTRIBUTION)
    recipe.recordings.file.with_suffix(".md").write_text(text, encoding="utf-8")
    recordings.save(pairs, recipe.recordings.file)


def _config(recipe: TableRecipe, network: DescriptorNetwork, scores: list[Score], calibration: Calibration) -> Config:
    return Config.of(
        network,
        name=recipe.name,
        architecture="descriptors",
        settings={
            "members": recipe.fit.members,
            "hidden": list(recipe.fit.hidden),
            "knots": recipe.fit.knots,
            "harmonics": recipe.fit.harmonics,
            "genres": network.genres,
        },
        window=recipe.windows.window,
        hop=recipe.windows.hop,
        shortest=recipe.windows.shortest,
        styles=[style.label for style in styles()],
        temperature=round(calibration.temperature, 4),
        unknown_threshold=round(calibration.threshold, 4),
        provenance={
            "summary": recipe.summary,
            "recipe": recipe.origin,
            "torch": torch.__version__.partition("+")[0],
            "data": tables.ATTRIBUTION,
        },
        measures={"precision_at_1": round(scores[0].micro[0].value, 3), "unknown_share": recipe.unknown}
        | {"protocols": [each.as_json() for each in scores]},
    )
