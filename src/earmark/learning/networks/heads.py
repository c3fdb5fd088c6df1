"""Heads: small classifiers on top of an embedding, each the fit of a classical method as fixed weights.

Nothing in a head learns: its weights are buffers, which a fit fills in (`learning.teaching.heads`). All three
standardise the embedding first, by the mean and the deviation of what they were fitted to. A head says by `settings`
with which arguments it is built again.

Shape: embedding (batch, dims) -> logits (batch, styles).
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

BLUR = 0.02  # probability (0-1) that the neighbours' vote leaves to all styles alike: the logarithm of 0 is no logit


class Standardise(nn.Module):
    """Each value minus its mean, divided by its deviation.

    Shape: (..., dims) -> (..., dims).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dims))
        self.register_buffer("scale", torch.ones(dims))

    def forward(self, embedding: Tensor) -> Tensor:
        return (embedding - self.mean) / self.scale


class Head(nn.Module):
    """A classifier of embeddings; `kind` is its name in a bundle, `settings` the arguments it is built with.

    Shape: (batch, dims) -> logits (batch, styles).
    """

    kind: ClassVar[str]
    settings: dict[str, Any]


class LinearHead(Head):
    """Multinomial logistic regression: logits are linear in the embedding."""

    kind = "linear"
    weight: Tensor
    bias: Tensor

    def __init__(self, styles: int, dims: int) -> None:
        super().__init__()
        self.settings = {"kind": self.kind, "dims": dims}
        self.standardise = Standardise(dims)
        self.register_buffer("weight", torch.zeros(styles, dims))
        self.register_buffer("bias", torch.zeros(styles))

    def forward(self, embedding: Tensor) -> Tensor:
        logits: Tensor = self.standardise(embedding) @ self.weight.T + self.bias
        return logits


class KernelHead(Head):
    """Support vector machines with a radial kernel, one for each style against the rest.

    A logit is the decision value: the sum of exp(-gamma d^2) over the support vectors, d being the distance to each,
    weighted by its dual coefficient; positive on the side of the style, 1 at its margin.
    """

    kind = "svm"
    vectors: Tensor
    coefficients: Tensor
    bias: Tensor

    def __init__(self, styles: int, dims: int, vectors: int, gamma: float) -> None:
        super().__init__()
        self.settings = {"kind": self.kind, "dims": dims, "vectors": vectors, "gamma": gamma}
        self.gamma = gamma
        self.standardise = Standardise(dims)
        self.register_buffer("vectors", torch.zeros(vectors, dims))
        self.register_buffer("coefficients", torch.zeros(vectors, styles))
        self.register_buffer("bias", torch.zeros(styles))

    def forward(self, embedding: Tensor) -> Tensor:
        kernel = (-self.gamma * squared_distances(self.standardise(embedding), self.vectors)).exp()  # (batch, vectors)
        return kernel @ self.coefficients + self.bias


class NeighbourHead(Head):
    """The vote of the nearest among stored points; a logit is the logarithm of a style's share of the votes.

    A neighbour's vote falls with its distance and is 0 at the distance of the first one that is not asked, so the
    answer has no jumps where neighbours change places. Distances are euclidean, or one minus the cosine.
    """

    kind = "neighbours"
    points: Tensor
    votes: Tensor

    def __init__(self, styles: int, dims: int, points: int, neighbours: int, metric: str) -> None:
        super().__init__()
        if metric not in METRICS:
            raise ValueError(f"the metric is {metric!r}, not one of {', '.join(METRICS)}")
        self.settings = {
            "kind": self.kind,
            "dims": dims,
            "points": points,
            "neighbours": neighbours,
            "metric": metric,
        }
        self.distances = METRICS[metric]
        self.asked = neighbours + 1  # the last one only sets the scale
        self.standardise = Standardise(dims)
        self.register_buffer("points", torch.zeros(points, dims))
        self.register_buffer("votes", torch.zeros(points, styles))  # what each point's vote counts, in its style

    def forward(self, embedding: Tensor) -> Tensor:
        distances = self.distances(self.standardise(embedding), self.points)  # (batch, points)
        nearness, chosen = (-distances).topk(self.asked, dim=-1)  # (batch, asked), the nearest first
        farthest = -nearness[:, -1:]
        # All at one distance: all count alike.
        strength = (1 + nearness / farthest.clamp_min(1e-9)).clamp_min(1e-9)
        shares = (strength[..., None] * self.votes[chosen]).sum(1)  # (batch, styles)
        shares = shares / shares.sum(-1, keepdim=True)
        return ((1 - BLUR) * shares + BLUR / shares.shape[-1]).log()


class Gate(nn.Module):
    """The probability that a sound is of the kind that was taught, rather than of any other.

    It must lie nearer to taught tracks than to others, which is a logistic function of the ratio of the mean distances
    to the `neighbours` nearest of either, and as near to taught tracks as those lie to each other, which is one of the
    distance alone: what is far from both is no taught style, whichever it is nearer to. The smaller one decides.

    `nearer` holds intercept and slope of the first, `typical` centre and slope of the second, over log distances.

    Shape: (batch, dims) -> (batch, 1), 0-1.
    """

    own: Tensor
    others: Tensor
    nearer: Tensor
    typical: Tensor

    def __init__(self, dims: int, own: int, others: int, neighbours: int) -> None:
        super().__init__()
        self.settings = {"dims": dims, "own": own, "others": others, "neighbours": neighbours}
        self.neighbours = neighbours
        self.standardise = Standardise(dims)
        self.register_buffer("own", torch.zeros(own, dims))
        self.register_buffer("others", torch.zeros(others, dims))
        self.register_buffer("nearer", torch.zeros(2))
        self.register_buffer("typical", torch.zeros(2))

    def forward(self, embedding: Tensor) -> Tensor:
        standard = self.standardise(embedding)
        own, others = (self.log_distance(euclidean(standard, points)) for points in (self.own, self.others))
        nearer = torch.sigmoid(self.nearer[0] + self.nearer[1] * (others - own))
        typical = torch.sigmoid(self.typical[1] * (self.typical[0] - own))
        return torch.minimum(nearer, typical)

    def log_distance(self, distances: Tensor) -> Tensor:
        """The logarithm of the mean distance to the nearest points, (batch, points) -> (batch, 1)."""
        nearest = -(-distances).topk(self.neighbours, dim=-1).values
        return nearest.mean(-1, keepdim=True).clamp_min(1e-6).log()


def squared_distances(here: Tensor, there: Tensor) -> Tensor:
    """Shape: (batch, dims), (points, dims) -> (batch, points)."""
    products = here @ there.T
    return ((here * here).sum(-1, keepdim=True) + (there * there).sum(-1) - 2 * products).clamp_min(0)


def euclidean(here: Tensor, there: Tensor) -> Tensor:
    """Shape: (batch, dims), (points, dims) -> (batch, points)."""
    return squared_distances(here, there).sqrt()


def cosine(here: Tensor, there: Tensor) -> Tensor:
    """One minus the cosine of the angle, (batch, dims), (points, dims) -> (batch, points)."""
    one, other = (each / (each * each).sum(-1, keepdim=True).sqrt().clamp_min(1e-9) for each in (here, there))
    return (1 - one @ other.T).clamp_min(0)


METRICS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"euclidean": euclidean, "cosine": cosine}


def head_of(styles: int, settings: Mapping[str, Any]) -> Head:
    """Build a head from its `settings`, with weights not yet filled in."""
    networks: dict[str, Callable[..., Head]] = {network.kind: network for network in Head.__subclasses__()}
    return networks[settings["kind"]](styles, **{name: value for name, value in settings.items() if name != "kind"})
