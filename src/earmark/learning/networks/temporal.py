"""One-dimensional convolutions over time (Dieleman 2014): each filter sees all bands, so pitch has no neighbourhood.

The network was made to predict latent factors of listeners' taste from 3 s of sound, and the author of the 2018 system
compared his with it. The blog post gives the sizes of the layers, the 599 frames of 128 bands and their 3 s; the
sample rate, the length of the Fourier transform and the dropout are ours.

References:
    S. Dieleman, "Recommending music on Spotify with deep learning" (2014).
"""

import torch
from torch import Tensor, nn

from earmark.learning.networks.convolutions import Standardise
from earmark.learning.networks.frontend import MelSpectrogram
from earmark.learning.networks.network import AudioNetwork

SAMPLE_RATE = 22_050
BANDS, FRAMES, HOP = 128, 599, 110
BLOCKS = ((256, 4), (256, 2), (512, 2))  # filters, pool (time)
LENGTH = 4  # frames that a filter sees
DENSE = 2048


class TemporalConvolutions(nn.Module):
    """The body: convolutions over time, then mean, maximum and L2 norm over what is left of it, then dense layers.

    Shape: (batch, 1, bands, frames) -> (batch, styles), (batch, 1024).
    """

    def __init__(self, styles: int, dropout: float) -> None:
        super().__init__()
        self.norm = Standardise()
        widths = [BANDS, *(filters for filters, _ in BLOCKS)]
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv1d(before, filters, LENGTH), nn.ReLU(), nn.MaxPool1d(pool))
            for before, (filters, pool) in zip(widths, BLOCKS, strict=False)
        )
        self.dense = nn.Sequential(
            nn.Linear(3 * widths[-1], DENSE),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(DENSE, DENSE),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(DENSE, styles),
        )

    def forward(self, spectrogram: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.norm(spectrogram)[:, 0]  # (batch, bands, frames)
        averages = []
        for block in self.blocks:
            hidden = block(hidden)  # (batch, filters, time): 149, 73, 35
            averages.append(hidden.mean(2))
        # The root of zero has no gradient; a filter may well be silent.
        norm = (hidden**2).sum(2).clamp_min(1e-12).sqrt()
        pooled = torch.cat([averages[-1], hidden.amax(2), norm], 1)  # (batch, 1536)
        return self.dense(pooled), torch.cat(averages, 1)


def temporal(styles: int, dropout: float = 0.5) -> AudioNetwork:
    """The network of 2014, for styles, tags or latent factors.

    Shape: (batch, 65890) -> (batch, styles), (batch, 1024).
    """
    front_end = MelSpectrogram(SAMPLE_RATE, n_fft=1024, n_mels=BANDS, hop=HOP)  # (batch, 1, 128, 599)
    return AudioNetwork(SAMPLE_RATE, FRAMES * HOP, front_end, TemporalConvolutions(styles, dropout))
