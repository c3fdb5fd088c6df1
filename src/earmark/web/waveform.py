"""A track as the outline of its sound, for drawing."""

from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Recording

RATE: Final = 11_025  # Hz
BINS: Final = 50  # in a second: two for each beat even at 200 BPM when zoomed, and 15,000 for five minutes


@lru_cache(maxsize=64)
def outline(path: Path, modified: int) -> NDArray[np.uint8]:  # noqa: ARG001  part of the key of the cache
    """Peaks of a file, (seconds * BINS,), 0 to 255.

    Args:
        path: the file.
        modified: its time of change; another one is another outline.

    Raises:
        UnreadableAudio: it cannot be decoded.
    """
    with Recording(path) as recording:
        return peaks(np.fromiter(chain.from_iterable(recording.blocks(RATE)), np.float32))


def peaks(waveform: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Peaks of a waveform (samples,) at `RATE`, (seconds * BINS,), 0 to 255; the last bin may be a part of one."""
    edges = np.arange(0, waveform.size, RATE / BINS).astype(np.intp)
    if not edges.size:
        return np.zeros(0, np.uint8)
    highest = np.maximum.reduceat(np.abs(waveform), edges)
    return np.round(np.clip(highest, 0, 1) * 255).astype(np.uint8)
