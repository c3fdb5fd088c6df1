"""The networks: waveform in, logits and an embedding out; the table ARCHITECTURES names them.

Every network carries its front end as its first layers and is built from `styles` and keyword settings that can be
written down in a model's `config.json`. It knows its `sample_rate` in Hz and the number of `samples` that one
prediction hears.

Conventions: logits (batch, styles), before the softmax; embedding (batch, dims), a summary of the sound that
similarity and teaching build on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from earmark.learning.networks.convolutions import convnet5, emusic, fcn
from earmark.learning.networks.descriptors import DescriptorNetwork, NormalScores
from earmark.learning.networks.ear import EarScores, ear
from earmark.learning.networks.heads import Gate, head_of
from earmark.learning.networks.keras.network import keras_network
from earmark.learning.networks.network import AudioNetwork
from earmark.learning.networks.pool import OpinionPool, Opinions
from earmark.learning.networks.taught import Merged, Taught
from earmark.learning.networks.temporal import temporal
from earmark.learning.networks.yamnet.network import YamnetEar, YamnetTags

__all__ = ["ARCHITECTURES", "TRAINED", "AudioNetwork", "DescriptorNetwork", "NormalScores", "OpinionPool"]


def taught(styles: int, base: Mapping[str, Any], head: Mapping[str, Any]) -> Taught:
    """A head on a frozen base, which is given as `architecture`, `settings` and the number of its own `styles`."""
    return Taught(_base(base), head_of(styles, head))


def merged(
    styles: int,
    base: Mapping[str, Any],
    head: Mapping[str, Any],
    gate: Mapping[str, Any],
    taught: Sequence[int],
    temperatures: Sequence[float],
) -> Merged:
    """A base that goes on answering beside a head for the styles `taught`, and the gate between them."""
    return Merged(
        _base(base),
        head_of(len(taught), head),
        Gate(**gate),
        styles=styles,
        base_styles=base["styles"],
        taught=taught,
        temperatures=temperatures,
    )


EARS: dict[str, Callable[..., nn.Module]] = {"ear": EarScores, "yamnet": YamnetEar}
"""What can listen in a pool: scores (batch, patches, classes) and an embedding (batch, patches, dims) of a waveform."""


def pool(
    styles: int,
    descriptors: Mapping[str, Any],
    ear: Mapping[str, Any],
    opinions: Mapping[str, Any],
    weight: float = 1.0,
) -> OpinionPool:
    """A descriptor network, given by its settings, and an ear, as `architecture` and `settings`, asked together."""
    return OpinionPool(
        DescriptorNetwork(styles, **descriptors),
        EARS[ear["architecture"]](**ear["settings"]),
        Opinions(styles, **opinions),
        weight,
    )


def _base(base: Mapping[str, Any]) -> nn.Module:
    return ARCHITECTURES[base["architecture"]](base["styles"], **base["settings"])


TRAINED = ("emusic", "fcn", "convnet5", "temporal", "ear")
"""The architectures that are trained on sound; the others are made from tables, from models or from files."""

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "emusic": emusic,
    "fcn": fcn,
    "convnet5": convnet5,
    "temporal": temporal,
    "ear": ear,
    "descriptors": DescriptorNetwork,
    "pool": pool,
    "taught": taught,
    "merged": merged,
    "keras": keras_network,
    "yamnet": YamnetTags,
}
