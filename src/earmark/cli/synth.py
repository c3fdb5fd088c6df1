"""`earmark synth`: music of our own, with known truth."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import say

app = typer.Typer(help="Render electronic music with known truth.", no_args_is_help=True)


@app.command()
def corpus(
    out: Annotated[Path, typer.Argument(help="The folder to write; an interrupted corpus is continued.")],
    per_style: Annotated[int, typer.Option(min=1, help="Tracks of each of the twelve styles.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other tracks by the same artists.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    seconds: Annotated[float, typer.Option(min=1, help="Length of a track.")] = 30.0,
    artists: Annotated[int, typer.Option(min=1, help="Artists of each style, each with sounds of their own.")] = 20,
    suffix: Annotated[str, typer.Option(help=".opus, .mp3, .flac or .wav")] = ".opus",
    follow: Annotated[
        Path | None, typer.Option(help="Folder of the measured tables: each track follows a row of its style.")
    ] = None,
) -> None:
    """Render a folder of tracks for each style, with truth files and a manifest (path, style, artist, split)."""
    from earmark.cli.progress import counted_progress
    from earmark.synth.corpus import render_corpus
    from earmark.synth.encoding import CODECS
    from earmark.synth.recipes import STYLES

    if suffix not in CODECS:
        raise typer.BadParameter(f"{suffix} is not one of {', '.join(CODECS)}", param_hint="--suffix")
    rows = None
    if follow:
        from earmark.recipes.house12.tables import measured

        rows = measured(follow)
    tracks = render_corpus(out, per_style, seed, workers, seconds=seconds, artists=artists, suffix=suffix, follow=rows)
    rendered = 0
    with counted_progress(per_style * len(STYLES), "tracks") as advance:
        for track in tracks:
            rendered += track.rendered
            advance()
    say(f"{out}: {rendered} tracks rendered, manifest.csv written")
