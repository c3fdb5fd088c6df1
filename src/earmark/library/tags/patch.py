"""A change of a file as bytes: what is taken out where, and what is put in its place.

Conventions: offsets count bytes of the file before the change; the splices of a patch are in their order and do not
overlap. A patch can be turned round, and that is how a write is undone.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

BLOCK = 1 << 20  # bytes copied at once


@dataclass(frozen=True, slots=True)
class Splice:
    """At `offset`, the bytes `old` give way to `new`; either may be empty."""

    offset: int
    old: bytes
    new: bytes


Patch: TypeAlias = tuple[Splice, ...]


def patch(splices: Iterable[Splice]) -> Patch:
    """Order splices, leave out those that change nothing, and cut off what the two sides have in common.

    Raises:
        ValueError: two of them overlap.
    """
    ordered = sorted((_trimmed(each) for each in splices if each.old != each.new), key=lambda splice: splice.offset)
    for one, other in zip(ordered, ordered[1:], strict=False):
        if one.offset + len(one.old) > other.offset:
            raise ValueError(f"the splices at {one.offset} and {other.offset} overlap")
    return tuple(ordered)


def _trimmed(splice: Splice) -> Splice:
    """The same change with what both sides begin and end with left out."""
    old, new = splice.old, splice.new
    shorter = min(len(old), len(new))
    head = next((index for index in range(shorter) if old[index] != new[index]), shorter)
    tail = next((index for index in range(shorter - head) if old[-1 - index] != new[-1 - index]), shorter - head)
    return Splice(splice.offset + head, old[head : len(old) - tail], new[head : len(new) - tail])


def inverse(changes: Patch) -> Patch:
    """The patch that leads back."""
    moved = 0
    turned = []
    for splice in changes:
        turned.append(Splice(splice.offset + moved, splice.new, splice.old))
        moved += len(splice.new) - len(splice.old)
    return tuple(turned)


def apply(changes: Patch, source: BinaryIO, sink: Callable[[bytes], object]) -> None:
    """Pass on the whole file, changed.

    Raises:
        ValueError: what should be taken out does not stand there.
    """
    source.seek(0)
    position = 0
    for splice in changes:
        for block in _blocks(source, splice.offset - position):
            sink(block)
        found = source.read(len(splice.old))
        if found != splice.old or source.tell() != splice.offset + len(splice.old):
            raise ValueError(f"at byte {splice.offset} stands something else than expected")
        sink(splice.new)
        position = splice.offset + len(splice.old)
    for block in _blocks(source, None):
        sink(block)


def _blocks(source: BinaryIO, count: int | None) -> Iterator[bytes]:
    """Read `count` bytes, or all that is left, a block at a time."""
    while count is None or count > 0:
        block = source.read(BLOCK if count is None else min(BLOCK, count))
        if not block:
            return
        yield block
        if count is not None:
            count -= len(block)


def digest(source: BinaryIO, start: int = 0, count: int | None = None) -> str:
    """The SHA-256 of `count` bytes from `start` on, or of all from there, as hex."""
    source.seek(start)
    total = hashlib.sha256()
    for block in _blocks(source, count):
        total.update(block)
    return total.hexdigest()


def digest_after(changes: Patch, source: BinaryIO) -> str:
    """The SHA-256 that a file will have when it is changed.

    Raises:
        ValueError: the patch is not one of this file.
    """
    total = hashlib.sha256()
    apply(changes, source, total.update)
    return total.hexdigest()
