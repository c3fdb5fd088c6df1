"""The teachers: openly licensed networks that have heard real recordings, as one table.

They are read from files and never shipped; what ours learns from them is ours, and its card names them. A row of
`TEACHERS` is all that a further one needs.

Conventions: a teacher hears waveforms (batch, samples) at its own sample rate and answers with scores 0-1 for each of
the places that it listens to, one after the other; a place is a second, three, or all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from earmark.hearing.bundle import user_models
from earmark.learning.adding import DOWNLOADS
from earmark.learning.downloads import MN04, YAMNET, Source
from earmark.learning.networks import mn04
from earmark.learning.networks.transforms import framed
from earmark.learning.networks.yamnet import classes, graph
from earmark.learning.networks.yamnet import patches as yamnet_patches
from earmark.learning.networks.yamnet.network import YamnetEar, YamnetPatches
from earmark.recipes.distillation.teachers import musicnn

CLASSES, TAGS = "classes", "tags"


class Answer(NamedTuple):
    """The answer of a teacher: scores (batch, places, outputs) 0-1, embedding (batch, places, dims)."""

    scores: Tensor
    embedding: Tensor

    def mean(self) -> "Answer":
        """The mean over the places: scores (batch, outputs), embedding (batch, dims)."""
        return Answer(self.scores.mean(1), self.embedding.mean(1))


@dataclass(frozen=True)
class Teacher:
    """A row of the table.

    Attributes:
        source: the file, whose it is, its licence and SHA-256.
        credit: its name, authors, licence and what it was trained on.
        kind: of its outputs: CLASSES, the 521 of AudioSet that YAMNet has, or TAGS, the fifty of the Million Song
            Dataset.
        sample_rate: that it hears at, in Hz.
        shortest: seconds that it needs.
        dims: of its embedding.
        open: a module (batch, samples) -> Answer, of its file.
    """

    source: Source
    credit: str
    kind: str
    sample_rate: int
    shortest: float
    dims: int
    open: Callable[[Path], nn.Module]


class Yamnet(nn.Module):
    """YAMNet on patches of 0.96 s, one after the other: (batch, samples) at 22,050 Hz -> Answer."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ear = YamnetEar()
        self.ear.take(graph.read(path))

    def forward(self, waveform: Tensor) -> Answer:
        """Ask; see the class."""
        with _exactly(waveform):
            patches = self._patches(waveform)
        with _fast(waveform):
            scores, embedding = self.ear.hear(patches)
        return Answer(scores.float(), embedding.float())

    def _patches(self, waveform: Tensor) -> Tensor:
        """As `YamnetPatches` makes them, by products of frames: its convolution is for ONNX Runtime."""
        front_end = self.ear.front_end
        count = (waveform.shape[1] - YamnetPatches.HALF - YamnetPatches.SPAN) // YamnetPatches.PAIR + 1
        pairs = []
        for kernels, start in zip(front_end.kernels, (0, YamnetPatches.HALF), strict=True):
            frames = framed(waveform[:, start:], YamnetPatches.SPAN, YamnetPatches.PAIR)[:, :count]
            real, imag = (frames @ kernels[:, 0].T).chunk(2, -1)  # (batch, count, bins)
            pairs.append((real * real + imag * imag).sqrt())
        magnitude = torch.stack(pairs, 2).flatten(1, 2)  # (batch, frames, bins)
        log_mel = torch.log(magnitude @ front_end.mel + yamnet_patches.OFFSET)
        return log_mel.unfold(1, yamnet_patches.FRAMES, yamnet_patches.FRAMES).transpose(2, 3)


class Mn04(nn.Module):
    """mn04 on all of it at once: (batch, samples) at 32 kHz -> Answer with one place."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.network = _fused(mn04.read(path))

    def forward(self, waveform: Tensor) -> Answer:
        """Ask; see the class."""
        with _exactly(waveform):
            log_mel = self.network.front_end(waveform)  # type: ignore[operator]
        with _fast(waveform):
            scores, embedding = self.network.hear(log_mel)  # type: ignore[operator]
        return Answer(mn04.of_yamnet(scores.float())[:, None], embedding.float()[:, None])


class Musicnn(nn.Module):
    """musicnn on stretches of three seconds, one after the other: (batch, samples) at 16 kHz -> Answer."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.network = musicnn.read(path)

    def forward(self, waveform: Tensor) -> Answer:
        """Ask; see the class."""
        with _exactly(waveform):
            patches = musicnn.front_end(waveform)  # (batch, places, 187, 96)
        with _fast(waveform):
            scores, embedding = self.network.hear(patches.flatten(0, 1))
        places = patches.shape[1]
        return Answer(
            torch.unflatten(scores.float(), 0, (-1, places)),
            torch.unflatten(embedding.float(), 0, (-1, places)),
        )


TEACHERS: Mapping[str, Teacher] = {
    "YAMNet": Teacher(
        YAMNET,
        "YAMNet (Google, project coralmicro, Apache-2.0; trained on AudioSet)",
        CLASSES,
        sample_rate=YamnetPatches.SAMPLE_RATE,
        shortest=1.0,
        dims=classes.DIMS,
        open=Yamnet,
    ),
    "mn04": Teacher(
        MN04,
        "mn04 (F. Schmid, EfficientAT, MIT licence; trained on AudioSet)",
        CLASSES,
        sample_rate=mn04.SAMPLE_RATE,
        shortest=1.0,
        dims=mn04.DIMS,
        open=Mn04,
    ),
    "musicnn": Teacher(
        musicnn.MUSICNN,
        "musicnn (J. Pons; ported by E. Quinton, ISC licence; trained on the Million Song Dataset)",
        TAGS,
        sample_rate=musicnn.SAMPLE_RATE,
        shortest=3.0,
        dims=musicnn.DIMS,
        open=Musicnn,
    ),
}
"""The teachers. Of those with outputs of the same kind the mean is what is learned."""

OUTPUTS = tuple(f"AudioSet {number}: {classes.NAMES.get(number, '?')}" for number in range(classes.CLASSES)) + tuple(
    f"Million Song: {tag}" for tag in musicnn.TAGS
)
"""The outputs of an ear: the classes, then the tags."""


def opened(folder: Path, device: torch.device, names: Sequence[str] = tuple(TEACHERS)) -> dict[str, nn.Module]:
    """The teachers whose files are in a folder, or were fetched by `earmark models add`; ready to hear.

    Raises:
        BundleError: a file is missing, or another one.
    """
    return {name: TEACHERS[name].open(_file(folder, TEACHERS[name].source)).eval().to(device) for name in names}


def _file(folder: Path, source: Source) -> Path:
    given, added = folder / source.file, user_models() / DOWNLOADS / source.file
    return added if added.exists() and not given.exists() else given


def _fused(network: nn.Module) -> nn.Module:
    """The same network with each batch normalisation in the convolution before it."""
    for layer in network.modules():
        if isinstance(layer, nn.Sequential):
            for place in range(len(layer) - 1):
                convolution, norm = layer[place], layer[place + 1]
                if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    layer[place], layer[place + 1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    return network


def _exactly(waveform: Tensor) -> torch.autocast:
    """For front ends: in float32, as small differences of loud sounds are heard in the logarithm."""
    return torch.autocast(waveform.device.type, enabled=False)


def _fast(waveform: Tensor) -> torch.autocast:
    """For networks: in half precision where that is faster."""
    return torch.autocast(waveform.device.type, torch.float16, enabled=waveform.is_cuda)
