"""Drawing from ranges and alternatives, the way presets are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

Choice = TypeVar("Choice")


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A value between two, uniform on a logarithmic scale, as ears judge frequencies and durations."""
    return float(low * (high / low) ** rng.random())


def one(rng: np.random.Generator, *choices: Choice) -> Choice:
    """One of some alternatives; one that is listed twice is twice as likely."""
    return choices[int(rng.integers(len(choices)))]
