"""A recipe: the tempi, grooves, sounds and lines that a style is made of.

A recipe lists alternatives, not one song: tempo as (low, usual, high) BPM, swing as a share of a step, grooves (see
`grooves`), drums (`drums`), pairs of patch and line per layer (`patches`, `lines`; None is a layer left out), levels in
dB against the usual balance, depth of the side-chain (0-1), length of the room in seconds. Tempo ranges follow the
quartiles of 5,500 measured tracks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Range = tuple[float, float]
Voice = tuple[str, str] | None


@dataclass(frozen=True)
class Recipe:
    """A style as a distribution over tracks."""

    tempo: tuple[float, float, float]
    form: str
    grooves: tuple[str, ...]
    kicks: tuple[str, ...]
    snares: tuple[str, ...]
    scales: tuple[str, ...]
    moods: tuple[str, ...]
    bass: tuple[Voice, ...]
    chords: tuple[Voice, ...] = (None,)
    pad: tuple[Voice, ...] = (None,)
    lead: tuple[Voice, ...] = (None,)
    hook: tuple[Voice, ...] = (None,)
    voice: tuple[Voice, ...] = (None,)
    textures: tuple[str | None, ...] = (None, "vinyl", "room", "rain")
    swing: Range = (0.0, 0.08)
    chord_notes: tuple[int, ...] = (3,)
    bars_per_chord: tuple[int, ...] = (1, 2)
    breakdown: Range = (0.2, 0.3)
    side_chain: Range = (0.4, 0.9)
    room: Range = (0.8, 2.5)
    loudness: Range = (-11.0, -8.5)
    roll: float = 0.5
    """Chance that a build has a snare roll."""
    stops: tuple[int, ...] = (0, 0, 4, 8)
    """Steps of silence before a drop."""
    levels: dict[str, float] = field(default_factory=dict)
