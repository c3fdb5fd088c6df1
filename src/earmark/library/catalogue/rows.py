"""Tracks and analyses as rows of the catalogue, and back: nothing is lost on the way.

Conventions:

* Arrays are blobs of little-endian numbers: times float64, everything else float32. Lists and dictionaries are JSON.
* Text is UTF-8. A name or a tag that is no Unicode text (a lone surrogate, as Python stands for a byte that it cannot
  read) is a blob instead, which no comparison takes for text.
* SQLite knows no NaN and writes NULL. So whether there is a rhythm, a key or a loudness shows in `beats`, `tonic` and
  `loudness_curve`, which are never NaN, and NULL in another of their columns is NaN.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from earmark.analysis import Analysis, Key, Loudness, Rhythm
from earmark.library.track import Tags, Track
from earmark.timeline import Timeline

Cell: TypeAlias = str | bytes | int | float | None

# The whole of a track with what was heard in it; the columns are named apart where both tables have them.
SELECT: Final = """
SELECT tracks.*, analyses.id AS analysis_id, duration, unknown, analyses.bpm AS heard_bpm, bpm_confidence, bpm_drift,
    tonic, minor, key_confidence, loudness, loudness_range, true_peak, warnings, window, starts, probabilities,
    embedding, beats, downbeats, loudness_curve, weights, no_music, name, styles, families
FROM tracks LEFT JOIN analyses ON analyses.id = tracks.analysis LEFT JOIN models ON models.id = analyses.model
"""


def text(value: str) -> str | bytes:
    """Text as it is stored."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return raw(value)
    return value


def raw(value: str) -> bytes:
    """Text as the bytes that are stored where it is no Unicode text."""
    return value.encode("utf-8", "surrogatepass")


def spoken(cell: str | bytes) -> str:
    """Text as it was before it was stored."""
    return cell.decode("utf-8", "surrogatepass") if isinstance(cell, bytes) else cell


def tag_cells(tags: Tags) -> dict[str, Cell]:
    """The columns of what stands in a file; of a tempo in words there is none (`Tags.bpm_text`)."""
    return {
        "title": text(tags.title),
        "artist": text(tags.artist),
        "album": text(tags.album),
        "genres": _json(tags.genres),
        "tag_styles": _json(tags.styles),
        "tag_bpm": tags.bpm,
        "tag_key": text(tags.key),
        "energy": text(tags.energy),
        "comment": text(tags.comment),
        "provenance": text(tags.provenance),
    }


def model_cells(analysis: Analysis, version: str) -> dict[str, Cell]:
    """The columns of what heard a track."""
    return {
        "name": text(analysis.model),
        "version": text(version),
        "styles": _json(analysis.timeline.styles),
        "families": _json(analysis.families),
    }


def analysis_cells(analysis: Analysis) -> dict[str, Cell]:
    """The columns of what was heard; `style` is empty where no style is probable enough to be named."""
    rhythm, key, loudness = analysis.rhythm, analysis.key, analysis.loudness
    style, confidence = analysis.timeline.top(1)[0]
    return {
        "duration": analysis.duration,
        "unknown": int(analysis.unknown),
        "style": "" if analysis.unknown else text(style),
        "family": text(analysis.family()[0]),
        "confidence": confidence,
        "bpm": rhythm.bpm if rhythm else None,
        "bpm_confidence": rhythm.confidence if rhythm else None,
        "bpm_drift": rhythm.drift if rhythm else None,
        "tonic": key.tonic if key else None,
        "minor": int(key.minor) if key else None,
        "key_confidence": key.confidence if key else None,
        "camelot": key.camelot() if key else "",
        "loudness": loudness.integrated if loudness else None,
        "loudness_range": loudness.range if loudness else None,
        "true_peak": loudness.true_peak if loudness else None,
        "warnings": _json(analysis.warnings),
        "window": analysis.timeline.window,
        "starts": _blob(analysis.timeline.starts, "<f8"),
        "probabilities": _blob(analysis.timeline.probabilities, "<f4"),
        "embedding": _blob(analysis.embedding, "<f4"),
        "beats": _blob(rhythm.beats, "<f8") if rhythm else None,
        "downbeats": _blob(rhythm.downbeats, "<f8") if rhythm else None,
        "loudness_curve": _blob(loudness.curve, "<f4") if loudness else None,
        "weights": None if analysis.timeline.weights is None else _blob(analysis.timeline.weights, "<f8"),
        "no_music": analysis.no_music,
    }


def track(row: sqlite3.Row) -> Track:
    """The track of a row of `SELECT`."""
    path = Path(spoken(row["path"]))
    return Track(
        path=path,
        size=row["size"],
        modified=row["modified"],
        content_hash=spoken(row["fingerprint"]),
        tags=Tags(
            title=spoken(row["title"]),
            artist=spoken(row["artist"]),
            album=spoken(row["album"]),
            genres=tuple(parsed(row["genres"])),
            styles=tuple(parsed(row["tag_styles"])),
            bpm=row["tag_bpm"],
            key=spoken(row["tag_key"]),
            energy=spoken(row["energy"]),
            comment=spoken(row["comment"]),
            provenance=spoken(row["provenance"]),
        ),
        analysis=None if row["analysis_id"] is None else _analysis(row, path),
        error=spoken(row["error"]),
        missing=bool(row["missing"]),
        id=row["id"],
    )


def _analysis(row: sqlite3.Row, path: Path) -> Analysis:
    styles = tuple(parsed(row["styles"]))
    starts = _doubles(row["starts"])
    return Analysis(
        path=path,
        duration=_number(row["duration"]),
        timeline=Timeline(
            styles,
            starts,
            _number(row["window"]),
            _floats(row["probabilities"]).reshape(len(starts), len(styles)),
            None if row["weights"] is None else _doubles(row["weights"]),
        ),
        families=parsed(row["families"]),
        unknown=bool(row["unknown"]),
        embedding=_floats(row["embedding"]),
        model=spoken(row["name"]),
        rhythm=None if row["beats"] is None else _rhythm(row),
        key=None if row["tonic"] is None else Key(row["tonic"], bool(row["minor"]), _number(row["key_confidence"])),
        loudness=None if row["loudness_curve"] is None else _loudness(row),
        warnings=tuple(parsed(row["warnings"])),
        no_music=row["no_music"],
    )


def _rhythm(row: sqlite3.Row) -> Rhythm:
    return Rhythm(
        bpm=_number(row["heard_bpm"]),
        confidence=_number(row["bpm_confidence"]),
        drift=_number(row["bpm_drift"]),
        beats=_doubles(row["beats"]),
        downbeats=_doubles(row["downbeats"]),
    )


def _loudness(row: sqlite3.Row) -> Loudness:
    return Loudness(
        integrated=_number(row["loudness"]),
        range=_number(row["loudness_range"]),
        true_peak=_number(row["true_peak"]),
        curve=_floats(row["loudness_curve"]),
    )


def _number(cell: float | None) -> float:
    return float("nan") if cell is None else cell


def _json(value: object) -> str | bytes:
    return text(json.dumps(value, ensure_ascii=False))


def parsed(cell: str | bytes) -> Any:  # noqa: ANN401  whatever JSON holds
    """Value of a cell that holds JSON."""
    return json.loads(spoken(cell))


def _blob(array: NDArray[np.floating], dtype: str) -> bytes:
    return np.ascontiguousarray(array, dtype).tobytes()


def _doubles(blob: bytes) -> NDArray[np.float64]:
    return np.frombuffer(blob, "<f8").astype(np.float64)


def _floats(blob: bytes) -> NDArray[np.float32]:
    return np.frombuffer(blob, "<f4").astype(np.float32)
