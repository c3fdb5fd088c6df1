"""Held-out predictions: no network has seen what it is tested on, and what was done is not done again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.recipes.house12 import held_out
from earmark.recipes.house12.fitting import FitConfig, fit
from earmark.recipes.house12.held_out import Teaching, cross_validate, fingerprint
from earmark.recipes.house12.tables import Protocol, Rows, Task

CONFIG = FitConfig(members=2, hidden=(24,), knots=9, epochs=10, batch_size=32, dropout=0.1, seed=1)


def nothing_to_learn(tracks: int = 60) -> Protocol:
    """Three folds of rows whose labels are a matter of chance."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, tracks)
    rows = generator.standard_normal((tracks, 70)).astype(np.float32)
    order = generator.permutation(tracks)
    folds = tuple((np.setdiff1d(order, part), part) for part in np.split(order, 3))
    return Protocol("made up", ("a", "b", "c"), rows, labels, folds, (Task(labels, 3),))


def test_each_test_row_is_predicted_by_a_network_that_has_not_seen_it() -> None:
    protocol = nothing_to_learn()
    shares: list[float] = []
    found = cross_validate(protocol, CONFIG, progress=shares.append)
    assert found.rows.tolist() == [row for _, test in protocol.folds for row in test]
    assert found.labels.tolist() == protocol.labels[found.rows].tolist()
    assert (found.probabilities.argmax(1) == found.labels).mean() < 0.6
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_rows_are_degraded_by_what_is_known_of_the_training_rows_alone() -> None:
    protocol = nothing_to_learn()
    met: list[Rows] = []

    def degrade(rows: Rows) -> list[Rows]:
        met.append(rows)
        return [rows]

    cross_validate(protocol, CONFIG, teaching=Teaching(degrade))
    for rows, (train, _) in zip(met, protocol.folds, strict=True):
        assert np.array_equal(rows, protocol.rows[train])


def test_a_fold_that_was_kept_is_not_fitted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = nothing_to_learn()
    first = cross_validate(protocol, CONFIG, keep=tmp_path)
    fits: list[int] = []

    def counted(*args: Any, **named: Any) -> DescriptorNetwork:  # noqa: ANN401  whatever `fit` takes
        fits.append(1)
        return fit(*args, **named)

    monkeypatch.setattr(held_out, "fit", counted)
    again = cross_validate(protocol, CONFIG, keep=tmp_path)
    assert not fits
    assert np.array_equal(first.probabilities, again.probabilities)
    next(iter(sorted(tmp_path.iterdir()))).unlink()
    assert np.array_equal(first.probabilities, cross_validate(protocol, CONFIG, keep=tmp_path).probabilities)
    assert len(fits) == 1


@pytest.mark.parametrize("change", ["config", "rows", "labels", "others", "weights", "strangers", "degrade"])
def test_another_question_is_not_answered_by_what_was_kept(tmp_path: Path, change: str) -> None:
    protocol, config = nothing_to_learn(), CONFIG
    cross_validate(protocol, config, keep=tmp_path)
    weights, teaching = None, Teaching()
    match change:
        case "config":
            config = replace(config, seed=2)
        case "rows":
            protocol = replace(protocol, rows=protocol.rows + np.float32(0.01))
        case "labels":
            protocol = replace(protocol, labels=2 - protocol.labels)
        case "others":
            protocol = replace(protocol, others=())
        case "weights":
            weights = np.full(len(protocol.rows), 0.5, np.float32)
        case "strangers":
            teaching = Teaching(strangers=protocol.rows[:5])
        case _:
            teaching = Teaching(lambda rows: [rows])
    cross_validate(protocol, config, weights=weights, teaching=teaching, keep=tmp_path)
    assert len(list(tmp_path.iterdir())) == 6


def test_fingerprints_tell_shapes_and_values_apart() -> None:
    values = np.arange(6.0)
    marks = {fingerprint("a", each) for each in (values, values.reshape(2, 3), values + 1e-12, [values, None], None)}
    assert len(marks) == 5
    assert fingerprint("a", values) == fingerprint("a", values.copy())
