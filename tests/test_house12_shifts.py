"""Shifts of descriptors: the movement is measured, and applied to the right rows."""

import numpy as np
import pytest

from earmark.recipes.house12.shifts import RIDGE, Pairs, degraded_copies, learn_shift, moved


def test_a_shift_recovers_the_movement_that_it_was_shown() -> None:
    generator = np.random.default_rng(0)
    real = generator.standard_normal((500, 70)).astype(np.float32) * 5 + 2
    before = generator.standard_normal((400, 70)).astype(np.float32) * 5 + 2
    after = before.copy()
    after[:, 3] += 0.5 * (before[:, 7] - 2) + 1
    shift = learn_shift(Pairs(before, after), real)
    moved = shift.apply(real, generator)
    assert (moved - real)[:, 3] == pytest.approx(0.5 * (real[:, 7] - 2) + 1, abs=1.0)
    assert np.corrcoef((moved - real)[:, 3], real[:, 7])[0, 1] > 0.98
    assert np.abs((moved - real)[:, :3]).max() < 1e-4


def test_a_constant_shift_moves_all_rows_alike_but_for_noise() -> None:
    generator = np.random.default_rng(0)
    before = generator.standard_normal((2000, 70)).astype(np.float32)
    after = before + 2 + 0.1 * generator.standard_normal(before.shape).astype(np.float32)
    moved = learn_shift(Pairs(before, after), before, constant=True).apply(before, generator) - before
    assert moved.mean(0) == pytest.approx(np.full(70, 2.0), abs=0.02)
    assert moved.std(0) == pytest.approx(np.full(70, 0.1), abs=0.02)


def test_little_evidence_moves_little() -> None:
    """Ridge regression of one descriptor on itself: the slope is n / (n + RIDGE) of the true one."""
    before = np.zeros((30, 70), np.float32)
    before[::2, 0], before[1::2, 0] = 1, -1
    real = np.concatenate([np.ones((50, 70)), -np.ones((50, 70))]).astype(np.float32)  # mean 0, deviation 1
    shift = learn_shift(Pairs(before, before * 1.5), real)
    assert shift.weight[0, 0] == pytest.approx(0.5 * 30 / (30 + RIDGE), rel=1e-5)
    assert RIDGE == 30
    assert np.abs(shift.weight[1:]).max() == 0


def made_up_pairs(generator: np.random.Generator, move: float) -> Pairs:
    before = generator.standard_normal((200, 70)).astype(np.float32)
    return Pairs(before, before + np.float32(move) + generator.normal(0, 0.1, before.shape).astype(np.float32))


def test_degraded_copies_move_everything_but_the_tempo() -> None:
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((300, 70)).astype(np.float32)
    pairs = [made_up_pairs(generator, move) for move in (1.0, -2.0)]
    copies = degraded_copies(rows, pairs, 3, seed=5)
    assert len(copies) == 6
    assert all(np.array_equal(copy[:, 68:], rows[:, 68:]) for copy in copies)
    assert [round(float((copy - rows)[:, :68].mean()), 1) for copy in copies] == [1.0] * 3 + [-2.0] * 3
    assert not np.array_equal(copies[0], copies[1])  # each copy has noise of its own
    assert all(map(np.array_equal, copies, degraded_copies(rows, pairs, 3, seed=5)))
    assert not np.array_equal(copies[0], degraded_copies(rows, pairs, 3, seed=6)[0])


def test_a_shift_depends_on_the_scale_of_the_real_rows() -> None:
    generator = np.random.default_rng(0)
    pairs = made_up_pairs(generator, 1.0)
    rows = generator.standard_normal((300, 70)).astype(np.float32)
    wide = moved(learn_shift(pairs, rows * 10, constant=True), rows * 10, generator) - rows * 10
    assert wide[:, :68].mean() == pytest.approx(1.0, abs=0.02)  # in the units of the descriptors, whatever the spread


def test_a_shift_that_was_learned_elsewhere_is_carried_to_the_real_rows() -> None:
    """The movement is half of the first descriptor, learned around 5, applied around 0."""
    generator = np.random.default_rng(0)
    real = generator.standard_normal((500, 70)).astype(np.float32)
    before = generator.standard_normal((3000, 70)).astype(np.float32)
    before[:, 0] += 5
    after = before.copy()
    after[:, 0] *= 1.5
    shifted = learn_shift(Pairs(before, after), real).apply(real, generator)
    assert shifted[:, 0] == pytest.approx(1.5 * real[:, 0], abs=0.2)
