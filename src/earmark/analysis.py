"""Everything that was heard in one track: the record that travels between the rooms."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import Timeline


@dataclass(frozen=True)
class Analysis:
    """What a `Listener` heard in a file.

    `duration` is in seconds and is what was heard, not what the file declares. `families` gives each style its family
    and `unknown` says that no style is probable enough to be named. `warnings` are whole sentences.
    """

    path: Path
    duration: float
    timeline: Timeline
    families: dict[str, str]
    unknown: bool
    embedding: NDArray[np.float32]
    model: str
    warnings: tuple[str, ...] = ()

    def family(self) -> tuple[str, float]:
        """The most probable family and its probability."""
        return self.timeline.families(self.families)[0]
