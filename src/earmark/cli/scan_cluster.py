"""`earmark scan URI --ray ADDRESS --out DIR`: the scan of a collection that is too big for one machine."""

import sys
from functools import partial
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from earmark.hearing import Listener


def scan_on_cluster(uri: str, out: str, address: str, model: str, actors: int) -> None:
    """Hear what has no row in `out` yet, on a Ray cluster; exit status 1 if a file could not be heard."""
    from contextlib import nullcontext

    from earmark.cli.progress import counted_progress
    from earmark.hearing.bundle import locate
    from earmark.library import tags
    from earmark.library.scanning import cluster

    locate(model)  # what is wrong with its name is said here, not by every actor
    task = cluster.Task(partial(_open, model), tags.read)
    groups = cluster.scan(uri, out, task, address=address, actors=actors or None)
    first = next(groups, None)
    if first is None:
        typer.echo(f"nothing new; rows: {out}")
        return
    total, group = first
    heard, failed = group.files, group.failed
    with counted_progress(total, "files") if sys.stderr.isatty() else nullcontext(lambda: None) as advance:
        for _ in range(group.files):
            advance()
        for _, group in groups:
            heard, failed = heard + group.files, failed + group.failed
            for _ in range(group.files):
                advance()
    typer.echo(f"{heard - failed} heard, {failed} could not be heard; rows: {out}")
    if failed:
        typer.echo(f"earmark: {failed} files could not be heard; their rows say why, in the column `error`", err=True)
        raise typer.Exit(1)


def _open(model: str) -> "Listener":
    from earmark.hearing import Listener, Model

    return Listener(Model.open(model))
