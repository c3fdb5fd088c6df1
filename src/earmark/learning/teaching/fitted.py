"""Fitted heads as arrays: their answers in NumPy, and the same as nodes of ONNX.

They are the heads of `earmark.learning.networks.heads`, value for value: `settings` builds the module there, `arrays`
are its weights by their names, so that a bundle that was taught without torch is trained further with it.

Shape: embedding (batch, dims) -> logits (batch, styles). Rows are standardised in float32, as scikit-learn and torch
do; what follows is float64 here, and float32 in the bundle.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from earmark.learning.teaching import distances
from earmark.learning.teaching.distances import METRICS, Values, nearest_nodes
from earmark.learning.teaching.graph import Graph

Embeddings = NDArray[np.floating]
Weights = dict[str, NDArray[Any]]

BLUR = 0.02  # probability (0-1) that the neighbours' vote leaves to all styles alike: the logarithm of 0 is no logit
TINY = 1e-9  # of distances and votes: nothing is divided by less


class FittedHead(Protocol):
    """A classifier of embeddings; `kind` is its name in a bundle."""

    kind: ClassVar[str]

    def __call__(self, embedding: Embeddings) -> Values:
        """Logits, (batch, dims) -> (batch, styles)."""

    def nodes(self, graph: Graph, embedding: str) -> str:
        """Add the same to a graph: the name of the logits."""

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that the module of torch is built with."""

    @property
    def arrays(self) -> Weights:
        """The weights by the names that they have in that module."""


@dataclass(frozen=True)
class Standardise:
    """Each value minus its mean, divided by its deviation: `mean` (dims,), `scale` (dims,); a constant becomes 0."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Embeddings, weights: Values) -> Self:
        """Mean and deviation of rows (n, dims) that weigh so much (n,)."""
        scaler = StandardScaler().fit(rows.astype(np.float64), sample_weight=weights)
        return cls(scaler.mean_.astype(np.float32), scaler.scale_.astype(np.float32))

    def __call__(self, rows: Embeddings) -> NDArray[np.float32]:
        """Shape: (n, dims) -> (n, dims)."""
        standard: NDArray[np.float32] = (rows.astype(np.float32) - self.mean) / self.scale
        return standard

    def nodes(self, graph: Graph, embedding: str) -> str:
        """Add it to a graph."""
        centred = graph.node("Sub", embedding, graph.constant(self.mean))
        return graph.node("Div", centred, graph.constant(self.scale))

    @property
    def arrays(self) -> Weights:
        """The weights by name."""
        return {"standardise.mean": self.mean, "standardise.scale": self.scale}


@dataclass(frozen=True)
class LinearHead:
    """Multinomial logistic regression: `weight` (styles, dims), `bias` (styles,)."""

    kind: ClassVar[str] = "linear"
    standardise: Standardise
    weight: Values
    bias: Values

    def __call__(self, embedding: Embeddings) -> Values:
        """Logits, (batch, dims) -> (batch, styles)."""
        logits: Values = self.standardise(embedding) @ self.weight.T + self.bias
        return logits

    def nodes(self, graph: Graph, embedding: str) -> str:
        """Add the same to a graph."""
        standard = self.standardise.nodes(graph, embedding)
        product = graph.node("MatMul", standard, graph.constant(self.weight.T))
        return graph.node("Add", product, graph.constant(self.bias))

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that the module of torch is built with."""
        return {"kind": self.kind, "dims": self.weight.shape[1]}

    @property
    def arrays(self) -> Weights:
        """The weights by name."""
        return {**self.standardise.arrays, "weight": self.weight, "bias": self.bias}


@dataclass(frozen=True)
class KernelHead:
    """Support vector machines with a radial kernel, one for each style against the rest.

    `vectors` (vectors, dims) are standardised, `coefficients` (vectors, styles) dual, `bias` (styles,).
    """

    kind: ClassVar[str] = "svm"
    standardise: Standardise
    vectors: NDArray[np.float32]
    coefficients: Values
    bias: Values
    gamma: float

    def __call__(self, embedding: Embeddings) -> Values:
        """Logits, (batch, dims) -> (batch, styles)."""
        kernel = np.exp(-self.gamma * distances.squared(self.standardise(embedding), self.vectors))  # (batch, vectors)
        logits: Values = kernel @ self.coefficients + self.bias
        return logits

    def nodes(self, graph: Graph, embedding: str) -> str:
        """Add the same to a graph."""
        squared = distances.squared_nodes(graph, self.standardise.nodes(graph, embedding), self.vectors)
        kernel = graph.node("Exp", graph.node("Mul", squared, graph.constant(-self.gamma)))
        product = graph.node("MatMul", kernel, graph.constant(self.coefficients))
        return graph.node("Add", product, graph.constant(self.bias))

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that the module of torch is built with."""
        vectors, dims = self.vectors.shape
        return {"kind": self.kind, "dims": dims, "vectors": vectors, "gamma": self.gamma}

    @property
    def arrays(self) -> Weights:
        """The weights by name."""
        own: Weights = {"vectors": self.vectors, "coefficients": self.coefficients, "bias": self.bias}
        return {**self.standardise.arrays, **own}


@dataclass(frozen=True)
class NeighbourHead:
    """The vote of the nearest among stored points.

    `points` (points, dims) are standardised; `votes` (points, styles) is what each one's vote counts, in its style. The
    point after the last of the `neighbours` only sets the scale: there a vote is 0.
    """

    kind: ClassVar[str] = "neighbours"
    standardise: Standardise
    points: NDArray[np.float32]
    votes: Values
    neighbours: int
    metric: str

    def __call__(self, embedding: Embeddings) -> Values:
        """Logits, (batch, dims) -> (batch, styles)."""
        far = METRICS[self.metric].of(self.standardise(embedding), self.points)  # (batch, points)
        chosen = np.argpartition(far, self.neighbours, axis=1)[:, : self.neighbours + 1]
        nearest = np.take_along_axis(far, chosen, 1)  # (batch, neighbours + 1)
        strength = np.maximum(1 - nearest / np.maximum(nearest.max(1, keepdims=True), TINY), TINY)
        shares = (strength[..., None] * self.votes[chosen]).sum(1)  # (batch, styles)
        shares /= shares.sum(1, keepdims=True)
        logits: Values = np.log((1 - BLUR) * shares + BLUR / shares.shape[1])
        return logits

    def nodes(self, graph: Graph, embedding: str) -> str:
        """Add the same to a graph."""
        far = METRICS[self.metric].nodes(graph, self.standardise.nodes(graph, embedding), self.points)
        nearest, chosen = nearest_nodes(graph, far, self.neighbours + 1)
        last = graph.constant(np.array([self.neighbours]), np.int64)
        farthest = graph.at_least(graph.node("Gather", nearest, last, axis=1), TINY)  # (batch, 1)
        strength = graph.node("Sub", graph.constant(1.0), graph.node("Div", nearest, farthest))
        strength = graph.node("Unsqueeze", graph.at_least(strength, TINY), graph.constant(np.array([-1]), np.int64))
        votes = graph.node("Gather", graph.constant(self.votes), chosen, axis=0)  # (batch, neighbours + 1, styles)
        shares = graph.sum(graph.node("Mul", strength, votes), axis=1, keep=False)
        shares = graph.node("Div", shares, graph.sum(shares))
        sure = graph.node("Mul", shares, graph.constant(1 - BLUR))
        return graph.node("Log", graph.node("Add", sure, graph.constant(BLUR / self.votes.shape[1])))

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that the module of torch is built with."""
        points, dims = self.points.shape
        named = {"neighbours": self.neighbours, "metric": self.metric}
        return {"kind": self.kind, "dims": dims, "points": points, **named}

    @property
    def arrays(self) -> Weights:
        """The weights by name."""
        return {**self.standardise.arrays, "points": self.points, "votes": self.votes}
