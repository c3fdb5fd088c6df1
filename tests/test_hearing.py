"""Hearing is tested with a tiny model whose answers can be worked out, and with the properties of the shipped one."""

import subprocess
import sys
import wave
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earmark.audio import Waveform, decode
from earmark.errors import BundleError, UnreadableAudio
from earmark.hearing import Listener, Model
from earmark.hearing.bundle import locate, read_config
from earmark.hearing.listener import version_of
from earmark.testing import noise, silence, tone, write_wav
from earmark.testing.bundles import tiny_bundle

RATE = 8000  # Hz, of the tiny model
EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def model(tiny: Path) -> Model:
    return Model.open(tiny)


@pytest.fixture(scope="module")
def house12() -> Model:
    return Model.open("house12")


def constant(*values: float, seconds: float = 1.0) -> Waveform:
    """Stretches of a constant value each, which is what the tiny model hears."""
    return np.repeat(np.array(values, np.float32), round(seconds * RATE))


def expected(mean: float, temperature: float = 1.0) -> NDArray[np.float64]:
    """The probabilities of the tiny model for a window of this mean."""
    exponential = np.exp(np.array([0, 10 * mean, -10 * mean]) / temperature)
    probabilities: NDArray[np.float64] = exponential / exponential.sum()
    return probabilities


# The version


@pytest.mark.parametrize(("name", "version"), [("house12", "bd6ac702dcbeb1f6"), ("emusic12", "edd89f38468a066f")])
def test_the_version_of_a_shipped_model_is_the_one_in_the_catalogues_of_users(name: str, version: str) -> None:
    assert version_of(read_config(locate(name))) == version


def test_a_listener_has_the_version_of_its_model_and_its_mode(model: Model) -> None:
    assert Listener(model).version == version_of(model.config)
    assert Listener(model, parts=("key", "loudness", "rhythm")).version == version_of(model.config)
    assert Listener(model, fast=True).version == version_of(model.config, fast=True)
    listeners = [
        Listener(model),
        Listener(model, parts=()),
        Listener(model, parts=["key"]),
        Listener(model, fast=True),
        Listener(model, original=True),
    ]
    assert len({listener.version for listener in listeners}) == len(listeners)


def test_the_version_changes_with_the_model_and_not_with_its_card(model: Model) -> None:
    config, version = model.config, version_of(model.config)
    assert version_of(replace(config, measures={"precision_at_1": 1}, provenance={"summary": "else"})) == version
    others = [
        replace(config, name="other"),
        replace(config, temperature=2.0),
        replace(config, sha256=config.sha256 | {"model.onnx": "0"}),
    ]
    assert len({version, *map(version_of, others)}) == 4


# The model


def test_each_window_has_the_softmax_of_its_logits(model: Model) -> None:
    heard = model.hear(constant(0.1, -0.3, 0.0))
    assert heard.timeline.starts.tolist() == [0, 1, 2]
    assert heard.timeline.window == 1.0
    assert heard.timeline.probabilities == pytest.approx(
        np.stack([expected(0.1), expected(-0.3), expected(0)]), abs=1e-5
    )
    assert heard.timeline.probabilities.dtype == np.float32


def test_the_embedding_is_the_mean_of_those_of_the_windows(model: Model) -> None:
    assert model.hear(constant(0.1, -0.3)).embedding == pytest.approx([-0.1, 0.2], abs=1e-5)


def test_the_temperature_divides_the_logits(tmp_path: Path) -> None:
    model = Model.open(tiny_bundle(tmp_path / "warm", temperature=4))
    assert model.hear(constant(0.2)).timeline.mean() == pytest.approx(expected(0.2, temperature=4), abs=1e-5)


def test_tags_have_a_sigmoid_each(tmp_path: Path) -> None:
    tagging = Model.open(tiny_bundle(tmp_path / "tagging", task="tags"))
    heard = tagging.hear(constant(0.1))
    assert heard.timeline.probabilities[0] == pytest.approx(1 / (1 + np.exp([0, -1, 1])), abs=1e-5)


def test_values_are_no_probabilities(tmp_path: Path) -> None:
    model = Model.open(tiny_bundle(tmp_path / "values", task="values"))
    with pytest.raises(BundleError, match="values: the model gives values, no probabilities of styles or tags"):
        model.hear(constant(0.1))
    assert model.run(constant(0.1)[None])[0][0] == pytest.approx([0, 1, -1], abs=1e-5)


def test_the_last_window_is_pulled_back_to_end_with_the_waveform(model: Model) -> None:
    heard = model.hear(constant(0.0, 0.4, 0.1, seconds=0.5))  # 1.5 s: windows at 0 and 0.5 s
    assert heard.timeline.starts.tolist() == [0, 0.5]
    assert heard.timeline.probabilities == pytest.approx(np.stack([expected(0.2), expected(0.25)]), abs=1e-5)


def test_windows_overlap_where_the_hop_is_shorter(tmp_path: Path) -> None:
    model = Model.open(tiny_bundle(tmp_path / "dense", hop=0.25))
    assert model.hear(constant(0.1, 0.1)).timeline.starts.tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_a_waveform_shorter_than_a_window_is_heard_as_it_is(model: Model) -> None:
    heard = model.hear(constant(0.2, seconds=0.75))
    assert heard.timeline.window == 0.75
    assert heard.timeline.mean() == pytest.approx(expected(0.2), abs=1e-5)


def test_a_waveform_shorter_than_the_shortest_is_filled_up_with_silence(model: Model) -> None:
    heard = model.hear(constant(0.4, seconds=0.125))  # a quarter of the shortest, 0.5 s
    assert heard.timeline.window == 0.125
    assert heard.timeline.mean() == pytest.approx(expected(0.1), abs=1e-5)
    assert heard.embedding == pytest.approx([0.1, 0.1], abs=1e-5)


def test_nothing_cannot_be_heard(model: Model) -> None:
    with pytest.raises(ValueError, match="there is nothing to hear: the waveform is empty"):
        model.hear(np.empty(0, np.float32))
    with pytest.raises(ValueError, match="there is nothing to hear"):
        model.hear_windows([])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=st.integers(1, 30_000), cuts=st.lists(st.integers(0, 30_000), max_size=8))
def test_a_stream_of_any_blocks_is_heard_as_the_whole(model: Model, samples: int, cuts: list[int]) -> None:
    waveform = noise(samples / RATE, np.random.default_rng(samples), RATE)
    edges = [0, *sorted(min(cut, samples) for cut in cuts), samples]
    streamed = model.hear_windows(model.windows(waveform[start:end] for start, end in pairwise(edges)))
    whole = model.hear(waveform)
    assert np.array_equal(streamed.timeline.starts, whole.timeline.starts)
    # ONNX Runtime adds up in an order that depends on where in memory a window begins.
    assert streamed.timeline.probabilities == pytest.approx(whole.timeline.probabilities, abs=1e-5)
    assert streamed.embedding == pytest.approx(whole.embedding, abs=1e-6)
    assert streamed.timeline.window == whole.timeline.window == min(samples, RATE) / RATE


def test_hearing_twice_gives_the_same_and_leaves_the_waveform_alone(house12: Model) -> None:
    waveform = noise(3.0, np.random.default_rng(5), house12.config.sample_rate)
    before = waveform.copy()
    first, second = house12.hear(waveform), house12.hear(waveform)
    assert np.array_equal(first.timeline.probabilities, second.timeline.probabilities)
    assert np.array_equal(first.embedding, second.embedding)
    assert np.array_equal(waveform, before)


# The listener


def test_a_file_is_heard_in_windows_to_its_end(model: Model, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "steps.wav", constant(0.5, 0.5, -0.5, 0.1, seconds=0.75), RATE)
    analysis = Listener(model)(path)
    assert (analysis.path, analysis.model, analysis.warnings) == (path, "tiny", ())
    assert analysis.duration == 3.0
    assert analysis.timeline.starts.tolist() == [0, 1, 2]
    assert analysis.timeline.mean() == pytest.approx(
        np.mean([expected(0.5), expected(0), expected(-0.05)], axis=0), abs=1e-4
    )
    assert analysis.embedding == pytest.approx([0.15, 0.4], abs=1e-4)
    assert analysis.families == {"Still": "Rest", "Up": "Motion", "Down": "Motion"}


def test_the_duration_is_exact_to_a_sample(model: Model, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "odd.wav", constant(0.1, seconds=2.345625), RATE)  # 18,765 samples
    assert Listener(model)(path).duration == pytest.approx(18_765 / RATE, abs=1e-9)


def test_the_family_is_the_sum_of_its_styles(model: Model, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "still.wav", constant(0.0, 0.0), RATE)
    family, share = Listener(model)(path).family()
    assert family == "Motion"
    assert share == pytest.approx(2 / 3)


@pytest.mark.parametrize(("level", "unknown"), [(0.0, True), (0.04, True), (0.2, False)])
def test_what_no_style_is_probable_for_is_unknown(model: Model, tmp_path: Path, level: float, *, unknown: bool) -> None:
    path = write_wav(tmp_path / "constant.wav", constant(level), RATE)
    analysis = Listener(model)(path)
    assert analysis.unknown is unknown
    assert (analysis.timeline.top(1)[0][1] < model.config.unknown_threshold) is unknown


def test_windows_vote_by_the_share_of_them_that_sounds(model: Model) -> None:
    whole, most, few = constant(0.5), constant(-0.5, -0.5, -0.5, 0.0, seconds=0.25), constant(0.3, 0.0, seconds=0.2)
    heard = model.hear(np.concatenate([whole, most, few, constant(0.0, 0.0, seconds=0.3)]))
    assert heard.timeline.starts.tolist() == [0, 1, 2]
    assert heard.timeline.weights is not None
    assert heard.timeline.weights.tolist() == [1, 0.8, 0]  # of ten tenths; 0.75 s is in eight of them
    assert heard.timeline.mean() == pytest.approx((expected(0.5) + 0.8 * expected(-0.375)) / 1.8, abs=1e-4)
    assert heard.embedding == pytest.approx(np.array([0.5 - 0.8 * 0.375, 0.5 + 0.8 * 0.375]) / 1.8, abs=1e-4)


def test_a_track_is_as_sure_with_a_minute_of_silence_as_without(house12: Model) -> None:
    waveform = decode(EXAMPLES / "04-drum-and-bass.opus", house12.config.sample_rate)
    alone = house12.hear(waveform).timeline
    padded = house12.hear(np.concatenate([waveform, silence(60, house12.config.sample_rate)])).timeline
    (style, before), (same, after) = alone.top(1)[0], padded.top(1)[0]
    assert (style, same) == ("Drum & Bass", "Drum & Bass")
    assert after == pytest.approx(before, abs=0.02)
    assert [(part.start, part.end, part.style) for part in padded.segments()] == [(0, 90, "Drum & Bass")]


def test_a_track_that_ends_within_a_window_is_heard_as_without_the_silence_after_it(house12: Model) -> None:
    rate = house12.config.sample_rate
    waveform = decode(EXAMPLES / "04-drum-and-bass.opus", rate, duration=20)
    alone = house12.hear(waveform).timeline
    padded = house12.hear(np.concatenate([waveform, silence(60, rate)])).timeline
    assert padded.mean() == pytest.approx(alone.mean(), abs=0.02)
    assert padded.sounding() == pytest.approx(20, abs=0.2)


@pytest.mark.parametrize(
    ("waveform", "said"),
    [
        (noise(3.0, np.random.default_rng(0), RATE), "noise"),
        (tone(440, 3.0, RATE), "a lone tone"),
        (silence(3.0, RATE), "silence"),
    ],
    ids=["noise", "tone", "silence"],
)
def test_what_is_no_music_is_unknown_and_has_neither_tempo_nor_key(
    model: Model, tmp_path: Path, waveform: Waveform, said: str
) -> None:
    analysis = Listener(model)(write_wav(tmp_path / "sound.wav", waveform, RATE))
    assert (analysis.no_music, analysis.unknown, analysis.rhythm, analysis.key) == (said, True, None, None)
    assert str(analysis.answer()) == f"no music: {said}"


def truncated(path: Path, seconds: float) -> Path:
    """Cut a WAV file of 8 kHz short, and leave its header as it is."""
    path.write_bytes(path.read_bytes()[: 44 + 2 * round(seconds * RATE)])
    return path


@pytest.mark.parametrize("output", [0, 1], ids=["styles", "embedding"])
def test_an_answer_that_is_no_number_is_no_answer(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: int
) -> None:
    path = write_wav(tmp_path / "a.wav", constant(0.1), RATE)
    answer = list(model.run(constant(0.1)[None]))
    answer[output] = answer[output] * np.float32(np.nan)
    monkeypatch.setattr(Model, "run", lambda _, waveforms: answer)  # noqa: ARG005  one window
    with pytest.raises(UnreadableAudio, match=r"it could not be heard: its (styles|embedding) came out as no finite"):
        Listener(model)(path)


def test_a_truncated_file_is_heard_as_far_as_it_goes(model: Model, tmp_path: Path) -> None:
    path = truncated(write_wav(tmp_path / "cut.wav", constant(0.1, 0.2, 0.3, 0.4), RATE), 2.5)
    analysis = Listener(model)(path)
    assert analysis.duration == 2.5
    assert analysis.timeline.starts.tolist() == [0, 1, 1.5]
    assert analysis.warnings == ("heard 2.5 s of 4.0 s declared: 1.5 s missing",)


def test_a_file_without_sound_is_unreadable(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "text.mp3"
    path.write_text("not music", encoding="utf-8")
    with pytest.raises(UnreadableAudio, match=r"text\.mp3: it is not audio, or damaged beyond recognition"):
        Listener(model)(path)


def test_fast_hears_three_windows_of_a_long_file(model: Model, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "long.wav", constant(*[0.5] * 10, *[-0.5] * 10), RATE)
    analysis = Listener(model, fast=True)(path)
    assert analysis.timeline.starts == pytest.approx([5.5, 10.5, 15.5])  # around 30, 55 and 80 %
    assert [part.style for part in analysis.timeline.segments()] == ["Up", "Down"]
    assert analysis.timeline.probabilities[0] == pytest.approx(expected(0.5), abs=1e-4)
    assert (analysis.duration, analysis.timeline.window) == (20.0, 1.0)


def test_fast_hears_all_of_a_short_file(model: Model, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "short.wav", constant(0.1, 0.2, 0.3, 0.4, 0.5), RATE)
    fast, whole = Listener(model, fast=True)(path), Listener(model)(path)
    assert fast.timeline.starts.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(fast.timeline.probabilities, whole.timeline.probabilities)
    assert fast.duration == whole.duration == 5.0


@pytest.mark.parametrize("seconds", [4.0, 10.75, 15.0])
def test_fast_hears_all_that_is_left_of_a_truncated_file(model: Model, tmp_path: Path, seconds: float) -> None:
    path = truncated(write_wav(tmp_path / "cut.wav", constant(*[0.5] * 20), RATE), seconds)
    fast, whole = Listener(model, fast=True)(path), Listener(model)(path)
    assert np.array_equal(fast.timeline.starts, whole.timeline.starts)
    assert fast.duration == whole.duration == seconds
    assert (
        fast.warnings == whole.warnings == (f"heard {seconds:.1f} s of 20.0 s declared: {20 - seconds:.1f} s missing",)
    )


# The shipped model


@pytest.mark.parametrize("sound", ["silence", "tone", "noise"])
def test_what_is_no_music_is_unknown(house12: Model, tmp_path: Path, sound: str) -> None:
    rate = house12.config.sample_rate
    waveform = {
        "silence": silence(10, rate),
        "tone": tone(1000, 10, rate),
        "noise": noise(10, np.random.default_rng(1), rate),
    }[sound]
    analysis = Listener(house12)(write_wav(tmp_path / f"{sound}.wav", waveform, rate))
    assert np.isfinite(analysis.timeline.probabilities).all()
    assert analysis.unknown


def test_the_level_does_not_count(house12: Model) -> None:
    loud = decode(EXAMPLES / "11-techno.opus", house12.config.sample_rate, start=5, duration=10)
    quiet = np.float32(10 ** (-12 / 20)) * loud  # -12 dB
    before, after = house12.hear(loud).timeline.mean(), house12.hear(quiet).timeline.mean()
    assert after == pytest.approx(before, abs=1e-3)
    assert before.sum() == pytest.approx(1, abs=1e-5)


PEAK_OF_HEARING = """
import sys
from pathlib import Path
from earmark.hearing import Listener, Model
analysis = Listener(Model.open(sys.argv[1]))(sys.argv[2])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(analysis.duration, len(analysis.timeline.starts), int(peak.split()[1]) / 1024)
"""


@pytest.fixture(scope="module")
def three_hours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("mix") / "mix.wav"
    minute = (6000 * np.sin(np.arange(60 * RATE) / 7)).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        for _ in range(180):
            file.writeframesraw(minute)
    yield path
    path.unlink()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says what a process needed at most")
@pytest.mark.parametrize("name", ["tiny", pytest.param("house12", marks=pytest.mark.slow)])
def test_a_mix_of_three_hours_is_heard_in_less_than_300_mb(tiny: Path, three_hours: Path, name: str) -> None:
    source = {"tiny": str(tiny)}.get(name, name)
    command = [sys.executable, "-c", PEAK_OF_HEARING, source, str(three_hours)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    duration, windows, peak = map(float, printed)
    window = Model.open(source).config.window
    assert duration == pytest.approx(3 * 3600, abs=0.01)
    assert windows == np.ceil(3 * 3600 / window)
    assert peak < 300, f"{peak:.0f} MB"
