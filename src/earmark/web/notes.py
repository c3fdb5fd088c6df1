"""Notes of the server beside the catalogue: small JSON files that the next server reads.

One that is damaged, or of a newer earmark, costs what it noted and no more: that is said in the log.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


def read(path: Path, parse: Callable[[Any], T]) -> T | None:
    """Read a note.

    Args:
        path: the file; there may be none.
        parse: makes of its JSON what is wanted.

    Returns:
        What `parse` made of it; None if there is no file, or one that says something else.
    """
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("%s: this note cannot be read and is left out: %r", path, error)
        return None
