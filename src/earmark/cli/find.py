"""`earmark find`: look tracks up in the catalogue."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.messages import some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from earmark.library import Catalogue, Query, Track


def find(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORD]...", help="Beginnings of words in title, artist, album, genre or path."),
    ] = None,
    style: Annotated[str, typer.Option(help="The style that was heard, under any of its names.")] = "",
    family: Annotated[str, typer.Option(help="The family of styles that was heard.")] = "",
    bpm: Annotated[str, typer.Option(help="The tempo that was heard: 126, or 124-128.")] = "",
    key: Annotated[list[str] | None, typer.Option(help="The key that was heard, as 8A or Am; may be repeated.")] = None,
    genre: Annotated[str, typer.Option(help="Words of the genre tag.")] = "",
    unknown: Annotated[bool, typer.Option("--unknown", help="Only tracks unlike anything the model knows.")] = False,
    errors: Annotated[
        bool, typer.Option("--errors", help="Only files that could not be heard, or only in part.")
    ] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Only files that are gone.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The most tracks to list.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="Start after the track with this number.")] = 0,
    count: Annotated[bool, typer.Option("--count", help="Print only the number of tracks.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Print only paths, one on each line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    catalogue: Annotated[
        Path | None, typer.Option(help="The catalogue; by default $EARMARK_CATALOGUE, else the user's own.")
    ] = None,
) -> None:
    """List tracks of the catalogue, in the order in which they came into it."""
    if count + paths + as_json > 1:
        raise typer.BadParameter("--count, --paths and --json exclude each other")

    from earmark.app.catalogue import open_catalogue
    from earmark.app.query import query as query_of
    from earmark.cli import show

    with open_catalogue(catalogue) as opened:
        try:
            wanted = query_of(
                opened,
                words=" ".join(words or ()),
                genre=genre,
                style=style,
                family=family,
                bpm=bpm,
                keys=key or (),
                unknown=unknown,
                failed=errors,
                missing=missing,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if count:
            typer.echo(opened.count(wanted))
            return
        found = opened.find(wanted, after=after, limit=limit)
        if paths:
            _print_paths(found)
        elif as_json:
            typer.echo(json.dumps([track.as_json() for track in found], indent=1))
        else:
            if found:
                show.stdout().print(_table(found))
            _say_how_many(opened, wanted, found, limit)


def _print_paths(tracks: "Sequence[Track]") -> None:
    """Print paths as the bytes they are, for other programs."""
    sys.stdout.flush()
    for track in tracks:
        sys.stdout.buffer.write(os.fsencode(track.path) + b"\n")
    sys.stdout.buffer.flush()


def _table(tracks: "Sequence[Track]") -> "RenderableType":
    """Table of tracks."""
    from rich.table import Table
    from rich.text import Text

    from earmark.cli import show

    table = Table(box=None, header_style="dim")
    table.add_column("track", ratio=1, no_wrap=True, overflow="ellipsis")
    for column, width in (("style", 24), ("", 4), ("BPM", 5), ("key", 3), ("time", 7)):
        # Wide enough for what is in it; the name of a track has the rest.
        table.add_column(column, justify="left" if column == "style" else "right", no_wrap=True, min_width=width)
    colour_of = show.colours()
    for track in tracks:
        heard, tags = track.analysis, track.tags
        name = f"{tags.artist} – {tags.title}" if tags.artist and tags.title else track.path.name
        if not heard:
            table.add_row(Text.assemble(name, (f": {track.error}", "dim")))
            continue
        style, share = heard.timeline.top(1)[0]
        table.add_row(
            Text(name),
            Text("unknown", "dim") if heard.unknown else Text(style, colour_of.get(style, show.OTHER_COLOUR)),
            f"{share:.2f}",
            f"{heard.rhythm.bpm:.1f}" if heard.rhythm else "",
            heard.key.camelot() if heard.key else "",
            show.clock(heard.duration),
        )
    return table


def _say_how_many(catalogue: "Catalogue", wanted: "Query", found: "Sequence[Track]", limit: int) -> None:
    total = catalogue.count(wanted)
    line = some(total, "track")
    if len(found) == limit < total:
        line += f"; the next page: --after {found[-1].id}"
    sys.stderr.write(f"{line}\n")
