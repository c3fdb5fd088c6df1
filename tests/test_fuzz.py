"""Mutants of small files, each through hearing and tagging: answers, or errors that say why, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("fuzz_driver.py")
KINDS = ["mp3 2.3", "mp3 2.4", "aiff", "wav", "tta", "flac", "ogg", "opus", "m4a aac", "m4a alac", "wavpack", "wma"]
MUTANTS = 2000  # in all
LIMIT = 900  # seconds for those of one kind


def fuzz(kind: str, count: int, model: Path, folder: Path) -> str:
    """What is wrong with the answers to so many mutants; "" if nothing is."""
    command = [sys.executable, str(DRIVER), kind, str(count), "1", str(model), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    return ended.stdout if ended.returncode == 0 else f"{ended.returncode}: {ended.stdout}{ended.stderr}"


@pytest.mark.parametrize("kind", ["mp3 2.3", "flac"])
def test_mutants_are_heard_or_refused(kind: str, tiny: Path, tmp_path: Path) -> None:
    assert fuzz(kind, 20, tiny, tmp_path) == ""


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_mutants_are_heard_or_refused(kind: str, tiny: Path, tmp_path: Path) -> None:
    assert fuzz(kind, -(-MUTANTS // len(KINDS)), tiny, tmp_path) == ""
