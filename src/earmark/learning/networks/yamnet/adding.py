"""Adding a model: what somebody else published becomes a bundle in the user's folder, and hears like any other.

A row of `WRITERS` is all that a further model needs here, beside its row in `sources.ADDABLE`.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from earmark.errors import BundleError
from earmark.hearing.bundle import CARD, Config, locate, user_models
from earmark.learning.bundle import check_waveform, require_replaceable, write
from earmark.learning.downloads import ADDABLE, YAMNET, Progress, fetch
from earmark.learning.networks.yamnet import cards, graph
from earmark.learning.networks.yamnet.classes import NAMES
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
    write(folder, network, config, cards.of_tags(config, YAMNET), check)


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
    card = cards.of_pool(config, YAMNET, old.name, (base / CARD).read_text(encoding="utf-8"))
    write(folder, network, config, card, check_waveform(config.sample_rate, round(3 * config.sample_rate)))


def _provenance(name: str) -> dict[str, str]:
    return {
        "summary": ADDABLE[name][1],
        "project": YAMNET.project,
        "licence": YAMNET.licence,
        "file_sha256": YAMNET.sha256,
        "torch": version("torch"),
    }


WRITERS: dict[str, Callable[[Path, Path], None]] = {"house12+yamnet": write_pool, "yamnet": write_tags}
"""What makes a bundle (a folder) of the file of each model in `ADDABLE`."""
