"""Changes into a file, by way of a copy that is checked before it takes the file's place.

The patch touches the bytes of the changed fields, and the sizes and places that follow from them, and nothing else. The
copy must pass four checks, each made by somebody else:

* taken back, it is the file before, byte for byte (so undo will work);
* its layout, read anew, holds every other field and every other part of the file with the same bytes;
* mutagen reads from it the values that were wanted, and in every other field what it read before;
* FFmpeg reads from it the same sound (`audio_bytes`).
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from earmark.errors import TagError
from earmark.library.tags.audio_bytes import VERIFIERS
from earmark.library.tags.containers import Container, identify
from earmark.library.tags.fields import says_something, spelled, values_of, with_values
from earmark.library.tags.journal import Run
from earmark.library.tags.layouts.layout import Layout, LayoutError, Values
from earmark.library.tags.patch import Patch, digest, digest_after, inverse
from earmark.library.tags.policy import Change
from earmark.library.tags.read import read_identified
from earmark.library.tags.swap import look, swap
from earmark.library.track import Tags

COMMENTS: Final = "COMM::"  # how mutagen calls comments without a description, before their language


def write(path: Path, changes: Sequence[Change], run: Run, *, verify: str = "", touch: bool = False) -> None:
    """Change the fields of a file.

    Args:
        path: the file; a link stays a link to it.
        changes: what `plan` says.
        run: where it is noted what undoes this.
        verify: how the sound is compared: `packets` or `decode`; what suits the container by default.
        touch: let the time of change be now, for programs that look at that; else it stays.

    Raises:
        TagError: it could not be done or not be verified; the file is what it was.
    """
    target = path.resolve()
    seen = look(target)
    container, file = identify(target)
    tags = read_identified(target, container, file)
    stale = [change.field for change in changes if values_of(tags, change.field) != change.before]
    if stale:
        raise TagError(path, f"not changed: its {stale[0]} is no longer what it was when the change was planned")
    layout, patch, values = _patched(target, container, changes)
    if not patch:
        return
    before, after = _digests(target, patch)
    expected = tags
    for change in changes:
        expected = with_values(expected, change.field, change.after)

    def check(copy: Path) -> None:
        try:
            _require_the_way_back(copy, patch, before)
            _require_the_rest(copy, container, layout, (*values, *layout.taken_over))
            _require_values(copy, container, file, expected, (*values, *layout.taken_over))
            digest_of_sound = VERIFIERS[verify or container.compare]
            _require(
                digest_of_sound(copy, container.demuxers) == digest_of_sound(target, container.demuxers),
                "FFmpeg would hear something else afterwards",
            )
        except (LayoutError, struct.error, IndexError) as error:
            raise TagError(path, f"not changed: {error}") from error
        except TagError as error:
            raise TagError(path, f"not changed: {error.reason}") from error

    swap(target, seen, patch, check, lambda: run.record(target, patch, before, after), touch=touch)


def _patched(path: Path, container: Container, changes: Sequence[Change]) -> tuple[Layout, Patch, Values]:
    """The layout of a file, the patch that makes the changes, and what is written under which names."""
    if container.open is None:
        raise TagError(path, f"tags of {container.name} are read, but not written")
    try:
        with path.open("rb") as file:
            layout = container.open(file)
            present = frozenset(each.name.casefold() for each in layout.raw_fields)
            values: dict[str, tuple[str, ...]] = {}
            for change in changes:
                _require_writable(path, change)
                values |= spelled(change.field, change.after, container.family, present)
            return layout, layout.set(values), values
    except (ValueError, IndexError, struct.error) as error:
        reason = (
            str(error) if isinstance(error, LayoutError) else "its structure is damaged, or a value cannot be encoded"
        )
        raise TagError(path, f"not changed: {reason}") from error
    except OSError as error:
        raise TagError(path, f"it cannot be read: {error.strerror}") from error


def _digests(path: Path, patch: Patch) -> tuple[str, str]:
    """The digest of the file, and what it will be."""
    try:
        with path.open("rb") as file:
            return digest(file), digest_after(patch, file)
    except ValueError as error:
        raise TagError(path, f"not changed: {error}") from error
    except OSError as error:
        raise TagError(path, f"it cannot be read: {error.strerror}") from error


def _require_writable(path: Path, change: Change) -> None:
    """A NUL separates values, and an empty value is none."""
    if any(not says_something(value) or "\0" in value for value in change.after):
        raise TagError(path, f"not changed: its {change.field} would hold an empty value or a NUL")


def _require_the_way_back(copy: Path, patch: Patch, before: str) -> None:
    with copy.open("rb") as file:
        _require(digest_after(inverse(patch), file) == before, "the change could not be undone")


def _require_the_rest(copy: Path, container: Container, layout: Layout, names: tuple[str, ...]) -> None:
    assert container.open is not None  # noqa: S101  there would be no patch
    with copy.open("rb") as file:
        anew = container.open(file)
    _require(anew.rest == layout.rest, "a part of the file that is not its tag would be another one")
    _require(anew.foreign(names) == layout.foreign(names), "a field of another program would be another one")


def _require_values(copy: Path, container: Container, file: Any, expected: Tags, names: tuple[str, ...]) -> None:  # noqa: ANN401  mutagen's classes have no common type
    found, anew = identify(copy)
    _require(found is container, "it would be taken for another kind of file")
    read = read_identified(copy, found, anew)
    _require(read == expected, "what is read back is not what was written")
    _require(_others(anew.tags, names) == _others(file.tags, names), "mutagen would read another field differently")


def _others(tags: Any, names: tuple[str, ...]) -> list[tuple[str, str]]:  # noqa: ANN401  the same
    """Content of all fields but those of these names, as mutagen reads it."""
    ours = {name.casefold() for name in names}
    pairs = [] if tags is None else tags.items()
    return sorted(
        (key, repr(value))
        for key, value in pairs
        if key.casefold() not in ours and not ("comm" in ours and key.startswith(COMMENTS))
    )


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001  it is the point of the function
    if not holds:
        raise LayoutError(otherwise)
