"""From sound to an ear: the whole distillation, by one recipe.

    recipe (TOML) -> clips -> bank -> distillation -> fidelity -> bundle with its card

Each stage keeps what it made beside the bundle, in OUT.training, and goes on where it was. It runs on a graphics card
where there is one: an H100 hears a million scenes in minutes, two cores need a day.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from earmark.hearing.bundle import Config
from earmark.learning import bundle, bundle_files
from earmark.learning import recipe as recipes
from earmark.learning.networks import AudioNetwork
from earmark.learning.networks.ear10 import SAMPLE_RATE
from earmark.learning.recipe import Recipe
from earmark.recipes import music
from earmark.recipes.distillation import bank, card, distil, fidelity, material, teachers
from earmark.recipes.distillation.distil import DistilConfig, Distilled
from earmark.recipes.distillation.fidelity import Fidelity, Judged
from earmark.recipes.distillation.material import Clip, SoundConfig

Progress = Callable[[str, float], None]
"""Called with a stage and the share of it that is done."""


@dataclass(frozen=True)
class Report:
    """The outcome: fidelity on held-out music, and on the real files if there are any; works that could not be read."""

    fidelity: dict[str, Fidelity]
    unread: tuple[str, ...]


class EarRecipe(Recipe):
    """The recipe of an ear; `networks` are the settings of each candidate, by its name."""

    name: str = Field(min_length=1)
    summary: str
    sound: SoundConfig
    distil: DistilConfig
    networks: dict[str, dict[str, Any]] = Field(min_length=1)


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
    works: Path,
    tables: Path,
    taught_by: Path,
    real: Sequence[Path] = (),
    workers: int = 1,
    minutes: float | None = None,
    progress: Progress,
) -> Report:
    """Gather the sound, distil, measure, and write the ear as a bundle.

    Args:
        recipe: the settings.
        out: the bundle to write; `OUT.training` beside it holds what was made on the way.
        works: the folder of real music with its manifest.
        tables: the folder of the measured tables, which some of the sound follows.
        taught_by: the folder with the files of the teachers.
        real: further files of real music to measure on; nothing learns from them.
        workers: processes that make sound.
        minutes: for the distillation, where it is to end earlier than the recipe says.
        progress: called as it goes.

    Raises:
        ManifestError: the music, a program or a collection of sounds is missing, or nothing of it can be heard.
        TableError: something is wrong with the tables.
        BundleError: a teacher's file is missing, or something that is no model stands where the ear is to be written.
    """
    out = out.absolute()
    bundle_files.require_replaceable(out)
    folder = out.with_name(out.name + ".training")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clips = material.clips(
        recipe.sound, folder / "sound", works, tables, workers, lambda kind, share: progress(f"sound: {kind}", share)
    )
    heard = bank.bank(
        [clip for clip in clips if clip.split != "test"],
        folder,
        recipe.sound.seed,
        workers,
        lambda share: progress("bank", share),
    ).to(device)
    teaching = teachers.opened(taught_by, device)
    unheard = [clip.source for clip in clips if clip.kind in {"music", "contrast"} and clip.split == "test"]
    judged = {"held-out music": fidelity.judge([path for path in unheard if isinstance(path, Path)], teaching)}
    if real:
        judged["real files"] = fidelity.judge(real, teaching)

    def follows(network: AudioNetwork) -> float:
        return fidelity.compare(fidelity.answers(network, judged["held-out music"]), judged["held-out music"]).mean

    distilled = distil.distil(
        heard,
        teaching,
        recipe.networks,
        recipe.distil,
        folder,
        follows,
        lambda step: progress(f"distillation, loss {step.loss:.2f}", step.share),
        minutes=minutes,
    )
    network = distilled.network
    measured = {kind: fidelity.compare(fidelity.answers(network, each), each) for kind, each in judged.items()}
    not_held = {str(path.relative_to(works)) for path in judged["held-out music"].unread}
    unread = tuple(clip.name for clip in clips if clip.name in not_held.union(heard.unread))
    made = Made(replace(distilled, network=network.cpu()), clips, heard.hours, unread)
    publish(out, recipe, made, works, measured, judged)
    return Report(measured, unread)


@dataclass(frozen=True)
class Made:
    """The result of a distillation, and its sound; `unread` are the names of the clips that could not be read."""

    distilled: Distilled
    clips: Sequence[Clip]
    hours: float
    unread: Sequence[str]


def publish(
    out: Path,
    recipe: EarRecipe,
    made: Made,
    works: Path,
    measured: Mapping[str, Fidelity],
    judged: Mapping[str, Judged],
) -> None:
    """Write the bundle: network, card, and the list of the works.

    Raises:
        BundleError: it cannot be written, or ONNX Runtime hears something else than torch.
    """
    config = _config(recipe, made, measured)
    choice = card.chosen(made.distilled, recipe.distil.steps)
    text = card.write(
        recipe.name, recipe.summary, made.clips, made.unread, made.hours, made.distilled.name, choice, measured, judged
    )
    check = bundle.check_waveform(SAMPLE_RATE, 10 * SAMPLE_RATE)
    named = music.attribution(recipe.name, music.read(works), made.unread)
    bundle.write(out, made.distilled.network, config, text, check, named)


def _config(recipe: EarRecipe, made: Made, measured: Mapping[str, Fidelity]) -> Config:
    return Config.of(
        made.distilled.network,
        name=recipe.name,
        task="tags",
        architecture="ear10",
        settings=dict(recipe.networks[made.distilled.name]),
        shortest=1.0,
        styles=teachers.OUTPUTS,
        families=dict.fromkeys(teachers.OUTPUTS, "Sound"),
        provenance={
            "summary": recipe.summary,
            "recipe": recipe.origin,
            "torch": torch.__version__.partition("+")[0],
            "data": card.ATTRIBUTION,
            "trial": dict(made.distilled.trial.figures) if made.distilled.trial else {},
            "steps": made.distilled.steps,
        },
        measures={kind: each.as_json() for kind, each in measured.items()},
    )
