"""Reasons for an answer: silencing what decided costs the most."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from earmark.app.explaining import explain as explain_file
from earmark.errors import EarmarkError
from earmark.hearing import Listener, Model, occlusion
from earmark.testing import click_train, noise, silence, tone, write_wav
from earmark.testing.bundles import tiny_bundle
from earmark.timeline import Timeline

RATE = 22_050


class LoudBand:
    """A model that says "yes" the more, the more of the window's energy there is at 3 kHz, wherever it stands."""

    config = SimpleNamespace(sample_rate=RATE)

    def windows(self, blocks: Any) -> Any:  # noqa: ANN401  as `Model`
        """All of it as one window."""
        yield 0.0, np.concatenate(list(blocks))

    def run(self, waveforms: Any) -> Any:  # noqa: ANN401  as `Model`
        """Logits of "yes" and "no"."""
        spectrum = np.abs(np.fft.rfft(waveforms[0])) ** 2
        frequencies = np.fft.rfftfreq(waveforms.shape[1], 1 / RATE)
        energy = spectrum[(frequencies > 2900) & (frequencies < 3100)].sum() / waveforms.shape[1]
        return np.array([[energy / 100, 1.0]], np.float32), np.zeros((1, 1), np.float32)

    def to_timeline(self, starts: Any, samples: int, logits: Any) -> Timeline:  # noqa: ANN401  as `Model`
        """The softmax."""
        shares = np.exp(logits - logits.max())
        return Timeline(("yes", "no"), starts, samples / RATE, shares / shares.sum(-1, keepdims=True))

    def sounds(self, waveform: Any) -> dict[str, float]:  # noqa: ANN401, ARG002  as `Model`
        """It has no ear."""
        return {}

    def hear_windows(self, windows: Any) -> Any:  # noqa: ANN401  as `Model`
        """The timeline of the one window."""
        ((_, waveform),) = windows
        logits, _ = self.run(waveform[None])
        return SimpleNamespace(timeline=self.to_timeline(np.zeros(1), len(waveform), logits))


@pytest.fixture
def beep(tmp_path: Path) -> Path:
    """Return ten seconds of soft noise with a tone at 3 kHz in the seventh."""
    sound = noise(10.0, np.random.default_rng(0), RATE, level=0.01)
    sound[6 * RATE : 7 * RATE] += tone(3000, 1.0, RATE, level=0.3)
    write_wav(tmp_path / "beep.wav", sound, RATE)
    return tmp_path / "beep.wav"


def test_the_second_and_the_band_of_the_tone_decided(beep: Path) -> None:
    model: Any = LoudBand()
    found = occlusion.explain(model, beep)
    assert found.style == "yes"
    assert found.probability > 0.9
    losses = [part.loss for part in found.stretches]
    assert int(np.argmax(losses)) == 6
    assert losses[6] > 0.5
    assert max(losses[:6] + losses[7:]) < 0.01
    assert (found.stretches[6].low, found.stretches[6].high) == (6.0, 7.0)
    band = max(found.bands, key=lambda part: part.loss)
    assert (band.low, band.high) == (2000, 4000)
    assert sum(part.loss > 0.01 for part in found.bands) == 1
    assert (found.bands[0].low, found.bands[-1].high) == (0, RATE / 2)


def test_the_reasons_of_another_style_are_losses_of_that(beep: Path) -> None:
    model: Any = LoudBand()
    found = occlusion.explain(model, beep, "no")
    assert found.probability < 0.1
    assert found.stretches[6].loss < -0.5


def test_a_stretch_is_silenced_without_a_click() -> None:
    waveform = np.ones(RATE, np.float32)
    out = occlusion.silenced(waveform, 1000, 5000, RATE)
    assert (out[:1000] == 1).all()
    assert (out[5000:] == 1).all()
    assert (out[1500:4500] == 0).all()
    assert np.abs(np.diff(out)).max() < 0.01
    assert (waveform == 1).all()


def test_the_picture_shows_a_tone_where_it_is() -> None:
    drawn = occlusion.picture(np.concatenate([silence(2.0, RATE), tone(1000, 2.0, RATE)]), RATE)
    assert drawn.shape == occlusion.PICTURE
    assert drawn[:, :100].max() == 0
    loudest = drawn[:, 200].argmax()
    assert drawn[loudest, 200] == drawn.max()
    assert 64 * 0.25 < loudest < 64 * 0.45  # 15 of the 50 mels of Slaney's scale below 11 kHz
    assert occlusion.picture(tone(1000, 0.01, RATE), RATE).shape == occlusion.PICTURE


def test_a_style_that_the_model_does_not_know(beep: Path, tiny: Path) -> None:
    with pytest.raises(EarmarkError, match="knows no style 'Polka'"):
        explain_file(beep, Model.open(tiny), "Polka")


def test_a_real_model_explains_itself(beep: Path, tiny: Path) -> None:
    model = Model.open(tiny)
    found = explain_file(beep, model)
    assert len(found.stretches) == occlusion.PARTS
    assert all(-1 <= part.loss <= 1 for part in (*found.stretches, *found.bands))
    assert len(found.as_json()["picture"]) == occlusion.PICTURE[0]
    assert found.sounds == ()  # it has no ear
    assert explain_file(beep, model, heard=Listener(model)(beep)).as_json() == found.as_json()


def test_what_was_heard_before_says_which_window_it_is(beep: Path, tiny: Path) -> None:
    model = Model.open(tiny)
    heard = Listener(model)(beep)
    shares = heard.timeline.probabilities.copy()
    shares[:, 1] = 0
    shares[4, 1] = 1
    moved = replace(heard, timeline=replace(heard.timeline, probabilities=shares))
    assert explain_file(beep, model, "Up", moved).start == 4.0
    assert explain_file(beep, model, "Up", replace(moved, model="another")).start != 4.0


def test_a_silent_window_speaks_for_nothing(beep: Path, tiny: Path) -> None:
    model = Model.open(tiny)
    heard = Listener(model)(beep)
    shares = heard.timeline.probabilities.copy()
    shares[:, 1] = 0
    shares[[2, 4], 1] = 1, 0.9
    weights = np.ones(len(shares))
    weights[2] = 0
    silent = replace(heard, timeline=replace(heard.timeline, probabilities=shares, weights=weights))
    assert explain_file(beep, model, "Up", silent).start == 4.0
    none = replace(heard, timeline=replace(heard.timeline, probabilities=shares, weights=np.zeros(len(shares))))
    assert explain_file(beep, model, "Up", none).start == 2.0


def test_the_window_is_heard_as_in_the_answer_without_the_silence_at_its_ends(tmp_path: Path) -> None:
    path = tmp_path / "ends.wav"
    beats = click_train(bpm=128, seconds=6.0, sample_rate=RATE)
    write_wav(path, np.concatenate([silence(3.0, RATE), beats, silence(4.0, RATE)]), RATE)
    model = Model.open("house12")
    heard = Listener(model)(path)
    style, share = heard.timeline.top(1)[0]
    assert explain_file(path, model, style, heard).probability == pytest.approx(share, abs=1e-6)


def test_the_sounds_in_the_window_are_named(tmp_path: Path) -> None:
    loud = tmp_path / "loud.wav"
    write_wav(loud, noise(3.0, np.random.default_rng(0), RATE, level=0.3), RATE)
    model = Model.open(tiny_bundle(tmp_path / "ear", ear=True))
    found = occlusion.explain(model, loud)
    (named,) = found.as_json()["sounds"]
    assert named["name"] == "drum machine"
    assert named["score"] > 0.04
