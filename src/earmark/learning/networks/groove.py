"""The groove as a witness of styles: how fast the beat is, whether snares fall half as often, whether hats run on.

An ear for kinds of sound cannot count: to it, drum & bass at 174 BPM and brostep at 140 are one heavy music. Their
tempi part them, wherever a tempo is clear, and where two styles share one, the drums do:

- *tempo*: a style is unlikely at a tempo that it does not have. The probabilities of the tempi (`OctaveTempo`, modulo
  an octave) are summed over those that it has. A narrow range earns no premium: the descriptors, which know the tempo,
  have given that already;
- *half rate*: loud strokes (snares, mostly) agree with those two beats later in drum & bass, with those four beats
  later only where the drums play half as often, as in halftime;
- *running hats*: strokes agree with those three quarters of a beat later where hats play all sixteenths, as in trap at
  130 to 160 BPM, and not in brostep at the same tempo.

Conventions: evidence is a logarithm of likelihoods, 0 where nothing is known; a tempo is in beats per minute (BPM).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from earmark.learning.networks.frontend import OctaveTempo, normalise

ENOUGH = 8.0  # seconds; evidence of less counts for less
STEP = 1.0  # BPM, between two tempi that are tried
CLEAR = 0.4  # agreement of strokes a bar apart where a groove is clear; evidence of less counts for less
FAINTEST = 0.05  # an agreement; what is less is noise


class TempoLikelihood(nn.Module):
    """The likelihood of each style, from the probabilities of tempi modulo an octave.

    Args:
        styles: how many there are.
        tempi: style, slowest and fastest tempo; a style without any is as likely at each.
        doubt: the share of tracks (0-1) whose tempo says nothing: it is heard wrongly, or unusual.

    Shape: (batch, OctaveTempo.TEMPI) -> (batch, styles), 0 at most.
    """

    likelihood: Tensor

    def __init__(self, styles: int, tempi: Sequence[tuple[int, float, float]], doubt: float) -> None:
        super().__init__()
        octave = np.arange(OctaveTempo.TEMPI) / OctaveTempo.TEMPI + np.log2(OctaveTempo.SLOWEST)
        likelihood = np.ones((OctaveTempo.TEMPI, styles))
        for style, slowest, fastest in tempi:
            usual = (octave - np.log2(slowest)) % 1 <= np.log2(fastest / slowest)
            likelihood[:, style] = np.where(usual, 1, doubt)
        self.register_buffer("likelihood", torch.from_numpy(likelihood).float(), persistent=False)

    def forward(self, probabilities: Tensor) -> Tensor:
        return torch.log(probabilities @ self.likelihood)


class BarAgreement(nn.Module):
    """Agreement of strokes with those some beats later, at the tempo of a range at which bars repeat best.

    Args:
        rate: strokes per second.
        slowest: in BPM.
        fastest: in BPM.
        beats: after which strokes are compared, besides two and four.

    Shape: autocorrelation (batch, OctaveTempo.LAGS) -> agreement after 2, 4 and `beats`, each (batch, 1).
    """

    combs: Tensor

    def __init__(self, rate: float, slowest: float, fastest: float, beats: Sequence[float] = ()) -> None:
        super().__init__()
        tempi = np.arange(slowest, fastest + STEP / 2, STEP)
        combs = np.zeros((2 + len(beats), OctaveTempo.LAGS, len(tempi)))
        for comb, multiple in zip(combs, (2, 4, *beats), strict=True):
            lags = 60 * multiple * rate / tempi
            below, column = lags.astype(int), np.arange(len(tempi))
            comb[below, column], comb[below + 1, column] = below + 1 - lags, lags - below
        self.register_buffer("combs", torch.from_numpy(combs).float(), persistent=False)

    def forward(self, autocorrelation: Tensor) -> tuple[Tensor, ...]:
        agreement = autocorrelation @ self.combs  # (2 + beats, batch, tempi)
        chosen = ((agreement[0] + agreement[1]) * OctaveTempo.SHARPNESS).softmax(-1)
        return (agreement * chosen).sum(-1, keepdim=True).unbind(0)


class Groove(nn.Module):
    """The evidence of the groove for each style; see the module.

    Args:
        sample_rate: in Hz.
        styles: how many there are.
        tempi: see `TempoLikelihood`.
        doubt: see `TempoLikelihood`.
        weight: of the tempo.
        half_rate: for each pair, the style whose drums play half as often, and the one at the same tempo.
        running_hats: for each pair, the style whose hats play all sixteenths, and the one at the same tempo.

    Shape: (batch, samples) -> (batch, styles).
    """

    halves: Tensor
    runs: Tensor

    HALF_RATE = (160.0, 180.0, 0.70, 6.0, 2.0)
    """BPM from and to; agreement after two beats as a share of that after four at which both styles are as likely; how
    fast the evidence grows away from it, and the most that there is."""
    RUNNING_HATS = (130.0, 160.0, 0.09, 20.0, 1.5)
    """The same, of the agreement after three quarters of a beat."""

    def __init__(
        self,
        sample_rate: int,
        styles: int,
        tempi: Sequence[tuple[int, float, float]],
        doubt: float,
        weight: float,
        half_rate: Sequence[tuple[int, int]] = (),
        running_hats: Sequence[tuple[int, int]] = (),
    ) -> None:
        super().__init__()
        self.weight = weight
        self.enough = ENOUGH * sample_rate
        self.tempo = OctaveTempo(sample_rate)
        self.likelihood = TempoLikelihood(styles, tempi, doubt)
        rate = sample_rate / (2 * self.tempo.hop)  # Hz
        self.fast = BarAgreement(rate, *self.HALF_RATE[:2])
        self.slow = BarAgreement(rate, *self.RUNNING_HATS[:2], beats=[0.75])
        self.register_buffer("halves", _pairs(styles, half_rate), persistent=False)
        self.register_buffer("runs", _pairs(styles, running_hats), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        signal = normalise(waveform)
        autocorrelation = self.tempo.autocorrelation(self.strokes(signal))
        evidence = (
            self.weight * self.likelihood(self.tempo.posterior(signal))
            + self._half_rate(autocorrelation) * self.halves
            + self._running_hats(autocorrelation) * self.runs
        )
        length = torch.full((1, 1), waveform.shape[-1], dtype=waveform.dtype)  # samples: any length is exported
        counted: Tensor = evidence * (length / self.enough).clamp_max(1)
        return counted

    def strokes(self, signal: Tensor) -> Tensor:
        """Rises of the level of the first difference, (batch, samples) -> (batch, about 100 a second).

        They are not compressed: the loudest count most, and of what is bright those are the snares.
        """
        level = nn.functional.avg_pool1d(self.tempo.brightness(signal)[:, None], 4, 2, padding=1)[:, 0]
        return (level[:, 1:] - level[:, :-1]).clamp_min(0)

    def _half_rate(self, autocorrelation: Tensor) -> Tensor:
        """Evidence for drums that play half as often, (batch, 1)."""
        two, four = self.fast(autocorrelation)
        _, _, middle, slope, most = self.HALF_RATE
        evidence: Tensor = slope * (middle - two / four.clamp_min(FAINTEST))
        return evidence.clamp(-most, most) * _clear(four)

    def _running_hats(self, autocorrelation: Tensor) -> Tensor:
        """Evidence for hats on all sixteenths, (batch, 1)."""
        _, four, sixteenths = self.slow(autocorrelation)
        _, _, middle, slope, most = self.RUNNING_HATS
        evidence: Tensor = slope * (sixteenths - middle)
        return evidence.clamp(-most, most) * _clear(four)


def _clear(agreement: Tensor) -> Tensor:
    """Clarity of a groove, 0-1, from the agreement of strokes a bar apart."""
    return (agreement / CLEAR).clamp(0, 1)


def _pairs(styles: int, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """One for the first style of each pair and minus one for the second, (styles,)."""
    signs = torch.zeros(styles)
    for one, other in pairs:
        signs[one], signs[other] = 1, -1
    return signs
