"""The composition of a track: tempo, key, chords, form, and the sections in which each layer is heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.synth.arrangement import FORMS, Part, arrange
from earmark.synth.clock import Clock
from earmark.synth.harmony import Harmony, Key, compose

if TYPE_CHECKING:
    from earmark.synth.studio import Studio
    from earmark.synth.track import Audio

SWELL: Final = {"intro": 0.8, "break": 0.6, "build": 0.65, "drop": 1.0, "outro": 0.8}
"""How loud a section is, before mastering brings them closer together."""


LATECOMERS: Final = ("lead", "chords", "voice", "percussion", "hats")


@dataclass(frozen=True)
class Composition:
    """A composition, before anybody plays it."""

    clock: Clock
    harmony: Harmony
    parts: tuple[Part, ...]
    swells: tuple[float, ...]
    samples: int
    density: float
    stop: int
    """Steps of silence before a drop."""
    late: frozenset[str]
    """Layers that enter in the second half of a drop."""


def compose_track(
    studio: Studio,
    rng: np.random.Generator,
    seconds: float,
    sample_rate: int,
    *,
    bpm: float | None = None,
    key: Key | None = None,
    density: float | None = None,
    lead_in: float = 0.0,
) -> Composition:
    """Draw tempo, key, chords and form; whatever is given is kept."""
    recipe = studio.recipe
    low, usual, high = recipe.tempo
    tempo = float(rng.triangular(low, usual, high))
    # Most electronic music is made at whole beats per minute.
    tempo = round(tempo) if rng.random() < 0.8 else round(tempo, 2)  # noqa: PLR2004
    drawn = Key(int(rng.integers(12)), recipe.scales[int(rng.integers(len(recipe.scales)))])
    clock = Clock(bpm or tempo, sample_rate, studio.swing, lead_in)
    harmony = compose(
        rng,
        key or drawn,
        recipe.moods[int(rng.integers(len(recipe.moods)))],
        notes=int(rng.choice(recipe.chord_notes)),
        bars_per_chord=int(rng.choice(recipe.bars_per_chord)),
    )
    bars = max(1, int(np.ceil((seconds - lead_in) / clock.bar_seconds)))
    parts = arrange(bars, rng, breakdown=float(rng.uniform(*recipe.breakdown)))
    drawn_density = float(rng.normal(0, 0.25))
    latecomers = LATECOMERS if recipe.form == "groove" else ("hats", "voice")
    late = frozenset(layer for layer in latecomers if rng.random() < 0.25)  # noqa: PLR2004  a producer's habit
    return Composition(
        stop=int(rng.choice(recipe.stops)),
        late=late,
        clock=clock,
        harmony=harmony,
        parts=parts,
        swells=tuple(float(rng.uniform(0.85, 1.0)) * SWELL[part.name] for part in parts),
        samples=round(seconds * sample_rate),
        density=drawn_density if density is None else density,
    )


def level_curve(layer: str, form: str, piece: Composition) -> Audio:
    """The level of a layer over time: its sections, joined by 10 ms ramps. Shape: `(samples,)`."""
    clock, samples = piece.clock, piece.samples
    curve = np.zeros(samples, dtype=np.float32)
    for part, swell in zip(piece.parts, piece.swells, strict=True):
        level = FORMS[form][part.name].get(layer, 0.0) * swell
        start, end = clock.sample(part.bar * 16), min(samples, clock.sample((part.bar + part.bars) * 16))
        if part.name == "build" and piece.stop:
            end = min(end, clock.sample((part.bar + part.bars) * 16 - piece.stop))
        if enters_late(layer, part, piece):
            start = clock.sample((part.bar + part.bars // 2) * 16)
        curve[start:end] = level
    ramp = max(2, clock.sample_rate // 100)
    for edge in np.flatnonzero(np.diff(curve)).tolist():
        before, after = curve[edge], curve[edge + 1]
        first = max(0, edge + 1 - ramp)
        curve[first : edge + 1] = np.linspace(before, after, edge + 1 - first, dtype=np.float32)
    return curve


def enters_late(layer: str, part: Part, piece: Composition) -> bool:
    """True if a layer waits for the second half of this part: of drops of at least eight bars."""
    return part.name == "drop" and part.bars >= 8 and layer in piece.late  # noqa: PLR2004
