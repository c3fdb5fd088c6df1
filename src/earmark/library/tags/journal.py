"""Journals of writes: all that undoing them needs, on disk before each of them happens.

Conventions: each run of `earmark tag --write` is one file of JSON lines, named by its time in UTC, to which lines are
only ever added; each is on disk (fsync) before the file it speaks of is renamed. A line holds the path, the digest of
the file before and after, and the bytes that were taken out with the places where they belong. A line that a killed run
did not finish stands for a write that never happened.

    {"format": 1, "path": ..., "before": sha256, "after": sha256, "splices": [[offset, length, zlib in base64], ...]}
    {"undone": number of the line}
"""

import base64
import json
import logging
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from earmark.errors import TagError
from earmark.files import data_folder, sync
from earmark.library.tags.patch import Patch, inverse

logger = logging.getLogger(__name__)

FORMAT: Final = 1
SUFFIX: Final = ".jsonl"
VARIABLE: Final = "EARMARK_JOURNAL"


@dataclass(frozen=True, slots=True)
class Restored:
    """From `offset` on, `length` bytes give way to `old`; offsets as in the file as it is now."""

    offset: int
    length: int
    old: bytes


@dataclass(frozen=True)
class Write:
    """One write: the file, its SHA-256 before and after, what leads back, and whether that has been done."""

    number: int
    path: Path
    before: str
    after: str
    back: tuple[Restored, ...]
    undone: bool = False


@dataclass(frozen=True)
class RunSummary:
    """A run of the past: its name, when it was, how many files it wrote, and how many of those were undone since."""

    name: str
    files: int
    undone: int


class Journal:
    """The journals of all runs, in a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def start(self) -> "Run":
        """A new run; nothing is written before the first of its writes."""
        now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        number = 1
        while (path := self.folder / f"{now}{f'-{number}' if number > 1 else ''}{SUFFIX}").exists():
            number += 1
        return Run(path)

    def runs(self) -> list[RunSummary]:
        """All runs, the latest first."""
        found = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}"), key=_order, reverse=True):
            writes = Run(path).writes()
            found.append(RunSummary(path.stem, len(writes), sum(write.undone for write in writes)))
        return found

    def latest(self) -> str:
        """The name of the latest run of which something is left to undo; "" for none."""
        return next((past.name for past in self.runs() if past.undone < past.files), "")

    def run(self, name: str) -> "Run | None":
        """The run of that name, if there is one."""
        path = self.folder / f"{name}{SUFFIX}"
        return Run(path) if Path(name).name == name and path.is_file() else None


def _order(path: Path) -> tuple[str, int]:
    """Runs of one second by their number."""
    day, time, *number = path.stem.split("-")
    return f"{day}-{time}", int(number[0]) if number else 1


class Run:
    """One run: a file to which lines are added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem

    def record(self, path: Path, patch: Patch, before: str, after: str) -> None:
        """Note what leads back from a write that is about to happen.

        Raises:
            TagError: it could not be noted, so the file must not be written.
        """
        splices = [[each.offset, len(each.old), _packed(each.new)] for each in inverse(patch)]
        line = {"format": FORMAT, "path": str(path), "before": before, "after": after, "splices": splices}
        try:
            self._add(line)
        except OSError as error:
            reason = f"not changed: the journal {self.path} cannot be written: {error.strerror}"
            raise TagError(path, reason) from error

    def mark_undone(self, write: Write) -> None:
        """Note that a write was undone.

        Raises:
            TagError: it could not be noted.
        """
        try:
            self._add({"undone": write.number})
        except OSError as error:
            reason = f"undone, but the journal {self.path} cannot be written: {error.strerror}"
            raise TagError(write.path, reason) from error

    def _add(self, line: dict[str, Any]) -> None:
        new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "ab") as file:
            # A newline on both sides: what a killed run left unfinished stays a line of its own.
            file.write(b"\n" + json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync(self.path.parent)

    def writes(self) -> list[Write]:
        """All writes, in their order.

        Raises:
            TagError: the journal is of a newer earmark.
        """
        writes: dict[int, Write] = {}
        for number, line in self._lines():
            if "undone" in line:
                old = writes[line["undone"]]
                writes[old.number] = Write(old.number, old.path, old.before, old.after, old.back, undone=True)
                continue
            if line["format"] != FORMAT:
                raise TagError(self.path, "the journal is of a newer earmark")
            back = tuple(Restored(offset, length, _unpacked(old)) for offset, length, old in line["splices"])
            writes[number] = Write(number, Path(line["path"]), line["before"], line["after"], back)
        return list(writes.values())

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, text in enumerate(self.path.read_bytes().split(b"\n")):
            if text:
                try:
                    yield number, json.loads(text)
                except ValueError:
                    logger.warning("%s, line %d: unfinished, left out", self.path, number + 1)


def _packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def default_folder() -> Path:
    """Folder of the journals: what EARMARK_JOURNAL says, else the place where this system keeps data of programs."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    return data_folder() / "journal"
