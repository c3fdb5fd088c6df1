"""Networks with taught styles: a frozen base hears, a head on its embedding answers.

The embedding is the base's own, so what was taught can be compared and taught further. `settings` is what a network
must be built with again, beside its base.

References: Choi et al., Transfer learning for music classification and regression tasks, arXiv 1703.09179, 2017.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from earmark.learning.networks.architectures import ARCHITECTURES
from earmark.learning.networks.heads import Gate, Head, head_of

SMALLEST = 1e-12  # probability: nothing is impossible, or its logarithm would be no logit


class Taught(nn.Module):
    """A base whose own answer is replaced by that of a head.

    Shape: (batch, samples) -> logits of the head (batch, styles), embedding of the base (batch, dims).
    """

    def __init__(self, base: nn.Module, head: Head) -> None:
        super().__init__()
        self.sample_rate, self.samples = int(base.sample_rate), int(base.samples)  # type: ignore[arg-type]
        self.base = base.requires_grad_(requires_grad=False)
        self.head = head
        self.settings = {"head": head.settings}

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        _, embedding = self.base(waveform)
        return self.head(embedding), embedding


class Merged(nn.Module):
    """A base that goes on answering, and a head whose styles join the base's.

    With g the gate's probability that the sound is of the kind that was taught,

        P(style) = g P_head(style) + (1 - g) P_base(style)

    where a style that only one of them knows has probability 0 for the other. Both are calibrated first, each by its
    own temperature. Logits are the logarithm of P, so the temperature of the bundle is 1.

    Args:
        base: hears the base's styles, which are the first of all.
        head: hears the taught styles.
        gate: weighs one against the other.
        styles: how many there are in all.
        base_styles: how many the base knows.
        taught: which of all styles each of the head's is.
        temperatures: of the base and of the head.

    Shape: (batch, samples) -> (batch, styles), embedding of the base (batch, dims).
    """

    place_base: Tensor
    place_head: Tensor

    def __init__(
        self,
        base: nn.Module,
        head: Head,
        gate: Gate,
        *,
        styles: int,
        base_styles: int,
        taught: Sequence[int],
        temperatures: Sequence[float],
    ) -> None:
        super().__init__()
        self.sample_rate, self.samples = int(base.sample_rate), int(base.samples)  # type: ignore[arg-type]
        self.base = base.requires_grad_(requires_grad=False)
        self.head = head
        self.gate = gate
        self.base_temperature, self.head_temperature = temperatures
        self.settings = {
            "head": head.settings,
            "gate": gate.settings,
            "taught": list(taught),
            "temperatures": list(temperatures),
        }
        everything = torch.eye(styles)
        self.register_buffer("place_base", everything[:base_styles].clone(), persistent=False)
        self.register_buffer("place_head", everything[list(taught)].clone(), persistent=False)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        logits, embedding = self.base(waveform)
        return self.merge(logits, embedding).clamp_min(SMALLEST).log(), embedding

    def merge(self, base_logits: Tensor, embedding: Tensor) -> Tensor:
        """The probabilities of all styles, (batch, base styles), (batch, dims) -> (batch, styles)."""
        share = self.gate(embedding)
        base = (base_logits / self.base_temperature).softmax(-1) @ self.place_base
        head = (self.head(embedding) / self.head_temperature).softmax(-1) @ self.place_head
        merged: Tensor = share * head + (1 - share) * base
        return merged


def taught(styles: int, base: Mapping[str, Any], head: Mapping[str, Any]) -> Taught:
    """A head on a frozen base, which is given as `architecture`, `settings` and the number of its own `styles`."""
    return Taught(_base(base), head_of(styles, head))


def merged(
    styles: int,
    base: Mapping[str, Any],
    head: Mapping[str, Any],
    gate: Mapping[str, Any],
    taught: Sequence[int],
    temperatures: Sequence[float],
) -> Merged:
    """A base that goes on answering beside a head for the styles `taught`, and the gate between them."""
    return Merged(
        _base(base),
        head_of(len(taught), head),
        Gate(**gate),
        styles=styles,
        base_styles=base["styles"],
        taught=taught,
        temperatures=temperatures,
    )


def _base(base: Mapping[str, Any]) -> nn.Module:
    return ARCHITECTURES[base["architecture"]](base["styles"], **base["settings"])
