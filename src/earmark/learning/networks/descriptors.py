"""The descriptor network: perceptrons on measured descriptors, which are computed by its first layers."""

from collections.abc import Callable, Sequence
from typing import Final, cast

import torch
from torch import Tensor, nn

from earmark.learning.networks.frontend import Descriptors

FAINTEST: Final = 1e-20  # a probability, beside that of the likeliest genre: its logarithm is finite


class NormalScores(nn.Module):
    """Each descriptor by its rank among the real tracks, as a quantile of the normal distribution.

    Piecewise linear between `knots` quantiles and constant beyond the outermost: whatever is heard, the layers after
    it meet values that they were trained on.

    Shape: (..., features) -> (..., features).
    """

    knots: Tensor
    scores: Tensor

    def __init__(self, features: int, knots: int) -> None:
        super().__init__()
        share = torch.linspace(0, 1, knots).clamp(0.25 / (knots - 1), 1 - 0.25 / (knots - 1))
        self.register_buffer("scores", torch.special.ndtri(share), persistent=False)  # (knots,)
        self.register_buffer("knots", torch.linspace(-1, 1, knots).repeat(features, 1))  # (features, knots)

    def fit(self, rows: Tensor) -> None:
        """Take the quantiles from rows of descriptors, shape (rows, features)."""
        share = torch.linspace(0, 1, len(self.scores), dtype=rows.dtype)
        self.knots.copy_(torch.quantile(rows, share, 0).T)

    def forward(self, rows: Tensor) -> Tensor:
        low, width = self.knots[:, :-1], self.knots.diff(dim=1).clamp_min(1e-12)
        share = ((rows[..., None] - low) / width).clamp(0, 1)  # (..., features, knots - 1)
        return self.scores[0] + (share * self.scores.diff()).sum(-1)


class EnsembleLinear(nn.Module):
    """One linear layer for each member of an ensemble, as one batched product.

    Shape: (members, batch, before) -> (members, batch, after).
    """

    def __init__(self, members: int, before: int, after: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(members, before, after))
        self.bias = nn.Parameter(torch.zeros(members, 1, after))

    def reset(self, generator: torch.Generator) -> None:
        """Draw the initial values: uniform within 1 / sqrt(before), as `nn.Linear` does."""
        bound = self.weight.shape[1] ** -0.5
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, hidden, self.weight)


class DescriptorNetwork(nn.Module):
    """The measured descriptors and a small ensemble of perceptrons on their normal scores.

    It can be trained on tables of descriptors alone (`from_rows`), yet hears waveforms, because the descriptors are
    computed by its first layers. Its logits are the logarithm of the members' mean probability. The embedding is the
    scaled descriptors (70 values: how it sounds) and the log-probabilities (what it is called).

    The perceptrons may tell finer `genres` apart: then a style is as probable as its genres are together.

    The tempo is also given as its `harmonics`: points on the circle at once, twice, four times ... the angle. A
    perceptron is smooth, and the genres of one style stand within 4 BPM of each other, a few degrees apart.

    Shape: (batch, samples) at 22,050 Hz, samples >= 22,040 -> (batch, styles), (batch, 70 + styles).
    References: Caparrini et al., Journal of New Music Research 49(3), 2020, for styles from these descriptors;
    Lakshminarayanan et al., NeurIPS 2017, for deep ensembles.
    """

    sample_rate = Descriptors.SAMPLE_RATE
    samples = 642_096  # 29.12 s, as the network of 2018; any length is heard

    style_of: Tensor

    def __init__(
        self,
        styles: int,
        members: int = 8,
        hidden: Sequence[int] = (256, 256),
        knots: int = 33,
        harmonics: int = 1,
        genres: Sequence[int] | None = None,
    ) -> None:
        """Build it, with weights of zero.

        Args:
            styles: number of outputs.
            members: number of perceptrons.
            hidden: the widths of their hidden layers.
            knots: of the normal scores.
            harmonics: of the tempo.
            genres: the style of each genre that the perceptrons tell apart, -1 where it is none of the styles; not
                given where they tell the styles themselves.
        """
        super().__init__()
        of = torch.arange(styles) if genres is None else torch.tensor(genres)
        self.register_buffer("style_of", (of[:, None] == torch.arange(styles)).float(), persistent=False)
        self.descriptors = Descriptors()
        self.scores = NormalScores(68, knots)
        widths = [Descriptors.SIZE + 2 * (harmonics - 1), *hidden, len(of)]
        self.layers = nn.ModuleList(
            EnsembleLinear(members, before, after) for before, after in zip(widths, widths[1:], strict=False)
        )
        self.members = members
        self.harmonics = harmonics
        self.genres = None if genres is None else list(genres)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        return self.from_rows(self.descriptors(waveform))

    def from_rows(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embedding from rows of descriptors, shape (batch, 70)."""
        inputs = self.inputs(rows)
        logits = self.logits(inputs)
        return logits, torch.cat([inputs[:, : Descriptors.SIZE], logits], 1)

    def logits(self, inputs: Tensor) -> Tensor:
        """Log-probabilities of the styles, (batch, inputs) -> (batch, styles)."""
        members = self.perceptrons(inputs.expand(self.members, -1, -1)).log_softmax(-1)  # (members, batch, genres)
        # No logsumexp: subtracting the largest value first keeps it finite in every exporter.
        top = members.amax(0)
        logits = (members - top).exp().mean(0).log() + top
        if self.genres is not None:
            probability = (logits - logits.amax(-1, keepdim=True)).exp() @ self.style_of
            logits = (probability + FAINTEST).log().log_softmax(-1)
        return logits

    def reset(self, generator: torch.Generator) -> None:
        """Draw the initial weights of the perceptrons."""
        for layer in self.layers:
            cast(EnsembleLinear, layer).reset(generator)

    def inputs(self, rows: Tensor) -> Tensor:
        """Inputs of the perceptrons: normal scores, then the tempo, of unit variance, (..., 68 + 2 harmonics)."""
        return self.with_harmonics(self.scores(rows[..., :68]), rows[..., 68:69], rows[..., 69:70])

    def with_harmonics(self, scores: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
        """Inputs of the perceptrons from normal scores (..., 68) and a tempo, (..., 1) each."""
        clarity = (sine * sine + cosine * cosine + 1e-12).sqrt()  # the radius, which all harmonics keep
        tempo = [sine, cosine]
        for _ in range(self.harmonics - 1):
            sine, cosine = 2 * sine * cosine / clarity, (cosine * cosine - sine * sine) / clarity
            tempo += [sine, cosine]
        return torch.cat([scores, torch.cat(tempo, -1) * 2**0.5], -1)

    def perceptrons(self, inputs: Tensor, drop: Callable[[Tensor], Tensor] = lambda hidden: hidden) -> Tensor:
        """Each member's own logits, (members, batch, inputs) -> (members, batch, genres); `drop` acts between."""
        hidden = inputs
        for layer in self.layers[:-1]:
            hidden = drop(nn.functional.elu(layer(hidden)))
        logits: Tensor = self.layers[-1](hidden)
        return logits
