"""Shards: scenes as the student sees them, with the outputs of the teachers.

    shards/00017.npz    of a few hundred scenes: log-mel patches, YAMNet's scores and embedding, musicnn's tags

A shard depends on nothing but its number, the seed and the material; it appears by renaming, and those that are there
are kept. The tags cost as much as everything else, so only some scenes have them (the others: nan).

Shape: patches (scenes, 3, 64, 96) float16; scores (scenes, 3, 521) float16; embedding (scenes, 3, 1024) float16;
tags (scenes, 50) float16.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache, cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from earmark.audio import Waveform
from earmark.files import replacing
from earmark.hearing.bundle import user_models
from earmark.learning.adding import DOWNLOADS
from earmark.learning.networks.ear import PATCH, LogMelPatches
from earmark.learning.networks.yamnet import graph, patches
from earmark.recipes.distillation.material import RATE
from earmark.recipes.distillation.scenes import Material, scene
from earmark.recipes.distillation.teachers import TEACHERS, musicnn

PATCHES = 3  # of a scene
EVERY = 21_168  # samples from one patch to the next: YAMNet's 96 frames of 10 ms
TAG_EVERY = 12  # scenes

Halves = NDArray[np.float16]


@dataclass(frozen=True)
class Shard:
    """Scenes and the outputs of the teachers; see the module."""

    patches: Halves
    scores: Halves
    embedding: Halves
    tags: Halves


@dataclass(frozen=True)
class Teachers:
    """The teachers of a folder, else those that `earmark models add` fetched; each opened when it is asked first."""

    folder: Path

    @cached_property
    def yamnet(self) -> graph.Yamnet:
        """521 classes of sound, and an embedding."""
        return cast(graph.Yamnet, self._open("yamnet"))

    @cached_property
    def musicnn(self) -> musicnn.Musicnn:
        """50 tags of the Million Song Dataset."""
        return cast(musicnn.Musicnn, self._open("musicnn"))

    def _open(self, name: str) -> object:
        teacher = TEACHERS[name]
        given, added = self.folder / teacher.file, user_models() / DOWNLOADS / teacher.file
        return teacher.open(added if added.exists() and not given.exists() else given)


def label(waveforms: list[Waveform], teachers: Teachers, *, tag_every: int = TAG_EVERY) -> Shard:
    """Ask the teachers about scenes, each (66150,) at 22,050 Hz."""
    heard = [soxr.resample(waveform, RATE, patches.SAMPLE_RATE, quality="MQ") for waveform in waveforms]
    seen = np.concatenate([patches.front_end(waveform, hop=patches.FRAMES)[:PATCHES] for waveform in heard])
    scores, embedding = teachers.yamnet.hear(seen)
    tags = np.full((len(waveforms), len(musicnn.TAGS)), np.nan, np.float16)
    tags[::tag_every] = teachers.musicnn.hear(np.stack([musicnn.front_end(each) for each in heard[::tag_every]]))
    starts = np.arange(PATCHES) * EVERY
    stretches = np.stack([waveform[start : start + PATCH] for waveform in waveforms for start in starts])
    with torch.no_grad():
        student = torch.unflatten(LogMelPatches(PATCH)(torch.from_numpy(stretches))[:, 0], 0, (-1, PATCHES))
    shape = (len(waveforms), PATCHES, -1)
    return Shard(
        patches=student.numpy().astype(np.float16),
        scores=scores.reshape(shape).astype(np.float16),
        embedding=embedding.reshape(shape).astype(np.float16),
        tags=tags,
    )


def make(folder: Path, count: int, size: int, material: Material, teachers: Teachers, workers: int) -> Iterator[int]:
    """Make the shards that are missing; yields the number that is there after each."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(count) if not path_of(folder, number).exists()]
    done = count - len(missing)
    if not missing:
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            futures = [pool.submit(_make, folder, number, size, material, teachers) for number in missing]
            for future in as_completed(futures):
                future.result()
                done += 1
                yield done
        finally:  # whoever stops listening stops the work
            pool.shutdown(wait=True, cancel_futures=True)


def path_of(folder: Path, number: int) -> Path:
    """The file of a shard."""
    return folder / f"{number:05d}.npz"


def _make(folder: Path, number: int, size: int, material: Material, teachers: Teachers) -> None:
    torch.set_num_threads(1)
    waveforms = [scene(material, (material.seed, number, index)) for index in range(size)]
    write(label(waveforms, _ready(teachers)), path_of(folder, number))


@cache
def _ready(teachers: Teachers) -> Teachers:
    """The same teachers, once for each process: opening them takes longer than asking them."""
    return teachers


def write(shard: Shard, path: Path) -> None:
    """Write a shard."""
    with replacing(path) as file:
        np.savez(file, **vars(shard))


def read(path: Path) -> Shard:
    """Read a shard."""
    with np.load(path, allow_pickle=False) as arrays:
        return Shard(**{name: arrays[name] for name in ("patches", "scores", "embedding", "tags")})
