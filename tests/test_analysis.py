"""An analysis as JSON: the one form from which commands, exports and pages take theirs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earmark.analysis import EXACT, Analysis, Answer, Key, Loudness, Rhythm
from earmark.timeline import Timeline

SHARES = [[0.12345678, 0.87654322], [0.62345678, 0.37654322]]


@pytest.fixture
def heard() -> Analysis:
    """Return the analysis of a track of two windows in which everything was heard."""
    return Analysis(
        path=Path("a.mp3"),
        duration=58.240043,
        timeline=Timeline(("Techno", "Trance"), np.array([0.0, 29.12]), 29.12, np.array(SHARES, np.float32)),
        families={"Techno": "Techno", "Trance": "Trance"},
        unknown=False,
        embedding=np.zeros(2, np.float32),
        model="test",
        rhythm=Rhythm(126.00456, 0.912345, 0.00123, np.array([0.51234567, 0.98856]), np.array([0.51234567])),
        key=Key(9, minor=True, confidence=0.654321),
        loudness=Loudness(-8.5678, 4.321, -0.1234, np.array([-8.25, -np.inf], np.float32)),
        warnings=("a packet is damaged",),
    )


def test_what_python_shows_of_an_analysis_is_one_line(heard: Analysis) -> None:
    assert repr(heard) == "<Analysis 'a.mp3', 58.2 s, Trance 0.63, 126.0 BPM, Am>"
    bare = replace(heard, rhythm=None, key=None, unknown=True)
    assert repr(bare) == "<Analysis 'a.mp3', 58.2 s, Trance 0.63, unknown>"
    assert repr(heard.timeline) == "<Timeline 2 windows of 29.12 s, 2 styles, Trance 0.63>"


def test_numbers_are_rounded_for_people(heard: Analysis) -> None:
    assert heard.as_json(top=1) == {
        "path": "a.mp3",
        "duration": 58.24,
        "styles": [{"style": "Trance", "probability": 0.6265}],
        "family": {"family": "Trance", "probability": 0.6265},
        "unknown": False,
        "answer": {"confidence": "likely", "styles": ["Trance"], "family": "Trance", "seconds": 58.24},
        "no_music": None,
        "segments": [
            {"start": 0.0, "end": 29.12, "style": "Trance", "probability": 0.8765},
            {"start": 29.12, "end": 58.24, "style": "Techno", "probability": 0.6235},
        ],
        "rhythm": {"bpm": 126.005, "confidence": 0.9123, "drift": 0.001, "first_downbeat": 0.5123},
        "key": {"name": "Am", "camelot": "8A", "confidence": 0.6543},
        "loudness": {"integrated": -8.57, "range": 4.32, "true_peak": -0.12},
        "model": "test",
        "warnings": ["a packet is damaged"],
    }


def test_programs_get_all_digits_but_those_of_single_precision(heard: Analysis) -> None:
    found = heard.as_json(digits=EXACT, detail=True)
    assert found["duration"] == 58.240043
    assert found["styles"] == [
        {"style": "Trance", "probability": 0.626543},
        {"style": "Techno", "probability": 0.373457},
    ]
    assert found["rhythm"] == {
        "bpm": 126.00456,
        "confidence": 0.912345,
        "drift": 0.00123,
        "first_downbeat": 0.51234567,
        "beats": [0.51234567, 0.98856],
        "downbeats": [0.51234567],
    }
    assert found["key"]["confidence"] == 0.654321
    assert found["loudness"]["true_peak"] == -0.1234


def test_detail_adds_beats_and_the_curve_and_silence_is_null(heard: Analysis) -> None:
    found = heard.as_json(detail=True)
    assert found["rhythm"]["beats"] == [0.5123, 0.9886]
    assert found["rhythm"]["downbeats"] == [0.5123]
    assert found["loudness"]["curve"] == [-8.2, None]
    json.dumps(found, allow_nan=False)


def test_what_was_not_heard_is_null(heard: Analysis) -> None:
    assert heard.rhythm
    bare = replace(heard, rhythm=replace(heard.rhythm, downbeats=np.zeros(0)), key=None, loudness=None)
    found = bare.as_json()
    assert (found["rhythm"]["first_downbeat"], found["key"], found["loudness"]) == (None, None, None)
    assert replace(bare, rhythm=None).as_json()["rhythm"] is None


def answered(rows: list[list[float]], *, unknown: bool = False, no_music: str = "", window: float = 30.0) -> Answer:
    return analysed(rows, ("all", "all", "all"), unknown=unknown, no_music=no_music, window=window).answer()


def analysed(
    rows: list[list[float]],
    families: tuple[str, str, str],
    *,
    unknown: bool = False,
    no_music: str = "",
    window: float = 30.0,
) -> Analysis:
    styles = ("Deep House", "Techno", "Trance")
    starts = np.arange(len(rows), dtype=np.float64) * window
    return Analysis(
        path=Path("a.mp3"),
        duration=window * len(rows),
        timeline=Timeline(styles, starts, window, np.array(rows, np.float32)),
        families=dict(zip(styles, families, strict=True)),
        unknown=unknown,
        embedding=np.zeros(2, np.float32),
        model="test",
        no_music=no_music,
    )


@pytest.mark.parametrize(
    ("share", "unknown", "said"),
    [
        (0.75, False, "Techno, sure"),
        (0.74, False, "Techno, likely"),
        (0.5, False, "Techno, likely"),
        (0.49, False, "Techno, unsure"),
        (0.49, True, "unlike anything I know"),
        (0.9, True, "unlike anything I know"),
    ],
)
def test_an_answer_says_how_sure_it_is(share: float, *, unknown: bool, said: str) -> None:
    rest = (1 - share) / 2
    assert str(answered([[rest, share, rest]] * 2, unknown=unknown)) == said


CLUB = ("Club", "Club", "Trance")


@pytest.mark.parametrize(
    ("row", "said", "named", "verdict"),
    [
        ([0.45, 0.45, 0.10], "Club family, sure", ((), "Club"), ("Club family", 0.9)),
        ([0.30, 0.30, 0.40], "Club family, likely", ((), "Club"), ("Club family", 0.6)),
        ([0.55, 0.40, 0.05], "Deep House, likely", (("Deep House",), "Club"), ("Deep House", 0.55)),
        ([0.25, 0.24, 0.51], "Trance, likely", (("Trance",), "Trance"), ("Trance", 0.51)),
        ([0.01, 0.49, 0.50], "Trance, likely", (("Trance",), "Trance"), ("Trance", 0.5)),
    ],
)
def test_where_no_style_is_likely_its_family_may_be(
    row: list[float], said: str, named: tuple[tuple[str, ...], str], verdict: tuple[str, float]
) -> None:
    found = analysed([row] * 2, CLUB)
    answer, (name, share) = found.answer(), found.verdict()
    assert (str(answer), (answer.styles, answer.family)) == (said, named)
    assert name == verdict[0]
    assert share == pytest.approx(verdict[1])
    assert answer.probability == pytest.approx(verdict[1])
    assert found.as_json()["answer"]["family"] == named[1]


def test_a_family_of_all_styles_says_nothing() -> None:
    found = analysed([[0.45, 0.45, 0.1]] * 2, ("Club", "Club", "Club"))
    assert (str(found.answer()), found.verdict()[0]) == ("Deep House, unsure", "Deep House")
    assert str(replace(found, unknown=True).answer()) == "unlike anything I know"


def test_what_is_unknown_names_no_family_that_is_not_sure() -> None:
    found = analysed([[0.34, 0.33, 0.33]] * 2, CLUB, unknown=True)
    assert (str(found.answer()), found.verdict()[0]) == ("unlike anything I know", "")
    assert found.as_json()["answer"]["family"] is None


def test_a_track_of_which_no_style_may_be_named_may_be_of_a_sure_family() -> None:
    found = analysed([[0.4, 0.375, 0.225]] * 2, CLUB, unknown=True)
    assert (str(found.answer()), found.verdict()[0]) == ("Club family, sure", "Club family")


def test_a_mix_whose_parts_are_likely_has_several_styles_the_longest_first() -> None:
    deep, techno, none = [0.9, 0.1, 0.0], [0.0, 0.1, 0.9], [0.3, 0.4, 0.3]
    mix = [deep, none, techno, techno, none]
    assert str(answered(mix)) == "several styles: Trance, Deep House"
    assert answered(mix, unknown=True).styles == ("Trance", "Deep House")
    assert str(answered([deep, none, none, none, techno], unknown=True)) == "unlike anything I know"
    assert str(answered([deep, deep, none], unknown=True)) == "unlike anything I know"  # a single style


def test_what_is_no_music_has_no_style() -> None:
    answer = answered([[0.9, 0.1, 0.0]], unknown=True, no_music="noise")
    assert (str(answer), answer.styles) == ("no music: noise", ())


def test_an_answer_says_on_how_much_sound_it_rests() -> None:
    row = [0.9, 0.1, 0.0]
    assert [(each.seconds, each.short) for each in (answered([row], window=4.0), answered([row] * 2))] == [
        (4.0, True),
        (60.0, False),
    ]
