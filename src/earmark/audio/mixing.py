"""Frames of sound as one channel at one rate: channels averaged, resampled, cut.

The channels are averaged here, never by FFmpeg, whose float down-mix is 1.41 times the mean of a stereo pair. Where
they cancel each other, as when one of two was connected the wrong way round, one of them is heard instead: piece by
piece, so that a file of which only a part is so is heard in all its parts.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias, cast

import numpy as np
import soxr
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from earmark.spectra import energies

Waveform: TypeAlias = NDArray[np.float32]
Channels: TypeAlias = Sequence[Waveform] | NDArray[np.float32]
"""Waveforms of one length, wherever each of them lies; so is an array (channels, samples)."""

LOUDEST: Final = 2.0**16
"""Times full scale, 96 dB: what is beyond is no sound. Floating-point files of some programs count to 2**15."""

BLOCK: Final = 4 * 65536
"""Samples at the file's own rate, six seconds, that are handed on at once: more cost less Python, but more memory."""

PIECE: Final = 65536
"""Samples for which it is decided whether channels cancel each other."""

KEPT: Final = 31 << 20
"""Bytes of the memory that is used up and given back all the time; see `keep_memory`."""

HUGE: Final = 2 << 20
"""Bytes of a huge page of memory."""

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

CANCELLED: Final = 0.01
"""Power of the mean, over what it is for channels that have nothing in common, below which they cancel each other; of a
stereo pair, the mean is 23 dB below the channels then."""

FAINT: Final = 1e-7
"""Power of -70 dBFS: below, it is silence and rounding that cancels."""

SPARSE: Final = 16
"""One sample of so many is enough to see that channels do not cancel."""

COMPARABLE: Final = 2.0
"""Ratio of the powers of channels of about the same level."""


class Sound(NamedTuple):
    """A block of a file as it was decoded, before its channels are averaged.

    `rate` is the file's own in Hz, `layout` names the channels as FFmpeg does (``("FL", "FR")``; ``"NONE"`` where the
    file does not say), and `channels` are float32, nominally in [-1, 1], each (samples,).
    """

    rate: int
    layout: tuple[str, ...]
    channels: Channels


Tap: TypeAlias = Callable[[Sound], None]


class Block(NamedTuple):
    """A block of a file as one channel.

    `rate` is in Hz, `waveform` the mean of the channels (samples,), or one of them where they cancel each other;
    `sound` are the channels themselves, if they are wanted. `silenced` is the number of samples that were silenced,
    because they were not finite or beyond `LOUDEST`; `cancelled` that of those where the channels cancel each other.
    """

    rate: int
    waveform: Waveform
    sound: Sound | None
    silenced: int
    cancelled: int


def keep_memory() -> None:
    """Make the allocator of glibc keep what is given back, for the next block, instead of handing it to the system.

    It learns from the largest piece that was given back: one that nobody touched costs nothing. Without it each block
    is a dozen pieces of memory that the system must clear.

    From then on smaller pieces come out of one region. Of large ones NumPy asks Linux to give them 2 MB at a time in
    place of 4 kB, and the region stays so when they are given back: far fewer page faults until the first answer.
    """
    np.empty(KEPT, np.uint8)
    _ = [np.empty(KEPT - HUGE, np.uint8) for _ in range(2)]  # there at once, so that the region holds both


def mixed(frames: Iterable[AudioFrame], *, apart: bool, size: int = BLOCK) -> Iterator[Block]:
    """Average the channels of frames, a block of `size` at a time; a frame of another kind begins a new block."""
    fifo = AudioFifo()  # gathers in C what would cost Python a dozen calls per frame, of 11,500 in five minutes of mp3
    count = 0
    for frame in frames:
        frame.pts = None  # or the FIFO insists on their continuity
        if frame.layout.nb_channels != count or not _taken(frame, fifo):
            if fifo.samples:
                yield _mean(fifo, apart=apart)
            fifo, count = AudioFifo(), frame.layout.nb_channels
            fifo.write(frame)
        if fifo.samples >= size:
            yield _mean(fifo, apart=apart)
    if fifo.samples:
        yield _mean(fifo, apart=apart)


def _taken(frame: AudioFrame, fifo: AudioFifo) -> bool:
    """Give a frame to a FIFO that holds others of as many channels; whether their rate and format are its own, too."""
    try:
        fifo.write(frame)
    except ValueError:
        return False
    return True


def _mean(fifo: AudioFifo, *, apart: bool) -> Block:
    """Return what a FIFO holds as one channel, and if they are wanted all its channels."""
    frame = cast(AudioFrame, fifo.read())
    channels, silenced = _waveforms(frame)
    if apart:
        channels = [np.ascontiguousarray(channel) for channel in channels]
    mean = np.add(channels[0], channels[1]) if len(channels) > 1 else channels[0].copy()
    for channel in channels[2:]:
        mean += channel
    mean *= np.float32(1 / len(channels))
    cancelled = 0
    for start in range(0, mean.size, PIECE):
        pieces = [channel[start : start + PIECE] for channel in channels]
        place = mean[start : start + PIECE]
        if _cancel(pieces, place):
            cancelled += place.size
            place[:] = _prevailing(pieces)
    places = tuple(channel.name for channel in frame.layout.channels)
    sound = Sound(frame.sample_rate, places, channels) if apart else None
    return Block(frame.sample_rate, mean, sound, silenced, cancelled)


def _waveforms(frame: AudioFrame) -> tuple[list[Waveform], int]:
    """Return the channels of a frame, where they lie if they can be left there; and how many samples are silenced."""
    number, silence, full_scale = _SAMPLE_FORMATS[frame.format.packed.name]
    count = frame.layout.nb_channels
    # PyAV 18 lists more planes than there are channels from eight on, and those point anywhere.
    used, size = (count, frame.samples) if frame.format.is_planar else (1, frame.samples * count)
    planes = [np.frombuffer(cast(memoryview, plane), number, size) for plane in frame.planes[:used]]
    with np.errstate(over="ignore", invalid="ignore"):  # numbers of double precision may be anything
        planes = [plane.astype(np.float32, copy=False) for plane in planes]
    channels = planes if frame.format.is_planar else [planes[0][channel::count] for channel in range(count)]
    if full_scale == 1:  # floating-point numbers
        return _silenced(channels)
    for plane in planes:
        np.subtract(plane, np.float32(silence), out=plane)
        np.multiply(plane, np.float32(1 / full_scale), out=plane)
    return channels, 0


def _silenced(channels: list[Waveform]) -> tuple[list[Waveform], int]:
    """Channels with silence in all of them where one is no number that sound can have; and how often that was."""
    with np.errstate(over="ignore", invalid="ignore"):
        sound = all(energies(channel) <= LOUDEST**2 for channel in channels)  # and so each sample; not if one is NaN
    if sound:
        return channels, 0
    good = np.all([np.abs(channel) <= LOUDEST for channel in channels], axis=0)  # (samples,)
    return [np.where(good, channel, np.float32(0)) for channel in channels], int(np.count_nonzero(~good))


def _cancel(channels: list[Waveform], mean: Waveform) -> bool:
    """Return whether channels cancel each other in their mean."""
    for step in (SPARSE, 1):
        powers = [_power(channel[::step]) for channel in channels]
        unrelated = sum(powers) / len(channels) ** 2
        if max(powers) < FAINT or _power(mean[::step]) >= CANCELLED * unrelated:
            return False
    return True


def _prevailing(channels: list[Waveform]) -> Waveform:
    """The first of the channels of about the highest level, so that it is the same one in the next piece."""
    powers = [_power(channel) for channel in channels]
    return next(channel for channel, power in zip(channels, powers, strict=True) if power >= max(powers) / COMPARABLE)


def _power(waveform: Waveform) -> float:
    return float(energies(waveform)) / waveform.size


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
