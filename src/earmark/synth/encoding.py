"""Tracks as files: Opus, MP3, FLAC or WAV through PyAV."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import av
import numpy as np
from av.audio.stream import AudioStream

from earmark.files import replacement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from earmark.synth.track import Audio

CODECS: Final[dict[str, tuple[str, str]]] = {
    # suffix: (FFmpeg encoder, sample format it takes)
    ".opus": ("libopus", "s16"),
    ".flac": ("flac", "s16"),
    ".mp3": ("libmp3lame", "s16p"),
    ".wav": ("pcm_s16le", "s16"),
}
LOSSY: Final = (".opus", ".mp3")
OPUS_RATE: Final = 48_000  # Hz, the only rate worth giving to Opus


def write_audio(
    path: Path,
    audio: Audio,
    sample_rate: int,
    *,
    bit_rate: int = 88_000,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Encode stereo audio, shape `(2, samples)`, in the format that the suffix of `path` names.

    The same samples give the same bytes. `bit_rate` (bits per second) counts for Opus and MP3.

    Raises:
        ValueError: the suffix is not in `CODECS`, or the rate is none that Opus knows.
    """
    suffix = path.suffix.lower()
    if suffix not in CODECS:
        raise ValueError(f"{path}: cannot encode {suffix!r}; known: {', '.join(CODECS)}")
    if suffix == ".opus" and sample_rate != OPUS_RATE:
        raise ValueError(f"{path}: Opus takes {OPUS_RATE} Hz, not {sample_rate}")
    codec, sample_format = CODECS[suffix]
    whole = np.round(np.clip(audio, -1, 1) * 32767).astype(np.int16)
    # Bit-exact: no random stream number, no encoder version, no date.
    exact = {"fflags": "+bitexact"}
    with replacement(path, suffix=f".part{suffix}") as fresh, av.open(str(fresh), "w", options=exact) as container:
        container.metadata.update(tags or {})
        # Constrained: the size of a file follows from its length.
        options = {"vbr": "constrained"} if suffix == ".opus" else {}
        stream = cast(AudioStream, container.add_stream(codec, rate=sample_rate, options=options))
        stream.codec_context.layout = "stereo"
        stream.codec_context.format = sample_format
        stream.codec_context.time_base = Fraction(1, sample_rate)
        if suffix in LOSSY:
            stream.codec_context.bit_rate = bit_rate
        block = sample_rate  # a second at a time
        for start in range(0, whole.shape[1], block):
            interleaved = np.ascontiguousarray(whole[:, start : start + block].T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout="stereo")
            frame.sample_rate = sample_rate
            frame.pts = start
            frame.time_base = Fraction(1, sample_rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
