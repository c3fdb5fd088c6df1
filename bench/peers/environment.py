"""Environments for the peers, made by pip in build/peers and used again."""

import subprocess
import sys
import venv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bench.page import ROOT

ENVIRONMENTS = ROOT / "build" / "peers"
VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


class Missing(Exception):  # noqa: N818  a peer is missing
    """A peer cannot be installed here; the message is the first error that pip told."""


@cache
def python(packages: Sequence[str]) -> tuple[str, str]:
    """The interpreter of an environment with these packages, and the name and version of the first one.

    Raises:
        Missing: pip cannot install them.
    """
    folder = ENVIRONMENTS / packages[0]
    interpreter = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    made = folder / "made"
    if not made.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(interpreter), "-m", "pip", "install", "--quiet", *packages]
        done = subprocess.run(install, check=False, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
            raise Missing(errors[0].removeprefix("ERROR: ") if errors else "pip failed")
        made.touch()
    found = subprocess.run([interpreter, "-c", VERSION, packages[0]], check=True, capture_output=True, text=True)
    return str(Path(interpreter)), f"{packages[0]} {found.stdout.strip()}"
