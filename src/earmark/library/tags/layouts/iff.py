"""AIFF and WAV: chunks, one of which holds an ID3 tag.

What else says something about the track stays as it is: ``LIST INFO`` in WAV, ``NAME`` and ``AUTH`` in AIFF. Where
there is no ID3 chunk yet, the new one takes over what they say, because programs read the one or the other.

References: Microsoft and IBM, Multimedia Programming Interface 1.0 (RIFF), 1991; Apple, AIFF 1.3, 1989.
"""

import struct
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

from earmark.library.tags.layouts import id3
from earmark.library.tags.layouts.layout import Layout, LayoutError, Values, growth, part, read_exactly, size_of
from earmark.library.tags.layouts.older import genres_of
from earmark.library.tags.patch import Patch, Splice, patch

_KINDS: Final = {(b"FORM", b"AIFF"): ">", (b"FORM", b"AIFC"): ">", (b"RIFF", b"WAVE"): "<"}
_INFO: Final = {b"INAM": "TIT2", b"IART": "TPE1", b"IPRD": "TALB", b"IGNR": "TCON", b"ICMT": "COMM", b"ICRD": "TDRC"}
_AIFF: Final = {b"NAME": "TIT2", b"AUTH": "TPE1"}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk: its name, where its content begins, and how long that is; a pad byte follows an odd one."""

    name: bytes
    start: int
    size: int

    @property
    def end(self) -> int:
        """Place where the next chunk begins."""
        return self.start + self.size + self.size % 2


def open_chunks(file: BinaryIO) -> Layout:
    """An AIFF or WAV file."""
    order, chunks, end = _chunks(file)
    tags = [chunk for chunk in chunks if _is_id3(chunk)]
    others = [chunk for chunk in chunks if not _is_id3(chunk)]
    rest = (
        *(part(chunk.name.decode("latin-1"), file, chunk.start, chunk.start + chunk.size) for chunk in others),
        part("after the chunks", file, max(end, chunks[-1].end if chunks else 0)),
    )
    if len(tags) > 1:
        raise LayoutError("it has more than one ID3 chunk")
    if not tags:
        older = taken_over(file, chunks)
        return Layout((), rest, partial(_new_chunk, file, order, chunks, older), older)
    tag = id3.read_at(file, tags[0].start)
    if tag is None or tag.size > tags[0].size:
        raise LayoutError("its ID3 chunk holds no ID3 tag, or is cut off")
    return Layout(tag.raw_fields, rest, partial(_changed_chunk, file, order, chunks, end, tag))


def _chunks(file: BinaryIO) -> tuple[str, list[Chunk], int]:
    """The byte order, the chunks, and where the form ends.

    Raises:
        LayoutError: the sizes do not agree with each other and with the file.
    """
    form, size, kind = struct.unpack("4s4s4s", read_exactly(file, 0, 12))
    order = _KINDS.get((form, kind))
    if order is None:
        raise LayoutError(f"a container of the kind {form + kind!r} cannot be changed")
    end = 8 + struct.unpack(f"{order}I", size)[0]
    chunks = []
    position = 12
    while position + 8 <= end:
        name, length = struct.unpack(f"{order}4sI", read_exactly(file, position, 8))
        chunks.append(Chunk(name, position + 8, length))
        position = chunks[-1].end
    total = size_of(file)
    if not end <= total + 1 or (chunks and chunks[-1].start + chunks[-1].size > total) or not -1 <= end - position <= 0:
        raise LayoutError("the sizes in it do not agree with its length: damaged, or written to a pipe")
    return order, chunks, end


def _changed_chunk(file: BinaryIO, order: str, chunks: list[Chunk], end: int, tag: id3.Id3, values: Values) -> Patch:
    chunk = next(each for each in chunks if _is_id3(each))
    splices = list(id3.changed(file, chunk.start, tag, values))
    new = Chunk(chunk.name, chunk.start, chunk.size + growth(splices))
    file.seek(chunk.start + chunk.size)
    pad = file.read(chunk.size % 2)  # some files end without it
    splices.append(Splice(chunk.start + chunk.size, pad, b"\0" * (new.size % 2)))
    splices.append(Splice(chunk.start - 4, _packed(order, chunk.size), _packed(order, new.size)))
    new_end = new.end if chunk is chunks[-1] else end + growth(splices)
    return patch([*splices, _form_size(file, order, new_end)])


def _new_chunk(file: BinaryIO, order: str, chunks: list[Chunk], older: Values, values: Values) -> Patch:
    tag = id3.new_tag({**older, **values})
    last = chunks[-1].end if chunks else 12
    here = min(last, size_of(file))  # the pad byte of the last chunk may be missing
    name = b"ID3 " if order == ">" else b"id3 "
    new = b"\0" * (last - here) + name + _packed(order, len(tag)) + tag + b"\0" * (len(tag) % 2)
    return patch([_form_size(file, order, here + len(new)), Splice(here, b"", new)])


def _is_id3(chunk: Chunk) -> bool:
    return chunk.name.upper() == b"ID3 "


def taken_over(file: BinaryIO, chunks: list[Chunk]) -> Values:
    """Values of chunks other than ID3, by the names of ID3."""
    values: dict[str, tuple[str, ...]] = {}
    for chunk in chunks:
        if chunk.name in _AIFF:
            values[_AIFF[chunk.name]] = (_text(read_exactly(file, chunk.start, chunk.size)),)
        if chunk.name == b"LIST" and chunk.size >= len(b"INFO") and read_exactly(file, chunk.start, 4) == b"INFO":
            values |= _info(read_exactly(file, chunk.start + 4, chunk.size - 4))
    return {name: values for name, values in values.items() if values[0]}


def read_info(file: BinaryIO) -> Values:
    """Values that a file without an ID3 chunk holds in other chunks."""
    return taken_over(file, _chunks(file)[1])


def _info(content: bytes) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    position = 0
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        if name in _INFO:
            values[_INFO[name]] = (_text(content[position + 8 : position + 8 + size]),)
        position += 8 + size + size % 2
    if "TCON" in values:
        values["TCON"] = genres_of(values["TCON"]) or ("",)
    return values


def _text(raw: bytes) -> str:
    """Text of which nobody says how it is encoded: UTF-8 where it can be that, else Latin-1."""
    text = raw.partition(b"\0")[0]
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        return text.decode("latin-1").strip()


def _form_size(file: BinaryIO, order: str, end: int) -> Splice:
    return Splice(4, read_exactly(file, 4, 4), _packed(order, end - 8))


def _packed(order: str, size: int) -> bytes:
    if size >= 1 << 32:
        raise LayoutError("it would be longer than 4 GB, which its container cannot say")
    return struct.pack(f"{order}I", size)
