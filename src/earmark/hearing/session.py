"""Sessions of ONNX Runtime: the one place that opens them."""

import os
from pathlib import Path
from typing import Final

# Before ONNX Runtime is loaded: its official builds note what is done with them in the user's cache and send that to
# their maker, unless they are told not to. It takes 20 ms of each start, too.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from earmark.errors import BundleError

REFUSALS: Final = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented)
"""The errors of ONNX Runtime for a network that it cannot read or run; they have no common class."""


def open_session(path: Path, network: bytes | None = None) -> onnxruntime.InferenceSession:
    """Open a network for inference on one thread of the processor.

    Args:
        path: the ONNX file; the weights that it refers to lie beside it and are mapped, not read.
        network: the content of a file that holds all of its weights; `path` is then for the message alone.

    Raises:
        BundleError: ONNX Runtime cannot run it.
    """
    options = onnxruntime.SessionOptions()
    # One thread: tracks are heard side by side in processes, and threads that wait for work burn processor time too.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Each saves 10 ms of a start: no second memory plan for a shape that is heard again, which would stand beside the
    # first one (20 MB); no other copy of the weights, which makes none of our products faster.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.log_severity_level = 3  # errors; they arrive as exceptions as well
    try:
        source = str(path) if network is None else network
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except REFUSALS as error:
        raise BundleError(f"{path}: {error}") from error
