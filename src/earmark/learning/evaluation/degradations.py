"""Degradations of recordings under which the output of a model should not move: mp3, low-pass, speed and more.

Each degradation takes a file and gives the waveform that would have been heard, at the sample rate asked for. The
table is used twice: to teach a network what its descriptors do under damage (on sound of our own), and to measure how
far the answer of a finished model moves (on files that it was not taught with).
"""

import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import av.error
import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from earmark.analysis import Analysis, Answer
from earmark.audio import Recording, Waveform, decode
from earmark.errors import UnreadableAudio
from earmark.hearing import Model

Degradation = Callable[[Path, int], Waveform]

BAND_LIMIT = 16_000  # Hz: the sample rate of a file that holds nothing above 8 kHz
LOW_PASS, ROLL_OFF = 8_000, 200  # Hz
EXCERPT = 10.0  # seconds


def quieter(path: Path, sample_rate: int) -> Waveform:
    """12 dB quieter, and stored in 16 bits after that."""
    steps = np.round(decode(path, sample_rate) * (10 ** (-12 / 20) * 2**15))
    return (steps / 2**15).astype(np.float32)


def as_mp3(path: Path, sample_rate: int) -> Waveform:
    """Encoded as mp3 at 64 kb/s, all its channels together, and decoded.

    Raises:
        UnreadableAudio: the file is damaged where others would skip the damage, or cannot be encoded.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.mp3")
        try:
            _encode(path, copy)
        except av.error.FFmpegError as error:
            raise UnreadableAudio(path, f"it cannot be encoded as mp3: {error.strerror}") from error
        return decode(copy, sample_rate)


def _encode(path: Path, copy: Path) -> None:
    with av.open(str(path)) as source, av.open(str(copy), "w") as target:
        sound = source.streams.audio[0]
        stream = target.add_stream("libmp3lame", rate=min(sound.rate, 44_100))
        stream.bit_rate = 64_000
        for frame in source.decode(sound):
            frame.pts = None
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


def low_passed(path: Path, sample_rate: int) -> Waveform:
    """Nothing above 8 kHz, by a steep filter."""
    waveform = decode(path, sample_rate)
    size = next_fast_len(len(waveform) + sample_rate, real=True)  # what rings past the end must not come in in front
    spectrum = np.fft.rfft(waveform, size)
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    spectrum *= np.clip((LOW_PASS - frequency) / ROLL_OFF, 0, 1)
    passed: Waveform = np.fft.irfft(spectrum, size)[: len(waveform)].astype(np.float32)
    return passed


def band_limited(path: Path, sample_rate: int) -> Waveform:
    """Through a sample rate of 16 kHz and back."""
    narrow = soxr.resample(decode(path, sample_rate), sample_rate, BAND_LIMIT)
    wide: Waveform = soxr.resample(narrow, BAND_LIMIT, sample_rate)
    return wide


def mono(path: Path, sample_rate: int) -> Waveform:
    """One channel of 16 bits, stored as a file."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "mono.wav")
        with wave.open(str(copy), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(sample_rate)
            file.writeframes(np.round(np.clip(decode(path, sample_rate), -1, 1) * 32767).astype("<i2").tobytes())
        return decode(copy, sample_rate)


def faster(path: Path, sample_rate: int) -> Waveform:
    """4 % faster and higher, as a turntable plays it."""
    return _at_speed(decode(path, sample_rate), 1.04)


def slower(path: Path, sample_rate: int) -> Waveform:
    """4 % slower and lower."""
    return _at_speed(decode(path, sample_rate), 1 / 1.04)


def _at_speed(waveform: Waveform, speed: float) -> Waveform:
    moved: Waveform = soxr.resample(waveform, speed, 1.0)
    return moved


def vinyl(path: Path, sample_rate: int) -> Waveform:
    """From a worn record: hiss at -50 dB, rumble, ten clicks a second, and nothing above 12 kHz or below 30 Hz."""
    waveform = decode(path, sample_rate)
    generator = np.random.default_rng(0)
    size = next_fast_len(len(waveform) + sample_rate, real=True)
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    peak = max(float(np.abs(waveform).max()), 1e-9)
    hiss = peak * 10 ** (-50 / 20) * generator.standard_normal(len(waveform))
    rumble = np.fft.irfft(np.fft.rfft(generator.standard_normal(size)) * np.exp(-frequency / 30), size)[: len(waveform)]
    clicks = np.zeros(len(waveform))
    places = generator.integers(len(waveform), size=len(waveform) * 10 // sample_rate)
    clicks[places] = (
        peak * 10 ** (generator.uniform(-40, -10, len(places)) / 20) * generator.choice([-1, 1], len(places))
    )
    worn = waveform + hiss + peak * 10 ** (-45 / 20) * rumble / max(float(rumble.std()), 1e-9) + clicks
    band = 1 / (1 + (frequency / 12_000) ** 8) / (1 + (30 / np.maximum(frequency, 1)) ** 4)
    heard: Waveform = np.fft.irfft(np.fft.rfft(worn, size) * band, size)[: len(waveform)].astype(np.float32)
    return heard


def excerpt(path: Path, sample_rate: int) -> Waveform:
    """Ten seconds from the middle."""
    with Recording(path) as recording:
        middle = (recording.duration or EXCERPT) / 2
    return decode(path, sample_rate, start=max(0.0, middle - EXCERPT / 2), duration=EXCERPT)


DEGRADATIONS: dict[str, Degradation] = {
    "-12 dB": quieter,
    "64 kb/s mp3": as_mp3,
    "8 kHz low-pass": low_passed,
    "16 kHz resampling": band_limited,
    "mono": mono,
    "+4 % speed": faster,
    "-4 % speed": slower,
    "10-s excerpt": excerpt,
    "vinyl": vinyl,
}

TAUGHT = {"-12 dB": quieter, "64 kb/s mp3": as_mp3, "8 kHz low-pass": band_limited, "10-s excerpt": excerpt}
"""Those whose effect on descriptors a network is taught; on the others it is only measured."""


@dataclass(frozen=True)
class Movement:
    """The change of a model's output for one file under one degradation.

    `before` and `after` are the strongest style, `families` the strongest family before and after, `answers` what is
    named: styles, a family, or nothing. `distance` is the total variation between the two sets of probabilities: 0 if
    nothing moved, 1 if everything did.
    """

    path: Path
    degradation: str
    before: str
    after: str
    families: tuple[str, str]
    answers: tuple[tuple[str, ...], tuple[str, ...]]
    distance: float


def open_moving(model: str | Path) -> Callable[[Path], tuple[Movement, ...]]:
    """Open a model as a task of `runner` that returns the movements of each file."""
    return partial(movements, Model.open(model))


def movements(model: Model, path: Path) -> tuple[Movement, ...]:
    """Hear a file as it is and under each degradation; of a file that is no longer than the excerpt there is none.

    Raises:
        UnreadableAudio: there is no audio in it that can be heard.
    """
    rate = model.config.sample_rate
    whole = decode(path, rate)
    before = _analysis(model, path, whole)
    moved = []
    for name, degrade in DEGRADATIONS.items():
        waveform = degrade(path, rate)
        if degrade is excerpt and len(waveform) in {0, len(whole)}:  # 0: it ends before the middle that it declares
            continue
        after = _analysis(model, path, waveform)
        moved.append(
            Movement(
                path,
                name,
                before.timeline.top(1)[0][0],
                after.timeline.top(1)[0][0],
                (before.family()[0], after.family()[0]),
                (_named(before.answer()), _named(after.answer())),
                _distance(before.timeline.mean(), after.timeline.mean()),
            )
        )
    return tuple(moved)


def _analysis(model: Model, path: Path, waveform: Waveform) -> Analysis:
    """The styles that a model hears in a waveform of a file, as a listener tells them."""
    heard, config = model.hear(waveform), model.config
    return Analysis(
        path=path,
        duration=len(waveform) / config.sample_rate,
        timeline=heard.timeline,
        families=config.families,
        unknown=model.is_unknown(heard),
        embedding=heard.embedding,
        model=config.name,
        no_music=heard.no_music,
    )


def _named(answer: Answer) -> tuple[str, ...]:
    return (answer.family,) if answer.family_alone else answer.styles


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.abs(one - other).sum() / 2)
