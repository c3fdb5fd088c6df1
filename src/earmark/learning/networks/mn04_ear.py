"""mn04 as an ear of a pool: it hears sound at 22,050 Hz, where it was trained on 32,000.

The spectra are taken at 22,050 Hz without resampling: Fourier sums over the same 25 ms under the same window, at the
same frequencies and times; 10 ms are 220.5 samples, so every second frame lies half a sample later. The pre-emphasis
is a factor for each frequency. Up to 10.6 kHz, 114 of the 128 bands, they are those of `mn04`. What lies above is not
in the sound; left empty it would sound like a bad recording, so each frame goes on as its highest bands end.
`bench/ears.py` measures what that costs.

Conventions: the log-mel spectrogram of `earmark.learning.networks.mn04`; scores are those of YAMNet's classes.
"""

import numpy as np
import torch
from torch import Tensor, nn

from earmark.learning.networks import mn04
from earmark.learning.networks.transforms import FoldedDFT, framed
from earmark.spectra import mel_htk

SAMPLE_RATE = 22_050  # Hz
PAIR = 441  # samples: 20 ms, the hop of every second frame
EVEN, ODD = (166, 551), (387, 550)  # samples: where the first of them begins, and its length
HEARD = 114  # bands
LAST = 4  # bands, whose mean goes on


class Mn04Spectrogram(nn.Module):
    """The log-mel spectrogram of a waveform at 22,050 Hz, as `mn04.EmphasisedLogMel` makes it at 32,000 Hz.

    The first two frames of that, which are filled up before the beginning, are left out.

    Shape: (batch, samples), at least 937 -> (batch, 1, 128, frames), frames = 2 ((samples - 937) // 441 + 1).
    """

    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        frequencies = np.arange(mn04.N_FFT // 2) * mn04.SAMPLE_RATE / mn04.N_FFT  # Hz
        mel = mel_htk(frequencies, mn04.BANDS, 0.0, mn04.HIGHEST)[:, :HEARD]
        mel *= np.abs(1 - mn04.EMPHASIS * np.exp(-2j * np.pi * frequencies / mn04.SAMPLE_RATE))[:, None] ** 2
        mel *= (mn04.SAMPLE_RATE / SAMPLE_RATE) ** 2  # there are fewer samples in the same time
        inside = np.flatnonzero(mel.any(1))
        radians = 2 * np.pi * frequencies[inside] / SAMPLE_RATE
        length = (mn04.WINDOW - 1) / mn04.SAMPLE_RATE * SAMPLE_RATE  # samples, between the zeros of the window
        windows = []
        for size in (EVEN[1], ODD[1]):
            place = np.arange(size) - (size - 1) / 2  # samples from the middle
            windows.append(0.5 + 0.5 * np.cos(2 * np.pi * place / length))
        self.even, self.odd = (FoldedDFT(window, radians) for window in windows)
        self.register_buffer("mel", torch.from_numpy(mel[inside]).float(), persistent=False)  # (bins, HEARD)

    def forward(self, waveform: Tensor) -> Tensor:
        (even_start, even_size), (odd_start, odd_size) = EVEN, ODD
        odd = self.odd(framed(waveform[:, odd_start:], odd_size, PAIR))  # (batch, pairs, bins)
        even = self.even(framed(waveform[:, even_start:], even_size, PAIR))[:, : odd.shape[1]]
        power = torch.stack([even, odd], 2).flatten(1, 2)  # (batch, frames, bins)
        heard = ((torch.log(power @ self.mel + mn04.OFFSET) + 4.5) / 5).transpose(1, 2)
        above = heard[:, -LAST:].mean(1, keepdim=True).expand(-1, mn04.BANDS - HEARD, -1)
        return torch.cat([heard, above], 1)[:, None]


class Mn04Ear(nn.Module):
    """The network as a member of a pool: what it hears in the whole window, as one patch.

    Shape: (batch, samples) -> scores (batch, 1, 521), embedding (batch, 1, 384).
    """

    sample_rate = SAMPLE_RATE
    samples = 642_096  # 29.12 s, as the other networks; any length from one second on is heard

    def __init__(self) -> None:
        super().__init__()
        self.front_end = Mn04Spectrogram()
        self.network = mn04.Mn04()

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        scores, embedding = self.network.hear(self.front_end(waveform))
        return mn04.of_yamnet(scores)[:, None], embedding[:, None]
