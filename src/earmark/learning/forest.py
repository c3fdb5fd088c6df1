"""A forest that teaches: extremely randomised trees label rows between the real ones, and perceptrons learn from them.

On few measured rows trees generalise better than perceptrons, because they look at one descriptor at a time; but their
thresholds make a poor network (a rounding error can take another branch). So the trees stay in the training: they
name rows that lie between real neighbours, and the perceptrons learn to answer alike.

References: Geurts et al., Extremely randomized trees, Machine Learning 63, 2006; Bucila et al., Model compression,
KDD 2006, for rows made by swapping the attributes of neighbours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neighbors import NearestNeighbors

from earmark.learning.tables import STATISTICS, Indices, Rows


@dataclass(frozen=True)
class ForestConfig:
    """The settings of the trees and of the rows that they label."""

    trees: int = 300
    descriptors: float = 0.3  # share of them that each split may choose from
    copies: int = 10  # rows to label for each real one
    neighbours: int = 10
    swap: float = 0.4  # share of the descriptors that come from a neighbour


def soft_examples(
    rows: Rows,
    scores: Rows,
    labels: Indices,
    classes: int,
    config: ForestConfig,
    generator: np.random.Generator,
    weights: NDArray[np.float32] | None = None,
) -> tuple[Rows, Rows]:
    """Rows between the real ones, (copies x tracks, 70), and the probabilities that the trees give them.

    Args:
        rows: descriptors, (tracks, 70).
        scores: the same on a scale on which distances mean something, to find neighbours by.
        labels: the class of each.
        classes: how many there are; one that no row has gets probability 0.
        config: the settings.
        generator: chooses neighbours and what is swapped; the trees take their seed from it.
        weights: how much each row counts.
    """
    seed = int(generator.integers(2**31))
    forest = ExtraTreesClassifier(config.trees, max_features=config.descriptors, random_state=seed)
    forest.fit(rows, labels, sample_weight=weights)
    neighbours = NearestNeighbors(n_neighbors=config.neighbours + 1).fit(scores).kneighbors(scores)[1][:, 1:]
    between = np.concatenate([_swapped(rows, neighbours, config.swap, generator) for _ in range(config.copies)])
    probabilities = np.zeros((len(between), classes), np.float32)
    probabilities[:, forest.classes_] = forest.predict_proba(between)
    return between, probabilities


def _swapped(rows: Rows, neighbours: Indices, share: float, generator: np.random.Generator) -> Rows:
    """Each row with a share of its descriptors from one of its neighbours; the tempo is one thing, not two."""
    other = neighbours[np.arange(len(rows)), generator.integers(neighbours.shape[1], size=len(rows))]
    swapped = generator.random(rows.shape) < share
    swapped[:, STATISTICS:] = swapped[:, STATISTICS : STATISTICS + 1]
    return np.where(swapped, rows[other], rows)
