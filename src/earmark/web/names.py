"""Names as a page can show them."""

import json
from typing import TypeVar

T = TypeVar("T")


def legible(value: T) -> T:
    r"""JSON in which each part of a name that is no text, as names of files may be, is a question mark.

    >>> legible({"name": "caf\\udce9.mp3"})
    {'name': 'caf?.mp3'}
    """
    made: T = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    return made
