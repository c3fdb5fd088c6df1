"""Sessions of ONNX Runtime: the one place that opens them."""

import os
from pathlib import Path
from typing import Final, TypeAlias

# Before ONNX Runtime is loaded: its official builds note what is done with them in the user's cache and send that to
# their maker, unless they are told not to. It lengthens each start, too.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from earmark.errors import BundleError

Session: TypeAlias = onnxruntime.InferenceSession

RUNTIME: Final = (onnxruntime.__version__, onnxruntime.get_build_info())
"""ONNX Runtime as it is installed: its version, and what was built."""

REFUSALS: Final = (
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NoSuchFile,
    state.NotImplemented,
    state.RuntimeException,
)
"""The errors of ONNX Runtime for a network that it cannot read or run; they have no common class."""


def open_session(path: Path, network: bytes | None = None) -> Session:
    """Open a network for inference on one thread of the processor.

    Args:
        path: the ONNX file; the weights that it refers to lie beside it and are mapped, not read.
        network: the content of a file that holds all of its weights; `path` is then for the message alone.

    Raises:
        BundleError: ONNX Runtime cannot run it.
    """
    return _open(path, str(path) if network is None else network, _options())


def open_and_save(path: Path, optimised: Path, weights: str) -> Session:
    """Open a network, and write down what ONNX Runtime made of it for this processor.

    Args:
        path: the ONNX file.
        optimised: the ONNX file to write.
        weights: the name of a second one, beside it, for the weights, which can then be mapped.

    Raises:
        BundleError: ONNX Runtime cannot run the network, or not write the files.
    """
    options = _options()
    options.optimized_model_filepath = str(optimised)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", weights)
    # Shapes and other small numbers stay in the network: ONNX Runtime must know them before it maps the weights.
    options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")
    return _open(path, str(path), options)


def open_optimised(path: Path) -> Session:
    """Open what `open_and_save` wrote, in a quarter of the time: there is nothing left to be optimised.

    Raises:
        BundleError: ONNX Runtime cannot run it.
    """
    options = _options()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_aot_function_inlining", "1")
    return _open(path, str(path), options)


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # One thread: tracks are heard side by side in processes, and threads that wait for work burn processor time too.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Each shortens a start: no second memory plan for a shape that is heard again, which would stand beside the
    # first one (20 MB); no other copy of the weights, which makes none of our products faster.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.log_severity_level = 3  # errors; they arrive as exceptions as well
    return options


def _open(path: Path, source: str | bytes, options: onnxruntime.SessionOptions) -> Session:
    try:
        return Session(source, options, providers=["CPUExecutionProvider"])
    except REFUSALS as error:
        raise BundleError(f"{path}: {error}") from error
