"""Fidelity: how closely a student follows its teachers on music that neither it nor its recipe has met.

Files are cut into stretches, one after the other, and everybody is asked about each of them. Compared are scores, by
Pearson's correlation over the stretches for each class, with the mean of the teachers that name classes; and the tags
likewise. A teacher can be compared like a student: how well it follows the mean, or another teacher, is what a student
can be expected to reach.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from earmark.audio import Waveform, decode
from earmark.errors import ManifestError, UnreadableAudio
from earmark.learning.networks.ear10 import SAMPLE_RATE
from earmark.learning.networks.yamnet import classes
from earmark.recipes.distillation.teachers import CLASSES, TAGS, TEACHERS, musicnn

logger = logging.getLogger(__name__)

SECONDS = 10.0  # of a stretch
LONGEST = 120.0  # seconds of a file
HEARD = 0.02  # a class whose teachers' scores never differ by more was not heard: a correlation would be of noise
BATCH = 16  # stretches

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Judged:
    """Stretches, and the answers of the teachers.

    `unread` are the files that could not be heard.

    Shape: waveforms (stretches, samples) at 22,050 Hz; scores of each teacher (stretches, outputs).
    """

    waveforms: NDArray[np.float32]
    scores: Mapping[str, Scores]
    unread: tuple[Path, ...] = ()

    def target(self, kind: str) -> Scores:
        """The mean of the teachers with outputs of a kind, (stretches, outputs)."""
        mean: Scores = np.mean([scores for name, scores in self.scores.items() if TEACHERS[name].kind == kind], 0)
        return mean


@dataclass(frozen=True)
class Fidelity:
    """Agreement of a student with its teachers.

    Attributes:
        stretches: how many were compared.
        correlations: for each class of electronic music, by its name; nan where the teachers never heard it.
        agreement: the share of stretches on which both name the same of these classes as the strongest.
        tags: the mean correlation of the fifty tags.
    """

    stretches: int
    correlations: dict[str, float]
    agreement: float
    tags: float

    @property
    def mean(self) -> float:
        """The mean correlation over the classes that were heard."""
        return _mean(self.correlations.values())

    def as_json(self) -> dict[str, object]:
        """Plain values; what is not known is None."""
        return {
            "stretches": self.stretches,
            "correlations": {name: _rounded(value) for name, value in self.correlations.items()},
            "mean": _rounded(self.mean),
            "agreement": _rounded(self.agreement),
            "tags": _rounded(self.tags),
        }


def judge(paths: Sequence[Path], teachers: Mapping[str, nn.Module], seconds: float = SECONDS) -> Judged:
    """Ask the teachers about files; what does not fill a stretch at the end is not heard.

    A file that cannot be heard is left out, with a warning.

    Raises:
        ManifestError: none of them is heard for as long as a stretch.
    """
    unread = []
    heard: dict[int, list[Waveform]] = {rate: [] for rate in {SAMPLE_RATE, *(_rate(name) for name in teachers)}}
    for path in paths:
        try:
            waveforms = {rate: decode(path, rate, duration=LONGEST) for rate in heard}
        except UnreadableAudio as error:
            logger.warning("%s; left out", error)
            unread.append(path)
            continue
        for rate, waveform in waveforms.items():
            samples = round(seconds * rate)
            starts = range(0, len(waveform) - samples + 1, samples)
            heard[rate] += [waveform[start : start + samples] for start in starts]
    if not all(heard.values()):
        raise ManifestError(f"nothing to measure on: none of {len(paths)} files has {seconds:g} s that can be heard")
    cut = {rate: np.stack(stretches[: min(map(len, heard.values()))]) for rate, stretches in heard.items()}
    scores = {
        name: asked(lambda waveform, ask=ask: ask(waveform).mean().scores, cut[_rate(name)], _device(ask))  # type: ignore[misc]
        for name, ask in teachers.items()
        if seconds >= TEACHERS[name].shortest
    }
    return Judged(cut[SAMPLE_RATE], scores, tuple(unread))


def _rate(name: str) -> int:
    return TEACHERS[name].sample_rate


def _device(module: nn.Module) -> torch.device:
    first: torch.Tensor = next(iter(module.state_dict().values()))
    return first.device


@torch.no_grad()
def asked(ask: Callable[[torch.Tensor], torch.Tensor], waveforms: Waveform, device: torch.device) -> Scores:
    """Answers of one network for stretches (stretches, samples), (stretches, outputs)."""
    batches = [torch.from_numpy(waveforms[start : start + BATCH]) for start in range(0, len(waveforms), BATCH)]
    return np.concatenate([ask(batch.to(device)).float().cpu().numpy() for batch in batches])


def answers(network: nn.Module, judged: Judged) -> Scores:
    """A student's scores of classes and tags, (stretches, 571)."""
    return asked(lambda waveform: network(waveform)[0].sigmoid(), judged.waveforms, _device(network))


def compare(student: Scores, judged: Judged) -> Fidelity:
    """A student's scores (stretches, 571), or a teacher's (stretches, 521), with the mean of the teachers."""
    return between(student, judged.target(CLASSES), judged.target(TAGS) if TAGS in _kinds(judged) else None)


def between(student: Scores, teacher: Scores, tags: Scores | None = None) -> Fidelity:
    """Somebody's scores with those of somebody else."""
    kinds = list(classes.KINDS)
    own = student[:, classes.CLASSES :]
    both = own.shape[1] == len(musicnn.TAGS) and tags is not None
    return Fidelity(
        stretches=len(teacher),
        correlations={
            classes.NAMES[number]: correlation(student[:, number], teacher[:, number]) for number in classes.STYLES
        },
        agreement=float((student[:, kinds].argmax(1) == teacher[:, kinds].argmax(1)).mean()),
        tags=_mean(correlation(own[:, tag], tags[:, tag]) for tag in range(own.shape[1]))
        if both and tags is not None
        else float("nan"),
    )


def _kinds(judged: Judged) -> set[str]:
    return {TEACHERS[name].kind for name in judged.scores}


def correlation(one: Scores, other: Scores) -> float:
    """Pearson's correlation; nan where the other hardly varies."""
    if np.ptp(other) < HEARD:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _mean(correlations: Iterable[float]) -> float:
    """The mean of those that are numbers; nan if none is."""
    known = [each for each in correlations if not np.isnan(each)]
    return float(np.mean(known)) if known else float("nan")


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 3)
