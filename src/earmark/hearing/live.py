"""Listening to what plays: every few seconds the style, tempo and key of the last half minute, and its sounds.

Only a ring of the last window is kept, however long it goes on. Style, tempo and key come from all of it, because they
need as much as they can get; the kinds of sound come from the last seconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from earmark.analysis import Analysis
from earmark.audio import Sound, Waveform
from earmark.hearing.key import PitchAccumulator, estimate_key
from earmark.hearing.loudness import Meter
from earmark.hearing.model import Model
from earmark.hearing.rhythm import OnsetAccumulator, estimate_rhythm
from earmark.hearing.sounds import HeardSound, audible

EVERY: Final = 3.0  # seconds from one answer to the next
SOUNDING: Final = 5.0  # seconds in which sounds are looked for
LEAST: Final = 1.0  # seconds from which on there is an answer
PLACE: Final = Path("live")  # in the place of a file


class Ring:
    """The last samples of a stream.

    Args:
        samples: how many are kept.
    """

    def __init__(self, samples: int) -> None:
        self._kept = np.zeros(samples, np.float32)
        self.total = 0  # samples that have come so far

    def add(self, block: Waveform) -> None:
        """Take the next samples."""
        self.total += block.size
        block = block[-self._kept.size :]
        self._kept[np.arange(self.total - block.size, self.total) % self._kept.size] = block

    def last(self, samples: int) -> Waveform:
        """The last samples, or all that there are: a copy."""
        count = min(samples, self._kept.size, self.total)
        return self._kept[np.arange(self.total - count, self.total) % self._kept.size]


@dataclass(frozen=True)
class Moment:
    """An answer about what plays.

    Attributes:
        end: seconds from the beginning of the stream to the last sample that was heard.
        analysis: of the last window; its path is `PLACE`, its times count from the beginning of that window.
        sounds: the kinds of sound in the last seconds, the most striking first.
    """

    end: float
    analysis: Analysis
    sounds: tuple[HeardSound, ...]

    def as_json(self, top: int) -> dict[str, Any]:
        """The answer, with so many styles."""
        found = self.analysis.as_json(top=top)
        kept = ("styles", "family", "unknown", "answer", "no_music", "rhythm", "key", "loudness", "model")
        sounds = [{"sound": sound.name, "score": round(sound.score, 4)} for sound in self.sounds]
        return {"end": round(self.end, 3), **{name: found[name] for name in kept}, "sounds": sounds}


def moments(blocks: Iterable[Waveform], model: Model, every: float = EVERY) -> Iterator[Moment]:
    """An answer every few seconds, each as soon as its last sample has come, and one at the end of the stream.

    Args:
        blocks: the stream at the model's sample rate, in blocks that are shorter than `every`.
        model: hears it.
        every: seconds of the stream from one answer to the next.
    """
    rate = model.config.sample_rate
    ring = Ring(round(model.config.window * rate))
    step = round(every * rate)
    heard = 0
    for block in blocks:
        ring.add(block)
        if ring.total - heard >= step:
            yield _hear(ring, model)
            heard += (ring.total - heard) // step * step
    if ring.total - heard >= LEAST * rate:
        yield _hear(ring, model)


def _hear(ring: Ring, model: Model) -> Moment:
    config = model.config
    rate = config.sample_rate
    waveform = ring.last(round(config.window * rate))
    heard = model.hear_windows([(0.0, waveform)])
    music = not heard.no_music
    styles = dict(zip(heard.timeline.styles, heard.timeline.mean().tolist(), strict=True))
    onsets, pitches, meter = OnsetAccumulator(rate), PitchAccumulator(rate), Meter()
    onsets.add(waveform)
    pitches.add(waveform)
    meter.add(Sound(rate, ("FL", "FR"), np.stack([waveform, waveform])))  # what the two loudspeakers had in common
    analysis = Analysis(
        path=PLACE,
        duration=waveform.size / rate,
        timeline=heard.timeline,
        families=config.families,
        unknown=model.is_unknown(heard),
        embedding=heard.embedding,
        model=config.name,
        rhythm=estimate_rhythm(onsets.envelopes(), styles, config.families) if music else None,
        key=estimate_key(pitches.pitches()) if music else None,
        loudness=meter.loudness(),
        no_music=heard.no_music,
    )
    sounds = audible(model.sounds(ring.last(round(SOUNDING * rate)))) if music else ()
    return Moment(ring.total / rate, analysis, sounds)
