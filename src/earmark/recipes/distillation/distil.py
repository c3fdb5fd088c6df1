"""Distillation: a student learns to say what its teachers say, from shards of labelled scenes.

    shards -> patches -> student -> loss against scores, embedding and tags
                                 -> a moving average of its weights, which is what is kept

A run that was interrupted goes on from its checkpoint. References: G. Hinton et al., "Distilling the knowledge in a
neural network", 2015; L. Beyer et al., "Knowledge distillation: a good teacher is patient and consistent", CVPR 2022.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from earmark.learning.networks import ARCHITECTURES, AudioNetwork
from earmark.learning.networks.yamnet import classes
from earmark.learning.recipe import Recipe
from earmark.learning.training import checkpoint
from earmark.learning.training.checkpoint import Progress
from earmark.learning.training.optimiser import warm_cosine
from earmark.recipes.distillation import shards
from earmark.recipes.distillation.teachers import OUTPUTS

RARE = -5.0  # logit of a class before anything was heard: most are never there
FAINTEST = 1e-4  # a score
RARE_SCORE = 0.2
MUSIC = range(132, 277)  # the classes of AudioSet that are kinds of music


class DistilConfig(Recipe):
    """The settings of a distillation; weights are those of a part of the loss."""

    epochs: PositiveInt
    batch_size: PositiveInt  # scenes
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    warm_up: float = Field(gt=0, lt=1)  # share of all steps
    average: float = Field(ge=0, lt=1)  # decay of the moving average of the weights, for each step
    music: NonNegativeFloat  # weight of a kind of music, where another class has 1
    styles: NonNegativeFloat  # weight of the kinds of electronic music
    logits: NonNegativeFloat
    embedding: NonNegativeFloat
    tags: NonNegativeFloat
    rare: NonNegativeFloat  # a scene comes so many times more often if a style is heard in it
    seed: NonNegativeInt


@dataclass(frozen=True)
class Step:
    """Progress of a run: `done` of `total` steps, a moving mean of the loss, steps per second."""

    done: int
    total: int
    loss: float
    rate: float


Predicted = tuple[Tensor, Tensor, Tensor]
"""Class logits, embedding, tag logits."""


class Student(nn.Module):
    """The ear, and a head that follows the teacher's embedding while it learns.

    Shape: patches (scenes, 3, 64, 96) -> class logits (scenes, 3, 521), embedding (scenes, 3, 1024), tag logits
    (scenes, 50).
    """

    def __init__(self) -> None:
        super().__init__()
        network = ARCHITECTURES["ear"](len(OUTPUTS))
        assert isinstance(network, AudioNetwork)  # noqa: S101  the table says so
        self.body = network.body
        nn.init.constant_(self.body.dense.bias, RARE)  # type: ignore[union-attr, arg-type]
        self.imitate = nn.Linear(self.body.dense.in_features, classes.DIMS)  # type: ignore[union-attr, arg-type]

    def forward(self, patches: Tensor) -> Predicted:
        """The outputs of the student for scenes."""
        features, _ = self.body.features(patches)  # type: ignore[operator]
        features = self.body.dropout(features)  # type: ignore[operator]
        logits = self.body.dense(features)  # type: ignore[operator]
        return logits[..., : classes.CLASSES], self.imitate(features), logits[..., classes.CLASSES :].mean(1)


@dataclass(frozen=True)
class TrainingSet:
    """All shards together, on one scale: the embedding has zero mean and unit deviation."""

    patches: Tensor  # (scenes, 3, 64, 96) float16
    scores: Tensor  # (scenes, 3, 521) float16
    embedding: Tensor  # (scenes, 3, 1024) float16
    tags: Tensor  # (scenes, 50) float16, nan where nobody was asked


def load(paths: Sequence[Path]) -> TrainingSet:
    """Read shards into memory."""
    read = [shards.read(path) for path in paths]
    embedding = np.concatenate([shard.embedding for shard in read])
    mean, deviation = embedding.mean((0, 1), dtype=np.float64), embedding.std((0, 1), dtype=np.float64)
    scaled = ((embedding - mean.astype(np.float16)) / np.maximum(deviation, 1e-2).astype(np.float16)).clip(-8, 8)
    return TrainingSet(
        torch.from_numpy(np.concatenate([shard.patches for shard in read])),
        torch.from_numpy(np.concatenate([shard.scores for shard in read])),
        torch.from_numpy(scaled),
        torch.from_numpy(np.concatenate([shard.tags for shard in read])),
    )


def importance(config: DistilConfig) -> Tensor:
    """The weight of each class in the loss, (521,)."""
    weight = torch.ones(classes.CLASSES)
    weight[list(MUSIC)] = config.music
    weight[list(classes.STYLES)] = config.styles
    return weight


def loss_of(predicted: Predicted, taught: TrainingSet, chosen: Tensor, weight: Tensor, config: DistilConfig) -> Tensor:
    """The distance of a student from its teachers, a mean over the scenes.

    Scores are compared twice: as probabilities, where the loud classes count, and as logits, in which the faintest
    scores tell as much as the others: most of what a teacher knows of our sound is faint.
    """
    logits, embedding, tags = (each.float() for each in predicted)
    wanted = taught.scores[chosen].float().clamp(FAINTEST, 1 - FAINTEST)
    surprise = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    distance = (logits - wanted.logit()) ** 2
    loss = (surprise * weight).sum(-1).mean() + config.logits * (distance * weight).sum(-1).mean() / weight.sum()
    loss = loss + config.embedding * functional.mse_loss(embedding, taught.embedding[chosen].float())
    asked = ~taught.tags[chosen, 0].isnan()
    if asked.any():
        known = taught.tags[chosen][asked].float().clamp(0, 1)
        loss = loss + config.tags * functional.binary_cross_entropy_with_logits(tags[asked], known)
    return loss


def epoch_order(taught: TrainingSet, config: DistilConfig, epoch: int) -> Tensor:
    """The scenes of an epoch, (scenes,): those in which the teacher hears a style come more often.

    A scene counts once, and up to `1 + config.rare` times where one of the styles has a score of RARE_SCORE or more.
    """
    strongest = taught.scores[:, :, list(classes.KINDS)].float().amax((1, 2)).numpy()
    share = 1 + config.rare * np.minimum(1, strongest / RARE_SCORE)
    generator = np.random.default_rng([config.seed, epoch])
    return torch.from_numpy(generator.choice(len(share), len(share), p=share / share.sum()))


def distil(
    paths: Sequence[Path],
    config: DistilConfig,
    folder: Path,
    progress: Callable[[Step], None],
    *,
    checkpoint_seconds: float = 60,
) -> Mapping[str, Tensor]:
    """Train the student; the moving average of the ear's weights.

    Args:
        paths: the shards.
        config: the settings.
        folder: where the checkpoint is kept.
        progress: called after each step.
        checkpoint_seconds: how often a checkpoint is written.
    """
    torch.manual_seed(config.seed)
    taught = load(paths)
    student = Student().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = {name: value.clone() for name, value in student.state_dict().items()}
    decayed = [value for value in student.parameters() if value.ndim > 1]
    others = [value for value in student.parameters() if value.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=config.learning_rate,
    )
    scenes = len(taught.patches)
    rounds = scenes // config.batch_size
    total = config.epochs * rounds
    run = [config.model_dump(), [path.name for path in paths], scenes]
    run_id = hashlib.sha256(json.dumps(run).encode()).hexdigest()
    state, lines = Progress(), list[dict[str, float]]()
    saved = folder / "checkpoint.safetensors"
    if saved.exists():
        state, averaged, lines = checkpoint.load(saved, run_id, student, optimiser)
    weight = importance(config)
    student.train()
    last_saved = before = time.monotonic()
    smooth = float("nan")
    for done in range(state.step, total):
        epoch, place = divmod(done, rounds)
        if place == 0 or done == state.step:
            order = epoch_order(taught, config, epoch)
        chosen = order[place * config.batch_size : (place + 1) * config.batch_size]
        torch.manual_seed(int(np.random.default_rng([config.seed, epoch, place]).integers(2**62)))  # dropout
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * warm_cosine((done + 1) / total, config.warm_up)
        with torch.autocast("cpu", torch.bfloat16):
            predicted = student(taught.patches[chosen].float())
        loss = loss_of(predicted, taught, chosen, weight, config)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimiser.step()
        keep = min(config.average, (done + 1) / (done + 10))
        with torch.no_grad():
            for name, value in student.state_dict().items():
                if value.is_floating_point():
                    averaged[name].lerp_(value, 1 - keep)
                else:
                    averaged[name].copy_(value)
        now = time.monotonic()
        smooth = float(loss.detach()) if np.isnan(smooth) else 0.98 * smooth + 0.02 * float(loss.detach())
        progress(Step(done + 1, total, smooth, 1 / max(now - before, 1e-6)))
        before = now
        if now - last_saved > checkpoint_seconds or done + 1 == total:
            state.step = done + 1
            checkpoint.save(saved, run_id, state, student, optimiser, averaged, lines)
            last_saved = now
    return {name.removeprefix("body."): value for name, value in averaged.items() if name.startswith("body.")}
