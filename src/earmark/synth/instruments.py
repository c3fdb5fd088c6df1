"""Chords, pads and leads, each a distribution over patches: from supersaw to guitar, from choir to squelch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from earmark.synth.draws import between, one
from earmark.synth.patch import Patch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Rng = np.random.Generator


def _partials(rng: Rng, kind: str) -> tuple[tuple[float, float, float], ...]:
    """Partials of a struck body: (ratio, level, seconds to -60 dB)."""
    long = between(rng, 0.7, 1.5)
    if kind == "piano":
        stiff = between(rng, 2e-4, 9e-4)
        dull = float(rng.uniform(0.9, 1.5))
        return tuple((k * (1 + stiff * k * k) ** 0.5, k**-dull, 5 * long / k**0.8) for k in range(1, 15))
    if kind == "bell":
        ratios = (0.5, 1.0, 1.19, 1.5, 2.0, 2.74, 3.0, 4.07)
        return tuple((r, float(rng.uniform(0.2, 1)) / r, 4.5 * long / r**0.7) for r in ratios)
    wood = (1.0, 3.93 + float(rng.uniform(-0.2, 0.2)), 9.5)  # marimba, kalimba
    return tuple((r, 1 / r, 1.3 * long / r) for r in wood)


INSTRUMENTS: Final[dict[str, Callable[[Rng], Patch]]] = {
    # --- chords
    "supersaw": lambda r: Patch(
        wave="saw",
        voices=int(r.integers(5, 8)),
        detune=between(r, 20, 55),
        width=r.uniform(0.7, 1),
        attack=between(r, 0.003, 0.03),
        sustain=0.85,
        release=between(r, 0.06, 0.4),
        cutoff=between(r, 3500, 16000),
        envelope=r.uniform(0, 1),
        drive=r.uniform(0, 0.3),
        highpass=between(r, 120, 320),
        noise=r.uniform(0, 0.1),
    ),
    "stab": lambda r: Patch(
        wave=one(r, "saw", "square", "pulse"),
        voices=int(r.integers(2, 5)),
        detune=between(r, 8, 25),
        decay=between(r, 0.08, 0.25),
        sustain=r.uniform(0, 0.3),
        release=between(r, 0.05, 0.25),
        cutoff=between(r, 300, 1600),
        envelope=r.uniform(1, 3),
        envelope_decay=between(r, 0.06, 0.25),
        resonance=r.uniform(0.7, 2.5),
        highpass=between(r, 100, 260),
        drive=r.uniform(0, 0.4),
    ),
    "dub chord": lambda r: Patch(
        wave=one(r, "saw", "pulse", "square"),
        voices=3,
        detune=12,
        decay=between(r, 0.1, 0.35),
        sustain=0.05,
        release=between(r, 0.15, 0.5),
        cutoff=between(r, 250, 900),
        envelope=r.uniform(0.5, 2),
        envelope_decay=between(r, 0.1, 0.4),
        resonance=r.uniform(0.8, 3),
        lfo=(64.0,),
        lfo_depth=r.uniform(0.3, 1.5),
        highpass=140,
        noise=r.uniform(0, 0.2),
    ),
    "rhodes": lambda r: Patch(
        source="fm",
        ratio=float(r.choice([1, 1, 14])),
        index=r.uniform(0.5, 1.6),
        envelope_decay=between(r, 0.1, 0.5),
        decay=between(r, 0.5, 1.3),
        sustain=0.2,
        release=between(r, 0.1, 0.4),
        highpass=90,
        cutoff=between(r, 1800, 9000),
    ),
    "organ": lambda r: Patch(
        wave="organ",
        voices=2,
        detune=6,
        width=0.4,
        decay=0.2,
        sustain=r.uniform(0.3, 0.9),
        release=0.06,
        cutoff=between(r, 1500, 8000),
        highpass=110,
        drive=r.uniform(0, 0.3),
    ),
    "piano": lambda r: Patch(
        source="body",
        partials=_partials(r, "piano"),
        decay=2.0,
        sustain=0.8,
        release=between(r, 0.1, 0.4),
        highpass=90,
        cutoff=between(r, 3000, 14000),
    ),
    "guitar": lambda r: Patch(
        source="string",
        brightness=r.uniform(0.5, 0.95),
        decay=between(r, 0.15, 0.7),
        sustain=0.7,
        release=0.08,
        highpass=between(r, 150, 300),
        comb=r.uniform(0, 0.7),
        drive=r.uniform(0, 0.35),
    ),
    "brass": lambda r: Patch(
        wave=one(r, "saw", "reed"),
        voices=int(r.integers(3, 6)),
        detune=between(r, 10, 25),
        attack=between(r, 0.01, 0.05),
        decay=0.3,
        sustain=0.7,
        release=0.1,
        cutoff=between(r, 600, 2500),
        envelope=r.uniform(1, 2),
        envelope_decay=0.3,
        highpass=100,
        drive=r.uniform(0, 0.5),
    ),
    # --- pads
    "strings": lambda r: Patch(
        source="pad",
        bandwidth=r.uniform(15, 40),
        rolloff=r.uniform(0.9, 1.3),
        attack=between(r, 0.08, 0.5),
        decay=1,
        sustain=0.9,
        release=between(r, 0.3, 1.2),
        cutoff=between(r, 2500, 12000),
    ),
    "choir": lambda r: Patch(
        source="pad",
        bandwidth=r.uniform(12, 35),
        rolloff=r.uniform(0.5, 0.9),
        vowels=(one(r, "a", "e", "i", "o", "u"),),
        attack=between(r, 0.1, 0.6),
        decay=1,
        sustain=0.9,
        release=between(r, 0.4, 1.5),
        cutoff=between(r, 3000, 9000),
    ),
    "warm pad": lambda r: Patch(
        source="pad",
        bandwidth=r.uniform(10, 60),
        rolloff=r.uniform(1.3, 2.2),
        attack=between(r, 0.2, 1.5),
        decay=1,
        sustain=0.9,
        release=between(r, 0.5, 2.5),
        cutoff=between(r, 500, 5000),
        lfo=(64.0,),
        lfo_depth=r.uniform(0, 1.5),
        comb=r.uniform(0, 0.6),
    ),
    "drone": lambda r: Patch(
        source="pad",
        bandwidth=r.uniform(5, 90),
        rolloff=r.uniform(1.0, 2.0),
        attack=1.5,
        decay=2,
        sustain=0.9,
        release=2.5,
        cutoff=between(r, 250, 2500),
        lfo=(128.0,),
        lfo_depth=r.uniform(0.5, 2.5),
        comb=r.uniform(0, 0.9),
    ),
    # --- leads
    "pluck": lambda r: Patch(
        wave=one(r, "saw", "square", "pulse", "triangle"),
        voices=int(r.integers(1, 5)),
        detune=between(r, 6, 22),
        decay=between(r, 0.06, 0.25),
        sustain=r.uniform(0, 0.25),
        release=between(r, 0.05, 0.4),
        cutoff=between(r, 300, 1500),
        envelope=r.uniform(1.5, 4),
        envelope_decay=between(r, 0.04, 0.2),
        resonance=r.uniform(0.6, 2),
        highpass=between(r, 120, 300),
    ),
    "fm pluck": lambda r: Patch(
        source="fm",
        ratio=float(r.choice([1, 2, 3, 4, 5, 7])),
        index=r.uniform(1, 4),
        envelope_decay=between(r, 0.03, 0.2),
        decay=between(r, 0.1, 0.5),
        sustain=r.uniform(0, 0.2),
        release=between(r, 0.1, 0.5),
        highpass=150,
    ),
    "festival lead": lambda r: Patch(
        wave=one(r, "saw", "square", "pulse"),
        voices=int(r.integers(3, 7)),
        detune=between(r, 15, 45),
        width=r.uniform(0.3, 0.8),
        sub=r.uniform(0, 0.4),
        decay=0.2,
        sustain=r.uniform(0.4, 0.9),
        release=between(r, 0.03, 0.12),
        cutoff=between(r, 3500, 15000),
        envelope=r.uniform(0, 1.5),
        drive=r.uniform(0.2, 0.7),
        highpass=between(r, 100, 220),
        glide=0.03,
        noise=r.uniform(0, 0.1),
    ),
    "future lead": lambda r: Patch(
        source=one(r, "fm", "wave"),
        wave=one(r, "square", "thin", "reed"),
        voices=2,
        detune=10,
        ratio=float(r.choice([1, 2, 3])),
        index=r.uniform(2, 6),
        envelope_decay=between(r, 0.05, 0.2),
        decay=between(r, 0.1, 0.3),
        sustain=r.uniform(0.1, 0.5),
        release=0.05,
        vowels=tuple(r.permutation(["a", "o", "e", "u"])[:2].tolist()),
        drive=r.uniform(0.2, 0.6),
        highpass=110,
        comb=r.uniform(0, 0.6),
        sub=r.uniform(0, 0.4),
    ),
    "square lead": lambda r: Patch(
        wave=one(r, "square", "pulse", "triangle", "thin"),
        voices=int(r.integers(1, 3)),
        detune=8,
        sustain=0.7,
        release=0.1,
        vibrato=r.uniform(0, 25),
        cutoff=between(r, 1800, 9000),
        highpass=150,
        glide=0.05,
    ),
    "voice": lambda r: Patch(
        wave=one(r, "saw", "thin", "reed"),
        voices=int(r.integers(1, 4)),
        detune=between(r, 6, 25),
        width=0.5,
        attack=between(r, 0.01, 0.05),
        decay=0.4,
        sustain=r.uniform(0.4, 0.9),
        release=between(r, 0.05, 0.25),
        noise=r.uniform(0.02, 0.2),
        vowels=tuple(r.permutation(["a", "e", "i", "o", "u"])[: r.integers(2, 4)].tolist()),
        vibrato=r.uniform(0, 35),
        cutoff=between(r, 4000, 12000),
        highpass=between(r, 150, 350),
        glide=between(r, 0.03, 0.1),
    ),
    "bell": lambda r: Patch(
        source="body", partials=_partials(r, "bell"), decay=2, sustain=0.8, release=between(r, 0.5, 2), highpass=150
    ),
    "marimba": lambda r: Patch(
        source="body", partials=_partials(r, "wood"), decay=1, sustain=0.9, release=between(r, 0.2, 0.6), highpass=110
    ),
    "harp": lambda r: Patch(
        source="string",
        brightness=r.uniform(0.2, 0.6),
        decay=between(r, 0.6, 1.5),
        sustain=0.9,
        release=between(r, 0.5, 1.5),
        highpass=110,
    ),
    "squelch": lambda r: Patch(
        wave=one(r, "saw", "square"),
        decay=0.2,
        sustain=0.2,
        release=0.05,
        cutoff=between(r, 300, 900),
        envelope=r.uniform(2, 4.5),
        envelope_decay=between(r, 0.04, 0.15),
        resonance=r.uniform(5, 14),
        lfo=(3.0, 5.0, 2.0),
        lfo_depth=r.uniform(0.5, 2),
        highpass=200,
        drive=r.uniform(0, 0.5),
    ),
}
