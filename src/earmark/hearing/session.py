"""Sessions of ONNX Runtime: the one place that opens them."""

from pathlib import Path

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf

from earmark.errors import BundleError


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
    except (Fail, InvalidGraph, InvalidProtobuf) as error:
        raise BundleError(f"{path}: {error}") from error
