"""Reasons for an answer."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earmark.analysis import Analysis
    from earmark.hearing import Model
    from earmark.hearing.occlusion import Reasons


def explain(path: Path, model: "Model", style: str = "", heard: "Analysis | None" = None) -> "Reasons":
    """Tell the seconds and the bands of a file that decided for a style, and the sounds in them.

    Args:
        path: the file.
        model: the open model.
        style: by default that of the answer.
        heard: what was heard in the file before; where the model would hear the same windows, it is not heard again.

    Raises:
        UnreadableAudio: it cannot be decoded.
        BundleError: the model gives no probabilities.
        EarmarkError: the model knows no such style.
    """
    from earmark.errors import EarmarkError
    from earmark.hearing.occlusion import explain as reasons

    config = model.config
    if style and style not in config.styles:
        raise EarmarkError(f"{config.name} knows no style {style!r}; it knows: {', '.join(config.styles)}")
    timeline = heard.timeline if heard and heard.model == config.name else None
    if timeline and timeline.styles != tuple(config.styles):
        timeline = None
    return reasons(model, path, style, timeline)
