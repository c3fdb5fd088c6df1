"""Reasons for an answer."""

from pathlib import Path
from typing import TYPE_CHECKING

from earmark.app.listening import MODEL

if TYPE_CHECKING:
    from earmark.hearing.occlusion import Reasons


def explain(path: Path, model: str = MODEL, style: str = "") -> "Reasons":
    """Tell the seconds and the bands of a file that decided for a style; by default for that of the answer.

    Raises:
        UnreadableAudio: it cannot be decoded.
        BundleError: there is no such model, or it gives no probabilities.
        EarmarkError: the model knows no such style.
    """
    from earmark.errors import EarmarkError
    from earmark.hearing import Model
    from earmark.hearing.occlusion import explain as reasons

    opened = Model.open(model)
    if style and style not in opened.config.styles:
        raise EarmarkError(f"{model} knows no style {style!r}; it knows: {', '.join(opened.config.styles)}")
    return reasons(opened, path, style)
