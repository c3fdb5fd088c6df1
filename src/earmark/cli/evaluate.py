"""`earmark evaluate`: how well does a model hear?"""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name or folder.")] = "house12",
    tables: Annotated[Path | None, typer.Option(help="Repeat the protocols on the tables in this folder.")] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe to repeat; by default the one the model names.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="Degrade the files in this folder; does the answer move?")] = None,
) -> None:
    """Print the figures of a model's card, measure them anew, or see how far damage moves its answers."""
    from earmark.cli import show
    from earmark.errors import BundleError, EarmarkError
    from earmark.hearing import Model
    from earmark.hearing.bundle import CARD

    opened = Model.open(model)
    opened.verify()
    console = show.stdout()
    if tables:
        from earmark.cli.progress import titled_progress
        from earmark.learning.recipe import evaluate as evaluate_recipe
        from earmark.learning.recipe import read_recipe

        recipe = recipe or Path(opened.config.provenance.get("recipe", ""))
        if not recipe.name:
            raise BundleError(f"{opened.folder}: the model names no recipe to repeat; give one with --recipe")
        with titled_progress() as progress:
            scores = evaluate_recipe(read_recipe(recipe), tables, progress)
        console.print(show.scores_table(scores))
    if audio:
        from earmark.learning.degradations import movements
        from earmark.runner import gather

        files = []
        for found in gather([str(audio)]):
            if isinstance(found, EarmarkError):
                raise found
            files.append(found)
        console.print(show.movements_table(list(movements(opened, files))))
    if not tables and not audio:
        typer.echo((opened.folder / CARD).read_text(encoding="utf-8"))
