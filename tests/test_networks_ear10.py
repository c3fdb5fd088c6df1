"""The ear that hears whole stretches: its front end, what it may not depend on, and what it costs."""

import numpy as np
import onnxruntime
import pytest
import torch

from earmark.learning.bundle import export_onnx
from earmark.learning.networks import ARCHITECTURES
from earmark.learning.networks.ear10 import BANDS, HIGHEST, HOP, SAMPLE_RATE, SIZE, Ear10Scores, LogMel, ear10
from earmark.recipes.distillation.recipe import read_recipe
from earmark.recipes.shipped import FILES

NETWORKS = read_recipe(FILES["ear"]).networks


@pytest.mark.parametrize("frequency", [60, 440, 1000, 5000, 9500])
def test_a_tone_is_in_the_band_of_its_pitch_and_its_power_is_its_own(frequency: int) -> None:
    time = torch.arange(SAMPLE_RATE, dtype=torch.float64) / SAMPLE_RATE
    log_mel = LogMel()(torch.sin(2 * torch.pi * frequency * time).float()[None])[0]  # (BANDS, frames)
    corners = np.linspace(1127 * np.log1p(5 / 700), 1127 * np.log1p(HIGHEST / 700), BANDS + 2)
    expected = int(np.abs(corners[1:-1] - 1127 * np.log1p(frequency / 700)).argmin())
    assert abs(int(log_mel.mean(1).argmax()) - expected) <= 1
    assert float(log_mel.mean(1).max()) == pytest.approx(0, abs=1.0)  # a full-scale sine: between bands it is shared


def test_gain_moves_the_logarithm_and_nothing_else() -> None:
    waveform = torch.from_numpy(0.1 * np.random.default_rng(1).standard_normal((1, SAMPLE_RATE))).float()
    moved = LogMel()(0.1 * waveform) - LogMel()(waveform)
    torch.testing.assert_close(moved, torch.full_like(moved, 2 * np.log(0.1)), atol=0.02, rtol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_candidate_hears_any_length_and_is_small(name: str) -> None:
    network = ear10(571, **NETWORKS[name]).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) < 4_000_000
    with torch.no_grad():
        answers = [network(torch.zeros(1, round(seconds * SAMPLE_RATE))) for seconds in (1.0, 1.7, 10.0)]
    assert {tuple(logits.shape) for logits, _ in answers} == {(1, 571)}
    assert {tuple(embedding.shape) for _, embedding in answers} == {(1, network.body.dims)}


def test_samples_that_fill_no_frame_change_nothing() -> None:
    torch.manual_seed(0)
    network = ear10(7, **NETWORKS["bag"]).eval()
    samples = SIZE + 99 * HOP
    waveform = 0.1 * torch.randn(1, samples + HOP - 1)
    with torch.no_grad():
        torch.testing.assert_close(network(waveform)[0], network(waveform[:, :samples])[0])


def test_neighbours_in_a_batch_do_not_matter() -> None:
    torch.manual_seed(0)
    network = ear10(7, **NETWORKS["bag"]).eval()
    waveform = 0.1 * torch.randn(3, SAMPLE_RATE)
    with torch.no_grad():
        torch.testing.assert_close(network(waveform)[0][1:2], network(waveform[1:2])[0], atol=1e-5, rtol=1e-4)


def test_a_repeated_bar_is_heard_like_one_of_them() -> None:
    """What is said is a mean over places: of sound that repeats, more of it says the same but for the two ends."""
    torch.manual_seed(0)
    network = ear10(7, **NETWORKS["bag"]).eval()
    bar = 0.1 * torch.randn(1, 8 * HOP * 25)  # four seconds, a whole number of places
    with torch.no_grad():
        once, often = network(bar.repeat(1, 2))[0], network(bar.repeat(1, 6))[0]
    torch.testing.assert_close(once, often, atol=0.02, rtol=0.02)


def test_a_member_of_a_pool_gives_scores() -> None:
    torch.manual_seed(0)
    member = Ear10Scores(7, **NETWORKS["bag"]).eval()
    with torch.no_grad():
        scores, embedding = member(0.1 * torch.randn(2, 3 * SAMPLE_RATE))
    assert scores.shape == (2, 1, 7)
    assert embedding.shape[:2] == (2, 1)
    assert 0 < float(scores.min()) < float(scores.max()) < 1


def test_onnx_runtime_hears_the_same_at_any_length() -> None:
    torch.manual_seed(0)
    network = ARCHITECTURES["ear10"](7, **NETWORKS["bag"]).eval()
    session = onnxruntime.InferenceSession(export_onnx(network, 3 * SAMPLE_RATE, any_length=True))
    for seconds in (2.0, 3.3):
        waveform = 0.1 * torch.randn(2, round(seconds * SAMPLE_RATE))
        waveform[1, SAMPLE_RATE:] = 0  # silence is heard as well
        with torch.no_grad():
            expected = network(waveform)
        for one, other in zip(session.run(None, {"waveform": waveform.numpy()}), expected, strict=True):
            np.testing.assert_allclose(one, other.numpy(), atol=2e-4, rtol=1e-3)
