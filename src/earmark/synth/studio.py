"""The studio of an artist: one draw of everything that stays the same over all tracks of one artist.

A studio owns a drum kit, a few patches per layer, a taste in rooms, balance and mastering. `open_studio(style, artist)`
always gives the same studio for the same number, so corpora can be split by artist.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from earmark.synth import drums
from earmark.synth.arrangement import LAYERS
from earmark.synth.grooves import GROOVES, Groove, vary
from earmark.synth.mix import Master, impulse_response
from earmark.synth.patches import PATCHES
from earmark.synth.recipes import RECIPES

if TYPE_CHECKING:
    from earmark.synth.patch import Patch
    from earmark.synth.recipe import Recipe, Voice
    from earmark.synth.track import Audio

PITCHED = ("bass", "chords", "pad", "lead", "hook", "voice")


@dataclass(frozen=True)
class Studio:
    """The sound of one artist."""

    name: str
    recipe: Recipe
    kit: dict[str, tuple[Audio, ...]]
    grooves: tuple[Groove, ...]
    voices: dict[str, tuple[tuple[Patch, str] | None, ...]]
    texture: str | None
    swing: float
    levels: dict[str, float]  # dB
    sends: dict[str, float]  # dB into the room
    echoes: dict[str, float]  # dB into the delay
    room: Audio  # impulse response
    echo_steps: float
    side_chain: float
    side_chain_steps: float
    human: float  # seconds by which strokes miss the grid
    dirt: float  # 0-1, saturation of the drum bus
    master: Master


def style_seed(style: str) -> int:
    """A number for a style that does not depend on the order of the styles."""
    return zlib.crc32(style.encode())


def _kit(recipe: Recipe, sample_rate: int, rng: np.random.Generator) -> dict[str, tuple[Audio, ...]]:
    kick = drums.KICKS[recipe.kicks[int(rng.integers(len(recipe.kicks)))]]
    snare = drums.SNARES[recipe.snares[int(rng.integers(len(recipe.snares)))]]
    kit: dict[str, tuple[Audio, ...]] = {"kick": (kick(sample_rate, rng),), "snare": (snare(sample_rate, rng),)}
    if rng.random() < 0.5:  # noqa: PLR2004  layer two snares, as most producers do
        other = drums.SNARES[("clap", "tight", "acoustic")[int(rng.integers(3))]](sample_rate, rng)
        size = max(kit["snare"][0].size, other.size)
        layered = np.zeros(size, dtype=np.float32)
        layered[: kit["snare"][0].size] += kit["snare"][0]
        layered[: other.size] += np.float32(rng.uniform(0.2, 0.6)) * other
        kit["snare"] = (layered / np.abs(layered).max(),)
    for name, drum in drums.CYMBALS_AND_SMALL.items():
        count = 1 if name in {"crash", "ride", "clap"} else 2
        kit[name] = tuple(drum(sample_rate, rng) for _ in range(count))
    return kit


def _voices(choices: tuple[Voice, ...], rng: np.random.Generator) -> tuple[tuple[Patch, str] | None, ...]:
    """Two of the recipe's alternatives, each with one design of its patch."""
    drawn: list[tuple[Patch, str] | None] = []
    for index in rng.integers(len(choices), size=2):
        choice = choices[int(index)]
        drawn.append(None if choice is None else (PATCHES[choice[0]](rng), choice[1]))
    return tuple(drawn)


def open_studio(style: str, artist: int, sample_rate: int) -> Studio:
    """The studio of an artist who makes a style."""
    recipe = RECIPES[style]
    rng = np.random.default_rng([style_seed(style), artist])
    grooves = GROOVES[recipe.grooves[int(rng.integers(len(recipe.grooves)))]]
    picked = rng.permutation(len(grooves))[:2]
    levels = {layer: recipe.levels.get(layer, 0.0) + float(rng.normal(0, 1.8)) for layer in LAYERS}
    wet = float(rng.normal(-5, 3))
    base = {
        "kick": -60.0,
        "snare": -17.0,
        "hats": -22.0,
        "percussion": -16.0,
        "bass": -40.0,
        "chords": -11.0,
        "pad": -9.0,
    }
    base |= {"lead": -11.0, "hook": -9.0, "voice": -8.0, "texture": -20.0}
    low, high = recipe.loudness
    return Studio(
        name=f"{style.split(' ', maxsplit=1)[0].lower().strip(',')}-{artist:03d}",
        recipe=recipe,
        kit=_kit(recipe, sample_rate, rng),
        grooves=tuple(vary(grooves[int(i)], float(rng.normal(0, 0.2)), rng) for i in picked),
        voices={layer: _voices(getattr(recipe, layer), rng) for layer in PITCHED},
        texture=recipe.textures[int(rng.integers(len(recipe.textures)))],
        swing=float(rng.uniform(*recipe.swing)),
        levels=levels,
        sends={layer: send + wet + float(rng.normal(0, 2.5)) for layer, send in base.items()},
        echoes={layer: float(rng.uniform(-26, -10)) for layer in ("chords", "lead", "hook", "voice", "percussion")},
        room=impulse_response(float(rng.uniform(*recipe.room)), float(rng.uniform(0.1, 0.9)), sample_rate, rng),
        echo_steps=float(rng.choice([2, 3, 3, 4, 6])),
        side_chain=float(rng.uniform(*recipe.side_chain)),
        side_chain_steps=float(rng.uniform(2.2, 4.2)),
        human=float(rng.choice([0, 0, 0.002, 0.005])),
        dirt=float(rng.beta(1.3, 2.5)),
        master=Master(
            loudness=float(rng.uniform(low, high)),
            ceiling=float(rng.uniform(-1.2, -0.2)),
            ratio=float(rng.uniform(1.2, 3)),
            drive=float(rng.beta(1.5, 2)),
            bass=float(rng.normal(0, 1.5)),
            treble=float(rng.normal(4.5, 2)),
            width=float(rng.uniform(0.7, 1.4)),
            noise=float(rng.uniform(-90, -62)),
            bandwidth=float(rng.choice([22_050, 20_000, 19_000, 17_500, 16_000])),
        ),
    )
