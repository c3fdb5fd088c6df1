"""Everything that was heard in one track: the record that travels between the rooms.

`Analysis.as_json` is its one form for other programs: commands, exports and pages take theirs from it.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import Timeline

MAJOR_KEYS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_KEYS = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "Abm", "Am", "Bbm", "Bm")
NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"": 0, "#": 1, "b": -1, "♯": 1, "♭": -1}

SURE: Final = 0.75  # probability from which on a style or a family is said to be sure,
LIKELY: Final = 0.5  # and from which on it is likely; below, it is unsure
SOFTEST, LOUDEST = -20.0, -5.0  # LUFS of a track without energy, and of one with all of it
MOSTLY: Final = 0.5  # share of a recording of several styles in which one of them is likely


class Digits(NamedTuple):
    """Decimal places of the numbers in JSON; None keeps all of them.

    `probability` is that of styles and families, `confidence` that of tempo and key (0-1); `seconds` is where segments
    begin and end, `beats` the times of beats; `bpm` tempo and drift; `loudness` LUFS, LU and dBTP; `curve` the LUFS of
    each second.
    """

    probability: int | None = 4
    confidence: int | None = 4
    seconds: int | None = 3
    beats: int | None = 4
    bpm: int | None = 3
    loudness: int | None = 2
    curve: int | None = 1


SHORT = Digits()
"""For people and pages."""

EXACT = Digits(probability=6, confidence=None, seconds=None, beats=None, bpm=None, loudness=None, curve=None)
"""For programs: everything but the digits that single precision makes up."""


@dataclass(frozen=True)
class Rhythm:
    """The beat of a track; times in seconds from its start.

    `bpm` is the tempo of the whole track, `drift` how far the tempo moves around it, in BPM (0 for a machine),
    `confidence` is 0-1. `beats` and `downbeats` (the first of each bar) are (beats,) and (bars,).
    """

    bpm: float
    confidence: float
    drift: float
    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]

    def as_json(self, *, detail: bool = False, digits: Digits = SHORT) -> dict[str, Any]:
        """The numbers; with `detail` the times of all beats, too."""
        found: dict[str, Any] = {
            "bpm": _rounded(self.bpm, digits.bpm),
            "confidence": _rounded(self.confidence, digits.confidence),
            "drift": _rounded(self.drift, digits.bpm),
            "first_downbeat": _rounded(float(self.downbeats[0]), digits.beats) if self.downbeats.size else None,
        }
        if detail:
            found |= {"beats": _times(self.beats, digits.beats), "downbeats": _times(self.downbeats, digits.beats)}
        return found


@dataclass(frozen=True)
class Key:
    """A musical key: `tonic` 0-11 counted from C, major or minor, and how sure that is (0-1)."""

    tonic: int
    minor: bool
    confidence: float

    def name(self) -> str:
        """As DJ programs write it: `Am`, `F#m`, `Db`."""
        return (MINOR_KEYS if self.minor else MAJOR_KEYS)[self.tonic]

    @classmethod
    def from_name(cls, name: str) -> "Key":
        """A key given by its name in any spelling: `Gbm` is `F#m`.

        Raises:
            ValueError: it is no name of a key.
        """
        letter, accidental = name[:1].upper(), name[1:].removesuffix("m")
        if letter not in NATURALS or accidental not in ACCIDENTALS:
            raise ValueError(f"{name!r} is no key")
        return cls((NATURALS[letter] + ACCIDENTALS[accidental]) % 12, name.endswith("m"), 1.0)

    def camelot(self) -> str:
        """Its place on the wheel of fifths on which neighbours mix well: `8A` is A minor, `8B` C major."""
        major = (self.tonic + 3 * self.minor) % 12
        return f"{(major * 7 + 7) % 12 + 1}{'A' if self.minor else 'B'}"

    def as_json(self, *, digits: Digits = SHORT) -> dict[str, Any]:
        """Both names and the confidence."""
        confidence = _rounded(self.confidence, digits.confidence)
        return {"name": self.name(), "camelot": self.camelot(), "confidence": confidence}


@dataclass(frozen=True)
class Loudness:
    """EBU R128 (ITU-R BS.1770): `integrated` in LUFS, `range` in LU, `true_peak` in dBTP.

    `curve` is the short-term loudness (3 s) at each whole second in LUFS, (seconds,): the course of the track's energy.
    """

    integrated: float
    range: float
    true_peak: float
    curve: NDArray[np.float32]

    def energy(self) -> float | None:
        """Energy of the track, from 0 (-20 LUFS and below) to 1 (-5 LUFS and above); None where nothing sounds."""
        if not math.isfinite(self.integrated):
            return None
        return min(1.0, max(0.0, (self.integrated - SOFTEST) / (LOUDEST - SOFTEST)))

    def as_json(self, *, detail: bool = False, digits: Digits = SHORT) -> dict[str, Any]:
        """The numbers, null for the level of silence; with `detail` the curve, too."""
        measured: dict[str, Any] = {
            "integrated": _rounded(self.integrated, digits.loudness),
            "range": _rounded(self.range, digits.loudness),
            "true_peak": _rounded(self.true_peak, digits.loudness),
        }
        if detail:
            measured["curve"] = [_rounded(level, digits.curve) for level in self.curve.tolist()]
        return measured


class Confidence(StrEnum):
    """The words for how sure an answer is."""

    SURE = "sure"
    LIKELY = "likely"
    UNSURE = "unsure"
    SEVERAL = "several styles"
    UNKNOWN = "unlike anything I know"
    NO_MUSIC = "no music"


def _certainty(probability: float) -> Confidence:
    return Confidence.SURE if probability >= SURE else Confidence.LIKELY if probability >= LIKELY else Confidence.UNSURE


class Answer(NamedTuple):
    """The answer for a whole track in words.

    `styles` is one style, the longest first of several, or none. `family` is that of the one style; without a style it
    is all that is named. `probability` is that of the one style, or of the family without one; 0 where neither is
    named. `detail` is the name of what is no music. `seconds` is how much sound the answer rests on, and `short` says
    that this is no more than one window.
    """

    confidence: Confidence
    styles: tuple[str, ...]
    family: str
    probability: float
    detail: str
    seconds: float
    short: bool

    @property
    def family_alone(self) -> bool:
        """Whether a family is named, and no style."""
        return bool(self.family and not self.styles)

    def __str__(self) -> str:
        named = self.detail or (f"{self.family} family" if self.family_alone else ", ".join(self.styles))
        if self.confidence in (Confidence.SEVERAL, Confidence.NO_MUSIC):
            return f"{self.confidence}: {named}"
        return f"{named}, {self.confidence}" if named else str(self.confidence)


@dataclass(frozen=True)
class Analysis:
    """Record of everything that a `Listener` heard in a file.

    `duration` is in seconds and is what was heard, not what the file declares. `families` gives each style its family
    and `unknown` says that no style is probable enough to be named for the whole track. `no_music` is the name of what
    sounds where that is no music ("silence", "noise"), which is `unknown`, too. `rhythm` is None where
    there is no beat, `key` where there is no harmony, `loudness` where nothing sounds; all three where nobody listened
    for them. `warnings` are whole sentences.
    """

    path: Path
    duration: float
    timeline: Timeline
    families: dict[str, str]
    unknown: bool
    embedding: NDArray[np.float32]
    model: str
    rhythm: Rhythm | None = None
    key: Key | None = None
    loudness: Loudness | None = None
    warnings: tuple[str, ...] = ()
    no_music: str = ""

    def answer(self) -> Answer:
        """The answer in words; `str` of it is a headline."""
        confidence, styles, family, probability = self._said()
        seconds = self.timeline.sounding()
        short = len(self.timeline.starts) == 1 or seconds < self.timeline.window
        return Answer(confidence, styles, family, probability, self.no_music, seconds, short)

    def _said(self) -> tuple[Confidence, tuple[str, ...], str, float]:
        """Confidence, styles, family and probability of the answer; family first, where no style is likely."""
        if self.no_music:
            return Confidence.NO_MUSIC, (), "", 0.0
        style, share = self.timeline.top(1)[0]
        if share >= LIKELY and not self.unknown:
            return _certainty(share), (style,), self.families[style], share
        if several := self._several():
            return Confidence.SEVERAL, several, "", 0.0
        family, total = self.family()
        broader = total > share and len(set(self.families.values())) > 1  # than the style, and not all that there is
        if broader and total >= (SURE if self.unknown else LIKELY):
            return _certainty(total), (), family, total
        if self.unknown:
            return Confidence.UNKNOWN, (), "", 0.0
        return _certainty(share), (style,), self.families[style], share

    def _several(self) -> tuple[str, ...]:
        """The styles of a mix: two or more, each likely in stretches of its own that make up most of the recording."""
        segments = self.timeline.segments()
        lengths: dict[str, float] = {}
        for part in segments:
            if part.probability >= LIKELY:
                lengths[part.style] = lengths.get(part.style, 0.0) + part.end - part.start
        longest_first = tuple(sorted(lengths, key=lambda style: -lengths[style]))
        whole = segments[-1].end - segments[0].start
        return longest_first if longest_first[1:] and sum(lengths.values()) >= MOSTLY * whole else ()

    def __repr__(self) -> str:
        """One line: the file, its length, the strongest style, tempo and key."""
        style, share = self.timeline.top(1)[0]
        parts = [repr(str(self.path)), f"{self.duration:.1f} s", f"{style} {share:.2f}"]
        parts += ["unknown"] if self.unknown else []
        parts += [f"{self.rhythm.bpm:.1f} BPM"] if self.rhythm else []
        parts += [self.key.name()] if self.key else []
        return f"<Analysis {', '.join(parts)}>"

    def verdict(self) -> tuple[str, float]:
        """The name for a row of a table, and its probability: a style, a family where that is all, or ""."""
        answer = self.answer()
        style, share = self.timeline.top(1)[0]
        if answer.family_alone:
            return f"{answer.family} family", answer.probability
        return ("" if self.unknown else style), share

    def family(self) -> tuple[str, float]:
        """The most probable family and its probability."""
        return self.timeline.families(self.families)[0]

    def as_json(self, *, top: int | None = None, detail: bool = False, digits: Digits = SHORT) -> dict[str, Any]:
        """The analysis as it stands in JSON, times in seconds; null for what was not heard.

        Args:
            top: how many styles to name, the most probable first; all of them by default.
            detail: every beat, and the loudness of every second.
            digits: how numbers are rounded.
        """
        family, share = self.family()
        answer = self.answer()
        return {
            "path": str(self.path),
            "duration": _rounded(self.duration, digits.seconds),
            "styles": [
                {"style": style, "probability": _rounded(part, digits.probability)}
                for style, part in self.timeline.top(len(self.timeline.styles) if top is None else top)
            ],
            "family": {"family": family, "probability": _rounded(share, digits.probability)},
            "unknown": self.unknown,
            "answer": {
                "confidence": str(answer.confidence),
                "styles": list(answer.styles),
                "family": answer.family or None,
                "seconds": _rounded(answer.seconds, digits.seconds),
            },
            "no_music": self.no_music or None,
            "segments": [
                {
                    "start": _rounded(part.start, digits.seconds),
                    "end": _rounded(part.end, digits.seconds),
                    "style": part.style,
                    "probability": _rounded(part.probability, digits.probability),
                }
                for part in self.timeline.segments()
            ],
            "rhythm": self.rhythm.as_json(detail=detail, digits=digits) if self.rhythm else None,
            "key": self.key.as_json(digits=digits) if self.key else None,
            "loudness": self.loudness.as_json(detail=detail, digits=digits) if self.loudness else None,
            "model": self.model,
            "warnings": list(self.warnings),
        }


def _rounded(number: float, places: int | None) -> float | None:
    """A number with so many decimal places; None for infinities, which JSON cannot hold."""
    if not math.isfinite(number):
        return None
    return number if places is None else round(number, places)


def _times(seconds: NDArray[np.float64], places: int | None) -> list[float]:
    times: list[float] = (seconds if places is None else seconds.round(places)).tolist()
    return times
