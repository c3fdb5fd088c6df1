"""A program that plays sound files, in the background."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

from earmark.errors import EarmarkError

FFPLAY: Final = ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error")
NONE: Final = "none"


class Player:
    """A player; it plays one file at a time.

    Args:
        command: a program with its options, to which the file is added; "" for ffplay where there is one, "none" for
            silence.

    Raises:
        EarmarkError: there is no such program, or the quotes are odd.
    """

    def __init__(self, command: str = "") -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise EarmarkError(f"the player {command!r} cannot be read: {error}") from None
        if words and command != NONE and not shutil.which(words[0]):
            raise EarmarkError(f"{words[0]}: there is no such program; --player none plays nothing")
        found = words or (FFPLAY if shutil.which(FFPLAY[0]) else ())
        self.command = () if command == NONE else tuple(found)
        self._playing: subprocess.Popen[bytes] | None = None

    def play(self, path: Path) -> bool:
        """Begin to play a file, and end what plays; whether there is a player."""
        self.stop()
        if not self.command:
            return False
        quiet = subprocess.DEVNULL
        self._playing = subprocess.Popen([*self.command, str(path)], stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603  the user's own
        return True

    def stop(self) -> None:
        """End what plays."""
        if self._playing:
            self._playing.terminate()
            self._playing.wait()
        self._playing = None
