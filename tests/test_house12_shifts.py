"""Movements of descriptors: they are measured, and applied to the right rows."""

import numpy as np
import pytest
import torch

from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.recipes.house12.shifts import RIDGE, Pairs, Scatter, learn_shift, regress
from earmark.recipes.house12.tables import Rows


def rows_at(count: int, generator: np.random.Generator, bpm: float = 125.0, clarity: float = 1.0) -> Rows:
    """Rows of chance whose tempo is known, (count, 70)."""
    rows = generator.standard_normal((count, 70)).astype(np.float32)
    angle = 2 * np.pi * np.log2(bpm)
    rows[:, 68:] = clarity * np.array([np.sin(angle), np.cos(angle)])
    return rows


def network_of(rows: Rows) -> DescriptorNetwork:
    network = DescriptorNetwork(2, members=1, hidden=(4,), harmonics=2)
    network.scores.fit(torch.from_numpy(rows[:, :68]).double())
    return network


def test_a_shift_moves_all_rows_alike_but_for_noise_and_the_tempo() -> None:
    generator = np.random.default_rng(0)
    before = rows_at(2000, generator)
    after = before + 2 + 0.1 * generator.standard_normal(before.shape).astype(np.float32)
    moved = learn_shift(Pairs(before, after)).apply(before, generator) - before
    assert moved[:, :68].mean(0) == pytest.approx(np.full(68, 2.0), abs=0.02)
    assert moved[:, :68].std(0) == pytest.approx(np.full(68, 0.1), abs=0.02)
    assert not moved[:, 68:].any()


def test_a_regression_recovers_the_movement_that_it_was_shown() -> None:
    generator = np.random.default_rng(0)
    before = generator.standard_normal((3000, 68))
    after = before.copy()
    after[:, 3] += 0.5 * before[:, 7] + 1
    found = regress(before, after)
    assert found.weight[7, 3] == pytest.approx(0.5 * 3000 / (3000 + RIDGE), rel=0.01)
    assert found.bias[3] == pytest.approx(1, abs=0.01)
    assert np.abs(np.delete(found.weight, 3, 1)).max() < 1e-9
    assert found.residuals.std() < 0.01


def test_little_evidence_moves_little() -> None:
    """Ridge regression of one score on itself: the slope is n / (n + RIDGE) of the true one."""
    before = np.zeros((30, 68))
    before[::2, 0], before[1::2, 0] = 1, -1
    found = regress(before, before * 1.5)
    assert found.weight[0, 0] == pytest.approx(0.5 * 30 / (30 + RIDGE))
    assert RIDGE == 30
    assert np.abs(found.weight[1:]).max() == 0


def test_what_moves_together_in_a_recording_moves_together_in_a_row() -> None:
    generator = np.random.default_rng(0)
    before = rows_at(400, generator)
    after = before.copy()
    push = generator.standard_normal(400).astype(np.float32)
    after[:, 5] += 0.5 * push
    after[:, 60] -= 0.5 * push
    network = network_of(before)
    drawn = Scatter(network, before, [Pairs(before, after)]).draw(torch.arange(400), torch.Generator().manual_seed(0))
    moved = (drawn - network.inputs(torch.from_numpy(before))).numpy()
    assert np.corrcoef(moved[:, 5], moved[:, 60])[0, 1] < -0.8
    assert moved[:, 5].std() == pytest.approx(0.5, abs=0.1)
    assert np.abs(np.delete(moved[:, :68], [5, 60], 1)).mean() < 0.05


def test_the_tempo_turns_and_fades_as_in_the_pairs() -> None:
    """A track of 125 BPM, moved as 120 BPM were heard as 126 of half the clarity, is 131.25 BPM of half the clarity."""
    generator = np.random.default_rng(0)
    before = rows_at(40, generator, bpm=120)
    after = before.copy()
    after[:, 68:] = rows_at(1, generator, bpm=126, clarity=0.5)[0, 68:]
    rows = rows_at(100, generator, bpm=125)
    network = network_of(rows)
    drawn = Scatter(network, rows, [Pairs(before, after)]).draw(torch.arange(100), torch.Generator().manual_seed(0))
    expected = rows.copy()
    expected[:, 68:] = rows_at(1, generator, bpm=131.25, clarity=0.5)[0, 68:]
    wanted = network.inputs(torch.from_numpy(expected))[:, 68:]
    assert drawn[:, 68:].numpy() == pytest.approx(wanted.numpy(), abs=1e-4)


def test_every_kind_of_damage_is_drawn_as_often_whatever_its_pairs_are() -> None:
    generator = np.random.default_rng(0)
    rows = rows_at(50, generator)
    push = np.eye(1, 70, dtype=np.float32)
    kinds = [Pairs(rows, rows + push), Pairs(rows[:10], rows[:10] - push)]
    scatter = Scatter(network_of(rows), rows, kinds)
    chosen = torch.full((4000,), int(np.abs(rows[:, 0]).argmin()))  # a row from the middle, which can move both ways
    drawn = scatter.draw(chosen, torch.Generator().manual_seed(0))
    assert float((drawn[:, 0] > 0).float().mean()) == pytest.approx(0.5, abs=0.03)
