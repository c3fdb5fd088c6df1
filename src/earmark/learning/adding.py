"""Adding a model: what somebody else published becomes a bundle in the user's folder, and hears like any other.

A further model is a row of `downloads.ADDABLE` and one of `WRITERS`.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from earmark.errors import BundleError
from earmark.hearing.bundle import CARD, Config, locate, user_models
from earmark.learning import cards
from earmark.learning.bundle import check_waveform, write
from earmark.learning.bundle_files import require_replaceable
from earmark.learning.downloads import ADDABLE, YAMNET, Progress, fetch
from earmark.learning.networks.yamnet import graph
from earmark.learning.networks.yamnet.classes import CLASSES, DIMS, NAMES
from earmark.learning.networks.yamnet.network import YamnetEar, YamnetTags
from earmark.learning.pooling import exchange

DOWNLOADS = ".downloads"  # beside the models
SHORTEST = 1.0  # seconds: a patch and 25 ms
POOL = "house12"
PATCH_HOP = 96  # frames of 10 ms: all of a window is heard, once


def add(name: str, file: Path | None = None, progress: Progress = lambda _title, _share: None) -> Path:
    """Write the bundle of a model that can be added, in place of an older one; its folder.

    Args:
        name: a key of `ADDABLE`.
        file: what it is made of, if it is at hand; downloaded where not given.
        progress: told what is being done, and which share of it is done.

    Raises:
        BundleError: there is no such model, the file is another one, or something that is no model is in the way.
        DownloadError: the file cannot be had.
    """
    if name not in ADDABLE:
        raise BundleError(f"{name}: not one of the models that can be added: {', '.join(ADDABLE)}")
    source, _ = ADDABLE[name]
    folder = user_models() / name
    require_replaceable(folder)
    file = file or fetch(source, user_models() / DOWNLOADS, progress)
    progress(f"write {name}", 0)
    WRITERS[name](file, folder)
    progress(f"write {name}", 1)
    return folder


def write_tags(file: Path, folder: Path) -> None:
    """YAMNet alone: the classes that have a name here, as tags.

    Raises:
        BundleError: it is another file.
    """
    classes = list(NAMES)
    network = YamnetTags(len(classes), classes, PATCH_HOP)
    network.ear.take(graph.read(file))
    config = Config.of(
        network,
        name=folder.name,
        task="tags",
        architecture="yamnet",
        settings={"classes": classes, "hop": PATCH_HOP},
        shortest=SHORTEST,
        styles=NAMES.values(),
        provenance=_provenance("yamnet"),
    )
    check = check_waveform(config.sample_rate, network.samples)
    write(folder, network, config, tags_card(config), check)


def write_pool(file: Path, folder: Path) -> None:
    """The pool that comes with earmark, with YAMNet for an ear.

    Raises:
        BundleError: it is another file.
    """
    ear = YamnetEar(PATCH_HOP)
    ear.take(graph.read(file))
    base = locate(POOL)
    settings = {"architecture": "yamnet", "settings": {"hop": PATCH_HOP}}
    network, old = exchange(base, ear.eval(), settings)
    config = replace(
        old,
        name=folder.name,
        provenance=old.provenance
        | _provenance("house12+yamnet")
        | {"ear": f"YAMNet, {YAMNET.project}, {YAMNET.licence}; trained on AudioSet"},
        measures={},  # what was measured was measured of the other one
        sha256={},
    )
    card = pool_card(config, old.name, (base / CARD).read_text(encoding="utf-8"))
    write(folder, network, config, card, check_waveform(config.sample_rate, round(3 * config.sample_rate)))


def _provenance(name: str) -> dict[str, str]:
    return {
        "summary": ADDABLE[name][1],
        "project": YAMNET.project,
        "licence": YAMNET.licence,
        "file_sha256": YAMNET.sha256,
        "torch": version("torch"),
    }


ORIGIN = """- `{source.file}` of {source.project};
  licence {source.licence}; SHA-256 `{source.sha256}`.
- The network was trained by Google on AudioSet, two million clips of ten seconds from real recordings that people
  labelled by ear. The names of the tags are those of AudioSet.
- Papers: S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017; A. Howard et al.,
  "MobileNets", 2017; J. Gemmeke et al., "Audio Set", ICASSP 2017.

The file is a network with 8-bit weights and activations, for sound at 16 kHz. Here the weights are real numbers again,
the activations are not rounded, and the spectra are taken at {rate} Hz, at the same frequencies, without resampling.
"""

FAITHFUL = """On 683 patches of 25 real recordings (house loops and tracker music) the scores of all 521 classes agree
with those of the 8-bit network in TensorFlow Lite: correlation 0.9993, mean difference 0.0003, largest difference 0.13,
where the 8-bit logits themselves move in steps of 0.31. On the same recordings the spectra at {rate} Hz change no score
by more than 0.0011.
"""

TAGS = """{signature} Each tag has a probability of its own: several may be heard at
once. The embedding has {dims} values. Architecture `{architecture}`: log-mel patches of 0.96 s, one after the other, a
MobileNet of 3.7 million parameters, the mean over the patches.
"""

TAGS_LIMITS = """- Nobody measured here how often its tags are right.
- Its probabilities are low for kinds of electronic music even where they are right: a drum & bass track of our examples
  gets Music 0.85 and Drum and bass 0.08. Compare a tag with itself on other tracks rather than with other tags.
- Of its {classes} classes only those that say something about music are named; the embedding holds more.
"""

POOLED = """{signature} This is the model `{base}`, whose card is the second
part of this one, with another ear: in place of its own, which learned from YAMNet and mn04, YAMNet
itself listens. Whatever that card says of the ear holds for the other one; the table of which classes speak for
which style, the weight of the ear, the temperature and the threshold are the same.
"""

POOLED_LIMITS = """- Nobody measured here whether it names the styles of real recordings better than `{base}`: there is
  no labelled real audio to measure it on.
- It listens to all of a window, patch after patch, and costs more than `{base}`.
"""


def tags_card(config: Config) -> str:
    """The card of YAMNet alone, in Markdown."""
    return cards.card(
        config.name,
        config.provenance["summary"],
        TAGS.format(signature=cards.signature(config), dims=DIMS, architecture=config.architecture),
        *_origin(config),
        cards.limits(TAGS_LIMITS.format(classes=CLASSES)),
    )


def pool_card(config: Config, base: str, base_card: str) -> str:
    """The card of the pool `base` with YAMNet for an ear, in Markdown; it ends with the card of `base`."""
    return cards.card(
        config.name,
        config.provenance["summary"],
        POOLED.format(signature=cards.signature(config), base=base),
        *_origin(config),
        cards.limits(POOLED_LIMITS.format(base=base)),
        cards.section(f"The card of `{base}`", cards.enclosed(base_card)),
    )


def _origin(config: Config) -> tuple[str, str]:
    """Two sections: the file and whose it is, and how closely the network here follows it."""
    return (
        cards.section("Where it comes from", ORIGIN.format(source=YAMNET, rate=config.sample_rate)),
        cards.section("How faithful it is", FAITHFUL.format(rate=config.sample_rate)),
    )


WRITERS: dict[str, Callable[[Path, Path], None]] = {"house12+yamnet": write_pool, "yamnet": write_tags}
"""The function that writes the bundle of each model in `ADDABLE`, from its file into a folder."""
