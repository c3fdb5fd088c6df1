"""The teaching forest: rows lie between neighbours, and the trees name them."""

import numpy as np
import pytest

from earmark.learning.forest import ForestConfig, soft_examples

CONFIG = ForestConfig(trees=30, copies=3, neighbours=4, swap=0.5)


def two_clouds(tracks: int = 80) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 2], tracks // 2)
    rows = generator.standard_normal((tracks, 70)).astype(np.float32)
    rows[:, :20] += 4 * labels[:, None]
    angle = generator.uniform(0, 2 * np.pi, tracks)
    rows[:, 68:] = np.stack([np.sin(angle), np.cos(angle)], 1)
    return rows, labels


def test_every_value_comes_from_the_row_or_from_one_of_its_neighbours() -> None:
    rows, labels = two_clouds()
    between, _ = soft_examples(rows, rows, labels, 3, CONFIG, np.random.default_rng(1))
    assert between.shape == (240, 70)
    for column in (0, 40, 69):
        assert set(between[:, column]) <= set(rows[:, column])
    own = (between == np.tile(rows, (3, 1)))[:, :68].mean()
    assert own == pytest.approx(0.5, abs=0.03)


def test_the_tempo_is_swapped_as_a_whole() -> None:
    rows, labels = two_clouds()
    between, _ = soft_examples(rows, rows, labels, 3, CONFIG, np.random.default_rng(1))
    assert np.hypot(between[:, 68], between[:, 69]) == pytest.approx(1, abs=1e-5)


def test_the_trees_name_rows_within_a_cloud_by_its_class_and_an_absent_class_never() -> None:
    rows, labels = two_clouds()
    _, probabilities = soft_examples(rows, rows, labels, 3, CONFIG, np.random.default_rng(1))
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-6)
    assert (probabilities[:, 1] == 0).all()
    assert (probabilities.argmax(1) == np.tile(labels, 3)).mean() > 0.95


def test_the_same_generator_gives_the_same_rows_and_names() -> None:
    rows, labels = two_clouds()
    first, second = (soft_examples(rows, rows, labels, 3, CONFIG, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
