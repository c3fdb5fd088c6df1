"""From a style and a seed to a track: compose, play, mix, master.

    studio (who) + composition (key, chords, tempo, form) -> drums, loops -> stems -> desk -> master -> Track

All randomness comes from two generators: one of the artist (see `studio`), one of the track.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.synth import desk, performance
from earmark.synth.clock import BEATS_PER_BAR
from earmark.synth.composition import compose_track
from earmark.synth.mix import master
from earmark.synth.recipes import RECIPES
from earmark.synth.studio import Studio, open_studio, style_seed
from earmark.synth.track import SAMPLE_RATE, Section, Track, Truth

if TYPE_CHECKING:
    from earmark.synth.composition import Composition
    from earmark.synth.harmony import Key

ARTISTS: Final = 64
"""How many artists a style has unless a number is asked for."""


LOWEST_RATE: Final = 16_000  # Hz


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
