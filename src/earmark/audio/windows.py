"""Analysis windows: where they start in a signal, and a stream cut into them. Positions are samples."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from earmark.audio.mixing import Waveform


def window_starts(samples: int, window: int, hop: int) -> NDArray[np.int64]:
    """Return where the windows start that cover a signal; all in samples.

    One starts every `hop` samples; the last is pulled back to end with the signal. A signal shorter than a window has
    one start, at 0.

    Shape:
        (windows,)

    Example:
        >>> window_starts(11, window=4, hop=3)
        array([0, 3, 6, 7])
    """
    _require_positive(window, hop)
    last = max(0, samples - window)
    return np.append(np.arange(0, last, hop, dtype=np.int64), np.int64(last))


def windows(blocks: Iterable[Waveform], window: int, hop: int) -> Iterator[tuple[int, Waveform]]:
    """Cut a stream into windows: what `window_starts` says, for a signal whose end is not known yet.

    Holds a window, a hop and a block at most.

    Yields:
        The start in samples, and the window. A signal shorter than a window comes as it is, an empty one not at all.

    Shape:
        (window,)
    """
    _require_positive(window, hop)
    return _windows(blocks, window, hop)


def _windows(blocks: Iterable[Waveform], window: int, hop: int) -> Iterator[tuple[int, Waveform]]:
    held = np.empty(0, np.float32)  # from sample `origin` on: what was looked at, a window at least once there was one
    arrived: list[Waveform] = []  # and all that came after it
    total = start = origin = 0
    for block in blocks:
        arrived.append(block)
        total += block.size
        if total < start + window:
            continue
        needed = min(start, origin + held.size)
        held, origin = np.concatenate([held[needed - origin :], *arrived]), needed
        arrived.clear()
        while start + window <= total:
            yield start, held[start - origin : start - origin + window]
            start += hop
    rest = np.concatenate([held, *arrived])[-window:]
    if rest.size and (start == 0 or start - hop + window < total):
        yield max(0, total - window), rest


def _require_positive(window: int, hop: int) -> None:
    if window <= 0 or hop <= 0:
        raise ValueError(f"window and hop must be positive, not {window} and {hop} samples")
