"""Fidelity: how closely a student follows its teachers on sound that neither it nor its recipe has met.

Two kinds of sound: scenes of preset families that were held out, and files of real music. What is compared are YAMNet's
scores patch by patch, and musicnn's tags scene by scene; Pearson's correlation over the patches, for each class.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.audio import Waveform, decode
from earmark.learning.networks import AudioNetwork
from earmark.learning.networks.yamnet import classes
from earmark.recipes.distillation import shards
from earmark.recipes.distillation.material import RATE
from earmark.recipes.distillation.scenes import SAMPLES
from earmark.recipes.distillation.shards import Shard, Teachers
from earmark.recipes.distillation.teachers import musicnn

LONGEST = 120.0  # seconds of a file
HEARD = 0.02  # a class whose teacher's scores never differ by more was not heard: a correlation would be of noise
BATCH = 64  # scenes


@dataclass(frozen=True)
class Fidelity:
    """Agreement of a student with its teachers.

    Attributes:
        patches: their number.
        correlations: for each class of electronic music, by its name; nan where the teacher never heard it.
        agreement: the share of patches on which both name the same of these classes as the strongest.
        tags: the mean correlation of the fifty tags.
    """

    patches: int
    correlations: dict[str, float]
    agreement: float
    tags: float

    @property
    def mean(self) -> float:
        """The mean correlation over the classes that were heard."""
        return _mean(self.correlations.values())

    def as_json(self) -> dict[str, object]:
        """Plain values; a class that was not heard is None."""
        known = {name: None if np.isnan(value) else round(value, 3) for name, value in self.correlations.items()}
        return {
            "patches": self.patches,
            "correlations": known,
            "mean": round(self.mean, 3),
            "agreement": round(self.agreement, 3),
            "tags": round(self.tags, 3),
        }


def compare(network: AudioNetwork, heard: Sequence[Shard]) -> Fidelity:
    """The agreement of a student with its teachers on scenes with their outputs."""
    scores, tags = zip(*(ask(network, shard) for shard in heard), strict=True)
    student = np.concatenate(scores).reshape(-1, classes.CLASSES)
    teacher = np.concatenate([shard.scores for shard in heard]).reshape(-1, classes.CLASSES).astype(np.float32)
    asked = np.concatenate([shard.tags for shard in heard]).astype(np.float32)
    known = ~np.isnan(asked[:, 0])
    student_tags = np.concatenate(tags)[known]
    kinds = list(classes.KINDS)
    return Fidelity(
        patches=len(teacher),
        correlations={
            classes.NAMES[number]: correlation(student[:, number], teacher[:, number]) for number in classes.STYLES
        },
        agreement=float((student[:, kinds].argmax(1) == teacher[:, kinds].argmax(1)).mean()),
        tags=_mean(correlation(student_tags[:, tag], asked[known, tag]) for tag in range(len(musicnn.TAGS))),
    )


@torch.no_grad()
def ask(network: AudioNetwork, shard: Shard) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A student's scores (scenes, 3, 521) and tags (scenes, 50)."""
    network.eval()
    scores, tags = [], []
    for start in range(0, len(shard.patches), BATCH):
        patches = torch.from_numpy(shard.patches[start : start + BATCH]).float()
        features, _ = network.body.features(patches)  # type: ignore[operator]
        logits = network.body.dense(features)  # type: ignore[operator]
        scores.append(logits[..., : classes.CLASSES].sigmoid().numpy())
        tags.append(logits[..., classes.CLASSES :].mean(1).sigmoid().numpy())
    return np.concatenate(scores), np.concatenate(tags)


def correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson's correlation; nan where the other hardly varies."""
    if np.ptp(other) < HEARD:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _mean(correlations: Iterable[float]) -> float:
    """The mean of those that are numbers; nan if none is."""
    known = [each for each in correlations if not np.isnan(each)]
    return float(np.mean(known)) if known else float("nan")


def real_scenes(path: Path) -> Iterator[Waveform]:
    """A file of real music in pieces of three seconds, at most two minutes of it.

    Raises:
        UnreadableAudio: it cannot be heard.
    """
    waveform = decode(path, RATE, duration=LONGEST)
    for start in range(0, len(waveform) - SAMPLES + 1, SAMPLES):
        yield waveform[start : start + SAMPLES]


def judge(paths: Sequence[Path], teachers: Teachers) -> list[Shard]:
    """The outputs of the teachers for files, each of which fills at least one scene.

    Raises:
        UnreadableAudio: a file cannot be heard.
    """
    pieces = [list(real_scenes(path)) for path in paths]
    return [shards.label(scenes, teachers, tag_every=1) for scenes in pieces if scenes]
