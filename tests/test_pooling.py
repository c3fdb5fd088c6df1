"""Pools as models: joined from a descriptor network and an ear, written, heard, and given another ear."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from earmark.errors import BundleError, ManifestError
from earmark.hearing import Model
from earmark.hearing.bundle import FORMAT, Config
from earmark.hearing.session import open_session
from earmark.learning import bundle, pooling
from earmark.learning.networks import ARCHITECTURES
from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.learning.networks.ear import EarScores
from earmark.learning.networks.groove import Groove
from earmark.learning.networks.pool import LogOpinionPool, StyleLikelihood
from earmark.learning.networks.recording import RecordingDoubt
from earmark.learning.networks.yamnet.network import YamnetEar
from earmark.learning.pooling import DoubtConfig, GrooveConfig, PoolConfig
from earmark.recipes.house12.non_music import non_music
from earmark.recipes.shipped import FILES
from earmark.testing.bundles import tiny_bundle

LABELS = ["Techno", "House"]
SETTINGS: dict[str, Any] = {"members": 2, "hidden": [16]}
POOL = PoolConfig(
    name="pool",
    summary="A pool for a test",
    weight=3.0,
    floor=0.005,
    temperature=1.5,
    unknown_threshold=0.25,
    every=2.912,
    music=["Music"],
    other=["Speech", "Silence"],
    styles={"Techno": {"Techno": 1.0}, "House": {"House music": 1.0, "Disco": 0.5}},
)
OUTPUTS = 571
RECIPE = FILES["house12-pool"]


def config_of(name: str, architecture: str, settings: dict[str, Any], labels: list[str], task: str) -> Config:
    return Config(
        format=FORMAT,
        name=name,
        task=task,
        architecture=architecture,
        settings=settings,
        sample_rate=22_050,
        window=29.12,
        hop=29.12,
        shortest=1.0,
        styles=labels,
        families=dict.fromkeys(labels, "Any"),
        temperature=1.0,
        unknown_threshold=0.0,
        provenance={"summary": "for a test"},
        measures={},
        sha256={},
    )


@pytest.fixture(scope="module")
def ear_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = ARCHITECTURES["ear"](OUTPUTS).eval()
    labels = [str(number) for number in range(OUTPUTS)]
    out = tmp_path_factory.mktemp("ear") / "ear"
    check = bundle.check_waveform(22_050, 66_150)
    bundle.write(out, network, config_of("ear", "ear", {}, labels, "tags"), "# ear\n", check)
    return out


def descriptors() -> DescriptorNetwork:
    torch.manual_seed(1)
    return DescriptorNetwork(2, **SETTINGS).eval()


@pytest.fixture(scope="module")
def pool_bundle(ear_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    network, settings = pooling.join(descriptors(), SETTINGS, ear_bundle, POOL, LABELS)
    out = tmp_path_factory.mktemp("pool") / "pool"
    check = bundle.check_waveform(22_050, 66_150)
    bundle.write(out, network, config_of("pool", "pool", settings, LABELS, "styles"), "# pool\n", check)
    return out


def test_a_pool_is_what_its_members_say(ear_bundle: Path, pool_bundle: Path) -> None:
    waveform = bundle.check_waveform(22_050, 5 * 22_050)
    logits, embedding = Model.open(pool_bundle).run(waveform)
    with torch.no_grad():
        measured, one = descriptors()(torch.from_numpy(waveform))
        scaled = torch.from_numpy(waveform / np.abs(waveform).max())
        member = EarScores(OUTPUTS, 2.912).eval()
        source = bundle.load_network(ear_bundle)
        member.load_state_dict(source.state_dict())
        scores, other = member(scaled)
    mean = scores.mean(1)[0].numpy()
    speaks = np.log([mean[236] + 0.005, mean[235] + 0.5 * mean[231] + 0.005])
    music = (mean[132] + 0.02) / (mean[132] + 0.02 + mean[0] + mean[494])
    said = measured.log_softmax(-1)[0].numpy()
    share = np.exp(speaks) / np.exp(speaks).sum()
    agreement = min(1.0, float(np.sqrt(np.exp(said) * share).sum()) * np.sqrt(2))
    np.testing.assert_allclose(logits[0], music * agreement * (said + 3 * speaks), atol=5e-3)
    assert embedding.shape[1] == one.shape[1] + other.shape[2]


GROOVE = GrooveConfig(weight=1.0, doubt=0.1, tempi={"House": (112, 132)}, half_rate=[("House", "Techno")])


@pytest.mark.slow
def test_groove_doubt_and_prior_join_what_the_members_say(ear_bundle: Path, tmp_path: Path) -> None:
    recipe = POOL.model_copy(
        update={"groove": GROOVE, "doubt": DoubtConfig(narrow=1.5, short=0.44), "prior": {"House": 0.25}}
    )
    labels = ["Techno", "House"]
    plain, _ = pooling.join(descriptors(), SETTINGS, ear_bundle, POOL, labels)
    network, settings = pooling.join(descriptors(), SETTINGS, ear_bundle, recipe, labels)
    groove, prior = settings["groove"], settings["prior"]
    assert (groove["half_rate"], groove["tempi"], prior) == ([[1, 0]], [[1, 112.0, 132.0]], [1.0, 0.25])
    waveform = torch.from_numpy(bundle.check_waveform(22_050, 10 * 22_050))
    with torch.no_grad():
        before, after = (each(waveform)[0][0].numpy() for each in (plain, network))
        evidence = Groove(22_050, 2, **groove)(waveform)[0].numpy()
        factor = float(RecordingDoubt(22_050, 1.5, 0.44)(waveform))
        flattened = trust(plain, waveform)
        sounds = plain.opinions(waveform)[2][0].numpy()
    favourite = max(sounds[236], sounds[235] + 0.5 * sounds[231])
    said = before / flattened + evidence * min(1, favourite / 0.04) + np.log([1, 0.25])
    np.testing.assert_allclose(after, flattened / factor * said, rtol=1e-4)

    check = bundle.check_waveform(22_050, 66_150)
    bundle.write(tmp_path / "pool", network, config_of("pool", "pool", settings, labels, "styles"), "# pool\n", check)
    assert Model.open(tmp_path / "pool").hear(waveform[0].numpy()).timeline.styles == ("Techno", "House")


@pytest.mark.parametrize(("score", "share"), [(0.0, 0.0), (0.01, 0.25), (0.04, 1.0), (0.9, 1.0)])
def test_the_groove_counts_as_far_as_the_ear_hears_some_style(score: float, share: float) -> None:
    class Ear(torch.nn.Module):
        sample_rate = 22_050

        def forward(self, _waveform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.tensor([[[1.0, score]]]), torch.zeros(1, 1, 1)

    class Evidence(torch.nn.Module):
        def forward(self, _waveform: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[2.0, -1.0]])

    likelihood = StyleLikelihood(2, 2, [(1, 0, 1.0), (1, 1, 0.5)], [0], [])
    plain = LogOpinionPool(descriptors(), Ear(), likelihood, 3.0)
    grooving = LogOpinionPool(descriptors(), Ear(), likelihood, 3.0, Evidence())  # type: ignore[arg-type]
    waveform = torch.from_numpy(bundle.check_waveform(22_050, 66_150))
    with torch.no_grad():
        flattened = trust(plain, waveform)
        added = (grooving(waveform)[0] - plain(waveform)[0])[0].numpy() / flattened
    np.testing.assert_allclose(added, share * np.array([2.0, -1.0]), atol=1e-5)


def trust(network: LogOpinionPool, waveform: torch.Tensor) -> float:
    """The share (0-1) by which a pool without groove and doubt flattens what its members say."""
    scores, _ = network.ear(waveform / waveform.abs().amax(1, keepdim=True))
    likelihood, *_ = network.likelihood(scores)
    said = network.descriptors(waveform)[0].log_softmax(-1) + network.weight * likelihood
    return float((network(waveform)[0] / said)[0, 0])


def test_a_groove_of_a_style_that_the_model_has_not_is_refused(ear_bundle: Path) -> None:
    recipe = POOL.model_copy(
        update={"groove": GrooveConfig(weight=1.0, doubt=0.1, tempi={}, half_rate=[("Trap", "House")])}
    )
    with pytest.raises(ManifestError, match=r"^there is no style 'Trap', only Techno, House$"):
        pooling.join(descriptors(), SETTINGS, ear_bundle, recipe, LABELS)


def test_a_pool_hears_the_classes_of_its_ear_too(pool_bundle: Path) -> None:
    network = bundle.load_network(pool_bundle)
    assert isinstance(network, LogOpinionPool)
    waveform = bundle.check_waveform(22_050, 66_150)
    session = open_session(pool_bundle / "model.onnx")
    logits, _, sounds = session.run(["logits", "embedding", "sounds"], {"waveform": waveform})
    with torch.no_grad():
        scores, _ = network.ear(torch.from_numpy(waveform / np.abs(waveform).max()))
    assert logits.shape == (1, 2)
    np.testing.assert_allclose(sounds, scores[..., :521].mean(1).numpy(), atol=1e-3)


def test_the_ear_of_a_pool_is_exchanged_for_another(pool_bundle: Path, tmp_path: Path) -> None:
    torch.manual_seed(2)
    other = YamnetEar(hop=291).eval()
    settings = {"architecture": "yamnet", "settings": {"hop": 291}}
    network, config = pooling.exchange(pool_bundle, other, settings)
    assert config.settings["ear"] == settings
    assert config.styles == LABELS
    check = bundle.check_waveform(22_050, 66_150)
    bundle.write(tmp_path / "other", network, config, "# other\n", check)
    one, two = (Model.open(folder).run(check)[0] for folder in (pool_bundle, tmp_path / "other"))
    assert not np.allclose(one, two)


def test_what_is_no_ear_or_no_pool_is_refused(ear_bundle: Path, pool_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="but 'ear' or 'ear10' is needed"):
        pooling.join(descriptors(), SETTINGS, pool_bundle, POOL, LABELS)
    with pytest.raises(BundleError, match="but 'pool' is needed"):
        pooling.exchange(ear_bundle, YamnetEar(), {})
    with pytest.raises(BundleError, match="unknown architecture"):
        pooling.exchange(tiny_bundle(tmp_path / "tiny"), YamnetEar(), {})


def test_a_style_without_a_line_is_named() -> None:
    with pytest.raises(ManifestError, match="pool: styles without a line, or lines without a style: House"):
        POOL.model_copy(update={"styles": {"Techno": {"Techno": 1.0}}}).likelihood(LABELS)


def test_the_recipe_of_the_shipped_pool_is_read() -> None:
    recipe = pooling.read_recipe(RECIPE)
    assert (recipe.name, recipe.weight, recipe.floor, recipe.temperature) == ("house12", 3.0, 0.005, 1.1)
    assert recipe.groove
    assert recipe.groove.half_rate == [("Halftime", "Drum & Bass")]
    assert recipe.styles["Halftime"] == {"Drum and bass": 0.8, "Dubstep": 0.8, "Hip hop music": 0.4}


@pytest.mark.parametrize(
    ("line", "changed", "message"),
    [
        ("weight = 3.0", "weight = -1.0", "weight: Input should be greater than or equal to 0"),
        ("weight = 3.0", 'weight = "1.0"', "weight: Input should be a valid number"),
        ("weight = 3.0", "weigth = 1.0", "weight: Field required"),
        ("weight = 3.0", "weight = 3.0\nmuisc = []", "muisc: there is no such key"),
        ("weight = 3.0", "weight = 3.0\nevery = 0.9", r"every: Input should be greater than or equal to 0\.97"),
        ("floor = 0.005", "floor = 0.0", "floor: Input should be greater than 0"),
        ("temperature = 1.1", "temperature = 0", "temperature: Input should be"),
        ("narrow = 1.5", "narrow = 0.5", r"doubt\.narrow: Input should be greater than or equal to 1"),
        ('"Halftime" = 0.25', '"Halftime" = 0', r"prior\.Halftime: Input should be greater than 0"),
        ("doubt = 0.1 ", "doubt = 0 ", r"groove\.doubt: Input should be greater than 0"),
        ('music = ["Music"', 'music = ["Musik"', r"music\.0: the ear has no class 'Musik'"),
        ('{ "Dubstep" = 1.0 }', '{ "Dubstep" = 1.5 }', r"styles\.Brostep\.Dubstep: Input should be less than"),
        ('{ "Dubstep" = 1.0 }', '{ "Dupstep" = 1.0 }', r"styles\.Brostep.*: the ear has no class 'Dupstep'"),
    ],
)
def test_what_a_recipe_should_not_say_is_refused_by_file_and_key(
    line: str, changed: str, message: str, tmp_path: Path
) -> None:
    text = RECIPE.read_text(encoding="utf-8")
    assert line in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(line, changed, 1), encoding="utf-8")
    with pytest.raises(ManifestError, match=rf"mine\.toml: {message}"):
        pooling.read_recipe(path)


def test_the_card_of_a_pool_names_its_table_and_ends_with_the_cards_of_its_members() -> None:
    config = dataclasses.replace(
        config_of("mine", "pool", {"weight": 0.5, "opinions": {"floor": 0.01}}, LABELS, "styles"),
        provenance={"summary": "two styles"},
    )
    text = pooling.card(config, POOL.styles, EAR_CARD, "# other\n\nSummary.\n\n## Data\n\nOne.\n")
    assert text.startswith(
        "# mine\n\nTwo styles.\n\nWaveform in (mono, 22050 Hz, windows of 29.12 s), 2 styles out. Two"
    )
    assert "log P(style | descriptors) + 0.5 x log (score of the ear for it + 0.01)" in text
    assert "| House | House music 1, Disco 0.5 |" in text
    assert "\n## The ear's own card\n\nHears bars.\n\n### Teachers\n\nTwo.\n\n" in text
    assert text.endswith("## The descriptors' own card\n\nSummary.\n\n### Data\n\nOne.\n")


EAR_CARD = "# ear\n\nHears bars.\n\n## Teachers\n\nTwo.\n"
NETWORK = {"stages": [[4, 4, 4, 0, 0], [8, 4, 2, 0, 0]], "width": 8, "dilations": [], "hidden": 16}


@pytest.mark.slow
def test_an_ear_of_whole_stretches_joins_the_descriptors_of_a_bundle_and_of_a_pool(tmp_path: Path) -> None:
    labels = [str(number) for number in range(OUTPUTS)]
    check = bundle.check_waveform(22_050, 66_150)
    torch.manual_seed(3)
    ear = ARCHITECTURES["ear10"](OUTPUTS, **NETWORK).eval()
    heard = dataclasses.replace(
        config_of("ear", "ear10", NETWORK, labels, "tags"), provenance={"data": "Taught by two"}, measures={"a": 1}
    )
    bundle.write(tmp_path / "ear", ear, heard, EAR_CARD, check, "# Music\n")
    base = config_of("base", "descriptors", SETTINGS, LABELS, "styles")
    bundle.write(tmp_path / "base", descriptors(), base, "# base\n\nOf tables.\n\n## Data\n\nOne.\n", check)

    first = pooling.make(POOL, tmp_path / "base", tmp_path / "ear", tmp_path / "first")
    again = pooling.make(POOL, tmp_path / "first", tmp_path / "ear", tmp_path / "again")
    assert first.settings == again.settings
    assert first.settings["ear"] == {"architecture": "ear10", "settings": {"outputs": OUTPUTS, **NETWORK}}
    assert (again.temperature, again.unknown_threshold) == (1.5, 0.25)
    assert (again.provenance["ear"], again.measures["ear"]) == ("Taught by two", {"a": 1})
    for name in ("README.md", "ATTRIBUTION.md", "weights.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()
    assert (tmp_path / "again/ATTRIBUTION.md").read_text() == "# Music\n"

    waveform = bundle.check_waveform(22_050, 5 * 22_050)
    logits, embedding = Model.open(tmp_path / "again").run(waveform)
    with torch.no_grad():
        scores, averages = ear(torch.from_numpy(waveform / np.abs(waveform).max()))
        measured, _ = descriptors()(torch.from_numpy(waveform))
    mean, known = scores.sigmoid()[0].numpy(), measured.log_softmax(-1)[0].numpy()
    likelihood = np.log([mean[236] + 0.005, mean[235] + 0.5 * mean[231] + 0.005])
    music = (mean[132] + 0.02) / (mean[132] + 0.02 + mean[0] + mean[494])
    share = np.exp(likelihood) / np.exp(likelihood).sum()
    trust = music * min(1.0, float(np.sqrt(np.exp(known) * share).sum()) * np.sqrt(2))
    np.testing.assert_allclose(logits[0], trust * (known + 3 * likelihood), atol=5e-3)
    np.testing.assert_allclose(embedding[0, -averages.shape[1] :], averages[0].numpy(), atol=2e-3)


def test_the_shipped_pool_names_no_style_of_what_is_no_music() -> None:
    model = Model.open("house12")
    for waveform in non_music(np.random.default_rng(2026), 6):
        assert model.hear(waveform).timeline.mean().max() <= 0.35
