"""The bank: all the sound that scenes are made of, in memory, mono at 32 kHz in 16 bits.

    sound.i16    the samples of all clips, one after the other
    sound.json   the clips in that order: kind, name and length

Ten hours are 2.3 GB. Filling it takes a processor half an hour, most of it for the synthesizer's tracks, so it is kept;
a bank of other clips is replaced. The files appear by renaming, `sound.json` last.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.audio import decode
from earmark.files import replacing, write_text
from earmark.recipes.distillation.material import NON_MUSIC, Clip
from earmark.recipes.house12 import non_music
from earmark.synth import render
from earmark.synth.conditioning import render_row
from earmark.synth.corpus import Order

RATE = 32_000  # Hz: the highest that a teacher asks for
EACH = 20  # sounds of every kind that is no music

Steps = NDArray[np.int16]


@dataclass(frozen=True)
class Bank:
    """Sound to draw from; `kinds` are the places of the clips of each kind."""

    sound: Tensor  # (samples,) int16
    starts: NDArray[np.int64]  # (clips,)
    lengths: NDArray[np.int64]  # (clips,)
    kinds: Mapping[str, NDArray[np.int64]]

    def to(self, device: torch.device) -> "Bank":
        """The same on another device."""
        return Bank(self.sound.to(device), self.starts, self.lengths, self.kinds)

    @property
    def hours(self) -> float:
        """How much there is."""
        return len(self.sound) / RATE / 3600


def bank(
    clips: Sequence[Clip], folder: Path, seed: int, workers: int, progress: Callable[[float], None] = lambda _: None
) -> Bank:
    """The bank of some clips, and of noises, from a folder; filled where it is not there.

    Args:
        clips: what to hear.
        folder: where it is kept.
        seed: of the noises.
        workers: processes that decode and render.
        progress: called with the share that is done.

    Raises:
        UnreadableAudio: a file cannot be heard.
    """
    wanted = [[clip.kind, clip.name] for clip in clips]
    index, sound = folder / "sound.json", folder / "sound.i16"
    known = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    if [line[:2] for line in known if line[0] != NON_MUSIC] != wanted:
        known = _fill(clips, sound, seed, workers, progress)
        write_text(index, json.dumps(known))
    return of(torch.from_numpy(np.fromfile(sound, np.int16)), [(kind, length) for kind, _, length in known])


def of(sound: Tensor, clips: Sequence[tuple[str, int]]) -> Bank:
    """The bank of samples (samples,) that are of clips, each given as its kind and its length in samples."""
    lengths = np.array([length for _, length in clips], np.int64)
    kinds = np.array([kind for kind, _ in clips])
    heard = lengths > 0
    places = {str(kind): np.flatnonzero((kinds == kind) & heard) for kind in np.unique(kinds[heard])}
    return Bank(sound, np.cumsum(lengths) - lengths, lengths, places)


def _fill(
    clips: Sequence[Clip], path: Path, seed: int, workers: int, progress: Callable[[float], None]
) -> list[tuple[str, str, int]]:
    lines = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        for done, (clip, steps) in enumerate(_heard(clips, workers), 1):
            file.write(steps.tobytes())
            lines.append((clip.kind, clip.name, len(steps)))
            progress(done / len(clips))
        for number, noise in enumerate(non_music.non_music(np.random.default_rng(seed), EACH)):
            steps = _steps(soxr.resample(noise, non_music.RATE, RATE))
            file.write(steps.tobytes())
            lines.append((NON_MUSIC, f"{NON_MUSIC}/{number}", len(steps)))
    return lines


def _heard(clips: Sequence[Clip], workers: int) -> Iterator[tuple[Clip, Steps]]:
    if workers == 1:
        yield from ((clip, hear(clip)) for clip in clips)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from zip(clips, pool.map(hear, clips, chunksize=2), strict=True)
        finally:  # whoever stops listening stops the work
            pool.shutdown(wait=True, cancel_futures=True)


def hear(clip: Clip) -> Steps:
    """A clip as the bank has it, (samples,).

    Raises:
        UnreadableAudio: its file cannot be heard.
    """
    if isinstance(clip.source, Path):
        return _steps(decode(clip.source, RATE))
    return _steps(soxr.resample(_rendered(clip.source), clip.source.sample_rate, RATE))


def _rendered(order: Order) -> NDArray[np.float32]:
    asked = (order.style, order.seed, order.seconds)
    if order.row is None:
        track = render(*asked, artist=order.artist, sample_rate=order.sample_rate)
    else:
        track = render_row(order.row, *asked, artist=order.artist, sample_rate=order.sample_rate)
    mono: NDArray[np.float32] = track.audio.mean(0)
    return mono


def _steps(waveform: NDArray[np.floating]) -> Steps:
    steps: Steps = np.round(np.clip(waveform, -1, 1) * 32767).astype(np.int16)
    return steps
