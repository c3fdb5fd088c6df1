"""Any file -> mono waveform, and where the analysis windows start.

A *waveform* is float32, mono, shape ``(samples,)``: the arithmetic mean of the channels, nominally in [-1, 1], not
normalised. A file travels through small steps, each a generator, so that a three-hour mix needs no more memory than
a loop:

    packets -> frames       libav demultiplexes and decodes; a damaged packet is skipped and counted
    frames -> native        the channels are averaged, in blocks of ``BLOCK`` samples at the file's own rate
    native -> resampled     soxr HQ, streamed; nothing happens where the rates agree
    resampled -> windows    overlapping stretches for the networks

Conventions:

* Times are seconds, positions are samples. Sample 0 is the first one that the decoder gives: encoder delay, pre-skip
  and priming are cut off as the container says, exactly as the ffmpeg command line does.
* An excerpt is a slice of the whole: ``decode(path, rate, start=a, duration=b)`` equals
  ``decode(path, rate)[round(a * rate):round((a + b) * rate)]``. Where time stamps count samples we jump, begin
  ``WARM_UP`` seconds early and drop what the decoder needs to settle; where they do not (Matroska rounds them to
  milliseconds) we decode from the start. One codec never repeats itself: AAC may code a band as "noise of this power",
  and after a jump that noise is another one.
* In a damaged file, positions count what could be decoded; nothing is put in place of a skipped packet.
* The channels are averaged here, never by FFmpeg, whose float down-mix is 1.41 times the mean of a stereo pair.
* What was wrong but did not stop us stands in ``Recording.warnings``; what did is `UnreadableAudio`.
"""

import logging
import math
import operator
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, dropwhile, groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias, cast

import av
import av.error
import numpy as np
import soxr
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition
from numpy.typing import NDArray

from earmark.errors import UnreadableAudio

if TYPE_CHECKING:  # subscriptable there only
    from av.packet import Packet

Waveform: TypeAlias = NDArray[np.float32]


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

logger = logging.getLogger(__name__)

SUFFIXES: Final = frozenset(
    ".aac .ac3 .aif .aifc .aiff .ape .au .avi .caf .dff .dsf .eac3 .flac .m4a .m4b .m4p .m4v .mka .mkv .mov .mp2"  # noqa: SIM905
    " .mp3 .mp4 .mpc .oga .ogg .ogv .opus .spx .tak .tta .w64 .wav .wave .webm .wma .wmv .wv".split()
)
"""Suffixes, in lower case, of files that are worth opening; those of videos among them."""

BLOCK: Final = 65536
"""Samples at the file's own rate that are averaged and resampled at once: so many that Python costs nothing."""

WARM_UP: Final = 1.0
"""Seconds decoded and dropped before an excerpt. An mp3 frame refers back by up to 511 bytes (0.5 s at 8 kbit/s), Opus
asks for 80 ms, a lapped transform for one frame."""

LEAD: Final = 0.1
"""Seconds resampled and dropped before an excerpt: more than soxr's filter is long at any rate from 8 kHz up."""

TOLERANCE: Final = 0.5
"""Seconds by which a healthy file may be shorter than declared: encoder delay and padding (up to 0.2 s at low sample
rates) count in the duration that some containers declare, and not in that of others."""

# What a number means in each of libav's sample formats: type, value of silence, full scale. 24 bits arrive in s32.
_SAMPLE_FORMATS: Final[dict[str, tuple[type[np.generic], int, float]]] = {
    "u8": (np.uint8, 128, 2.0**7),
    "s16": (np.int16, 0, 2.0**15),
    "s32": (np.int32, 0, 2.0**31),
    "s64": (np.int64, 0, 2.0**63),
    "flt": (np.float32, 0, 1.0),
    "dbl": (np.float64, 0, 1.0),
}

# Containers of sound. Anything else that FFmpeg could open (playlists, images, text) is refused unopened: a playlist
# with the name of an mp3 must not make us read other files. MPEG-TS, MPEG-PS and FLV may grow streams while they are
# read, for which PyAV 18 reads beyond the end of a list.
_CONTAINERS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,iff,matroska,mov,mp3,mpc,mpc8,ogg,tak,tta,w64,wav,wv"
)

# Where time stamps count samples (proven by the tests), and how to get near one: by the demultiplexer's own seek where
# it lands at or before the packet, else by passing packets over undecoded, a tenth of the cost of decoding them. An mp3
# or AAC stream has no index, and its seek is a guess from the bit rate.
_SEEKING: Final = frozenset({"flac", "mov,mp4,m4a,3gp,3g2,mj2", "ogg"})
_SEEKING_PCM: Final = frozenset({"aiff", "caf", "w64", "wav"})  # with compressed sound inside, stamps are off
_STEPPING: Final = frozenset({"aac", "mp3", "tta", "wv"})

# Streams without a header: what libav calls their duration is a guess from bit rate and file size.
_HEADERLESS: Final = frozenset({"aac", "ac3", "amr", "dts", "eac3"})

# Codec tags of protected sound in MP4: iTunes, Common Encryption, Audible.
_ENCRYPTED: Final = frozenset({"drms", "enca", "aavd", "adrm"})


class Recording:
    """A file opened for listening.

    Args:
        path: Any audio file, or a video with sound.

    Attributes:
        path: Where the file is.
        duration: Seconds that the file declares; None where it does not say.
        sample_rate: Its own sample rate in Hz.
        channels: How many channels it has.
        codec: FFmpeg's name of its codec, e.g. ``"mp3"``.
        warnings: What was wrong with the file; complete when `blocks` has come to the end.

    Raises:
        UnreadableAudio: The file is missing, empty, not audio, encrypted, or of a codec that nobody here can decode.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.warnings: list[str] = []
        self._container, self._stream = _open(self.path)
        self._fresh = True
        self._packets_read = self._damaged = 0
        self.sample_rate = self._stream.codec_context.sample_rate
        self.channels = self._stream.codec_context.channels
        self.codec = self._stream.codec_context.codec.canonical_name
        self.duration = _declared_duration(self.path, self._container, self._stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def blocks(
        self, sample_rate: int, *, start: float = 0.0, duration: float | None = None, tap: Tap | None = None
    ) -> Iterator[Waveform]:
        """Decode the file, or an excerpt of it, a second or two at a time.

        Args:
            sample_rate: Hz wanted.
            start: Seconds from the beginning.
            duration: Seconds wanted; None for everything up to the end.
            tap: Hears each block on the way, at the file's own rate and with all its channels: what needs those
                (loudness) costs no second decoding. Only from the beginning of the file on.

        Raises:
            UnreadableAudio: Nothing in the file could be decoded, or reading failed on the way.
            ValueError: A sample rate that is not positive, a negative time, or a tap on an excerpt from the middle.

        Shape:
            (samples,), never empty, differing from block to block.
        """
        if sample_rate <= 0 or start < 0 or (duration is not None and duration < 0):
            raise ValueError(f"cannot decode {duration} s from {start} s at {sample_rate} Hz")
        if tap and start:
            raise ValueError(f"a tap hears a file from its beginning, not from {start} s on")
        first = round(start * sample_rate)
        count = None if duration is None else round((start + duration) * sample_rate) - first
        native_first, surplus = _aligned(first, self.sample_rate, sample_rate)
        return _cut(_resampled(self._native(native_first, tap), sample_rate), surplus, count)

    def _native(self, first: int, tap: Tap | None) -> Iterator[tuple[int, Waveform]]:
        """Yield the file from its own sample `first` on, in blocks, each with its rate in Hz."""
        if not self._fresh:
            self._reopen()
        self._fresh = False
        self._packets_read = self._damaged = 0
        self.warnings.clear()
        frames, position = self._frames_before(first)
        heard = position / self.sample_rate
        surplus = first - position
        not_finite = 0
        for rate, waveform, sound in _mixed(frames, apart=tap is not None):
            heard += waveform.size / rate
            finite = np.isfinite(waveform)
            if not finite.all():
                not_finite += int(np.count_nonzero(~finite))
                waveform[~finite] = 0
                if sound:
                    sound.channels[~np.isfinite(sound.channels)] = 0
            if tap and sound:
                tap(sound)
            yield rate, waveform[surplus:]
            surplus = max(0, surplus - waveform.size)
        self._judge(heard, not_finite)

    def _judge(self, heard: float, not_finite: int) -> None:
        """Say what was wrong with a file that was heard to its end, `heard` seconds after its beginning."""
        if not heard and not self._packets_read:
            raise UnreadableAudio(self.path, "it holds no sound: its length is zero")
        if not heard or self._damaged > self._packets_read / 2:  # random bytes hold a frame of mp3 now and then
            failed = f"{self._damaged} of its" if heard else "all its"
            reason = f"{failed} {self._packets_read} packets could not be decoded: damaged or encrypted"
            raise UnreadableAudio(self.path, reason)
        if self._damaged:
            self.warnings.append(f"{self._damaged} damaged packet{'s' if self._damaged > 1 else ''} skipped")
        if self.duration is not None and self.duration - heard > TOLERANCE:
            missing = self.duration - heard
            self.warnings.append(f"heard {heard:.1f} s of {self.duration:.1f} s declared: {missing:.1f} s missing")
        if not_finite:
            self.warnings.append(f"{not_finite} samples were no finite numbers: replaced by silence")

    def _frames_before(self, first: int) -> tuple[Iterator[AudioFrame], int]:
        """Return frames that begin at or before sample `first` of the file, and the sample at which they begin."""
        packets = self._packets()
        frames = self._decoded(packets)
        early = first - round(WARM_UP * self.sample_rate)
        ticks = _ticks_per_sample(self._container, self._stream)
        if early <= 0 or ticks is None:
            return frames, 0
        head = next(frames, None)  # its stamp is not always 0: in an mp3 it is the encoder delay
        if head is None or head.pts is None:
            return chain([] if head is None else [head], frames), 0
        origin = head.pts
        wanted = origin + early * ticks
        if self._container.format.name in _STEPPING:
            packets = dropwhile(lambda packet: (packet.pts or 0) + (packet.duration or 0) <= wanted, packets)
            self._stream.codec_context.flush_buffers()
        else:
            try:
                self._container.seek(wanted, stream=self._stream)
            except av.error.FFmpegError:  # a damaged index
                return self._frames_from_the_start()
            packets = self._packets()
        frames = self._decoded(packets)
        head = next(frames, None)
        if head is None:
            return frames, first  # the file ends before
        position = first + 1 if head.pts is None else (head.pts - origin) // ticks
        if position > first:  # a damaged index again: not where the seek should have landed
            return self._frames_from_the_start()
        return chain([head], frames), position

    def _frames_from_the_start(self) -> tuple[Iterator[AudioFrame], int]:
        self._reopen()
        return self._decoded(self._packets()), 0

    def _reopen(self) -> None:
        self.close()
        self._container, self._stream = _open(self.path)

    def _packets(self) -> Iterator["Packet[AudioStream]"]:
        """Read packets up to the end of the file, or to where its structure breaks off."""
        try:
            yield from self._container.demux(self._stream)
        except OSError as error:
            raise UnreadableAudio(self.path, f"reading failed: {error.strerror}") from error
        except av.error.FFmpegError:
            self._damaged += 1

    def _decoded(self, packets: Iterable["Packet[AudioStream]"]) -> Iterator[AudioFrame]:
        for packet in packets:
            self._packets_read += packet.size > 0  # the last one is empty and asks the decoder for what it holds back
            try:
                frames = packet.decode()
            except av.error.FFmpegError:  # damage has many names: invalid data, not permitted, not yet implemented
                self._damaged += 1
                continue
            yield from frames


def decode(path: Path | str, sample_rate: int, *, start: float = 0.0, duration: float | None = None) -> Waveform:
    """Return the waveform of a file, or of an excerpt of it, and log what was wrong with the file.

    Args:
        path: Any audio file, or a video with sound.
        sample_rate: Hz wanted.
        start: Seconds from the beginning.
        duration: Seconds wanted; None for everything up to the end.

    Raises:
        UnreadableAudio: The file holds no audio that can be heard; the reason says why.
        ValueError: A sample rate that is not positive, or a negative time.

    Shape:
        (samples,); shorter than `duration`, or empty, where the file ends before.
    """
    with Recording(path) as recording:
        blocks = list(recording.blocks(sample_rate, start=start, duration=duration))
    for warning in recording.warnings:
        logger.warning("%s: %s", path, warning)
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)


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
    held = np.empty(0, np.float32)  # the last window of what has been looked at
    arrived: list[Waveform] = []  # and all that came after it
    total = start = 0
    for block in blocks:
        arrived.append(block)
        total += block.size
        if total < start + window:
            continue
        held = np.concatenate([held, *arrived])
        arrived.clear()
        origin = total - held.size
        while start + window <= total:
            yield start, held[start - origin : start - origin + window]
            start += hop
        held = held[-window:]
    rest = np.concatenate([held, *arrived])[-window:]
    if rest.size and (start == 0 or start - hop + window < total):
        yield max(0, total - window), rest


def _require_positive(window: int, hop: int) -> None:
    if window <= 0 or hop <= 0:
        raise ValueError(f"window and hop must be positive, not {window} and {hop} samples")


def _require_file(path: Path) -> None:
    """Refuse what has no bytes to read; a pipe would keep us waiting for ever."""
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableAudio(path, _reason(error)) from error
    except ValueError as error:  # a null byte in the name
        raise UnreadableAudio(path, "no file can have this name") from error
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableAudio(path, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableAudio(path, "it is not a regular file")
    if not status.st_size:
        raise UnreadableAudio(path, "the file is empty")


def _open(path: Path) -> tuple[InputContainer, AudioStream]:
    """Open a file at its best audio stream, with the others switched off."""
    _require_file(path)
    whitelists = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    try:
        # "file:", or a colon in the name would end a protocol; "replace", as tags come in any encoding.
        container = av.open(f"file:{path}", metadata_errors="replace", container_options=whitelists)
    except av.error.FFmpegError as error:
        raise UnreadableAudio(path, _reason(error)) from error
    stream = cast(AudioStream | None, container.streams.best("audio"))
    if stream is None or stream.codec_context is None or stream.codec_tag in _ENCRYPTED:
        container.close()
        raise UnreadableAudio(
            path, "no sound was found in it" if stream is None else "its sound is encrypted or of an unknown codec"
        )
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all  # the pictures of a video are not even read
    stream.codec_context.thread_count = 1  # more of them save no time here, and the other cores have files of their own
    return container, stream


def _reason(error: OSError | av.error.FFmpegError) -> str:
    """Say why a file could not be opened."""
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case PermissionError():
            return "permission denied"
        case OSError():
            return f"it cannot be opened: {error.strerror}"
        case _:
            return "it is not audio, or damaged beyond recognition"


def _ticks_per_sample(container: InputContainer, stream: AudioStream) -> int | None:
    """Return the units of the stream's clock per sample, or None where the clock cannot tell samples apart."""
    name, codec = container.format.name, stream.codec_context
    seeking = name in _SEEKING or (name in _SEEKING_PCM and codec.name.startswith("pcm_"))
    if stream.time_base is None or not (seeking or name in _STEPPING):
        return None
    ticks = 1 / (stream.time_base * codec.sample_rate)
    return int(ticks) if ticks.denominator == 1 else None


def _declared_duration(path: Path, container: InputContainer, stream: AudioStream) -> float | None:
    """Return the seconds that the file itself declares, never what libav guesses from bit rate and size."""
    name, bit_rate = container.format.name, stream.codec_context.bit_rate
    if name in _HEADERLESS or (name == "mp3" and not _counts_its_frames(path)):
        return None
    if stream.duration is not None and stream.time_base is not None:
        cut_off = _cut_off(path) * 8 / bit_rate if name == "wav" and bit_rate else 0.0
        return float(stream.duration * stream.time_base) + cut_off
    # What the container declares is the duration of its longest stream.
    alone = all(
        other is stream or other.type not in ("audio", "video") or other.disposition & Disposition.attached_pic
        for other in container.streams
    )
    return container.duration / av.time_base if alone and container.duration is not None else None


def _counts_its_frames(path: Path) -> bool:
    """Whether an mp3 begins, after its tag, with a frame that says how many follow."""
    with path.open("rb") as file:
        tag = file.read(10)
        size = sum(byte << 7 * place for place, byte in enumerate(reversed(tag[6:])))  # seven bits per byte in ID3v2
        file.seek(10 + size if tag.startswith(b"ID3") else 0)
        frame = file.read(1024)
    return any(mark in frame for mark in (b"Xing", b"Info", b"VBRI"))


def _cut_off(path: Path) -> int:
    """Return how many bytes a RIFF header promises beyond the end of the file, of which libav says nothing."""
    with path.open("rb") as file:
        form, size = struct.unpack("<4sI", file.read(8))
    unknown = form != b"RIFF" or size == 2**32 - 1  # RF64, or written to a pipe
    return 0 if unknown else max(0, size + 8 - path.stat().st_size)


def _mixed(frames: Iterable[AudioFrame], *, apart: bool) -> Iterator[tuple[int, Waveform, Sound | None]]:
    """Average the channels of frames, a block at a time; a frame of another kind begins a new block.

    Yields:
        The rate in Hz, the mean of the channels, and if they are wanted the channels themselves.
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


def _mean(frame: AudioFrame, *, apart: bool) -> tuple[Waveform, Sound | None]:
    """Return the mean of a frame's channels, and if they are wanted the channels."""
    number, silence, full_scale = _SAMPLE_FORMATS[frame.format.packed.name]
    count = frame.layout.nb_channels
    if frame.format.is_planar:
        # PyAV 18 lists more planes than there are channels from eight on, and those point anywhere.
        planes = frame.planes[:count]
        channels = [np.frombuffer(cast(memoryview, plane), number, frame.samples) for plane in planes]
    else:
        interleaved = np.frombuffer(cast(memoryview, frame.planes[0]), number, frame.samples * count)
        channels = [interleaved[channel::count] for channel in range(count)]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite will be counted and silenced
        mean: Waveform = channels[0].astype(np.float32)
        for channel in channels[1:]:
            mean += channel
        mean -= np.float32(silence * count)
        mean *= np.float32(1 / (full_scale * count))
        if not apart:
            return mean, None
        separate = np.array(channels, np.float32)  # (channels, samples)
        if number is not np.float32:
            separate -= np.float32(silence)
            separate *= np.float32(1 / full_scale)
    return mean, Sound(frame.sample_rate, tuple(channel.name for channel in frame.layout.channels), separate)


def _resampled(blocks: Iterable[tuple[int, Waveform]], sample_rate: int) -> Iterator[Waveform]:
    """Bring blocks, each with its rate in Hz, to one rate."""
    for rate, alike in groupby(blocks, operator.itemgetter(0)):
        if rate == sample_rate:
            yield from (waveform for _, waveform in alike)
            continue
        resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
        for _, waveform in alike:
            yield resampler.resample_chunk(waveform)
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _aligned(first: int, native_rate: int, sample_rate: int) -> tuple[int, int]:
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


def _cut(blocks: Iterable[Waveform], skip: int, count: int | None) -> Iterator[Waveform]:
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
