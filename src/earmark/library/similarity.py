"""Tracks that sound alike, by their embeddings.

Dimensions of an embedding differ in scale, and many say the same. So each is measured in its own standard deviations
within the collection, all are projected on their `AXES` principal axes, and these are whitened in part (`WHITENED`):
what many dimensions say counts for less, but still for more. The cosine of two such directions says how much of what
sets one track apart from the collection sets the other apart, too.

In any such space some tracks, the *hubs*, are near to far too many others. So a cosine is taken as it stands among the
cosines that each of the two tracks has with the whole collection:

    score(a, b) = ((cosine - mean of a) / deviation of a + (cosine - mean of b) / deviation of b) / 2

It is in standard deviations: 0 is what two tracks of the collection have on the average, and 3 is very alike. Mean and
deviation need no comparison: they are m.a and sqrt(v.a^2), with the mean m and the variances v of all directions.
docs/similar.md has the measurement by which this embedding and this correction were chosen.

Conventions: matrices of queries are embeddings as a model gives them, of any length, (queries, dims). Of few tracks
little is known, so that means and covariances are drawn towards those of directions at random, which count as `PRIOR`
tracks.

References: D. Schnitzer et al., "Local and global scaling reduce hubs in space", JMLR 13, 2012, for mutual proximity,
of which this is the linear form; M. Radovanovic et al., "Hubs in space", JMLR 11, 2010, for the skew of the
k-occurrence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from earmark.library.catalogue.column import EmbeddingColumn
from earmark.library.embeddings import PRODUCTS, unit
from earmark.library.similarity_index import Graph

Matrix = NDArray[np.float32]
Vectors = NDArray[np.floating]

PRIOR: Final = 20  # tracks
AXES: Final = 128
WHITENED: Final = 0.1  # 0: axes keep their variances; 1: all axes have the same
SAMPLE: Final = 8192  # tracks from which the axes are taken, evenly spread over the collection
EXACT: Final = 100_000  # tracks up to which all are compared, and kept in memory
TINY: Final = 1e-6  # added to a variance that may be 0
FARTHER: Final = 0.5  # how much a track counts that the answers are to be unlike, where one that they are like has 1
LOOKED_AT: Final = 400  # candidates of a large collection, or more
CHOICE: Final = 10  # times as many candidates as wanted, among which variety chooses


@dataclass(frozen=True)
class Neighbour:
    """A track by its id in the catalogue, and how alike it is, in standard deviations."""

    id: int
    score: float


@dataclass(frozen=True)
class Space:
    """The axes on which the tracks of a collection are compared, and how its directions are spread.

    Attributes:
        centre: subtracted from an embedding of length 1, (dims,).
        axes: on which it is then projected, (dims, axes).
        mean: of the directions, (axes,).
        variance: of the directions, (axes,).
    """

    centre: Matrix
    axes: Matrix
    mean: Matrix
    variance: Matrix

    @classmethod
    def of(cls, embeddings: Vectors, *, whitened: float = WHITENED) -> Self:
        """The space of a collection, from all embeddings or from a sample of them; see the module."""
        tracks, dims = embeddings.shape
        share = tracks / (tracks + PRIOR)
        rows = unit(embeddings).astype(np.float64)
        centre = share * rows.mean(0) if tracks else np.zeros(dims)
        squares = (rows - centre) ** 2 if tracks else np.ones((1, dims))
        scale = np.sqrt(share * squares.mean(0) + (1 - share) * squares.mean() + TINY)
        standard = (rows - centre) / scale
        covariance = share * standard.T @ standard / max(tracks, 1) + (1 - share) * np.eye(dims)
        variances, vectors = (each[..., ::-1][..., :AXES] for each in np.linalg.eigh(covariance))
        axes = vectors / np.sqrt(whitened * np.maximum(variances, 0) + 1 - whitened) / scale[:, None]
        directions = unit((rows - centre) @ axes).astype(np.float64)
        mean = share * directions.mean(0) if tracks else np.zeros(axes.shape[1])
        spread = directions.var(0) if tracks else np.zeros(axes.shape[1])
        variance = share * spread + (1 - share) / max(axes.shape[1], 1)
        return cls(*(each.astype(np.float32) for each in (centre, axes, mean, variance)))

    def place(self, embeddings: Vectors) -> "Placed":
        """Embeddings, (rows, dims), as directions in this space."""
        directions = unit((unit(embeddings) - self.centre) @ self.axes)
        deviation = np.sqrt(directions**2 @ self.variance + TINY)
        return Placed(directions, directions @ self.mean, deviation)


@dataclass(frozen=True)
class Placed:
    """Directions in a space, and what cosine each has with the tracks of the collection.

    Attributes:
        directions: rows of length 1, (rows, axes).
        mean: of the cosines, (rows,).
        deviation: of the cosines, (rows,).
    """

    directions: Matrix
    mean: Matrix
    deviation: Matrix

    def take(self, rows: NDArray[np.intp]) -> "Placed":
        """Some of the rows."""
        return Placed(self.directions[rows], self.mean[rows], self.deviation[rows])

    def scores(self, others: "Placed") -> Matrix:
        """Scores with others, (rows, others)."""
        cosines = self.directions @ others.directions.T
        own = (cosines - self.mean[:, None]) / self.deviation[:, None]
        theirs = (cosines - others.mean) / others.deviation
        return np.asarray((own + theirs) / 2, np.float32)


class Similarity:
    """The tracks of a collection, ready to be compared.

    Args:
        column: their embeddings (`Catalogue.embeddings`).
    """

    def __init__(self, column: EmbeddingColumn) -> None:
        self.column = column
        self.space = Space.of(column.matrix[:: max(1, len(column.matrix) // SAMPLE)])

    def rows(self, ids: Sequence[int] | NDArray[np.int64]) -> Matrix:
        """Embeddings of tracks of the collection, of those that have one, (at most ids, dims)."""
        return self.column.matrix[self.column.places(np.asarray(ids, np.int64))]

    def between(self, queries: Vectors, others: Vectors) -> Matrix:
        """Scores of embeddings with others, (queries, others)."""
        return self.space.place(queries).scores(self.space.place(others))

    def scores(self, seeds: Vectors, unlike: Vectors | None = None) -> Matrix:
        """How alike each track of the collection is to the seeds, on the average of these, (tracks,).

        Args:
            seeds: what it is to be like; one at least.
            unlike: what it is not to be like; `FARTHER` says how much that counts.
        """
        wanted, unwanted = self._asked(seeds, unlike)
        return np.concatenate([_mean(block, wanted, unwanted) for block in self._blocks()])

    def nearest(
        self,
        seeds: Vectors,
        count: int,
        *,
        unlike: Vectors | None = None,
        among: NDArray[np.int64] | None = None,
    ) -> list[Neighbour]:
        """The most alike tracks, the nearest first; of equals the one that came first into the collection.

        The seeds themselves are among them if they are of the collection.

        Args:
            seeds: as in `scores`.
            count: at most.
            unlike: as in `scores`.
            among: the ids to choose from; by default all.
        """
        allowed = None if among is None else self.column.places(np.unique(among))
        wanted, unwanted = self._asked(seeds, unlike)
        places = self._candidates(wanted, count, allowed)
        if places is None:
            scores = self.scores(seeds, unlike)
            places = np.arange(len(scores))
        else:
            chosen = self._all.take(places) if self._small else self.space.place(self.column.matrix[places])
            scores = _mean(chosen, wanted, unwanted)
        return [Neighbour(int(self.column.ids[places[row]]), float(scores[row])) for row in _top(scores, count)]

    def varied(self, candidates: Sequence[Neighbour], count: int, variety: float) -> list[Neighbour]:
        """Some of the candidates, each as little like those before it as `variety` (0-1) asks for.

        At 0 they are the first ones; at 1 nothing counts but how they differ from each other.

        References: J. Carbonell and J. Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998.
        """
        left = list(candidates)
        if not variety or not left:
            return left[:count]
        with_each_other = self.between(*2 * (self.rows([each.id for each in left]),))
        worth = np.array([each.score for each in left])
        alike = np.full(len(left), -np.inf)
        chosen: list[int] = []
        while len(chosen) < min(count, len(left)):
            gain = (1 - variety) * worth - (variety * alike if chosen else 0)
            gain[chosen] = -np.inf
            chosen.append(int(np.argmax(gain)))
            alike = np.maximum(alike, with_each_other[chosen[-1]])
        return [left[row] for row in chosen]

    @property
    def _small(self) -> bool:
        return len(self.column.matrix) <= EXACT

    @cached_property
    def _all(self) -> Placed:
        """The collection, kept in memory: whoever asks once asks again."""
        return self.space.place(self.column.matrix)

    @cached_property
    def _graph(self) -> Graph | None:
        file = self.column.file
        if self._small or file is None:
            return None
        return Graph.open(file, (block.directions for block in self._blocks()), self.space.axes.shape[1])

    def _candidates(self, seeds: Placed, count: int, allowed: NDArray[np.intp] | None) -> NDArray[np.intp] | None:
        """The rows to choose from; None for all."""
        if allowed is not None and len(allowed) <= EXACT:
            return allowed
        if self._graph is None:
            return allowed
        found = self._graph.candidates(seeds.directions, max(LOOKED_AT, CHOICE * count))
        if allowed is not None:
            found = found[np.isin(found, allowed)]
        return found if len(found) >= count else allowed

    def _blocks(self) -> Iterator[Placed]:
        if self._small:
            yield self._all
            return
        rows = max(1, PRODUCTS // self.column.matrix.shape[1])
        for start in range(0, len(self.column.matrix), rows):
            yield self.space.place(self.column.matrix[start : start + rows])

    def _asked(self, seeds: Vectors, unlike: Vectors | None) -> tuple[Placed, Placed | None]:
        return self.space.place(seeds), self.space.place(unlike) if unlike is not None and len(unlike) else None


def _mean(tracks: Placed, seeds: Placed, unlike: Placed | None) -> Matrix:
    """Mean score of tracks with the seeds, less that with what they are to be unlike, (tracks,)."""
    scores: Matrix = seeds.scores(tracks).mean(0)
    return scores if unlike is None else scores - np.float32(FARTHER) * unlike.scores(tracks).mean(0)


def _top(scores: Vectors, count: int) -> NDArray[np.intp]:
    """The places of the highest scores, the highest first; of equals the first place."""
    count = min(count, len(scores))
    if not count:
        return np.empty(0, np.intp)
    least = np.partition(scores, -count)[-count]
    best = np.flatnonzero(scores >= least)
    order: NDArray[np.intp] = best[np.argsort(-scores[best], kind="stable")][:count]
    return order


def k_occurrence(neighbours: NDArray[np.integer], tracks: int) -> NDArray[np.intp]:
    """How often each track is among the nearest of the others, (tracks,).

    Args:
        neighbours: of each track, (tracks, k).
        tracks: how many there are.
    """
    return np.bincount(neighbours.ravel(), minlength=tracks)


def skew(counts: NDArray[np.integer]) -> float:
    """The skew of counts: 0 where no track is a hub, and the more the fewer tracks are near to most."""
    deviations = counts - counts.mean()
    spread = np.sqrt((deviations**2).mean())
    return float((deviations**3).mean() / spread**3) if spread else 0.0
