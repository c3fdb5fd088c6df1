"""YAMNet as layers: a waveform at 22,050 Hz in, scores of 521 kinds of sound and embeddings of patches out.

The network was trained on sound at 16 kHz, from which its front end takes spectra. What those spectra are of does not
depend on the sample rate below 7.5 kHz, where its mel bands end, so they are computed at 22,050 Hz without resampling:
the Fourier sums run over the same 25 ms under the same window, at the same frequencies. Only the places of the frames
need care: 10 ms are 220.5 samples, so the sums of every second frame have window and phase moved by half a sample.

Conventions: patches (batch, patches, 96, 64) as in `earmark.learning.networks.yamnet.patches`; scores 0-1.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from earmark.learning.networks.yamnet import patches
from earmark.learning.networks.yamnet.classes import CLASSES, DIMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from earmark.learning.networks.yamnet.graph import Network

FIRST = 32  # channels
LAYERS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *(5 * ((512, 1),)),
    *((1024, 2), (1024, 1)),
)
"""Channels and stride: a convolution of 3 x 3 on each channel for itself, then one of 1 x 1 on all of them."""


class YamnetPatches(nn.Module):
    """The log-mel patches of a waveform at 22,050 Hz, as `patches.front_end` makes them at 16 kHz.

    Args:
        hop: from one patch to the next, in frames of 10 ms.

    Shape: (batch, samples), at least 21,499 -> (batch, patches, 96, 64).
    """

    SAMPLE_RATE = 22_050
    PAIR = 441  # samples: 20 ms, the hop of every second frame
    HALF = 220  # samples: how much later, half a sample apart, the other frames begin
    SPAN = 552  # samples in which 25 ms lie, begun on a sample or half a sample later

    kernels: Tensor
    mel: Tensor

    def __init__(self, hop: int = patches.FRAMES) -> None:
        super().__init__()
        self.hop = hop
        mel = patches.mel_matrix()  # (257, 64)
        heard = np.flatnonzero(mel.any(1))  # bins: those between 125 and 7500 Hz
        frequency = 2 * np.pi * heard * patches.SAMPLE_RATE / patches.N_FFT  # radians a second
        kernels = []
        for late in (0.0, 0.5):  # samples after which a frame begins
            time = (np.arange(self.SPAN) - late) / self.SAMPLE_RATE  # seconds
            length = patches.WINDOW / patches.SAMPLE_RATE
            inside = (time >= 0) & (time < length)
            hann = np.where(inside, 0.5 - 0.5 * np.cos(2 * np.pi * time / length), 0)
            hann *= patches.SAMPLE_RATE / self.SAMPLE_RATE  # there are more samples in the same time
            angle = np.outer(time, frequency)  # (span, bins)
            kernels.append(np.concatenate([np.cos(angle), np.sin(angle)], 1) * hann[:, None])
        fixed = np.stack(kernels).transpose(0, 2, 1)[:, :, None]  # (2, 2 bins, 1, span)
        self.register_buffer("kernels", torch.from_numpy(fixed.copy()).float(), persistent=False)
        self.register_buffer("mel", torch.from_numpy(mel[heard]), persistent=False)  # (bins, 64)

    def forward(self, waveform: Tensor) -> Tensor:
        log_mel = self.log_mel(waveform)  # (batch, frames, 64)
        return log_mel.unfold(1, patches.FRAMES, self.hop).transpose(2, 3)

    def log_mel(self, waveform: Tensor) -> Tensor:
        """The frames in mel bands, (batch, frames, 64); their number is even."""
        count = (waveform.shape[1] - self.HALF - self.SPAN) // self.PAIR + 1  # pairs of frames
        pairs = []
        for kernels, start in zip(self.kernels, (0, self.HALF), strict=True):
            end = start + (count - 1) * self.PAIR + self.SPAN
            spectrum = nn.functional.conv1d(waveform[:, None, start:end], kernels, stride=self.PAIR)
            real, imag = spectrum.transpose(1, 2).chunk(2, -1)  # (batch, count, bins)
            pairs.append((real * real + imag * imag).sqrt())
        magnitude = torch.stack(pairs, 2).flatten(1, 2)  # (batch, frames, bins)
        return torch.log(magnitude @ self.mel + patches.OFFSET)


class YamnetEar(nn.Module):
    """The front end and the network, whose weights `take` sets.

    Args:
        hop: from one patch to the next, in frames of 10 ms; a patch is 96 frames.

    Shape: (batch, samples) at 22,050 Hz -> scores (batch, patches, 521), embedding (batch, patches, 1024).
    References: A. Howard et al., MobileNets, 2017; S. Hershey et al., ICASSP 2017.
    """

    sample_rate = YamnetPatches.SAMPLE_RATE
    samples = 642_096  # 29.12 s, as the other networks; any length from one patch on is heard

    def __init__(self, hop: int = patches.FRAMES) -> None:
        super().__init__()
        self.front_end = YamnetPatches(hop)
        layers = [_convolution(1, FIRST, 3, stride=2)]
        before = FIRST
        for after, stride in LAYERS:
            layers += [
                _convolution(before, before, 3, stride=stride, groups=before),
                _convolution(before, after, 1),
            ]
            before = after
        self.layers = nn.ModuleList(layers)
        self.dense = nn.Linear(DIMS, CLASSES)
        self.requires_grad_(False)  # it is as it was given

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        return self.hear(self.front_end(waveform))

    def hear(self, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and embeddings of patches (batch, patches, 96, 64)."""
        count = heard.shape[1]
        hidden = heard.flatten(0, 1)[:, None]  # (batch * patches, 1, 96, 64)
        for layer in self.layers:
            hidden = layer(hidden)
        embedding = hidden.mean((2, 3))
        scores = self.dense(embedding).sigmoid()
        return torch.unflatten(scores, 0, (-1, count)), torch.unflatten(embedding, 0, (-1, count))

    @torch.no_grad()
    def take(self, network: "Network") -> None:
        """Take the weights of the network as it was read from its file.

        Raises:
            ValueError: it has other layers.
        """
        own = [
            next(part for part in cast(nn.Sequential, layer) if isinstance(part, nn.Conv2d)) for layer in self.layers
        ]
        for convolution, given in zip(own, network.convolutions, strict=True):
            if (convolution.stride, convolution.groups) != ((given.stride, given.stride), given.groups):
                raise ValueError(f"a stride of {given.stride} in {given.groups} groups does not fit {convolution}")
            _set(convolution, given.weight, given.bias)
        _set(self.dense, network.weight, network.bias)


class YamnetTags(nn.Module):
    """Some of the classes as tags of a whole window: the mean of their scores over its patches.

    Args:
        styles: how many classes.
        classes: their numbers.
        hop: as in `YamnetEar`.

    Shape: (batch, samples) -> logits (batch, classes), embedding (batch, 1024).
    """

    FAINTEST = 1e-3  # a score; below, programs differ in how they round the sigmoid, and logarithms would show it

    def __init__(self, styles: int, classes: Sequence[int], hop: int = patches.FRAMES) -> None:
        super().__init__()
        if len(classes) != styles:
            raise ValueError(f"{len(classes)} classes for {styles} outputs")
        self.ear = YamnetEar(hop)
        self.sample_rate, self.samples = self.ear.sample_rate, self.ear.samples
        self.classes = list(classes)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        scores, embedding = self.ear(waveform)
        score = scores.mean(1)[:, self.classes].clamp(self.FAINTEST, 1 - self.FAINTEST)
        return torch.log(score / (1 - score)), embedding.mean(1)


def _convolution(before: int, after: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution and a ReLU6, filled up with zeros as TensorFlow does: with a stride of 2, at the end alone."""
    convolution = nn.Conv2d(before, after, size, stride, (size - stride) // 2, groups=groups)
    padding = (nn.ZeroPad2d((0, 1, 0, 1)),) if (size - stride) % 2 else ()
    return nn.Sequential(*padding, convolution, nn.ReLU6())


def _set(layer: nn.Conv2d | nn.Linear, weight: "NDArray[np.float32]", bias: "NDArray[np.float32]") -> None:
    for parameter, values in ((layer.weight, weight), (cast(Tensor, layer.bias), bias)):
        if parameter.shape != values.shape:
            raise ValueError(f"weights of shape {values.shape} do not fit {layer}")
        parameter.copy_(torch.tensor(values))
