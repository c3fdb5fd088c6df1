"""A model that was trained in Keras 2.1 with kapre 0.1.3, as a bundle like any other.

The file says what the layers are and holds every weight, the mel matrix among them, so nothing is guessed. What cannot
be understood is refused by the name of its layer: nothing that has an effect is skipped.

A softmax or a sigmoid at the end is taken off, because a bundle holds logits and what turns them into probabilities
stands in its config. Outputs without either are taken for logits, and the card says so.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from earmark.errors import BundleError
from earmark.hearing.bundle import Config
from earmark.learning import bundle, bundle_files, cards
from earmark.learning.networks.keras import file as keras_file
from earmark.learning.networks.keras.file import KerasFile, KerasLayer
from earmark.learning.networks.keras.layers import Layer
from earmark.learning.networks.keras.length import Lengths, lengths_of
from earmark.learning.networks.keras.network import LAYERS, keras_network, layers_of, options_of
from earmark.learning.networks.network import AudioNetwork
from earmark.styles import styles

ARCHITECTURE = "keras"
TASKS = {"softmax": "styles", "sigmoid": "tags", "linear": "styles"}
"""The task of a model, by the activation that ends the network."""

# Options with one value that is understood; a file need not state them.
_FIXED: dict[str, Any] = {
    "dtype": "float32",
    "data_format": "channels_last",
    "image_data_format": "channels_last",
    "dilation_rate": [1, 1],
    "noise_shape": None,
    "eps": 1e-10,
}
# Options that say where the weights came from or how they are trained, by name or by how the name ends.
_HARMLESS = {
    *("name", "trainable", "batch_input_shape", "seed"),
    *("sr", "fmin", "fmax", "htk", "norm", "trainable_kernel", "trainable_fb"),  # of the mel matrix, which is there
}
_HARMLESS_ENDINGS = ("_initializer", "_regularizer", "_constraint")

_REARRANGING = {"Flatten", "Reshape", "Permute", "Dropout"}
_POOLING = {"MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D"}
_VARIABLE = {"Variable": "mel"}  # the mel matrix, which kapre gives no name


@dataclass(frozen=True)
class Imported:
    """A network with the weights of a file, the config of its bundle, and the file."""

    network: AudioNetwork
    config: Config
    file: KerasFile

    @property
    def trainable(self) -> int:
        """The number of parameters that training would move."""
        return sum(weight.numel() for weight in self.network.parameters() if weight.requires_grad)


def import_keras(
    path: Path,
    out: Path,
    *,
    labels: Sequence[str] | None = None,
    sample_rate: int | None = None,
    seconds: float | None = None,
) -> Imported:
    """Read a Keras file and write it as a bundle.

    Args:
        path: the `.h5` file.
        out: the bundle to write, a folder; an older bundle there is replaced.
        labels: the names of the outputs in their order; the twelve styles where not given.
        sample_rate: in Hz, for a file that does not state it.
        seconds: of a window, for a file that leaves the length of its input open.

    Raises:
        BundleError: the file is not understood, or `out` holds something else than a bundle.
    """
    bundle_files.require_replaceable(out)
    imported = read(path, out.name, labels=labels, sample_rate=sample_rate, seconds=seconds)
    check = bundle.check_waveform(imported.config.sample_rate, imported.network.samples)
    bundle.write(out, imported.network, imported.config, card(imported), check)
    return imported


def read(
    path: Path,
    name: str,
    *,
    labels: Sequence[str] | None = None,
    sample_rate: int | None = None,
    seconds: float | None = None,
) -> Imported:
    """Read a Keras file as a network and the config of a bundle with this name; see `import_keras`."""
    contents = keras_file.read(path)
    try:
        return _imported(contents, name, path, tuple(labels) if labels else None, sample_rate, seconds)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def _imported(
    file: KerasFile,
    name: str,
    path: Path,
    labels: tuple[str, ...] | None,
    sample_rate: int | None,
    seconds: float | None,
) -> Imported:
    sample_rate = _sample_rate(file, sample_rate)
    layers, ending, place = without_ending([_settings(layer) for layer in file.layers])
    samples = _samples(file, layers, sample_rate, seconds)
    names = labels or tuple(style.label for style in styles())
    settings: dict[str, Any] = {"sample_rate": sample_rate, "samples": samples, "layers": layers}
    network = keras_network(len(names), **settings)
    modules = layers_of(network)
    if ending == "softmax" and modules[place].shape[-1] != len(names):
        raise BundleError(f"layer {file.layers[place].name!r}: its softmax is over one axis of several")
    for layer, module in zip(file.layers, modules, strict=True):
        _load(module, layer)
    config = Config.of(
        network,
        name=name,
        task=TASKS[ending],
        architecture=ARCHITECTURE,
        settings=settings,
        styles=names,
        provenance={
            "summary": f"imported from the Keras file {path.name}",
            "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "keras": file.version,
            "ends_in": ending,
            "loss": file.training.get("loss"),
            "torch": version("torch"),
        },
    )
    return Imported(network.eval(), config, file)


def _samples(file: KerasFile, layers: Sequence[Mapping[str, Any]], sample_rate: int, seconds: float | None) -> int:
    """The number of samples in a window: the file's own, that of its layers where they fix it, or the one given."""
    given = None if seconds is None else round(seconds * sample_rate)
    match file.input_shape:
        case (1, int(samples)):
            if given not in (None, samples):
                raise BundleError(f"its input is {samples / sample_rate:g} s long, not {seconds:g} (--seconds)")
            return samples
        case (1, None):
            fitting = lengths_of(layers, [_shapes(layer) for layer in file.layers])
            return _open_length(fitting, sample_rate, given)
        case shape:
            raise BundleError(f"its input has the shape {shape}, not that of mono sound: (1, samples)")


def _open_length(fitting: Lengths | None, sample_rate: int, given: int | None) -> int:
    """The number of samples in a window, where the file leaves it open."""
    if fitting is None:
        if given is None:
            raise BundleError("the length of its input is open: give the one that it was trained with by --seconds")
        return given
    fit = f"its layers fit {fitting.shortest / sample_rate:.6g} to {fitting.longest / sample_rate:.6g} s"
    if given is None and fitting.only is None:
        raise BundleError(f"the length of its input is open, and {fit}: give the one of its training by --seconds")
    if given is not None and not fitting.shortest <= given <= fitting.longest:
        raise BundleError(f"{fit}, not {given / sample_rate:g} (--seconds)")
    return given or fitting.only or fitting.longest


def _shapes(layer: KerasLayer) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in layer.weights.items()}


def _sample_rate(file: KerasFile, given: int | None) -> int:
    stated = file.layers[0].config.get("sr") if file.layers else None
    if stated is None and given is None:
        raise BundleError("it does not state its sample rate: give it by --sample-rate")
    if stated is not None and given not in (None, stated):
        raise BundleError(f"its sample rate is {stated} Hz, not {given} (--sample-rate)")
    rate = given if stated is None else stated
    if not isinstance(rate, int) or rate <= 0:
        raise BundleError(f"its sample rate is {rate!r} Hz")
    return rate


def _settings(layer: KerasLayer) -> dict[str, Any]:
    """A layer as it stands in the settings of the network: what is left of its config once all of it is understood."""
    where = f"layer {layer.name!r} ({layer.kind})"
    if layer.kind not in LAYERS:
        raise BundleError(f"{where}: this kind of layer is not understood; {', '.join(LAYERS)} are")
    options = {}
    for key, value in layer.config.items():
        if key in options_of(layer.kind):
            options[key] = value
        elif key in _FIXED:
            if value != _FIXED[key]:
                raise BundleError(f"{where}: {key} is {value!r}; only {_FIXED[key]!r} is understood")
        elif not (key in _HARMLESS or key.endswith(_HARMLESS_ENDINGS)):
            raise BundleError(f"{where}: the option {key} ({value!r}) is not understood")
    return {"name": layer.name, "kind": layer.kind, "options": options}


def without_ending(layers: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str, int]:
    """The layers with the softmax or sigmoid at their end made linear, which of the two it was, and in which layer.

    Raises:
        BundleError: they end in another function, so that nobody can tell what the outputs are.
    """
    pooled = False
    for place in reversed(range(len(layers))):
        name, kind, options = layers[place]["name"], layers[place]["kind"], layers[place]["options"]
        activation = options.get("activation") or "linear"
        pooled |= kind in _POOLING
        if kind in _REARRANGING | _POOLING or (kind == "Activation" and activation == "linear"):
            continue
        if kind in ("ELU", "LeakyReLU") or activation not in TASKS or (pooled and activation != "linear"):
            what = kind if activation == "linear" else activation
            after = ", which is pooled" if pooled else ""
            raise BundleError(f"it ends in layer {name!r} with {what}{after}: nobody can tell what its outputs mean")
        ending = {**layers[place], "options": {**options, "activation": "linear"}}
        changed = [*layers[:place], ending, *layers[place + 1 :]] if activation != "linear" else layers
        return changed, activation, place
    raise BundleError("there is no layer in it that has learned anything")


def _load(module: Layer, layer: KerasLayer) -> None:
    """Copy the weights of a layer; each must be wanted, there, and of the right shape."""
    where = f"layer {layer.name!r} ({layer.kind})"
    given = {_VARIABLE.get(name, name): array for name, array in layer.weights.items()}
    wanted = module.state_dict(keep_vars=True)
    if missing := wanted.keys() - given.keys():
        raise BundleError(f"{where}: it has no weight {', '.join(sorted(missing))}")
    if extra := given.keys() - wanted.keys():
        raise BundleError(f"{where}: it has a weight {', '.join(sorted(extra))}, for which there is no use")
    for name, array in given.items():
        if array.shape != tuple(wanted[name].shape):
            raise BundleError(f"{where}: {name} has the shape {array.shape}, not {tuple(wanted[name].shape)}")
        with torch.no_grad():
            wanted[name].copy_(torch.from_numpy(array))


def read_labels(path: Path) -> list[str]:
    """Read the names of the outputs from a table as the 2018 system has one: columns `n_labels;keys`.

    One column numbers the outputs from 0, the other names them; which is which is told by what is in them.

    Raises:
        BundleError: it is not such a table.
    """
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: it cannot be read: {error}") from error
    rows = [[cell.strip() for cell in row] for row in rows if row]
    if not rows or sorted(rows[0]) != ["keys", "n_labels"] or any(len(row) != len(rows[0]) for row in rows):
        raise BundleError(f"{path}: two columns were expected, n_labels;keys")
    columns = list(zip(*rows[1:], strict=True))
    numbers = [column for column in columns if all(cell.isdecimal() for cell in column)]
    labels = [column for column in columns if column not in numbers]
    if len(numbers) != 1 or len(labels) != 1:
        raise BundleError(f"{path}: one column must hold the numbers of the outputs, the other their names")
    by_number = dict(zip(map(int, numbers[0]), labels[0], strict=True))
    if sorted(by_number) != list(range(len(rows) - 1)) or len({*labels[0]} - {""}) != len(rows) - 1:
        raise BundleError(f"{path}: the numbers must run from 0, each with a name of its own")
    return [by_number[number] for number in sorted(by_number)]


UNKNOWN = """- How well it hears: nothing was measured in importing it, so there are no figures. `earmark evaluate`
  measures.
- What it was trained on, unless its author says so.
- Whether its probabilities are calibrated: the logits are taken as they are (temperature 1), and no track is called
  unlike anything the model knows (threshold 0).
"""

DIFFERENCES = """- A mel layer in decibels takes its maximum over a whole batch, so in the original the answer for a
  window depended on the windows beside it. Here windows are heard one by one; `earmark listen --windows original` hears
  ten pieces of the track as one batch, as the system of 2018 did.
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


def card(imported: Imported) -> str:
    """The card of an imported model, in Markdown."""
    config, file = imported.config, imported.file
    size = f"{file.parameters:,} parameters, {imported.trainable:,} of which training would move"
    return cards.card(
        config.name,
        f"{config.provenance['summary']}: {size}",
        f"{cards.signature(config)} Architecture `{config.architecture}`: the layers of the file, with its weights.",
        "The weights belong to whoever trained them, under whatever licence they are given; earmark adds nothing to "
        "them and claims nothing about them.",
        cards.section(
            "What the file says",
            f"Written by Keras {file.version} on TensorFlow; SHA-256 `{config.provenance['file_sha256']}`.",
            _training(file),
            _length(imported),
            ENDINGS[config.provenance["ends_in"]],
            cards.table(["layer", "kind", "output", "parameters"], _rows(imported)),
            f"Outputs, in order: {', '.join(config.styles)}.",
        ),
        cards.section("What is unknown", UNKNOWN),
        cards.section("What to know before comparing it with the original", DIFFERENCES),
    )


def _training(file: KerasFile) -> str:
    loss = file.training.get("loss")
    optimiser = (file.training.get("optimizer_config") or {}).get("class_name")
    if not loss and not optimiser:
        return "It does not say how it was trained."
    return f"Trained with the loss {loss or 'unknown'} and the optimiser {optimiser or 'unknown'}."


def _length(imported: Imported) -> str:
    if imported.file.input_shape[-1] is not None:
        return ""
    seconds = imported.config.window
    return f"It leaves the length of its input open; {seconds:g} s were given in importing, or follow from its layers."


def _rows(imported: Imported) -> list[tuple[str, str, str, str]]:
    """Name, kind, output shape and number of parameters of each layer."""
    file, network = imported.file, imported.network
    rows = [(layer.name, layer.kind, sum(array.size for array in layer.weights.values())) for layer in file.layers]
    shapes = [layer.shape for layer in layers_of(network)]
    if file.input_name:
        rows, shapes = [(file.input_name, "InputLayer", 0), *rows], [(1, network.samples), *shapes]
    return [
        (name, kind, " x ".join(map(str, shape)), f"{size:,}")
        for (name, kind, size), shape in zip(rows, shapes, strict=True)
    ]
