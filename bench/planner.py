"""Time of planning a set from a large collection, and how far a search that is not exact stays behind one that is.

    python -m bench.planner [TRACKS]

The tracks are made up: styles, tempos, keys and energies as in a shop's collection, embeddings of 64 axes around their
style. Prints CPU seconds of `plan`, the median of `ROUNDS`, for each kind of wish; then, for collections small enough
for the exact answer, the costs of narrow searches over that of the exact answer; a large collection has the widest of
them. Aim: under 2 s for 20,000 tracks.
"""

import statistics
import time
from pathlib import Path

import numpy as np
from bench.arguments import arguments

from earmark.dj.candidates import AXES, Candidates
from earmark.dj.cost import read_weights
from earmark.dj.course import Energy
from earmark.dj.planner import NARROWEST, plan
from earmark.dj.wish import Wish
from earmark.library.track import Summary
from earmark.styles import styles

ROUNDS = 3
WIDTHS = (1, 8, NARROWEST)  # states kept; 1 goes to the cheapest next track each time
SMALL, SETS = 13, 40  # tracks of a collection that is planned exactly, and how many such collections
LABELS = tuple(style.label for style in styles())


def made_up(count: int, seed: int) -> Candidates:
    """A collection of so many tracks by a fifth as many artists."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(len(LABELS), AXES))
    summaries, sounds = [], []
    for number in range(count):
        main = int(generator.integers(len(LABELS)))
        slowest, fastest = styles()[main].bpm
        probabilities = generator.dirichlet(np.full(len(LABELS), 0.3)) * 0.5
        probabilities[main] += 0.5
        sounds.append(centres[main] + generator.normal(0, 1.5, AXES))
        summaries.append(
            Summary(
                path=Path(f"/music/{number}.mp3"),
                content_hash=str(number),
                title=f"Title {number}",
                artist=f"Artist {generator.integers(max(1, count // 5))}",
                duration=float(generator.uniform(240, 480)),
                styles=LABELS,
                probabilities=probabilities,
                bpm=float(generator.uniform(slowest, fastest)),
                camelot=f"{generator.integers(1, 13)}{generator.choice(['A', 'B'])}",
                energy=float(generator.beta(5, 3)),
                id=number + 1,
            )
        )
    matrix = np.array(sounds, np.float32)
    return Candidates.of(summaries, matrix / np.linalg.norm(matrix, axis=1, keepdims=True))


def wishes(tracks: Candidates) -> dict[str, Wish]:
    """The wishes that are timed, by name."""
    house, techno = tracks.of_style("Deep House"), tracks.of_style("Techno / Tech House")
    return {
        "60 minutes from a track": Wish(house[:1], seconds=3600),
        "Deep House to Techno in 12 tracks": Wish(house, techno, tracks=12),
        "60 minutes from a track to a track": Wish(house[:1], techno[:1], seconds=3600),
        "the same, two that must be played": Wish(house[:1], techno[:1], seconds=3600, play=np.r_[house[5], techno[5]]),
        "180 minutes, peaking, with chance": Wish(house[:1], seconds=10_800, energy=Energy.PEAK, variety=0.5),
    }


def cpu_seconds(tracks: Candidates, wish: Wish) -> float:
    """CPU time of a plan, the median of the rounds."""
    taken = []
    for _ in range(ROUNDS):
        before = time.process_time()
        plan(tracks, wish, read_weights())
        taken.append(time.process_time() - before)
    return statistics.median(taken)


def behind(seed: int) -> list[float]:
    """Costs of narrow searches (`WIDTHS`) over that of the exact answer, in one small collection."""
    tracks = made_up(SMALL, seed)
    wish = Wish(np.array([0]), tracks=8, repeat_artists=True)
    exact = plan(tracks, wish, read_weights())
    if not exact.exact:
        raise SystemExit(f"{SMALL} tracks are too many for an exact answer")
    return [plan(tracks, wish, read_weights(), widest=width).cost / exact.cost for width in WIDTHS]


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__, "[TRACKS]")
    count = int(given[0]) if given else 20_000
    tracks = made_up(count, 0)
    for name, wish in wishes(tracks).items():
        print(f"{cpu_seconds(tracks, wish):6.2f} s  {name}, {count:,} tracks")
    ratios = np.array([behind(seed) for seed in range(SETS)])  # (sets, widths)
    for width, column in zip(WIDTHS, ratios.T, strict=True):
        same = int((column < 1 + 1e-6).sum())
        print(f"{width:4} states kept: {same} of {SETS} sets are the cheapest", end="; ")
        print(f"costs over the cheapest: mean {column.mean():.3f}, worst {column.max():.3f}")


if __name__ == "__main__":
    main()
