"""Recipes from tables: what ships is found by name, what is no setting is refused."""

import tomllib
from importlib import resources
from pathlib import Path

import pytest
from pydantic import ValidationError

from earmark.app import evaluating
from earmark.errors import BundleError, ManifestError
from earmark.hearing.bundle import read_config, shipped
from earmark.recipes.house12 import training
from earmark.recipes.house12.recipe import FitConfig, TableRecipe, read_recipe
from earmark.recipes.shipped import FILES, locate, recipe_of_tables


def test_the_shipped_recipe_is_read() -> None:
    recipe = read_recipe(FILES["house12"])
    assert recipe.name == "house12"
    assert recipe.windows.window == 29.12
    assert recipe.fit.hidden == (192, 192, 192)
    assert recipe.synthetic.file == FILES["house12"].with_name("house12-synthetic.npz")
    assert recipe.synthetic.file.is_file()
    assert recipe.recordings.file == FILES["house12"].with_name("house12-recordings.npz")


def test_recipes_are_resources_of_the_package() -> None:
    room = resources.files("earmark.recipes") / "house12"
    recipe = tomllib.loads((room / "house12.toml").read_text(encoding="utf-8"))
    assert (room / recipe["synthetic"]["file"]).is_file()
    assert (room / recipe["recordings"]["file"]).is_file()
    assert set(FILES) >= {"ear", "house12", "house12-pool"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("epochs =", "epoch =", r"fit\.epoch: there is no such key"),
        ("epochs = 60", 'epochs = "60"', r"fit\.epochs: Input should be a valid integer"),
        ("dropout = 0.3", "dropout = 7", r"fit\.dropout: Input should be less than 1"),
        ("hidden = [192, 192, 192]", "hidden = [192, 0, 192]", r"fit\.hidden\.1: Input should be greater than 0"),
        ("[half_time]", "[half]", r"half_time: Field required"),
        ('name = "house12"', "", "name: Field required"),
        ("unknown = 0.02", "unknown = 2.0", "unknown: Input should be less than or equal to 1"),
        ("[fit]", "[fit", "not TOML"),
    ],
)
def test_a_recipe_with_a_wrong_key_or_value_is_an_error(tmp_path: Path, old: str, new: str, reason: str) -> None:
    text = FILES["house12"].read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ManifestError, match=rf"recipe\.toml: {reason}") as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)


def test_settings_of_a_fit_are_what_their_types_say() -> None:
    with pytest.raises(ValidationError) as caught:
        FitConfig.model_validate({"epochs": "60", "dropout": 7})
    assert [error["loc"] for error in caught.value.errors()] == [("epochs",), ("dropout",)]


def test_the_settings_have_no_defaults_that_the_shipped_recipe_relies_on() -> None:
    written = tomllib.loads(FILES["house12"].read_text(encoding="utf-8"))
    assert set(written) == set(TableRecipe.model_fields)
    assert set(written["fit"]) == set(FitConfig.model_fields)


def test_a_recipe_is_found_by_its_name_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("house12", "house12.toml", "recipes/house12.toml"):
        assert locate(Path(name)) == FILES["house12"]
    own = tmp_path / "house12.toml"
    own.write_text("", encoding="utf-8")
    assert locate(Path("house12.toml")) == Path("house12.toml")  # what is there comes first
    with pytest.raises(ManifestError, match=r"mine\.toml: there is no such recipe; those .*house12"):
        read_recipe(locate(Path("mine.toml")))


def test_a_shipped_model_leads_to_the_recipe_of_its_tables() -> None:
    bundles = shipped()
    assert recipe_of_tables(read_config(bundles["house12"])) == FILES["house12"]
    with pytest.raises(BundleError, match=r"emusic12: .*--recipe"):
        recipe_of_tables(read_config(bundles["emusic12"]))


def test_a_shipped_model_is_measured_on_tables_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[TableRecipe, Path]] = []
    monkeypatch.setattr(training, "evaluate", lambda recipe, tables, _progress: asked.append((recipe, tables)))
    monkeypatch.chdir(tmp_path)
    evaluating.repeat("house12", tmp_path)
    own = tmp_path / "own.toml"
    own.write_text(FILES["house12"].read_text(encoding="utf-8").replace("epochs = 60", "epochs = 2"), encoding="utf-8")
    evaluating.repeat("house12", tmp_path, Path("own.toml"))
    (shipped_recipe, tables), (own_recipe, _) = asked
    assert tables == tmp_path
    assert shipped_recipe == read_recipe(FILES["house12"])
    assert own_recipe.fit.epochs == 2
