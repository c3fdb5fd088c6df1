"""APEv2 at the end of a file: WavPack, Monkey's Audio, Musepack, TAK.

What follows the tag, ID3v1, stays as it is.

References: Hydrogenaudio knowledge base, APEv2 specification.
"""

import struct
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

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

MARK: Final = b"APETAGEX"
FRAME: Final = 32  # bytes of a header, and of a footer
VERSION: Final = 2000
HAS_HEADER, IS_HEADER = 1 << 31, 1 << 29
ID3V1: Final = 128  # bytes


@dataclass(frozen=True)
class Tag:
    """A tag: where its header (or its first item) begins, where its items do, where its footer does, and the items."""

    start: int
    items_at: int
    footer_at: int
    raw_fields: tuple[RawField, ...]


def open_at_end(file: BinaryIO) -> Layout:
    """A file with the tag behind its sound, or with room for one."""
    end = _end(file)
    tag = _tag(file, end)
    rest = (part("before the tag", file, 0, tag.start if tag else end), part("behind the tag", file, end))
    if tag is None:
        return Layout((), rest, partial(_new, end))
    return Layout(tag.raw_fields, rest, partial(_changed, file, tag))


def _end(file: BinaryIO) -> int:
    """Place where a tag ends: at the end of the file, or before ID3v1."""
    size = size_of(file)
    return size - ID3V1 if size >= ID3V1 and read_exactly(file, size - ID3V1, 3) == b"TAG" else size


def _tag(file: BinaryIO, end: int) -> Tag | None:
    if end < FRAME or read_exactly(file, end - FRAME, len(MARK)) != MARK:
        return None
    version, size, count, flags = struct.unpack("<4I", read_exactly(file, end - FRAME + 8, 16))
    items_at = end - size
    if version != VERSION or size < FRAME or items_at < 0:
        raise LayoutError("its APE tag is of an old version, or damaged")
    start = items_at - FRAME if flags & HAS_HEADER else items_at
    if flags & HAS_HEADER and read_exactly(file, start, len(MARK)) != MARK:
        raise LayoutError("its APE tag has lost its header")
    raw_fields = _items(read_exactly(file, items_at, size - FRAME))
    if len(raw_fields) != count:
        raise LayoutError("the number of items in its APE tag is wrong")
    return Tag(start, items_at, end - FRAME, raw_fields)


def _items(block: bytes) -> tuple[RawField, ...]:
    raw_fields = []
    position = 0
    while position < len(block):
        name, zero, _ = block[position + 8 :].partition(b"\0")
        end = position + 8 + len(name) + 1 + struct.unpack_from("<I", block, position)[0]
        if not zero or end > len(block):
            raise LayoutError("an item of its APE tag is cut off")
        raw_fields.append(RawField(name.decode("latin-1"), block[position:end]))
        position = end
    return tuple(raw_fields)


def _rendered(name: str, values: tuple[str, ...]) -> list[bytes]:
    text = "\0".join(values).encode()
    return [struct.pack("<2I", len(text), 0) + name.encode() + b"\0" + text] if values else []


def _changed(file: BinaryIO, tag: Tag, values: Values) -> Patch:
    wanted = {name: _rendered(name, texts) for name, texts in values.items()}
    splices, count = replaced(tag.raw_fields, tag.items_at, wanted)
    size = tag.footer_at - tag.items_at + FRAME + growth(splices)
    for frame_at in {tag.footer_at, tag.start} if tag.start < tag.items_at else {tag.footer_at}:
        splices.append(Splice(frame_at + 12, read_exactly(file, frame_at + 12, 8), struct.pack("<2I", size, count)))
    return patch(splices)


def _new(offset: int, values: Values) -> Patch:
    items = [item for name, texts in values.items() for item in _rendered(name, texts)]
    size = sum(map(len, items)) + FRAME
    frames = (struct.pack("<8s4I8x", MARK, VERSION, size, len(items), HAS_HEADER | more) for more in (IS_HEADER, 0))
    header, footer = frames
    return patch([Splice(offset, b"", b"".join([header, *items, footer]))])
