"""A transition: where one track is left and the next is entered, how long both play, and how they go over.

    tempo       the new track is stretched to the tempo of the old one, by `STRETCH` at most; 87 and 174 BPM are one
    technique   by the styles of both (`techniques.toml`); an echo where tempi do not meet, a fade where one has no beat
    places      phrases of eight bars on phrases of eight bars: the outro of the one on the intro of the other, or drop
                on drop
    length      of the intro, within what the technique allows; an outro that is too short is looped

Conventions: bars are those of the two grids, from 0; as both run at one tempo, one of the one is one of the other.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earmark.dj.deck import Deck
from earmark.dj.grid import BEATS
from earmark.dj.structure import PHRASE
from earmark.dj.techniques import BANDS, CUT, Technique, named, usual

STRETCH: Final = 0.08  # of its tempo by which a track may be stretched
NEAR: Final = 2  # bars by which a section may miss the phrases and still begin with one


@dataclass(frozen=True)
class Transition:
    """A way from track `a` into track `b`, both with their bars counted so that they go together.

    It begins with bar `leave` of `a` and bar `enter` of `b` and lasts `bars` of them. If `loop` is not 0, so many bars
    of `a` from `leave` on are played again and again. `matched` says that `b` is stretched to the tempo of `a`.
    """

    a: Deck
    b: Deck
    technique: Technique
    leave: int
    enter: int
    bars: int
    loop: int
    matched: bool
    reason: str

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.bars * BEATS * self.beat

    @property
    def beat(self) -> float:
        """Seconds of a beat."""
        return 60 / self.a.bpm

    @property
    def factor(self) -> float:
        """The tempo at which `b` plays, in tempi of its own."""
        return self.a.bpm / self.b.bpm if self.matched else 1.0

    @property
    def entered(self) -> float:
        """Seconds of `b` at which it is alone; it cannot be left before."""
        if self.matched:
            return self.b.grid.bar(min(self.enter + self.bars, self.b.grid.bars))
        return self.b.grid.bar(self.enter) + self.seconds

    @cached_property
    def bass_swap(self) -> float:
        """The place, in bars, at which the bass of both is equally loud."""
        places = np.linspace(-1, self.bars, 64 * (self.bars + 1) + 1)
        return float(places[np.searchsorted(self.shares(places)[0], 0.5)])

    def shares(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of `b` in each band, at some places in bars from its beginning; (BANDS, n)."""
        jump = max(self.technique.jump, CUT / self.beat) / BEATS
        return self.technique.shares(places / self.bars, jump / self.bars)

    def gains(self, places: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The gains of `a` and of `b` in each band; (BANDS, n) each, their squares add up to 1."""
        angles = self.shares(places) * np.pi / 2
        return np.cos(angles), np.sin(angles)

    def played(self) -> NDArray[np.intp]:
        """The bars of `a` that sound one after the other; (bars,)."""
        places = np.arange(self.bars)
        return self.leave + (places % self.loop if self.loop else places)

    def as_json(self) -> dict[str, Any]:
        """Every decision; times in seconds of the tracks' own files."""
        return {
            "technique": self.technique.name,
            "reason": self.reason,
            "bars": self.bars,
            "seconds": round(self.seconds, 3),
            "leave": {"bar": self.leave, "time": round(self.a.grid.bar(self.leave), 4)},
            "enter": {"bar": self.enter, "time": round(self.b.grid.bar(self.enter), 4)},
            "looped_bars": self.loop,
            "bass_swap_bar": round(self.bass_swap, 2),
            "tempo": {
                "from": round(self.a.bpm, 3),
                "to": round(self.b.bpm, 3),
                "matched": self.matched,
                "stretch": round(self.factor, 5),
                "counted": [self.a.counted, self.b.counted],
            },
            "level": {"from": round(self.a.level, 2), "to": round(self.b.level, 2)},
            "curves": {
                band: [[round(place * self.bars, 2), share] for place, share in points]
                for band, points in zip(BANDS, self.technique.curves, strict=True)
            },
        }


def plan(a: Deck, b: Deck, *, after: float = 0.0, technique: str = "") -> Transition:
    """The transition from one track into another.

    Args:
        a: the track that plays.
        b: the one that comes.
        after: seconds of `a` before which it must not be left.
        technique: its name; by default the styles decide. One that these two tracks do not allow gives way
            to one that they do, and the reason says so.

    Raises:
        EarmarkError: there is no technique of this name.
    """
    wanted = named(technique) if technique else usual((a.style, a.family), (b.style, b.family))
    if not (a.grid.heard and b.grid.heard):
        why = "without a beat in both tracks there is nothing to align"
        return _placed(a, b, named("fade"), after, matched=False, why=why)
    meeting = _meeting(a, b)
    if meeting is None:
        why = f"the tempi do not meet, {a.bpm:.1f} and {b.bpm:.1f} BPM are more than {STRETCH:.0%} apart"
        return _placed(a, b, named("echo out"), after, matched=False, why=why)
    a, b = meeting
    possible = _possible(a, b, wanted, after)
    why = "" if possible is wanted else f"no {wanted.name}, for which a drop is missing, or too short or too early"
    return _placed(a, b, possible, after, matched=True, why=why)


def _meeting(a: Deck, b: Deck) -> tuple[Deck, Deck] | None:
    """Both decks counted so that their tempi meet; None where they do not."""
    for old, new in ((a, b), (a, b.doubled()), (a.doubled(), b)):
        if abs(old.bpm / new.bpm - 1) <= STRETCH:
            return old, new
    return None


def _possible(a: Deck, b: Deck, wanted: Technique, after: float) -> Technique:
    """The technique, or a short blend where it needs a drop that is not there."""
    lead = _lead(b, wanted)
    if wanted.enters == "drop":
        if not lead:
            return named("swap")
        enter, bars = _entrance(b, wanted)
        if bars > _longest(a, b, enter, matched=True):  # shorter, it would miss the drop
            return named("swap")
    if wanted.leaves == "onto drop":
        drop = a.named("drop")[-1:]
        rest = wanted.bars[0] - wanted.lead
        fits = drop and lead == wanted.lead and drop[0].bars >= rest and b.named("drop")[0].bars >= rest
        if not fits or drop[0].bar - lead < _first_bar(a, after):
            return named("swap")
    return wanted


def _lead(b: Deck, wanted: Technique) -> int:
    """Bars before the first drop of `b` at which it is entered: as many as there are, in half phrases."""
    drops = b.named("drop")
    half = PHRASE // 2
    return min(wanted.lead, drops[0].bar // half * half) if drops else 0


def _first_bar(deck: Deck, after: float) -> int:
    """The first bar that begins after some seconds."""
    return int(np.searchsorted(deck.grid.times[::BEATS], after - 1e-6))


def _placed(a: Deck, b: Deck, how: Technique, after: float, *, matched: bool, why: str) -> Transition:
    """The transition with its places and its length, and why it is none of another technique."""
    first = _first_bar(a, after)
    enter, bars = _entrance(b, how)
    bars = min(bars, _longest(a, b, enter, matched=matched))
    leave = max(_exit(a, how, bars), first)
    if leave > first and how.leaves == "outro":
        leave = _on_phrase(a, leave, first)
    leave = min(leave, max(first, a.grid.bars - 1))
    left = max(1, a.grid.bars - leave)
    if how.leaves == "end":
        bars = min(bars, left)
    loop = 0
    if left < bars and how.name != "echo out":  # whole phrases, or what there is
        loop = left // PHRASE * PHRASE or (min(PHRASE // 2, left))
    reason = _reason(a, b, how, bars, loop, matched=matched, why=why)
    return Transition(a, b, how, leave, enter, bars, loop, matched, reason)


def _longest(a: Deck, b: Deck, enter: int, *, matched: bool) -> int:
    """Bars that a transition may last, so that `b` is alone for as long as it was not."""
    if matched:
        return max(1, (b.grid.bars - enter) // 2)
    rest = b.grid.bar(b.grid.bars) - b.grid.bar(enter)
    return max(1, int(rest / 2 * a.bpm / 60 / BEATS))


def _entrance(b: Deck, how: Technique) -> tuple[int, int]:
    """The bar at which `b` is entered, and the length of the transition that its structure asks for."""
    shortest, longest = how.bars
    if how.enters == "drop":
        lead = _lead(b, how)
        return b.named("drop")[0].bar - lead, lead if how.leaves == "drop" else longest
    enter = b.phrase_starts()[0] if b.grid.heard else 0
    enter = enter if enter <= PHRASE // 2 and enter < b.grid.bars // 2 else 0
    intro = b.sections[0]
    bars = (intro.end - enter) // PHRASE * PHRASE if intro.name in ("intro", "break") else 0
    return enter, min(max(bars, shortest), longest)


def _exit(a: Deck, how: Technique, bars: int) -> int:
    """The bar at which `a` is left."""
    outro, drops = a.sections[-1], a.named("drop")
    if how.leaves == "onto drop":
        return drops[-1].bar - how.lead
    if how.leaves == "drop" and drops:
        return max(drops[-1].end - bars, 0)
    if how.leaves == "end":
        return max(a.grid.bars - bars, a.grid.bars // 2)
    if outro.name == "outro" and outro.bar:
        return outro.bar - (bars if how.leaves == "drop" else 0)
    return max(0, a.grid.bars - max(bars, PHRASE))


def _on_phrase(a: Deck, leave: int, first: int) -> int:
    """The phrase nearest to a bar, where it is near; else the bar."""
    near = [start for start in a.phrase_starts() if abs(start - leave) <= NEAR and first <= start < a.grid.bars]
    return min(near, key=lambda start: abs(start - leave)) if near else leave


def _reason(a: Deck, b: Deck, how: Technique, bars: int, loop: int, *, matched: bool, why: str) -> str:
    """The decision in words."""
    pair = f"{a.style or 'unknown style'} into {b.style or 'unknown style'}"
    parts = [f"{pair}: {how.says}", *([why] if why else [])]
    if matched:
        change = 100 * (a.bpm / b.bpm - 1)
        parts.append(f"{bars} bars at {a.bpm:.2f} BPM, the new track {change:+.1f} %")
    if loop:
        parts.append(f"the old track has too few bars left, so {loop} of them {'is' if loop == 1 else 'are'} looped")
    return "; ".join(parts)
