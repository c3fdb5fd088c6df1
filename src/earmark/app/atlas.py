"""The map of a collection: a point for each track, near to those that sound like it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from earmark.library import Catalogue
from earmark.library.projection import plane

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


def atlas(catalogue: Catalogue) -> Atlas:
    """The map of all tracks with music that one model heard, the one that most tracks show."""
    import numpy as np

    column = catalogue.embeddings()
    summaries = {each.id: each for each in catalogue.summaries()}
    there = np.array([number in summaries for number in column.ids.tolist()], bool)
    ids = column.ids[there]
    names: dict[str, int] = {}
    strongest = ((each := summaries[number]).styles[int(each.probabilities.argmax())] for number in ids.tolist())
    style = np.fromiter((names.setdefault(name, len(names)) for name in strongest), np.intp, len(ids))
    return Atlas(ids, plane(column.matrix)[there], tuple(names), style)
