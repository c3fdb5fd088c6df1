"""Genre tags against what was heard."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.library.audit import SAME_FAMILY, audit_genres, read_genres
from earmark.library.track import Tags, Track
from earmark.testing.tracks import LABELS, heard_track


def tagged(name: str, genres: tuple[str, ...], shares: dict[str, float], *, unknown: bool = False) -> Track:
    return heard_track(f"/m/{name}.mp3", shares, tags=Tags(genres=genres), unknown=unknown)


def test_another_family_before_the_same_and_each_by_doubt() -> None:
    found = audit_genres(
        [
            tagged("mild", ("Deep House",), {"Progressive House": 0.94, "Deep House": 0.05}),
            tagged("sure", ("Trance",), {"Drum & Bass": 0.97, "Trance": 0.02}),
            tagged("less", ("psytrance",), {"Drum & Bass": 0.6, "Trance": 0.3}),
            tagged("milder", ("Trap",), {"Brostep": 0.55, "Trap": 0.4}),
            tagged("right", ("DnB",), {"Drum & Bass": 0.9}),
        ]
    )
    assert [each.track.path.stem for each in found.disagreements] == ["sure", "less", "mild", "milder"]
    sure, less, mild, milder = found.disagreements
    assert (sure.tagged, sure.heard, sure.family, sure.same_family) == (("Trance",), "Drum & Bass", "Bass", False)
    assert [sure.probability, sure.doubt] == pytest.approx([0.97, 0.98])
    assert less.doubt == pytest.approx(0.7)
    assert mild.same_family
    assert mild.doubt == pytest.approx(0.95)
    assert mild.weight == pytest.approx(0.95 * SAME_FAMILY)
    assert milder.doubt == pytest.approx(0.6)
    assert found.agreed == 1
    assert sure.track.analysis is None


def test_a_tag_of_several_styles_is_right_if_one_is() -> None:
    found = audit_genres([tagged("a", ("Techno", "Deep House / Trance"), {"Trance": 0.9})])
    assert (found.agreed, found.disagreements) == (1, ())
    (other,) = audit_genres(
        [tagged("a", ("Techno; Deep House",), {"Trance": 0.7, "Techno / Tech House": 0.2})]
    ).disagreements
    assert other.tagged == ("Techno / Tech House", "Deep House")
    # House 0.1 * 5 / 10 is left over for the five houses.
    assert other.doubt == pytest.approx(1 - 0.2 - 0.1 * 5 / 10)


def test_what_cannot_be_judged_is_counted_apart() -> None:
    found = audit_genres(
        [
            tagged("a", ("Polka", "polka!"), {"Trance": 0.9}),
            tagged("b", ("Polka",), {"Trance": 0.9}),
            tagged("c", ("Electronic; Techno",), {"Techno / Tech House": 0.9}),
            tagged("d", (), {"Trance": 0.9}),
            tagged("e", ("Techno",), {"Trance": 0.2}, unknown=True),
            replace(tagged("f", ("Techno",), {"Trance": 0.9}), analysis=None, error="it is empty"),
            replace(tagged("g", ("Techno",), {"Trance": 0.9}), missing=True),
        ]
    )
    assert found.disagreements == ()
    assert (found.agreed, found.unnamed, found.untagged, found.unsure, found.unheard) == (1, 2, 1, 1, 1)
    assert found.words == {"Polka": 3, "Electronic": 1}


def test_a_taught_model_is_asked_about_its_own_styles_only() -> None:
    own = heard_track(
        "/m/a.mp3", {"Liquid": 0.9}, labels=("Liquid", "Neuro"), tags=Tags(genres=("neuro", "Techno", "Trance"))
    )
    assert own.analysis is not None
    assert read_genres(own.tags.genres, own.analysis) == (("Neuro",), ["Techno", "Trance"])
    (found,) = audit_genres([own]).disagreements
    # Each of the two is a family of its own here.
    assert (found.tagged, found.heard, found.same_family) == (("Neuro",), "Liquid", False)
    assert found.doubt == pytest.approx(0.9)


def test_words_of_id3_and_separators() -> None:
    track = heard_track("/m/a.mp3")
    assert track.analysis is not None
    assert read_genres(("(31)(18)", "Drum & Bass, Polka\0Hardcore / Hard Techno"), track.analysis) == (
        ("Trance", "Techno / Tech House", "Drum & Bass"),
        ["Hardcore / Hard Techno"],
    )


@given(st.lists(st.floats(0.01, 1), min_size=12, max_size=12), st.sampled_from(LABELS))
def test_doubt_is_a_probability_and_never_below_that_of_what_was_heard(weights: list[float], tag: str) -> None:
    shares = {label: weight / sum(weights) for label, weight in zip(LABELS, weights, strict=True)}
    found = audit_genres([tagged("a", (tag,), shares)])
    assert len(found.disagreements) + found.agreed == 1
    for each in found.disagreements:
        assert each.probability - 1e-6 <= each.doubt <= 1
        assert each.heard != tag
