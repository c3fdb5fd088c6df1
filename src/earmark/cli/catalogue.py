"""Where the catalogue is that commands read and `earmark scan` fills."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earmark.library import Catalogue

VARIABLE = "EARMARK_CATALOGUE"
NAME = "catalogue.db"


def catalogue_path(given: Path | None) -> Path:
    """The catalogue that is meant: the one given, else that of the environment, else the user's."""
    if given is not None:
        return given
    named = os.environ.get(VARIABLE)
    return Path(named) if named else _data_home() / "earmark" / NAME


def open_catalogue(given: Path | None) -> "Catalogue":
    """Open the catalogue that is meant; it must be there.

    Raises:
        CatalogueError: it is not, or cannot be opened.
    """
    from earmark.library import Catalogue

    return Catalogue(catalogue_path(given), create=False)


def _data_home() -> Path:
    """Where programs keep the data of this user, by the custom of the platform."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support"
    home = Path(os.environ.get("XDG_DATA_HOME", ""))
    return home if home.is_absolute() else Path.home() / ".local/share"  # a relative one does not count, it says there
