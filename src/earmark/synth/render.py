"""From a style and a seed to a track: compose, play, mix, master.

    studio (who) + composition (key, chords, tempo, form) -> drums, loops -> stems -> desk -> master -> Track

All randomness comes from two generators: one of the artist (see `studio`), one of the track.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from earmark.synth import desk, performance
from earmark.synth.arrangement import Part, arrange
from earmark.synth.clock import BEATS_PER_BAR, Clock
from earmark.synth.harmony import Harmony, Key, compose
from earmark.synth.mix import master
from earmark.synth.recipes import RECIPES
from earmark.synth.studio import Studio, open_studio, style_seed
from earmark.synth.track import SAMPLE_RATE, Section, Track, Truth

ARTISTS: Final = 64
"""How many artists a style has unless a number is asked for."""


LOWEST_RATE: Final = 16_000  # Hz

SWELL: Final = {"intro": 0.8, "break": 0.6, "build": 0.65, "drop": 1.0, "outro": 0.8}
"""How loud a section is, before mastering brings them closer together."""


LATECOMERS: Final = ("lead", "chords", "voice", "percussion", "hats")


@dataclass(frozen=True)
class Composition:
    """What is played, before anybody plays it."""

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


def render(
    style: str,
    seed: int = 0,
    seconds: float = 30.0,
    *,
    artist: int | None = None,
    sample_rate: int = SAMPLE_RATE,
    bpm: float | None = None,
    key: Key | None = None,
    density: float | None = None,
    lead_in: float = 0.0,
) -> Track:
    """Render a track of a style, with everything known about it.

    The same arguments give the same samples, bit for bit, with the same versions of NumPy and SciPy.

    Args:
        style: one of the twelve labels (`recipes.STYLES`).
        seed: of the composition; another seed is another track.
        seconds: length.
        artist: number of the preset family; by default drawn from `ARTISTS` families by the seed.
        sample_rate: in Hz.
        bpm: tempo; by default drawn from the style's range.
        key: tonic and scale; drawn by default.
        density: -1 (few small strokes) to 1 (many); drawn by default.
        lead_in: seconds of silence before the first downbeat.

    Raises:
        ValueError: the style is none of the twelve, the length is not positive, or the sample rate is too low.

    Example:
        >>> track = render("Trance", seed=1, seconds=2.0, bpm=138)
        >>> track.audio.shape, track.truth.bpm
        ((2, 88200), 138)
    """
    if style not in RECIPES:
        raise ValueError(f"unknown style {style!r}; known: {', '.join(RECIPES)}")
    if sample_rate < LOWEST_RATE:
        raise ValueError(f"hats and snares need {LOWEST_RATE} Hz at least, not {sample_rate}")
    if seconds <= 0:
        raise ValueError(f"a track lasts longer than {seconds} s")
    rng = np.random.default_rng([style_seed(style), 1_000_003, seed])
    drawn_artist = int(rng.integers(ARTISTS))
    studio = open_studio(style, drawn_artist if artist is None else artist, sample_rate)
    piece = compose_track(studio, rng, seconds, sample_rate, bpm=bpm, key=key, density=density, lead_in=lead_in)
    strokes = performance.strike(studio, piece, rng)
    layers = performance.play_layers(studio, piece, strokes, rng)
    stems = desk.mix_down(studio, piece, layers, strokes, rng)
    mix = np.zeros((2, piece.samples), dtype=np.float32)
    for stem in stems.values():
        mix += stem
    audio = master(mix, studio.master, sample_rate, rng)
    return Track(audio, sample_rate, _truth(studio, piece, strokes, style=style, seed=seed, seconds=seconds), stems)


def _truth(
    studio: Studio, piece: Composition, strokes: performance.Strokes, *, style: str, seed: int, seconds: float
) -> Truth:
    clock = piece.clock
    beats = clock.beats(seconds)
    starts = [clock.seconds(part.bar * 16) for part in piece.parts]
    starts[0] = 0.0
    sections = tuple(
        Section(part.name, start, min(end, seconds))
        for part, start, end in zip(piece.parts, starts, [*starts[1:], seconds], strict=True)
        if start < seconds
    )
    return Truth(
        style=style,
        artist=studio.name,
        seed=seed,
        bpm=clock.bpm,
        key=piece.harmony.key.name,
        beats=beats,
        downbeats=beats[::BEATS_PER_BAR],
        sections=sections,
        onsets={
            drum: tuple(round(sample / clock.sample_rate, 6) for sample, _ in struck)
            for drum, struck in sorted(strokes.items())
        },
    )
