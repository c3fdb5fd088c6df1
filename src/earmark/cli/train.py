"""`earmark train-tables`: a model from tables of measured descriptors."""

from pathlib import Path
from typing import Annotated

import typer


def train_tables(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as recipes/house12.toml.")],
    tables: Annotated[Path, typer.Argument(help="The folder with the tables.")],
    out: Annotated[Path, typer.Argument(help="The model to write, a folder.")],
) -> None:
    """Train a model on tables of measured descriptors, and write it with its card."""
    from earmark.cli import show
    from earmark.cli.progress import titled_progress
    from earmark.learning.recipe import read_recipe, train

    with titled_progress() as progress:
        scores = train(read_recipe(recipe), tables, out, progress)
    show.stdout().print(show.scores_table(scores))
    typer.echo(f"written: {out}")
