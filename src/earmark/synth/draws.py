"""Drawing from ranges and alternatives, the way presets are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

Choice = TypeVar("Choice")


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform on a logarithmic scale: what ears do with hertz and seconds."""
    return float(low * (high / low) ** rng.random())


def one(rng: np.random.Generator, *choices: Choice) -> Choice:
    """One of some alternatives, each as likely as it is often named."""
    return choices[int(rng.integers(len(choices)))]
