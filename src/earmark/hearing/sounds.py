"""Kinds of sound: what an ear hears besides styles: voices, instruments, the drum machine.

A model with an ear scores the 521 classes of AudioSet that YAMNet knows (0-1). Scores of classes do not compare, so
each kind has the score that it must reach to be said, `usual`: nine in ten of 675 stretches of openly licensed music
stay below it (`bench/sounds.py`), and it is `FLOOR` at least, or `VOICE` for voices, of which that music has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Kind:
    """A kind of sound: its name, its number among the classes, and the score that most music does not reach."""

    name: str
    number: int
    usual: float


@dataclass(frozen=True)
class HeardSound:
    """A kind of sound that was heard: its name and its score (0-1)."""

    name: str
    score: float


MOST: Final = 5  # kinds that are said at once
CLASSES: Final = 521
FLOOR, VOICE = 0.02, 0.1

KINDS: Final = (
    Kind("speech", 0, 0.1),
    Kind("singing", 24, 0.1),
    Kind("choir", 25, 0.1),
    Kind("rapping", 31, 0.1),
    Kind("guitar", 135, 0.02),
    Kind("electric guitar", 136, 0.02),
    Kind("bass guitar", 137, 0.02),
    Kind("piano", 148, 0.034),
    Kind("electric piano", 149, 0.02),
    Kind("organ", 150, 0.02),
    Kind("synthesizer", 153, 0.068),
    Kind("sampler", 154, 0.06),
    Kind("percussion", 156, 0.02),
    Kind("drum kit", 157, 0.02),
    Kind("drum machine", 158, 0.044),
    Kind("snare drum", 160, 0.02),
    Kind("bass drum", 163, 0.02),
    Kind("cymbal", 166, 0.02),
    Kind("hi-hat", 167, 0.02),
    Kind("mallets", 174, 0.02),
    Kind("brass", 180, 0.02),
    Kind("strings", 184, 0.02),
    Kind("flute", 191, 0.02),
    Kind("saxophone", 192, 0.02),
    Kind("scratching", 210, 0.02),
)


def audible(scores: Mapping[str, float]) -> tuple[HeardSound, ...]:
    """The kinds of sound that stand out, the most striking first; none where there are no scores.

    Args:
        scores: as `Model.sounds` gives them.
    """
    ratios = {kind.name: scores.get(kind.name, 0.0) / kind.usual for kind in KINDS}
    striking = sorted((name for name, ratio in ratios.items() if ratio >= 1), key=lambda name: -ratios[name])
    return tuple(HeardSound(name, scores[name]) for name in striking[:MOST])
