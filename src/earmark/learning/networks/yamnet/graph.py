"""YAMNet: a MobileNet that was trained on two million real recordings of AudioSet, and hears 521 kinds of sound.

Google publishes it in the project coralmicro (Apache-2.0) with 8-bit weights and 8-bit activations. Here the weights
become real numbers again and everything is computed in float32. The activations are not rounded to 8 bits: that they
were makes scores jump in steps (logits in units of 0.31), and imitating it would only cost time.

Conventions: a patch is (96, 64) float32, as `patches.front_end` makes it; *scores* are probabilities in 0-1, and
several classes may be heard at once; the *embedding* is what the last convolution gives, averaged over the patch.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from earmark.errors import BundleError
from earmark.hearing.session import open_session
from earmark.learning.downloads import YAMNET
from earmark.learning.networks.yamnet import tflite
from earmark.learning.networks.yamnet.classes import CLASSES, DIMS
from earmark.learning.networks.yamnet.patches import BANDS, FRAMES
from earmark.learning.networks.yamnet.tflite import Operator

HEAD = ["QUANTIZE", "RESHAPE", "SPLIT"]  # in one part: it does nothing
CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D"}
TAIL = ["MEAN", "FULLY_CONNECTED", "LOGISTIC", "DEQUANTIZE"]
SIX = 6.00001  # of ReLU6, and some rounding
SAME = 0  # the number of this kind of padding in the schema

OPSET, IR_VERSION = 18, 10
BATCH = 16  # patches heard at once: more are no faster


@dataclass(frozen=True)
class Convolution:
    """One convolution, with a bias and a ReLU6 after it.

    The sides are filled up with zeros so that a stride of 1 keeps the size and one of 2 halves it; with 2, all of the
    zeros stand at the end, as TensorFlow puts them.
    """

    weight: NDArray[np.float32]
    """(out, in / groups, height, width)"""
    bias: NDArray[np.float32]
    """(out,)"""
    stride: int
    groups: int

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros before and behind, along each side."""
        extra = self.weight.shape[-1] - self.stride
        return (extra // 2, extra - extra // 2) if extra > 0 else (0, 0)


@dataclass(frozen=True)
class Network:
    """The network in real numbers: convolutions, the mean over all places, one dense layer, a sigmoid."""

    convolutions: Sequence[Convolution]
    weight: NDArray[np.float32]
    """(classes, dims)"""
    bias: NDArray[np.float32]
    """(classes,)"""


def read(path: Path) -> Network:
    """Read the network from the file that Google publishes.

    Raises:
        BundleError: it is missing, or another file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    if (found := hashlib.sha256(content).hexdigest()) != YAMNET.sha256:
        raise BundleError(f"{path}: not the YAMNet that is known here: its sha256 is {found}, not {YAMNET.sha256}")
    return network_of(path, tflite.read(path, content))


def network_of(path: Path, operators: Sequence[Operator]) -> Network:
    """The network that a chain of operators is.

    Raises:
        BundleError: it is another chain than that of a MobileNet.
    """
    names = [operator.name for operator in operators]
    body = names[len(HEAD) : -len(TAIL)]
    if (names[: len(HEAD)], names[-len(TAIL) :]) != (HEAD, TAIL) or not set(body) <= CONVOLUTIONS:
        raise BundleError(f"{path}: the operators are no MobileNet: {', '.join(names)}")
    _, weight, bias = operators[-3].inputs
    return Network(
        convolutions=[_convolution(path, operator) for operator in operators[len(HEAD) : -len(TAIL)]],
        weight=weight.values,
        bias=bias.values,
    )


def _convolution(path: Path, operator: Operator) -> Convolution:
    _, kernel, bias = operator.inputs
    depthwise = operator.name == "DEPTHWISE_CONV_2D"
    options = dict(operator.options)
    stride = options.pop("stride_w")
    # Fused into the convolution is a ReLU6, or a ReLU that was never seen to exceed 6: 8 bits hold 0 to 6 or less.
    low, high = operator.outputs[0].quantisation.limits
    same = options.pop("padding") == SAME and options.pop("stride_h") == stride and set(options.values()) == {1}
    if not same or low != 0 or high > SIX:
        raise BundleError(f"{path}: {kernel.name}: a {operator.name} with {dict(operator.options)} is not understood")
    # (1, height, width, channels) for a depthwise one, else (out, height, width, in)
    weight = kernel.values.transpose(3, 0, 1, 2) if depthwise else kernel.values.transpose(0, 3, 1, 2)
    return Convolution(
        weight=np.ascontiguousarray(weight),
        bias=bias.values,
        stride=stride,
        groups=len(weight) if depthwise else 1,
    )


def to_onnx(network: Network) -> onnx.ModelProto:
    """The network as ONNX: `patches` (batch, 96, 64) -> `scores` (batch, 521), `embedding` (batch, 1024)."""
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(values: object, kind: type[np.generic] = np.float32) -> str:
        constants.append(numpy_helper.from_array(np.asarray(values, kind), f"constant{len(constants)}"))
        return constants[-1].name

    def apply(operator: str, *inputs: str, out: str | None = None, **options: Any) -> str:  # noqa: ANN401  ONNX's own
        out = out or f"value{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [out], **options))
        return out

    zero, six = constant(0), constant(6)
    value = apply("Unsqueeze", "patches", constant([1], np.int64))  # (batch, 1, 96, 64)
    for layer in network.convolutions:
        before, behind = layer.padding
        value = apply(
            "Conv",
            value,
            constant(layer.weight),
            constant(layer.bias),
            strides=[layer.stride] * 2,
            pads=[before, before, behind, behind],
            group=layer.groups,
        )
        value = apply("Clip", value, zero, six)  # (batch, channels, height, width)
    apply("ReduceMean", value, constant([2, 3], np.int64), out="embedding", keepdims=0)
    logits = apply("Gemm", "embedding", constant(network.weight), constant(network.bias), transB=1)
    apply("Sigmoid", logits, out="scores")

    graph = helper.make_graph(
        nodes,
        "yamnet",
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["batch", FRAMES, BANDS])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", len(network.bias)]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", network.weight.shape[1]]),
        ],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


class Yamnet:
    """The network, ready to hear on one thread.

    Args:
        path: the file that Google publishes.

    Raises:
        BundleError: it is missing, or another file.
    """

    def __init__(self, path: Path) -> None:
        self._session = open_session(path, to_onnx(read(path)).SerializeToString())

    def hear(self, patches: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores (n, 521) and embeddings (n, 1024) of patches (n, 96, 64)."""
        scores, embeddings = np.empty((len(patches), CLASSES), np.float32), np.empty((len(patches), DIMS), np.float32)
        for start in range(0, len(patches), BATCH):
            some = slice(start, start + BATCH)
            scores[some], embeddings[some] = self._session.run(["scores", "embedding"], {"patches": patches[some]})
        return scores, embeddings
