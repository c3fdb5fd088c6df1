"""Lines on standard error, and words that several commands say."""

import sys

from earmark.errors import UnexpectedError


def debugging() -> bool:
    """Whether the user wants to see where in the program an error came from."""
    return "--debug" in sys.argv[1:]


def complain(what: object) -> None:
    """Print a line on standard error; not by typer, which would write past the progress bar and into it."""
    sys.stderr.write(f"earmark: {what}\n")
    if isinstance(what, UnexpectedError) and debugging():
        sys.stderr.write(what.traceback)


def some(count: int, thing: str) -> str:
    """A number of things.

    >>> some(1, "file"), some(1200, "file")
    ('1 file', '1,200 files')
    """
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
