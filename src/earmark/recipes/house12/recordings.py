"""Descriptors of real recordings, whole and cut, narrowed, coded and mastered anew: how far do descriptors travel?

The rows of the tables are descriptors of clean previews of two minutes. What is heard are windows of half a minute,
excerpts of seconds, other masters, files of any bandwidth and codec. Openly licensed music (`recipes.music`) tells
how the descriptors of those scatter around those of the whole. Its held-out authors are held out here too.

The pairs are measured once and kept in a file beside the recipe, in half precision, and the works named in another.

Conventions: waveform (samples,) float32 at 44,100 Hz; descriptors at 22,050 Hz.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import cast

import av
import numpy as np
import soxr
import torch
from av.audio.stream import AudioStream
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from earmark.audio import Waveform, decode
from earmark.errors import TableError
from earmark.files import replacing
from earmark.learning.networks.frontend import Descriptors
from earmark.recipes import music
from earmark.recipes.house12.recipe import RecordingsConfig
from earmark.recipes.house12.shifts import Pairs
from earmark.recipes.house12.tables import Rows

RATE, HEARD = 44_100, Descriptors.SAMPLE_RATE
LONGEST, SHORTEST = 60, 13  # seconds of a recording that are taken, at most and at least
LENGTHS = {"whole": 0, "29 s": 642_096, "10 s": 10 * HEARD, "8 s": 8 * HEARD}  # samples
CODECS = {
    "libmp3lame": (32, 48, 64, 96, 128),
    "libopus": (16, 24, 32, 48),
    "aac": (32, 48, 64),
}  # kb/s
CONTAINERS = {"libmp3lame": "mp3", "libopus": "ogg", "aac": "mp4"}
FEWEST = 8  # pairs of a kind; with fewer there is none

ATTRIBUTION = """# Music that {name} learned from

From these {works} works, which their makers published under open licences, {name} learned how the descriptors of
excerpts, other masters, codecs and narrow bands stand to those of the whole. The works themselves are not part of it.

| artist | title | licence | source | |
|---|---|---|---|---|
{lines}
"""

Spectrum = NDArray[np.floating]
Damage = Callable[[Waveform, np.random.Generator], Waveform]


def narrowed(sound: Waveform, generator: np.random.Generator, highest: float = 10_000) -> Waveform:
    """Nothing above 3 kHz to `highest`, by a filter of any steepness."""
    cut = 3000 * (highest / 3000) ** generator.random()
    width = cut * generator.uniform(0.02, 0.25)
    return _filtered(sound, lambda frequency: np.clip((cut + width - frequency) / width, 0, 1))


def mastered(sound: Waveform, generator: np.random.Generator) -> Waveform:
    """Another tone, levelling at times, then saturated or clipped by anything from nothing to 12 dB, noise at times."""
    tilt, low, high = generator.normal(0, 1), generator.normal(0, 3), generator.normal(0, 3)  # dB an octave, dB, dB
    low_edge, high_edge = 80 * 2 ** generator.uniform(0, 1.5), 3000 * 2 ** generator.uniform(0, 1.2)
    cut = generator.choice([0, 30, 60, 100], p=[0.5, 0.25, 0.15, 0.1])

    def gain(frequency: Spectrum) -> Spectrum:
        audible = np.maximum(frequency, 15)
        decibel = tilt * np.log2(audible / 700).clip(-4, 4)
        decibel += low / (1 + (audible / low_edge) ** 2) + high / (1 + (high_edge / audible) ** 2)
        tone: Spectrum = 10 ** (decibel / 20) / np.sqrt(1 + (cut / audible) ** 8)
        return tone

    toned = _filtered(sound, gain)
    if generator.random() < 0.3:  # noqa: PLR2004  share that is levelled
        envelope = np.sqrt(np.convolve(toned[::441] ** 2, np.ones(100) / 100, "same") + 1e-6)
        level = np.interp(np.arange(len(toned)), np.arange(len(envelope)) * 441, envelope)
        toned = (toned / level ** generator.uniform(0.2, 0.8)).astype(np.float32)
    drive = 10 ** (generator.uniform(-6, 12) / 20)
    driven = toned.astype(np.float64) / (np.abs(toned).max() + 1e-9) * drive
    driven = np.tanh(driven) if generator.random() < 0.7 else np.clip(driven, -1, 1)  # noqa: PLR2004  share
    if generator.random() < 0.3:  # noqa: PLR2004  share with noise
        hiss = 10 ** (generator.uniform(-60, -35) / 20) * np.abs(driven).max()
        driven = driven + hiss * generator.standard_normal(len(driven))
    loud: Waveform = (driven / np.abs(driven).max() * 0.9).astype(np.float32)
    return loud


def coded(sound: Waveform, generator: np.random.Generator) -> Waveform:
    """Encoded by any codec at a low rate, and decoded."""
    choices = [(codec, rate) for codec, rates in CODECS.items() for rate in rates]
    codec, rate = choices[generator.integers(len(choices))]
    sampled = 48_000 if codec == "libopus" else RATE
    level = soxr.resample(sound / (np.abs(sound).max() + 1e-9) * 0.7, RATE, sampled)
    steps = np.round(np.clip(level, -1, 1) * 32767).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format=CONTAINERS[codec]) as target:
        stream = cast(AudioStream, target.add_stream(codec, rate=sampled))
        stream.bit_rate, stream.layout = rate * 1000, "mono"
        frame = av.AudioFrame.from_ndarray(steps[None], format="s16", layout="mono")
        frame.sample_rate = sampled
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as source:
        parts = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
        heard = [part.to_ndarray()[0] for each in source.decode(audio=0) for part in parts.resample(each)]
        heard += [part.to_ndarray()[0] for part in parts.resample(None)]
    whole = np.concatenate(heard)[: len(sound)]
    decoded: Waveform = np.pad(whole, (0, len(sound) - len(whole)))
    return decoded


def worn(sound: Waveform, generator: np.random.Generator) -> Waveform:
    """Mastered, narrowed and coded, one after the other."""
    return coded(narrowed(mastered(sound, generator), generator, 16_000), generator)


def untouched(sound: Waveform, _generator: np.random.Generator) -> Waveform:
    """The recording as it is."""
    return sound


DAMAGE: dict[str, Damage] = {
    "as it is": untouched,
    "narrow": narrowed,
    "coded": coded,
    "mastered": mastered,
    "worn": worn,
}
KINDS = tuple(f"{damage}, {length}" for damage, length in product(DAMAGE, LENGTHS))[1:]  # not the whole as it is


def rows_of(sound: Waveform, generator: np.random.Generator) -> Iterator[tuple[str, Rows]]:
    """The kind and the descriptors of a recording and of its excerpts, under each damage; the whole as it is first."""
    describe = _describer()
    for name, damage in DAMAGE.items():
        heard = soxr.resample(damage(sound, generator), RATE, HEARD).astype(np.float32)
        for length, samples in LENGTHS.items():
            if not samples:
                yield f"{name}, {length}", describe(heard)
            elif len(heard) >= 1.2 * samples:  # else it is nearly the whole
                for _ in range(2 if damage is untouched else 1):
                    start = generator.integers(len(heard) - samples + 1)
                    yield f"{name}, {length}", describe(heard[start : start + samples])


def chosen(config: RecordingsConfig, folder: Path) -> list[music.Excerpt]:
    """The first excerpt of each work that is measured: electronic ones by authors that are not held out.

    Raises:
        ManifestError: there is no manifest in the folder.
    """
    excerpts = music.read(folder)
    unheard = music.held_out(excerpts)
    works = {each.work: each for each in reversed(excerpts) if each.electronic and each.author not in unheard}
    order = np.random.default_rng(config.seed).permutation(sorted(works))
    return [works[work] for work in order[: config.works]]


def measure(config: RecordingsConfig, folder: Path, progress: Callable[[float], None]) -> dict[str, Pairs]:
    """Damage and measure recordings.

    Args:
        config: how many works, and the seed.
        folder: the music, with its manifest.
        progress: called with the share that is done.

    Raises:
        ManifestError: there is no manifest in the folder.
        UnreadableAudio: a file is damaged.
    """
    found: dict[str, tuple[list[Rows], list[Rows]]] = {kind: ([], []) for kind in KINDS}
    excerpts = chosen(config, folder)
    for index, excerpt in enumerate(excerpts):
        sound = decode(folder / excerpt.file, RATE)[: LONGEST * RATE]
        if len(sound) >= SHORTEST * RATE and sound.any():
            (_, whole), *others = rows_of(sound, np.random.default_rng((config.seed, index)))
            for kind, row in others:
                found[kind][0].append(whole)
                found[kind][1].append(row)
        progress((index + 1) / len(excerpts))
    return {kind: Pairs(*map(np.stack, sides)) for kind, sides in found.items() if len(sides[0]) >= FEWEST}


def save(pairs: dict[str, Pairs], path: Path) -> None:
    """Write the descriptors as .npz."""
    arrays = {kind: np.stack([each.before, each.after]).astype(np.float16) for kind, each in pairs.items()}
    with replacing(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> dict[str, Pairs]:
    """Read descriptors that `save` has written.

    Raises:
        TableError: the file is missing, damaged, or of another kind.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {kind: Pairs(*arrays[kind].astype(np.float32)) for kind in arrays.files}
    except FileNotFoundError:
        raise TableError(f"{path}: no such descriptors of recordings") from None
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise TableError(f"{path}: not the descriptors of recordings: {error}") from error


def _filtered(sound: Waveform, gain: Callable[[Spectrum], Spectrum]) -> Waveform:
    """A sound with its spectrum multiplied by a gain; what rings past the end is cut off."""
    size = next_fast_len(len(sound) + RATE // 10, real=True)
    spectrum = np.fft.rfft(sound, size) * gain(np.fft.rfftfreq(size, 1 / RATE))
    filtered: Waveform = np.fft.irfft(spectrum, size)[: len(sound)].astype(np.float32)
    return filtered


def _describer() -> Callable[[Waveform], Rows]:
    front_end = Descriptors().eval()

    @torch.no_grad()
    def describe(waveform: Waveform) -> Rows:
        row: Rows = front_end(torch.from_numpy(np.ascontiguousarray(waveform, np.float32))[None])[0].numpy()
        return row

    return describe
