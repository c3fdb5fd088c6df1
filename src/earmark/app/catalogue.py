"""The catalogue that a scan fills and others read: the one named, else that of the environment, else the user's."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.files import data_folder

if TYPE_CHECKING:
    from earmark.library import Catalogue

VARIABLE = "EARMARK_CATALOGUE"
NAME = "catalogue.db"


def catalogue_path(given: Path | None = None) -> Path:
    """The path of the catalogue that is meant; there may be none yet."""
    if given is not None:
        return given
    named = os.environ.get(VARIABLE)
    return Path(named) if named else data_folder() / NAME


def open_catalogue(given: Path | None = None) -> "Catalogue":
    """Open the catalogue that is meant.

    Raises:
        CatalogueError: it is not there, or cannot be opened.
    """
    from earmark.library import Catalogue

    return Catalogue(catalogue_path(given), create=False)


def open_if_any(given: Path | None = None) -> "AbstractContextManager[Catalogue | None]":
    """Open the catalogue that is meant; None if none was named and the user has none.

    Raises:
        CatalogueError: one was named, but is not there; or it cannot be opened.
    """
    return open_catalogue(given) if given or catalogue_path().exists() else nullcontext()
