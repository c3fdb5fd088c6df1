"""The map of a collection: a point for each track, near to those that sound like it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

from earmark.errors import EarmarkError, MissingExtra
from earmark.library import Catalogue
from earmark.library.projection import plane

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST: Final = 5  # tracks that can be arranged
AXES: Final = 50  # directions in which tracks differ most, by which they are arranged


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


def arrange(catalogue: Catalogue, out: Path) -> int:
    """Arrange the tracks so that neighbours in sound are neighbours on the map, and write that; returns their number.

    It takes minutes for 10,000 tracks. Reference: L. van der Maaten, G. Hinton, "Visualizing data using t-SNE",
    JMLR 9, 2008.

    Raises:
        EarmarkError: there are too few tracks.
        MissingExtra: it needs scikit-learn.
    """
    import numpy as np

    from earmark.files import replacing

    try:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE
    except ModuleNotFoundError:
        raise MissingExtra("arranging the map", "teach") from None
    column = catalogue.embeddings()
    tracks = len(column.ids)
    if tracks < FEWEST:
        raise EarmarkError(f"there are {tracks} tracks on the map; to arrange it, there must be {FEWEST}")
    matrix = np.asarray(column.matrix, np.float32)
    axes = PCA(min(AXES, tracks - 1, matrix.shape[1]), random_state=0).fit_transform(matrix)
    found = TSNE(perplexity=min(30, (tracks - 1) / 3), init="pca", random_state=0).fit_transform(axes)
    with replacing(out) as file:
        np.savez(file, ids=column.ids, points=plane(found))
    return tracks


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
