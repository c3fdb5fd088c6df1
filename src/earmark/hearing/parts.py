"""Tempo, key and loudness, gathered while the sound of a track passes by.

They stand apart from the listener so that nothing of them is loaded where styles alone are heard.
"""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from earmark.hearing.key import PitchAccumulator, estimate_key
from earmark.hearing.loudness import Meter
from earmark.hearing.rhythm import OnsetAccumulator, estimate_rhythm

if TYPE_CHECKING:
    from earmark.audio import Tap, Waveform


class Parts:
    """What is heard of one track besides its styles.

    Args:
        wanted: "rhythm", "key", "loudness", or some of them.
        sample_rate: of the blocks in Hz.

    Attributes:
        takers: take each block of the track, for rhythm and key.
        tap: takes the channels of each block at the file's own rate, for the loudness; None if that is not wanted.
    """

    def __init__(self, wanted: Collection[str], sample_rate: int) -> None:
        self._onsets = OnsetAccumulator(sample_rate) if "rhythm" in wanted else None
        self._pitches = PitchAccumulator(sample_rate) if "key" in wanted else None
        self._meter = Meter() if "loudness" in wanted else None
        self.takers: list[Callable[[Waveform], None]] = [each.add for each in (self._onsets, self._pitches) if each]
        self.tap: Tap | None = self._meter.add if self._meter else None

    def heard(self, styles: Mapping[str, float], families: Mapping[str, str], *, music: bool) -> dict[str, Any]:
        """The parts by name, None where one is not wanted or not there.

        Args:
            styles: the probability of each, which decides between a tempo and its double.
            families: the family of each style.
            music: whether it is any; what is none has neither tempo nor key.
        """
        return {
            "rhythm": estimate_rhythm(self._onsets.envelopes(), styles, families) if self._onsets and music else None,
            "key": estimate_key(self._pitches.pitches()) if self._pitches and music else None,
            "loudness": self._meter.loudness() if self._meter else None,
        }
