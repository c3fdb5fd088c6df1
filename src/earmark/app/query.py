"""The words of a search as a `Query`: styles and families under any of their names, tempos, keys in both notations."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from earmark.analysis import LIKELY, MAJOR_KEYS, MINOR_KEYS, SURE, Key
from earmark.errors import EarmarkError
from earmark.library import Query
from earmark.styles import from_tag

if TYPE_CHECKING:
    from earmark.library import Catalogue

CODES = {Key(tonic, minor, 1).camelot() for tonic in range(12) for minor in (False, True)}
SLOWER_THAN = 1000.0  # every tempo, in BPM

CONFIDENCES: Final = {"sure": (SURE, 1.1), "likely": (LIKELY, SURE), "unsure": (0.0, LIKELY)}
"""Probabilities of the first style, from and to (but for the last), by the words for them."""


def query(
    catalogue: "Catalogue",
    *,
    words: str = "",
    genre: str = "",
    style: str = "",
    family: str = "",
    bpm: str = "",
    half_double: bool = False,
    keys: Iterable[str] = (),
    confidence: str = "",
    unknown: bool = False,
    failed: bool = False,
    missing: bool = False,
) -> Query:
    """The query that words stand for.

    Args:
        catalogue: its models say which styles and families there are.
        words: beginnings of words in title, artist, album, genre, path, or the style or family that was heard.
        genre: words of the genre tag.
        style: under any of its names.
        family: whatever its case.
        bpm: as `tempo_range` reads it.
        half_double: half and double of that tempo will do as well.
        keys: any of these, as `camelot` reads them.
        confidence: one of `CONFIDENCES`, of the style that was heard.
        unknown: like nothing that the model knows.
        failed: could not be heard, or not read whole.
        missing: the file has vanished.

    Raises:
        EarmarkError: no style or family of the catalogue is called so.
        ValueError: a tempo or a key cannot be understood.
    """
    families = catalogue.families()
    return Query(
        words=words,
        genre=genre,
        style=style_named(style, families) if style else "",
        family=family_named(family, families) if family else "",
        bpm=tempo_range(bpm) if bpm else None,
        half_double=half_double,
        keys=tuple(map(camelot, keys)),
        confidence=CONFIDENCES[confidence] if confidence else None,
        unknown=unknown,
        failed=failed,
        missing=missing,
    )


def style_named(name: str, families: Mapping[str, str]) -> str:
    """The style that is meant by a name.

    Args:
        name: in any case; of the twelve styles, any name that other people use.
        families: the styles to choose from, each with its family.

    Raises:
        EarmarkError: no style is called so.
    """
    known = {style.casefold(): style for style in families}
    meant = [style.label for style in from_tag(name) if style.label in families]
    if name.casefold() in known:
        return known[name.casefold()]
    if len(meant) == 1:
        return meant[0]
    raise EarmarkError(f"no style of this catalogue is called {name!r}; there are: {', '.join(families) or 'none'}")


def family_named(name: str, families: Mapping[str, str]) -> str:
    """The family of that name in any case; `families` as in `style_named`.

    Raises:
        EarmarkError: no family is called so.
    """
    known = {family.casefold(): family for family in families.values()}
    if name.casefold() not in known:
        there = ", ".join(known.values()) or "none"
        raise EarmarkError(f"no family of this catalogue is called {name!r}; there are: {there}")
    return known[name.casefold()]


def tempo_range(text: str) -> tuple[float, float]:
    """The lowest and the highest tempo, in BPM; a whole number alone means all that are rounded to it.

    >>> tempo_range("124-128"), tempo_range("126"), tempo_range("126.0")
    ((124.0, 128.0), (125.5, 126.4), (126.0, 126.0))

    Raises:
        ValueError: it is neither a tempo nor a range, or the range goes down.
    """
    low, dash, high = text.replace("–", "-").partition("-")
    try:
        first, last = float(low), float(high if dash else low)
    except ValueError:
        first = last = math.nan
    if not (0 < first < SLOWER_THAN and 0 < last < SLOWER_THAN):
        raise ValueError(f"the tempo is {text!r}, but must be such as 126, or a range such as 124-128")
    if first > last:
        raise ValueError(f"the tempo is {text!r}, but a range begins with the lower one: {high.strip()}-{low.strip()}")
    return (first, last) if dash or "." in low else (first - 0.5, first + 0.4)


def camelot(text: str) -> str:
    """A key in Camelot's notation, given so or by its name in any spelling.

    >>> camelot("8a"), camelot("f#m"), camelot("Gbm")
    ('8A', '11A', '11A')

    Raises:
        ValueError: it is no key.
    """
    if text.upper() in CODES:
        return text.upper()
    try:
        return Key.from_name(text).camelot()
    except ValueError:
        names = ", ".join(MAJOR_KEYS + MINOR_KEYS)
        raise ValueError(f"the key is {text!r}, but must be such as 8A, or Am: one of {names}") from None
