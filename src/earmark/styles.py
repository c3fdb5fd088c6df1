"""The styles of electronic music: their families, colours and usual tempi, and the names other people use for them.

Everything that is known stands in `styles.toml`; this module only reads it, once, when first asked.

Conventions: a *style* is one of the twelve labels, in the order of the models' outputs; a *family* is a group of
styles; a *tag* is the text of a file's genre field. A style that a user has taught is not in the table: its family
stands in the model.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError

TABLE = Path(__file__).with_name("styles.toml")

# NUL separates values in ID3v2.4, a backslash in foobar2000 and Mp3tag, a newline in some editors.
HARD_SEPARATORS = str.maketrans(dict.fromkeys("\0\\\n\r", ";"))

# Numbers of ID3v2.3 at the head of a value, with or without a name after them: "(31)(18)" or "(31)Trance".
# Only there: the bracket in "Techno (126)" is a tempo, not genre 126.
ID3_NUMBERS = re.compile(r"(?:^|[;,/|\0\\])\s*(?:\([0-9]+\))+")


@dataclass(frozen=True, slots=True)
class Style:
    """A style, as one entry of the table describes it.

    Attributes:
        key: its place among the models' outputs.
        label: its name here.
        meant: one sentence on the music.
        family: the group of styles that it belongs to.
        colour: `#rrggbb`.
        ansi: the name of its colour where there are 16 only.
        rekordbox: the name of its colour in rekordbox.
        bpm: slowest and fastest usual tempo, as DJs count it.
        beatport: genre names of the shop.
        discogs: names of the database.
        musicbrainz: names of the database.
        id3: numbers of ID3v1 and Winamp with their names.
        aliases: other names in real files.
        beatless: whether most of it has no beat.
    """

    key: int
    label: str
    meant: str
    family: str
    colour: str
    ansi: str
    rekordbox: str
    bpm: tuple[float, float]
    beatport: tuple[str, ...]
    discogs: tuple[str, ...]
    musicbrainz: tuple[str, ...]
    id3: tuple[tuple[int, str], ...]
    aliases: tuple[str, ...]
    beatless: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the label first, each spelling once."""
        id3 = (name for _, name in self.id3)
        return tuple(
            dict.fromkeys((self.label, *self.beatport, *self.discogs, *self.musicbrainz, *id3, *self.aliases)),
        )


def read_table(text: str) -> tuple[tuple[Style, ...], tuple[str, ...]]:
    """Read TOML text such as `styles.toml`: the styles in their order, and the names that are no style as a whole.

    Raises:
        EarmarkError: an entry lacks a key, or has one too many.
    """
    import tomllib  # noqa: PLC0415  where no style is looked up, it need not be loaded

    table = tomllib.loads(text)
    return tuple(map(_style, table["style"])), tuple(table["none"])


def _style(entry: Mapping[str, Any]) -> Style:
    known = {field.name: field.default is MISSING for field in fields(Style)}
    missing = [name for name, needed in known.items() if needed and name not in entry]
    unknown = [name for name in entry if name not in known]
    if missing or unknown:
        wrong = f"missing: {', '.join(missing)}" if missing else f"unknown: {', '.join(unknown)}"
        raise EarmarkError(f"{TABLE.name}: {entry.get('label', 'a style without a label')}: {wrong}")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Style(**values | {"id3": tuple((int(number), name) for number, name in entry["id3"].items())})


def normalise(text: str) -> str:
    """Reduce a name to what makes it that name: lower-case letters and digits, and the separators `; , / |`.

    Accents fall off because NFKD splits them from their letters. Upper case comes first, because only that brings
    the Turkish dotless i home. "&" and "+" are spoken "and". The separators stay: "Deep, House" is not "Deep House".

    >>> normalise("Drum & Bass"), normalise("DRUM AND BASS"), normalise("Nu-Disco / Disco")
    ('drumandbass', 'drumandbass', 'nudisco/disco')
    """
    plain = unicodedata.normalize("NFKD", text).upper().casefold().translate(HARD_SEPARATORS)
    spoken = plain.replace("&amp;", "&").replace("&", "and").replace("+", "and")
    return re.sub(r"[^\w;,/|]|_", "", spoken)


def index_names(table: Iterable[Style], none: Iterable[str] = ()) -> dict[str, Style | None]:
    """Map every normalised name and every ID3 number to its style, and the names in `none` to None.

    A name with a separator is also entered without it, as it is spelled where no slash may stand, in the names of
    files and folders: "Nu Disco-Disco".

    Raises:
        EarmarkError: a name is claimed twice.
    """
    index: dict[str, Style | None] = {}
    claims: list[tuple[str, Style | None]] = [(name, None) for name in none]
    for style in table:
        claims += [(name, style) for name in (*style.names, *(str(number) for number, _ in style.id3))]
    for name, claimant in claims:
        key = normalise(name)
        for spelling in (key, re.sub(r"[,/|]", "", key)):
            other = index.setdefault(spelling, claimant)
            if other is not claimant:
                both = " and ".join(style.label if style else "none" for style in (other, claimant))
                raise EarmarkError(f"{TABLE.name}: {name!r} is claimed by both {both}")
    return index


@cache
def _table() -> tuple[tuple[Style, ...], tuple[str, ...]]:
    return read_table(TABLE.read_text(encoding="utf-8"))


def styles() -> tuple[Style, ...]:
    """The twelve styles, in the order of the models' outputs."""
    return _table()[0]


def families() -> tuple[str, ...]:
    """The families, in the order in which the styles first mention them."""
    return tuple(dict.fromkeys(style.family for style in styles()))


def family_of(label: str) -> str:
    """The family of one of the twelve styles.

    Raises:
        EarmarkError: the label is not one of the twelve.
    """
    for style in styles():
        if style.label == label:
            return style.family
    known = ", ".join(style.label for style in styles())
    raise EarmarkError(f"no style is called {label!r}; the styles are: {known}")


def families_of(labels: Iterable[str]) -> dict[str, str]:
    """The family of each label; one that is not among the twelve is a family of its own.

    >>> families_of(["Trap", "Gabber"])
    {'Trap': 'Bass', 'Gabber': 'Gabber'}
    """
    known = {style.label: style.family for style in styles()}
    return {label: known.get(label, label) for label in labels}


@cache
def _names() -> tuple[dict[str, Style | None], re.Pattern[str]]:
    """The index of names, and a pattern that finds them between separators, the longest first."""
    index = index_names(*_table())
    longest_first = "|".join(map(re.escape, sorted(index, key=len, reverse=True)))
    return index, re.compile(rf"(?<![^;,/|])(?:{longest_first})(?![^;,/|])")


def from_tag(text: str) -> list[Style]:
    """Read the styles from a genre tag as it stands in real files, in its order, each once.

    Case, accents and punctuation do not count. Values are separated by `; , / |` or NUL, but a name that itself holds
    a separator is found whole. ID3v1 numbers are understood. What is unknown gives nothing.

    >>> [style.label for style in from_tag("(31)Uplifting Trance; drum'n'bass / Techno (Peak Time / Driving), Polka")]
    ['Trance', 'Drum & Bass', 'Techno / Tech House']
    """
    index, pattern = _names()
    key = normalise(ID3_NUMBERS.sub(lambda match: match[0].replace(")", ");"), text))
    return list(dict.fromkeys(style for name in pattern.findall(key) if (style := index[name])))
