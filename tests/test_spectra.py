"""Windows and filterbanks against the libraries that they come from."""

import librosa
import numpy as np
import pytest
from pyAudioAnalysis import ShortTermFeatures
from scipy import signal

from earmark.spectra import (
    bin_frequencies,
    chroma_matrix,
    energies,
    filtered,
    hann,
    mel_htk,
    mel_slaney,
    mfcc_matrix,
    real_fft,
    talkbox_mel,
)

RATE = 22_050  # Hz, of the tables


@pytest.mark.parametrize("length", [2, 3, 400, 552, 1024])
@pytest.mark.parametrize("periodic", [True, False])
def test_the_hann_windows_are_those_of_scipy(length: int, periodic: bool) -> None:  # noqa: FBT001  a parameter
    assert hann(length, periodic=periodic) == pytest.approx(signal.windows.hann(length, sym=not periodic), abs=1e-15)


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "lowest", "highest"), [(16_000, 512, 64, 125, 7500), (22_050, 1024, 40, 0, 8000)]
)
def test_the_mel_matrix_of_htk_has_straight_triangles_on_the_mel_scale(
    rate: int, n_fft: int, n_mels: int, lowest: float, highest: float
) -> None:
    mel = librosa.hz_to_mel(np.arange(n_fft // 2 + 1) * rate / n_fft, htk=True)
    low, high = librosa.hz_to_mel([lowest, highest], htk=True)
    step = (high - low) / (n_mels + 1)
    centres = low + step * np.arange(1, n_mels + 1)
    expected = np.clip(1 - np.abs(mel[:, None] - centres) / step, 0, None)
    assert mel_htk(bin_frequencies(rate, n_fft), n_mels, lowest, highest) == pytest.approx(expected, abs=1e-9)


def test_the_mel_matrix_is_librosas() -> None:
    expected = librosa.filters.mel(sr=12_000, n_fft=1024, n_mels=96).T
    assert mel_slaney(12_000, 1024, 96) == pytest.approx(expected, abs=1e-7)


def test_the_filterbanks_are_those_of_pyaudioanalysis() -> None:
    expected, _ = ShortTermFeatures.mfcc_filter_banks(RATE, 551)
    assert talkbox_mel(RATE, 551) == pytest.approx(expected, abs=1e-15)
    spectrum = np.random.default_rng(0).uniform(size=551)
    _, chroma = ShortTermFeatures.chroma_features(spectrum, RATE, 551)
    assert chroma_matrix(RATE, 551) @ spectrum**2 / (spectrum**2).sum() == pytest.approx(chroma[:, 0], rel=1e-12)


def test_the_cosine_transform_is_orthonormal() -> None:
    whole = mfcc_matrix(40, 40)
    assert whole @ whole.T == pytest.approx(np.eye(40), abs=1e-12)


@pytest.mark.parametrize("rows", [0, 1, 2, 9, 64, 65, 130])
@pytest.mark.parametrize("shape", [(64, 64), (64, 4), (2050, 40)])
def test_rows_are_filtered_as_by_one_product(rows: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    spectra, bank = rng.normal(size=(rows, shape[0])), rng.normal(size=shape)
    found = filtered(spectra, bank)
    assert found.shape == (rows, shape[1])
    assert found == pytest.approx(np.einsum("ij,jk->ik", spectra, bank), abs=1e-10)
    assert filtered(spectra.astype(np.float32), bank.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("length", [512, 1102, 8192])
def test_spectra_in_single_precision_are_those_in_double(length: int) -> None:
    frames = np.random.default_rng(4).normal(size=(3, length)).astype(np.float32)
    found = real_fft(frames)
    assert found.dtype == np.complex64
    expected = np.fft.rfft(frames.astype(np.float64)) / length
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("shape", [(3, 100), (2, 10_000), (2, 2, 45_678), (0, 20_000), (30_001,)])
def test_energies_are_the_sums_of_squares_of_rows_of_any_length(shape: tuple[int, ...]) -> None:
    rows = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    assert energies(rows) == pytest.approx(np.sum(rows.astype(np.float64) ** 2, axis=-1), rel=1e-6)


def test_energies_do_without_a_copy_of_every_other_sample() -> None:
    samples = np.arange(50_000, dtype=np.float64)[::2]
    assert energies(samples) == pytest.approx(np.sum(samples**2), rel=1e-12)
