"""earmark beside programs of others, on the same file in the same run; writes the section `peers`.

    python -m bench.peers [--rounds 3] [--seconds 240]

Each peer has an environment of its own in build/peers, which is made if pip can; a peer that cannot be installed is
named with the reason and left out.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.page import table, write
from bench.peers.environment import Missing, python
from bench.programs import BUILD, EARMARK, ONE_THREAD, Spent, conditions, ffmpegs, median, ratios, spend, track
from bench.speed import running

SCRIPTS = Path(__file__).parent
BODY = BUILD / "emusic12-body.onnx"


def peers(ffmpeg: str) -> dict[str, tuple[tuple[str, ...], list[str]]]:
    """What a peer is called, what pip must install for it, and its script with the arguments before the files."""
    return {
        "the recipe of 2018: ffmpeg, librosa, the same network": (
            ("librosa", "onnxruntime"),
            ["recipe_2018.py", ffmpeg, str(BODY)],
        ),
        "librosa: features, beats, chroma": (("librosa", "onnxruntime"), ["librosa_features.py"]),
        "Essentia: MusicExtractor": (("essentia",), ["essentia_extractor.py"]),
        "Essentia: RhythmExtractor2013, KeyExtractor": (("essentia",), ["essentia_rhythm_key.py"]),
    }


def twice(script: Sequence[str], interpreter: str, path: Path) -> tuple[Spent, Spent]:
    """Hear a file twice in one process: the cost from nothing, and that of the second time."""
    spent = spend([interpreter, str(SCRIPTS / script[0]), *script[1:], str(path), str(path)], ONE_THREAD)
    first, second = (float(json.loads(line)["cpu"]) for line in spent.output.splitlines())
    return replace(spent, cpu=first), replace(spent, cpu=second - first)


def earmark(path: Path) -> tuple[Spent, Spent]:
    """The same of earmark."""
    return spend([*EARMARK, "listen", "--json", str(path)]), running("everything", str(path))


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=240)
    asked = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    spend([sys.executable, "-m", "bench.peers.body", str(BODY)])
    path, short = track(asked.seconds), track(30)
    ffmpeg = next(iter(ffmpegs().values()))
    earmark(short)  # as the others below
    programs = {"earmark": partial(earmark, path)}
    labels = {"earmark": "**earmark: `listen FILE`**"}
    absent: list[str] = []
    for name, (needs, script) in peers(ffmpeg).items():
        try:
            interpreter, version = python(needs)
            twice(script, interpreter, short)  # what it compiles or reads for the first time
        except (Missing, OSError) as error:
            absent.append(f"{name} ({error})")
            continue
        except subprocess.CalledProcessError as error:
            absent.append(f"{name} ({(error.stderr.strip().splitlines() or ['it failed'])[-1]})")
            continue
        programs[name] = partial(twice, script, interpreter, path)
        labels[name] = f"{name} ({version})"
    turns = [{name: run() for name, run in programs.items()} for _ in range(asked.rounds)]

    quicker: list[str] = []
    rows = []
    for name, label in labels.items():
        cells = [label]
        for how in (0, 1):
            own, ours = [turn[name][how] for turn in turns], [turn["earmark"][how] for turn in turns]
            times = ratios(own, ours)
            cells += [f"{median([each.cpu for each in own])} s", median(times)]
            if statistics.median(times) < 1:
                quicker.append(f"{name}, {('from nothing', 'in a running process')[how]}")
        rows.append((*cells, median([turn[name][0].memory for turn in turns], ".0f")))
    head = ("what", "CPU time from nothing", "multiple", "the next file", "multiple", "peak memory, MB")
    write(
        "peers",
        f"""{conditions()}
A track of {asked.seconds} s, mp3 of 320 kb/s; each program with one thread where it can be told; the
median of {asked.rounds} rounds in which they take turns (smallest–largest). The multiples are of earmark's time.
*The next file* is what one more file costs a process that has heard one.

{table(head, rows)}

Not here: {"; ".join(absent) or "none"}. Quicker than earmark: {"; ".join(quicker) or "none"}.""",
    )


if __name__ == "__main__":
    main()
