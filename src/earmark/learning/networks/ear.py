"""The ear: convolutions on log-mel patches of about a second, small enough for a laptop.

It hears short patches spread over a window and takes the mean of what it finds in them, so that the cost does not
depend on the patch's place and a window may have any length. Distilled (`recipes.distillation`), its outputs
are the 521 classes of AudioSet and 50 tags; like every other network it can also be trained on labelled tracks.

Conventions: a *patch* is 96 frames of 10 ms in 64 mel bands, the measure of Hershey et al. ("CNN architectures for
large-scale audio classification", ICASSP 2017), at our sample rate: window 25 ms, hop 220 samples.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from earmark.learning.networks.network import AudioNetwork
from earmark.spectra import bin_frequencies, hann, mel_htk

SAMPLE_RATE = 22_050  # Hz
WINDOW, HOP, N_FFT = 552, 220, 1024  # samples
FRAMES, BANDS = 96, 64
LOWEST, HIGHEST = 125.0, 7500.0  # Hz
OFFSET = 0.001  # of the mel magnitudes: what is fainter is silence
PATCH = (FRAMES - 1) * HOP + WINDOW  # samples


class LogMelPatches(nn.Module):
    """Log-mel patches from the beginning of each stretch of `every` samples, at least PATCH.

    The transform is a product with the bins below 7.5 kHz alone, windows included.

    Shape: (batch, samples) -> (batch, patches, 64, 96); patches = samples // every, but one at least.
    """

    kernels: Tensor
    mel: Tensor

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every = every
        bins = math.ceil(HIGHEST / SAMPLE_RATE * N_FFT)
        angle = 2 * math.pi / N_FFT * torch.arange(WINDOW, dtype=torch.float64) * torch.arange(bins)[:, None]
        # Scaled as if it were at 16 kHz: a window of 400 samples, and 512 bins where there are 743 of ours.
        window = torch.from_numpy(hann(WINDOW)) * (400 / WINDOW) * (SAMPLE_RATE / N_FFT) / (16_000 / 512)
        kernels = torch.cat([torch.cos(angle), torch.sin(angle)]) * window  # (2 bins, WINDOW)
        mel = mel_htk(bin_frequencies(SAMPLE_RATE, N_FFT), BANDS, LOWEST, HIGHEST)
        self.register_buffer("kernels", kernels[:, None].float(), persistent=False)
        self.register_buffer("mel", torch.from_numpy(mel[:bins]).float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        missing = max(0, self.every - waveform.shape[-1])
        padded = nn.functional.pad(waveform, (0, missing))
        count = padded.shape[-1] // self.every
        stretches = torch.unflatten(padded[:, : count * self.every], 1, (-1, self.every))
        patches = stretches[..., :PATCH].flatten(0, 1)[:, None]  # (batch * patches, 1, PATCH)
        real, imag = nn.functional.conv1d(patches, self.kernels, stride=HOP).chunk(2, 1)  # (n, bins, FRAMES)
        magnitude = (real * real + imag * imag).sqrt()
        log_mel = torch.log(self.mel.T @ magnitude + OFFSET)  # (n, BANDS, FRAMES)
        return torch.unflatten(log_mel, 0, (-1, count))


class Layer(NamedTuple):
    """A convolution of 3 x 3: how many filters, and its stride."""

    filters: int
    stride: int


LAYERS = (
    Layer(32, 2),  # 32 x 48
    Layer(48, 2),  # 16 x 24
    Layer(64, 1),
    Layer(128, 2),  # 8 x 12
    Layer(160, 1),
    Layer(256, 2),  # 4 x 6
    Layer(384, 1),
)
"""Strides instead of pooling: half of the time of a step was normalisation and pooling of the largest planes."""


class PatchConvolutions(nn.Module):
    """The body: convolutions with batch normalisation and ReLU, mean and maximum over each patch, one linear layer.

    Shape: (batch, patches, 64, 96) -> (batch, outputs), (batch, 1072): means over the patches.
    """

    def __init__(self, outputs: int, dropout: float) -> None:
        super().__init__()
        widths = [1, *(layer.filters for layer in LAYERS)]
        self.norm = nn.BatchNorm2d(1)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, layer.filters, 3, layer.stride, 1, bias=False),
                nn.BatchNorm2d(layer.filters),
                nn.ReLU(),
            )
            for before, layer in zip(widths, LAYERS, strict=False)
        )
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(2 * widths[-1], outputs)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        features, averages = self.features(patches)
        return self.dense(self.dropout(features)).mean(1), averages.mean(1)

    def features(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs of the last linear layer for each patch, and the global averages of all layers.

        Shape: (batch, patches, 64, 96) -> (batch, patches, 768), (batch, patches, 1072).
        """
        hidden = self.norm(patches.flatten(0, 1)[:, None])
        averages = []
        for layer in self.layers:
            hidden = layer(hidden)
            averages.append(hidden.mean((2, 3)))
        features = torch.cat([averages[-1], hidden.amax((2, 3))], 1)
        count = patches.shape[1]
        return torch.unflatten(features, 0, (-1, count)), torch.unflatten(torch.cat(averages, 1), 0, (-1, count))


def ear(styles: int, patches: int = 10, every: float = 2.912, dropout: float = 0.2) -> AudioNetwork:
    """The ear: 2.0 million parameters, ten patches from 29.12 s at 22.05 kHz.

    Args:
        styles: number of outputs.
        patches: how many make the window that it is trained on; it can hear any number.
        every: seconds from one patch to the next.
        dropout: before the last layer.

    Shape: (batch, 642100) -> (batch, styles), (batch, 1072).
    """
    hop = round(every * SAMPLE_RATE)
    return AudioNetwork(SAMPLE_RATE, patches * hop, LogMelPatches(hop), PatchConvolutions(styles, dropout))


class EarScores(nn.Module):
    """The ear as a member of a pool: what it hears in each patch, before any mean.

    Shape: (batch, samples) -> scores (batch, patches, outputs), embedding (batch, patches, 1072).
    """

    def __init__(self, outputs: int, every: float) -> None:
        super().__init__()
        network = ear(outputs, every=every)
        self.sample_rate, self.samples = network.sample_rate, network.samples
        self.front_end, self.body = network.front_end, network.body

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        features, averages = self.body.features(self.front_end(waveform))  # type: ignore[operator]
        return self.body.dense(features).sigmoid(), averages  # type: ignore[operator]
