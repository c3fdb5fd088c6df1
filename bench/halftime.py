"""How many real tracks of drum & bass go to Halftime, and what the tempo costs: on the rows of the tables.

    python bench/halftime.py TABLES KEEP

Each row of 2021 is predicted by a descriptor network that has not heard its artist (the recipe of house12; KEEP holds
the folds that are done). Then the prior and the tempi of the pool's recipe are added as the pool adds them, with the
tempo of the row for certain. The ear and the drums cannot be asked: there is no sound.
"""

import argparse
from pathlib import Path

import numpy as np

from earmark.learning.pooling import read_recipe
from earmark.measures.classification import apply_temperature, precision_at_k
from earmark.recipes.house12 import recipe as recipes
from earmark.recipes.house12 import tables
from earmark.recipes.house12.training import held_out
from earmark.recipes.shipped import FILES
from earmark.styles import styles


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path)
    parser.add_argument("keep", type=Path)
    given = parser.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    found = held_out(recipes.read_recipe(FILES["house12"]), given.tables, lambda _title, _share: None, given.keep)
    pool = read_recipe(FILES["house12-pool"])
    assert pool.groove  # noqa: S101  the recipe has one
    labels = [style.label for style in styles()]
    new = tables.read(given.tables, tables.TABLE_2021).rows
    rows = np.concatenate([new, tables.read(given.tables, tables.TABLE_2016).rows])[found.rows]
    octave = np.arctan2(rows[:, -2], rows[:, -1]) / (2 * np.pi)  # log2 of the tempo, modulo 1
    tempo = np.zeros_like(found.probabilities)
    for label, (slowest, fastest) in pool.groove.tempi.items():
        usual = (octave - np.log2(slowest)) % 1 <= np.log2(fastest / slowest)
        tempo[:, labels.index(label)] = np.where(usual, 0, np.log(pool.groove.doubt))
    prior = np.log([pool.prior.get(label, 1.0) for label in labels])

    half, breaks = labels.index("Halftime"), found.labels == labels.index("Drum & Bass")
    print("| | first style right | of 2, of 3 | drum & bass called Halftime | any called Halftime |")
    print("|---|---|---|---|---|")
    for name, added in (
        ("descriptors", 0),
        ("with the prior", prior),
        ("with prior and tempo", prior + pool.groove.weight * tempo),
    ):
        shares = apply_temperature(np.log(found.probabilities) + added, 1.0)
        one, two, three = (precision_at_k(found.labels, shares, k) for k in (1, 2, 3))
        first = shares.argmax(1) == half
        print(
            f"| {name} | {one:.3f} | {two:.3f} {three:.3f} | {first[breaks].sum()} of {breaks.sum()} | {first.sum()} |"
        )


if __name__ == "__main__":
    main()
