"""`earmark listen`: which style is it, how fast, in which key, how loud?"""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from earmark.analysis import Analysis, Key, Loudness, Rhythm
    from earmark.errors import UnreadableAudio
    from earmark.hearing import Listener
    from earmark.runner import Outcome


class Form(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Windows(StrEnum):
    """Which windows of a file are heard."""

    ALL = "all"
    ORIGINAL = "original"


def listen(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Audio files, folders, patterns; - reads a list from stdin.")
    ],
    top: Annotated[int, typer.Option(min=1, help="How many styles to name.")] = 3,
    timeline: Annotated[bool, typer.Option("--timeline", help="Show the styles along the track.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line for each file.")] = False,
    detail: Annotated[
        bool, typer.Option("--detail", help="With --json: add every beat, and the loudness of every second.")
    ] = False,
    model: Annotated[str, typer.Option(help="A model's name or folder.")] = "house12",
    fast: Annotated[
        bool, typer.Option("--fast", help="Hear three excerpts of each file only; no tempo, key or loudness then.")
    ] = False,
    windows: Annotated[
        Windows, typer.Option(help="Hear all of each file, or ten pieces as one batch, as the 2018 system did.")
    ] = Windows.ALL,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 chooses.")] = 0,
) -> None:
    """Say which style each file is, with probabilities; its tempo, key and loudness."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    if detail and not as_json:
        raise typer.BadParameter("--detail goes with --json")
    original = windows is Windows.ORIGINAL
    if fast and original:
        raise typer.BadParameter("--fast and --windows original exclude each other")
    form = Form.JSON if as_json else Form.CSV if as_csv else Form.TABLE

    from earmark.errors import UnreadableAudio
    from earmark.runner import gather, run_all, sensible_workers

    found = list(gather(_expand(paths)))
    files = [path for path in found if isinstance(path, Path)]
    open_task = partial(open_listener, model, fast=fast, original=original)
    outcomes = run_all(files, open_task, workers or sensible_workers(len(files)))
    failures: list[UnreadableAudio] = []
    misses = [path for path in found if isinstance(path, UnreadableAudio)]
    # On a terminal a bar and a table can take turns; lines of JSON or CSV would run into the bar.
    if len(files) > 1 and sys.stderr.isatty() and (form is Form.TABLE or not sys.stdout.isatty()):
        outcomes = _with_progress(outcomes, len(files))
    heard = _heard(chain(misses, outcomes), failures)
    if form is Form.TABLE:
        _print_table(heard, top, timeline=timeline)
    elif form is Form.JSON:
        _print_json(heard, top, detail=detail)
    else:
        _print_csv(heard, top)
    if failures:
        raise typer.Exit(1)


def open_listener(model: str, *, fast: bool, original: bool = False) -> "Listener":
    """Open the model; called in each worker process."""
    from earmark.hearing import Listener, Model

    return Listener(Model.open(model), fast=fast, original=original)


def _expand(paths: Iterable[str]) -> Iterator[str]:
    """The arguments, with the lines of standard input in place of "-"."""
    for path in paths:
        if path == "-":
            yield from filter(None, (line.rstrip("\r\n") for line in sys.stdin))
        else:
            yield path


def _heard(outcomes: "Iterable[Outcome[Analysis]]", failures: "list[UnreadableAudio]") -> "Iterator[Analysis]":
    """Pass on what was heard; say on standard error, and note, what could not be."""
    from earmark.errors import UnreadableAudio

    for outcome in outcomes:
        if isinstance(outcome, UnreadableAudio):
            failures.append(outcome)
            _complain(str(outcome))
            continue
        for warning in outcome.warnings:
            _complain(f"{outcome.path}: warning: {warning}")
        yield outcome


def _complain(line: str) -> None:
    """Print a line on standard error; not by typer, which would write past the progress bar and into it."""
    sys.stderr.write(f"earmark: {line}\n")


def _with_progress(outcomes: "Iterator[Outcome[Analysis]]", total: int) -> "Iterator[Outcome[Analysis]]":
    """Show on a terminal how many files are done, at which rate, and how long the rest will take."""
    from earmark.cli.progress import counted_progress

    with counted_progress(total, "files") as advance:
        for outcome in outcomes:
            advance()
            yield outcome


def _print_table(heard: "Iterable[Analysis]", top: int, *, timeline: bool) -> None:
    from earmark.cli import show

    console = show.stdout()
    for analysis in heard:
        console.print(show.analysis(analysis, top, timeline=timeline))


def as_object(analysis: "Analysis", top: int, *, detail: bool = False) -> dict[str, Any]:
    """An analysis as it stands in JSON; times in seconds; with every beat and the loudness of every second or not."""
    family, share = analysis.family()
    return {
        "path": str(analysis.path),
        "duration": round(analysis.duration, 3),
        "styles": [{"style": style, "probability": _short(part)} for style, part in analysis.timeline.top(top)],
        "family": {"family": family, "probability": _short(share)},
        "unknown": analysis.unknown,
        "segments": [
            {
                "start": round(part.start, 3),
                "end": round(part.end, 3),
                "style": part.style,
                "probability": _short(part.probability),
            }
            for part in analysis.timeline.segments()
        ],
        "rhythm": _rhythm(analysis.rhythm, detail=detail) if analysis.rhythm else None,
        "key": _key(analysis.key) if analysis.key else None,
        "loudness": _loudness(analysis.loudness, detail=detail) if analysis.loudness else None,
        "model": analysis.model,
        "warnings": list(analysis.warnings),
    }


def _rhythm(rhythm: "Rhythm", *, detail: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "bpm": round(rhythm.bpm, 3),
        "confidence": _short(rhythm.confidence),
        "drift": round(rhythm.drift, 3),
        "first_downbeat": round(float(rhythm.downbeats[0]), 4) if rhythm.downbeats.size else None,
    }
    if detail:
        found |= {"beats": rhythm.beats.round(4).tolist(), "downbeats": rhythm.downbeats.round(4).tolist()}
    return found


def _key(key: "Key") -> dict[str, Any]:
    return {"name": key.name(), "camelot": key.camelot(), "confidence": _short(key.confidence)}


def _loudness(loudness: "Loudness", *, detail: bool) -> dict[str, Any]:
    measured: dict[str, Any] = {
        "integrated": round(loudness.integrated, 2),
        "range": round(loudness.range, 2),
        "true_peak": round(loudness.true_peak, 2),
    }
    if detail:
        measured["curve"] = [round(level, 1) for level in loudness.curve.tolist()]
    return measured


def _short(probability: float) -> float:
    return round(probability, 4)


def _print_json(heard: "Iterable[Analysis]", top: int, *, detail: bool) -> None:
    """Print each object as soon as it is there; the array is closed even if Ctrl-C comes in between."""
    typer.echo("[", nl=False)
    separator = "\n"
    try:
        for analysis in heard:
            typer.echo(separator + json.dumps(as_object(analysis, top, detail=detail)), nl=False)
            separator = ",\n"
    finally:
        typer.echo("\n]")


def _print_csv(heard: "Iterable[Analysis]", top: int) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    ranks = [name for rank in range(1, top + 1) for name in (f"style_{rank}", f"probability_{rank}")]
    music = ["bpm", "key", "camelot", "lufs"]
    writer.writerow(
        ["path", "duration", "family", "family_probability", "unknown", *ranks, *music, "model", "warnings"]
    )
    for analysis in heard:
        styles = [(style, _short(share)) for style, share in analysis.timeline.top(top)]
        cells = [*chain.from_iterable(styles), *[""] * (2 * (top - len(styles)))]  # a model may have fewer styles
        family, share = analysis.family()
        writer.writerow(
            [
                analysis.path,
                round(analysis.duration, 3),
                family,
                _short(share),
                analysis.unknown,
                *cells,
                round(analysis.rhythm.bpm, 3) if analysis.rhythm else "",
                analysis.key.name() if analysis.key else "",
                analysis.key.camelot() if analysis.key else "",
                round(analysis.loudness.integrated, 2) if analysis.loudness else "",
                analysis.model,
                "; ".join(analysis.warnings),
            ],
        )
        sys.stdout.flush()
