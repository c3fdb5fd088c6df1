"""`earmark export`: a model for programs in other languages, as one ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import say


def export(
    model: Annotated[str, typer.Argument(help="The model: its name or folder.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT.onnx", help="The file to write; replaced if it is an earlier export.")
    ],
) -> None:
    """Write a model as one ONNX file that needs nothing of earmark; see docs/export.md."""
    from earmark.learning.onnx_export import export as run

    exported = run(model, out)
    config = exported.config
    outputs = ", ".join(f"{name} (batch, {width})" for name, width in exported.outputs.items())
    say(f"waveform (batch, samples) -> {outputs}")
    say(
        f"mono at {config.sample_rate} Hz; windows of {config.window:g} s, one every {config.hop:g} s; "
        f"at least {config.shortest:g} s"
    )
    say(f"written: {out}, {exported.size / 1000:,.0f} kB")
