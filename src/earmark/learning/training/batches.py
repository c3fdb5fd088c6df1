"""The windows of an epoch, in batches, and the logits of whole tracks.

What is drawn is a pure function of (seed, epoch, position): neither the number of worker processes nor an interruption
changes it, so a run that is resumed sees what it would have seen.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from earmark.audio import Waveform
from earmark.learning.data.manifest import Manifest
from earmark.learning.data.windows import WindowCache
from earmark.learning.networks import AudioNetwork
from earmark.learning.training.augment import draw, middle
from earmark.learning.training.config import Augmentation


class Draw(NamedTuple):
    """A window to be drawn: of which entry, where among its windows (0-1), and the seeds of what is changed in it."""

    entry: int
    place: float
    seeds: tuple[int, int, int]


class Batch(NamedTuple):
    """Waveforms (batch, samples) and targets (batch, classes), those of an assistant behind the labels."""

    waveform: Tensor
    target: Tensor


def stretch_of(cache: WindowCache, path: Path, index: int) -> Waveform:
    """A window of a track without the silence that fills it up, (samples,)."""
    return cache.waveform(path, index)[: cache.windows(path).heard[index]]


class DrawnWindows(Dataset[Batch]):
    """The windows of a manifest, changed at random as each draw says."""

    def __init__(
        self,
        manifest: Manifest,
        cache: WindowCache,
        samples: int,
        sample_rate: int,
        settings: Augmentation,
        pseudo_labels: NDArray[np.float32] | None = None,
    ) -> None:
        self.paths = [entry.path for entry in manifest.entries]
        targets = manifest.targets()
        self.targets = torch.from_numpy(targets if pseudo_labels is None else np.hstack([targets, pseudo_labels]))
        self.cache, self.samples, self.sample_rate, self.settings = cache, samples, sample_rate, settings

    def __getitem__(self, drawn: Draw) -> Batch:  # the sampler gives draws, not numbers
        heard = self.cache.windows(self.paths[drawn.entry]).heard
        stretch = stretch_of(self.cache, self.paths[drawn.entry], int(drawn.place * len(heard)))
        waveform = draw(stretch, self.samples, self.sample_rate, self.settings, np.random.default_rng(drawn.seeds))
        return Batch(torch.from_numpy(waveform), self.targets[drawn.entry])


def epoch_draws(manifest: Manifest, class_balance: float, seed: int, epoch: int) -> list[Draw]:
    """As many draws as the manifest has tracks.

    Without balance each track is drawn once. With it, tracks are drawn with replacement, and how often a class comes up
    goes from its share of the tracks (0) to the same for all (1). Classes are those of single labels; tags and values
    are not balanced.
    """
    generator = np.random.default_rng([seed, epoch])
    count = len(manifest.entries)
    if manifest.task == "styles" and class_balance:
        labels = manifest.labels()
        weight = (1 / np.bincount(labels, minlength=len(manifest.classes))[labels]) ** class_balance
        order = generator.choice(count, count, p=weight / weight.sum())
    else:
        order = generator.permutation(count)
    places = generator.random(count)
    return [
        Draw(int(entry), float(place), (seed, epoch, position))
        for position, (entry, place) in enumerate(zip(order, places, strict=True))
    ]


def share_of(draws: Sequence[Draw], batch_size: int, rank: int, world: int) -> list[list[Draw]]:
    """The batches of one of `world` processes; each gets as many, of one size: what does not fill a round is left out.

    A manifest that is smaller than one round makes one round of smaller batches.
    """
    size = min(batch_size, max(1, len(draws) // world))
    rounds = len(draws) // (size * world)
    mine = draws[rank : rounds * size * world : world]
    return [list(mine[start : start + size]) for start in range(0, len(mine), size)]


def load(windows: DrawnWindows, batches: Sequence[list[Draw]], workers: int) -> Iterator[Batch]:
    """The batches in their order, prepared by worker processes if there are any."""
    loader: DataLoader[Batch] = DataLoader(
        windows,
        batch_sampler=batches,  # draws, not numbers
        num_workers=workers,
        collate_fn=_collate,
        multiprocessing_context="spawn" if workers else None,
        pin_memory=torch.cuda.is_available(),
    )
    for batch in loader:
        yield Batch(*batch)


def _collate(windows: list[Batch]) -> Batch:
    waveforms, targets = zip(*windows, strict=True)
    return Batch(torch.stack(waveforms), torch.stack(targets))


@torch.no_grad()
def hear(
    network: AudioNetwork,
    manifest: Manifest,
    cache: WindowCache,
    precision: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> list[NDArray[np.float32]]:
    """The logits of all windows of each track as they are, unchanged: for each track (windows, classes).

    `precision` makes the context that the body runs in; the front end is computed in full precision, as in training.
    """
    network.eval()
    device = next(network.body.parameters()).device
    heard = []
    for entry in manifest.entries:
        count = len(cache.windows(entry.path).heard)
        stretches = [stretch_of(cache, entry.path, each) for each in range(count)]
        waveforms = np.stack([middle(stretch, network.samples) for stretch in stretches])
        spectrogram = network.front_end(torch.from_numpy(waveforms).to(device)).float()
        with precision():
            logits, _ = network.body(spectrogram.contiguous(memory_format=torch.channels_last))
        heard.append(logits.float().cpu().numpy())
    return heard
