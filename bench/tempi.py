"""Grooves at all tempi, heard without a style: how often the tempo is right, and whether its confidence means so.

    python -m bench.tempi

Writes the section `tempi` of docs/benchmarks.md. The grooves are of the patterns that bench/fit_tempo.py fits the
weights to, in other draws; what it prints of patterns that are left out of the fit is the sterner test.
"""

import numpy as np
from bench.arguments import arguments
from bench.fit_tempo import reliability
from bench.grooves import FASTEST, RATE, SLOWEST, make
from bench.page import write
from bench.programs import conditions

from earmark.hearing.rhythm import OnsetAccumulator, estimate_rhythm, tempo

GROOVES = 400
FIRST_SEED = 100_000  # the fit has lower ones


def section() -> str:
    """Paragraphs and a list for the page."""
    octaves, confidence = np.full(GROOVES, np.nan), np.zeros(GROOVES)
    for number in range(GROOVES):
        played = make(FIRST_SEED + number)
        accumulator = OnsetAccumulator(RATE)
        accumulator.add(played.waveform)
        rhythm = estimate_rhythm(accumulator.envelopes())
        if rhythm:
            octaves[number], confidence[number] = np.log2(rhythm.bpm / played.bpm), rhythm.confidence
    heard = ~np.isnan(octaves)
    right = np.abs(octaves) < tempo.SAME
    family = np.abs(octaves - np.round(octaves)) < tempo.SAME
    lines = "\n".join(f"* {line}" for line in reliability(confidence[heard], right[heard]))
    return f"""{GROOVES} grooves from {SLOWEST:.0f} to {FASTEST:.0f} BPM, all tempi alike, heard without a style: right
{right.mean():.3f}, an octave off {(family & ~right).mean():.3f}, wrong otherwise {(heard & ~family).mean():.3f},
no answer {(~heard).mean():.3f}. By confidence:

{lines}"""


if __name__ == "__main__":
    arguments(__doc__)
    write("tempi", f"{conditions()}\n{section()}")
