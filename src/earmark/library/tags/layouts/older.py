"""Older tags of mp3 and tta, which stay as they are: ID3v1 and APE, behind the sound.

Where there is no ID3v2 yet, the new one takes over what they say, because programs read the one or the other. APE says
more than ID3v1, and cuts nothing off: it goes first.

Conventions: names are those of ID3v2.3 (`id3`). Covers and other bytes in an APE tag are not read, and not taken over;
neither is what mp3gain notes there to undo itself, which is of no use elsewhere.

References: id3.org, ID3v1; Hydrogenaudio knowledge base, APE key.
"""

import struct
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

from mutagen.apev2 import TEXT
from mutagen.id3 import TCON

from earmark.library.tags.fields import says_something
from earmark.library.tags.layouts.ape import FRAME, MARK
from earmark.library.tags.layouts.layout import Values, read_exactly, size_of

_TCON: Any = TCON  # mutagen says of few of its classes what they take
SIZE_OF_V1: Final = 128  # bytes
ITEM: Final = 8  # bytes of an item before its key
KIND: Final = 6  # the flags that say of what kind an item is
KNOWN_FLAGS: Final = 0xE0000007
LYRICS_TAIL: Final = b"000000LYRICS200"
UNDO_OF_MP3GAIN: Final = "mp3gain_"

_FROM_APE: Final = {
    "title": "TIT2",
    "subtitle": "TIT3",
    "artist": "TPE1",
    "album artist": "TPE2",
    "albumartist": "TPE2",
    "conductor": "TPE3",
    "mixartist": "TPE4",
    "album": "TALB",
    "composer": "TCOM",
    "lyricist": "TEXT",
    "copyright": "TCOP",
    "label": "TPUB",
    "publisher": "TPUB",
    "isrc": "TSRC",
    "year": "TDRC",
    "track": "TRCK",
    "disc": "TPOS",
    "genre": "TCON",
    "bpm": "TBPM",
    "initialkey": "TKEY",
    "comment": "COMM",
    "style": "TXXX:STYLE",
    "energylevel": "TXXX:EnergyLevel",
    "earmark": "TXXX:EARMARK",
}


def read_older(file: BinaryIO) -> Values:
    """Values of the older tags of a file, by the names of ID3v2."""
    return {**read_v1(file), **read_ape(file)}


def read_v1(file: BinaryIO) -> Values:
    """Values of the ID3v1 tag at the end of a file, by the names of ID3v2."""
    size = size_of(file)
    if size < SIZE_OF_V1:
        return {}
    tag = read_exactly(file, size - SIZE_OF_V1, SIZE_OF_V1)
    before = min(len(b"APE"), size - SIZE_OF_V1)  # "APETAGEX" has "TAG" in it, too
    if tag[:3] != b"TAG" or (read_exactly(file, size - SIZE_OF_V1 - before, before) + tag).startswith(MARK):
        return {}
    title, artist, album, year, comment, genre = struct.unpack("30s30s30s4s30sB", tag[3:])
    track = comment[29] if not comment[28] else 0
    texts = {"TIT2": title, "TPE1": artist, "TALB": album, "TDRC": year, "COMM": comment[:28] if track else comment}
    texts = {name: text.partition(b"\0")[0].decode("latin-1").strip() for name, text in texts.items()}
    texts |= {"TRCK": str(track) if track else "", "TCON": TCON.GENRES[genre] if genre < len(TCON.GENRES) else ""}
    return {name: (text,) for name, text in texts.items() if text}


def read_ape(file: BinaryIO) -> Values:
    """Texts of the APE tag of a file, by the names of ID3v2; an item that is damaged says nothing, the others do."""
    values: dict[str, tuple[str, ...]] = {}
    for key, value in _texts_of_ape(file):
        if key.casefold().startswith(UNDO_OF_MP3GAIN):
            continue
        name = _FROM_APE.get(key.casefold(), f"TXXX:{key}")
        texts = tuple(text for text in value.split("\0") if says_something(text))
        if texts:
            texts = genres_of(texts) if name == "TCON" else texts
            # Two keys may be one frame, Label and Publisher: it gets the values of both, each once.
            values[name] = tuple(dict.fromkeys((*values.get(name, ()), *texts)))
    return values


def _texts_of_ape(file: BinaryIO) -> list[tuple[str, str]]:
    """Key and text of each item of the APE tag of a file that can be read."""
    block = _items_of_ape(file)
    items: list[tuple[bytes, int, bytes]] = []
    position = 0
    while block[position:].strip(b"\0"):
        size, flags = struct.unpack_from("<2I", block.ljust(position + ITEM), position)
        key, zero, _ = block[position + ITEM :].partition(b"\0")
        start = position + ITEM + len(key) + len(zero)
        position = start + size
        if flags & ~KNOWN_FLAGS or not zero or position > len(block):  # no item: the one before has a wrong size
            items = items[:-1]
            break
        items.append((key, flags, block[start:position]))
    texts = [(key, value) for key, flags, value in items if (flags & KIND) >> 1 == TEXT]
    return [(key.decode("ascii"), value.decode()) for key, value in texts if key.isascii() and _is_text(value)]


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _items_of_ape(file: BinaryIO) -> bytes:
    """The items of the APE tag of a file, one after the other; nothing where there is none, or its size is wrong."""
    end = size_of(file)
    if end >= SIZE_OF_V1 and read_exactly(file, end - SIZE_OF_V1, len(b"TAG")) == b"TAG":
        end = _before_lyrics(file, end - SIZE_OF_V1)
    footer = read_exactly(file, max(end - FRAME, 0), min(end, FRAME))
    if not footer.startswith(MARK):  # the mark of a short tag may look like ID3v1
        end = size_of(file)
        footer = read_exactly(file, max(end - FRAME, 0), min(end, FRAME))
    if not footer.startswith(MARK):
        return b""
    (size,) = struct.unpack_from("<I", footer, len(MARK) + 4)
    return read_exactly(file, end - size, size - FRAME) if FRAME <= size <= end else b""


def _before_lyrics(file: BinaryIO, end: int) -> int:
    """Place where Lyrics3v2 begins, which may stand between APE and ID3v1; `end` where there is none."""
    tail = read_exactly(file, max(end - len(LYRICS_TAIL), 0), min(end, len(LYRICS_TAIL)))
    if not tail.endswith(b"LYRICS200") or not tail[:6].isdigit():
        return end
    return max(end - len(LYRICS_TAIL) - int(tail[:6]), 0)


def genres_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Genres by their names: a number in an older tag is one of the list of ID3v1, as it is in ID3v2."""
    return tuple(_TCON(encoding=3, text=list(texts)).genres)
