"""Decoding is tested against physics (tones, clicks, phases) and against the ffmpeg command line as the oracle."""

import itertools
import logging
import os
import platform
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
import soxr
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from earmark.audio import SUFFIXES, Recording, Sound, Waveform, decode, opening, recording
from earmark.errors import UnreadableAudio

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
RATE = 44100
SECONDS = 8.0
CLICK = 3.2  # seconds

# One row per way in which sound comes: file name -> the encoder's settings. AAC is encoded without noise substitution,
# which no two decodes repeat.
LOSSLESS = {
    "u8.wav": "-c:a pcm_u8",
    "s16.wav": "-c:a pcm_s16le",
    "s24.wav": "-c:a pcm_s24le",
    "s32.wav": "-c:a pcm_s32le",
    "f32.wav": "-c:a pcm_f32le",
    "f64.wav": "-c:a pcm_f64le",
    "s64.mka": "-c:a pcm_s64le -strict -2",
    "rf64.wav": "-c:a pcm_s16le -rf64 always",
    "s24.aiff": "-c:a pcm_s24be",
    "s16.w64": "-c:a pcm_s16le",
    "s16.caf": "-c:a pcm_s16be",
    "a.flac": "-c:a flac",
    "a.oga": "-c:a flac -f ogg",
    "alac.m4a": "-c:a alac",
    "a.wv": "-c:a wavpack",
    "a.tta": "-c:a tta",
    "film.mkv": "-c:a flac -f lavfi -i testsrc=s=64x64:r=25 -shortest -c:v mpeg4",
}
LOSSY = {
    "cbr.mp3": "-c:a libmp3lame -b:a 320k",
    "vbr.mp3": "-c:a libmp3lame -q:a 3",
    "low.mp3": "-c:a libmp3lame -b:a 32k",
    "noxing.mp3": "-c:a libmp3lame -q:a 3 -write_xing 0",
    "aac.m4a": "-c:a aac -b:a 192k -aac_pns 0",
    "adts.aac": "-c:a aac -b:a 192k -aac_pns 0",
    "film.mp4": "-c:a aac -aac_pns 0 -f lavfi -i testsrc=s=64x64:r=25 -shortest -c:v mpeg4",
    "a.ogg": "-c:a libvorbis",
    "a.opus": "-c:a libopus -b:a 128k",
    "a.webm": "-c:a libopus -b:a 128k",
    "a.mka": "-c:a libvorbis",
    "a.wma": "-c:a wmav2",
    "a.avi": "-c:a libmp3lame",
    "adpcm.wav": "-c:a adpcm_ms",
}
ENCODINGS = LOSSLESS | LOSSY

# Samples by which the encoder delays the sound where the container has no field to say so; FFmpeg drops a frame of WMA.
UNDECLARED_DELAY = {"noxing.mp3": 1105, "a.avi": 1105, "adts.aac": 1024, "a.wma": -2048}


def ffmpeg(*arguments: str | Path) -> bytes:
    command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True).stdout


def write(path: Path, signal: NDArray[np.float64], settings: str = "-c:a pcm_f32le", rate: int = RATE) -> Path:
    """Encode a signal of shape (samples, channels)."""
    raw = path.with_suffix(".raw")
    signal.astype("<f4").tofile(raw)
    inputs, outputs = [], settings.split()
    if "-i" in outputs:  # a second input must stand before the settings of the output
        at = outputs.index("-i")
        inputs, outputs = outputs[at - 2 : at + 2], outputs[: at - 2] + outputs[at + 2 :]
    ffmpeg("-f", "f32le", "-ar", str(rate), "-ac", str(signal.shape[1]), "-i", raw, *inputs, *outputs, path)
    raw.unlink()
    return path


def heard_by_ffmpeg(path: Path, channels: int) -> NDArray[np.float32]:
    """Decode with the command line, channel by channel, and average by NumPy."""
    raw = ffmpeg("-i", path, "-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "f32le", "-")
    mean: NDArray[np.float64] = np.frombuffer(raw, "<f4").reshape(-1, channels).mean(axis=1, dtype=np.float64)
    return mean.astype(np.float32)


def tone(frequency: float, seconds: float, rate: int = RATE, amplitude: float = 0.5) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    return amplitude * wave


@pytest.fixture(scope="module")
def piece() -> NDArray[np.float64]:
    """Return eight seconds of stereo, shape (samples, 2): chords, hiss, and one click amid a second of quiet."""
    rng = np.random.default_rng(32)
    chord = np.sum([tone(frequency, SECONDS, amplitude=0.1) for frequency in (110.0, 277.2, 659.3)], axis=0)
    signal = np.stack([chord, np.roll(chord, 1000)], axis=1) + rng.normal(0, 0.02, (len(chord), 2))
    click = round(CLICK * RATE)
    signal[click - RATE // 2 : click + RATE // 2] *= 0.001
    signal[click - 2 : click + 3] += np.array([0.2, 0.6, 0.9, 0.6, 0.2])[:, np.newaxis]
    return signal


@pytest.fixture(scope="module")
def encoded(piece: NDArray[np.float64], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what gives the piece in one of the ENCODINGS."""
    folder = tmp_path_factory.mktemp("encoded")

    def get(name: str) -> Path:
        path = folder / name
        return path if path.exists() else write(path, piece, ENCODINGS[name])

    return get


def difference(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    assert one.shape == other.shape
    return float(np.abs(one - other).max(initial=0))


def peak_frequency(waveform: Waveform, sample_rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return float(np.argmax(spectrum)) * sample_rate / len(waveform)


# Physics


@pytest.mark.parametrize("sample_rate", [44100, 22050, 16000, 48000])
def test_a_tone_keeps_its_frequency_and_amplitude(tmp_path: Path, sample_rate: int) -> None:
    path = write(tmp_path / "tone.wav", np.stack([tone(1000, 3)] * 2, axis=1))
    waveform = decode(path, sample_rate)
    assert waveform.dtype == np.float32
    assert waveform.shape == (3 * sample_rate,)
    middle = waveform[sample_rate : 2 * sample_rate]
    assert peak_frequency(middle, sample_rate) == 1000
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_click_lands_where_it_was_put(encoded: Callable[[str], Path], name: str) -> None:
    waveform = decode(encoded(name), 22050)
    quiet = waveform[round(2.8 * 22050) : round(3.6 * 22050)]
    delay = UNDECLARED_DELAY.get(name, 0) / RATE
    assert 2.8 + np.argmax(np.abs(quiet)) / 22050 == pytest.approx(CLICK + delay, abs=0.001)


def test_nothing_is_louder_than_the_mean_of_the_channels(tmp_path: Path) -> None:
    channels = np.array([0.8, 0.4, 0.2, -0.1, 0.0, 0.5])
    path = write(tmp_path / "six.flac", np.tile(channels, (RATE, 1)), "-c:a flac -sample_fmt s32")
    assert decode(path, RATE) == pytest.approx(channels.mean(), abs=1e-6)


def test_what_lies_above_the_new_nyquist_frequency_is_gone(tmp_path: Path) -> None:
    path = write(tmp_path / "high.wav", np.stack([tone(13000, 2)], axis=1))
    alias = decode(path, 22050)[2000:-2000]
    assert 20 * np.log10(np.sqrt(2 * np.mean(alias**2)) / 0.5) < -100


def test_a_float_file_may_be_louder_than_full_scale(tmp_path: Path) -> None:
    path = write(tmp_path / "loud.wav", np.full((100, 2), 2.5))
    assert decode(path, RATE) == pytest.approx(2.5)


# The oracle: the ffmpeg command line


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_format_is_heard_as_ffmpeg_hears_it(encoded: Callable[[str], Path], name: str) -> None:
    path = encoded(name)
    expected = heard_by_ffmpeg(path, 2)
    with Recording(path) as recording:
        assert (recording.sample_rate, recording.channels) == (48000 if "opus" in recording.codec else RATE, 2)
        waveform = np.concatenate(list(recording.blocks(recording.sample_rate)))
        assert recording.warnings == []
    # Newer releases of FFmpeg than PyAV's cut the last frame of AAC in MP4 to the length that the container declares.
    surplus = 1024 if path.suffix in {".m4a", ".mp4"} and name in LOSSY else 0
    assert 0 <= len(waveform) - len(expected) <= surplus
    assert difference(waveform[: len(expected)], expected) < 1e-6


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_back_what_was_put_in(
    encoded: Callable[[str], Path], piece: NDArray[np.float64], name: str
) -> None:
    step = 2 / 2 ** (8 if name.startswith("u8") else 16)
    assert difference(decode(encoded(name), RATE), piece.mean(axis=1)) < step


@pytest.mark.parametrize(
    ("name", "channels", "rate", "settings"),
    [
        ("mono.wav", 1, 8000, "-c:a pcm_u8"),
        ("three.wav", 3, 11025, "-c:a pcm_f64le"),
        ("surround.wav", 6, 48000, "-c:a pcm_s24le"),
        ("surround.flac", 8, 48000, "-c:a flac"),
        ("surround.m4a", 6, 48000, "-c:a aac"),
        ("surround.opus", 8, 48000, "-c:a libopus -mapping_family 255"),
        ("surround.ogg", 6, 44100, "-c:a libvorbis"),
        ("dozen.wv", 12, 48000, "-c:a wavpack"),
        ("high.wav", 8, 192000, "-c:a pcm_s32le"),
        ("high.flac", 2, 192000, "-c:a flac -sample_fmt s32"),
        ("voice.mp3", 1, 8000, "-c:a libmp3lame"),
        ("law.wav", 2, 44100, "-c:a pcm_mulaw"),
    ],
)
def test_any_rate_and_number_of_channels_is_heard(
    tmp_path: Path, name: str, channels: int, rate: int, settings: str
) -> None:
    signal = np.stack([tone(200 * (1 + channel), 1, rate) for channel in range(channels)], axis=1)
    path = write(tmp_path / name, signal, settings, rate)
    expected = heard_by_ffmpeg(path, channels)
    with Recording(path) as recording:
        assert (recording.sample_rate, recording.channels) == (rate, channels)
    assert difference(decode(path, rate)[: len(expected)], expected) < 1e-6
    assert np.sqrt(2 * np.mean(expected**2)) * channels == pytest.approx(0.5 * np.sqrt(channels), rel=0.2)


def stereo(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.stack([left, right], axis=1).astype(np.float64)


@pytest.mark.parametrize("settings", ["-c:a pcm_u8", "-c:a pcm_s16le", "-c:a pcm_f32le"])
def test_one_channel_is_heard_where_their_mean_cancels(tmp_path: Path, settings: str) -> None:
    sound = tone(440, 4)
    path = write(tmp_path / "antiphase.wav", stereo(sound, -sound), settings)
    sounds: list[Sound] = []
    with Recording(path) as recording:
        waveform = np.concatenate(list(recording.blocks(RATE, tap=sounds.append)))
        assert recording.warnings == ["the channels cancel each other for 4.0 s: one of them was heard there"]
    channels = np.concatenate([each.channels for each in sounds], axis=1)
    assert np.array_equal(waveform, channels[0])
    assert np.abs(waveform - sound).max() < 0.01
    assert np.array_equal(decode(path, RATE, start=1.5, duration=1), waveform[round(1.5 * RATE) : round(2.5 * RATE)])


def test_the_louder_of_channels_that_cancel_is_heard(tmp_path: Path) -> None:
    left = np.stack([0.01 * tone(440, 1), *(each * tone(300, 1) for each in (0.5, -0.5))], axis=1)
    assert np.abs(decode(write(tmp_path / "three.wav", left), RATE) - 0.5 * tone(300, 1)).max() < 1e-4


def test_only_the_part_that_cancels_is_heard_in_one_channel(tmp_path: Path) -> None:
    sound = tone(440, 20)
    right = np.where(np.arange(sound.size) < 10 * RATE, sound, -sound)
    waveform = decode(write(tmp_path / "half.wav", stereo(sound, right)), RATE)
    assert np.abs(waveform[: 9 * RATE] - sound[: 9 * RATE]).max() < 1e-6
    assert np.abs(waveform[12 * RATE :] - sound[12 * RATE :]).max() < 1e-6


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0, -0.5, -0.8])
def test_ordinary_stereo_is_the_mean_of_its_channels(tmp_path: Path, share: float) -> None:
    rng = np.random.default_rng(3)
    left = rng.normal(size=4 * RATE) * 0.1
    right = share * left + (1 - abs(share)) * rng.normal(size=left.size) * 0.1
    path = write(tmp_path / "stereo.wav", stereo(left, right))
    mean = (left.astype(np.float32) + right.astype(np.float32)) * np.float32(0.5)
    with Recording(path) as recording:
        assert np.array_equal(np.concatenate(list(recording.blocks(RATE))), mean)
        assert recording.warnings == []


def test_the_rounding_of_silence_does_not_count_as_channels_that_cancel(tmp_path: Path) -> None:
    dither = np.random.default_rng(0).integers(-1, 2, 2 * RATE) / 32768
    path = write(tmp_path / "dither.wav", stereo(dither, -dither), "-c:a pcm_s16le")
    with Recording(path) as recording:
        assert not np.concatenate(list(recording.blocks(RATE))).any()
        assert recording.warnings == []


def test_streamed_resampling_equals_resampling_the_whole(encoded: Callable[[str], Path]) -> None:
    path = encoded("f32.wav")
    whole = soxr.resample(decode(path, RATE), RATE, 16000, quality="HQ")
    assert difference(decode(path, 16000), whole) < 1e-6


def test_real_music_in_seven_containers_is_heard_as_ffmpeg_hears_it(shared_audio: Path) -> None:
    tracks = sorted((shared_audio / "tracks").iterdir())
    assert {track.suffix for track in tracks} == {".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"}
    for track in tracks:
        expected = heard_by_ffmpeg(track, 2)
        with Recording(track) as recording:
            position = 0
            for block in recording.blocks(recording.sample_rate):
                there = expected[position : position + len(block)]
                assert np.abs(block[: len(there)] - there).max(initial=0) < 1e-6, track
                position += len(block)
            assert 0 <= position - len(expected) < 1024, track
            assert recording.warnings == [], track
            assert recording.duration == pytest.approx(len(expected) / recording.sample_rate, abs=0.05), track


# Excerpts


@pytest.mark.parametrize("sample_rate", [RATE, 16000])
@pytest.mark.parametrize("name", ENCODINGS)
def test_an_excerpt_is_a_slice_of_the_whole(encoded: Callable[[str], Path], name: str, sample_rate: int) -> None:
    path = encoded(name)
    whole = decode(path, sample_rate)
    for start, duration in [(0.0, 1.0), (0.01, 0.3), (1.3, 0.5), (4.56789, 2.0), (7.2, None), (7.5, 9.0), (60.0, 1.0)]:
        stop = None if duration is None else round((start + duration) * sample_rate)
        expected = whole[round(start * sample_rate) : stop]
        excerpt = decode(path, sample_rate, start=start, duration=duration)
        assert excerpt.shape == expected.shape, (start, duration)
        assert np.abs(excerpt - expected).max(initial=0) < 1e-6, (start, duration)


def test_noise_that_aac_makes_up_is_of_the_same_power_after_a_jump(shared_audio: Path) -> None:
    track = shared_audio / "tracks" / "parallel.m4a"
    whole = decode(track, 22050)[60 * 22050 : 70 * 22050]
    excerpt = decode(track, 22050, start=60, duration=10)
    assert 20 * np.log10(np.std(excerpt - whole) / np.std(whole)) < -40
    assert np.std(excerpt) == pytest.approx(np.std(whole), rel=1e-3)


@pytest.mark.parametrize("name", ["tribb.mp3", "parallel.m4a", "eis.ogg", "melt.opus", "modula.flac"])
def test_an_excerpt_costs_far_less_than_the_whole(shared_audio: Path, name: str) -> None:
    track = shared_audio / "tracks" / name
    begin = time.process_time()
    whole = decode(track, 22050)
    middle = time.process_time()
    excerpt = decode(track, 22050, start=len(whole) / 22050 - 20, duration=10)
    assert len(excerpt) == 220500
    assert time.process_time() - middle < 0.5 * (middle - begin)


@pytest.mark.parametrize("landing", ["late", "error"])
def test_a_seek_that_fails_costs_time_but_no_sample(
    encoded: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, landing: str
) -> None:
    class BadIndex:
        def __init__(self, container: av.container.InputContainer) -> None:
            self.container, self.format = container, container.format
            self.demux, self.close = container.demux, container.close

        def seek(self, _: int, stream: av.AudioStream) -> None:
            if landing == "error":
                raise av.error.PermissionError(1, "Operation not permitted")
            self.container.seek(7 * RATE, stream=stream)

    whole = decode(encoded("a.flac"), RATE)
    with Recording(encoded("a.flac")) as recording:
        monkeypatch.setattr(recording, "_container", BadIndex(recording._container))  # noqa: SLF001
        excerpt = np.concatenate(list(recording.blocks(RATE, start=5, duration=1)))
    assert np.array_equal(excerpt, whole[5 * RATE : 6 * RATE])


@pytest.mark.parametrize("name", ["tribb.mp3", "modula.flac"])
def test_excerpts_one_after_the_other_are_those_of_the_whole_and_open_an_mp3_once(
    shared_audio: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = shared_audio / "tracks" / name
    whole = decode(track, RATE)
    opened: list[Path] = []

    def counted(path: Path) -> tuple[InputContainer, AudioStream]:
        opened.append(path)
        return opening.open_sound(path)

    monkeypatch.setattr(recording, "open_sound", counted)
    with Recording(track) as track_heard:
        for start in (0, 10, 30, 35, 50, 20):  # the last one lies behind
            excerpt = np.concatenate(list(track_heard.blocks(RATE, start=start, duration=1)))
            assert np.abs(excerpt - whole[start * RATE : (start + 1) * RATE]).max() < 1e-6
    assert len(opened) == (3 if name.endswith("mp3") else 6)


def test_a_recording_can_be_heard_twice(encoded: Callable[[str], Path]) -> None:
    with Recording(encoded("a.ogg")) as recording:
        first = np.concatenate(list(recording.blocks(22050)))
        next(recording.blocks(22050))  # given up half-way
        assert np.array_equal(np.concatenate(list(recording.blocks(22050))), first)


@pytest.mark.parametrize("arguments", [{"sample_rate": 0}, {"start": -1.0}, {"duration": -0.1}])
def test_negative_times_and_rates_are_refused(encoded: Callable[[str], Path], arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"cannot decode .* s from .* s at .* Hz"):
        decode(encoded("s16.wav"), **{"sample_rate": 22050, **arguments})  # type: ignore[arg-type]


# Damaged files


@pytest.mark.parametrize("name", ["cbr.mp3", "vbr.mp3", "a.flac", "s16.wav", "s24.aiff", "a.wv", "a.mka", "fast.m4a"])
def test_a_truncated_file_is_heard_as_far_as_it_goes(
    encoded: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path = tmp_path / name
    if name == "fast.m4a":  # the index in front, as files for the web have it
        ffmpeg("-i", encoded("aac.m4a"), "-c", "copy", "-movflags", "+faststart", path)
    else:
        path.write_bytes(encoded(name).read_bytes())
    whole = decode(path, 22050)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])
    with caplog.at_level(logging.WARNING, logger="earmark.audio"):
        waveform = decode(path, 22050)
    assert 0.8 * len(whole) < len(waveform) < 0.95 * len(whole)
    assert difference(waveform[:22050], whole[:22050]) < 1e-6
    seconds = len(waveform) / 22050
    expected = f"{path}: heard {seconds:.1f} s of 8.0 s declared: {len(whole) / 22050 - seconds:.1f} s missing"
    assert expected in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("name", ["cbr.mp3", "a.flac", "aac.m4a", "a.wma"])
def test_what_is_damaged_is_skipped_and_the_rest_is_heard(
    encoded: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    whole = decode(encoded(name), RATE)
    content = bytearray(encoded(name).read_bytes())
    middle, length = len(content) // 2, len(content) // 10
    content[middle : middle + length] = np.random.default_rng(7).bytes(length)
    path = tmp_path / name
    path.write_bytes(content)
    with Recording(path) as recording:
        waveform = np.concatenate(list(recording.blocks(RATE)))
        assert any("damaged packet" in warning or "missing" in warning for warning in recording.warnings)
    assert 0.8 * len(whole) < len(waveform) <= len(whole)
    assert difference(waveform[: 3 * RATE], whole[: 3 * RATE]) == 0
    # The last second is that of the whole file, wherever it came to lie.
    last = waveform[-RATE:-2000]
    at = np.argmax(np.correlate(whole[-2 * RATE :], last[:2000])) - 2 * RATE + len(whole)
    assert difference(last, whole[at : at + len(last)]) < 1e-6


def test_damage_raises_nothing_but_unreadable_audio_and_prints_nothing(
    encoded: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    heard = 0
    for name, seed in itertools.product(
        ["vbr.mp3", "aac.m4a", "alac.m4a", "a.ogg", "a.opus", "a.wv", "a.mka"], range(6)
    ):
        rng = np.random.default_rng(seed)
        content = np.frombuffer(encoded(name).read_bytes(), np.uint8).copy()
        content[rng.integers(len(content) // 10, len(content), 200)] = rng.integers(0, 256, 200)
        path = tmp_path / name
        path.write_bytes(content.tobytes())
        try:
            waveform = decode(path, 22050)
        except UnreadableAudio:
            continue
        heard += 1
        assert np.isfinite(waveform).all()
    assert heard > 20
    assert capfd.readouterr() == ("", "")


def test_an_mp3_without_a_frame_count_declares_nothing_and_misses_nothing(encoded: Callable[[str], Path]) -> None:
    with Recording(encoded("noxing.mp3")) as recording:
        assert recording.duration is None
        assert sum(map(len, recording.blocks(RATE))) > 8 * RATE
        assert recording.warnings == []


def test_tags_at_the_end_of_an_mp3_are_no_damage(encoded: Callable[[str], Path], tmp_path: Path) -> None:
    flags = [b"\x00\x00\x00\xa0", b"\x00\x00\x00\x80"]
    head, foot = (b"APETAGEX" + struct.pack("<III", 2000, 232, 1) + flag + bytes(8) for flag in flags)
    path = tmp_path / "tagged.mp3"
    path.write_bytes(encoded("noxing.mp3").read_bytes() + head + b"x" * 200 + foot + b"TAG" + b"x" * 125)
    with Recording(path) as recording:
        waveform = np.concatenate(list(recording.blocks(RATE)))
        assert recording.warnings == []
    assert np.array_equal(waveform, decode(encoded("noxing.mp3"), RATE))


def test_tags_in_an_unknown_encoding_do_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "s.wav", np.zeros((RATE, 1)), "-c:a pcm_s16le -metadata title=Muenchen")
    path.write_bytes(path.read_bytes().replace(b"Muenchen", b"M\xfcnchen\0"))
    assert len(decode(path, RATE)) == RATE


def test_numbers_that_are_none_become_silence_with_a_warning(tmp_path: Path) -> None:
    signal = np.full((RATE, 2), 0.25)
    signal[100, 0], signal[200, 1], signal[300] = np.nan, np.inf, 3e38  # the last pair overflows when added
    path = write(tmp_path / "nan.wav", signal)
    with Recording(path) as recording:
        waveform = np.concatenate(list(recording.blocks(RATE)))
        assert recording.warnings == [
            "3 samples were not finite, or beyond the level of any sound: replaced by silence"
        ]
    assert np.flatnonzero(waveform == 0).tolist() == [100, 200, 300]
    assert set(waveform.tolist()) == {0, 0.25}


def test_a_spike_that_no_sound_has_is_silenced_in_all_channels(tmp_path: Path) -> None:
    signal = np.full((RATE, 2), 0.25)
    signal[100] = 1e20, -1e20  # which their mean would hide
    signal[200] = 30_000.0  # the full scale of programs that count to 2**15
    path = write(tmp_path / "spike.wav", signal)
    sounds: list[Sound] = []
    with Recording(path) as recording:
        waveform = np.concatenate(list(recording.blocks(RATE, tap=sounds.append)))
        expected = "1 sample was not finite, or beyond the level of any sound: replaced by silence"
        assert recording.warnings == [expected]
    assert (waveform[99:102].tolist(), waveform[200]) == ([0.25, 0, 0.25], 30_000)
    channels = np.concatenate([sound.channels for sound in sounds], axis=1)
    assert channels[:, 99:102].tolist() == [[0.25, 0, 0.25]] * 2


def test_numbers_of_another_type_than_the_file_says_are_not_heard(tmp_path: Path) -> None:
    path = write(tmp_path / "ints.wav", tone(440, 3)[:, None])
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 8
    ints = (tone(440, 3) * (2**31 - 1)).astype("<i4").tobytes()
    content[place : place + len(ints)] = ints
    path.write_bytes(content)
    reason = r"it could not be heard: \d+% of its samples are no numbers that sound can have"
    with pytest.raises(UnreadableAudio, match=reason):
        decode(path, 22050)


@pytest.mark.parametrize(("samples", "rate"), [(1, 48000), (4, 192_000)])
def test_less_than_a_sample_at_the_rate_that_is_wanted_is_no_sound(tmp_path: Path, samples: int, rate: int) -> None:
    path = write(tmp_path / "short.wav", np.full((samples, 1), 0.5), "-c:a pcm_s16le", rate)
    with pytest.raises(UnreadableAudio, match=r"short\.wav: it holds no sound: it is shorter than a sample"):
        decode(path, 11025)
    assert len(decode(path, rate)) == samples


def test_flac_whose_streaminfo_stands_second_is_heard(encoded: Callable[[str], Path], tmp_path: Path) -> None:
    whole = encoded("a.flac")
    content = whole.read_bytes()
    tag = b"ID3\4\0\0\0\0\0\x0a" + bytes(10)
    padding = b"\x01\0\0\x05" + bytes(5)
    (tmp_path / "second.flac").write_bytes(tag + b"fLaC" + padding + content[4:])
    assert np.array_equal(decode(tmp_path / "second.flac", RATE), decode(whole, RATE))
    part = decode(tmp_path / "second.flac", RATE, start=3.0, duration=0.5)
    assert np.array_equal(part, decode(whole, RATE, start=3.0, duration=0.5))


def test_a_codec_tag_that_is_no_text_is_no_obstacle(encoded: Callable[[str], Path], tmp_path: Path) -> None:
    content = encoded("aac.m4a").read_bytes()
    path = tmp_path / "tag.m4a"
    path.write_bytes(content.replace(b"mp4a", b"mp\xffa"))
    assert np.array_equal(decode(path, RATE), decode(encoded("aac.m4a"), RATE))


@pytest.mark.parametrize("more", ["zeros", "itself", "lyrics"])
def test_what_stands_behind_an_mp3_is_not_missing(encoded: Callable[[str], Path], tmp_path: Path, more: str) -> None:
    content = encoded("cbr.mp3").read_bytes()
    lyrics = b"LYRICSBEGIN" + b"LYR00900" + b"x" * 900 + b"000919LYRICS200"
    path = tmp_path / "more.mp3"
    path.write_bytes(content + {"zeros": bytes(100_000), "itself": content, "lyrics": lyrics}[more])
    with Recording(path) as recording:
        heard = sum(block.size for block in recording.blocks(RATE)) / RATE
        assert [warning for warning in recording.warnings if "missing" in warning] == []
    assert heard == pytest.approx(16 if more == "itself" else 8, abs=0.1)
    if more == "zeros":
        assert recording.warnings == []


@pytest.mark.parametrize("name", ["a.ogg", "a.opus"])
def test_half_an_ogg_is_said_to_be_one(encoded: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    content = encoded(name).read_bytes()
    path = tmp_path / name
    for share, warnings in {1: [], 2: ["it has no last page: it was cut off, or recorded from a stream"]}.items():
        path.write_bytes(content[: len(content) // share])
        with Recording(path) as recording:
            heard = sum(block.size for block in recording.blocks(RATE)) / RATE
            assert recording.warnings == warnings
        assert heard == pytest.approx(8 / share, abs=1.2)
    path.write_bytes(content + bytes(300_000))  # what stands behind the last page does not hide it
    with Recording(path) as recording:
        assert sum(block.size for block in recording.blocks(RATE)) / RATE == pytest.approx(8, abs=0.1)
        assert [warning for warning in recording.warnings if "page" in warning] == []


def test_a_change_of_rate_and_channels_on_the_way_is_followed(tmp_path: Path) -> None:
    one = write(tmp_path / "one.mp3", np.stack([tone(1000, 3)] * 2, axis=1), "-c:a libmp3lame -write_xing 0")
    two = write(tmp_path / "two.mp3", np.stack([tone(1000, 3, 48000)], axis=1), "-c:a libmp3lame -write_xing 0", 48000)
    both = tmp_path / "both.mp3"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    waveform = decode(both, 22050)
    assert len(waveform) / 22050 == pytest.approx(6.1, abs=0.1)
    for second in (1, 4):
        stretch = waveform[second * 22050 : (second + 1) * 22050]
        assert peak_frequency(stretch, 22050) == 1000
        assert np.sqrt(2 * np.mean(stretch**2)) == pytest.approx(0.475, rel=0.01)  # LAME scales by 0.95


# Files that cannot be heard


def write_text(path: Path) -> None:
    path.write_text("To be or not to be, that is the question.\n" * 2000, encoding="utf-8")


def write_picture(path: Path) -> None:
    path.write_bytes(
        ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1", "-c:v", "mjpeg", "-f", "mjpeg", "-")
    )


def write_silent_film(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:r=25", "-t", "1", "-c:v", "mpeg4", path)


def write_nothing_of_a_wav(path: Path) -> None:
    write(path, np.zeros((0, 2)), "-c:a pcm_s16le")


def write_playlist(path: Path) -> None:
    write(path.with_suffix(".wav"), np.zeros((RATE, 2)))
    path.write_text(f"ffconcat version 1.0\nfile '{path.with_suffix('.wav').name}'\n", encoding="utf-8")


def write_protected(path: Path) -> None:
    write(path, np.zeros((RATE, 2)), "-c:a aac -f ipod")
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"drms"))


def write_unknown_codec(path: Path) -> None:
    write(path, np.zeros((RATE, 2)), "-c:a pcm_s16le")
    path.write_bytes(path.read_bytes().replace(b"fmt \x10\0\0\0\x01\0", b"fmt \x10\0\0\0\x99\x66"))


def write_scrambled(path: Path) -> None:
    write(path, np.stack([tone(440, 1)] * 2, axis=1), "-c:a alac")
    content = bytearray(path.read_bytes())
    begin, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[begin:end] = b"\xff" * (end - begin)
    path.write_bytes(content)


NOT_AUDIO = "it is not audio, or damaged beyond recognition"
UNHEARABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.mp3": (lambda _: None, "there is no such file"),
    "null\0byte.mp3": (lambda _: None, "no file can have this name"),
    "folder.mp3": (Path.mkdir, "it is a folder"),
    "pipe.wav": (os.mkfifo, "it is not a regular file"),
    "empty.mp3": (Path.touch, "the file is empty"),
    "text.mp3": (write_text, "no sound was found in it"),
    "text.wav": (write_text, NOT_AUDIO),
    "picture.jpg": (write_picture, NOT_AUDIO),
    "picture.mp3": (write_picture, NOT_AUDIO),
    "random.wav": (lambda path: path.write_bytes(np.random.default_rng(1).bytes(100_000)), NOT_AUDIO),
    "zeros.mp3": (lambda path: path.write_bytes(bytes(100_000)), "no sound was found in it"),
    "playlist.mp3": (write_playlist, NOT_AUDIO),
    "film.mp4": (write_silent_film, "no sound was found in it"),
    "nothing.wav": (write_nothing_of_a_wav, "it holds no sound: its length is zero"),
    "bought.m4p": (write_protected, "its sound is encrypted or of an unknown codec"),
    "future.wav": (write_unknown_codec, "its sound is encrypted or of an unknown codec"),
}


@pytest.mark.parametrize("name", UNHEARABLE)
def test_a_file_without_audio_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    make, reason = UNHEARABLE[name]
    path = tmp_path / name
    make(path)
    with pytest.raises(UnreadableAudio) as raised:
        decode(path, 22050)
    assert (raised.value.path, raised.value.reason) == (path, reason)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_are_no_music(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "random.mp3"
    path.write_bytes(np.random.default_rng(seed).bytes(100_000))
    with pytest.raises(UnreadableAudio, match=r"no sound was found in it|not audio|packets could not be decoded"):
        decode(path, 22050)


def test_a_file_none_of_whose_packets_can_be_decoded_says_so(tmp_path: Path) -> None:
    path = tmp_path / "scrambled.m4a"
    write_scrambled(path)
    with pytest.raises(UnreadableAudio, match=r"all its \d+ packets could not be decoded: damaged or encrypted"):
        decode(path, 22050)


def test_a_file_that_must_not_be_read_says_so(encoded: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise av.error.PermissionError(13, "Permission denied")

    monkeypatch.setattr(av, "open", refuse)  # root may read everything
    with pytest.raises(UnreadableAudio, match=r"s16\.wav: permission denied"):
        decode(encoded("s16.wav"), 22050)


def test_a_disk_that_fails_on_the_way_is_named(encoded: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingDisk:
        format = av.ContainerFormat("wav")

        def demux(self, _: object) -> Iterator[object]:
            raise av.error.OSError(5, "Input/output error")

        def close(self) -> None:
            pass

    with Recording(encoded("s16.wav")) as recording:
        monkeypatch.setattr(recording, "_container", FailingDisk())
        with pytest.raises(UnreadableAudio, match="reading failed: Input/output error"):
            list(recording.blocks(RATE))


def test_names_may_look_like_protocols(tmp_path: Path) -> None:
    path = write(tmp_path / "plain.wav", np.zeros((RATE, 1)))
    odd = path.rename(tmp_path / "http:%02d ünï'.wav")
    assert len(decode(odd, RATE)) == RATE
    assert stat.S_ISREG(odd.stat().st_mode)


def test_every_suffix_is_lower_case_and_the_usual_ones_are_there() -> None:
    assert {".wav", ".aiff", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".wma", ".wv", ".mp4"} <= SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_three_hour_mix_needs_little_memory(tmp_path: Path) -> None:
    settings = "-c:a libmp3lame -b:a 8k -write_xing 0"
    minute = write(tmp_path / "minute.mp3", np.stack([tone(440, 60, 8000)], axis=1), settings, 8000)
    mix = tmp_path / "mix.mp3"
    mix.write_bytes(minute.read_bytes() * 180)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from earmark.audio import Recording, windows\n"
        "with Recording(sys.argv[1]) as recording:\n"
        "    print(sum(1 for _ in windows(recording.blocks(11025), 30 * 11025, 15 * 11025)))\n"
        "print(*[line.split()[1] for line in Path('/proc/self/status').open() if line.startswith('VmHWM')])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program, mix], check=True, capture_output=True, text=True).stdout
    count, kilobytes = map(int, answer.split())
    assert count == pytest.approx(3 * 3600 / 15, abs=5)
    assert kilobytes < 150_000  # as float32 at 11,025 Hz the mix has 476,000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of the allocator of glibc")
def test_memory_is_kept_and_comes_in_large_pages() -> None:
    program = (
        "import resource\n"
        "import numpy as np\n"
        "from earmark.audio import keep_memory\n"
        "keep_memory()\n"
        "regions, huge = open('/proc/self/smaps').read().split('VmFlags:'), 0\n"
        "for region, flags in zip(regions, regions[1:]):\n"
        "    if '[heap]' in region and ' hg' in flags.splitlines()[0]:\n"
        "        huge += int(region.split('Size:')[1].split()[0])\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    np.ones(20 << 20, np.uint8)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "faults()\n"
        "print(huge, faults())\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    kilobytes, again = map(int, answer.split())
    assert kilobytes > 2 * 28 * 1024
    assert again < 100  # of the 5120 pages of 4 kB
