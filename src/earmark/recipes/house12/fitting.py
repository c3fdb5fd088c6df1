"""Fit the perceptrons of a `DescriptorNetwork` to rows of measured descriptors.

One explicit loop, deterministic for a seed on one thread of a CPU. Real rows are few (5,500), so what keeps the
perceptrons honest is noise, dropout and label smoothing, and that there are several of them, each with its own draw
of rows.

Three kinds of row make a batch: real ones; real ones as an excerpt or a damaged recording would have given them
(`scatter`); and sounds that are no music (`non_music`), whose target is "any style alike", so that the answer to them
is spread out.

The perceptrons tell the shop's genres apart, where the labels are made of genres; an answer is their sum. A perceptron
may learn auxiliary labels beside those that it is asked for; their outputs are cut off in the end. A row may lack one
of its labels; it teaches those that it has.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.learning.networks.descriptors import DescriptorNetwork, EnsembleLinear
from earmark.learning.training.optimiser import warm_cosine
from earmark.recipes.house12.recipe import FitConfig
from earmark.recipes.house12.shifts import Pairs, Scatter
from earmark.recipes.house12.tables import STATISTICS, UNLABELLED, Genres, Indices, Labels, Rows


def fit(
    rows: Rows,
    labels: Indices,
    classes: int,
    config: FitConfig,
    *,
    genres: Genres | None = None,
    auxiliary: Sequence[Labels] = (),
    weights: NDArray[np.float32] | None = None,
    scatter: Sequence[Pairs] = (),
    non_music: Rows | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> DescriptorNetwork:
    """Fit a network to rows (tracks, 70) with labels (tracks,) < classes.

    Args:
        rows: descriptors of real tracks.
        labels: the class of each, UNLABELLED where it has none.
        classes: their number.
        config: the settings.
        genres: what the classes are made of; the labels themselves are auxiliary then.
        auxiliary: further labels of the rows.
        weights: how much each row counts, 1 if not given.
        scatter: descriptors of other sound whole and cut, coded or damaged, for each kind of damage; rows move so too.
        non_music: descriptors of sounds that are no music, (sounds, 70).
        progress: called after each step with the share that is done.
    """
    generator = torch.Generator().manual_seed(config.seed)
    taught = (*([genres.labels] if genres else []), Labels(labels, classes), *auxiliary)
    sizes = [each.classes for each in taught]
    styles = genres.styles if genres else None
    network = DescriptorNetwork(classes, config.members, config.hidden, config.knots, config.harmonics, styles)
    network.layers[-1] = EnsembleLinear(config.members, config.hidden[-1], sum(sizes))
    network.scores.fit(torch.from_numpy(rows[:, :STATISTICS]).double())
    network.reset(generator)
    inputs = network.inputs(torch.from_numpy(rows))  # (tracks, inputs), what the perceptrons see
    scattered = Scatter(network, rows, scatter) if scatter else None
    other = network.inputs(torch.from_numpy(non_music)) if non_music is not None else torch.empty(0, inputs.shape[-1])

    weight = torch.ones(len(rows)) if weights is None else torch.from_numpy(weights)
    shares = [1.0] + [config.auxiliary] * (len(taught) - 1)
    balances = [_balance(each, config) for each in taught]
    if genres:  # the rows of a genre count as its class does, those of none as they are
        balances[0] = torch.cat([balances[1], torch.ones(1)])[list(genres.styles)]
    by_task = zip(taught, balances, shares, strict=True)
    targets = torch.cat([_targets(each, balance, config) * share for each, balance, share in by_task], 1)
    targets = targets * weight[:, None]  # (tracks, sum of sizes), zero where a label is not known
    anything = torch.cat([torch.full((size,), share / size) for size, share in zip(sizes, shares, strict=True)])
    other_count = round(config.non_music * config.batch_size) * bool(len(other))
    real_count = config.batch_size - other_count

    optimiser = torch.optim.AdamW(
        network.layers.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    steps = config.epochs * -(-len(rows) // config.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_cosine(step / steps, 0.02))

    def drop(hidden: Tensor) -> Tensor:
        kept = torch.rand(hidden.shape, generator=generator) >= config.dropout
        return hidden * kept / (1 - config.dropout)

    for step in range(steps):
        chosen = _choose(len(rows), config.members, real_count, generator)
        damaged = torch.rand(chosen.shape, generator=generator) < config.degraded
        real = inputs[chosen]
        if scattered:
            real = torch.where(damaged[..., None], scattered.draw(chosen, generator), real)
        real, target = _mixed(real, targets[chosen], config, generator)
        real = _disturbed(real, damaged, config, generator)
        drawn = _choose(len(other), config.members, other_count, generator)
        batch = torch.cat([real, other[drawn]], 1)  # (members, batch, inputs)
        target = torch.cat([target, anything.expand(*drawn.shape, -1)], 1)
        logits = torch.split(network.perceptrons(batch, drop), sizes, -1)
        log_probability = torch.cat([each.log_softmax(-1) for each in logits], -1)
        loss = -(log_probability * target).sum(-1).mean(1).sum()  # a sum over members: each learns its own
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        progress((step + 1) / steps)
    return _without_auxiliary(network, sizes[0]).eval()


def _balance(labels: Labels, config: FitConfig) -> Tensor:
    """Weight of a row of each class, (classes,)."""
    known = labels.indices[labels.indices != UNLABELLED]
    counts = torch.bincount(torch.from_numpy(known), minlength=labels.classes)
    balance: Tensor = (counts.sum() / labels.classes / counts.clamp_min(1)) ** config.class_balance
    return balance


def _targets(labels: Labels, balance: Tensor, config: FitConfig) -> Tensor:
    """The smoothed and balanced target of each row, (tracks, classes); zero where the label is not known."""
    share, classes = config.label_smoothing, labels.classes
    by_class = (torch.eye(classes) * (1 - share) + share / classes) * balance[:, None]
    known = torch.from_numpy(labels.indices != UNLABELLED)
    return by_class[torch.from_numpy(labels.indices).clamp_min(0)] * known[:, None]


def _mixed(inputs: Tensor, targets: Tensor, config: FitConfig, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Inputs (members, batch, inputs) and targets, each with a share of another row's; the tempo stays its own."""
    other = torch.randperm(inputs.shape[1], generator=generator)
    share = config.mixed * torch.rand((*inputs.shape[:2], 1), generator=generator)
    scores = inputs[..., :STATISTICS].lerp(inputs[:, other, :STATISTICS], share)
    return torch.cat([scores, inputs[..., STATISTICS:]], -1), targets.lerp(targets[:, other], share)


def _disturbed(inputs: Tensor, damaged: Tensor, config: FitConfig, generator: torch.Generator) -> Tensor:
    """Inputs with noise, (members, batch, inputs): added to the scores, turning the tempo."""
    scores = inputs[..., :STATISTICS]
    scores = scores + config.noise * torch.randn(scores.shape, generator=generator)
    off_speed = (2 * torch.rand(damaged.shape, generator=generator) - 1) * damaged * config.varispeed
    factor = 1 + config.tempo_noise * torch.randn(damaged.shape, generator=generator) + off_speed
    octave = 2 * torch.pi * torch.log2(factor)
    turn = octave[..., None] * 2.0 ** torch.arange(config.harmonics)  # (members, batch, harmonics)
    sine, cosine = inputs[..., STATISTICS::2], inputs[..., STATISTICS + 1 :: 2]
    turned = [sine * turn.cos() + cosine * turn.sin(), cosine * turn.cos() - sine * turn.sin()]
    return torch.cat([scores, torch.stack(turned, -1).flatten(-2)], -1)


def _without_auxiliary(network: DescriptorNetwork, classes: int) -> DescriptorNetwork:
    """The network with the outputs of the auxiliary labels cut off."""
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


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that results do not depend on the number of cores: sums are in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
