"""What is made simpler of a network gives the same as before."""

import numpy as np
import onnx
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from earmark.learning.simplification import simplify

ALL = np.iinfo(np.int64).max


def network(*nodes: onnx.NodeProto, **constants: list[int]) -> onnx.ModelProto:
    """A network that makes `answer` of `picture`, (1, 2, 3, 4)."""
    graph = helper.make_graph(
        list(nodes),
        "network",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 2, 3, 4])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def simplified(model: onnx.ModelProto) -> list[str]:
    """The operators that are left, after it is made sure that they give the same."""
    picture = np.random.default_rng(0).standard_normal((1, 2, 3, 4)).astype(np.float32)
    expected = list(ReferenceEvaluator(model).run(None, {"picture": picture}))
    made = ir.from_proto(model)
    simplify(made)
    result = ir.to_proto(made)
    answers = list(ReferenceEvaluator(result).run(None, {"picture": picture}))
    np.testing.assert_allclose(np.asarray(answers), np.asarray(expected), rtol=1e-6, atol=1e-7)
    return [node.op_type for node in result.graph.node]


def mean(keepdims: int) -> onnx.NodeProto:
    return helper.make_node("ReduceMean", ["picture", "axes"], ["answer"], keepdims=keepdims)


def test_a_mean_over_the_places_of_a_picture_is_a_global_average() -> None:
    assert simplified(network(mean(keepdims=0), axes=[2, 3])) == ["GlobalAveragePool", "Flatten"]


def test_other_means_stay() -> None:
    assert simplified(network(mean(keepdims=0), axes=[1, 2])) == ["ReduceMean"]
    assert simplified(network(mean(keepdims=1), axes=[2, 3])) == ["ReduceMean"]
    deeper = helper.make_node("Unsqueeze", ["picture", "last"], ["deeper"])
    over_two = helper.make_node("ReduceMean", ["deeper", "axes"], ["answer"], keepdims=0)
    assert simplified(network(deeper, over_two, axes=[2, 3], last=[4])) == ["Unsqueeze", "ReduceMean"]


def test_a_slice_of_everything_is_left_out_and_others_stay() -> None:
    slices = [
        helper.make_node("Slice", ["picture", "first", "end", "axis", "step"], ["whole"]),
        helper.make_node("Slice", ["whole", "second", "end", "axis", "step"], ["answer"]),
    ]
    assert simplified(network(*slices, first=[0], second=[1], end=[ALL], axis=[2], step=[1])) == ["Slice"]
