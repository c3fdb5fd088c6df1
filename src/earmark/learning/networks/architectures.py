"""The table of architectures: each by the place of what builds it, which is imported when it is first used.

So a model is opened with its own modules alone, and an architecture may be made of others (`taught`, `merged`, `pool`)
without any of them importing all.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    Attributes:
        name: as it stands in a model's `config.json`.
        builder: `module:attribute` in `earmark.learning.networks`; called with the number of styles and the settings.
        summary: what the network is.
        source: whom it comes from.
        trained: whether `earmark train` trains it on sound; others are made from tables, from models or from files.
    """

    name: str
    builder: str
    summary: str
    source: str
    trained: bool = False

    def __call__(self, *arguments: int, **settings: Any) -> "nn.Module":  # noqa: ANN401  as the architecture has them
        """Build the network, with its first weights."""
        module, _, attribute = self.builder.partition(":")
        network: nn.Module = getattr(import_module(f"{__package__}.{module}"), attribute)(*arguments, **settings)
        return network


ARCHITECTURES = {
    row.name: row
    for row in (
        Architecture(
            "emusic", "convolutions:emusic", "the network of 2018, layer for layer", "the 2018 system", trained=True
        ),
        Architecture("fcn", "convolutions:fcn", "3 to 7 blocks of convolution", "Choi 2016", trained=True),
        Architecture(
            "convnet5", "convolutions:convnet5", "5 blocks of 32 filters, a small embedding", "Choi 2017", trained=True
        ),
        Architecture("temporal", "temporal:temporal", "convolutions over time alone", "Dieleman 2014", trained=True),
        Architecture("ear", "ear:ear", "convolutions on log-mel patches of a second", "earmark", trained=True),
        Architecture("ear10", "ear10:ear10", "convolutions on whole stretches of seconds", "earmark", trained=True),
        Architecture(
            "descriptors",
            "descriptors:DescriptorNetwork",
            "34 short-term descriptors and the tempo, then perceptrons; fitted to measured tables",
            "Caparrini 2020",
        ),
        Architecture("pool", "pool:pool", "descriptors and an ear, asked together", "earmark"),
        Architecture("taught", "taught:taught", "a head on the embedding of another model", "Choi 2017"),
        Architecture("merged", "taught:merged", "taught styles beside those of the model", "earmark"),
        Architecture("keras", "keras.network:keras_network", "the layers of a Keras file", "Keras 2, kapre 0.1.3"),
        Architecture("yamnet", "yamnet.network:YamnetTags", "YAMNet, its classes as tags", "Hershey 2017, Howard 2017"),
    )
}

TRAINED = tuple(row.name for row in ARCHITECTURES.values() if row.trained)

EARS = {
    row.name: row
    for row in (
        Architecture("ear", "ear:EarScores", "the ear, patch by patch", "earmark"),
        Architecture("ear10", "ear10:Ear10Scores", "the ear, all of a window at once", "earmark"),
        Architecture("yamnet", "yamnet.network:YamnetEar", "YAMNet, patch by patch", "Hershey 2017, Howard 2017"),
        Architecture("ears", "ears:Ears", "an ear of ours, YAMNet and mn04, their mean", "earmark"),
    )
}
"""The members of a pool that listen: waveform -> scores (batch, patches, classes), embedding (batch, patches, dims)."""
