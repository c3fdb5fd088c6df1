"""The catalogue for another program: the tracks that it can play, and whose files its format can name."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from earmark.errors import EarmarkError
from earmark.library import Catalogue, Track, exports


@dataclass
class Exported:
    """Numbers of an export.

    Attributes:
        tracks: how many tracks were written.
        unnamed: lines that name each file that the format cannot name, and say why.
        unheard: how many tracks were left out because they could not be heard.
        missing: how many because their files have vanished.
    """

    tracks: int = 0
    unnamed: list[str] = field(default_factory=list)
    unheard: int = 0
    missing: int = 0


def export(
    catalogue: Catalogue,
    form: str,
    out: Path,
    *,
    playlists: str | None = None,
    min_confidence: float = 0.0,
    heard_genres: bool = False,
    replace: bool = False,
) -> Exported:
    """Write the tracks of a catalogue.

    Args:
        catalogue: the open catalogue.
        form: the name of the format, one of `exports.FORMATS`.
        out: the file to write; a folder for Serato, and for M3U8 with several playlists.
        playlists: the grouping that makes playlists; by default what the format does without one.
        min_confidence: name no style that is less probable (0-1).
        heard_genres: the style that was heard in place of a track's own genre.
        replace: overwrite what is there.

    Raises:
        ValueError: there is no such format, or it has no playlists.
        EarmarkError: there is something at `out` already, or it cannot be written.
    """
    chosen = require_writable(form, out, replace=replace)
    if chosen.is_table and playlists is not None:
        raise ValueError(f"{form} has no playlists")
    exported = Exported()
    tracks: Iterable[Track] = exports.certain(catalogue.tracks(), min_confidence)
    if chosen.has_playlists:
        tracks = map(exports.light, _playable(tracks, exported))
        if heard_genres:
            tracks = exports.in_heard_words(tracks)
    kept = list(_nameable(tracks, lambda path: chosen.problem(path, out), exported))
    chosen.write(kept, out, exports.GROUPINGS[playlists] if playlists else None)
    exported.tracks = len(kept)
    return exported


def write_set(tracks: Sequence[Track], form: str, out: Path, name: str, *, replace: bool = False) -> None:
    """Write tracks in their order; where the format has playlists, as one of that name.

    Raises:
        ValueError: there is no such format.
        EarmarkError: there is something at `out` already, or a file cannot be named, or `out` not be written.
    """
    chosen = require_writable(form, out, replace=replace)
    alone = chosen.is_table or chosen.name == "m3u8"  # which is one playlist already
    chosen.write(tracks, out, None if alone else exports.named(name))


def form_of(out: Path) -> str:
    """The name of the format that has the suffix of a file.

    Raises:
        ValueError: none has.
    """
    for name, each in exports.FORMATS.items():
        if each.suffix and each.suffix == out.suffix.lower():
            return name
    raise ValueError(f"{out}: no format has the suffix {out.suffix!r}; --format names one")


def require_writable(form: str, out: Path, *, replace: bool) -> exports.Format:
    """The format of that name, if it may be written there.

    Raises:
        ValueError: there is no such format.
        EarmarkError: there is something at `out` already.
    """
    if form not in exports.FORMATS:
        raise ValueError(f"there is no format {form!r}, only {', '.join(exports.FORMATS)}")
    chosen = exports.FORMATS[form]
    if chosen.suffix:
        require_free(out, replace=replace)
    return chosen


def require_free(out: Path, *, replace: bool) -> None:
    """Refuse a file that is there already, unless it is to be overwritten.

    Raises:
        EarmarkError: it is there.
    """
    if out.exists() and not replace:
        raise EarmarkError(f"{out}: it exists already; --replace overwrites it")


def _playable(tracks: Iterable[Track], exported: Exported) -> Iterator[Track]:
    """The tracks that a DJ program can play; the others are counted."""
    for track in tracks:
        if track.missing:
            exported.missing += 1
        elif track.analysis is None:
            exported.unheard += 1
        else:
            yield track


def _nameable(tracks: Iterable[Track], problem: Callable[[Path], str], exported: Exported) -> Iterator[Track]:
    """The tracks whose files the format can name."""
    for track in tracks:
        if reason := problem(track.path):
            exported.unnamed.append(f"{track.path}: left out: {reason}")
        else:
            yield track
