"""What happens to recordings on their way to a listener, done on purpose: the answer should not move.

Each degradation takes a file and gives the waveform that would have been heard, at the sample rate asked for. The
table is used twice: to teach a network what its descriptors do under damage (on sound of our own), and to measure how
far the answer of a finished model moves (on files that it was not taught with).
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from earmark.audio import Recording, Waveform, decode
from earmark.hearing import Model

Degradation = Callable[[Path, int], Waveform]

BAND_LIMIT = 16_000  # Hz: the sample rate of a file that holds nothing above 8 kHz
EXCERPT = 10.0  # seconds


def quieter(path: Path, sample_rate: int) -> Waveform:
    """12 dB quieter, and stored in 16 bits after that."""
    steps = np.round(decode(path, sample_rate) * (10 ** (-12 / 20) * 2**15))
    return (steps / 2**15).astype(np.float32)


def as_mp3(path: Path, sample_rate: int) -> Waveform:
    """Encoded as mp3 at 64 kb/s, all its channels together, and decoded."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.mp3")
        with av.open(str(path)) as source, av.open(str(copy), "w") as target:
            sound = source.streams.audio[0]
            stream = target.add_stream("libmp3lame", rate=min(sound.rate, 44_100))
            stream.bit_rate = 64_000
            for frame in source.decode(sound):
                frame.pts = None
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        return decode(copy, sample_rate)


def band_limited(path: Path, sample_rate: int) -> Waveform:
    """Through a sample rate of 16 kHz: nothing is left above 8 kHz."""
    narrow = soxr.resample(decode(path, sample_rate), sample_rate, BAND_LIMIT)
    wide: Waveform = soxr.resample(narrow, BAND_LIMIT, sample_rate)
    return wide


def excerpt(path: Path, sample_rate: int) -> Waveform:
    """Ten seconds from the middle."""
    with Recording(path) as recording:
        middle = (recording.duration or EXCERPT) / 2
    return decode(path, sample_rate, start=max(0.0, middle - EXCERPT / 2), duration=EXCERPT)


DEGRADATIONS: dict[str, Degradation] = {
    "-12 dB": quieter,
    "64 kb/s mp3": as_mp3,
    "8 kHz low-pass": band_limited,
    "10-s excerpt": excerpt,
}


@dataclass(frozen=True)
class Movement:
    """How far the answer to one file moves under one degradation.

    `distance` is the total variation between the two sets of probabilities: 0 if nothing moved, 1 if everything did.
    """

    path: Path
    degradation: str
    before: str
    after: str
    distance: float


def movements(model: Model, paths: Sequence[Path]) -> Iterator[Movement]:
    """Hear each file as it is and under each degradation; excerpts of files that are no longer are left out."""
    rate = model.config.sample_rate
    for path in paths:
        whole = decode(path, rate)
        before = model.hear(whole).timeline
        for name, degrade in DEGRADATIONS.items():
            if degrade is excerpt and len(whole) <= EXCERPT * rate:
                continue
            after = model.hear(degrade(path, rate)).timeline
            yield Movement(path, name, before.top(1)[0][0], after.top(1)[0][0], _distance(before.mean(), after.mean()))


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.abs(one - other).sum() / 2)
