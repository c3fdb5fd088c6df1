"""The most probable style of sounds that are no music and of music: what the threshold of a pool has to part.

    python bench/pool.py MODEL FOLDER...

Sounds that are no music are of the kinds that the descriptors learned as such (`recipes.house12.non_music`),
with another seed. Printed are quantiles of the probability of the strongest style, and how often each is it.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from earmark.audio import decode
from earmark.errors import EarmarkError
from earmark.hearing import Model
from earmark.recipes.house12.non_music import non_music
from earmark.runner import gather

EACH = 6  # sounds of every kind
SEED = 2026
SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("folders", nargs="*", type=Path)
    given = parser.parse_args()
    model = Model.open(given.model)
    print("threshold", model.config.unknown_threshold)

    heard = [model.hear(waveform).timeline.mean().max() for waveform in non_music(np.random.default_rng(SEED), EACH)]
    print("no music", len(heard), np.quantile(heard, SHARES).round(3))
    for folder in given.folders:
        found, strongest = [], Counter[str]()
        for path in gather([str(folder)]):
            if isinstance(path, EarmarkError):
                continue
            mean = model.hear(decode(path, model.config.sample_rate)).timeline.mean()
            found.append(float(mean.max()))
            strongest[model.config.styles[int(mean.argmax())]] += 1
        print(folder.name, len(found), np.quantile(found, SHARES).round(3), dict(strongest))


if __name__ == "__main__":
    main()
