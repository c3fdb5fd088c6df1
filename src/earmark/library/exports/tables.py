"""Tables: CSV for spreadsheets, JSON and Parquet for programs; everything that is known, one row or object per track.

Nothing is chosen or joined: the user's tags and what was heard stand beside each other (`tag_genres`, `style`). CSV
holds single values, lists with `;` between them; JSON and Parquet also hold all probabilities, the segments, the beats,
the course of the loudness and the embedding. Columns are only ever added. Times are in seconds, tempos in BPM, loudness
in LUFS, LU and dBTP, probabilities and confidences 0-1; what is not known is empty (null).
"""

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earmark.analysis import Analysis
from earmark.errors import ExchangeError, MissingExtra
from earmark.files import replacing
from earmark.library.exports.facts import heard_style
from earmark.library.track import Track

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR: Final = ";"
CHUNK: Final = 1000  # tracks in a group of rows of Parquet: so many are in memory at once

KINDS: Final[dict[str, str]] = {
    "path": "text",
    "title": "text",
    "artist": "text",
    "album": "text",
    "tag_genres": "texts",
    "tag_styles": "texts",
    "tag_bpm": "number",
    "tag_key": "text",
    "tag_energy": "text",
    "tag_comment": "text",
    "style": "text",
    "probability": "number",
    "family": "text",
    "family_probability": "number",
    "unknown": "truth",
    "bpm": "number",
    "bpm_confidence": "number",
    "bpm_drift": "number",
    "first_downbeat": "number",
    "key": "text",
    "camelot": "text",
    "key_confidence": "number",
    "loudness": "number",
    "loudness_range": "number",
    "true_peak": "number",
    "duration": "number",
    "size": "whole",
    "modified": "whole",
    "fingerprint": "text",
    "model": "text",
    "warnings": "texts",
    "error": "text",
    "missing": "truth",
}
"""The columns of all tables, and what each holds. `style` is empty where none is probable enough to be named."""

MORE: Final[dict[str, str]] = {
    "styles": "shares",
    "segments": "segments",
    "beats": "numbers",
    "downbeats": "numbers",
    "loudness_curve": "numbers",
    "embedding": "numbers",
}
"""What JSON and Parquet have besides."""


def row(track: Track) -> dict[str, Any]:
    """What is known of a track, under the names of `KINDS`; None where it is not."""
    tags, analysis = track.tags, track.analysis
    known: dict[str, Any] = {
        "path": str(track.path),
        "title": _text(tags.title),
        "artist": _text(tags.artist),
        "album": _text(tags.album),
        "tag_genres": list(map(_text, tags.genres)),
        "tag_styles": list(map(_text, tags.styles)),
        "tag_bpm": _finite(tags.bpm),
        "tag_key": _text(tags.key),
        "tag_energy": _text(tags.energy),
        "tag_comment": _text(tags.comment),
        "size": track.size,
        "modified": track.modified,
        "fingerprint": track.fingerprint,
        "error": _text(track.error),
        "missing": track.missing,
    }
    return dict.fromkeys(KINDS) | known | (_heard(analysis) if analysis else {}) | _style(track)


def _style(track: Track) -> dict[str, Any]:
    style = heard_style(track)
    return {"style": style[0], "probability": _share(style[1])} if style else {}


def _heard(analysis: Analysis) -> dict[str, Any]:
    family, share = analysis.family()
    rhythm, key, loudness = analysis.rhythm, analysis.key, analysis.loudness
    return {
        "family": family,
        "family_probability": _share(share),
        "unknown": analysis.unknown,
        "bpm": _finite(rhythm.bpm) if rhythm else None,
        "bpm_confidence": _finite(rhythm.confidence) if rhythm else None,
        "bpm_drift": _finite(rhythm.drift) if rhythm else None,
        "first_downbeat": float(rhythm.downbeats[0]) if rhythm and rhythm.downbeats.size else None,
        "key": key.name() if key else None,
        "camelot": key.camelot() if key else None,
        "key_confidence": _finite(key.confidence) if key else None,
        "loudness": _finite(loudness.integrated) if loudness else None,
        "loudness_range": _finite(loudness.range) if loudness else None,
        "true_peak": _finite(loudness.true_peak) if loudness else None,
        "duration": analysis.duration,
        "model": analysis.model,
        "warnings": list(map(_text, analysis.warnings)),
    }


def more(track: Track) -> dict[str, Any]:
    """What has no place in a cell, under the names of `MORE`."""
    analysis = track.analysis
    if analysis is None:
        return dict.fromkeys(MORE)
    timeline, rhythm, loudness = analysis.timeline, analysis.rhythm, analysis.loudness
    return {
        "styles": [
            {"style": style, "probability": _share(share)} for style, share in timeline.top(len(timeline.styles))
        ],
        "segments": [
            {"start": part.start, "end": part.end, "style": part.style, "probability": _share(part.probability)}
            for part in timeline.segments()
        ],
        "beats": rhythm.beats.tolist() if rhythm else None,
        "downbeats": rhythm.downbeats.tolist() if rhythm else None,
        "loudness_curve": list(map(_finite, loudness.curve.tolist())) if loudness else None,
        "embedding": analysis.embedding.tolist(),
    }


def _text(text: str) -> str:
    """Text that can be written: what no character stands for becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _share(probability: float) -> float:
    """A probability without the digits that single precision makes up."""
    return round(probability, 6)


def _finite(number: float | None) -> float | None:
    """A number; None for the level of silence and what else no JSON can hold."""
    return number if number is not None and math.isfinite(number) else None


def write_csv(tracks: Sequence[Track], out: Path) -> None:
    """Write CSV, UTF-8, one line for each track.

    Raises:
        ExchangeError: a file has a name that is not UTF-8 text.
    """
    with replacing(out) as file, io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True) as text:
        writer = csv.DictWriter(text, tuple(KINDS), lineterminator="\n")
        writer.writeheader()
        for track in tracks:
            _require_text(track)
            writer.writerow({name: _cell(value) for name, value in row(track).items()})


def _cell(value: Any) -> Any:  # noqa: ANN401  as wide as a cell
    return SEPARATOR.join(value) if isinstance(value, list) else value


def write_json(tracks: Sequence[Track], out: Path) -> None:
    """Write one array of objects, a line for each track.

    Raises:
        ExchangeError: a file has a name that is not UTF-8 text.
    """
    with replacing(out) as file:
        separator = b"[\n"
        for track in tracks:
            _require_text(track)
            file.write(separator + json.dumps(row(track) | more(track), ensure_ascii=False, allow_nan=False).encode())
            separator = b",\n"
        file.write(b"\n]\n" if tracks else b"[]\n")


def write_parquet(tracks: Sequence[Track], out: Path) -> None:
    """Write Parquet, one row for each track.

    Raises:
        MissingExtra: pyarrow is not installed.
        ExchangeError: a file has a name that is not UTF-8 text.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  not in the base install, and half a second
        import pyarrow.parquet as pq  # noqa: PLC0415  the same
    except ModuleNotFoundError:
        raise MissingExtra("writing Parquet", "train") from None
    with replacing(out) as file, pq.ParquetWriter(file, schema()) as writer:
        for start in range(0, len(tracks), CHUNK):
            chunk = tracks[start : start + CHUNK]
            for track in chunk:
                _require_text(track)
            writer.write_table(pa.Table.from_pylist([row(track) | more(track) for track in chunk], schema()))


def schema() -> "pa.Schema":
    """The columns of Parquet."""
    import pyarrow as pa  # noqa: PLC0415  not in the base install, and half a second

    share: list[tuple[str, pa.DataType]] = [("style", pa.string()), ("probability", pa.float64())]
    stretch: list[tuple[str, pa.DataType]] = [("start", pa.float64()), ("end", pa.float64()), *share]
    kinds = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "number": pa.float64(),
        "numbers": pa.list_(pa.float64()),
        "whole": pa.int64(),
        "truth": pa.bool_(),
        "shares": pa.list_(pa.struct(share)),
        "segments": pa.list_(pa.struct(stretch)),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in (KINDS | MORE).items()])


def problem(path: Path) -> str:
    """Why a table cannot name a file, or ""."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8 text"
    return ""


def _require_text(track: Track) -> None:
    reason = problem(track.path)
    if reason:
        raise ExchangeError(f"{track.path!r}: {reason}")
