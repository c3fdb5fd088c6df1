"""`earmark mix`: a set as one mix."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import complain, say, some
from earmark.cli.numbers import finite


def mix(
    tracks: Annotated[
        list[str],
        typer.Argument(metavar="SET...", help="A playlist, what `earmark set` wrote, or files in their order."),
    ],
    out: Annotated[Path, typer.Argument(help="The file to write: .flac, .wav, .mp3 or .opus.")],
    technique: Annotated[
        str, typer.Option(help="One way to go over for all: blend, swap, cut ...; by default the styles decide.")
    ] = "",
    loudness: Annotated[
        float, typer.Option(min=-40, max=0, callback=finite, help="Of the loud parts of each track, in LUFS.")
    ] = -14.0,
    catalogue: Annotated[
        Path | None, typer.Option(help="Where the tracks are looked up; by default in your own, else they are heard.")
    ] = None,
    model: Annotated[str, typer.Option(help="Hear the tracks with this model, and look nothing up.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Number of processes that hear; 0 for automatic.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an earlier mix.")] = False,
) -> None:
    """Mix tracks into one file, beat on beat, with a cue sheet, a picture and a list of every decision beside it."""
    from earmark.app import mixing
    from earmark.cli.progress import counted_progress, titled_progress

    mixed = mixing.mix(
        tracks,
        out,
        catalogue=catalogue,
        model=model,
        technique=technique,
        loudness=loudness,
        replace=replace,
        workers=workers,
        counting=counted_progress,
        staging=titled_progress,
    )
    for failure in mixed.failures:
        complain(f"left out: {failure}")
    for playback in mixed.mix.playbacks:
        say(f"{_clock(playback.at)}  {playback.deck.name}")
        if playback.went:
            say(f"{_clock(playback.went_at)}    {playback.went.reason}")
    length = _clock(mixed.mix.seconds).lstrip()
    say(f"written: {', '.join(map(str, mixed.files))}: {some(len(mixed.mix.playbacks), 'track')}, {length}")
    if mixed.failures:
        raise typer.Exit(1)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:3d}:{int(seconds) % 60:02d}"
