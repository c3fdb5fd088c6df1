"""A sound file that is written as the sound comes, and appears when it is whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from earmark.errors import ExchangeError
from earmark.files import replacement

Stereo = NDArray[np.float32]

FORMATS: Final = {
    # suffix: FFmpeg encoder, sample format it takes, rate in Hz, bits per second
    ".flac": ("flac", "s16", 44_100, 0),
    ".wav": ("pcm_s16le", "s16", 44_100, 0),
    ".mp3": ("libmp3lame", "s16p", 44_100, 320_000),
    ".opus": ("libopus", "s16", 48_000, 256_000),
}


def rate_of(path: Path) -> int:
    """The rate in Hz of the format that the suffix of a path names.

    Raises:
        ExchangeError: it names none that can be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise ExchangeError(f"{path}: a mix is written as one of {', '.join(FORMATS)}")
    return FORMATS[path.suffix.lower()][2]


@contextmanager
def recorder(path: Path) -> Iterator[Callable[[Stereo], None]]:
    """A function that takes the next block of sound, float32 (2, samples); at the end the file takes its name.

    Raises:
        ExchangeError: the suffix names no format that can be written.
    """
    rate = rate_of(path)
    suffix = path.suffix.lower()
    codec, form, _, bits = FORMATS[suffix]
    with (
        replacement(path, suffix=f".part{suffix}") as fresh,
        av.open(str(fresh), "w", options={"fflags": "+bitexact"}) as container,
    ):
        stream = cast(AudioStream, container.add_stream(codec, rate=rate))
        stream.codec_context.layout = "stereo"
        stream.codec_context.format = form
        stream.codec_context.time_base = Fraction(1, rate)
        if bits:
            stream.codec_context.bit_rate = bits
        written = 0

        def write(sound: Stereo) -> None:
            nonlocal written
            if not sound.shape[1]:
                return
            whole = np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole.T).reshape(1, -1), "s16", "stereo")
            frame.sample_rate = rate
            frame.pts = written
            frame.time_base = Fraction(1, rate)
            written += whole.shape[1]
            container.mux(stream.encode(frame))

        yield write
        container.mux(stream.encode(None))
