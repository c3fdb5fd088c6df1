import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.errors import EarmarkError
from earmark.timeline import Segment, Timeline

STYLES = ("Deep House", "Techno", "Trance")
FAMILIES = {"Deep House": "House", "Techno": "Club", "Trance": "Club"}


def timeline(rows: list[list[float]], starts: list[float] | None = None, window: float = 10.0) -> Timeline:
    begins = [window * row for row in range(len(rows))] if starts is None else starts
    return Timeline(STYLES, np.array(begins), window, np.array(rows, np.float32))


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Windows as `audio.window_starts` places them: a hop apart, the last one pulled back."""
    windows = draw(st.integers(1, 12))
    styles = draw(st.integers(1, 5))
    window = draw(st.floats(0.5, 60))
    hop = window * draw(st.floats(0.1, 1.5))
    starts = np.arange(windows, dtype=np.float64) * hop
    if windows > 1:
        starts[-1] -= hop * draw(st.floats(0, 0.99))
    logits = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=(windows, styles)) * 5
    exponential = np.exp(logits)
    probabilities = (exponential / exponential.sum(1, keepdims=True)).astype(np.float32)
    return Timeline(tuple(f"style {number}" for number in range(styles)), starts, window, probabilities)


def test_the_mean_is_that_of_the_windows() -> None:
    heard = timeline([[0.5, 0.25, 0.25], [0.0, 0.75, 0.25]])
    assert heard.mean().tolist() == [0.25, 0.5, 0.25]


def test_the_top_is_ordered_by_probability() -> None:
    heard = timeline([[0.5, 0.125, 0.375], [0.0, 0.625, 0.375]])
    assert heard.top(2) == [("Techno", 0.375), ("Trance", 0.375)]
    assert heard.top(3)[2] == ("Deep House", 0.25)


def test_ties_go_to_the_style_that_the_model_names_first() -> None:
    assert timeline([[0.25, 0.5, 0.25]]).top(3) == [("Techno", 0.5), ("Deep House", 0.25), ("Trance", 0.25)]


def test_more_styles_than_there_are_cannot_be_had() -> None:
    assert [style for style, _ in timeline([[0.5, 0.3, 0.2]]).top(10)] == list(STYLES)


def test_a_family_has_the_sum_of_its_styles() -> None:
    assert timeline([[0.5, 0.125, 0.375], [0.25, 0.25, 0.5]]).families(FAMILIES) == [("Club", 0.625), ("House", 0.375)]


def test_a_style_that_leads_from_beginning_to_end_is_one_segment() -> None:
    heard = timeline([[0.5, 0.25, 0.25], [0.75, 0.125, 0.125]], starts=[5.0, 15.0])
    assert heard.segments() == [Segment(5.0, 25.0, "Deep House", 0.625)]


def test_a_segment_ends_where_another_style_takes_the_lead() -> None:
    deep, techno = [0.75, 0.25, 0.0], [0.25, 0.5, 0.25]
    assert timeline([deep, deep, techno, deep]).segments() == [
        Segment(0.0, 20.0, "Deep House", 0.75),
        Segment(20.0, 30.0, "Techno", 0.5),
        Segment(30.0, 40.0, "Deep House", 0.75),
    ]


def test_the_border_lies_in_the_middle_of_what_two_windows_share() -> None:
    # 24 s in windows of 10 s: the last is pulled back to 14 s, and shares 14-20 s with the one before.
    heard = timeline([[1, 0, 0], [1, 0, 0], [0, 1, 0]], starts=[0.0, 10.0, 14.0])
    assert [(part.start, part.end) for part in heard.segments()] == [(0.0, 17.0), (17.0, 24.0)]


def test_the_border_lies_in_the_middle_of_a_gap() -> None:
    heard = timeline([[1, 0, 0], [0, 1, 0]], starts=[0.0, 30.0])
    assert [(part.start, part.end) for part in heard.segments()] == [(0.0, 20.0), (20.0, 40.0)]


def weighted(rows: list[list[float]], weights: list[float], starts: list[float] | None = None) -> Timeline:
    return replace(timeline(rows, starts), weights=np.array(weights))


def test_windows_count_by_their_weight() -> None:
    heard = weighted([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [1.0, 0.6, 0.0])
    assert heard.mean() == pytest.approx([0.625, 0.375, 0.0])
    assert heard.families(FAMILIES) == [("House", 0.625), ("Club", pytest.approx(0.375))]


def test_windows_count_alike_where_none_has_a_weight() -> None:
    assert weighted([[1, 0, 0], [0, 1, 0]], [0.0, 0.0]).mean().tolist() == [0.5, 0.5, 0.0]


def test_a_window_without_a_vote_belongs_to_the_segment_beside_it() -> None:
    silent, deep, techno = [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.25, 0.75, 0.0]
    heard = weighted([silent, deep, silent, techno, silent], [0, 1, 0, 0.5, 0])
    assert heard.segments() == [Segment(0.0, 30.0, "Deep House", 1.0), Segment(30.0, 50.0, "Techno", 0.75)]


def test_the_probability_of_a_segment_is_the_weighted_mean() -> None:
    (found,) = weighted([[1, 0, 0], [0.5, 0.25, 0.25]], [1.0, 0.25]).segments()
    assert (found.start, found.end, found.style, found.probability) == (0.0, 20.0, "Deep House", 0.9)


def test_no_second_of_sound_is_counted_twice() -> None:
    rows = [[1.0, 0.0, 0.0]] * 3
    assert timeline(rows, [0.0, 10.0, 14.0]).sounding() == 24.0
    assert weighted(rows, [1.0, 0.5, 0.25], [0.0, 10.0, 14.0]).sounding() == 10 + 0.5 * 4 + 0.25 * 10
    assert timeline(rows, [0.0, 30.0, 60.0]).sounding() == 30.0


def test_weights_that_do_not_belong_to_the_windows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights have the shape \(1,\), not \(windows,\) \(2,\)"):
        weighted([[1, 0, 0], [0, 1, 0]], [1.0])


@pytest.mark.parametrize(
    ("starts", "shape"),
    [([0.0, 1.0], (3, 3)), ([0.0], (1, 2)), ([0.0, 1.0, 2.0], (3,)), ([], (0, 3))],
    ids=["too few starts", "too few styles", "no styles", "no window"],
)
def test_shapes_that_do_not_belong_together_are_refused(starts: list[float], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"not \(windows, styles\)"):
        Timeline(STYLES, np.array(starts), 1.0, np.zeros(shape, np.float32))


@given(timelines())
def test_segments_cover_the_track_without_gaps_and_name_a_new_style_each(heard: Timeline) -> None:
    segments = heard.segments()
    assert segments[0].start == heard.starts[0]
    assert segments[-1].end == heard.starts[-1] + heard.window
    assert all(part.start < part.end for part in segments)
    assert all(a.end == b.start and a.style != b.style for a, b in itertools.pairwise(segments))
    assert all(0 < part.probability <= 1 for part in segments)


@given(timelines())
def test_probabilities_lie_between_0_and_1_and_add_up_to_1(heard: Timeline) -> None:
    top = heard.top(len(heard.styles))
    families = heard.families({style: style[-1:] if style < "style 3" else "rest" for style in heard.styles})
    for ranked in (top, families):
        shares = [share for _, share in ranked]
        assert shares == sorted(shares, reverse=True)
        assert all(0 <= share <= 1 + 1e-6 for share in shares)
        assert sum(shares) == pytest.approx(1, abs=1e-5)
    assert {style for style, _ in top} == set(heard.styles)


@given(timelines())
def test_a_style_that_leads_somewhere_has_a_segment(heard: Timeline) -> None:
    leaders = {heard.styles[index] for index in heard.probabilities.argmax(1)}
    assert {part.style for part in heard.segments()} == leaders


def test_the_twelve_styles_bring_their_families_along() -> None:
    twelve = Timeline(
        ("Deep House", "Trap", "Halftime"), np.array([0.0]), 1.0, np.array([[0.25, 0.5, 0.25]], np.float32)
    )
    assert twelve.families() == [("Bass", 0.75), ("House", 0.25)]
    with pytest.raises(EarmarkError, match="no style is called 'Techno'"):
        timeline([[0.5, 0.25, 0.25]]).families()
