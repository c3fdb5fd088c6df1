"""Errors of estimated numbers: known answers, and scikit-learn and SciPy as oracles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import r2_score, root_mean_squared_error

from earmark.measures.regression import correlation, r2, rmse

TRUTH = np.array([1.0, 2, 3, 4])


def test_a_perfect_estimate() -> None:
    assert [rmse(TRUTH, TRUTH), r2(TRUTH, TRUTH), correlation(TRUTH, TRUTH)] == pytest.approx([0, 1, 1])


def test_always_saying_the_mean_explains_nothing() -> None:
    mean = np.full(4, 2.5)
    assert [rmse(TRUTH, mean), r2(TRUTH, mean)] == pytest.approx([np.sqrt(1.25), 0])
    assert np.isnan(correlation(TRUTH, mean))


def test_correlation_does_not_mind_scale_and_offset_and_the_error_does() -> None:
    assert correlation(TRUTH, 10 * TRUTH + 5) == pytest.approx(1)
    assert correlation(TRUTH, -TRUTH) == pytest.approx(-1)
    assert rmse(TRUTH, TRUTH + 2) == pytest.approx(2)
    assert r2(TRUTH, TRUTH + 2) == pytest.approx(1 - 4 / 1.25)


@settings(max_examples=30)
@given(tracks=st.integers(2, 60), seed=st.integers(0, 2**32 - 1))
def test_measures_agree_with_scikit_learn_and_scipy(tracks: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, estimate = rng.normal(100, 20, (2, tracks))
    assert rmse(truth, estimate) == pytest.approx(root_mean_squared_error(truth, estimate))
    assert r2(truth, estimate) == pytest.approx(r2_score(truth, estimate))
    assert correlation(truth, estimate) == pytest.approx(pearsonr(truth, estimate).statistic)


def test_a_truth_that_does_not_vary_has_no_variance_to_explain() -> None:
    same = np.ones(3)
    assert np.isnan([r2(same, TRUTH[:3]), correlation(same, TRUTH[:3])]).all()


@pytest.mark.parametrize("measure", [rmse, r2, correlation])
def test_values_and_estimates_that_do_not_belong_together_are_refused(measure: object) -> None:
    for truth, estimate in ((np.ones(3), np.ones(2)), (np.ones(0), np.ones(0)), (np.ones((2, 2)), np.ones((2, 2)))):
        with pytest.raises(ValueError, match=r"^values .* and estimates .* do not belong together$"):
            measure(truth, estimate)  # type: ignore[operator]
