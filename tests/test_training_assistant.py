"""Assistants: what another model says of the tracks is learned beside their labels, and leaves no trace in the form."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from earmark.errors import ManifestError, UnreadableAudio
from earmark.hearing import Model
from earmark.learning.bundle import load_network
from earmark.learning.data import manifest as manifests
from earmark.learning.data.manifest import Manifest, ManifestEntry
from earmark.learning.recipe import checked
from earmark.learning.training import assistant
from earmark.learning.training.config import Machine, TrainConfig
from earmark.learning.training.loop import train
from earmark.learning.training.run import CHECKPOINT, Step, build, prepare
from earmark.testing import noise, tone, write_wav
from earmark.testing.bundles import tiny_bundle

RATE = 12_000
CPU = Machine(accelerator="cpu")
SMALL = TrainConfig(
    name="small",
    architecture="fcn",
    settings={"depth": 3, "width": 1 / 32, "dropout": 0.0},
    epochs=2,
    batch_size=4,
    learning_rate=1e-2,
    windows=1,
    precision="32-true",
)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("sounds")
    entries = []
    for number in range(8):
        waveform = (
            tone(60 + 5 * number, 30.0, sample_rate=RATE) if number % 2 else noise(30.0, np.random.default_rng(number))
        )
        path = folder / f"{number}.wav"
        # A level that is not the same everywhere: the assistant hears the mean of a waveform.
        write_wav(path, 0.1 * waveform + 0.05 * (number % 2), RATE)
        split = ("train", "train", "valid", "test")[number // 2]
        entries.append(ManifestEntry(path, (("Hiss", "Hum")[number % 2],), artist=f"artist {number // 2}", split=split))
    return manifests.labelled("styles", entries)


@pytest.fixture(scope="module")
def helper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says Up of a positive mean, see `earmark.testing`."""
    return tiny_bundle(tmp_path_factory.mktemp("helper") / "tiny")


def test_pseudo_labels_are_mean_probabilities_and_computed_once(sounds: Manifest, helper: Path, tmp_path: Path) -> None:
    paths = [entry.path for entry in sounds.entries[:2]]
    seen: list[int] = []
    labels = assistant.pseudo_labels(str(helper), paths, tmp_path / "kept", seen.append)
    means = [0.0, 0.05]
    logits = np.array([[0, 10 * mean, -10 * mean] for mean in means])
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(labels, expected, atol=0.02)
    assert seen == [1, 2]
    kept = sorted((tmp_path / "kept").iterdir())
    assert len(kept) == 2
    np.save(kept[0], np.array([1, 0, 0], np.float32))
    again = assistant.pseudo_labels(str(helper), paths, tmp_path / "kept", lambda _: None)
    assert [1, 0, 0] in again.tolist()


def test_what_several_processes_say_comes_in_the_order_of_the_tracks(
    sounds: Manifest, helper: Path, tmp_path: Path
) -> None:
    paths = [entry.path for entry in sounds.entries]
    one = assistant.pseudo_labels(str(helper), paths, tmp_path / "one", lambda _: None)
    two = assistant.pseudo_labels(str(helper), paths, tmp_path / "two", lambda _: None, workers=2)
    np.testing.assert_array_equal(one, two)


def test_a_track_that_the_assistant_cannot_hear_is_named(helper: Path, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(UnreadableAudio, match="text"):
        assistant.pseudo_labels(str(helper), [tmp_path / "text.wav"], tmp_path / "kept", lambda _: None)


def test_several_assistants_speak_side_by_side(sounds: Manifest, helper: Path, tmp_path: Path) -> None:
    """Labels first, then all classes of one, then all of the other, which hears the tracks as louder."""
    other = tiny_bundle(tmp_path / "other", temperature=2.0)
    config = SMALL.model_copy(update={"assistant": [str(helper), str(other)]})
    seen: list[Step] = []
    run = prepare(sounds, config, tmp_path / "several", CPU, seen.append)
    assert run.windows.targets.shape == (4, 2 + 3 + 3)
    one, two = np.split(run.windows.targets[:, 2:].numpy(), 2, axis=1)
    np.testing.assert_allclose(np.log(one[:, 0] / one[:, 1]), 2 * np.log(two[:, 0] / two[:, 1]), atol=1e-2)
    assert [step.done for step in seen if step.stage == "assist"] == list(range(1, 9))
    assert run.network.state_dict()["assistant.weight"].shape[0] == 6


def test_a_recipe_names_one_assistant_or_several() -> None:
    assert checked(TrainConfig, {"name": "a"}, Path("a")).assistants == ()
    assert checked(TrainConfig, {"name": "a", "assistant": "yamnet"}, Path("a")).assistants == ("yamnet",)
    several = checked(TrainConfig, {"name": "a", "assistant": ["yamnet", "build/ear"]}, Path("a"))
    assert several.assistants == ("yamnet", "build/ear")


def test_a_model_that_gives_values_is_no_assistant(sounds: Manifest, tmp_path: Path) -> None:
    source = tiny_bundle(tmp_path / "values", task="values")
    with pytest.raises(ManifestError, match="gives values"):
        assistant.pseudo_labels(str(source), [sounds.entries[0].path], tmp_path / "kept", lambda _: None)


@dataclass(frozen=True)
class Assisted:
    """A network that was trained with the helper."""

    config: TrainConfig
    folder: Path
    stages: frozenset[str]


@pytest.fixture(scope="module")
def assisted(sounds: Manifest, helper: Path, tmp_path_factory: pytest.TempPathFactory) -> Assisted:
    config = SMALL.model_copy(update={"assistant": str(helper), "assistant_weight": 10.0})
    out = tmp_path_factory.mktemp("assisted") / "out"
    stages: set[str] = set()
    train(sounds, config, out, machine=CPU, progress=lambda step: stages.add(step.stage))
    return Assisted(config, out, frozenset(stages))


def test_a_network_with_an_assistant_is_the_same_network_afterwards(assisted: Assisted, helper: Path) -> None:
    assert assisted.stages == {"decode", "assist", "train"}
    alone = build(SMALL, 2)
    assert load_network(assisted.folder).state_dict().keys() == alone.state_dict().keys()
    assert Model.open(assisted.folder).config.provenance["recipe"]["assistant"] == str(helper)


def test_the_assistant_is_learned(sounds: Manifest, assisted: Assisted, tmp_path: Path) -> None:
    """Its weight in the loss moves the body: other weights come out than without it."""
    train(sounds, SMALL, tmp_path / "without", machine=CPU)
    one, other = (load_network(folder).state_dict() for folder in (assisted.folder, tmp_path / "without"))
    assert not torch.equal(one["body.dense.weight"], other["body.dense.weight"])
    run = prepare(sounds, assisted.config, tmp_path / "fresh", CPU, lambda _: None)
    assert run.windows.targets.shape == (4, 2 + 3)
    np.testing.assert_allclose(run.windows.targets[:, 2:].sum(1), 1, atol=1e-5)


def test_an_interrupted_run_with_an_assistant_goes_on_bit_for_bit(
    sounds: Manifest, assisted: Assisted, tmp_path: Path
) -> None:
    def stop(step: Step) -> None:
        if step.stage == "train" and step.done == 2:
            raise KeyboardInterrupt

    often = CPU.model_copy(update={"checkpoint_seconds": 0.0})
    with pytest.raises(KeyboardInterrupt):
        train(sounds, assisted.config, tmp_path / "broken", machine=often, progress=stop)
    assert (tmp_path / "broken.training" / CHECKPOINT).exists()
    train(sounds, assisted.config, tmp_path / "broken", machine=CPU, resume=True)
    for name in ("weights.safetensors", "model.onnx"):
        assert (tmp_path / "broken" / name).read_bytes() == (assisted.folder / name).read_bytes()
