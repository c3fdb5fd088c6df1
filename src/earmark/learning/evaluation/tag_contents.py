"""What the report says of a model that gives tags."""

import math

from earmark.learning.evaluation import figures
from earmark.learning.evaluation.document import Block, Picture, Section, Table, Tile, Tiles
from earmark.learning.evaluation.figures import Bar
from earmark.learning.evaluation.tags import TagFigures
from earmark.learning.evaluation.wording import count, plain, plain_between, plain_ends

CHANCE = 0.5  # of ROC-AUC
MEANING = (
    "ROC-AUC is the probability that a track with the tag gets more of it than a track without; by chance 0.5. "
    "PR-AUC is the area under precision over recall; by chance it is the share of the tracks that have the tag. "
    "Tags that all or none of the tracks have cannot be measured."
)


def tiles(found: TagFigures) -> Tiles:
    """The figures that matter most."""
    measured = f"mean of {count(found.measured, 'tag')}"
    return Tiles(
        (
            Tile(plain(found.roc_auc.value), "ROC-AUC", f"{plain_ends(found.roc_auc)}; {measured}; by chance 0.5"),
            Tile(plain(found.pr_auc.value), "PR-AUC", f"{plain_ends(found.pr_auc)}; by chance {plain(found.chance)}"),
        )
    )


def sections(found: TagFigures) -> tuple[Section, ...]:
    """All that there is to say."""
    rows = [Bar(row.name, row.roc_auc, row.tracks) for row in found.by_tag if math.isfinite(row.roc_auc.value)]
    blocks: list[Block] = [MEANING]
    if rows:
        blocks.append(
            Picture(
                "tags",
                "ROC-AUC of each tag, with intervals; in brackets the number of tracks that have it. Dashed: chance.",
                lambda theme: figures.bars(rows, theme, "ROC-AUC", chance=CHANCE, percent=False),
            )
        )
    blocks.append(
        Table(
            "lrrr",
            ("tag", "tracks", "ROC-AUC", "PR-AUC"),
            tuple(
                (row.name, f"{row.tracks:,}", plain_between(row.roc_auc), plain_between(row.pr_auc))
                for row in found.by_tag
            ),
        )
    )
    return (Section("Tag by tag", tuple(blocks)),)
