"""The ear that hears bars: convolutions on a log-mel spectrogram of a whole stretch, and a stage in time.

    waveform -> log-mel, 80 bands up to 10.5 kHz, a frame every 20 ms
             -> residual convolutions, 160 ms and a sixteenth of the bands at their end
             -> dilated convolutions in time over the bars
             -> mean and attentive mean over the stretch -> logits

Ten seconds are what its teachers hear; it hears any length from one second on, and what it says is an average over
places, so that nothing needs to be filled up. Trained by distillation (`recipes.distillation`), its outputs are the
521 classes of AudioSet that YAMNet has, in its order, and 50 tags.

Conventions: a *place* is 160 ms: six of them are one of YAMNet's patches of 0.96 s. All convolutions are followed by
batch normalisation.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from earmark.learning.networks.network import AudioNetwork
from earmark.learning.networks.transforms import FactoredDFT, columns
from earmark.spectra import mel_htk

SAMPLE_RATE = 22_050  # Hz
SIZE, HOP = 661, 441  # samples: frames of 30 ms every 20 ms
BANDS = 80
LOWEST, HIGHEST = 30.0, 10_500.0  # Hz
KNEE, FINE, COARSE = 630.0, 25.0, 50.0  # Hz: frequencies are 25 Hz apart up to 630 Hz, then 50 Hz
ROWS, COLUMNS = 32, 21  # of the transform: 21 x 21 x 50 Hz are the sample rate, and 32 x 21 samples hold a frame
FLOOR = 1e-10  # of the power of a band, where a sine at full scale has 1: what is fainter is silence
PLACE = 8  # frames
SECONDS = 29.12  # of the window that it is trained to be used on
"""Any number from one second on."""

STAGES = ((16, 2, 2, 0, 0), (40, 2, 2, 1, 0), (96, 2, 2, 1, 0), (160, 2, 1, 1, 0))
"""Channels, stride over bands, stride over frames, blocks that follow, how much wider their insides are (0: full)."""
DILATIONS = (1, 2, 4)
"""Of the convolutions in time, in places: with kernels of 3 they reach over 15 places, 2.4 s."""
SQUEEZE = 4  # how much narrower what is known of the whole stretch is, on its way back to each place


class LogMel(nn.Module):
    """The logarithm of the power in mel bands.

    Shape: (batch, samples), at least SIZE -> (batch, 80, frames), frames = (samples - 661) // 441 + 1.
    """

    window: Tensor
    between: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        # The comb from the lowest frequency on, in groups of those that are 21 teeth apart; between its lower teeth
        # stand single ones. SIZE is filled up to whole rows of the transform.
        comb = np.arange(LOWEST, HIGHEST, COARSE).reshape(-1, COLUMNS).T  # Hz, (groups, members)
        between = np.arange(LOWEST + FINE, KNEE, COARSE)  # Hz
        window = np.zeros(ROWS * COLUMNS)
        window[:SIZE] = np.hanning(SIZE + 2)[1:-1]  # without its zeros
        phase = 2 * np.pi / SAMPLE_RATE * np.outer(between, np.arange(len(window)))
        frequencies = np.concatenate([comb.ravel(), between])
        order = np.argsort(frequencies)
        # In units of the floor: exporters take the addition of 1e-10 for one of nothing, and leave it out.
        mel = np.empty((BANDS, len(frequencies)))
        mel[:, order] = mel_htk(frequencies[order], BANDS, LOWEST - FINE, HIGHEST).T / FLOOR
        self.comb = FactoredDFT(ROWS, COLUMNS, 2 * np.pi / SAMPLE_RATE * comb)
        fixed = {
            "window": 2 / window.sum() * window[:, None],
            "between": np.concatenate([np.cos(phase), np.sin(phase)]),  # (2 frequencies, ROWS x COLUMNS)
            "mel": mel,  # (BANDS, frequencies)
        }
        for name, matrix in fixed.items():
            self.register_buffer(name, torch.from_numpy(matrix).float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        count = (waveform.shape[-1] - SIZE) // HOP + 1
        frames = columns(waveform, len(self.window), HOP) * self.window  # (batch, ROWS x COLUMNS, frames and more)
        real, imag = (self.between @ frames).chunk(2, 1)
        power = torch.cat([self.comb(frames), real * real + imag * imag], 1)  # (batch, frequencies, frames)
        return (torch.log(self.mel @ power + 1) + math.log(FLOOR))[..., :count]


class Excite(nn.Module):
    """Squeeze and excitation: what is heard in the whole stretch decides how much each channel counts.

    References: J. Hu et al., "Squeeze-and-excitation networks", CVPR 2018.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // SQUEEZE)
        self.excite = nn.Linear(channels // SQUEEZE, channels)

    def forward(self, hidden: Tensor) -> Tensor:
        whole = hidden.mean(tuple(range(2, hidden.ndim)))  # (batch, channels)
        gate = self.excite(self.squeeze(whole).relu()).sigmoid()
        gated: Tensor = hidden * gate.reshape(*gate.shape, *(1 for _ in range(2, hidden.ndim)))
        return gated


class Residual(nn.Module):
    """A narrow way round: 1 x 1 to half of the channels, 3 x 3, 1 x 1 back, excitation, and the sum with what came in.

    Shape: (batch, channels, bands, frames), unchanged.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // 2
        self.path = nn.Sequential(
            *_convolution(channels, narrow, 1),
            nn.ReLU(),
            *_convolution(narrow, narrow, 3),
            nn.ReLU(),
            *_convolution(narrow, channels, 1),
            Excite(channels),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        summed: Tensor = hidden + self.path(hidden)
        return summed.relu()


class Inverted(nn.Module):
    """A wide way round: 1 x 1 to more channels, 3 x 3 on each of them, excitation, 1 x 1 back, and the sum.

    The sum is left out where the shape changes.

    Shape: (batch, before, bands, frames) -> (batch, after, bands / stride, frames / stride).
    References: M. Sandler et al., "MobileNetV2", CVPR 2018; A. Howard et al., "Searching for MobileNetV3", ICCV 2019.
    """

    def __init__(self, before: int, after: int, expand: int, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        wide = expand * before
        self.keeps_shape = before == after and stride == (1, 1)
        self.path = nn.Sequential(
            *_convolution(before, wide, 1),
            nn.ReLU(),
            *_convolution(wide, wide, 3, stride, groups=wide),
            nn.ReLU(),
            Excite(wide),
            *_convolution(wide, after, 1),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        found: Tensor = self.path(hidden)
        return hidden + found if self.keeps_shape else found


def _convolution(
    before: int, after: int, size: int, stride: tuple[int, int] = (1, 1), groups: int = 1
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    convolution = nn.Conv2d(before, after, size, stride, size // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(after)


def _stage(before: int, channels: int, stride: tuple[int, int], blocks: int, expand: int) -> nn.Sequential:
    """A stage of the body; with `expand` 0 it is of full convolutions, which cost more and heed everything."""
    if expand:
        first: tuple[nn.Module, ...] = (Inverted(before, channels, expand, stride),)
        return nn.Sequential(*first, *(Inverted(channels, channels, expand) for _ in range(blocks)))
    first = (*_convolution(before, channels, 3, stride), nn.ReLU())
    return nn.Sequential(*first, *(Residual(channels) for _ in range(blocks)))


class InTime(nn.Module):
    """A dilated convolution over places, excitation, and the sum with what came in.

    Shape: (batch, channels, places), unchanged.
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv1d(channels, channels, 3, 1, dilation, dilation, bias=False),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 1, bias=False),
            nn.BatchNorm1d(channels),
            Excite(channels),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        summed: Tensor = hidden + self.path(hidden)
        return summed.relu()


class Bars(nn.Module):
    """The body; see the module.

    Args:
        outputs: how many logits.
        stages: see STAGES.
        width: channels of the stage in time.
        dilations: one convolution in time for each; none: a bag of places.
        hidden: units between the averages and the logits.
        dropout: before the last layer.

    Shape: (batch, 80, frames) -> logits (batch, outputs), embedding (batch, dims).
    """

    def __init__(
        self,
        outputs: int,
        stages: Sequence[Sequence[int]],
        width: int,
        dilations: Sequence[int],
        hidden: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(BANDS)
        self.stages = nn.ModuleList()
        before, bands = 1, BANDS
        for channels, over_bands, over_frames, blocks, expand in stages:
            self.stages.append(_stage(before, channels, (over_bands, over_frames), blocks, expand))
            before, bands = channels, -(-bands // over_bands)
        self.join = nn.Sequential(  # all bands of a place become one
            nn.Conv2d(before, width, (bands, 1), bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.in_time = nn.ModuleList(InTime(width, dilation) for dilation in dilations)
        self.attend = nn.Conv1d(width, width, 1)
        self.hidden = nn.Linear(2 * width, hidden)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(hidden, outputs)
        self.dims = sum(int(stage[0]) for stage in stages) + width * (1 + len(dilations))

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        places, averages = self.places(log_mel)
        return self.dense(self.dropout(self.summary(places))), averages

    def places(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """What is heard at each place, and the global averages of all stages.

        Shape: (batch, 80, frames) -> (batch, width, places), (batch, dims).
        """
        value = self.norm(log_mel)[:, None]  # (batch, 1, 80, frames)
        averages = []
        for stage in self.stages:
            value = stage(value)
            averages.append(value.mean((2, 3)))
        value = self.join(value)[:, :, 0]  # (batch, width, places)
        averages.append(value.mean(2))
        for layer in self.in_time:
            value = layer(value)
            averages.append(value.mean(2))
        return value, torch.cat(averages, 1)

    def summary(self, places: Tensor) -> Tensor:
        """What is heard in all: the mean, and one in which each channel chooses the places that count.

        Shape: (batch, width, places) -> (batch, hidden).
        """
        chosen = (places * self.attend(places).softmax(2)).sum(2)
        return nn.functional.hardswish(self.hidden(torch.cat([places.mean(2), chosen], 1)))


def ear10(
    styles: int,
    stages: Sequence[Sequence[int]] = STAGES,
    width: int = 256,
    dilations: Sequence[int] = DILATIONS,
    hidden: int = 512,
    dropout: float = 0.1,
) -> AudioNetwork:
    """The ear, by default 29.12 s at 22.05 kHz.

    Args:
        styles: number of outputs.
        stages: see STAGES.
        width: channels of the stage in time.
        dilations: one convolution in time for each; none: a bag of places.
        hidden: units between the averages and the logits.
        dropout: before the last layer.

    Shape: (batch, samples) -> (batch, styles), (batch, dims).
    """
    body = Bars(styles, stages, width, dilations, hidden, dropout)
    return AudioNetwork(SAMPLE_RATE, math.ceil(SECONDS * SAMPLE_RATE), LogMel(), body)


class Ear10Scores(nn.Module):
    """The ear as a member of a pool: what it hears in the whole window, as one place.

    Shape: (batch, samples) -> scores (batch, 1, outputs), embedding (batch, 1, dims).
    """

    def __init__(self, outputs: int, **settings: Any) -> None:  # noqa: ANN401  those of `ear10`
        super().__init__()
        network = ear10(outputs, **settings)
        self.sample_rate, self.samples = network.sample_rate, network.samples
        self.front_end, self.body = network.front_end, network.body

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        logits, embedding = self.body(self.front_end(waveform))
        return logits.sigmoid()[:, None], embedding[:, None]
