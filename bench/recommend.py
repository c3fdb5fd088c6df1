"""Measures recommendations in worlds whose tastes are known; writes the tables and the picture of docs/recommend.md.

    earmark scan ../shared/music --catalogue music.db
    python -m bench.recommend music.db

The tracks are made up between real ones (`earmark.testing.listeners`). A fifth of them is cold: nobody's plays of them
are told. Of the others, a fifth of each listener's plays is left out. What is ranked for a listener: of the warm tracks
those that it is not known to play, and all of the cold ones. Intervals are bootstrap over listeners.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
from bench.arguments import arguments
from bench.page import ROOT, table, write
from numpy.typing import NDArray

from earmark.files import replacement
from earmark.learning.taste.factors import FACTORS
from earmark.learning.taste.taste import Taste, recommend
from earmark.library import Catalogue
from earmark.library.catalogue import EmbeddingColumn
from earmark.library.similarity import Similarity
from earmark.measures.ranking import average_precision
from earmark.measures.uncertainty import mean_interval
from earmark.testing.listeners import between, listeners

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS: Final = ROOT / "docs"
TRACKS: Final = 2000
K: Final = 50
WIDE: Final = 40  # factors, as in 2014
UNTOLD: Final = 0.2  # of the tracks, and of the plays of the others
WORLDS: Final = {"listeners": ("300 listeners", 300), "playlists": ("one user with 20 playlists", 20)}

Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]


def main() -> None:
    """Measure both worlds."""
    with Catalogue(*arguments(__doc__, "CATALOGUE"), create=False) as opened:
        real = opened.embeddings().matrix
    recalls = {}
    for mark, (title, count) in WORLDS.items():
        recalls[title] = world(mark, count, real)
    draw(recalls, DOCS / "images" / "recommend.png")


def world(mark: str, count: int, real: NDArray[np.float32]) -> dict[str, list[tuple[float, float, float]]]:
    """Write the table of a world; recall, warm and cold, with the ends of their intervals."""
    generator = np.random.default_rng(count)
    column = EmbeddingColumn("house12", np.arange(TRACKS), between(real, TRACKS, generator))
    similarity = Similarity(column)
    directions = similarity.space.place(column.matrix).directions
    truth = listeners(directions, count, seed=count)
    cold = generator.random(TRACKS) < UNTOLD
    told = truth.plays & ~cold & (generator.random(truth.plays.shape) > UNTOLD)
    rows, recalls = [], {}
    for name, scores in answers(truth.tastes @ truth.appeal.T, told, column, similarity, generator).items():
        found = [
            interval(values)
            for choice in (~cold & ~told, np.broadcast_to(cold, told.shape))
            for values in measured(scores, truth.plays, choice)
        ]
        rows.append((name, *(f"{mean:.3f} ({low:.2f}–{high:.2f})" for mean, low, high in found)))
        recalls[name] = [found[0], found[2]]
        print(*rows[-1], flush=True)
    head = ("", "warm: recall at 50", "warm: mAP", "cold: recall at 50", "cold: mAP")
    write(mark, table(head, rows), DOCS / "recommend.md")
    return recalls


def answers(
    best: Scores, told: Mask, column: EmbeddingColumn, similarity: Similarity, generator: np.random.Generator
) -> dict[str, Scores]:
    """Scores of all tracks for each listener, by each way, (listeners, tracks)."""
    heard = {str(at): column.matrix[at] for at in range(TRACKS)}
    contexts = [(str(at), {str(track): 1.0 for track in np.flatnonzero(row)}) for at, row in enumerate(told)]
    taste, wide = (
        Taste.learn(contexts, heard, similarity.space, column.model, count=count) for count in (FACTORS, WIDE)
    )
    known = np.full(TRACKS, -1)
    known[[int(path) for path in taste.paths]] = np.arange(len(taste.paths))
    own = np.zeros((TRACKS, taste.track_factors.shape[1]), np.float32)
    own[known >= 0] = taste.track_factors[known[known >= 0]]
    seeds = [column.matrix[np.flatnonzero(row)] for row in told]
    rows = range(len(told))
    ways: dict[str, Callable[[int], NDArray[np.floating]]] = {
        "by chance": lambda _: generator.random(TRACKS),
        "by popularity": lambda _: told.sum(0) + 1e-3 * generator.random(TRACKS),
        "by similarity": lambda at: similarity.scores(seeds[at]),
        "by factors of plays alone": lambda at: own @ taste.context_factors[at],
        "by factors of the sound alone": lambda at: (
            taste.head.factors(taste.space.place(column.matrix).directions) @ taste.context_factors[at]
        ),
        "**recommended**": lambda at: recommend(taste, similarity, known, taste.context_factors[at], seeds[at]),
        f"recommended with {WIDE} factors": lambda at: recommend(
            wide, similarity, known, wide.context_factors[at], seeds[at]
        ),
        "whoever knows the tastes": lambda at: best[at],
    }
    return {name: np.stack([np.asarray(way(at), np.float64) for at in rows]) for name, way in ways.items()}


def measured(scores: Scores, plays: Mask, choice: Mask) -> tuple[Scores, Scores]:
    """Recall at K, and average precision, of each listener that plays any of the tracks to choose from."""
    recalls, precisions = [], []
    for score, played, chosen in zip(scores, plays, choice, strict=True):
        relevant, ranked = played[chosen], score[chosen]
        if relevant.any():
            first = np.argsort(-ranked, kind="stable")[:K]
            recalls.append(relevant[first].sum() / min(K, relevant.sum()))
            precisions.append(average_precision(relevant, ranked))
    return np.array(recalls), np.array(precisions)


def interval(values: Scores) -> tuple[float, float, float]:
    """The mean, and the ends of its interval."""
    return (float(values.mean()), *mean_interval(values))


def draw(recalls: dict[str, dict[str, list[tuple[float, float, float]]]], path: Path) -> None:
    """Draw the recall of each way in each world."""
    figure, panels = plt.subplots(1, len(recalls), figsize=(10, 3.2), sharey=True, layout="constrained")
    for panel, (title, ways) in zip(panels, recalls.items(), strict=True):
        names = [name.strip("*") for name in ways][::-1]
        for offset, side, colour in ((0.2, 0, "#4c72b0"), (-0.2, 1, "#dd8452")):
            values = np.array([found[side] for found in ways.values()])[::-1]
            error = np.abs(values[:, 1:] - values[:, :1]).T
            label = "played by others" if side == 0 else "played by nobody"
            panel.barh(np.arange(len(names)) + offset, values[:, 0], 0.38, xerr=error, color=colour, label=label)
        panel.set_yticks(np.arange(len(names)), names)
        panel.set_title(title)
        panel.set_xlabel(f"recall at {K}")
    panels[0].legend(loc="upper right", fontsize=8)
    with replacement(path, ".png") as fresh:
        figure.savefig(fresh, dpi=110)


if __name__ == "__main__":
    main()
