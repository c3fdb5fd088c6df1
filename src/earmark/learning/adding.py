"""Adding a model: what somebody else published becomes a bundle in the user's folder, and hears like any other.

A further model is a row of `downloads.ADDABLE` and one of `WRITERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from earmark.errors import BundleError
from earmark.hearing.bundle import ATTRIBUTION, CARD, Config, locate, read_config, user_models
from earmark.learning import cards
from earmark.learning.bundle import check_waveform, load_network, write
from earmark.learning.bundle_files import require_replaceable
from earmark.learning.downloads import ADDABLE, MN04, YAMNET, Addable, Progress, Source, fetch, sha256_of
from earmark.learning.networks import mn04
from earmark.learning.networks.ears import Ears
from earmark.learning.networks.pool import LogOpinionPool
from earmark.learning.networks.yamnet import graph
from earmark.learning.networks.yamnet.classes import CLASSES, DIMS, NAMES
from earmark.learning.networks.yamnet.network import YamnetEar, YamnetTags
from earmark.learning.pooling import exchange

DOWNLOADS = ".downloads"  # beside the models
SHORTEST = 1.0  # seconds: a patch and 25 ms
POOL = "house12"
PATCH_HOP = 96  # frames of 10 ms: all of a window is heard, once

Files = Mapping[str, Path]
"""Where the file of each source lies, by the name of the file: a mirror has another address."""


def add(name: str, given: Sequence[Path] = (), progress: Progress = lambda _title, _share: None) -> Path:
    """Write the bundle of a model that can be added, in place of an older one; its folder.

    Args:
        name: a key of `ADDABLE`, or the name of the model itself.
        given: files that it is made of, in any order, as far as they are at hand; the others are downloaded.
        progress: told what is being done, and which share of it is done.

    Raises:
        BundleError: there is no such model, a file is another one, or something that is no model is in the way.
        DownloadError: a file cannot be had.
    """
    named = {row.model: key for key, row in ADDABLE.items()} | {key: key for key in ADDABLE}
    if name not in named:
        raise BundleError(f"{name}: not one of the models that can be added: {', '.join(ADDABLE)}")
    row = ADDABLE[named[name]]
    folder = user_models() / row.model
    require_replaceable(folder)
    files = _recognised(row, given)
    for source in row.sources:
        if source not in files:
            files[source] = fetch(source, user_models() / DOWNLOADS, progress)
    progress(f"write {row.model}", 0)
    WRITERS[named[name]]({source.file: path for source, path in files.items()}, folder)
    progress(f"write {row.model}", 1)
    return folder


def _recognised(row: Addable, given: Sequence[Path]) -> dict[Source, Path]:
    """The sources whose files are given: a file is known by its content, whatever its name."""
    files = {}
    known = {source.sha256: source for source in row.sources}
    for file in given:
        try:
            found = sha256_of(file)
        except OSError as error:
            raise BundleError(f"{file}: {error.strerror}") from error
        if found not in known:
            wanted = " or ".join(f"{source.file} (sha256 {source.sha256})" for source in row.sources)
            raise BundleError(f"{file}: its sha256 is {found}, but {row.model} is made of {wanted}")
        files[known[found]] = file
    return files


def write_tags(files: Files, folder: Path) -> None:
    """YAMNet alone: the classes that have a name here, as tags.

    Raises:
        BundleError: it is another file.
    """
    classes = list(NAMES)
    network = YamnetTags(len(classes), classes, PATCH_HOP)
    network.ear.take(graph.read(files[YAMNET.file]))
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


def write_pool(files: Files, folder: Path) -> None:
    """The pool that comes with earmark, with YAMNet for an ear.

    Raises:
        BundleError: it is another file.
    """
    ear = YamnetEar(PATCH_HOP)
    ear.take(graph.read(files[YAMNET.file]))
    settings = {"architecture": "yamnet", "settings": {"hop": PATCH_HOP}}
    _write_exchanged(folder, "house12+yamnet", ear, settings, EXCHANGED)


def write_ears(files: Files, folder: Path) -> None:
    """The pool that comes with earmark, with YAMNet and mn04 beside its own ear.

    Raises:
        BundleError: one is another file.
    """
    base = locate(POOL)
    pool = load_network(base)
    assert isinstance(pool, LogOpinionPool)  # noqa: S101  the one that comes with earmark is
    settings = {"own": read_config(base).settings["ear"], "hop": PATCH_HOP}
    ears = Ears(**settings)
    ears.own.load_state_dict(pool.ear.state_dict())
    ears.yamnet.take(graph.read(files[YAMNET.file]))
    ears.mn04.network.load_state_dict(mn04.read(files[MN04.file]).state_dict())
    _write_exchanged(folder, "ears", ears, {"architecture": "ears", "settings": settings}, JOINED)


def _write_exchanged(folder: Path, name: str, ear: nn.Module, settings: Mapping[str, Any], how: "Joining") -> None:
    """Write the pool that comes with earmark with another ear."""
    base = locate(POOL)
    network, old = exchange(base, ear.eval(), settings)
    sources = ADDABLE[name].sources
    config = replace(
        old,
        name=folder.name,
        provenance=old.provenance | _provenance(name) | {"ear": how.provenance},
        measures={},  # what was measured was measured of the other one
        sha256={},
    )
    card = pool_card(config, old.name, (base / CARD).read_text(encoding="utf-8"), sources, how)
    works = base / ATTRIBUTION
    write(
        folder,
        network,
        config,
        card,
        check_waveform(config.sample_rate, round(3 * config.sample_rate)),
        works.read_text(encoding="utf-8") if works.is_file() else "",
    )


def _provenance(name: str) -> dict[str, Any]:
    """What is known of a model that is made of one file or of several, which are then lists."""
    sources = ADDABLE[name].sources
    lists = {
        "project": [source.project for source in sources],
        "licence": [source.licence for source in sources],
        "file_sha256": [source.sha256 for source in sources],
    }
    single = len(sources) == 1
    return {
        "summary": ADDABLE[name].summary,
        **{key: values[0] if single else values for key, values in lists.items()},
        "torch": version("torch"),
    }


ORIGIN = {
    YAMNET: """- `{source.file}` of {source.project};
  licence {source.licence}; SHA-256 `{source.sha256}`.
- The network was trained by Google on AudioSet, two million clips of ten seconds from real recordings that people
  labelled by ear. The names of the tags are those of AudioSet.
- Papers: S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017; A. Howard et al.,
  "MobileNets", 2017; J. Gemmeke et al., "Audio Set", ICASSP 2017.

The file is a network with 8-bit weights and activations, for sound at 16 kHz. Here the weights are real numbers again,
the activations are not rounded, and the spectra are taken at {rate} Hz, at the same frequencies, without resampling.
""",
    MN04: """- `{source.file}` of {source.project};
  licence {source.licence}; SHA-256 `{source.sha256}`.
- The network was trained by F. Schmid on AudioSet, with a transformer as its teacher, for sound at 32 kHz.
- Papers: F. Schmid et al., "Efficient large-scale audio tagging via transformer-to-CNN knowledge distillation", ICASSP
  2023; A. Howard et al., "Searching for MobileNetV3", ICCV 2019.

Its spectra are taken at {rate} Hz, at the same frequencies, up to 10.6 kHz; its bands above that, up to 15 kHz, which
are not in the sound, are filled with the mean of the highest four that are.
""",
}
"""Of each source, where it comes from and what is other here."""

FAITHFUL = {
    YAMNET: """On 683 patches of 25 real recordings (house loops and tracker music) the scores of all 521 classes agree
with those of the 8-bit network in TensorFlow Lite: correlation 0.9993, mean difference 0.0003, largest difference 0.13,
where the 8-bit logits themselves move in steps of 0.31. On the same recordings the spectra at {rate} Hz change no score
by more than 0.0011.
""",
    MN04: """On 164 stretches of ten seconds of real music its scores for eleven kinds of electronic music correlate
with those at 32 kHz at .975 (mean of the classes; the least .946), and the loudest of them is the same in 91 %
(`bench/ears.py`).
""",
}

TAGS = """{signature} Each tag has a probability of its own: several may be heard at
once. The embedding has {dims} values. Architecture `{architecture}`: log-mel patches of 0.96 s, one after the other, a
MobileNet of 3.7 million parameters, the mean over the patches.
"""

TAGS_LIMITS = """- Nobody measured here how often its tags are right.
- Its probabilities are low for kinds of electronic music even where they are right: a drum & bass track of our examples
  gets Music 0.85 and Drum and bass 0.08. Compare a tag with itself on other tracks rather than with other tags.
- Of its {classes} classes only those that say something about music are named; the embedding holds more.
"""


@dataclass(frozen=True)
class Joining:
    """How a model differs from the one that comes with earmark: sentences for its card and its provenance."""

    provenance: str
    body: str
    limits: str


EXCHANGED = Joining(
    provenance=f"YAMNet, {YAMNET.project}, {YAMNET.licence}; trained on AudioSet",
    body="""{signature} This is the model `{base}`, whose card is the second
part of this one, with another ear: in place of its own, which learned from YAMNet and mn04, YAMNet
itself listens. Whatever that card says of the ear holds for the other one; the table of which classes speak for
which style, the weight of the ear, the temperature and the threshold are the same.
""",
    limits="""- Nobody measured here whether it names the styles of real recordings better than `{base}`: there is
  no labelled real audio to measure it on.
- It listens to all of a window, patch after patch, and costs more than `{base}`.
""",
)

JOINED = Joining(
    provenance=f"its own, YAMNet ({YAMNET.project}, {YAMNET.licence}) and mn04 ({MN04.project}, {MN04.licence})",
    body="""{signature} This is the model `{base}`, whose card is the second
part of this one, with three ears: beside its own, which learned from YAMNet and mn04, those two listen themselves.
What is heard is the mean of the scores of the three; the table of which classes speak for which style, the weight of
the ear, the temperature and the threshold are the same. The embedding ends with those of YAMNet (1024 values) and mn04
(384).
""",
    limits="""- It was not measured on labelled music with these very settings. An earlier pool with an earlier ear
  was, on recordings that are not part of the project: its first style was right in .70 of 60 excerpts of hard techno,
  .21 of 97 narrow-band uploads and .55 of 71 machine-made tracks; with three ears, and a weight of 3, in .92, .32 and
  .69.
- It takes four times the processor time of `{base}` (docs/models.md).
""",
)


def tags_card(config: Config) -> str:
    """The card of YAMNet alone, in Markdown."""
    return cards.card(
        config.name,
        config.provenance["summary"],
        TAGS.format(signature=cards.signature(config), dims=DIMS, architecture=config.architecture),
        *_origin(config, [YAMNET]),
        cards.limits(TAGS_LIMITS.format(classes=CLASSES)),
    )


def pool_card(config: Config, base: str, base_card: str, sources: Sequence[Source], how: Joining) -> str:
    """The card of the pool `base` with other ears, in Markdown; it ends with the card of `base`."""
    return cards.card(
        config.name,
        config.provenance["summary"],
        how.body.format(signature=cards.signature(config), base=base),
        *_origin(config, sources),
        cards.limits(how.limits.format(base=base)),
        cards.section(f"The card of `{base}`", cards.enclosed(base_card)),
    )


def _origin(config: Config, sources: Sequence[Source]) -> tuple[str, str]:
    """Two sections: the files and whose they are, and how closely the networks here follow them."""
    return (
        cards.section(
            "Where it comes from",
            *(ORIGIN[source].format(source=source, rate=config.sample_rate) for source in sources),
        ),
        cards.section("How faithful it is", *(FAITHFUL[source].format(rate=config.sample_rate) for source in sources)),
    )


WRITERS: dict[str, Callable[[Files, Path], None]] = {
    "ears": write_ears,
    "house12+yamnet": write_pool,
    "yamnet": write_tags,
}
