"""A scene: three seconds of one or two sounds as they might reach a microphone or a file.

In distillation the sounds need no labels, as the teacher names whatever it hears; what counts is that they are many
and unlike each other (Beyer et al., "Knowledge distillation: a good teacher is patient and consistent", CVPR 2022).
So a scene draws from every kind of material, mixes, changes speed, spectrum and room, overdrives, adds noise, and sets
the level anywhere between a whisper and clipping.

Conventions: waveform (samples,) float32 at 22,050 Hz; a scene depends on nothing but its seed and the material.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from earmark.audio import Waveform
from earmark.learning.data.windows import WindowCache
from earmark.learning.training.augment import equalise, lose
from earmark.recipes.distillation.material import RATE, Clip
from earmark.recipes.house12.non_music import non_music

SECONDS = 3.0
SAMPLES = round(SECONDS * RATE)
CLIP_SECONDS = 30

KINDS = {"synth": 0.27, "rows": 0.27, "instruments": 0.19, "samples": 0.15, "speech": 0.05, "non-music": 0.07}
"""Share of each kind of sound in the scenes: what is meant to be understood best comes most often."""
NON_MUSIC = "non-music"  # the kind that is made, not read
NON_MUSIC_EACH = 30


@dataclass(frozen=True)
class Material:
    """Clips to draw from, decoded into a cache; `kinds` are their shares."""

    clips: tuple[Clip, ...]
    cache: WindowCache
    seed: int
    kinds: Mapping[str, float]

    @classmethod
    def of(cls, clips: Sequence[Clip], cache: Path, seed: int) -> "Material":
        """The material of some clips; kinds that have none are left out."""
        present = {clip.kind for clip in clips} | {NON_MUSIC}
        shares = {kind: share for kind, share in KINDS.items() if kind in present}
        whole = sum(shares.values())
        window = WindowCache(cache, RATE, CLIP_SECONDS * RATE, 1)
        return cls(tuple(clips), window, seed, {kind: share / whole for kind, share in shares.items()})

    @cached_property
    def by_kind(self) -> dict[str, list[Clip]]:
        """The clips of each kind."""
        return {kind: [clip for clip in self.clips if clip.kind == kind] for kind in self.kinds}

    def draw(self, rng: np.random.Generator, samples: int) -> Waveform:
        """A stretch of any clip, repeated where it is too short, (samples,)."""
        kind = str(rng.choice(list(self.kinds), p=list(self.kinds.values())))
        if kind == NON_MUSIC:
            sounds = _non_music(self.seed)
            sound = sounds[rng.integers(len(sounds))]
        else:
            path = self.by_kind[kind][rng.integers(len(self.by_kind[kind]))].path
            window = self.cache.windows(path)
            heard = int(window.heard[0])
            start = int(rng.integers(max(1, heard - samples + 1)))
            sound = window.steps[0][start : min(start + samples, heard)] * window.scales[0]
            return _filled(sound, samples)
        start = int(rng.integers(max(1, len(sound) - samples + 1)))
        return _filled(sound[start : start + samples], samples)


@cache
def _non_music(seed: int) -> list[Waveform]:
    """Noises, tones, clicks, silence: made once for each process."""
    return non_music(np.random.default_rng(seed), NON_MUSIC_EACH)


def _filled(sound: Waveform, samples: int) -> Waveform:
    return np.resize(sound, samples).astype(np.float32) if len(sound) else np.zeros(samples, np.float32)


def scene(material: Material, seed: int | Sequence[int]) -> Waveform:
    """The scene of a seed, (SAMPLES,)."""
    rng = np.random.default_rng(seed)
    sound = _moved(material, rng)
    if rng.random() < 0.4:  # noqa: PLR2004  share of the mixtures
        other = _moved(material, rng)
        ratio = _power(sound) / max(_power(other), 1e-12)
        sound += other * np.float32(np.sqrt(ratio) * 10 ** (rng.uniform(-15, 3) / 20))
    if rng.random() < 0.35:  # noqa: PLR2004  share of the other spectra
        sound = equalise(sound, RATE, rng)
    if rng.random() < 0.2:  # noqa: PLR2004  share of the rooms
        sound = reverberate(sound, rng)
    peak = max(float(np.abs(sound).max()), 1e-9)
    if rng.random() < 0.3:  # noqa: PLR2004  share of the overdriven
        drive = 10 ** (rng.uniform(0, 18) / 20)
        sound, peak = np.tanh(drive / peak * sound), 1.0
    if rng.random() < 0.2:  # noqa: PLR2004  share of the noisy
        hiss = rng.standard_normal(SAMPLES, dtype=np.float32)
        sound += hiss * np.float32(peak * 10 ** (rng.uniform(-60, -20) / 20))
    if rng.random() < 0.08:  # noqa: PLR2004  share of the badly encoded
        sound = lose(sound, float(rng.uniform(12, 24)))
    # Half of the music that is published touches full scale; what is recorded may be anything.
    level = 0.0 if rng.random() < 0.6 else rng.uniform(-40, 3)  # noqa: PLR2004  share of the published
    scaled = sound * np.float32(10 ** (level / 20) / max(float(np.abs(sound).max()), 1e-9))
    return np.clip(scaled, -1, 1).astype(np.float32) if _power(sound) > 0 else np.zeros(SAMPLES, np.float32)


def _moved(material: Material, rng: np.random.Generator) -> Waveform:
    """A stretch of a clip, half of the time at another speed and so at another pitch, (SAMPLES,)."""
    speed = 2 ** rng.uniform(-0.4, 0.4) if rng.random() < 0.5 else 1.0  # noqa: PLR2004  share of the moved
    sound = material.draw(rng, round(SAMPLES * speed) + 8)
    if speed != 1:
        sound = soxr.resample(sound, speed, 1.0, quality="LQ")
    return _filled(sound[:SAMPLES], SAMPLES)


def reverberate(sound: Waveform, rng: np.random.Generator) -> Waveform:
    """In a room: noise that decays by 60 dB within 0.1 to 3 s, darker than the sound, added at -20 to -2 dB."""
    length = round(rng.uniform(0.1, 3.0) * RATE)
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail[1:] += rng.uniform(0, 0.9) * tail[:-1]
    size = next_fast_len(len(sound) + length, real=True)
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)]
    level = 10 ** (rng.uniform(-20, -2) / 20) * np.sqrt(_power(sound) / max(_power(wet), 1e-12))
    roomy: Waveform = (sound + level * wet).astype(np.float32)
    return roomy


def _power(sound: NDArray[np.floating]) -> float:
    return float(np.mean(np.square(sound, dtype=np.float64)))
