"""Test doubles of a listener and of a reader of tags: fast, with known answers.

They are functions at the top of a module, so that worker processes can have them.
"""

import os
from pathlib import Path

import numpy as np

from earmark.analysis import Analysis
from earmark.errors import TagError, UnreadableAudio
from earmark.library.track import Tags
from earmark.timeline import Timeline


def listen(path: Path) -> Analysis:
    """Hear a style that is named after the last byte of the file, `style 7`, with a probability of 0.9.

    A file whose name begins with "bad" cannot be heard; one that begins with "crash" takes the process along, as a
    decoder may.

    Raises:
        UnreadableAudio: the file is called so.
    """
    if path.name.startswith("bad"):
        raise UnreadableAudio(path, "bad on purpose")
    if path.name.startswith("crash"):
        os._exit(1)
    style = f"style {path.read_bytes()[-1]}"
    return Analysis(
        path=path,
        duration=1.0,
        timeline=Timeline((style, "other"), np.zeros(1), 1.0, np.array([[0.9, 0.1]], np.float32)),
        families={style: "family", "other": "family"},
        unknown=False,
        embedding=np.ones(2, np.float32),
        model="double",
    )


def read_tags(path: Path) -> Tags:
    """Read the title from the name of the file.

    Raises:
        TagError: the name begins with "odd".
    """
    if path.name.startswith("odd"):
        raise TagError(path, "odd on purpose")
    return Tags(title=path.stem)
