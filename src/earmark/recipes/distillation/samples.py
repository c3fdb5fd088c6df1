"""Pieces made of recorded samples: drum hits in patterns, loops at another speed, basses, voices and ambiences.

Recordings of real drums, breakbeats and rooms are what a synthesizer lacks. The samples of Sonic Pi are in the public
domain (CC0); any folder of sounds would do whose names begin with what they are: `bd_`, `sn_`, `loop_`, `ambi_` ...
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import soxr
from numpy.typing import NDArray

from earmark.audio import Waveform, decode
from earmark.errors import ManifestError

KICKS, SNARES = ("bd_", "drum_heavy", "drum_bass", "elec_soft_kick", "elec_hollow"), ("sn_", "drum_snare", "elec_snare")
HATS = ("drum_cymbal_closed", "drum_cymbal_pedal", "elec_tick", "elec_triangle", "perc_snap", "drum_cymbal_open")
HITS = ("tabla_", "elec_", "perc_", "glitch_perc", "drum_tom", "drum_cowbell")
BASSES, LOOPS = ("bass_",), ("loop_",)
COLOURS = ("ambi_", "guit_", "mehackit_", "glitch_", "vinyl_", "misc_")


@dataclass
class Samples:
    """A folder of samples, decoded when first asked for; `sample_rate` in Hz."""

    folder: Path
    sample_rate: int
    _decoded: dict[str, Waveform] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path, sample_rate: int) -> Self:
        """Open a folder of samples.

        Raises:
            ManifestError: there are no samples in it.
        """
        names = sorted(path.name for path in folder.glob("*.flac"))
        if not names:
            raise ManifestError(f"{folder}: no samples (.flac) in it")
        return cls(folder, sample_rate, {}, names)

    def draw(self, rng: np.random.Generator, kinds: tuple[str, ...]) -> Waveform:
        """A sample whose name begins with one of `kinds`, (samples,)."""
        name = str(rng.choice([name for name in self._names if name.startswith(kinds)]))
        if name not in self._decoded:
            self._decoded[name] = decode(self.folder / name, self.sample_rate)
        return self._decoded[name]


def piece(samples: Samples, seed: int, seconds: float) -> Waveform:
    """A random piece, (samples,), with its largest magnitude at 0.8."""
    rng = np.random.default_rng(seed)
    rate = samples.sample_rate
    tempo = float(np.clip(rng.choice([rng.uniform(60, 180), rng.normal(126, 3), rng.normal(172, 4)]), 50, 200))
    step = 60 / tempo / 4 * rate  # samples
    mix = np.zeros(round(seconds * rate))
    layers = rng.permutation(["drums", "drums", "loop", "bass", "hits", "colour"])[: rng.integers(1, 6)]
    for layer in layers:
        level = 10 ** (rng.uniform(-14, 0) / 20)
        match layer:
            case "drums":
                _drums(mix, samples, rng, step, level)
            case "loop":
                _loop(mix, samples, rng, step, level)
            case "colour":
                _colour(mix, samples, rng, level)
            case "bass" | "hits":
                kinds = BASSES if layer == "bass" else HITS
                sound = _repitched(samples.draw(rng, kinds), rng.uniform(-7, 7))
                _pattern(mix, sound, rng.random(16) < rng.uniform(0.05, 0.4), step, level)
    return (0.8 * mix / max(float(np.abs(mix).max()), 1e-6)).astype(np.float32)


def _drums(mix: NDArray[np.float64], samples: Samples, rng: np.random.Generator, step: float, level: float) -> None:
    bars = np.zeros((3, 16), bool)
    bars[0, [0, 4, 8, 12] if rng.random() < 0.5 else [0, 10]] = True  # noqa: PLR2004  share of the straight
    bars[1, [4, 12] if rng.random() < 0.7 else [8]] = True  # noqa: PLR2004  share of the back beats
    bars[2, rng.integers(3) :: rng.choice([1, 2, 4])] = True
    bars ^= rng.random((3, 16)) < rng.uniform(0, 0.15)
    for bar, kinds, tuning in zip(bars, (KICKS, SNARES, HATS), (3, 3, 6), strict=True):
        _pattern(mix, _repitched(samples.draw(rng, kinds), rng.uniform(-tuning, tuning)), bar, step, level)


def _pattern(mix: NDArray[np.float64], sound: Waveform, bar: NDArray[np.bool_], step: float, level: float) -> None:
    for index in range(int(len(mix) / step)):
        if bar[index % len(bar)]:
            _add(mix, sound, round(index * step), level)


def _loop(mix: NDArray[np.float64], samples: Samples, rng: np.random.Generator, step: float, level: float) -> None:
    """A loop, its speed changed so that it fills a power of two of beats, over and over."""
    sound = samples.draw(rng, LOOPS)
    beats = 2.0 ** float(np.round(np.log2(len(sound) / (4 * step))))
    wanted = max(beats * 4 * step, 0.25 * samples.sample_rate)
    fitted = _repitched(sound, 12 * np.log2(len(sound) / wanted))
    for start in range(0, len(mix), max(1, round(wanted))):
        _add(mix, fitted, start, level)


def _colour(mix: NDArray[np.float64], samples: Samples, rng: np.random.Generator, level: float) -> None:
    for _ in range(rng.integers(1, 8)):
        sound = _repitched(samples.draw(rng, COLOURS), rng.uniform(-12, 7))
        _add(mix, sound, int(rng.integers(len(mix))), level)


def _repitched(sound: Waveform, semitones: float) -> Waveform:
    moved: Waveform = soxr.resample(sound, 2 ** (semitones / 12), 1.0, quality="LQ")
    return moved


def _add(mix: NDArray[np.float64], sound: Waveform, start: int, level: float) -> None:
    room = mix[start : start + len(sound)]
    room += level * sound[: len(room)]
