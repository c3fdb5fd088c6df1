"""Latent factors of contexts and tracks: the product of two factors says how well a track fits a context.

Weighted matrix factorisation of implicit feedback, by alternating least squares: what is in a context is 1, what is not
is 0, and counts less, because nobody has said that it does not fit.

References: Y. Hu, Y. Koren and C. Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008.
"""

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.errors import MissingExtra

FACTORS: Final = 12  # 40, as in 2014, find no more in the plays of hundreds
CONFIDENCE: Final = 5.0  # how much what is in a context counts, where what is not counts 1
REGULARISATION: Final = 20.0
ITERATIONS: Final = 20

Factors = NDArray[np.float32]


@dataclass(frozen=True)
class Feedback:
    """What is in the contexts, entry by entry.

    Attributes:
        contexts: number of the context, (entries,).
        tracks: number of the track, (entries,).
        weights: how much it belongs to it, (entries,).
        shape: how many contexts and tracks there are.
    """

    contexts: NDArray[np.intp]
    tracks: NDArray[np.intp]
    weights: NDArray[np.float32]
    shape: tuple[int, int]

    def of(self, context: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Tracks of a context, and how much each belongs to it."""
        chosen = self.contexts == context
        return self.tracks[chosen], self.weights[chosen]


def factorise(
    feedback: Feedback,
    count: int = FACTORS,
    *,
    confidence: float = CONFIDENCE,
    regularisation: float = REGULARISATION,
    seed: int = 0,
) -> tuple[Factors, Factors]:
    """Factors of contexts and of tracks, the same each time on the same machine.

    Args:
        feedback: what is in the contexts.
        count: of factors; no more than there are contexts.
        confidence: see `CONFIDENCE`.
        regularisation: how small factors are kept.
        seed: of their first values.

    Returns:
        (contexts, factors) and (tracks, factors).

    Raises:
        MissingExtra: `implicit` is not installed.
    """
    try:
        from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415  an extra
        from scipy.sparse import csr_matrix  # noqa: PLC0415  of that extra
    except ModuleNotFoundError:
        raise MissingExtra("`earmark learn-taste`", "taste") from None
    plays = csr_matrix((feedback.weights, (feedback.contexts, feedback.tracks)), shape=feedback.shape)
    with warnings.catch_warnings():  # it warns of threads of linear algebra, which cost it time and nothing else
        warnings.simplefilter("ignore", RuntimeWarning)
        model = AlternatingLeastSquares(
            factors=min(count, feedback.shape[0]),
            regularization=regularisation,
            alpha=confidence,
            iterations=ITERATIONS,
            num_threads=1,
            random_state=seed,
        )
        model.fit(plays, show_progress=False)
    return np.asarray(model.user_factors, np.float32), np.asarray(model.item_factors, np.float32)


def fold_in(
    items: Factors,
    weights: NDArray[np.floating],
    everything: Factors,
    *,
    confidence: float = CONFIDENCE,
    regularisation: float = REGULARISATION,
) -> Factors:
    """The factors of a new context, (factors,), from the tracks that are in it, as the factorisation would give them.

    Args:
        items: factors of the tracks in it, (tracks, factors).
        weights: how much each belongs to it, (tracks,).
        everything: factors of all tracks that were factorised, (all tracks, factors).
        confidence: as in `factorise`.
        regularisation: as in `factorise`.
    """
    certain = confidence * np.asarray(weights, np.float64)
    left = everything.T.astype(np.float64) @ everything + (items.T * (certain - 1)) @ items
    left += regularisation * np.eye(items.shape[1])
    return np.asarray(np.linalg.solve(left, items.T @ certain), np.float32)
