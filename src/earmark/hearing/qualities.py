"""Words for how a track sounds, from the descriptors that begin the embeddings of some models.

A model of descriptors, or a pool with one, gives first of all the normal scores of 68 descriptors (`learning.networks.
descriptors`): how far each lies above or below what is usual among real tracks, in standard deviations. Five of them
have a plain meaning. The descriptors are those of pyAudioAnalysis; each is a mean over the track, or the mean of its
deviations within a second. Others were tried and left out: of sounds that are known they said what is not so.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.hearing.bundle import Config

ARCHITECTURES: Final = ("descriptors", "pool")
QUALITIES: Final = (
    (1, "pressed", "with headroom"),  # mean power against the peak
    (3, "bright", "dark"),  # spectral centroid
    (5, "noisy", "tonal"),  # spectral entropy
    (35, "pumping", "even"),  # deviation of the energy within a second
    (37, "sweeping", "steady in colour"),  # deviation of the centroid within a second
)
"""The number of a descriptor in the embedding, and the words for much and for little of it."""


def qualities(config: Config, embedding: NDArray[np.floating]) -> dict[str, float]:
    """Words for how a track sounds, each with how much, in standard deviations; none if the model has no descriptors.

    Args:
        config: of the model that gave the embedding.
        embedding: (dims,).
    """
    if config.architecture not in ARCHITECTURES or embedding.size <= QUALITIES[-1][0]:
        return {}
    return {
        (much if embedding[number] >= 0 else little): abs(float(embedding[number]))
        for number, much, little in QUALITIES
    }
