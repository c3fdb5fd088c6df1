"""Style probabilities over time: one row for each window of a track.

Conventions: probabilities (windows, styles), rows sum to 1; starts (windows,) in seconds, rising; a window lasts
`window` seconds. The last window may begin less than a hop after the one before it, because it is pulled back to end
with the track. The weight of a window is the share of it that sounds, 0-1, and 0 if it has no vote.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Segment:
    """A stretch of the track, in seconds, in which one style is the most probable; its mean probability there."""

    start: float
    end: float
    style: str
    probability: float


@dataclass(frozen=True)
class Timeline:
    """Style probabilities of the windows of a track.

    `weights` is (windows,); without them, and where all are 0, the windows count alike.

    Raises:
        ValueError: shapes that do not belong together, or no window at all.
    """

    styles: tuple[str, ...]
    starts: NDArray[np.float64]
    window: float
    probabilities: NDArray[np.float32]
    weights: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        expected = (len(self.starts), len(self.styles))
        if self.probabilities.shape != expected or len(self.starts) == 0:
            raise ValueError(
                f"probabilities have the shape {self.probabilities.shape}, not (windows, styles) {expected}"
            )
        if self.weights is not None and self.weights.shape != expected[:1]:
            raise ValueError(f"weights have the shape {self.weights.shape}, not (windows,) {expected[:1]}")

    def __repr__(self) -> str:
        """One line: how many windows and styles, and the strongest style."""
        style, share = self.top(1)[0]
        windows = "1 window" if len(self.starts) == 1 else f"{len(self.starts)} windows"
        return f"<Timeline {windows} of {self.window:g} s, {len(self.styles)} styles, {style} {share:.2f}>"

    def mean(self) -> NDArray[np.float64]:
        """The probabilities of the whole track: the weighted mean over its windows, shape (styles,)."""
        return self._mean(slice(None))

    def sounding(self) -> float:
        """Seconds of sound that the windows hold, no second counted twice."""
        weights = np.ones(len(self.starts)) if self.weights is None else self.weights
        own = np.minimum(np.append(np.diff(self.starts), self.window), self.window)  # until the next one begins
        return float(weights @ own)

    def top(self, k: int) -> list[tuple[str, float]]:
        """The k most probable styles of the whole track with their probabilities, the most probable first."""
        mean = self.mean()
        order = np.argsort(-mean, kind="stable")[:k]
        return [(self.styles[style], float(mean[style])) for style in order]

    def families(self, families: Mapping[str, str] | None = None) -> list[tuple[str, float]]:
        """The probabilities of the families, the most probable first.

        Args:
            families: the family of each style; not needed where all are among the twelve.

        Raises:
            EarmarkError: a style is not among the twelve, and no families are given.
        """
        if not families:
            from earmark.styles import family_of  # noqa: PLC0415  a model knows the families of its styles
        sums: dict[str, float] = {}
        for style, probability in zip(self.styles, self.mean(), strict=True):
            family = families[style] if families else family_of(style)
            sums[family] = sums.get(family, 0.0) + float(probability)
        return sorted(sums.items(), key=lambda family: -family[1])

    def segments(self) -> list[Segment]:
        """The track as stretches of one style each, without gaps.

        Where two windows of different styles overlap or leave a gap, the border lies in the middle between the end of
        the one and the start of the other. A window without a vote belongs to the stretch before it, or after it at the
        beginning.
        """
        best = self._leading()  # (windows,)
        firsts = np.flatnonzero(np.diff(best, prepend=-1))  # the window with which each segment begins
        lasts = np.append(firsts[1:], len(best)) - 1
        middles = (self.starts[lasts[:-1]] + self.window + self.starts[firsts[1:]]) / 2
        borders = [float(self.starts[0]), *middles.tolist(), float(self.starts[-1]) + self.window]
        return [
            Segment(start, end, self.styles[best[first]], float(self._mean(slice(first, last + 1))[best[first]]))
            for start, end, first, last in zip(borders, borders[1:], firsts, lasts, strict=False)
        ]

    def _leading(self) -> NDArray[np.intp]:
        """The style that each window stands for, (windows,): its most probable one, or that of a window with a vote."""
        best: NDArray[np.intp] = self.probabilities.argmax(1)
        if self.weights is None or not (votes := self.weights > 0).any():
            return best
        windows = np.arange(len(best))
        source = np.maximum.accumulate(np.where(votes, windows, 0))
        source[: int(votes.argmax())] = int(votes.argmax())
        led: NDArray[np.intp] = best[source]
        return led

    def _mean(self, part: slice) -> NDArray[np.float64]:
        """The weighted mean of some windows, (styles,)."""
        weights = None if self.weights is None or not self.weights[part].any() else self.weights[part]
        mean: NDArray[np.float64] = np.average(self.probabilities[part].astype(np.float64), 0, weights)
        return mean
