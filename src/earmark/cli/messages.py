"""Lines on standard error, and words that several commands say."""

import sys


def complain(what: object) -> None:
    """Print a line on standard error; not by typer, which would write past the progress bar and into it."""
    sys.stderr.write(f"earmark: {what}\n")


def some(count: int, thing: str) -> str:
    """A number of things.

    >>> some(1, "file"), some(1200, "file")
    ('1 file', '1,200 files')
    """
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
