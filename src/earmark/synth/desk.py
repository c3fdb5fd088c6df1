"""The mixing session of a track: transitions, filter sweeps, side-chain, sends; layers in, stems out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.synth import effects, filters
from earmark.synth.mix import echo, gain, reverb, rms, side_chain

if TYPE_CHECKING:
    from earmark.synth.composition import Composition
    from earmark.synth.performance import Strokes
    from earmark.synth.studio import Studio
    from earmark.synth.track import Audio

STEM_OF: Final = {
    "kick": "drums", "snare": "drums", "hats": "drums", "percussion": "drums", "bass": "bass", "chords": "music",
    "pad": "music", "lead": "lead", "hook": "lead", "voice": "vocal", "texture": "effects", "transitions": "effects",
}  # fmt: skip
DUCKED: Final = {"bass": 1.0, "chords": 0.8, "pad": 0.9, "lead": 0.5, "hook": 0.5, "voice": 0.4, "texture": 0.6}
"""How much of the side-chain each layer takes."""


INAUDIBLE: Final = -35.0  # dB: sends below are not worth a convolution


def mix_down(
    studio: Studio, piece: Composition, layers: dict[str, Audio], strokes: Strokes, rng: np.random.Generator
) -> dict[str, Audio]:
    """Balance the layers and add space. Returns the stems, each `(2, samples)`; their sum is the mix."""
    rate = piece.clock.sample_rate
    layers = layers | {"transitions": _transitions(piece, rng)}
    if rng.random() < 0.7:  # noqa: PLR2004  most builds open a filter
        for swept in ("bass", "chords", "hook"):
            if swept in layers:
                layers[swept] = _sweep(layers[swept], piece, rng)
    kicks = [sample for sample, _ in strokes.get("kick", [])]
    duck = side_chain(kicks, piece.samples, studio.side_chain, studio.side_chain_steps * piece.clock.step_seconds, rate)
    stems: dict[str, Audio] = {}
    send = np.zeros(piece.samples, dtype=np.float32)  # the room hears the sum of the channels
    delayed = np.zeros((2, piece.samples), dtype=np.float32)
    for name in sorted(layers):  # sorted, so that sums are the same in every process
        fader: Audio | np.float32 = gain(studio.levels.get(name, 0.0) + float(rng.normal(0, 1)))
        if name in DUCKED and kicks:
            fader = fader * (1 - np.float32(DUCKED[name]) * (1 - duck))
        layer = layers[name] * fader
        room_level = studio.sends.get(name, -14.0)
        if room_level > INAUDIBLE:
            send += (np.float32(0.5) * gain(room_level)) * (layer[0] + layer[1])
        if name in studio.echoes:
            delayed += gain(studio.echoes[name]) * layer
        if STEM_OF[name] in stems:
            stems[STEM_OF[name]] += layer
        else:
            stems[STEM_OF[name]] = layer
    if "drums" in stems and studio.dirt > 0.05:  # noqa: PLR2004  a clean bus needs no work
        dirty = np.tanh(np.float32(0.5 + 3 * studio.dirt) * stems["drums"])
        dirty *= rms(stems["drums"]) / (rms(dirty) + np.float32(1e-9))
        stems["drums"] = dirty
    repeats = echo(delayed, studio.echo_steps * piece.clock.step_seconds, 0.5, rate)
    send += np.float32(0.15) * (repeats[0] + repeats[1])
    space = reverb(send, studio.room, rate)
    space *= np.float32(2.5) * (1 - np.float32(0.5) * (1 - duck)) if kicks else np.float32(2.5)
    space += repeats
    stems["space"] = space
    return stems


def _transitions(piece: Composition, rng: np.random.Generator) -> Audio:
    """Risers over builds, impacts and falls on drops. Shape: `(2, samples)`."""
    rate = piece.clock.sample_rate
    out = np.zeros((2, piece.samples), dtype=np.float32)
    level = np.float32(10 ** (rng.uniform(-10, 0) / 20))
    for part in piece.parts:
        start = piece.clock.sample(part.bar * 16)
        end = min(piece.samples, piece.clock.sample((part.bar + part.bars) * 16))
        if part.name == "build" and end - start > rate // 2:
            out[:, start:end] += level * np.float32(0.35) * effects.riser(end - start, rate, rng)
        if part.name in {"drop", "break"} and start < piece.samples and part.bar:
            hit = effects.impact(rate, rng)[:, : piece.samples - start]
            out[:, start : start + hit.shape[1]] += level * np.float32(0.4) * hit
            bar = min(piece.samples - start, 2 * round(piece.clock.bar_seconds * rate))
            if rng.random() < 0.5 and bar > rate // 2:  # noqa: PLR2004
                out[:, start : start + bar] += level * np.float32(0.15) * effects.fall(bar, rate, rng)
    return out


def _sweep(layer: Audio, piece: Composition, rng: np.random.Generator) -> Audio:
    """Open a filter from the first break to the drop: a crossfade through three low-passes and the open sound."""
    quiet = [part for part in piece.parts if part.name in {"break", "build", "intro"}]
    if not quiet:
        return layer
    rate = piece.clock.sample_rate
    first, last = quiet[0], quiet[-1]
    start, end = piece.clock.sample(first.bar * 16), min(piece.samples, piece.clock.sample((last.bar + last.bars) * 16))
    if end - start < rate:
        return layer
    piece_of = layer[:, start:end]
    stages = [filters.static(piece_of, rate, "lowpass", hz) for hz in (250, 900, 3500)] + [piece_of]
    opening = np.linspace(rng.uniform(0, 1.5), 3, end - start, dtype=np.float32)
    swept = np.zeros_like(piece_of)
    for index, stage in enumerate(stages):
        swept += stage * np.maximum(0, 1 - np.abs(opening - index))
    out = layer.copy()
    out[:, start:end] = swept
    return out
