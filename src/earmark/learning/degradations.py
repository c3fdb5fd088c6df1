"""What happens to recordings on their way to a listener, done on purpose: the answer should not move.

Each degradation takes a file and gives the waveform that would have been heard, at the sample rate asked for. The
table is used twice: to teach a network what its descriptors do under damage (on sound of our own), and to measure how
far the answer of a finished model moves (on files that it was not taught with).
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import av.error
import numpy as np
import soxr
from numpy.typing import NDArray

from earmark.audio import Recording, Waveform, decode
from earmark.errors import UnreadableAudio
from earmark.hearing import Model

Degradation = Callable[[Path, int], Waveform]

BAND_LIMIT = 16_000  # Hz: the sample rate of a file that holds nothing above 8 kHz
EXCERPT = 10.0  # seconds


def quieter(path: Path, sample_rate: int) -> Waveform:
    """12 dB quieter, and stored in 16 bits after that."""
    steps = np.round(decode(path, sample_rate) * (10 ** (-12 / 20) * 2**15))
    return (steps / 2**15).astype(np.float32)


def as_mp3(path: Path, sample_rate: int) -> Waveform:
    """Encoded as mp3 at 64 kb/s, all its channels together, and decoded.

    Raises:
        UnreadableAudio: the file is damaged where others would skip the damage, or cannot be encoded.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.mp3")
        try:
            _encode(path, copy)
        except av.error.FFmpegError as error:
            raise UnreadableAudio(path, f"it cannot be encoded as mp3: {error.strerror}") from error
        return decode(copy, sample_rate)


def _encode(path: Path, copy: Path) -> None:
    with av.open(str(path)) as source, av.open(str(copy), "w") as target:
        sound = source.streams.audio[0]
        stream = target.add_stream("libmp3lame", rate=min(sound.rate, 44_100))
        stream.bit_rate = 64_000
        for frame in source.decode(sound):
            frame.pts = None
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


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


def open_moving(model: str | Path) -> Callable[[Path], tuple[Movement, ...]]:
    """Open a model, to be asked how far its answers to files move."""
    return partial(movements, Model.open(model))


def movements(model: Model, path: Path) -> tuple[Movement, ...]:
    """Hear a file as it is and under each degradation; of a file that is no longer than the excerpt there is none.

    Raises:
        UnreadableAudio: there is no audio in it that can be heard.
    """
    rate = model.config.sample_rate
    whole = decode(path, rate)
    before = model.hear(whole).timeline
    moved = []
    for name, degrade in DEGRADATIONS.items():
        waveform = degrade(path, rate)
        if degrade is excerpt and len(waveform) in {0, len(whole)}:  # 0: it ends before the middle that it declares
            continue
        after = model.hear(waveform).timeline
        moved.append(
            Movement(path, name, before.top(1)[0][0], after.top(1)[0][0], _distance(before.mean(), after.mean()))
        )
    return tuple(moved)


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.abs(one - other).sum() / 2)
