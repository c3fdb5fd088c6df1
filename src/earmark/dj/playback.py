"""Playback: which moment of which track is heard at each moment of the mix.

A track plays in spans, each a stretch of its file laid on a stretch of the mix. In a transition the beats of the new
track lie on those of the old one, which plays at its own tempo; then the new one glides over `GLIDE` bars to its own,
so that it, too, can be left at its own tempo. Beats on which straight lines agree to `STRAIGHT` are one span.

Conventions: `start` and `end` are seconds of the file, `at` and `until` seconds of the mix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earmark.dj.deck import Deck
from earmark.dj.grid import BEATS
from earmark.dj.techniques import CUT
from earmark.dj.transition import Transition

Times = NDArray[np.float64]

GLIDE: Final = 32  # bars, at most, in which a track finds its own tempo
STEPS: Final = 8  # tempi of a glide
STRAIGHT: Final = 0.001  # seconds
LONGEST: Final = 64.0  # seconds of a span that is stretched: it is held in memory


@dataclass(frozen=True)
class Span:
    """A stretch of a file and where in the mix it sounds."""

    start: float
    end: float
    at: float
    until: float

    @property
    def factor(self) -> float:
        """The tempo, in tempi of its own."""
        return (self.end - self.start) / (self.until - self.at)


@dataclass(frozen=True)
class Playback:
    """A track in the mix; the spans follow each other without gaps.

    `came` is the transition by which it comes, `went` the one by which it goes, `came_at` and `went_at` where in the
    mix they begin. `beats` are the moments of the mix on which its beats lie.
    """

    deck: Deck
    spans: tuple[Span, ...]
    beats: Times
    came: Transition | None
    came_at: float
    went: Transition | None
    went_at: float

    @property
    def at(self) -> float:
        """Where in the mix it begins."""
        return self.spans[0].at

    @property
    def until(self) -> float:
        """Where in the mix it ends."""
        return self.spans[-1].until

    def moment(self, seconds: float) -> float:
        """Where in the mix a moment of the file is first heard; NaN where it is not."""
        for span in self.spans:
            if span.start <= seconds <= span.end:
                return span.at + (seconds - span.start) / span.factor
        return float("nan")

    def gains(self, moments: Times) -> Times:
        """The gains of the three bands at some moments of the mix; (BANDS, n)."""
        gains = np.ones((3, moments.size))
        if self.came:
            gains *= self.came.gains((moments - self.came_at) / (BEATS * self.came.beat))[1]
        if self.went:
            gains *= self.went.gains((moments - self.went_at) / (BEATS * self.went.beat))[0]
        return gains

    def as_json(self) -> dict[str, Any]:
        """Where it is heard, and how fast."""
        return {
            **self.deck.as_json(),
            "at": round(self.at, 4),
            "until": round(self.until, 4),
            "spans": [
                {
                    "start": round(span.start, 4),
                    "end": round(span.end, 4),
                    "at": round(span.at, 4),
                    "until": round(span.until, 4),
                    "stretch": round(span.factor, 5),
                }
                for span in self.spans
            ],
        }


def schedule(decks: Sequence[Deck], transitions: Sequence[Transition], *, glide: int = GLIDE) -> tuple[Playback, ...]:
    """Lay tracks one after the other, from the first sample of the first to the last of the last.

    Args:
        decks: the tracks; the first one is needed where there is no transition.
        transitions: from each to the next, made with `after` so that none begins before the one before it is over.
        glide: bars, at most, in which a track finds its own tempo.

    Raises:
        ValueError: there is not one transition less than tracks, or one begins too early.
    """
    if len(transitions) != len(decks) - 1:
        raise ValueError(f"{len(decks)} tracks have {len(decks) - 1} transitions between them, not {len(transitions)}")
    found: list[Playback] = []
    for deck, came, went in zip(decks, [None, *transitions], [*transitions, None], strict=True):
        before = found[-1] if found else None
        found.append(_playback(deck, before, came, went, glide))
    return tuple(found)


def _playback(
    deck: Deck, before: Playback | None, came: Transition | None, went: Transition | None, glide: int
) -> Playback:
    last = went.a.grid.bar(went.leave) if went else deck.duration
    marks: list[tuple[float, float]] = []  # seconds of the file, seconds of the mix
    came_at = 0.0
    if came and before:
        came_at = before.went_at
        if last < came.entered - CUT:
            raise ValueError(f"{deck.path}: it is left at {last:.1f} s, before it has come in at {came.entered:.1f} s")
        marks = _coming(came, came_at, last, glide)
    else:
        marks = [(0.0, 0.0)]
    source, mix = marks[-1]
    spans = [Span(*pair) for pair in _pairs(marks)]
    spans.append(Span(source, last, mix, mix + last - source))
    went_at = spans[-1].until
    if went:
        spans += _going(went, went_at)
    spans = [span for span in spans if span.until > span.at]
    lead = min(CUT, spans[0].start / spans[0].factor) if came else 0.0  # a jump begins before the beat
    spans[0] = Span(spans[0].start - lead * spans[0].factor, spans[0].end, spans[0].at - lead, spans[0].until)
    merged = _merged(spans)
    return Playback(deck, merged, _beats(deck, merged), came, came_at, went, went_at)


def _pairs(marks: list[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    return [(start, end, at, until) for (start, at), (end, until) in pairwise(marks)]


def _coming(came: Transition, at: float, last: float, glide: int) -> list[tuple[float, float]]:
    """Marks of a track while it comes in on the beats of another, and glides to its own tempo until `last`."""
    grid = came.b.grid
    if not came.matched:
        start = grid.bar(came.enter)
        return [(start, at)]
    moments = at + np.concatenate([[0.0], np.cumsum(_lengths(came))])
    times = grid.times[BEATS * came.enter :][: moments.size]
    marks = list(zip(times.tolist(), moments[: times.size].tolist(), strict=True))
    rest = grid.times[(grid.times > times[-1] + 1e-6) & (grid.times <= last + 1e-6)][: glide * BEATS]
    if not rest.size:
        return marks
    own = np.diff(np.concatenate([times[-1:], rest]))
    step = np.ceil(np.arange(1, rest.size + 1) / rest.size * STEPS) / (STEPS + 1)
    glided = own / came.factor ** (1 - step)
    return [*marks, *zip(rest.tolist(), (moments[times.size - 1] + np.cumsum(glided)).tolist(), strict=True)]


def _lengths(transition: Transition) -> Times:
    """Seconds of each beat that `a` plays in a transition; (4 bars,)."""
    beats = np.diff(transition.a.grid.times).reshape(-1, BEATS)  # (bars, BEATS)
    played = transition.played()
    usual = np.full(BEATS, transition.beat)
    return np.concatenate([beats[bar] if bar < len(beats) else usual for bar in played])


def _going(went: Transition, at: float) -> list[Span]:
    """Spans of a track while it goes, with its loops."""
    grid, spans = went.a.grid, []
    if went.technique.name == "echo out":  # its last beat sounds on by itself
        return [Span(grid.bar(went.leave), grid.bar(went.leave) + 1e-6, at, at + 1e-6)]
    length = went.loop or went.bars
    for first in range(0, went.bars, length):
        bars = min(length, went.bars - first)
        start = grid.bar(went.leave)
        end = grid.bar(min(went.leave + bars, grid.bars))
        spans.append(Span(start, end, at, at + end - start))
        at = spans[-1].until
    return spans


def _merged(spans: list[Span]) -> tuple[Span, ...]:
    """The spans, with those as one that lie on a straight line, as long as stretched ones may be."""
    merged: list[Span] = []
    inside: list[tuple[float, float]] = []  # the marks within the last one
    for span in spans:
        if merged:
            last = merged[-1]
            joined = Span(last.start, span.end, last.at, span.until)
            marks = [*inside, (span.start, span.at)]
            straight = all(
                abs(joined.at + (start - joined.start) / joined.factor - at) <= STRAIGHT for start, at in marks
            )
            own = abs(joined.factor - 1) < 1e-9 and abs(last.factor - 1) < 1e-9  # noqa: PLR2004  its own tempo
            near = abs(span.start - last.end) < 1e-9  # noqa: PLR2004  no loop
            if near and (own or (straight and not _own(span) and joined.until - joined.at <= LONGEST)):
                merged[-1], inside = joined, marks
                continue
        merged.append(span)
        inside = []
    return tuple(merged)


def _own(span: Span) -> bool:
    return abs(span.factor - 1) < 1e-9  # noqa: PLR2004


def _beats(deck: Deck, spans: tuple[Span, ...]) -> Times:
    """The moments of the mix on which the beats of a track lie; none where nobody heard a beat."""
    if not deck.grid.heard:
        return np.empty(0)
    times = deck.grid.times
    found = [
        span.at + (inside - span.start) / span.factor
        for span in spans
        if (inside := times[(times >= span.start - 1e-9) & (times < span.end - 1e-9)]).size
    ]
    return np.concatenate(found) if found else np.empty(0)
