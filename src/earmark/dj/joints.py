"""Joints: where a transition that was rendered alone meets the two tracks around it, on the sample."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from earmark.dj.mixing import Mix


@dataclass(frozen=True)
class Joints:
    """Places where a transition joins its two tracks, so that it plays between them without a gap.

    Attributes:
        left: the moment of the old track with which the file begins, in seconds; a whole sample of the file.
        joined: the moment of the new track that follows the last sample of the file, the same.
        seconds: the length of the file.
        gains: of the two tracks in the file, in dB, which they need before and after it as well.
    """

    left: float
    joined: float
    seconds: float
    gains: tuple[float, float]

    @classmethod
    def of(cls, mix: "Mix", rate: int) -> Self:
        """Those of a transition that was rendered at a rate in Hz."""
        old, new = mix.playbacks
        first, last = old.spans[0], new.spans[-1]
        begin, length = round((first.start - first.at) * rate), round(mix.seconds * rate)
        end = length + round((last.start - last.at) * rate)
        gains = tuple(round(mix.loudness - each.deck.level, 2) for each in mix.playbacks)
        return cls(begin / rate, end / rate, length / rate, (gains[0], gains[1]))
