"""`earmark export-library`: the collection for DJ programs, players, spreadsheets and other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import complain, say, some
from earmark.cli.shared_options import Catalogued


class Format(StrEnum):
    """Formats, as `library.exports.FORMATS` has them; typer needs their names before the library is loaded."""

    M3U8 = "m3u8"
    REKORDBOX = "rekordbox"
    TRAKTOR = "traktor"
    SERATO = "serato"
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class Playlists(StrEnum):
    """Grouping of tracks into playlists."""

    BY_STYLE = "by-style"
    BY_FAMILY = "by-family"
    NONE = "none"


class Genre(StrEnum):
    """Source of the genre."""

    OWN = "own"
    HEARD = "heard"


def export_library(
    out: Annotated[
        Path, typer.Argument(help="The file to write; a folder for Serato, and for M3U8 with several playlists.")
    ],
    form: Annotated[Format, typer.Option("--format", help="The program or kind of file.")],
    catalogue: Catalogued = None,
    playlists: Annotated[
        Playlists | None, typer.Option(help="Playlists to make; by default by-style, and one with all tracks in M3U8.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Name no style that is less probable than this.")
    ] = 0.0,
    genre: Annotated[
        Genre, typer.Option(help="The genre of a track: its own, else what was heard; or always what was heard.")
    ] = Genre.OWN,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an earlier export.")] = False,
) -> None:
    """Write the collection for another program."""
    from earmark.app.catalogue import open_catalogue
    from earmark.app.exporting import export

    with open_catalogue(catalogue) as opened:
        try:
            exported = export(
                opened,
                form.value,
                out,
                playlists=playlists.value if playlists else None,
                min_confidence=min_confidence,
                heard_genres=genre is Genre.HEARD,
                replace=replace,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    for line in exported.unnamed:
        complain(line)
    if exported.unheard:
        complain(f"left out: {some(exported.unheard, 'track')} not heard; `earmark find --errors` names them")
    if exported.missing:
        complain(f"left out: {some(exported.missing, 'track')} missing; `earmark find --missing` names them")
    say(f"written: {out}: {some(exported.tracks, 'track')}")
    if exported.unnamed:
        raise typer.Exit(1)
