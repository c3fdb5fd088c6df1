"""Measures by which embedding and which correction of hubs tracks are found that belong together; docs/similar.md.

    python -m bench.similar render ROWS             rows of the 2021 table, rendered (../shared/data; hours on one core)
    earmark scan ROWS --catalogue rows.db; earmark scan ../shared/music --catalogue music.db
    python -m bench.similar measure music.db rows.db
    python -m bench.similar large music.db FOLDER   a million embeddings made up out of those of music.db; 3 GB of disk

What belongs together: two excerpts of one work (precision at 1); the works of one artist or album (precision at 10, for
those with ten others; excerpts of the same work do not count); rendered tracks whose rows are of one style (precision
at 10). Intervals are bootstrap over works, artists and styles.
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from bench.page import ROOT, table, write
from numpy.typing import NDArray
from scipy.stats import norm

from earmark.files import replacement
from earmark.library import Catalogue, similarity
from earmark.library.catalogue import EmbeddingColumn
from earmark.library.embeddings import unit
from earmark.library.similarity import Similarity, k_occurrence, skew
from earmark.measures.uncertainty import mean_interval
from earmark.synth.corpus import Order, render_order
from earmark.synth.encoding import OPUS_RATE
from earmark.testing.listeners import between

mpl.use("Agg")
from matplotlib import pyplot as plt

SHARED: Final = ROOT.parent / "shared"
PAGE: Final = ROOT / "docs" / "similar.md"
PARTS: Final = {"descriptors": slice(0, 82), "ear": slice(82, None), "both": slice(None)}  # of house12
K: Final = 10
PER_STYLE: Final = 30

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Material:
    """Embeddings (tracks, dims), and the names of what they are of, (tracks,) each."""

    embeddings: Matrix
    works: NDArray[np.str_]
    groups: NDArray[np.str_]


def main() -> None:
    """Render, measure, or search a million."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("render", "measure", "large"))
    parser.add_argument("paths", nargs="+", type=Path)
    given = parser.parse_args()
    if given.what == "render":
        render(given.paths[0])
    elif given.what == "measure":
        music, rows = given.paths
        report(of_music(music), of_rows(rows))
    else:
        large(*given.paths)


def rows_of_2021() -> dict[str, list[tuple[int, dict[str, str]]]]:
    """The rows of the table with their numbers, by the style of their genre."""
    with (SHARED / "data" / "genre_to_style.csv").open(encoding="utf-8", newline="") as file:
        style_of = {row["genre"]: row["style"] for row in csv.DictReader(file) if row["table"] == "beatport_2021jan"}
    found: dict[str, list[tuple[int, dict[str, str]]]] = {}
    with (SHARED / "data" / "beatport_2021jan.csv").open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if style := style_of.get(row["genre"]):
                found.setdefault(style, []).append((number, row))
    return dict(sorted(found.items()))


def render(out: Path) -> None:
    """Render rows of each style in turn; what is there is not rendered again."""
    out.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(15)
    turns = {style: [rows[at] for at in generator.permutation(len(rows))] for style, rows in rows_of_2021().items()}
    for turn in range(PER_STYLE):
        for style, rows in turns.items():
            number, row = rows[turn]
            order = Order(f"{number:04d}.opus", style, turn % 10, "test", 150_000 + number, 30.0, OPUS_RATE, row)
            if not (out / order.path).with_suffix(".json").exists():
                render_order(out, order)


def of_catalogue(catalogue: Path) -> tuple[list[str], Matrix]:
    """Names of the files, and their embeddings."""
    with Catalogue(catalogue, create=False) as opened:
        column = opened.embeddings()
        names = [track.path.name for track in opened.by_ids(column.ids.tolist())]
    return names, column.matrix.astype(np.float64)


def of_music(catalogue: Path) -> Material:
    """Excerpts of works, and the artist or album of each."""
    with (SHARED / "music" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["file"]: row for row in csv.DictReader(file)}
    names, embeddings = of_catalogue(catalogue)
    works = [listed[name]["source"] + listed[name]["inner"] for name in names]
    return Material(embeddings, np.array(works), np.array([listed[name]["group"] for name in names]))


def of_rows(catalogue: Path) -> Material:
    """Rendered rows, and the style of each."""
    style_of = {number: style for style, rows in rows_of_2021().items() for number, _ in rows}
    names, embeddings = of_catalogue(catalogue)
    return Material(embeddings, np.array(names), np.array([style_of[int(Path(name).stem)] for name in names]))


def directions(embeddings: Matrix, whitened: float | None) -> Matrix:
    """Directions of length 1: as they are, or in a space that is whitened so far."""
    if whitened is None:
        return unit(embeddings).astype(np.float64)
    return similarity.Space.of(embeddings, whitened=whitened).place(embeddings).directions.astype(np.float64)


def csls(cosines: Matrix) -> Matrix:
    """Cross-domain similarity local scaling (Conneau et al., ICLR 2018)."""
    local: Matrix = np.sort(_others(cosines), 1)[:, -K:].mean(1)
    return np.asarray(2 * cosines - local[:, None] - local)


def mutual_proximity(cosines: Matrix) -> Matrix:
    """Logarithm of the mutual proximity of Schnitzer et al., with a normal distribution for each track."""
    own, theirs = _standard(cosines)
    return np.asarray(norm.logcdf(own) + norm.logcdf(theirs))


def linear(cosines: Matrix) -> Matrix:
    """The score of `library.similarity`, with means and deviations of all cosines."""
    return np.asarray(sum(_standard(cosines)) / 2)


CORRECTIONS: Final[dict[str, Callable[[Matrix], Matrix]]] = {
    "none (cosine)": lambda cosines: cosines,
    "CSLS": csls,
    "mutual proximity": mutual_proximity,
    "its linear form": linear,
}


def _others(cosines: Matrix) -> Matrix:
    return np.where(np.eye(len(cosines), dtype=bool), -np.inf, cosines)


def _standard(cosines: Matrix) -> tuple[Matrix, Matrix]:
    off = np.where(np.eye(len(cosines), dtype=bool), np.nan, cosines)
    mean, deviation = np.nanmean(off, 1), np.nanstd(off, 1)
    return (cosines - mean[:, None]) / deviation[:, None], (cosines - mean) / deviation


def precision(scores: Matrix, together: Mask, apart: Mask, k: int) -> Matrix:
    """Precision at k of each track, (tracks,): nan for one with fewer than k others that belong to it."""
    belongs = together & ~apart
    nearest = np.argsort(-np.where(apart, -np.inf, scores), 1, kind="stable")[:, :k]
    found: Matrix = np.take_along_axis(belongs, nearest, 1).mean(1)
    return np.where(belongs.sum(1) >= k, found, np.nan)


def figures(music: Material, rows: Material, whitened: float | None, correct: Callable[[Matrix], Matrix]) -> list[str]:
    """The cells of a table: three precisions with their intervals, and the skews of the k-occurrences."""
    cells, skews = [], []
    for material, asked in ((music, ("work", "group")), (rows, ("group",))):
        placed = directions(material.embeddings, whitened)
        scores = correct(placed @ placed.T)
        same_work = material.works[:, None] == material.works
        same_group = material.groups[:, None] == material.groups
        for what in asked:
            together, apart, k = (
                (same_work, np.eye(len(scores), dtype=bool), 1) if what == "work" else (same_group, same_work, K)
            )
            found = precision(scores, together, apart, k)
            known = np.isfinite(found)
            units = np.unique(material.groups[known], return_inverse=True)[1]
            low, high = mean_interval(found[known], groups=units)
            cells.append(f"{found[known].mean():.3f} ({low:.2f}–{high:.2f})")
        nearest = np.argsort(-_others(scores), 1, kind="stable")[:, :K]
        skews.append(f"{skew(k_occurrence(nearest, len(scores))):.2f}")
    return [*cells, ", ".join(skews)]


def report(music: Material, rows: Material) -> None:
    """Write both tables into the page."""
    measures = ("same work, P@1", "same artist, P@10", "same style, P@10", "skew")
    embeddings = []
    for part, place in PARTS.items():
        heard, made = (Material(each.embeddings[:, place], each.works, each.groups) for each in (music, rows))
        for name, whitened in (
            ("as they are", None),
            ("standardised", 0.0),
            ("whitened 0.1", 0.1),
            ("whitened 0.5", 0.5),
        ):
            embeddings.append((part, name, *figures(heard, made, whitened, CORRECTIONS["none (cosine)"])))
    hubs = [
        (axes, name, *figures(music, rows, whitened, correct))
        for axes, whitened in (("as they are", None), ("whitened 0.1", similarity.WHITENED))
        for name, correct in CORRECTIONS.items()
    ]
    draw(music, PAGE.parent / "images" / "similar-hubs.png")
    counts = f"{len(music.works)} excerpts of {len(set(music.works))} works, and {len(rows.works)} rendered rows."
    write("embeddings", f"{counts}\n\n{table(('embedding', 'axes', *measures), embeddings)}", PAGE)
    write("hubs", table(("axes", "correction", *measures), hubs), PAGE)


def draw(music: Material, path: Path) -> None:
    """Draw how often tracks are among the ten nearest of others, by the plain cosine and by the score."""
    figure, panel = plt.subplots(figsize=(8, 2.8), layout="constrained")
    for label, whitened, correct in (
        ("cosine of the embeddings as they are", None, CORRECTIONS["none (cosine)"]),
        ("score", similarity.WHITENED, linear),
    ):
        placed = directions(music.embeddings, whitened)
        nearest = np.argsort(-_others(correct(placed @ placed.T)), 1, kind="stable")[:, :K]
        counts = np.sort(k_occurrence(nearest, len(placed)))[::-1]
        panel.step(np.arange(len(counts)), counts, where="mid", label=f"{label}: skew {skew(counts):.2f}")
    panel.axhline(K, color="grey", linewidth=0.7)
    panel.set_xlabel("tracks, those that are near to most first")
    panel.set_ylabel(f"times among the {K} nearest")
    panel.legend()
    with replacement(path, ".png") as fresh:
        figure.savefig(fresh, dpi=110)


def large(music: Path, folder: Path, tracks: int = 1_000_000) -> None:
    """Search a million embeddings that lie between those of real excerpts, exactly and by the graph."""
    file = folder / "million-0.npy"
    column = EmbeddingColumn("house12", np.arange(tracks), made_up(of_catalogue(music)[1], file, tracks), file)
    start = time.perf_counter()
    found = Similarity(column)
    query = column.matrix[:1]
    found.nearest(query, 20)  # makes the graph, if there is none
    print(f"made in {time.perf_counter() - start:.0f} s")
    asked = column.matrix[np.random.default_rng(1).integers(tracks, size=100)]
    scores = np.concatenate(
        [found.between(asked, column.matrix[start : start + count]) for start, count in _blocks(tracks)], 1
    )
    exact = np.argpartition(-scores, 20, axis=1)[:, :20]
    spent, recalled = [], []
    for seed, truth in zip(asked, exact, strict=True):
        start = time.process_time()
        near = found.nearest(seed[None], 20)
        spent.append(time.process_time() - start)
        recalled.append(len({each.id for each in near} & set(truth.tolist())) / 20)
    text = (
        f"{tracks:,} tracks, {len(query[0])} numbers each: {1e3 * np.median(spent):.1f} ms of CPU for the 20 nearest "
        f"(95 %: {1e3 * np.quantile(spent, 0.95):.1f} ms), recall {np.mean(recalled):.4f}."
    )
    write("large", text, PAGE)


def made_up(real: Matrix, file: Path, tracks: int) -> NDArray[np.float32]:
    """Embeddings between those of neighbours, in a file; (tracks, dims)."""
    if not file.exists():
        generator = np.random.default_rng(0)
        made = np.lib.format.open_memmap(file, "w+", np.float32, (tracks, real.shape[1]))
        for start, count in _blocks(tracks):
            made[start : start + count] = between(real, count, generator)
        made.flush()
    return np.asarray(np.load(file, mmap_mode="r"))


def _blocks(tracks: int, size: int = 20_000) -> Iterator[tuple[int, int]]:
    for start in range(0, tracks, size):
        yield start, min(size, tracks - start)


if __name__ == "__main__":
    main()
