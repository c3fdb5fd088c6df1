"""A track as the outline of its sound, for drawing."""

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Recording, Waveform

RATE: Final = 11_025  # Hz, of a file that is decoded for its outline alone
BINS: Final = 50  # in a second: two for each beat even at 200 BPM when zoomed, and 15,000 for five minutes


class Outline:
    """The outline of a sound that comes in blocks.

    Args:
        rate: of the blocks, in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._samples = 0
        self._highest: list[float] = []  # of each bin; the last one may go on in the next block

    def add(self, block: Waveform) -> None:
        """Take the next samples, (samples,)."""
        if not block.size:
            return
        bins = np.arange(self._samples, self._samples + block.size) * BINS // self._rate
        edges = np.flatnonzero(np.diff(bins, prepend=-1))
        found = np.maximum.reduceat(np.abs(block), edges).tolist()
        if self._highest and bins[0] == len(self._highest) - 1:
            self._highest[-1] = max(self._highest[-1], found.pop(0))
        self._highest += found
        self._samples += block.size

    def peaks(self) -> NDArray[np.uint8]:
        """Peaks so far, (seconds * BINS,), 0 to 255; the last bin may be a part of one."""
        return np.round(np.clip(self._highest, 0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=64)
def outline(path: Path, modified: int) -> NDArray[np.uint8]:  # noqa: ARG001  part of the key of the cache
    """Peaks of a file; see `Outline.peaks`.

    Args:
        path: the file.
        modified: its time of change; another one is another outline.

    Raises:
        UnreadableAudio: it cannot be decoded.
    """
    found = Outline(RATE)
    with Recording(path) as recording:
        for block in recording.blocks(RATE):
            found.add(block)
    return found.peaks()
