"""The method of the system of 2018: ten equal pieces of a track, the beginning of each, all in one batch.

A piece lasts (duration + 1) / 10 seconds, so the last one is a second short. The first window of each piece is heard,
filled up with silence where the piece is shorter. The batch matters: a network with the mel layer of that time takes
the maximum of its decibels over all ten, so a piece is heard relative to the loudest one.

The original cut mp3 files with ffmpeg and took their duration from mutagen; here any file will do. A piece that begins
after the end of the sound has nothing to hear and is left out: the last of them in a file shorter than 9 s.
"""

from dataclasses import dataclass

import numpy as np

from earmark.audio import Recording, Waveform
from earmark.hearing.model import Heard, Model

PIECES = 10


@dataclass(frozen=True)
class HeardPieces:
    """Timeline and embedding of the pieces, the duration of the track in seconds, and warnings in whole sentences."""

    heard: Heard
    duration: float
    warnings: tuple[str, ...]


def hear_pieces(model: Model, recording: Recording) -> HeardPieces:
    """Hear ten pieces of a recording as one batch.

    Raises:
        UnreadableAudio: there is no audio in it that can be heard.
        BundleError: the outputs of the model are no probabilities.
    """
    config = model.config
    model.require_probabilities()
    duration = duration_of(recording)
    length = (duration + 1) / PIECES  # seconds
    window = round(config.window * config.sample_rate)  # samples
    batch = np.zeros((PIECES, window), np.float32)
    sizes = np.zeros(PIECES, np.intp)  # samples of sound in each piece
    warnings: dict[str, None] = {}
    for piece in range(PIECES):
        beginning = _read(recording, config.sample_rate, piece * length, min(length, config.window))[:window]
        batch[piece, : beginning.size] = beginning
        sizes[piece] = beginning.size
        if beginning.size:
            warnings |= dict.fromkeys(recording.warnings)
    sounding = np.flatnonzero(sizes)
    if missing := PIECES - sounding.size:
        warnings[f"{missing} of {PIECES} pieces left out: they begin after the end of the sound"] = None
    logits, embeddings = model.run(batch[sounding])
    timeline = model.to_timeline(sounding.astype(np.float64) * length, int(sizes[sounding[-1]]), logits)
    return HeardPieces(Heard(timeline, embeddings.mean(0)), duration, tuple(warnings))


def _read(recording: Recording, sample_rate: int, start: float, duration: float) -> Waveform:
    blocks = list(recording.blocks(sample_rate, start=start, duration=duration))
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)


def duration_of(recording: Recording) -> float:
    """Duration in seconds, as declared; where none is declared, as decoded."""
    if recording.duration is not None:
        return recording.duration
    return sum(block.size for block in recording.blocks(recording.sample_rate)) / recording.sample_rate
