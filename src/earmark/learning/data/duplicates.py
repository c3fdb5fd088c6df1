"""Copies of the same recording, kept on one side of the split.

A network that is tested on a copy of what it was trained on is tested on its memory. The artist's name alone cannot
prevent that: the same recording is filed under an alias, under another credited artist, under a compilation.

So copies, found by audio, go together with all tracks of their artists: **the side nearest to training wins**, train
before valid before test. That rule needs no memory and no order. Adding tracks never takes one out of training; a track
leaves the test only when a new copy of one of its artist's recordings shows that this artist is in training under
another name, and then all of the artist's tracks go along. A model that was trained before has therefore never heard
what is tested later.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from earmark.fingerprint import Fingerprint, pairs
from earmark.learning.data.manifest import Manifest, ManifestEntry
from earmark.learning.data.splits import SPLITS, first_artist

Group: TypeAlias = tuple[Path, ...]  # files with the same recording, two or more


def find_duplicates(fingerprints: Mapping[Path, Fingerprint]) -> list[Group]:
    """Find the files with the same recording; groups and files are in the order of the files."""
    paths = list(fingerprints)
    links = [(one, other) for one, other, _ in pairs(list(fingerprints.values()))]
    groups: dict[int, list[Path]] = {}
    for path, team in zip(paths, components(len(paths), links), strict=True):
        groups.setdefault(team, []).append(path)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def components(count: int, links: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    """Number the connected components of a graph: nodes linked directly or through others have one number.

    Args:
        count: number of nodes.
        links: pairs of linked nodes.

    Shape: (count,).
    """
    ends = np.array(links, np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.intp)


def keep_together(manifest: Manifest, groups: Iterable[Group]) -> Manifest:
    """Move copies, with all tracks of their artists, to the side nearest to training that any of them is on.

    Tracks of unknown artists go with their copies alone.
    """
    entries = manifest.entries
    place = {entry.path: index for index, entry in enumerate(entries)}
    artists: dict[str, int] = {}  # numbered after the entries
    links = [(place[group[0]], place[path]) for group in groups for path in group[1:]]
    for index, entry in enumerate(entries):
        if artist := first_artist(entry.artist):
            links.append((index, artists.setdefault(artist, len(entries) + len(artists))))
    sides = np.array([SPLITS.index(entry.split) for entry in entries], np.intp)
    teams = components(len(entries) + len(artists), links)[: len(entries)]
    nearest = np.full(teams.max(initial=-1) + 1, len(SPLITS))  # (teams,)
    np.minimum.at(nearest, teams, sides)
    moved = (replace(entry, split=SPLITS[nearest[team]]) for entry, team in zip(entries, teams, strict=True))
    return replace(manifest, entries=tuple(moved))


def crossing(manifest: Manifest, groups: Iterable[Group]) -> list[Group]:
    """The groups with copies on more than one side of the split."""
    return _differing(manifest, groups, lambda entry: entry.split)


def contradicting(manifest: Manifest, groups: Iterable[Group]) -> list[Group]:
    """The groups whose copies have different labels or values."""
    return _differing(manifest, groups, lambda entry: (frozenset(entry.labels), entry.values))


def _differing(manifest: Manifest, groups: Iterable[Group], key: Callable[[ManifestEntry], object]) -> list[Group]:
    key_of = {entry.path: key(entry) for entry in manifest.entries}
    return [group for group in groups if len({key_of[path] for path in group}) > 1]
