"""Networks of two-dimensional convolutions on a mel spectrogram: the one of 2018 and those it goes back to.

They are the same thing with other tables: a normalisation of the spectrogram, blocks of convolution, batch
normalisation, ELU and max pooling, and a linear layer. The embedding joins the global averages of all blocks (Choi et
al. 2017).

Conventions: a block is (filters, size of the kernel, pool (mel, time)); a spectrogram is (batch, 1, mel, frames).

References:
    Choi et al., "Automatic tagging using deep convolutional neural networks", arXiv 1606.00298 (2016).
    Choi et al., "Transfer learning for music classification and regression tasks", arXiv 1703.09179 (2017).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from earmark.learning.networks.frontend import MelSpectrogram
from earmark.learning.networks.network import AudioNetwork


class Block(NamedTuple):
    """One block: how many filters, their size, and what is pooled after them, (mel, time)."""

    filters: int
    kernel: int
    pool: tuple[int, int]


SAMPLE_RATE = 12_000
MELS = 96

EMUSIC = (Block(64, 3, (2, 4)), Block(96, 3, (4, 5)), Block(160, 3, (3, 4)), Block(512, 3, (4, 4)))

# FCN-4 is printed in the paper. For the others we know its principle only, one more 3 x 3 layer up to five and 1 x 1
# layers beyond, and chose widths and pools so that 96 x 1366 ends as 1 x 1.
_FCN5 = (
    Block(128, 3, (2, 4)),
    Block(256, 3, (2, 4)),
    Block(512, 3, (2, 4)),
    Block(1024, 3, (3, 5)),
    Block(2048, 3, (4, 4)),
)
FCN = {
    3: (Block(128, 3, (4, 8)), Block(384, 3, (4, 10)), Block(768, 3, (6, 17))),
    4: (Block(128, 3, (2, 4)), Block(384, 3, (4, 5)), Block(768, 3, (3, 8)), Block(2048, 3, (4, 8))),
    5: _FCN5,
    6: (*_FCN5, Block(1024, 1, (1, 1))),
    7: (*_FCN5, Block(1024, 1, (1, 1)), Block(1024, 1, (1, 1))),
}

# The paper's last pool is (4, 4), more than is left of 96 x 1360 after the first four: 1 x 4.
CONVNET5 = (
    Block(32, 3, (2, 4)),
    Block(32, 3, (4, 4)),
    Block(32, 3, (4, 5)),
    Block(32, 3, (2, 4)),
    Block(32, 3, (1, 4)),
)


class Standardise(nn.Module):
    """Zero mean and unit deviation over everything in one sample: kapre's `Normalization2D`, `data_sample`."""

    def forward(self, spectrogram: Tensor) -> Tensor:
        mean = spectrogram.mean((1, 2, 3), keepdim=True)
        deviation = ((spectrogram - mean) ** 2).mean((1, 2, 3), keepdim=True).sqrt()
        return (spectrogram - mean) / deviation.clamp_min(1e-10)


class BandNorm(nn.Module):
    """Batch normalisation of each mel band: how loud a band is on the average says little."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(bands)

    def forward(self, spectrogram: Tensor) -> Tensor:
        normed: Tensor = self.norm(spectrogram[:, 0])
        return normed[:, None]


class Convolutions(nn.Module):
    """The body: normalisation, blocks, linear layer.

    What the last block leaves is averaged where it is more than one value for each filter.

    Shape: (batch, 1, mel, frames) -> (batch, styles), (batch, sum of the filters).
    """

    def __init__(self, styles: int, norm: nn.Module, blocks: Sequence[Block], dropout: float) -> None:
        super().__init__()
        self.norm = norm
        widths = [1, *(block.filters for block in blocks)]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, block.filters, block.kernel, padding=block.kernel // 2),
                nn.BatchNorm2d(block.filters, eps=1e-3),  # the epsilon of Keras 2.1
                nn.ELU(),
                nn.MaxPool2d(block.pool),
            )
            for before, block in zip(widths, blocks, strict=False)
        )
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(widths[-1], styles)

    def forward(self, spectrogram: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.norm(spectrogram)
        averages = []
        for index, block in enumerate(self.blocks):
            hidden = block(self.dropout(hidden) if index else hidden)  # (batch, filters, mel, time)
            averages.append(hidden.mean((2, 3)))
        return self.dense(averages[-1]), torch.cat(averages, 1)


def emusic(styles: int, dropout: float = 0.1) -> AudioNetwork:
    """The 2018 network: four blocks on a mel spectrogram of 29.12 s at 12 kHz.

    Its printed summary gives every shape and the number of parameters: 2,041,580 in all, 940,044 trainable. It does
    not give the activation, the dropout rates and the options of the mel layer; ELU, 0.1 and decibels are ours, after
    the networks that the same research published (Choi et al. 2017).

    Shape: (batch, 349440) -> (batch, styles), (batch, 832).
    """
    front_end = MelSpectrogram(SAMPLE_RATE, n_fft=1024, n_mels=MELS)  # (batch, 1, 96, 342)
    return AudioNetwork(SAMPLE_RATE, 349_440, front_end, Convolutions(styles, Standardise(), EMUSIC, dropout))


def fcn(styles: int, depth: int = 4, width: float = 1.0, dropout: float = 0.5) -> AudioNetwork:
    """FCN-3 to FCN-7 (Choi et al. 2016), on a mel spectrogram of 29.1 s at 12 kHz.

    Args:
        styles: number of outputs.
        depth: number of blocks, 3 to 7.
        width: factor for the number of filters in each block; 1 is the paper's.
        dropout: before each block but the first.

    Raises:
        ValueError: there is no such depth.

    Shape: (batch, 349696) -> (batch, styles), (batch, 3328 at depth 4).
    """
    if depth not in FCN:
        raise ValueError(f"depth must be {min(FCN)} to {max(FCN)}, not {depth}")
    blocks = [block._replace(filters=max(1, round(width * block.filters))) for block in FCN[depth]]
    front_end = MelSpectrogram(SAMPLE_RATE, n_fft=512, n_mels=MELS, hop=256)  # (batch, 1, 96, 1366)
    return AudioNetwork(SAMPLE_RATE, 1366 * 256, front_end, Convolutions(styles, BandNorm(MELS), blocks, dropout))


def convnet5(styles: int, dropout: float = 0.0) -> AudioNetwork:
    """Five blocks of 32 filters (Choi et al. 2017), whose 160 averages are made to be taught with.

    Shape: (batch, 348160) -> (batch, styles), (batch, 160).
    """
    front_end = MelSpectrogram(SAMPLE_RATE, n_fft=512, n_mels=MELS, hop=256)  # (batch, 1, 96, 1360)
    return AudioNetwork(SAMPLE_RATE, 1360 * 256, front_end, Convolutions(styles, BandNorm(MELS), CONVNET5, dropout))
