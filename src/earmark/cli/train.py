"""`earmark train`: a model from labelled tracks; `earmark train-tables`: one from tables of measured descriptors."""

from pathlib import Path
from typing import Annotated, Any

import typer

from earmark.cli.messages import complain, say


def train(
    manifest: Annotated[Path, typer.Argument(help="A manifest, or a folder with a folder for each style.")],
    out: Annotated[Path, typer.Argument(help="The model to write, a folder.")],
    recipe: Annotated[Path | None, typer.Option(help="A recipe (TOML); by default that of the 2018 network.")] = None,
    architecture: Annotated[str | None, typer.Option(help="The architecture, in place of the recipe's.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="The number of epochs, in place of the recipe's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Devices of each machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; see docs/train.md.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare the sound; 0 for the main one only.")] = 0,
    decoders: Annotated[
        int, typer.Option(min=0, help="Processes that decode the files at first; 0 for automatic.")
    ] = 0,
) -> None:
    """Train a model on labelled tracks, and write it with its card."""
    from earmark.cli import show
    from earmark.cli.progress import training_progress
    from earmark.errors import ManifestError
    from earmark.learning.data import manifest as manifests
    from earmark.learning.data.sources import from_folder
    from earmark.learning.recipe import checked
    from earmark.learning.training.config import Machine, TrainConfig, read_config
    from earmark.learning.training.loop import train as run
    from earmark.runner import sensible_workers

    if not manifest.exists():
        raise ManifestError(f"{manifest}: no such manifest or folder")
    tracks = from_folder(manifest).manifest if manifest.is_dir() else manifests.read(manifest)
    config = read_config(recipe) if recipe else checked(TrainConfig, {"name": out.name}, out)
    changes: dict[str, Any] = {"epochs": epochs or config.epochs}
    if architecture and architecture != config.architecture:  # the settings were for the other one
        changes |= {"architecture": architecture, "settings": {}}
    config = checked(TrainConfig, config.model_dump() | changes, recipe or out)
    machine = Machine(
        accelerator=accelerator,
        devices=devices,
        nodes=nodes,
        workers=workers,
        decoders=decoders or sensible_workers(len(tracks.entries)),
    )
    try:
        with training_progress() as progress:
            report = run(tracks, config, out, machine=machine, resume=resume, source=manifest.name, progress=progress)
    except KeyboardInterrupt:
        complain("interrupted; run the same command with --resume to continue")
        raise
    if report.rank:  # several processes train together; the first one speaks
        return
    for path, reason in report.dropped.items():
        complain(f"{path}: {reason}; left out")
    if report.score:
        show.stdout().print(show.scores_table([report.score]))
    say(f"written: {out}, the best of {report.epochs} epochs was number {report.best_epoch + 1}")
    if report.dropped:
        raise typer.Exit(1)


def train_tables(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a shipped one: house12.")],
    tables: Annotated[Path, typer.Argument(help="The folder with the tables.")],
    out: Annotated[Path, typer.Argument(help="The model to write, a folder.")],
    music: Annotated[
        Path | None,
        typer.Option(help="The folder of open music, where the recipe's descriptors of it are to be measured anew."),
    ] = None,
) -> None:
    """Train a model on tables of measured descriptors, and write it with its card."""
    from earmark.cli import show
    from earmark.cli.progress import titled_progress
    from earmark.recipes import shipped
    from earmark.recipes.house12 import training
    from earmark.recipes.house12.recipe import read_recipe

    with titled_progress(lines=True) as progress:
        scores = training.train(read_recipe(shipped.locate(recipe)), tables, out, progress, music)
    show.stdout().print(show.scores_table(scores))
    say(f"written: {out}")
