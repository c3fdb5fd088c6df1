"""mn04 as layers: a MobileNetV3 of width 0.4 that learned from a transformer to hear the 527 classes of AudioSet.

F. Schmid published it in EfficientAT (MIT licence). It was trained on ten seconds at 32 kHz, and hears any length from
a second on.

    waveform -> pre-emphasis -> log-mel, 128 bands up to 15 kHz, a frame every 10 ms -> MobileNetV3 large
             -> the mean over the whole stretch, 384 values: its embedding -> scores

Conventions: scores 0-1; the classes are those of AudioSet in its order, of which YAMNet has 521 (`of_yamnet`).
References: F. Schmid et al., "Efficient large-scale audio tagging via transformer-to-CNN knowledge distillation",
ICASSP 2023; A. Howard et al., "Searching for MobileNetV3", ICCV 2019.
"""

import hashlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from earmark.errors import BundleError
from earmark.learning.downloads import MN04
from earmark.learning.networks.transforms import FoldedDFT, framed
from earmark.spectra import mel_htk

SAMPLE_RATE = 32_000  # Hz
N_FFT, WINDOW, HOP = 1024, 800, 320  # samples
BANDS, HIGHEST = 128, 15_000.0  # Hz
EMPHASIS = 0.97
OFFSET = 1e-5  # of the mel power
CLASSES, DIMS, HIDDEN = 527, 384, 512
EPSILON = 1e-3  # of the batch normalisations

DROPPED = (1, 2, 12, 32, 33, 277)
"""The classes that YAMNet was not taught: male and female speech and singing, battle cry, funny music."""


class Block(NamedTuple):
    """A block: channels inside and out, size of its kernel, stride; `squeeze` is 0 where nothing is squeezed."""

    wide: int
    channels: int
    kernel: int
    stride: int
    squeeze: int
    hard: bool  # hard swish, or else ReLU


FIRST = 8  # channels
BLOCKS = (
    Block(8, 8, 3, 1, 0, hard=False),
    Block(24, 16, 3, 2, 0, hard=False),
    Block(32, 16, 3, 1, 0, hard=False),
    Block(32, 16, 5, 2, 8, hard=False),
    Block(48, 16, 5, 1, 16, hard=False),
    Block(48, 16, 5, 1, 16, hard=False),
    Block(96, 32, 3, 2, 0, hard=True),
    Block(80, 32, 3, 1, 0, hard=True),
    Block(72, 32, 3, 1, 0, hard=True),
    Block(72, 32, 3, 1, 0, hard=True),
    Block(192, 48, 3, 1, 48, hard=True),
    Block(272, 48, 3, 1, 72, hard=True),
    Block(272, 64, 5, 2, 72, hard=True),
    Block(384, 64, 5, 1, 96, hard=True),
    Block(384, 64, 5, 1, 96, hard=True),
)


def of_yamnet(scores: Tensor) -> Tensor:
    """Those of the classes that YAMNet has, in its order: (..., 527) -> (..., 521)."""
    return scores[..., [number for number in range(CLASSES) if number not in DROPPED]]


class EmphasisedLogMel(nn.Module):
    """The spectrogram that the network was trained on.

    Shape: (batch, samples) at 32 kHz -> (batch, 1, 128, frames), frames = (samples - 1) // 320 + 1.
    """

    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        frequencies = np.arange(N_FFT // 2) * SAMPLE_RATE / N_FFT  # Hz
        self.power = FoldedDFT(np.hanning(WINDOW), 2 * np.pi * frequencies / SAMPLE_RATE)
        mel = mel_htk(frequencies, BANDS, 0.0, HIGHEST)
        self.register_buffer("mel", torch.from_numpy(mel).float(), persistent=False)  # (bins, BANDS)

    def forward(self, waveform: Tensor) -> Tensor:
        emphasised = waveform[:, 1:] - EMPHASIS * waveform[:, :-1]
        # The window is the middle of a frame of N_FFT samples; what lies around it counts for nothing.
        padded = nn.functional.pad(emphasised[:, None], (WINDOW // 2, WINDOW // 2), mode="reflect")[:, 0]
        power = self.power(framed(padded, WINDOW, HOP))  # (batch, frames, bins)
        log_mel = (torch.log(power @ self.mel + OFFSET) + 4.5) / 5
        return log_mel.transpose(1, 2)[:, None]


def _convolution(
    before: int, after: int, kernel: int, stride: int, activation: type[nn.Module] | None, groups: int = 1
) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    normalised = nn.Sequential(convolution, nn.BatchNorm2d(after, eps=EPSILON))
    if activation is not None:
        normalised.append(activation())
    return normalised


class Squeeze(nn.Module):
    """The mean over the whole stretch decides how much each channel counts; the names are those of the file."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        layers = {"fc1": nn.Linear(channels, narrow), "fc2": nn.Linear(narrow, channels)}
        self.conc_se_layers = nn.ModuleList([nn.ModuleDict(layers)])

    def forward(self, hidden: Tensor) -> Tensor:
        layers = self.conc_se_layers[0]
        gate = layers["fc2"](layers["fc1"](hidden.mean((2, 3))).relu()).sigmoid()  # type: ignore[index]
        gated: Tensor = hidden * gate[:, :, None, None]
        return gated


class InvertedResidual(nn.Module):
    """A block of MobileNetV3: wider, on each channel for itself, narrow again, and the sum where the shape allows."""

    def __init__(self, before: int, block: Block) -> None:
        super().__init__()
        activation = nn.Hardswish if block.hard else nn.ReLU
        self.keeps_shape = before == block.channels and block.stride == 1
        layers: list[nn.Module] = []
        if block.wide != before:
            layers.append(_convolution(before, block.wide, 1, 1, activation))
        layers.append(_convolution(block.wide, block.wide, block.kernel, block.stride, activation, block.wide))
        if block.squeeze:
            layers.append(Squeeze(block.wide, block.squeeze))
        layers.append(_convolution(block.wide, block.channels, 1, 1, None))
        self.block = nn.Sequential(*layers)

    def forward(self, hidden: Tensor) -> Tensor:
        found: Tensor = self.block(hidden)
        return hidden + found if self.keeps_shape else found


class Mn04(nn.Module):
    """The network.

    Shape: (batch, samples) at 32 kHz -> scores (batch, 527), embedding (batch, 384).
    """

    sample_rate = SAMPLE_RATE

    def __init__(self) -> None:
        super().__init__()
        self.front_end = EmphasisedLogMel()
        layers: list[nn.Module] = [_convolution(1, FIRST, 3, 2, nn.Hardswish)]
        before = FIRST
        for block in BLOCKS:
            layers.append(InvertedResidual(before, block))
            before = block.channels
        layers.append(_convolution(before, DIMS, 1, 1, nn.Hardswish))
        self.features = nn.Sequential(*layers)
        # In the places that they have in the file; nothing is dropped out or pooled here.
        rest = {"2": nn.Linear(DIMS, HIDDEN), "5": nn.Linear(HIDDEN, CLASSES)}
        self.classifier = nn.ModuleDict(rest)
        self.requires_grad_(False)  # it is as it was given

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        return self.hear(self.front_end(waveform))

    def hear(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and embedding of spectrograms (batch, 1, 128, frames)."""
        embedding = self.features(log_mel).mean((2, 3))
        hidden = nn.functional.hardswish(self.classifier["2"](embedding))
        return self.classifier["5"](hidden).sigmoid(), embedding


def read(path: Path) -> Mn04:
    """The network from the file that was published, ready to hear.

    Raises:
        BundleError: it is missing, or another file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    if (found := hashlib.sha256(content).hexdigest()) != MN04.sha256:
        raise BundleError(f"{path}: not the mn04 that is known here: its sha256 is {found}, not {MN04.sha256}")
    weights = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    network = Mn04()
    network.load_state_dict(weights, strict=True)
    return network.eval()
