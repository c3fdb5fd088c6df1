"""A track as bytes that a browser can play.

What browsers play is sent as it is, from any byte on, so that a click in the middle of an hour plays at once. The rest
(AIFF, WavPack, WMA ...) is decoded to WAV on the way, one channel of 16 bits, of which any part can be asked for, too.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from starlette.responses import FileResponse, Response, StreamingResponse

from earmark.audio import Recording
from earmark.errors import UnreadableAudio
from earmark.hearing.original import duration_of

PLAYABLE: Final = {
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".aac": "audio/aac",
    ".webm": "audio/webm",
}
"""The suffixes that Chromium, Firefox and Safari play, with their media types."""

RATE: Final = 44_100  # Hz, of what is decoded
HEADER: Final = 44  # bytes of a WAV file before its samples
WIDTH: Final = 2  # bytes of a sample
LONGEST: Final = 2**32 - 1  # bytes that its header can tell: 13 hours
PARTIAL, UNSATISFIABLE = 206, 416
ASKED: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def respond(path: Path, wanted: str = "", duration: float | None = None) -> Response:
    """The sound of a file.

    Args:
        path: the file.
        wanted: the bytes that are asked for, an HTTP `Range`; "" for all.
        duration: seconds that were heard in it, if it was heard.

    Raises:
        UnreadableAudio: it cannot be decoded.
    """
    media_type = PLAYABLE.get(path.suffix.lower())
    if media_type:
        return FileResponse(path, media_type=media_type)  # minds the range itself
    size = HEADER + WIDTH * round((_length(path) if duration is None else duration) * RATE)
    asked = _range(wanted, size)
    first, last = asked or (0, size - 1)
    if first >= size:
        return Response(status_code=UNSATISFIABLE, headers={"content-range": f"bytes */{size}"})
    headers = {"accept-ranges": "bytes", "content-length": str(last + 1 - first)}
    if asked:
        headers["content-range"] = f"bytes {first}-{last}/{size}"
    body = _part(path, size, first, last + 1)
    return StreamingResponse(body, status_code=PARTIAL if asked else 200, media_type="audio/wav", headers=headers)


def _length(path: Path) -> float:
    with Recording(path) as recording:
        return duration_of(recording)


def _range(wanted: str, size: int) -> tuple[int, int] | None:
    """First and last byte that a `Range` asks for; None where it cannot be read, or asks for several parts."""
    found = ASKED.fullmatch(wanted)
    first, last = found.groups() if found else ("", "")
    if first and (not last or int(first) <= int(last)):
        return int(first), min(int(last or size), size - 1)
    return (size - min(int(last), size), size - 1) if last and not first else None


def _part(path: Path, size: int, first: int, end: int) -> Iterator[bytes]:
    """The bytes from `first` to before `end` of the WAV file; silence where the recording has ended or is damaged."""
    yield header(size - HEADER)[first:end]
    at = max(first, HEADER)
    sample = (at - HEADER) // WIDTH
    skipped = (at - HEADER) % WIDTH
    with suppress(UnreadableAudio), Recording(path) as recording:
        for block in recording.blocks(RATE, start=sample / RATE):
            if at >= end:
                return
            samples = np.round(np.clip(block, -1, 1) * 32767).astype("<i2").tobytes()[skipped : skipped + end - at]
            skipped = 0
            at += len(samples)
            yield samples
    yield bytes(max(0, end - at))


def header(length: int) -> bytes:
    """The head of a WAV file with so many bytes of samples."""
    length = min(length, LONGEST - 36)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + length, b"WAVE", b"fmt ", 16, 1, 1, RATE, RATE * WIDTH, WIDTH, 16, b"data",
        length,
    )  # fmt: skip
