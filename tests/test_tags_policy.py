"""What is planned: policies, confidence, the user's words, templates."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.analysis import Analysis, Key, Loudness, Rhythm
from earmark.errors import EarmarkError
from earmark.library.tags import Change, Policy, Settings, plan
from earmark.library.tags.fields import BY_NAME, SEVERAL, values_of, with_values
from earmark.library.tags.policy import Words, energy_of, read_words, require_words_known, wanted
from earmark.library.track import Tags
from earmark.timeline import Timeline

STYLES = ("Deep House", "Progressive House", "Drum & Bass")
FAMILIES = {"Deep House": "House", "Progressive House": "House", "Drum & Bass": "Bass"}


def analysis(*shares: float, lufs: float = -9.0, bpm: float = 173.984, confidence: float = 0.9) -> Analysis:
    """What was heard in a track: shares of the three styles."""
    return Analysis(
        path=Path("a.mp3"),
        duration=300.0,
        timeline=Timeline(STYLES, np.zeros(1), 300.0, np.array([shares], np.float32)),
        families=FAMILIES,
        unknown=False,
        embedding=np.zeros(2, np.float32),
        model="three",
        rhythm=Rhythm(bpm, confidence, 0.0, np.zeros(0), np.zeros(0)),
        key=Key(9, minor=True, confidence=confidence),
        loudness=Loudness(lufs, 5.0, -0.3, np.zeros(0, np.float32)),
    )


HEARD = analysis(0.05, 0.15, 0.8)
EMPTY = Tags()
FULL = Tags(
    genres=("Jungle",), styles=("Liquid",), bpm=87.0, key="5A", energy="3", comment="from Anna", provenance="older"
)


def after(tags: Tags, heard: Analysis = HEARD, **settings: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401  of Settings
    """What fields would say that would change, without the provenance."""
    planned = plan(tags, heard, Settings(**settings))
    return {change.field: change.after for change in planned if change.field != "provenance"}


def test_empty_fields_are_filled_by_any_policy() -> None:
    for policy in Policy:
        assert after(EMPTY, policy=policy) == {
            "genre": ("Drum & Bass",),
            "style": ("Drum & Bass",),
            "bpm": ("173.98",),
            "key": ("Am",),
            "energy": ("8",),
        }


def test_fill_leaves_what_is_there() -> None:
    assert plan(FULL, HEARD, Settings(policy=Policy.FILL, comment="{key}")) == ()
    assert after(replace(FULL, key="", bpm=None), policy=Policy.FILL) == {"bpm": ("173.98",), "key": ("Am",)}


def test_append_adds_to_fields_of_several_values_and_to_the_comment() -> None:
    assert after(FULL, policy=Policy.APPEND, comment="{camelot} - Energy {energy}") == {
        "genre": ("Jungle", "Drum & Bass"),
        "style": ("Liquid", "Drum & Bass"),
        "comment": ("from Anna / 8A - Energy 8",),
    }
    there = Tags(genres=("drum & bass",), styles=("DRUM & BASS", "x"), bpm=1, key="C", energy="1", comment="8A!")
    assert plan(there, HEARD, Settings(policy=Policy.APPEND, comment="{camelot}")) == ()
    several = Tags(comment="from Anna", more_comments=("peak time", "B side"))
    assert after(several, fields=("comment",), policy=Policy.APPEND, comment="{camelot}") == {
        "comment": ("from Anna / 8A", "peak time", "B side")
    }
    assert after(several, fields=("comment",), policy=Policy.APPEND, comment="peak") == {}
    assert after(several, fields=("comment",), policy=Policy.REPLACE, comment="{camelot}") == {"comment": ("8A",)}


def test_replace_replaces() -> None:
    assert after(FULL, policy=Policy.REPLACE, comment="{bpm:.0f} {key}") == {
        "genre": ("Drum & Bass",),
        "style": ("Drum & Bass",),
        "bpm": ("173.98",),
        "key": ("Am",),
        "energy": ("8",),
        "comment": ("174 Am",),
    }


def test_only_the_fields_asked_for_are_planned_in_their_order() -> None:
    planned = plan(EMPTY, HEARD, Settings(fields=("key", "bpm")))
    assert planned == (Change("key", (), ("Am",)), Change("bpm", (), ("173.98",)))
    with pytest.raises(EarmarkError, match="no field is called 'mood'; the fields are: genre, style, bpm, key"):
        Settings(fields=("mood",))


def test_provenance_comes_with_other_changes_or_when_asked_for_alone() -> None:
    planned = {change.field: change for change in plan(EMPTY, HEARD, Settings(version="1.2"))}
    assert json.loads(planned["provenance"].after[0]) == {
        "model": "three",
        "earmark": "1.2",
        "styles": {"Drum & Bass": 0.8, "Progressive House": 0.15, "Deep House": 0.05},
    }
    assert plan(FULL, HEARD, Settings(fields=("genre", "provenance"))) == ()
    (alone,) = plan(FULL, HEARD, Settings(fields=("provenance",)))
    assert (alone.field, alone.before) == ("provenance", ("older",))


# Confidence


def test_nothing_is_written_of_which_the_model_is_less_sure() -> None:
    assert after(EMPTY, min_confidence=0.81) == {"bpm": ("173.98",), "key": ("Am",), "energy": ("8",)}
    assert after(EMPTY, analysis(0.1, 0.2, 0.7, confidence=0.6), min_confidence=0.65) == {
        "genre": ("Drum & Bass",),
        "style": ("Drum & Bass",),
        "energy": ("8",),
    }


@pytest.mark.parametrize(("share", "genre"), [(0.74, ()), (0.76, ("Drum & Bass",))])
def test_a_style_is_written_where_it_is_sure_and_a_tempo_where_it_is_likely(
    share: float, genre: tuple[str, ...]
) -> None:
    heard = wanted(analysis(0.0, 1 - share, share, confidence=0.51), Settings())
    assert (heard.get("genre", ()), heard.get("style", ())) == (genre, genre)
    assert (heard["bpm"], heard["key"]) == (("173.98",), ("Am",))
    assert "bpm" not in wanted(analysis(0.0, 0.1, 0.9, confidence=0.49), Settings())


def test_the_family_is_not_written_where_that_is_not_wanted() -> None:
    heard = analysis(0.48, 0.45, 0.07)
    assert wanted(heard, Settings())["genre"] == ("House",)
    assert "genre" not in wanted(heard, Settings(family=False))
    assert wanted(HEARD, Settings(family=False))["genre"] == ("Drum & Bass",)


def test_where_no_style_is_sure_the_family_may_be() -> None:
    heard = analysis(0.48, 0.45, 0.07)
    assert after(EMPTY, heard, fields=("genre", "style")) == {"genre": ("House",)}
    assert after(EMPTY, heard, fields=("genre", "style"), min_confidence=0.94) == {}
    assert after(EMPTY, heard, fields=("genre",), min_confidence=0.4, genres=3) == {
        "genre": ("Deep House", "Progressive House")
    }


def test_what_is_unlike_anything_known_gets_no_style() -> None:
    unknown = replace(HEARD, unknown=True)
    assert after(EMPTY, unknown, min_confidence=0.0) == {"bpm": ("173.98",), "key": ("Am",), "energy": ("8",)}


def test_what_was_not_listened_for_is_not_written() -> None:
    assert after(FULL, replace(HEARD, rhythm=None, key=None, loudness=None), policy=Policy.REPLACE) == {
        "genre": ("Drum & Bass",),
        "style": ("Drum & Bass",),
    }


# Form


@pytest.mark.parametrize(("decimals", "text"), [(0, "174"), (1, "174"), (2, "173.98")])
def test_the_decimals_of_the_tempo(decimals: int, text: str) -> None:
    assert wanted(HEARD, Settings(bpm_decimals=decimals))["bpm"] == (text,)


def test_the_notation_of_keys() -> None:
    assert wanted(HEARD, Settings(camelot=True))["key"] == ("8A",)


@pytest.mark.parametrize(
    ("lufs", "energy"), [(-60.0, 1), (-20.0, 1), (-12.5, 5), (-9.0, 8), (-5.0, 10), (0.0, 10), (float("-inf"), None)]
)
def test_energy_is_how_loud_a_track_is(lufs: float, energy: int | None) -> None:
    assert energy_of(analysis(0.1, 0.2, 0.7, lufs=lufs)) == energy


def test_a_comment_that_would_have_a_gap_is_not_written() -> None:
    settings = Settings(comment="{camelot} - Energy {energy}")
    assert wanted(HEARD, settings)["comment"] == ("8A - Energy 8",)
    for heard in (replace(HEARD, key=None), replace(HEARD, loudness=None), analysis(0.1, 0.2, 0.7, confidence=0.1)):
        assert "comment" not in wanted(heard, settings)
    assert "comment" not in wanted(analysis(0.4, 0.3, 0.3), Settings(comment="{style}"))


def test_everything_that_a_comment_may_speak_of() -> None:
    template = "{genre}|{style}|{probability}|{family}|{family_probability}|{bpm}|{key}|{camelot}|{energy}|{loudness}"
    assert wanted(HEARD, Settings(comment=template + "|{model}|{{}}"))["comment"] == (
        "Drum & Bass|Drum & Bass|0.8|Bass|0.8|173.98|Am|8A|8|-9|three|{}",
    )


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{mood}", "speaks of {mood}; known are: {genre}, {style}"),
        ("{}", "speaks of {}; known are"),
        ("{key.__class__}", "speaks of {key.__class__}"),
        ("{bpm!r}", "speaks of {bpm}"),
        ("{bpm", "cannot be read: expected '}'"),
        ("{key:.1f}", "cannot be read: Unknown format code 'f'"),
    ],
)
def test_a_template_with_a_slip_of_the_pen(template: str, reason: str) -> None:
    with pytest.raises(EarmarkError) as error:
        Settings(comment=template)
    assert reason in str(error.value)


# The user's words


def test_the_users_words(tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text(
        '[genre]\n"Drum & Bass" = ["DnB", "Bass music"]\n"Deep House" = []\nHouse = "Haus"\n'
        '[style]\n"Drum & Bass" = "Rollers"\n',
        encoding="utf-8",
    )
    words = read_words(path)
    require_words_known(words, HEARD)
    told = wanted(HEARD, Settings(words=words, comment="{genre}"))
    assert (told["genre"], told["style"], told["comment"]) == (
        ("DnB", "Bass music"),
        ("Rollers",),
        ("DnB, Bass music",),
    )
    assert "genre" not in wanted(analysis(0.9, 0.1, 0.0), Settings(words=words))
    assert wanted(analysis(0.45, 0.45, 0.1), Settings(words=words))["genre"] == ("Haus",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[genre", "it cannot be read as TOML"),
        ("[genres]", r"only the tables \[genre\] and \[style\] are known, not 'genres'"),
        ("genre = 'x'", "'genre' is not a table"),
        (
            "[genre]\n'Deep House' = 3",
            "what 'Deep House' is called under .genre. is neither a text nor a list of texts",
        ),
        ("[genre]\n'Deep House' = ['a', '']", "neither a text nor a list"),
        ("[style]\n'Deep House' = \"a\\u0000b\"", "neither a text nor a list"),
    ],
)
def test_words_that_cannot_be_read(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EarmarkError, match=reason):
        read_words(path)


def test_words_for_a_style_that_the_model_does_not_know() -> None:
    with pytest.raises(EarmarkError, match="three has no style 'Drum and Bass'; it has: Deep House"):
        require_words_known(Words(genre={"Drum and Bass": ("DnB",)}), HEARD)


# Invariants

TEXTS = st.text(min_size=1, max_size=8)
TAGS = st.builds(
    Tags,
    genres=st.lists(TEXTS, max_size=3).map(tuple),
    styles=st.lists(TEXTS, max_size=3).map(tuple),
    bpm=st.none() | st.floats(20, 300).map(lambda tempo: round(tempo, 2)),
    key=st.just("") | TEXTS,
    energy=st.just("") | TEXTS,
    comment=st.just("") | TEXTS,
    provenance=st.just("") | TEXTS,
)


@given(tags=TAGS, policy=st.sampled_from(Policy))
def test_a_second_time_nothing_is_left_to_change_and_nothing_is_lost(tags: Tags, policy: Policy) -> None:
    settings = Settings(policy=policy, comment="{camelot}")
    changed = tags
    for change in plan(tags, HEARD, settings):
        assert change.before == values_of(tags, change.field)
        changed = with_values(changed, change.field, change.after)
    assert plan(changed, HEARD, settings) == ()
    for name in BY_NAME:
        assert values_of(changed, name) or not values_of(tags, name)  # no policy empties a field
        if policy is Policy.FILL and name != "provenance" and values_of(tags, name):
            assert values_of(changed, name) == values_of(tags, name)
        if policy is Policy.APPEND and name in SEVERAL:
            assert values_of(changed, name)[: len(values_of(tags, name))] == values_of(tags, name)
