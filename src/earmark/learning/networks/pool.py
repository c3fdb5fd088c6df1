"""A logarithmic opinion pool: a network on measured descriptors, an ear for real recordings, and the groove.

The descriptor network knows the styles of a shop, and fine differences between them; the ear knows fewer and broader
kinds of music, from real recordings of any quality. A table says which of its classes speak for which style. A class
that covers a whole family speaks for each of its styles alike, and leaves the choice among them to the descriptors:
family first, style within the family. The groove tells apart what sounds alike and moves otherwise (`groove`).

    log P(style) = log P(style | descriptors) + weight x log (sum of the classes that speak for it + floor)
                 + evidence of the groove x (score of the ear for its favourite / HEARD, 1 at most) + log prior

Many things pulse that are no music; so the groove counts in full only where the ear hears some style. What follows
from a doubt flattens the answer, until it is "unlike anything I know": that little in the sound is music, that the two
networks disagree, and that little of the recording is there to be heard (`recording`).

References: C. Genest and J. Zidek, "Combining probability distributions", Statistical Science 1(1), 1986, for the
logarithmic opinion pool; A. Bhattacharyya, 1943, for the coefficient of agreement.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from earmark.learning.networks.architectures import EARS
from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.learning.networks.groove import Groove
from earmark.learning.networks.recording import RecordingDoubt

FAINT: Final = 0.02  # a score: what is fainter was not heard; the floor where a pool has none of its own
HEARD: Final = 0.04  # a score of some style: the groove of what is heard fainter counts for less
QUIETEST: Final = 1e-3  # of the peak of a window: below, it stays as quiet as it is

Entry = tuple[int, int, float]
"""A line of the table: the class of the ear, the style that it speaks for, and how much (0-1)."""


class StyleLikelihood(nn.Module):
    """The likelihood of each style, from the classes of an ear that speak for it.

    Args:
        styles: how many there are.
        classes: how many of the ear's outputs are classes of sound.
        table: which class speaks for which style.
        music: the classes that say that there is music.
        other: those that say that there is something else.
        floor: added to the score of each style, so that what the ear did not hear is not impossible.

    Shape: scores (batch, patches, classes or more) -> log-likelihoods (batch, styles), musicality and the score of the
    favourite style, each (batch, 1).
    """

    speaks: Tensor
    music: Tensor
    other: Tensor

    def __init__(
        self,
        styles: int,
        classes: int,
        table: Sequence[Entry],
        music: Sequence[int],
        other: Sequence[int],
        floor: float = FAINT,
    ) -> None:
        super().__init__()
        speaks = torch.zeros(classes, styles)
        for number, style, weight in table:
            speaks[number, style] = weight
        self.classes = classes
        self.floor = floor
        self.register_buffer("speaks", speaks, persistent=False)
        for name, numbers in (("music", music), ("other", other)):
            chosen = torch.zeros(classes, 1)
            chosen[list(numbers)] = 1
            self.register_buffer(name, chosen, persistent=False)

    def forward(self, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean = scores[..., : self.classes].mean(1)  # (batch, classes)
        music, other = mean @ self.music + FAINT, mean @ self.other
        styles = mean @ self.speaks
        return torch.log(styles + self.floor), music / (music + other), styles.amax(-1, keepdim=True)


class LogOpinionPool(nn.Module):
    """The logarithmic opinion pool of descriptors and an ear; see the module.

    Args:
        descriptors: a network over the styles.
        ear: a module that gives scores (batch, patches, classes) and an embedding (batch, patches, dims) of a waveform.
        likelihood: the styles' likelihood, from the scores.
        weight: how much the ear counts, where the descriptors have 1.
        groove: the evidence of the groove for each style, from the waveform; none if not given.
        doubt: the factor of the temperature for what is missing of a recording; 1 if not given.
        prior: of each style, in any unit; all alike if not given.

    Raises:
        ValueError: the two hear at different sample rates.

    Shape: (batch, samples) -> (batch, styles), (batch, sum of the dims).
    """

    prior: Tensor

    def __init__(
        self,
        descriptors: nn.Module,
        ear: nn.Module,
        likelihood: StyleLikelihood,
        weight: float,
        groove: Groove | None = None,
        doubt: RecordingDoubt | None = None,
        prior: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__()
        if descriptors.sample_rate != ear.sample_rate:
            raise ValueError(f"descriptors at {descriptors.sample_rate} Hz and an ear at {ear.sample_rate} Hz")
        self.sample_rate = descriptors.sample_rate
        self.samples = descriptors.samples
        self.descriptors = descriptors
        self.ear = ear
        self.likelihood = likelihood
        self.weight = weight
        self.groove = groove
        self.doubt = doubt
        self.register_buffer("prior", torch.tensor(prior).log(), persistent=False)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        logits, embedding, _ = self.opinions(waveform)
        return logits, embedding

    def opinions(self, waveform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, embedding, and the scores of the ear's classes of sound, (batch, classes)."""
        logits, embedding = self.descriptors(waveform)
        # The ear tells whispers from music at full scale, but a quiet file is no other music.
        peak = torch.maximum(waveform.amax(-1, keepdim=True), -waveform.amin(-1, keepdim=True))
        scores, heard = self.ear(waveform / peak.clamp_min(QUIETEST))
        likelihood, musicality, favourite = self.likelihood(scores)
        measured = logits.log_softmax(-1)
        # As much agreement as with an ear that says nothing is enough.
        agreement = (0.5 * (measured + likelihood.log_softmax(-1))).exp().sum(-1, keepdim=True)
        trust = musicality * (agreement * logits.shape[-1] ** 0.5).clamp_max(1)
        if self.doubt is not None:
            trust = trust / self.doubt(waveform)
        pooled = measured + self.weight * likelihood + self.prior
        if self.groove is not None:
            pooled = pooled + self.groove(waveform) * (favourite / HEARD).clamp_max(1)
        sounds = scores[..., : self.likelihood.classes].mean(1)
        return trust * pooled, torch.cat([embedding, heard.mean(1)], 1), sounds


class Opinions(nn.Module):
    """A pool as it is exported, with the classes of sound as a third output.

    Shape: (batch, samples) -> (batch, styles), (batch, dims), (batch, classes).
    """

    def __init__(self, network: LogOpinionPool) -> None:
        super().__init__()
        self.network = network

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.network.opinions(waveform)


def pool(
    styles: int,
    descriptors: Mapping[str, Any],
    ear: Mapping[str, Any],
    opinions: Mapping[str, Any],
    weight: float = 1.0,
    groove: Mapping[str, Any] | None = None,
    doubt: Mapping[str, Any] | None = None,
    prior: Sequence[float] = (1.0,),
) -> LogOpinionPool:
    """The pool of settings as they stand in a model's `config.json`.

    Args:
        styles: number of outputs.
        descriptors: the settings of the descriptor network.
        ear: `architecture`, a key of EARS, and its `settings`.
        opinions: the settings of `StyleLikelihood`.
        weight: of the ear, where the descriptors have 1.
        groove: the settings of `Groove`; pools from before it have none.
        doubt: the settings of `RecordingDoubt`, likewise.
        prior: of each style.
    """
    rate = DescriptorNetwork.sample_rate
    return LogOpinionPool(
        DescriptorNetwork(styles, **descriptors),
        EARS[ear["architecture"]](**ear["settings"]),
        StyleLikelihood(styles, **opinions),
        weight,
        None if groove is None else Groove(rate, styles, **groove),
        None if doubt is None else RecordingDoubt(rate, **doubt),
        prior,
    )
