"""`earmark pool`: measured descriptors and an ear, asked together as one model."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import say


def pool(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a shipped one: house12-pool.")],
    descriptors: Annotated[str, typer.Argument(help="A model that `earmark train-tables` made: its name or folder.")],
    ear: Annotated[str, typer.Argument(help="A model that `earmark distil` made: its name or folder.")],
    out: Annotated[Path, typer.Argument(help="The model to write, a folder.")],
) -> None:
    """Join a model from measured descriptors and an ear into one."""
    from earmark.hearing.bundle import locate
    from earmark.learning import pooling
    from earmark.recipes import shipped

    pooling.make(pooling.read_recipe(shipped.locate(recipe)), locate(descriptors), locate(ear), out)
    say(f"written: {out}")
