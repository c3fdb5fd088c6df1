"""The spelling of figures: shares as per cent, with their 95 % interval in brackets; "n/a" where there is none."""

import math

from earmark.measures.uncertainty import Figure

NOTHING = "n/a"
MINUTE, HOUR = 60, 3600  # seconds
LARGE = 99.95  # from here on three digits are whole numbers
ROUND = 10  # seconds from which on tenths do not matter


def percent(share: float) -> str:
    """A share (0-1).

    >>> percent(0.7142), percent(float("nan"))
    ('71.4 %', 'n/a')
    """
    return NOTHING if math.isnan(share) else f"{hundredths(share)} %"


def percent_between(figure: Figure) -> str:
    """A share with its interval, as in 71.4 % and, in brackets, 69.5 to 73.2."""
    return NOTHING if math.isnan(figure.value) else f"{percent(figure.value)} ({between(figure)})"


def hundredths(share: float) -> str:
    """A share (0-1) where the heading says per cent.

    >>> hundredths(0.7142), hundredths(float("nan"))
    ('71.4', 'n/a')
    """
    return NOTHING if math.isnan(share) else f"{100 * share:.1f}"


def hundredths_between(figure: Figure) -> str:
    """A share with its interval, where the heading says per cent."""
    return NOTHING if math.isnan(figure.value) else f"{hundredths(figure.value)} ({between(figure)})"


def between(figure: Figure) -> str:
    """The interval of a share alone."""
    return f"{hundredths(figure.low)}–{hundredths(figure.high)}"


def points_between(figure: Figure) -> str:
    """A difference of two shares, in points of per cent, with its interval.

    >>> points_between(Figure(-0.031, -0.08, 0.02))
    '-3.1 points (-8.0 to +2.0)'
    """
    return f"{100 * figure.value:+.1f} points ({100 * figure.low:+.1f} to {100 * figure.high:+.1f})"


def plain(value: float) -> str:
    """A number of any size, to three digits; large ones as whole numbers.

    >>> plain(0.81), plain(12.345), plain(1234.5), plain(float("nan"))
    ('0.810', '12.3', '1,234', 'n/a')
    """
    if math.isnan(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:#.3g}"


def plain_ends(figure: Figure) -> str:
    """The interval of a number alone."""
    return f"{plain(figure.low)} to {plain(figure.high)}"


def plain_between(figure: Figure) -> str:
    """A number with its interval."""
    return NOTHING if math.isnan(figure.value) else f"{plain(figure.value)} ({plain_ends(figure)})"


def count(number: int, noun: str) -> str:
    """A number and its noun.

    >>> count(1, "track"), count(2100, "track"), count(2, "class")
    ('1 track', '2,100 tracks', '2 classes')
    """
    plural = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def duration(seconds: float) -> str:
    """A length of time.

    >>> duration(4.8), duration(48), duration(600), duration(19080)
    ('4.8 s', '48 s', '10 min', '5.3 h')
    """
    if seconds >= 2 * HOUR:
        return f"{seconds / HOUR:.1f} h"
    if seconds >= 2 * MINUTE:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds:.0f} s" if seconds >= ROUND else f"{seconds:.1f} s"
