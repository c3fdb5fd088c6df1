"""musicnn: a network that names the fifty commonest tags of the Million Song Dataset in three seconds of music.

E. Quinton ported it to Keras (ISC licence); the file is read with h5py and computed in torch.

Reference: J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", 2019.
"""

import hashlib
import io
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from earmark.errors import BundleError
from earmark.learning.downloads import Source
from earmark.spectra import mel_slaney

MUSICNN = Source(
    file="MSD_musicnn.h5",
    url="https://github.com/Quint-e/musicnn_keras",
    size=3_319_120,
    sha256="412a832c8527a813e084ba6f2cc7d068ecbbf1b68bda8c1de2e7de0d1f5fe7d1",
    project="musicnn, J. Pons; ported by E. Quinton",
    licence="ISC",
)

SAMPLE_RATE = 16_000  # Hz
N_FFT, HOP, BANDS, FRAMES = 512, 256, 96, 187
DIMS = 753  # of the embedding: the averages of all layers over time
PLACE = 48_000  # samples: three seconds, of which FRAMES frames are heard
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
def _mel(device: torch.device) -> Tensor:
    return torch.from_numpy(mel_slaney(SAMPLE_RATE, N_FFT, BANDS)).float().to(device)


def front_end(waveform: Tensor) -> Tensor:
    """Patches of a waveform at 16 kHz, every three seconds: log10(10000 mel + 1) of centred frames.

    What does not fill three seconds at the end is not heard; less than that is filled up with silence.

    Shape: (batch, samples) -> (batch, places, 187, 96).
    """
    filled = functional.pad(waveform, (0, max(0, PLACE - waveform.shape[1])))
    places = filled.unfold(1, PLACE, PLACE)  # (batch, places, PLACE)
    padded = functional.pad(places, (N_FFT // 2, N_FFT // 2))
    frames = padded.unfold(2, N_FFT, HOP)[:, :, :FRAMES]  # (batch, places, FRAMES, N_FFT)
    power = torch.fft.rfft(frames * torch.hann_window(N_FFT, device=waveform.device)).abs().square()
    return torch.log10(10_000 * (power @ _mel(waveform.device)) + 1)


class Network(nn.Module):
    """The network, its weights under the names that they have in the file."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        for name, weight in weights.items():
            self.register_buffer(name.replace("/", " "), weight)

    def hear(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of the tags (patches, 50) and an embedding (patches, 753) of patches (patches, 187, 96)."""
        sound = self._norm(patches[:, None], "batch_normalization")  # (n, 1, 187, 96)
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
        mean = whole.mean(2)
        pooled = torch.stack([whole.amax(2), mean], 2).flatten(1)  # (n, 1506)
        hidden = self._dense(self._norm(pooled, "bn_flatpool"), "dense").relu()
        return self._dense(self._norm(hidden, "bn_dense"), "dense_1").sigmoid(), mean

    def _strongest(self, sound: Tensor, number: str, same: int) -> Tensor:
        """A convolution over time and pitch, the strongest pitch of each time: (n, filters, 187)."""
        if same:
            sound = functional.pad(sound, (0, 0, (same - 1) // 2, same // 2))
        kernel = self._weight(f"conv2d{number}/kernel").permute(3, 2, 0, 1)
        heard = functional.conv2d(sound, kernel, self._weight(f"conv2d{number}/bias")).relu()
        norm = f"batch_normalization_{int(number[1:] or 0) + 1}"
        return self._norm(heard, norm).amax(3)

    def _middle(self, sound: Tensor, number: int) -> Tensor:
        """(n, features, 187) -> (n, 64, 187)."""
        kernel = self._weight(f"midend_conv{number}/kernel")[:, :, 0].permute(2, 1, 0)
        heard = functional.conv1d(sound, kernel, self._weight(f"midend_conv{number}/bias"), padding=3).relu()
        return self._norm(heard, f"bn_midend_conv{number}")

    def _norm(self, value: Tensor, name: str) -> Tensor:
        mean, variance, gamma, beta = (
            self._weight(f"{name}/{part}") for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return functional.batch_norm(value, mean, variance, gamma, beta, eps=EPSILON)

    def _dense(self, value: Tensor, name: str) -> Tensor:
        return functional.linear(value, self._weight(f"{name}/kernel").T, self._weight(f"{name}/bias"))

    def _weight(self, name: str) -> Tensor:
        return self.get_buffer(name.replace("/", " "))


def read(path: Path) -> Network:
    """The network from the file that was published.

    Raises:
        BundleError: it is missing, or another file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    if (found := hashlib.sha256(content).hexdigest()) != MUSICNN.sha256:
        raise BundleError(f"{path}: not the musicnn that is known here: its sha256 is {found}, not {MUSICNN.sha256}")
    with h5py.File(io.BytesIO(content)) as file:
        layers = file["model_weights"]
        # Keras numbers repeated names: `kernel_1:0` is a kernel as well.
        return Network(
            {
                f"{layer}/{name.removesuffix(':0').removesuffix('_1')}": _tensor(weight)
                for layer in layers
                for name, weight in layers[layer].get(layer, {}).items()
            }
        )


def _tensor(weight: h5py.Dataset) -> Tensor:
    return torch.from_numpy(np.asarray(weight, dtype=np.float32))
