"""The transforms against plain Fourier sums."""

import numpy as np
import pytest
import torch

from earmark.learning.networks.transforms import FactoredDFT, FoldedDFT, columns, framed


@pytest.mark.parametrize("size", [660, 661])
def test_folded_transforms_are_the_plain_ones(size: int) -> None:
    frames = torch.from_numpy(np.random.default_rng(0).standard_normal((5, size))).float()
    window = np.hanning(size)
    radians = np.array([0.0, 0.01, 0.3, 1.0, 3.1])
    phase = np.exp(-1j * np.outer(np.arange(size), radians))
    expected = np.abs((frames.numpy() * window) @ phase) ** 2
    np.testing.assert_allclose(FoldedDFT(window, radians)(frames).numpy(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("size", "hop"), [(7, 3), (6, 3), (2, 5), (9, 9)])
def test_frames_are_those_that_unfold_gives(size: int, hop: int) -> None:
    waveform = torch.arange(2 * 40.0).reshape(2, 40)
    torch.testing.assert_close(framed(waveform, size, hop), waveform.unfold(1, size, hop))


@pytest.mark.parametrize(("size", "hop"), [(7, 3), (6, 3), (9, 9)])
def test_columns_are_the_frames_that_begin_in_the_waveform(size: int, hop: int) -> None:
    waveform = torch.arange(1, 2 * 40.0 + 1).reshape(2, 40)
    frames = -(-40 // hop)
    filled = torch.nn.functional.pad(waveform, (0, (frames - 1) * hop + size - 40))
    torch.testing.assert_close(columns(waveform, size, hop), filled.unfold(1, size, hop).transpose(1, 2))


def test_a_comb_in_groups_has_the_power_of_plain_sums() -> None:
    rows, count = 5, 4  # of 20 samples; frequencies that are equal modulo 2 pi / 4, or opposite
    radians = np.array([[0.3, 0.3 + np.pi / 2], [0.7, np.pi / 2 - 0.7], [1.1, 1.1 + np.pi]])
    scale = np.array([[1.0, 2.0], [0.5, 1.0], [1.0, 0.0]])
    frames = np.random.default_rng(0).standard_normal((2, rows * count, 3))
    phase = np.exp(-1j * radians.ravel()[:, None] * np.arange(rows * count))
    expected = np.abs(scale.ravel()[:, None] * (phase @ frames)) ** 2
    power = FactoredDFT(rows, count, radians, scale)(torch.from_numpy(frames).float())
    np.testing.assert_allclose(power.numpy(), expected, rtol=1e-4, atol=1e-5)
