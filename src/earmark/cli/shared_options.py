"""Options that several commands have, each said once."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from earmark.cli.numbers import finite

Catalogued: TypeAlias = Annotated[
    Path | None,
    typer.Option("--catalogue", help="The catalogue; by default $EARMARK_CATALOGUE, else the user's own."),
]

# Conditions of the tracks that are chosen.
Style: TypeAlias = Annotated[
    str, typer.Option("--style", help="Only tracks heard as this style, under any of its names.")
]
Family: TypeAlias = Annotated[str, typer.Option("--family", help="Only tracks of this family of styles.")]
Bpm: TypeAlias = Annotated[str, typer.Option("--bpm", help="Only tracks of this tempo: 126, or 124-128.")]
HalfDouble: TypeAlias = Annotated[
    bool, typer.Option("--half-double", help="With --bpm: half and double of that tempo, too.")
]
Keys: TypeAlias = Annotated[
    list[str] | None, typer.Option("--key", help="Only tracks in this key, 8A or Am; may be repeated.")
]
Genre: TypeAlias = Annotated[str, typer.Option("--genre", help="Only tracks with these words in the genre tag.")]
OnePerArtist: TypeAlias = Annotated[bool, typer.Option("--one-per-artist", help="No artist twice.")]

# What is printed and written.
Limit: TypeAlias = Annotated[int, typer.Option("--limit", min=1, help="The most tracks to list.")]
Variety: TypeAlias = Annotated[
    float,
    typer.Option(
        "--variety",
        min=0,
        max=1,
        callback=finite,
        help="0: the best first; the higher, the more they differ from each other.",
    ),
]
Playlist: TypeAlias = Annotated[
    Path | None, typer.Option("--m3u8", help="Write a playlist: the tracks that were named, then those found.")
]
ReplacePlaylist: TypeAlias = Annotated[bool, typer.Option("--replace", help="Overwrite an earlier playlist.")]
Paths: TypeAlias = Annotated[bool, typer.Option("--paths", help="Print only paths, one on each line.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON array.")]


def require_one_form(*, paths: bool, as_json: bool) -> None:
    """Refuse two forms of one answer.

    Raises:
        BadParameter: both were asked for.
    """
    if paths and as_json:
        raise typer.BadParameter("--paths and --json exclude each other")
