"""Fit the perceptrons of a `DescriptorNetwork` to rows of measured descriptors.

One explicit loop, deterministic for a seed on one thread of a CPU. Real rows are few (5,500), so what keeps the
perceptrons honest is noise, dropout and label smoothing, and that there are several of them, each with its own draw
of rows.

Four kinds of row make a batch: real ones; real ones as a damaged recording would have given them (`degraded`); rows
between the real ones, named by a forest (`distilled`); and sounds that are no music (`strangers`), whose target is "any
style alike", so that the answer to them is spread out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.learning.forest import ForestConfig, soft_examples
from earmark.learning.networks import DescriptorNetwork
from earmark.learning.schedule import warm_cosine
from earmark.learning.tables import Indices, Protocol, Rows


def ignore(share: float) -> None:
    """Take note of progress by doing nothing."""


@dataclass(frozen=True)
class FitConfig:
    """The settings of one fit; what is not a count is a share (0-1) unless said."""

    members: int = 8
    hidden: tuple[int, ...] = (256, 256)
    knots: int = 33
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    dropout: float = 0.4
    noise: float = 0.2  # deviation, in units of the normal scores (about 1)
    label_smoothing: float = 0.1
    class_balance: float = 0.5  # 0: every row counts alike, 1: every class
    degraded: float = 0.0  # of the real rows in a batch
    distilled: float = 0.0  # of a batch
    strangers: float = 0.0  # of a batch
    seed: int = 0
    forest: ForestConfig = field(default_factory=ForestConfig)


def fit(
    rows: Rows,
    labels: Indices,
    classes: int,
    config: FitConfig,
    *,
    weights: NDArray[np.float32] | None = None,
    degraded: Sequence[Rows] = (),
    strangers: Rows | None = None,
    progress: Callable[[float], None] = ignore,
) -> DescriptorNetwork:
    """Fit a network to rows (tracks, 70) with labels (tracks,) < classes.

    Args:
        rows: descriptors of real tracks.
        labels: the class of each.
        classes: how many there are.
        config: the settings.
        weights: how much each row counts, 1 if not given.
        degraded: copies of `rows` as damaged recordings of the same tracks would have given them.
        strangers: descriptors of what is no music, (sounds, 70).
        progress: called after each step with the share that is done.
    """
    generator = torch.Generator().manual_seed(config.seed)
    network = DescriptorNetwork(classes, config.members, config.hidden, config.knots)
    network.scores.fit(torch.from_numpy(rows[:, :68]).double())
    network.reset(generator)
    # What the perceptrons see, once for all steps: (1 + degraded copies, tracks, 70).
    inputs = torch.stack([network.inputs(torch.from_numpy(copy)) for copy in (rows, *degraded)])
    strange = network.inputs(torch.from_numpy(strangers)) if strangers is not None else torch.empty(0, inputs.shape[-1])

    y = torch.from_numpy(labels)
    counts = torch.bincount(y, minlength=classes).clamp_min(1)
    balance = (len(y) / classes / counts) ** config.class_balance
    weight = balance[y] * (torch.ones(len(y)) if weights is None else torch.from_numpy(weights))
    targets = torch.eye(classes) * (1 - config.label_smoothing) + config.label_smoothing / classes
    between, named = torch.empty(0, inputs.shape[-1]), torch.empty(0, classes)
    if config.distilled:
        chooser = np.random.default_rng(config.seed)
        soft = soft_examples(rows, inputs[0].numpy(), labels, classes, config.forest, chooser, weights)
        between, named = network.inputs(torch.from_numpy(soft[0])), torch.from_numpy(soft[1])
    count = {"strange": round(config.strangers * config.batch_size) * bool(len(strange))}
    count["between"] = round(config.distilled * config.batch_size)
    count["real"] = config.batch_size - count["strange"] - count["between"]

    optimiser = torch.optim.AdamW(network.layers.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * -(-len(y) // config.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_cosine(step / steps, 0.02))

    def drop(hidden: Tensor) -> Tensor:
        kept = torch.rand(hidden.shape, generator=generator) >= config.dropout
        return hidden * kept / (1 - config.dropout)

    for step in range(steps):
        chosen = _choose(len(y), config.members, count["real"], generator)
        damaged = torch.rand(chosen.shape, generator=generator) < config.degraded
        copy = _choose(len(degraded), config.members, count["real"], generator) + 1
        real = inputs[copy * damaged if degraded else torch.zeros_like(copy), chosen]
        real = real + config.noise * torch.randn(real.shape, generator=generator)
        soft_row = _choose(len(between), config.members, count["between"], generator)
        stranger = _choose(len(strange), config.members, count["strange"], generator)
        batch = torch.cat([real, between[soft_row], strange[stranger]], 1)  # (members, batch, 70)
        anything = torch.full((*stranger.shape, classes), 1 / classes)
        target = torch.cat([targets[y[chosen]] * weight[chosen, None], named[soft_row] * balance, anything], 1)
        log_probability = network.perceptrons(batch, drop).log_softmax(-1)
        loss = -(log_probability * target).sum(-1).mean(1).sum()  # a sum over members: each learns its own
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        progress((step + 1) / steps)
    return network.eval()


def _choose(among: int, members: int, count: int, generator: torch.Generator) -> Tensor:
    """Indices below `among`, (members, count)."""
    return torch.randint(max(1, among), (members, count), generator=generator)


@torch.no_grad()
def predict(network: DescriptorNetwork, rows: Rows) -> NDArray[np.float64]:
    """Probabilities of rows of descriptors, (tracks, classes), before calibration."""
    logits, _ = network.from_rows(torch.from_numpy(rows))
    probabilities: NDArray[np.float64] = logits.double().softmax(-1).numpy()
    return probabilities


def cross_validate(
    protocol: Protocol,
    config: FitConfig,
    *,
    weights: NDArray[np.float32] | None = None,
    degraded: Sequence[Rows] = (),
    strangers: Rows | None = None,
    progress: Callable[[float], None] = ignore,
) -> tuple[Indices, NDArray[np.float64]]:
    """Predict every test row of a protocol by a network that has not seen its fold.

    Returns:
        The labels (tracks,) and the probabilities (tracks, classes) of the test rows, in the order of the folds.
    """
    labels, probabilities = [], []
    for index, (train, test) in enumerate(protocol.folds):
        network = fit(
            protocol.rows[train],
            protocol.labels[train],
            len(protocol.classes),
            config,
            weights=None if weights is None else weights[train],
            degraded=[copy[train] for copy in degraded],
            strangers=strangers,
            progress=lambda share, index=index: progress((index + share) / len(protocol.folds)),  # type: ignore[misc]
        )
        labels.append(protocol.labels[test])
        probabilities.append(predict(network, protocol.rows[test]))
    return np.concatenate(labels), np.concatenate(probabilities)


class OneThread:
    """Sums in one order: results on one thread do not depend on how many cores a machine has."""

    def __enter__(self) -> None:
        self.threads = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *exception: object) -> None:
        torch.set_num_threads(self.threads)
