"""Learning: data, networks, training, teaching, evaluation, bundles. Extra `train`; for teaching alone, `teach`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from earmark.learning.training.config import Machine, TrainConfig
    from earmark.learning.training.loop import train
    from earmark.learning.training.report import Report

_HOME = {
    "Machine": "earmark.learning.training.config",
    "Report": "earmark.learning.training.report",
    "TrainConfig": "earmark.learning.training.config",
    "train": "earmark.learning.training.loop",
}

__all__ = ["Machine", "Report", "TrainConfig", "train"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the name stands for
    if name not in _HOME:
        raise AttributeError(f"module 'earmark.learning' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
