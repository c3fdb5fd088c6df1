"""Scores of answers that can be counted on one's fingers, and intervals against normal theory."""

import json

import numpy as np
import pytest

from earmark.measures.classification import (
    Average,
    Labels,
    Probabilities,
    apply_temperature,
    calibration_error,
    precision_at_k,
)
from earmark.measures.scores import precision_interval, rows, score

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


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_the_interval_holds_the_value_and_shrinks_with_the_number_of_tracks(average: Average) -> None:
    widths = []
    for tracks in (50, 200, 800):
        labels, probabilities = answers(tracks, 4, seed=1, skill=1.5)
        low, high = precision_interval(labels, probabilities, 1, average, draws=500)
        assert 0 <= low < precision_at_k(labels, probabilities, 1, average) < high <= 1
        widths.append(high - low)
    # It shrinks with the square root of the number: to a half each time.
    assert np.divide(widths[1:], widths[:-1]) == pytest.approx([0.5, 0.5], abs=0.12)


def test_the_interval_is_that_of_a_binomial_share() -> None:
    labels, probabilities = answers(1000, 4, seed=2, skill=1.5)
    share = precision_at_k(labels, probabilities, 1)
    low, high = precision_interval(labels, probabilities, 1)
    deviation = np.sqrt(share * (1 - share) / 1000)
    assert (low, high) == pytest.approx((share - 1.96 * deviation, share + 1.96 * deviation), abs=0.005)


def test_the_interval_is_the_same_each_time_unless_a_generator_is_given() -> None:
    labels, probabilities = answers(60, 3, seed=3, skill=1)
    first, again = (precision_interval(labels, probabilities, 1, draws=100) for _ in range(2))
    other = precision_interval(labels, probabilities, 1, draws=100, generator=np.random.default_rng(9))
    assert first == again
    assert first != other


def test_a_score_holds_every_figure_of_a_protocol() -> None:
    measured = score("by artist", ("House", "Techno", "Trance", "Trap"), LABELS, PROBABILITIES, None)
    assert (measured.protocol, measured.tracks, measured.classes) == ("by artist", 5, 3)
    assert [figure.value for figure in measured.micro] == pytest.approx([0.4, 0.8, 1.0])
    assert [figure.value for figure in measured.macro] == pytest.approx([4 / 9, 8 / 9, 1.0])
    assert all(figure.low <= figure.value <= figure.high for figure in (*measured.micro, *measured.macro))
    assert measured.by_class == {"House": (pytest.approx(1 / 3), 3), "Techno": (1.0, 1), "Trance": (0.0, 1)}
    assert measured.calibration_error == pytest.approx(calibration_error(LABELS, PROBABILITIES))
    assert measured.reference == {}


def test_a_score_as_json_is_rounded_to_three_digits() -> None:
    measured = score("by artist", ("House", "Techno", "Trance"), LABELS, PROBABILITIES, None)
    stored = json.loads(json.dumps(measured.as_json()))
    assert stored["micro"][2] == [1.0, 1.0, 1.0]
    assert [figure[0] for figure in stored["macro"]] == [0.444, 0.889, 1.0]
    assert stored["by_class"] == {"House": [0.333, 3], "Techno": [1.0, 1], "Trance": [0.0, 1]}


def test_a_score_as_json_says_what_was_taken_for_what_and_which_confidence_was_right() -> None:
    measured = score("by artist", ("House", "Techno", "Trance"), LABELS, PROBABILITIES, None)
    stored = json.loads(json.dumps(measured.as_json()))
    assert stored["confusion"] == {
        "classes": ["House", "Techno", "Trance"],
        "counts": [[1, 1, 1], [0, 1, 0], [1, 0, 0]],  # rows: the truth; columns: the answer
    }
    bins = stored["reliability"]
    assert [len(values) for values in bins.values()] == [15, 15, 15]
    filled = {index: count for index, count in enumerate(bins["count"]) if count}
    assert filled == {7: 2, 9: 1, 10: 1, 14: 1}
    assert [bins["confidence"][index] for index in filled] == [0.5, 0.6, 0.7, 1.0]
    assert [bins["accuracy"][index] for index in filled] == [0.0, 0.0, 1.0, 1.0]
    assert bins["confidence"][0] is bins["accuracy"][0] is None


def test_the_table_shows_the_best_known_figures_beside_ours_where_there_are_any() -> None:
    known: dict[Average, tuple[float, float, float]] = {"micro": (0.5, 0.75, 0.9)}
    first, second = rows([score("by artist", ("House", "Techno", "Trance"), LABELS, PROBABILITIES, known)])
    assert first[:3] == ("by artist", "5", "micro")
    assert first[3].startswith("0.400 (0.")
    assert [cell.partition(" / ")[2] for cell in first[3:]] == ["0.500", "0.750", "0.900"]
    assert second[:3] == ("by artist", "5", "macro")
    assert second[5] == "1.000 (1.000–1.000)"
