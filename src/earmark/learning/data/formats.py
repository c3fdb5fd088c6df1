"""Tables as files: named columns and lines of cells, as CSV or Parquet.

CSV is UTF-8. What is read may also be separated by `;` and begin with a byte order mark: spreadsheets write both. A
list in a cell is text with `;` between the values there, and a true list in Parquet.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from earmark.errors import ManifestError
from earmark.files import replacing

SEPARATOR = ";"  # between the values of a list

Cells: TypeAlias = Mapping[str, Any]  # text; in Parquet also numbers, lists and None
Kinds: TypeAlias = Mapping[str, type]  # what each column holds: str, float or list (of str)


@dataclass(frozen=True)
class TableFile:
    """The columns of a file, and the place ("line 3") and cells of each line."""

    columns: tuple[str, ...]
    lines: Iterator[tuple[str, Cells]]


def read(path: Path) -> TableFile:
    """Open a table; the lines are read when they are asked for.

    Raises:
        ManifestError: it is missing, of another format, or damaged; also while lines are read.
    """
    return _format(path).read(path)


def write(path: Path, kinds: Kinds, rows: list[dict[str, Any]]) -> None:
    """Write a table.

    Raises:
        ManifestError: the suffix is of no known format, or something cannot be written.
    """
    write_rows = _format(path).write
    for row in rows:
        for cell in row.values():
            _require_writable(path, cell)
    with replacing(path) as file:
        write_rows(file, kinds, rows)


def split_list(cell: object) -> list[Any]:
    """The values of a cell that holds a list, in either format."""
    if isinstance(cell, list):
        return cell
    text = str(cell or "").strip()
    return text.split(SEPARATOR) if text else []


def is_text(text: str) -> bool:
    """Tell whether text can be written as UTF-8; a file name can be any bytes, which Python passes on as surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _require_writable(path: Path, cell: Any) -> None:  # noqa: ANN401  text, a number or a list
    for text in cell if isinstance(cell, list) else [cell]:
        if isinstance(text, str) and not is_text(text):
            raise ManifestError(f"{path}: {text!r} cannot be written as text")
        if isinstance(cell, list) and SEPARATOR in text:
            raise ManifestError(f"{path}: {text!r} holds a {SEPARATOR!r}, which separates values")


def decode(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises:
        ManifestError: it is missing or not such text; the message says in which line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ManifestError(f"{path}, line {line}: not UTF-8 text") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ManifestError(f"{path}, line {line}: not text: it holds a NUL")
    return text


def rows_of(path: Path, delimiters: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a text file with separated values, each with the number of its line; empty ones are passed over.

    Args:
        path: the file.
        delimiters: the one of these that is most frequent in the first line separates the values.

    Raises:
        ManifestError: it is no such file.
    """
    text = decode(path)
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(delimiters, key=header.count), strict=True)
    number = 1
    try:
        for cells in reader:
            if any(cells):  # spreadsheets leave rows of nothing at the end
                yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise ManifestError(f"{path}, line {number}: {error}") from error


def _read_csv(path: Path) -> TableFile:
    rows = rows_of(path, ",;")
    _, names = next(rows, (1, []))
    if not names:
        raise ManifestError(f"{path}: the file is empty")
    columns = tuple(name.strip() for name in names)

    def lines() -> Iterator[tuple[str, Cells]]:
        for number, cells in rows:
            if len(cells) != len(columns):
                raise ManifestError(f"{path}, line {number}: {len(cells)} values for {len(columns)} columns")
            yield f"line {number}", dict(zip(columns, cells, strict=True))

    return TableFile(columns, lines())


def _write_csv(file: BinaryIO, kinds: Kinds, rows: list[dict[str, Any]]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.DictWriter(text, tuple(kinds))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: SEPARATOR.join(cell) if isinstance(cell, list) else cell for name, cell in row.items()})
    text.detach()  # writes what it still holds


def _read_parquet(path: Path) -> TableFile:
    import pyarrow as pa  # noqa: PLC0415  half a second that CSV does not need
    import pyarrow.parquet as pq  # noqa: PLC0415  the same

    try:
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise ManifestError(f"{path}: {str(error).splitlines()[0]}") from None
    return TableFile(
        tuple(table.column_names), ((f"row {row}", cells) for row, cells in enumerate(table.to_pylist(), 1))
    )


def _write_parquet(file: BinaryIO, kinds: Kinds, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa  # noqa: PLC0415  see `_read_parquet`
    import pyarrow.parquet as pq  # noqa: PLC0415  the same

    arrow: dict[type, pa.DataType] = {str: pa.string(), float: pa.float64(), list: pa.list_(pa.string())}
    schema = pa.schema([(name, arrow[kind]) for name, kind in kinds.items()])
    pq.write_table(pa.Table.from_pylist(rows, schema), file)


@dataclass(frozen=True)
class _Format:
    read: Callable[[Path], TableFile]
    write: Callable[[BinaryIO, Kinds, list[dict[str, Any]]], None]


_FORMATS = {".csv": _Format(_read_csv, _write_csv), ".parquet": _Format(_read_parquet, _write_parquet)}


def require_known(path: Path) -> None:
    """Make sure that a file is of a format that can be written, before the work that goes into it.

    Raises:
        ManifestError: its suffix is another one.
    """
    if path.suffix.lower() not in _FORMATS:
        raise ManifestError(f"{path}: a manifest is a file {' or '.join(_FORMATS)}")


def _format(path: Path) -> _Format:
    require_known(path)
    return _FORMATS[path.suffix.lower()]
