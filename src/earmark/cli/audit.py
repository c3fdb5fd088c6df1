"""`earmark audit`: genre tags that disagree with what was heard, and the same recording more than once."""

import csv
import json
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.messages import TerminalSafe, complain
from earmark.cli.shared_options import Catalogued

if TYPE_CHECKING:
    from earmark.app.auditing import Audit


def audit(
    catalogue: Catalogued = None,
    genres: Annotated[bool, typer.Option(help="Compare genre tags with what was heard.")] = True,
    duplicates: Annotated[bool, typer.Option(help="Look for copies of a recording; decodes the candidates.")] = True,
    min_doubt: Annotated[
        float,
        typer.Option("--min-doubt", "--min-certainty", min=0, max=1, help="Only tags that the model doubts this much."),
    ] = 0.5,
    top: Annotated[int, typer.Option(min=1, help="How many of each the table shows; --json and --csv hold all.")] = 25,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line for each finding.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Number of processes that decode; 0 for automatic.")] = 0,
) -> None:
    """Find genre tags that disagree with what was heard, the most doubtful first, and duplicates."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")

    from earmark.app.auditing import audit as run
    from earmark.app.catalogue import open_catalogue
    from earmark.cli.progress import counted_progress

    with open_catalogue(catalogue) as opened:
        found = run(
            opened,
            genres=genres,
            duplicates=duplicates,
            min_doubt=min_doubt,
            workers=workers,
            progress=counted_progress,
        )
    for failure in found.failures:
        complain(failure)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    elif as_csv:
        _print_csv(found)
    else:
        _print_table(found, top)
    if found.failures:
        raise typer.Exit(1)


def _print_csv(found: "Audit") -> None:
    from earmark.app.auditing import COLUMNS

    writer = csv.DictWriter(TerminalSafe(), COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found.rows())


def _print_table(found: "Audit", top: int) -> None:
    from earmark.cli import show, show_audit

    console = show.stdout()
    if found.genres is not None:
        console.print(show_audit.genres(found.genres, top))
    if found.copies is not None:
        console.print(show_audit.copies(found.copies, top))
