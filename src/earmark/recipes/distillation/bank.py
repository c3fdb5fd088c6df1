"""The bank: all the sound that scenes are made of, in memory, mono at 32 kHz in 16 bits.

    sound.i16    the samples of all clips, one after the other
    sound.json   the clips in that order: kind, name and length

Ten hours are 2.3 GB. Filling it takes a processor half an hour, most of it for the synthesizer's tracks, so it is kept;
a bank of other clips is replaced. The files appear by renaming, `sound.json` last; until then they are `sound.part`
and `sound.part.jsonl`, a line for each clip, and a bank whose filling was interrupted is filled on.

A file that cannot be heard is left out, with a warning; it stands in the list with a length of 0.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.audio import decode
from earmark.errors import UnreadableAudio
from earmark.files import put, write_text
from earmark.recipes.distillation.material import NON_MUSIC, Clip
from earmark.recipes.house12 import non_music
from earmark.synth import render
from earmark.synth.conditioning import render_row
from earmark.synth.corpus import Order

logger = logging.getLogger(__name__)

RATE = 32_000  # Hz: the highest that a teacher asks for
STEP = 2  # bytes
PART, JOURNAL = "sound.part", "sound.part.jsonl"
EACH = 20  # sounds of every kind that is no music

Steps = NDArray[np.int16]
Line = tuple[str, str, int]
"""Kind, name and length of a clip."""


@dataclass(frozen=True)
class Bank:
    """Sound to draw from; `kinds` are the places of the clips of each kind, `unread` the names of those left out."""

    sound: Tensor  # (samples,) int16
    starts: NDArray[np.int64]  # (clips,)
    lengths: NDArray[np.int64]  # (clips,)
    kinds: Mapping[str, NDArray[np.int64]]
    unread: tuple[str, ...] = ()

    def to(self, device: torch.device) -> "Bank":
        """The same on another device."""
        return replace(self, sound=self.sound.to(device))

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
    """
    wanted = [[clip.kind, clip.name] for clip in clips]
    index, sound = folder / "sound.json", folder / "sound.i16"
    known = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    if [line[:2] for line in known if line[0] != NON_MUSIC] != wanted:
        known = _fill(clips, folder, seed, workers, progress)
        index.unlink(missing_ok=True)  # of other clips
        put(folder / PART, sound)
        write_text(index, json.dumps(known))
        (folder / JOURNAL).unlink()
    held = of(torch.from_numpy(np.fromfile(sound, np.int16)), [(kind, length) for kind, _, length in known])
    return replace(held, unread=tuple(name for _, name, length in known if not length))


def of(sound: Tensor, clips: Sequence[tuple[str, int]]) -> Bank:
    """The bank of samples (samples,) that are of clips, each given as its kind and its length in samples."""
    lengths = np.array([length for _, length in clips], np.int64)
    kinds = np.array([kind for kind, _ in clips])
    heard = lengths > 0
    places = {str(kind): np.flatnonzero((kinds == kind) & heard) for kind in np.unique(kinds[heard])}
    return Bank(sound, np.cumsum(lengths) - lengths, lengths, places)


def _fill(
    clips: Sequence[Clip], folder: Path, seed: int, workers: int, progress: Callable[[float], None]
) -> list[Line]:
    """Write the sound of all clips, from where an interruption left it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = _begun(clips, folder)
    with (folder / PART).open("ab") as file, (folder / JOURNAL).open("a", encoding="utf-8") as journal:
        file.truncate(sum(length for _, _, length in lines) * STEP)
        missing = clips[len(lines) :]
        for clip, steps in _heard(missing, workers):
            if isinstance(steps, UnreadableAudio):
                logger.warning("%s; left out", steps)
                steps = np.empty(0, np.int16)  # noqa: PLW2901  nothing of it
            file.write(steps.tobytes())
            file.flush()
            lines.append((clip.kind, clip.name, len(steps)))
            journal.write(json.dumps(lines[-1]) + "\n")
            journal.flush()
            progress(len(lines) / len(clips))
        for number, noise in enumerate(non_music.non_music(np.random.default_rng(seed), EACH)):
            steps = _steps(soxr.resample(noise, non_music.RATE, RATE))
            file.write(steps.tobytes())
            lines.append((NON_MUSIC, f"{NON_MUSIC}/{number}", len(steps)))
    return lines


def _begun(clips: Sequence[Clip], folder: Path) -> list[Line]:
    """The clips that an interrupted filling has written; its journal then holds no others."""
    journal, part = folder / JOURNAL, folder / PART
    written = part.stat().st_size // STEP if part.exists() else 0
    lines: list[Line] = []
    if journal.exists():
        whole = journal.read_text(encoding="utf-8").rpartition("\n")[0]  # a last line without its end is not whole
        for clip, text in zip(clips, whole.splitlines(), strict=False):
            kind, name, length = json.loads(text)
            written -= length
            if (kind, name) != (clip.kind, clip.name) or written < 0:
                break
            lines.append((kind, name, length))
    write_text(journal, "".join(json.dumps(line) + "\n" for line in lines))
    return lines


def _heard(clips: Sequence[Clip], workers: int) -> Iterator[tuple[Clip, Steps | UnreadableAudio]]:
    if workers == 1:
        yield from ((clip, _outcome(clip)) for clip in clips)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from zip(clips, pool.map(_outcome, clips, chunksize=2), strict=True)
        finally:  # whoever stops listening stops the work
            pool.shutdown(wait=True, cancel_futures=True)


def _outcome(clip: Clip) -> Steps | UnreadableAudio:
    try:
        return hear(clip)
    except UnreadableAudio as error:
        return error


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
