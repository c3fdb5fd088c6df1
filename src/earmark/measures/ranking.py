"""Measures of a ranking: do the tracks that have a tag stand above those that have not? NumPy only.

Conventions
-----------
relevant  (tracks,) bool, whether each track has the tag
scores    (tracks,) how strongly a model says so, of any scale: only the order counts, and tracks of equal scores
          share their place

Metrics
-------
roc_auc            area under the curve of true over false positives: the probability that a track with the tag
                   stands above one without it; 0.5 is chance, whatever the number of tracks
average_precision  area under the curve of precision over recall, by steps and without interpolation; chance is the
                   share of tracks that have the tag

Both are nan where they mean nothing: no track has the tag, or, for `roc_auc`, all have it.

References: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27(8), 2006; Davis and Goadrich, The
relationship between precision-recall and ROC curves, ICML 2006.
"""

import numpy as np
from numpy.typing import NDArray

Relevant = NDArray[np.bool_]
Scores = NDArray[np.floating]


def roc_auc(relevant: Relevant, scores: Scores) -> float:
    """The area under the ROC curve.

    >>> roc_auc(np.array([True, False, True]), np.array([0.9, 0.2, 0.2]))
    0.75
    """
    found, taken = _from_the_top(relevant, scores)
    with_tag, without = found[-1], taken[-1] - found[-1]
    if not with_tag or not without:
        return float("nan")
    false = taken - found
    # Trapezia: half of those that share their place stand above.
    return float((np.diff(false) * (found[1:] + found[:-1])).sum() / (2 * with_tag * without))


def average_precision(relevant: Relevant, scores: Scores) -> float:
    """The area under the precision-recall curve (PR-AUC).

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.5, 0.2]))
    0.8333333333333333
    """
    found, taken = _from_the_top(relevant, scores)
    if not found[-1]:
        return float("nan")
    return float((np.diff(found) * found[1:] / taken[1:]).sum() / found[-1])


def _from_the_top(relevant: Relevant, scores: Scores) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Tracks with the tag, and all tracks, above each distinct score, from none to all, (distinct scores + 1,)."""
    if relevant.shape != scores.shape or relevant.ndim != 1 or not len(relevant):
        raise ValueError(f"tags {relevant.shape} and scores {scores.shape} do not belong together")
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1) + 1
    taken = np.append(0, ends)
    found = np.append(0, np.cumsum(relevant[order]))[taken]
    return found, taken
