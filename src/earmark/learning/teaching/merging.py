"""Merging: the base's styles and the taught ones in one answer.

The two were learned from different music, so their probabilities cannot be compared as they are: a head of two styles
gives one of them at least 0.5, whatever it hears. What is missing is how probable it is that a sound is of the taught
kind at all. To know that takes examples of what is *not*, and they must come from where the taught tracks come from:
music of our own synthesis differs from real music more than styles differ, and a gate taught with it would tell the
real from the synthetic. So whoever merges names other music, of any style, unlabelled. What is taught is taken out of
it, so that a whole library may be named.

The gate (`earmark.learning.teaching.gate`) looks at nothing but distances to taught and to other tracks, each
track without its own artist. How much of what it will meet is of the taught kind nobody knows; a third is assumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from earmark.errors import ManifestError
from earmark.hearing.bundle import Config
from earmark.learning.data.embeddings import Embedded
from earmark.learning.data.manifest import ManifestEntry
from earmark.learning.teaching.accuracy import share_of
from earmark.learning.teaching.distances import euclidean
from earmark.learning.teaching.fitted import Standardise
from earmark.learning.teaching.gate import Gate
from earmark.learning.teaching.labelled import Indices, LabelledEmbeddings, group, over_tracks
from earmark.learning.teaching.validation import Folds, Trial
from earmark.measures.classification import Probabilities, apply_temperature
from earmark.measures.uncertainty import Figure

FEWEST = 10  # other tracks
TAUGHT_SHARE = 1 / 3  # of what a listener meets is taken to be of the taught kind
NEIGHBOURS = 3  # whose distances are averaged
RARE = 0.99  # of the distances among taught tracks: what lies farther is not typical


@dataclass(frozen=True)
class OtherTracks:
    """Music of other kinds: groups (tracks,), windows (windows, dims), the base's logits, track_of (windows,)."""

    groups: Indices
    windows: NDArray[np.float32]
    logits: NDArray[np.float32]
    track_of: Indices

    def part(self, chosen: NDArray[np.bool_]) -> "OtherTracks":
        """Some of the tracks, by a mask (tracks,)."""
        kept = chosen[self.track_of]
        track_of = (chosen.cumsum() - 1)[self.track_of[kept]]
        return OtherTracks(self.groups[chosen], self.windows[kept], self.logits[kept], track_of)


@dataclass(frozen=True)
class Merging:
    """The effect of merging on tracks that nothing was fitted to.

    Attributes:
        styles: all styles, the base's first.
        others: number of other tracks.
        won: share of taught tracks whose label is the most probable of all styles.
        kept: share of other tracks whose most probable style is still the one that the base alone gives.
        confidence: (taught tracks,) the probability of the most probable style.
    """

    styles: tuple[str, ...]
    others: int
    won: Figure
    kept: Figure
    confidence: NDArray[np.float64]


def merged_styles(base: Sequence[str], taught: Sequence[str]) -> tuple[str, ...]:
    """The base's styles in their order, then the new ones."""
    return (*base, *(style for style in taught if style not in base))


def other_tracks(
    labelled: LabelledEmbeddings,
    heard: Sequence[Embedded],
    entries: Sequence[ManifestEntry],
    name: Path | str = "other music",
) -> tuple[LabelledEmbeddings, OtherTracks]:
    """Take the taught tracks, and copies of them, out of other music.

    Args:
        labelled: the taught tracks.
        heard: other music.
        entries: the same tracks, for their artists.
        name: name of the other music in an error.

    Returns:
        The labelled tracks with their groups numbered anew, and the others, so that an artist has one number in both.

    Raises:
        ManifestError: fewer than ten tracks are left.
    """
    own = np.split(labelled.windows, np.flatnonzero(np.diff(labelled.track_of)) + 1)
    taught, sounds = {entry.path for entry in labelled.entries}, {track.tobytes() for track in own}
    entry_of = {entry.path: entry for entry in entries}
    kept = [each for each in heard if each.path not in taught and each.embeddings.tobytes() not in sounds]
    if len(kept) < FEWEST:
        raise ManifestError(
            f"{name}: {len(kept)} tracks are left without the taught ones; merging needs at least {FEWEST}"
        )
    both = [*labelled.entries, *(entry_of[each.path] for each in kept)]
    groups = group(both, [*own, *(each.embeddings for each in kept)])
    others = OtherTracks(
        groups=groups[len(own) :],
        windows=np.concatenate([each.embeddings for each in kept]),
        logits=np.concatenate([each.logits for each in kept]),
        track_of=np.repeat(np.arange(len(kept)), [len(each.embeddings) for each in kept]),
    )
    return replace(labelled, groups=groups[: len(own)]), others


def fit_gate(labelled: LabelledEmbeddings, others: OtherTracks) -> Gate:
    """Fit the gate to taught and other tracks, each heard without its own group.

    Raises:
        ManifestError: all taught tracks are by one artist, so none has neighbours of its kind to be measured by.
    """
    own, far = len(labelled.labels), len(others.groups)
    neighbours = min(NEIGHBOURS, own, far)
    alike = np.repeat([1 / own, 1 / far], [own, far])
    rows = np.concatenate([labelled.track_means(), over_tracks(others.windows, others.track_of).astype(np.float32)])
    standardise = Standardise.of(rows, alike)
    own_points, other_points = np.split(standardise(rows), [own])

    windows = np.concatenate([labelled.windows, others.windows])
    groups = np.concatenate([labelled.groups[labelled.track_of], others.groups[others.track_of]])
    weights = np.concatenate([TAUGHT_SHARE * _alike(labelled.track_of), (1 - TAUGHT_SHARE) * _alike(others.track_of)])
    taught = np.arange(len(windows)) < len(labelled.windows)
    standard = standardise(windows)
    to_own, to_others = (
        _log_distances(euclidean(standard, points), groups[:, None] == of, neighbours)
        for points, of in ((own_points, labelled.groups), (other_points, others.groups))
    )
    usable = np.isfinite(to_own) & np.isfinite(to_others)
    if len(np.unique(taught[usable])) < len((True, False)):
        raise ManifestError("all taught tracks, or all others, are by one artist; merging needs at least two of each")
    nearer = LogisticRegression(C=10.0).fit(
        (to_others - to_own)[usable, None], taught[usable], weights[usable] * usable.sum()
    )
    usual, rare = np.quantile(to_own[usable & taught], [0.5, RARE])
    typical = np.array([rare, 4 / max(rare - usual, 1e-3)])  # at the usual distance 0.98, at a rare one 0.5
    both = np.array([nearer.intercept_[0], nearer.coef_[0, 0]])
    return Gate(standardise, own_points, other_points, both, typical, neighbours)


def _alike(track_of: Indices) -> NDArray[np.float64]:
    """The weight of each window, so that tracks count alike and all together 1."""
    counts = np.bincount(track_of)
    weights: NDArray[np.float64] = 1 / len(counts) / counts[track_of]
    return weights


def _log_distances(distances: NDArray[np.float64], same: NDArray[np.bool_], neighbours: int) -> NDArray[np.float64]:
    """The gate's log distances without points of the same group, (windows, points) -> (windows,); nan where none."""
    nearest = np.sort(np.where(same, np.nan, distances), 1)[:, :neighbours]  # nan comes last
    count = np.isfinite(nearest).sum(1)
    mean = np.divide(np.nansum(nearest, 1), count, out=np.full(len(count), np.nan), where=count > 0)
    logarithm: NDArray[np.float64] = np.log(np.maximum(mean, 1e-6))
    return logarithm


def measure(
    labelled: LabelledEmbeddings,
    others: OtherTracks,
    folds: Folds,
    best: Trial,
    base: Config,
    generator: np.random.Generator,
) -> Merging:
    """Merge on held-out tracks: both sides are cut, and each fold meets a gate that was fitted without it.

    OtherTracks never enter the fit of the head, so the head that was fitted to all taught tracks may hear them all.
    """
    styles = merged_styles(base.styles, labelled.styles)
    place_base, place_head = (
        np.array([[style == name for name in styles] for style in known], float)
        for known in (base.styles, labelled.styles)
    )

    def mix(gate: Gate, of: LabelledEmbeddings | OtherTracks, head: NDArray[np.float64]) -> Probabilities:
        share = gate(of.windows)
        taught = apply_temperature(head, best.temperature) @ place_head
        windows = share * taught + (1 - share) * apply_temperature(of.logits, base.temperature) @ place_base
        return over_tracks(windows, of.track_of)

    artists = np.unique(others.groups)
    fold_of_artist = generator.permutation(len(artists)) % len(folds.parts)
    fold_of = fold_of_artist[np.searchsorted(artists, others.groups)]
    head = best.candidate.fit(labelled)
    own = np.zeros((len(labelled.labels), len(styles)))
    far = np.zeros((len(others.groups), len(styles)))
    for index, (train, test) in enumerate(folds.parts):
        mine, tested = labelled.part(test), np.isin(labelled.track_of, test)
        heard = (fold_of != index) & ~np.isin(others.groups, mine.groups)
        gate = fit_gate(labelled.part(train), others.part(heard))
        own[np.sort(test)] = mix(gate, mine, best.logits[tested])
        unheard = others.part(fold_of == index)
        if len(unheard.groups):
            far[fold_of == index] = mix(gate, unheard, head(unheard.windows))
    labels = np.array([styles.index(style) for style in labelled.styles])[labelled.labels]
    alone = over_tracks(apply_temperature(others.logits, base.temperature), others.track_of).argmax(1)
    return Merging(
        styles,
        len(others.groups),
        share_of((own.argmax(1) == labels)[folds.measured], labelled.groups[folds.measured]),
        share_of(far.argmax(1) == alone, others.groups),
        own.max(1),
    )
