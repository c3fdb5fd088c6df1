"""A set: tracks in the order in which they are played, and why each follows the one before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from earmark.dj.candidates import Candidates, key
from earmark.dj.cost import Weights, step_parts, wheel
from earmark.dj.planner import Plan
from earmark.dj.wish import Wish
from earmark.library.track import Summary

STEADY: Final = 0.001  # a share of the tempo: what is less is the same tempo
MOVED: Final = 0.1  # of the energy, from which on it is said to rise or fall
UNKNOWN: Final = "unknown"  # in the place of a style

# Hours clockwise on Camelot's wheel, and whether the mode changes.
KEYS: Final[Mapping[tuple[int, bool], str]] = {
    (0, True): "the relative key",
    (1, False): "a fifth up",
    (-1, False): "a fifth down",
    (1, True): "a diagonal neighbour",
    (-1, True): "a diagonal neighbour",
    (2, False): "a whole tone up",
    (-2, False): "a whole tone down",
    (-5, False): "a semitone up",
    (5, False): "a semitone down",
}
CLASH: Final = "keys far apart"


@dataclass(frozen=True)
class Step:
    """A track of a set.

    `start` is in seconds from the start of the set; `reasons` are short phrases; `parts` is what each part of the step
    costs before it is weighed (`cost`), empty for the first track.
    """

    track: Summary
    start: float
    reasons: tuple[str, ...]
    parts: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The track and the reasons."""
        track = self.track
        return {
            "path": str(track.path),
            "artist": track.artist,
            "title": track.title,
            "start": round(self.start, 3),
            "duration": round(track.duration, 3),
            "style": track.style(),
            "verdict": track.verdict(),
            "bpm": None if track.bpm is None else round(track.bpm, 3),
            "camelot": track.camelot or None,
            "energy": None if track.energy is None else round(track.energy, 4),
            "reasons": list(self.reasons),
            "parts": {name: round(part, 4) for name, part in self.parts.items()},
        }


def explained(tracks: Candidates, wish: Wish, plan: Plan, weights: Weights) -> tuple[Step, ...]:
    """The steps of a plan."""
    steps = []
    for place, (row, start) in enumerate(zip(plan.rows, plan.starts, strict=True)):
        track = tracks.summaries[row]
        reasons = ["the first track"] if not place else list(reasons_for(tracks.summaries[plan.rows[place - 1]], track))
        if plan.course.mixtures:
            reasons.append(f"{plan.progress[place]:.0%} of the way")
        if row in wish.play:
            reasons.append("you asked for it")
        parts = parts_between(tracks, plan.rows[place - 1], row, weights) if place else {}
        steps.append(Step(track, start, tuple(reasons), parts))
    return tuple(steps)


def parts_between(tracks: Candidates, before: int, after: int, weights: Weights) -> dict[str, float]:
    """The parts of the cost of one step, not weighed."""
    parts = step_parts(tracks, np.array([before]), np.array([after]), weights)
    return {name: float(part[0, 0]) for name, part in parts.items()}


def reasons_for(before: Summary, after: Summary) -> Sequence[str]:
    """Short phrases on how one track follows another: style, tempo, key, energy."""
    return [
        reason
        for reason in (_style(before, after), _tempo(before, after), _key(before, after), _energy(before, after))
        if reason
    ]


def _style(before: Summary, after: Summary) -> str:
    one, other = before.verdict(), after.verdict()
    if other == UNKNOWN:
        return "of no style that is known"
    if one == UNKNOWN:
        return f"to {other}"
    return f"stays {other}" if one == other else f"from {one} to {other}"


def _tempo(before: Summary, after: Summary) -> str:
    if not before.bpm or not after.bpm:
        return "tempo not known"
    octaves = np.log2(after.bpm / before.bpm)
    fold = int(np.clip(np.rint(octaves), -1, 1))
    change = float(np.exp2(octaves - fold) - 1)
    counted = {0: "", 1: ", counted double", -1: ", counted half"}[fold]
    if abs(change) < STEADY:
        return f"the same tempo{counted}"
    return f"{before.bpm:.0f} → {after.bpm:.0f} BPM ({change:+.1%}{counted})"


def _key(before: Summary, after: Summary) -> str:
    if not before.camelot or not after.camelot:
        return ""
    if before.camelot == after.camelot:
        return "the same key"
    hours, mode = wheel(key(before.camelot), key(after.camelot))
    return f"{before.camelot} → {after.camelot}, {KEYS.get((hours, mode), CLASH)}"


def _energy(before: Summary, after: Summary) -> str:
    if before.energy is None or after.energy is None or abs(after.energy - before.energy) < MOVED:
        return ""
    return "more energy" if after.energy > before.energy else "less energy"
