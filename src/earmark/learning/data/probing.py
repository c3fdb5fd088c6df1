"""Length and fingerprint of the files of a manifest, and whether they can be heard at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from earmark.audio import Recording, Waveform
from earmark.errors import FileError
from earmark.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from earmark.runner import Task, run_all


@dataclass(frozen=True)
class Probed:
    """A file that can be heard.

    Attributes:
        path: the file.
        duration: in seconds; None where it was not decoded and does not say.
        fingerprint: None where it was not decoded.
    """

    path: Path
    duration: float | None
    fingerprint: Fingerprint | None = None


def probe(paths: Iterable[Path], *, fingerprints: bool, workers: int = 1) -> Iterator[Probed | FileError]:
    """Open each file, and decode it if fingerprints are wanted; in the order of the paths."""
    return run_all(paths, partial(_task, fingerprints=fingerprints), workers)


def _task(*, fingerprints: bool) -> Task[Probed]:
    return _decode if fingerprints else _open


def _open(path: Path) -> Probed:
    with Recording(path) as recording:
        return Probed(path, recording.duration)


def _decode(path: Path) -> Probed:
    samples = 0

    def counted(blocks: Iterator[Waveform]) -> Iterator[Waveform]:
        nonlocal samples
        for block in blocks:
            samples += block.size
            yield block

    with Recording(path) as recording:
        made = fingerprint(counted(recording.blocks(SAMPLE_RATE)))
    return Probed(path, samples / SAMPLE_RATE, made)
