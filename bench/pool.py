"""The most probable style of sounds that are no music and of music: what the threshold of a pool has to part.

    python bench/pool.py MODEL FOLDER...

Sounds that are no music are of the kinds that the descriptors learned as such (`recipes.house12.non_music`),
with another seed. Printed are quantiles of the probability of the strongest style, and how often each is it; for each
folder also the parts: the mean probability of each family by the pool and by its descriptors alone, and the scores that
the ear gives to five kinds of music.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from earmark.audio import Waveform, decode
from earmark.errors import EarmarkError
from earmark.hearing import Model
from earmark.learning.bundle import load_network
from earmark.learning.networks.pool import LogOpinionPool
from earmark.learning.networks.yamnet.classes import NAMES
from earmark.measures.classification import grouped
from earmark.recipes.house12.non_music import non_music
from earmark.runner import gather

EACH = 6  # sounds of every kind
SEED = 2026
SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)
SOUNDS = ("House music", "Techno", "Trance music", "Dubstep", "Drum and bass")


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
    network = load_network(model.folder)
    assert isinstance(network, LogOpinionPool)  # noqa: S101  what is measured is a pool
    for folder in given.folders:
        pooled, described, scores = [], [], []
        for path in gather([str(folder)]):
            if isinstance(path, EarmarkError):
                continue
            waveform = decode(path, model.config.sample_rate)
            pooled.append(model.hear(waveform).timeline.mean())
            each, sounds = parts(network, waveform[: network.samples])
            described.append(each)
            scores.append(sounds)
        strongest = Counter(model.config.styles[index] for index in np.argmax(pooled, 1))
        print(folder.name, len(pooled), np.quantile(np.max(pooled, 1), SHARES).round(3), dict(strongest))
        families = [model.config.families[style] for style in model.config.styles]
        for name, rows in (("pool", pooled), ("descriptors", described)):
            names, sums = grouped(np.array(rows), families)
            first = Counter(names[index] for index in sums.argmax(1))
            shares = {name: round(float(share), 2) for name, share in zip(names, sums.mean(0), strict=True)}
            print(f"  {name}: {shares} first: {dict(first)}")
        heard_as = {name: round(float(score), 3) for name, score in zip(SOUNDS, np.mean(scores, 0), strict=True)}
        print(f"  ear: {heard_as}")


@torch.no_grad()
def parts(network: LogOpinionPool, waveform: Waveform) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the styles by the descriptors alone, and the ear's scores of SOUNDS, of a window at most."""
    heard = torch.from_numpy(waveform)[None]
    logits, _ = network.descriptors(heard)
    _, _, sounds = network.opinions(heard)
    numbers = {name: number for number, name in NAMES.items()}
    return logits.softmax(-1)[0].numpy(), sounds[0, [numbers[name] for name in SOUNDS]].numpy()


if __name__ == "__main__":
    main()
