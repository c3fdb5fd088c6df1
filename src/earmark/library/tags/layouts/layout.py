"""The layout of a file: the fields of its tag as bytes, and their replacement in place.

Conventions: a *raw field* is a field as it lies in the file, with its own header; the raw fields of a tag follow each
other without gaps. Its name is that of the table in `fields`; case does not count. A field of several values is one raw
field or several, as the layout has it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

from earmark.library.tags.patch import Patch, Splice, digest

Values: TypeAlias = Mapping[str, tuple[str, ...]]
"""New values of the fields of these names; no value at all removes the field."""

Rest: TypeAlias = tuple[tuple[str, str], ...]
"""The file without its tag: name and digest of each part, without the places and sizes that a change of tags moves."""


class LayoutError(ValueError):
    """The layout of a file is damaged, or of a sort that cannot be changed without doubt; the reason says how."""


@dataclass(frozen=True, slots=True)
class RawField:
    """One field as it stands in the file."""

    name: str
    raw: bytes


@dataclass(frozen=True)
class Layout:
    """A file whose layout is known.

    Attributes:
        raw_fields: all fields of its tag, in the order of the file.
        rest: everything that is not in the tag.
        set: gives the patch that sets fields; raises `LayoutError` where a value has no room.
        taken_over: what a new tag takes over from an older one that stays, where there is no tag yet.
    """

    raw_fields: tuple[RawField, ...]
    rest: Rest
    set: Callable[[Values], Patch]
    taken_over: Values = field(default_factory=dict)

    def foreign(self, names: Sequence[str]) -> tuple[RawField, ...]:
        """All raw fields but those of these names, and those that have a place but say nothing."""
        ours = {name.casefold() for name in names}
        return tuple(each for each in self.raw_fields if each.raw and each.name.casefold() not in ours)


def replaced(
    raw_fields: Sequence[RawField], offset: int, wanted: Mapping[str, Sequence[bytes]]
) -> tuple[list[Splice], int]:
    """Put new raw fields in the place of those with the same name, or at the end; return the splices and the new count.

    Args:
        raw_fields: those of the tag.
        offset: where in the file the first one begins.
        wanted: the new fields, as bytes, for each name.
    """
    waiting = {name.casefold(): raws for name, raws in wanted.items()}
    names = frozenset(waiting)
    splices = []
    count = len(raw_fields)
    for each in raw_fields:
        name = each.name.casefold()
        if name in names:
            raws = waiting.pop(name, ())  # a second field of that name goes
            splices.append(Splice(offset, each.raw, b"".join(raws)))
            count += len(raws) - 1
        offset += len(each.raw)
    added = [raw for raws in waiting.values() for raw in raws]
    return [*splices, Splice(offset, b"", b"".join(added))], count + len(added)


def growth(splices: Sequence[Splice]) -> int:
    """By how many bytes splices make a file longer."""
    return sum(len(splice.new) - len(splice.old) for splice in splices)


def read_exactly(file: BinaryIO, offset: int, count: int) -> bytes:
    """Read bytes that have to be there.

    Raises:
        LayoutError: the file ends before.
    """
    if offset + count > size_of(file):  # asked first: a damaged file may ask for more than there is memory
        raise LayoutError("it ends in the middle of its own structure: damaged or incomplete")
    file.seek(offset)
    return file.read(count)


def size_of(file: BinaryIO) -> int:
    """Length of a file in bytes."""
    return file.seek(0, 2)


def part(name: str, file: BinaryIO, start: int, end: int | None = None) -> tuple[str, str]:
    """Name and digest of a stretch of the file, for the rest."""
    return name, digest(file, start, None if end is None else end - start)
