"""`earmark similar`: tracks of the catalogue that sound like some."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.messages import complain, say, some, visible
from earmark.cli.shared_options import (
    AsJson,
    Bpm,
    Catalogued,
    Family,
    Genre,
    HalfDouble,
    Keys,
    Limit,
    OnePerArtist,
    Paths,
    Playlist,
    ReplacePlaylist,
    Style,
    Variety,
    require_one_form,
)

if TYPE_CHECKING:
    from rich.text import Text

    from earmark.app.similar import Found
    from earmark.library import Track

NAME = 30  # characters of a name in a line of 80
STYLE = 24  # and of a style


def similar(
    tracks: Annotated[
        list[str],
        typer.Argument(metavar="TRACK...", help="Files, heard on the spot if need be, or words that mean one track."),
    ],
    unlike: Annotated[list[str] | None, typer.Option(help="A track that it is to be unlike; may be repeated.")] = None,
    limit: Limit = 10,
    variety: Variety = 0.0,
    one_per_artist: OnePerArtist = False,
    style: Style = "",
    family: Family = "",
    bpm: Bpm = "",
    half_double: HalfDouble = False,
    key: Keys = None,
    genre: Genre = "",
    words: Annotated[str, typer.Option(help="Only tracks that `earmark find` finds with these words.")] = "",
    m3u8: Playlist = None,
    replace: ReplacePlaylist = False,
    paths: Paths = False,
    as_json: AsJson = False,
    model: Annotated[
        str, typer.Option(help="Compare what this model heard; by default the one that most tracks were heard by.")
    ] = "",
    catalogue: Catalogued = None,
) -> None:
    """Find the tracks of the catalogue that sound most like some, and say why."""
    require_one_form(paths=paths, as_json=as_json)
    if half_double and not bpm:
        raise typer.BadParameter("--half-double goes with --bpm")

    from earmark.app.catalogue import open_catalogue
    from earmark.app.exporting import require_writable
    from earmark.app.query import query as query_of
    from earmark.app.similar import similar as similar_to

    if m3u8:
        require_writable("m3u8", m3u8, replace=replace)
    with open_catalogue(catalogue) as opened:
        try:
            wanted = query_of(
                opened,
                words=words,
                genre=genre,
                style=style,
                family=family,
                bpm=bpm,
                half_double=half_double,
                keys=key or (),
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        found = similar_to(
            opened,
            tracks,
            unlike=unlike or (),
            query=wanted,
            limit=limit,
            variety=variety,
            one_per_artist=one_per_artist,
            model=model,
        )
    print_found(found, m3u8=m3u8, paths=paths, as_json=as_json, named=len(found.seeds) > 1)


def print_found(found: "Found", *, m3u8: Path | None, paths: bool, as_json: bool, named: bool) -> None:
    """Print what was found, and write the playlist."""
    from earmark.cli.find import print_paths

    if m3u8:
        from earmark.library.exports import m3u8 as playlist

        playlist.write([*found.seeds, *(each.track for each in found.tracks)], m3u8)
    if paths:
        print_paths([each.track for each in found.tracks])
    elif as_json:
        typer.echo(json.dumps([each.as_json() for each in found.tracks], indent=1))
    else:
        show_found(found, named=named)
    if m3u8:
        complain(f"written: {m3u8}: {some(len(found.seeds) + len(found.tracks), 'track')}")


def show_found(found: "Found", *, named: bool) -> None:
    """The tracks that were asked for, and two lines for each that was found.

    Args:
        found: all these.
        named: say which track each is beside.
    """
    from rich.text import Text

    from earmark.cli import show

    console = show.stdout()
    longest = max((len(_name(each.track)) for each in found.tracks), default=0)
    wide = max(NAME, min(console.width - 80 + NAME, longest))
    for seed in found.seeds:
        console.print(Text.assemble(("like  ", "dim"), *_line(seed, wide)), no_wrap=True, overflow="ellipsis")
    if not found.tracks:
        say("nothing else in the catalogue meets the conditions")
    for each in found.tracks:
        console.print(Text.assemble((f"{each.score:4.1f}  ", "bold"), *_line(each.track, wide)))
        beside = [_name(each.seed)] if each.seed and named else []
        if why := ": ".join(filter(None, [*beside, str(each.why or "")])):
            console.print(Text(f"      {why}", "dim"), no_wrap=True, overflow="ellipsis")


def _line(track: "Track", wide: int) -> "list[Text]":
    """Name, style, tempo, key and length."""
    from rich.text import Text

    from earmark.cli import show

    name = Text(_name(track))
    name.truncate(wide, overflow="ellipsis", pad=True)
    heard = track.analysis
    if heard is None:
        return [name]
    named, share = heard.verdict()
    style = Text(named or "unknown", show.colours().get(named, show.OTHER_COLOUR) if named else "dim")
    style.truncate(STYLE, overflow="ellipsis", pad=True)
    tempo = f"{heard.rhythm.bpm:.1f}" if heard.rhythm else ""
    key = heard.key.camelot() if heard.key else ""
    return [name, Text("  "), style, Text(f" {share:.2f}  {tempo:>5}  {key:>3}")]


def _name(track: "Track") -> str:
    tags = track.tags
    return visible(f"{tags.artist} – {tags.title}" if tags.artist and tags.title else track.path.name)
