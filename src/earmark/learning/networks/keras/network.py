"""Networks that were trained in Keras: a chain of its layers, with the weights of its file.

`earmark.learning.keras_import` reads the files.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from earmark.errors import BundleError
from earmark.learning.networks.keras import layers
from earmark.learning.networks.keras.kapre import Melspectrogram, Normalization2D, Spectrogram
from earmark.learning.networks.keras.layers import Conv2D, Dense, Layer, Shape
from earmark.learning.networks.network import AudioNetwork

FRONT_ENDS: dict[str, type[Layer]] = {"Spectrogram": Spectrogram, "Melspectrogram": Melspectrogram}
"""The layers that come first, and only there."""

LAYERS: dict[str, type[Layer]] = FRONT_ENDS | {
    layer.__name__: layer
    for layer in (
        Normalization2D,
        layers.Conv2D,
        layers.BatchNormalization,
        layers.Activation,
        layers.ELU,
        layers.LeakyReLU,
        layers.MaxPooling2D,
        layers.AveragePooling2D,
        layers.GlobalMaxPooling2D,
        layers.GlobalAveragePooling2D,
        layers.Dropout,
        layers.Flatten,
        layers.Dense,
        layers.Reshape,
        layers.Permute,
    )
}
"""Every layer that is understood, by its name in Keras."""


def options_of(kind: str) -> set[str]:
    """The options that a kind of layer understands."""
    return set(inspect.signature(LAYERS[kind]).parameters) - {"shape"}


class KerasBody(nn.Module):
    """The layers after the front end, one after the other.

    A block is a convolution and what follows it up to the next one or to the end of the images. The embedding joins the
    global averages of the blocks; where there is no convolution it is what the last dense layer sees.

    Shape: (batch, 1, bands, frames) -> (batch, outputs), (batch, dims).
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.taps = _block_ends(layers)

    def forward(self, spectrogram: Tensor) -> tuple[Tensor, Tensor]:
        hidden = spectrogram.permute(0, 2, 3, 1)
        heard = []
        for index, layer in enumerate(self.layers):
            if index in self.taps:
                heard.append(hidden.mean((1, 2)) if hidden.ndim == 4 else hidden.flatten(1))  # noqa: PLR2004  an image
            hidden = layer(hidden)
        return hidden, torch.cat(heard, 1)


def _block_ends(layers: Sequence[Layer]) -> list[int]:
    """The layers before which a block ends."""
    ends, within = [], False
    for index, layer in enumerate(layers):
        leaves = len(layer.shape) != 3  # noqa: PLR2004  an image
        if within and (leaves or isinstance(layer, Conv2D)):
            ends.append(index)
        within = isinstance(layer, Conv2D) or (within and not leaves)
    dense = [index for index, layer in enumerate(layers) if isinstance(layer, Dense)]
    return ends or dense[-1:]


def keras_network(styles: int, sample_rate: int, samples: int, layers: Sequence[Mapping[str, Any]]) -> AudioNetwork:
    """A network from Keras layers, each given as `name`, `kind` and `options`; the first is the front end.

    Raises:
        BundleError: a layer is not understood, or the layers do not fit together or to the styles.
    """
    built: list[Layer] = []
    shape: Shape = (1, samples)
    for layer in layers:
        name, kind = layer["name"], layer["kind"]
        if kind not in LAYERS:
            raise BundleError(f"layer {name!r} is a {kind}, which is not understood")
        if (kind in FRONT_ENDS) == bool(built):
            raise BundleError(f"layer {name!r} is a {kind}, but a spectrogram must come first, and only there")
        try:
            built.append(LAYERS[kind](shape, **layer["options"]))
        except (TypeError, ValueError, RuntimeError) as error:
            raise BundleError(f"layer {name!r} ({kind}): {error}") from error
        shape = built[-1].shape
    if shape != (styles,):
        outputs = " x ".join(map(str, shape))
        raise BundleError(f"the layers give {outputs} outputs, for which there are {styles} names: --styles names them")
    body = KerasBody(built[1:])
    if not body.taps:
        raise BundleError("there is neither a convolution nor a dense layer among the layers")
    return AudioNetwork(sample_rate, samples, built[0], body)


def layers_of(network: AudioNetwork) -> list[Layer]:
    """The layers of such a network, in the order of its settings."""
    return cast("list[Layer]", [network.front_end, *cast(KerasBody, network.body).layers])
