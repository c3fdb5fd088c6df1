"""A track of a collection: a file, what its tags say, and what was heard in it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earmark.analysis import Analysis


@dataclass(frozen=True)
class Tags:
    """What stands in a file, in one form for all containers; "" or () or None where it says nothing.

    `genres` and `styles` keep the order and the spelling of the file. `bpm` is a number however the container writes
    it. `key` is what stands there: `Am`, `8A`, `A minor`. `provenance` is what earmark wrote about an earlier analysis.
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


@dataclass(frozen=True)
class Track:
    """One file of a collection.

    `fingerprint` identifies the content of the file whatever its name (a hash, hex); `modified` is its time of change
    in nanoseconds. `analysis` is None where the file could not be heard: `error` says why. `missing` marks a file that
    has vanished since. `id` is its number in the catalogue, 0 outside of one.
    """

    path: Path
    size: int
    modified: int
    fingerprint: str
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
            "fingerprint": self.fingerprint,
            "tags": vars(self.tags),
            "heard": self.analysis.as_json(top=3) if self.analysis else None,
        }
