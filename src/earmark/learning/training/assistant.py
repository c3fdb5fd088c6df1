"""Assistants: other models whose pseudo-labels of the tracks are learned beside their labels.

What is synthetic has labels that a program was asked for; a model that has heard real music tells which of it sounds
like what. Its probabilities for every training track are a second target, for a linear head on the embedding that is
left away afterwards: the network learns to hear what the assistant hears, and is itself unchanged in form.

References: R. Caruana, "Multitask learning", Machine Learning 28, 1997; G. Hinton et al., 2015, for the soft targets.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earmark.errors import FileError, ManifestError
from earmark.files import replacing
from earmark.hearing import Listener, Model
from earmark.learning.networks import AudioNetwork
from earmark.runner import Task, run_all


class Assisted(nn.Module):
    """A body with the assistant's head, which learn together.

    Shape: spectrogram -> logits (batch, classes), logits of the assistant's classes (batch, others).
    """

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, spectrogram: Tensor) -> tuple[Tensor, Tensor]:
        """Both logits; see the class."""
        logits, embedding = self.body(spectrogram)
        return logits, self.head(embedding)


def attach(network: AudioNetwork, others: int) -> Assisted:
    """Give a network the head for `others` classes, as `network.assistant`, so that it is saved and loaded with it."""
    with torch.no_grad():
        silence = torch.zeros(2, network.samples)  # two: a batch norm in training needs more than one
        _, embedding = network.eval()(silence)
    network.assistant = nn.Linear(embedding.shape[1], others)
    return Assisted(network.body, network.assistant)


def detach(network: AudioNetwork) -> None:
    """Leave the head away."""
    del network.assistant


def pseudo_labels(
    source: str, paths: Sequence[Path], folder: Path, progress: Callable[[int], None], workers: int = 1
) -> NDArray[np.float32]:
    """Mean probabilities of tracks by a model of tags or styles, (tracks, classes).

    They are kept in the folder, a file for each track, and computed once.

    Args:
        source: the model, by its name or its folder.
        paths: the tracks.
        folder: the cache.
        progress: called with how many tracks are done.
        workers: processes.

    Raises:
        ManifestError: the model gives no probabilities.
        UnreadableAudio: a track cannot be heard.
    """
    if Model.open(source).config.task == "values":
        raise ManifestError(f"{source}: gives values, no probabilities that could be learned beside the labels")
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for done, outcome in enumerate(run_all(paths, partial(_asker, source, folder), workers), 1):
        if isinstance(outcome, FileError):
            raise outcome
        kept.append(outcome)
        progress(done)
    return np.stack(kept)


def _asker(source: str, folder: Path) -> Task[NDArray[np.float32]]:
    """Hears a track with the model, or reads what it said before."""
    listener = Listener(Model.open(source), parts=())

    def ask(path: Path) -> NDArray[np.float32]:
        known = folder / f"{_cache_key(listener, path)}.npy"
        if not known.exists():
            with replacing(known) as file:
                np.save(file, listener(path).timeline.mean().astype(np.float32))
        said: NDArray[np.float32] = np.load(known, allow_pickle=False)
        return said

    return ask


def _cache_key(listener: Listener, path: Path) -> str:
    status = path.stat()
    what = (listener.version, str(path.absolute()), status.st_size, status.st_mtime_ns)
    return hashlib.sha256(repr(what).encode("utf-8", "surrogateescape")).hexdigest()[:32]
