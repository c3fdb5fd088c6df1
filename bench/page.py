"""Marked sections of a page, each written by its own script, so that none overwrites another's.

`<!-- name -->` and the next `<!-- end -->` bound the section `name`; what stands around them is written by hand.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from earmark.files import write_text

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "benchmarks.md"
END: Final = "<!-- end -->"


def write(name: str, text: str, page: Path = PAGE) -> None:
    """Replace a section, and print it.

    Raises:
        ValueError: the page has no such section.
    """
    before, mark, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{page}: there is no section `<!-- {name} -->` ... `{END}`")
    write_text(page, f"{before}{mark}{text.strip()}\n{end}{after}")
    print(text.strip(), flush=True)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows))
