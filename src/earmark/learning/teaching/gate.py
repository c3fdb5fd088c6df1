"""The gate: the probability that a sound is of the kind that was taught, rather than of any other.

It is that of `earmark.learning.networks.heads`, value for value, in NumPy and as nodes of ONNX.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.learning.teaching.distances import Values, euclidean, euclidean_nodes, nearest_nodes
from earmark.learning.teaching.fitted import Embeddings, Standardise, Weights
from earmark.learning.teaching.graph import Graph

NEAREST = 1e-6  # mean distance whose logarithm is the least


@dataclass(frozen=True)
class Gate:
    """A gate between taught and other music.

    Attributes:
        standardise: of the embedding.
        own: (points, dims) taught tracks.
        others: (points, dims) other tracks.
        nearer: intercept and slope of a logistic function of log distance to the others minus that to the own.
        typical: centre and slope of a logistic function of the log distance to the own.
        neighbours: number of nearest points whose distances are averaged.
    """

    standardise: Standardise
    own: NDArray[np.float32]
    others: NDArray[np.float32]
    nearer: Values
    typical: Values
    neighbours: int

    def __call__(self, embedding: Embeddings) -> Values:
        """The probability, (batch, dims) -> (batch, 1)."""
        standard = self.standardise(embedding)
        own, others = (self._log_distance(euclidean(standard, points)) for points in (self.own, self.others))
        nearer = _logistic(self.nearer[0] + self.nearer[1] * (others - own))
        typical = _logistic(self.typical[1] * (self.typical[0] - own))
        return np.minimum(nearer, typical)

    def _log_distance(self, distances: Values) -> Values:
        nearest = np.partition(distances, self.neighbours - 1, axis=1)[:, : self.neighbours]
        logarithm: Values = np.log(np.maximum(nearest.mean(1, keepdims=True), NEAREST))
        return logarithm

    def nodes(self, graph: Graph, embedding: str) -> str:
        """Add the same to a graph."""
        standard = self.standardise.nodes(graph, embedding)
        own, others = (self._log_distance_nodes(graph, standard, points) for points in (self.own, self.others))
        slope = graph.node("Mul", graph.node("Sub", others, own), graph.constant(self.nearer[1]))
        nearer = graph.node("Sigmoid", graph.node("Add", slope, graph.constant(self.nearer[0])))
        away = graph.node("Sub", graph.constant(self.typical[0]), own)
        typical = graph.node("Sigmoid", graph.node("Mul", away, graph.constant(self.typical[1])))
        return graph.node("Min", nearer, typical)

    def _log_distance_nodes(self, graph: Graph, standard: str, points: NDArray[np.float32]) -> str:
        nearest, _ = nearest_nodes(graph, euclidean_nodes(graph, standard, points), self.neighbours)
        mean = graph.node("Div", graph.sum(nearest), graph.constant(self.neighbours))
        return graph.node("Log", graph.at_least(mean, NEAREST))

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that the module of torch is built with."""
        own, dims = self.own.shape
        return {"dims": dims, "own": own, "others": len(self.others), "neighbours": self.neighbours}

    @property
    def arrays(self) -> Weights:
        """The weights by name."""
        own: Weights = {"own": self.own, "others": self.others, "nearer": self.nearer, "typical": self.typical}
        return {**self.standardise.arrays, **own}


def _logistic(values: Values) -> Values:
    logistic: Values = 0.5 * (1 + np.tanh(values / 2))  # does not overflow
    return logistic
