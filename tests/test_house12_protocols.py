"""Protocols and examples from tables: nothing of what is tested is taught."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earmark.recipes.house12 import protocols, synthetic, tables
from earmark.recipes.house12.examples import Examples, by_artist, examples
from earmark.recipes.house12.protocols import EvaluationProtocol
from earmark.recipes.house12.recipe import TableRecipe, read_recipe
from earmark.recipes.house12.shifts import Pairs
from earmark.recipes.house12.tables import TABLE_2016, TABLE_2021, UNLABELLED, read
from earmark.recipes.shipped import FILES
from earmark.styles import styles

STYLES = [style.label for style in styles()]
NEWER = 240  # rows of the made-up table of 2021; five of the rows after them are tracks of the same table
SAME = dict(zip(range(NEWER, NEWER + 5), range(10, 15), strict=True))


@pytest.fixture(scope="module")
def recipe() -> TableRecipe:
    return read_recipe(FILES["house12"])


@pytest.fixture(scope="module")
def found(made_up_tables: Path) -> dict[str, EvaluationProtocol]:
    return {protocol.name: protocol for protocol in protocols.protocols(made_up_tables)}


def pairs(move: float) -> Pairs:
    before = np.random.default_rng(1).standard_normal((30, 70)).astype(np.float32)
    return Pairs(before, before + np.float32(move))


def sample_of(folder: Path, recipe: TableRecipe) -> Examples:
    new, old = (read(folder, name) for name in (TABLE_2021, TABLE_2016))
    return examples(new, old, pairs(-2.0), recipe)


def test_protocols_test_what_their_names_say(found: dict[str, EvaluationProtocol]) -> None:
    assert list(found) == list(protocols.REFERENCE)
    sizes = {name: (sum(len(test) for _, test in p.folds), p.classes, len(p.folds)) for name, p in found.items()}
    assert sizes == {
        "styles 2021, by artist": (192, ("Drum & Bass", "Trance", "Techno / Tech House"), 5),
        "styles 2016 to 2021": (144, ("Drum & Bass", "Trance"), 1),
        "32 genres 2021, by artist": (240, ("Drum and Bass", "Polka", "Psy-Trance", "Techno", "Trance"), 5),
        "23 genres 2016, 10-fold": (120, ("DrumAndBass", "Polka", "Trance"), 10),
    }


def test_no_artist_is_on_both_sides(found: dict[str, EvaluationProtocol], made_up_tables: Path) -> None:
    artists = np.array(read(made_up_tables, TABLE_2021).artists)
    for name in ("styles 2021, by artist", "32 genres 2021, by artist"):
        for train, test in found[name].folds:
            assert not set(artists[train[train < NEWER]]) & set(artists[test])
            assert len(test) > 30


def test_every_row_that_is_taught_has_a_label_and_none_is_tested(found: dict[str, EvaluationProtocol]) -> None:
    for protocol in found.values():
        further = [*protocol.auxiliary, *([protocol.genres.labels] if protocol.genres else [])]
        assert all(len(each.indices) == len(protocol.rows) for each in further)
        for train, test in protocol.folds:
            assert not set(train) & set(test)
            assert (protocol.labels[test] >= 0).all()
            taught = [protocol.labels[train], *(each.indices[train] for each in further)]
            assert (np.max(taught, 0) >= 0).all()


def test_rows_without_a_style_are_taught_by_their_genre(found: dict[str, EvaluationProtocol]) -> None:
    for name, made_of in (("styles 2021, by artist", (0, -1, 1, 2, 1)), ("styles 2016 to 2021", (0, -1, 1))):
        genres = found[name].genres
        assert genres is not None
        assert genres.styles == made_of
        assert genres.labels.classes == len(made_of)
        for train, _ in found[name].folds:
            assert (found[name].labels[train] == UNLABELLED).sum() > 10


def test_the_same_track_in_the_other_table_is_not_taught_while_it_is_tested(
    found: dict[str, EvaluationProtocol],
) -> None:
    for train, test in found["32 genres 2021, by artist"].folds:
        left_out = {old for old, new in SAME.items() if new in test}
        assert set(range(NEWER, NEWER + 120)) - set(train) == left_out
    for train, test in found["23 genres 2016, 10-fold"].folds:
        assert set(range(NEWER)) - set(train) == {new for old, new in SAME.items() if old in test}


def test_halftime_is_drum_and_bass_at_its_tempo_with_the_weight_of_the_recipe(
    made_up_tables: Path, recipe: TableRecipe
) -> None:
    sample = sample_of(made_up_tables, recipe)
    half = sample.labels == STYLES.index("Halftime")
    source = np.flatnonzero(sample.labels == STYLES.index("Drum & Bass"))
    assert half.sum() == len(source) == 48 + 40
    assert sample.rows[half][:, :68] == pytest.approx(sample.rows[source][:, :68] - 2, abs=1e-4)
    assert np.array_equal(sample.rows[half][:, 68:], sample.rows[source][:, 68:])
    assert set(sample.weights[half]) == {np.float32(recipe.half_time.weight)}
    assert set(sample.weights[~half]) == {np.float32(1)}
    assert [sample.artists[row] for row in np.flatnonzero(half)] == [sample.artists[row] for row in source]
    assert (sample.genres.labels.indices[half] == 5).all()  # beside the five of 2021
    assert [STYLES[style] for style in np.delete(sample.genres.styles, 1)] == [
        "Drum & Bass",
        "Trance",
        "Techno / Tech House",
        "Trance",
        "Halftime",
    ]
    assert sample.genres.styles[1] == UNLABELLED  # Polka
    assert (sample.older.indices[half] == UNLABELLED).all()
    assert sample.older.classes == 3
    assert np.flatnonzero(sample.tested).tolist() == [row for row in range(NEWER) if row % 5 != 4]


def test_the_source_of_halftime_and_its_weight_stand_in_the_recipe(made_up_tables: Path, recipe: TableRecipe) -> None:
    changed = {"source": "Trance", "style": "Trap", "weight": 0.25}
    other = recipe.model_copy(update={"half_time": recipe.half_time.model_copy(update=changed)})
    sample = sample_of(made_up_tables, other)
    made = sample.labels == STYLES.index("Trap")
    assert made.sum() == (sample.labels == STYLES.index("Trance")).sum() == 96 + 40
    assert set(sample.weights[made]) == {np.float32(0.25)}


def test_no_artist_under_test_was_heard_in_training(made_up_tables: Path, recipe: TableRecipe) -> None:
    new, old = (read(made_up_tables, name) for name in (TABLE_2021, TABLE_2016))
    nameless = replace(new, artists=("", *new.artists[1:-1], ""))  # nobody is not one artist whom everybody knows
    for table in (new, nameless):
        sample = examples(table, old, pairs(-2.0), recipe)
        artists = np.array(sample.artists)
        protocol = by_artist(sample)
        assert sorted(np.concatenate([test for _, test in protocol.folds])) == np.flatnonzero(sample.tested).tolist()
        half = np.flatnonzero(sample.labels == STYLES.index("Halftime"))
        for train, test in protocol.folds:
            assert not set(train) & set(test)
            assert not set(artists[train]) & set(artists[test]) - {""}
            assert set(train) & set(half)
            left_out = {old for old, new in SAME.items() if new in test}
            assert set(range(NEWER, NEWER + 120)) - set(train) == left_out


# --- the true tables, where they are at hand


def test_the_protocols_have_the_published_sizes_and_keep_artists_apart(shared_data: Path) -> None:
    found = {protocol.name: protocol for protocol in protocols.protocols(shared_data)}
    sizes = {name: (sum(len(test) for _, test in p.folds), len(p.classes), len(p.folds)) for name, p in found.items()}
    assert sizes == {
        "styles 2021, by artist": (2100, 11, 5),
        "styles 2016 to 2021": (2000, 10, 1),
        "32 genres 2021, by artist": (3200, 32, 5),
        "23 genres 2016, 10-fold": (2300, 23, 10),
    }
    new, old = (read(shared_data, name) for name in (TABLE_2021, TABLE_2016))
    both = tables.same_tracks(old.rows, new.rows)
    assert 5 < both.sum() < 40
    assert new.artists[int(np.abs(new.rows - old.rows[both][0]).sum(1).argmin())]
    labelled = [*new.styles, *old.styles]
    assert "Halftime" not in labelled
    assert labelled.count("Drum & Bass") == 200


def test_half_the_drums_are_duller_and_have_fewer_zero_crossings(shared_data: Path, recipe: TableRecipe) -> None:
    new, old = (read(shared_data, name) for name in (TABLE_2021, TABLE_2016))
    sample = examples(new, old, synthetic.load(recipe.synthetic.file).half_time, recipe)
    half = sample.labels == STYLES.index("Halftime")
    moved = (sample.rows[half] - sample.rows[sample.labels == STYLES.index("Drum & Bass")]).mean(0)
    assert moved[3] < 0
    assert moved[0] < 0
    assert half.sum() == 200
    assert len(sample.rows) == 5500 + 200
    assert sample.tested.sum() == 2100
    for train, test in by_artist(sample).folds:
        older = train[train >= len(new.rows)]
        assert len(older) > 2200
        assert not tables.same_tracks(sample.rows[older], sample.rows[test]).any()
