"""Back to back: a human and the machine play one track each in turn.

    session = Session(candidates, weights)
    print(session.hears(track))            # the human has played: what the machine heard
    picks = session.picks(Mood.FOLLOW)     # its pick, and three alternatives, each with reasons
    session.plays(picks[0])                # its turn

It picks from its crate the track that costs least to go to from what plays (`cost`), as a set is planned one step
ahead. No track is played twice, and no artist unless that is asked for; live sound, which has no file, can be answered
but not mixed. The log of a session is a set.

References: Qosmo, "AI DJ Project: human DJ back to back", 2016.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from earmark.dj.candidates import NOBODY, Candidates, artist
from earmark.dj.cost import Weights, energy_part, hellinger, step_parts
from earmark.dj.course import point
from earmark.dj.joints import Joints
from earmark.dj.search import playing_seconds
from earmark.dj.sets import Step, parts_between, reasons_for
from earmark.errors import PlanError
from earmark.library.track import Summary

ALTERNATIVES: Final = 3
NAMED: Final = 0.15  # probability from which on a second style is mentioned

HUMAN, MACHINE = "human", "machine"
LIVE: Final = Path("live")
"""The path of what was heard live: sound that has no file."""


class Mood(StrEnum):
    """Wishes of the human for the energy of the answer."""

    FOLLOW = "follow"
    CONTRAST = "contrast"
    UP = "up"
    DOWN = "down"


CHANGES: Final = {Mood.FOLLOW: 0.0, Mood.CONTRAST: 0.35, Mood.UP: 0.15, Mood.DOWN: -0.15}
"""Changes of the energy (0-1) that are wanted; a contrast goes to where there is more room."""
MIDDLE: Final = 0.5  # of the energy


@dataclass(frozen=True)
class Played:
    """A track as somebody played it.

    Attributes:
        track: its summary.
        sounds: the kinds of sound in it, the most striking first.
        embedding: of a track that is not in the crate, (dims,); else None.
    """

    track: Summary
    sounds: tuple[str, ...] = ()
    embedding: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Pick:
    """A track that the machine may play, what the step to it costs, and why it fits."""

    track: Summary
    cost: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Mixed:
    """A transition that was rendered.

    `entered` is the moment of the second track, in seconds, from which it plays alone; `reason` is one sentence;
    `joints` say where the file joins the two tracks, None in a log of an earlier earmark.
    """

    path: Path
    reason: str
    entered: float
    joints: Joints | None = None


Mixer: TypeAlias = Callable[[Summary, Summary, float], Mixed | None]
"""Renders the transition from one track to another; the first is not left before that moment, in seconds. None
where these two cannot be mixed."""


@dataclass(frozen=True)
class Turn:
    """A turn: who played what, and for the machine, why, what else it offered, and the transition if one was made."""

    player: str
    played: Played
    reasons: tuple[str, ...] = ()
    alternatives: tuple[Summary, ...] = ()
    mixed: Mixed | None = None


@dataclass
class Session:
    """A session of a human and the machine.

    Attributes:
        crate: the tracks that the machine may play.
        weights: of the cost.
        repeat_artists: whether an artist may be played again.
        turns: so far.
    """

    crate: Candidates
    weights: Weights
    repeat_artists: bool = False
    turns: list[Turn] = field(default_factory=list)

    def hears(self, played: Played, mix: Mixer | None = None) -> str:
        """The human's turn; returns what the machine heard, in one sentence.

        Args:
            played: what the human plays.
            mix: renders the transition to it; see `plays`.

        Raises:
            PlanError: it is the machine's turn, or this track was played before.
        """
        if self.turns and self.turns[-1].player == HUMAN:
            raise PlanError("it is the machine's turn")
        if any(_same(turn.played.track, played.track) for turn in self.turns):
            raise PlanError(f"{played.track.name()}: was played before")
        self.turns.append(Turn(HUMAN, played, mixed=self._mixed(played.track, mix)))
        return heard(played)

    def picks(self, mood: Mood = Mood.FOLLOW) -> tuple[Pick, ...]:
        """The pick of the machine, and its alternatives; nothing is played yet.

        Raises:
            PlanError: it is the human's turn, or no track is left.
        """
        if not self.turns:
            return self._openings()
        if self.turns[-1].player == MACHINE:
            raise PlanError("it is the human's turn")
        played = self.turns[-1].played
        crate, row = self.crate.including(played.track, played.embedding)
        parts = dict(step_parts(crate, np.array([row]), slice(None), self.weights))
        wanted = _wanted(crate.energy[row], mood)
        parts["energy"] = energy_part(crate.energy, wanted, self.weights)[None]
        costs = np.zeros(len(crate))
        for name, part in parts.items():
            costs += getattr(self.weights.step, name) * part[0]
        # Where another energy is asked for, what does not go that way comes last, however well it fits.
        change = wanted - crate.energy[row]
        astray = (np.sign(change) != 0) & ~((crate.energy - crate.energy[row]) * change > 0)
        order = np.lexsort((costs, astray))
        return tuple(
            Pick(track, float(costs[one]), tuple(reasons_for(played.track, track)))
            for one in self._left(order[order < len(self.crate)])
            for track in [self.crate.summaries[one]]
        )

    def plays(self, pick: Pick, others: Sequence[Pick] = (), mix: Mixer | None = None) -> Turn:
        """The machine's turn.

        Args:
            pick: what it plays.
            others: what else it offered, for the log.
            mix: renders the transition; not called where either track has no file.

        Raises:
            PlanError: it is the human's turn.
        """
        if self.turns and self.turns[-1].player == MACHINE:
            raise PlanError("it is the human's turn")
        alternatives = tuple(other.track for other in others if not _same(other.track, pick.track))
        self.turns.append(Turn(MACHINE, Played(pick.track), pick.reasons, alternatives, self._mixed(pick.track, mix)))
        return self.turns[-1]

    def takes_back(self) -> Turn:
        """Take the last turn back, and return it.

        Raises:
            PlanError: there is none.
        """
        if not self.turns:
            raise PlanError("nothing was played yet")
        return self.turns.pop()

    def steps(self) -> tuple[Step, ...]:
        """The session as a set; live sound, which has no file, is left out."""
        tracks = [turn.played for turn in self.turns if turn.played.track.path != LIVE]
        steps: list[Step] = []
        crate, start, before = self.crate, 0.0, -1
        for played in tracks:
            crate, row = crate.including(played.track, played.embedding)
            reasons = reasons_for(steps[-1].track, played.track) if steps else ("the first track",)
            parts = parts_between(crate, before, row, self.weights) if steps else {}
            steps.append(Step(played.track, start, tuple(reasons), parts))
            start += float(playing_seconds(crate, self.weights.other.overlap)[row])
            before = row
        return tuple(steps)

    def _mixed(self, track: Summary, mix: Mixer | None) -> Mixed | None:
        """The transition from what plays, which is not left before it was entered; None where there can be none."""
        if mix is None or not self.turns or LIVE in (track.path, self.turns[-1].played.track.path):
            return None
        last = self.turns[-1]
        return mix(last.played.track, track, last.mixed.entered if last.mixed else 0.0)

    def _openings(self) -> tuple[Pick, ...]:
        """Tracks to begin with: those nearest to the middle of the crate, by style and energy."""
        if not len(self.crate):
            raise PlanError("the crate is empty")
        middle = point(self.crate, np.arange(len(self.crate)))
        style = hellinger(self.crate.mixtures @ middle.mixture) if middle.mixture is not None else 0.0
        energy = energy_part(
            self.crate.energy, np.float32(np.nan if middle.energy is None else middle.energy), self.weights
        )
        costs = self.weights.step.style * style + self.weights.step.energy * energy.astype(np.float64)
        reasons = ("near the middle of the crate",)
        return tuple(
            Pick(self.crate.summaries[row], float(costs[row]), reasons)
            for row in self._left(np.argsort(costs, kind="stable"))
        )

    def _left(self, order: NDArray[np.intp]) -> list[int]:
        """The rows of the pick and its alternatives: the first that may be played of rows in an order, (tracks,)."""
        names = {artist(turn.played.track.artist) for turn in self.turns} - {""}
        used = [turn.played.track for turn in self.turns]
        chosen: list[int] = []
        taken: set[int] = set()
        for row in order.tolist():
            one, number = self.crate.summaries[row], int(self.crate.artists[row])
            if any(_same(one, other) for other in used):
                continue
            if not self.repeat_artists and (artist(one.artist) in names or (number != NOBODY and number in taken)):
                continue
            chosen.append(row)
            taken.add(number)
            if len(chosen) > ALTERNATIVES:
                break
        if not chosen:
            if self.repeat_artists:
                raise PlanError("no track is left in the crate")
            reason = "no track by an artist who was not played yet is left in the crate"
            raise PlanError(f"{reason}; --repeat-artists allows them again")
        return chosen


def heard(played: Played) -> str:
    """A sentence on what was heard: styles, tempo, key, energy, sounds."""
    track = played.track
    order = np.argsort(-track.probabilities, kind="stable")
    style = f"{track.styles[order[0]]} {track.probabilities[order[0]]:.2f}"
    if len(order) > 1 and track.probabilities[order[1]] >= NAMED:
        style += f", perhaps {track.styles[order[1]]} {track.probabilities[order[1]]:.2f}"
    if track.unknown:
        style = f"unlike anything I know, nearest {style}"
    parts = [
        style,
        *([f"{track.bpm:.1f} BPM"] if track.bpm else []),
        *([track.camelot] if track.camelot else []),
        *([f"energy {1 + round(9 * track.energy)}"] if track.energy is not None else []),
        *([f"with {', '.join(played.sounds)}"] if played.sounds else []),
    ]
    return "; ".join(parts)


def _wanted(energy: np.float32, mood: Mood) -> np.float32:
    """The energy that is wanted after another one; both 0-1, NaN where it is not known."""
    change = CHANGES[mood]
    if mood is Mood.CONTRAST and energy >= MIDDLE:
        change = -change
    return np.float32(np.clip(energy + change, 0, 1))


def _same(one: Summary, other: Summary) -> bool:
    """Whether two are the same track, or copies of it; live sound is never the same."""
    if LIVE in (one.path, other.path):
        return False
    return one.path == other.path or bool(one.content_hash and one.content_hash == other.content_hash)
