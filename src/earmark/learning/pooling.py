"""The pool as a model: a descriptor network joined with an ear, and the ear of a pool exchanged for another.

What the classes of an ear say of the styles is a table in the recipe, by the names that AudioSet gives them; no real
audio with labels was at hand to learn it from, and none is pretended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, NonNegativeFloat
from torch import nn

from earmark.errors import BundleError, ManifestError
from earmark.hearing.bundle import CARD, Config, read_config
from earmark.learning import cards
from earmark.learning.bundle import check_waveform, load_network, write
from earmark.learning.networks import ARCHITECTURES, AudioNetwork
from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.learning.networks.ear import PATCH, SAMPLE_RATE, EarScores
from earmark.learning.networks.pool import FAINT, LogOpinionPool
from earmark.learning.networks.yamnet.classes import CLASSES, NAMES
from earmark.learning.recipe import Recipe, read

NUMBERS = {name: number for number, name in NAMES.items()}


def _known(name: str) -> str:
    if name not in NUMBERS:
        raise ValueError(f"the ear has no class {name!r}")
    return name


ClassName = Annotated[str, AfterValidator(_known)]
Share = Annotated[float, Field(ge=0, le=1)]


class PoolConfig(Recipe):
    """The recipe of a pool.

    Attributes:
        name: of the model.
        summary: of it, in a line.
        weight: of the ear, where the descriptors have 1.
        every: seconds from one patch that it hears to the next.
        music: the classes that say that there is music.
        other: those that say that there is something else.
        styles: for each style the classes that speak for it, and how much (0-1).
    """

    name: str = Field(min_length=1)
    summary: str
    weight: NonNegativeFloat
    every: float = Field(ge=PATCH / SAMPLE_RATE)
    music: list[ClassName] = Field(min_length=1)
    other: list[ClassName]
    styles: dict[str, dict[ClassName, Share]]

    def likelihood(self, labels: Sequence[str]) -> dict[str, Any]:
        """The settings of `StyleLikelihood` for styles in the order of `labels`.

        Raises:
            ManifestError: a style has no line, or a line has no style.
        """
        if missing := sorted(set(labels) ^ self.styles.keys()):
            raise ManifestError(f"{self.name}: styles without a line, or lines without a style: {', '.join(missing)}")
        return {
            "classes": CLASSES,
            "table": [
                [NUMBERS[name], index, share]
                for index, label in enumerate(labels)
                for name, share in self.styles[label].items()
            ],
            "music": [NUMBERS[name] for name in self.music],
            "other": [NUMBERS[name] for name in self.other],
        }


def read_recipe(path: Path) -> PoolConfig:
    """Read a recipe.

    Raises:
        ManifestError: it is missing, no TOML, or has a key or a value that it should not have.
    """
    return read(PoolConfig, path)


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
        raise BundleError(
            f"{descriptors}: this model is of the architecture {base.architecture!r}, but 'descriptors' is needed"
        )
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
    text = card(config, recipe.styles, (descriptors / CARD).read_text(encoding="utf-8"))
    write(out, pool, config, text, check_waveform(config.sample_rate, 3 * config.sample_rate))
    return config


def join(
    descriptors: DescriptorNetwork, settings: Mapping[str, Any], ear: Path, pool: PoolConfig, labels: Sequence[str]
) -> tuple[LogOpinionPool, dict[str, Any]]:
    """A pool of a descriptor network and the ear of a bundle, and the settings that describe it.

    Raises:
        BundleError: the bundle is damaged, or no ear.
        ManifestError: the table of the pool does not fit.
    """
    config, source = read_config(ear), load_network(ear)
    if config.architecture != "ear" or not isinstance(source, AudioNetwork):
        raise BundleError(f"{ear}: this model is of the architecture {config.architecture!r}, but 'ear' is needed")
    outputs = len(config.styles)
    heard = EarScores(outputs, pool.every)
    heard.body.load_state_dict(source.body.state_dict())
    described = {
        "descriptors": dict(settings),
        "ear": {"architecture": "ear", "settings": {"outputs": outputs, "every": pool.every}},
        "opinions": pool.likelihood(labels),
        "weight": pool.weight,
    }
    return _built(len(labels), described, descriptors, heard), described


def exchange(base: Path, ear: nn.Module, settings: Mapping[str, Any]) -> tuple[LogOpinionPool, Config]:
    """The pool of a bundle with another ear in the place of its own, and its config with the settings changed.

    Args:
        base: a bundle of architecture `pool`.
        ear: what listens instead, with the same classes.
        settings: `architecture` and `settings` of it, as `networks.pool` takes them.

    Raises:
        BundleError: the bundle is damaged, or no pool.
    """
    config, source = read_config(base), load_network(base)
    if not isinstance(source, LogOpinionPool):
        raise BundleError(f"{base}: this model is of the architecture {config.architecture!r}, but 'pool' is needed")
    described = config.settings | {"ear": dict(settings)}
    network = _built(len(config.styles), described, source.descriptors, ear)
    return network, replace(config, settings=described)


def _built(styles: int, settings: Mapping[str, Any], descriptors: nn.Module, ear: nn.Module) -> LogOpinionPool:
    """A pool with the weights of its members, in evaluation mode."""
    network = ARCHITECTURES["pool"](styles, **settings)
    assert isinstance(network, LogOpinionPool)  # noqa: S101  the table says so
    network.descriptors.load_state_dict(descriptors.state_dict())
    network.ear.load_state_dict(ear.state_dict())
    return network.eval()


POOLED = """{signature} Two networks are asked together, in a log-opinion pool inside
one ONNX file: *descriptors*, trained on measurements of real shop tracks (their own card is the second part of this
one), and the *ear*, convolutions that learned to say what networks say that have heard millions of real recordings. MIT
licence.

    log P(style) = log P(style | descriptors) + {weight:g} x log (what the ear hears of it + {faint:g})
"""

EAR = """It has never heard real music itself, and no label of a person. {attribution}

Pearson's correlation of its scores with its teacher's, over patches of 0.96 s; a class whose scores the teacher hardly
varied on that sound is left out:
"""

TABLE = """Classes that cover several styles of a family speak for each of them alike, so both networks choose the
family, and the descriptors the style within it. The weight is the recipe's: **there is no labelled real audio to choose
a weight by, and none was pretended.** For the same reason no figure below is for the pool: rows of descriptors cannot
be heard by an ear, and where it says nothing the pool answers as the descriptors do. What is known of the pool is how
steady it is (`earmark evaluate --audio`, docs/evaluate.md).
"""

UNKNOWN = """The answer is flattened by the share of music in what the ear hears (against speech, silence, tones and
noise), and where the two networks contradict each other more than an ear that says nothing would. The threshold is the
descriptors'.
"""


def card(config: Config, table: Mapping[str, Mapping[str, float]], descriptors: str) -> str:
    """The card of a pool, in Markdown; `table` is the recipe's, `descriptors` the card of the other member."""
    speakers = (
        (style, ", ".join(f"{name} {share:g}" for name, share in classes.items())) for style, classes in table.items()
    )
    return cards.card(
        config.name,
        config.provenance["summary"],
        POOLED.format(signature=cards.signature(config), weight=config.settings["weight"], faint=FAINT),
        cards.section(
            "The ear",
            EAR.format(attribution=cards.sentence(config.provenance["ear"])),
            cards.fidelity(config.measures["ear"]),
            "Which of its classes speak for which style, and how much, is a table written by hand:",
            cards.table(["style", "classes"], speakers),
            TABLE,
        ),
        cards.section('When it says "unlike anything I know"', UNKNOWN),
        cards.section("The descriptors' own card", cards.enclosed(descriptors)),
    )
