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

from earmark.analysis import EXACT, Analysis
from earmark.errors import ExchangeError, MissingExtra
from earmark.files import replacing
from earmark.library.track import Track

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR: Final = ";"
CHUNK: Final = 1000  # tracks in a group of rows of Parquet: so many are in memory at once

COLUMNS: Final[dict[str, str]] = {
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

DETAILS: Final[dict[str, str]] = {
    "styles": "shares",
    "segments": "segments",
    "beats": "numbers",
    "downbeats": "numbers",
    "loudness_curve": "numbers",
    "embedding": "numbers",
}
"""Columns of JSON and Parquet besides."""


def row(track: Track) -> dict[str, Any]:
    """Cells of a track under the names of `COLUMNS`; None where nothing is known."""
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
        "fingerprint": track.content_hash,
        "error": _text(track.error),
        "missing": track.missing,
    }
    return dict.fromkeys(COLUMNS) | known | (_heard(analysis) if analysis else {})


def _heard(analysis: Analysis) -> dict[str, Any]:
    heard = analysis.as_json(top=1, digits=EXACT)
    rhythm, key, loudness = (heard[part] or {} for part in ("rhythm", "key", "loudness"))
    named = {} if analysis.unknown else heard["styles"][0]
    return named | {
        "family": heard["family"]["family"],
        "family_probability": heard["family"]["probability"],
        "unknown": heard["unknown"],
        "bpm": rhythm.get("bpm"),
        "bpm_confidence": rhythm.get("confidence"),
        "bpm_drift": rhythm.get("drift"),
        "first_downbeat": rhythm.get("first_downbeat"),
        "key": key.get("name"),
        "camelot": key.get("camelot"),
        "key_confidence": key.get("confidence"),
        "loudness": loudness.get("integrated"),
        "loudness_range": loudness.get("range"),
        "true_peak": loudness.get("true_peak"),
        "duration": heard["duration"],
        "model": heard["model"],
        "warnings": list(map(_text, heard["warnings"])),
    }


def details(track: Track) -> dict[str, Any]:
    """Values of a track that fit in no cell, under the names of `DETAILS`."""
    analysis = track.analysis
    if analysis is None:
        return dict.fromkeys(DETAILS)
    heard = analysis.as_json(detail=True, digits=EXACT)
    rhythm, loudness = heard["rhythm"] or {}, heard["loudness"] or {}
    return {
        "styles": heard["styles"],
        "segments": heard["segments"],
        "beats": rhythm.get("beats"),
        "downbeats": rhythm.get("downbeats"),
        "loudness_curve": loudness.get("curve"),
        "embedding": analysis.embedding.tolist(),
    }


def _text(text: str) -> str:
    """Text that can be written: what no character stands for becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _finite(number: float | None) -> float | None:
    """A number; None for what no JSON can hold."""
    return number if number is not None and math.isfinite(number) else None


def write_csv(tracks: Sequence[Track], out: Path) -> None:
    """Write CSV, UTF-8, one line for each track.

    Raises:
        ExchangeError: a file has a name that is not UTF-8 text.
    """
    with replacing(out) as file, io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True) as text:
        writer = csv.DictWriter(text, tuple(COLUMNS), lineterminator="\n")
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
            file.write(
                separator + json.dumps(row(track) | details(track), ensure_ascii=False, allow_nan=False).encode()
            )
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
            writer.write_table(pa.Table.from_pylist([row(track) | details(track) for track in chunk], schema()))


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
    return pa.schema([(name, kinds[kind]) for name, kind in (COLUMNS | DETAILS).items()])


def problem(path: Path) -> str:
    """Reason why a table cannot name a file, or ""."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8 text"
    return ""


def _require_text(track: Track) -> None:
    reason = problem(track.path)
    if reason:
        raise ExchangeError(f"{track.path!r}: {reason}")
