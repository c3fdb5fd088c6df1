"""Manifests from the user's own crates: what DJ programs know becomes labels and values.

The target of learning is one of

* `genre`: the user's genres, in the user's words;
* `playlist`: the playlists that a track is in;
* `rating`: how many stars the user has given (1-5); tracks without stars are left out;
* `plays`: how often the user has played it, as the program counts, or as often as it is in the history.

A collection spells one word in many ways ("Techno", "techno "): the most frequent spelling counts.
"""

from collections import Counter
from collections.abc import Collection as Container
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePath
from typing import Final, Literal, TypeAlias

from earmark.errors import ManifestError
from earmark.files import absolute, composed
from earmark.learning.data.formats import SEPARATOR, is_text
from earmark.learning.data.manifest import Manifest, ManifestEntry, labelled, spell
from earmark.learning.data.sources import Collected, Dropped
from earmark.learning.data.splits import split_of
from earmark.library.imports import Collection, ImportedTrack, Playlist, file_names
from earmark.library.places import located
from earmark.styles import normalise

Target: TypeAlias = Literal["genre", "playlist", "rating", "plays"]

LABELS: Final = ("genre", "playlist")  # targets that are words; the others are numbers


def from_collection(
    collection: Collection,
    target: Target,
    *,
    several: bool = False,
    only: Container[str] = (),
    moved: Mapping[str, Path] | None = None,
) -> Collected:
    """Collect the labelled tracks of a collection.

    Args:
        collection: what a DJ program knows.
        target: the part of it to learn.
        several: a track may have any number of labels; else it is left out if it has not exactly one.
        only: names of playlists, or of folders with playlists, to which the tracks are limited; all if empty.
        moved: beginnings of paths and what they became on this machine.

    Raises:
        ManifestError: no playlist and no folder is called like a name in `only`.
    """
    collection = _here(collection, moved)
    chosen = _chosen(collection.playlists, only)
    tracks = {Path(track.path): track for track in collection.tracks}
    listed = dict.fromkeys(Path(path) for playlist in chosen for path in playlist.tracks)
    limited = target == "playlist" or bool(only)
    files: Iterable[Path] = listed if limited else tracks
    labels = _labels(collection, chosen, target) if target in LABELS else {}
    history = Counter(play.path for play in collection.history if play.public)
    entries: list[ManifestEntry] = []
    dropped: list[Dropped] = []
    for file in files:
        track = tracks.get(file, ImportedTrack(file))
        value = labels.get(file, ()) if target in LABELS else _value(track, target, history)
        reason = _why_not(file, value, target, several=several)
        if reason:
            dropped.append(Dropped(file, reason))
        else:
            entries.append(_entry(file, track, value))
    if target in LABELS:
        manifest = labelled("tags" if several else "styles", entries)
    else:
        manifest = Manifest("values", (target,), tuple(entries))
    return Collected(manifest, tuple(dropped))


def _here(collection: Collection, moved: Mapping[str, Path] | None) -> Collection:
    """The collection with the files of this machine; places that are the same file are one track.

    Of a file that is described twice, the first description counts.
    """

    @cache
    def file(path: PurePath) -> Path:
        return absolute(located(path, moved))

    tracks = {file(track.path): track for track in reversed(collection.tracks)}
    order = dict.fromkeys(file(track.path) for track in collection.tracks)
    return replace(
        collection,
        tracks=tuple(replace(tracks[path], path=path) for path in order),
        playlists=tuple(replace(each, tracks=tuple(map(file, each.tracks))) for each in collection.playlists),
        history=tuple(replace(play, path=file(play.path)) for play in collection.history),
    )


def _chosen(playlists: Iterable[Playlist], only: Container[str]) -> list[Playlist]:
    named = [(each, {composed(name) for name in (each.name, *each.folders)}) for each in playlists]
    for name in only:
        if not any(composed(name) in names for _, names in named):
            raise ManifestError(f"no playlist and no folder is called {name!r}")
    return [each for each, names in named if not only or names.intersection(map(composed, only))]


def _labels(collection: Collection, playlists: Iterable[Playlist], target: Target) -> dict[PurePath, tuple[str, ...]]:
    """The labels of each track, every label in its most frequent spelling."""
    if target == "genre":
        labels_of = {track.path: track.genres for track in collection.tracks}
    else:
        lists: dict[PurePath, tuple[str, ...]] = {}
        for playlist in playlists:
            for path in dict.fromkeys(playlist.tracks):
                lists[path] = (*lists.get(path, ()), playlist.name)
        labels_of = lists
    counts = Counter(label for labels in labels_of.values() for label in labels)
    spelling: dict[str, str] = {}
    for label, _ in counts.most_common():
        spelling.setdefault(normalise(label) or label, spell(label).replace(SEPARATOR, ","))
    return {
        path: tuple(dict.fromkeys(spelling[normalise(label) or label] for label in labels))
        for path, labels in labels_of.items()
    }


def _value(track: ImportedTrack, target: Target, history: Mapping[PurePath, int]) -> tuple[float, ...]:
    number = track.rating if target == "rating" else track.plays
    if target == "plays" and number is None:
        number = history.get(track.path)
    return () if number is None else (float(number),)


def _why_not(file: Path, value: tuple[str, ...] | tuple[float, ...], target: Target, *, several: bool) -> str:
    """The reason that nothing can be learned from a track, or ""."""
    if not value:
        return f"it has no {target}"
    if target in LABELS and len(value) > 1 and not several:
        return f"it has more than one {target}: {', '.join(map(str, value))}"
    if not is_text(str(file)):
        return "its name is not UTF-8 text, as a manifest is"
    return "" if file.is_file() else "there is no such file"


def _entry(file: Path, track: ImportedTrack, value: tuple[str, ...] | tuple[float, ...]) -> ManifestEntry:
    named = file_names.read(file)
    artist, title = track.artist or named.artist, track.title or named.title
    labels = tuple(each for each in value if isinstance(each, str))
    values = tuple(each for each in value if isinstance(each, float))
    artist, title = (text if is_text(text) else "" for text in (artist, title))
    return ManifestEntry(file, labels, values, artist, title, split_of(artist, file))
