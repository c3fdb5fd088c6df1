"""The doubt that a recording itself gives: how much of the spectrum and of the track there is to hear.

A temperature that makes a model's confidence honest on clean tracks makes it too sure of narrow-band uploads and of
short excerpts. Both can be told from the waveform, so the doubt is a layer of the network:

    factor of the temperature = narrow ^ (1 - openness) x (WHOLE / length) ^ short

*Openness* is 1 where treble sounds as it does in any full-band recording, 0 where there is none. Of 60 works of
electronic music with open licences none has a treble more than 41 dB below the middle; after a low-pass at 8 kHz all
are more than 71 dB below.
"""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

WHOLE: Final = 29.12  # seconds: a window; nothing is longer
SIZE: Final = 256  # samples of a frame
EVERY: Final = 0.1  # seconds, between two frames
MIDDLE: Final = (2000.0, 4000.0)  # Hz
TREBLE: Final = (8500.0, 10_000.0)  # Hz
SPACING: Final = 170.0  # Hz, between two frequencies: two bins
NONE, FULL = -60.0, -40.0  # dB of the treble against the middle: openness 0 and 1
SILENT: Final = 1e-12  # power


class RecordingDoubt(nn.Module):
    """The factor by which the temperature must grow for what is missing of a recording.

    Args:
        sample_rate: in Hz, 20,000 at least.
        narrow: the factor where there is no treble, 1 or more.
        short: the exponent of how much shorter than a window it is, 0 or more.

    Shape: (batch, samples) -> (batch, 1), 1 or more.
    """

    kernels: Tensor

    def __init__(self, sample_rate: int, narrow: float, short: float) -> None:
        super().__init__()
        self.narrow = narrow
        self.short = short
        self.every = round(EVERY * sample_rate)
        self.whole = WHOLE * sample_rate
        frequencies = [np.arange(*band, SPACING) for band in (MIDDLE, TREBLE)]  # Hz
        phase = 2 * np.pi / sample_rate * np.outer(np.concatenate(frequencies), np.arange(SIZE))
        kernels = np.hanning(SIZE + 2)[1:-1] * np.concatenate([np.cos(phase), np.sin(phase)])
        self.register_buffer("kernels", torch.from_numpy(kernels[:, None]).float(), persistent=False)
        self.middle = len(frequencies[0])

    def forward(self, waveform: Tensor) -> Tensor:
        length = torch.full((1, 1), waveform.shape[-1], dtype=waveform.dtype)  # samples: any length is exported
        shorter: Tensor = (self.whole / length).clamp_min(1) ** self.short
        return self.narrow ** (1 - self.openness(waveform)) * shorter

    def openness(self, waveform: Tensor) -> Tensor:
        """Whether there is treble (0-1), (batch, samples) -> (batch, 1); 1 for silence."""
        parts: Tensor = nn.functional.conv1d(waveform.unsqueeze(1), self.kernels, stride=self.every)
        parts = parts[..., : waveform.shape[-1] // self.every]
        mean = (parts * parts).mean(-1)  # (batch, 2 frequencies)
        real, imag = mean.chunk(2, 1)
        power = real + imag  # (batch, frequencies)
        middle, treble = (band.mean(1, keepdim=True) for band in (power[:, : self.middle], power[:, self.middle :]))
        decibels = 10 * torch.log10((treble + SILENT) / (middle + SILENT))
        return ((decibels - NONE) / (FULL - NONE)).clamp(0, 1)
