"""From a waveform to what was heard: NumPy and ONNX Runtime, never torch."""

from earmark.hearing.listener import Listener
from earmark.hearing.model import Heard, Model

__all__ = ["Heard", "Listener", "Model"]
