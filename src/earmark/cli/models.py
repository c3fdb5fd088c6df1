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
    for name, (_, summary) in ADDABLE.items():
        if name not in here:
            typer.echo(f"earmark models add {name}: {summary}", err=True)
    for message in damaged:
        complain(message)
    if damaged:
        raise typer.Exit(1)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="A model that `earmark models` says can be added.")],
    file: Annotated[Path | None, typer.Option(help="A file that you have already; nothing is downloaded then.")] = None,
) -> None:
    """Download an openly licensed model, check it, and turn it into one like any other."""
    from earmark.cli.progress import titled_progress
    from earmark.errors import DownloadError
    from earmark.learning import adding
    from earmark.learning.downloads import ADDABLE

    try:
        with titled_progress() as progress:
            folder = adding.add(name, file, progress)
    except DownloadError as error:
        source, _ = ADDABLE[name]
        hint = f"if you have {source.file} from elsewhere, give it with --file"
        raise DownloadError(error.url, f"{error.reason}; {hint}") from error
    say(f"written: {folder}")
