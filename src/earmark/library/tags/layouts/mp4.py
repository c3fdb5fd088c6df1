"""MP4: atoms within atoms; the tag is ``moov.udta.meta.ilst``, one atom for each field.

Conventions: names are the four characters of the atom (``©gen``), those of free fields ``----:mean:name``. A genre as a
number (``gnre``) goes by the name ``©gen``, so that a new one takes its place.

Where the tag grows before the sound, the tables that say where the sound lies (``stco``, ``co64``) follow; padding
(``free``) stays as it is. Fragmented files, which say it in other ways, are not changed.

References: ISO/IEC 14496-12; Apple, QuickTime File Format, metadata.
"""

import struct
from collections.abc import Iterator, Sequence
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
    size_of,
)
from earmark.library.tags.patch import Patch, Splice, patch

PATH: Final = (b"udta", b"meta", b"ilst")  # below moov
HEADER: Final = 8  # bytes: size and name
DEEPEST: Final = 16  # atoms within each other
TEXT, INTEGER = 1, 21  # how a value is meant
TEMPO: Final = "tmpo"
FREE: Final = "----"

_WITH_ATOMS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta", b"edts", b"dinf"})
_TABLES: Final = {b"stco": "I", b"co64": "Q"}
_MOVING: Final = frozenset({b"moof", b"mfra", b"sidx", b"saio", b"iloc"})  # they hold places in the file, too
_END: Final = bytes(4)  # with which user data of QuickTime end
_HANDLER: Final = bytes(8) + b"mdirappl" + bytes(9)


@dataclass(frozen=True, slots=True)
class Atom:
    """An atom: its name, where it begins, where its content does, and where it ends."""

    name: bytes
    offset: int
    start: int
    end: int


def open_mp4(file: BinaryIO) -> Layout:
    """An MP4 file: m4a, mp4."""
    top = list(_atoms(file, 0, size_of(file)))
    films = [atom for atom in top if atom.name == b"moov"]
    if len(films) != 1:
        raise LayoutError("it has no film atom (moov), or several")
    tree = list(_below(file, films[0]))
    if any(atom.name in _MOVING for atom in (*top, *tree)):
        raise LayoutError("it is fragmented, or says in other atoms where its sound lies")
    route = _route(file, films[0])
    raw_fields = tuple(_raw_fields(file, route[-1])) if route[-1].name == b"ilst" else ()
    leaves = [
        atom for atom in tree if atom.name not in _WITH_ATOMS and atom.name not in _TABLES and not _inside(atom, route)
    ]
    rest = (
        *(part(atom.name.decode("latin-1"), file, atom.start, atom.end) for atom in top if atom.name != b"moov"),
        *(part(f"moov {atom.name.decode('latin-1')}", file, atom.start, atom.end) for atom in leaves),
    )
    tables = [atom for atom in tree if atom.name in _TABLES]
    return Layout(raw_fields, rest, partial(_changed, file, route, raw_fields, tables))


def _inside(atom: Atom, route: Sequence[Atom]) -> bool:
    """Whether an atom is part of the tag, or the handler that comes with a new one."""
    tag, around = route[-1], route[-2] if route[-1].name == b"ilst" else route[-1]
    if tag.name == b"ilst" and tag.offset <= atom.offset < tag.end:
        return True
    return around.name == b"meta" and atom.name == b"hdlr" and around.offset < atom.offset < around.end


def _atoms(file: BinaryIO, position: int, end: int) -> Iterator[Atom]:
    """The atoms from `position` to `end`.

    Raises:
        LayoutError: one of them reaches beyond.
    """
    while position + HEADER <= end:
        size, name = struct.unpack(">I4s", read_exactly(file, position, 8))
        start = position + HEADER
        if size == 1:  # the true size follows, in 64 bits
            (size,) = struct.unpack(">Q", read_exactly(file, start, 8))
            start += 8
        elif size == 0:
            size = end - position
        atom = Atom(name, position, start, position + size)
        if atom.end > end or atom.end < atom.start:
            raise LayoutError(f"its atom {name.decode('latin-1')!r} reaches beyond its end: damaged or incomplete")
        yield atom
        position = atom.end


def _children(file: BinaryIO, atom: Atom) -> Iterator[Atom]:
    start = atom.start
    if atom.name == b"meta" and atom.end > start and read_exactly(file, start + 4, 4) != b"hdlr":
        start += 4  # version and flags, which QuickTime has not
    yield from _atoms(file, start, atom.end - len(_END) if _ends_with_zeros(file, atom) else atom.end)


def _ends_with_zeros(file: BinaryIO, atom: Atom) -> bool:
    """Whether four zeros come after the last child."""
    if atom.name != b"udta":
        return False
    position = atom.start
    while position + HEADER <= atom.end:
        position += max(HEADER, int.from_bytes(read_exactly(file, position, 4), "big"))
    return position + len(_END) == atom.end and read_exactly(file, position, len(_END)) == _END


def _below(file: BinaryIO, atom: Atom, depth: int = 0) -> Iterator[Atom]:
    """All atoms below one, those of the tag among them."""
    if depth > DEEPEST:
        raise LayoutError("its atoms lie too deep in each other: damaged")
    for child in _children(file, atom):
        yield child
        if child.name in _WITH_ATOMS:
            yield from _below(file, child, depth + 1)


def _route(file: BinaryIO, film: Atom) -> list[Atom]:
    """The atoms from the film down to the tag, or as far as they go."""
    route = [film]
    for name in PATH:
        found = [child for child in _children(file, route[-1]) if child.name == name]
        if len(found) > 1 and name != b"udta":
            raise LayoutError(f"it has several atoms of the kind {name.decode()!r}")
        if not found:
            break
        route.append(found[0])
    if any(atom.start - atom.offset != HEADER for atom in route):
        raise LayoutError("an atom around its tag is of a size that is only meant for sound")
    return route


def _raw_fields(file: BinaryIO, tag: Atom) -> Iterator[RawField]:
    position = tag.start
    for atom in _atoms(file, tag.start, tag.end):
        raw = read_exactly(file, atom.offset, atom.end - atom.offset)
        yield RawField(_name(raw), raw)
        position = atom.end
    if position != tag.end:
        raise LayoutError("bytes are left over in its tag")


def _name(raw: bytes) -> str:
    name = raw[4:8].decode("latin-1")
    if name == "gnre":
        return "\xa9gen"
    if name != FREE:
        return name
    parts = []
    position = 8
    for _ in ("mean", "name"):
        (size,) = struct.unpack_from(">I", raw, position)
        parts.append(raw[position + 12 : position + size].decode("utf-8", "replace"))
        position += size
    return ":".join([FREE, *parts])


def _rendered(name: str, values: tuple[str, ...]) -> list[bytes]:
    if not values:
        return []
    if name == TEMPO:
        content = [_atom(b"data", struct.pack(">IIH", INTEGER, 0, int(value))) for value in values]
        return [_atom(b"tmpo", b"".join(content))]
    content = [_atom(b"data", struct.pack(">II", TEXT, 0) + value.encode()) for value in values]
    if not name.startswith(FREE):
        return [_atom(name.encode("latin-1"), b"".join(content))]
    _, mean, own = name.split(":", 2)
    named = [_atom(key, bytes(4) + text.encode()) for key, text in ((b"mean", mean), (b"name", own))]
    return [_atom(FREE.encode(), b"".join(named + content))]


def _atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def _changed(
    file: BinaryIO, route: list[Atom], raw_fields: tuple[RawField, ...], tables: list[Atom], values: Values
) -> Patch:
    wanted = {name: _rendered(name, texts) for name, texts in values.items()}
    splices, _ = replaced(raw_fields, route[-1].start, wanted)
    if route[-1].name != b"ilst":
        new = b"".join(splice.new for splice in splices)
        splices = [Splice(_opening(file, route[-1]), b"", _wrapped(new, len(route)))]
    longer = growth(splices)
    for atom in route:
        size = atom.end - atom.offset
        splices.append(Splice(atom.offset, struct.pack(">I", size), struct.pack(">I", size + longer)))
    return patch([*splices, *(_moved(file, table, route[-1].start, longer) for table in tables)])


def _opening(file: BinaryIO, atom: Atom) -> int:
    """Place in an atom where a new child begins: behind all others, but before the zeros that may end user data."""
    if atom.name != b"udta":
        return atom.end
    first = next(_children(file, atom), None)
    return first.offset if first else atom.start


def _wrapped(raw_fields: bytes, depth: int) -> bytes:
    """A new tag with as many atoms around it as are missing."""
    tag = _atom(b"ilst", raw_fields)
    if depth <= PATH.index(b"meta") + 1:
        tag = _atom(b"meta", bytes(4) + _atom(b"hdlr", _HANDLER) + tag)
    return _atom(b"udta", tag) if depth == 1 else tag


def _moved(file: BinaryIO, table: Atom, after: int, by: int) -> Splice:
    """A table of places with all places behind `after` moved; none lies within the tag."""
    old = read_exactly(file, table.start, table.end - table.start)
    (count,) = struct.unpack_from(">I", old, 4)
    form = f">{count}{_TABLES[table.name]}"
    places = struct.unpack_from(form, old, 8)
    new = struct.pack(form, *(place + by if place >= after else place for place in places))
    return Splice(table.start, old, old[:8] + new + old[8 + len(new) :])
