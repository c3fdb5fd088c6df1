"""Labelled tracks as embeddings of a frozen model.

Heads hear windows, but a track is one opinion whatever its length: the windows of a track weigh as much together as
those of any other, and so do the styles.

The artist of a track decides what it may be tested against. Tracks that share an artist are one *group*, and so are
copies of the same recording; a track without a named artist is a group of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import ManifestError
from earmark.learning.data.duplicates import components
from earmark.learning.data.embeddings import Embedded
from earmark.learning.data.manifest import Manifest, ManifestEntry
from earmark.learning.data.splits import first_artist

Indices = NDArray[np.intp]
FEWEST = 2  # tracks of a style: one to learn from, one to be tested


@dataclass(frozen=True)
class LabelledEmbeddings:
    """Embeddings of labelled tracks.

    Attributes:
        styles: names of the styles, in output order.
        entries: the tracks as the manifest names them.
        labels: (tracks,) index of each track's style.
        groups: (tracks,) tracks of the same number must not be on both sides of a test.
        windows: (windows, dims) embeddings.
        logits: (windows, base styles) the model's own logits.
        track_of: (windows,) the track each window belongs to, rising.
    """

    styles: tuple[str, ...]
    entries: tuple[ManifestEntry, ...]
    labels: Indices
    groups: Indices
    windows: NDArray[np.float32]
    logits: NDArray[np.float32]
    track_of: Indices

    def part(self, tracks: Indices) -> "LabelledEmbeddings":
        """Some of the tracks, in their order, of the same styles."""
        chosen = np.zeros(len(self.labels), bool)
        chosen[tracks] = True
        kept = chosen[self.track_of]
        return LabelledEmbeddings(
            self.styles,
            tuple(entry for entry, wanted in zip(self.entries, chosen, strict=True) if wanted),
            self.labels[chosen],
            self.groups[chosen],
            self.windows[kept],
            self.logits[kept],
            (chosen.cumsum() - 1)[self.track_of[kept]],
        )

    def track_means(self) -> NDArray[np.float32]:
        """The mean embedding of each track, (tracks, dims)."""
        return over_tracks(self.windows, self.track_of).astype(np.float32)

    def track_weights(self) -> NDArray[np.float64]:
        """The weight of each track, so that styles count alike: 1 on average, shape (tracks,)."""
        counts = np.bincount(self.labels, minlength=len(self.styles))
        present = int((counts > 0).sum())
        weights: NDArray[np.float64] = (len(self.labels) / present / np.maximum(counts, 1))[self.labels]
        return weights

    def window_weights(self) -> NDArray[np.float64]:
        """The weight of each window: its track's in equal parts, shape (windows,)."""
        parts: NDArray[np.float64] = (self.track_weights() / np.bincount(self.track_of))[self.track_of]
        return parts

    def artists(self) -> int:
        """The number of artists that are named."""
        return len({first_artist(entry.artist) for entry in self.entries} - {""})

    def nameless(self) -> int:
        """The number of tracks that name no artist."""
        return sum(not first_artist(entry.artist) for entry in self.entries)


def over_tracks(windows: NDArray[np.floating], track_of: Indices) -> NDArray[np.float64]:
    """The mean over the windows of each track, (windows, n) -> (tracks, n)."""
    sums = np.zeros((int(track_of[-1]) + 1, windows.shape[1]))
    np.add.at(sums, track_of, windows)
    means: NDArray[np.float64] = sums / np.bincount(track_of)[:, None]
    return means


def require_teachable(manifest: Manifest, name: Path | str) -> None:
    """Make sure that styles can be learned from a manifest, before anything is heard.

    Raises:
        ManifestError: it holds no tracks, no styles, a single style, or a style with fewer than two tracks.
    """
    if manifest.task != "styles":
        raise ManifestError(f"{name}: it names {manifest.task}; teaching needs one style for each track")
    if not manifest.entries:
        raise ManifestError(f"{name}: there are no tracks to learn from")
    counts = dict.fromkeys(manifest.classes, 0)
    for entry in manifest.entries:
        counts[entry.labels[0]] += 1
    if len(counts) == 1:
        raise ManifestError(f"{name}: all tracks are {manifest.classes[0]!r}; teaching needs at least two styles")
    for style, count in counts.items():
        if count < FEWEST:
            raise ManifestError(f"{name}: {style!r} has {count} track; teaching needs at least {FEWEST} of each style")


def prepare(manifest: Manifest, heard: Iterable[Embedded], name: Path | str = "the manifest") -> LabelledEmbeddings:
    """Join the labels of a manifest with the embeddings of its tracks; tracks that were not heard are left out.

    Raises:
        ManifestError: too little is left to learn from.
    """
    embedded = {each.path: each for each in heard}
    entries = tuple(entry for entry in manifest.entries if entry.path in embedded)
    left = Manifest(manifest.task, manifest.classes, entries)
    require_teachable(left, name)
    tracks = [embedded[entry.path].embeddings for entry in entries]
    return LabelledEmbeddings(
        styles=left.classes,
        entries=entries,
        labels=left.labels(),
        groups=group(entries, tracks),
        windows=np.concatenate(tracks),
        logits=np.concatenate([embedded[entry.path].logits for entry in entries]),
        track_of=np.repeat(np.arange(len(tracks)), [len(each) for each in tracks]),
    )


def group(entries: Sequence[ManifestEntry], tracks: Sequence[NDArray[np.float32]]) -> Indices:
    """Number the tracks by artist, so that copies of one recording share a number even under several names."""
    ties: dict[object, int] = {}
    pairs = []
    for track, (entry, embeddings) in enumerate(zip(entries, tracks, strict=True)):
        artist = first_artist(entry.artist)
        held_by = [("artist", artist) if artist else ("track", track), ("sound", embeddings.tobytes())]
        pairs += [(track, len(tracks) + ties.setdefault(tie, len(ties))) for tie in held_by]
    labels = components(len(tracks) + len(ties), pairs)[: len(tracks)]
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)
