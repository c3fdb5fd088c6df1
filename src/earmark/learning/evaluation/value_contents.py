"""What the report says of a model that estimates numbers."""

from functools import partial

from earmark.learning.evaluation import figures
from earmark.learning.evaluation.document import Picture, Section, Table, Tile, Tiles
from earmark.learning.evaluation.values import ValueFigures
from earmark.learning.evaluation.wording import plain, plain_between

TILES = 6
MEANING = (
    "RMSE is the root of the mean squared error, in the unit of the value. R2 is the share of the variance that is "
    "explained: 1 is perfect, 0 no better than always saying the mean. Correlation does not mind a wrong scale or "
    "offset."
)


def tiles(found: ValueFigures) -> Tiles:
    """The figures that matter most."""
    return Tiles(
        tuple(
            Tile(plain(row.correlation.value), f"correlation, {row.name}", f"RMSE {plain_between(row.rmse)}")
            for row in found.by_value[:TILES]
        )
    )


def sections(found: ValueFigures) -> tuple[Section, ...]:
    """All that there is to say."""
    names = [row.name for row in found.by_value]
    return (
        Section(
            "Value by value",
            (
                MEANING,
                Table(
                    "lrrr",
                    ("value", "RMSE", "R2", "correlation"),
                    tuple(
                        (row.name, *map(plain_between, (row.rmse, row.r2, row.correlation))) for row in found.by_value
                    ),
                ),
                Picture(
                    "values",
                    "Truth and estimate of each track; on the dashed line they are equal.",
                    partial(figures.scatter, names, found.truth, found.estimate),
                ),
            ),
        ),
    )
