"""mn04 at 22,050 Hz beside mn04 at 32,000 Hz: the same spectra as far as there is sound, and nearly the same scores."""

from pathlib import Path

import numpy as np
import pytest
import soxr
import torch

from earmark.learning.downloads import MN04
from earmark.learning.networks import mn04
from earmark.learning.networks.ears import Ears
from earmark.learning.networks.mn04 import EmphasisedLogMel
from earmark.learning.networks.mn04_ear import HEARD, SAMPLE_RATE, Mn04Ear, Mn04Spectrogram
from earmark.learning.networks.yamnet.classes import STYLES

OWN = {"architecture": "ear", "settings": {"outputs": 571, "every": 0.97}}


def tones(rate: int, seconds: float = 2.0) -> torch.Tensor:
    """Sixty tones below 10 kHz that swell and fade, the same sound at every sample rate."""
    draws = np.random.default_rng(0)
    time = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(time)
    for pitch in np.geomspace(40, 9900, 60):
        swell = 1 + np.sin(2 * np.pi * (draws.uniform(0.5, 8) * time + draws.uniform()))
        sound += draws.uniform(0.002, 0.02) * swell * np.sin(2 * np.pi * (pitch * time + draws.uniform()))
    return torch.from_numpy(sound).float()[None]


def test_spectra_are_those_at_32_khz_up_to_where_there_is_sound() -> None:
    whole = EmphasisedLogMel()(tones(32_000))
    heard = Mn04Spectrogram()(tones(SAMPLE_RATE))
    assert heard.shape == (1, 1, 128, 196)
    difference = (heard - whole[..., 2:198])[0, 0, :HEARD].abs()
    # Of a range of about 3. Pre-emphasis before a window is not quite a factor behind it: the lowest bands show it.
    assert float(difference.mean()) < 0.012
    assert float(difference[48:].max()) < 0.03


def test_above_it_goes_on_as_its_highest_bands_end() -> None:
    noise = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (1, SAMPLE_RATE))).float()
    heard = Mn04Spectrogram()(noise)[0, 0]
    expected = heard[HEARD - 4 : HEARD].mean(0).expand(128 - HEARD, -1)
    torch.testing.assert_close(heard[HEARD:], expected)
    assert float(heard[HEARD:].mean()) > float(Mn04Spectrogram()(noise * 0)[0, 0].mean()) + 1


@pytest.mark.parametrize("samples", [937, 1377, 1378, 22_050, 30_001])
def test_any_length_gives_pairs_of_frames(samples: int) -> None:
    assert Mn04Spectrogram()(torch.zeros(2, samples)).shape == (2, 1, 128, 2 * ((samples - 937) // 441 + 1))


def test_the_scores_of_the_check_sample_are_nearly_those_at_32_khz() -> None:
    teachers = Path(__file__).parents[2] / "shared/teachers"
    if not teachers.exists():
        pytest.skip("../shared/teachers is not there")
    with np.load(teachers / "mn04_check.npz") as golden:
        waveform, expected = golden["waveform"].ravel(), golden["scores"].ravel()
    ear = Mn04Ear().eval()
    ear.network.load_state_dict(mn04.read(teachers / MN04.file).state_dict())
    low = soxr.resample(waveform.astype(np.float32), 32_000, SAMPLE_RATE)
    with torch.no_grad():
        scores, embedding = ear(torch.from_numpy(low)[None])
    assert (scores.shape, embedding.shape) == ((1, 1, 521), (1, 1, 384))
    published = mn04.of_yamnet(torch.from_numpy(expected).float()).numpy()
    difference = np.abs(scores[0, 0].numpy() - published)
    assert int(scores[0, 0].argmax()) == int(published.argmax())
    assert difference.mean() < 0.003
    assert difference[list(STYLES)].max() < 0.1
    assert difference.max() < 0.2


def test_three_ears_hear_their_mean() -> None:
    torch.manual_seed(0)
    ears = Ears(OWN).eval()
    waveform = torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, (2, 2 * SAMPLE_RATE))).float()
    with torch.no_grad():
        scores, embedding = ears(waveform)
        heard = [ear(waveform) for ear in (ears.own, ears.yamnet, ears.mn04)]
    assert scores.shape == (2, 1, 521)
    mean = sum(each[..., :521].mean(1) for each, _ in heard) / 3
    torch.testing.assert_close(scores[:, 0], mean)
    assert embedding.shape[-1] == sum(each.shape[-1] for _, each in heard)
    assert ears.sample_rate == SAMPLE_RATE
