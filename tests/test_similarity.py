"""Tracks that sound alike: known neighbours, hubs that are planted and corrected, a matrix out of the catalogue."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partialmethod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from earmark.library import Catalogue, Query, similarity
from earmark.library.catalogue import EmbeddingColumn, column
from earmark.library.embeddings import unit
from earmark.library.similarity import Neighbour, Similarity, k_occurrence, skew
from earmark.testing.tracks import heard_track

DIMS = 24
Rows = NDArray[np.float64]


def clusters(seed: int = 0, groups: int = 8, each: int = 20, noise: float = 0.5) -> Rows:
    """Rows around the centres of groups, group after group."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, DIMS))
    if groups <= DIMS:  # as far from each other as can be
        centres = 5 * np.linalg.qr(centres.T)[0].T
    return np.repeat(centres, each, 0) + noise * rng.normal(size=(groups * each, DIMS))


def made(rows: Rows) -> Similarity:
    return Similarity(EmbeddingColumn("m", np.arange(1, len(rows) + 1), unit(rows)))


def ids(found: list[Neighbour]) -> list[int]:
    return [each.id for each in found]


def test_nearest_of_a_track_is_itself_and_then_its_group() -> None:
    rows = clusters()
    found = made(rows).nearest(rows[45:46], 20)
    assert found[0].id == 46
    assert {(number - 1) // 20 for number in ids(found)} == {2}
    assert all(one.score >= other.score for one, other in zip(found, found[1:], strict=False))


def test_scores_are_symmetric_and_in_standard_deviations() -> None:
    rows = clusters(groups=160, each=1)
    scores = made(rows).between(rows, rows)
    np.testing.assert_allclose(scores, scores.T, atol=1e-4)
    others = scores[~np.eye(160, dtype=bool)]
    # What a collection expects of itself takes the prior of 20 tracks and its own tracks into account.
    assert abs(others.mean()) < 0.05
    assert 0.85 < others.std() < 1.1


def test_dimensions_count_alike_whatever_their_scale() -> None:
    rows = unit(clusters()).astype(np.float64)
    stretched = rows.copy()
    stretched[:, :12] *= 0.01
    one, other = made(rows), made(np.hstack([stretched, np.ones((len(rows), 1))]))
    alike = [
        len({*ids(one.nearest(rows[at : at + 1], 10))} & {*ids(other.nearest(other.rows([at + 1]), 10))})
        for at in range(160)
    ]
    assert np.mean(alike) > 7  # of 10: the lengths differ


def test_hubs_are_fewer_than_by_cosine() -> None:
    rows = clusters(groups=300, each=1)
    rows[:3] = rows.mean(0) + 0.05 * rows[:3]  # between all others: near to each
    rows += 2 * np.ones(DIMS)
    directions = unit(rows)
    found = made(rows)

    def hubs(scores: NDArray[np.floating]) -> NDArray[np.intp]:
        near = np.argsort(-np.where(np.eye(300, dtype=bool), -np.inf, scores), 1)[:, :10]
        return k_occurrence(near, 300)

    raw, corrected = hubs(directions @ directions.T), hubs(found.between(rows, rows))
    assert raw[:3].min() > 100
    assert corrected[:3].max() < 60
    assert skew(corrected) < skew(raw) / 3


def test_skew_of_known_counts() -> None:
    assert skew(np.array([3, 3, 3])) == 0
    assert skew(np.array([0, 0, 0, 4])) == pytest.approx(2 / 3**0.5)
    assert k_occurrence(np.array([[1, 2], [2, 0], [1, 0]]), 4).tolist() == [2, 2, 2, 0]


def test_several_seeds_and_one_to_be_unlike() -> None:
    rows = clusters(noise=0.3)
    both = made(rows).nearest(rows[[0, 20]], 40)
    assert {(number - 1) // 20 for number in ids(both)} == {0, 1}
    away = made(rows).nearest(rows[[0, 20]], 20, unlike=rows[21:24])
    assert {(number - 1) // 20 for number in ids(away)} == {0}


def test_choice_among_some_of_them() -> None:
    rows = clusters()
    found = made(rows)
    chosen = np.array([500, 7, 160, 21, 3])  # 500: nobody
    assert ids(found.nearest(rows[:1], 9, among=chosen)) == [
        number for number in ids(found.nearest(rows[:1], 160)) if number in chosen
    ]
    assert found.nearest(rows[:1], 9, among=np.array([], np.int64)) == []


def test_variety_takes_from_other_groups() -> None:
    rows = clusters(noise=0.3)
    found = made(rows)
    candidates = found.nearest(rows[[0, 20, 40]].mean(0, keepdims=True), 160)
    assert found.varied(candidates, 5, 0) == candidates[:5]
    spread = {(number - 1) // 20 for number in ids(found.varied(candidates, 5, 0.9))}
    assert len(spread) >= 4
    assert found.varied([], 5, 0.5) == []


@given(st.integers(0, 7), st.integers(1, 6), st.integers(0, 2**16))
def test_any_small_collection_can_be_compared(tracks: int, dims: int, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(-1, 2, (tracks, dims)).astype(np.float64)
    found = made(rows).nearest(np.ones((1, dims)), 3)
    assert len(found) == min(tracks, 3)
    assert np.isfinite([each.score for each in found]).all()


def test_large_collections_give_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = clusters()
    expected = made(rows).nearest(rows[:2], 30, unlike=rows[90:91])
    monkeypatch.setattr(similarity, "EXACT", 10)
    monkeypatch.setattr(similarity, "PRODUCTS", 7 * DIMS)
    found = made(rows).nearest(rows[:2], 30, unlike=rows[90:91])
    assert ids(found) == ids(expected)
    np.testing.assert_allclose([each.score for each in found], [each.score for each in expected], atol=1e-4)


def test_a_large_collection_is_searched_by_its_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = pytest.importorskip("usearch.index").Index
    # Several threads make another graph each time, which may miss a track; one makes the same.
    monkeypatch.setattr(index, "add", partialmethod(index.add, threads=1))
    rows = clusters(groups=200, each=20)
    expected = made(rows)
    matrix = tmp_path / "m.npy"
    monkeypatch.setattr(similarity, "EXACT", 1000)
    monkeypatch.setattr(similarity, "LOOKED_AT", 100)
    found = Similarity(EmbeddingColumn("m", np.arange(1, len(rows) + 1), unit(rows), matrix))
    recalled = [
        len({*ids(found.nearest(rows[at : at + 1], 10))} & {*ids(expected.nearest(rows[at : at + 1], 10))})
        for at in range(0, 4000, 80)
    ]
    assert np.mean(recalled) >= 9.9
    file = matrix.with_suffix(".usearch")
    made_at = file.stat().st_mtime_ns
    again = Similarity(EmbeddingColumn("m", np.arange(1, len(rows) + 1), unit(rows), matrix))
    assert again.nearest(rows[:2], 5, unlike=rows[90:91]) == found.nearest(rows[:2], 5, unlike=rows[90:91])
    assert file.stat().st_mtime_ns == made_at
    # Of those that may be chosen, hardly any is among the candidates: all that may be are compared.
    monkeypatch.setattr(similarity, "EXACT", 10)
    far = np.arange(3001, 3021)
    assert len(again.nearest(rows[:1], 12, among=far)) == 12


# The column of the catalogue


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue(tmp_path / "c.db") as opened:
        yield opened


def filled(catalogue: Catalogue, tracks: int) -> Rows:
    rows = np.random.default_rng(3).normal(size=(tracks, 3))
    for number, row in enumerate(rows):
        catalogue.keep(heard_track(f"/m/{number}.mp3", embedding=tuple(row.tolist())), version="1")
    return rows


def test_column_holds_what_one_model_heard_and_is_there(catalogue: Catalogue) -> None:
    rows = filled(catalogue, 6)
    catalogue.mark([2], missing=True)
    catalogue.keep(heard_track("/m/zero.mp3", embedding=(0.0, 0.0, 0.0)), version="1")
    catalogue.keep(heard_track("/m/longer.mp3", embedding=(0.0, 0.0, 0.0, 1.0)), version="2")
    catalogue.keep(heard_track("/m/other.mp3", embedding=(1.0, 0.0), model="other"), version="1")
    catalogue.keep(replace(heard_track("/m/unheard.mp3"), analysis=None))
    found = catalogue.embeddings()
    assert (found.model, found.ids.tolist(), found.file) == ("test", [1, 3, 4, 5, 6], None)
    np.testing.assert_allclose(found.matrix, unit(rows[[0, 2, 3, 4, 5]]), atol=1e-6)
    assert catalogue.embeddings("other").ids.tolist() == [9]
    assert catalogue.embeddings("nobody").matrix.shape == (0, 0)
    assert found.places(np.array([6, 2, 99, 1])).tolist() == [4, 0]


def test_column_of_an_empty_catalogue(catalogue: Catalogue) -> None:
    found = catalogue.embeddings()
    assert (found.model, found.ids.size, found.matrix.size) == ("", 0, 0)
    assert catalogue.ids().tolist() == []


def test_large_column_is_mapped_until_something_new_is_heard(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column, "KEPT", 3)
    rows = filled(catalogue, 4)
    first = catalogue.embeddings()
    assert isinstance(first.matrix, np.memmap)
    np.testing.assert_allclose(first.matrix, unit(rows), atol=1e-6)
    monkeypatch.setattr(column, "_read", None)  # nothing is read again
    assert catalogue.embeddings().file == first.file
    monkeypatch.undo()
    monkeypatch.setattr(column, "KEPT", 3)
    catalogue.keep(heard_track("/m/0.mp3", embedding=(0.0, 0.0, 7.0)), version="2")
    second = catalogue.embeddings()
    assert second.matrix[0].tolist() == [0, 0, 1]
    assert second.file is not None
    assert sorted(file.name for file in second.file.parent.iterdir()) == sorted(
        [second.file.name, second.file.with_suffix(".ids.npy").name]
    )


def test_column_that_was_not_written_whole_is_written_again(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column, "KEPT", 3)
    filled(catalogue, 4)
    first = catalogue.embeddings()
    assert first.file is not None
    first.file.with_suffix(".ids.npy").unlink()
    assert catalogue.embeddings().ids.tolist() == [1, 2, 3, 4]
    assert first.file.with_suffix(".ids.npy").exists()


def test_a_column_that_cannot_be_kept_is_there_all_the_same(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column, "KEPT", 3)
    filled(catalogue, 4)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(column, "_keep", full)
    found = catalogue.embeddings()
    assert (found.ids.tolist(), found.file) == ([1, 2, 3, 4], None)


def test_ids_are_those_of_the_query_and_tracks_come_in_the_order_asked_for(catalogue: Catalogue) -> None:
    filled(catalogue, 5)
    catalogue.mark([3], missing=True)
    assert catalogue.ids().tolist() == [1, 2, 4, 5]
    assert catalogue.ids(Query(words="4")).tolist() == [5]
    assert catalogue.ids(Query(missing=True)).tolist() == [3]
    assert [track.path.name for track in catalogue.by_ids([5, 77, 1])] == ["4.mp3", "0.mp3"]
