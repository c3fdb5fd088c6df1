"""The planner: the cheapest set of tracks under conditions.

`Plan.exact` says whether no set of so many tracks that meets the conditions is cheaper; how that is known, and what is
done where it is not, stands in `search`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from earmark.dj.candidates import Candidates
from earmark.dj.cost import Weights
from earmark.dj.course import Course
from earmark.dj.search import Search, States
from earmark.dj.wish import Wish
from earmark.errors import PlanError

PRODUCTS: Final = 1 << 20  # steps that are weighed at once: states kept, times tracks
NARROWEST: Final = 96  # states that are kept at least,
MOST: Final = 1 << 23  # but no more than make so many steps: that is what memory holds
TRIES: Final = 5  # numbers of tracks with which a length is looked for
AGAIN: Final = 4  # times as many states are kept if none of them could be completed


@dataclass(frozen=True)
class Plan:
    """A set.

    Attributes:
        rows: of its tracks, in their order.
        starts: when each begins, in seconds.
        seconds: how long it is.
        cost: what it costs, chance included.
        exact: whether no set that meets the conditions is cheaper; else it is the best that was found.
        asked: the length that was asked for, in seconds; 0 if that does not matter.
        course: what its places were compared with.
        progress: of each of its tracks on the journey, 0-1.
    """

    rows: tuple[int, ...]
    starts: tuple[float, ...]
    seconds: float
    cost: float
    exact: bool
    asked: float
    course: Course
    progress: tuple[float, ...]

    @property
    def as_long_as_asked(self) -> bool:
        """Whether its length is within one of its tracks of what was asked for."""
        return not self.asked or abs(self.seconds - self.asked) <= self.seconds / len(self.rows)


def plan(tracks: Candidates, wish: Wish, weights: Weights, *, widest: int = 0) -> Plan:
    """The cheapest set that meets a wish.

    Args:
        tracks: what may be played.
        wish: the conditions.
        weights: of the cost.
        widest: states to keep at most; by default as many as the time allows.

    Raises:
        PlanError: there is no such set.
    """
    search = Search(tracks, wish, weights)
    widest = widest or max(PRODUCTS // len(tracks), min(NARROWEST, MOST // len(tracks)), 1)
    if wish.tracks:
        return _cheapest(search, wish.tracks, widest)
    if wish.seconds:
        return _as_long(search, wish.seconds, widest)
    raise PlanError("a set needs a number of tracks or a length")


def _as_long(search: Search, seconds: float, widest: int) -> Plan:
    """The set whose length is within one track of what is wished, else the nearest that was found.

    How many tracks that takes follows from the typical track, and then from the set that these made. If none of a few
    numbers will do, the length is made a condition.
    """
    tried: dict[int, Plan] = {}
    count = search.typical(seconds)
    while count not in tried and len(tried) < TRIES:
        try:
            tried[count] = found = _cheapest(search, count, widest)
        except PlanError:
            if not tried:
                raise
            break  # of those that there are, one will do
        if found.as_long_as_asked:
            return found
        wanted = round(count * seconds / found.seconds)
        step = 1 if found.seconds < seconds else -1
        count = search.possible(wanted if wanted != count else count + step)
    search.strict = True
    nearest_first = sorted(tried, key=lambda each: abs(tried[each].seconds - seconds))
    others = (search.possible(each + step) for step in (1, -1, 2, -2) for each in nearest_first[:2])
    for each in dict.fromkeys((*nearest_first, *others)):
        states, exact = search.grow(each, widest)
        if len(states.costs):
            return _complete(search, states, exact=exact)
    return tried[nearest_first[0]]


def _cheapest(search: Search, count: int, widest: int) -> Plan:
    """The cheapest set of so many tracks.

    Raises:
        PlanError: there is none.
    """
    if count < search.fewest():
        raise PlanError(f"the set needs {search.fewest()} tracks at least, more than the {count} asked for")
    available = int((~search.avoided).sum())
    if count > available:
        raise PlanError(f"tracks to choose from: {available}, fewer than the {count} of the set")
    states, exact = search.grow(count, widest)
    if not len(states.costs) and not exact:  # a dead end: what is dearer at first may lead on
        states, exact = search.grow(count, AGAIN * widest)
    if not len(states.costs):
        raise PlanError(search.why_not(exact=exact))
    return _complete(search, states, exact=exact)


def _complete(search: Search, states: States, *, exact: bool) -> Plan:
    """The cheapest of complete sets."""
    best = int(states.costs.argmin())
    rows = states.paths[best]
    plays = search.plays[rows]
    return Plan(
        rows=tuple(rows.tolist()),
        starts=tuple(np.concatenate([[0.0], np.cumsum(plays)[:-1]]).tolist()),
        seconds=float(plays[:-1].sum() + search.tracks.seconds[rows[-1]]),
        cost=float(states.costs[best]),
        exact=exact,
        asked=search.wish.seconds,
        course=search.course,
        progress=tuple(search.progress[rows].tolist()),
    )
