"""The form of a track: which sections follow each other and how loud each layer is in each of them.

A layer is a part of the orchestra: kick, snare, hats, percussion, bass, chords, pad, lead, hook, voice, texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from earmark.synth.track import SectionName

LAYERS: Final = ("kick", "snare", "hats", "percussion", "bass", "chords", "pad", "lead", "hook", "voice", "texture")

_FULL: Final = dict.fromkeys(LAYERS, 1.0)

FORMS: Final[dict[str, dict[str, dict[str, float]]]] = {
    # Level of each layer in each section; what is not named is silent.
    "club": {
        "intro": {"kick": 1, "hats": 0.8, "percussion": 0.8, "texture": 1, "bass": 0.5},
        "break": {"pad": 1, "chords": 0.9, "hook": 1, "voice": 1, "texture": 1},
        "build": {"pad": 0.8, "chords": 1, "hook": 0.8, "snare": 0, "kick": 0.8, "texture": 1, "voice": 0.5},
        "drop": _FULL | {"pad": 0.6, "hook": 0.4, "texture": 0.6},
        "outro": {"kick": 1, "hats": 0.8, "percussion": 1, "bass": 0.7, "texture": 1},
    },
    "groove": {
        "intro": {"kick": 1, "hats": 0.7, "percussion": 1, "texture": 1},
        "break": {"hats": 0.5, "percussion": 0.6, "chords": 1, "pad": 1, "hook": 1, "voice": 1, "texture": 1},
        "build": {"kick": 0.7, "hats": 0.8, "percussion": 0.8, "chords": 1, "pad": 0.8, "hook": 0.8, "texture": 1},
        "drop": _FULL | {"pad": 0.5},
        "outro": {"kick": 1, "hats": 1, "percussion": 1, "bass": 0.8, "texture": 1},
    },
    "bass": {
        "intro": {"pad": 1, "hook": 0.8, "hats": 0.6, "texture": 1},
        "break": {"pad": 1, "chords": 1, "hook": 1, "voice": 1, "texture": 1},
        "build": {"pad": 1, "chords": 0.8, "hook": 0.7, "voice": 0.8, "hats": 0.5, "texture": 1},
        "drop": _FULL | {"hook": 0.0, "pad": 0.35, "texture": 0.5},
        "outro": {"kick": 0.8, "snare": 0.8, "hats": 0.8, "percussion": 1, "pad": 1, "texture": 1},
    },
    "drift": {
        "intro": {"pad": 1, "texture": 1, "chords": 0.4},
        "break": {"pad": 1, "texture": 1, "chords": 0.8, "hook": 1, "voice": 1},
        "build": {"pad": 1, "texture": 1, "chords": 1, "hook": 1, "percussion": 0.6, "hats": 0.5, "lead": 0.6},
        "drop": _FULL | {"hook": 0.7},
        "outro": {"pad": 1, "texture": 1, "hook": 0.6},
    },
}


@dataclass(frozen=True)
class Part:
    """A section in bars."""

    name: SectionName
    bar: int
    bars: int


def arrange(bars: int, rng: np.random.Generator, *, breakdown: float = 0.25) -> tuple[Part, ...]:
    """Lay sections over a number of bars, on boundaries of two or four.

    Args:
        bars: of the whole track.
        rng: draws one of the usual orders.
        breakdown: share of the track that is break; trance takes long ones, techno short ones.
    """
    names: list[tuple[SectionName, float]]
    if bars < 8:  # noqa: PLR2004  too short for a form
        names = [("drop", 1.0)]
    elif bars < 14:  # noqa: PLR2004
        names = [("break", breakdown), ("build", 0.18), ("drop", 0.8 - breakdown)]
    elif bars < 40:  # noqa: PLR2004
        quiet: list[tuple[SectionName, float]] = [("break", breakdown), ("build", 0.13)]
        rest = 0.87 - breakdown
        orders: list[list[tuple[SectionName, float]]] = [
            [*quiet, ("drop", rest)],
            [("drop", 0.45 * rest), *quiet, ("drop", 0.55 * rest)],
            [("intro", 0.25 * rest), *quiet, ("drop", 0.75 * rest)],
        ]
        names = orders[int(rng.choice(3, p=[0.5, 0.25, 0.25]))]
    else:
        cycle: list[tuple[SectionName, float]] = [
            ("break", breakdown / 2),
            ("build", 0.07),
            ("drop", 0.32 - breakdown / 2),
        ]
        names = [("intro", 0.11), *cycle, *cycle, ("outro", 0.11)]
    grid = 2 if bars < 24 else 4  # noqa: PLR2004
    total = sum(share for _, share in names)
    edges = np.cumsum([0.0, *(share for _, share in names)]) / total * bars
    starts = [grid * round(float(edge) / grid) for edge in edges[:-1]]
    ends = [*starts[1:], bars]
    return tuple(
        Part(name, start, end - start) for (name, _), start, end in zip(names, starts, ends, strict=True) if end > start
    )
