"""A document: sections of text, tables and pictures, rendered as Markdown, as HTML or on a terminal.

Text is plain: a renderer escapes what its format would read as markup.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from earmark.learning.evaluation.charts import Theme


@dataclass(frozen=True)
class Note:
    """A sentence that must not be overlooked."""

    text: str


@dataclass(frozen=True)
class Tile:
    """One of the most important figures: its value, its name, and a remark."""

    value: str
    label: str
    remark: str


@dataclass(frozen=True)
class Tiles:
    """A row of tiles."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Table:
    """Rows of cells; `align` has an l or an r for each column, r where the cells are numbers."""

    align: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A figure: `draw` gives it as a PNG; `name` is that of its file, without the suffix."""

    name: str
    caption: str
    draw: Callable[[Theme], bytes]


Block: TypeAlias = str | Note | Tiles | Table | Picture


@dataclass(frozen=True)
class Section:
    """A heading and the blocks below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A title, the blocks before the first heading, and the sections."""

    title: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]

    def pictures(self) -> tuple[Picture, ...]:
        """All pictures, in their order."""
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(block for block in blocks if isinstance(block, Picture))
