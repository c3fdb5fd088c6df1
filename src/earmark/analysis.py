"""Everything that was heard in one track: the record that travels between the rooms."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import Timeline

TONICS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True)
class Rhythm:
    """The beat of a track; times in seconds from its start.

    `bpm` is the tempo of the whole track, `drift` how far the tempo moves around it, in BPM (0 for a machine),
    `confidence` is 0-1. `beats` and `downbeats` (the first of each bar) are (beats,) and (bars,).
    """

    bpm: float
    confidence: float
    drift: float
    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]


@dataclass(frozen=True)
class Key:
    """A musical key: `tonic` 0-11 counted from C, major or minor, and how sure that is (0-1)."""

    tonic: int
    minor: bool
    confidence: float

    def name(self) -> str:
        """As DJ programs write it: `Am`, `Db`."""
        return TONICS[self.tonic] + "m" * self.minor

    def camelot(self) -> str:
        """Its place on the wheel of fifths on which neighbours mix well: `8A` is A minor, `8B` C major."""
        major = (self.tonic + 3 * self.minor) % 12
        return f"{(major * 7 + 7) % 12 + 1}{'A' if self.minor else 'B'}"


@dataclass(frozen=True)
class Loudness:
    """EBU R128 (ITU-R BS.1770): `integrated` in LUFS, `range` in LU, `true_peak` in dBTP.

    `curve` is the short-term loudness (3 s) at each whole second in LUFS, (seconds,): the course of the track's energy.
    """

    integrated: float
    range: float
    true_peak: float
    curve: NDArray[np.float32]


@dataclass(frozen=True)
class Analysis:
    """What a `Listener` heard in a file.

    `duration` is in seconds and is what was heard, not what the file declares. `families` gives each style its family
    and `unknown` says that no style is probable enough to be named. `rhythm` is None where there is no beat, `key`
    where there is no harmony, `loudness` where nothing sounds; all three where nobody listened for them. `warnings` are
    whole sentences.
    """

    path: Path
    duration: float
    timeline: Timeline
    families: dict[str, str]
    unknown: bool
    embedding: NDArray[np.float32]
    model: str
    rhythm: Rhythm | None = None
    key: Key | None = None
    loudness: Loudness | None = None
    warnings: tuple[str, ...] = ()

    def family(self) -> tuple[str, float]:
        """The most probable family and its probability."""
        return self.timeline.families(self.families)[0]
