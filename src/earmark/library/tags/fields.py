"""Names of the fields in each family of tags: knowledge, as a table.

Conventions: the first name is the one that is written; those after it are read where the first is missing, and are
changed along with it where they stand in a file, so that two names never disagree. Names as in `layouts`: a description
after ``TXXX:``, mean and name after ``----:``.

References: the mapping tables of MusicBrainz Picard and Mp3tag, and what Mixed In Key, Traktor, Serato and rekordbox
write: EnergyLevel, initialkey, tempos with decimals in TBPM.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias
from unicodedata import category

from earmark.library.track import Tags

Source: TypeAlias = Callable[[str], list[str]]
"""Reader of a tag: a name, to the texts that stand under it."""


class Family(StrEnum):
    """A family of tags."""

    ID3 = "ID3v2"
    VORBIS = "Vorbis comments"
    MP4 = "MP4"
    APE = "APEv2"
    ASF = "ASF"


@dataclass(frozen=True)
class Field:
    """A field: what it is called, the attribute of `Tags` that holds it, and its names in each family."""

    name: str
    attribute: str
    names: Mapping[Family, tuple[str, ...]]


def _field(
    name: str,
    attribute: str,
    id3: tuple[str, ...],
    vorbis: tuple[str, ...],
    mp4: tuple[str, ...],
    ape: tuple[str, ...],
    asf: tuple[str, ...],
) -> Field:
    columns = {Family.ID3: id3, Family.VORBIS: vorbis, Family.MP4: mp4, Family.APE: ape, Family.ASF: asf}
    return Field(name, attribute, columns)


ITUNES: Final = "----:com.apple.iTunes:"
DECIMAL_TEMPO: Final = f"{ITUNES}BPM"
WHOLE_TEMPO: Final = "tmpo"

# fmt: off
READ: Final = (
    _field("title", "title", ("TIT2",), ("TITLE",), ("\xa9nam",), ("Title",), ("Title",)),
    _field("artist", "artist", ("TPE1",), ("ARTIST",), ("\xa9ART",), ("Artist",), ("Author",)),
    _field("album", "album", ("TALB",), ("ALBUM",), ("\xa9alb",), ("Album",), ("WM/AlbumTitle",)),
)
"""Fields that are read only."""

WRITTEN: Final = (
    _field("genre", "genres", ("TCON",), ("GENRE",), ("\xa9gen",), ("Genre",), ("WM/Genre",)),
    _field("style", "styles", ("TXXX:STYLE",), ("STYLE",), (f"{ITUNES}STYLE",), ("Style",), ("STYLE", "WM/Style")),
    _field("bpm", "bpm", ("TBPM",), ("BPM", "TEMPO"), (WHOLE_TEMPO, DECIMAL_TEMPO), ("BPM",), ("WM/BeatsPerMinute",)),
    # KEY is not among the names: Picard writes a key there, but Mixed In Key its own record in base64.
    _field("key", "key", ("TKEY",), ("INITIALKEY",), (f"{ITUNES}initialkey",), ("INITIALKEY",), ("WM/InitialKey",)),
    _field("energy", "energy", ("TXXX:EnergyLevel",), ("ENERGYLEVEL",), (f"{ITUNES}EnergyLevel",), ("EnergyLevel",),
           ("EnergyLevel",)),
    _field("comment", "comment", ("COMM",), ("COMMENT", "DESCRIPTION"), ("\xa9cmt",), ("Comment",), ("Description",)),
    _field("provenance", "provenance", ("TXXX:EARMARK",), ("EARMARK",), (f"{ITUNES}EARMARK",), ("EARMARK",),
           ("EARMARK",)),
)
"""Fields that are written as well, in the order in which a person sees them."""
# fmt: on

BY_NAME: Final = {field.name: field for field in WRITTEN}
SEVERAL: Final = frozenset({"genre", "style"})
"""Fields of several values."""


def values_of(tags: Tags, name: str) -> tuple[str, ...]:
    """Values of a field, as texts."""
    value = getattr(tags, BY_NAME[name].attribute)
    if name == "bpm" and value is None:
        value = tags.bpm_text
    if name == "comment" and value:
        return (value, *tags.more_comments)
    if value is None or value == "":
        return ()
    return value if isinstance(value, tuple) else (number(value) if isinstance(value, float) else value,)


def with_values(tags: Tags, name: str, values: tuple[str, ...]) -> Tags:
    """Tags of which a field says something else."""
    first = values[0] if values else ""
    value: Any = values if name in SEVERAL else first
    if name == "bpm":
        return replace(tags, bpm=float(first) if first else None, bpm_text="")
    if name == "comment":
        return replace(tags, comment=first, more_comments=values[1:])
    return replace(tags, **{BY_NAME[name].attribute: value})


def collected(sources: Sequence[Source], family: Family) -> Tags:
    """Tags from functions that read the texts of one name.

    Of several sources, and of a field with several names, the first that says something counts.
    """
    found: dict[str, list[str]] = {}
    for field in (*READ, *WRITTEN):
        says = _says_tempo if field.name == "bpm" else says_something
        texts = ([text for text in read(name) if says(text)] for read in sources for name in field.names[family])
        found[field.name] = next(filter(None, texts), [])
    if family is Family.MP4:
        found["bpm"] = _tempo_of_mp4(found["bpm"], [text for read in sources for text in read(DECIMAL_TEMPO)])
    tempos = [tempo for text in found["bpm"] if (tempo := _tempo(text))]
    first = {name: texts[0] if texts else "" for name, texts in found.items()}
    return Tags(
        title=first["title"],
        artist=first["artist"],
        album=first["album"],
        genres=tuple(found["genre"]),
        styles=tuple(found["style"]),
        bpm=tempos[0] if tempos else None,
        key=first["key"],
        energy=first["energy"],
        comment=first["comment"],
        provenance=first["provenance"],
        bpm_text="" if tempos else first["bpm"],
        more_comments=tuple(found["comment"][1:]),
    )


def says_something(text: str) -> bool:
    """Whether there is anything to see in a text: spaces and control characters say nothing."""
    return any(not character.isspace() and category(character) not in ("Cc", "Cf") for character in text)


def _says_tempo(text: str) -> bool:
    """The same of the tempo, where 0 says nothing: so some programs write "unknown"."""
    return says_something(text) and (_tempo(text) is not None or _number(text) is None)


def _tempo_of_mp4(whole: list[str], decimal: list[str]) -> list[str]:
    """The tempo with decimals, unless another program has changed the whole number since."""
    exact, rounded = (_tempo(texts[0]) if texts else None for texts in (decimal, whole))
    return decimal if exact and (rounded is None or abs(exact - rounded) <= 1) else whole


def _tempo(text: str) -> float | None:
    """A tempo in BPM; None for 0, and for what is no number."""
    tempo = _number(text)
    return tempo if tempo is not None and 0 < tempo < float("inf") else None


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def spelled(name: str, values: tuple[str, ...], family: Family, present: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Values to write for a field, by name.

    Args:
        name: of the field.
        values: what it shall say.
        family: of the tags.
        present: the names that stand in the file, in lower case.
    """
    first, *others = BY_NAME[name].names[family]
    written = {first: values} | {other: values for other in others if other.casefold() in present}
    if family is Family.MP4 and name == "bpm" and values:
        written[WHOLE_TEMPO] = (str(round(float(values[0]))),)
        if not float(values[0]).is_integer():
            written[DECIMAL_TEMPO] = values
    return written


def number(value: float) -> str:
    """A number without zeros at its end.

    >>> number(128.0), number(127.98)
    ('128', '127.98')
    """
    return f"{value:.4f}".rstrip("0").rstrip(".")
