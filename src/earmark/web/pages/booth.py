"""The page on which sets are planned and played back to back with the machine."""

from nicegui.element import Element

from earmark.app.catalogue import open_catalogue
from earmark.errors import EarmarkError
from earmark.web.pages.frame import colours, frame
from earmark.web.site import Site
from earmark.web.static import STATIC


class BoothBoard(Element, component=STATIC / "booth_board.js"):
    """Back to back with the machine."""

    def __init__(self) -> None:
        super().__init__()
        self._props["colours"] = colours()


class SetBoard(Element, component=STATIC / "set_board.js"):
    """A set that is planned.

    Args:
        styles: of the library.
    """

    def __init__(self, styles: list[str]) -> None:
        super().__init__()
        self._props["colours"] = colours()
        self._props["styles"] = styles
        self._props["formats"] = ["m3u8", "rekordbox", "traktor", "csv"]


def draw(site: Site) -> None:
    """Draw the page."""
    try:
        with open_catalogue(site.catalogue) as opened:
            styles = sorted(opened.families())
    except EarmarkError:  # nothing was scanned yet, and the board says so
        styles = []
    with frame("/booth"):
        BoothBoard()
        SetBoard(styles)
