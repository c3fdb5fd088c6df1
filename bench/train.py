"""Time of a training step, by precision and memory layout.

    python bench/train.py [ARCHITECTURE] [--batch 16] [--threads 1]

Each row is one step (spectrogram, forward, backward, clipping, AdamW) on random windows; the rows take turns, so that a
noisy machine is noisy for all of them, and the ratio is to the plain way: float32, contiguous.
"""

import argparse
import time

import torch
from torch import nn

from earmark.learning.networks import ARCHITECTURES, TRAINED, AudioNetwork

ROUNDS = 7
WAYS = {
    "float32, contiguous": (torch.float32, torch.contiguous_format),
    "float32, channels last": (torch.float32, torch.channels_last),
    "bfloat16, contiguous": (torch.bfloat16, torch.contiguous_format),
    "bfloat16, channels last": (torch.bfloat16, torch.channels_last),
}


class Trainer:
    """A network that is trained in one of the ways."""

    def __init__(self, architecture: str, batch: int, dtype: torch.dtype, layout: torch.memory_format) -> None:
        torch.manual_seed(0)
        network = ARCHITECTURES[architecture](12)
        assert isinstance(network, AudioNetwork)  # noqa: S101  the choices of the command are of these
        self.network, self.dtype, self.layout = network, dtype, layout
        network.body.to(memory_format=layout)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(network.body.parameters())
        self.waveform, self.labels = torch.randn(batch, network.samples) * 0.1, torch.arange(batch) % 12

    def step(self) -> float:
        """Seconds of one step."""
        before = time.perf_counter()
        with torch.no_grad():
            spectrogram = self.network.front_end(self.waveform)
        with torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32):
            logits, _ = self.network.body(spectrogram.contiguous(memory_format=self.layout))
        loss = nn.functional.cross_entropy(logits.float(), self.labels)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.body.parameters(), 5.0)
        self.optimiser.step()
        return time.perf_counter() - before


def main() -> None:
    """Time the ways in turn, and print the fastest step of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architecture", nargs="?", default="emusic", choices=TRAINED)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    trainers = {name: Trainer(arguments.architecture, arguments.batch, *way) for name, way in WAYS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in trainers}
    for turn in range(ROUNDS + 1):
        for name, trainer in trainers.items():
            took = trainer.step()
            if turn:  # the first warms up
                seconds[name].append(took)
    plain = min(seconds["float32, contiguous"])
    print(f"{arguments.architecture}, batches of {arguments.batch}, {arguments.threads} thread(s), best of {ROUNDS}")
    for name, taken in seconds.items():
        print(f"{name:25} {min(taken):6.2f} s  {min(taken) / plain:5.2f} x")


if __name__ == "__main__":
    main()
