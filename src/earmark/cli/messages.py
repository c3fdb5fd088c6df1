"""Lines for people, without the control characters that names of files and tags may hold.

Sent to a terminal as they are, such characters could clear it, retitle its window or write over other lines. So every
line goes through `visible`, and every table and bar through a `terminal.console`, which does the same.
"""

import sys
import unicodedata

from earmark.errors import UnexpectedError

SHOWN = "�"  # in place of a control character
_LAYOUT = "\n\t"
_REORDERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # they show a name as another one


def visible(text: str) -> str:
    r"""Text without the characters that command a terminal; line breaks and tabs stay.

    >>> visible("a title\x1b[2J")
    'a title�[2J'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        SHOWN if (unicodedata.category(sign) == "Cc" and sign not in _LAYOUT) or sign in _REORDERING else sign
        for sign in text
    )


def line(what: object) -> str:
    """One visible line: what was several is joined."""
    return " ".join(visible(str(what)).split("\n"))


def say(what: object) -> None:
    """Print a line on standard output."""
    sys.stdout.write(f"{line(what)}\n")
    sys.stdout.flush()


def debugging() -> bool:
    """Whether the user wants to see where in the program an error came from."""
    return "--debug" in sys.argv[1:]


def complain(what: object) -> None:
    """Print a line on standard error; not by typer, which would write past the progress bar and into it."""
    sys.stderr.write(f"earmark: {line(what)}\n")
    if isinstance(what, UnexpectedError) and debugging():
        sys.stderr.write(visible(what.traceback))


def some(count: int, thing: str) -> str:
    """A number of things.

    >>> some(1, "file"), some(1200, "file")
    ('1 file', '1,200 files')
    """
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


class TerminalSafe:
    """Standard output for formats that programs read: as it is into a pipe or a file, visible on a terminal."""

    def write(self, text: str) -> int:
        """Write text to what is standard output now."""
        return sys.stdout.write(visible(text) if sys.stdout.isatty() else text)
