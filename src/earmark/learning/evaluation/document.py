"""A document: sections of text, tables and pictures, said once and written as Markdown, HTML or on a terminal.

Text is plain: whoever writes it out escapes what means something in his format.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from earmark.learning.evaluation.figures import Theme


@dataclass(frozen=True)
class Note:
    """A sentence that must not be overlooked."""

    text: str


@dataclass(frozen=True)
class Tile:
    """One of the figures that matter most, what it is, and what else is to be known of it."""

    value: str
    label: str
    remark: str


@dataclass(frozen=True)
class Tiles:
    """A row of them."""

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
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A title, what stands before the first heading, and the sections."""

    title: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]

    def pictures(self) -> tuple[Picture, ...]:
        """All pictures, in their order."""
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(block for block in blocks if isinstance(block, Picture))
