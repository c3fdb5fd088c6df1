"""The optimiser, and the course of its learning rate over a run.

References:
    Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv 1711.05101 (2019).
    Loshchilov and Hutter, SGDR, arXiv 1608.03983 (2017), without the restarts.
"""

import math

import torch
from torch import nn


def adamw(module: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW whose weight decay spares what is no matrix: biases, and the scales and shifts of normalisations."""
    decayed = [each for each in module.parameters() if each.ndim > 1]
    spared = [each for each in module.parameters() if each.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, learning_rate)


def warm_cosine(share: float, warm_up: float) -> float:
    """The factor of the learning rate at a share (0-1) of the steps: half a cosine down to zero, ramped up at first.

    >>> [round(warm_cosine(share, 0.1), 3) for share in (0.05, 0.1, 0.5, 1.0)]
    [0.497, 0.976, 0.5, 0.0]
    """
    return min(share / warm_up, 1.0) * (0.5 + 0.5 * math.cos(math.pi * share))
