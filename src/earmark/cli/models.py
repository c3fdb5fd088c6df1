"""`earmark models`: which models are there, and which can be added?"""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import complain, say

app = typer.Typer(help="List the models, or add others.", invoke_without_command=True)


@app.callback()
def models(context: typer.Context) -> None:
    """List the models that come with earmark and those that were added."""
    if context.invoked_subcommand:
        return

    from earmark.app.models import measured
    from earmark.cli import show
    from earmark.errors import BundleError
    from earmark.hearing.bundle import NETWORK, WEIGHTS, at_hand, read_config
    from earmark.learning.downloads import ADDABLE

    rows = []
    damaged = []
    here = at_hand()
    for name, folder in here.items():
        try:
            config = read_config(folder)
            size = f"{sum((folder / part).stat().st_size for part in (NETWORK, WEIGHTS)) / 1e6:.1f} MB"
        except (BundleError, OSError) as error:
            damaged.append(str(error))
            continue
        rows.append(
            (
                name,
                str(len(config.styles)),
                config.architecture,
                size,
                "\n".join(filter(None, (config.provenance.get("summary", ""), measured(config)))),
            ),
        )
    show.stdout().print(show.models_table(rows))
    for name, row in ADDABLE.items():
        if row.model not in here:
            typer.echo(f"earmark models add {name}: {row.summary}", err=True)
    for message in damaged:
        complain(message)
    if damaged:
        raise typer.Exit(1)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="A model that `earmark models` says can be added.")],
    file: Annotated[
        list[Path] | None,
        typer.Option(help="A file that you have already, in place of its download; once for each file."),
    ] = None,
) -> None:
    """Download openly licensed networks, check them, and turn them into a model like any other."""
    from earmark.cli.progress import titled_progress
    from earmark.errors import DownloadError
    from earmark.learning import adding
    from earmark.learning.downloads import file_at

    try:
        with titled_progress() as progress:
            folder = adding.add(name, file or [], progress)
    except DownloadError as error:
        hint = f"if you have {file_at(error.url)} from elsewhere, give it with --file"
        raise DownloadError(error.url, f"{error.reason}; {hint}") from error
    say(f"written: {folder}")
