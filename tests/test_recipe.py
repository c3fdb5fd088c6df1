"""Recipes: what is not exactly a setting is refused in one line that names the file and the key."""

import re
from pathlib import Path

import pytest
from pydantic import Field

import earmark
from earmark.errors import ManifestError
from earmark.hearing.bundle import CARD, read_config, shipped
from earmark.learning import recipe
from earmark.learning.pooling import read_recipe as read_pool
from earmark.learning.recipe import Recipe
from earmark.recipes.shipped import FILES


class Inner(Recipe):
    share: float = Field(default=0.5, ge=0, le=1)


class Outer(Recipe):
    name: str
    epochs: int = 3
    inner: Inner = Inner()


def written(folder: Path, text: str) -> Path:
    path = folder / "one.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_stands_in_the_file_is_read_and_the_rest_has_its_default(tmp_path: Path) -> None:
    path = written(tmp_path, "epochs = 5\n[inner]\nshare = 1\n")
    found = recipe.read(Outer, path, {"name": "one", "epochs": 7})
    assert found.model_dump() == {"name": "one", "epochs": 5, "inner": {"share": 1.0}}


def test_the_origin_is_the_path_in_the_package_or_the_name_of_the_file(tmp_path: Path) -> None:
    assert recipe.read(Outer, written(tmp_path, ""), {"name": "one"}).origin == "one.toml"
    assert read_pool(FILES["house12-pool"]).origin == "earmark/recipes/house12/house12-pool.toml"
    assert Outer(name="one").origin == ""


@pytest.mark.parametrize("folder", shipped().values(), ids=shipped().keys())
def test_a_shipped_model_names_a_recipe_that_is_there(folder: Path) -> None:
    named = read_config(folder).provenance["recipe"]
    texts = re.findall(r"`(\S+\.toml)`", (folder / CARD).read_text(encoding="utf-8"))
    for path in [*texts, *([named] if isinstance(named, str) else [])]:
        assert (Path(earmark.__file__).parents[1] / path).is_file(), path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('epochs = "60"', r"one\.toml: epochs: Input should be a valid integer"),
        ("epochs = true", r"one\.toml: epochs: Input should be a valid integer"),
        ("epochs = 2.0", r"one\.toml: epochs: Input should be a valid integer"),
        ("dropout = 7", r"one\.toml: dropout: there is no such key"),
        ("[inner]\nshare = 1.5", r"one\.toml: inner\.share: Input should be less than or equal to 1"),
        ("[inner]\nshare = nan", r"one\.toml: inner\.share: Input should be"),
        ("[inner]\nshare = '0.5'", r"one\.toml: inner\.share: Input should be a valid number"),
        ("name = ", r"one\.toml: not TOML"),
    ],
)
def test_what_is_no_setting_is_refused_by_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        recipe.read(Outer, written(tmp_path, text), {"name": "one"})
    assert "\n" not in str(caught.value)


def test_a_missing_key_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"one\.toml: name: Field required"):
        recipe.read(Outer, written(tmp_path, ""))
    with pytest.raises(ManifestError, match=r"two\.toml: no such recipe"):
        recipe.read(Outer, tmp_path / "two.toml")
    with pytest.raises(ManifestError, match="cannot be read"):
        recipe.read(Outer, tmp_path)
