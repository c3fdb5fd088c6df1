"""Small audio files in every container whose tags are written, with what other programs leave in them.

What is planted has the form of the cue points, beat grids, covers and identifiers that Serato, Traktor, rekordbox,
MusicBrainz Picard, players and ReplayGain scanners write. Among it is what tag libraries re-write when they are let:
byte orders, terminating zeros, flags, impossible dates.
"""

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from mutagen import apev2, asf, flac, mp4, oggopus, oggvorbis

RATE: Final = 48_000  # Hz

COVER: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 24 + b"\xff\x00\xff\xe0\xff"
CUES: Final = b"\x01\x01" + b"Serato Markers2 \xff\x00\xfe" + bytes(range(255, -1, -1)) * 3
GRID: Final = b"DMRT" + struct.pack("<I", 7) + bytes(range(256)) * 2
ID: Final = b"f4b3d7c2-6a51-4b4e-8f1a-0d5a1c2e9b77"

# mutagen says of few of its functions what they take.
_apev2, _asf_types, _flac_types, _mp4_types = (cast(Any, module) for module in (apev2, asf, flac, mp4))

# Container, encoder, sample format, and the suffix, for each kind.
KINDS: Final[dict[str, tuple[str, str, str, str]]] = {
    "mp3 2.2": ("mp3", "libmp3lame", "s16p", ".mp3"),
    "mp3 2.3": ("mp3", "libmp3lame", "s16p", ".mp3"),
    "mp3 2.3 unsynchronised": ("mp3", "libmp3lame", "s16p", ".mp3"),
    "mp3 2.4": ("mp3", "libmp3lame", "s16p", ".mp3"),
    "mp3": ("mp3", "libmp3lame", "s16p", ".mp3"),
    "aiff": ("aiff", "pcm_s16be", "s16", ".aiff"),
    "wav": ("wav", "pcm_s24le", "s32", ".wav"),
    "tta": ("tta", "tta", "s16", ".tta"),
    "flac": ("flac", "flac", "s16", ".flac"),
    "ogg": ("ogg", "vorbis", "fltp", ".ogg"),
    "opus": ("ogg", "libopus", "s16", ".opus"),
    "m4a aac": ("ipod", "aac", "fltp", ".m4a"),
    "m4a alac": ("ipod", "alac", "s16p", ".m4a"),
    "wavpack": ("wv", "wavpack", "s16p", ".wv"),
    "wma": ("asf", "wmav2", "fltp", ".wma"),
}


def encode(path: Path, kind: str, seconds: float = 1.0) -> Path:
    """Write a file with a chord in noise, and no tags."""
    container_format, codec, sample_format, _ = KINDS[kind]
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(7).normal(0, 0.03, time.size)
    wave = sum(0.2 * np.sin(2 * np.pi * hertz * time) for hertz in (110, 165, 220)) + noise
    samples = np.round(np.clip(wave, -1, 1) * 32767).astype(np.int16)
    # In MP4 the film atom before the sound, so that the places in it have to move.
    more = {"ipod": {"movflags": "+faststart"}, "mp3": {"id3v2_version": "0"}}.get(container_format, {})
    options = {"fflags": "+bitexact", **more}
    with av.open(str(path), "w", format=container_format, options=options) as container:
        stream = cast(AudioStream, container.add_stream(codec, rate=RATE, options={"strict": "experimental"}))
        stream.codec_context.layout = "stereo"
        stream.codec_context.format = sample_format
        stream.codec_context.bit_rate = 128_000  # bits per second, where the codec has a choice
        stream.codec_context.time_base = Fraction(1, RATE)
        stereo = np.repeat(samples, 2)[None]  # both channels alike, one after the other: (1, 2 * samples)
        frame = av.AudioFrame.from_ndarray(stereo, format="s16", layout="stereo")
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def plant(path: Path, kind: str) -> list[bytes]:
    """Put into a file what other programs would, and return bytes that must still be in it after any change of tags."""
    _PLANTERS[kind](path)
    content = path.read_bytes()
    return [blob for blob in (COVER, CUES, GRID, ID) if blob in content]


def _frame(version: int, name: str, content: bytes, flags: bytes = b"\0\0") -> bytes:
    size = len(content)
    if version == 2:  # noqa: PLR2004  of ID3
        return name.encode() + size.to_bytes(3, "big") + content
    bits = 7 if version == 4 else 8  # noqa: PLR2004  the same
    field = bytes(size >> shift * bits & (1 << bits) - 1 for shift in (3, 2, 1, 0))
    return name.encode() + field + flags + content


def _text(text: str) -> bytes:
    return b"\0" + text.encode("latin-1")


def _frames_of_2() -> bytes:
    """The frames of ID3v2.2, as old versions of iTunes write them."""
    return b"".join(
        _frame(2, name, content)
        for name, content in (
            ("TT2", _text("Ein Stück\0")),
            ("TP1", b"\x01\xfe\xff" + "Künstler".encode("utf-16-be") + b"\0\0"),
            ("COM", b"\0engiTunNORM\0 000003CF 000003D3\0"),
            ("PIC", b"\0PNG\x03\0" + COVER),
            ("GEO", b"\0application/octet-stream\0\0Serato Markers2\0" + CUES),
            ("UFI", b"http://musicbrainz.org\0" + ID),
            ("CRM", b"owner\0content\0" + GRID),
        )
    )


def frames_of(version: int) -> bytes:
    """The frames of a tag in version 2.3 or 2.4 as several programs leave it."""
    frames = [
        ("TIT2", b"\x01\xff\xfe" + "Ein Stück".encode("utf-16-le") + b"\0\0"),
        ("TPE1", b"\x01\xfe\xff" + "Künstler".encode("utf-16-be")),  # the other byte order
        ("TALB", _text("Album\0\0\0")),
        ("TXXX", _text("MusicBrainz Album Id\0") + ID),
        ("TXXX", _text("replaygain_track_gain\0-7.40 dB")),
        ("TXXX", _text("REPLAYGAIN_TRACK_GAIN\0-7.41 dB")),  # twice, in two spellings
        ("COMM", b"\0deuiTunNORM\0 000003CF 000003D3"),
        ("APIC", b"\0PNG\0\x03\0" + COVER),  # a type of picture that is none
        ("GEOB", b"\0application/octet-stream\0\0Serato Markers2\0" + CUES),
        ("PRIV", b"TRAKTOR4\0" + GRID),
        ("NTRK", GRID[::-1]),  # of no standard
        ("UFID", b"http://musicbrainz.org\0" + ID),
        ("POPM", b"traktor@native-instruments.de\0\xff\0\0\0\x05"),
        ("USLT", b"\x01eng\xff\xfe\0\0\xff\xfe" + "la\nla".encode("utf-16-le")),
        ("TRCK", _text("03/12")),
        (
            "CHAP",
            b"ch0\0" + struct.pack(">4I", 0, 500, 0xFFFFFFFF, 0xFFFFFFFF) + _frame(version, "TIT2", _text("Intro")),
        ),
        ("RVAD", bytes(10)),
        ("WCOM", b"http://example.org/shop?a=b\0"),
    ]
    date = ("TYER", _text("2014 ")) if version == 3 else ("TDRC", b"\x03" + b"2014-02-30T25:00:00Z")  # noqa: PLR2004
    flagged = _frame(version, "TENC", _text("somebody"), b"\x40\x00")
    return b"".join(_frame(version, name, content) for name, content in (*frames, date)) + flagged


def _tag(version: int, frames: bytes, flags: int = 0, padding: int = 300) -> bytes:
    size = len(frames) + padding
    field = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, flags]) + field + frames + bytes(padding)


def _unsynchronised(frames: bytes) -> bytes:
    strewn = bytearray()
    for byte, following in zip(frames, frames[1:] + b"\0", strict=True):
        strewn.append(byte)
        if byte == 0xFF and (following == 0 or following >= 0xE0):  # noqa: PLR2004  what looks like a frame of sound
            strewn.append(0)
    return bytes(strewn)


def _before(tag: bytes, *, old: bool = False) -> Callable[[Path], None]:
    """Put a tag before the stream, and on request an old one behind it."""

    def planted(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(tag + content + (old_tag() if old else b""))

    return planted


def old_tag(title: str = "An old title", genre: int = 31) -> bytes:
    """An ID3v1 tag."""
    texts = (title, "An old artist", "An old album", "1999", "An old comment")
    sizes = (30, 30, 30, 4, 28)
    fields = [text.encode("latin-1").ljust(size, b"\0") for text, size in zip(texts, sizes, strict=True)]
    return b"TAG" + b"".join(fields) + bytes([0, 3, genre])


def _iff(path: Path) -> None:
    """A tag in a chunk of odd length, with others before and after it."""
    content = path.read_bytes()
    little = content.startswith(b"RIFF")
    order = "<" if little else ">"

    def chunk(name: bytes, inside: bytes) -> bytes:
        return name + struct.pack(f"{order}I", len(inside)) + inside + b"\0" * (len(inside) % 2)

    tag = _tag(3, frames_of(3), padding=7)
    tag = tag if len(tag) % 2 else _tag(3, frames_of(3), padding=8)
    info = chunk(b"INAM", b"A title\0") + chunk(b"IGNR", b"Dance\0")
    more = (
        chunk(b"LIST", b"INFO" + info) + chunk(b"cue ", GRID)
        if little
        else chunk(b"NAME", b"A title") + chunk(b"MARK", GRID)
    )
    name = b"id3 " if little else b"ID3 "
    form = content[8:] + more + chunk(name, tag) + chunk(b"AFAn", CUES[:-1])
    path.write_bytes(content[:4] + struct.pack(f"{order}I", len(form)) + form)


COMMENTS: Final = (
    ("TITLE", "Ein Stück"),
    ("ARTIST", "Künstler"),
    ("MUSICBRAINZ_ALBUMID", ID.decode()),
    ("REPLAYGAIN_TRACK_GAIN", "-7.40 dB"),
    ("replaygain_track_gain", "-7.41 dB"),
    ("SERATO_MARKERS_V2", "YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFtAABTZXJhdG8gTWFya2VyczIA"),
    ("EMPTY", ""),
)


def _flac(path: Path) -> None:
    file = _flac_types.FLAC(path)
    file.tags[:] = list(COMMENTS)
    picture = _flac_types.Picture()
    picture.data, picture.mime = COVER, "image/png"
    file.add_picture(picture)
    application = _flac_types.MetadataBlock(b"Srat" + CUES)
    application.code = 2
    file.metadata_blocks.append(application)
    file.save()


def _ogg(reader: type[Any]) -> Callable[[Path], None]:
    """Comments of several pages, because of a cover."""

    def planted(path: Path) -> None:
        file = reader(path)
        file.tags[:] = [*COMMENTS, ("METADATA_BLOCK_PICTURE", "QUJD" * 45_000)]
        file.save()

    return planted


def _mp4(path: Path) -> None:
    file = _mp4_types.MP4(path)
    if file.tags is None:
        file.add_tags()
    tags = file.tags
    tags["\xa9nam"], tags["\xa9ART"] = ["Ein Stück"], ["Künstler"]
    tags["covr"] = [_mp4_types.MP4Cover(COVER, _mp4_types.MP4Cover.FORMAT_PNG)]
    tags["----:com.serato.dj:markersv2"] = [_mp4_types.MP4FreeForm(CUES, _mp4_types.AtomDataType.UTF8)]
    tags["----:com.native-instruments.traktor:grid"] = [_mp4_types.MP4FreeForm(GRID, _mp4_types.AtomDataType.IMPLICIT)]
    tags["----:com.apple.iTunes:MusicBrainz Album Id"] = [_mp4_types.MP4FreeForm(ID)]
    tags["----:com.apple.iTunes:replaygain_track_gain"] = [_mp4_types.MP4FreeForm(b"-7.40 dB")]
    tags["cpil"], tags["trkn"], tags["rtng"] = True, [(3, 12)], [4]
    file.save()


def _ape(path: Path) -> None:
    tags = _apev2.APEv2()
    tags["Title"], tags["Artist"] = "Ein Stück", "Künstler"
    tags["MUSICBRAINZ_ALBUMID"] = ID.decode()
    tags["Cover Art (Front)"] = _apev2.APEBinaryValue(b"cover.png\0" + COVER)
    tags["Serato"] = _apev2.APEBinaryValue(CUES)
    tags["Traktor"] = _apev2.APEBinaryValue(GRID)
    tags.save(path)
    path.write_bytes(path.read_bytes() + old_tag())


def _asf(path: Path) -> None:
    file = _asf_types.ASF(path)
    tags = file.tags
    tags["Title"], tags["Author"] = ["Ein Stück"], ["Künstler"]
    tags["WM/Picture"] = [
        _asf_types.ASFByteArrayAttribute(b"\x03" + struct.pack("<I", len(COVER)) + b"i\0\0\0\0\0" + COVER)
    ]
    tags["Serato"] = [_asf_types.ASFByteArrayAttribute(CUES)]
    tags["Traktor"] = [_asf_types.ASFByteArrayAttribute(GRID, language=0, stream=1)]
    tags["MusicBrainz/Album Id"] = [_asf_types.ASFByteArrayAttribute(ID)]
    tags["WM/Composer"] = [_asf_types.ASFUnicodeAttribute("one"), _asf_types.ASFUnicodeAttribute("two")]
    file.save()


_PLANTERS: Final[dict[str, Callable[[Path], None]]] = {
    "mp3 2.2": _before(_tag(2, _frames_of_2())),
    "mp3 2.3": _before(_tag(3, frames_of(3)), old=True),
    "mp3 2.3 unsynchronised": _before(_tag(3, _unsynchronised(frames_of(3)), 0x80)),
    "mp3 2.4": _before(_tag(4, frames_of(4))),
    "mp3": _before(b"", old=True),
    "aiff": _iff,
    "wav": _iff,
    "tta": _before(_tag(4, frames_of(4), padding=0)),
    "flac": _flac,
    "ogg": _ogg(oggvorbis.OggVorbis),
    "opus": _ogg(oggopus.OggOpus),
    "m4a aac": _mp4,
    "m4a alac": _mp4,
    "wavpack": _ape,
    "wma": _asf,
}
