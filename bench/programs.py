"""Programs and what they cost: CPU time and memory, in rounds in which they take turns.

Processor time (user plus system, of a process and all that it starts) is compared and not time on the clock, so that
other work on the machine matters less; a machine that slows down slows all programs of a round. This module imports
little: a child's peak of memory is that of its parent at least.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import imageio_ffmpeg
from bench.page import ROOT

from earmark import __version__

BUILD: Final = ROOT / "build" / "bench"
EARMARK: Final = (sys.executable, "-m", "earmark")

# pip compiles what it installs. A checkout compiles when it is first run, unless the environment forbids that: here, in
# a place of its own, so that what is measured is what users have.
COMPILED: Final = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(BUILD / "compiled")}

# One thread in every library, as a process has one core when tracks are heard side by side.
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Spent:
    """Cost of a program: CPU seconds, seconds on the clock, peak memory of its largest process in MB; its output."""

    cpu: float
    wall: float
    memory: float
    output: str = ""


def spend(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Spent:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: it failed; the end of what it said on standard error is told.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        settings = {**os.environ, **COMPILED, **(environment or {})}
        child = subprocess.Popen(
            command, stdout=output, stderr=errors, stdin=subprocess.DEVNULL, cwd=ROOT, env=settings
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if child.returncode:
            said = errors.read().decode(errors="replace")[-2000:]
            print(said, file=sys.stderr)
            raise subprocess.CalledProcessError(child.returncode, list(command), stderr=said)
        kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
        return Spent(usage.ru_utime + usage.ru_stime, wall, kilobytes / 1000, output.read().decode(errors="replace"))


def decode(ffmpeg: str, track: Path) -> list[str]:
    """The command that decodes a file and throws the sound away."""
    return [ffmpeg, "-nostdin", "-v", "error", "-i", str(track), "-f", "null", "-"]


@cache
def ffmpegs() -> dict[str, str]:
    """Builds of FFmpeg that are on this machine: name and path."""
    found = {"the system's": shutil.which("ffmpeg"), "imageio-ffmpeg's": imageio_ffmpeg.get_ffmpeg_exe()}
    paths = {name: path for name, path in found.items() if path}
    return {f"{name} {_version(path)}": path for name, path in paths.items()}


def _version(path: str) -> str:
    return subprocess.run([path, "-version"], check=True, capture_output=True, text=True).stdout.split()[2]


def rounds(programs: Mapping[str, Callable[[], Spent]], number: int) -> dict[str, list[Spent]]:
    """Let programs take turns; one round before goes uncounted, so that files and libraries are in memory."""
    spent: dict[str, list[Spent]] = {name: [] for name in programs}
    for turn in range(number + 1):
        for name, run in programs.items():
            cost = run()
            if turn:
                spent[name].append(cost)
    return spent


def median(values: Sequence[float], form: str = ".2f") -> str:
    """The median, with the smallest and the largest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def ratios(ones: Sequence[Spent], others: Sequence[Spent]) -> list[float]:
    """The ratio of the CPU times in each round."""
    return [one.cpu / other.cpu for one, other in zip(ones, others, strict=True)]


def fastest(spent: Mapping[str, Sequence[Spent]], names: Sequence[str]) -> str:
    """The name of the one with the lowest median of CPU time."""
    return min(names, key=lambda name: statistics.median(each.cpu for each in spent[name]))


def conditions() -> str:
    """The line that says when and on what a section was measured."""
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return (
        f"Measured on {time.strftime('%Y-%m-%d, %H:%M')}: earmark {__version__}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores of {_processor()}{load}."
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def track(seconds: int, suffix: str = "mp3", *, first: int = 0) -> Path:
    """The example tracks one after the other, as an mp3 of 320 kb/s or as another kind of file; made once.

    Args:
        seconds: its length.
        suffix: of the file.
        first: number of the example with which it begins.
    """
    path = BUILD / f"track-{seconds}-{first}.{suffix}"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    examples = sorted((ROOT / "examples").glob("*.opus"))
    chosen = [examples[(first + index) % len(examples)] for index in range(-(-seconds // 30))]
    inputs = [word for each in chosen for word in ("-i", str(each))]
    encode = ["-filter_complex", f"concat=n={len(chosen)}:v=0:a=1", "-ar", "44100", "-t", str(seconds)]
    bitrate = ["-b:a", "320k"] if suffix == "mp3" else []
    fresh = path.with_name(f"fresh-{path.name}")
    ffmpeg = next(iter(ffmpegs().values()))
    subprocess.run([ffmpeg, "-nostdin", "-v", "error", "-y", *inputs, *encode, *bitrate, str(fresh)], check=True)
    return fresh.replace(path)
