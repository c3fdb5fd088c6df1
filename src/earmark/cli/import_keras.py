"""`earmark import-keras`: a model that was trained in Keras."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import say


def import_keras(
    file: Annotated[Path, typer.Argument(help="A model saved by Keras 2 with kapre's mel layer, an .h5 file.")],
    out: Annotated[Path, typer.Argument(help="The model to write, a folder.")],
    styles: Annotated[
        Path | None, typer.Option(help="A table n_labels;keys that names the outputs; by default the twelve styles.")
    ] = None,
    sample_rate: Annotated[
        int | None, typer.Option(min=1, help="Hz, for a file that does not state its sample rate.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Length of a window, for a file that leaves the length of its input open.")
    ] = None,
) -> None:
    """Turn a Keras file into a model like any other."""
    from earmark.learning import keras_import

    if seconds is not None and not 0 < seconds < float("inf"):
        raise typer.BadParameter("--seconds must be above 0")
    labels = keras_import.read_labels(styles) if styles else None
    imported = keras_import.import_keras(file, out, labels=labels, sample_rate=sample_rate, seconds=seconds)
    config = imported.config
    layers = len(imported.file.layers) + bool(imported.file.input_name)
    say(f"{layers} layers, {imported.file.parameters:,} parameters ({imported.trainable:,} trainable)")
    say(f"hears {config.window:g} s at {config.sample_rate} Hz, names {len(config.styles)} {config.task}")
    if config.provenance["ends_in"] == "linear":
        typer.echo("no softmax at its end: its outputs are taken for logits", err=True)
    say(f"written: {out}")
