"""Lengths that files declare of themselves, and ends that they lack; never what is guessed from bit rate and size."""

import re
import struct
from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from earmark.audio.signature import after_id3

TOLERANCE: Final = 0.5
"""Seconds by which a healthy file may be shorter than declared: encoder delay and padding (up to 0.2 s at low sample
rates) count in the duration that some containers declare, and not in that of others."""

# Streams without a header: what libav calls their duration is a guess from bit rate and file size.
_HEADERLESS: Final = frozenset({"aac", "ac3", "amr", "dts", "eac3"})

_PAGE: Final = 65_307  # bytes: the longest page of Ogg
_LAST_PAGE: Final = 4  # the flag of the last page of a stream


def declared_duration(path: Path, container: InputContainer, stream: AudioStream) -> float | None:
    """Return the seconds that the file itself declares, never what libav guesses from bit rate and size."""
    name, bit_rate = container.format.name, stream.codec_context.bit_rate
    if name in _HEADERLESS:
        return None
    if stream.duration is not None and stream.time_base is not None:
        duration = float(stream.duration * stream.time_base)
        if name == "mp3" and not _is_said(path, duration, stream.codec_context.sample_rate):
            return None
        return duration + (_cut_off(path) * 8 / bit_rate if name == "wav" and bit_rate else 0.0)
    # What the container declares is the duration of its longest stream.
    alone = all(
        other is stream or other.type not in ("audio", "video") or other.disposition & Disposition.attached_pic
        for other in container.streams
    )
    return container.duration / av.time_base if alone and name != "mp3" and container.duration is not None else None


def _is_said(path: Path, duration: float, sample_rate: int) -> bool:
    """Whether an mp3 begins with a frame that counts those that follow, and the duration is theirs.

    Where the file is much longer than that frame says (several mp3 files joined, or zeros behind one), libav guesses.
    """
    with path.open("rb") as file:
        file.seek(after_id3(file))
        frame = file.read(1024)
    frames = 0
    for mark, flags, count in ((b"Xing", 4, 8), (b"Info", 4, 8), (b"VBRI", None, 14)):
        at = frame.find(mark)
        if at >= 0 and len(frame) >= at + 18 and (flags is None or frame[at + flags + 3] & 1):
            (frames,) = struct.unpack_from(">I", frame, at + count)
    samples = 1152 if sample_rate >= 32_000 else 576  # noqa: PLR2004  per frame: MPEG 1, or 2 and 2.5
    return bool(frames) and abs(frames * samples / sample_rate - duration) <= TOLERANCE


def _cut_off(path: Path) -> int:
    """Return how many bytes a RIFF header promises beyond the end of the file, of which libav says nothing."""
    with path.open("rb") as file:
        form, size = struct.unpack("<4sI", file.read(8))
    unknown = form != b"RIFF" or size == 2**32 - 1  # RF64, or written to a pipe
    return 0 if unknown else max(0, size + 8 - path.stat().st_size)


def lacks_its_end(path: Path) -> bool:
    """Whether an Ogg file ends without a last page: its length is known from nothing else."""
    with path.open("rb") as file:
        start = path.stat().st_size
        while start > 0:  # back over what else stands behind the pages
            start = max(0, start - _PAGE)
            file.seek(start)
            tail = file.read(2 * _PAGE)
            if b"OggS\0" in tail:
                return not any(_is_last(tail, page.start()) for page in re.finditer(rb"OggS\0", tail))
    return True


def _is_last(tail: bytes, page: int) -> bool:
    """Whether a page of Ogg is the last one of its stream, and whole."""
    header = tail[page : page + 27]
    if len(header) < 27 or not header[5] & _LAST_PAGE:  # noqa: PLR2004  its length
        return False
    segments = tail[page + 27 : page + 27 + header[26]]
    return len(segments) == header[26] and page + 27 + len(segments) + sum(segments) <= len(tail)
