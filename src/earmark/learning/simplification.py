"""Simplification of exported networks: what is constant, what does nothing, and averages as ONNX names them.

Each weight stays as it is. torch's own optimisation also folds batch normalisations into the convolutions before them:
other weights, which would stand beside those for further training. ONNX Runtime folds them when it opens the network.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common as passes
from onnxscript import optimizer
from onnxscript.rewriter import RewritePass, pattern

LARGEST = 10_000_000  # elements of a constant that is looked for twice: all of them
OPEN_END = np.iinfo(np.int64).max  # of a slice
PICTURES = 4  # axes: (batch, channels, height, width)


def simplify(network: ir.Model) -> None:
    """Compute what is constant, leave out what is not needed, and average over all places by `GlobalAveragePool`.

    ONNX Runtime pools in the layout of its convolutions, and reorders what goes into a general mean.
    """
    optimizer.fold_constants(network)
    ir.passes.Sequential(
        RewritePass([_whole_slices(), _global_averages()]),
        passes.IdentityEliminationPass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.DeduplicateInitializersPass(size_limit=LARGEST),
        passes.CommonSubexpressionEliminationPass(),
        passes.RemoveUnusedNodesPass(),
    )(network)


def _whole_slices() -> pattern.RewriteRule:
    """Slices from the beginning to the end, as torch writes them for the other axes of an index: nothing."""

    def sliced(op: Any, values: Any, start: Any, end: Any, axis: Any, step: Any) -> Any:  # noqa: ANN401
        return op.Slice(values, start, end, axis, step)

    def values(op: Any, values: Any, **_: Any) -> Any:  # noqa: ANN401
        return op.Identity(values)

    def whole(_: Any, start: ir.Value, end: ir.Value, step: ir.Value, **__: Any) -> bool:  # noqa: ANN401
        return [_constant(value) for value in (start, end, step)] == [[0], [OPEN_END], [1]]

    return pattern.RewriteRule(sliced, values, whole, name="WholeSlice")


def _global_averages() -> pattern.RewriteRule:
    """Means over the places of a picture, (batch, channels, height, width) -> (batch, channels)."""

    def mean(op: Any, values: Any, axes: Any) -> Any:  # noqa: ANN401
        return op.ReduceMean(values, axes, keepdims=0)

    def pool(op: Any, values: Any, **_: Any) -> Any:  # noqa: ANN401
        return op.Flatten(op.GlobalAveragePool(values), axis=1)

    def over_places(_: Any, values: ir.Value, axes: ir.Value, **__: Any) -> bool:  # noqa: ANN401
        return _constant(axes) == [2, 3] and values.shape is not None and len(values.shape) == PICTURES

    return pattern.RewriteRule(mean, pool, over_places, name="GlobalAverage")


def _constant(value: ir.Value) -> Sequence[int] | None:
    tensor = ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy().tolist()
