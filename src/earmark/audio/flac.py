"""FLAC whose blocks stand in an order of their own, as libav wants them.

FLAC begins with a STREAMINFO block, and the reference decoder forgives a file in which another one stands before it;
libav does not. Such a file is read as one that has this block alone: pictures, comments and seek tables are not sound.

Reference: RFC 9639, section 8.
"""

import io
from pathlib import Path
from typing import BinaryIO, Final, cast

from earmark.audio.signature import after_id3

STREAMINFO: Final = 0
LAST: Final = 0x80  # the bit that marks the last block
_BLOCKS: Final = 1000  # more of them are no metadata but damage


def in_order(path: Path) -> BinaryIO | None:
    """A FLAC file with STREAMINFO in its place; None where it stands there already, or nowhere.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        place = after_id3(file)
        file.seek(place)
        if file.read(4) != b"fLaC":
            return None
        place += 4
        for number in range(_BLOCKS):
            file.seek(place)
            header = file.read(4)
            if len(header) < 4:  # noqa: PLR2004  the file ends within the metadata
                return None
            size = int.from_bytes(header[1:], "big")
            if header[0] & ~LAST == STREAMINFO:
                if number == 0:
                    return None
                head = b"fLaC" + bytes([LAST | STREAMINFO]) + header[1:] + file.read(size)
                sound = _end_of_blocks(file, place)
                return None if sound is None else cast(BinaryIO, _Spliced(path, head, sound))
            if header[0] & LAST:
                return None
            place += 4 + size
    return None


def _end_of_blocks(file: BinaryIO, place: int) -> int | None:
    """Where the sound begins, in bytes, counted on from a block; None where the file ends before."""
    for _ in range(_BLOCKS):
        file.seek(place)
        header = file.read(4)
        if len(header) < 4:  # noqa: PLR2004  the same
            return None
        place += 4 + int.from_bytes(header[1:], "big")
        if header[0] & LAST:
            return place
    return None


class _Spliced(io.RawIOBase):
    """A file whose first bytes are others."""

    def __init__(self, path: Path, head: bytes, rest: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._head, self._rest = head, rest
        self._size = len(head) + max(0, self._file.seek(0, io.SEEK_END) - rest)
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence])
        return self._place

    def read(self, size: int = -1) -> bytes:
        size = self._size if size < 0 else size
        piece = self._head[self._place : self._place + size]
        if not piece:
            self._file.seek(self._place - len(self._head) + self._rest)
            piece = self._file.read(size)
        self._place += len(piece)
        return piece

    def close(self) -> None:
        self._file.close()
        super().close()
