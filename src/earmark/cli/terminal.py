"""The console that tables and bars are drawn on.

Names of files and what stands in tags come from others: on a console of this module they cannot command the terminal.
The cells of tables are filled up with blanks; at the ends of lines these are left out.
"""

import re
from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from earmark.cli.messages import visible

UNLIMITED = 10_000
"""Width in characters where the output is no terminal: nothing is cropped or folded for want of room."""


def console(*, stderr: bool = False) -> Console:
    """A console whose text is `visible`; where its output is no terminal, lines are as long as they are."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=False, emoji=False)
    if not made.is_terminal:
        made.width = UNLIMITED
    made.push_render_hook(_Visible())
    return made


class _Visible(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_VisibleText(each) for each in renderables]


class _VisibleText:
    """Something to print, with its text made visible; styles and the console's own commands are apart from it."""

    def __init__(self, printed: ConsoleRenderable) -> None:
        self.printed = printed

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _trimmed(console.render(self.printed, options))


def _trimmed(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Visible segments, without the blanks at the ends of lines that show nothing."""
    blanks: list[Segment] = []  # of the end of the line so far
    for text, style, control in segments:
        shown = control or (style and (style.bgcolor or style.reverse or style.underline))
        for piece in [text] if control else re.findall(r"\n| +|[^ \n]+(?: +[^ \n]+)*", visible(text)):
            if piece == "\n":
                blanks.clear()
            elif not shown and not piece.strip(" "):
                blanks.append(Segment(piece, style))
                continue
            yield from blanks
            blanks.clear()
            yield Segment(piece, style, control)
    yield from blanks
