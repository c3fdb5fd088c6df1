"""Lines of basses, chords and leads: rhythms and melodies over a harmony, as notes of a loop.

`LINES[name](rng, harmony)` writes a loop as long as the harmony. Rhythms are written like drum patterns: `x` begins a
note that lasts until the next mark, `-` ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from earmark.synth.patch import Note

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from earmark.synth.harmony import Harmony

    Rng = np.random.Generator
    Line = Callable[[Rng, Harmony], list[Note]]


def rhythm(pattern: str, bars: int) -> list[tuple[float, float]]:
    """(step, length) of the notes of a rhythm repeated over some bars."""
    total = bars * 16
    text = (pattern * (total // len(pattern) + 1))[:total]
    marks = [step for step, mark in enumerate(text) if mark != "."]
    ends = [*marks[1:], total]
    return [(float(start), float(end - start)) for start, end in zip(marks, ends, strict=True) if text[start] != "-"]


def _bass(*patterns: str, octave: int = 1, octaves: float = 0.0, colour: float = 0.0, length: float = 1.0) -> Line:
    """A bass on the roots in one of some rhythms; `octaves` and `colour` are chances of an octave or another tone."""

    def line(rng: Rng, harmony: Harmony) -> list[Note]:
        lift = 12 if harmony.key.tonic < 4 else 0  # noqa: PLR2004  no speaker plays a low C below E
        notes = []
        for step, steps in rhythm(patterns[int(rng.integers(len(patterns)))], harmony.bars):
            pitch = harmony.root(int(step // 16), octave) + lift
            chance = rng.random()
            if chance < octaves:
                pitch += 12
            elif chance < octaves + colour:
                pitch = (
                    harmony.key.pitch(harmony.degrees[int(step // 16)] % 7 + int(rng.choice([4, 6, 2])), octave) + lift
                )
            notes.append(Note(step, steps * length, pitch, 0.8 + 0.2 * (step % 4 == 0)))
        return _repeat(notes, harmony)

    return line


def _repeat(notes: list[Note], harmony: Harmony) -> list[Note]:
    """Let the second half of the loop repeat the first where the chords do: basses are figures, not solos."""
    half = harmony.bars // 2
    if harmony.degrees[:half] != harmony.degrees[half:]:
        return notes
    first = [note for note in notes if note.step < half * 16]
    return first + [Note(n.step + half * 16, n.length, n.pitch, n.velocity, n.slide) for n in first]


def _disco(rng: Rng, harmony: Harmony) -> list[Note]:
    """Octaves in eighths with passing tones before the chord changes."""
    notes = []
    lift = 12 if harmony.key.tonic < 4 else 0  # noqa: PLR2004  the lowest string of a bass is an E
    gaps = rng.random(8) < 0.2  # noqa: PLR2004  the figure leaves some eighths out
    for eighth in range(harmony.bars * 8):
        bar, place = divmod(eighth, 8)
        pitch = harmony.root(bar, 2) + (12 if place % 2 else 0)
        if place == 7 and harmony.root(bar + 1, 2) != harmony.root(bar, 2):  # noqa: PLR2004  the last eighth
            pitch = harmony.root(bar + 1, 2) - 1 - int(rng.integers(2))
        if not gaps[place] or place == 0:
            notes.append(Note(eighth * 2.0, 1.5, pitch - 12 + lift, 0.9 if place % 2 == 0 else 0.7))
    return notes


def _808(rng: Rng, harmony: Harmony) -> list[Note]:
    """Long low notes under the kicks, some of them sliding."""
    patterns = (
        "x.....x...x.....x.........x..x..",
        "x..........x..x.x.....x...x.....",
        "x.....x.........x...x.....x.....",
    )
    notes = []
    for step, steps in rhythm(patterns[int(rng.integers(len(patterns)))], harmony.bars):
        slide = bool(step % 16 > 8 and rng.random() < 0.45)  # noqa: PLR2004  slides lead into the next bar
        pitch = harmony.root(int(step // 16), 1) + (int(rng.choice([7, 12, 5])) if slide else 0)
        notes.append(Note(step, steps, pitch + (12 if pitch < 28 else 0), 0.9, slide))  # noqa: PLR2004
    return notes


def _talking(rng: Rng, harmony: Harmony) -> list[Note]:
    """Call and response in long, uneven notes, for growls and neuro basses."""
    words = (
        "x.....x.x.......",
        "x...x...x.x.x...",
        "x..x..x.-...x.xx",
        "x.......x.....x.",
        "x.x.--..x..x..--",
        "x...--x.....x.x.",
    )
    picked = [words[int(i)] for i in rng.integers(len(words), size=4)]
    notes = []
    for step, steps in rhythm(picked[0] + picked[1] + picked[0] + picked[2 + int(rng.integers(2))], harmony.bars):
        up = int(rng.choice([0, 0, 0, 12, 12, 7, 3]))
        slide = bool(rng.random() < 0.2)  # noqa: PLR2004
        notes.append(Note(step, steps * 0.95, harmony.root(int(step // 16), 1) + 12 + up * (steps < 4), 0.9, slide))  # noqa: PLR2004
    return notes


def _acid(rng: Rng, harmony: Harmony) -> list[Note]:
    """Sixteenths in the manner of the TB-303: octaves, accents, slides."""
    steps = rng.random(16) < 0.7  # noqa: PLR2004
    shifts = rng.choice([0, 0, 0, 12, -12, 3, 7, 10, 1], size=16)
    accents, slides = rng.random(16) < 0.3, rng.random(16) < 0.25  # noqa: PLR2004
    return [
        Note(
            bar * 16.0 + s,
            1.1 if slides[s] else 0.6,
            harmony.root(bar, 2) + int(shifts[s]),
            1.0 if accents[s] else 0.65,
            bool(slides[s]),
        )
        for bar in range(harmony.bars)
        for s in range(16)
        if steps[s]
    ]


def _chords(*patterns: str, length: float = 1.0, strum: bool = False) -> Line:
    """The chords in one of some rhythms; `length` shortens them, `strum` alternates accents."""

    def line(rng: Rng, harmony: Harmony) -> list[Note]:
        notes = []
        for step, steps in rhythm(patterns[int(rng.integers(len(patterns)))], harmony.bars):
            accent = (0.55 if step % 2 else 0.85) if strum else 0.75
            for string, pitch in enumerate(harmony.voicings[int(step // 16) % harmony.bars]):
                notes.append(Note(step + 0.07 * string * strum, steps * length, pitch, accent))
        return notes

    return line


def _held(_rng: Rng, harmony: Harmony) -> list[Note]:
    """Every chord from change to change."""
    notes: list[Note] = []
    bar = 0
    while bar < harmony.bars:
        span = 1
        while bar + span < harmony.bars and harmony.degrees[bar + span] == harmony.degrees[bar]:
            span += 1
        notes += [Note(bar * 16.0, span * 16.0, pitch, 0.7) for pitch in harmony.voicings[bar]]
        bar += span
    return notes


def _arpeggio(rng: Rng, harmony: Harmony) -> list[Note]:
    """Broken chords in sixteenths, in an order that lasts three, four, six or eight steps."""
    order = rng.integers(0, 5, size=int(rng.choice([3, 4, 6, 8])))
    plays = rng.random(16) < rng.uniform(0.55, 1.0)
    plays[0] = True
    notes = []
    for step in range(harmony.bars * 16):
        if plays[step % 16]:
            chord = harmony.voicings[step // 16]
            index = int(order[step % order.size])
            pitch = chord[index % len(chord)] + 12 * (index // len(chord)) + 12
            notes.append(Note(float(step), 0.8, pitch, 0.85 if step % 4 == 0 else 0.6))
    return notes


def _melody(*patterns: str, octave: int = 5, length: float = 0.9, leap: int = 2) -> Line:
    """A two-bar motif, its answer, and both again: steps of the scale, chord tones on the beats."""

    def line(rng: Rng, harmony: Harmony) -> list[Note]:
        motif = patterns[int(rng.integers(len(patterns)))]
        events = rhythm(motif, harmony.bars)
        degree = int(rng.choice([0, 2, 4]))
        walk = [int(move) for move in rng.integers(-leap, leap + 1, size=max(1, len(events) // 2))]
        notes = []
        for index, (step, steps) in enumerate(events):
            bar = int(step // 16)
            degree = max(-3, min(9, degree + walk[index % len(walk)]))
            if step % 8 == 0:  # back onto the chord: the nearest of its tones
                chord_tones = [harmony.degrees[bar] + third + 7 * o for third in (0, 2, 4) for o in (-1, 0, 1)]
                degree = min(chord_tones, key=lambda tone: abs(tone - degree))
            slide = bool(rng.random() < 0.12)  # noqa: PLR2004
            notes.append(Note(step, steps * length, harmony.key.pitch(degree, octave), 0.85, slide and index > 0))
        return notes

    return line


def _pedal_riff(rng: Rng, harmony: Harmony) -> list[Note]:
    """A festival riff: one hammered pitch with a few answers, the same rhythm every bar or two."""
    rhythms = (
        "x.xx.xx.x.xx.xx.",
        "x..x..x.x..x..x.",
        "x.x.x.xxx.x.xxx.",
        "x..x..x..x..x.x.",
        "xx.xx.xx.xx.x.x.",
        "x...x..x..x.x...",
    )
    pattern = rhythms[int(rng.integers(len(rhythms)))]
    answers = rng.choice([0, 0, 0, 0, 2, 4, -2, 7, 1], size=32)
    return [
        Note(
            step,
            steps * 0.85,
            harmony.key.pitch(int(harmony.degrees[int(step // 16)]) % 7 + int(answers[int(step) % 32]), 4),
            0.9,
        )
        for step, steps in rhythm(pattern, harmony.bars)
    ]


def _chops(rng: Rng, harmony: Harmony) -> list[Note]:
    """Scattered syllables on chord tones."""
    plays = rng.random(32) < rng.uniform(0.15, 0.4)
    plays[int(rng.integers(4)) * 2] = True
    tones = rng.integers(0, 4, size=32)
    notes = []
    for step in range(harmony.bars * 16):
        if plays[step % 32]:
            chord = harmony.voicings[step // 16]
            notes.append(
                Note(
                    float(step), float(rng.choice([1, 1.5, 2, 3])), chord[int(tones[step % 32]) % len(chord)] + 12, 0.8
                )
            )
    return notes


LINES: Final[dict[str, Line]] = {
    # --- basses
    "offbeat": _bass("..x-..x-..x-..x-", length=1.0),
    "rolling": _bass(".xxx.xxx.xxx.xxx", ".xxx.xxx.xxx.xx-", "-.x.-.x.-.xx-.x.", length=0.9, octaves=0.04),
    "gallop": _bass(".xxx.xxx.xxx.xxx", length=0.7),
    "syncopated": _bass(
        "x--x--x-x--x--x-",
        "x-.x-..x-.x-..x-",
        "--x--x-x--x--xx-",
        "x-----x--x-x----",
        "..x-.xx-..x-.x.x",
        octaves=0.15,
        colour=0.15,
    ),
    "bouncing": _bass("x-.x-.x-..x-x-.-", "..x-x-x-..x-.xx-", "-.xx-.x-x-xx-.x-", octaves=0.3, colour=0.2, octave=1),
    "long": _bass("x...............", "x.........x.....", "x.....x.........", octave=1, colour=0.05),
    "sub step": _bass(
        "x.....x...x.....", "x.........x..x..", "x..x......x.....", "x.......x...x-x-", octave=1, colour=0.15
    ),
    "disco": _disco,
    "808": _808,
    "talking": _talking,
    "acid": _acid,
    "sixteenths": _bass("xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx", "-xxx-xxx-xxx-xxx", length=0.6, octaves=0.08),
    # --- chords
    "held": _held,
    "stabs": _chords(
        "..x-..x-..x-..x-", "x-.x-..x-.x-..x-", "x-----x-----x---", "...x-..x-......-", "x-----------x-.-", length=1.0
    ),
    "offbeat chords": _chords("..x.--..x.--x.--", "..x-..x-..x-..x-", "x..--.x.--..x.--", "--x.--x.--x.x.--"),
    "pumped": _chords("x.x.x.x.x.x.x.x.", "x...x...x...x...", "x..x..x.x..x..x.", "x..x..x..x..x.x.", length=0.85),
    "strummed": _chords("x-xxx-xxx-xxx-xx", "--xx--xx--xx-xxx", "x-x-xxx-x-x-xx-x", length=0.6, strum=True),
    "slow chords": _chords("x...............", "x.........x.....", "x.......x......."),
    "sparse stab": _chords("...x------------", "......x--x------", "x--x------------", "----------x-----", length=0.9),
    # --- leads
    "arpeggio": _arpeggio,
    "melody": _melody(
        "x.....x.x...x...x..x..x.x.......",
        "x...x.x.x..x..x.x...x.x.--......",
        "x.x.x...x.x.x..xx...x...x.......",
        "x..x..x...x.x...x..x..x.x.x.x...",
    ),
    "slow melody": _melody(
        "x.......x.....x.x...........----",
        "x...........x...x.......x.......",
        "----x.......x...x.........------",
        octave=4,
    ),
    "plucked": _melody("x..x..x.x..x..x.", "x.x..x.xx.x..x..", "x..x..x..x..x.x.", octave=4, length=0.6, leap=3),
    "pedal riff": _pedal_riff,
    "chops": _chops,
}
