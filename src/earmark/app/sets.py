"""Sets: the words of a wish as tracks of the catalogue, the plan, and the set for another program."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from earmark.app.exporting import require_free, write_set
from earmark.app.naming import Finder
from earmark.dj.candidates import Candidates, Rows
from earmark.dj.cost import read_weights
from earmark.dj.course import Energy
from earmark.dj.planner import Plan, plan
from earmark.dj.sets import Step, explained
from earmark.dj.wish import Wish, seconds_of
from earmark.errors import EarmarkError
from earmark.files import write_text
from earmark.library import Catalogue, Query, Track
from earmark.library.track import Summary

SEEDS = 1 << 31


@dataclass(frozen=True)
class MadeSet:
    """A set that was planned; `seed` is None where there was no chance."""

    steps: tuple[Step, ...]
    plan: Plan
    seed: int | None

    def as_json(self) -> dict[str, Any]:
        """The set as other programs, and `earmark mix`, read it."""
        return {
            "tracks": [step.as_json() for step in self.steps],
            "duration": round(self.plan.seconds, 3),
            "cost": round(self.plan.cost, 4),
            "exact": self.plan.exact,
            "seed": self.seed,
        }


def make_set(
    catalogue: Catalogue,
    start: str,
    goal: str = "",
    *,
    minutes: float = 0.0,
    tracks: int = 0,
    play: Iterable[str] = (),
    avoid: Iterable[str] = (),
    query: Query | None = None,
    repeat_artists: bool = False,
    energy: str = "free",
    variety: float = 0.0,
    seed: int | None = None,
    weights: Path | None = None,
) -> MadeSet:
    """Plan a set.

    Args:
        catalogue: what may be played.
        start: the track, or the style, that it begins with.
        goal: the track, or the style, that it ends with; "" for any.
        minutes: how long it is to be.
        tracks: or how many tracks it is to have.
        play: tracks that must be in it.
        avoid: tracks, or words of tracks, that must not.
        query: conditions of all tracks but those that are named.
        repeat_artists: whether an artist may have several tracks.
        energy: the course of the energy, one of `dj.course.Energy`.
        variety: how much chance may cost; 0 always gives the same set.
        seed: of the chance; drawn where there is none.
        weights: a file of weights in the place of ours.

    Raises:
        EarmarkError: a track is not there, or there is no such set.
    """
    weighed = read_weights(weights)
    finder = Finder(catalogue)
    ends = [finder.end(words) if words else None for words in (start, goal)]
    wanted = finder.each_once(play)
    unwanted = set[int]().union(*(finder.ids(words) for words in avoid))
    candidates = Candidates.of_catalogue(catalogue, query, finder.summaries())
    drawn = seed if seed is not None or not variety else secrets.randbelow(SEEDS)
    first, last = (_rows(candidates, end) for end in ends)
    wish = Wish(
        first=first,
        last=last,
        tracks=tracks,
        seconds=seconds_of(minutes) if minutes else 0.0,
        play=np.array([row for track in wanted for row in _rows(candidates, track)], np.intp),
        avoid=np.array([row for row, one in enumerate(candidates.summaries) if one.id in unwanted], np.intp),
        repeat_artists=repeat_artists,
        energy=Energy(energy),
        variety=variety,
        seed=drawn or 0,
    )
    found = plan(candidates, wish, weighed)
    return MadeSet(explained(candidates, wish, found, weighed), found, drawn if variety else None)


def export_set(
    catalogue: Catalogue, steps: Sequence[Step], form: str, out: Path, name: str, *, replace: bool = False
) -> None:
    """Write a set for another program, as a playlist of that name where the format has playlists.

    Raises:
        ValueError: there is no such format.
        EarmarkError: there is something at `out` already, or it cannot be written.
    """
    known = {track.id: track for track in catalogue.by_ids([step.track.id for step in steps if step.track.id])}
    finder = Finder(catalogue)
    tracks = [known.get(step.track.id) or finder.heard(step.track.path) for step in steps]
    write_set(tracks, form, out, name, replace=replace)


def draw_set(made: MadeSet, out: Path, *, replace: bool = False) -> None:
    """Draw a set as SVG.

    Raises:
        EarmarkError: there is something at `out` already.
    """
    from earmark.dj.set_picture import picture

    require_free(out, replace=replace)
    write_text(out, picture(made.steps, made.plan))


def _rows(candidates: Candidates, end: Track | str | None) -> Rows:
    """The rows of a track, or those of a style.

    Raises:
        EarmarkError: no track is of this style.
    """
    if end is None:
        return np.empty(0, np.intp)
    if isinstance(end, str):
        rows = candidates.of_style(end)
        if not len(rows):
            raise EarmarkError(f"no track that may be played is mostly {end}")
        return rows
    row = candidates.row(Summary.of(end))
    return np.empty(0, np.intp) if row is None else np.array([row])
