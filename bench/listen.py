"""Speed of `earmark listen`, as ratios of CPU time against other programs in the same run.

Writes docs/benchmarks.md. The programs take turns, so a machine that slows down slows them all; the figure is the
median of the ratios of the rounds.
"""

import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg

from earmark import __version__

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
ROUNDS = 5
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

# What the system of 2018 did for each file: ten pieces by ffmpeg, each read by librosa, one batch through the network.
ORIGINAL = """
import subprocess, sys, tempfile
from pathlib import Path
import librosa, numpy as np, torch
from earmark.learning.networks import ARCHITECTURES

emusic = ARCHITECTURES["emusic"](12).eval()

ffmpeg, file, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
length = (seconds + 1) / 10
batch = np.zeros((10, emusic.samples), np.float32)
with tempfile.TemporaryDirectory() as folder:
    for piece in range(10):
        path = Path(folder, f"{piece}.mp3")
        command = [ffmpeg, "-v", "error", "-ss", str(piece * length), "-t", str(length), "-i", file, "-c", "copy", path]
        subprocess.run(command, check=True)
        waveform, _ = librosa.load(path, sr=emusic.sample_rate, mono=True)
        waveform = waveform[: emusic.samples]
        batch[piece, : len(waveform)] = waveform
with torch.no_grad():
    print(emusic(torch.from_numpy(batch))[0].softmax(-1).mean(0))
"""


def cpu_seconds(command: list[str]) -> float:
    """User and system time of a command and of all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_track(folder: Path, seconds: int) -> Path:
    """The example tracks one after the other, as an mp3 of 320 kb/s."""
    examples = sorted((ROOT / "examples").glob("*.opus"))
    chosen = [examples[index % len(examples)] for index in range(-(-seconds // 30))]
    inputs = [word for path in chosen for word in ("-i", str(path))]
    track = folder / "track.mp3"
    concat = f"concat=n={len(chosen)}:v=0:a=1"
    encode = ["-filter_complex", concat, "-ar", "44100", "-t", str(seconds), "-b:a", "320k"]
    subprocess.run([FFMPEG, "-v", "error", *inputs, *encode, str(track)], check=True)
    return track


def main() -> None:
    """Measure, print and write the page."""
    seconds = 300
    earmark = [sys.executable, "-m", "earmark"]
    version = subprocess.run([FFMPEG, "-version"], check=True, capture_output=True, text=True).stdout.split()[2]
    with tempfile.TemporaryDirectory() as folder:
        track = str(make_track(Path(folder), seconds))
        short = str(next((ROOT / "examples").glob("*.opus")))
        programs = {
            "decode": [FFMPEG, "-v", "error", "-i", track, "-f", "null", "-"],
            "listen": [*earmark, "listen", track],
            "fast": [*earmark, "listen", "--fast", track],
            "original": [sys.executable, "-c", ORIGINAL, FFMPEG, track, str(seconds)],
            "cold": [*earmark, "listen", short],
            "help": [*earmark, "--help"],
        }
        if system := shutil.which("ffmpeg"):
            programs["system"] = [system, *programs["decode"][1:]]
        for command in programs.values():
            cpu_seconds(command)  # warm the file cache
        rounds = [{name: cpu_seconds(command) for name, command in programs.items()} for _ in range(ROUNDS)]

    def ratio(one: str, other: str) -> str:
        values = sorted(each[one] / each[other] for each in rounds)
        return f"{statistics.median(values):.2f} ({values[0]:.2f}–{values[-1]:.2f})"

    def cpu(name: str) -> str:
        values = sorted(each[name] for each in rounds)
        return f"{statistics.median(values):.2f} s ({values[0]:.2f}–{values[-1]:.2f})"

    other = (
        f"| the same by the system's own ffmpeg | {cpu('system')} | {ratio('system', 'decode')} | |\n" if system else ""
    )
    page = f"""# Benchmarks

Written by `make bench`: earmark {__version__}, Python {platform.python_version()}, FFmpeg {version},
{os.cpu_count()} cores of {platform.machine()}. CPU time is user plus system time of a whole process and all that it
starts; median of {ROUNDS} rounds in which the programs take turns (smallest–largest).

A {seconds // 60}-minute mp3 of 320 kb/s:

| what | CPU time | ratio | target |
|---|---|---|---|
| `ffmpeg -i FILE -f null -` | {cpu("decode")} | 1 | |
{other}| `earmark listen FILE` | {cpu("listen")} | {ratio("listen", "decode")} of the decode | at most 1.5 |
| `earmark listen --fast FILE` | {cpu("fast")} | {ratio("fast", "decode")} of the decode | at most 0.6 |
| the recipe of 2018 (ffmpeg pieces, librosa, the network in torch) | {cpu("original")} \
| {ratio("original", "listen")} times `earmark listen` | at least 8 |

From nothing to an answer:

| what | CPU time | target |
|---|---|---|
| `earmark listen` of a 30-s example | {cpu("cold")} | at most 1.0 s |
| `earmark --help` | {cpu("help")} | at most 0.3 s |
"""
    PAGE.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
