"""Kinds of sound files, told by their first bytes: a file is what its content says, not its name.

Conventions: a kind is called as in the table of containers (`library.tags.containers`), where that has it; "" is a kind
that is not known. An ID3v2 tag may stand before anything, and is skipped.
"""

from pathlib import Path
from typing import BinaryIO, Final

HEAD: Final = 320  # bytes: the longest header of an Ogg page, and the beginning of its first packet

ROOM: Final = 1 << 20  # bytes

_AT_START: Final = {
    b"fLaC": "FLAC",
    b"RF64": "RF64",
    b"BW64": "RF64",
    b"riff\x2e\x91\xcf\x11": "Wave64",
    b"wvpk": "WavPack",
    b"MAC ": "Monkey's Audio",
    b"MPCK": "Musepack",
    b"MP+": "Musepack",
    b"tBaK": "TAK",
    b"TTA1": "True Audio",
    b"OFR ": "OptimFROG",
    b"DSD ": "DSF",
    b"FRM8": "DFF",
    b"caff": "CAF",
    b".snd": "AU",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "Windows Media",
    b"\x1a\x45\xdf\xa3": "Matroska",
    b"\x0b\x77": "AC-3",
}
_FORMS: Final = {
    (b"RIFF", b"WAVE"): "WAV",
    (b"RIFF", b"AVI "): "AVI",
    (b"FORM", b"AIFF"): "AIFF",
    (b"FORM", b"AIFC"): "AIFF",
}
_IN_OGG: Final = {
    b"\x01vorbis": "Ogg Vorbis",
    b"OpusHead": "Opus",
    b"\x7fFLAC": "Ogg FLAC",
    b"Speex   ": "Speex",
}
_RESERVED: Final = (1, 0xF, 3)  # version, bit rate and sample rate that no frame of MPEG audio has


def kind_of(path: Path) -> str:
    """The kind of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(after_id3(file))
        head = file.read(HEAD)
        kind = _kind(head)
        if not kind and not head.strip(b"\0"):  # room for a longer tag, which some programs leave behind it
            file.seek(-len(head), 1)
            kind = _mpeg(file.read(ROOM).lstrip(b"\0"))
        return kind


def after_id3(file: BinaryIO) -> int:
    """Where a file begins that may have ID3v2 tags before it, in bytes."""
    place = 0
    while True:
        file.seek(place)
        tag = file.read(10)
        if len(tag) < 10 or not tag.startswith(b"ID3"):  # noqa: PLR2004  the length of the header of a tag
            return place
        place += 10 + sum((byte & 0x7F) << 7 * at for at, byte in enumerate(reversed(tag[6:])))  # seven bits per byte


def _kind(head: bytes) -> str:
    for mark, kind in _AT_START.items():
        if head.startswith(mark):
            return kind
    if head[4:8] == b"ftyp":
        return "MP4 (AAC, ALAC)"
    if head.startswith(b"OggS") and len(head) > 26:  # noqa: PLR2004  the count of the segments stands there
        packet = head[27 + head[26] :]
        return next((kind for mark, kind in _IN_OGG.items() if packet.startswith(mark)), "")
    return _FORMS.get((head[:4], head[8:12]), "") or _mpeg(head)


def _mpeg(head: bytes) -> str:
    """MP3 and its elder sisters, or AAC in ADTS, by the header of a frame."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004  a header, and its sync word
        return ""
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004  the layer that MPEG audio has not
        return "AAC"
    fields = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    has_layer = head[1] >> 1 & 3
    return "MP3" if has_layer and all(field != none for field, none in zip(fields, _RESERVED, strict=True)) else ""
