"""Measures are tested with answers that can be counted on one's fingers, and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, recall_score, top_k_accuracy_score

from earmark.measures.classification import (
    Average,
    Labels,
    Probabilities,
    apply_temperature,
    by_class,
    calibration_error,
    class_mean,
    confusion,
    coverage,
    fit_temperature,
    grouped,
    precision_at_k,
    reliability,
)

# Five tracks of three classes; beside each the rank at which its class stands.
LABELS = np.array([0, 0, 0, 1, 2])
PROBABILITIES = np.array(
    [
        [0.7, 0.2, 0.1],  # 1
        [0.3, 0.5, 0.2],  # 2
        [0.1, 0.3, 0.6],  # 3
        [0.0, 1.0, 0.0],  # 1
        [0.5, 0.1, 0.4],  # 2
    ]
)


def answers(tracks: int, classes: int, seed: int, *, skill: float = 0.0) -> tuple[Labels, Probabilities]:
    """Random labels of all classes, and probabilities that lean to the right class."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(tracks) % classes)
    logits = rng.normal(size=(tracks, classes))
    logits[np.arange(tracks), labels] += skill
    return labels, apply_temperature(logits, 1)


@pytest.mark.parametrize(
    ("k", "average", "known"),
    [
        (1, "micro", 2 / 5),
        (2, "micro", 4 / 5),
        (3, "micro", 1.0),
        (1, "macro", (1 / 3 + 1 + 0) / 3),
        (2, "macro", (2 / 3 + 1 + 1) / 3),
        (3, "macro", 1.0),
    ],
)
def test_precision_at_k_of_five_tracks(k: int, average: Average, known: float) -> None:
    assert precision_at_k(LABELS, PROBABILITIES, k, average) == pytest.approx(known)


def test_macro_counts_only_the_classes_that_are_there() -> None:
    labels = np.array([0, 0, 2])
    probabilities = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.0, 0.1, 0.9]])
    assert precision_at_k(labels, probabilities, 1, "macro") == pytest.approx((1 / 2 + 1) / 2)


def test_a_tie_goes_to_the_class_of_the_lower_index() -> None:
    same = np.full((3, 3), 1 / 3)
    assert [precision_at_k(np.array([0, 1, 2]), same, k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])


@settings(max_examples=30)
@given(tracks=st.integers(6, 200), classes=st.integers(3, 6), k=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_precision_at_k_agrees_with_scikit_learn(tracks: int, classes: int, k: int, seed: int) -> None:
    labels, probabilities = answers(tracks, classes, seed)
    reference = 1.0 if k >= classes else top_k_accuracy_score(labels, probabilities, k=k, labels=range(classes))
    assert precision_at_k(labels, probabilities, k) == pytest.approx(reference)
    recall = recall_score(labels, probabilities.argmax(1), average="macro", zero_division=0)
    assert precision_at_k(labels, probabilities, 1, "macro") == pytest.approx(recall)


def test_by_class_is_the_share_in_each_class_and_nan_where_there_are_no_tracks() -> None:
    shares = by_class(LABELS, PROBABILITIES, 1, classes=4)
    assert shares == pytest.approx([1 / 3, 1, 0, np.nan], nan_ok=True)


@pytest.mark.parametrize("right", [True, False])
def test_one_who_is_always_certain_is_as_far_off_as_he_is_wrong(*, right: bool) -> None:
    labels = np.array([0, 1, 2, 0])
    certain = np.eye(3)[labels if right else (labels + 1) % 3]
    assert calibration_error(labels, certain) == (0 if right else 1)


def test_the_calibration_error_is_the_distance_between_confidence_and_accuracy() -> None:
    # Ten tracks at 0.8 of which six are right, ten at 0.6 of which nine are: (0.2 + 0.3) / 2.
    labels = np.array([0] * 6 + [1] * 4 + [0] * 9 + [1])
    probabilities = np.array([[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 10)
    assert calibration_error(labels, probabilities) == pytest.approx(0.25)


def test_one_who_is_as_right_as_he_is_certain_is_calibrated() -> None:
    labels = np.array([0] * 7 + [1] * 3)
    assert calibration_error(labels, np.array([[0.7, 0.3]] * 10)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_fit_temperature_finds_the_one_that_was_planted(temperature: float) -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(20_000, 5)) * 2
    honest = apply_temperature(logits, 1)
    labels = (rng.random((20_000, 1)) > honest.cumsum(1)).sum(1)  # drawn from the honest probabilities
    told = apply_temperature(logits * temperature, 1)
    assert fit_temperature(labels, told) == pytest.approx(temperature, rel=0.03)
    assert calibration_error(labels, apply_temperature(np.log(told), temperature)) < 0.015


def test_a_temperature_of_one_is_the_softmax_and_a_high_one_levels_all_out() -> None:
    logits = np.log([[0.5, 0.3, 0.2]])
    assert apply_temperature(logits, 1) == pytest.approx(np.array([[0.5, 0.3, 0.2]]))
    assert apply_temperature(logits, 1e9) == pytest.approx(np.full((1, 3), 1 / 3))
    assert apply_temperature(logits + 1000, 1) == pytest.approx(np.array([[0.5, 0.3, 0.2]]))


@pytest.mark.parametrize(
    ("labels", "shape"), [([0, 1], (3, 2)), ([], (0, 2)), ([[0], [1]], (2, 2))], ids=["number", "none", "dimensions"]
)
def test_labels_and_probabilities_that_do_not_belong_together_are_refused(
    labels: list[int], shape: tuple[int, int]
) -> None:
    wrong = np.array(labels, np.intp), np.full(shape, 0.5)
    reason = rf"^labels \({len(labels)}, ?1?\) and probabilities \({shape[0]}, 2\) do not belong together$"
    with pytest.raises(ValueError, match=reason):
        precision_at_k(*wrong, 1)
    with pytest.raises(ValueError, match=reason):
        calibration_error(*wrong)
    with pytest.raises(ValueError, match=reason):
        fit_temperature(*wrong)
    with pytest.raises(ValueError, match=reason):
        by_class(*wrong, 1, 2)


# What is taken for what


@settings(max_examples=30)
@given(tracks=st.integers(1, 100), classes=st.integers(2, 6), seed=st.integers(0, 2**32 - 1))
def test_confusion_agrees_with_scikit_learn(tracks: int, classes: int, seed: int) -> None:
    labels, probabilities = answers(tracks, classes, seed, skill=1)
    counts = confusion(labels, probabilities)
    assert counts.tolist() == confusion_matrix(labels, probabilities.argmax(1), labels=range(classes)).tolist()
    assert counts.trace() / tracks == pytest.approx(precision_at_k(labels, probabilities, 1))


def test_probabilities_of_a_family_are_those_of_its_styles_together() -> None:
    names, families = grouped(PROBABILITIES, ["Motion", "Rest", "Motion"])
    assert names == ("Motion", "Rest")
    assert families == pytest.approx(np.array([[0.8, 0.2], [0.5, 0.5], [0.7, 0.3], [0, 1], [0.9, 0.1]]))


def test_the_mean_of_the_classes_counts_each_class_once() -> None:
    assert class_mean(np.array([1.0, 0, 0, 0.5]), np.array([4, 4, 4, 1])) == pytest.approx((1 / 3 + 0.5) / 2)


# Confidence


@settings(max_examples=30)
@given(tracks=st.integers(1, 200), bins=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_reliability_agrees_with_scikit_learn(tracks: int, bins: int, seed: int) -> None:
    labels, probabilities = answers(tracks, 4, seed, skill=1)
    found = reliability(labels, probabilities, bins)
    full = found.count > 0
    accuracy, confidence = calibration_curve(probabilities.argmax(1) == labels, probabilities.max(1), n_bins=bins)
    assert found.accuracy[full] == pytest.approx(accuracy)
    assert found.confidence[full] == pytest.approx(confidence)
    assert np.isnan(found.accuracy[~full]).all()
    assert found.count.sum() == tracks
    error = np.average(np.abs(accuracy - confidence), weights=found.count[full])
    assert calibration_error(labels, probabilities, bins) == pytest.approx(error)


def test_who_is_certain_is_in_the_last_bin() -> None:
    assert reliability(np.array([0]), np.array([[1.0, 0.0]]), 4).count.tolist() == [0, 0, 0, 1]


def test_coverage_and_accuracy_of_five_tracks() -> None:
    # The answers are sure of 0.7 (right), 0.5 (wrong), 0.6 (wrong), 1.0 (right) and 0.5 (wrong).
    covered, right = coverage(LABELS, PROBABILITIES, [0, 0.5, 0.51, 0.7, 0.71, 1, 1.01])
    assert covered == pytest.approx([1, 1, 0.6, 0.4, 0.2, 0.2, 0])
    assert right == pytest.approx([0.4, 0.4, 2 / 3, 1, 1, 1, np.nan], nan_ok=True)


@settings(max_examples=30)
@given(
    tracks=st.integers(1, 100),
    thresholds=st.lists(st.floats(0, 1), min_size=1, max_size=9),
    seed=st.integers(0, 2**32 - 1),
)
def test_coverage_falls_from_all_tracks_and_their_accuracy(tracks: int, thresholds: list[float], seed: int) -> None:
    labels, probabilities = answers(tracks, 3, seed, skill=1)
    covered, right = coverage(labels, probabilities, [0, *sorted(thresholds)])
    assert covered[0] == 1
    assert right[0] == pytest.approx(precision_at_k(labels, probabilities, 1))
    assert (np.diff(covered) <= 0).all()
    assert np.array_equal(np.isnan(right), covered == 0)
