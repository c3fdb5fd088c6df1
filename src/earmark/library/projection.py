"""A collection as points of a plane: the two directions in which its embeddings differ most.

Reference: principal components (Pearson 1901), by the eigenvectors of the covariance.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE: Final = 8192  # tracks from which the directions are taken, evenly spread over the collection
BLOCK: Final = 16_384  # rows that are read at once: the matrix may lie in a file


def plane(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points of embeddings (tracks, dims), (tracks, 2), each axis within -1 and 1.

    The same collection always has the same picture: of the two signs of a direction, that is taken in which its longest
    part is positive.
    """
    tracks, dims = matrix.shape
    if not tracks or not dims:
        return np.zeros((tracks, 2), np.float32)
    sample = np.asarray(matrix[:: max(1, tracks // SAMPLE)], np.float64)
    centre = sample.mean(0)
    _, directions = np.linalg.eigh(np.atleast_2d(np.cov(sample - centre, rowvar=False, bias=True)))
    axes = directions[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), range(axes.shape[1])])
    points = np.zeros((tracks, 2))
    for first in range(0, tracks, BLOCK):
        points[first : first + BLOCK, : axes.shape[1]] = (matrix[first : first + BLOCK] - centre) @ axes
    # Far-off tracks stay in the picture, at its edge: one of them must not shrink all the others to a dot.
    reach = np.maximum(np.quantile(np.abs(points), 0.995, 0), 1e-9)
    found: NDArray[np.float32] = np.clip(points / reach, -1, 1).astype(np.float32)
    return found
