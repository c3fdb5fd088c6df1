"""A Keras `.h5` file as it stands: its layers in a chain, and their weights.

Read strictly, for nothing may be lost on the way: every layer of the config must have its place in the chain, every
array in the file its layer. What the layers mean is not known here.

Conventions: the layout is that of `model.save` in Keras 2. Root attributes `keras_version`, `backend`, `model_config`;
weights at `model_weights/<layer>/<name>`, where the layer's attribute `weight_names` lists its names in order.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from earmark.errors import BundleError

WEIGHTS = "model_weights"
ATTRIBUTES = ("keras_version", "backend", "model_config", "training_config")
WEIGHT_NAME = re.compile(r"(?:.*/)?([^/]+?)(?:_\d+)?:0")
"""`conv2d_1/kernel:0`, or `conv2d_1_1/kernel_1:0` where TensorFlow had given the first name away."""


@dataclass(frozen=True)
class KerasLayer:
    """A layer: its name, its kind (Keras calls it `class_name`), its config, and its arrays by their short names."""

    name: str
    kind: str
    config: Mapping[str, Any]
    weights: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class KerasFile:
    """The content of a file: the version of Keras, the layers in the order of the chain, and how it was trained.

    `input_name` is that of the input layer, which is not among the layers and does nothing; it is empty where there is
    none. `input_shape` is that of one sample, without the batch; None stands for a length that is open. `training` is
    empty where the file does not tell.
    """

    version: str
    layers: tuple[KerasLayer, ...]
    input_name: str
    input_shape: tuple[int | None, ...]
    training: Mapping[str, Any]

    @property
    def parameters(self) -> int:
        """Number of parameters, trained or not."""
        return sum(array.size for layer in self.layers for array in layer.weights.values())


@dataclass(frozen=True)
class _Contents:
    """The bare contents: attributes of the file, names of the weights by layer, and arrays by their place in it."""

    attributes: dict[str, str]
    weight_names: dict[str, tuple[str, ...]]
    arrays: dict[str, NDArray[np.generic]]


def read(path: Path) -> KerasFile:
    """Read a file.

    Raises:
        BundleError: it is missing, no HDF5 file, not written by Keras 2 on TensorFlow, no chain of layers, or its
            weights are not those of its layers.
    """
    if not path.is_file():
        raise BundleError(f"{path}: there is no such file")
    try:
        with h5py.File(path, "r") as file:
            contents = _contents(file)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:  # damage has many names in h5py
        raise BundleError(f"{path}: not an HDF5 file, or damaged: {error}") from error
    try:
        return _understand(contents)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def _contents(file: h5py.File) -> _Contents:
    names: dict[str, tuple[str, ...]] = {}
    arrays: dict[str, NDArray[np.generic]] = {}

    def take(place: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[place] = item[()]
        elif "weight_names" in item.attrs:
            names[place] = tuple(map(_text, item.attrs["weight_names"]))

    if WEIGHTS in file:
        file[WEIGHTS].visititems(take)
    attributes = {name: _text(file.attrs[name]) for name in ATTRIBUTES if name in file.attrs}
    return _Contents(attributes, names, arrays)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _understand(contents: _Contents) -> KerasFile:
    attributes = contents.attributes
    if "model_config" not in attributes:
        raise BundleError("it has no model_config, so it is not a whole model: Keras writes one with `model.save`")
    version = attributes.get("keras_version", "unknown")
    if not version.startswith("2."):
        raise BundleError(f"written by Keras {version}; only Keras 2 is understood")
    backend = attributes.get("backend", "unknown")
    if backend != "tensorflow":  # Theano turns the kernels of convolutions around
        raise BundleError(f"written with the backend {backend}; only tensorflow is understood")
    layers, input_name, input_shape = _chain(_json(attributes, "model_config"))
    weights = _weights(contents, [name for name, _, _ in layers])
    return KerasFile(
        version=version,
        layers=tuple(KerasLayer(name, kind, config, weights[name]) for name, kind, config in layers),
        input_name=input_name,
        input_shape=input_shape,
        training=_json(attributes, "training_config") if "training_config" in attributes else {},
    )


def _json(attributes: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        value = json.loads(attributes[name])
    except json.JSONDecodeError as error:
        raise BundleError(f"its {name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BundleError(f"its {name} is not a JSON object")
    return value


_Layer = tuple[str, str, dict[str, Any]]


def _chain(model: dict[str, Any]) -> tuple[list[_Layer], str, tuple[int | None, ...]]:
    """The layers in order, without the input layer, its name, and the shape of the input."""
    try:
        kind, config = model["class_name"], model["config"]
        if kind == "Sequential":
            found = config["layers"] if isinstance(config, dict) else config
        elif kind == "Model":
            found = _ordered(config)
        else:
            raise BundleError(f"its model is a {kind}; only Sequential and Model are understood")
        layers = [(str(each["config"]["name"]), str(each["class_name"]), dict(each["config"])) for each in found]
        shape = layers[0][2].pop("batch_input_shape")[1:]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise BundleError(f"its model_config is not one of Keras 2: {type(error).__name__}: {error}") from error
    names = [name for name, _, _ in layers]
    if len(set(names)) != len(names):
        raise BundleError("two of its layers have the same name")
    input_name = ""
    if layers[0][1] == "InputLayer":
        input_name, _, options = layers.pop(0)
        _check_input(input_name, options)
    return layers, input_name, tuple(shape)


def _check_input(name: str, config: Mapping[str, Any]) -> None:
    if unknown := config.keys() - {"name", "dtype", "sparse", "trainable"}:
        raise BundleError(f"layer {name!r} (InputLayer): unknown option {', '.join(sorted(unknown))}")
    if config.get("sparse") or config.get("dtype", "float32") != "float32":
        raise BundleError(f"layer {name!r} (InputLayer): its input is not plain float32")


def _ordered(config: dict[str, Any]) -> list[dict[str, Any]]:
    """The layers of a graph from its input to its output, if each has one input and feeds one other."""
    by_name = {layer["name"]: layer for layer in config["layers"]}
    inputs, outputs = (_only(config[end], end.replace("_", " ")) for end in ("input_layers", "output_layers"))
    after: dict[str, str] = {}
    for name, layer in by_name.items():
        if name == inputs:
            continue
        node = _only(layer["inbound_nodes"], f"calls of layer {name!r}")
        before = _only(node, f"inputs of layer {name!r}")
        if before in after:
            raise BundleError(f"layer {before!r} feeds both {after[before]!r} and {name!r}; only a chain is understood")
        after[before] = name
    names = [inputs]
    while names[-1] in after:
        names.append(after[names[-1]])
    if names[-1] != outputs or len(names) != len(by_name):
        raise BundleError("its layers are no chain from the input to the output")
    return [by_name[name] for name in names]


def _only(nodes: Sequence[Any], what: str) -> Any:  # noqa: ANN401  JSON
    """The one member of a list; of a reference [layer, node, tensor, arguments], the layer."""
    if len(nodes) != 1:
        raise BundleError(f"{len(nodes)} {what}; only a chain of layers is understood")
    only = nodes[0]
    if isinstance(only[0], list):
        return only
    if any(only[1:]):  # another call or output of the layer, or arguments of the call
        raise BundleError(f"{what}: {only[1:]}; only a chain of layers without arguments is understood")
    return only[0]


def _weights(contents: _Contents, layers: Sequence[str]) -> dict[str, dict[str, NDArray[np.float32]]]:
    """The arrays of each layer by their short names; there may be none besides."""
    unused = dict(contents.arrays)
    weights: dict[str, dict[str, NDArray[np.float32]]] = {}
    for layer in layers:
        weights[layer] = {}
        for name in contents.weight_names.get(layer, ()):
            match = WEIGHT_NAME.fullmatch(name)
            if match is None or match[1] in weights[layer]:
                raise BundleError(f"layer {layer!r}: the weight {name!r} cannot be told from the others")
            if f"{layer}/{name}" not in unused:
                raise BundleError(f"layer {layer!r}: the weight {name!r} is missing")
            weights[layer][match[1]] = _checked(unused.pop(f"{layer}/{name}"), f"layer {layer!r}: the weight {name!r}")
    if unused:
        raise BundleError(f"it holds weights that belong to no layer: {', '.join(sorted(unused))}")
    return weights


def _checked(array: NDArray[np.generic], what: str) -> NDArray[np.float32]:
    if array.dtype != np.float32:
        raise BundleError(f"{what} is of type {array.dtype}, not float32")
    if not np.isfinite(array.astype(np.float32)).all():
        raise BundleError(f"{what} holds numbers that are not finite")
    return array.astype(np.float32)
