"""The networks: the printed summary of 2018 layer for layer, and a contract over every architecture."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import librosa
import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from earmark.hearing import Model
from earmark.hearing.bundle import FORMAT, Config
from earmark.learning import bundle, keras_import
from earmark.learning.bundle import export_onnx
from earmark.learning.networks import ARCHITECTURES, AudioNetwork
from earmark.learning.networks.convolutions import FCN, Convolutions
from earmark.learning.networks.descriptors import DescriptorNetwork, EnsembleLinear, NormalScores
from earmark.learning.networks.frontend import MelSpectrogram
from earmark.learning.networks.heads import Gate, LinearHead
from earmark.learning.networks.yamnet.network import YamnetEar

# What the contract is tested with: settings, smaller than the published ones where those take long; the size of the
# embedding; the samples to trace the export with, and whether other lengths may be heard as well.
TEMPORAL = {"architecture": "temporal", "settings": {"dropout": 0.0}}
IMPORTED = keras_import.read(Path(__file__).parent / "golden" / "keras" / "sequential.h5", "imported")
CONTRACT: dict[str, tuple[dict[str, Any], int, int, bool]] = {
    "emusic": ({}, 832, 349_440, False),
    "fcn": ({"width": 1 / 16, "dropout": 0.0}, 208, 349_696, False),
    "convnet5": ({}, 160, 348_160, False),
    "temporal": ({"dropout": 0.0}, 1024, 65_890, False),
    "descriptors": ({"members": 2, "hidden": [32]}, 82, 132_300, True),
    "taught": ({"base": TEMPORAL | {"styles": 5}, "head": {"kind": "linear", "dims": 1024}}, 1024, 65_890, False),
    "merged": (
        {
            "base": TEMPORAL | {"styles": 11},
            "head": {"kind": "linear", "dims": 1024},
            "gate": {"dims": 1024, "own": 4, "others": 5, "neighbours": 2},
            "taught": [3, 11],
            "temperatures": [1.5, 0.8],
        },
        1024,
        65_890,
        False,
    ),
    "keras": (IMPORTED.config.settings, 10, IMPORTED.network.samples, False),
    "ear": ({"patches": 2, "dropout": 0.0}, 1072, 128_420, True),
    "ear10": (
        {
            "stages": [[4, 4, 4, 0, 0], [8, 4, 2, 1, 2]],
            "width": 16,
            "dilations": [1],
            "hidden": 32,
            "dropout": 0.0,
        },
        44,
        66_150,
        True,
    ),
    "pool": (
        {
            "descriptors": {"members": 2, "hidden": [32]},
            "ear": {"architecture": "ear", "settings": {"outputs": 20, "every": 2.912}},
            "opinions": {"classes": 20, "table": [[1, 0, 1.0], [2, 1, 0.5]], "music": [3], "other": [4]},
        },
        1154,
        132_300,
        True,
    ),
    "yamnet": ({"classes": [0, 24, 132, 212, 231, 234, 235, 236, 237, 238, 241, 494]}, 1024, 65_890, True),
}
FITTED = {"taught", "merged", "yamnet", "pool"}
"""Not trained as a whole: heads of scikit-learn (test_teaching.py), given weights, members that exist already."""

SLOWEST = {"pool", "descriptors", "convnet5"}
"""Ten seconds and more for each test; the shipped pool, and its descriptors, are compared in test_bundle.py, too."""
SLOWEST_LATER = [pytest.param(name, marks=pytest.mark.slow) if name in SLOWEST else name for name in ARCHITECTURES]


def music(samples: int, batch: int, sample_rate: int) -> Tensor:
    """Different chords over a kick in each row."""
    generator = np.random.default_rng(0)
    time = np.arange(samples) / sample_rate
    rows = []
    for row in range(batch):
        kick = np.sin(2 * np.pi * 55 * time) * np.exp(-8 * (time % (0.4 + 0.02 * row)))
        chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in generator.uniform(100, 2000, 4))
        rows.append(0.5 * kick + 0.1 * chord + 0.01 * generator.standard_normal(samples))
    return torch.from_numpy(np.stack(rows)).float()


def build(name: str) -> nn.Module:
    if name == "keras":
        return copy.deepcopy(IMPORTED.network).eval()
    torch.manual_seed(0)
    network = ARCHITECTURES[name](12, **CONTRACT[name][0])
    for part in network.modules():
        if isinstance(part, LinearHead):
            part.weight.normal_(std=0.01)
        if isinstance(part, Gate):
            part.own.normal_()
            part.others.normal_()
            part.nearer[1] = part.typical[1] = 1.0
        if isinstance(part, DescriptorNetwork):
            part.reset(torch.Generator().manual_seed(0))
            part.scores.fit(torch.from_numpy(np.random.default_rng(0).standard_normal((200, 68))))
        if isinstance(part, YamnetEar):
            for layer in part.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight)
    return network.eval()


def audio(name: str, styles: int = 12, **settings: float) -> tuple[AudioNetwork, Any]:
    """A network that is trained on sound, and its body, of whatever class that is."""
    network = cast(AudioNetwork, ARCHITECTURES[name](styles, **settings).eval())
    return network, network.body


def emusic() -> AudioNetwork:
    return audio("emusic")[0]


def test_every_layer_of_the_2018_network_has_the_printed_shape() -> None:
    network = emusic().eval()
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> object:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            shapes[name] = tuple(output.shape[1:])

        return hook

    network.front_end.register_forward_hook(note("melspectrogram_1"))  # type: ignore[arg-type]
    for index, block in enumerate(cast(Convolutions, network.body).blocks):
        for layer, name in zip(cast(nn.Sequential, block), ("conv", "bn", "activation", "pool"), strict=True):
            layer.register_forward_hook(note(f"{index}_{name}"))  # type: ignore[arg-type]
    logits, embedding = network(torch.randn(2, 349_440))

    # As printed, with channels first where Keras has them last.
    assert shapes["melspectrogram_1"] == (1, 96, 342)
    before = {0: (64, 96, 342), 1: (96, 48, 85), 2: (160, 12, 17), 3: (512, 4, 4)}
    after = {0: (64, 48, 85), 1: (96, 12, 17), 2: (160, 4, 4), 3: (512, 1, 1)}
    for index in range(4):
        assert shapes[f"{index}_conv"] == shapes[f"{index}_bn"] == shapes[f"{index}_activation"] == before[index]
        assert shapes[f"{index}_pool"] == after[index]
    assert logits.shape == (2, 12)
    assert embedding.shape == (2, 64 + 96 + 160 + 512)


def test_the_2018_network_has_the_printed_number_of_parameters() -> None:
    network = emusic()
    moving = sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name)
    assert sum(parameter.numel() for parameter in network.front_end.parameters()) == 1_099_872
    assert sum(parameter.numel() for parameter in network.parameters()) + moving == 2_041_580
    assert sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad) == 940_044
    assert moving + 1_099_872 == 1_101_536


def test_the_2018_network_does_not_let_windows_of_a_batch_influence_each_other() -> None:
    network = emusic().eval()
    waveform = music(network.samples, 2, network.sample_rate)
    waveform[1] *= 10
    together, _ = network(waveform)
    alone, _ = network(waveform[:1])
    assert together[0].detach().numpy() == pytest.approx(alone[0].detach().numpy(), abs=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_in_the_contract(name: str) -> None:
    network = build(name)
    _, dims, samples, any_length = CONTRACT[name]
    assert samples <= cast(int, network.samples)
    assert any_length or samples == network.samples
    with torch.no_grad():
        logits, embedding = network(music(samples, 2, cast(int, network.sample_rate)))
    assert logits.shape == (2, 12)
    assert embedding.shape == (2, dims)
    assert (embedding[0] - embedding[1]).abs().max() > 1e-3


@pytest.mark.parametrize("name", SLOWEST_LATER)
def test_every_architecture_is_heard_alike_by_onnx_runtime_and_torch(name: str) -> None:
    network = build(name)
    _, _, samples, any_length = CONTRACT[name]
    session = onnxruntime.InferenceSession(
        export_onnx(network, samples, any_length=any_length), providers=["CPUExecutionProvider"]
    )
    if any_length:
        samples = cast(int, network.samples)
    waveform = music(samples, 4, cast(int, network.sample_rate))
    for batch in (1, 4):
        with torch.no_grad():
            expected, expected_embedding = network(waveform[:batch])
        logits, embedding = session.run(["logits", "embedding"], {"waveform": waveform[:batch].numpy()})
        assert logits.shape == (batch, 12)
        assert np.abs(logits - expected.numpy()).max() < 1e-5
        assert embedding == pytest.approx(expected_embedding.numpy(), rel=1e-3, abs=1e-4)
    assert np.ptp(logits, axis=0).max() > 1e-4  # it does tell the rows apart

    # Digital silence, whole and in parts: what keeps logarithms finite must survive the export.
    waveform[1, : samples // 2] = 0
    waveform[2] = 0
    waveform[3] = 0.25  # but for the offset all of its spectrum is rounding noise, in decibels
    with torch.no_grad():
        expected, _ = network(waveform)
    (logits,) = session.run(["logits"], {"waveform": waveform.numpy()})
    distance = np.abs(logits - expected.numpy()).max(1)
    assert np.delete(distance, 3).max() < 1e-5
    assert distance[3] < 1e-3


@pytest.mark.parametrize("name", SLOWEST_LATER)
def test_every_architecture_is_the_same_again_after_saving_and_loading(name: str, tmp_path: Path) -> None:
    network = build(name)
    settings, _, samples, any_length = CONTRACT[name]
    rate = cast(int, network.sample_rate)
    config = Config(
        format=FORMAT,
        name="saved",
        task="styles",
        architecture=name,
        settings=settings,
        sample_rate=rate,
        window=samples / rate,
        hop=samples / rate,
        shortest=1.0 if any_length else samples / rate,
        styles=[str(style) for style in range(12)],
        families={str(style): "all" for style in range(12)},
        temperature=1.0,
        unknown_threshold=0.0,
        provenance={},
        measures={},
        sha256={},
    )
    waveform = music(samples, 2, rate)
    bundle.write(tmp_path / "saved", network, config, "# saved", waveform[:1].numpy())
    again = bundle.load_network(tmp_path / "saved")
    with torch.no_grad():
        assert torch.equal(again(waveform)[0], network(waveform)[0])
    heard = Model.open(tmp_path / "saved").run(waveform.numpy())[0]
    assert np.abs(heard - network(waveform)[0].detach().numpy()).max() < 1e-4


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "convnet5" else name
        for name in ARCHITECTURES
        if name not in FITTED
    ],
)
def test_every_architecture_overfits_eight_tracks(name: str) -> None:
    network = build(name)
    waveform = music(CONTRACT[name][2], 8, cast(int, network.sample_rate))
    labels = torch.arange(8)
    inputs, learner = waveform, network
    if isinstance(network, AudioNetwork):
        inputs, learner = network.front_end(waveform), network.body
    if isinstance(network, DescriptorNetwork):
        inputs = network.descriptors(waveform)
        network.scores.fit(inputs[:, :68].double())
    rate = 1e-2 if name in {"descriptors", "convnet5", "keras"} else 3e-3
    optimiser = torch.optim.Adam([value for value in network.parameters() if value.requires_grad], rate)
    network.train()
    for _ in range(40):
        logits, _ = network.from_rows(inputs) if isinstance(network, DescriptorNetwork) else learner(inputs)
        loss = nn.functional.cross_entropy(logits, labels)
        if loss < 0.1:
            break
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert loss < 0.1
    assert (logits.argmax(1) == labels).all()


@pytest.mark.parametrize("depth", FCN)
def test_every_depth_of_the_fcn_ends_as_one_value_for_each_filter(depth: int) -> None:
    network, body = audio("fcn", 50, depth=depth, width=1 / 64)
    sizes: list[tuple[int, ...]] = []
    for block in body.blocks:
        block.register_forward_hook(lambda _module, _inputs, output: sizes.append(tuple(output.shape[2:])))
    spectrogram = network.front_end(torch.randn(1, network.samples))
    assert spectrogram.shape == (1, 1, 96, 1366)
    body(spectrogram)
    assert len(sizes) == depth
    assert sizes[-1] == (1, 1)


def test_fcn_4_has_the_published_filters() -> None:
    _, body = audio("fcn", 50)
    filters = [block[0].weight.shape for block in body.blocks]
    assert filters == [(128, 1, 3, 3), (384, 128, 3, 3), (768, 384, 3, 3), (2048, 768, 3, 3)]


def test_the_layers_of_the_temporal_network_have_the_published_lengths() -> None:
    network, body = audio("temporal", 40)
    spectrogram = network.front_end(torch.randn(1, network.samples))
    assert spectrogram.shape == (1, 1, 128, 599)
    hidden = spectrogram[:, 0]
    lengths = [(hidden := block(hidden)).shape[1:] for block in body.blocks]
    assert lengths == [(256, 149), (256, 73), (512, 35)]
    assert [layer.in_features for layer in body.dense if isinstance(layer, nn.Linear)] == [1536, 2048, 2048]


def test_an_overlapping_mel_spectrogram_is_that_of_librosa() -> None:
    generator = np.random.default_rng(0)
    waveform = generator.standard_normal(12_000 * 3).astype(np.float32) * 0.1
    front_end = MelSpectrogram(12_000, n_fft=512, n_mels=96, hop=256)
    ours = front_end(torch.from_numpy(waveform)[None])[0, 0].numpy()  # (96, frames)
    frames = ours.shape[1]
    assert frames == -(-len(waveform) // 256)
    excess = (frames - 1) * 256 + 512 - len(waveform)
    padded = np.pad(waveform, (excess // 2, excess - excess // 2))
    power = librosa.feature.melspectrogram(
        y=padded, sr=12_000, n_fft=512, hop_length=256, n_mels=96, center=False, fmax=6000
    )
    assert ours == pytest.approx(librosa.power_to_db(power, ref=np.max), abs=1e-3)


def test_normal_scores_of_normal_rows_are_the_rows() -> None:
    rows = torch.from_numpy(np.random.default_rng(0).standard_normal((20_000, 3)))
    scores = NormalScores(3, 65)
    scores.fit(rows)
    inner = rows.abs().amax(1) < 1.5
    assert scores(rows.float())[inner].numpy() == pytest.approx(rows[inner].numpy(), abs=0.06)


def test_normal_scores_stay_within_what_was_seen() -> None:
    scores = NormalScores(2, 33)
    scores.fit(torch.from_numpy(np.random.default_rng(0).uniform(size=(500, 2))))
    far = scores(torch.tensor([[1e9, -1e9], [1.0, 0.0]]))
    assert far[0].tolist() == pytest.approx(far[1].tolist(), abs=0.1)
    assert far[0, 0] == pytest.approx(scores.scores[-1].item(), abs=1e-5)


def test_the_logits_are_the_log_of_the_members_mean_probability() -> None:
    network = cast(DescriptorNetwork, build("descriptors"))
    rows = torch.randn(5, 70)
    members = network.perceptrons(network.inputs(rows).expand(network.members, -1, -1)).softmax(-1)
    logits, embedding = network.from_rows(rows)
    assert logits.exp().detach().numpy() == pytest.approx(members.mean(0).detach().numpy(), abs=1e-6)
    assert embedding.shape == (5, 82)


def test_a_style_is_as_probable_as_its_genres_are_together() -> None:
    network = DescriptorNetwork(2, members=3, hidden=(8,), genres=[1, -1, 0, 1])
    network.reset(torch.Generator().manual_seed(0))
    rows = torch.randn(5, 70)
    genres = network.perceptrons(network.inputs(rows).expand(3, -1, -1)).softmax(-1).mean(0)
    expected = torch.stack([genres[:, 2], genres[:, 0] + genres[:, 3]], 1)
    logits, embedding = network.from_rows(rows)
    assert logits.softmax(-1).detach().numpy() == pytest.approx(
        (expected / expected.sum(1, keepdim=True)).detach().numpy(), abs=1e-6
    )
    assert embedding.shape == (5, 72)
    with torch.no_grad():
        cast(EnsembleLinear, network.layers[-1]).bias[..., 1] = 300  # certain that it is of neither style
    assert network.from_rows(rows)[0].isfinite().all()


OPENED = """
import sys
from earmark.learning.networks import ARCHITECTURES
ARCHITECTURES["emusic"](12)
print(*(name for name in sys.modules if name.startswith(("earmark.learning.networks", "sklearn", "h5py", "onnx"))))
"""


def test_an_architecture_loads_its_own_modules_alone() -> None:
    opened = subprocess.run([sys.executable, "-c", OPENED], check=True, capture_output=True, encoding="utf-8")
    rooms = {name.removeprefix("earmark.learning.networks").lstrip(".") for name in opened.stdout.split()}
    assert rooms == {"", "architectures", "convolutions", "frontend", "network", "transforms"}
