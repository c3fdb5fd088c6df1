"""The pool as a model: a descriptor network joined with an ear, and the ear of a pool exchanged for another.

What the classes of an ear say of the styles is a table in the recipe, by the names that AudioSet gives them; no real
audio with labels was at hand to learn it from, and none is pretended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat
from torch import nn

from earmark.errors import BundleError, ManifestError
from earmark.hearing.bundle import ATTRIBUTION, CARD, Config, read_config
from earmark.learning import cards
from earmark.learning.bundle import check_waveform, load_network, write
from earmark.learning.networks import ARCHITECTURES, AudioNetwork
from earmark.learning.networks.architectures import EARS
from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.learning.networks.ear import PATCH, SAMPLE_RATE
from earmark.learning.networks.pool import HEARD, LogOpinionPool
from earmark.learning.networks.yamnet.classes import CLASSES, NAMES
from earmark.learning.recipe import Recipe, read

NUMBERS = {name: number for number, name in NAMES.items()}


def _known(name: str) -> str:
    if name not in NUMBERS:
        raise ValueError(f"the ear has no class {name!r}")
    return name


ClassName = Annotated[str, AfterValidator(_known)]
Share = Annotated[float, Field(ge=0, le=1)]


Pair = Annotated[tuple[str, str], Field(strict=False)]
Range = Annotated[tuple[PositiveFloat, PositiveFloat], Field(strict=False)]


class GrooveConfig(Recipe):
    """The groove as a witness: the settings of `networks.groove.Groove`, styles by their names.

    Attributes:
        weight: of the tempo.
        doubt: the share of tracks (0-1) whose tempo says nothing.
        tempi: of each style the slowest and the fastest, in BPM; a style without any is as likely at each.
        half_rate: pairs of styles of one tempo; the drums of the first play half as often.
        running_hats: pairs of styles of one tempo; the hats of the first play all sixteenths.
    """

    weight: NonNegativeFloat
    doubt: float = Field(gt=0, le=1)
    tempi: dict[str, Range]
    half_rate: list[Pair] = Field(default_factory=list)
    running_hats: list[Pair] = Field(default_factory=list)

    def settings(self, labels: Sequence[str]) -> dict[str, Any]:
        """The settings for styles in the order of `labels`.

        Raises:
            ManifestError: a style is not among them.
        """
        return {
            "tempi": [[_index(label, labels), *ends] for label, ends in self.tempi.items()],
            "doubt": self.doubt,
            "weight": self.weight,
            "half_rate": [[_index(label, labels) for label in pair] for pair in self.half_rate],
            "running_hats": [[_index(label, labels) for label in pair] for pair in self.running_hats],
        }


class DoubtConfig(Recipe):
    """The doubt that a recording itself gives: the settings of `networks.recording.RecordingDoubt`."""

    narrow: float = Field(ge=1)
    short: NonNegativeFloat


class PoolConfig(Recipe):
    """The recipe of a pool.

    Attributes:
        name: of the model.
        summary: of it, in a line.
        weight: of the ear, where the descriptors have 1.
        floor: a score, added to that of each style: what is fainter was not heard.
        temperature: of the pool, for whole recordings of full bandwidth.
        unknown_threshold: a most probable style below it is like nothing that the pool knows.
        every: seconds from one patch to the next, of an ear that hears patches.
        music: the classes that say that there is music.
        other: those that say that there is something else.
        styles: for each style the classes that speak for it, and how much (0-1).
        groove: tempo and drums as a witness; none if not given.
        doubt: how much less sure the pool is of narrow and of short recordings; no less if not given.
        prior: how frequent a style is beside the others, which have 1.
        confidence: what was measured of the pool's confidence, for the card; Markdown.
    """

    name: str = Field(min_length=1)
    summary: str
    weight: NonNegativeFloat
    floor: PositiveFloat
    temperature: PositiveFloat
    unknown_threshold: Share
    every: float = Field(default=2.912, ge=PATCH / SAMPLE_RATE)
    music: list[ClassName] = Field(min_length=1)
    other: list[ClassName]
    styles: dict[str, dict[ClassName, Share]]
    groove: GrooveConfig | None = None
    doubt: DoubtConfig | None = None
    prior: dict[str, PositiveFloat] = Field(default_factory=dict)
    confidence: str = ""

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
            "floor": self.floor,
        }


def _index(label: str, labels: Sequence[str]) -> int:
    if label not in labels:
        raise ManifestError(f"there is no style {label!r}, only {', '.join(labels)}")
    return labels.index(label)


def read_recipe(path: Path) -> PoolConfig:
    """Read a recipe.

    Raises:
        ManifestError: it is missing, no TOML, or has a key or a value that it should not have.
    """
    return read(PoolConfig, path)


def make(recipe: PoolConfig, descriptors: Path, ear: Path, out: Path) -> Config:
    """Write the pool of two bundles.

    Args:
        recipe: how they are joined.
        descriptors: a bundle of architecture `descriptors`, or a pool whose descriptors are taken.
        ear: a bundle of an architecture in EARS.
        out: the bundle to write.

    Raises:
        BundleError: one of them is damaged or of another architecture, or something that is no model is at `out`.
        ManifestError: the table of the recipe does not fit.
    """
    base, heard = read_config(descriptors), read_config(ear)
    network, described = _descriptors(descriptors, base)
    pool, settings = join(network, described, ear, recipe, base.styles)
    config = replace(
        base,
        name=recipe.name,
        architecture="pool",
        settings=settings,
        temperature=recipe.temperature,
        unknown_threshold=recipe.unknown_threshold,
        provenance=base.provenance
        | {"summary": recipe.summary, "recipe": recipe.origin, "ear": heard.provenance["data"]},
        measures=base.measures | {"ear": heard.measures},
        sha256={},
    )
    measured = _text(descriptors / CARD)
    if base.architecture == "pool":  # its card ends with that of its descriptors
        measured = "#" + measured.partition(f"## {OWN_CARD}\n")[2].replace("\n##", "\n#")
    text = card(config, recipe.styles, _text(ear / CARD), measured, recipe.confidence)
    check = check_waveform(config.sample_rate, 3 * config.sample_rate)
    write(out, pool, config, text, check, _text(ear / ATTRIBUTION))
    return config


def _descriptors(folder: Path, config: Config) -> tuple[DescriptorNetwork, Mapping[str, Any]]:
    """The descriptor network of a bundle and its settings; of a pool, the one that is in it."""
    network = load_network(folder)
    if isinstance(network, LogOpinionPool) and isinstance(network.descriptors, DescriptorNetwork):
        return network.descriptors, config.settings["descriptors"]
    if not isinstance(network, DescriptorNetwork):
        raise BundleError(
            f"{folder}: this model is of the architecture {config.architecture!r}, but 'descriptors' is needed"
        )
    return network, config.settings


def _text(path: Path) -> str:
    """The text of a file; empty if there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def join(
    descriptors: DescriptorNetwork, settings: Mapping[str, Any], ear: Path, pool: PoolConfig, labels: Sequence[str]
) -> tuple[LogOpinionPool, dict[str, Any]]:
    """A pool of a descriptor network and the ear of a bundle, and the settings that describe it.

    Raises:
        BundleError: the bundle is damaged, or no ear.
        ManifestError: the table of the pool does not fit.
    """
    config, source = read_config(ear), load_network(ear)
    if config.architecture not in EARS or not isinstance(source, AudioNetwork):
        raise BundleError(
            f"{ear}: this model is of the architecture {config.architecture!r}, but 'ear' or 'ear10' is needed"
        )
    outputs = {"outputs": len(config.styles)}
    member: dict[str, Any] = {
        "architecture": config.architecture,
        "settings": outputs | ({"every": pool.every} if config.architecture == "ear" else config.settings),
    }
    heard = EARS[config.architecture](**member["settings"])
    heard.load_state_dict(source.state_dict())
    described = {
        "descriptors": dict(settings),
        "ear": member,
        "opinions": pool.likelihood(labels),
        "weight": pool.weight,
    }
    if pool.groove:
        described["groove"] = pool.groove.settings(labels)
    if pool.doubt:
        described["doubt"] = pool.doubt.model_dump()
    if pool.prior:
        prior = {_index(label, labels): share for label, share in pool.prior.items()}
        described["prior"] = [prior.get(index, 1.0) for index in range(len(labels))]
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


OWN_CARD = "The descriptors' own card"

POOLED = """{signature} Two networks are asked together, in a log-opinion pool inside
one ONNX file: *descriptors*, trained on measurements of real shop tracks, and the *ear*, which learned to answer as
networks do that have heard millions of real recordings. Their own cards are the last parts of this one. MIT licence.

    log P(style) = log P(style | descriptors) + {weight:g} x log (score of the ear for it + {floor:g}){more}
"""

TABLE = """Classes that cover several styles of a family speak for each of them alike, so both networks choose the
family, and the descriptors the style within it.

Weight, floor and temperature ({temperature:g}) are the recipe's, which gives the reason. No figure in the card of the
descriptors is for the pool: rows of descriptors cannot be heard by an ear, and where it hears nothing the pool answers
as the descriptors do. How steady the pool is, `earmark evaluate --audio` measures (docs/evaluate.md).
"""

GROOVE = """A style is unlikely at a tempo that it does not have, modulo an octave; this counts {weight:g} times, and
{doubt:.0%} of tracks are taken to say nothing by their tempo. Of styles that share a tempo the drums decide: {pairs}.
All of this counts in full where the ear gives some style a score of {heard:g} or more, and less where it hears less.
"""

DOUBT = """The temperature grows for what is missing of a recording: {narrow:g} times where there is no treble, and with
(29.12 s / length) to the power of {short:g}.
"""

UNKNOWN = """The answer is flattened by the share of music in what the ear hears (against speech, silence, tones and
noise), and where the two networks contradict each other more than an ear that hears nothing would. A most probable
style below {threshold:g} is like nothing that the pool knows.
"""


def card(
    config: Config, table: Mapping[str, Mapping[str, float]], ear: str, descriptors: str, confidence: str = ""
) -> str:
    """The card of a pool, in Markdown.

    Args:
        config: of the pool.
        table: of the recipe: which classes speak for which style.
        ear: the card of the ear.
        descriptors: the card of the descriptors.
        confidence: what was measured of the pool's confidence.
    """
    speakers = (
        (style, ", ".join(f"{name} {share:g}" for name, share in classes.items())) for style, classes in table.items()
    )
    terms = {"groove": "evidence of the groove", "prior": "log prior"}
    also = [name for key, name in terms.items() if key in config.settings]
    pooled = POOLED.format(
        signature=cards.signature(config),
        weight=config.settings["weight"],
        floor=config.settings["opinions"]["floor"],
        more=f"\n    + {' + '.join(also)}" if also else "",
    )
    return cards.card(
        config.name,
        config.provenance["summary"],
        pooled,
        cards.section(
            "How they are joined",
            "Which classes of the ear speak for which style, and how much, is a table written by hand:",
            cards.table(["style", "classes"], speakers),
            TABLE.format(temperature=config.temperature),
        ),
        *_witnesses(config),
        cards.section('When it says "unlike anything I know"', UNKNOWN.format(threshold=config.unknown_threshold)),
        *([cards.section("How far its confidence can be believed", confidence)] if confidence else []),
        cards.section("The ear's own card", cards.enclosed(ear)),
        cards.section(OWN_CARD, cards.enclosed(descriptors)),
    )


def _witnesses(config: Config) -> list[str]:
    """The sections of a card on what else a pool heeds: the groove, and what is missing of a recording."""
    sections = []
    if groove := config.settings.get("groove"):
        labels = config.styles
        halves, hats = (
            [(labels[one], labels[other]) for one, other in groove[key]] for key in ("half_rate", "running_hats")
        )
        pairs = [f"half as many in {one} as in {other}" for one, other in halves]
        pairs += [f"hats on all sixteenths in {one}, not in {other}" for one, other in hats]
        text = GROOVE.format(pairs="; ".join(pairs) or "none", heard=HEARD, **groove)
        if prior := config.settings.get("prior"):
            named = [f"{label} {share:g}" for label, share in zip(labels, prior, strict=True) if share != 1]
            text += f"Prior, where the others have 1: {', '.join(named)}.\n"
        sections.append(cards.section("The groove", text))
    if doubt := config.settings.get("doubt"):
        sections.append(cards.section("What is narrow or short is doubted", DOUBT.format(**doubt)))
    return sections
