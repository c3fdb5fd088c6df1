"""Vorbis comments: the block of ``NAME=value`` that FLAC, Ogg Vorbis and Opus share.

Conventions: each value is a field of its own; several values are several fields of one name. Bytes that are no UTF-8
stay what they are.

References: Xiph.org, Ogg Vorbis I format specification: comment field and header specification.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from earmark.library.tags.layouts.layout import LayoutError, RawField, Values, replaced
from earmark.library.tags.patch import Splice

VENDOR: Final = b"earmark"  # of a new block


@dataclass(frozen=True)
class Comments:
    """A block: its raw fields, where the number of them stands in it, where the first begins, and where it ends."""

    raw_fields: tuple[RawField, ...]
    count_at: int
    first_at: int
    end: int


def parse(block: bytes) -> Comments:
    """Read a block, which may go on after its comments.

    Raises:
        LayoutError: it ends too early.
    """
    count_at = 4 + struct.unpack_from("<I", block)[0]
    (count,) = struct.unpack_from("<I", block, count_at)
    raw_fields = []
    position = count_at + 4
    for _ in range(count):
        end = position + 4 + struct.unpack_from("<I", block, position)[0]
        if end > len(block):
            raise LayoutError("its comments are cut off")
        name = block[position + 4 : end].partition(b"=")[0].decode("latin-1")
        raw_fields.append(RawField(name, block[position:end]))
        position = end
    return Comments(tuple(raw_fields), count_at, count_at + 4, position)


def changed(comments: Comments, offset: int, values: Values) -> list[Splice]:
    """The splices that set fields of the block that begins at `offset`."""
    wanted = {name: [_rendered(name, value) for value in texts] for name, texts in values.items()}
    splices, count = replaced(comments.raw_fields, offset + comments.first_at, wanted)
    counts = (struct.pack("<I", number) for number in (len(comments.raw_fields), count))
    return [Splice(offset + comments.count_at, *counts), *splices]


def new_block(values: Values) -> bytes:
    """A block that says these."""
    raw_fields = [_rendered(name, value) for name, texts in values.items() for value in texts]
    return b"".join([struct.pack("<I", len(VENDOR)), VENDOR, struct.pack("<I", len(raw_fields)), *raw_fields])


def _rendered(name: str, value: str) -> bytes:
    comment = f"{name}={value}".encode()
    return struct.pack("<I", len(comment)) + comment


def spliced(block: bytes, splices: Sequence[Splice]) -> bytes:
    """A block with splices carried out, their offsets counted from its beginning."""
    changed_block = bytearray(block)
    for splice in sorted(splices, key=lambda each: each.offset, reverse=True):
        changed_block[splice.offset : splice.offset + len(splice.old)] = splice.new
    return bytes(changed_block)
