"""Conditions that tracks of a catalogue meet, in the language of its index of words."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from earmark.library.catalogue.rows import raw


@dataclass(frozen=True)
class Query:
    """Tracks that meet all conditions; by default all but the missing ones.

    Attributes:
        words: each begins a word of the title, the artist, the album, the genre tag, the path, or the style or
            family that was heard; accents and case do not count.
        genre: each stands in the genre tag.
        style: what was heard, exactly as the model calls it.
        family: the same.
        bpm: the tempo that was heard, from and to, both included, to a tenth.
        half_double: half and double of that tempo will do as well.
        keys: any of these keys was heard; in Camelot's notation, `8A`.
        confidence: the probability (0-1) of the first style that was heard, from the first to below the second.
        unknown: only what is like nothing that the model knows.
        failed: only what has an error.
        missing: only what has vanished.
    """

    words: str = ""
    genre: str = ""
    style: str = ""
    family: str = ""
    bpm: tuple[float, float] | None = None
    half_double: bool = False
    keys: tuple[str, ...] = ()
    confidence: tuple[float, float] | None = None
    unknown: bool = False
    failed: bool = False
    missing: bool = False

    def match(self, families: Mapping[str, str]) -> str:
        """The expression for FTS5, of all but the confidence; "" stands for every track that is there.

        Args:
            families: the styles that may have been heard, each with its family.
        """
        terms = [_named(word, families) for word in _words(self.words)]
        terms += [f'genres : "{word}"' for word in _words(self.genre)]
        heard = [
            *(["s" + _hex(self.style)] if self.style else []),
            *(["f" + _hex(self.family)] if self.family else []),
            *(["unknown"] if self.unknown else []),
            *(["failed"] if self.failed else []),
            *(["missing"] if self.missing else []),
        ]
        terms += [f'heard : "{word}"' for word in heard]
        if self.keys:
            terms.append(_any_of([f"k{key}" for key in self.keys]))
        if self.bpm:
            factors = (1, 0.5, 2) if self.half_double else (1,)
            tempos = [word for factor in factors for word in _tempo(*(edge * factor for edge in self.bpm))]
            terms.append(_any_of(tempos))
        found = " AND ".join(terms)
        return f"({found}) NOT heard : missing" if found and not self.missing else found


def _words(query: str) -> list[str]:
    """The words of a query, quoted; signs alone are no words: they are not in the index."""
    return [word.replace('"', '""') for word in query.split() if any(sign.isalnum() for sign in word)]


def _named(word: str, families: Mapping[str, str]) -> str:
    """The expression for a word in the names of a track, or in the name of the style or family that was heard."""
    styles = [style for style in families if _begins_word(word, style)]
    groups = [family for family in dict.fromkeys(families.values()) if _begins_word(word, family)]
    heard = [*("s" + _hex(style) for style in styles), *("f" + _hex(family) for family in groups)]
    written = f'{{path title artist album genres}} : "{word}" *'
    return f"({written} OR {_any_of(heard)})" if heard else written


def _begins_word(beginning: str, name: str) -> bool:
    """Whether a word of the name, or several in a row, begin so; case, accents and signs do not count."""
    plain, spoken = _plain(beginning), _plain(name)
    return bool(plain) and f" {spoken}".find(f" {plain}") >= 0


def _plain(text: str) -> str:
    """Words in small letters without accents, one blank between them."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", "".join(each for each in letters if not unicodedata.combining(each))))


def _hex(name: str) -> str:
    return raw(name).hex()


def _any_of(words: list[str]) -> str:
    return "heard : (" + " OR ".join(f'"{word}"' for word in words) + ")"


def _tempo(low: float, high: float) -> list[str]:
    """The words for tempos: whole BPM where all their tenths are wanted, single tenths at the edges.

    >>> _tempo(125.8, 127.1)
    ['t1258', 't1259', 'u126', 't1270', 't1271']
    """
    first, last = floor(low * 10 + 0.5), floor(high * 10 + 0.5)
    words = []
    tenth = first
    while tenth <= last:
        whole = tenth % 10 == 0 and tenth + 9 <= last
        words.append(f"u{tenth // 10}" if whole else f"t{tenth}")
        tenth += 10 if whole else 1
    return words or ["t"]  # from more to less: nothing
