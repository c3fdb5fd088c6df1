"""The head: latent factors of a track from its place in the space of embeddings, so that what nobody played has them.

Ridge regression, in closed form. Factors of tracks that are in many contexts are better known, and count for more. The
penalty is the one that predicts best the factors of tracks that are left out, a fifth of them at a time.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

PENALTIES: Final = (3.0, 10.0, 30.0, 100.0, 300.0)
FOLDS: Final = 5


@dataclass(frozen=True)
class Head:
    """A linear map from directions to factors.

    Attributes:
        weights: (axes, factors).
        bias: (factors,).
        explained: share of the variance of the factors of tracks that were left out, which it explains; below 0 the
            mean would be better.
    """

    weights: Matrix
    bias: Matrix
    explained: float

    @classmethod
    def fit(cls, directions: NDArray[np.floating], factors: NDArray[np.floating], counts: NDArray[np.floating]) -> Self:
        """Learn from tracks whose factors are known.

        Args:
            directions: (tracks, axes).
            factors: (tracks, factors).
            counts: in how many contexts each track is, (tracks,).
        """
        folds = np.random.default_rng(0).permutation(len(directions)) % FOLDS
        errors = dict.fromkeys(PENALTIES, 0.0)
        scatter = 0.0
        for fold in range(min(FOLDS, len(directions))):
            out = folds == fold
            mean = np.average(factors[~out], 0, counts[~out]) if (~out).any() else 0
            scatter += float(counts[out] @ ((factors[out] - mean) ** 2).sum(1))
            for penalty in PENALTIES:
                weights, bias = _ridge(directions[~out], factors[~out], counts[~out], penalty)
                missed = factors[out] - directions[out] @ weights - bias
                errors[penalty] += float(counts[out] @ (missed**2).sum(1))
        best = min(errors, key=errors.__getitem__)
        weights, bias = _ridge(directions, factors, counts, best)
        return cls(weights.astype(np.float32), bias.astype(np.float32), 1 - errors[best] / scatter if scatter else 0.0)

    def factors(self, directions: Matrix) -> Matrix:
        """Factors of directions, (tracks, axes) -> (tracks, factors)."""
        return directions @ self.weights + self.bias


def _ridge(
    directions: NDArray[np.floating], factors: NDArray[np.floating], counts: NDArray[np.floating], penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and bias; the bias is not penalised."""
    if not len(directions):
        return np.zeros((directions.shape[1], factors.shape[1])), np.zeros(factors.shape[1])
    centre, mean = (np.average(each, 0, counts) for each in (directions, factors))
    rows = directions - centre
    square = (rows.T * counts) @ rows + penalty * np.eye(rows.shape[1])
    weights = np.linalg.solve(square, (rows.T * counts) @ (factors - mean))
    return weights, np.asarray(mean - centre @ weights)
