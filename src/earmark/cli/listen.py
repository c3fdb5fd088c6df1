"""`earmark listen`: which style is it, how fast, in which key, how loud?"""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.hint import TeachingHint, hint_at_model
from earmark.cli.messages import TerminalSafe, complain
from earmark.cli.numbers import finite

if TYPE_CHECKING:
    from earmark.analysis import Analysis
    from earmark.errors import FileError
    from earmark.runner import Outcome


class Form(StrEnum):
    """Form of the results."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Windows(StrEnum):
    """Windows of a file to hear."""

    ALL = "all"
    ORIGINAL = "original"


def listen(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH...", help="Audio files, folders, patterns; - reads a list from stdin."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many styles to name.")] = 3,
    timeline: Annotated[bool, typer.Option("--timeline", help="Show the styles along the track.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Print one line for each file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line for each file.")] = False,
    detail: Annotated[
        bool, typer.Option("--detail", help="With --json: add every beat, and the loudness of every second.")
    ] = False,
    model: Annotated[
        str, typer.Option(help="A model's name or folder; best: the strongest that is there.")
    ] = "house12",
    fast: Annotated[
        bool, typer.Option("--fast", help="Hear three excerpts of each file only; no tempo, key or loudness then.")
    ] = False,
    windows: Annotated[
        Windows, typer.Option(help="Hear all of each file, or ten pieces as one batch, as the 2018 system did.")
    ] = Windows.ALL,
    workers: Annotated[int, typer.Option(min=0, help="Number of processes; 0 for automatic.")] = 0,
    live: Annotated[
        bool, typer.Option("--live", help="Hear what plays: PCM (f32le) from a pipe, else the line input.")
    ] = False,
    rate: Annotated[int, typer.Option(min=8000, max=384_000, help="With --live: the sample rate in Hz.")] = 44_100,
    channels: Annotated[int, typer.Option(min=1, max=64, help="With --live: the number of channels.")] = 2,
    every: Annotated[
        float, typer.Option(min=1, max=60, callback=finite, help="With --live: seconds from one answer to the next.")
    ] = 3.0,
    device: Annotated[
        str, typer.Option(help="With --live: the name or number of a sound device, in place of a pipe.")
    ] = "",
) -> None:
    """Say which style each file is, with probabilities; its tempo, key and loudness."""
    of_files = any((paths, timeline, brief, as_csv, detail, fast, workers, windows is not Windows.ALL))
    if _is_live(live=live, paths=paths, of_files=of_files):
        _listen_live(top, model, rate=rate, channels=channels, every=every, device=device, as_json=as_json)
        return
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    if brief and (timeline or as_json or as_csv):
        raise typer.BadParameter("--brief excludes --timeline, --json and --csv")
    if detail and not as_json:
        raise typer.BadParameter("--detail goes with --json")
    original = windows is Windows.ORIGINAL
    if fast and original:
        raise typer.BadParameter("--fast and --windows original exclude each other")
    form = Form.JSON if as_json else Form.CSV if as_csv else Form.TABLE

    from earmark.app.listening import hear
    from earmark.app.progress import unseen
    from earmark.cli.progress import counted_progress

    # On a terminal a bar and a table can take turns; lines of JSON or CSV would run into the bar.
    progress = unseen if form is not Form.TABLE and sys.stdout.isatty() else counted_progress
    outcomes = hear(_expand(paths or ()), model, fast=fast, original=original, workers=workers, progress=progress)
    failures: list[FileError] = []
    hint = TeachingHint()
    heard = _heard(outcomes, failures, hint)
    if form is Form.TABLE:
        _print_table(heard, top, timeline=timeline, brief=brief)
    elif form is Form.JSON:
        _print_json(heard, top, detail=detail)
    else:
        _print_csv(heard, top)
    hint.give()
    hint_at_model(model)
    if failures:
        raise typer.Exit(1)


def _is_live(*, live: bool, paths: list[str] | None, of_files: bool) -> bool:
    """Whether to listen to what plays; either that, or files must be given."""
    if live and of_files:
        raise typer.BadParameter("--live goes with --top, --json, --model and the options of live sound only")
    if not live and not paths:
        raise typer.BadParameter("there is nothing to listen to: give files or folders, or --live")
    return live


def _listen_live(top: int, model: str, *, rate: int, channels: int, every: float, device: str, as_json: bool) -> None:
    """Print an answer every few seconds; the pipe counts where there is one and no device is named."""
    from earmark.app.live import listen_live
    from earmark.cli import show
    from earmark.errors import EarmarkError

    piped = not device and not sys.stdin.isatty()
    source = sys.stdin.buffer if piped else None
    moment = None
    for moment in listen_live(source, model, rate=rate, channels=channels, device=device, every=every):
        if as_json:
            typer.echo(json.dumps(moment.as_json(top)))
            sys.stdout.flush()
        else:
            show.stdout().print(show.moment(moment, top))
    if moment is None:
        raise EarmarkError("the pipe ended before there was a second of sound")


def _expand(paths: Iterable[str]) -> Iterator[str]:
    """The arguments, with the lines of standard input in place of "-"."""
    for path in paths:
        if path == "-":
            yield from filter(None, (line.rstrip("\r\n") for line in sys.stdin))
        else:
            yield path


def _heard(
    outcomes: "Iterable[Outcome[Analysis]]", failures: "list[FileError]", hint: TeachingHint
) -> "Iterator[Analysis]":
    """Pass on, and note, what was heard; say on standard error, and note, what could not be."""
    from earmark.errors import FileError

    for outcome in outcomes:
        if isinstance(outcome, FileError):
            failures.append(outcome)
            complain(outcome)
            continue
        for warning in outcome.warnings:
            complain(f"{outcome.path}: warning: {warning}")
        hint.note(outcome)
        yield outcome


def _print_table(heard: "Iterable[Analysis]", top: int, *, timeline: bool, brief: bool) -> None:
    for analysis in heard:
        from earmark.cli import answer

        if answer.for_terminal():
            from earmark.cli import show  # with the first answer: what rich takes is memory that hearing has left

            show.stdout().print(show.brief(analysis) if brief else show.analysis(analysis, top, timeline=timeline))
        else:
            sys.stdout.write(answer.line(analysis) if brief else answer.text(analysis, top, timeline=timeline))
            sys.stdout.flush()


def _print_json(heard: "Iterable[Analysis]", top: int, *, detail: bool) -> None:
    """Print each object as soon as it is there; the array is closed even if Ctrl-C comes in between."""
    typer.echo("[", nl=False)
    separator = "\n"
    try:
        for analysis in heard:
            typer.echo(separator + json.dumps(analysis.as_json(top=top, detail=detail)), nl=False)
            separator = ",\n"
    finally:
        typer.echo("\n]")


def _print_csv(heard: "Iterable[Analysis]", top: int) -> None:
    writer = csv.writer(TerminalSafe(), lineterminator="\n")
    ranks = [name for rank in range(1, top + 1) for name in (f"style_{rank}", f"probability_{rank}")]
    music = ["bpm", "key", "camelot", "lufs"]
    writer.writerow(
        ["path", "duration", "family", "family_probability", "unknown", *ranks, *music, "model", "warnings"]
    )
    for analysis in heard:
        found = analysis.as_json(top=top)
        rhythm, key, loudness = (found[part] or {} for part in ("rhythm", "key", "loudness"))
        styles = [cell for each in found["styles"] for cell in each.values()]
        writer.writerow(
            [
                found["path"],
                found["duration"],
                *found["family"].values(),
                found["unknown"],
                *styles,
                *[""] * (2 * top - len(styles)),  # a model may have fewer styles
                rhythm.get("bpm", ""),
                key.get("name", ""),
                key.get("camelot", ""),
                loudness.get("integrated", ""),
                found["model"],
                "; ".join(found["warnings"]),
            ],
        )
        sys.stdout.flush()
