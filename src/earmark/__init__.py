"""earmark listens to electronic music and says which style it is.

    >>> import earmark
    >>> listener = earmark.Listener(earmark.Model.open("house12"))

docs/python.md has an example of everything. Names are loaded when first used (PEP 562): importing earmark loads neither
ONNX Runtime nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from earmark.analysis import Analysis, Key, Loudness, Rhythm
    from earmark.audio import Recording, decode
    from earmark.errors import BundleError, EarmarkError, UnreadableAudio
    from earmark.hearing import Heard, Listener, Model
    from earmark.library import Catalogue, Track
    from earmark.timeline import Segment, Timeline

__version__ = "0.1.0"

_HOME = {
    "Analysis": "earmark.analysis",
    "BundleError": "earmark.errors",
    "Catalogue": "earmark.library",
    "EarmarkError": "earmark.errors",
    "Heard": "earmark.hearing",
    "Key": "earmark.analysis",
    "Listener": "earmark.hearing",
    "Loudness": "earmark.analysis",
    "Model": "earmark.hearing",
    "Recording": "earmark.audio",
    "Rhythm": "earmark.analysis",
    "Segment": "earmark.timeline",
    "Timeline": "earmark.timeline",
    "Track": "earmark.library",
    "UnreadableAudio": "earmark.errors",
    "decode": "earmark.audio",
}

__all__ = [
    "Analysis",
    "BundleError",
    "Catalogue",
    "EarmarkError",
    "Heard",
    "Key",
    "Listener",
    "Loudness",
    "Model",
    "Recording",
    "Rhythm",
    "Segment",
    "Timeline",
    "Track",
    "UnreadableAudio",
    "decode",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the name stands for
    if name not in _HOME:
        raise AttributeError(f"module 'earmark' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
