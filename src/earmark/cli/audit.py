"""`earmark audit`: genre tags that disagree with what was heard, and the same recording more than once."""

import csv
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from earmark.library.audit import GenreAudit
    from earmark.library.duplicates import Copies, Outcome
    from earmark.library.track import Track

COLUMNS = ("finding", "path", "tag", "heard", "probability", "family", "same_family", "certainty", "group", "count")


def audit(
    catalogue: Annotated[
        Path | None, typer.Option(help="The catalogue; by default $EARMARK_CATALOGUE, else the user's own.")
    ] = None,
    genres: Annotated[bool, typer.Option(help="Compare genre tags with what was heard.")] = True,
    duplicates: Annotated[bool, typer.Option(help="Look for the same recording; decodes what may be one.")] = True,
    min_certainty: Annotated[
        float, typer.Option(min=0, max=1, help="Only tags that are wrong with at least this certainty.")
    ] = 0.5,
    top: Annotated[int, typer.Option(min=1, help="How many of each the table shows; --json and --csv hold all.")] = 25,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line for each finding.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes that decode; 0 chooses.")] = 0,
) -> None:
    """Find genre tags that disagree with what was heard, the surest first, and duplicates."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")

    from dataclasses import replace

    from earmark.cli.catalogue import open_catalogue
    from earmark.library.audit import audit_genres

    found, copies, failed = None, None, False
    with open_catalogue(catalogue) as opened:
        if genres:
            found = audit_genres(opened.tracks())
            sure = tuple(each for each in found.disagreements if each.certainty >= min_certainty)
            found = replace(found, disagreements=sure)
        if duplicates:
            copies, failed = _copies(opened.tracks(), workers)
    if as_json:
        typer.echo(json.dumps(as_object(found, copies), indent=2))
    elif as_csv:
        _print_csv(found, copies)
    else:
        _print_table(found, copies, top)
    if failed:
        raise typer.Exit(1)


def _copies(tracks: "Iterable[Track]", workers: int) -> "tuple[list[Copies], bool]":
    """What is there more than once, and whether a file could not be decoded, which is said on standard error."""
    from earmark.errors import UnreadableAudio
    from earmark.library.duplicates import find_copies

    copies, failed = [], False
    for outcome in find_copies(tracks, lambda paths: _listen(paths, workers)):
        if isinstance(outcome, UnreadableAudio):
            failed = True
            sys.stderr.write(f"earmark: {outcome}\n")
        else:
            copies.append(outcome)
    return copies, failed


def _listen(paths: "Sequence[Path]", workers: int) -> "Iterator[Outcome]":
    """Decode files, on a terminal with a bar."""
    from earmark.cli.progress import counted_progress
    from earmark.library.duplicates import open_task
    from earmark.runner import run_all, sensible_workers

    outcomes = run_all(paths, open_task, workers or sensible_workers(len(paths)))
    with counted_progress(len(paths), "files") if sys.stderr.isatty() else nullcontext(lambda: None) as advance:
        for outcome in outcomes:
            advance()
            yield outcome


def as_object(found: "GenreAudit | None", copies: "Sequence[Copies] | None") -> dict[str, Any]:
    """The findings as they stand in JSON; what was not asked for is not in it."""
    answer: dict[str, Any] = {}
    if found is not None:
        answer["disagreements"] = [
            {
                "path": str(each.track.path),
                "tag": list(each.track.tags.genres),
                "tag_styles": list(each.said),
                "heard": each.heard,
                "probability": round(each.probability, 4),
                "family": each.family,
                "same_family": each.same_family,
                "certainty": round(each.certainty, 4),
            }
            for each in found.disagreements
        ]
        answer["counts"] = {
            name: getattr(found, name) for name in ("agreed", "unsure", "unheard", "untagged", "unnamed")
        }
        answer["unknown_words"] = found.words
    if copies is not None:
        answer["duplicates"] = [
            {"identical": group.identical, "paths": [str(track.path) for track in group.tracks]} for group in copies
        ]
    return answer


def _print_csv(found: "GenreAudit | None", copies: "Sequence[Copies] | None") -> None:
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    answer = as_object(found, copies)
    for each in answer.get("disagreements", ()):
        row = {name: each[name] for name in COLUMNS if name in each}
        writer.writerow({"finding": "genre", **row, "tag": ";".join(each["tag"])})
    for word, count in answer.get("unknown_words", {}).items():
        writer.writerow({"finding": "unknown word", "tag": word, "count": count})
    for number, group in enumerate(answer.get("duplicates", ()), 1):
        for path in group["paths"]:
            finding = "same content" if group["identical"] else "same recording"
            writer.writerow({"finding": finding, "path": path, "group": number, "count": len(group["paths"])})


def _print_table(found: "GenreAudit | None", copies: "Sequence[Copies] | None", top: int) -> None:
    from earmark.cli import show, show_audit

    console = show.stdout()
    if found is not None:
        console.print(show_audit.genres(found, top))
    if copies is not None:
        console.print(show_audit.copies(copies, top))
