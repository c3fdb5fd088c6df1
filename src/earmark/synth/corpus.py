"""Folders of rendered music: the twelve examples, and corpora for training.

A corpus is a folder per style with audio files, a truth file (`.json`) beside each, and `manifest.csv` with the columns
path, style, artist, split. Files appear by renaming, so what is there is complete and is not rendered again. The truth
is written last: a track without truth is a track that was interrupted.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.files import replacing_text, write_text
from earmark.synth.conditioning import render_row
from earmark.synth.encoding import LOSSY, OPUS_RATE, write_audio
from earmark.synth.recipes import STYLES
from earmark.synth.render import render
from earmark.synth.track import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

EXAMPLES: Final[dict[str, tuple[str, str, int, int]]] = {
    "Ambient / Electronic": ("01-ambient", "Slow Water", 1, 33),
    "Brostep": ("02-brostep", "Jaw Breaker Unit", 2, 4),
    "Deep House": ("03-deep-house", "Late Room", 4, 59),
    "Drum & Bass": ("04-drum-and-bass", "Two Step Ahead", 4, 23),
    "EDM & Big Room": ("05-big-room", "Ten Thousand Hands", 3, 19),
    "Electro & Future House": ("06-future-house", "Bent Metal", 2, 50),
    "Trance": ("07-trance", "Past the Skyline", 12, 47),
    "Halftime": ("08-halftime", "Half a Mile Down", 5, 43),
    "House / Nu Disco / Disco": ("09-nu-disco", "Mirror Weather", 8, 59),
    "Progressive House": ("10-progressive-house", "The Long Filter", 2, 31),
    "Techno / Tech House": ("11-techno", "Concrete Hours", 3, 21),
    "Trap": ("12-trap", "Low Ceiling", 2, 31),
}
"""File name, title, seed and artist of the example of each style."""

EXAMPLE_SECONDS: Final = 30.0


def write_examples(folder: Path) -> list[Path]:
    """Render the twelve example tracks, one per style: Opus, 30 s, below 350 kB each. Returns their paths.

    `truth.json` beside them says what each is: style, tempo, key, beats and sections.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    truths: dict[str, dict[str, object]] = {}
    for style, (name, title, seed, artist) in EXAMPLES.items():
        track = render(style, seed, EXAMPLE_SECONDS, artist=artist, sample_rate=OPUS_RATE)
        path = folder / f"{name}.opus"
        tags = {"title": title, "artist": "earmark synth", "comment": "Rendered by earmark.synth. MIT licence."}
        # Three decibels of headroom for what a lossy codec adds to the peaks.
        write_audio(path, track.audio * np.float32(0.7), track.sample_rate, tags=tags)
        paths.append(path)
        truths[path.name] = {k: v for k, v in track.truth.as_json().items() if k != "onsets"} | {"title": title}
    write_text(folder / "truth.json", json.dumps(truths, indent=1) + "\n")
    return paths


@dataclass(frozen=True)
class Progress:
    """One track of a corpus, done. `path` is relative to the corpus; `rendered` is False where it was there before."""

    path: str
    style: str
    artist: str
    split: str
    done: int
    total: int
    rendered: bool


@dataclass(frozen=True)
class Order:
    """One track to render: plain values, so that it can travel to a worker process of any start method."""

    path: str
    style: str
    artist: int
    split: str
    seed: int
    seconds: float
    sample_rate: int
    row: Mapping[str, str] | None = None  # of the measured tables: what the track is to follow


Measured = Mapping[str, Sequence[Mapping[str, str]]]
"""Rows of the measured tables by their style."""


def plan(
    per_style: int,
    seed: int = 0,
    *,
    seconds: float = 30.0,
    artists: int = 20,
    suffix: str = ".opus",
    styles: Sequence[str] = STYLES,
    follow: Measured | None = None,
) -> list[Order]:
    """The tracks of a corpus. The plan depends on nothing but its arguments, and grows without changing.

    Tracks go round the artists of a style; an artist belongs to one split for good: one in ten to `test`, one in ten to
    `valid`, the others to `train`. With `follow` they go through the style's rows, too, in an order drawn once.
    """
    rate = OPUS_RATE if suffix == ".opus" else SAMPLE_RATE
    orders = []
    for style in styles:
        rows = follow[style] if follow is not None else []
        turn = np.random.default_rng([seed, zlib.crc32(style.encode())]).permutation(len(rows))
        folder = "-".join("".join(c if c.isalnum() else " " for c in style.lower()).split())
        for number in range(per_style):
            artist = number % artists
            row = rows[turn[number % len(rows)]] if follow is not None else None
            path = f"{folder}/{seed:04d}-{number:05d}{'-row' * (row is not None)}{suffix}"
            split = split_of(style, artist)
            orders.append(Order(path, style, artist, split, seed * 1_000_003 + number, seconds, rate, row))
    return orders


def split_of(style: str, artist: int) -> str:
    """The split of an artist: fixed, and different from style to style."""
    return {0: "test", 1: "valid"}.get((artist + zlib.crc32(style.encode())) % 10, "train")


def render_corpus(
    out: Path,
    per_style: int,
    seed: int = 0,
    workers: int = 1,
    *,
    seconds: float = 30.0,
    artists: int = 20,
    suffix: str = ".opus",
    styles: Sequence[str] = STYLES,
    follow: Measured | None = None,
) -> Generator[Progress, None, None]:
    """Render a corpus and report each track as it is done; interrupted, it goes on where it was.

    Args:
        out: the folder; made if it is not there.
        per_style: tracks of each style.
        seed: of the corpus: another seed is other tracks by the same artists.
        workers: processes. With 1 everything happens in this one.
        seconds: length of a track.
        artists: preset families per style.
        suffix: `.opus`, `.mp3`, `.flac` or `.wav`.
        styles: labels to render.
        follow: rows of the measured tables by style; the tracks are conditioned on them (`render_row`).

    Yields:
        What was there already, first, and then every new track; `manifest.csv` is written at the end.
    """
    orders = plan(per_style, seed, seconds=seconds, artists=artists, suffix=suffix, styles=styles, follow=follow)
    out.mkdir(parents=True, exist_ok=True)
    missing = [order for order in orders if not _complete(out, order)]
    absent = {order.path for order in missing}
    done = 0
    for order in orders:
        if order.path not in absent:
            done += 1
            yield _progress(out, order, done, len(orders), rendered=False)
    for order in _rendered(out, missing, workers):
        done += 1
        yield _progress(out, order, done, len(orders), rendered=True)
    _write_manifest(out, orders)


def _rendered(out: Path, orders: list[Order], workers: int) -> Iterator[Order]:
    if workers <= 1:
        for order in orders:
            render_order(out, order)
            yield order
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(render_order, out, order): order for order in orders}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        finally:  # whoever stops listening stops the work
            pool.shutdown(wait=True, cancel_futures=True)


def render_order(out: Path, order: Order) -> None:
    """Render one track of a corpus: the audio first, then its truth, each whole or not at all."""
    asked = (order.style, order.seed, order.seconds)
    if order.row is None:
        track = render(*asked, artist=order.artist, sample_rate=order.sample_rate)
    else:
        track = render_row(order.row, *asked, artist=order.artist, sample_rate=order.sample_rate)
    path = out / order.path
    path.parent.mkdir(parents=True, exist_ok=True)
    tags = {"title": path.stem, "artist": track.truth.artist, "comment": "Rendered by earmark.synth."}
    headroom = np.float32(0.8 if path.suffix in LOSSY else 1.0)  # lossy codecs add to the peaks
    write_audio(path, headroom * track.audio, track.sample_rate, tags=tags)
    write_text(path.with_suffix(".json"), json.dumps(track.truth.as_json() | {"seconds": order.seconds}, indent=1))


def _complete(out: Path, order: Order) -> bool:
    path = out / order.path
    return path.exists() and path.with_suffix(".json").exists()


def _progress(out: Path, order: Order, done: int, total: int, *, rendered: bool) -> Progress:
    return Progress(order.path, order.style, _artist(out, order), order.split, done, total, rendered)


def _artist(out: Path, order: Order) -> str:
    truth = json.loads((out / order.path).with_suffix(".json").read_text(encoding="utf-8"))
    return str(truth["artist"])


def _write_manifest(out: Path, orders: list[Order]) -> None:
    """All tracks of this corpus and of those rendered here before with other seeds."""
    path = out / "manifest.csv"
    rows: dict[str, dict[str, str]] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = {row["path"]: row for row in csv.DictReader(file)}
    for order in orders:
        rows[order.path] = {
            "path": order.path,
            "style": order.style,
            "artist": _artist(out, order),
            "split": order.split,
        }
    with replacing_text(path) as file:
        writer = csv.DictWriter(file, ("path", "style", "artist", "split"))
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))
