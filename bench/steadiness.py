"""What moves the answers of a pool under damage: its parts, one by one, held as they are without it.

    python bench/steadiness.py MODEL FOLDER

Each file is heard as it is and under each degradation of `earmark evaluate --audio`. Then one part of the pool says of
the damaged file what it said of the whole one, and the first styles are compared again. Printed is a table in Markdown.
"""

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from earmark.audio import Waveform, decode
from earmark.errors import EarmarkError
from earmark.hearing import Model
from earmark.hearing.activity import Activity, without_silent_ends
from earmark.learning.bundle import load_network
from earmark.learning.evaluation.degradations import DEGRADATIONS, excerpt
from earmark.learning.networks.pool import QUIETEST, LogOpinionPool
from earmark.measures.classification import apply_temperature, grouped
from earmark.runner import gather

PARTS = ("descriptors", "ear", "groove", "doubt")
HELD = ((), *((part,) for part in PARTS), ("descriptors", "ear"))

Opinions = dict[str, Any]
"""What each part says of a window."""


class Said(nn.Module):
    """A part that has said what it has to say."""

    def __init__(self, said: Any) -> None:  # noqa: ANN401  a tensor or two
        super().__init__()
        self.said = said

    def forward(self, _waveform: Tensor) -> Any:  # noqa: ANN401
        """Say it again, whatever sounds."""
        return self.said


@dataclass(frozen=True)
class Heard:
    """The opinions on the windows of a waveform, and how much each window counts, (windows,)."""

    windows: list[Opinions]
    weights: np.ndarray


@torch.no_grad()
def hear(model: Model, network: LogOpinionPool, waveform: Waveform) -> Heard:
    """Ask each part about each window."""
    activity = Activity(model.config.sample_rate)
    shortest = round(model.config.shortest * model.config.sample_rate)
    windows = []
    for _, window in model.windows([waveform]):
        activity.add(window)
        sound = without_silent_ends(window, model.config.sample_rate)
        heard = torch.from_numpy(np.pad(sound, (0, max(0, shortest - len(sound)))))[None]
        scaled = heard / heard.abs().amax(1, keepdim=True).clamp_min(QUIETEST)
        windows.append({part: getattr(network, part)(scaled if part == "ear" else heard) for part in PARTS})
    weights = activity.weights()
    return Heard(windows, weights if weights.any() else np.ones(len(windows)))


@torch.no_grad()
def pooled(model: Model, network: LogOpinionPool, heard: Heard) -> np.ndarray:
    """The probabilities of the styles, (styles,)."""
    logits = []
    for opinions in heard.windows:
        for part, said in opinions.items():
            setattr(network, part, Said(said))
        logits.append(network(torch.zeros(1, 1))[0][0].numpy())
    shares = apply_temperature(np.stack(logits), model.config.temperature)
    mean: np.ndarray = np.average(shares, 0, heard.weights)
    return mean


def holding(parts: tuple[str, ...], damaged: Heard, whole: Heard) -> Heard:
    """A damaged waveform of which some parts say what they said of the whole one, window by window."""
    windows = [
        opinions | {part: whole.windows[min(place, len(whole.windows) - 1)][part] for part in parts}
        for place, opinions in enumerate(damaged.windows)
    ]
    return Heard(windows, damaged.weights)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    model = Model.open(given.model)
    asked, answering = (load_network(model.folder) for _ in range(2))
    assert isinstance(asked, LogOpinionPool)  # noqa: S101  what is measured is a pool
    assert isinstance(answering, LogOpinionPool)  # noqa: S101
    families = [model.config.families[style] for style in model.config.styles]
    rate, count, kept, family = model.config.sample_rate, 0, Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for path in gather([str(given.folder)]):
        if isinstance(path, EarmarkError):
            continue
        waveform = decode(path, rate)
        whole = hear(model, asked, waveform)
        before = pooled(model, answering, whole)
        for degrade in DEGRADATIONS.values():
            changed = degrade(path, rate)
            if degrade is excerpt and len(changed) in {0, len(waveform)}:
                continue
            damaged = hear(model, asked, changed)
            count += 1
            for parts in HELD:
                after = pooled(model, answering, holding(parts, damaged, whole))
                kept[parts] += int(before.argmax() == after.argmax())
                one, other = (grouped(each[None], families)[1].argmax() for each in (before, after))
                family[parts] += int(one == other)
    print(f"{count} damaged files\n")
    print("| held as without the damage | same first style | same family |\n|---|---|---|")
    for parts in HELD:
        print(f"| {' and '.join(parts) or 'nothing'} | {kept[parts]} | {family[parts]} |")


if __name__ == "__main__":
    main()
