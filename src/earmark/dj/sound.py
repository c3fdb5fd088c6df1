"""The sound of one track in a mix: read once from its start to its end, stretched where its playback says so.

Only what is needed is in memory: the last seconds, as far back as a loop goes, and the stretch that is being made.
Spans meet in a fade of `SEAM` seconds that is over on the beat; where nothing is stretched and nothing jumps there is
no seam, and the samples are those of the file.

Conventions: positions are samples at the rate of the mix; sound is float32, (2, samples).
"""

from collections.abc import Generator, Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from earmark.audio import Channels, Recording, Sound
from earmark.dj.playback import Playback, Span
from earmark.errors import MissingExtra

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

Stereo = NDArray[np.float32]

SEAM: Final = 0.010  # seconds
AROUND: Final = 0.25  # seconds that are stretched before and after a span, so that its ends are like its middle
PIECE: Final = 4.0  # seconds that are copied at once
UNCHANGED: Final = 1e-7  # of the tempo: a sample in two minutes


def stereo(path: "Path", rate: int) -> Iterator[Stereo]:
    """A file as two channels at a rate in Hz, in blocks; mono on both, of more than two channels the front ones."""
    with Recording(path) as recording:
        arrived: list[Sound] = []
        resampler = None
        native = 0
        for _ in recording.blocks(recording.sample_rate, tap=arrived.append):
            for sound in arrived:
                if sound.rate != native:
                    if resampler is not None:
                        yield _two(resampler.resample_chunk(np.empty((0, 2), np.float32), last=True).T)
                    native = sound.rate
                    resampler = None if native == rate else soxr.ResampleStream(native, rate, 2, dtype="float32")
                front = _two(sound.channels)
                yield front if resampler is None else _two(resampler.resample_chunk(np.ascontiguousarray(front.T)).T)
            arrived.clear()
        if resampler is not None:
            yield _two(resampler.resample_chunk(np.empty((0, 2), np.float32), last=True).T)


def _two(channels: Channels) -> Stereo:
    return np.array([channels[0], channels[min(1, len(channels) - 1)]])


class Reel:
    """A stream of sound of which stretches are read by their position, none much before those read already.

    Args:
        blocks: the stream.
        kept: how many samples before the last ones that were read can be read again.
    """

    def __init__(self, blocks: Iterator[Stereo], kept: int) -> None:
        self._blocks = blocks
        self._kept = kept
        self._held = np.empty((2, 0), np.float32)
        self._first = 0  # position of what is held

    def read(self, start: int, end: int) -> Stereo:
        """The samples from `start` to before `end`; silence before the first and after the last.

        Raises:
            ValueError: they are no longer held.
        """
        if max(start, 0) < self._first:
            raise ValueError(f"sample {start} was read and let go; {self._first} is the first one held")
        arrived = [self._held]
        until = self._first + self._held.shape[1]
        while until < end and (block := next(self._blocks, None)) is not None:
            if until + block.shape[1] <= start - self._kept:  # passed over
                arrived.clear()
                self._first = until + block.shape[1]
            else:
                arrived.append(block)
            until += block.shape[1]
        self._held = np.concatenate(arrived or [self._held[:, :0]], axis=1)
        inside = self._held[:, max(start, 0) - self._first : max(end, 0) - self._first]
        before = max(0, min(end, 0) - start)
        out = np.zeros((2, end - start), np.float32)
        out[:, before : before + inside.shape[1]] = inside
        spare = max(0, min(start - self._kept, until) - self._first)
        self._held = self._held[:, spare:].copy() if spare else self._held
        self._first += spare
        return out


def playing(playback: Playback, rate: int) -> Iterator[Stereo]:
    """A track as it sounds in the mix, from its first sample to its last, in blocks."""
    back = max([0.0, *(one.end - two.start for one, two in pairwise(playback.spans))])
    reel = Reel(stereo(playback.deck.path, rate), round((back + 2 * AROUND + SEAM) * rate))
    seam = round(SEAM * rate)
    tail = np.empty((2, 0), np.float32)  # the last samples of the span before
    spans = playback.spans
    for place, span in enumerate(spans):
        early = seam if place else 0
        late = seam if place + 1 < len(spans) else 0
        sound = _span(reel, span, rate, round(span.at * rate) - early, round(span.until * rate))
        tail = yield from _but_last(_joined(tail, sound), late)


def _joined(tail: Stereo, blocks: Iterator[Stereo]) -> Iterator[Stereo]:
    """Blocks that fade in over what was held back of the span before."""
    if not tail.shape[1]:
        yield from blocks
        return
    ramp = ((np.arange(tail.shape[1]) + 0.5) / tail.shape[1]).astype(np.float32)
    first = next(blocks)
    while first.shape[1] < tail.shape[1] and (more := next(blocks, None)) is not None:
        first = np.concatenate([first, more], axis=1)
    length = min(first.shape[1], tail.shape[1])
    first = first.copy()
    first[:, :length] = first[:, :length] * ramp[:length] + tail[:, :length] * (1 - ramp[:length])
    yield first
    yield from blocks


def _but_last(blocks: Iterator[Stereo], count: int) -> Generator[Stereo, None, Stereo]:
    """Blocks but for the last `count` samples, which are returned at the end."""
    held = np.empty((2, 0), np.float32)
    for block in blocks:
        held = np.concatenate([held, block], axis=1)
        if held.shape[1] > count:
            yield held[:, : held.shape[1] - count]
            held = held[:, held.shape[1] - count :]
    return held


def _span(reel: Reel, span: Span, rate: int, at: int, until: int) -> Iterator[Stereo]:
    """The sound of a span between two positions of the mix, of which the first may lie before its beginning."""
    if abs(span.factor - 1) < UNCHANGED:
        offset = round((span.start - span.at) * rate)
        for start in range(at, until, round(PIECE * rate)):
            yield reel.read(start + offset, min(start + round(PIECE * rate), until) + offset)
        return
    margin = round(AROUND * rate)
    begin = round((span.start - (span.at - at / rate) * span.factor) * rate)
    end = round(span.end * rate)
    stretched = stretch(reel.read(begin - margin, end + margin), span.factor, rate)
    skipped = round(margin / span.factor)
    out = np.zeros((2, until - at), np.float32)
    cut = stretched[:, skipped : skipped + out.shape[1]]
    out[:, : cut.shape[1]] = cut
    yield out


def stretch(sound: Stereo, factor: float, rate: int) -> Stereo:
    """Sound at another tempo and the same pitch.

    Args:
        sound: to be stretched, (2, samples).
        factor: the new tempo, in tempi of its own.
        rate: in Hz.

    Shape: (2, samples / factor).

    Raises:
        MissingExtra: the extra `dj` is not installed.
    """
    stretcher = _library().Signalsmith.Stretch()
    stretcher.preset(2, float(rate))
    stretcher.timeFactor = factor
    out: Stereo = stretcher.process(np.ascontiguousarray(sound))
    return out


@cache
def _library() -> "ModuleType":
    try:
        import python_stretch  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise MissingExtra("mixing tracks of different tempi", "dj") from None
    return python_stretch
