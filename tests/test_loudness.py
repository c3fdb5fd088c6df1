"""Loudness against the test signals of EBU Tech 3341 and 3342, BS.1770's own coefficients, and ffmpeg."""

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter

from earmark.analysis import Loudness
from earmark.audio import Recording, Sound, Waveform
from earmark.hearing.loudness import HOPEFUL, KWeighting, Meter, true_peak
from earmark.testing import noise, tone, write_wav

RATE = 48_000  # Hz
STEREO, SURROUND = ("FL", "FR"), ("FL", "FR", "FC", "LFE", "BL", "BR")


def measured(channels: NDArray[np.float32], rate: int = RATE, layout: tuple[str, ...] = STEREO) -> Loudness | None:
    """The loudness of channels (channels, samples)."""
    meter = Meter()
    meter.add(Sound(rate, layout, channels.astype(np.float32)))
    return meter.loudness()


def heard(channels: NDArray[np.float32], rate: int = RATE, layout: tuple[str, ...] = STEREO) -> Loudness:
    loudness = measured(channels, rate, layout)
    assert loudness is not None
    return loudness


def linear(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def sines(*parts: tuple[float, float], hz: float = 1000) -> NDArray[np.float32]:
    """A stereo sine that goes through levels (dBFS of its peak) for some seconds each."""
    waveform = np.concatenate([tone(hz, seconds, RATE, level=linear(level)) for level, seconds in parts])
    return np.stack([waveform, waveform])


def dull_noise(seconds: float, rng: np.random.Generator, rate: int) -> Waveform:
    """Noise that has, like music and unlike white noise, little above a quarter of the rate."""
    return np.convolve(noise(seconds, rng, rate), np.hanning(7) / 3, "same").astype(np.float32)


# Integrated loudness


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_a_sine_of_997_hz_has_the_loudness_of_its_level(rate: int) -> None:
    one = tone(997, 10, rate, level=linear(-23))
    assert heard(np.stack([one, one]), rate).integrated == pytest.approx(-23, abs=0.05)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
    ids=["case 1", "case 2", "case 3", "case 4", "case 5"],
)
def test_the_gates_are_those_of_tech_3341(parts: list[tuple[float, float]], expected: float) -> None:
    assert heard(sines(*parts)).integrated == pytest.approx(expected, abs=0.1)


def test_a_block_lasts_400_ms() -> None:
    assert heard(sines((-20, 0.4))).integrated == pytest.approx(-20, abs=0.1)
    assert measured(sines((-20, 0.39))) is None


@pytest.mark.parametrize(("quiet", "counts"), [(-31.5, True), (-34.0, False)])
def test_the_gate_is_10_lu_below_the_mean_of_what_is_heard(quiet: float, *, counts: bool) -> None:
    """Half of it at -20: the mean is at -22.7 LUFS with -31.5, and at -22.8 with -34."""
    expected = 10 * np.log10((10**-2.0 + 10 ** (quiet / 10)) / 2) if counts else -20
    assert heard(sines((-20, 20), (quiet, 20))).integrated == pytest.approx(expected, abs=0.1)


def test_each_channel_has_the_weight_of_its_place() -> None:
    """Tech 3341, case 6: 5.0 channels at -28, -24, -30 dBFS make -23 LUFS, however loud the subwoofer is."""
    levels = {"FL": -28, "FR": -28, "FC": -24, "LFE": -3, "BL": -30, "BR": -30}
    channels = np.stack([tone(1000, 20, RATE, level=linear(levels[place])) for place in SURROUND])
    assert heard(channels, layout=SURROUND).integrated == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("place", "weight"),
    [
        *(("FL", 1), ("FR", 1), ("FC", 1), ("LFE", 0), ("BL", 1.41), ("BR", 1.41), ("SL", 1.41), ("SR", 1.41)),
        *(("FLC", 1), ("BC", 1.41), ("TFL", 1), ("TBL", 1.41), ("TSR", 1.41), ("LFE2", 0)),
    ],
)
def test_each_place_has_its_weight_whatever_it_stands_beside(place: str, weight: float) -> None:
    sounding = tone(997, 2, RATE, level=0.1)
    channels = np.stack([np.zeros_like(sounding), sounding])
    front, there = heard(channels, layout=("FC", "FR")), measured(channels, layout=("FC", place))
    if weight:
        assert there is not None
        assert there.integrated - front.integrated == pytest.approx(10 * np.log10(weight), abs=0.001)
        assert there.curve - front.curve == pytest.approx(10 * np.log10(weight), abs=0.001)
    else:
        assert there is None


@pytest.mark.parametrize("layout", [("NONE",) * 8, ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")])
def test_the_sides_and_backs_of_seven_channels_are_louder(layout: tuple[str, ...]) -> None:
    sounding = tone(997, 2, RATE, level=0.1)
    levels = []
    for channel in range(8):
        channels = np.zeros((8, sounding.size), np.float32)
        channels[channel] = sounding
        loudness = measured(channels, layout=layout)
        levels.append(loudness.integrated if loudness else -np.inf)
    assert np.subtract(levels[:3], levels[0]) == pytest.approx([0, 0, 0], abs=1e-6)
    assert levels[3] == -np.inf
    assert np.subtract(levels[4:], levels[0]) == pytest.approx([1.492] * 4, abs=0.001)


def test_ffmpeg_measures_the_same_of_seven_channels(tmp_path: Path) -> None:
    """Each channel with a level of its own, the sides loudest."""
    gains = np.array([0.05, 0.06, 0.04, 0.5, 0.08, 0.02, 0.3, 0.1])
    channels = np.stack([dull_noise(8, np.random.default_rng(seed), RATE) for seed in range(8)]) * gains[:, None]
    path = write_wav(tmp_path / "seven.wav", channels.astype(np.float32), RATE)
    meter = Meter()
    with Recording(path) as recording:
        for _ in recording.blocks(22_050, tap=meter.add):
            pass
    loudness = meter.loudness()
    assert loudness is not None
    assert loudness.integrated == pytest.approx(ffmpeg_says(path)[0], abs=0.15)


def test_mono_is_3_lu_below_the_same_on_two_channels() -> None:
    one = tone(1000, 5, RATE, level=0.1)
    mono, stereo = heard(one[None], layout=("FC",)), heard(np.stack([one, one]))
    assert stereo.integrated - mono.integrated == pytest.approx(3.01, abs=0.01)


@pytest.mark.parametrize("gain", [-20.0, 6.0])
def test_gain_moves_all_but_the_range(gain: float) -> None:
    channels = np.stack([noise(8, np.random.default_rng(seed), RATE, level=0.2) for seed in (1, 2)])
    channels[:, : 3 * RATE] *= np.float32(0.3)
    before, after = heard(channels), heard(channels * np.float32(linear(gain)))
    assert after.integrated - before.integrated == pytest.approx(gain, abs=0.01)
    assert after.true_peak - before.true_peak == pytest.approx(gain, abs=0.01)
    assert after.range == pytest.approx(before.range, abs=0.01)
    assert after.curve == pytest.approx(before.curve + gain, abs=0.01)


def test_nothing_sounds_in_silence_or_within_an_instant() -> None:
    assert measured(np.zeros((2, 5 * RATE), np.float32)) is None
    assert measured(sines((-20, 0.3))) is None
    assert measured(sines((-75, 5))) is None
    assert Meter().loudness() is None


def test_channels_without_a_name_have_the_usual_places() -> None:
    channels = np.stack([tone(1000, 4, RATE, level=0.1 + 0.05 * place) for place in range(6)])
    assert heard(channels, layout=("NONE",) * 6).integrated == heard(channels, layout=SURROUND).integrated
    assert heard(channels[:2], layout=("NONE",) * 2).integrated == heard(channels[:2]).integrated


# Range and curve


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-20, 20), (-30, 20)], 10),
        ([(-20, 20), (-15, 20)], 5),
        ([(-40, 20), (-20, 20)], 20),
        ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15),
    ],
    ids=["case 1", "case 2", "case 3", "case 4"],
)
def test_the_range_is_that_of_tech_3342(parts: list[tuple[float, float]], expected: float) -> None:
    assert heard(sines(*parts)).range == pytest.approx(expected, abs=1)


def test_the_curve_is_the_short_term_loudness_around_each_second() -> None:
    curve = heard(sines((-30, 6), (-18, 6))).curve
    assert curve.shape == (12,)
    assert curve[:5] == pytest.approx([-30] * 5, abs=0.1)
    assert curve[8:] == pytest.approx([-18] * 4, abs=0.1)
    half = 10 * np.log10((10**-3.0 + 10**-1.8) / 2)
    assert curve[6] == pytest.approx(half, abs=0.1)


def test_silence_in_the_curve_is_the_floor() -> None:
    curve = heard(np.concatenate([sines((-20, 4)), np.zeros((2, 8 * RATE), np.float32)], axis=1)).curve
    assert curve[7:].tolist() == [-70] * 5


# The filter


def test_the_weighting_is_the_recursion_of_bs_1770() -> None:
    """The coefficients that the recommendation prints for 48 kHz, run sample by sample by SciPy."""
    channel = noise(1.0, np.random.default_rng(3), RATE)
    shelf = lfilter(
        [1.53512485958697, -2.69169618940638, 1.19839281085285], [1, -1.69065929318241, 0.73248077421585], channel
    )
    expected = lfilter([1, -2, 1], [1, -1.99004745483398, 0.99007225036621], shelf)
    weighting = KWeighting(1, RATE)
    weighted = np.concatenate([weighting.filter(channel[None]), weighting.flush()], axis=1)
    assert weighted[0] == pytest.approx(expected, abs=2e-6)


def test_an_offset_is_not_heard() -> None:
    weighting = KWeighting(1, RATE)
    weighted = weighting.filter(np.ones((1, 2 * RATE), np.float32))
    assert np.abs(weighted[0, RATE:]).max() < 1e-4


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 30_000), max_size=6))
def test_blocks_of_any_length_are_measured_as_the_whole(cuts: list[int]) -> None:
    rate = 8000
    channels = np.stack([dull_noise(30_000 / rate, np.random.default_rng(seed), rate) for seed in (1, 2)])
    whole = heard(channels, rate)
    meter = Meter()
    for start, end in pairwise([0, *sorted(cuts), 30_000]):
        meter.add(Sound(rate, STEREO, channels[:, start:end]))
    cut = meter.loudness()
    assert cut is not None
    assert (cut.integrated, cut.range, cut.true_peak) == pytest.approx(
        (whole.integrated, whole.range, whole.true_peak), abs=1e-4
    )
    assert cut.curve == pytest.approx(whole.curve, abs=1e-4)


# True peak


@pytest.mark.parametrize(
    ("hz", "degrees", "level", "expected"),
    [
        (RATE / 4, 0, 0.5, -6.0),
        (RATE / 4, 45, 0.5, -6.0),
        (RATE / 6, 60, 0.5, -6.0),
        (RATE / 8, 67.5, 0.5, -6.0),
        (RATE / 4, 45, 1.41, 3.0),
    ],
    ids=["case 15", "case 16", "case 17", "case 18", "case 19"],
)
def test_peaks_between_samples_are_those_of_tech_3341(hz: float, degrees: float, level: float, expected: float) -> None:
    wave = level * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE + np.deg2rad(degrees))
    wave[:480] *= np.linspace(0, 1, 480)  # the recommendation fades in and out: a sudden sine has other peaks
    wave[-480:] *= np.linspace(1, 0, 480)
    peak = 20 * np.log10(true_peak(wave[None].astype(np.float32), RATE))
    assert expected - 0.4 <= peak <= expected + 0.2


@pytest.mark.parametrize(("rate", "places"), [(44_100, 4), (96_000, 2), (192_000, 1)])
def test_the_peak_is_sought_between_samples_where_those_are_far_apart(rate: int, places: int) -> None:
    """At a quarter of the rate, half way between two samples of a sine, each of them is at 0.707."""
    wave = np.cos(np.pi / 2 * (np.arange(4000) + 0.5)) * np.hanning(4000)
    assert true_peak(wave[None].astype(np.float32), rate) == pytest.approx(1 if places > 1 else 0.7071, abs=0.02)


@pytest.mark.parametrize("samples", [13, 19, 20, 22, 23, 1005])
def test_what_lies_beyond_the_end_makes_no_peak(samples: int) -> None:
    """Silence there would: a waveform that breaks off swings over."""
    assert true_peak(np.full((1, samples), 0.5, np.float32), RATE) == pytest.approx(0.5, abs=1e-6)


def test_a_channel_whose_level_is_just_where_peaks_are_sought_does_no_harm() -> None:
    for loudest in np.linspace(0.1, 1, 20, dtype=np.float32):
        channel = np.full(100, loudest)
        assert true_peak([channel, channel * np.float32(HOPEFUL)], RATE) == pytest.approx(float(loudest))


@pytest.mark.parametrize("hz", [20, 50])
def test_the_crest_of_a_slow_wave_is_no_higher_where_two_blocks_meet(hz: float) -> None:
    channel = (np.hanning(2 * RATE) * np.sin(np.arange(2 * RATE) * 2 * np.pi * hz / RATE)).astype(np.float32)
    channel *= np.float32(0.5)
    meter = Meter()
    for start in range(0, channel.size, 1_234):
        meter.add(Sound(RATE, ("FC",), channel[None, start : start + 1_234]))
    loudness = meter.loudness()
    assert loudness is not None
    assert loudness.true_peak == pytest.approx(20 * np.log10(0.5), abs=0.01)


@pytest.mark.parametrize("moved", range(-6, 7))
def test_a_peak_where_two_blocks_meet_is_found(moved: int) -> None:
    """A short stroke at a quarter of the rate has its crest in the middle between two samples, 3 dB above both."""
    places = np.arange(-RATE // 2, RATE // 2) + 0.5  # samples from the crest
    channel = (0.5 * np.cos(places * np.pi / 2) * np.exp(-((places / 20) ** 2))).astype(np.float32)
    border = RATE // 2 + moved
    meter = Meter()
    for block in (channel[:border], channel[border:]):
        meter.add(Sound(RATE, ("FC",), block[None]))
    loudness = meter.loudness()
    assert loudness is not None
    assert linear(loudness.true_peak) == pytest.approx(true_peak(channel[None], RATE), rel=1e-6)
    assert linear(loudness.true_peak) == pytest.approx(0.5, rel=0.02)


def test_passing_over_what_is_quiet_loses_no_peak() -> None:
    """A signal with one high peak, hidden between samples, in noise of any level."""
    rng = np.random.default_rng(4)
    for level in (0.01, 0.3, 0.6):
        channel = noise(0.5, rng, RATE, level=level)
        channel[7000:7040] += (np.cos(np.pi / 2 * (np.arange(40) + 0.5)) * np.hanning(40)).astype(np.float32)
        alone = true_peak(channel[None], RATE)
        every = max(true_peak(channel[None, start : start + 200], RATE) for start in range(0, channel.size - 200, 100))
        assert alone == pytest.approx(every, rel=1e-5)


def test_a_peak_beside_samples_3_db_below_the_highest_is_found() -> None:
    """A slow sine whose samples reach 0.8, then one whose samples reach 0.707 and which is at 1 between them."""
    slow = 0.8 * np.sin(2 * np.pi * 100 * np.arange(4800) / RATE)
    fast = np.cos(np.pi / 2 * (np.arange(4000) + 0.5)) * np.hanning(4000)
    assert true_peak(np.concatenate([slow, fast]).astype(np.float32)[None], RATE) == pytest.approx(1, abs=0.02)


# Against ffmpeg, on files


def ffmpeg_says(path: Path) -> tuple[float, float, float]:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostats", "-i", path, "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    summary = said[said.rindex("Summary") :]
    integrated, loudness_range, peak = (
        float(found[1]) for name in ("I", "LRA", "Peak") if (found := re.search(rf" {name}: +(-?[\d.]+)", summary))
    )
    return integrated, loudness_range, peak


@pytest.mark.parametrize("rate", [44_100, 32_000])
def test_ffmpeg_measures_the_same(tmp_path: Path, rate: int) -> None:
    rng = np.random.default_rng(5)
    swell = np.repeat(rng.uniform(0.02, 0.9, 16), rate).astype(np.float32)  # a level for each second
    stereo = np.stack([dull_noise(16, rng, rate) for _ in range(2)]) * swell
    path = write_wav(tmp_path / "swell.wav", stereo, rate)
    meter = Meter()
    with Recording(path) as recording:
        for _ in recording.blocks(22_050, tap=meter.add):
            pass
    loudness = meter.loudness()
    assert loudness is not None
    assert (loudness.integrated, loudness.range, loudness.true_peak) == pytest.approx(ffmpeg_says(path), abs=0.15)


@pytest.mark.parametrize("name", ["gold.wav", pytest.param("melt.opus", marks=pytest.mark.slow)])
def test_ffmpeg_measures_the_same_of_music(shared_audio: Path, name: str) -> None:
    path = shared_audio / "tracks" / name
    meter = Meter()
    with Recording(path) as recording:
        for _ in recording.blocks(22_050, tap=meter.add):
            pass
    loudness = meter.loudness()
    assert loudness is not None
    assert (loudness.integrated, loudness.range, loudness.true_peak) == pytest.approx(ffmpeg_says(path), abs=0.1)


# The tap that it hears by


def test_the_tap_hears_each_channel_at_the_rate_of_the_file(tmp_path: Path) -> None:
    left, right = tone(440, 4, 44_100), tone(660, 4, 44_100, level=0.25)
    path = write_wav(tmp_path / "stereo.wav", np.stack([left, right]), 44_100)
    tapped: list[Sound] = []
    with Recording(path) as recording:
        mixed: list[Waveform] = list(recording.blocks(22_050, tap=tapped.append))
        untapped = list(recording.blocks(22_050))
    assert {sound.rate for sound in tapped} == {44_100}
    channels = np.concatenate([sound.channels for sound in tapped], axis=1)
    assert channels == pytest.approx(np.stack([left, right]), abs=1 / 32767)
    assert np.array_equal(np.concatenate(mixed), np.concatenate(untapped))


def test_a_tap_hears_no_excerpt_from_the_middle(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(440, 2))
    with Recording(path) as recording, pytest.raises(ValueError, match="a tap hears a file from its beginning"):
        recording.blocks(22_050, start=1.0, tap=lambda _: None)


METER = """
import time
import numpy as np
from earmark.audio import Sound
from earmark.hearing.loudness import Meter

block = np.random.default_rng(1).normal(0, 0.1, (2, 70_000)).astype(np.float32)
seconds = []
for rate in (44_100, 192_000) * 3:
    meter = Meter()
    began = time.process_time()
    for _ in range(20):
        meter.add(Sound(rate, ("FL", "FR"), block))
    meter.loudness()
    seconds.append(time.process_time() - began)
print(sum(min(seconds[start::2]) for start in (0, 1)))
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one thread only")
def test_threads_of_linear_algebra_are_not_woken() -> None:
    """In Python and in workers of others nobody sets the number of threads; they would burn a dozen times the CPU."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    free, single = (
        float(subprocess.run([sys.executable, "-c", METER], env=env, check=True, capture_output=True).stdout)
        for env in (environment, environment | {"OPENBLAS_NUM_THREADS": "1"})
    )
    assert free < 2 * single


def test_nothing_is_measured_at_a_rate_that_the_weighting_cannot_have() -> None:
    for rate, heard_at in ((3_000, False), (4_000, True), (1_411_200, True), (2_822_400, False)):
        second = 0.1 * np.sin(np.arange(rate, dtype=np.float32) / 5)
        assert (measured(np.stack([second, second]), rate) is not None) is heard_at
