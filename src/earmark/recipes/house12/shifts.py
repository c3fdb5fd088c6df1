"""Movements of descriptors: what half the drums do to them, and how those of an excerpt or a copy scatter.

The tables hold descriptors of whole, clean recordings. Pairs of the same sound before and after tell how the
descriptors *move*; the movement is then applied to the rows of the real tracks. Nothing that the pairs were measured on
is ever presented as an example of a style.

    Shift      the mean movement and its spread, each descriptor by itself, in the units of the descriptors
    Scatter    the movement of recordings that are cut, coded, mastered anew or narrowed: in normal scores, all of a
               pair at once, so that what moves together in a recording moves together in a row

Conventions: rows (n, 70) as `frontend.Descriptors` computes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.recipes.house12.tables import STATISTICS, Rows

RIDGE = 30.0  # of the regression, in pairs' worth of evidence that nothing moves


@dataclass(frozen=True)
class Pairs:
    """Descriptors of the same sounds before and after, each (n, 70)."""

    before: Rows
    after: Rows


@dataclass(frozen=True)
class Shift:
    """after = before + mean + deviation * noise, (70,) each."""

    mean: Rows
    deviation: Rows

    def apply(self, rows: Rows, generator: np.random.Generator) -> Rows:
        """Rows shifted in all but the tempo: a point on a circle has no mean."""
        moved = (rows + self.mean + self.deviation * generator.standard_normal(rows.shape)).astype(np.float32)
        moved[:, STATISTICS:] = rows[:, STATISTICS:]
        return moved


def learn_shift(pairs: Pairs) -> Shift:
    """The mean movement of pairs, and its deviation."""
    movement = pairs.after - pairs.before
    return Shift(movement.mean(0), movement.std(0))


@dataclass(frozen=True)
class Regression:
    """after = before + before @ weight + bias + residual, in normal scores; (68, 68), (68,), and (n, 68) residuals."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    residuals: NDArray[np.float64]


def regress(before: NDArray[np.float64], after: NDArray[np.float64]) -> Regression:
    """Ridge regression of the movement of scores (n, 68) on the scores before."""
    movement = after - before
    mean, bias = before.mean(0), movement.mean(0)
    deviation = before - mean
    size = before.shape[1]
    weight = np.linalg.solve(deviation.T @ deviation + RIDGE * np.eye(size), deviation.T @ (movement - bias))
    return Regression(weight, bias - mean @ weight, movement - bias - deviation @ weight)


class Scatter:
    """Inputs that cut, coded or damaged recordings of the same tracks would have given.

    A draw takes a kind of damage, each as often, and one of its pairs. The scores move by the regression of the kind
    and by what the regression left unexplained of that pair, all descriptors together; the tempo turns as it turned in
    the pair and becomes as clear as it was after it. The tables' tempi are all of full clarity; those heard are not.

    Args:
        network: gives the scores and the harmonics.
        rows: of the tracks, (tracks, 70).
        kinds: pairs for each kind of damage.
    """

    def __init__(self, network: DescriptorNetwork, rows: Rows, kinds: Sequence[Pairs]) -> None:
        def scores(each: Rows) -> NDArray[np.float64]:
            found: NDArray[np.float64] = network.scores(torch.from_numpy(each[:, :STATISTICS]).double()).numpy()
            return found

        found = [regress(scores(kind.before), scores(kind.after)) for kind in kinds]
        tracks = scores(rows)
        self.network = network
        self.means = _tensor(np.stack([tracks + tracks @ each.weight + each.bias for each in found]))
        self.residuals = _tensor(np.concatenate([each.residuals for each in found]))
        self.counts = torch.tensor([len(kind.before) for kind in kinds])
        self.firsts = self.counts.cumsum(0) - self.counts
        tempo = [np.concatenate([side[:, STATISTICS:] for side in sides]) for sides in _sides(kinds)]
        before, after = (each[:, 1] + 1j * each[:, 0] for each in tempo)
        self.turns = _tensor(np.angle(after * before.conj()))  # (pairs,), radians
        self.clarity = _tensor(np.abs(after))  # (pairs,)
        self.tempo = torch.from_numpy(rows[:, STATISTICS:])  # (tracks, 2)

    def draw(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Inputs for the chosen tracks, (...) -> (..., inputs)."""
        kind = torch.randint(len(self.counts), chosen.shape, generator=generator)
        pair = self.firsts[kind] + (torch.rand(chosen.shape, generator=generator) * self.counts[kind]).long()
        scores = self.means[kind, chosen] + self.residuals[pair]
        sine, cosine = self.tempo[chosen].unbind(-1)
        turn, clarity = self.turns[pair], self.clarity[pair]
        turned = sine * turn.cos() + cosine * turn.sin(), cosine * turn.cos() - sine * turn.sin()
        return self.network.with_harmonics(scores, *((clarity * each)[..., None] for each in turned))


def _sides(kinds: Sequence[Pairs]) -> tuple[list[Rows], list[Rows]]:
    return [kind.before for kind in kinds], [kind.after for kind in kinds]


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
