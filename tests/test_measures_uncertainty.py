"""Intervals are tested with draws that can be told by heart, normal theory, and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from earmark.measures import uncertainty as module
from earmark.measures.classification import class_mean
from earmark.measures.uncertainty import Indices, McNemar, bootstrap, mcnemar, mean_interval, wilson


def test_groups_are_drawn_whole() -> None:
    values = np.array([0.0, 1.0, 2.0, 4.0])
    alone = bootstrap(lambda chosen: values[chosen].mean(), 4)
    copies = np.repeat(values, 5)
    together = bootstrap(lambda chosen: copies[chosen].mean(), 20, groups=np.repeat([7, 3, 9, 1], 5))
    # The groups are drawn in the order of their numbers: 4, 1, 0, 2.
    shuffled = bootstrap(lambda chosen: values[[3, 1, 0, 2]][chosen].mean(), 4)
    assert together == shuffled
    assert [float(end) for end in together] == pytest.approx([float(end) for end in alone], abs=0.15)
    apart = bootstrap(lambda chosen: copies[chosen].mean(), 20)
    assert apart[1] - apart[0] < 0.6 * (together[1] - together[0])


def test_a_group_is_drawn_with_all_of_its_tracks() -> None:
    groups = np.array([2, 0, 2, 1, 2])
    seen: list[Indices] = []
    bootstrap(lambda chosen: seen.append(chosen) or 0.0, 5, groups=groups, draws=50)  # type: ignore[func-returns-value]
    for chosen in seen:
        times = np.bincount(chosen, minlength=5)
        assert times[0] == times[2] == times[4]
        assert times[0] + times[1] + times[3] == 3


def test_several_measures_have_their_intervals_from_the_same_draws() -> None:
    values = np.random.default_rng(0).normal(size=(80, 2))
    low, high = bootstrap(lambda chosen: values[chosen].mean(0), 80)
    for place in range(2):
        singly = bootstrap(lambda chosen, place=place: values[chosen, place].mean(), 80)  # type: ignore[misc]
        assert (low[place], high[place]) == pytest.approx([float(end) for end in singly])
    deviation = values.std(0) / np.sqrt(80)
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_draws_in_which_nothing_can_be_measured_do_not_count() -> None:
    def share(chosen: Indices) -> list[float]:
        return [1.0 if 0 in chosen else np.nan, np.nan]

    low, high = bootstrap(share, 3)
    assert (low[0], high[0]) == (1, 1)
    assert np.isnan([low[1], high[1]]).all()


@settings(max_examples=30)
@given(tracks=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilsons_interval_agrees_with_scipy(tracks: int, share: float) -> None:
    right = round(share * tracks)
    reference = binomtest(right, tracks).proportion_ci(method="wilson")
    assert wilson(right / tracks, tracks) == pytest.approx((reference.low, reference.high), abs=1e-6)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("by_class", [False, True])
def test_the_interval_of_a_mean_is_that_of_any_measure(
    monkeypatch: pytest.MonkeyPatch, *, grouped: bool, by_class: bool
) -> None:
    monkeypatch.setattr(module, "BLOCK", 333)  # several draws at once, but not all
    rng = np.random.default_rng(5)
    values, classes, groups = rng.normal(size=90), rng.integers(4, size=90), rng.integers(20, size=90)

    def measure(chosen: Indices) -> float:
        return class_mean(values[chosen], classes[chosen]) if by_class else float(values[chosen].mean())

    low, high = bootstrap(measure, 90, groups=groups if grouped else None, draws=200)
    found = mean_interval(values, classes=classes if by_class else None, groups=groups if grouped else None, draws=200)
    assert found == pytest.approx((float(low), float(high)))


def test_a_generator_decides_what_is_drawn() -> None:
    values = np.arange(30.0)
    first, again = (mean_interval(values, draws=50) for _ in range(2))
    assert first == again
    assert mean_interval(values, draws=50, generator=np.random.default_rng(7)) != first


# Two classifiers


def test_mcnemar_counts_who_was_right() -> None:
    first = np.array([True, True, True, True, False, False])
    second = np.array([True, False, False, False, True, False])
    # Of four coins three or more show one side, or the other: 2 * (1 + 4) / 16.
    assert mcnemar(first, second) == McNemar(1, 3, 1, 1, 0.625)


@settings(max_examples=30)
@given(first_only=st.integers(0, 300), second_only=st.integers(0, 300), both=st.integers(0, 3))
def test_mcnemar_is_the_binomial_test_of_the_tracks_on_which_they_differ(
    first_only: int, second_only: int, both: int
) -> None:
    first = np.repeat([True, False, True], [first_only, second_only, both])
    second = np.repeat([False, True, True], [first_only, second_only, both])
    found = mcnemar(first, second)
    flips = first_only + second_only
    assert found.p_value == pytest.approx(binomtest(first_only, flips).pvalue if flips else 1)
    assert mcnemar(second, first).p_value == found.p_value
    assert (found.first_only, found.second_only, found.both) == (first_only, second_only, both)


def test_mcnemar_of_very_many_tracks_is_exact() -> None:
    first = np.repeat([True, False], [10_200, 9_800])
    assert mcnemar(first, ~first).p_value == pytest.approx(binomtest(9_800, 20_000).pvalue)


def test_classifiers_that_heard_different_tracks_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match=r"^answers to 3 tracks and to 2 cannot be paired$"):
        mcnemar(np.ones(3, bool), np.ones(2, bool))
