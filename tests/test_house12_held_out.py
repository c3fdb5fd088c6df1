"""Held-out predictions: no network has seen what it is tested on, and what was done is not done again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.recipes.house12 import held_out
from earmark.recipes.house12.fitting import fit
from earmark.recipes.house12.held_out import cache_key, cross_validate
from earmark.recipes.house12.protocols import EvaluationProtocol
from earmark.recipes.house12.recipe import FitConfig
from earmark.recipes.house12.shifts import Pairs
from earmark.recipes.house12.tables import Genres, Labels, Rows

CONFIG = FitConfig(members=2, hidden=(24,), knots=9, epochs=10, batch_size=32, dropout=0.1, seed=1)


def nothing_to_learn(tracks: int = 60) -> EvaluationProtocol:
    """Three folds of rows whose labels are a matter of chance."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, tracks)
    rows = generator.standard_normal((tracks, 70)).astype(np.float32)
    order = generator.permutation(tracks)
    folds = tuple((np.setdiff1d(order, part), part) for part in np.split(order, 3))
    return EvaluationProtocol("made up", ("a", "b", "c"), rows, labels, folds, (Labels(labels, 3),))


def test_each_test_row_is_predicted_by_a_network_that_has_not_seen_it() -> None:
    protocol = nothing_to_learn()
    shares: list[float] = []
    found = cross_validate(protocol, CONFIG, progress=shares.append)
    assert found.rows.tolist() == [row for _, test in protocol.folds for row in test]
    assert found.labels.tolist() == protocol.labels[found.rows].tolist()
    assert (found.probabilities.argmax(1) == found.labels).mean() < 0.6
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


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


CHANGES: dict[str, Callable[[EvaluationProtocol], dict[str, Any]]] = {
    "config": lambda _: {"config": CONFIG.model_copy(update={"seed": 2})},
    "rows": lambda protocol: {"protocol": replace(protocol, rows=protocol.rows + np.float32(0.01))},
    "labels": lambda protocol: {"protocol": replace(protocol, labels=2 - protocol.labels)},
    "auxiliary labels": lambda protocol: {"protocol": replace(protocol, auxiliary=())},
    "genres": lambda protocol: {
        "protocol": replace(protocol, genres=Genres(Labels(protocol.labels, 3), (0, 1, 2))),
    },
    "weights": lambda protocol: {"weights": np.full(len(protocol.rows), 0.5, np.float32)},
    "non-music": lambda protocol: {"non_music": protocol.rows[:5]},
    "scatter": lambda protocol: {"scatter": [Pairs(protocol.rows, protocol.rows + np.float32(0.1))]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_question_is_not_answered_by_what_was_kept(
    tmp_path: Path, change: Callable[[EvaluationProtocol], dict[str, Any]]
) -> None:
    question: dict[str, Any] = {
        "protocol": nothing_to_learn(),
        "config": CONFIG.model_copy(update={"epochs": 1}),
        "keep": tmp_path,
    }
    cross_validate(**question)
    cross_validate(**question | change(nothing_to_learn()))
    assert len(list(tmp_path.iterdir())) == 6


def test_the_weight_of_a_row_goes_with_it_into_the_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = nothing_to_learn()
    met: list[dict[str, Any]] = []

    def recorded(rows: Rows, *args: Any, **named: Any) -> DescriptorNetwork:  # noqa: ANN401  whatever `fit` takes
        met.append({"rows": rows} | named)
        return fit(rows, *args, **named)

    monkeypatch.setattr(held_out, "fit", recorded)
    weights = np.arange(len(protocol.rows), dtype=np.float32)
    pairs = [Pairs(protocol.rows, protocol.rows)]
    one_epoch = CONFIG.model_copy(update={"epochs": 1})
    cross_validate(protocol, one_epoch, weights=weights, non_music=protocol.rows[:2], scatter=pairs)
    for call, (train, _) in zip(met, protocol.folds, strict=True):
        assert np.array_equal(call["weights"], weights[train])
        assert np.array_equal(call["non_music"], protocol.rows[:2])
        assert call["scatter"] is pairs
        assert np.array_equal(call["auxiliary"][0].indices, protocol.labels[train])


def test_cache_keys_tell_shapes_and_values_apart() -> None:
    values = np.arange(6.0)
    keys = {cache_key("a", each) for each in (values, values.reshape(2, 3), values + 1e-12, [values, None], None)}
    assert len(keys) == 5
    assert len({cache_key("a", values.astype(kind)) for kind in (np.float32, np.float64)}) == 2
    assert cache_key("a", values) == cache_key("a", values.copy())
