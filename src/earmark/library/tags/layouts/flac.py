"""FLAC: metadata blocks before the sound, one of which holds Vorbis comments.

Padding stays as it is; pictures, cue sheets and blocks of applications too.

References: RFC 9639, sections 8.1 and 8.6.
"""

from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

from earmark.library.tags.layouts import vorbis
from earmark.library.tags.layouts.layout import Layout, LayoutError, Values, growth, part, read_exactly, size_of
from earmark.library.tags.patch import Patch, Splice, patch

LAST: Final = 0x80  # the bit that marks the last block
COMMENTS: Final = 4
LONGEST: Final = (1 << 24) - 1  # bytes


@dataclass(frozen=True, slots=True)
class Block:
    """A metadata block: its kind, whether it is the last one, where its content begins and how long that is."""

    kind: int
    last: bool
    start: int
    size: int


def open_flac(file: BinaryIO) -> Layout:
    """A FLAC file, with or without an ID3 tag before it, which is kept."""
    begin = _begin(file)
    blocks = _blocks(file, begin)
    end = blocks[-1].start + blocks[-1].size
    found = [block for block in blocks if block.kind == COMMENTS]
    rest = (
        part("before", file, 0, begin),
        *(part(f"block {each.kind}", file, each.start, each.start + each.size) for each in blocks if each not in found),
        part("sound", file, end),
    )
    if len(found) > 1:
        raise LayoutError("it has more than one block of comments")
    if not found:
        return Layout((), rest, partial(_new, blocks[0]))
    comments = vorbis.parse(read_exactly(file, found[0].start, found[0].size))
    if comments.end != found[0].size:
        raise LayoutError("its comments are shorter than their block")
    return Layout(comments.raw_fields, rest, partial(_changed, found[0], comments))


def _begin(file: BinaryIO) -> int:
    """Place where the blocks begin."""
    head = read_exactly(file, 0, 10)
    start = 0
    if head[:3] == b"ID3":
        start = 10 + sum(byte << 7 * at for at, byte in enumerate(reversed(head[6:])))
    if read_exactly(file, start, 4) != b"fLaC":
        raise LayoutError("it does not begin as FLAC does")
    return start + 4


def _blocks(file: BinaryIO, position: int) -> list[Block]:
    blocks: list[Block] = []
    total = size_of(file)
    while not blocks or not blocks[-1].last:
        header = read_exactly(file, position, 4)
        blocks.append(Block(header[0] & 0x7F, bool(header[0] & LAST), position + 4, int.from_bytes(header[1:], "big")))
        position += 4 + blocks[-1].size
        if position > total:
            raise LayoutError("one of its metadata blocks reaches beyond its end")
    return blocks


def _changed(block: Block, comments: vorbis.Comments, values: Values) -> Patch:
    splices = vorbis.changed(comments, block.start, values)
    size = block.size + growth(splices)
    return patch([*splices, Splice(block.start - 3, _size(block.size), _size(size))])


def _new(first: Block, values: Values) -> Patch:
    """A block of comments behind the first one, which describes the stream."""
    content = vorbis.new_block(values)
    header = bytes([COMMENTS | LAST * first.last]) + _size(len(content))
    splices = [Splice(first.start + first.size, b"", header + content)]
    if first.last:
        splices.append(Splice(first.start - 4, bytes([first.kind | LAST]), bytes([first.kind])))
    return patch(splices)


def _size(size: int) -> bytes:
    if size > LONGEST:
        raise LayoutError("its comments would be longer than the 16 MB that FLAC allows")
    return size.to_bytes(3, "big")
