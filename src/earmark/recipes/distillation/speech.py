"""Speech that a program speaks: what an ear for music has to know in order to leave it alone.

Needs the program `espeak-ng`. What is said are syllables without a meaning, in the sounds of several languages.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np

from earmark.errors import ManifestError

VOICES = ("en-gb", "en-us", "de", "fr", "es", "it", "nl", "pt", "sv", "pl", "tr", "fi")
VARIANTS = ("", "+m1", "+m3", "+m7", "+f1", "+f2", "+f4", "+croak", "+whisper")
CONSONANTS, VOWELS = tuple("bdfghklmnprstvwz"), ("a", "e", "i", "o", "u", "ai", "ou")


def babble(seed: int, seconds: float) -> tuple[str, list[str]]:
    """A text to speak, and the options of the voice that speaks it."""
    rng = np.random.default_rng(seed)
    words = [
        "".join(str(rng.choice(CONSONANTS)) + str(rng.choice(VOWELS)) for _ in range(rng.integers(1, 4)))
        for _ in range(int(3 * seconds))
    ]
    breaks = rng.choice([" ", " ", " ", " ", ", ", ". "], len(words))
    text = "".join(word + pause for word, pause in zip(words, breaks, strict=True))
    voice = str(rng.choice(VOICES)) + str(rng.choice(VARIANTS))
    return text, ["-v", voice, "-s", str(rng.integers(110, 230)), "-p", str(rng.integers(10, 90))]


def speak(text: str, options: list[str], out: Path) -> None:
    """Speak into a .wav file.

    Raises:
        ManifestError: espeak-ng is not installed, or refuses.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise ManifestError("the recipe speaks to the ear: it needs the program espeak-ng")
    done = subprocess.run([program, *options, "-w", str(out), text], capture_output=True, text=True, check=False)  # noqa: S603  our own words
    if done.returncode or not out.exists():
        raise ManifestError(f"espeak-ng cannot speak: {done.stderr.strip()[-200:]}")
