"""The beat of a track: its tempo, where its beats are, and which of them begin a bar.

    onsets    onset strength in eight octaves, a hundred times a second
    tempo     the period at which the onsets repeat; half and double tempo are told apart by the style
    beats     the beat grid, at a constant tempo or a drifting one
    bars      the downbeats, and the exact moments of the attacks

`OnsetAccumulator` takes a waveform in blocks; `estimate_rhythm` makes a `Rhythm` of it. Bars have four beats:
everything that earmark names is in four-four time.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from earmark.analysis import Rhythm
from earmark.hearing.rhythm import bars, tempo
from earmark.hearing.rhythm.beats import BAR, track_beats
from earmark.hearing.rhythm.onsets import Envelopes, OnsetAccumulator

__all__ = ["Envelopes", "OnsetAccumulator", "estimate_rhythm"]

SHORTEST: Final = 4.0  # seconds in which a beat can be recognised
FAINTEST: Final = 0.03  # salience of what has a beat
SIGNIFICANT: Final = (
    0.6  # salience times the root of how many onsets there are: chance stays below 0.4, music above 0.8
)
UNSURE: Final = 0.05  # confidence; what is below is no answer
TILT: Final = 0.012  # seconds by which the tempo may still be wrong at the end, if it was right at the beginning
AT_ONCE: Final = 0.02  # seconds by which a beat may lie before the first sample


def estimate_rhythm(
    envelopes: Envelopes, styles: Mapping[str, float] | None = None, families: Mapping[str, str] | None = None
) -> Rhythm | None:
    """Tempo, beats and downbeats of a track; None where there is no beat.

    Args:
        envelopes: of the track.
        styles: the probability of each style, where it is known.
        families: the family of each style.
    """
    if envelopes.seconds < SHORTEST:
        return None
    onset_strength = envelopes.onset_strength()
    if not onset_strength.any():
        return None
    onsets = tempo.standardised(onset_strength)
    first = tempo.estimate(onsets, envelopes.frame_rate, styles or {})
    if first.salience < FAINTEST or first.salience * np.sqrt(tempo.onset_count(onsets)) < SIGNIFICANT:
        return None
    if first.confidence < UNSURE:
        return None
    grid, constant = track_beats(onsets, envelopes.frame_rate, first.bpm)
    shares: dict[str, float] = {}
    for style, share in (styles or {}).items():
        family = (families or {}).get(style, style)
        shares[family] = shares.get(family, 0.0) + share
    downbeat = bars.first_downbeat(onset_strength, envelopes, grid, shares)
    begin, end = grid.beats_at(np.array([-AT_ONCE - bars.NEAR, envelopes.seconds]))
    numbers = np.arange(np.ceil(begin - downbeat), np.floor(end - downbeat) + 1)  # 0 begins a bar
    beats = grid.times_of(numbers + downbeat)
    beats += bars.lateness(envelopes, beats, TILT if constant else 0.0)
    inside = (beats >= -AT_ONCE) & (beats < envelopes.seconds)
    numbers, beats = numbers[inside], beats[inside]
    bpm = 60 / float(np.polyfit(numbers, beats, 1)[0])
    local = 60 * BAR / (beats[BAR:] - beats[:-BAR])  # over a bar each
    return Rhythm(
        bpm=bpm,
        confidence=first.confidence,
        drift=0.0 if constant else float(local.std()),
        beats=np.maximum(beats, 0),
        downbeats=np.maximum(beats[numbers % BAR == 0], 0),
    )
