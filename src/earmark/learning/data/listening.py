"""What the files of a manifest hold: whether they can be heard, how long they are, and their fingerprints."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from earmark.audio import Recording, Waveform
from earmark.errors import UnreadableAudio
from earmark.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from earmark.runner import Task, run_all


@dataclass(frozen=True)
class Heard:
    """A file that can be heard.

    Attributes:
        path: where it is.
        duration: in seconds; None where it was not decoded and does not say.
        fingerprint: None where it was not decoded.
    """

    path: Path
    duration: float | None
    fingerprint: Fingerprint | None = None


def listen(paths: Iterable[Path], *, fingerprints: bool, workers: int = 1) -> Iterator[Heard | UnreadableAudio]:
    """Open each file, and decode it if fingerprints are wanted; in the order of the paths."""
    return run_all(paths, partial(_task, fingerprints=fingerprints), workers)


def _task(*, fingerprints: bool) -> Task[Heard]:
    return _decode if fingerprints else _open


def _open(path: Path) -> Heard:
    with Recording(path) as recording:
        return Heard(path, recording.duration)


def _decode(path: Path) -> Heard:
    samples = 0

    def counted(blocks: Iterator[Waveform]) -> Iterator[Waveform]:
        nonlocal samples
        for block in blocks:
            samples += block.size
            yield block

    with Recording(path) as recording:
        made = fingerprint(counted(recording.blocks(SAMPLE_RATE)))
    return Heard(path, samples / SAMPLE_RATE, made)
