"""Numbers on the command line."""

import math

import typer


def finite(number: float) -> float:
    """The number, if it is one: `nan` and `inf` lie within the limits of any option.

    Raises:
        BadParameter: it is none.
    """
    if not math.isfinite(number):
        raise typer.BadParameter(f"{number} is no number")
    return number
