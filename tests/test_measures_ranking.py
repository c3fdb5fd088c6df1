"""Areas under curves: known answers, scikit-learn as the oracle, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from earmark.measures.ranking import average_precision, roc_auc

RANKINGS = st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=2, max_size=60).filter(
    lambda rows: len({relevant for relevant, _ in rows}) == 2
)


def arrays(rows: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows], np.float64)


@pytest.mark.parametrize(
    ("relevant", "scores", "area", "precision"),
    [
        ([1, 1, 0, 0], [4, 3, 2, 1], 1, 1),
        ([0, 0, 1, 1], [4, 3, 2, 1], 0, (1 / 3 + 2 / 4) / 2),
        ([1, 0, 0, 0], [1, 1, 1, 1], 0.5, 0.25),  # all share one place: chance
        ([1, 0, 1, 0], [4, 3, 2, 1], 0.75, (1 + 2 / 3) / 2),
        ([1, 0, 1], [2, 1, 1], 0.75, (1 + 2 / 3) / 2),  # one of each kind shares the second place
    ],
)
def test_areas_that_can_be_counted(relevant: list[int], scores: list[float], area: float, precision: float) -> None:
    truth, said = np.array(relevant, bool), np.array(scores, np.float64)
    assert roc_auc(truth, said) == pytest.approx(area)
    assert average_precision(truth, said) == pytest.approx(precision)


@settings(max_examples=40)
@given(RANKINGS)
def test_areas_agree_with_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    relevant, scores = arrays(rows)
    assert roc_auc(relevant, scores) == pytest.approx(roc_auc_score(relevant, scores))
    assert average_precision(relevant, scores) == pytest.approx(average_precision_score(relevant, scores))


@settings(max_examples=40)
@given(RANKINGS)
def test_only_the_order_counts(rows: list[tuple[bool, int]]) -> None:
    relevant, scores = arrays(rows)
    for rising in (3 * scores - 7, scores**3, np.exp(scores / 4)):
        assert roc_auc(relevant, rising) == roc_auc(relevant, scores)
        assert average_precision(relevant, rising) == average_precision(relevant, scores)
    assert roc_auc(relevant, -scores) == pytest.approx(1 - roc_auc(relevant, scores))
    assert roc_auc(~relevant, scores) == pytest.approx(1 - roc_auc(relevant, scores))


@settings(max_examples=40)
@given(RANKINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_tracks_does_not_count(rows: list[tuple[bool, int]], shuffler: object) -> None:
    mixed = list(rows)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    assert roc_auc(*arrays(mixed)) == roc_auc(*arrays(rows))
    assert average_precision(*arrays(mixed)) == average_precision(*arrays(rows))


def test_what_cannot_be_measured_is_nan() -> None:
    scores = np.array([0.1, 0.2])
    assert np.isnan([roc_auc(np.zeros(2, bool), scores), roc_auc(np.ones(2, bool), scores)]).all()
    assert np.isnan(average_precision(np.zeros(2, bool), scores))
    assert average_precision(np.ones(2, bool), scores) == 1


@pytest.mark.parametrize("tags", [3, 0])
def test_tags_and_scores_that_do_not_belong_together_are_refused(tags: int) -> None:
    wrong = np.ones(tags, bool), np.ones(0)
    for area in (roc_auc, average_precision):
        with pytest.raises(ValueError, match=rf"^tags \({tags},\) and scores \(0,\) do not belong together$"):
            area(*wrong)
