"""ASF (wma): objects in a header, two of which hold the tag, and two more which may.

Conventions: names are those of Windows Media, ``WM/Genre``. ``Description``, the comment, has its own place in the
content description; every other field is an attribute of the extended content description, one for each value.
Attributes of the same name in the metadata objects go when a field is set, for otherwise the two could disagree.

References: Microsoft, Advanced Systems Format specification, revision 01.20.06.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final
from uuid import UUID

from earmark.library.tags.layouts.layout import (
    Layout,
    LayoutError,
    RawField,
    Values,
    growth,
    part,
    read_exactly,
    replaced,
    size_of,
)
from earmark.library.tags.patch import Patch, Splice, patch


def _guid(text: str) -> bytes:
    return UUID(text).bytes_le


HEADER: Final = _guid("75B22630-668E-11CF-A6D9-00AA0062CE6C")
FILE: Final = _guid("8CABDCA1-A947-11CF-8EE4-00C00C205365")
CONTENT: Final = _guid("75B22633-668E-11CF-A6D9-00AA0062CE6C")
EXTENDED_CONTENT: Final = _guid("D2D0A440-E307-11D2-97F0-00A0C95EA850")
EXTENSION: Final = _guid("5FBF03B5-A92E-11CF-8EE3-00C00C205365")
METADATA: Final = _guid("C5F8CBEA-5BAF-4877-8467-AA8C44FA4CCA")
LIBRARY: Final = _guid("44231C94-9498-49D1-A141-1D134E457054")

OBJECT: Final = 24  # bytes before the content of an object: its kind and its size
FIRST: Final = 30  # bytes before the first object of the header
INSIDE: Final = 46  # bytes of the extension before the first object in it
DESCRIPTION: Final = 3  # of the five texts of the content description, the fourth
FIELDS: Final = ("Title", "Author", "Copyright", "Description", "Rating")
LONGEST: Final = 0xFFFF  # bytes of a value
_TAGS: Final = (CONTENT, EXTENDED_CONTENT, METADATA, LIBRARY)


@dataclass(frozen=True)
class Object:
    """An object: its kind, where it begins, and all its bytes; its raw fields if it is part of the tag."""

    kind: bytes
    offset: int
    raw: bytes
    raw_fields: tuple[RawField, ...] = ()


def open_asf(file: BinaryIO) -> Layout:
    """An ASF file."""
    kind, size, count = struct.unpack("<16sQI", read_exactly(file, 0, 28))
    if kind != HEADER:
        raise LayoutError("it does not begin as ASF does")
    header = list(_objects(read_exactly(file, 0, size), FIRST, 0))
    if len(header) != count:
        raise LayoutError("the number of objects in its header is wrong")
    extensions = [each for each in header if each.kind == EXTENSION]
    inside = [found for each in extensions for found in _objects(each.raw, INSIDE, each.offset)]
    every = [*header, *inside]
    if any(sum(each.kind == kind for each in every) > 1 for kind in (*_TAGS, EXTENSION)):
        raise LayoutError("its header holds an object twice")
    raw_fields = tuple(found for each in every for found in each.raw_fields)
    others = [each for each in every if each.kind not in (*_TAGS, EXTENSION)]
    rest = (
        *((each.kind.hex(), _without_size(each).hex()) for each in others),
        part("sound", file, size),
    )
    return Layout(raw_fields, rest, partial(_changed, file, header, inside))


def _without_size(each: Object) -> bytes:
    """The bytes of an object without the size of the file, if that is what it says."""
    raw = each.raw
    return raw[:40] + raw[48:] if each.kind == FILE else raw


def _objects(raw: bytes, position: int, offset: int) -> Iterator[Object]:
    """The objects in bytes that begin at `offset` in the file.

    Raises:
        LayoutError: one of them reaches beyond.
    """
    while position < len(raw):
        kind, size = struct.unpack_from("<16sQ", raw, position)
        if size < OBJECT or position + size > len(raw):
            raise LayoutError("an object reaches beyond the end of its header: damaged")
        found = raw[position : position + size]
        yield Object(kind, offset + position, found, tuple(_READERS[kind](found)) if kind in _READERS else ())
        position += size


def _texts(raw: bytes) -> Iterator[RawField]:
    """The texts of a content description; their lengths stand before all of them."""
    position = OBJECT + 10
    for name, size in zip(FIELDS, struct.unpack_from("<5H", raw, OBJECT), strict=True):
        yield RawField(name, raw[position : position + size])
        position += size


def _attributes(raw: bytes) -> Iterator[RawField]:
    """The attributes of an extended content description."""
    position = OBJECT + 2
    for _ in range(struct.unpack_from("<H", raw, OBJECT)[0]):
        (name_size,) = struct.unpack_from("<H", raw, position)
        (value_size,) = struct.unpack_from("<H", raw, position + 2 + name_size + 2)
        end = position + 2 + name_size + 4 + value_size
        yield RawField(_text(raw[position + 2 : position + 2 + name_size]), raw[position:end])
        position = end


def _records(raw: bytes) -> Iterator[RawField]:
    """The attributes of a metadata object, or a library of them."""
    position = OBJECT + 2
    for _ in range(struct.unpack_from("<H", raw, OBJECT)[0]):
        name_size, _, value_size = struct.unpack_from("<HHI", raw, position + 4)
        end = position + 12 + name_size + value_size
        yield RawField(_text(raw[position + 12 : position + 12 + name_size]), raw[position:end])
        position = end


_READERS: Final = {CONTENT: _texts, EXTENDED_CONTENT: _attributes, METADATA: _records, LIBRARY: _records}


def _text(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace").rstrip("\0")


def _encoded(text: str) -> bytes:
    raw = text.encode("utf-16-le") + b"\0\0"
    if len(raw) > LONGEST:
        raise LayoutError("a text is longer than the 64 kB that ASF allows")
    return raw


def _rendered(name: str, value: str) -> bytes:
    name_raw, value_raw = _encoded(name), _encoded(value)
    return struct.pack("<H", len(name_raw)) + name_raw + struct.pack("<HH", 0, len(value_raw)) + value_raw


def _changed(file: BinaryIO, header: list[Object], inside: list[Object], values: Values) -> Patch:
    """Set the comment in its own object, all else in the extended content description, and nowhere else."""
    comment = {name: texts for name, texts in values.items() if name == FIELDS[DESCRIPTION]}
    attributes = {name: texts for name, texts in values.items() if name not in comment}
    by_kind = {each.kind: each for each in (*header, *inside)}
    splices: list[Splice] = []
    added = b""
    if comment:
        text = comment[FIELDS[DESCRIPTION]]
        if len(text) > 1:
            raise LayoutError("it would have several comments, and ASF has room for one")
        if CONTENT in by_kind:
            splices += _described(by_kind[CONTENT], text)
        else:
            added += _new_description(text)
    wanted = {name: [_rendered(name, value) for value in texts] for name, texts in attributes.items()}
    if EXTENDED_CONTENT in by_kind:
        splices += _listed(by_kind[EXTENDED_CONTENT], wanted)
    elif wanted:
        raws = [raw for each in wanted.values() for raw in each]
        added += _object(EXTENDED_CONTENT, struct.pack("<H", len(raws)) + b"".join(raws))
    dropped: dict[str, list[bytes]] = {name: [] for name in values}
    within = [splice for kind in (METADATA, LIBRARY) if kind in by_kind for splice in _listed(by_kind[kind], dropped)]
    if growth(within):
        splices += _resized(by_kind[EXTENSION], growth(within))
    splices += within
    end = header[-1].offset + len(header[-1].raw)
    new_objects = (CONTENT not in by_kind and bool(comment)) + (EXTENDED_CONTENT not in by_kind and bool(wanted))
    splices.append(Splice(end, b"", added))
    longer = growth(splices)
    splices.append(Splice(16, struct.pack("<Q", end), struct.pack("<Q", end + longer)))
    splices.append(Splice(24, struct.pack("<I", len(header)), struct.pack("<I", len(header) + new_objects)))
    return patch([*splices, *_file_size(by_kind.get(FILE), size_of(file), longer)])


def _described(content: Object, texts: tuple[str, ...]) -> list[Splice]:
    """A content description with another comment."""
    old = content.raw_fields[DESCRIPTION].raw
    new = _encoded(texts[0]) if texts else b""
    before = sum(len(each.raw) for each in content.raw_fields[:DESCRIPTION])
    length_at = content.offset + OBJECT + 2 * DESCRIPTION
    return [
        _size(content, len(new) - len(old)),
        Splice(length_at, struct.pack("<H", len(old)), struct.pack("<H", len(new))),
        Splice(content.offset + OBJECT + 10 + before, old, new),
    ]


def _new_description(texts: tuple[str, ...]) -> bytes:
    text = _encoded(texts[0]) if texts else b""
    return _object(CONTENT, struct.pack("<5H", 0, 0, 0, len(text), 0) + text)


def _listed(each: Object, wanted: dict[str, list[bytes]]) -> list[Splice]:
    """A list of attributes with other ones; none is added where `wanted` is empty."""
    splices, count = replaced(each.raw_fields, each.offset + OBJECT + 2, wanted)
    counts = (struct.pack("<H", number) for number in (len(each.raw_fields), count))
    return [_size(each, growth(splices)), Splice(each.offset + OBJECT, *counts), *splices]


def _resized(extension: Object, longer: int) -> list[Splice]:
    """The extension of the header with another length, which it says twice."""
    (size,) = struct.unpack_from("<I", extension.raw, INSIDE - 4)
    inner = Splice(extension.offset + INSIDE - 4, struct.pack("<I", size), struct.pack("<I", size + longer))
    return [_size(extension, longer), inner]


def _size(each: Object, longer: int) -> Splice:
    size = len(each.raw)
    return Splice(each.offset + 16, struct.pack("<Q", size), struct.pack("<Q", size + longer))


def _file_size(properties: Object | None, size: int, longer: int) -> Iterator[Splice]:
    """The size of the file, where the header says it and it is true."""
    if properties and struct.unpack_from("<Q", properties.raw, 40)[0] == size:
        yield Splice(properties.offset + 40, struct.pack("<Q", size), struct.pack("<Q", size + longer))


def _object(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<Q", OBJECT + len(content)) + content
