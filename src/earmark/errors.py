"""The tree of errors; every message names its file.

EarmarkError
├── FileError         one file that nothing can be done with; the others go on
│   ├── UnreadableAudio   it holds no audio that can be heard
│   ├── TagError          its tags cannot be read or written without doubt
│   └── UnexpectedError   earmark itself fails over it
├── BundleError       a model on disk that is damaged, incomplete or of another format
├── DownloadError     a file that cannot be had from the network, or is not the one that was asked for
├── TableError        a table of descriptors that cannot be trained on
├── ManifestError     a list of labelled tracks, or a training recipe, that cannot be trained on
├── CatalogueError    a catalogue that cannot be opened, or is of a newer earmark
├── ExchangeError     a file of another program (rekordbox, Traktor, a playlist) that cannot be read or written
├── PlanError         a set that cannot be made of the tracks that there are
└── MissingExtra      a command whose optional dependencies are not installed
"""

import traceback
from pathlib import Path
from typing import Final, Self

LONGEST_CAUSE: Final = 200  # characters of an unexpected error's message in its line


class EarmarkError(Exception):
    """The root of the tree: catch it to catch everything that earmark raises on purpose."""


class FileError(EarmarkError):
    """One file that nothing can be done with; the work on others goes on."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)  # both, so that the error survives pickling between processes
        self.path = Path(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class UnreadableAudio(FileError):  # noqa: N818  the name says what is wrong with the file
    """A file that holds no audio that can be heard."""


class TagError(FileError):
    """A file whose tags cannot be read or written without doubt."""


class UnexpectedError(FileError):
    """A file over which earmark itself fails: a fault of the program, or no memory left.

    Attributes:
        traceback: where in the program it failed.
    """

    def __init__(self, path: Path | str, reason: str, traceback: str = "") -> None:
        super().__init__(path, reason)
        self.args = (path, reason, traceback)
        self.traceback = traceback

    @classmethod
    def of(cls, path: Path, error: Exception) -> Self:
        """The failure of an exception that nobody foresaw."""
        if isinstance(error, MemoryError):
            reason = "there is not enough memory for it"
        elif isinstance(error, OSError) and error.strerror:  # a full disk, a drive that is gone: no fault of earmark
            reason = ": ".join(map(str, filter(None, [error.strerror, error.filename])))
        else:
            message = " ".join(str(error).split())[:LONGEST_CAUSE]
            cause = ": ".join(filter(None, [type(error).__name__, message]))
            reason = f"earmark could not handle this file: {cause} (please report it)"
        return cls(path, reason, "".join(traceback.format_exception(error)))


class BundleError(EarmarkError):
    """A model on disk that is damaged, incomplete or of another format."""


class DownloadError(EarmarkError):
    """A file that cannot be had from the network, or is not the one that was asked for."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"


class TableError(EarmarkError):
    """A table of descriptors that cannot be trained on."""


class ManifestError(EarmarkError):
    """A list of labelled tracks, or a training recipe, that cannot be trained on."""


class CatalogueError(EarmarkError):
    """A catalogue that cannot be opened, or is of a newer earmark."""


class ExchangeError(EarmarkError):
    """A file of another program (rekordbox, Traktor, a playlist) that cannot be read or written."""


class PlanError(EarmarkError):
    """A set that cannot be made of the tracks that there are, or weights that are none."""


class MissingExtra(EarmarkError):  # noqa: N818  names the thing that is missing
    """A command whose optional dependencies are not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(purpose, extra)
        self.purpose = purpose
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.purpose} needs more than the base install: pip install 'earmark[{self.extra}]'"
