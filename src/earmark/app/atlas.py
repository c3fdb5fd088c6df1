"""The map of a collection: a point for each track, near to those that sound like it."""

import io
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

from earmark.app.progress import Staging, unstaged
from earmark.errors import EarmarkError, MissingExtra
from earmark.library import Catalogue
from earmark.library.projection import plane
from earmark.runner import run_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

FEWEST: Final = 5  # tracks that can be arranged
AXES: Final = 50  # directions in which tracks differ most, by which they are arranged
ITERATIONS: Final = 1000  # of arranging them


@dataclass(frozen=True)
class Atlas:
    """Points of a collection.

    Attributes:
        ids: of the tracks, (tracks,).
        points: (tracks, 2), within -1 and 1.
        styles: the names of the styles.
        style: the number of each track's style, (tracks,).
    """

    ids: "NDArray[np.int64]"
    points: "NDArray[np.float32]"
    styles: tuple[str, ...]
    style: "NDArray[np.intp]"

    def as_json(self) -> dict[str, Any]:
        """The points as they stand in JSON, column by column."""
        return {
            "ids": self.ids.tolist(),
            "x": self.points[:, 0].round(4).tolist(),
            "y": self.points[:, 1].round(4).tolist(),
            "styles": list(self.styles),
            "style": self.style.tolist(),
        }


def atlas(catalogue: Catalogue, arranged: Path | None = None) -> Atlas:
    """The map of all tracks with music that one model heard, the one that most tracks show.

    Args:
        catalogue: the open catalogue.
        arranged: a file that `arrange` wrote; where it holds other tracks than these, and where there is none, the map
            shows the two directions in which the tracks differ most.
    """
    import numpy as np

    column = catalogue.embeddings()
    summaries = {each.id: each for each in catalogue.summaries()}
    there = np.array([number in summaries for number in column.ids.tolist()], bool)
    ids = column.ids[there]
    names: dict[str, int] = {}
    strongest = ((each := summaries[number]).styles[int(each.probabilities.argmax())] for number in ids.tolist())
    style = np.fromiter((names.setdefault(name, len(names)) for name in strongest), np.intp, len(ids))
    points = _arranged(arranged, column.ids) if arranged else None
    return Atlas(ids, (plane(column.matrix) if points is None else points)[there], tuple(names), style)


def arrange(catalogue: Catalogue, out: Path, *, staging: Staging = unstaged) -> int:
    """Arrange the tracks so that neighbours in sound are neighbours on the map, and write that; returns their number.

    It takes minutes for 10,000 tracks, in a process of its own; `staging` is told how far it is, and stops it by an
    error: then nothing is written. Reference: L. van der Maaten, G. Hinton, "Visualizing data using t-SNE",
    JMLR 9, 2008.

    Raises:
        EarmarkError: there are too few tracks.
        MissingExtra: it needs scikit-learn.
    """
    import numpy as np

    from earmark.files import replacing

    try:
        from sklearn.decomposition import PCA
    except ModuleNotFoundError:
        raise MissingExtra("arranging the map", "teach") from None
    column = catalogue.embeddings()
    tracks = len(column.ids)
    if tracks < FEWEST:
        raise EarmarkError(f"there are {tracks} tracks on the map; to arrange it, there must be {FEWEST}")
    matrix = np.asarray(column.matrix, np.float32)
    with staging() as tell:
        tell("arranged", 0.0)
        axes = PCA(min(AXES, tracks - 1, matrix.shape[1]), random_state=0).fit_transform(matrix)
        found = run_apart(partial(_neighbours, axes), partial(tell, "arranged"))
    with replacing(out) as file:
        np.savez(file, ids=column.ids, points=plane(found))
    return tracks


def _neighbours(axes: "NDArray[np.float32]", told: "Callable[[float], None]") -> "NDArray[np.float32]":
    """Points of tracks (tracks, axes), (tracks, 2), near to those of tracks that are near.

    How far it is, scikit-learn tells nobody but the terminal.
    """
    from sklearn.manifold import TSNE

    class Lines(io.StringIO):
        def write(self, text: str) -> int:
            if found := re.search(r"Iteration (\d+)", text):
                told(int(found[1]) / ITERATIONS)
            return len(text)

    perplexity = min(30, (len(axes) - 1) / 3)
    with redirect_stdout(Lines()):
        points: NDArray[np.float32] = TSNE(
            perplexity=perplexity, init="pca", max_iter=ITERATIONS, random_state=0, verbose=2
        ).fit_transform(axes)
    return points


def _arranged(path: Path, ids: "NDArray[np.int64]") -> "NDArray[np.float32] | None":
    """The points that were written of just these tracks; None if there are none."""
    import numpy as np

    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            return kept["points"] if np.array_equal(kept["ids"], ids) else None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        raise EarmarkError(f"{path}: this map is damaged; arrange it again") from None
