"""The pool as a model: a descriptor network joined with an ear, and the ear of a pool exchanged for another.

What the classes of an ear say of the styles is a table in the recipe, by the names that AudioSet gives them; no real
audio with labels was at hand to learn it from, and none is pretended.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from earmark.errors import BundleError, ManifestError
from earmark.hearing.bundle import CARD, Config, read_config
from earmark.learning import pool_card
from earmark.learning.bundle import check_waveform, load_network, write
from earmark.learning.networks import ARCHITECTURES, AudioNetwork, DescriptorNetwork, OpinionPool
from earmark.learning.networks.ear import EarScores
from earmark.learning.networks.yamnet.classes import CLASSES, NAMES


@dataclass(frozen=True)
class PoolConfig:
    """How an ear is listened to: a recipe file, read.

    Attributes:
        name: of the model.
        summary: of it, in a line.
        weight: of the ear, where the descriptors have 1.
        every: seconds from one patch that it hears to the next.
        music: the classes that say that there is music.
        other: those that say that there is something else.
        styles: for each style the classes that speak for it, and how much (0-1).
    """

    name: str
    summary: str
    weight: float
    every: float
    music: Sequence[str]
    other: Sequence[str]
    styles: Mapping[str, Mapping[str, float]]

    def opinions(self, labels: Sequence[str]) -> dict[str, Any]:
        """The settings of `Opinions` for styles in the order of `labels`.

        Raises:
            ManifestError: a class has no such name, or a style has no line.
        """
        numbers = {name: number for number, name in NAMES.items()}
        wanted = {name for speakers in self.styles.values() for name in speakers} | {*self.music, *self.other}
        if unknown := sorted(wanted - numbers.keys()):
            raise ManifestError(f"the pool: no classes of the ear: {', '.join(unknown)}")
        if missing := sorted(set(labels) ^ self.styles.keys()):
            raise ManifestError(f"the pool: styles without a line, or lines without a style: {', '.join(missing)}")
        return {
            "classes": CLASSES,
            "table": [
                [numbers[name], index, share]
                for index, label in enumerate(labels)
                for name, share in self.styles[label].items()
            ],
            "music": [numbers[name] for name in self.music],
            "other": [numbers[name] for name in self.other],
        }


def read_recipe(path: Path) -> PoolConfig:
    """Read a recipe.

    Raises:
        ManifestError: it is missing, no TOML, or has a key too many or too few.
    """
    try:
        return PoolConfig(**tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such recipe") from None
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ManifestError(f"{path}: not a recipe of a pool: {error}") from error


def make(recipe: PoolConfig, descriptors: Path, ear: Path, out: Path) -> Config:
    """Write the pool of two bundles.

    Temperature and threshold are those of the descriptors: they were found on the rows of real tracks, which an ear
    cannot hear. Where the ear says nothing the pool answers as they do.

    Args:
        recipe: how they are joined.
        descriptors: a bundle of architecture `descriptors`.
        ear: a bundle of architecture `ear`.
        out: the bundle to write.

    Raises:
        BundleError: one of them is damaged or of another architecture, or something that is no model is at `out`.
        ManifestError: the table of the recipe does not fit.
    """
    base, heard = read_config(descriptors), read_config(ear)
    network = load_network(descriptors)
    if not isinstance(network, DescriptorNetwork):
        raise BundleError(f"{descriptors}: a model of architecture {base.architecture!r}, no descriptors")
    pool, settings = join(network, base.settings, ear, recipe, base.styles)
    config = replace(
        base,
        name=recipe.name,
        architecture="pool",
        settings=settings,
        provenance=base.provenance
        | {"summary": recipe.summary, "recipe": f"recipes/{recipe.name}-pool.toml", "ear": heard.provenance["data"]},
        measures=base.measures | {"ear": heard.measures},
        sha256={},
    )
    text = pool_card.write(config, recipe.styles, (descriptors / CARD).read_text(encoding="utf-8"))
    write(out, pool, config, text, check_waveform(config.sample_rate, 3 * config.sample_rate))
    return config


def join(
    descriptors: DescriptorNetwork, settings: Mapping[str, Any], ear: Path, pool: PoolConfig, labels: Sequence[str]
) -> tuple[OpinionPool, dict[str, Any]]:
    """A pool of a descriptor network and the ear of a bundle, and the settings that describe it.

    Raises:
        BundleError: the bundle is damaged, or no ear.
        ManifestError: the table of the pool does not fit.
    """
    config, source = read_config(ear), load_network(ear)
    if config.architecture != "ear" or not isinstance(source, AudioNetwork):
        raise BundleError(f"{ear}: a model of architecture {config.architecture!r}, no ear")
    outputs = len(config.styles)
    heard = EarScores(outputs, pool.every)
    heard.body.load_state_dict(source.body.state_dict())
    described = {
        "descriptors": dict(settings),
        "ear": {"architecture": "ear", "settings": {"outputs": outputs, "every": pool.every}},
        "opinions": pool.opinions(labels),
        "weight": pool.weight,
    }
    return _built(len(labels), described, descriptors, heard), described


def exchange(base: Path, ear: nn.Module, settings: Mapping[str, Any]) -> tuple[OpinionPool, Config]:
    """The pool of a bundle with another ear in the place of its own, and its config with the settings changed.

    Args:
        base: a bundle of architecture `pool`.
        ear: what listens instead, with the same classes.
        settings: `architecture` and `settings` of it, as `networks.pool` takes them.

    Raises:
        BundleError: the bundle is damaged, or no pool.
    """
    config, source = read_config(base), load_network(base)
    if not isinstance(source, OpinionPool):
        raise BundleError(
            f"{base}: a model of architecture {config.architecture!r}, no pool whose ear can be exchanged"
        )
    described = config.settings | {"ear": dict(settings)}
    network = _built(len(config.styles), described, source.descriptors, ear)
    return network, replace(config, settings=described)


def _built(styles: int, settings: Mapping[str, Any], descriptors: nn.Module, ear: nn.Module) -> OpinionPool:
    """A pool with the weights of its members, in evaluation mode."""
    network = ARCHITECTURES["pool"](styles, **settings)
    assert isinstance(network, OpinionPool)  # noqa: S101  the table says so
    network.descriptors.load_state_dict(descriptors.state_dict())
    network.ear.load_state_dict(ear.state_dict())
    return network.eval()
