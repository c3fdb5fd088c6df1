"""Descriptors of synthetic sound that teach what no table holds: damage, half the drums, and what is no music.

They are measured once and kept in a file beside the recipe, so that the weights do not depend on the synthesizer's
next version.

    degraded    tracks before and after each degradation; to have nothing but the drums left is one
    half_time   drum & bass before and after its drums play on every second beat only
    non_music   silence, tones, noises and the like
"""

import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from earmark.audio import Waveform, decode
from earmark.errors import TableError
from earmark.files import replacing
from earmark.learning.evaluation.degradations import TAUGHT
from earmark.learning.networks.frontend import Descriptors
from earmark.recipes.house12.non_music import non_music
from earmark.recipes.house12.recipe import SyntheticConfig
from earmark.recipes.house12.shifts import Pairs
from earmark.recipes.house12.tables import Rows
from earmark.synth import STYLES, Track, render
from earmark.synth.encoding import write_audio

RATE = Descriptors.SAMPLE_RATE
TRACK_SECONDS = 30.0
DRUMS = "drums alone"
KINDS = (*TAUGHT, DRUMS)
DRUM_TRACKS = 10  # of each style, whose drums are measured alone
SOUNDS = 20  # that are no music, of every kind


@dataclass(frozen=True)
class SyntheticRows:
    """Descriptors of synthetic sound; `degraded` by the name of the degradation, `non_music` (sounds, 70)."""

    degraded: dict[str, Pairs]
    half_time: Pairs
    non_music: Rows


def save(rows: SyntheticRows, path: Path) -> None:
    """Write the descriptors as .npz."""
    pairs = {"half_time": rows.half_time} | {f"degraded/{name}": each for name, each in rows.degraded.items()}
    arrays = {name: np.stack([each.before, each.after]) for name, each in pairs.items()}
    with replacing(path) as file:
        np.savez_compressed(file, non_music=rows.non_music, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> SyntheticRows:
    """Read descriptors that `save` has written.

    Raises:
        TableError: the file is damaged, or of another kind.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            degraded = {name: Pairs(*arrays[f"degraded/{name}"]) for name in KINDS}
            return SyntheticRows(degraded, Pairs(*arrays["half_time"]), arrays["non_music"])
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise TableError(f"{path}: not the descriptors of synthetic sound: {error}") from error


def measure(config: SyntheticConfig, progress: Callable[[float], None]) -> SyntheticRows:
    """Render, damage and measure tracks; drum & bass four times as often as the others, for `half_time`.

    Args:
        config: the number of tracks, and the seed of the first one.
        progress: called with the share that is done.
    """
    describe = _describer()
    degraded: dict[str, tuple[list[Rows], list[Rows]]] = {name: ([], []) for name in (*TAUGHT, DRUMS)}
    halves: tuple[list[Rows], list[Rows]] = ([], [])
    tracks, half_time_tracks = config.per_style * len(STYLES), 4 * config.per_style
    total = tracks + half_time_tracks
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "track.wav")
        for index in range(tracks):
            track = render(list(STYLES)[index % len(STYLES)], config.seed + index, TRACK_SECONDS)
            write_audio(file, track.audio, track.sample_rate)
            before = describe(decode(file, RATE))
            for name, degrade in TAUGHT.items():
                degraded[name][0].append(before)
                degraded[name][1].append(describe(degrade(file, RATE)))
            if index < DRUM_TRACKS * len(STYLES):
                degraded[DRUMS][0].append(before)
                degraded[DRUMS][1].append(describe(_heard(track.stems["drums"], track.sample_rate)))
            progress((index + 1) / total)
    for index in range(half_time_tracks):
        track = render("Drum & Bass", config.seed + total + index, TRACK_SECONDS)
        for side, mix in zip(halves, (full_mix(track), half_time(track)), strict=True):
            side.append(describe(_heard(mix, track.sample_rate)))
        progress((tracks + index + 1) / total)
    sounds = non_music(np.random.default_rng(config.seed), SOUNDS)
    return SyntheticRows(
        degraded={name: Pairs(np.stack(before), np.stack(after)) for name, (before, after) in degraded.items()},
        half_time=Pairs(np.stack(halves[0]), np.stack(halves[1])),
        non_music=np.stack([describe(sound) for sound in sounds]),
    )


def full_mix(track: Track) -> NDArray[np.float32]:
    """The sum of the stems, shape (2, samples)."""
    mix: NDArray[np.float32] = np.sum(list(track.stems.values()), axis=0)
    return mix


def half_time(track: Track) -> NDArray[np.float32]:
    """The mix of a track with its drums on the first and third beat of each bar only, shape (2, samples)."""
    gate = np.zeros(track.audio.shape[1], np.float32)
    beats = [*track.truth.beats, track.seconds]
    for start, end in zip(beats[::2], beats[1::2], strict=False):
        gate[round(start * track.sample_rate) : round(end * track.sample_rate)] = 1
    return full_mix(track) - track.stems["drums"] * (1 - gate)


def _heard(sound: NDArray[np.float32], rate: int) -> Waveform:
    """A sound (2, samples) in mono, at the rate at which it is described."""
    mono: Waveform = soxr.resample(sound.mean(0), rate, RATE)
    return mono


def _describer() -> Callable[[Waveform], Rows]:
    front_end = Descriptors().eval()

    @torch.no_grad()
    def describe(waveform: Waveform) -> Rows:
        row: Rows = front_end(torch.from_numpy(np.ascontiguousarray(waveform, np.float32))[None])[0].numpy()
        return row

    return describe
