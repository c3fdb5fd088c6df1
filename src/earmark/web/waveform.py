"""A track as the outline of its sound, for drawing: how loud it is from moment to moment, and in which band."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Recording, Waveform
from earmark.spectra import hann

RATE: Final = 22_050  # Hz, of a file that is decoded for its outline alone
BINS: Final = 50  # in a second: two for each beat even at 200 BPM when zoomed, and 15,000 for five minutes
EDGES: Final = (160, 2000)  # Hz between bass, middle and treble
CREST: Final = 2.0  # of a band: its peak is drawn so many times as high as its root mean square

Levels = NDArray[np.uint8]


@dataclass(frozen=True)
class Outline:
    """The outline of a sound.

    Attributes:
        bins: in a second.
        peaks: (bins of the whole,), 0 to 255.
        bands: the levels of bass, middle and treble, none above the peak, (3, bins of the whole), 0 to 255.
    """

    bins: float
    peaks: Levels
    bands: Levels

    def as_json(self) -> dict[str, Any]:
        """The outline as it stands in JSON."""
        return {"bins": self.bins, "peaks": self.peaks.tolist(), "bands": self.bands.tolist()}


class Drawing:
    """An outline that is drawn while the sound comes, in blocks.

    Args:
        rate: of the blocks, in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._size = rate // BINS
        self._bins = rate / self._size
        self._window = hann(self._size)
        places = np.searchsorted(np.fft.rfftfreq(self._size, 1 / rate), [0, *EDGES])
        self._places = np.minimum(places, self._size // 2)
        self._rest = np.zeros(0, np.float32)
        self._drawn: list[NDArray[np.float32]] = []  # (4, bins) each: the peak, and the three bands

    def add(self, block: Waveform) -> None:
        """Take the next samples, (samples,)."""
        sound = np.concatenate([self._rest, block])
        whole = sound.size // self._size * self._size
        self._rest = sound[whole:]
        if whole:
            self._drawn.append(self._levels(sound[:whole].reshape(-1, self._size)))

    def outline(self) -> Outline:
        """The outline of all that came; the last bin may be a part of one."""
        drawn = list(self._drawn)
        if self._rest.size:
            drawn.append(self._levels(np.pad(self._rest, (0, self._size - self._rest.size))[None]))
        levels = np.concatenate([np.zeros((4, 0), np.float32), *drawn], axis=1)
        rounded = np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)
        return Outline(self._bins, rounded[0], rounded[1:])

    def _levels(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Peak and bands of frames (bins, size); (4, bins)."""
        power = np.abs(np.fft.rfft(frames * self._window)) ** 2  # (bins, frequencies)
        bands = np.add.reduceat(power, self._places, axis=1).T
        roots = np.sqrt(2 * bands / (self._size * (self._window**2).sum()))
        peaks = np.abs(frames).max(1)
        return np.vstack([peaks, np.minimum(CREST * roots, peaks)]).astype(np.float32)


@lru_cache(maxsize=64)
def outline(path: Path, modified: int) -> Outline:  # noqa: ARG001  part of the key of the cache
    """The outline of a file.

    Args:
        path: the file.
        modified: its time of change; another one is another outline.

    Raises:
        UnreadableAudio: it cannot be decoded.
    """
    drawing = Drawing(RATE)
    with Recording(path) as recording:
        for block in recording.blocks(RATE):
            drawing.add(block)
    return drawing.outline()
