"""What hearing costs, in multiples of the fastest plain decoding; writes the section `speed` of docs/benchmarks.md.

python -m bench.speed [--rounds 15] [--seconds 240]
"""

import argparse
import statistics
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bench.page import ROOT, table, write
from bench.programs import (
    EARMARK,
    ONE_THREAD,
    Spent,
    conditions,
    decode,
    fastest,
    ffmpegs,
    median,
    ratios,
    rounds,
    spend,
    track,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# A process that has heard the file before, as in a scan. A process's own peak of memory is measured by its own command.
RUNNING = """
import os, sys, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from earmark.hearing import Listener, Model
path, fast, parts = sys.argv[1], sys.argv[2] == "fast", () if sys.argv[2] == "styles" else ("rhythm", "key", "loudness")
listen = Listener(Model.open("house12"), fast=fast, parts=parts)
listen(path)
start = time.process_time()
listen(path)
print(time.process_time() - start)
"""

# What no start can do without, as the command imports it.
LIBRARIES = "import gc; gc.disable(); import numpy, onnxruntime, av.audio.fifo, soxr, typer; gc.freeze()"


def running(how: str, path: str) -> Spent:
    """The second hearing of a file by one process."""
    spent = spend([sys.executable, "-c", RUNNING, path, how])
    return replace(spent, cpu=float(spent.output))


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=240)
    asked = parser.parse_args()
    path = track(asked.seconds)
    short = str(min((ROOT / "examples").glob("*.opus")))
    builds = {name: partial(spend, decode(ffmpeg, path)) for name, ffmpeg in ffmpegs().items()}
    programs: dict[str, Callable[[], Spent]] = {
        **builds,
        "running": partial(running, "everything", str(path)),
        "running styles": partial(running, "styles", str(path)),
        "running fast": partial(running, "fast", str(path)),
        "listen": partial(spend, [*EARMARK, "listen", str(path)]),
        "fast": partial(spend, [*EARMARK, "listen", "--fast", str(path)]),
        "cold": partial(spend, [*EARMARK, "listen", short]),
        "cold in colours": partial(spend, [*EARMARK, "listen", short], {"FORCE_COLOR": "1"}),
        "help": partial(spend, [*EARMARK, "--help"]),
        "libraries": partial(spend, [sys.executable, "-c", LIBRARIES], {**ONE_THREAD, "ORT_DISABLE_TELEMETRY": "1"}),
    }
    spent = rounds(programs, asked.rounds)
    yardstick = fastest(spent, list(builds))
    missed: list[str] = []

    def verdict(what: str, found: float, aim: float, unit: str) -> str:
        if found > aim:
            missed.append(f"{what} ({found:.2f}{unit} instead of {aim:g}{unit})")
        return f"at most {aim:g}{unit}: {'missed' if found > aim else 'reached'}"

    def row(what: str, name: str, aim: float | None = None) -> tuple[str, ...]:
        multiples = ratios(spent[name], spent[yardstick])
        target = verdict(what, statistics.median(multiples), aim, "") if aim else ""
        return what, f"{median([each.cpu for each in spent[name]])} s", median(multiples), target

    hearing = [
        *(row(f"`ffmpeg -i FILE -f null -`, {name}", name) for name in builds),
        row("a track in a running process, everything heard", "running", 2.2),
        row("the same, styles alone", "running styles"),
        row("the same, `--fast`", "running fast"),
        row("`earmark listen FILE`, from nothing", "listen", 3.0),
        row("`earmark listen --fast FILE`, from nothing", "fast", 1.5),
    ]
    cold = [each.cpu for each in spent["cold"]]
    memory = [each.memory for each in spent["listen"]]
    start = [
        (
            "first answer, `earmark listen` of 30 s",
            f"{median(cold)} s CPU",
            verdict("cold start to the first answer", statistics.median(cold), 0.45, " s"),
        ),
        ("the same, drawn as for a terminal", f"{median([each.cpu for each in spent['cold in colours']])} s CPU", ""),
        (
            "of it Python with NumPy, ONNX Runtime, PyAV, soxr and typer, imported and not used",
            f"{median([each.cpu for each in spent['libraries']])} s CPU",
            "",
        ),
        ("`earmark --help`", f"{median([each.cpu for each in spent['help']])} s CPU", ""),
        (
            "peak memory of `earmark listen FILE`",
            f"{median(memory, '.0f')} MB",
            verdict("peak memory", statistics.median(memory), 160, " MB"),
        ),
        ("peak memory of `earmark listen --fast FILE`", f"{median([e.memory for e in spent['fast']], '.0f')} MB", ""),
    ]
    write(
        "speed",
        f"""{conditions()}
A track of {asked.seconds} s, mp3 of 320 kb/s. CPU time is user plus system time; the median of {asked.rounds} rounds in
which the programs take turns (smallest–largest); earmark is compiled, as it is when pip has installed it. The yardstick
is the fastest FFmpeg that was there, {yardstick}.

{table(("what", "CPU time", "multiple of decoding", "target"), hearing)}

{table(("what", "measured", "target"), start)}

Targets that are missed: {"; ".join(missed) or "none"}.""",
    )


if __name__ == "__main__":
    main()
