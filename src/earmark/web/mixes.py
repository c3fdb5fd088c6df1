"""The mixes that were rendered from the page, a few files each: listed and deleted."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.web import notes


@dataclass(frozen=True)
class RenderedMix:
    """A mix, or what one that was stopped has left.

    Attributes:
        name: of its files, without their suffixes.
        files: the sound, the cue sheet, the picture, the decisions; as far as they are there.
    """

    name: str
    files: tuple[Path, ...]

    def as_json(self) -> dict[str, Any]:
        """The mix in JSON: its files, their bytes, when it was made (seconds since 1970), its length, its tracks."""
        about = [path.stat() for path in self.files]
        seconds, tracks = next(
            (found for path in self.files if path.suffix == ".json" and (found := notes.read(path, _decided))),
            (None, []),
        )
        return {
            "name": self.name,
            "files": [path.name for path in self.files],
            "bytes": sum(each.st_size for each in about),
            "made": max(each.st_mtime for each in about),
            "seconds": seconds,
            "tracks": tracks,
        }

    def delete(self) -> None:
        """Delete its files."""
        for path in self.files:
            path.unlink(missing_ok=True)


def mixes(folder: Path) -> list[RenderedMix]:
    """The mixes in a folder, which need not be there; the latest first."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in folder.glob("[!.]*"):
        if path.is_file():
            found[path.stem].append(path)
    latest = sorted(found, key=lambda name: -max(path.stat().st_mtime for path in found[name]))
    return [RenderedMix(name, tuple(sorted(found[name], key=_place))) for name in latest]


def _place(path: Path) -> tuple[int, str]:
    """The place of a file in its mix: the sound comes first."""
    beside = (".cue", ".svg", ".json")
    return beside.index(path.suffix) + 1 if path.suffix in beside else 0, path.name


def _decided(decisions: Any) -> tuple[float, list[str]]:  # noqa: ANN401  JSON
    """The length of a mix in seconds and the names of its tracks, out of its decisions."""
    return float(decisions["seconds"]), [_named(track) for track in decisions["tracks"]]


def _named(track: dict[str, Any]) -> str:
    title = track["title"] or Path(track["path"]).stem
    return f"{track['artist']} – {title}" if track["artist"] else title
