"""Sound files as waveforms: opened, decoded, mixed to one channel, resampled, and cut into windows.

A *waveform* is float32, mono, shape ``(samples,)``: the arithmetic mean of the channels, nominally in [-1, 1], not
normalised. A file travels through small steps, each a generator, so that a three-hour mix needs no more memory than
a loop:

    opening     path -> libav's container and its sound stream; what cannot be opened says why
    signature   first bytes -> the kind of file; flac, where its blocks stand in an order of their own
    lengths     the seconds that a file declares, and whether its end is missing
    recording   packets -> frames: a damaged packet is skipped and counted; excerpts are exact
    mixing      frames -> native: the channels are averaged; native -> resampled: soxr HQ, streamed
    windows     resampled -> overlapping stretches for the networks

Conventions: times are seconds, positions are samples.
"""

from earmark.audio.mixing import Channels, Sound, Tap, Waveform, keep_memory
from earmark.audio.opening import SUFFIXES
from earmark.audio.recording import Recording, decode
from earmark.audio.windows import window_starts, windows

__all__ = [
    "SUFFIXES",
    "Channels",
    "Recording",
    "Sound",
    "Tap",
    "Waveform",
    "decode",
    "keep_memory",
    "window_starts",
    "windows",
]
