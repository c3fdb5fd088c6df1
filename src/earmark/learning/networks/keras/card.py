"""The card of a model that was imported from a Keras file: what the file says, and what nobody has measured here."""

from earmark.hearing.bundle import Config
from earmark.learning.networks.keras.file import KerasFile
from earmark.learning.networks.keras.network import layers_of
from earmark.learning.networks.network import AudioNetwork

TEXT = """# {name}

{summary}: {parameters:,} parameters, {trainable:,} of which training would move.

Waveform in (mono, {sample_rate} Hz, windows of {window:g} s), {outputs} {task} out. Architecture
`{architecture}`: the layers of the file, with its weights.

The weights belong to whoever trained them, under whatever licence they are given; earmark adds nothing to them and
claims nothing about them.

## What the file says

Written by Keras {keras} on TensorFlow; SHA-256
`{sha256}`.

{training}
{ending}

| layer | kind | output | parameters |
|---|---|---|---|
{layers}

Outputs, in order: {labels}.

## What is unknown

- How well it hears: nothing was measured in importing it, so there are no figures. `earmark evaluate` measures.
- What it was trained on, unless its author says so.
- Whether its probabilities are calibrated: the logits are taken as they are (temperature 1), and no track is called
  unlike anything the model knows (threshold 0).

## What to know before comparing it with the original

- A mel layer in decibels takes its maximum over a whole batch, so in the original the answer for a window depended on
  the windows beside it. Here windows are heard one by one; `earmark listen --windows original` hears ten pieces of the
  track as one batch, as the system of 2018 did.
- The embedding joins the global averages of the blocks; where there is no convolution it is what the last dense layer
  sees. The original had none.
"""

ENDINGS = {
    "softmax": "It ends in a softmax: the logits here are what stands before it, and the probabilities are its own.",
    "sigmoid": "It ends in a sigmoid for each output: the logits are what stands before it, and the outputs are tags.",
    "linear": (
        "It ends without a softmax or a sigmoid. Its outputs are taken for logits, and a softmax is put after them.\n"
        "Whether it was trained that way the layers do not say."
    ),
}


def write(config: Config, file: KerasFile, network: AudioNetwork) -> str:
    """The card of an imported model."""
    return TEXT.format(
        name=config.name,
        summary=config.provenance["summary"][:1].upper() + config.provenance["summary"][1:],
        parameters=file.parameters,
        trainable=trainable(network),
        sample_rate=config.sample_rate,
        window=config.window,
        outputs=len(config.styles),
        task=config.task,
        architecture=config.architecture,
        keras=file.version,
        sha256=config.provenance["file_sha256"],
        training=_training(file),
        ending=ENDINGS[config.provenance["ends_in"]],
        layers="\n".join(_rows(file, network)),
        labels=", ".join(config.styles),
    )


def trainable(network: AudioNetwork) -> int:
    """How many numbers training would move."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def _training(file: KerasFile) -> str:
    loss = file.training.get("loss")
    optimiser = (file.training.get("optimizer_config") or {}).get("class_name")
    if not loss and not optimiser:
        return "It does not say how it was trained."
    return f"Trained with the loss {loss or 'unknown'} and the optimiser {optimiser or 'unknown'}."


def _rows(file: KerasFile, network: AudioNetwork) -> list[str]:
    rows = [(layer.name, layer.kind, sum(array.size for array in layer.weights.values())) for layer in file.layers]
    shapes = [layer.shape for layer in layers_of(network)]
    if file.input_name:
        rows, shapes = [(file.input_name, "InputLayer", 0), *rows], [(1, network.samples), *shapes]
    return [
        f"| {name} | {kind} | {' x '.join(map(str, shape))} | {size:,} |"
        for (name, kind, size), shape in zip(rows, shapes, strict=True)
    ]
