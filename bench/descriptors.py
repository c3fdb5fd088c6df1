"""How far the answers of descriptor networks travel: excerpts and copies of held-out real music against the whole.

    python bench/descriptors.py --music MUSIC --real FOLDER MODEL... [--tables TABLES --folds 2]

A MODEL is a bundle of architecture `descriptors`, or a pool, whose descriptors alone are asked. MUSIC is measured as
the recipe of `house12` measures it (`recipes.house12.recordings`), but of authors that nothing is learned from;
FOLDER holds audio files that nothing is learned from. Of each kind of damage: how many pairs, then for each model the
share whose first style is that of the whole, and the mean total variation distance to its answer on the whole.

With TABLES also: of rows of the tables that are moved as those recordings move, the share whose first style is right,
by networks that have not heard their artists ("styles 2021, by artist"), taught the movement of synthetic tracks alone,
and that of the recordings of the recipe as well.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.audio import decode
from earmark.errors import EarmarkError
from earmark.learning.bundle import load_network
from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.learning.networks.pool import LogOpinionPool
from earmark.recipes import music
from earmark.recipes.house12 import protocols, training
from earmark.recipes.house12.fitting import fit, one_thread, predict
from earmark.recipes.house12.recipe import read_recipe
from earmark.recipes.house12.recordings import LONGEST, RATE, SHORTEST, rows_of
from earmark.recipes.house12.shifts import Pairs, Scatter
from earmark.recipes.house12.synthetic import KINDS as SYNTHETIC
from earmark.recipes.house12.tables import Rows
from earmark.recipes.shipped import FILES
from earmark.runner import gather

SEED = 1


def files(works: Path, real: Path) -> Iterator[Path]:
    """One excerpt of each electronic work that is held out, and the real files."""
    excerpts = music.read(works)
    unheard = music.held_out(excerpts)
    first = {each.work: each for each in reversed(excerpts) if each.electronic and each.author in unheard}
    yield from (works / first[work].file for work in sorted(first))
    yield from (path for path in gather([str(real)]) if not isinstance(path, EarmarkError))


def descriptors(folder: Path) -> DescriptorNetwork:
    """The descriptor network of a bundle."""
    network = load_network(folder)
    if isinstance(network, LogOpinionPool):
        network = network.descriptors
    if not isinstance(network, DescriptorNetwork):
        raise SystemExit(f"{folder}: no descriptor network")
    return network


@torch.no_grad()
def answers(network: DescriptorNetwork, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of rows (n, 70), before calibration."""
    logits, _ = network.from_rows(torch.from_numpy(rows))
    return logits.double().softmax(-1).numpy()


def moved_rows(tables: Path, folds: int, kinds: list[str], whole: Rows, moved: Rows) -> None:
    """Fit to some of the rows, move the others as the recordings move, and print how many are named right."""
    recipe = read_recipe(FILES["house12"])
    prepared = training.prepare(recipe, tables, lambda _title, _share: None)
    synthetic = prepared.scatter[-len(SYNTHETIC) :]
    protocol = protocols.protocols(tables)[0]
    right = defaultdict[str, list[list[NDArray[np.bool_]]]](list)
    for train, test in protocol.folds[:folds]:
        by_kind = defaultdict[str, list[NDArray[np.bool_]]](list)
        for scatter in (synthetic, prepared.scatter):
            with one_thread(), torch.no_grad():
                with torch.enable_grad():
                    network = fit(
                        protocol.rows[train],
                        protocol.labels[train],
                        len(protocol.classes),
                        recipe.fit,
                        genres=protocol.genres and protocol.genres.of(train),
                        auxiliary=[each.of(train) for each in protocol.auxiliary],
                        scatter=scatter,
                        non_music=prepared.non_music,
                    )
                rows, labels = protocol.rows[test], protocol.labels[test]
                by_kind["not moved"].append(predict(network, rows).argmax(1) == labels)
                for kind in dict.fromkeys(kinds):
                    chosen = np.array(kinds) == kind
                    drawn = Scatter(network, rows, [Pairs(whole[chosen], moved[chosen])])
                    inputs = drawn.draw(torch.arange(len(rows)), torch.Generator().manual_seed(SEED))
                    by_kind[kind].append(network.logits(inputs).argmax(1).numpy() == labels)
        for kind, pair in by_kind.items():
            right[kind].append(pair)
    for kind, pairs in right.items():
        before, after = (np.concatenate(side) for side in zip(*pairs, strict=True))
        print(f"{kind:16} {len(before):5}   {before.mean():.3f}   {after.mean():.3f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--music", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="A file for the descriptors, which take minutes.")
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("models", nargs="+", type=Path)
    given = parser.parse_args()
    if given.keep and given.keep.exists():
        kept = np.load(given.keep)
        kinds, whole, moved = kept["kinds"].tolist(), kept["whole"], kept["moved"]
    else:
        pairs = defaultdict[str, list[NDArray[np.float32]]](list)
        for number, path in enumerate(files(given.music, given.real)):
            sound = decode(path, RATE)[: LONGEST * RATE]
            if len(sound) >= SHORTEST * RATE:
                (_, first), *others = rows_of(sound, np.random.default_rng((SEED, number)))
                for kind, row in others:
                    pairs[kind].append(np.stack([first, row]))
        kinds = [kind for kind, each in pairs.items() for _ in each]
        whole, moved = np.stack([pair for each in pairs.values() for pair in each], 1)
        if given.keep:
            np.savez(given.keep, kinds=kinds, whole=whole, moved=moved)
    networks = [descriptors(folder) for folder in given.models]
    before, after = ([answers(network, rows) for network in networks] for rows in (whole, moved))
    for kind in [*dict.fromkeys(kinds), "all"]:
        chosen = np.array([kind in {each, "all"} for each in kinds])
        line = [f"{kind:16} {chosen.sum():5}"]
        for one, other in zip(before, after, strict=True):
            same = (one[chosen].argmax(1) == other[chosen].argmax(1)).mean()
            line.append(f"{same:.3f} {np.abs(one[chosen] - other[chosen]).sum(1).mean() / 2:.3f}")
        print("   ".join(line))
    if given.tables:
        moved_rows(given.tables, given.folds, kinds, whole, moved)


if __name__ == "__main__":
    main()
