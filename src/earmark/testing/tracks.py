"""Tracks of a collection, with an analysis that the test states."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from earmark.analysis import Analysis, Key, Loudness, Rhythm
from earmark.library.track import Tags, Track
from earmark.styles import families_of, styles
from earmark.timeline import Timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS = tuple(style.label for style in styles())


def steady(bpm: float, first: float, duration: float) -> Rhythm:
    """The beat of a machine: a downbeat at `first` seconds, and a beat every 60 / bpm seconds all along the track."""
    period = 60 / bpm
    ahead = int(first / period + 1e-9)
    beats: NDArray[np.float64] = (
        first + np.arange(-ahead, int((duration - first) / period) + 1, dtype=np.float64) * period
    )
    return Rhythm(bpm, 0.95, 0.0, beats, beats[ahead::4])


def heard_track(
    path: Path | str,
    shares: dict[str, float] | None = None,
    *,
    tags: Tags | None = None,
    rhythm: Rhythm | None = None,
    key: Key | None = None,
    duration: float = 300.0,
    unknown: bool = False,
    embedding: tuple[float, ...] = (1.0, 0.0),
    labels: tuple[str, ...] = LABELS,
    content: str = "",
    model: str = "test",
) -> Track:
    """A track of a collection.

    Args:
        path: where it is; also stands for its content if that is not given.
        shares: the probabilities of some styles; what is left over is spread over the others.
        tags: what its file says.
        rhythm: its beat.
        key: its key.
        duration: in seconds.
        unknown: no style is probable enough to be named.
        embedding: whatever the model thinks of it.
        labels: the styles of the model.
        content: the hash of the file.
        model: the name of the model.
    """
    shares = {"Deep House": 1.0} if shares is None else shares
    rest = (1 - sum(shares.values())) / max(1, len(labels) - len(shares))
    row = np.array([[shares.get(label, rest) for label in labels]], np.float32)
    analysis = Analysis(
        path=Path(path),
        duration=duration,
        timeline=Timeline(labels, np.zeros(1), duration, row),
        families=families_of(labels),
        unknown=unknown,
        embedding=np.array(embedding, np.float32),
        model=model,
        rhythm=rhythm,
        key=key,
        loudness=Loudness(-8.5, 4.0, -0.3, np.full(int(duration), -8.5, np.float32)),
    )
    return Track(Path(path), 4_000_000, 0, content or f"content of {path}", tags or Tags(), analysis)
