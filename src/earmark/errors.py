"""The tree of errors; every message names its file.

EarmarkError
├── UnreadableAudio   a file that holds no audio that can be heard
├── BundleError       a model on disk that is damaged, incomplete or of another format
├── DownloadError     a file that cannot be had from the network, or is not the one that was asked for
├── TableError        a table of descriptors that cannot be trained on
├── ManifestError     a list of labelled tracks, or a training recipe, that cannot be trained on
├── CatalogueError    a catalogue that cannot be opened, or is of a newer earmark
├── TagError          a file whose tags cannot be read or written without doubt
├── ExchangeError     a file of another program (rekordbox, Traktor, a playlist) that cannot be read or written
└── MissingExtra      a command whose optional dependencies are not installed
"""

from pathlib import Path


class EarmarkError(Exception):
    """The root of the tree: catch it to catch everything that earmark raises on purpose."""


class UnreadableAudio(EarmarkError):  # noqa: N818  the name says what is wrong with the file
    """A file that holds no audio that can be heard."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)  # both, so that the error survives pickling between processes
        self.path = Path(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


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


class TagError(EarmarkError):
    """A file whose tags cannot be read or written without doubt."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = Path(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class ExchangeError(EarmarkError):
    """A file of another program (rekordbox, Traktor, a playlist) that cannot be read or written."""


class MissingExtra(EarmarkError):  # noqa: N818  names the thing that is missing
    """A command whose optional dependencies are not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(purpose, extra)
        self.purpose = purpose
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.purpose} needs more than the base install: pip install 'earmark[{self.extra}]'"
