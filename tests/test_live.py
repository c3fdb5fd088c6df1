"""Listening to what plays: PCM from a pipe or a device, a ring of bounded size, answers in time."""

import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from earmark.audio import Waveform, decode
from earmark.audio.pcm import BLOCK, from_line, from_pipe
from earmark.errors import EarmarkError, MissingExtra
from earmark.hearing import Model
from earmark.hearing.live import Ring, moments
from earmark.hearing.sounds import CLASSES, KINDS, MOST, audible
from earmark.testing import silence, tiny_track, tone
from earmark.testing.bundles import tiny_bundle

EXAMPLES = Path(__file__).parents[1] / "examples"
RATE = 8000  # of the tiny model


def in_blocks(waveform: Waveform, size: int = 800) -> Iterator[Waveform]:
    yield from (waveform[start : start + size] for start in range(0, len(waveform), size))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(tiny_bundle(tmp_path_factory.mktemp("models") / "tiny", ear=True))


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time, in pieces that end within a sample."""

    def __init__(self, content: bytes) -> None:
        self._rest = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  what io gives
        piece, self._rest = self._rest[:1001], self._rest[1001:]
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("opened", [io.BytesIO, lambda content: io.BufferedReader(Trickle(content))])
def test_pcm_is_the_mean_of_its_channels_however_it_comes(opened: Callable[[bytes], Any]) -> None:
    left, right = tone(440, 1.0), tone(330, 1.0, level=0.2)
    content = np.column_stack([left, right]).astype("<f4").tobytes() + b"odd"
    blocks = list(from_pipe(opened(content), 22_050, 2))
    assert np.concatenate(blocks) == pytest.approx((left + right) / 2, abs=1e-7)
    assert max(map(len, blocks)) <= round(BLOCK * 22_050)


def test_what_is_no_sound_is_silence() -> None:
    samples = np.array([0.5, np.nan, np.inf, -np.inf, 1e30, -0.5], "<f4")
    (block,) = from_pipe(io.BytesIO(samples.tobytes()), 60, 1)
    assert block.tolist() == [0.5, 0, 0, 0, 0, -0.5]


def test_a_ring_keeps_the_last_samples() -> None:
    ring = Ring(10)
    for start in range(0, 25, 4):
        ring.add(np.arange(start, start + 4, dtype=np.float32))
    assert ring.total == 28
    assert ring.last(6).tolist() == [22, 23, 24, 25, 26, 27]
    assert ring.last(99).tolist() == list(range(18, 28))
    ring.add(np.arange(100, 125, dtype=np.float32))
    assert ring.last(10).tolist() == list(range(115, 125))
    assert Ring(10).last(5).tolist() == []


def test_there_is_an_answer_every_few_seconds_and_one_at_the_end(model: Model) -> None:
    stream = np.concatenate([np.full(4 * RATE, 0.5), np.full(5 * RATE, -0.5)]).astype(np.float32)
    answers = list(moments(in_blocks(stream), model, every=2.0))
    assert [answer.end for answer in answers] == [2, 4, 6, 8, 9]
    assert [answer.analysis.timeline.top(1)[0][0] for answer in answers] == ["Up", "Up", "Down", "Down", "Down"]
    assert {answer.analysis.duration for answer in answers} == {1.0}  # the window of the model


def test_a_stream_shorter_than_a_second_has_no_answer(model: Model) -> None:
    assert list(moments(in_blocks(tone(440, 0.9, RATE)), model)) == []


def test_silence_is_said_and_has_no_sounds(model: Model) -> None:
    (answer,) = moments(in_blocks(silence(3, RATE)), model, every=3.0)
    assert (answer.analysis.no_music, answer.sounds, answer.analysis.rhythm) == ("silence", (), None)


def test_memory_does_not_grow_with_the_stream(model: Model) -> None:
    def stream(seconds: int) -> Iterator[Waveform]:
        generator = np.random.default_rng(0)
        for _ in range(10 * seconds):
            yield generator.uniform(-0.5, 0.5, RATE // 10).astype(np.float32)

    def peak(seconds: int) -> int:
        tracemalloc.start()
        for _ in moments(stream(seconds), model, every=5.0):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    short, long = peak(20), peak(200)
    assert long < short + 1_000_000  # bytes; 200 seconds of this stream are 6.4 MB


def test_the_kinds_of_sound_are_those_of_the_ear(model: Model) -> None:
    scores = model.sounds(np.full(RATE, 0.5, np.float32))
    assert scores.keys() == {kind.name for kind in KINDS}
    assert scores["drum machine"] == pytest.approx(0.5)
    assert scores["singing"] == 0
    with pytest.raises(ValueError, match="the waveform is empty"):
        model.sounds(np.empty(0, np.float32))


def test_a_model_without_an_ear_hears_no_sounds(tiny: Path) -> None:
    assert Model(tiny).sounds(np.full(RATE, 0.5, np.float32)) == {}


def test_the_most_striking_sounds_are_said_first() -> None:
    scores = {kind.name: 0.5 * kind.usual for kind in KINDS} | {"piano": 0.9}
    machine = next(kind for kind in KINDS if kind.name == "drum machine")
    scores["drum machine"] = 2 * machine.usual
    assert [sound.name for sound in audible(scores)] == ["piano", "drum machine"]
    assert len(audible({kind.name: 1.0 for kind in KINDS})) == MOST
    assert audible({}) == ()


def test_the_classes_are_those_of_audioset(shared_teachers: Path) -> None:
    rows = (shared_teachers / "audioset_527_labels.csv").read_text(encoding="utf-8").splitlines()[1:]
    labels = [row.split(",", 2)[2].strip('"').casefold() for row in rows]
    gone = {  # those that YAMNet does not know
        "male speech, man speaking",
        "female speech, woman speaking",
        "battle cry",
        "male singing",
        "female singing",
        "funny music",
    }
    known = [label for label in labels if label not in gone]
    assert len(known) == CLASSES
    other = {
        "brass": "brass instrument",
        "strings": "bowed string instrument",
        "mallets": "mallet percussion",
        "scratching": "scratching (performance technique)",
    }
    assert {kind.name: known[kind.number] for kind in KINDS} == {
        kind.name: other.get(kind.name, kind.name) for kind in KINDS
    }


def test_loops_of_a_drum_machine_are_called_so(shared_audio: Path) -> None:
    house12 = Model.open("house12")
    for path in sorted((shared_audio / "house-loops").iterdir()):
        heard = audible(house12.sounds(decode(path, house12.config.sample_rate)))
        assert heard[0].name == "drum machine", path


def test_there_is_a_drum_machine_in_techno_and_none_in_ambient() -> None:
    house12 = Model.open("house12")
    named = {}
    for name in ("01-ambient", "11-techno"):
        waveform = decode(EXAMPLES / f"{name}.opus", house12.config.sample_rate)
        named[name] = {
            sound.name for sound in audible(house12.sounds(waveform[: round(29 * house12.config.sample_rate)]))
        }
    assert "drum machine" in named["11-techno"]
    assert "drum machine" not in named["01-ambient"]


def test_each_answer_is_there_within_a_second_of_its_sound() -> None:
    house12 = Model.open("house12")
    waveform = np.tile(decode(EXAMPLES / "04-drum-and-bass.opus", house12.config.sample_rate), 2)
    spent = []
    arrived = time.process_time()

    def stream() -> Iterator[Waveform]:
        nonlocal arrived
        for block in in_blocks(waveform, 2205):
            arrived = time.process_time()
            yield block

    for answer in moments(stream(), house12, every=10.0):
        spent.append(time.process_time() - arrived)
        rhythm = answer.analysis.rhythm
        assert rhythm is not None
        assert rhythm.bpm == pytest.approx(174, abs=0.2)
    assert answer.analysis.timeline.top(1)[0][0] == "Drum & Bass"
    assert len(spent) == 6
    assert max(spent) < 1.0


def test_the_command_hears_a_pipe() -> None:
    track = tiny_track(bpm=124.0, seconds=7.0, sample_rate=44_100)
    content = np.column_stack([track.waveform, track.waveform]).astype("<f4").tobytes()
    command = [sys.executable, "-m", "earmark", "listen", "--live", "--json", "--top", "2"]
    heard = subprocess.run(command, input=content, check=True, capture_output=True, env=os.environ)
    answers = [json.loads(line) for line in heard.stdout.splitlines()]
    assert [answer["end"] for answer in answers] == pytest.approx([3, 6, 7], abs=0.2)
    assert answers[-1]["rhythm"]["bpm"] == pytest.approx(124, abs=0.5)
    assert len(answers[-1]["styles"]) == 2
    assert answers[-1].keys() >= {"family", "key", "sounds", "unknown", "loudness"}
    assert heard.stderr == b""


def test_a_pipe_without_sound_is_said() -> None:
    command = [sys.executable, "-m", "earmark", "listen", "--live"]
    heard = subprocess.run(command, input=b"abc", check=False, capture_output=True, env=os.environ)
    assert (heard.returncode, heard.stdout) == (1, b"")
    assert heard.stderr == b"earmark: the pipe ended before there was a second of sound\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--live", "a.wav"), "--live goes with --top, --json, --model and the options of live sound only"),
        ((), "there is nothing to listen to: give files or folders, or --live"),
        (("--live", "--every", "nan"), "Invalid value for '--every': nan is no number"),
    ],
)
def test_what_does_not_go_together_is_refused(options: tuple[str, ...], reason: str) -> None:
    command = [sys.executable, "-m", "earmark", "listen", *options]
    refused = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"earmark: {reason}; `earmark listen --help` explains the options\n"


class Device(ModuleType):
    """A stand-in for sounddevice: a device that gives three blocks, and another one that is not there."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("sounddevice")

    class InputStream:
        def __init__(self, *, callback: Any, device: object, channels: int, blocksize: int, **_: object) -> None:  # noqa: ANN401
            if device == "none":
                raise Device.PortAudioError("no such device")
            for level in (0.1, 0.2, 0.3):
                callback(np.full((blocksize, channels), level, np.float32), blocksize, None, None)

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass


def test_the_line_input_comes_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Device())
    line = from_line("", 8000, 2)
    assert [next(line).tolist() for _ in range(3)] == [pytest.approx([level] * 800) for level in (0.1, 0.2, 0.3)]
    with pytest.raises(EarmarkError, match="sound device none: no such device"):
        next(from_line("none", 8000, 2))


def test_the_line_input_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(
        MissingExtra, match=r"the line input needs more than the base install: pip install 'earmark\[live"
    ):
        next(from_line("", 8000, 2))
