"""Reasons why two tracks sound alike: style, tempo, key, loudness, and how they sound, as numbers and in words.

Conventions: tempi are alike if one can be played at the other's, itself, doubled or halved, by turning the pitch no
further than `TURNED`. Keys mix if they are neighbours on the wheel of fifths: the same, a fifth away, or the relative
key (`8A`: 7A, 9A, 8B).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from earmark.analysis import Analysis

TURNED: Final = 0.06  # of a tempo: what dancers forgive
NO_TURN: Final = 0.0005  # shown as 0
AS_LOUD: Final = 1.5  # LU
SALIENT: Final = 0.8  # standard deviations from the usual: a fifth of the tracks lie beyond, on either side
OCTAVES: Final = {1.0: "", 0.5: "half the tempo", 2.0: "twice the tempo"}
HOURS: Final = 12  # on the wheel of fifths


@dataclass(frozen=True)
class Likeness:
    """A track beside another.

    Attributes:
        styles: that both are most probably, one or none.
        family: that both are; "" if they are of different ones.
        octave: 1, 0.5 or 2: the tempo of the track is about so many times that of the other; None if it is neither, or
            one of them has no tempo.
        bpm: the tempo of the track.
        turn: by which share the pitch is to be turned to meet the other's tempo.
        key: of the track in Camelot's notation; "" where it has none.
        mixes: whether its key mixes with the other's.
        louder: by how many LU the track is louder; None where one has no loudness.
        sounds: words for how both sound, that most tracks do not.
    """

    style: str
    family: str
    octave: float | None
    bpm: float | None
    turn: float
    key: str
    mixes: bool
    louder: float | None
    sounds: tuple[str, ...]

    def __str__(self) -> str:
        """The reasons in one line; "" if there is none to name."""
        parts = [self.style or (f"{self.family} family" if self.family else "")]
        if self.octave is not None:
            turn = "" if abs(self.turn) < NO_TURN else f"{self.turn:+.1%}"
            parts.append(f"{OCTAVES[self.octave] or ('tempo' if turn else 'same tempo')} {turn}".strip())
        parts.append(f"key {self.key} mixes" if self.mixes else "")
        if self.louder is not None and abs(self.louder) <= AS_LOUD:
            parts.append("as loud")
        parts.append(f"both {', '.join(self.sounds)}" if self.sounds else "")
        return "; ".join(filter(None, parts))

    def as_json(self) -> dict[str, Any]:
        """The reasons as they stand in JSON; null for what is not alike."""
        return {
            "style": self.style or None,
            "family": self.family or None,
            "tempo": None if self.octave is None else {"times": self.octave, "turn": round(self.turn, 4)},
            "key_mixes": self.mixes,
            "louder": None if self.louder is None else round(self.louder, 1),
            "sounds": list(self.sounds),
            "text": str(self),
        }


def likeness(
    track: Analysis,
    other: Analysis,
    sounds: Mapping[str, float] | None = None,
    others: Mapping[str, float] | None = None,
) -> Likeness:
    """The reasons why a track sounds like another.

    Args:
        track: what was heard in it.
        other: what was heard in the other.
        sounds: words for how a track sounds, each with how much, in standard deviations.
        others: those of the other.
    """
    (style, _), (family, _) = track.timeline.top(1)[0], track.family()
    same = style == other.timeline.top(1)[0][0] and not (track.unknown or other.unknown)
    octave, turn = _tempo(track, other)
    louder = track.loudness.integrated - other.loudness.integrated if track.loudness and other.loudness else None
    shared = {word: min(much, (others or {}).get(word, 0.0)) for word, much in (sounds or {}).items()}
    salient = sorted((word for word, much in shared.items() if much >= SALIENT), key=lambda word: -shared[word])
    return Likeness(
        style=style if same else "",
        family=family if family == other.family()[0] and not (track.no_music or other.no_music) else "",
        octave=octave,
        bpm=track.rhythm.bpm if track.rhythm else None,
        turn=turn,
        key=track.key.camelot() if track.key else "",
        mixes=bool(track.key and other.key and keys_mix(track.key.camelot(), other.key.camelot())),
        louder=louder,
        sounds=tuple(salient),
    )


def keys_mix(one: str, other: str) -> bool:
    """Whether two keys in Camelot's notation are the same or neighbours on the wheel.

    >>> keys_mix("8A", "9A"), keys_mix("12B", "1B"), keys_mix("8A", "8B"), keys_mix("8A", "9B")
    (True, True, True, False)
    """
    apart = (int(one[:-1]) - int(other[:-1])) % HOURS
    return apart in (0, 1, HOURS - 1) if one[-1] == other[-1] else apart == 0


def _tempo(track: Analysis, other: Analysis) -> tuple[float | None, float]:
    """The octave in which two tempi meet, and by how much the pitch of the track is to be turned for it."""
    if track.rhythm is None or other.rhythm is None:
        return None, 0.0
    turns = {octave: octave * other.rhythm.bpm / track.rhythm.bpm - 1 for octave in OCTAVES}
    octave = min(turns, key=lambda each: abs(turns[each]))
    return (octave, turns[octave]) if abs(turns[octave]) <= TURNED else (None, 0.0)
