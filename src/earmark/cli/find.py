"""`earmark find`: look tracks up in the catalogue."""

import json
import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.messages import say, some, visible
from earmark.cli.shared_options import Catalogued

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, JustifyMethod, RenderableType

    from earmark.library import Catalogue, Query, Track

GAP = 2  # blanks between columns
NARROWEST = 12  # of the column of names


class Sort(StrEnum):
    """Order of the tracks."""

    ADDED = "added"
    TITLE = "title"
    ARTIST = "artist"
    PATH = "path"
    STYLE = "style"
    PROBABILITY = "probability"
    BPM = "bpm"
    KEY = "key"
    TIME = "time"


class Confidence(StrEnum):
    """Words for how sure the model is of the style."""

    SURE = "sure"
    LIKELY = "likely"
    UNSURE = "unsure"


def find(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORD]...", help="Beginnings of words in title, artist, album, genre tag, path, or what was heard."
        ),
    ] = None,
    style: Annotated[str, typer.Option(help="The style that was heard, under any of its names.")] = "",
    family: Annotated[str, typer.Option(help="The family of styles that was heard.")] = "",
    bpm: Annotated[str, typer.Option(help="The tempo that was heard: 126, or 124-128.")] = "",
    half_double: Annotated[
        bool, typer.Option("--half-double", help="With --bpm: half and double of that tempo, too.")
    ] = False,
    key: Annotated[list[str] | None, typer.Option(help="The key that was heard, as 8A or Am; may be repeated.")] = None,
    confidence: Annotated[
        Confidence | None, typer.Option(help="How sure the model is of the style that was heard.")
    ] = None,
    genre: Annotated[str, typer.Option(help="Words of the genre tag.")] = "",
    unknown: Annotated[bool, typer.Option("--unknown", help="Only tracks unlike anything the model knows.")] = False,
    errors: Annotated[
        bool, typer.Option("--errors", help="Only files that could not be heard, or only in part.")
    ] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Only files that are gone.")] = False,
    sort: Annotated[
        Sort, typer.Option(help="The order; by default that in which the tracks came into the catalogue.")
    ] = Sort.ADDED,
    reverse: Annotated[bool, typer.Option("--reverse", help="Begin at the other end.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The most tracks to list.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="Start after the track with this number.")] = 0,
    count: Annotated[bool, typer.Option("--count", help="Print only the number of tracks.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Print only paths, one on each line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    catalogue: Catalogued = None,
) -> None:
    """List the tracks of the catalogue, or those that meet all conditions."""
    if count + paths + as_json > 1:
        raise typer.BadParameter("--count, --paths and --json exclude each other")
    if half_double and not bpm:
        raise typer.BadParameter("--half-double goes with --bpm")

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
                half_double=half_double,
                keys=key or (),
                confidence=confidence or "",
                unknown=unknown,
                failed=errors,
                missing=missing,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if count:
            typer.echo(opened.count(wanted))
            return
        found = opened.find(wanted, after=after, limit=limit, sort=sort.value, descending=reverse)
        if paths:
            print_paths(found)
        elif as_json:
            typer.echo(json.dumps([track.as_json() for track in found], indent=1))
        else:
            heard = [] if errors else [track for track in found if track.analysis]
            if heard:
                show.stdout().print(_table(heard, show.stdout()))
            _list_errors([track for track in found if errors or not track.analysis], heading=bool(heard))
            _say_how_many(opened, wanted, found, limit)


def print_paths(tracks: "Sequence[Track]") -> None:
    """Print paths as the bytes they are, for other programs; on a terminal, visible."""
    if sys.stdout.isatty():
        for track in tracks:
            say(track.path)
        return
    sys.stdout.flush()
    for track in tracks:
        sys.stdout.buffer.write(os.fsencode(track.path) + b"\n")
    sys.stdout.buffer.flush()


def _table(tracks: "Sequence[Track]", console: "Console") -> "RenderableType":
    """Table of tracks that were heard; on a terminal, the name of a track has the room that the other columns leave."""
    from rich.table import Table
    from rich.text import Text

    from earmark.cli import show
    from earmark.cli.answer import clock

    colour_of = show.colours()
    rows = []
    for track in tracks:
        heard, tags = track.analysis, track.tags
        if not heard:
            continue
        named, share = heard.verdict()
        rows.append(
            (
                Text(visible(f"{tags.artist} – {tags.title}" if tags.artist and tags.title else track.path.name)),
                Text(named, colour_of.get(named, show.OTHER_COLOUR)) if named else Text("unknown", "dim"),
                Text(f"{share:.2f}"),
                Text(f"{heard.rhythm.bpm:.1f}" if heard.rhythm else ""),
                Text(heard.key.camelot() if heard.key else ""),
                Text(clock(heard.duration)),
            )
        )
    columns = ("track", "style", "", "BPM", "key", "time")
    widths = [max(len(name), *(row[column].cell_len for row in rows)) for column, name in enumerate(columns)]
    room = console.width - sum(widths[1:]) - GAP * len(columns)
    table = Table(box=None, header_style="dim", padding=(0, GAP, 0, 0), pad_edge=False)
    for name, width in zip(columns, (min(widths[0], max(room, NARROWEST)), *widths[1:]), strict=True):
        justify: JustifyMethod = "left" if name in ("track", "style") else "right"
        table.add_column(name, justify=justify, width=width, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*row)
    return table


def _list_errors(tracks: "Sequence[Track]", *, heading: bool) -> None:
    """One line for each file: what is wrong with it."""
    if heading and tracks:
        say("")
        say("not heard:")
    for track in tracks:
        say(f"{track.path}: {track.error or 'not heard yet'}")


def _say_how_many(catalogue: "Catalogue", wanted: "Query", found: "Sequence[Track]", limit: int) -> None:
    total = catalogue.count(wanted)
    line = some(total, "track")
    if len(found) == limit < total:
        line += f"; the next page: --after {found[-1].id}"
    sys.stderr.write(f"{line}\n")
