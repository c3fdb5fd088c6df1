"""From a waveform to what was heard: NumPy and ONNX Runtime, never torch.

The names are loaded when they are asked for: what bundles say and what embeddings mean needs no ONNX Runtime.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from earmark.hearing.listener import Listener
    from earmark.hearing.model import Heard, Model

_HOME: Final = {"Heard": "model", "Listener": "listener", "Model": "model"}

__all__ = ["Heard", "Listener", "Model"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the name stands for
    if name not in _HOME:
        raise AttributeError(f"module 'earmark.hearing' has no attribute {name!r}")
    return getattr(import_module(f"earmark.hearing.{_HOME[name]}"), name)
