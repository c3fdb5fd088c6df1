"""`earmark distil`: an ear, taught by networks that have heard real recordings."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import complain, say


def distil(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a shipped one: ear.")],
    out: Annotated[Path, typer.Argument(help="The ear to write; OUT.training keeps what is made on the way.")],
    music: Annotated[Path, typer.Option(help="The folder of real music with its manifest.csv.")],
    tables: Annotated[Path, typer.Option(help="The folder with the measured tables.")],
    teachers: Annotated[
        Path,
        typer.Option(help="The folder with the teachers' files; what `earmark models add` fetched need not be in it."),
    ],
    real: Annotated[
        Path | None, typer.Option(help="A folder of further real music to measure on; nothing learns from it.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="For the training, where it is to end before its last step.")
    ] = None,
) -> None:
    """Train a network to hear as larger ones do (an ear); run it again after an interruption to go on."""
    from earmark.cli import show
    from earmark.cli.progress import titled_progress
    from earmark.recipes import shipped
    from earmark.recipes.distillation import recipe as ears
    from earmark.runner import gather

    files = [path for path in gather([str(real)] if real else []) if isinstance(path, Path)]
    with titled_progress(lines=True) as progress:
        report = ears.train(
            ears.read_recipe(shipped.locate(recipe)),
            out,
            works=music,
            tables=tables,
            taught_by=teachers,
            real=files,
            workers=workers,
            minutes=minutes,
            progress=progress,
        )
    show.stdout().print(show.fidelity_table(report.fidelity))
    for name in report.unread:
        complain(f"{name}: it could not be read; left out")
    say(f"written: {out}")
    if report.unread:
        raise typer.Exit(1)
