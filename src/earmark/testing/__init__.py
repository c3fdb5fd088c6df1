"""Signals, tracks and a model with known answers: for our tests, and for those of programs that use earmark.

signals   tones, clicks, sweeps, noise, tiny tracks with truth; NumPy only
bundles   a tiny model; needs the extra `train` (onnx)
"""

from earmark.testing.signals import (
    SAMPLE_RATE,
    TinyTrack,
    chord,
    click,
    click_train,
    clicks_at,
    noise,
    silence,
    sweep,
    tiny_track,
    tone,
    write_wav,
)

__all__ = [
    "SAMPLE_RATE",
    "TinyTrack",
    "chord",
    "click",
    "click_train",
    "clicks_at",
    "noise",
    "silence",
    "sweep",
    "tiny_track",
    "tone",
    "write_wav",
]
