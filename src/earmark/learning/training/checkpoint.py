"""The state of a training run on disk: everything that it takes to go on as if nothing had happened.

Tensors and plain values in one safetensors file, nothing pickled, written under a temporary name and renamed. Random
numbers need no state: every draw is a function of seed, epoch and position.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor, nn

from earmark.errors import EarmarkError, ManifestError
from earmark.files import write_bytes


@dataclass
class Progress:
    """The progress of a run.

    `step` counts the batches of the epoch that are done; `loss` and `hits` are sums over the windows of those. `best`
    is the measure of the best epoch so far, the larger the better.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    hits: float = 0.0
    windows: int = 0
    seconds: float = 0.0
    best: float = float("-inf")
    best_epoch: int = -1


def save(
    path: Path,
    run_id: str,
    progress: Progress,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    best: Mapping[str, Tensor],
    lines: Sequence[Mapping[str, float]],
) -> None:
    """Write a checkpoint.

    Args:
        path: where.
        run_id: a digest of what makes the run, such as its recipe and its tracks.
        progress: how far it is.
        network: its parameters and buffers.
        optimiser: its state; the learning rate is a function of the step.
        best: the parameters and buffers of the best epoch, none before the first.
        lines: what is known of the epochs before.

    Raises:
        EarmarkError: it cannot be written.
    """
    state = optimiser.state_dict()["state"]
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    tensors |= {f"optimiser.{index}.{name}": value for index, values in state.items() for name, value in values.items()}
    plain = json.dumps({"run_id": run_id, "progress": asdict(progress), "lines": lines})
    content = serialise({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, {"run": plain})
    try:
        write_bytes(path, content)
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be written: {error.strerror}") from error


def load(
    path: Path, run_id: str, network: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[Progress, dict[str, Tensor], list[dict[str, float]]]:
    """Put a network and its optimiser into the state of a checkpoint; progress, best parameters and lines as saved.

    Raises:
        ManifestError: it is damaged, or of a run with another recipe or other tracks.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no dict
            run: dict[str, Any] = json.loads(file.metadata()["run"])
            found, progress, lines = run["run_id"], Progress(**run["progress"]), run["lines"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{path}: not a checkpoint: {error}") from error
    if found != run_id:
        raise ManifestError(f"{path}: of a run with another recipe or other tracks; without it we start anew")
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "optimiser": {}}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        parts[kind][rest] = tensor
    network.load_state_dict(parts["network"], strict=True)
    groups = optimiser.state_dict()["param_groups"]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in parts["optimiser"].items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    return progress, parts["best"], lines


def lines(path: Path) -> list[dict[str, float]]:
    """The lines of a checkpoint alone, as `save` was given them.

    Raises:
        ManifestError: it is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            known: list[dict[str, float]] = json.loads(file.metadata()["run"])["lines"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{path}: not a checkpoint: {error}") from error
    return known
