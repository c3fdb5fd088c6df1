"""From tables to a model with its card, by one function."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from earmark.errors import TableError
from earmark.hearing import Model
from earmark.hearing.bundle import Config
from earmark.learning import bundle
from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.measures.classification import apply_temperature
from earmark.recipes import music
from earmark.recipes.house12 import fitting, protocols, recordings, training
from earmark.recipes.house12.examples import AS_SHIPPED
from earmark.recipes.house12.held_out import HeldOut
from earmark.recipes.house12.recipe import TableRecipe, read_recipe
from earmark.recipes.house12.shifts import Pairs
from earmark.recipes.shipped import FILES
from earmark.styles import styles


@pytest.fixture(scope="module")
def small() -> TableRecipe:
    recipe = read_recipe(FILES["house12"])
    fit = recipe.fit.model_copy(update={"members": 1, "hidden": (16,), "epochs": 8, "knots": 9, "learning_rate": 0.02})
    return recipe.model_copy(update={"fit": fit})


@dataclass
class Written:
    """The arguments of `bundle.write`, in place of a bundle: export to ONNX takes most of the time."""

    out: Path
    network: DescriptorNetwork
    config: Config
    card: str
    check: np.ndarray
    attribution: str


def test_a_small_recipe_makes_a_whole_model(
    tmp_path: Path, small: TableRecipe, made_up_tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Written] = []
    monkeypatch.setattr(bundle, "write", lambda *arguments: written.append(Written(*arguments)))
    titles: list[str] = []
    scores = training.train(small, made_up_tables, tmp_path / "small", lambda title, _share: titles.append(title))
    (found,) = written
    assert [score.protocol for score in scores] == [AS_SHIPPED, *protocols.REFERENCE]
    assert [score.tracks for score in scores] == [192, 192, 144, 240, 120]
    assert scores[0].micro[0].value > 0.5  # of three styles that differ plainly
    assert found.out == tmp_path / "small"
    assert found.config.styles == [style.label for style in styles()]
    assert found.config.window == 29.12
    assert found.config.provenance["recipe"] == "earmark/recipes/house12/house12.toml"
    assert found.config.measures["precision_at_1"] == round(scores[0].micro[0].value, 3)
    assert found.check.shape == (1, 3 * 22_050)
    assert (
        sum(p.numel() for p in found.network.parameters()) == 74 * 16 + 16 + 16 * 6 + 6
    )  # the genres that are made up, and Halftime
    assert "| GPL-3+ |" in found.attribution
    assert "## What to know before trusting it\n\n- **It has never heard Halftime.**" in found.card
    assert f"below {found.config.unknown_threshold} is called unlike anything the model knows" in found.card
    assert set(titles) == {"fit", AS_SHIPPED, *protocols.REFERENCE}
    assert not list(tmp_path.iterdir())  # nothing is left of what was kept for a restart


def test_the_threshold_calls_the_share_of_the_recipe_unknown(small: TableRecipe) -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 12, 2000)
    logits = generator.normal(0, 1, (2000, 12)) + 3 * np.eye(12)[labels]
    # By Bayes' rule the probabilities are those of 3 * logits; these are twice as sure.
    probabilities = np.exp(6 * logits) / np.exp(6 * logits).sum(1, keepdims=True)
    found = training.calibrate(
        HeldOut(np.arange(2000), labels, probabilities), small.model_copy(update={"unknown": 0.1})
    )
    calibrated = apply_temperature(np.log(probabilities), found.temperature)
    assert found.temperature == pytest.approx(2, rel=0.1)
    assert (calibrated.max(1) < found.threshold).mean() == pytest.approx(0.1, abs=0.01)
    assert found.score.tracks == 2000


def test_the_fit_gets_everything_that_the_recipe_speaks_of(
    small: TableRecipe, made_up_tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: dict[str, object] = {}

    def recorded(rows: object, labels: object, classes: int, config: object, **named: object) -> None:
        met.update(rows=rows, labels=labels, classes=classes, config=config, **named)

    monkeypatch.setattr(fitting, "fit", recorded)
    training.fitted(small, made_up_tables, lambda _title, _share: None)
    assert met["config"] == small.fit
    assert met["classes"] == 12
    rows, scatter, weights, non_music = met["rows"], met["scatter"], met["weights"], met["non_music"]
    assert isinstance(rows, np.ndarray)
    assert isinstance(scatter, list)
    assert isinstance(weights, np.ndarray)
    assert isinstance(non_music, np.ndarray)
    assert len(rows) == len(weights) == 240 + 120 + 88
    assert len(scatter) == 19 + 5  # kinds of real recordings and of synthetic sound
    assert all(isinstance(each, Pairs) for each in scatter)
    assert non_music.shape == (140, 70)
    assert weights.min() == small.half_time.weight


def test_missing_descriptors_of_music_are_measured_and_the_works_named(
    tmp_path: Path, small: TableRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = recordings.load(small.recordings.file)
    folder = tmp_path / "music"
    folder.mkdir()
    manifest = "file,source,inner,licence,artist,title,group,electronic\na.opus,s,a,CC0,Ada,Air,s/ada,1\n"
    (folder / music.MANIFEST).write_text(manifest, encoding="utf-8")
    monkeypatch.setattr(recordings, "measure", lambda _config, _folder, _progress: pairs)
    file = tmp_path / "new.npz"
    recipe = small.model_copy(update={"recordings": small.recordings.model_copy(update={"file": file})})
    with pytest.raises(TableError, match=r"new\.npz: no such descriptors of recordings"):
        recordings.load(file)
    training.measure_recordings(recipe, folder, lambda _title, _share: None)
    assert list(recordings.load(file)) == list(pairs)
    assert "| Ada | Air | CC0 | s, `a` |" in (tmp_path / "new.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_small_recipe_learns_from_the_true_tables(
    tmp_path: Path, small: TableRecipe, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocols, "protocols", lambda _folder: [])
    (score,) = training.train(small, shared_data, tmp_path / "small", lambda _title, _share: None)
    model = Model.open(tmp_path / "small")
    model.verify()
    assert model.config.name == "house12"
    assert score.tracks == 2100
    assert 0.3 < score.micro[0].value < 0.8
