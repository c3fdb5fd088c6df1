"""A document as Markdown, as GitHub and most editors read it; pictures are files beside it."""

import re

from earmark.learning.evaluation.document import Block, Document, Note, Picture, Table, Tiles


def render(document: Document) -> str:
    """A document as Markdown."""
    parts = [f"# {escape(document.title)}", *map(_block, document.opening)]
    for section in document.sections:
        parts += [f"## {escape(section.title)}", *map(_block, section.blocks)]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    r"""Text as it is, on one line: what would mean something to Markdown gets a backslash.

    >>> print(escape("a_b|<i> 1*2"))
    a\_b\|\<i\> 1\*2
    """
    return re.sub(r"([\\`*_\[\]<>|#&~])", r"\\\1", " ".join(text.split()))


def _block(block: Block) -> str:
    match block:
        case Note(text):
            return f"> **Note:** {escape(text)}"
        case Tiles(tiles):
            return "\n".join(
                f"- **{escape(tile.value)}** {escape(tile.label)}: {escape(tile.remark)}" for tile in tiles
            )
        case Table():
            return _table(block)
        case Picture(name, caption):
            return f"![{escape(caption)}]({name}.png)\n\n*{escape(caption)}*"
        case str():
            return escape(block)


def _table(table: Table) -> str:
    rule = "|".join({"l": "---", "r": "---:"}[align] for align in table.align)
    lines = [f"| {' | '.join(map(escape, cells))} |" for cells in (table.columns, *table.rows)]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
