"""Keys, scales, chord progressions and voicings.

Pitches are MIDI numbers (69 is the A of 440 Hz), tonics pitch classes (0 is C).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

TONICS: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

SCALES: Final[dict[str, tuple[int, ...]]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}

PROGRESSIONS: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    # Degrees of the scale, one per bar or two. 0 is the tonic.
    "anthem": ((0, 5, 2, 6), (5, 6, 0, 4), (5, 2, 6, 0), (0, 3, 5, 6), (5, 3, 0, 6), (0, 2, 6, 5)),
    "jazzy": ((0, 3, 0, 3), (1, 4, 0, 5), (3, 4, 2, 5), (0, 5, 1, 4), (3, 0, 3, 4), (0, 6, 5, 6)),
    "still": ((0, 0, 0, 0), (0, 0, 0, 6), (0, 0, 5, 5), (0, 0, 1, 0), (0, 0, 3, 0), (0, 0, 0, 0)),
    "dark": ((0, 0, 5, 5), (0, 0, 1, 1), (0, 5, 0, 6), (0, 0, 3, 1), (0, 2, 5, 4), (0, 0, 0, 5)),
    "floating": ((0, 5, 0, 5), (0, 3, 0, 3), (5, 6, 0, 0), (3, 3, 0, 0), (0, 4, 5, 3), (0, 0, 5, 3)),
}


@dataclass(frozen=True)
class Key:
    """A tonic and a scale."""

    tonic: int
    scale: str

    @property
    def name(self) -> str:
        """The key as most people write it; modes are named by the third above their tonic."""
        third = SCALES[self.scale][2]
        return f"{TONICS[self.tonic]} {'major' if third == 4 else 'minor'}"  # noqa: PLR2004  semitones of a major third

    def pitch(self, degree: int, octave: int) -> int:
        """The MIDI pitch of a degree (0 is the tonic, any integer) in an octave (4 holds middle C)."""
        scale = SCALES[self.scale]
        return 12 * (octave + 1 + degree // 7) + self.tonic + scale[degree % 7]

    def chord(self, degree: int, notes: int, octave: int) -> tuple[int, ...]:
        """Thirds piled on a degree: 3 notes a triad, 4 a seventh, 5 a ninth."""
        return tuple(self.pitch(degree + 2 * third, octave) for third in range(notes))


@dataclass(frozen=True)
class Harmony:
    """A key and the chords of a loop: `degrees` and `voicings` have one entry per bar."""

    key: Key
    degrees: tuple[int, ...]
    voicings: tuple[tuple[int, ...], ...]

    @property
    def bars(self) -> int:
        """Length of the loop."""
        return len(self.degrees)

    def root(self, bar: int, octave: int) -> int:
        """The root of a bar's chord."""
        return self.key.pitch(self.degrees[bar % self.bars] % 7, octave)


def voice_lead(chords: Sequence[tuple[int, ...]], centre: int) -> tuple[tuple[int, ...], ...]:
    """Move every note by octaves so that each chord lies close to the one before, around `centre`."""
    voiced: list[tuple[int, ...]] = []
    target = float(centre)
    for chord in chords:
        close = sorted(pitch + 12 * round((target - pitch) / 12) for pitch in chord)
        voiced.append(tuple(close))
        target = 0.5 * centre + 0.5 * float(np.mean(close))
    return tuple(voiced)


def compose(
    rng: np.random.Generator, key: Key, mood: str, *, notes: int, bars_per_chord: int, bars: int = 8
) -> Harmony:
    """Draw a progression of a mood and voice it."""
    moods = PROGRESSIONS[mood]
    degrees = moods[int(rng.integers(len(moods)))]
    per_bar = tuple(degrees[(bar // bars_per_chord) % len(degrees)] for bar in range(bars))
    chords = [key.chord(degree, notes, 4) for degree in per_bar]
    return Harmony(key, per_bar, voice_lead(chords, int(rng.integers(57, 66))))


def hertz(midi: float) -> float:
    """The frequency of a MIDI pitch."""
    return float(440.0 * 2 ** ((midi - 69) / 12))
