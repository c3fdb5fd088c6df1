"""Crates: the playlists that an export makes of what was heard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from earmark.library.exports.facts import heard_family, heard_style
from earmark.library.track import Track
from earmark.styles import families, styles

FOLDER: Final = "earmark"  # in which the crates are, in every program


@dataclass(frozen=True)
class Crate:
    """A playlist: its name and its tracks."""

    name: str
    tracks: tuple[Track, ...]


Grouping: TypeAlias = Callable[[Sequence[Track]], list[Crate]]


def by_style(tracks: Sequence[Track]) -> list[Crate]:
    """A crate for each style that was heard; what is like nothing known is in none."""
    names = [style[0] if (style := heard_style(track)) else None for track in tracks]
    return _grouped(tracks, names, [style.label for style in styles()])


def by_family(tracks: Sequence[Track]) -> list[Crate]:
    """A crate for each family that was heard."""
    return _grouped(tracks, [heard_family(track) for track in tracks], families())


def none(tracks: Sequence[Track]) -> list[Crate]:  # noqa: ARG001  it is one of the groupings
    """No crates."""
    return []


def named(name: str) -> Grouping:
    """A grouping of one crate of that name with all tracks in their order: a set."""
    return lambda tracks: [Crate(name, tuple(tracks))]


def _grouped(tracks: Sequence[Track], names: Sequence[str | None], order: Sequence[str]) -> list[Crate]:
    """The crates in the order in which earmark shows styles and families, then those that a user has taught, sorted."""
    members: dict[str, list[Track]] = {}
    for track, name in zip(tracks, names, strict=True):
        if name is not None:
            members.setdefault(name, []).append(track)
    known = [name for name in order if name in members]
    return [Crate(name, tuple(members[name])) for name in (*known, *sorted(members.keys() - set(known)))]


GROUPINGS: Final[dict[str, Grouping]] = {"by-style": by_style, "by-family": by_family, "none": none}
