"""Fitting perceptrons to rows: it learns, it repeats itself, and it does not know what it was told not to know."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from earmark.learning.fitting import FitConfig, OneThread, cross_validate, fit, predict
from earmark.learning.tables import Indices, Protocol, Rows

CONFIG = FitConfig(members=2, hidden=(24,), knots=9, epochs=30, batch_size=32, dropout=0.1, seed=1)


def made_up_rows(tracks: int = 240, seed: int = 0) -> tuple[Rows, Indices]:
    """Three classes that differ in the first three descriptors."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, tracks)
    rows = generator.standard_normal((tracks, 70)).astype(np.float32)
    rows[np.arange(tracks), labels] += 3
    return rows, labels


def test_it_learns_what_can_be_learned() -> None:
    rows, labels = made_up_rows(600)
    fresh, fresh_labels = made_up_rows(seed=9)
    probabilities = predict(fit(rows, labels, 3, CONFIG), fresh)
    assert probabilities.sum(1) == pytest.approx(1)
    assert (probabilities.argmax(1) == fresh_labels).mean() > 0.85


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    rows, labels = made_up_rows(60)
    with OneThread():
        weights = [
            torch.cat([p.flatten() for p in fit(rows, labels, 3, replace(CONFIG, epochs=3, seed=seed)).parameters()])
            for seed in (1, 1, 2)
        ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_global_generator_is_neither_used_nor_moved() -> None:
    rows, labels = made_up_rows(60)
    before = torch.get_rng_state()
    fit(rows, labels, 3, replace(CONFIG, epochs=2))
    assert torch.equal(before, torch.get_rng_state())


def test_rows_without_weight_teach_nothing() -> None:
    rows, labels = made_up_rows()
    wrong = (labels + 1) % 3
    weights = np.repeat([1.0, 0.0], len(rows)).astype(np.float32)
    network = fit(np.tile(rows, (2, 1)), np.concatenate([labels, wrong]), 3, CONFIG, weights=weights)
    assert (predict(network, rows).argmax(1) == labels).mean() > 0.9


def test_strangers_get_a_spread_out_answer() -> None:
    rows, labels = made_up_rows()
    strangers = rows[:40] * 0 + np.linspace(2, 4, 40, dtype=np.float32)[:, None]
    config = replace(CONFIG, strangers=0.2, label_smoothing=0.0)
    told, untold = (fit(rows, labels, 3, config, strangers=rows_of) for rows_of in (strangers, None))
    assert predict(told, strangers).max(1).mean() < 0.5
    assert predict(told, strangers).max(1).mean() < predict(untold, strangers).max(1).mean()
    assert (predict(told, rows).argmax(1) == labels).mean() > 0.9


def test_degraded_copies_make_it_robust_against_the_same_degradation() -> None:
    rows, labels = made_up_rows()
    damaged = rows.copy()
    damaged[:, 0] -= 4  # the first class loses its mark, as a low-pass would take it away
    rows[np.arange(len(rows)), labels + 3] += 2
    damaged[np.arange(len(rows)), labels + 3] += 2
    config = replace(CONFIG, degraded=0.5)
    taught, untaught = (fit(rows, labels, 3, config, degraded=copies) for copies in ([damaged], []))
    right = [(predict(network, damaged).argmax(1) == labels).mean() for network in (taught, untaught)]
    assert right[0] > 0.9
    assert right[0] > right[1]


def test_cross_validation_predicts_each_test_row_by_a_network_that_has_not_seen_it() -> None:
    rows, labels = made_up_rows(60)
    rows[:] = np.random.default_rng(0).standard_normal(rows.shape)  # nothing can be learned but the rows themselves
    order = np.arange(60)
    folds = tuple((np.delete(order, part), part) for part in np.split(order, 3))
    protocol = Protocol("made up", ("a", "b", "c"), rows, labels, folds)
    shares: list[float] = []
    got, probabilities = cross_validate(protocol, replace(CONFIG, epochs=10), progress=shares.append)
    assert got.tolist() == labels.tolist()
    assert (probabilities.argmax(1) == got).mean() < 0.6
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_one_thread_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    with OneThread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
