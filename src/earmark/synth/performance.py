"""The players: strokes of the drum kit with fills and rolls, and loops of the pitched layers.

*Conventions.* A stroke is (sample, velocity). A layer is audio of shape `(2, samples)` at its place in the track,
before the desk: drums with peak about 1, pitched layers with RMS about 0.115 where they play.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.synth.arrangement import FORMS
from earmark.synth.clock import STEPS_PER_BAR
from earmark.synth.composition import enters_late, level_curve
from earmark.synth.draws import one
from earmark.synth.effects import TEXTURES, endless
from earmark.synth.grooves import hits, vary
from earmark.synth.lines import LINES
from earmark.synth.mix import rms
from earmark.synth.patch import play
from earmark.synth.studio import PITCHED

if TYPE_CHECKING:
    from earmark.synth.arrangement import Part
    from earmark.synth.composition import Composition
    from earmark.synth.studio import Studio
    from earmark.synth.track import Audio

Strokes = dict[str, list[tuple[int, float]]]

LAYER_OF: Final = {
    # The layer that each drum belongs to.
    "kick": "kick", "snare": "snare", "clap": "snare", "hat": "hats", "open": "hats", "ride": "hats", "crash": "hats",
    "shaker": "percussion", "tom": "percussion", "conga": "percussion", "cowbell": "percussion", "rim": "percussion",
    "glitch": "percussion",
}  # fmt: skip

DRUM_LEVELS: Final = {
    # Peak of a stroke at full velocity, linear.
    "kick": 0.62, "snare": 0.5, "clap": 0.42, "hat": 0.26, "open": 0.3, "ride": 0.22, "crash": 0.34, "shaker": 0.19,
    "tom": 0.28, "conga": 0.22, "cowbell": 0.14, "rim": 0.22, "glitch": 0.2,
}  # fmt: skip

RMS: Final = 0.115


@dataclass
class Drummer:
    """Collects the strokes of one performance; a drummer's time is a little off the grid, the kick's is not."""

    studio: Studio
    piece: Composition
    rng: np.random.Generator
    strokes: Strokes = field(default_factory=dict)

    def hit(self, drum: str, step: float, velocity: float) -> None:
        """Strike a drum at a sixteenth of the track, unless the track is over by then."""
        clock = self.piece.clock
        late = self.rng.normal(0, self.studio.human) if self.studio.human and drum != "kick" else 0.0
        sample = max(0, clock.sample(step) + int(late * clock.sample_rate))
        touch = 1 + 0.06 * float(self.rng.standard_normal())
        if sample < self.piece.samples:
            self.strokes.setdefault(drum, []).append((sample, velocity * touch))


def strike(studio: Studio, piece: Composition, rng: np.random.Generator) -> Strokes:
    """All strokes of the track: the groove in each section, rolls in builds, fills at the end of phrases."""
    drummer = Drummer(studio, piece, rng)
    groove = vary(studio.grooves[int(rng.integers(len(studio.grooves)))], piece.density, rng)
    rolls = rng.random() < studio.recipe.roll
    for part, swell in zip(piece.parts, piece.swells, strict=True):
        filled = _filled_beats(part, rng)
        for drum, pattern in groove.items():
            level = FORMS[studio.recipe.form][part.name].get(LAYER_OF[drum], 0.0) * (1.0 if drum == "kick" else swell)
            late = enters_late(LAYER_OF[drum], part, piece)
            for step, velocity in hits(pattern, part.bars) if level else ():
                cleared = drum in {"kick", "hat"} and step // 4 in filled
                if not (cleared or _silent(part, step, drum, piece.stop) or (late and step < part.bars * 8)):
                    drummer.hit(drum, part.bar * 16 + step, velocity * level)
        if part.name == "build" and rolls:
            _roll(drummer, part)
        if part.name == "drop":
            drummer.hit("crash", part.bar * 16, 0.9)
            for beat in filled:
                _fill(drummer, part.bar * 16 + beat * 4, rng)
    return {drum: sorted(struck) for drum, struck in drummer.strokes.items()}


def _silent(part: Part, step: float, drum: str, stop: int) -> bool:
    """Kicks leave the last bar of a build; before some drops everything stops."""
    left = part.bars * 16 - step
    return part.name == "build" and ((drum == "kick" and left <= STEPS_PER_BAR) or left <= stop)


def _filled_beats(part: Part, rng: np.random.Generator) -> list[int]:
    """The beats of a drop that make way for a fill: one or two at the end of every fourth or eighth bar."""
    if part.name != "drop":
        return []
    phrase = int(rng.choice([4, 8]))
    beats: list[int] = []
    for bar in range(phrase - 1, part.bars, phrase):
        fill, long = rng.random(2) < (0.7, 0.4)
        if fill:
            beats += [bar * 4 + 2, bar * 4 + 3] if long else [bar * 4 + 3]
    return beats


def _fill(drummer: Drummer, step: float, rng: np.random.Generator) -> None:
    """Four sixteenths of fill from `step` on; an empty one is a fill too."""
    drum = one(rng, "snare", "tom", "clap", "snare")
    for place, mark in enumerate(one(rng, "x.xx", "xxxx", "..xx", ".x.x", "x..x", "....")):
        if mark == "x":
            drummer.hit(drum, step + place, 0.45 + 0.12 * place)


def _roll(drummer: Drummer, part: Part) -> None:
    """A snare roll over a build: quarters, eighths, sixteenths, at last thirty-seconds, ever louder."""
    total = part.bars * STEPS_PER_BAR
    step = 0.0
    while step < total - drummer.piece.stop:
        along = step / total
        drummer.hit("snare", part.bar * STEPS_PER_BAR + step, 0.25 + 0.55 * along)
        step += 4.0 if along < 0.25 else 2.0 if along < 0.5 else 1.0 if along < 0.875 else 0.5  # noqa: PLR2004


def play_layers(studio: Studio, piece: Composition, strokes: Strokes, rng: np.random.Generator) -> dict[str, Audio]:
    """Every layer of the track as audio. Shape of each: `(2, samples)`."""
    layers = _drum_layers(studio, piece, strokes, rng)
    choice = int(rng.integers(2))
    for layer in PITCHED:
        drawn = studio.voices[layer][choice] or studio.voices[layer][1 - choice if rng.random() < 0.3 else choice]  # noqa: PLR2004
        if drawn is None:
            continue
        patch, line = drawn
        notes = LINES[line](rng, piece.harmony)
        if notes:
            loop = play(patch, notes, piece.clock, piece.harmony.bars * 16, rng)
            level = float(rms(loop)) * np.sqrt(loop.shape[1] / _sounding(loop)) + 1e-6
            curve = level_curve(layer, studio.recipe.form, piece)
            if curve.any():
                layers[layer] = _tile(loop * np.float32(RMS / level), piece) * curve
    if studio.texture:
        texture = endless(TEXTURES[studio.texture], piece.samples, piece.clock.sample_rate, rng)
        texture *= np.float32(0.012 * np.exp(rng.normal(0, 0.7))) / (rms(texture) + np.float32(1e-6))
        layers["texture"] = texture * level_curve("texture", studio.recipe.form, piece)
    return layers


def _sounding(loop: Audio) -> int:
    """Length in samples of the part of a loop that is louder than 30 dB below its peak, in blocks of 1,024."""
    blocks = np.abs(loop[0, : loop.shape[1] // 1024 * 1024]).reshape(-1, 1024).max(axis=1)
    return max(1, int(np.count_nonzero(blocks > 0.03 * blocks.max())) * 1024)


def _tile(loop: Audio, piece: Composition) -> Audio:
    """Repeat a loop over the track; its tail rings into the next turn. Shape: `(2, samples)`."""
    out = np.zeros((2, piece.samples), dtype=np.float32)
    steps = piece.harmony.bars * 16
    turn = 0
    while (
        start := piece.clock.sample(0) + round(turn * steps * piece.clock.step_seconds * piece.clock.sample_rate)
    ) < piece.samples:
        end = min(piece.samples, start + loop.shape[1])
        out[:, start:end] += loop[:, : end - start]
        turn += 1
    return out


def _drum_layers(studio: Studio, piece: Composition, strokes: Strokes, rng: np.random.Generator) -> dict[str, Audio]:
    layers: dict[str, Audio] = {}
    for drum, struck in strokes.items():
        shots = studio.kit[drum]
        longest = max(shot.size for shot in shots)
        track = np.zeros(piece.samples + longest, dtype=np.float32)
        order = rng.integers(len(shots), size=len(struck))
        for (sample, velocity), which in zip(struck, order, strict=True):
            shot = shots[int(which)]
            track[sample : sample + shot.size] += np.float32(velocity) * shot
        track = track[: piece.samples] * np.float32(DRUM_LEVELS[drum])
        pan = 0.0 if drum in {"kick", "snare", "clap"} else float(rng.uniform(-0.5, 0.5))
        layer = LAYER_OF[drum]
        placed = np.stack([track * np.float32(min(1, 1 - pan)), track * np.float32(min(1, 1 + pan))])
        layers[layer] = layers[layer] + placed if layer in layers else placed
    return layers
