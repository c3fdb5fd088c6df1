"""Recordings: files and excerpts of them, decoded to blocks of waveform.

Conventions:

* Sample 0 is the first one that the decoder gives: encoder delay, pre-skip and priming are cut off as the container
  says, exactly as the ffmpeg command line does.
* An excerpt is a slice of the whole: ``decode(path, rate, start=a, duration=b)`` equals
  ``decode(path, rate)[round(a * rate):round((a + b) * rate)]``. Where time stamps count samples we jump, begin
  ``WARM_UP`` seconds early and drop what the decoder needs to settle; where they do not (Matroska rounds them to
  milliseconds) we decode from the start. One codec never repeats itself: AAC may code a band as "noise of this power",
  and after a jump that noise is another one.
* In a damaged file, positions count what could be decoded; nothing is put in place of a skipped packet.
* What was wrong but did not stop us stands in ``Recording.warnings``; what did is `UnreadableAudio`.
"""

import logging
from collections.abc import Iterable, Iterator
from itertools import chain, dropwhile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import av.error
import numpy as np
from av.audio.frame import AudioFrame

from earmark.audio.lengths import TOLERANCE, declared_duration, lacks_its_end
from earmark.audio.mixing import BLOCK, PIECE, Tap, Waveform, aligned, cut, mixed, resampled
from earmark.audio.opening import STEPPING, open_sound, ticks_per_sample
from earmark.errors import UnreadableAudio

if TYPE_CHECKING:  # subscriptable there only
    from av.audio.stream import AudioStream
    from av.packet import Packet

logger = logging.getLogger(__name__)

WARM_UP: Final = 1.0
"""Seconds decoded and dropped before an excerpt. An mp3 frame refers back by up to 511 bytes (0.5 s at 8 kbit/s), Opus
asks for 80 ms, a lapped transform for one frame."""

CANCELLED_SHARE: Final = 0.1
"""Share of a file in which its channels cancel each other, above which that is worth a warning: a wide pad at its
beginning is not."""

MOSTLY_WRONG: Final = 0.1
"""Share of samples that are no sound from which on the file is none: numbers of another type than it says."""


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
        self._container, self._stream = open_sound(self.path)
        self._fresh = True
        self._latest: Packet[AudioStream] | None = None  # that was read since the file was opened
        self._origin: int | None = None  # stamp of the first frame, where an excerpt had to know it
        self._packets_read = self._damaged = 0
        self.sample_rate = self._stream.codec_context.sample_rate
        self.channels = self._stream.codec_context.channels
        self.codec = self._stream.codec_context.codec.canonical_name
        self.duration = declared_duration(self.path, self._container, self._stream)

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
        """Decode the file, or an excerpt of it, a few seconds at a time.

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
        native_first, surplus = aligned(first, self.sample_rate, sample_rate)
        size = BLOCK if count is None else PIECE  # what is decoded beyond the end of an excerpt is wasted
        blocks = cut(resampled(self._native(native_first, tap, size), sample_rate), surplus, count)
        return self._not_silent(blocks) if not first and count != 0 else blocks

    def _not_silent(self, blocks: Iterator[Waveform]) -> Iterator[Waveform]:
        """Pass on blocks from the beginning of the file; refuse one that is too short for a single sample."""
        heard = False
        for block in blocks:
            heard = True
            yield block
        if not heard:
            raise UnreadableAudio(self.path, "it holds no sound: it is shorter than a sample")

    def _native(self, first: int, tap: Tap | None, size: int) -> Iterator[tuple[int, Waveform]]:
        """Yield the file from its own sample `first` on, in blocks of about `size`, each with its rate in Hz."""
        if not self._fresh and not self._lies_ahead(first):
            self._reopen()
        self._fresh = False
        self._packets_read = self._damaged = 0
        self.warnings.clear()
        frames, position = self._frames_before(first)
        heard = position / self.sample_rate
        surplus = first - position
        samples = silenced = 0
        cancelled = 0.0  # seconds
        for block in mixed(frames, apart=tap is not None, size=size):
            heard += block.waveform.size / block.rate
            cancelled += block.cancelled / block.rate
            samples += block.waveform.size
            silenced += block.silenced
            if tap and block.sound:
                tap(block.sound)
            rate, waveform = block.rate, block.waveform[surplus:]
            surplus = max(0, surplus - block.waveform.size)
            del block  # not to be kept while the next one is decoded: it may lie where this one did
            yield rate, waveform
            del waveform
        if silenced > MOSTLY_WRONG * samples:
            share = f"{silenced / samples:.0%} of its samples are no numbers that sound can have"
            raise UnreadableAudio(self.path, f"it could not be heard: {share}")
        self._judge(heard)
        if silenced:
            count = f"{silenced} samples were" if silenced > 1 else "1 sample was"
            self.warnings.append(f"{count} not finite, or beyond the level of any sound: replaced by silence")
        if cancelled > CANCELLED_SHARE * heard:
            self.warnings.append(f"the channels cancel each other for {cancelled:.1f} s: one of them was heard there")

    def _judge(self, heard: float) -> None:
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
        elif self._container.format.name == "ogg" and lacks_its_end(self.path):
            self.warnings.append("it has no last page: it was cut off, or recorded from a stream")

    def _frames_before(self, first: int) -> tuple[Iterator[AudioFrame], int]:
        """Return frames that begin at or before sample `first` of the file, and the sample at which they begin."""
        packets = self.packets()
        frames = self._frames(packets)
        early = first - round(WARM_UP * self.sample_rate)
        ticks = ticks_per_sample(self._container, self._stream)
        if early <= 0 or ticks is None:
            return frames, 0
        if self._latest is None or self._origin is None:  # not so where an excerpt follows one before
            head = next(frames, None)  # its stamp is not always 0: in an mp3 it is the encoder delay
            if head is None or head.pts is None:
                return chain([] if head is None else [head], frames), 0
            self._origin = head.pts
        origin = self._origin
        wanted = origin + early * ticks
        if self._container.format.name in STEPPING:
            packets = dropwhile(lambda packet: (packet.pts or 0) + (packet.duration or 0) <= wanted, packets)
            self._stream.codec_context.flush_buffers()
        else:
            try:
                self._container.seek(wanted, stream=self._stream)
            except av.error.FFmpegError:  # a damaged index
                return self._frames_from_the_start()
            packets = self.packets()
        frames = self._frames(packets)
        head = next(frames, None)
        if head is None:
            return frames, first  # the file ends before
        position = first + 1 if head.pts is None else (head.pts - origin) // ticks
        if position > first:  # a damaged index again: not where the seek should have landed
            return self._frames_from_the_start()
        return chain([head], frames), position

    def _lies_ahead(self, first: int) -> bool:
        """Whether packets can be passed over from where we are until `first`, and need not be from the beginning."""
        ticks = ticks_per_sample(self._container, self._stream)
        if self._latest is None or self._latest.pts is None or self._origin is None or ticks is None:
            return False
        reached = self._latest.pts + (self._latest.duration or 0)
        wanted = self._origin + (first - round(WARM_UP * self.sample_rate)) * ticks
        return self._container.format.name in STEPPING and 0 < reached <= wanted

    def _frames_from_the_start(self) -> tuple[Iterator[AudioFrame], int]:
        self._reopen()
        return self._frames(self.packets()), 0

    def _reopen(self) -> None:
        self.close()
        self._container, self._stream = open_sound(self.path)
        self._latest = None

    def packets(self) -> Iterator["Packet[AudioStream]"]:
        """Undecoded packets up to the end of the file, or to where its structure breaks off."""
        try:
            for packet in self._container.demux(self._stream):
                self._latest = packet
                yield packet
        except OSError as error:
            raise UnreadableAudio(self.path, f"reading failed: {error.strerror}") from error
        except av.error.FFmpegError:
            self._damaged += 1

    def _frames(self, packets: Iterable["Packet[AudioStream]"]) -> Iterator[AudioFrame]:
        return chain.from_iterable(self._decoded(packets))

    def _decoded(self, packets: Iterable["Packet[AudioStream]"]) -> Iterator[list[AudioFrame]]:
        """Yield the frames of each packet that can be decoded."""
        for packet in packets:
            self._packets_read += packet.size > 0  # the last one is empty and asks the decoder for what it holds back
            try:
                frames = packet.decode()
            except av.error.FFmpegError:  # damage has many names: invalid data, not permitted, not yet implemented
                self._damaged += any(bytes(packet))  # zeros are what some programs append to a file, no damage
            else:
                yield frames


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
