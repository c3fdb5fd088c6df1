"""Figures of the synthesizer: speed, distance to real tracks, and clues that a network could cheat by.

    python bench/synth.py speed                       real-time factor of a full mix, per style
    python bench/synth.py follow TABLES [--rows 6]    distance of conditioned renders to their rows, what a classifier
                                                      trained on the *other* real rows calls them, and how fast they are
    python bench/synth.py presets [--tracks 2]        a classifier trained on half of the presets, tested on the others

`TABLES` is the folder with `beatport_2021jan.csv` and `genre_to_style.csv`. Descriptors are those of
`learning.networks.frontend`, from audio at 22,050 Hz and 16 bits as the tables were made; tempo is the one known (of
the row, of the composition) modulo an octave. P@k is the share whose style is among the first k answers of 300 very
random trees.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import soxr
import torch
from sklearn.ensemble import ExtraTreesClassifier

from earmark.learning.networks.frontend import Descriptors
from earmark.synth import STYLES, Track, cepstrum, render
from earmark.synth.conditioning import PASSES, Target, as_measured, beat_balance, render_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Array = npt.NDArray[np.float64]
DESCRIPTORS = 68
RATE = 22_050  # Hz, of the tables


def describe(track: Track) -> Array:
    """The 68 descriptors of a track and its stated tempo on the circle. Shape: `(70,)`."""
    waveform = np.clip(soxr.resample(track.waveform, track.sample_rate, RATE), -1, 1)
    coarse = (np.round(waveform * 32767) / 32768).astype(np.float32)  # the tables were made from 16-bit files
    with torch.no_grad():
        measured = np.asarray(Descriptors()(torch.from_numpy(coarse)[None])[0], dtype=np.float64)
    return np.concatenate([measured[:DESCRIPTORS], circle(np.array(track.truth.bpm))])


def circle(bpm: Array) -> Array:
    """Tempo modulo an octave. Shape: `(...)` to `(..., 2)`."""
    angle = 2 * np.pi * np.log2(bpm)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def precision(trees: ExtraTreesClassifier, features: Array, styles: npt.NDArray[np.str_]) -> Array:
    """P@1, P@2 and P@3."""
    order = np.argsort(-trees.predict_proba(features), axis=1)
    found = trees.classes_[order[:, :3]] == styles[:, None]  # (n, 3)
    return np.asarray(np.cumsum(found, axis=1).mean(axis=0))


def learn(features: Array, styles: npt.NDArray[np.str_]) -> ExtraTreesClassifier:
    """Extremely randomised trees, every style of equal weight."""
    trees = ExtraTreesClassifier(300, min_samples_leaf=2, class_weight="balanced", random_state=0)
    return trees.fit(features, styles)


def speed(tracks: int) -> None:
    """CPU seconds of the full mix against seconds of music."""
    render(STYLES[0], 0, 2.0)  # imports and tables
    print(f"{'style':28s} x real time (mean of {tracks} tracks of 30 s, one core)")
    for style in STYLES:
        begin = time.process_time()
        for seed in range(tracks):
            render(style, seed, 30.0)
        print(f"{style:28s} {30.0 * tracks / (time.process_time() - begin):5.1f}")


def read_table(folder: Path) -> tuple[list[dict[str, str]], npt.NDArray[np.str_], Array]:
    """Rows of 2021 that have a style, their styles, and their features `(rows, 70)`."""
    with (folder / "genre_to_style.csv").open(encoding="utf-8", newline="") as file:
        mapped = {row["genre"]: row["style"] for row in csv.DictReader(file) if row["table"] == "beatport_2021jan"}
    with (folder / "beatport_2021jan.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["genre"] in mapped]
    names = list(rows[0])
    values = np.array([[float(row[name]) for name in names[:92]] for row in rows])
    features = np.concatenate([values[:, :DESCRIPTORS], circle(values[:, 70])], axis=1)
    return rows, np.array([mapped[row["genre"]] for row in rows]), features


def follow(folder: Path, per_style: int, seed: int) -> None:
    """Render tracks after held-out rows and measure them; no artist of these rows is in the training set."""
    rows, styles, features = read_table(folder)
    rng = np.random.default_rng(seed)
    present = [style for style in STYLES if (styles == style).any()]
    chosen = np.concatenate([rng.permutation(np.flatnonzero(styles == style))[:per_style] for style in present])
    artists = np.array([row["artist"] for row in rows])
    others = ~np.isin(artists, artists[chosen])
    trees = learn(features[others], styles[others])
    scale = features[:, :DESCRIPTORS].std(axis=0)
    pairs = rng.integers(len(rows), size=(2, 1000))
    apart = np.abs(features[pairs[0], :DESCRIPTORS] - features[pairs[1], :DESCRIPTORS]) / scale

    def rendered(passes: int) -> tuple[Array, Array]:
        """The descriptors of the tracks, and their balance at the beats: `(tracks, 70)`, `(tracks, 6)`."""
        found, balances, busy = [], [], 0.0
        for k, i in enumerate(chosen):
            begin = time.process_time()
            track = render_row(rows[i], styles[i], int(k), 30.0, passes=passes)
            busy += time.process_time() - begin
            heard = cepstrum.magnitudes(as_measured(track.audio, track.sample_rate), track.sample_rate)
            found.append(describe(track))
            balances.append(beat_balance(heard, track.truth.beats))
        print(f"{30.0 * len(chosen) / busy:.1f} x real time with {passes} passes (30 s each, one core)")
        return np.array(found), np.array(balances)

    (before, balance_before), (after, balance_after) = rendered(0), rendered(PASSES)
    asked = np.array([Target.from_row(rows[i]).beat_balance for i in chosen])
    off = [np.abs(balance - asked).sum(axis=1).mean() / 2 for balance in (balance_before, balance_after)]
    print(f"energy at the beats in a wrong band: {off[0]:.2f} before, {off[1]:.2f} after (share, 0-1)")
    wanted = features[chosen]

    energy = [np.abs(found - wanted)[:, [1, 35]].mean(axis=0) / scale[[1, 35]] for found in (before, after)]
    print(
        "energy, mean: {:.2f} before, {:.2f} after; deviation: {:.2f}, {:.2f} (z)".format(*np.ravel(energy, order="F"))
    )

    spread = [np.abs(found - wanted)[:, 42:55] / scale[42:55] for found in (before, after)]
    print(f"deviations of the 13 MFCCs: {spread[0].mean():.2f} before, {spread[1].mean():.2f} after (z)")

    def distance(found: Array, which: slice, where: npt.NDArray[np.bool_]) -> float:
        return float((np.abs(found - wanted)[:, :DESCRIPTORS] / scale)[where, which].mean())

    print(f"two random rows are {apart.mean():.2f} apart (mean absolute z-distance over 68 descriptors)")
    print(f"{'style':26s} z before  after | MFCC means before after | P@1/2/3 rendered, followed | real rows held out")
    for style in [*present, "all"]:
        where = (styles[chosen] == style) | (style == "all")
        figures = [distance(found, slice(0, DESCRIPTORS), where) for found in (before, after)]
        figures += [distance(found, slice(8, 21), where) for found in (before, after)]
        answers = [
            "/".join(f"{share:.2f}" for share in precision(trees, found[where], styles[chosen][where]))
            for found in (before, after, wanted)
        ]
        print(f"{style:26s} {figures[0]:8.2f} {figures[1]:6.2f} | {figures[2]:17.2f} {figures[3]:5.2f} | ", end="")
        print(f"{answers[0]}, {answers[1]} | {answers[2]}")


def presets(tracks: int) -> None:
    """Train on even artists, test on odd ones, and the other way round; compare with unseen tracks of known artists."""
    artists = 12
    features, styles, families = [], [], []
    for style in STYLES:
        for number in range(tracks * artists):
            artist = number % artists
            features.append(describe(render(style, 500 + number, 15.0, artist=artist)))
            styles.append(style)
            families.append(artist)
    table, labels, family = np.array(features), np.array(styles), np.array(families)
    take = np.arange(len(labels)) // artists
    for name, train in {
        "unseen presets": family % 2 == 0,
        "unseen presets, halves exchanged": family % 2 == 1,
        "unseen tracks of seen presets": take % 2 == 0,
    }.items():
        trees = learn(table[train], labels[train])
        shares = precision(trees, table[~train], labels[~train])
        print(
            f"{name:34s} P@1/2/3 " + " ".join(f"{share:.3f}" for share in shares),
            f"({np.count_nonzero(~train)} tracks)",
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the three measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "follow", "presets"))
    parser.add_argument("tables", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--tracks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    actions: dict[str, Callable[[], None]] = {
        "speed": lambda: speed(given.tracks),
        "follow": lambda: follow(given.tables, given.rows, given.seed),
        "presets": lambda: presets(given.tracks),
    }
    actions[given.what]()


if __name__ == "__main__":
    main()
