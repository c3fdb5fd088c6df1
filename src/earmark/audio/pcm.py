"""Sound that is playing now, as a waveform in blocks: PCM from a pipe, or the line input of the machine.

Conventions: PCM is 32-bit float, little-endian, interleaved, as `ffmpeg -f f32le` writes it. Channels are averaged;
what is no number that sound can have is silence, as in files.
"""

import queue
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from earmark.audio.mixing import LOUDEST, Waveform
from earmark.errors import EarmarkError, MissingExtra

BLOCK: Final = 0.1  # seconds that are read at once
WAITING: Final = 100  # blocks of the line input that wait while something is heard; what comes then is lost
SAMPLE: Final = 4  # bytes


def from_pipe(stream: BinaryIO, rate: int, channels: int) -> Iterator[Waveform]:
    """The channels' mean of PCM from a stream, in blocks until it ends; an incomplete last sample is left out.

    Args:
        stream: for example `sys.stdin.buffer`.
        rate: in Hz.
        channels: how many.
    """
    frame = SAMPLE * channels
    size = frame * max(1, round(BLOCK * rate))
    held = b""
    while chunk := _read(stream, size):
        held += chunk
        whole = len(held) // frame * frame
        if whole:
            yield _mean(np.frombuffer(held[:whole], "<f4").reshape(-1, channels))
            held = held[whole:]


def from_line(device: str, rate: int, channels: int) -> Iterator[Waveform]:
    """The channels' mean of what comes in at a sound device, in blocks, for ever.

    Args:
        device: its name or number; "" for the one that the system uses.
        rate: in Hz.
        channels: how many.

    Raises:
        MissingExtra: the extra `live` is not installed.
        EarmarkError: there is no such device, or it cannot do that.
    """
    try:
        import sounddevice  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise MissingExtra("the line input", "live") from None
    except OSError as error:  # its library is not on this system
        raise EarmarkError(f"the line input cannot be used: {error}") from error
    waiting: queue.Queue[NDArray[np.float32]] = queue.Queue(WAITING)

    def take(block: NDArray[np.float32], frames: int, time: object, status: object) -> None:  # noqa: ARG001  theirs
        if not waiting.full():
            waiting.put_nowait(block.copy())

    settings: dict[str, Any] = {"samplerate": rate, "channels": channels, "dtype": "float32", "callback": take}
    try:
        named = int(device) if device.isdecimal() else device or None
        with sounddevice.InputStream(device=named, blocksize=round(BLOCK * rate), **settings):
            while True:
                yield _mean(waiting.get())
    except (sounddevice.PortAudioError, ValueError) as error:
        raise EarmarkError(f"sound device {device or 'of the system'}: {error}") from error


def _read(stream: BinaryIO, size: int) -> bytes:
    """Bytes as soon as there are some, at most `size`; none at the end."""
    read = getattr(stream, "read1", stream.read)  # `read` waits until there are so many
    chunk: bytes = read(size)
    return chunk


def _mean(samples: NDArray[np.float32]) -> Waveform:
    """The mean of the channels of samples (samples, channels)."""
    good = np.where(np.abs(samples) <= LOUDEST, samples, np.float32(0))  # not so if it is NaN
    mean: Waveform = good.mean(1, dtype=np.float32)
    return mean
