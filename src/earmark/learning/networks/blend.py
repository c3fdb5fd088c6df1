"""The blend: several networks over the same styles, asked together."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Blend(nn.Module):
    """The mean log-probability of several networks: a log-opinion pool, in which each member has a veto.

    The embedding joins those of the members.

    Args:
        members: networks over the same styles, at the same sample rate.
        weights: how much each one counts; equal if not given.

    Raises:
        ValueError: the members hear at different sample rates, or there are not as many weights as members.

    Shape: (batch, samples) -> (batch, styles), (batch, sum of the dims).
    References: G. Hinton, "Training products of experts by minimizing contrastive divergence", 2002.
    """

    weights: Tensor

    def __init__(self, members: Sequence[nn.Module], weights: Sequence[float] | None = None) -> None:
        super().__init__()
        rates = {int(member.sample_rate) for member in members}  # type: ignore[arg-type]
        if len(rates) != 1:
            raise ValueError(f"the members of a blend must hear at one sample rate, not at {sorted(rates)} Hz")
        if weights is not None and len(weights) != len(members):
            raise ValueError(f"{len(weights)} weights for {len(members)} members")
        self.sample_rate = rates.pop()
        self.samples = min(int(member.samples) for member in members)  # type: ignore[arg-type]
        self.members = nn.ModuleList(members)
        share = torch.tensor(weights or [1.0] * len(members))
        self.register_buffer("weights", share / share.sum(), persistent=False)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        heard = [member(waveform) for member in self.members]
        logits = torch.stack(
            [weight * logits.log_softmax(-1) for weight, (logits, _) in zip(self.weights, heard, strict=True)]
        )
        return logits.sum(0), torch.cat([embedding for _, embedding in heard], 1)
