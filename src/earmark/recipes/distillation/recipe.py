"""From sound to an ear: the whole distillation, by one recipe.

    recipe (TOML) -> sound -> shards -> distillation -> fidelity -> bundle with its card

Each stage keeps what it made beside the bundle, in OUT.training, and goes on where it was.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from pydantic import Field, PositiveInt

from earmark.hearing.bundle import Config
from earmark.learning import bundle, bundle_files
from earmark.learning import recipe as recipes
from earmark.learning.networks import ARCHITECTURES, AudioNetwork
from earmark.learning.recipe import Recipe
from earmark.recipes.distillation import card, distil, fidelity, material, shards
from earmark.recipes.distillation.distil import DistilConfig
from earmark.recipes.distillation.fidelity import Fidelity
from earmark.recipes.distillation.material import SoundConfig
from earmark.recipes.distillation.scenes import Material, scene
from earmark.recipes.distillation.shards import Teachers
from earmark.recipes.distillation.teachers import OUTPUTS

Progress = Callable[[str, float], None]
"""Called with a stage and the share of it that is done."""

HELD_OUT_SEED = 1_000_000  # of the scenes that test: no shard has such a number
HELD_OUT_SCENES = 600
EVERY = 2.912  # seconds from one patch to the next, as it is used: ten in 29.12 s


class EarRecipe(Recipe):
    """The recipe of an ear: `shards` of `scenes` each."""

    name: str = Field(min_length=1)
    summary: str
    shards: PositiveInt
    scenes: PositiveInt
    sound: SoundConfig
    distil: DistilConfig


def read_recipe(path: Path) -> EarRecipe:
    """Read a recipe.

    Raises:
        ManifestError: it is missing, no TOML, or has a key or a value that it should not have.
    """
    return recipes.read(EarRecipe, path)


def train(
    recipe: EarRecipe,
    out: Path,
    *,
    tables: Path,
    teachers: Path,
    real: Sequence[Path] = (),
    workers: int = 1,
    progress: Progress,
) -> dict[str, Fidelity]:
    """Make the sound, label it, distil, measure, and write the ear as a bundle.

    Args:
        recipe: the settings.
        out: the bundle to write; `OUT.training` beside it holds what was made on the way.
        tables: the folder of the measured tables, which some of the sound follows.
        teachers: the folder with the files of the teachers.
        real: files of real music to measure on; nothing learns from them.
        workers: processes that make sound and shards.
        progress: called as it goes.

    Returns:
        The fidelity on held-out scenes, and on real files if there are any.

    Raises:
        ManifestError: a program or a collection of sounds is missing.
        TableError: something is wrong with the tables.
        BundleError: a teacher's file is missing, or something that is no model stands where the ear is to be written.
    """
    out = out.absolute()
    bundle_files.require_replaceable(out)
    folder = out.with_name(out.name + ".training")
    clips = material.prepare(
        recipe.sound, folder / "sound", tables, workers, lambda kind, share: progress(f"sound: {kind}", share)
    )
    heard = Material.of([clip for clip in clips if clip.split != "test"], folder / "clips", recipe.sound.seed)
    unheard = Material.of([clip for clip in clips if clip.split == "test"], folder / "clips", recipe.sound.seed)
    taught_by = Teachers(teachers)
    for done in shards.make(folder / "shards", recipe.shards, recipe.scenes, heard, taught_by, workers):
        progress("shards", done / recipe.shards)
    paths = [shards.path_of(folder / "shards", number) for number in range(recipe.shards)]
    weights = distil.distil(paths, recipe.distil, folder, lambda step: progress("distillation", step.done / step.total))
    network = ARCHITECTURES["ear"](len(OUTPUTS), every=EVERY)
    assert isinstance(network, AudioNetwork)  # noqa: S101  the table says so
    network.body.load_state_dict(weights)
    network.eval()
    scenes = [scene(unheard, (recipe.sound.seed, HELD_OUT_SEED, index)) for index in range(HELD_OUT_SCENES)]
    measured = {"held-out scenes": fidelity.compare(network, [shards.label(scenes, taught_by, tag_every=4)])}
    if real:
        measured["real files"] = fidelity.compare(network, fidelity.judge(real, taught_by))
    config = _config(recipe, network, measured)
    text = card.write(recipe.name, recipe.summary, clips, recipe.shards * recipe.scenes, measured)
    bundle.write(out, network, config, text, bundle.check_waveform(material.RATE, 3 * material.RATE))
    return measured


def _config(recipe: EarRecipe, network: AudioNetwork, measured: dict[str, Fidelity]) -> Config:
    return Config.of(
        network,
        name=recipe.name,
        task="tags",
        architecture="ear",
        settings={"every": EVERY},
        shortest=1.0,
        styles=OUTPUTS,
        families=dict.fromkeys(OUTPUTS, "Sound"),
        provenance={
            "summary": recipe.summary,
            "recipe": f"recipes/{recipe.name}.toml",
            "torch": torch.__version__.partition("+")[0],
            "data": card.ATTRIBUTION,
        },
        measures={kind: each.as_json() for kind, each in measured.items()},
    )
