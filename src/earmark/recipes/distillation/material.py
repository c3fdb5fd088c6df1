"""The sound that an ear is trained on: files of many kinds in one folder, made once and never again.

    sound/synth/        tracks of the synthesizer (`earmark.synth`), twelve styles
    sound/rows/         the same, conditioned on rows of the measured tables
    sound/instruments/  sampled instruments (`instruments`)
    sound/samples/      recorded samples (`samples`)
    sound/speech/       synthetic speech (`speech`)

Noise, tones, clicks and silence need no files: `scenes` makes them. Files appear by renaming, and those that are there
are kept, so that an interrupted preparation goes on where it was.

No recording of real music is in it: real files test what was learned.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from earmark.files import replacement
from earmark.learning.data import manifest
from earmark.learning.recipe import Recipe
from earmark.recipes.distillation import instruments, samples, speech
from earmark.recipes.house12 import tables
from earmark.synth.corpus import render_corpus
from earmark.synth.encoding import write_audio

RATE = 22_050  # Hz
HELD_OUT = 20  # of the files that are no synthesizer's, one in so many is never trained on


@dataclass(frozen=True)
class Clip:
    """A file to draw scenes from; `style` is the synthesizer's, "" for other kinds; `split` is train, valid or test."""

    path: Path
    kind: str
    style: str
    split: str


class SoundConfig(Recipe):
    """The numbers of files of each kind, and where sounds of others are."""

    soundfont: str  # a file
    samples: str  # a folder
    synth_per_style: PositiveInt
    rows_per_style: PositiveInt
    artists: PositiveInt
    instruments: NonNegativeInt
    pieces: NonNegativeInt
    speeches: NonNegativeInt
    seconds: PositiveFloat  # of each file that is no synthesizer's
    seed: NonNegativeInt


def prepare(
    config: SoundConfig, folder: Path, measured: Path, workers: int, progress: Callable[[str, float], None]
) -> list[Clip]:
    """Make what is missing, and list everything.

    Args:
        config: how much of each kind.
        folder: where `sound` lies.
        measured: the folder of the measured tables.
        workers: processes.
        progress: called with the kind and the share that is done.

    Raises:
        ManifestError: a program or a collection of sounds that the recipe needs is missing.
        TableError: something is wrong with the tables.
    """
    clips = []
    for kind, per_style, rows, offset in (
        ("synth", config.synth_per_style, None, 0),
        ("rows", config.rows_per_style, tables.measured(measured), 1),
    ):
        corpus = render_corpus(
            folder / kind, per_style, config.seed + offset, workers, artists=config.artists, follow=rows
        )
        for each in corpus:
            progress(kind, each.done / each.total)
        listed = manifest.read(folder / kind / "manifest.csv")
        clips += [Clip(entry.path, kind, entry.labels[0], entry.split) for entry in listed.entries]
    makers: tuple[tuple[str, int, Callable[[int, Path], None]], ...] = (
        ("instruments", config.instruments, partial(_instruments, config)),
        ("samples", config.pieces, partial(_samples, config)),
        ("speech", config.speeches, partial(_speech, config)),
    )
    for kind, count, make in makers:
        paths = [folder / kind / f"{number:05d}.wav" for number in range(count)]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for done in _made(make, paths, workers):
            progress(kind, done / count)
        clips += [
            Clip(path, kind, "", "test" if number % HELD_OUT == 0 else "train") for number, path in enumerate(paths)
        ]
    return clips


def _made(make: Callable[[int, Path], None], paths: list[Path], workers: int) -> Iterator[int]:
    """Make the files that are missing; yields the number that is there after each."""
    missing = [(number, path) for number, path in enumerate(paths) if not path.exists()]
    done = len(paths) - len(missing)
    if not missing:
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for _ in pool.map(partial(_whole, make), missing):
                done += 1
                yield done
        finally:  # whoever stops listening stops the work
            pool.shutdown(wait=True, cancel_futures=True)


def _whole(make: Callable[[int, Path], None], order: tuple[int, Path]) -> None:
    """Make a file; what is there under its name is complete."""
    number, path = order
    with replacement(path, suffix=f".part{path.suffix}") as fresh:
        make(number, fresh)


def _instruments(config: SoundConfig, number: int, path: Path) -> None:
    song = instruments.phrase(config.seed * 1_000_003 + number, config.seconds)
    instruments.play(song, Path(config.soundfont), path, RATE)


def _samples(config: SoundConfig, number: int, path: Path) -> None:
    folder = samples.Samples.open(Path(config.samples), RATE)
    sound = samples.piece(folder, config.seed * 1_000_003 + number, config.seconds)
    write_audio(path, np.stack([sound, sound]), RATE)


def _speech(config: SoundConfig, number: int, path: Path) -> None:
    speech.speak(*speech.babble(config.seed * 1_000_003 + number, config.seconds), path)
