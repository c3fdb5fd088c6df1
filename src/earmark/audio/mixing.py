"""Frames of sound as one channel at one rate: channels averaged, resampled, cut.

The channels are averaged here, never by FFmpeg, whose float down-mix is 1.41 times the mean of a stereo pair.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TypeAlias, cast

import numpy as np
import soxr
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

Waveform: TypeAlias = NDArray[np.float32]

LOUDEST: Final = 2.0**16
"""Times full scale, 96 dB: what is beyond is no sound. Floating-point files of some programs count to 2**15."""

BLOCK: Final = 65536
"""Samples at the file's own rate that are averaged and resampled at once: so many that Python costs nothing."""

LEAD: Final = 0.1
"""Seconds resampled and dropped before an excerpt: more than soxr's filter is long at any rate from 8 kHz up."""

# What a number means in each of libav's sample formats: type, value of silence, full scale. 24 bits arrive in s32.
_SAMPLE_FORMATS: Final[dict[str, tuple[type[np.generic], int, float]]] = {
    "u8": (np.uint8, 128, 2.0**7),
    "s16": (np.int16, 0, 2.0**15),
    "s32": (np.int32, 0, 2.0**31),
    "s64": (np.int64, 0, 2.0**63),
    "flt": (np.float32, 0, 1.0),
    "dbl": (np.float64, 0, 1.0),
}


@dataclass(frozen=True)
class Sound:
    """A block of a file as it was decoded, before its channels are averaged.

    `rate` is the file's own in Hz, `layout` names the channels as FFmpeg does (``("FL", "FR")``; ``"NONE"`` where the
    file does not say), and `channels` is float32, nominally in [-1, 1], (channels, samples).
    """

    rate: int
    layout: tuple[str, ...]
    channels: NDArray[np.float32]


Tap: TypeAlias = Callable[[Sound], None]


def mixed(frames: Iterable[AudioFrame], *, apart: bool) -> Iterator[tuple[int, Waveform, Sound | None, int]]:
    """Average the channels of frames, a block at a time; a frame of another kind begins a new block.

    Yields:
        The rate in Hz, the mean of the channels, if they are wanted the channels themselves, and the number of samples
        that were silenced, because they were not finite or beyond `LOUDEST`.
    """

    def kind(frame: AudioFrame) -> tuple[int, str, int]:
        return frame.sample_rate, frame.format.name, frame.layout.nb_channels

    for (rate, _, _), alike in groupby(frames, kind):
        fifo = (
            AudioFifo()
        )  # gathers in C what would cost Python a dozen calls per frame, of 11,500 in five minutes of mp3
        for frame in alike:
            frame.pts = None  # or the FIFO insists on their continuity
            fifo.write(frame)
            if fifo.samples >= BLOCK and (block := fifo.read()):
                yield rate, *_mean(block, apart=apart)
        if block := fifo.read():
            yield rate, *_mean(block, apart=apart)


def _mean(frame: AudioFrame, *, apart: bool) -> tuple[Waveform, Sound | None, int]:
    """Return the mean of a frame's channels, if they are wanted the channels, and how many samples were silenced."""
    number, silence, full_scale = _SAMPLE_FORMATS[frame.format.packed.name]
    count = frame.layout.nb_channels
    if frame.format.is_planar:
        # PyAV 18 lists more planes than there are channels from eight on, and those point anywhere.
        planes = frame.planes[:count]
        channels = [np.frombuffer(cast(memoryview, plane), number, frame.samples) for plane in planes]
    else:
        interleaved = np.frombuffer(cast(memoryview, frame.planes[0]), number, frame.samples * count)
        channels = [interleaved[channel::count] for channel in range(count)]
    silenced = 0
    if np.issubdtype(number, np.floating):
        channels, silenced = _silenced(channels)
    mean: Waveform = channels[0].astype(np.float32)
    for channel in channels[1:]:
        mean += channel
    mean -= np.float32(silence * count)
    mean *= np.float32(1 / (full_scale * count))
    if not apart:
        return mean, None, silenced
    separate = np.array(channels, np.float32)  # (channels, samples)
    if number is not np.float32:
        separate -= np.float32(silence)
        separate *= np.float32(1 / full_scale)
    sound = Sound(frame.sample_rate, tuple(channel.name for channel in frame.layout.channels), separate)
    return mean, sound, silenced


def _silenced(channels: list[NDArray[Any]]) -> tuple[list[NDArray[Any]], int]:
    """Channels of floating-point numbers, with silence where one is no number that sound can have; and how often."""
    if all(channel.min() >= -LOUDEST and channel.max() <= LOUDEST for channel in channels):  # not so if one is NaN
        return channels, 0
    good = np.all([np.abs(channel) <= LOUDEST for channel in channels], axis=0)  # (samples,)
    return [np.where(good, channel, 0) for channel in channels], int(np.count_nonzero(~good))


def resampled(blocks: Iterable[tuple[int, Waveform]], sample_rate: int) -> Iterator[Waveform]:
    """Bring blocks, each with its rate in Hz, to one rate."""
    for rate, alike in groupby(blocks, operator.itemgetter(0)):
        if rate == sample_rate:
            yield from (waveform for _, waveform in alike)
            continue
        resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
        for _, waveform in alike:
            yield resampler.resample_chunk(waveform)
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def aligned(first: int, native_rate: int, sample_rate: int) -> tuple[int, int]:
    """Find where to begin resampling for an excerpt, so that its samples are those of the whole.

    Output n stands at input n * native_rate / sample_rate, which is a whole number at the multiples of `cycle` only:
    there, and nowhere between, the resampler begins in the phase in which it would have passed.

    Returns:
        The input sample to begin with, and how many outputs lie between it and output `first`.
    """
    cycle = sample_rate // math.gcd(native_rate, sample_rate)
    lead = 0 if native_rate == sample_rate else round(LEAD * sample_rate)
    begin = max(0, first - lead) // cycle * cycle
    return begin * native_rate // sample_rate, first - begin


def cut(blocks: Iterable[Waveform], skip: int, count: int | None) -> Iterator[Waveform]:
    """Drop the first `skip` samples of a stream, let `count` through and read no further."""
    for block in blocks:
        piece = block[skip:][:count]
        skip = max(0, skip - block.size)
        if piece.size:
            yield piece
        if count is not None:
            count -= piece.size
            if not count:
                return
