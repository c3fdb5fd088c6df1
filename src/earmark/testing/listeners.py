"""A world of listeners whose tastes are known: who plays which of the given tracks, and why.

There are a few tastes, each a direction in the space of embeddings. How much a track appeals to a taste is partly in
its sound, partly in what no sound tells; some tracks are more popular with all. A listener has one taste or a few, and
plays tracks by their appeal, with chance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Listeners:
    """Listeners, and what they play.

    Attributes:
        plays: which tracks each plays, (listeners, tracks).
        tastes: how much each has of each taste, (listeners, tastes); rows sum to 1.
        appeal: of each track to each taste, (tracks, tastes).
    """

    plays: NDArray[np.bool_]
    tastes: NDArray[np.float64]
    appeal: NDArray[np.float64]


def listeners(
    directions: NDArray[np.floating],
    count: int = 300,
    *,
    tastes: int = 8,
    each: int = 40,
    heard: float = 0.7,
    seed: int = 0,
) -> Listeners:
    """Make up listeners.

    Args:
        directions: of the tracks, (tracks, dims).
        count: of listeners.
        tastes: how many there are in the world.
        each: how many tracks each listener plays.
        heard: the share of a track's appeal that is in its sound (0-1).
        seed: of all chance.
    """
    rng = np.random.default_rng(seed)
    sound = directions @ directions[rng.choice(len(directions), tastes, replace=False)].T
    sound = (sound - sound.mean(0)) / sound.std(0)
    appeal = heard**0.5 * sound + (1 - heard) ** 0.5 * rng.normal(size=sound.shape)
    having = rng.dirichlet(np.full(tastes, 0.3), count)
    popular = rng.normal(0, 0.7, len(directions))
    worth = 2.5 * having @ appeal.T + popular + rng.gumbel(size=(count, len(directions)))
    chosen = np.argsort(-worth, 1)[:, :each]
    plays = np.zeros(worth.shape, bool)
    np.put_along_axis(plays, chosen, values=True, axis=1)
    return Listeners(plays, having, appeal)


def between(real: NDArray[np.floating], tracks: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Embeddings of tracks that are not there: each a mixture of three real ones, near to each other, and noise.

    Args:
        real: embeddings of length 1, (real, dims).
        tracks: how many to make.
        generator: of the mixtures.

    Shape: (tracks, dims), rows of length 1.
    """
    near = np.argsort(-(real @ real.T), 1)[:, 1:16]
    one = generator.integers(len(real), size=tracks)
    two = near[one, generator.integers(near.shape[1], size=tracks)]
    three = near[two, generator.integers(near.shape[1], size=tracks)]
    shares = generator.dirichlet([1, 1, 1], tracks).T[..., None]
    mixed = shares[0] * real[one] + shares[1] * real[two] + shares[2] * real[three]
    mixed = mixed + generator.normal(0, 0.004, mixed.shape)
    made: NDArray[np.float32] = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return made
