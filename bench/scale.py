"""Throughput of a scan, beside plain decoding of the same files; writes the section `scan` of docs/benchmarks.md.

    python -m bench.scale [--rounds 3] [--files 24] [--workers 2] [--seconds 300]

Plain decoding is the fastest FFmpeg that is there, as many files at a time as the scan has processes. The files are
links to a few tracks, heard with `--again`, so that no one's answer serves another. A scan of `workers` files is
measured, too, and taken off: what it costs to start does not grow with the collection. And where the time of a track
goes: each part alone, in one process, the best of three.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.page import table, write
from bench.programs import EARMARK, Spent, conditions, decode, ffmpegs, median, spend, track

TRACKS = 4  # files that differ
HOUR = 3600
MILLION = 1_000_000
MODES = {"everything": ("earmark scan", (), 10_000), "fast": ("earmark scan --fast", ("--fast",), 25_000)}

PARTS = """
import json, os, sys, tempfile, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from pathlib import Path
from earmark.audio import Recording
from earmark.hearing import Listener, Model
from earmark.library import Catalogue, tags
from earmark.library.content import content_hash
from earmark.library.track import Track

file, model = Path(sys.argv[1]), Model.open("house12")
everything, styles, fast = Listener(model), Listener(model, parts=()), Listener(model, fast=True)
analysis = everything(file)

def decode():
    with Recording(file) as recording:
        for block in recording.blocks(model.config.sample_rate):
            pass

def best(work):
    work()
    found = []
    for _ in range(3):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)

with tempfile.TemporaryDirectory() as folder, Catalogue(Path(folder, "c.db")) as catalogue:
    numbers = iter(range(1_000_000))
    def commit():
        for number in range(20):
            path = Path(f"/{next(numbers)}.mp3")
            catalogue.keep(Track(path, 0, 0, str(path), analysis=analysis), version="one")
    print(json.dumps({
        "content hash": best(lambda: content_hash(file)),
        "tags": best(lambda: tags.read(file)),
        "decoding, resampling, mixing to mono": best(decode),
        "the same and styles": best(lambda: styles(file)),
        "the same and tempo, key, loudness": best(lambda: everything(file)),
        "three windows only (`--fast`)": best(lambda: fast(file)),
        "a commit to the catalogue": best(commit) / 20,
    }))
"""


def scan(music: Path, workers: int, options: tuple[str, ...]) -> Spent:
    """A scan into a new catalogue."""
    with tempfile.TemporaryDirectory() as folder:
        where = ["--catalogue", str(Path(folder, "catalogue.db")), "--workers", str(workers)]
        return spend([*EARMARK, "scan", str(music), "--again", *where, *options])


def decoding(ffmpeg: str, files: list[Path], workers: int) -> Spent:
    """Plain decoding of files, some at a time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        spent = list(pool.map(lambda file: spend(decode(ffmpeg, file)), files))
    return Spent(sum(each.cpu for each in spent), time.perf_counter() - start, max(each.memory for each in spent))


def links(folder: Path, tracks: list[Path], number: int) -> list[Path]:
    """Files in a folder that are links to some tracks in turn."""
    folder.mkdir()
    found = [folder / f"{index:04}{tracks[0].suffix}" for index in range(number)]
    for index, path in enumerate(found):
        path.symlink_to(tracks[index % len(tracks)])
    return found


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=300)
    asked = parser.parse_args()
    workers, number = asked.workers, asked.files
    tracks = [track(asked.seconds, first=first) for first in range(TRACKS)]
    name, ffmpeg = min(ffmpegs().items(), key=lambda each: min(spend(decode(each[1], tracks[0])).cpu for _ in range(3)))
    costs: dict[str, list[tuple[float, float]]] = {}  # CPU seconds and seconds on the clock of one file
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few"), Path(folder, "many")
        links(few, tracks, workers)
        files = links(many, tracks, workers + number)
        scan(few, workers, ())  # uncounted, so that everything is compiled
        for _ in range(asked.rounds):
            spent = decoding(ffmpeg, files[:number], workers)
            costs.setdefault("decode", []).append((spent.cpu / number, spent.wall / number))
            for mode, (_, options, _) in MODES.items():
                less, more = (scan(music, workers, options) for music in (few, many))
                cost = ((more.cpu - less.cpu) / number, (more.wall - less.wall) / number)
                costs.setdefault(mode, []).append(cost)
    parts: dict[str, float] = json.loads(spend([sys.executable, "-c", PARTS, str(tracks[0])]).output)

    missed: list[str] = []

    def row(what: str, mode: str, aim: int = 0) -> tuple[str, ...]:
        by_cpu = [workers * HOUR / cpu for cpu, _ in costs[mode]]
        by_clock = [HOUR / clock for _, clock in costs[mode]]
        busy = [cpu / clock / workers for cpu, clock in costs[mode]]
        multiple = [one / other for (one, _), (other, _) in zip(costs[mode], costs["decode"], strict=True)]
        reached = statistics.median(by_cpu) >= aim
        if aim and not reached:
            missed.append(f"{what} ({statistics.median(by_cpu):,.0f} instead of {aim:,} tracks an hour)")
        target = f"{aim:,}: {'reached' if reached else 'missed'}" if aim else ""
        return what, median(by_cpu, ",.0f"), median(by_clock, ",.0f"), median(busy, ".0%"), median(multiple), target

    rows = [row(f"plain decoding, {name}", "decode")]
    rows += [row(f"`{what}`", mode, aim) for mode, (what, _, aim) in MODES.items()]
    whole = statistics.median(cpu for cpu, _ in costs["everything"])
    shares = [(part, f"{1000 * cost:.1f}", f"{cost / whole:.1%}") for part, cost in parts.items()]
    head = ("what", "tracks an hour, by CPU time", "by the clock", "busy", "multiple of decoding", "target")
    write(
        "scan",
        f"""{conditions()}
Tracks of {asked.seconds} s, mp3 of 320 kb/s, {workers} processes with one thread each; {asked.rounds} rounds of
{number} files (smallest–largest). *By CPU time*: what {workers} free cores would do; *by the clock* counts whatever
else the machine did. *Busy* is the share of the cores that the programs had.

{table(head, rows)}

Targets that are missed, by CPU time: {"; ".join(missed) or "none"}.

Where the CPU time of a track goes, each part alone:

{table(("part", "ms", "of a track in a scan"), shares)}

{HOUR / whole:,.0f} tracks in a core-hour; a million take {MILLION * whole / HOUR:,.0f} core-hours.""",
    )


if __name__ == "__main__":
    main()
