"""Distances of embeddings to stored points, in NumPy and as nodes of ONNX.

Shape: (batch, dims), (points, dims) -> (batch, points).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.learning.teaching.graph import Graph

Values = NDArray[np.float64]
Rows = NDArray[np.floating]

SHORTEST = 1e-9  # length of a vector that has no direction


def squared(here: Rows, there: Rows) -> Values:
    """Squares of euclidean distances."""
    here, there = here.astype(np.float64), there.astype(np.float64)  # what is near differs in the last digits
    lengths: Values = (here**2).sum(1)[:, None] + (there**2).sum(1) - 2 * here @ there.T
    return np.maximum(lengths, 0)


def squared_nodes(graph: Graph, here: str, there: Rows) -> str:
    """Add them to a graph."""
    own = graph.sum(graph.node("Mul", here, here))  # (batch, 1)
    there = there.astype(np.float64)
    lengths = graph.node("Add", own, graph.constant((there**2).sum(1)))
    products = graph.node("MatMul", here, graph.constant(2 * there.T))
    return graph.at_least(graph.node("Sub", lengths, products), 0.0)


def euclidean(here: Rows, there: Rows) -> Values:
    """Euclidean distances."""
    return np.sqrt(squared(here, there))


def euclidean_nodes(graph: Graph, here: str, there: Rows) -> str:
    """Add them to a graph."""
    return graph.node("Sqrt", squared_nodes(graph, here, there))


def cosine(here: Rows, there: Rows) -> Values:
    """One minus the cosine of the angle."""
    return np.maximum(1 - _directions(here) @ _directions(there).T, 0)


def cosine_nodes(graph: Graph, here: str, there: Rows) -> str:
    """Add them to a graph."""
    length = graph.at_least(graph.node("Sqrt", graph.sum(graph.node("Mul", here, here))), SHORTEST)
    directions = graph.node("Div", here, length)
    cosines = graph.node("MatMul", directions, graph.constant(_directions(there).T))
    return graph.at_least(graph.node("Sub", graph.constant(1.0), cosines), 0.0)


def _directions(rows: Rows) -> Values:
    rows = rows.astype(np.float64)
    directions: Values = rows / np.maximum(np.sqrt((rows**2).sum(1, keepdims=True)), SHORTEST)
    return directions


@dataclass(frozen=True)
class Metric:
    """A distance: `of` rows to points, and the `nodes` that give the same in a graph."""

    of: Callable[[Rows, Rows], Values]
    nodes: Callable[[Graph, str, Rows], str]


METRICS = {"euclidean": Metric(euclidean, euclidean_nodes), "cosine": Metric(cosine, cosine_nodes)}


def nearest_nodes(graph: Graph, distances: str, count: int) -> tuple[str, str]:
    """The distances of the nearest points, the nearest first, and which they are; each (batch, count)."""
    nearest = graph.node(
        "TopK", distances, graph.constant(np.array([count]), np.int64), outputs=2, axis=-1, largest=0, sorted=1
    )
    return nearest, f"{nearest}_1"
