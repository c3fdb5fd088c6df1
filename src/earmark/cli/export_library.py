"""`earmark export-library`: the collection for DJ programs, players, spreadsheets and other programs."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from earmark.library.track import Track


class Format(StrEnum):
    """What is written."""

    M3U8 = "m3u8"
    REKORDBOX = "rekordbox"
    TRAKTOR = "traktor"
    SERATO = "serato"
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


TABLES = (Format.CSV, Format.PARQUET, Format.JSON)


class Playlists(StrEnum):
    """Which playlists are made."""

    BY_STYLE = "by-style"
    BY_FAMILY = "by-family"
    NONE = "none"


class Genre(StrEnum):
    """Which genre DJ programs are told."""

    OWN = "own"
    HEARD = "heard"


def export_library(
    out: Annotated[
        Path, typer.Argument(help="The file to write; a folder for Serato, and for M3U8 with several playlists.")
    ],
    form: Annotated[Format, typer.Option("--format", help="For which program.")],
    catalogue: Annotated[
        Path | None, typer.Option(help="The catalogue; by default $EARMARK_CATALOGUE, else the user's own.")
    ] = None,
    playlists: Annotated[
        Playlists | None, typer.Option(help="Playlists to make; by default by-style, and one with all tracks in M3U8.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Name no style that is less probable than this.")
    ] = 0.0,
    genre: Annotated[
        Genre, typer.Option(help="The genre of a track: its own, else what was heard; or always what was heard.")
    ] = Genre.OWN,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite what is there.")] = False,
) -> None:
    """Write the collection for another program."""
    if form in TABLES and playlists is not None:
        raise typer.BadParameter(f"{form.value} has no playlists")

    from earmark.cli.catalogue import open_catalogue
    from earmark.errors import EarmarkError
    from earmark.library import exports

    if form is not Format.SERATO and out.exists() and not replace:
        raise EarmarkError(f"{out}: is there already; --replace overwrites it")
    unnamed: list[str] = []
    unplayable: Counter[str] = Counter()
    with open_catalogue(catalogue) as opened:
        tracks: Iterable[Track] = exports.certain(opened.tracks(), min_confidence)
        if form not in TABLES:
            tracks = map(exports.light, _playable(tracks, unplayable))
            if genre is Genre.HEARD:
                tracks = exports.in_heard_words(tracks)
        kept = list(_nameable(tracks, lambda path: exports.problem(form.value, path, out), unnamed))
    if playlists is None:
        exports.EXPORTERS[form.value](kept, out)
    else:
        exports.WITH_PLAYLISTS[form.value](kept, out, exports.GROUPINGS[playlists.value])
    for line in unnamed:
        sys.stderr.write(f"earmark: {line}\n")
    for why, count in unplayable.items():
        sys.stderr.write(f"left out: {count} {why}\n")
    typer.echo(f"written: {out}: {len(kept)} {'track' if len(kept) == 1 else 'tracks'}")
    if unnamed:
        raise typer.Exit(1)


def _playable(tracks: "Iterable[Track]", unplayable: Counter[str]) -> "Iterator[Track]":
    """The tracks that a DJ program can play; what else a catalogue keeps is counted."""
    for track in tracks:
        if track.missing:
            unplayable["that have vanished; `earmark find --missing` names them"] += 1
        elif track.analysis is None:
            unplayable["that could not be heard; `earmark find --errors` names them"] += 1
        else:
            yield track


def _nameable(tracks: "Iterable[Track]", problem: Callable[[Path], str], unnamed: list[str]) -> "Iterator[Track]":
    """The tracks whose files the format can name."""
    for track in tracks:
        reason = problem(track.path)
        if reason:
            unnamed.append(f"{track.path}: left out: {reason}")
        else:
            yield track
