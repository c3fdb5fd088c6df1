"""Summaries of tracks: the few columns that a set is planned from, read without the rest."""

import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from earmark.analysis import Loudness
from earmark.library.catalogue.rows import parsed, spoken
from earmark.library.track import Summary

SELECT: Final = """
SELECT tracks.id, path, fingerprint, title, artist, duration, analyses.bpm, analyses.camelot, loudness, probabilities,
    weights, styles, unknown
FROM tracks JOIN analyses ON analyses.id = tracks.analysis JOIN models ON models.id = analyses.model
WHERE NOT +missing AND no_music = ''
"""
"""Tracks that are there, and in which music was heard."""

_NOTHING: Final = np.empty(0, np.float32)


def summaries(rows: Iterator[sqlite3.Row]) -> Iterator[Summary]:
    """Summaries of the rows of `SELECT`."""
    styles_of = cache(lambda cell: tuple(parsed(cell)))  # one cell for each model
    for (
        number,
        path,
        fingerprint,
        title,
        artist,
        duration,
        bpm,
        camelot,
        lufs,
        blob,
        weights,
        styles_cell,
        unknown,
    ) in rows:
        styles: tuple[str, ...] = styles_of(styles_cell)
        windows = np.frombuffer(blob, "<f4").reshape(-1, len(styles)).astype(np.float64)
        shares = np.frombuffer(weights, "<f8") if weights is not None else np.ones(len(windows))
        total = shares.sum()
        yield Summary(
            path=Path(spoken(path)),
            content_hash=spoken(fingerprint),
            title=spoken(title),
            artist=spoken(artist),
            duration=duration or 0.0,
            styles=styles,
            probabilities=shares @ windows / total if total > 0 else windows.mean(0),
            bpm=bpm,
            camelot=camelot,
            energy=None if lufs is None else Loudness(lufs, 0.0, 0.0, _NOTHING).energy(),
            unknown=bool(unknown),
            id=number,
        )
