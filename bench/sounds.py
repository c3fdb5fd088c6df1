"""Scores of the kinds of sound in a folder of music: the level that nine in ten recordings stay below.

    python -m bench.sounds FOLDER

Hears five seconds from the middle of each file with house12 and prints, for each kind, that level beside `Kind.usual`,
which is the same where it is above the floors of `hearing.sounds`.
"""

from pathlib import Path

import numpy as np
from bench.arguments import arguments

from earmark.audio import Recording
from earmark.errors import UnreadableAudio
from earmark.hearing import Model
from earmark.hearing.live import SOUNDING
from earmark.hearing.sounds import KINDS
from earmark.runner import gather

SHARE = 0.9  # of the recordings
FAINT = 1e-3  # peak of what is no music


def scores(path: Path, model: Model) -> list[float] | None:
    """The score of each kind in the middle of a file; None where nothing sounds."""
    with Recording(path) as recording:
        start = max(0.0, (recording.duration or 0.0) / 2 - SOUNDING / 2)
        blocks = list(recording.blocks(model.config.sample_rate, start=start, duration=SOUNDING))
    waveform = np.concatenate([np.empty(0, np.float32), *blocks])
    if not waveform.size or np.abs(waveform).max() < FAINT:
        return None
    return list(model.sounds(waveform).values())


def main() -> None:
    """Measure and print."""
    folders = arguments(__doc__, "FOLDER...")
    model = Model.open("house12")
    rows = []
    for path in gather(folders):
        if isinstance(path, UnreadableAudio):
            raise path
        if found := scores(path, model):
            rows.append(found)
    if not rows:
        raise SystemExit("nothing was heard, or the model has no ear for sounds")
    print(f"{len(rows)} stretches of {SOUNDING:.0f} s")
    for kind, level in zip(KINDS, np.quantile(rows, SHARE, axis=0), strict=True):
        print(f"{kind.name:16} {level:.3f}  {kind.usual:.3f}")


if __name__ == "__main__":
    main()
