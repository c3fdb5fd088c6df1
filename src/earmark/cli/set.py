"""`earmark set`: a set from a track to another one, or to a style, with a reason for each step."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.export_library import Format
from earmark.cli.messages import complain, some, visible
from earmark.cli.numbers import finite
from earmark.cli.shared_options import Catalogued

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from earmark.app.sets import MadeSet
    from earmark.dj.sets import Step


class Energy(StrEnum):
    """Course of the energy, as `dj.course.Energy` has them."""

    FREE = "free"
    HOLD = "hold"
    RISE = "rise"
    FALL = "fall"
    PEAK = "peak"


def make_set(
    start: Annotated[
        str, typer.Option("--from", help="The first track: a path, or words that it alone has; or a style.")
    ],
    goal: Annotated[str, typer.Option("--to", help="The last track, or the style to arrive at.")] = "",
    minutes: Annotated[
        float, typer.Option(min=0, callback=finite, help="The length; by default 60, unless --tracks is given.")
    ] = 0,
    tracks: Annotated[int, typer.Option(min=0, help="The number of tracks, in place of a length.")] = 0,
    play: Annotated[list[str] | None, typer.Option(help="A track that must be in it; may be repeated.")] = None,
    avoid: Annotated[
        list[str] | None, typer.Option(help="A track, or words of tracks, to leave out; may be repeated.")
    ] = None,
    among: Annotated[str, typer.Option(help="Choose only among tracks with these words, as in `earmark find`.")] = "",
    bpm: Annotated[str, typer.Option(help="Choose only among tracks of this tempo: 126, or 124-128.")] = "",
    family: Annotated[str, typer.Option(help="Choose only among tracks of this family of styles.")] = "",
    energy: Annotated[
        Energy, typer.Option(help="The course of the energy; free: from that of --from to that of --to.")
    ] = Energy.FREE,
    repeat_artists: Annotated[
        bool, typer.Option("--repeat-artists", help="Allow several tracks of one artist.")
    ] = False,
    variety: Annotated[
        float,
        typer.Option(min=0, callback=finite, help="How much chance may cost: 0 always gives the same set, 1 is a lot."),
    ] = 0,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed of the chance, to have the same set again.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="A TOML file with weights of your own; see docs/sets.md.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the set to this file, too.")] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="The format of that file; by default by its suffix.")
    ] = None,
    name: Annotated[str, typer.Option(help="The name of the playlist in that file.")] = "earmark set",
    picture: Annotated[
        Path | None, typer.Option(help="Draw the set into this SVG file: tracks, tempo, energy, journey, keys.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an earlier file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    catalogue: Catalogued = None,
) -> None:
    """Plan a set of tracks of the catalogue, each with the reasons why it follows the one before it."""
    if minutes and tracks:
        raise typer.BadParameter("--minutes and --tracks exclude each other")

    from earmark.app.catalogue import open_catalogue
    from earmark.app.exporting import form_of, require_free, require_writable
    from earmark.app.query import query
    from earmark.app.sets import draw_set, export_set
    from earmark.app.sets import make_set as make

    with open_catalogue(catalogue) as opened:
        try:
            chosen = form.value if form else form_of(out) if out else ""
            if out:
                require_writable(chosen, out, replace=replace)
            if picture:
                require_free(picture, replace=replace)
            if out and out == picture:
                raise typer.BadParameter("--out and --picture cannot be the same file")
            made = make(
                opened,
                start,
                goal,
                minutes=minutes or (0 if tracks else 60),
                tracks=tracks,
                play=play or (),
                avoid=avoid or (),
                query=query(opened, words=among, bpm=bpm, family=family),
                repeat_artists=repeat_artists,
                energy=energy.value,
                variety=variety,
                seed=seed,
                weights=weights,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if out:
            export_set(opened, made.steps, chosen, out, name, replace=replace)
        if picture:
            draw_set(made, picture, replace=replace)
    if as_json:
        typer.echo(json.dumps(made.as_json(), indent=1))
    else:
        from earmark.cli import show

        show.stdout().print(table(made.steps))
        sys.stderr.write(f"{_summary(made)}\n")
    if written := [str(path) for path in (out, picture) if path]:
        complain(f"written: {', '.join(written)}")


def table(steps: "Sequence[Step]") -> "RenderableType":
    """The tracks of a set, and under each the reasons."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from earmark.cli import show
    from earmark.cli.answer import clock

    colour_of = show.colours()
    lines: list[RenderableType] = []
    for number, step in enumerate(steps, 1):
        track = step.track
        style = track.style()
        head = Text.assemble(
            (f"{number:>3}  {clock(step.start):>7}  ", "dim"),
            (visible(track.name()), "bold"),
            "  ",
            (track.verdict(), colour_of.get(style, show.OTHER_COLOUR)),
        )
        about = Text("  ".join([*_values(step), "; ".join(step.reasons)]), "dim")
        lines += [head, Padding(about, (0, 0, 0, 14), expand=False)]
    return Group(*lines)


def _values(step: "Step") -> list[str]:
    track = step.track
    return [
        *([f"{track.bpm:.1f} BPM"] if track.bpm else []),
        *([track.camelot] if track.camelot else []),
        *([f"energy {1 + round(9 * track.energy)}"] if track.energy is not None else []),
    ]


def _summary(made: "MadeSet") -> str:
    from earmark.cli.answer import clock

    found = "no cheaper one of so many exists" if made.plan.exact else "the best that was found"
    chance = f"; --seed {made.seed} gives it again" if made.seed is not None else ""
    length = "" if made.plan.as_long_as_asked else f"; none nearer to the {clock(made.plan.asked)} asked for was found"
    tracks = some(len(made.steps), "track")
    return f"{tracks}, {clock(made.plan.seconds)}{length}; cost {made.plan.cost:.2f}, {found}{chance}"
