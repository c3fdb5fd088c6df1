"""The networks that teach an ear, one entry each: the file of their weights, their outputs, whose they are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.learning.networks.yamnet import classes, graph
from earmark.recipes.distillation.teachers import musicnn


@dataclass(frozen=True)
class Teacher:
    """A network that teaches.

    Attributes:
        file: the name of its file in the folder of the teachers.
        open: opens that file.
        outputs: names of its outputs, in their order.
        credit: its name, authors, licence and what it was trained on.
    """

    file: str
    open: Callable[[Path], Any]
    outputs: tuple[str, ...]
    credit: str


TEACHERS = {
    "yamnet": Teacher(
        file="yamnet_spectra_in.tflite",
        open=graph.Yamnet,
        outputs=tuple(f"AudioSet {number}: {classes.NAMES.get(number, '?')}" for number in range(classes.CLASSES)),
        credit="YAMNet (Google, project coralmicro, Apache-2.0; trained on AudioSet)",
    ),
    "musicnn": Teacher(
        file="MSD_musicnn.h5",
        open=musicnn.Musicnn,
        outputs=tuple(f"Million Song: {tag}" for tag in musicnn.TAGS),
        credit="musicnn (J. Pons; ported by E. Quinton, ISC licence; trained on the Million Song Dataset)",
    ),
}
OUTPUTS = tuple(name for teacher in TEACHERS.values() for name in teacher.outputs)
"""The outputs of an ear: those of its teachers, one after the other."""
