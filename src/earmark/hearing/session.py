"""Sessions of ONNX Runtime: the one place that opens them."""

from pathlib import Path
from typing import Final

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from earmark.errors import BundleError

REFUSALS: Final = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented)
"""The errors of ONNX Runtime for a network that it cannot read or run; they have no common class."""


def open_session(network: bytes, path: Path) -> onnxruntime.InferenceSession:
    """Open a network for inference on one thread of the processor.

    Args:
        network: an ONNX model.
        path: the file it is from, for the message.

    Raises:
        BundleError: ONNX Runtime cannot run it.
    """
    options = onnxruntime.SessionOptions()
    # One thread: tracks are heard side by side in processes, and threads that wait for work burn processor time too.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they arrive as exceptions as well
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except REFUSALS as error:
        raise BundleError(f"{path}: {error}") from error
