"""A track of a collection: a file, what its tags say, and what was heard in it."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from earmark.analysis import LIKELY, SURE, Analysis
from earmark.styles import families_of


@dataclass(frozen=True)
class Tags:
    """Tags of a file, in one form for all containers; "" or () or None where it has none.

    `genres` and `styles` keep the order and the spelling of the file. `bpm` is a number however the container writes
    it; `bpm_text` is what stands there where that is no number ("120-128"), so that it is not taken for empty. `key` is
    what stands there: `Am`, `8A`, `A minor`. `provenance` is what earmark wrote about an earlier analysis.
    A comment of several values has its first in `comment`, the others in `more_comments`.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    genres: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    bpm: float | None = None
    key: str = ""
    energy: str = ""
    comment: str = ""
    provenance: str = ""
    bpm_text: str = ""
    more_comments: tuple[str, ...] = ()

    def as_kept(self) -> Self:
        """The tags as the catalogue and JSON have them: without the fields of `OF_FILES_ONLY`."""
        return replace(self, bpm_text="", more_comments=())


OF_FILES_ONLY: Final = frozenset({"bpm_text", "more_comments"})
"""Fields of `Tags` that are neither in the catalogue nor in JSON."""


@dataclass(frozen=True)
class Track:
    """One file of a collection.

    `content_hash` identifies the sound in the file whatever its name and its tags (hex, `library.content`); `modified`
    is its time of change in nanoseconds. `analysis` is None where the file could not be heard: `error` says why.
    `missing` marks a file that has vanished since. `id` is its number in the catalogue, 0 outside of one.
    """

    path: Path
    size: int
    modified: int
    content_hash: str
    tags: Tags = field(default_factory=Tags)
    analysis: Analysis | None = None
    error: str = ""
    missing: bool = False
    id: int = 0

    def as_json(self) -> dict[str, Any]:
        """The track as it stands in JSON, with its three most probable styles; `heard` is null where nothing was."""
        return {
            "id": self.id,
            "path": str(self.path),
            "missing": self.missing,
            "error": self.error,
            "fingerprint": self.content_hash,
            "tags": {name: value for name, value in vars(self.tags).items() if name not in OF_FILES_ONLY},
            "heard": self.analysis.as_json(top=3) if self.analysis else None,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """The single values of a track that was heard: little enough to hold those of a whole collection.

    `duration` is in seconds; `bpm` and `energy` (0-1, `Loudness.energy`) are None and `camelot` is "" where they are
    not known. `probabilities` are those of `styles` in the whole track, (styles,); `unknown` says that none is probable
    enough to be named.
    """

    path: Path
    content_hash: str
    title: str
    artist: str
    duration: float
    styles: tuple[str, ...]
    probabilities: NDArray[np.float64]
    bpm: float | None = None
    camelot: str = ""
    energy: float | None = None
    unknown: bool = False
    id: int = 0

    @classmethod
    def of(cls, track: Track) -> Self:
        """The summary of a track.

        Raises:
            ValueError: it was not heard.
        """
        heard = track.analysis
        if heard is None:
            raise ValueError(f"{track.path} was not heard")
        return cls(
            path=track.path,
            content_hash=track.content_hash,
            title=track.tags.title,
            artist=track.tags.artist,
            duration=heard.duration,
            styles=heard.timeline.styles,
            probabilities=heard.timeline.mean(),
            bpm=heard.rhythm.bpm if heard.rhythm else None,
            camelot=heard.key.camelot() if heard.key else "",
            energy=heard.loudness.energy() if heard.loudness else None,
            unknown=heard.unknown,
            id=track.id,
        )

    def name(self) -> str:
        """Artist and title, or the name of the file."""
        return f"{self.artist} – {self.title}" if self.artist and self.title else self.path.name

    def style(self) -> str:
        """The most probable style."""
        return self.styles[int(self.probabilities.argmax())]

    def verdict(self) -> str:
        """The name for a row: a style, a family where that is more likely and no style is, or "unknown"."""
        share = self.probabilities.max()
        if share >= LIKELY and not self.unknown:
            return self.style()
        sums: dict[str, float] = {}
        for style, family in families_of(self.styles).items():
            sums[family] = sums.get(family, 0.0) + self.probabilities[self.styles.index(style)]
        family = max(sums, key=lambda each: sums[each])
        if len(sums) > 1 and sums[family] > share and sums[family] >= (SURE if self.unknown else LIKELY):
            return f"{family} family"
        return "unknown" if self.unknown else self.style()


@dataclass(frozen=True)
class FileState:
    """State of a file when it was last looked at: enough to tell whether it must be heard again.

    The fields are those of `Track`; `version` stands for the model that heard it, None where none did.
    """

    id: int
    path: Path
    size: int
    modified: int
    content_hash: str
    missing: bool
    error: str
    version: str | None
