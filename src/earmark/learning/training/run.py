"""A training run: its parts, its setup, its going on from a checkpoint, and its folder.

OUT.training/windows                the cache of decoded windows
OUT.training/pseudo_labels          what the assistants say of the tracks, if there are any
OUT.training/checkpoint.safetensors everything it takes to go on
OUT.training/metrics.jsonl          a line for each epoch
OUT.training/curves.png             the same as a picture
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor

from earmark.errors import EarmarkError, FileError, ManifestError
from earmark.files import replacing, write_text
from earmark.learning.data.manifest import Manifest, require_trainable
from earmark.learning.data.windows import WindowCache
from earmark.learning.networks import ARCHITECTURES, TRAINED, AudioNetwork
from earmark.learning.training import assistant, checkpoint
from earmark.learning.training.augment import longest
from earmark.learning.training.batches import Draw, DrawnWindows, epoch_draws, share_of
from earmark.learning.training.checkpoint import Progress
from earmark.learning.training.config import Machine, TrainConfig
from earmark.learning.training.objective import OBJECTIVES, Objective, Scale
from earmark.learning.training.optimiser import adamw

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would print at every start, and so would we

CHECKPOINT, METRICS, CURVES = "checkpoint.safetensors", "metrics.jsonl", "curves.png"
CACHE, PSEUDO_LABELS = "windows", "pseudo_labels"


@dataclass(frozen=True)
class Step:
    """The place of a run; sent after each step.

    `stage` is "decode", "assist" or "train", and `done` of `total` steps of it are over. `loss` and `hits` are means
    over the windows of the epoch so far, `valid` is the measure after the last epoch; `rate` is in tracks or windows
    per second of late. What is not known yet is nan.
    """

    stage: str
    done: int
    total: int
    epoch: int = 0
    loss: float = float("nan")
    hits: float = float("nan")
    valid: float = float("nan")
    rate: float = float("nan")
    closed: bool = False  # the epoch is over, and `valid` is its measure


@dataclass
class Run:
    """A run under way; `state`, `best`, `lines` and `saved` change as it goes on."""

    folder: Path
    config: TrainConfig
    machine: Machine
    fabric: Fabric
    manifest: Manifest
    dropped: dict[Path, str]  # what could not be decoded, and why
    cache: WindowCache
    objective: Objective
    scale: Scale
    network: AudioNetwork
    optimiser: torch.optim.Optimizer
    body: _FabricModule
    stepper: _FabricOptimizer
    windows: DrawnWindows
    state: Progress
    best: dict[str, Tensor]
    lines: list[dict[str, float]]
    saved: float = 0.0  # seconds of the monotonic clock

    @property
    def run_id(self) -> str:
        """A digest of recipe, tracks and the number of devices that share a round: a run goes on with the same only."""
        tracks = [(str(each.path), each.labels, each.values, each.artist, each.split) for each in self.manifest.entries]
        what = [self.config.model_dump(mode="json"), tracks, self.fabric.world_size]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()

    @property
    def finished(self) -> bool:
        """All epochs are done, or there was no progress for too long."""
        waited = self.state.epoch - 1 - max(self.state.best_epoch, 0)
        return self.state.epoch >= self.config.epochs or waited >= self.config.patience

    def batches(self, epoch: int) -> list[list[Draw]]:
        """This process's batches of an epoch."""
        draws = epoch_draws(self.manifest.part("train"), self.config.class_balance, self.config.seed, epoch)
        return share_of(draws, self.config.batch_size, self.fabric.global_rank, self.fabric.world_size)

    def save(self) -> None:
        """Write a checkpoint, in the first process."""
        if self.fabric.is_global_zero:
            path = self.folder / CHECKPOINT
            checkpoint.save(path, self.run_id, self.state, self.network, self.optimiser, self.best, self.lines)

    def record(self) -> None:
        """Write the figures of each epoch, as lines and as a picture, in the first process."""
        if self.fabric.is_global_zero:
            write_text(self.folder / METRICS, "".join(json.dumps(line) + "\n" for line in self.lines))
            _draw_curves(self.lines, self.objective.measure_name, self.folder / CURVES)


def prepare(
    manifest: Manifest, config: TrainConfig, folder: Path, machine: Machine, progress: Callable[[Step], None]
) -> Run:
    """Start the processes, decode, build the network, and go back to the checkpoint if there is one.

    Raises:
        ManifestError: what could be decoded is too little, the recipe is of no network that learns from sound, or the
            checkpoint is of another run.
    """
    fabric = _launch(machine, config)
    torch.manual_seed(config.seed)
    network = build(config, len(manifest.classes))
    stretch = longest(network.samples, network.sample_rate, config.augmentation)
    cache = WindowCache(folder / CACHE, network.sample_rate, stretch, config.windows)
    dropped: dict[Path, str] = {}
    if fabric.is_global_zero:
        folder.mkdir(parents=True, exist_ok=True)
        dropped = dict(_decode(manifest, cache, machine.decoders, progress))
    dropped = fabric.broadcast(dropped)
    manifest = replace(manifest, entries=tuple(each for each in manifest.entries if each.path not in dropped))
    require_trainable(manifest, "of what could be decoded")
    _require_batches(manifest, config, fabric.world_size)
    scale = Scale.of(manifest.part("train"))

    pseudo_labels, learner = None, network.body
    if config.assistants:
        pseudo_labels = _pseudo_labels(config, manifest, folder / PSEUDO_LABELS, machine.decoders, progress)
        learner = assistant.attach(network, pseudo_labels.shape[1])
    network.to(fabric.device)
    network.body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = adamw(learner, config.learning_rate, config.weight_decay)
    body, stepper = fabric.setup(learner, optimiser)
    run = Run(
        folder=folder,
        config=config,
        machine=machine,
        fabric=fabric,
        manifest=manifest,
        dropped=dropped,
        cache=cache,
        objective=OBJECTIVES[manifest.task],
        scale=scale,
        network=network,
        optimiser=optimiser,
        body=body,
        stepper=stepper,
        windows=DrawnWindows(
            manifest.part("train"), cache, network.samples, network.sample_rate, config.augmentation, pseudo_labels
        ),
        state=Progress(),
        best={},
        lines=[],
    )
    if (folder / CHECKPOINT).exists():
        path = folder / CHECKPOINT
        run.state, run.best, run.lines = checkpoint.load(path, run.run_id, network, optimiser)
    return run


def _pseudo_labels(
    config: TrainConfig, manifest: Manifest, folder: Path, workers: int, progress: Callable[[Step], None]
) -> NDArray[np.float32]:
    """Those of all assistants for the training tracks, side by side, (tracks, classes)."""
    paths = [entry.path for entry in manifest.part("train").entries]
    total = len(config.assistants) * len(paths)
    said = []
    for number, source in enumerate(config.assistants):

        def report(done: int, before: int = number * len(paths)) -> None:
            progress(Step("assist", before + done, total))

        said.append(assistant.pseudo_labels(source, paths, folder, report, workers))
    return np.hstack(said)


def _launch(machine: Machine, config: TrainConfig) -> Fabric:
    # The first process decodes, validates and concludes while the others wait for it; half an hour is soon over.
    several = machine.devices * machine.nodes > 1
    try:
        fabric = Fabric(
            accelerator=machine.accelerator,
            strategy=DDPStrategy(timeout=timedelta(days=7)) if several else "auto",
            devices=machine.devices,
            num_nodes=machine.nodes,
            precision=config.precision,
        )
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise EarmarkError(f"cannot train on {machine.accelerator} with {machine.devices} devices: {reason}") from error
    fabric.launch()
    return fabric


def _require_batches(manifest: Manifest, config: TrainConfig, world: int) -> None:
    """Batch normalisation needs two windows on each device."""
    tracks = len(manifest.part("train").entries)
    if min(config.batch_size, tracks // world) < 2:  # noqa: PLR2004  one has no deviation
        raise ManifestError(
            f"{config.name}: {tracks} training tracks in batches of {config.batch_size} on {world} devices; "
            "each device needs at least two at a time"
        )


def build(config: TrainConfig, classes: int) -> AudioNetwork:
    """The network of a recipe, with its first weights.

    Raises:
        ManifestError: there is none of this name or with these settings, or it does not learn from sound.
    """
    if config.architecture not in TRAINED:
        known = ", ".join(TRAINED)
        raise ManifestError(f"{config.name}: {config.architecture!r} cannot be trained; these can: {known}")
    try:
        return cast(AudioNetwork, ARCHITECTURES[config.architecture](classes, **config.settings))
    except (TypeError, ValueError, KeyError) as error:
        raise ManifestError(f"{config.name}: settings of {config.architecture}: {error}") from error


def _decode(
    manifest: Manifest, cache: WindowCache, decoders: int, progress: Callable[[Step], None]
) -> Iterator[tuple[Path, str]]:
    """Fill the cache; the files without sound, each with the reason."""
    paths = [entry.path for entry in manifest.entries]
    for done, outcome in enumerate(cache.fill(paths, decoders), 1):
        progress(Step("decode", done, len(paths)))
        if isinstance(outcome, FileError):
            yield outcome.path, outcome.reason


def _draw_curves(lines: Sequence[Mapping[str, float]], measure_name: str, path: Path) -> None:
    """Draw loss and measure over the epochs, one mapping for each epoch, into a PNG."""
    epochs = [line["epoch"] + 1 for line in lines]
    best = epochs[max(range(len(lines)), key=lambda index: lines[index]["valid"])]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    loss, measure = figure.subplots(1, 2)
    loss.plot(epochs, [line["loss"] for line in lines], label="training, changed and mixed", color="#9467bd")
    loss.plot(epochs, [line["valid_loss"] for line in lines], label="validation", color="#d62728")
    loss.set_ylabel("loss")
    measure.plot(epochs, [line["hits"] for line in lines], label="training, changed and mixed", color="#9467bd")
    measure.plot(epochs, [line["valid"] for line in lines], label="validation", color="#d62728")
    measure.set_ylabel(measure_name)
    for axes in (loss, measure):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for curve in axes.get_lines():
            curve.set_marker(".")
        axes.axvline(best, color="#7f7f7f", linewidth=0.8, linestyle="--", label="the epoch that was kept")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    with replacing(path) as file:
        figure.savefig(file, dpi=120, format="png")
