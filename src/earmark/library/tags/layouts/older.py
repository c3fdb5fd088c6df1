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

import mutagen
from mutagen.apev2 import TEXT, APEv2
from mutagen.id3 import TCON

from earmark.library.tags.fields import says_something
from earmark.library.tags.layouts.layout import Values, read_exactly, size_of

_APEv2: Any = APEv2  # mutagen says of few of its classes what they take
_TCON: Any = TCON
SIZE_OF_V1: Final = 128  # bytes
APE_MARK: Final = b"APETAGEX"  # which has "TAG" in it, where ID3v1 may be looked for
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
    before = min(len(b"APE"), size - SIZE_OF_V1)
    if tag[:3] != b"TAG" or (read_exactly(file, size - SIZE_OF_V1 - before, before) + tag).startswith(APE_MARK):
        return {}
    title, artist, album, year, comment, genre = struct.unpack("30s30s30s4s30sB", tag[3:])
    track = comment[29] if not comment[28] else 0
    texts = {"TIT2": title, "TPE1": artist, "TALB": album, "TDRC": year, "COMM": comment[:28] if track else comment}
    texts = {name: text.partition(b"\0")[0].decode("latin-1").strip() for name, text in texts.items()}
    texts |= {"TRCK": str(track) if track else "", "TCON": TCON.GENRES[genre] if genre < len(TCON.GENRES) else ""}
    return {name: (text,) for name, text in texts.items() if text}


def read_ape(file: BinaryIO) -> Values:
    """Texts of the APE tag of a file, by the names of ID3v2; a damaged tag says nothing."""
    file.seek(0)
    try:
        items = _APEv2(file)
    except (mutagen.MutagenError, ValueError):  # there is none, or none that can be read
        return {}
    values: dict[str, tuple[str, ...]] = {}
    for key, value in items.items():
        if value.kind != TEXT or key.casefold().startswith(UNDO_OF_MP3GAIN):
            continue
        texts = tuple(text for text in value if says_something(text))
        name = _FROM_APE.get(key.casefold(), f"TXXX:{key}")
        if texts:
            values.setdefault(name, genres_of(texts) if name == "TCON" else texts)
    return values


def genres_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Genres by their names: a number in an older tag is one of the list of ID3v1, as it is in ID3v2."""
    return tuple(_TCON(encoding=3, text=list(texts)).genres)
