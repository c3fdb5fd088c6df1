"""`earmark find`: look tracks up in the catalogue."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from earmark.library import Catalogue, Query, Track

KEYS = {f"{number}{letter}" for number in range(1, 13) for letter in "AB"}


def find(
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORD]...", help="Beginnings of words in title, artist, album, genre or path."),
    ] = None,
    style: Annotated[str, typer.Option(help="The style that was heard, under any of its names.")] = "",
    family: Annotated[str, typer.Option(help="The family of styles that was heard.")] = "",
    bpm: Annotated[str, typer.Option(help="The tempo that was heard: 126, or 124-128.")] = "",
    key: Annotated[list[str] | None, typer.Option(help="The key that was heard, as 8A or Am; may be repeated.")] = None,
    genre: Annotated[str, typer.Option(help="Words of the genre tag.")] = "",
    unknown: Annotated[bool, typer.Option("--unknown", help="What is like nothing that the model knows.")] = False,
    errors: Annotated[bool, typer.Option("--errors", help="What could not be heard, or not read whole.")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="What has vanished.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="Go on after the track with this number.")] = 0,
    count: Annotated[bool, typer.Option("--count", help="Print only how many there are.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Print only paths, one on each line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    catalogue: Annotated[
        Path | None, typer.Option(help="The catalogue; by default $EARMARK_CATALOGUE, else the user's own.")
    ] = None,
) -> None:
    """List tracks of the catalogue, in the order in which they came into it."""
    if count + paths + as_json > 1:
        raise typer.BadParameter("--count, --paths and --json exclude each other")

    from earmark.cli import show
    from earmark.cli.catalogue import open_catalogue
    from earmark.library import Query

    with open_catalogue(catalogue) as opened:
        families = opened.families()
        wanted = Query(
            words=" ".join(query or ()),
            genre=genre,
            style=_style(style, families),
            family=_family(family, families),
            bpm=_tempo(bpm),
            keys=tuple(_camelot(each) for each in key or ()),
            unknown=unknown,
            failed=errors,
            missing=missing,
        )
        if count:
            typer.echo(opened.count(wanted))
            return
        found = opened.find(wanted, after=after, limit=limit)
        if paths:
            _print_paths(found)
        elif as_json:
            typer.echo(json.dumps([as_object(track) for track in found], indent=1))
        else:
            if found:
                show.stdout().print(_table(found))
            _say_how_many(opened, wanted, found, limit)


def as_object(track: "Track") -> dict[str, Any]:
    """A track as it stands in JSON; what was heard is null where nothing was."""
    from earmark.cli.listen import as_object as heard_object

    return {
        "id": track.id,
        "path": str(track.path),
        "missing": track.missing,
        "error": track.error,
        "fingerprint": track.fingerprint,
        "tags": vars(track.tags),
        "heard": heard_object(track.analysis, 3) if track.analysis else None,
    }


def _style(name: str, families: "Mapping[str, str]") -> str:
    """The style that is meant by a name: one that a model of this catalogue knows."""
    from earmark.errors import EarmarkError
    from earmark.styles import from_tag

    if not name:
        return ""
    known = {style.casefold(): style for style in families}
    meant = [style.label for style in from_tag(name) if style.label in families]
    if name.casefold() in known:
        return known[name.casefold()]
    if len(meant) == 1:
        return meant[0]
    raise EarmarkError(f"no style of this catalogue is called {name!r}; there are: {', '.join(families) or 'none'}")


def _family(name: str, families: "Mapping[str, str]") -> str:
    from earmark.errors import EarmarkError

    known = {family.casefold(): family for family in families.values()}
    if name and name.casefold() not in known:
        raise EarmarkError(f"no family of this catalogue is called {name!r}; there are: {', '.join(known.values())}")
    return known[name.casefold()] if name else ""


def _tempo(text: str) -> tuple[float, float] | None:
    """A range of tempos; a whole number alone means all that are rounded to it."""
    if not text:
        return None
    low, dash, high = text.replace("–", "-").partition("-")
    try:
        if dash:
            return float(low), float(high)
        tempo = float(low)
        return (tempo, tempo) if "." in low else (tempo - 0.5, tempo + 0.4)
    except ValueError:
        raise typer.BadParameter(
            f"--bpm is {text!r}, but must be a tempo such as 126, or a range such as 124-128"
        ) from None


def _camelot(text: str) -> str:
    """A key in Camelot's notation, given so or by its name."""
    from earmark.analysis import TONICS, Key

    named = {
        Key(tonic, minor, 1).name(): Key(tonic, minor, 1).camelot() for tonic in range(12) for minor in (False, True)
    }
    sharps = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb"}
    name = text[:1].upper() + text[1:]
    name = sharps.get(name[:2], name[:2]) + name[2:]
    if text.upper() in KEYS:
        return text.upper()
    if name in named:
        return named[name]
    raise typer.BadParameter(
        f"--key is {text!r}, but must be such as 8A, or Am: one of {', '.join(TONICS)}, with m for minor"
    )


def _print_paths(tracks: "Sequence[Track]") -> None:
    """Print paths as the bytes they are, for other programs."""
    sys.stdout.flush()
    for track in tracks:
        sys.stdout.buffer.write(os.fsencode(track.path) + b"\n")
    sys.stdout.buffer.flush()


def _table(tracks: "Sequence[Track]") -> "RenderableType":
    """What a person sees."""
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
    line = f"{total:,} tracks" if total != 1 else "1 track"
    if len(found) == limit < total:
        line += f"; the next page: --after {found[-1].id}"
    sys.stderr.write(f"{line}\n")
