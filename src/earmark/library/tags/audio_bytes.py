"""Whether two files hold the same sound, told without trusting whoever wrote the tags: FFmpeg reads both.

What a decoder is given decides what it gives back. So it suffices to compare that: every packet with its time stamps
and side data (encoder delay and padding, be they in a LAME header, an edit list or a granule position), and the
parameters of the codec. This is stricter than comparing decoded samples, and costs reading instead of decoding.
Decoding can be had, too, by those who want to see it.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer

from earmark.audio.flac import in_order
from earmark.errors import TagError

if TYPE_CHECKING:
    from av.packet import Packet  # subscriptable there only

WITH_COMMENTS: Final = frozenset({"vorbis"})
"""Codecs whose parameters hold the comments as well; their headers are compared with the rest of the layout."""

TAGS: Final = "strings_metadata"
"""Side data that are tags, which FFmpeg passes on with the first packet of Ogg."""


def packets(path: Path, demuxers: str) -> str:
    """A digest of everything that a decoder is given.

    Args:
        path: the file.
        demuxers: what FFmpeg calls its container, separated by commas.

    Raises:
        TagError: FFmpeg finds no sound in it.
    """
    total = hashlib.sha256()
    with _opened(path, demuxers) as (container, stream):
        context = stream.codec_context
        extra = b"" if context.name in WITH_COMMENTS else context.extradata or b""
        form = context.format.name if context.format else ""
        facts = (context.name, form, context.sample_rate, context.layout.name, stream.time_base, stream.start_time)
        total.update(repr((facts, extra)).encode())
        count = 0
        for packet in _packets(path, container, stream):
            side = sorted((each.data_type, bytes(each)) for each in packet.iter_sidedata() if each.data_type != TAGS)
            stamps = (packet.pts, packet.dts, packet.duration, packet.size, packet.is_discard, packet.is_corrupt)
            total.update(repr((stamps, side)).encode())
            total.update(bytes(packet))
            count += packet.size > 0
    if not count:
        raise TagError(path, "it holds no sound, so nobody can tell whether that stays the same")
    return total.hexdigest()


def samples(path: Path, demuxers: str) -> str:
    """A digest of all decoded samples.

    Raises:
        TagError: FFmpeg finds no sound in it.
    """
    total = hashlib.sha256()
    decoded = 0
    with _opened(path, demuxers) as (container, stream):
        for packet in _packets(path, container, stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                total.update(b"damaged")  # and in the same place in both
                continue
            for frame in frames:
                total.update(repr((frame.format.name, frame.layout.name, frame.sample_rate)).encode())
                total.update(frame.to_ndarray().tobytes())
                decoded += frame.samples
    if not decoded:
        raise TagError(path, "nothing in it can be decoded, so nobody can tell whether it sounds the same")
    return total.hexdigest()


VERIFIERS: Final[dict[str, Callable[[Path, str], str]]] = {"packets": packets, "decode": samples}


@contextmanager
def _opened(path: Path, demuxers: str) -> Iterator[tuple[InputContainer, AudioStream]]:
    try:
        source = in_order(path) or f"file:{path}"  # "file:", or a colon in the name would end a protocol
        whitelists = {"protocol_whitelist": "file", "format_whitelist": demuxers}
        # "replace", as tags come in any encoding.
        container = av.open(source, "r", metadata_errors="replace", container_options=whitelists)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise TagError(path, "FFmpeg cannot read it, so its sound cannot be compared") from error
    with container:
        stream = cast(AudioStream | None, container.streams.best("audio"))
        if stream is None or stream.codec_context is None:
            raise TagError(path, "FFmpeg finds no sound in it that could be compared")
        yield container, stream


def _packets(path: Path, container: InputContainer, stream: AudioStream) -> Iterator["Packet[AudioStream]"]:
    """Read packets up to the end, or to where the structure of the file breaks off."""
    try:
        yield from container.demux(stream)
    except OSError as error:
        raise TagError(path, f"reading failed: {error.strerror}") from error
    except av.error.FFmpegError:
        return  # a damaged end; it is damaged in both, or the count of packets differs
