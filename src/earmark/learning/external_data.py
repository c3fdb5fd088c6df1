"""External data of ONNX: each weight of a bundle is stored once, in `weights.safetensors`; `model.onnx` refers to it.

A network of ONNX may keep its constants in another file, each at an offset. safetensors keeps the bytes of its tensors
as they are, one after the other, so it can be that file: whatever reads ONNX from a path reads both.
"""

import json
from pathlib import Path

import onnx
from onnx import TensorProto, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, set_external_data, uses_external_data

from earmark.errors import BundleError
from earmark.hearing.bundle import NETWORK, WEIGHTS, Config, read_checked

SMALLEST = 1024  # bytes; what is smaller stays: shapes and axes must be known before any other file is read


def refer(network: bytes, weights: bytes) -> bytes:
    """A network whose constants are references wherever the weights hold the same bytes.

    Args:
        network: an ONNX model that holds all of its constants.
        weights: the content of `weights.safetensors`.
    """
    model = onnx.load_from_string(network)
    places = _places(weights)
    for constant in model.graph.initializer:
        content = numpy_helper.to_array(constant).tobytes()
        if len(content) >= SMALLEST and content in places:
            reference = TensorProto(name=constant.name, data_type=constant.data_type, dims=constant.dims, raw_data=b"")
            set_external_data(reference, WEIGHTS, places[content], len(content))
            constant.CopyFrom(reference)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def read_network(folder: Path, config: Config) -> bytes:
    """The network of a bundle as an ONNX model that holds all of its constants.

    Raises:
        BundleError: a file is missing or damaged, or the network refers to something else than the weights.
    """
    network = read_checked(folder, config, NETWORK)
    model = onnx.load_from_string(network)
    weights = read_checked(folder, config, WEIGHTS)
    for constant in model.graph.initializer:
        if uses_external_data(constant):
            _take(constant, weights, folder)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _take(constant: TensorProto, weights: bytes, folder: Path) -> None:
    """Put the bytes that a constant refers to in its place."""
    info = ExternalDataInfo(constant)
    begin, length = info.offset or 0, info.length or 0
    content = weights[begin : begin + length]
    if info.location != WEIGHTS or not length or len(content) != length:
        raise BundleError(f"{folder / NETWORK}: {constant.name} is not in {WEIGHTS}")
    constant.raw_data = content
    del constant.external_data[:]
    constant.ClearField("data_location")


def _places(weights: bytes) -> dict[bytes, int]:
    """Where the bytes of each tensor of a safetensors file begin.

    The file begins with the length of its header, which is JSON; offsets count from the end of the header.
    """
    start = 8 + int.from_bytes(weights[:8], "little")
    header = json.loads(weights[8:start])
    header.pop("__metadata__", None)
    spans = (tensor["data_offsets"] for tensor in header.values())
    return {weights[start + begin : start + end]: start + begin for begin, end in spans}
