"""Tracks that sound alike, by their embeddings.

Each dimension of an embedding is first measured in its own standard deviations within the collection, because the
dimensions differ in scale: the cosine of two such directions says how much of what sets one track apart from the
collection sets the other apart, too. In any such space some tracks, the *hubs*, are near to far too many others. So a
cosine is taken as it stands among the cosines that each of the two tracks has with the whole collection:

    score(a, b) = ((cosine - mean of a) / deviation of a + (cosine - mean of b) / deviation of b) / 2

It is in standard deviations: 0 is what two tracks of the collection have on the average, and 3 is very alike. Mean and
deviation need no comparison: they are m.a and sqrt(a.C.a), with the mean m and the covariance C of all directions.
docs/similar.md has the measurement by which this embedding and this correction were chosen.

Conventions: matrices of queries are embeddings as a model gives them, of any length, (queries, dims). Of few tracks
little is known, so that mean and covariance are drawn towards those of directions at random, which count as `PRIOR`
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

Matrix = NDArray[np.float32]
Vectors = NDArray[np.floating]

PRIOR: Final = 20  # tracks
SAMPLE: Final = 8192  # tracks from which mean and covariance are taken, evenly spread over the collection
EXACT: Final = 100_000  # tracks up to which all are compared, and kept in memory
LEAST: Final = 1e-6  # variance of the cosines of a direction
FARTHER: Final = 0.5  # how much a track counts that the answers are to be unlike, where one that they are like has 1
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
        scale: it is then divided by this, (dims,).
        mean: of the directions, (dims,).
        covariance: of the directions, (dims, dims).
    """

    centre: Matrix
    scale: Matrix
    mean: Matrix
    covariance: Matrix

    @classmethod
    def of(cls, embeddings: Vectors) -> Self:
        """The space of a collection, from all embeddings or from a sample of them; see the module."""
        tracks, dims = embeddings.shape
        rows = unit(embeddings).astype(np.float64)
        share = tracks / (tracks + PRIOR)
        centre = share * rows.mean(0) if tracks else np.zeros(dims)
        squares = (rows - centre) ** 2
        even = squares.mean() if tracks else 1.0
        scale = np.sqrt(share * (squares.mean(0) if tracks else 0) + (1 - share) * even + 1e-12)
        directions = unit((rows - centre) / scale).astype(np.float64)
        mean = share * directions.mean(0) if tracks else np.zeros(dims)
        spread = (directions - mean).T @ (directions - mean) / max(tracks, 1)  # (dims, dims)
        covariance = share * spread + (1 - share) * np.eye(dims) / max(dims, 1)
        return cls(*(each.astype(np.float32) for each in (centre, scale, mean, covariance)))

    def place(self, embeddings: Vectors) -> "Placed":
        """Embeddings, (rows, dims), as directions in this space."""
        directions = unit((unit(embeddings) - self.centre) / self.scale)
        variance = np.einsum("rd,rd->r", directions @ self.covariance, directions)
        return Placed(directions, directions @ self.mean, np.sqrt(np.maximum(variance, LEAST)))


@dataclass(frozen=True)
class Placed:
    """Directions in a space, and what cosine each has with the tracks of the collection.

    Attributes:
        directions: rows of length 1, (rows, dims).
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
        if among is None:
            places, scores = np.arange(len(self.column.ids)), self.scores(seeds, unlike)
        else:
            places = self.column.places(np.unique(among))
            chosen = self._all.take(places) if self._small else self.space.place(self.column.matrix[places])
            scores = _mean(chosen, *self._asked(seeds, unlike))
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
