"""From tables to a model: recipes are read strictly, Halftime is made as the card says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earmark.errors import TableError
from earmark.hearing import Model
from earmark.learning.bundle import load_network
from earmark.recipes.house12 import recipe as recipes
from earmark.recipes.house12 import tables
from earmark.recipes.house12.recipe import Recipe, by_artist, degraded_copies, examples, read_recipe
from earmark.recipes.house12.shifts import Lessons, load, save
from earmark.styles import styles

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "house12.toml"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return read_recipe(RECIPE)


@pytest.fixture(scope="module")
def lessons(recipe: Recipe) -> Lessons:
    return load(recipe.lessons_file)


def test_the_shipped_recipe_is_read(recipe: Recipe) -> None:
    assert recipe.name == "house12"
    assert recipe.windows["window"] == 29.12
    assert recipe.fit.hidden == (256, 256)
    assert recipe.lessons_file == ROOT / "recipes" / "house12-lessons.npz"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("epochs =", "epoch =", "unexpected keyword argument 'epoch'"),
        ("[unknown]", "[unheard]", "unexpected keyword argument 'unheard'"),
        ('name = "house12"', "", "missing 1 required positional argument: 'name'"),
        ("[fit]", "[fit", "not a recipe"),
    ],
)
def test_a_recipe_with_a_wrong_key_is_an_error(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(TableError, match=rf"recipe\.toml: .*{reason}"):
        read_recipe(path)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"nothing\.toml: no such recipe"):
        read_recipe(tmp_path / "nothing.toml")


def test_lessons_are_the_same_after_they_were_stored(tmp_path: Path, lessons: Lessons) -> None:
    save(lessons, tmp_path / "copy.npz")
    again = load(tmp_path / "copy.npz")
    assert again.degraded.keys() == lessons.degraded.keys()
    assert np.array_equal(again.strangers, lessons.strangers)
    assert np.array_equal(again.half_time.after, lessons.half_time.after)
    assert all(np.array_equal(again.degraded[name].before, lessons.degraded[name].before) for name in again.degraded)


def test_halftime_is_drum_and_bass_at_its_tempo_with_half_the_weight(
    recipe: Recipe, lessons: Lessons, shared_data: Path
) -> None:
    new, old = (tables.read(shared_data, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    sample = examples(new, old, lessons, recipe)
    labels = [style.label for style in styles()]
    half = sample.labels == labels.index("Halftime")
    source = np.flatnonzero(sample.labels == labels.index("Drum & Bass"))
    assert half.sum() == len(source) == 200
    assert np.array_equal(sample.rows[half][:, 68:], sample.rows[source][:, 68:])
    # Without half of its drums a track is duller and has fewer zero crossings.
    moved = (sample.rows[half] - sample.rows[source]).mean(0)
    assert moved[3] < 0
    assert moved[0] < 0
    assert set(sample.weights[half]) == {np.float32(0.5)}
    assert set(sample.weights[~half]) == {np.float32(1)}
    assert len(sample.rows) == 5500 + 200
    assert sample.tested.sum() == 2100
    assert all((task.labels[half] == tables.UNLABELLED).all() for task in sample.genres)
    assert [len(set(task.labels)) - 1 for task in sample.genres] == [32, 23]
    assert not sample.tested[half].any()


def test_no_artist_under_test_was_heard_in_training_nor_was_any_tested_row(
    recipe: Recipe, lessons: Lessons, shared_data: Path
) -> None:
    new, old = (tables.read(shared_data, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    nameless = replace(new, artists=("", *new.artists[1:-1], ""))  # nobody is not one artist whom everybody knows
    for table in (new, nameless):
        sample = examples(table, old, lessons, recipe)
        artists = np.array(sample.artists)
        protocol = by_artist(sample)
        assert sorted(np.concatenate([test for _, test in protocol.folds])) == np.flatnonzero(sample.tested).tolist()
        for train, test in protocol.folds:
            assert not set(train) & set(test)
            assert not set(artists[train]) & set(artists[test]) - {""}
            assert len(train) > 2 * len(test)
            older = train[train >= len(new.rows)]
            assert len(older) > 2200
            assert not tables.same_tracks(sample.rows[older], sample.rows[test]).any()


def test_degraded_copies_move_the_spread_but_not_the_tempo(recipe: Recipe, lessons: Lessons, shared_data: Path) -> None:
    rows = tables.read(shared_data, tables.TABLE_2021).rows[:300]
    copies = degraded_copies(rows, lessons, recipe)
    assert len(copies) == 4 * recipe.lessons["copies"]
    assert all(np.array_equal(copy[:, 68:], rows[:, 68:]) for copy in copies)
    quieter, _, _, _, low_pass, *_ = copies
    assert np.abs(quieter - rows).max() < 0.01
    assert (low_pass[:, 4] < rows[:, 4]).mean() > 0.9  # nothing above 8 kHz: less spread


@pytest.mark.slow
def test_a_small_recipe_makes_a_whole_model(
    tmp_path: Path, recipe: Recipe, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(recipe, fit=replace(recipe.fit, members=1, hidden=(16,), epochs=3))
    monkeypatch.setattr(tables, "protocols", lambda _folder: [])
    titles: list[str] = []
    scores = recipes.train(small, shared_data, tmp_path / "small", lambda title, _share: titles.append(title))
    model = Model.open(tmp_path / "small")
    model.verify()
    assert [score.tracks for score in scores] == [2100]
    assert 0.3 < scores[0].micro[0].value < 0.8
    assert model.config.styles == [style.label for style in styles()]
    assert "never heard Halftime" in (tmp_path / "small" / "README.md").read_text(encoding="utf-8")
    assert {"fit", recipes.AS_SHIPPED} <= set(titles)
    assert sum(p.numel() for p in load_network(tmp_path / "small").parameters()) == 74 * 16 + 16 + 16 * 12 + 12
    assert [path.name for path in tmp_path.iterdir()] == ["small"]  # nothing is left of what was kept for a restart
