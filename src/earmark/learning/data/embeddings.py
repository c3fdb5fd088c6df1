"""A cache of embeddings: embeddings and logits of every window of many files, heard once and kept.

Teaching asks for the same embeddings again and again: another head, one track more, a label put right. So each track's
are stored as a small file of their own, as soon as they are there, under a cache key made of all that they depend on:
the file's path, size and time of change, the model's network and how it cuts windows. A file or a model that changes
gets another key; what is stored is never wrong, at worst unused, and the folder may be deleted at any time.

Silence is left out as it is when a model listens: windows without a vote, and silent ends of those that have one.

Conventions: embeddings (windows, dims), logits (windows, styles), both float32, as the network gives them.
"""

import hashlib
import logging
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Recording
from earmark.errors import UnreadableAudio
from earmark.files import cache_folder, replacing
from earmark.hearing import Model
from earmark.hearing.activity import Activity, without_silent_ends
from earmark.hearing.bundle import NETWORK, Config
from earmark.runner import Outcome, run_all

logger = logging.getLogger(__name__)

REVISION = 2  # raised when the same file and model begin to give other embeddings


@dataclass(frozen=True)
class Embedded:
    """Embeddings (windows, dims) and logits (windows, styles) of one track."""

    path: Path
    embeddings: NDArray[np.float32]
    logits: NDArray[np.float32]


def default_cache() -> Path:
    """The folder of the cache unless told otherwise, in the user's folder for caches."""
    return cache_folder() / "embeddings"


def embed(paths: Sequence[Path], model: Path, cache: Path, workers: int) -> Iterator[Outcome[Embedded]]:
    """Embed files in their order; those that the cache holds are not opened.

    Args:
        paths: audio files.
        model: the folder of a bundle.
        cache: a folder; made if it is not there.
        workers: processes. Each stores what it heard at once, so nothing is lost if the rest is interrupted.
    """
    config = Model.open(model).config
    cache.mkdir(parents=True, exist_ok=True)
    stored = {path: found for path in dict.fromkeys(paths) if (found := _stored(path, config, cache)) is not None}
    missing = [path for path in dict.fromkeys(paths) if path not in stored]
    heard = run_all(missing, partial(Embedder.open, model, cache), workers)
    fresh: dict[Path, Outcome[Embedded]] = {}
    for path in paths:
        if path in stored:
            yield stored[path]
            continue
        if path not in fresh:
            fresh[path] = next(heard)
        yield fresh[path]


@dataclass(frozen=True)
class Embedder:
    """The task of a worker: hear a file window by window and store the outputs of the network."""

    model: Model
    cache: Path

    @classmethod
    def open(cls, model: Path, cache: Path) -> "Embedder":
        """Open the model; called in each worker process."""
        return cls(Model.open(model), cache)

    def __call__(self, path: Path) -> Embedded:
        """Hear a file.

        Raises:
            UnreadableAudio: there is no audio in it that can be heard.
        """
        target = (
            self.cache / f"{cache_key(path, self.model.config)}.npz"
        )  # before hearing: a file that changes meanwhile is stale
        rate = self.model.config.sample_rate
        activity, outputs = Activity(rate), []
        with Recording(path) as recording:
            for _, waveform in self.model.windows(recording.blocks(rate)):
                activity.add(waveform)
                outputs.append(self.model.run(without_silent_ends(waveform, rate)[None]))
        voting = activity.weights() > 0  # (windows,)
        kept = voting if voting.any() else ~voting
        logits, embeddings = (np.concatenate(each)[kept] for each in zip(*outputs, strict=True))
        _store(target, embeddings, logits)
        return Embedded(path, embeddings, logits)


def cache_key(path: Path, config: Config) -> str:
    """The digest of everything that the embeddings of a file depend on, in hex.

    Raises:
        UnreadableAudio: there is no such file.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise UnreadableAudio(path, error.strerror or str(error)) from error
    model = (config.sha256[NETWORK], config.sample_rate, config.window, config.hop, config.shortest)
    key = "\n".join(map(str, (path.absolute(), stat.st_size, stat.st_mtime_ns, *model, REVISION)))
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _stored(path: Path, config: Config, cache: Path) -> Embedded | None:
    """The stored embeddings of a file, or None if it must be heard."""
    try:
        source = cache / f"{cache_key(path, config)}.npz"
    except UnreadableAudio:  # whoever hears it says why
        return None
    if not source.exists():
        return None
    try:
        with np.load(source, allow_pickle=False) as arrays:
            return Embedded(path, arrays["embeddings"], arrays["logits"])
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        logger.warning("%s: damaged, so %s is heard again: %s", source, path, error)
        return None


def _store(target: Path, embeddings: NDArray[np.float32], logits: NDArray[np.float32]) -> None:
    with replacing(target) as file:
        np.savez(file, embeddings=embeddings, logits=logits)
