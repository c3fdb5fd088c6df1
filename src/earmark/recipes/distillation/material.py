"""The sound that an ear is taught with: music by people and by programs, speech, noises; a list of clips.

    music         real works that are electronic (`music`)
    contrast      real works that are not
    synth         tracks of the synthesizer (`earmark.synth`), twelve styles
    rows          the same, conditioned on rows of the measured tables
    instruments   sampled instruments (`instruments`)
    samples       recorded samples (`samples`)
    speech        synthetic speech (`speech`)
    non-music     noises, tones, clicks, silence

The synthesizer's tracks are rendered when they are needed. What other programs make are files in one folder, made once:
they appear by renaming, and those that are there are kept. A kind whose program is missing is left out on request.
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
from earmark.learning.recipe import Recipe
from earmark.recipes import music
from earmark.recipes.distillation import instruments, samples, speech
from earmark.recipes.house12 import tables
from earmark.synth.corpus import Order, plan
from earmark.synth.encoding import write_audio

RATE = 22_050  # Hz, of the files that are made here
HELD_OUT = 20  # of the files that are made here, one in so many is never trained on

KINDS = {
    "music": 0.55,
    "contrast": 0.08,
    "synth": 0.12,
    "rows": 0.06,
    "instruments": 0.06,
    "samples": 0.06,
    "speech": 0.03,
    "non-music": 0.04,
}
"""The share of each kind among the sounds of the scenes: what matters most comes most often."""
NON_MUSIC = "non-music"


@dataclass(frozen=True)
class Clip:
    """Something to draw scenes from: a file, or a track that is rendered; `split` is train, valid or test."""

    kind: str
    name: str
    split: str
    source: Path | Order


class SoundConfig(Recipe):
    """The numbers of clips of each kind, and where sounds of others are."""

    soundfont: str  # a file
    samples: str  # a folder
    synth_per_style: NonNegativeInt
    rows_per_style: NonNegativeInt
    artists: PositiveInt
    instruments: NonNegativeInt
    pieces: NonNegativeInt
    speeches: NonNegativeInt
    seconds: PositiveFloat  # of each file that other programs make
    seed: NonNegativeInt


def clips(
    config: SoundConfig, folder: Path, works: Path, measured: Path, workers: int, progress: Callable[[str, float], None]
) -> list[Clip]:
    """Make what other programs make, where it is missing, and list everything.

    Args:
        config: how much of each kind; of none whose number is 0.
        folder: where the files that are made lie.
        works: the folder of real music.
        measured: the folder of the measured tables.
        workers: processes.
        progress: called with the kind and the share that is done.

    Raises:
        ManifestError: the music, a program or a collection of sounds that the recipe needs is missing.
        TableError: something is wrong with the tables.
    """
    listed = _works(works) + _tracks(config, measured)
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
        listed += [
            Clip(kind, f"{kind}/{path.name}", "test" if number % HELD_OUT == 0 else "train", path)
            for number, path in enumerate(paths)
        ]
    return listed


def _works(folder: Path) -> list[Clip]:
    excerpts = music.read(folder)
    unheard = music.held_out(excerpts)
    return [
        Clip(
            "music" if excerpt.electronic else "contrast",
            excerpt.file,
            "test" if excerpt.author in unheard else "train",
            folder / excerpt.file,
        )
        for excerpt in excerpts
    ]


def _tracks(config: SoundConfig, measured: Path) -> list[Clip]:
    listed = []
    for kind, per_style, offset in (("synth", config.synth_per_style, 0), ("rows", config.rows_per_style, 1)):
        follow = tables.measured(measured) if per_style and kind == "rows" else None
        orders = plan(per_style, config.seed + offset, artists=config.artists, follow=follow)
        listed += [Clip(kind, f"{kind}/{order.path}", order.split, order) for order in orders]
    return listed


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
