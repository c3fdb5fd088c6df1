"""Tracks that a processor core hears in an hour, and where its time goes; writes docs/scale.md's table.

    python bench/scale.py FILE [--tracks 3] [--model house12]

FILE is a track of usual length. Each part is timed alone, in seconds of processor time, the best of some runs: reading
the content for its hash, tags, decoding to the model's rate and nothing else, hearing the styles alone, all that
a scan wants to know, and writing the row as Parquet.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from earmark.audio import Recording
from earmark.hearing import Listener, Model
from earmark.library import tags
from earmark.library.content import content_hash
from earmark.library.exports import FORMATS
from earmark.library.track import Track

MILLION = 1_000_000


def cpu(work: Callable[[], object], runs: int) -> float:
    """Seconds of processor time of the quickest run; one run before goes uncounted."""
    work()
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def decode(path: Path, rate: int) -> int:
    """Decode a file and count its samples."""
    with Recording(path) as recording:
        return sum(len(block) for block in recording.blocks(rate))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tracks", type=int, default=3)
    parser.add_argument("--model", default="house12")
    asked = parser.parse_args()
    model = Model.open(asked.model)
    everything, styles = Listener(model), Listener(model, parts=())
    analysis = everything(asked.file)
    track = Track(asked.file, 0, 0, "", analysis=analysis)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "row.parquet")
        parts = {
            "content hash": lambda: content_hash(asked.file),
            "tags": lambda: tags.read(asked.file),
            "decoding alone": lambda: decode(asked.file, model.config.sample_rate),
            "decoding and styles": lambda: styles(asked.file),
            "decoding, styles, tempo, key, loudness": lambda: everything(asked.file),
            "a row of Parquet": lambda: FORMATS["parquet"].write([replace(track)], out),
        }
        seconds = {name: cpu(work, asked.tracks) for name, work in parts.items()}
    total = seconds["content hash"] + seconds["tags"] + seconds["a row of Parquet"]
    total += seconds["decoding, styles, tempo, key, loudness"]
    print(f"| part, for {analysis.duration:.0f} s of {asked.file.suffix[1:]} | seconds of one core | of all |")
    print("|---|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {value:.3f} | {value / total:.0%} |")
    print(f"| **a track in a scan** | **{total:.2f}** | 100 % |")
    print(f"\n{3600 / total:,.0f} tracks in a core-hour; a million take {MILLION * total / 3600:,.0f} core-hours,")
    print(f"a hundred million {100 * MILLION * total / 3600:,.0f}.")


if __name__ == "__main__":
    main()
