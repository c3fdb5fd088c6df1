"""Three ears at once: one of ours, YAMNet and mn04; what they hear is the mean of their scores.

A better ear is the mean of ears that hear differently: each imagines other things, and they agree on what is there.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from earmark.learning.networks import architectures
from earmark.learning.networks.mn04_ear import Mn04Ear
from earmark.learning.networks.yamnet import patches
from earmark.learning.networks.yamnet.classes import CLASSES
from earmark.learning.networks.yamnet.network import YamnetEar


class Ears(nn.Module):
    """The mean of the scores of three ears, and their embeddings side by side.

    Args:
        own: `architecture`, a key of EARS, and its `settings`; what it hears beside the 521 classes is left out.
        hop: of YAMNet's patches, in frames of 10 ms.

    Shape: (batch, samples) -> scores (batch, 1, 521), embedding (batch, 1, dims of own + 1024 + 384).
    """

    def __init__(self, own: Mapping[str, Any], hop: int = patches.FRAMES) -> None:
        super().__init__()
        self.own = architectures.EARS[own["architecture"]](**own["settings"])
        self.yamnet = YamnetEar(hop)
        self.mn04 = Mn04Ear()
        self.sample_rate, self.samples = self.own.sample_rate, self.own.samples

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        heard = [ear(waveform) for ear in (self.own, self.yamnet, self.mn04)]
        scores = [scores[..., :CLASSES].mean(1, keepdim=True) for scores, _ in heard]
        embeddings = [embedding.mean(1, keepdim=True) for _, embedding in heard]
        return torch.stack(scores).mean(0), torch.cat(embeddings, -1)
