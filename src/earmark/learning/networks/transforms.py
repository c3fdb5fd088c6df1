"""Fourier transforms of frames, as matrix products: the power at chosen frequencies.

Where frames overlap much or frequencies stand in no order, half of a plain product is left out (`FoldedDFT`). Where the
frequencies are a comb, two short products do the same with a fraction of the arithmetic (`FactoredDFT`).

Conventions
-----------
frame           a stretch of the waveform from which one column of a spectrum, or one descriptor vector, comes
frames first    (batch, frames, size): what `FoldedDFT` takes
frames last     (batch, size, frames): what `FactoredDFT` takes; then the steps of a transform are one product each, and
                nothing has to be moved between them
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def framed(waveform: Tensor, size: int, hop: int) -> Tensor:
    """Frames of `size` samples that begin every `hop` samples, whole ones only.

    They are put together from stretches of `hop` samples: slices and nothing else, which every exporter knows.

    Shape: (batch, samples) -> (batch, frames, size), frames = (samples - size) // hop + 1.
    """
    frames = (waveform.shape[-1] - size) // hop + 1
    count = -(-size // hop)  # stretches in a frame, the last of them whole or not
    padded = nn.functional.pad(waveform, (0, (frames + count - 1) * hop - waveform.shape[-1]))  # or cut
    stretches = torch.unflatten(padded, 1, (-1, hop))
    *whole, last = (stretches[:, place : place + frames] for place in range(count))
    return torch.cat([*whole, last[..., : size - (count - 1) * hop]], -1)  # (batch, frames, size)


def columns(waveform: Tensor, size: int, hop: int) -> Tensor:
    """Frames of `size` samples that begin every `hop` samples, `hop` at most `size`, filled up with zeros at the end.

    Shape: (batch, samples) -> (batch, size, frames), frames = samples / hop, rounded up.
    """
    padded = nn.functional.pad(waveform, (0, -waveform.shape[-1] % hop))
    stretches = torch.unflatten(padded, 1, (-1, hop)).transpose(1, 2)  # (batch, hop, frames)
    later = range(1, -(-size // hop))  # stretches that follow in a frame, the last of them whole or not
    following = [nn.functional.pad(stretches[:, : size - place * hop], (-place, place)) for place in later]
    return torch.cat([stretches, *following], 1)


class FoldedDFT(nn.Module):
    """Power at chosen frequencies in frames under a symmetric window, by two plain matrix products.

    Seen from the middle of a frame a cosine is even and a sine odd. So the two halves are added for the cosines and
    subtracted for the sines, and each of the products is with half a frame; the window is in the matrices. The
    frequencies need not be equally spaced: under a Hann window of T seconds the powers at frequencies that are 1.5 / T
    apart still add up to the power of a band within 0.2 dB.

    Args:
        window: (size,), the same from both ends; whatever scale it has, the power has its square.
        radians: (frequencies,), in radians per sample.

    Shape: (..., size) -> (..., frequencies).
    """

    cosine: Tensor
    sine: Tensor

    def __init__(self, window: NDArray[np.float64], radians: NDArray[np.float64]) -> None:
        super().__init__()
        self.side, self.middle = divmod(len(window), 2)
        place = np.arange(self.side + self.middle) + (0.0 if self.middle else 0.5)  # samples from the middle
        angle = np.outer(place, radians)
        weight = window[self.side :, None]
        self.register_buffer("cosine", torch.from_numpy(weight * np.cos(angle)).float(), persistent=False)
        sine = (weight * np.sin(angle))[self.middle :]
        self.register_buffer("sine", torch.from_numpy(sine).float(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        before = frames[..., : self.side].flip(-1)
        after = frames[..., self.side + self.middle :]
        even = before + after
        if self.middle:
            even = torch.cat([frames[..., self.side : self.side + 1], even], -1)
        real, imag = even @ self.cosine, (after - before) @ self.sine
        return real * real + imag * imag


class FactoredDFT(nn.Module):
    """Power at the frequencies of a comb, by two short products after Cooley and Tukey.

    Write the sample index n = columns a + b. Then, at w radians per sample,

        X(w) = sum_b  exp(-i w b)  sum_a  x[columns a + b] exp(-i w columns a)

    The inner sum is the same for all frequencies whose w x columns are whole turns apart, and the conjugate for those
    where it is as far on the other side of zero. Such frequencies are a *group*: the inner sums are one product with
    two rows for each group, the outer ones, one product for each group.

    Args:
        rows: how many a.
        columns: how many b.
        radians: (groups, members), in radians per sample.
        scale: (groups, members), a factor of each amplitude; 0 where there is no such member.

    Shape: (batch, rows x columns, frames) -> (batch, groups x members, frames).
    """

    inner: Tensor
    outer: Tensor

    def __init__(
        self, rows: int, columns: int, radians: NDArray[np.floating], scale: NDArray[np.float64] | float = 1.0
    ) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns
        turn = np.exp(-1j * columns * radians)  # (groups, members)
        inner = turn[:, :1] ** np.arange(rows)  # (groups, rows)
        outer = np.exp(-1j * radians[..., None] * np.arange(columns))  # (groups, members, columns)
        outer *= np.broadcast_to(scale, radians.shape)[..., None]
        side = np.where(np.isclose(turn, turn[:, :1]), 1, -1)[..., None]  # -1: of the conjugate
        # Complex products as real ones: the real and imaginary halves beside or below each other.
        real = np.concatenate([outer.real, -side * outer.imag], -1)
        imag = np.concatenate([outer.imag, side * outer.real], -1)
        fixed = {
            "inner": np.stack([inner.real, inner.imag], 1).reshape(-1, rows),  # (2 groups, rows)
            "outer": np.concatenate([real, imag], 1),  # (groups, 2 members, 2 columns)
        }
        for name, matrix in fixed.items():
            self.register_buffer(name, torch.from_numpy(matrix).float(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        count = frames.shape[-1]
        inner = self.inner @ frames.reshape(-1, self.rows, self.columns * count)
        outer = self.outer @ inner.reshape(-1, len(self.outer), 2 * self.columns, count)
        real, imag = outer.chunk(2, 2)  # (batch, groups, members, frames)
        return (real * real + imag * imag).flatten(1, 2)
