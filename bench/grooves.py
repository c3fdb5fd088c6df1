"""Grooves at any tempo, with and without bass and chords: for bench/fit_tempo.py and bench/rhythm.py.

A groove is a drum pattern with 16 steps to the bar, or 12 where it is in triplets; four beats are a bar. `make` draws
one with its sounds, swing, human timing and silent bars, and plays it at a tempo between `SLOWEST` and `FASTEST`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Waveform
from earmark.synth.drums import CYMBALS_AND_SMALL, KICKS, SNARES
from earmark.synth.grooves import BACKBEAT, FOUR, GROOVES, VELOCITIES, Groove, hits, vary

RATE: Final = 22_050  # Hz
SLOWEST, FASTEST = 60.0, 220.0  # BPM

# Beside those that the synthesizer composes with: what else people dance to.
MORE: Final[dict[str, tuple[Groove, ...]]] = {
    "boom bap": (
        {"kick": "X......x..X.....", "snare": BACKBEAT, "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X..x......Xx....", "snare": BACKBEAT, "hat": "x.xox.xox.xox.xo"},
        {"kick": "X.....x..x......", "snare": "....X..o....X..o", "hat": "x.x.x.x.x.x.x.xx"},
        {"kick": "X.x.......X..x..", "snare": BACKBEAT, "hat": "x...x...x...x..."},
    ),
    "808": (
        {"kick": "X..X..X...X.....", "clap": BACKBEAT, "hat": "xxxxxxxxxxxxxxxx", "cowbell": "..x..x....x..x.."},
        {"kick": "X......XX.....X.", "snare": BACKBEAT, "hat": "x.xxx.x.x.xrx.x."},
        {"kick": "X...x..X..X.....", "clap": BACKBEAT, "hat": "..x...x...x...x.", "conga": "x..x..x...x..x.."},
        {"kick": "X..x..X.....X...", "rim": "...x..x....x.x..", "hat": "xxxxxxxxxxxxxxxx"},
    ),
    "two-step": (
        {"kick": "X.........X.....", "clap": BACKBEAT, "hat": "..x..xx...x..xx.", "rim": "...x...x.x......"},
        {"kick": "X......x..X.....", "snare": BACKBEAT, "hat": "x.xxx.xxx.xxx.xx"},
        {"kick": "X.....X.........", "snare": BACKBEAT, "open": "..x...x...x...x."},
    ),
    "four": (
        {"kick": FOUR},
        {"kick": FOUR, "hat": "..x...x...x...x."},
        {"kick": FOUR, "snare": BACKBEAT, "hat": "..x...x...x...x."},
        {"kick": FOUR, "snare": BACKBEAT, "hat": "x.x.x.x.x.x.x.x."},
        {"kick": FOUR, "hat": "xxxxxxxxxxxxxxxx"},
    ),
    "rock": (
        {"kick": "X.......X.......", "snare": BACKBEAT, "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X.....x.X.......", "snare": BACKBEAT, "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X.x.....X.x.....", "snare": BACKBEAT, "ride": "x...x...x...x..."},
    ),
    "tresillo": (
        {"kick": FOUR, "snare": "...x..x....x..x.", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X.....x...x.....", "rim": "x..x..x...x.x...", "shaker": "xoxoxoxoxoxoxoxo"},
    ),
    "trap hats": (
        {"kick": "X......x..x.....", "snare": "........X.......", "hat": "x.x.x.xrx.x.x.rr"},
        {"kick": "X.........x..x..", "clap": "........X.......", "hat": "xxxxxxxxxxxxrrxx"},
        {"kick": "X.....x.....x...", "snare": "........X......o", "hat": "x.x.xrx.x.x.x.xr"},
    ),
    "amen": (
        {"kick": "X.X.......XX....", "snare": "....X..o.o..X..o", "ride": "x.x.x.x.x.x.x.x."},
        {"kick": "X.X.......X.....", "snare": "....X..o.o....X.", "ride": "x.x.x.x.x.x.x.x."},
    ),
    "triplets": (
        {"kick": "X..X..X..X..", "snare": "...X.....X..", "hat": "x.xx.xx.xx.x"},
        {"kick": "X.....X.....", "snare": "...X.....X..", "hat": "xxxxxxxxxxxx"},
        {"kick": "X....xX.....", "clap": "...X.....X..", "hat": "x.xx.xx.xx.x"},
    ),
}
BEATLESS: Final = "drift"  # among GROOVES: mostly no drums at all
ALL: Final = {
    f"{kind} {number}": groove
    for kind, grooves in (GROOVES | MORE).items()
    if kind != BEATLESS
    for number, groove in enumerate(grooves)
}
NAMES: Final = tuple(ALL)
LOUDNESS: Final = {"kick": 1.0, "snare": 0.8, "clap": 0.7}  # of each drum; of others 0.35
SCALE: Final = (0, 0, 3, 5, -2, 7, -4)  # semitones above the root that bass and chords move to
BASS_STEPS: Final = (tuple(range(0, 16, 2)), (2, 6, 10, 14), (0, 3, 6, 10, 12), tuple(range(16)))
# Steps of chords and the part of a bar that each lasts; the last one is an arpeggio.
CHORD_STEPS: Final = (((0,), 1.0), ((2, 6, 10, 14), 0.1), ((0, 3, 6, 9, 12, 14), 0.06), (tuple(range(16)), 0.05))


@dataclass(frozen=True)
class Played:
    """A waveform at `RATE`, its tempo in BPM, the groove's name in `ALL`, and what plays beside the drums."""

    waveform: Waveform
    bpm: float
    groove: str
    harmony: str


def make(seed: int, *, bpm: float | None = None, groove: str = "", seconds: float | None = None) -> Played:
    """The groove of a seed; what is not given is drawn, the tempo evenly over the octaves."""
    rng = np.random.default_rng([12, seed])
    drawn, tempo, length = NAMES[rng.integers(len(NAMES))], SLOWEST * (FASTEST / SLOWEST) ** rng.random(), rng.random()
    groove, bpm, seconds = groove or drawn, bpm or float(tempo), seconds or 6 * 8 ** float(length)
    bar = 240 / bpm
    start, bars = -float(rng.uniform(0, bar)), int(seconds / bar) + 2
    waveform = np.zeros(int(seconds * RATE), np.float32)
    _add_drums(waveform, ALL[groove], start, bar, bars, rng)
    harmony = str(rng.choice(["none", "bass", "chords", "both"], p=[0.35, 0.25, 0.15, 0.25]))
    if harmony in ("bass", "both"):
        _add_bass(waveform, start, bar, bars, rng)
    if harmony in ("chords", "both"):
        _add_chords(waveform, start, bar, bars, rng)
    waveform += np.float32(10 ** (rng.uniform(-80, -45) / 20)) * rng.standard_normal(waveform.size, np.float32)
    waveform /= max(1e-6, float(np.abs(waveform).max()))
    return Played(np.tanh(waveform * np.float32(rng.uniform(0.8, 3))), bpm, groove, harmony)


def _add_drums(
    waveform: Waveform, groove: Groove, start: float, bar: float, bars: int, rng: np.random.Generator
) -> None:
    """The drums, from `start` seconds on, bars of `bar` seconds each."""
    straight = min(len(pattern) for pattern in groove.values()) != 12  # noqa: PLR2004  a bar of triplets
    if straight and rng.random() < 0.6:  # noqa: PLR2004
        groove = vary(groove, float(rng.uniform(-0.8, 0.8)), rng)
    swing = float(rng.choice([0, 0, 0, rng.uniform(0, 0.34)])) if straight else 0.0  # steps
    human = float(rng.choice([0, 0, rng.uniform(0, 0.012)]))  # seconds
    silent = set(rng.choice(bars, max(1, bars // 8)).tolist()) if rng.random() < 0.4 else set()  # noqa: PLR2004
    kits = {"kick": KICKS, "snare": SNARES, "clap": SNARES}
    for drum, pattern in groove.items():
        sounds = kits.get(drum, {})
        name = drum if drum == "clap" or not sounds else str(rng.choice(list(sounds)))
        sound = (sounds or CYMBALS_AND_SMALL | SNARES)[name](RATE, rng)
        level = LOUDNESS.get(drum, 0.35) * 10 ** (rng.uniform(-6, 4) / 20)
        for step, velocity in hits(pattern, bars) if straight else _triplets(pattern, bars):
            steps_of_bar = 16 if straight else 12
            if step // steps_of_bar not in silent:
                late = swing * (step % 2 == 1) * bar / steps_of_bar + human * rng.standard_normal()
                _place(waveform, sound * np.float32(level * velocity), start + step * bar / steps_of_bar + late)


def _triplets(pattern: str, bars: int) -> list[tuple[float, float]]:
    """(step, velocity) of every stroke of a pattern of twelve steps."""
    return [
        (float(bar * len(pattern) + step), VELOCITIES[mark])
        for bar in range(bars)
        for step, mark in enumerate(pattern)
        if mark != "."
    ]


def _add_bass(waveform: Waveform, start: float, bar: float, bars: int, rng: np.random.Generator) -> None:
    root, wave = 40 * 2 ** rng.uniform(0, 1), str(rng.choice(["sine", "saw", "square"]))
    steps = BASS_STEPS[rng.integers(len(BASS_STEPS))]
    for number in range(bars):
        hertz = root * 2 ** (rng.choice(SCALE) / 12)
        for step in steps:
            octave = 2 if rng.random() < 0.1 else 1  # noqa: PLR2004
            note = _note(hertz * octave, bar / 10, wave, 0.3)
            _place(waveform, note, start + (number + step / 16) * bar)


def _add_chords(waveform: Waveform, start: float, bar: float, bars: int, rng: np.random.Generator) -> None:
    root, kind = 160 * 2 ** rng.uniform(0, 1), int(rng.integers(len(CHORD_STEPS)))
    steps, share = CHORD_STEPS[kind]
    for number in range(bars):
        hertz = root * 2 ** (rng.choice(SCALE) / 12)
        for place, step in enumerate(steps):
            tones = (0, 3, 7) if kind < len(CHORD_STEPS) - 1 else ((0, 3, 7, 12)[place % 4],)
            for semitones in tones:
                note = _note(hertz * 2 ** (semitones / 12), share * bar, "saw", 0.12, fades=kind > 0)
                _place(waveform, note, start + (number + step / 16) * bar)


def _note(hertz: float, seconds: float, wave: str, level: float, *, fades: bool = True) -> NDArray[np.float32]:
    times = np.arange(int(seconds * RATE)) / RATE
    turns = hertz * times
    shape = {
        "sine": np.sin(2 * np.pi * turns),
        "saw": turns % 1 - 0.5,
        "square": 0.4 * np.sign(np.sin(2 * np.pi * turns)),
    }[wave]
    edges = np.minimum(times / 0.004, 1) * np.minimum((seconds - times) / 0.01, 1)
    decay = np.exp(-times / (0.8 * seconds)) if fades else 1.0
    return np.asarray(level * shape * edges * decay, np.float32)


def _place(waveform: Waveform, sound: NDArray[np.float32], seconds: float) -> None:
    at = round(seconds * RATE)
    if 0 <= at < waveform.size:
        waveform[at : at + sound.size] += sound[: waveform.size - at]
