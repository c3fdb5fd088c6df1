"""The networks: the printed summary of 2018 layer for layer, and a contract over every architecture."""

from typing import cast

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from earmark.learning.bundle import export_onnx
from earmark.learning.networks import ARCHITECTURES, DescriptorNetwork, EMusic, NormalScores

# Samples to hear, and whether other lengths may be heard too.
INPUTS = {"emusic": (EMusic.SAMPLES, False), "descriptors": (642_096, True)}
SHORT_TO_EXPORT = {"emusic": EMusic.SAMPLES, "descriptors": 132_300}


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
    torch.manual_seed(0)
    network = ARCHITECTURES[name](12)
    if isinstance(network, DescriptorNetwork):
        network.reset(torch.Generator().manual_seed(0))
        network.scores.fit(torch.from_numpy(np.random.default_rng(0).standard_normal((200, 68))))
    return network.eval()


def test_every_layer_of_the_2018_network_has_the_printed_shape() -> None:
    network = EMusic(12).eval()
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> object:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            shapes[name] = tuple(output.shape[1:])

        return hook

    network.spectrogram.register_forward_hook(note("melspectrogram_1"))  # type: ignore[arg-type]
    for index, block in enumerate(network.blocks):
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
    network = EMusic(12)
    moving = sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name)
    assert sum(parameter.numel() for parameter in network.spectrogram.parameters()) == 1_099_872
    assert sum(parameter.numel() for parameter in network.parameters()) + moving == 2_041_580
    assert sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad) == 940_044
    assert moving + 1_099_872 == 1_101_536


def test_the_2018_network_does_not_let_windows_of_a_batch_influence_each_other() -> None:
    network = EMusic(12).eval()
    waveform = music(EMusic.SAMPLES, 2, EMusic.SAMPLE_RATE)
    waveform[1] *= 10
    together, _ = network(waveform)
    alone, _ = network(waveform[:1])
    assert together[0].detach().numpy() == pytest.approx(alone[0].detach().numpy(), abs=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_heard_alike_by_onnx_runtime_and_torch(name: str) -> None:
    network = build(name)
    samples, any_length = INPUTS[name]
    session = onnxruntime.InferenceSession(
        export_onnx(network, SHORT_TO_EXPORT[name], any_length=any_length), providers=["CPUExecutionProvider"]
    )
    waveform = music(samples, 10, cast(int, network.SAMPLE_RATE))
    for batch in (1, 10):
        with torch.no_grad():
            expected, expected_embedding = network(waveform[:batch])
        logits, embedding = session.run(None, {"waveform": waveform[:batch].numpy()})
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
    logits, _ = session.run(None, {"waveform": waveform.numpy()})
    distance = np.abs(logits - expected.numpy()).max(1)
    assert np.delete(distance, 3).max() < 1e-5
    assert distance[3] < 1e-3


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
