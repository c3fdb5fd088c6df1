"""What plays now, from a pipe or from the line input."""

from typing import TYPE_CHECKING, BinaryIO

from earmark.app.listening import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from earmark.hearing.live import Moment

RATE, CHANNELS = 44_100, 2
EVERY = 3.0  # seconds


def listen_live(
    stream: BinaryIO | None,
    model: str = MODEL,
    *,
    rate: int = RATE,
    channels: int = CHANNELS,
    device: str = "",
    every: float = EVERY,
) -> "Iterator[Moment]":
    """An answer every few seconds, until the stream ends.

    Args:
        stream: PCM, 32-bit float, little-endian, interleaved; None for the line input.
        model: the name or folder of the model.
        rate: of the sound, in Hz.
        channels: how many.
        device: the sound device of the line input; "" for that of the system.
        every: seconds from one answer to the next.

    Raises:
        BundleError: there is no such model, or it is damaged.
        MissingExtra: the line input needs the extra `live`.
        EarmarkError: there is no such device.
    """
    from earmark.audio.mixing import resampled
    from earmark.audio.pcm import from_line, from_pipe
    from earmark.hearing import Model
    from earmark.hearing.live import moments

    opened = Model.open(model)
    opened.require_probabilities()
    blocks = from_line(device, rate, channels) if stream is None else from_pipe(stream, rate, channels)
    return moments(resampled(((rate, block) for block in blocks), opened.config.sample_rate), opened, every)
