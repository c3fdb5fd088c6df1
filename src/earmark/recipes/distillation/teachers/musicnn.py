"""musicnn: a network that names the fifty commonest tags of the Million Song Dataset in three seconds of music.

E. Quinton ported it to Keras (ISC licence); the file is read with h5py and computed in torch.

Reference: J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", 2019.
"""

from functools import cache
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from earmark.errors import BundleError
from earmark.spectra import hann, mel_slaney

SAMPLE_RATE = 16_000  # Hz
N_FFT, HOP, BANDS, FRAMES = 512, 256, 96, 187
EPSILON = 1e-3  # of the batch normalisations
TAGS = tuple(
    """
    rock, pop, alternative, indie, electronic, female vocalists, dance, 00s, alternative rock, jazz, beautiful, metal,
    chillout, male vocalists, classic rock, soul, indie rock, Mellow, electronica, 80s, folk, 90s, chill, instrumental,
    punk, oldies, blues, hard rock, ambient, acoustic, experimental, female vocalist, guitar, Hip-Hop, 70s, party,
    country, easy listening, sexy, catchy, funk, electro, heavy metal, Progressive rock, 60s, rnb, indie pop, sad,
    House, happy
    """.replace("\n    ", " ")
    .strip()
    .split(", ")
)


@cache
def _mel() -> NDArray[np.float32]:
    return mel_slaney(SAMPLE_RATE, N_FFT, BANDS).astype(np.float32)


def front_end(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first patch of a waveform (samples,) at 16 kHz: log10(10000 mel + 1) of centred frames, (187, 96).

    What is shorter than 2.99 s is filled up with silence.
    """
    padded = np.pad(waveform, (N_FFT // 2, max(0, (FRAMES - 1) * HOP + N_FFT // 2 - len(waveform))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][:FRAMES]
    power = np.abs(np.fft.rfft(frames * hann(N_FFT))) ** 2  # (187, 257)
    patch: NDArray[np.float32] = np.log10(10_000 * (power @ _mel()) + 1).astype(np.float32)
    return patch


class Musicnn:
    """The network with its weights.

    Raises:
        BundleError: the file is missing, or not the one that is known.
    """

    def __init__(self, path: Path) -> None:
        try:
            with h5py.File(path) as file:
                layers = file["model_weights"]
                # Keras numbers repeated names: `kernel_1:0` is a kernel as well.
                self.weights = {
                    f"{layer}/{name.removesuffix(':0').removesuffix('_1')}": _tensor(weight)
                    for layer in layers
                    for name, weight in layers[layer].get(layer, {}).items()
                }
        except (OSError, KeyError) as error:
            raise BundleError(f"{path}: not the network musicnn: {error}") from error

    @torch.no_grad()
    def hear(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of the tags, (patches, 50), from patches (patches, 187, 96)."""
        sound = self._norm(torch.from_numpy(patches)[:, None], "batch_normalization")  # (n, 1, 187, 96)
        tall = functional.pad(sound, (0, 0, 3, 3))
        found = [
            self._strongest(tall, "", 0),
            self._strongest(tall, "_1", 0),
            self._strongest(sound, "_2", 128),
            self._strongest(sound, "_3", 64),
            self._strongest(sound, "_4", 32),
        ]
        front = torch.cat(found, 1)  # (n, 561, 187)
        first = self._middle(front, 1)
        second = self._middle(first, 2) + first
        third = self._middle(second, 3) + second
        whole = torch.cat([front, first, second, third], 1)  # (n, 753, 187)
        pooled = torch.stack([whole.amax(2), whole.mean(2)], 2).flatten(1)  # (n, 1506)
        hidden = self._dense(self._norm(pooled, "bn_flatpool"), "dense").relu()
        tags: NDArray[np.float32] = self._dense(self._norm(hidden, "bn_dense"), "dense_1").sigmoid().numpy()
        return tags

    def _strongest(self, sound: Tensor, number: str, same: int) -> Tensor:
        """A convolution over time and pitch, the strongest pitch of each time: (n, filters, 187)."""
        if same:
            sound = functional.pad(sound, (0, 0, (same - 1) // 2, same // 2))
        kernel = self.weights[f"conv2d{number}/kernel"].permute(3, 2, 0, 1)
        heard = functional.conv2d(sound, kernel, self.weights[f"conv2d{number}/bias"]).relu()
        norm = f"batch_normalization_{int(number[1:] or 0) + 1}"
        return self._norm(heard, norm).amax(3)

    def _middle(self, sound: Tensor, number: int) -> Tensor:
        """(n, features, 187) -> (n, 64, 187)."""
        kernel = self.weights[f"midend_conv{number}/kernel"][:, :, 0].permute(2, 1, 0)
        heard = functional.conv1d(sound, kernel, self.weights[f"midend_conv{number}/bias"], padding=3).relu()
        return self._norm(heard, f"bn_midend_conv{number}")

    def _norm(self, value: Tensor, name: str) -> Tensor:
        mean, variance, gamma, beta = (
            self.weights[f"{name}/{part}"] for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return functional.batch_norm(value, mean, variance, gamma, beta, eps=EPSILON)

    def _dense(self, value: Tensor, name: str) -> Tensor:
        return value @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]


def _tensor(weight: h5py.Dataset) -> Tensor:
    return torch.from_numpy(np.asarray(weight, dtype=np.float32))
