"""Ogg Vorbis and Opus: the second packet holds Vorbis comments, in pages of its own.

Where the new headers need more pages or fewer, those that follow get new numbers and checksums, and nothing else.
Behind the comments of Opus there may be more bytes, which are kept.

References: RFC 3533 (Ogg); RFC 7845, section 5.2 (Opus in Ogg); Xiph.org, Vorbis I specification, section 4.2.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, Final

from earmark.library.tags.layouts import vorbis
from earmark.library.tags.layouts.layout import Layout, LayoutError, Values, read_exactly
from earmark.library.tags.patch import Patch, Splice, patch

HEADER: Final = struct.Struct("<4sBBqIIIB")
CONTINUED: Final = 0x01
UNFINISHED: Final = -1  # position of a page on which no packet ends
SEGMENTS: Final = 255  # at most on a page, of 255 bytes at most; a shorter one ends its packet

# How the first packet begins: how the second does, and how many header packets follow the first.
_KINDS: Final = {b"\x01vorbis": (b"\x03vorbis", 2), b"OpusHead": (b"OpusTags", 1)}
_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """A page: what its header says, the sizes of its segments, and their bytes."""

    offset: int
    flags: int
    position: int
    serial: int
    sequence: int
    lacing: bytes
    content: bytes
    checksum: bytes = b""  # as it stands in the file

    def write(self) -> bytes:
        """The page as bytes, with its checksum."""
        fields = (0, self.flags, self.position, self.serial, self.sequence)
        head, tail = HEADER.pack(b"OggS", *fields, 0, len(self.lacing)), self.lacing + self.content
        return head[:22] + _checksum(head + tail) + head[26:] + tail

    @property
    def size(self) -> int:
        """Its length in the file, in bytes."""
        return HEADER.size + len(self.lacing) + len(self.content)


def _checksum(page: bytes) -> bytes:
    """The CRC of Ogg: that of zlib with all bits mirrored, no inversion, and a zero to begin with."""
    inverted = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return inverted.to_bytes(4, "big").translate(_MIRRORED)


def open_ogg(file: BinaryIO) -> Layout:
    """An Ogg file with one stream, of Vorbis or Opus."""
    pages = _pages(file, 0)
    first = next(pages, None)
    kind = next((kind for kind in _KINDS if first and first.content.startswith(kind)), None)
    if first is None or kind is None:
        raise LayoutError("only Vorbis and Opus can be changed in an Ogg file")
    begin, packets = _KINDS[kind]
    headers = _header_pages(pages, first, packets)
    comment, *others = _packets(headers)
    if not comment.startswith(begin):
        raise LayoutError("its second packet holds no comments")
    comments = vorbis.parse(comment[len(begin) :])
    behind = comment[len(begin) + comments.end :]
    rest = (
        ("first packet", hashlib.sha256(first.content).hexdigest()),
        ("behind the comments", hashlib.sha256(behind).hexdigest()),
        *(("header", hashlib.sha256(other).hexdigest()) for other in others),
        ("pages", _digest(pages)),
    )
    return Layout(comments.raw_fields, rest, partial(_changed, file, headers, len(begin), comments))


def _pages(file: BinaryIO, offset: int) -> Iterator[Page]:
    while True:
        file.seek(offset)
        head = file.read(HEADER.size)
        if not head:
            return
        if len(head) < HEADER.size or head[:5] != b"OggS\0":
            raise LayoutError(f"at byte {offset} begins no page of Ogg: damaged, or something is appended")
        _, _, flags, position, serial, sequence, _, segments = HEADER.unpack(head)
        lacing = read_exactly(file, offset + HEADER.size, segments)
        content = read_exactly(file, offset + HEADER.size + segments, sum(lacing))
        page = Page(offset, flags, position, serial, sequence, lacing, content, head[22:26])
        yield page
        offset += page.size


def _header_pages(pages: Iterator[Page], first: Page, packets: int) -> list[Page]:
    """The pages of the header packets after the first; the sound begins on a page of its own."""
    found: list[Page] = []
    for page in pages:
        if page.serial != first.serial or page.sequence != first.sequence + 1 + len(found):
            raise LayoutError("another stream is woven into its headers, or a page is missing")
        found.append(page)
        ended = sum(size < SEGMENTS for each in found for size in each.lacing)
        if ended > packets:
            raise LayoutError("its sound begins on the page of its headers")
        if ended == packets:
            if page.lacing[-1] == SEGMENTS:
                raise LayoutError("its sound begins on the page of its headers")
            return found
    raise LayoutError("it ends within its headers")


def _packets(pages: Sequence[Page]) -> list[bytes]:
    lacing = b"".join(page.lacing for page in pages)
    content = b"".join(page.content for page in pages)
    packets = []
    begin = end = 0
    for size in lacing:
        end += size
        if size < SEGMENTS:
            packets.append(content[begin:end])
            begin = end
    return packets


def _digest(pages: Iterator[Page]) -> str:
    """Everything on the pages but their numbers and checksums."""
    total = hashlib.sha256()
    for page in pages:
        total.update(struct.pack("<BqI", page.flags, page.position, page.serial) + page.lacing + page.content)
    return total.hexdigest()


def _changed(file: BinaryIO, headers: list[Page], begin: int, comments: vorbis.Comments, values: Values) -> Patch:
    comment, *others = _packets(headers)
    new = _paged([vorbis.spliced(comment, vorbis.changed(comments, begin, values)), *others], headers[0])
    begins, end = headers[0].offset, headers[-1].offset + headers[-1].size
    old = b"".join(map(_intact, headers))
    splices = [Splice(begins, old, b"".join(map(Page.write, new)))]
    if len(new) != len(headers):
        splices += _renumbered(file, end, headers[0].serial, len(new) - len(headers))
    return patch(splices)


def _paged(packets: Sequence[bytes], first: Page) -> list[Page]:
    """Packets on as few pages as they need, the first with the number of `first`."""
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    content = b"".join(packets)
    pages: list[Page] = []
    for at in range(0, len(lacing), SEGMENTS):
        sizes = lacing[at : at + SEGMENTS]
        here, content = content[: sum(sizes)], content[sum(sizes) :]
        flags = CONTINUED if at and lacing[at - 1] == SEGMENTS else 0
        position = 0 if min(sizes) < SEGMENTS else UNFINISHED
        pages.append(Page(0, flags, position, first.serial, first.sequence + len(pages), sizes, here))
    return pages


def _renumbered(file: BinaryIO, offset: int, serial: int, by: int) -> Iterator[Splice]:
    """New numbers, and so checksums, for the pages of a stream from `offset` on."""
    for page in _pages(file, offset):
        if page.serial == serial:
            new = replace(page, sequence=page.sequence + by).write()
            yield Splice(page.offset + 18, _intact(page)[18:26], new[18:26])


def _intact(page: Page) -> bytes:
    """A page as it stands in the file.

    Raises:
        LayoutError: its checksum is wrong; with a new one, nobody would see any more that it is damaged.
    """
    raw = page.write()
    if raw[22:26] != page.checksum:
        raise LayoutError("the checksum of a page is wrong: damaged")
    return raw
