"""Mutants of a small file through hearing and tagging, in a process of its own: it may crash, hang or eat memory.

    python tests/fuzz_driver.py KIND COUNT SEED MODEL FOLDER

KIND is of `testing.tagged`, or a file. Prints a line for each mutant that was neither heard nor refused for a reason,
or took too long, and keeps its file.
"""

import json
import struct
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from earmark.errors import FileError, UnexpectedError
from earmark.hearing import Listener, Model
from earmark.library.content import content_hash
from earmark.library.tags import Settings, plan, read
from earmark.library.tags.containers import identify
from earmark.runner import run
from earmark.testing.tagged import encode, plant

SLOW = 20.0  # seconds for a mutant of one second of sound, on a machine that has other work
EXTREMES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)


def mutant(content: bytes, rng: np.random.Generator) -> bytes:
    """A copy with one to four changes: flipped bits, header fields, stretches cut, inserted, removed, repeated."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        if not changed:
            break
        near = int(rng.choice([64, 512, 4096, len(changed)]))  # most of what a reader believes stands in front
        place = int(rng.integers(0, min(near, len(changed))))
        length = int(rng.integers(1, max(2, min(len(changed), int(rng.choice([4, 64, 4096, 40_000]))))))
        stretch = bytes(changed[place : place + length])
        match rng.integers(0, 7):
            case 0:
                for at in rng.integers(0, len(changed), 8):
                    changed[at] ^= 1 << int(rng.integers(0, 8))
            case 1:
                changed[place] ^= 1 << int(rng.integers(0, 8))
            case 2:
                size = min(int(rng.choice([1, 2, 4, 8])), len(changed) - place)
                changed[place : place + size] = bytes([int(rng.choice(EXTREMES))]) * size
            case 3:
                del changed[int(rng.integers(0, len(changed))) :]
            case 4:
                changed[place:place] = rng.integers(0, 256, length, np.uint8).tobytes()
            case 5:
                del changed[place : place + length]
            case _:
                changed[place:place] = stretch
    return bytes(changed)


def main(kind: str, count: int, seed: int, model: str, folder: Path) -> None:
    """Try `count` mutants."""
    warnings.simplefilter("error")
    listener = Listener(Model.open(model))
    if Path(kind).is_file():
        original = Path(kind)
    else:
        original = encode(folder / "original", kind)
        plant(original, kind)
    content = original.read_bytes()
    # Refused or not, what is written is checked elsewhere; here every layout is read as for a write.
    heard = 0

    def examine(path: Path) -> None:
        nonlocal heard
        for step in (content_hash, read, _layout):
            if isinstance(refused := run(path, step), UnexpectedError):
                raise refused
        analysis = listener(path)
        heard += 1
        json.dumps(analysis.as_json(detail=True), allow_nan=False)
        tags = run(path, read)
        if not isinstance(tags, FileError):
            plan(tags, analysis, Settings())

    for number in range(count):
        suffix = original.suffix if number % 4 else ""
        path = folder / f"{seed}-{number}{suffix}"
        path.write_bytes(mutant(content, np.random.default_rng([seed, number])))
        began = time.monotonic()
        outcome = run(path, examine)
        seconds = time.monotonic() - began
        if isinstance(outcome, UnexpectedError):
            sys.stdout.write(f"{outcome}\n{outcome.traceback}\n")
        elif seconds > SLOW:
            sys.stdout.write(f"{path}: {seconds:.0f} s\n")
        else:
            path.unlink()
    sys.stderr.write(f"{heard} of {count} heard\n")


def _layout(path: Path) -> None:
    container, _ = identify(path)
    if container.open:
        with path.open("rb") as file:
            try:
                container.open(file)
            except (ValueError, IndexError, OSError, struct.error):  # what `write` makes a TagError of
                return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], Path(sys.argv[5]))
