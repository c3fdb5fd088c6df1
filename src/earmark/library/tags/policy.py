"""From what was heard to what the tags should say: settings, the user's own words, and the plan of changes.

Conventions: a field's values are texts, () where it says nothing. Nothing is planned of which the model is less sure
than `Settings.min_confidence` (0-1): a wrong genre in a file is worse than none.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Final

from earmark.analysis import LIKELY, SURE, Analysis
from earmark.errors import EarmarkError
from earmark.library.tags.fields import BY_NAME, SEVERAL, number, values_of
from earmark.library.track import Tags

PROVENANCE: Final = "provenance"
BETWEEN_COMMENTS: Final = " / "
MENTIONED: Final = 0.01  # the least probability of a style that provenance mentions


class Policy(StrEnum):
    """Treatment of a field that says something already."""

    FILL = "fill"
    APPEND = "append"
    REPLACE = "replace"


@dataclass(frozen=True)
class Change:
    """Change of a field: its values before and after."""

    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """The user's own words for styles and families: none, one or several, for the genre and for the style field."""

    genre: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    style: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """Choices for writing tags.

    Attributes:
        fields: which ones.
        policy: what happens to those that say something already.
        genres: how many styles the genre field names.
        min_confidence: of the styles, the tempo and the key (0-1); if not given, `SURE` of the styles and `LIKELY` of
            tempo and key.
        family: let the genre name the family where no style is sure and the family is.
        words: the user's own.
        comment: a template; no comment where it is empty.
        camelot: write keys as 8A instead of Am.
        bpm_decimals: of the tempo.
        version: of earmark, for the provenance.
    """

    fields: tuple[str, ...] = tuple(BY_NAME)
    policy: Policy = Policy.FILL
    genres: int = 1
    min_confidence: float | None = None
    family: bool = True
    words: Words = field(default_factory=Words)
    comment: str = ""
    camelot: bool = False
    bpm_decimals: int = 2
    version: str = ""

    def __post_init__(self) -> None:
        unknown = [name for name in self.fields if name not in BY_NAME]
        if unknown:
            raise EarmarkError(f"no field is called {unknown[0]!r}; the fields are: {', '.join(BY_NAME)}")
        _require_known(self.comment)

    @property
    def min_style(self) -> float:
        """The least probability of a style or a family."""
        return SURE if self.min_confidence is None else self.min_confidence

    @property
    def min_tempo_and_key(self) -> float:
        """The least confidence of a tempo or a key."""
        return LIKELY if self.min_confidence is None else self.min_confidence


VARIABLES: Final = (
    *("genre", "style", "probability", "family", "family_probability"),
    *("bpm", "key", "camelot", "energy", "loudness", "model"),
)
"""Variables of a comment template."""


def plan(tags: Tags, analysis: Analysis, settings: Settings) -> tuple[Change, ...]:
    """The changes that make a file's tags say what was heard; none where they do already.

    Provenance is written along with other changes, and by itself if it is the only field asked for.
    """
    heard = wanted(analysis, settings)
    planned = [
        change for name in settings.fields if (change := _change(name, tags, heard.get(name, ()), settings.policy))
    ]
    others = [change for change in planned if change.field != PROVENANCE]
    return tuple(planned) if others or settings.fields == (PROVENANCE,) else ()


def _change(name: str, tags: Tags, heard: tuple[str, ...], policy: Policy) -> Change | None:
    before = values_of(tags, name)
    after = _after(name, before, heard, policy)
    return Change(name, before, after) if after != before else None


def _after(name: str, before: tuple[str, ...], heard: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    if not heard or not before or name == PROVENANCE or policy is Policy.REPLACE:
        return heard or before
    if policy is Policy.FILL or (name not in SEVERAL and name != "comment"):
        return before
    if name == "comment":
        if any(heard[0] in value for value in before):
            return before
        first, *others = before
        return (first + BETWEEN_COMMENTS + heard[0], *others)
    known = {value.casefold() for value in before}
    return (*before, *(value for value in heard if value.casefold() not in known))


def wanted(analysis: Analysis, settings: Settings) -> dict[str, tuple[str, ...]]:
    """Values that fit what was heard, by field, whatever the tags say now."""
    texts = {
        "genre": genres(analysis, settings),
        "style": tuple(dict.fromkeys(_in_words(_sure_styles(analysis, settings), settings.words.style))),
        "bpm": (number(tempo),) if (tempo := _tempo(analysis, settings)) else (),
        "key": (key,) if (key := _key(analysis, settings)) else (),
        "energy": (str(energy),) if (energy := energy_of(analysis)) else (),
        "comment": (comment,) if (comment := _comment(analysis, settings)) else (),
        PROVENANCE: (provenance(analysis, settings.version),),
    }
    return {name: values for name, values in texts.items() if values}


def genres(analysis: Analysis, settings: Settings) -> tuple[str, ...]:
    """The most probable styles that are sure enough, in the user's words; if there is none, the family if that is.

    Not the family if the settings say so.
    """
    sure = list(_sure_styles(analysis, settings))[: settings.genres]
    family, share = analysis.family()
    if not sure and settings.family and _names_family(analysis) and share >= settings.min_style:
        sure = [family]
    return tuple(dict.fromkeys(_in_words(sure, settings.words.genre)))


def _names_family(analysis: Analysis) -> bool:
    """Whether a family may be named: where no style is probable enough to be, the answer itself must name it."""
    return not analysis.unknown or analysis.answer().family_alone


def _sure_styles(analysis: Analysis, settings: Settings) -> list[str]:
    if analysis.unknown:
        return []
    top = analysis.timeline.top(len(analysis.timeline.styles))
    return [style for style, share in top if share >= settings.min_style]


def _in_words(styles: list[str], words: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for style in styles:
        yield from words.get(style, (style,))


def _tempo(analysis: Analysis, settings: Settings) -> float | None:
    rhythm = analysis.rhythm
    if rhythm is None or rhythm.confidence < settings.min_tempo_and_key:
        return None
    return round(rhythm.bpm, settings.bpm_decimals)


def _key(analysis: Analysis, settings: Settings) -> str:
    key = analysis.key
    if key is None or key.confidence < settings.min_tempo_and_key:
        return ""
    return key.camelot() if settings.camelot else key.name()


def energy_of(analysis: Analysis) -> int | None:
    """Energy of a whole track, from 1 (-20 LUFS and below) to 10 (-5 LUFS and above)."""
    share = analysis.loudness.energy() if analysis.loudness else None
    return None if share is None else 1 + round(9 * share)


def provenance(analysis: Analysis, version: str) -> str:
    """Origin of the other fields as JSON: the model, the version of earmark, and the probabilities (0-1)."""
    top = analysis.timeline.top(len(analysis.timeline.styles))
    styles = {style: round(share, 2) for style, share in top if share >= MENTIONED}
    origin = {"model": analysis.model, "earmark": version, "styles": styles}
    return json.dumps(origin, ensure_ascii=False, separators=(",", ":"))


def _comment(analysis: Analysis, settings: Settings) -> str:
    """The template filled in; nothing at all where something it speaks of was not heard."""
    if not settings.comment:
        return ""
    variables = _variables(analysis, settings)
    parts = []
    for text, name, form, _ in Formatter().parse(settings.comment):
        value = variables.get(name) if name else ""
        if value is None or (name and value == ""):
            return ""
        plain = number(value) if isinstance(value, float) else str(value)
        parts += [text, format(value, form) if form else plain]
    return "".join(parts)


def _variables(analysis: Analysis, settings: Settings) -> dict[str, str | float | None]:
    (style, probability), (family, family_probability) = analysis.timeline.top(1)[0], analysis.family()
    sure = bool(_sure_styles(analysis, settings))
    sure_family = _names_family(analysis) and family_probability >= settings.min_style
    key = analysis.key if _key(analysis, settings) else None
    loudness = analysis.loudness.integrated if analysis.loudness else None
    return {
        "genre": ", ".join(genres(analysis, settings)),
        "style": style if sure else "",
        "probability": round(probability, 2),
        "family": family if sure_family else "",
        "family_probability": round(family_probability, 2),
        "bpm": _tempo(analysis, settings),
        "key": key.name() if key else "",
        "camelot": key.camelot() if key else "",
        "energy": energy_of(analysis),
        "loudness": round(loudness, 1) if loudness is not None else None,
        "model": analysis.model,
    }


def _require_known(template: str) -> None:
    """Raise where a template speaks of something that does not exist, or cannot be read."""
    numbers = {"probability", "family_probability", "bpm", "energy", "loudness"}
    try:
        parts = list(Formatter().parse(template))
        for _, name, form, conversion in parts:
            if name is None:
                continue
            if name not in VARIABLES or conversion:
                known = ", ".join(f"{{{each}}}" for each in VARIABLES)
                raise EarmarkError(f"the comment template {template!r} speaks of {{{name}}}; known are: {known}")
            format(1.0 if name in numbers else "", form or "")
    except ValueError as error:
        raise EarmarkError(f"the comment template {template!r} cannot be read: {error}") from error


def read_words(path: Path) -> Words:
    """Read a TOML file with a table `genre` and a table `style`: the label of the model = the user's word, or a list.

    Raises:
        EarmarkError: it is no such file.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EarmarkError(f"{path}: it cannot be read as TOML: {error}") from error
    unknown = set(table) - {"genre", "style"}
    if unknown:
        raise EarmarkError(f"{path}: only the tables [genre] and [style] are known, not {min(unknown)!r}")
    return Words(**{name: _read_table(path, name, rows) for name, rows in table.items()})


def _read_table(path: Path, name: str, rows: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(rows, dict):
        raise EarmarkError(f"{path}: {name!r} is not a table")
    words = {label: [word] if isinstance(word, str) else word for label, word in rows.items()}
    for label, several in words.items():
        if not isinstance(several, list) or not all(isinstance(word, str) and _is_word(word) for word in several):
            raise EarmarkError(f"{path}: what {label!r} is called under [{name}] is neither a text nor a list of texts")
    return {label: tuple(several) for label, several in words.items()}


def _is_word(text: str) -> bool:
    return bool(text.strip()) and text.isprintable()


def require_words_known(words: Words, analysis: Analysis) -> None:
    """Raise where words are given for styles that the model does not know: most likely a slip of the pen.

    Raises:
        EarmarkError: which one, and what the model knows.
    """
    known = {*analysis.timeline.styles, *analysis.families.values()}
    for label in (*words.genre, *words.style):
        if label not in known:
            raise EarmarkError(
                f"{analysis.model} has no style {label!r}; it has: {', '.join(analysis.timeline.styles)}"
            )
