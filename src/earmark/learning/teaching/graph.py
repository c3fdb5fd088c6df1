"""A network of ONNX, and what is put on top of it.

`Graph` collects nodes and constants; a fitted head adds its own, in the words of ONNX. `on_top` joins them with the
network of a bundle: the values of the base are renamed, so that nothing of the same name meets, and what no output
needs any more is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, compose, helper, numpy_helper

BASE = "base."  # the beginning of all names of the base's values


@dataclass
class Graph:
    """Nodes on top of a network; values go by their names."""

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def constant(self, values: NDArray[np.generic] | float, dtype: type[np.generic] = np.float32) -> str:
        """A constant of the graph."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype), name))
        return name

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:  # noqa: ANN401  as it has
        """An operator of ONNX over some values: its output, or the first of several."""
        name = f"value_{len(self.nodes)}"
        names = [name, *(f"{name}_{index}" for index in range(1, outputs))]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return name

    def sum(self, values: str, *, axis: int = -1, keep: bool = True) -> str:
        """The sum over an axis."""
        return self.node("ReduceSum", values, self.constant(np.array([axis]), np.int64), keepdims=int(keep))

    def at_least(self, values: str, least: float) -> str:
        """Each value, or a number that is larger."""
        return self.node("Max", values, self.constant(least))


def on_top(base: bytes, build: Callable[[Graph, str, str], str], styles: int) -> bytes:
    """Replace the logits of a network by what is computed from its outputs; the embedding stays.

    Args:
        base: an ONNX model: `waveform` -> `logits`, `embedding`.
        build: adds nodes to a graph, given the names of the base's logits and of its embedding; returns the name of the
            new logits.
        styles: the number of new logits.
    """
    model = compose.add_prefix(onnx.load_from_string(base), BASE, rename_inputs=False, rename_outputs=True)
    embedding = next(output for output in model.graph.output if output.name == f"{BASE}embedding")
    graph = Graph()
    logits = build(graph, f"{BASE}logits", f"{BASE}embedding")
    graph.nodes += [
        helper.make_node("Identity", [logits], ["logits"]),
        helper.make_node("Identity", [embedding.name], ["embedding"]),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", styles]), embedding]
    outputs[1].name = "embedding"
    nodes, needed = _needed([*model.graph.node, *graph.nodes], {"logits", "embedding"})
    constants = [each for each in (*model.graph.initializer, *graph.constants) if each.name in needed]
    joined = helper.make_graph(nodes, "taught", list(model.graph.input), outputs, constants)
    taught = helper.make_model(joined, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(taught, full_check=True)
    serialised: bytes = taught.SerializeToString(deterministic=True)
    return serialised


def _needed(nodes: list[NodeProto], outputs: set[str]) -> tuple[list[NodeProto], set[str]]:
    """The nodes on which some outputs depend, and the names of all values on the way."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):  # each comes after those whose outputs it takes
        if needed & set(node.output):
            kept.append(node)
            needed |= _inputs(node)
    return kept[::-1], needed


def _inputs(node: NodeProto) -> set[str]:
    """The values that a node takes, those of the graphs within it too."""
    within = [part for attribute in node.attribute for part in (attribute.g, *attribute.graphs)]
    return {*node.input, *(name for part in within for inner in part.node for name in _inputs(inner))}
