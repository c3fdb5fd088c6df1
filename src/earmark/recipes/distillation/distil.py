"""Distillation: a student learns to answer as its teachers do, on scenes that are made as it learns.

    bank -> scenes -> teachers -> the mean of their answers
                   -> student  -> loss against scores, embeddings, tags
                               -> a moving average of its weights, which is what is kept

Every step hears new scenes; a step's scenes follow from the seed and its number. Several candidates may start: all hear
the same scenes and answers, and after the trial the one that follows best on held-out music goes on alone (successive
halving, once). The same code runs on a processor and on a graphics card; a run that was interrupted goes on from its
checkpoint.

References: G. Hinton et al., "Distilling the knowledge in a neural network", 2015; L. Beyer et al., "Knowledge
distillation: a good teacher is patient and consistent", CVPR 2022; K. Jamieson and A. Talwalkar, "Non-stochastic best
arm identification and hyperparameter optimization", AISTATS 2016.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from earmark.learning.networks import ARCHITECTURES, AudioNetwork
from earmark.learning.networks.ear10 import SAMPLE_RATE
from earmark.learning.networks.yamnet import classes
from earmark.learning.recipe import Recipe
from earmark.learning.training import checkpoint
from earmark.learning.training.checkpoint import Progress
from earmark.learning.training.optimiser import warm_cosine
from earmark.recipes.distillation import scenes
from earmark.recipes.distillation.bank import RATE, Bank
from earmark.recipes.distillation.teachers import CLASSES, OUTPUTS, TAGS, TEACHERS, Answer, musicnn

PLACES = 6  # of the student, in one of YAMNet's patches of 0.96 s
RARE = -5.0  # logit of a class before anything was heard: most are never there
FAINTEST = 1e-4  # a score
VARIES = 1e-3  # spread of a class's scores over a batch, below which a correlation would be of noise
MUSIC = range(132, 277)  # the classes of AudioSet that are kinds of music
LENGTHS = {10.0: 0.7, 5.0: 0.14, 3.0: 0.1, 1.0: 0.06}
"""Seconds of a scene, and how many of the batches have that length; of shorter ones there are more in a batch."""
LONGEST = max(LENGTHS)
MOST = 3  # times as many scenes of the shortest
EVERY = 10  # steps, of which the progress is told: to ask a graphics card for a number is to wait for it
CLIP = 5.0  # of the norm of the gradient


class DistilConfig(Recipe):
    """The settings of a distillation; weights are those of a part of the loss."""

    steps: PositiveInt
    batch_size: PositiveInt  # scenes of ten seconds
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    warm_up: float = Field(gt=0, lt=1)  # share of all steps
    average: float = Field(ge=0, lt=1)  # decay of the moving average of the weights, for each step
    trial: float = Field(gt=0, lt=1)  # the share of the steps after which one candidate goes on alone
    music: NonNegativeFloat  # weight of a kind of music, where another class has 1
    styles: NonNegativeFloat  # weight of the kinds of electronic music
    logits: NonNegativeFloat
    follow: NonNegativeFloat  # of the correlation over the batch, for the kinds of electronic music
    patches: NonNegativeFloat  # of the answers of the first teacher for each second
    embedding: NonNegativeFloat
    tags: NonNegativeFloat
    tag_share: float = Field(gt=0, le=1)  # of the scenes are shown to the teacher of tags, which costs most
    seed: NonNegativeInt


@dataclass(frozen=True)
class Step:
    """Progress of a run: `done` of `total` steps (a share of the time where that is shorter), the mean loss of late."""

    done: int
    total: int
    share: float
    loss: float


@dataclass(frozen=True)
class Taught:
    """Scenes as the student hears them, and the answers of the teachers.

    Shape: waveform (batch, samples), scores (batch, 521), patches (batch, places, 521), embeddings each (batch, dims),
    tags (asked, 50) of the first scenes.
    """

    waveform: Tensor
    scores: Tensor
    patches: Tensor
    embeddings: list[Tensor]
    tags: Tensor


Predicted = tuple[Tensor, Tensor, list[Tensor]]
"""Logits (batch, 571), logits of each second (batch, seconds, 521), the embeddings of the teachers."""


class Student(nn.Module):
    """The ear, and heads that only training needs: for each second, and for the teachers' embeddings.

    Args:
        network: an `ear10`.
        dims: of the teachers' embeddings.
    """

    def __init__(self, network: AudioNetwork, dims: Sequence[int]) -> None:
        super().__init__()
        self.front_end, self.body = network.front_end, network.body
        dense, width = self.body.dense, self.body.hidden.in_features // 2  # type: ignore[union-attr, operator]
        nn.init.constant_(dense.bias, RARE)  # type: ignore[union-attr, arg-type]
        self.each_second = nn.Linear(width, classes.CLASSES)  # type: ignore[arg-type]
        nn.init.constant_(self.each_second.bias, RARE)
        self.imitate = nn.ModuleList(nn.Linear(dense.in_features, each) for each in dims)  # type: ignore[union-attr, arg-type]

    def forward(self, waveform: Tensor) -> Predicted:
        """The outputs of the student for scenes."""
        with torch.autocast(waveform.device.type, enabled=False), torch.no_grad():
            log_mel = self.front_end(waveform)
        places, _ = self.body.places(log_mel)  # type: ignore[operator]
        summary = self.body.summary(places)  # type: ignore[operator]
        seconds = functional.avg_pool1d(places, PLACES).transpose(1, 2)
        logits = self.body.dense(self.body.dropout(summary))  # type: ignore[operator]
        return logits, self.each_second(seconds), [head(summary) for head in self.imitate]


@torch.no_grad()
def taught(bank: Bank, teachers: Mapping[str, nn.Module], config: DistilConfig, step: int) -> Taught:
    """The scenes of a step, and the answers of the teachers."""
    rng = np.random.default_rng([config.seed, step])
    seconds = float(rng.choice(list(LENGTHS), p=list(LENGTHS.values())))
    count = config.batch_size * min(MOST, round(LONGEST / seconds))
    sound = scenes.scenes(bank, rng, count, seconds)
    heard = {SAMPLE_RATE: scenes.at(SAMPLE_RATE, sound), RATE: sound}
    answers: dict[str, list[Answer]] = {CLASSES: [], TAGS: []}
    for name, ask in teachers.items():
        teacher = TEACHERS[name]
        if seconds < teacher.shortest:
            continue
        some = slice(None) if teacher.kind == CLASSES else slice(max(1, round(config.tag_share * count)))
        if teacher.sample_rate not in heard:
            waveform = scenes.at(teacher.sample_rate, sound[some])
        else:
            waveform = heard[teacher.sample_rate][some]
        answers[teacher.kind].append(ask(waveform))
    whole = [answer.mean() for answer in answers[CLASSES]]
    return Taught(
        waveform=heard[SAMPLE_RATE],
        scores=torch.stack([answer.scores for answer in whole]).mean(0),
        patches=answers[CLASSES][0].scores,
        embeddings=[answer.embedding for answer in whole],
        tags=torch.cat([answer.mean().scores for answer in answers[TAGS]] or [sound.new_zeros(0, len(musicnn.TAGS))]),
    )


def importance(config: DistilConfig) -> Tensor:
    """The weight of each class in the loss, (521,)."""
    weight = torch.ones(classes.CLASSES)
    weight[list(MUSIC)] = config.music
    weight[list(classes.STYLES)] = config.styles
    return weight


def loss_of(answer: Predicted, heard: Taught, weight: Tensor, config: DistilConfig) -> Tensor:
    """The distance of a student from its teachers, a mean over the scenes.

    Scores are compared three times: as probabilities, where the loud classes count; as logits, in which the faintest
    scores tell as much as the others; and by their correlation over the batch, which is what will be measured.
    """
    logits, seconds, embeddings = answer[0].float(), answer[1].float(), [each.float() for each in answer[2]]
    wanted = heard.scores.clamp(FAINTEST, 1 - FAINTEST)
    own = logits[:, : classes.CLASSES]
    surprise = functional.binary_cross_entropy_with_logits(own, wanted, reduction="none")
    distance = (own - wanted.logit()).square()
    loss = (surprise * weight).sum(-1).mean() + config.logits * (distance * weight).sum(-1).mean() / weight.sum()
    kinds = list(classes.STYLES)
    loss = loss + config.follow * (1 - correlations(own[:, kinds].sigmoid(), wanted[:, kinds])).mean()
    count = min(seconds.shape[1], heard.patches.shape[1])
    each = functional.binary_cross_entropy_with_logits(
        seconds[:, :count], heard.patches[:, :count].clamp(FAINTEST, 1 - FAINTEST), reduction="none"
    )
    loss = loss + config.patches * (each * weight).sum(-1).mean()
    for imitated, embedding in zip(embeddings, heard.embeddings, strict=True):
        scaled = functional.batch_norm(embedding, None, None, training=True).clamp(-8, 8)
        loss = loss + config.embedding * functional.mse_loss(imitated, scaled)
    if len(heard.tags):
        tags = logits[: len(heard.tags), classes.CLASSES :]
        loss = loss + config.tags * functional.binary_cross_entropy_with_logits(tags, heard.tags.clamp(0, 1))
    return loss


def correlations(one: Tensor, other: Tensor) -> Tensor:
    """Pearson's correlation of each column over the rows, (rows, columns) -> (columns,); 1 where nothing varies."""
    one, other = one - one.mean(0), other - other.mean(0)
    spread = one.square().mean(0).clamp_min(1e-10).sqrt() * other.square().mean(0).clamp_min(1e-10).sqrt()
    found = (one * other).mean(0) / spread
    return torch.where(other.square().mean(0).sqrt() > VARIES, found, 1)


@dataclass(frozen=True)
class Trial:
    """The choice among the candidates: the judge's figure of each by its name, after so many steps."""

    figures: Mapping[str, float]
    steps: int


@dataclass(frozen=True)
class Distilled:
    """The best candidate: its name, its network with the moving average of its weights, and how it came to be.

    `trial` is None where there was one candidate only; `steps` are those that were trained.
    """

    name: str
    network: AudioNetwork
    trial: Trial | None
    steps: int


Judge = Callable[[AudioNetwork], float]
"""The fidelity of a network on held-out music; the more the better."""


def distil(
    bank: Bank,
    teachers: Mapping[str, nn.Module],
    candidates: Mapping[str, Mapping[str, Any]],
    config: DistilConfig,
    folder: Path,
    judge: Judge,
    progress: Callable[[Step], None],
    *,
    minutes: float | None = None,
    checkpoint_seconds: float = 60,
) -> Distilled:
    """Train the candidates, and the best of them to the end.

    Args:
        bank: the sound, on the device that everything is to run on.
        teachers: as `teachers.opened` gives them, on the same device.
        candidates: the settings of an `ear10` for each name.
        config: the settings of the training.
        folder: where the checkpoint is kept.
        judge: decides after the trial.
        progress: called every EVERY steps.
        minutes: where given, the run is shortened to what can be done in this time, and its schedule with it.
        checkpoint_seconds: how often a checkpoint is written.

    Raises:
        ManifestError: the checkpoint is damaged, or of another recipe.
    """
    run = _Run(bank, teachers, candidates, config, folder)
    began = time.monotonic() - run.state.seconds
    last_saved = time.monotonic()
    smooth = torch.tensor(float("nan"), device=run.device)
    while True:
        done = run.state.step
        share = max(done / config.steps, (time.monotonic() - began) / 60 / minutes if minutes else 0.0)
        if share >= config.trial and len(run.students) > 1:
            run.choose(judge)
        if share >= 1:
            break
        loss = run.step(share)
        run.state.step, run.state.seconds = done + 1, time.monotonic() - began
        smooth = torch.where(smooth.isnan(), loss, 0.98 * smooth + 0.02 * loss)
        if run.state.step % EVERY == 0:
            progress(Step(run.state.step, config.steps, share, float(smooth)))
        if time.monotonic() - last_saved > checkpoint_seconds:
            run.save()
            last_saved = time.monotonic()
    run.save()
    (name,) = run.students
    return Distilled(name, run.network(name), run.trial, run.state.step)


class _Run:
    """What lives from step to step: the candidates, their averages, the optimiser."""

    def __init__(
        self,
        bank: Bank,
        teachers: Mapping[str, nn.Module],
        candidates: Mapping[str, Mapping[str, Any]],
        config: DistilConfig,
        folder: Path,
    ) -> None:
        self.bank, self.teachers, self.config = bank, teachers, config
        self.candidates = candidates
        self.device = bank.sound.device
        self.weight = importance(config).to(self.device)
        what = [config.model_dump(), {name: dict(settings) for name, settings in candidates.items()}]
        self.run_id = hashlib.sha256(json.dumps(what).encode()).hexdigest()
        self.before, self.after = folder / "trial.safetensors", folder / "checkpoint.safetensors"
        self.state = Progress()
        self.trial: Trial | None = None
        torch.manual_seed(config.seed)
        self.students = nn.ModuleDict({name: self._student(name) for name in candidates})
        self._begin()
        if self.after.exists() and (lines := checkpoint.lines(self.after)):
            figures, steps = lines
            self.trial = Trial(figures, int(steps["steps"]))
            self._keep(max(figures, key=figures.__getitem__))
        if (saved := self.after if self.after.exists() else self.before).exists():
            self.state, averaged, _ = checkpoint.load(saved, self.run_id, self.students, self.optimiser)
            self.averaged = {name: value.to(self.device) for name, value in averaged.items()}

    def _student(self, name: str) -> Student:
        network = ARCHITECTURES["ear10"](len(OUTPUTS), **self.candidates[name])
        assert isinstance(network, AudioNetwork)  # noqa: S101  the table says so
        dims = [TEACHERS[each].dims for each in self.teachers if TEACHERS[each].kind == CLASSES]
        return Student(network, dims).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _begin(self) -> None:
        decayed = [value for value in self.students.parameters() if value.ndim > 1]
        others = [value for value in self.students.parameters() if value.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": self.config.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=self.config.learning_rate,
        )
        self.averaged = {name: value.clone() for name, value in self.students.state_dict().items()}

    def step(self, share: float) -> Tensor:
        """Hear the scenes of a step; the loss of the first candidate."""
        config, device = self.config, self.device
        heard = taught(self.bank, self.teachers, config, self.state.step)
        torch.manual_seed(int(np.random.default_rng([config.seed, self.state.step, 1]).integers(2**62)))  # dropout
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * warm_cosine(max(share, 1e-4), config.warm_up)
        self.students.train()
        self.optimiser.zero_grad()
        losses = []
        for student in self.students.values():
            with torch.autocast(device.type, torch.bfloat16):
                answer = student(heard.waveform)
            loss = loss_of(answer, heard, self.weight, config)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(student.parameters(), CLIP)
            losses.append(loss.detach())
        self.optimiser.step()
        self._average(min(config.average, (self.state.step + 1) / (self.state.step + 10)))
        return losses[0]

    @torch.no_grad()
    def _average(self, keep: float) -> None:
        now = self.students.state_dict()
        moving = [name for name, value in now.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.averaged[name] for name in moving], [now[name] for name in moving], 1 - keep)
        for name in now.keys() - moving:
            self.averaged[name].copy_(now[name])

    def network(self, name: str) -> AudioNetwork:
        """A candidate with the moving average of its weights, ready to hear."""
        network = ARCHITECTURES["ear10"](len(OUTPUTS), **self.candidates[name])
        assert isinstance(network, AudioNetwork)  # noqa: S101  the table says so
        start = f"{name}.body."
        body = {key.removeprefix(start): value for key, value in self.averaged.items() if key.startswith(start)}
        network.body.load_state_dict(body)
        return network.to(self.device).eval()

    def choose(self, judge: Judge) -> None:
        """Let the best candidate go on alone."""
        figures = {name: judge(self.network(name)) for name in self.students}
        self.trial = Trial(figures, self.state.step)
        best = max(figures, key=figures.__getitem__)
        averaged, states = self.averaged, self.optimiser.state
        self._keep(best)
        self.averaged = {name: averaged[name] for name in self.averaged}
        for parameter in self.students.parameters():
            self.optimiser.state[parameter] = states[parameter]
        self.save()

    def _keep(self, name: str) -> None:
        self.students = nn.ModuleDict({name: self.students[name]})
        self._begin()

    def save(self) -> None:
        """Write the checkpoint, of the trial or of what comes after it."""
        path = self.after if len(self.students) == 1 else self.before
        lines = [self.trial.figures, {"steps": self.trial.steps}] if self.trial else []
        checkpoint.save(path, self.run_id, self.state, self.students, self.optimiser, self.averaged, lines)
