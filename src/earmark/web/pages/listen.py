"""The page on which files are dropped and heard."""

from nicegui.element import Element

from earmark.audio import SUFFIXES
from earmark.styles import styles
from earmark.web.pages.frame import colours, frame
from earmark.web.static import STATIC


class ListenBoard(Element, component=STATIC / "listen_board.js"):
    """Files dropped on the page, and what was heard in them."""

    def __init__(self) -> None:
        super().__init__()
        self._props["colours"] = colours()
        self._props["styles"] = [style.label for style in styles()]
        self._props["accept"] = ",".join(("audio/*", *sorted(SUFFIXES)))


def draw() -> None:
    """Draw the page."""
    with frame("/"):
        ListenBoard()
