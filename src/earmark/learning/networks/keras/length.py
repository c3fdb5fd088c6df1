"""The length of an input that a Keras file leaves open, as far as its layers fix it.

Frames that are joined into one row (Flatten, Reshape) before a dense layer are fixed by the number of its weights: by
itself to one number of frames, after poolings, which drop what is left over, to a range. Layers that take a mean or a
maximum over all frames fix nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from earmark.learning.networks.keras.layers import Shape
from earmark.learning.networks.keras.network import LAYERS

LONGEST = 2**30  # samples, about a day: layers that fit this fit any length


@dataclass(frozen=True)
class Lengths:
    """The numbers of samples that layers fit, from the shortest to the longest.

    `only` is the one among them that was meant, where all give the same number of frames: without sound that no frame
    hears where frames lie within the sound, and in whole hops where it is filled up.
    """

    shortest: int
    longest: int
    only: int | None


def lengths_of(layers: Sequence[Mapping[str, Any]], shapes: Sequence[Mapping[str, Shape]]) -> Lengths | None:
    """The lengths that layers fit, or None where they do not fix it.

    Args:
        layers: `name`, `kind` and `options` of each; the first is the front end.
        shapes: of the weights of each layer, by name.
    """

    def least(wanted: int) -> int:
        """The smallest number of samples whose comparison is not below this one."""
        low, high = 0, LONGEST  # too short, long enough
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _compare(middle, layers, shapes) >= wanted else (middle, high)
        return high

    if _compare(LONGEST, layers, shapes) <= 0:
        return None
    shortest, longest = least(0), least(1) - 1
    if shortest > longest:
        return None
    with torch.device("meta"):
        frames = [LAYERS[layers[0]["kind"]]((1, each), **layers[0]["options"]).shape for each in (shortest, longest)]
    inside = layers[0]["options"].get("padding") == "valid"
    only = (shortest if inside else longest) if frames[0] == frames[1] else None
    return Lengths(shortest, longest, only)


def _compare(samples: int, layers: Sequence[Mapping[str, Any]], shapes: Sequence[Mapping[str, Shape]]) -> int:
    """Whether so many samples are too few for the layers (-1), fit (0), or are too many (1)."""
    shape: Shape = (1, samples)
    for layer, given in zip(layers, shapes, strict=True):
        target = layer["options"].get("target_shape", [-1])
        if -1 not in target and math.prod(shape) != math.prod(target):
            return 1 if math.prod(shape) > math.prod(target) else -1
        try:
            with torch.device("meta"):
                built = LAYERS[layer["kind"]](shape, **layer["options"])
        except (TypeError, ValueError, RuntimeError):  # there is less of the image than what is laid over it
            return -1
        for name, weight in built.state_dict().items():
            if name in given and tuple(weight.shape) != given[name]:
                return 1 if weight.numel() > math.prod(given[name]) else -1
        shape = built.shape
    return 0
