"""Shifts: how descriptors move when a recording is damaged, learned from pairs of the same sound before and after.

The tables hold descriptors of whole, clean recordings. Synthetic tracks, which can be damaged and taken apart, tell how
the descriptors *move* (`synthetic`); the movement is then applied to the rows of the real tracks. Nothing synthetic is
ever presented as a real example of a style.

Conventions: rows (n, 70) as `frontend.Descriptors` computes them; shifts are in units of the spread of the real rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from earmark.recipes.house12.tables import STATISTICS, Rows

RIDGE = 30.0  # of the regression, in tracks' worth of evidence that nothing moves


@dataclass(frozen=True)
class Pairs:
    """Descriptors of the same sounds before and after, each (n, 70)."""

    before: Rows
    after: Rows


@dataclass(frozen=True)
class Shift:
    """after = before + spread * (before' @ weight + bias + residual * noise), before' standardised; (70, 70), (70,)."""

    centre: Rows
    spread: Rows
    weight: Rows
    bias: Rows
    residual: Rows

    def apply(self, rows: Rows, generator: np.random.Generator) -> Rows:
        """Shifted copies of rows (n, 70), noise included."""
        standard = (rows - self.centre) / self.spread
        noise = generator.standard_normal(rows.shape) * self.residual
        shifted: Rows = (rows + self.spread * (standard @ self.weight + self.bias + noise)).astype(np.float32)
        return shifted


def learn_shift(pairs: Pairs, real: Rows, *, constant: bool = False) -> Shift:
    """Ridge regression of the movement on the descriptors, or its mean alone if `constant`.

    Args:
        pairs: descriptors before and after.
        real: real rows, for centre and spread.
        constant: leave out the dependence on the descriptors.
    """
    centre, spread = real.mean(0), real.std(0)
    before = (pairs.before - centre) / spread
    movement = (pairs.after - pairs.before) / spread
    mean, bias = before.mean(0), movement.mean(0)
    deviation = before - mean
    size = before.shape[1]
    weight = (
        np.zeros((size, size))
        if constant
        else np.linalg.solve(deviation.T @ deviation + RIDGE * np.eye(size), deviation.T @ (movement - bias))
    )
    residual = (movement - bias - deviation @ weight).std(0)
    return Shift(centre, spread, weight, bias - mean @ weight, residual)


def moved(shift: Shift, rows: Rows, generator: np.random.Generator) -> Rows:
    """Rows shifted in all but the tempo: a point on a circle has no linear regression."""
    shifted = shift.apply(rows, generator)
    shifted[:, STATISTICS:] = rows[:, STATISTICS:]
    return shifted


def degraded_copies(rows: Rows, pairs: Iterable[Pairs], copies: int, seed: int) -> list[Rows]:
    """Rows that damaged recordings of the same tracks would have given, `copies` times for each degradation."""
    generator = np.random.default_rng(seed)
    shifts = [learn_shift(each, rows) for each in pairs]
    return [moved(shift, rows, generator) for shift in shifts for _ in range(copies)]
