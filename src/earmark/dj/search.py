"""The search for sets: all beginnings of sets, grown track by track.

A *state* is one beginning of a set. Of two states with the same tracks and the same last one, only the cheaper is kept:
what may follow, and at which cost, is the same for both. As long as all others are kept, too, the answer is exact;
where there are too many, the cheapest go on (beam search), those that have played more of the tracks that must be
played apart from those that have played fewer.

The progress of a journey never goes back (`course`); any tracks can be put in the order of their progress.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.dj.candidates import NOBODY, Candidates, Rows
from earmark.dj.cost import Weights, step_cost
from earmark.dj.course import Point, course, point
from earmark.dj.wish import Wish
from earmark.errors import PlanError

SHORTEST: Final = 2  # tracks in a set
ORDERS: Final = 4  # times as many states are looked at as are kept
STRETCHES: Final = 8  # for each step that is looked for among very many
ROUNDING: Final = 1e-6  # of a progress


def playing_seconds(tracks: Candidates, overlap: float) -> NDArray[np.float64]:
    """Seconds from the start of each track to that of the next one, (tracks,); short tracks overlap by half at most."""
    seconds = tracks.seconds.astype(np.float64)
    return np.maximum(seconds - overlap, seconds / 2)


@dataclass(frozen=True)
class States:
    """Beginnings of sets, all with the same number of tracks.

    Shape: paths (states, places), costs (states,), blocked (states, tracks): what may not follow; seconds (states,),
    missing (states, play): which of the tracks that must be played were not yet; marks (states,): the same for the same
    tracks, whatever their order.
    """

    paths: Rows
    costs: NDArray[np.float64]
    blocked: NDArray[np.bool_]
    seconds: NDArray[np.float64]
    missing: NDArray[np.bool_]
    marks: NDArray[np.uint64]


class Search:
    """The search for the sets that meet a wish.

    `strict` says that a set whose length is off by more than a typical track of it is none.

    Raises:
        PlanError: no track is left to begin or to end with.
    """

    def __init__(self, tracks: Candidates, wish: Wish, weights: Weights) -> None:
        self.tracks, self.wish, self.weights = tracks, wish, weights
        self.play = np.unique(wish.play)
        self.plays = playing_seconds(tracks, weights.other.overlap)
        self.avoided = np.zeros(len(tracks), bool)
        self.avoided[wish.avoid] = True
        asked = [wish.play, *(ends for ends in (wish.first, wish.last) if len(ends) == 1)]
        self.asked = np.unique(np.concatenate(asked))
        self.avoided[self.asked] = False  # who asks for a track by name wants it
        self.first = wish.first[~self.avoided[wish.first]]
        self.last = wish.last[~self.avoided[wish.last]]
        if not len(self.first) or (len(wish.last) and not len(self.last)):
            raise PlanError("no track is left to begin with" if not len(self.first) else "no track is left to end with")
        if len(self.first) == 1 and np.array_equal(self.first, self.last):
            raise PlanError("a set cannot be one that begins and ends with the same track")
        self.count = 0  # tracks of the sets that are searched now
        self.strict = False
        self.course = course(tracks, point(tracks, self.first), self._end(), wish.energy)
        self.progress = self.course.progress(tracks)
        chance = np.random.default_rng(wish.seed)
        self.chance = wish.variety * chance.random(len(tracks))
        self.ahead = self._ahead()
        self.marks = chance.integers(0, 1 << 63, len(tracks), np.uint64)

    def _end(self) -> Point:
        return point(self.tracks, self.last) if len(self.last) else Point(None, None, None)

    def typical(self, seconds: float) -> int:
        """How many typical tracks make such a length."""
        typical = float(np.median(self.plays[~self.avoided]))
        return self.possible(round((seconds - self.weights.other.overlap) / max(typical, 1.0)))

    def possible(self, count: int) -> int:
        """The nearest number of tracks that a set can have."""
        most = int((~self.avoided).sum()) if self.wish.repeat_artists else self._artists()
        return max(self.fewest(), min(count, most))

    def fewest(self) -> int:
        """How many tracks a set has at least: those that must be in it, or two."""
        return max(SHORTEST, len(np.unique(np.concatenate([self.asked, self.first[:1], self.last[:1]]))))

    def _artists(self) -> int:
        """How many tracks there can be if each artist has one; a track that names none is by somebody else."""
        artists = self.tracks.artists[~self.avoided]
        return len(np.unique(artists[artists != NOBODY])) + int((artists == NOBODY).sum())

    def _ahead(self) -> Rows:
        """How many tracks may follow each one at most: those that are no less far on the journey, (tracks,)."""
        there = np.sort(self.progress[~self.avoided])
        ahead: Rows = len(there) - np.searchsorted(there, self.progress - ROUNDING) - 1
        return ahead

    def share(self, place: int) -> float:
        """How far the set has come at a place."""
        return place / (self.count - 1)

    def place_cost(self, place: int) -> NDArray[np.float64]:
        """The cost of each track in a place, but for the clock, (tracks,)."""
        return self.course.cost(self.tracks, self.share(place), self.weights) + self.chance

    def clock(self, seconds: NDArray[np.float64], place: int) -> NDArray[np.float64]:
        """The cost of what begins too early or too late, of any shape."""
        if not self.wish.seconds:
            return np.zeros_like(seconds)
        length = self.wish.seconds / self.count
        late: NDArray[np.float64] = self.weights.place.clock * ((seconds - place * length) / length) ** 2
        return late

    def _end_cost(self, states: States) -> NDArray[np.float64]:
        """The cost of ending too early or too late with each track, (states, tracks)."""
        late = states.seconds[:, None] + self.tracks.seconds - self.wish.seconds
        length = self.wish.seconds / self.count
        cost = self.weights.place.clock * (late / length) ** 2
        as_asked = np.abs(late) <= (self.wish.seconds + late) / self.count  # as `Plan.as_long_as_asked` says
        return np.where(as_asked, cost, np.inf) if self.strict else cost

    def grow(self, count: int, widest: int) -> tuple[States, bool]:
        """The complete sets of so many tracks that were reached, and whether nothing was given up on the way."""
        self.count = count
        states, exact = self.begin(widest)
        for place in range(1, self.count):
            states, whole = self.extend(states, place, widest)
            exact = exact and whole
            if not len(states.costs):
                break
        return states, exact

    def begin(self, widest: int) -> tuple[States, bool]:
        """The states of one track, and whether none was left out."""
        costs = self.place_cost(0)
        rows = self.first[np.argsort(costs[self.first], kind="stable")[:widest]]
        blocked = np.tile(self.avoided, (len(rows), 1))
        if not self.wish.repeat_artists:
            blocked |= self._of_artists(self.asked)
        states = States(
            paths=rows[:, None],
            costs=costs[rows],
            blocked=blocked,
            seconds=self.plays[rows],
            missing=np.ones((len(rows), len(self.play)), bool) & (self.play != rows[:, None]),
            marks=self.marks[rows],
        )
        self._block(states)
        return states, len(rows) == len(self.first)

    def extend(self, states: States, place: int, widest: int) -> tuple[States, bool]:
        """The states with one track more, and whether all that count were kept."""
        lasts, which = np.unique(states.paths[:, -1], return_inverse=True)
        steps = step_cost(self.tracks, lasts, slice(None), self.weights)[which]  # (states, tracks)
        costs = steps + (states.costs + self.clock(states.seconds, place))[:, None] + self.place_cost(place)
        if self.wish.seconds and place == self.count - 1:
            costs += self._end_cost(states)
        costs[self._forbidden(states, place)] = np.inf
        chosen, whole = [], True
        levels = list(self._levels(states, costs))
        for level in levels:
            room = max(1, widest // len(levels))
            flat, all_of_them = _cheapest(level.ravel(), ORDERS * room)  # some are the same tracks in another order
            flat = self._distinct(states, flat, costs)
            whole = whole and all_of_them and len(flat) <= room
            chosen.append(flat[:room])
        return self._grown(states, np.concatenate(chosen) if chosen else np.empty(0, np.intp), costs), whole

    def _levels(self, states: States, costs: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        """Costs (states, tracks) for each number of tracks played of those that must be; the others are infinite."""
        if not len(self.play):
            yield costs
            return
        played = len(self.play) - states.missing.sum(1)[:, None] + self._wanted(states)  # (states, tracks)
        for level in range(len(self.play) + 1):
            those = np.where(played == level, costs, np.inf)
            if np.isfinite(those.min()):
                yield those

    def _forbidden(self, states: States, place: int) -> NDArray[np.bool_]:
        """Tracks that may not follow each state, (states, tracks)."""
        own = self.progress[states.paths[:, -1]]
        ceiling = np.full(len(own), self.progress[self.last].max() if len(self.last) else 1.0)
        if len(self.play):
            waiting = np.where(states.missing, self.progress[self.play], np.inf)  # (states, play)
            ceiling = np.minimum(ceiling, waiting.min(1))
        back = self.progress < own[:, None] - ROUNDING
        beyond = self.progress > ceiling[:, None] + ROUNDING
        forbidden: NDArray[np.bool_] = states.blocked | back | beyond | (self.ahead < self.count - 1 - place)
        end = place == self.count - 1
        if len(self.last):
            is_last = np.isin(np.arange(len(self.tracks)), self.last)
            if end:
                forbidden |= ~is_last
            elif len(self.last) == 1:
                forbidden |= is_last
        if len(self.play):
            reserved = len(self.last) == 1 and not end and self.last[0] not in self.play
            room = self.count - 1 - place - reserved
            forbidden |= states.missing.sum(1)[:, None] - self._wanted(states) > room
        return forbidden

    def _wanted(self, states: States) -> NDArray[np.intp]:
        """1 for a track that a state must still play, 0 for others, (states, tracks)."""
        wanted = np.zeros(states.blocked.shape, np.intp)
        wanted[:, self.play] = states.missing
        return wanted

    def _distinct(self, states: States, flat: Rows, costs: NDArray[np.float64]) -> Rows:
        """The cheapest of those with the same tracks and the same last one, the cheapest of all first."""
        flat = flat[np.argsort(costs.flat[flat], kind="stable")]
        parents, rows = np.divmod(flat, len(self.tracks))
        marks = (states.marks[parents] ^ self.marks[rows]) * np.uint64(0x9E3779B97F4A7C15) + rows.astype(np.uint64)
        _, firsts = np.unique(marks, return_index=True)
        return flat[np.sort(firsts)]

    def _grown(self, states: States, flat: Rows, costs: NDArray[np.float64]) -> States:
        parents, rows = np.divmod(flat, len(self.tracks))
        grown = States(
            paths=np.column_stack([states.paths[parents], rows]),
            costs=costs.flat[flat],
            blocked=states.blocked[parents],
            seconds=states.seconds[parents] + self.plays[rows],
            missing=states.missing[parents] & (self.play != rows[:, None]),
            marks=states.marks[parents] ^ self.marks[rows],
        )
        self._block(grown)
        return grown

    def _block(self, states: States) -> None:
        """Block the last track of each state, and all of its artist but for those that were asked for."""
        rows = states.paths[:, -1]
        if not self.wish.repeat_artists:
            artists = self.tracks.artists[rows][:, None]
            same = (self.tracks.artists == artists) & (artists != NOBODY)
            same[:, self.asked] = False
            states.blocked[...] |= same
        states.blocked[np.arange(len(rows)), rows] = True

    def _of_artists(self, rows: Rows) -> NDArray[np.bool_]:
        """All tracks of the artists of some, but for these themselves, (tracks,)."""
        artists = np.setdiff1d(self.tracks.artists[rows], [NOBODY])
        of = np.isin(self.tracks.artists, artists)
        of[rows] = False
        return of

    def why_not(self, *, exact: bool) -> str:
        """Why there is no set, or none was found."""
        if not self.wish.repeat_artists and self._artists() < self.count:
            few = f"one track for each artist makes {self._artists()}, fewer than the {self.count} of the set"
            return f"{few}; --repeat-artists allows more"
        return f"{'there is' if exact else 'there was found'} no set of {self.count} tracks that meets all conditions"


def _cheapest(costs: NDArray[np.float64], count: int) -> tuple[Rows, bool]:
    """The places of the finite costs (steps,), no more than `count` and the cheapest of them; whether these are all.

    Stretches are compared by their cheapest first: of `count` stretches, each has a cost at most as high as the highest
    of these, so that what is more costly is not among the cheapest.
    """
    length = costs.size // (STRETCHES * count)
    limit = np.inf
    if length > 1:
        least = costs[: costs.size // length * length].reshape(-1, length).min(1)
        limit = float(np.partition(least, count - 1)[count - 1])
    found = np.flatnonzero((costs <= limit) & (costs < np.inf))
    if len(found) <= count:
        return found, limit == np.inf
    return found[np.argpartition(costs[found], count - 1)[:count]], False
