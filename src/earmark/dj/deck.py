"""A deck: a track with all that is needed to mix it: its bars, its sections, how loud it is, what it is."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from earmark.analysis import Analysis, Key
from earmark.audio import Recording
from earmark.dj.grid import Grid
from earmark.dj.structure import PHRASE, Section, sections, sounding
from earmark.errors import UnreadableAudio
from earmark.hearing.rhythm import OnsetAccumulator

RATE: Final = 22_050  # Hz, at which the sections are heard
LOUD: Final = 90  # percentile of the loudness of the seconds: a drop counts, a break does not
UNKNOWN: Final = -14.0  # LUFS of a track whose loudness nobody measured
FEWEST: Final = 4  # bars of a track
MONO: Final = 3.01  # LU by which one channel becomes louder on two


@dataclass(frozen=True)
class Deck:
    """A track on a deck.

    `duration` is in seconds, `level` the loudness in LUFS of its loud parts on two channels. `sections` cover the bars
    of `grid`. `style` is "" where none is probable enough to be named, `family` likewise.
    """

    path: Path
    duration: float
    grid: Grid
    sections: tuple[Section, ...]
    level: float
    title: str = ""
    artist: str = ""
    style: str = ""
    family: str = ""
    key: Key | None = None
    counted: int = field(default=1)  # how many bars of this grid are one that was heard

    @property
    def name(self) -> str:
        """Artist and title, or the name of the file."""
        return " - ".join(filter(None, (self.artist, self.title))) or self.path.stem

    @property
    def bpm(self) -> float:
        """Tempo, as it is counted."""
        return self.grid.bpm

    def doubled(self) -> Self:
        """The same track, counted twice as fast."""
        longer = tuple(Section(each.name, 2 * each.bar, 2 * each.bars) for each in self.sections)
        return replace(self, grid=self.grid.doubled(), sections=longer, counted=2 * self.counted)

    def phrase_starts(self) -> list[int]:
        """The bars on which phrases of eight bars begin, counted so that most sections begin with one."""
        votes = np.zeros(PHRASE)
        for section in self.sections:
            if section.bar > 0:
                votes[section.bar % PHRASE] += section.bars
        votes[0] += 0.5  # where nothing speaks against it
        return list(range(int(votes.argmax()), self.grid.bars + 1, PHRASE))

    def named(self, name: str) -> list[Section]:
        """The sections of a kind, in their order."""
        return [section for section in self.sections if section.name == name]

    def as_json(self) -> dict[str, Any]:
        """What a person who mixes would want to know."""
        return {
            "path": str(self.path),
            "artist": self.artist,
            "title": self.title,
            "duration": round(self.duration, 3),
            "style": self.style,
            "key": self.key.camelot() if self.key else None,
            "bpm": round(self.bpm, 3) if self.grid.heard else None,
            "loudness": round(self.level, 2),
            "first_downbeat": round(self.grid.bar(0), 4),
            "sections": [
                {
                    "name": each.name,
                    "bar": each.bar,
                    "bars": each.bars,
                    "start": round(self.grid.bar(each.bar), 3),
                    "end": round(self.grid.bar(each.end), 3),
                }
                for each in self.sections
            ],
        }


def load(analysis: Analysis, *, title: str = "", artist: str = "") -> Deck:
    """Put a track on a deck; its file is decoded once, to hear its sections.

    Args:
        analysis: what was heard in it, with rhythm and loudness.
        title: as its tags have it.
        artist: the same.

    Raises:
        UnreadableAudio: there is no audio in it that can be heard, or too little.
    """
    onsets = OnsetAccumulator(RATE)
    samples = 0
    with Recording(analysis.path) as recording:
        mono = recording.channels == 1
        for block in recording.blocks(RATE):
            samples += block.size
            onsets.add(block)
    duration = samples / RATE
    envelopes = onsets.envelopes()
    grid = sounding(envelopes, Grid.of(analysis.rhythm, duration))
    if grid.bars < FEWEST:
        raise UnreadableAudio(analysis.path, f"it is too short to be mixed: {FEWEST} bars are the least")
    curve = analysis.loudness.curve if analysis.loudness else np.empty(0)
    level = float(np.percentile(curve, LOUD)) if curve.size else UNKNOWN
    return Deck(
        path=analysis.path,
        duration=duration,
        grid=grid,
        sections=sections(envelopes, grid),
        level=level + (MONO if mono else 0.0),
        title=title,
        artist=artist,
        style="" if analysis.unknown else analysis.timeline.top(1)[0][0],
        family="" if analysis.unknown else analysis.family()[0],
        key=analysis.key,
    )
