"""A document as one self-contained HTML page: it loads nothing else, and its content security policy forbids it.

It is readable in light and in dark, as the reader's system prefers: so each picture is there twice.
"""

from base64 import b64encode
from collections.abc import Mapping
from html import escape

from earmark.learning.evaluation.document import Block, Document, Note, Picture, Table, Tiles

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --faint: #5b6470; --line: #d9dee4; --raised: #f5f7f9; --note: #fff6dd;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e6e9ed; --faint: #9aa4af; --line: #343b43; --raised: #1d2126; --note: #3a3118; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p { max-width: 46rem; margin: .75rem 0; overflow-wrap: anywhere; }
.note { background: var(--note); border-radius: .5rem; padding: .6rem .9rem; max-width: none; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.tile { background: var(--raised); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { display: block; }
.tile small { color: var(--faint); font-size: .85rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--faint); font-weight: 600; white-space: nowrap; }
td { overflow-wrap: anywhere; }
th.r, td.r { text-align: right; white-space: nowrap; padding-left: .4rem; }
figure { margin: 1rem 0; }
figcaption { color: var(--faint); font-size: .85rem; margin-top: .4rem; max-width: 46rem; }
img { display: block; max-width: 100%; height: auto; }
"""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(document: Document, pictures: Mapping[str, tuple[bytes, bytes]]) -> str:
    """A document as one HTML page.

    Args:
        document: the document.
        pictures: each picture by its name, as PNG: for light, and for dark.
    """
    parts = [f"<h1>{escape(document.title)}</h1>", *(_block(block, pictures) for block in document.opening)]
    for section in document.sections:
        blocks = "\n".join(_block(block, pictures) for block in section.blocks)
        parts.append(f"<section>\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>")
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _block(block: Block, pictures: Mapping[str, tuple[bytes, bytes]]) -> str:
    match block:
        case Note(text):
            return f'<p class="note">{escape(text)}</p>'
        case Tiles(tiles):
            cells = "\n".join(
                f'<div class="tile"><b>{escape(tile.value)}</b><span>{escape(tile.label)}</span>'
                f"<small>{escape(tile.remark)}</small></div>"
                for tile in tiles
            )
            return f'<div class="tiles">\n{cells}\n</div>'
        case Table():
            return _table(block)
        case Picture(name, caption):
            light, dark = (f"data:image/png;base64,{b64encode(image).decode('ascii')}" for image in pictures[name])
            return (
                f'<figure><picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
                f'<img src="{light}" alt="{escape(caption)}" width="{_width(pictures[name][0]) // 2}"></picture>'
                f'<figcaption aria-hidden="true">{escape(caption)}</figcaption></figure>'  # said already, as alt
            )
        case str():
            return f"<p>{escape(block)}</p>"


def _width(png: bytes) -> int:
    """The width in pixels, from the header of a PNG."""
    return int.from_bytes(png[16:20], "big")


def _table(table: Table) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        pairs = zip(cells, table.align, strict=True)
        return "".join(f'<{tag} class="{align}">{escape(cell)}</{tag}>' for cell, align in pairs)

    body = "\n".join(f"<tr>{row(cells, 'td')}</tr>" for cells in table.rows)
    return (
        f'<div class="wide"><table>\n<thead><tr>{row(table.columns, "th")}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )
