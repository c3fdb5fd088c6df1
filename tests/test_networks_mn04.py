"""mn04: a golden check against a forward pass of somebody else, and what its front end must do."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from earmark.errors import BundleError
from earmark.learning.networks import mn04
from earmark.learning.networks.mn04 import EmphasisedLogMel, Mn04
from earmark.learning.networks.yamnet.classes import CLASSES, NAMES

TEACHERS = Path(__file__).parents[2] / "shared/teachers"
needs_teachers = pytest.mark.skipif(not TEACHERS.exists(), reason="../shared/teachers is not there")


@needs_teachers
def test_scores_are_those_of_the_network_that_was_published() -> None:
    with np.load(TEACHERS / "mn04_check.npz") as golden:
        waveform, mel, expected = (golden[name].astype(np.float32) for name in ("waveform", "mel", "scores"))
    network = mn04.read(TEACHERS / "mn04_as_mAP_432.pt")
    with torch.no_grad():
        heard = network.front_end(torch.from_numpy(waveform)[None])
        scores, embedding = network(torch.from_numpy(waveform)[None])
    np.testing.assert_allclose(heard.numpy(), mel, atol=1e-4)
    np.testing.assert_allclose(scores.numpy(), expected, atol=1e-5)
    assert embedding.shape == (1, 384)


def test_it_has_the_parameters_that_its_paper_counts() -> None:
    assert sum(parameter.numel() for parameter in Mn04().parameters()) == 983_599


def test_a_frame_every_ten_milliseconds_and_a_tone_in_its_band() -> None:
    time = torch.arange(32_000, dtype=torch.float64) / 32_000
    log_mel = EmphasisedLogMel()(torch.sin(2 * torch.pi * 1000 * time).float()[None])
    assert log_mel.shape == (1, 1, 128, 100)
    centres = np.linspace(0, 1127 * np.log1p(15_000 / 700), 130)[1:-1]
    expected = int(np.abs(centres - 1127 * np.log1p(1000 / 700)).argmin())
    assert int(log_mel[0, 0].mean(1).argmax()) == expected


def test_the_front_end_is_a_fourier_transform() -> None:
    waveform = torch.from_numpy(0.1 * np.random.default_rng(0).standard_normal(8000)).float()
    heard = EmphasisedLogMel()(waveform[None])[0, 0]  # (128, frames)
    emphasised = waveform[1:] - 0.97 * waveform[:-1]
    padded = torch.nn.functional.pad(emphasised[None, None], (512, 512), mode="reflect")[0, 0]
    window = torch.nn.functional.pad(torch.hann_window(800, periodic=False), (112, 112))
    power = torch.fft.rfft(padded.unfold(0, 1024, 320) * window).abs().square()[:, :512]
    expected = (torch.log(power @ EmphasisedLogMel().mel + 1e-5) + 4.5) / 5
    torch.testing.assert_close(heard.T, expected, atol=1e-4, rtol=1e-4)


def test_the_classes_of_yamnet_are_those_with_the_same_names() -> None:
    assert mn04.of_yamnet(torch.zeros(2, 527)).shape == (2, CLASSES)
    labels = TEACHERS / "audioset_527_labels.csv"
    if not labels.exists():
        pytest.skip("../shared/teachers is not there")
    with labels.open(encoding="utf-8", newline="") as file:
        names = [line["display_name"] for line in csv.DictReader(file)]
    kept = mn04.of_yamnet(torch.arange(527)).tolist()
    assert {number: names[kept[number]] for number in NAMES} == NAMES


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No such file"):
        mn04.read(tmp_path / "none.pt")
    other = tmp_path / "other.pt"
    other.write_bytes(b"no network")
    with pytest.raises(BundleError, match="not the mn04 that is known"):
        mn04.read(other)
