"""The sounds of electronic music by name.

`PATCHES[name](rng)` draws one design of a sound. Two draws of "reese" are both reese basses, from two studios.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from earmark.synth.basses import BASSES
from earmark.synth.instruments import INSTRUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from earmark.synth.patch import Patch

PATCHES: Final[dict[str, Callable[[np.random.Generator], Patch]]] = BASSES | INSTRUMENTS
