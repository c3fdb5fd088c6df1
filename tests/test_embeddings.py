"""Embeddings as matrices: whose row is whose, and that no neighbour is missed."""

from dataclasses import replace

import numpy as np
import pytest

from earmark.library import embeddings
from earmark.library.embeddings import Embeddings, read_embeddings, unit
from earmark.testing.tracks import heard_track


def test_there_is_one_matrix_for_each_model() -> None:
    tracks = [
        heard_track("/a", embedding=(3.0, 4.0), duration=10.0),
        heard_track("/b", embedding=(1.0, 0.0, 0.0), model="other"),
        replace(heard_track("/unheard"), analysis=None),
        heard_track("/silent", embedding=(0.0, 0.0)),
        heard_track("/c", embedding=(0.0, -2.0), duration=20.0),
    ]
    first, second = read_embeddings(tracks)
    assert (first.model, [track.path.name for track in first.tracks]) == ("test", ["a", "c"])
    assert [track.analysis for track in first.tracks] == [None, None]
    assert first.durations.tolist() == [10.0, 20.0]
    np.testing.assert_allclose(first.matrix, [[0.6, 0.8], [0.0, -1.0]], atol=1e-7)
    assert first.matrix.dtype == np.float32
    assert (second.model, second.matrix.tolist()) == ("other", [[1.0, 0.0, 0.0]])
    assert read_embeddings([]) == []


def test_models_of_one_name_with_other_dimensions_are_two() -> None:
    tracks = [heard_track("/a", embedding=(1.0, 0.0)), heard_track("/b", embedding=(1.0, 0.0, 0.0))]
    assert [each.matrix.shape for each in read_embeddings(tracks)] == [(1, 2), (1, 3)]


def made(matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Embeddings:
    tracks = tuple(replace(heard_track(f"/{row}"), analysis=None) for row in range(len(matrix)))
    return Embeddings("m", tracks, np.ones(len(matrix)), unit(matrix))


@pytest.mark.parametrize("products", [1, 1000, 1 << 24])  # one query at a time, some, all
def test_neighbours_are_those_that_comparing_one_by_one_finds(products: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "PRODUCTS", products)
    rng = np.random.default_rng(5)
    matrix, queries = rng.normal(size=(150, 8)), 7 * rng.normal(size=(40, 8))
    rows, cosines = made(matrix).nearest(queries, 6)
    for query, row, cosine in zip(queries, rows, cosines, strict=True):
        slow = [query @ other / np.linalg.norm(query) / np.linalg.norm(other) for other in matrix]
        expected = sorted(range(150), key=lambda index: -slow[index])[:6]
        assert row.tolist() == expected
        np.testing.assert_allclose(cosine, [slow[index] for index in expected], atol=1e-6)


def test_of_equal_neighbours_the_first_comes_first() -> None:
    rows, cosines = made(np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 0.0]])).nearest(np.array([[1.0, 0.0]]), 9)
    assert (rows.tolist(), cosines.tolist()) == ([[1, 2, 0]], [[1.0, 1.0, 0.0]])


def test_a_vector_of_zeros_stays_zero() -> None:
    assert unit(np.array([[0.0, 0.0], [0.0, 5.0]])).tolist() == [[0.0, 0.0], [0.0, 1.0]]
