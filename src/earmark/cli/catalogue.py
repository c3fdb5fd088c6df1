"""Where the catalogue is that commands read and `earmark scan` fills."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.files import data_folder

if TYPE_CHECKING:
    from earmark.library import Catalogue

VARIABLE = "EARMARK_CATALOGUE"
NAME = "catalogue.db"


def catalogue_path(given: Path | None) -> Path:
    """The catalogue that is meant: the one given, else that of the environment, else the user's."""
    if given is not None:
        return given
    named = os.environ.get(VARIABLE)
    return Path(named) if named else data_folder() / NAME


def open_catalogue(given: Path | None) -> "Catalogue":
    """Open the catalogue that is meant; it must be there.

    Raises:
        CatalogueError: it is not, or cannot be opened.
    """
    from earmark.library import Catalogue

    return Catalogue(catalogue_path(given), create=False)
