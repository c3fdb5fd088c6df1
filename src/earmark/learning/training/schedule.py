"""How the learning rate changes over a run."""

import math


def warm_cosine(share: float, warm_up: float) -> float:
    """The factor of the learning rate at a share (0-1) of the steps: half a cosine down to zero, ramped up at first.

    References: Loshchilov and Hutter, SGDR, arXiv 1608.03983 (2017), without the restarts.

    >>> [round(warm_cosine(share, 0.1), 3) for share in (0.05, 0.1, 0.5, 1.0)]
    [0.497, 0.976, 0.5, 0.0]
    """
    return min(share / warm_up, 1.0) * (0.5 + 0.5 * math.cos(math.pi * share))
