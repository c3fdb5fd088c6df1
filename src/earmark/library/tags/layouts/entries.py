"""The fields of a tag as bytes, and how some of them are replaced in place.

Conventions: an *entry* is one field as it lies in the file, with its own header; the entries of a tag follow each other
without gaps. Its name is that of the table in `fields`; case does not count. A field of several values is one entry or
several, as the layout has it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

from earmark.library.tags.patch import Patch, Splice, digest

Values: TypeAlias = Mapping[str, tuple[str, ...]]
"""What the fields of these names shall say; no value at all removes the field."""

Rest: TypeAlias = tuple[tuple[str, str], ...]
"""What else is in the file: name and digest of each part, without the places and sizes that a change of tags moves."""


class Unsuited(ValueError):  # noqa: N818  the name says what is wrong with the file
    """The layout of a file is damaged, or of a sort that cannot be changed without doubt; the reason says how."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One field as it stands in the file."""

    name: str
    raw: bytes


@dataclass(frozen=True)
class Opened:
    """A file whose layout is known.

    Attributes:
        entries: all fields of its tag, in the order of the file.
        rest: everything that is not in the tag.
        set: gives the patch that sets fields; raises `Unsuited` where a value has no room.
        taken_over: what a new tag takes over from an older one that stays, where there is no tag yet.
    """

    entries: tuple[Entry, ...]
    rest: Rest
    set: Callable[[Values], Patch]
    taken_over: Values = field(default_factory=dict)

    def foreign(self, names: Sequence[str]) -> tuple[Entry, ...]:
        """All entries but those of these names, and those that have a place but say nothing."""
        ours = {name.casefold() for name in names}
        return tuple(entry for entry in self.entries if entry.raw and entry.name.casefold() not in ours)


def replaced(entries: Sequence[Entry], offset: int, wanted: Mapping[str, Sequence[bytes]]) -> tuple[list[Splice], int]:
    """Put new entries in the place of those with the same name, or at the end; return the splices and the new count.

    Args:
        entries: those of the tag.
        offset: where in the file the first one begins.
        wanted: the new entries, as bytes, for each name.
    """
    waiting = {name.casefold(): raws for name, raws in wanted.items()}
    names = frozenset(waiting)
    splices = []
    count = len(entries)
    for entry in entries:
        name = entry.name.casefold()
        if name in names:
            raws = waiting.pop(name, ())  # a second entry of that name goes
            splices.append(Splice(offset, entry.raw, b"".join(raws)))
            count += len(raws) - 1
        offset += len(entry.raw)
    added = [raw for raws in waiting.values() for raw in raws]
    return [*splices, Splice(offset, b"", b"".join(added))], count + len(added)


def growth(splices: Sequence[Splice]) -> int:
    """By how many bytes splices make a file longer."""
    return sum(len(splice.new) - len(splice.old) for splice in splices)


def read_exactly(file: BinaryIO, offset: int, count: int) -> bytes:
    """Read bytes that have to be there.

    Raises:
        Unsuited: the file ends before.
    """
    if offset + count > size_of(file):  # asked first: a damaged file may ask for more than there is memory
        raise Unsuited("it ends in the middle of its own structure: damaged or incomplete")
    file.seek(offset)
    return file.read(count)


def size_of(file: BinaryIO) -> int:
    """How long a file is, in bytes."""
    return file.seek(0, 2)


def part(name: str, file: BinaryIO, start: int, end: int | None = None) -> tuple[str, str]:
    """Name and digest of a stretch of the file, for the rest."""
    return name, digest(file, start, None if end is None else end - start)
