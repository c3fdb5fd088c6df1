"""Labelled tracks from a folder for each style or a manifest, and the other music that they are merged against."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from earmark.errors import ManifestError
from earmark.files import absolute
from earmark.learning.data import manifest as manifests
from earmark.learning.data.manifest import ManifestEntry, labelled
from earmark.learning.data.sources import Collected, from_folder, tags_of
from earmark.learning.teaching.labelled import require_teachable
from earmark.runner import gather


def read(source: Path, splits: Sequence[str] = ()) -> Collected:
    """The labelled tracks of a folder or a manifest.

    Args:
        source: a folder with a folder for each style, or a manifest.
        splits: the splits to learn from; all if none is named, because cross-validation cuts anew.

    Raises:
        ManifestError: there is nothing that styles could be learned from.
    """
    if not source.exists():
        raise ManifestError(f"{source}: no such folder or manifest")
    found = from_folder(source) if source.is_dir() else Collected(manifests.read(source))
    manifest = found.manifest
    if splits and manifest.task == "styles":
        if unknown := set(splits) - {entry.split for entry in manifest.entries}:
            raise ManifestError(f"{source}: no track is in the split {' or '.join(map(repr, sorted(unknown)))}")
        manifest = labelled("styles", (entry for entry in manifest.entries if entry.split in splits))
    require_teachable(manifest, source)
    return replace(found, manifest=manifest)


def read_others(source: Path) -> tuple[ManifestEntry, ...]:
    """The tracks of a folder, with all below it, or of a manifest, whatever their labels.

    Raises:
        ManifestError: it is neither.
    """
    if not source.exists():
        raise ManifestError(f"{source}: no such folder or manifest")
    if not source.is_dir():
        return manifests.read(source).entries
    found = [path for path in gather([str(source)]) if isinstance(path, Path)]
    return tuple(ManifestEntry(absolute(path), artist=tags_of(path)[0].artist) for path in found)
