"""Fit the perceptrons of a `DescriptorNetwork` to rows of measured descriptors.

One explicit loop, deterministic for a seed on one thread of a CPU. Real rows are few (5,500), so what keeps the
perceptrons honest is noise, dropout and label smoothing, and that there are several of them, each with its own draw
of rows.

Three kinds of row make a batch: real ones; real ones as a damaged recording would have given them (`degraded`); and
sounds that are no music (`strangers`), whose target is "any style alike", so that the answer to them is spread out.

A perceptron may have more to learn than what is asked of it: `others` are further tasks, such as the shop's own genres,
with outputs that are cut off in the end. A row may lack the label of a task; it teaches the tasks whose labels it has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.learning.networks.descriptors import DescriptorNetwork, EnsembleLinear
from earmark.learning.training.schedule import warm_cosine
from earmark.recipes.house12.tables import STATISTICS, UNLABELLED, Indices, Rows, Task


def ignore(share: float) -> None:
    """Take note of progress by doing nothing."""


def nothing(_rows: Rows) -> list[Rows]:
    """Degrade rows by making no copies of them."""
    return []


@dataclass(frozen=True)
class FitConfig:
    """The settings of one fit; what is not a count is a share (0-1) unless said."""

    members: int = 8
    hidden: tuple[int, ...] = (256, 256)
    knots: int = 33
    harmonics: int = 1
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    dropout: float = 0.4
    noise: float = 0.2  # deviation, in units of the normal scores (about 1)
    tempo_noise: float = 0.0  # deviation, of the tempo
    label_smoothing: float = 0.1
    class_balance: float = 0.5  # 0: every row counts alike, 1: every class
    degraded: float = 0.0  # of the real rows in a batch
    varispeed: float = 0.0  # of the tempo: how far a degraded recording may be off its speed, either way
    strangers: float = 0.0  # of a batch
    other_tasks: float = 1.0  # how much each of them counts, where the main one has 1
    seed: int = 0


def fit(
    rows: Rows,
    labels: Indices,
    classes: int,
    config: FitConfig,
    *,
    others: Sequence[Task] = (),
    weights: NDArray[np.float32] | None = None,
    degrade: Callable[[Rows], Sequence[Rows]] = nothing,
    strangers: Rows | None = None,
    progress: Callable[[float], None] = ignore,
) -> DescriptorNetwork:
    """Fit a network to rows (tracks, 70) with labels (tracks,) < classes.

    Args:
        rows: descriptors of real tracks.
        labels: the class of each, UNLABELLED where it has none.
        classes: how many there are.
        config: the settings.
        others: what else is known of the rows.
        weights: how much each row counts, 1 if not given.
        degrade: gives copies of rows as damaged recordings of the same tracks would have given them.
        strangers: descriptors of what is no music, (sounds, 70).
        progress: called after each step with the share that is done.
    """
    generator = torch.Generator().manual_seed(config.seed)
    tasks = (Task(labels, classes), *others)
    sizes = [task.classes for task in tasks]
    network = DescriptorNetwork(sum(sizes), config.members, config.hidden, config.knots, config.harmonics)
    network.scores.fit(torch.from_numpy(rows[:, :STATISTICS]).double())
    network.reset(generator)
    # What the perceptrons see, once for all steps: (1 + degraded copies, tracks, inputs).
    inputs = torch.stack([network.inputs(torch.from_numpy(copy)) for copy in (rows, *degrade(rows))])
    strange = network.inputs(torch.from_numpy(strangers)) if strangers is not None else torch.empty(0, inputs.shape[-1])

    weight = torch.ones(len(rows)) if weights is None else torch.from_numpy(weights)
    shares = [1.0] + [config.other_tasks] * len(others)
    targets = torch.cat([_targets(task, config) * share for task, share in zip(tasks, shares, strict=True)], 1)
    targets = targets * weight[:, None]  # (tracks, sum of sizes), zero where a label is not known
    anything = torch.cat([torch.full((size,), share / size) for size, share in zip(sizes, shares, strict=True)])
    count = {"strange": round(config.strangers * config.batch_size) * bool(len(strange))}
    count["real"] = config.batch_size - count["strange"]

    optimiser = torch.optim.AdamW(network.layers.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * -(-len(rows) // config.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_cosine(step / steps, 0.02))

    def drop(hidden: Tensor) -> Tensor:
        kept = torch.rand(hidden.shape, generator=generator) >= config.dropout
        return hidden * kept / (1 - config.dropout)

    for step in range(steps):
        chosen = _choose(len(rows), config.members, count["real"], generator)
        damaged = torch.rand(chosen.shape, generator=generator) < config.degraded
        copy = _choose(len(inputs) - 1, config.members, count["real"], generator) + 1
        real = inputs[copy * damaged if len(inputs) > 1 else torch.zeros_like(copy), chosen]
        real = _disturbed(real, damaged, config, generator)
        stranger = _choose(len(strange), config.members, count["strange"], generator)
        batch = torch.cat([real, strange[stranger]], 1)  # (members, batch, inputs)
        target = torch.cat([targets[chosen], anything.expand(*stranger.shape, -1)], 1)
        logits = torch.split(network.perceptrons(batch, drop), sizes, -1)
        log_probability = torch.cat([each.log_softmax(-1) for each in logits], -1)
        loss = -(log_probability * target).sum(-1).mean(1).sum()  # a sum over members: each learns its own
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        progress((step + 1) / steps)
    return _without_others(network, classes).eval()


def _balance(task: Task, config: FitConfig) -> Tensor:
    """How much a row of each class counts, (classes,)."""
    counts = torch.bincount(torch.from_numpy(task.labels[task.labels != UNLABELLED]), minlength=task.classes)
    balance: Tensor = (counts.sum() / task.classes / counts.clamp_min(1)) ** config.class_balance
    return balance


def _targets(task: Task, config: FitConfig) -> Tensor:
    """The smoothed and balanced target of each row, (tracks, classes); zero where the label is not known."""
    share = config.label_smoothing
    by_class = (torch.eye(task.classes) * (1 - share) + share / task.classes) * _balance(task, config)[:, None]
    known = torch.from_numpy(task.labels != UNLABELLED)
    return by_class[torch.from_numpy(task.labels).clamp_min(0)] * known[:, None]


def _disturbed(inputs: Tensor, damaged: Tensor, config: FitConfig, generator: torch.Generator) -> Tensor:
    """Noise on what the perceptrons see, (members, batch, inputs): added to the scores, turning the tempo."""
    scores = inputs[..., :STATISTICS]
    scores = scores + config.noise * torch.randn(scores.shape, generator=generator)
    off_speed = (2 * torch.rand(damaged.shape, generator=generator) - 1) * damaged * config.varispeed
    factor = 1 + config.tempo_noise * torch.randn(damaged.shape, generator=generator) + off_speed
    octave = 2 * torch.pi * torch.log2(factor)
    turn = octave[..., None] * 2.0 ** torch.arange(config.harmonics)  # (members, batch, harmonics)
    sine, cosine = inputs[..., STATISTICS::2], inputs[..., STATISTICS + 1 :: 2]
    turned = [sine * turn.cos() + cosine * turn.sin(), cosine * turn.cos() - sine * turn.sin()]
    return torch.cat([scores, torch.stack(turned, -1).flatten(-2)], -1)


def _without_others(network: DescriptorNetwork, classes: int) -> DescriptorNetwork:
    """Cut the outputs of the other tasks off."""
    last = cast(EnsembleLinear, network.layers[-1])
    for name in ("weight", "bias"):
        setattr(last, name, torch.nn.Parameter(getattr(last, name)[..., :classes].detach().clone()))
    return network


def _choose(among: int, members: int, count: int, generator: torch.Generator) -> Tensor:
    """Indices below `among`, (members, count)."""
    return torch.randint(max(1, among), (members, count), generator=generator)


@torch.no_grad()
def predict(network: DescriptorNetwork, rows: Rows) -> NDArray[np.float64]:
    """Probabilities of rows of descriptors, (tracks, classes), before calibration."""
    logits, _ = network.from_rows(torch.from_numpy(rows))
    probabilities: NDArray[np.float64] = logits.double().softmax(-1).numpy()
    return probabilities


class OneThread:
    """Sums in one order: results on one thread do not depend on how many cores a machine has."""

    def __enter__(self) -> None:
        self.threads = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *exception: object) -> None:
        torch.set_num_threads(self.threads)
