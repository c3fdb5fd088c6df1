"""A rendered track and the truth about it.

*Conventions.* Audio is float32, shape `(2, samples)` (left, right), within [-1, 1]. Times are seconds from the first
sample. A beat is a quarter note of the stated tempo, also where the drums play half-time: a Halftime track at 172 BPM
has 172 beats a minute. Bars have four beats. Sections follow each other without gaps and end with the audio.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Audio: TypeAlias = npt.NDArray[np.float32]
SectionName: TypeAlias = Literal["intro", "break", "build", "drop", "outro"]

SAMPLE_RATE = 44_100  # Hz


@dataclass(frozen=True)
class Section:
    """A stretch of a track with one musical function; `start` and `end` in seconds."""

    name: SectionName
    start: float
    end: float


@dataclass(frozen=True)
class Truth:
    """The truth about a track, known because it was composed here.

    `artist` names the preset family (sound design and habits) that rendered the track, so that splits can be made by
    artist; `beats` and `downbeats` are in seconds; `key` reads like "F# minor".
    """

    style: str
    artist: str
    seed: int
    bpm: float
    key: str
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    sections: tuple[Section, ...]
    onsets: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Seconds at which each drum of the kit is struck."""

    def as_json(self) -> dict[str, object]:
        """The truth as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Track:
    """Audio, shape `(2, samples)`, with its truth.

    `stems` holds the groups (drums, bass, music, lead, vocal, effects, space) before mastering, each `(2, samples)`;
    their sum is what the mastering chain heard.
    """

    audio: Audio
    sample_rate: int
    truth: Truth
    stems: dict[str, Audio] = field(default_factory=dict, repr=False)

    @property
    def waveform(self) -> Audio:
        """The mean of the channels. Shape: `(samples,)`."""
        return np.asarray(np.float32(0.5) * (self.audio[0] + self.audio[1]), dtype=np.float32)

    @property
    def seconds(self) -> float:
        """Length of the audio in seconds."""
        return float(self.audio.shape[1] / self.sample_rate)
