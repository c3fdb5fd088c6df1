"""The layers of kapre 0.1.3, which put the front end into a Keras network: waveform in, spectrogram out.

As in `keras_layers`, the keyword arguments are the options of the layer's config, with the defaults of kapre, and the
weights have the names and the shapes of a Keras file; `mel` alone has no name there.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from earmark.learning.networks.keras.layers import Layer, Shape, image_shape, sliding


class Spectrogram(Layer):
    """kapre's `Spectrogram`: the waveform times Fourier kernels, squared and summed.

    Decibels are relative to the maximum of the whole batch, as in the original: what a sample gives depends on its
    neighbours, unless it is alone.

    Shape: (batch, samples) -> (batch, 1, bands, frames), as the front ends of other networks.
    """

    real_kernels: Tensor
    imag_kernels: Tensor

    def __init__(
        self,
        shape: Shape,
        *,
        n_dft: int = 512,
        n_hop: int | None = None,
        padding: str = "same",
        power_spectrogram: float = 2.0,
        return_decibel_spectrogram: bool = False,
    ) -> None:
        _, samples = shape  # of one channel
        hop = n_hop or n_dft // 2
        frames, pads = sliding(samples, n_dft, hop, padding)
        bins = n_dft // 2 + 1
        super().__init__((bins, frames, 1))
        self.n_dft, self.hop, self.pads = n_dft, hop, pads
        self.power, self.decibel = power_spectrogram, return_decibel_spectrogram
        for name in ("real_kernels", "imag_kernels"):
            self.register_parameter(name, nn.Parameter(torch.zeros(n_dft, 1, 1, bins), requires_grad=False))

    def forward(self, waveform: Tensor) -> Tensor:
        return self.spectrum(waveform).transpose(1, 2)[:, None]

    def spectrum(self, waveform: Tensor) -> Tensor:
        """Bins of each frame, (batch, samples) -> (batch, frames, bins)."""
        padded = functional.pad(waveform, self.pads)
        squares = self._product(padded, self.real_kernels) ** 2 + self._product(padded, self.imag_kernels) ** 2
        return _scaled(squares, self.power, decibel=self.decibel)

    def _product(self, waveform: Tensor, kernels: Tensor) -> Tensor:
        """Each frame times the kernels (n_dft, 1, 1, bins), (batch, samples) -> (batch, frames, bins)."""
        matrix = kernels[:, 0, 0]  # (n_dft, bins)
        if self.hop == self.n_dft:  # frames that do not overlap need no convolution, which is slower
            whole = waveform[:, : self.shape[1] * self.hop]
            return torch.unflatten(whole, 1, (-1, self.hop)) @ matrix
        return functional.conv1d(waveform[:, None], matrix.T[:, None], stride=self.hop).transpose(1, 2)


class Melspectrogram(Spectrogram):
    """kapre's `Melspectrogram`: a `Spectrogram` times the mel matrix of the file."""

    mel: Tensor

    def __init__(
        self,
        shape: Shape,
        *,
        n_mels: int = 128,
        power_melgram: float = 1.0,
        return_decibel_melgram: bool = False,
        n_dft: int = 512,
        n_hop: int | None = None,
        padding: str = "same",
        power_spectrogram: float = 2.0,
        return_decibel_spectrogram: bool = False,
    ) -> None:
        super().__init__(
            shape,
            n_dft=n_dft,
            n_hop=n_hop,
            padding=padding,
            power_spectrogram=power_spectrogram,
            return_decibel_spectrogram=return_decibel_spectrogram,
        )
        bins, frames, _ = self.shape
        self.shape = (n_mels, frames, 1)
        self.mel_power, self.mel_decibel = power_melgram, return_decibel_melgram
        self.register_parameter("mel", nn.Parameter(torch.zeros(bins, n_mels), requires_grad=False))

    def spectrum(self, waveform: Tensor) -> Tensor:
        """Bands of each frame, (batch, samples) -> (batch, frames, bands)."""
        return _scaled(super().spectrum(waveform) @ self.mel, self.mel_power, decibel=self.mel_decibel)


def _scaled(power: Tensor, exponent: float, *, decibel: bool) -> Tensor:
    """From power to another exponent of the magnitude, and to decibels below the maximum of the batch."""
    scaled = power if exponent == 2 else power.sqrt() ** exponent  # noqa: PLR2004  power is the square
    if not decibel:
        return scaled
    level = 10 * torch.log10(scaled.clamp_min(1e-10))
    return (level - level.amax((0, 1, 2), keepdim=True)).clamp_min(-80)


class Normalization2D(Layer):
    """kapre's `Normalization2D`: zero mean and unit deviation over all axes but one, or over all of the batch."""

    AXES: ClassVar = {"batch": -1, "data_sample": 0, "freq": 1, "time": 2, "channel": 3}

    def __init__(self, shape: Shape, *, str_axis: str | None = None, int_axis: int | None = None) -> None:
        super().__init__(image_shape(shape))
        kept = int_axis if str_axis is None else self.AXES.get(str_axis)
        if kept not in self.AXES.values():
            raise ValueError(f"the axis {str_axis or int_axis!r} is not understood")
        self.axes = [axis for axis in range(4) if axis != kept]

    def forward(self, hidden: Tensor) -> Tensor:
        centred = hidden - hidden.mean(self.axes, keepdim=True)
        deviation = (centred * centred).mean(self.axes, keepdim=True).sqrt()
        # centred / (deviation + 1e-10), in a form in which exporters do not take the small number for nothing.
        return (centred * 1e10) / (deviation * 1e10 + 1)
