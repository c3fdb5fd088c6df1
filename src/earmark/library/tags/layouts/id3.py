"""ID3v2 in versions 2.2, 2.3 and 2.4, which each file keeps.

Conventions: names are those of version 2.3, whatever the file's: ``TCON``, ``TXXX:STYLE``. The first comment without a
description is ``COMM``, whatever its language; others are ``COMM:description``. Several values are separated by NUL, in
2.3 too, where the standard knows none: so do MusicBrainz Picard, Mp3tag and foobar2000.

ID3v1 and APE at the end of the file stay as they are; where there is no ID3v2 yet, the new tag takes over what they say
(`older`).

References: id3.org, ID3v2.3.0 and ID3v2.4.0 (main structure, native frames).
"""

import re
from collections.abc import Mapping, Sequence
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
)
from earmark.library.tags.layouts.older import read_older
from earmark.library.tags.patch import Patch, Splice, patch

HEADER: Final = 10  # bytes
UNSYNCHRONISED, EXTENDED, EXPERIMENTAL, FOOTER = 0x80, 0x40, 0x20, 0x10
VERSION_2, VERSION_3, VERSION_4 = 2, 3, 4
NEW: Final = VERSION_4
"""Version of a new tag: the one in which several values are legal."""

_NAMES_OF_2: Final = {"TCO": "TCON", "TBP": "TBPM", "TKE": "TKEY", "COM": "COMM", "TXX": "TXXX"}
_SHORT_NAMES: Final = {long: short for short, long in _NAMES_OF_2.items()}
_CODECS: Final = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
_COMPRESSED_OR_ENCRYPTED: Final = {VERSION_3: 0xC0, VERSION_4: 0x0C}
_GROUPED: Final = {VERSION_3: 0x20, VERSION_4: 0x40}


@dataclass(frozen=True)
class Id3:
    """A tag: its version (2-4) and flags, its frames, and what follows them (padding)."""

    version: int
    flags: int
    raw_fields: tuple[RawField, ...]
    padding: bytes
    size: int

    @property
    def unsynchronised(self) -> bool:
        """Whether zeros are strewn through the whole tag; in 2.4 each frame says so itself, and keeps them."""
        return bool(self.flags & UNSYNCHRONISED) and self.version < VERSION_4


def open_at_head(file: BinaryIO) -> Layout:
    """A stream with the tag before it: mp3, tta."""
    tag = read_at(file, 0)
    end = tag.size if tag else 0
    rest = (part("sound and what follows", file, end),)
    if tag is None:
        older = read_older(file)
        return Layout((), rest, partial(_new, older), older)
    return Layout(tag.raw_fields, rest, partial(changed, file, 0, tag))


def _new(taken_over: Values, values: Values) -> Patch:
    return patch([Splice(0, b"", new_tag({**taken_over, **values}))])


def new_tag(values: Values) -> bytes:
    """A tag that says these."""
    body = b"".join(raw for name, texts in values.items() for raw in render(NEW, name, texts))
    return b"ID3" + bytes([NEW, 0, 0]) + _syncsafe(len(body)) + body


def read_at(file: BinaryIO, offset: int) -> Id3 | None:
    """The tag that begins there, or None.

    Raises:
        LayoutError: it is damaged, or of a sort that cannot be changed byte by byte.
    """
    file.seek(offset)
    header = file.read(HEADER)
    if len(header) < HEADER or header[:3] != b"ID3":
        return None
    version, flags, size = header[3], header[5], _from_syncsafe(header[6:])
    if version not in (VERSION_2, VERSION_3, VERSION_4) or size is None:
        raise LayoutError(f"its ID3 tag is of an unknown version, 2.{version}, or damaged")
    if flags & (EXTENDED | FOOTER):
        raise LayoutError("its ID3 tag has an extended header or a footer, which would no longer be true")
    body = read_exactly(file, offset + HEADER, size)
    if flags & UNSYNCHRONISED and version < VERSION_4:
        body = body.replace(b"\xff\x00", b"\xff")
    raw_fields, padding = _frames(version, body)
    return Id3(version, flags, raw_fields, padding, HEADER + size)


def changed(file: BinaryIO, offset: int, tag: Id3, values: Values) -> Patch:
    """The patch that sets fields of the tag which begins at `offset`."""
    languages = {each.name: _language(tag.version, each.raw) for each in tag.raw_fields if each.name == "COMM"}
    wanted = {name: render(tag.version, name, texts, languages.get(name, b"eng")) for name, texts in values.items()}
    splices, _ = replaced(tag.raw_fields, offset + HEADER, wanted)
    if tag.unsynchronised:
        old = read_exactly(file, offset + HEADER, tag.size - HEADER)
        splices = [Splice(offset + HEADER, old, _rebuilt(tag, wanted))]
    size = tag.size - HEADER + growth(splices)
    return patch([Splice(offset + 6, read_exactly(file, offset + 6, 4), _syncsafe(size)), *splices])


def _rebuilt(tag: Id3, wanted: Mapping[str, Sequence[bytes]]) -> bytes:
    """The body of an unsynchronised tag: changed, and with its zeros strewn in again."""
    body = bytearray(b"".join(each.raw for each in tag.raw_fields))
    splices, _ = replaced(tag.raw_fields, 0, wanted)
    for splice in reversed(splices):
        body[splice.offset : splice.offset + len(splice.old)] = splice.new
    return re.sub(rb"\xff(?=[\x00\xe0-\xff]|\Z)", b"\xff\x00", bytes(body) + tag.padding)


def render(version: int, name: str, values: Sequence[str], language: bytes = b"eng") -> list[bytes]:
    """The frame of a field, or none where it shall say nothing."""
    if not values:
        return []
    identity, _, description = name.partition(":")
    texts = [description, *values] if identity == "TXXX" else list(values)
    encoding = _encoding(version, texts)
    zero = b"\0\0" if encoding == 1 else b"\0"
    joined = zero.join(_encoded(encoding, text) for text in texts)
    body = bytes([encoding]) + joined
    if identity == "COMM":  # its description is empty
        body = bytes([encoding]) + language + _encoded(encoding, "") + zero + joined
    if version == VERSION_2:
        return [_SHORT_NAMES[identity].encode() + len(body).to_bytes(3, "big") + body]
    size = _syncsafe(len(body)) if version == VERSION_4 else len(body).to_bytes(4, "big")
    return [identity.encode() + size + b"\0\0" + body]


def _encoding(version: int, texts: Sequence[str]) -> int:
    """UTF-8 where the version has it, else Latin-1 where that is enough, else UTF-16."""
    if version == VERSION_4:
        return 3
    return 0 if max("".join(texts), default="") <= "\xff" else 1


def _encoded(encoding: int, text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le") if encoding == 1 else text.encode(_CODECS[encoding])


def _frames(version: int, body: bytes) -> tuple[tuple[RawField, ...], bytes]:
    """All frames, and what follows the last one.

    The sizes of 2.4 have seven bits to the byte; old versions of iTunes wrote eight.
    """
    if version != VERSION_4:
        return _walk(version, body, plain=True)
    raw_fields, padding = _walk(version, body, plain=False)
    if padding.strip(b"\0") and not _walk(version, body, plain=True)[1].strip(b"\0"):
        raise LayoutError("the sizes in its ID3v2.4 tag are those of 2.3, as old versions of iTunes wrote them")
    return raw_fields, padding


def _walk(version: int, body: bytes, *, plain: bool) -> tuple[tuple[RawField, ...], bytes]:
    length, header = (3, 6) if version == VERSION_2 else (4, HEADER)
    raw_fields: list[RawField] = []
    position = 0
    while position + header <= len(body):
        identity = body[position : position + length]
        field = body[position + length : position + 2 * length]
        size = int.from_bytes(field, "big") if plain else _from_syncsafe(field)
        if not re.fullmatch(rb"[A-Z][A-Z0-9]{2,3}", identity) or size is None or position + header + size > len(body):
            break
        raw = body[position : position + header + size]
        raw_fields.append(RawField(_name(version, raw, {each.name for each in raw_fields}), raw))
        position += len(raw)
    return tuple(raw_fields), body[position:]


def _name(version: int, raw: bytes, known: set[str]) -> str:
    """Name of a frame in the table; with a star where its content cannot be looked into."""
    length = 3 if version == VERSION_2 else 4
    identity = raw[:length].decode("ascii")
    identity = _NAMES_OF_2.get(identity, identity) if version == VERSION_2 else identity
    content = _content(version, raw)
    if content is None:
        return f"{identity}*"
    if identity not in ("TXXX", "COMM") or not content:
        return identity
    described = content[4:] if identity == "COMM" else content[1:]
    description = _description(content[0], described)
    if identity == "TXXX":
        return f"TXXX:{description}"
    return "COMM" if not description and "COMM" not in known else f"COMM:{description}"


def _content(version: int, raw: bytes) -> bytes | None:
    """Content of a frame behind its header, or None where that is compressed or encrypted."""
    if version == VERSION_2:
        return raw[6:]
    flags, content = raw[9], raw[HEADER:]
    if flags & _COMPRESSED_OR_ENCRYPTED[version]:
        return None
    if flags & _GROUPED[version]:
        content = content[1:]
    if version == VERSION_4 and flags & 0x01:  # the length without the strewn zeros comes first
        content = content[4:]
    if version == VERSION_4 and flags & 0x02:
        content = content.replace(b"\xff\x00", b"\xff")
    return content


def _description(encoding: int, described: bytes) -> str:
    codec = _CODECS.get(encoding, "latin-1")
    if encoding in (1, 2):
        units = [described[at : at + 2] for at in range(0, len(described) - 1, 2)]
        described = b"".join(units[: units.index(b"\0\0")] if b"\0\0" in units else units)
    else:
        described = described.partition(b"\0")[0]
    return described.decode(codec, "replace")


def _language(version: int, raw: bytes) -> bytes:
    content = _content(version, raw) or b""
    return content[1:4].ljust(3)


def _syncsafe(value: int) -> bytes:
    if value >= 1 << 28:
        raise LayoutError("its ID3 tag would be longer than 256 MB")
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def _from_syncsafe(field: bytes) -> int | None:
    return None if max(field, default=0) & 0x80 else sum(byte << 7 * at for at, byte in enumerate(reversed(field)))
