"""Rhythm: clicks whose moments are known, drums of both kinds, real loops with their tempo in the name."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earmark.analysis import Rhythm
from earmark.audio import Waveform, decode
from earmark.hearing import Listener, Model
from earmark.hearing.rhythm import OnsetAccumulator, bars, estimate_rhythm, onsets
from earmark.hearing.rhythm.bars import STEPS, scores, templates
from earmark.hearing.rhythm.beats import BeatGrid, fold
from earmark.hearing.rhythm.tempo import (
    CONVENTION,
    OCTAVE,
    TEMPI,
    at_any_level,
    autocorrelations,
    prior,
    refine,
    standardised,
    vertex,
)
from earmark.styles import families_of, styles
from earmark.synth import render
from earmark.testing import chord, click_train, clicks_at, noise, silence, sweep, tiny_track, tone, write_wav

RATE = 22_050  # Hz
EXAMPLES = Path(__file__).parents[1] / "examples"
Array = NDArray[np.float64]


def rhythm_of(waveform: Waveform, styles: dict[str, float] | None = None, rate: int = RATE) -> Rhythm | None:
    listener = OnsetAccumulator(rate)
    listener.add(waveform)
    return estimate_rhythm(listener.envelopes(), styles, families_of(styles or ()))


def heard(waveform: Waveform, styles: dict[str, float] | None = None, rate: int = RATE) -> Rhythm:
    rhythm = rhythm_of(waveform, styles, rate)
    assert rhythm is not None
    return rhythm


def off(found: Array, true: Array) -> Array:
    """By how many seconds each true moment is missed."""
    nearest: Array = np.abs(found[:, None] - true).min(0)
    return nearest


# A constant tempo


@pytest.mark.parametrize("bpm", [105.5, 119.99, 128.0, 140.03, 173.5])
def test_the_tempo_of_a_metronome_is_exact(bpm: float) -> None:
    rhythm = heard(click_train(bpm, 60.0, first=0.2))
    assert rhythm.bpm == pytest.approx(bpm, abs=0.005)
    assert rhythm.drift == 0


@pytest.mark.parametrize("first", [0.0, 0.1234, 0.4])
def test_the_beats_of_a_metronome_are_exact(first: float) -> None:
    true = np.arange(first, 30, 60 / 128)
    rhythm = heard(clicks_at(true, 30.0))
    assert off(rhythm.beats, true).max() < 0.003
    assert len(rhythm.beats) == len(true)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_any_sample_rate_will_do(rate: int) -> None:
    rhythm = heard(click_train(126.4, 30.0, rate, first=0.3), rate=rate)
    assert rhythm.bpm == pytest.approx(126.4, abs=0.02)
    assert off(rhythm.beats, np.arange(0.3, 30, 60 / 126.4)).max() < 0.004


def test_swing_delays_no_beat() -> None:
    """The sixteenths between the eighths come late by a triplet; the beats are where they were."""
    beat = 60 / 124
    true = np.arange(0.5, 40, beat)
    rng = np.random.default_rng(0)
    waveform = 0.6 * clicks_at(true, 40.0, hz=80)
    for place, level in ((0.25 + 0.08, 0.2), (0.5, 0.35), (0.75 + 0.08, 0.2)):
        waveform += level * clicks_at(true + place * beat, 40.0, hz=5000)
    rhythm = heard((waveform + noise(40.0, rng, level=0.001)).astype(np.float32))
    assert rhythm.bpm == pytest.approx(124, abs=0.01)
    assert off(rhythm.beats, true).max() < 0.005


def test_the_beats_go_on_where_no_drum_plays() -> None:
    beat = 60 / 132
    true = np.arange(0.05, 60, beat)
    rhythm = heard(clicks_at(true[(true < 20) | (true > 40)], 60.0))
    assert off(rhythm.beats, true).max() < 0.003


def test_noise_hides_no_beat() -> None:
    waveform = click_train(131.3, 40.0) + noise(40.0, np.random.default_rng(1), level=0.1)
    assert heard(waveform.astype(np.float32)).bpm == pytest.approx(131.3, abs=0.02)


def test_the_level_does_not_count() -> None:
    waveform = tiny_track(seconds=20.0).waveform
    loud, quiet = heard(waveform), heard(waveform * np.float32(0.01))
    assert quiet.bpm == pytest.approx(loud.bpm, abs=0.001)
    assert quiet.beats == pytest.approx(loud.beats, abs=0.0001)


@pytest.mark.parametrize("about", [127.6, 128.2, 128.5])
def test_the_tempo_is_refined_to_a_thousandth(about: float) -> None:
    accumulator = OnsetAccumulator(RATE)
    accumulator.add(click_train(128.03, 40.0))
    envelopes = accumulator.envelopes()
    strength = standardised(envelopes.onset_strength())
    assert refine(strength, envelopes.frame_rate, about) == pytest.approx(128.03, abs=0.001)


def test_an_edit_by_some_milliseconds_is_no_drift() -> None:
    true = np.arange(0.3, 60, 60 / 126)
    assert heard(clicks_at(true + 0.018 * (true > 30), 60.0)).drift == 0


# A tempo that drifts


def moments(tempo: Callable[[Array], Array], seconds: float) -> Array:
    """When the beats of a changing tempo (BPM) fall."""
    times = np.linspace(0, seconds, 100_001)
    bpm = tempo(times)
    phase = np.concatenate([[0], np.cumsum((bpm[1:] + bpm[:-1]) / 2 * np.diff(times))]) / 60
    return np.interp(np.arange(1, phase[-1]), phase, times)


@pytest.mark.parametrize(
    ("tempo", "mean", "drift"),
    [
        (lambda t: 126 + 2 * t / 90, 127.0, 2 / np.sqrt(12)),
        (lambda t: 120 + 1.5 * np.sin(2 * np.pi * t / 30), 120.0, 1.5 / np.sqrt(2)),
    ],
    ids=["faster", "to and fro"],
)
def test_a_drifting_tempo_is_followed(tempo: Callable[[Array], Array], mean: float, drift: float) -> None:
    true = moments(tempo, 90.0)
    rhythm = heard(clicks_at(true, 90.0))
    assert rhythm.bpm == pytest.approx(mean, abs=0.1)
    assert rhythm.drift == pytest.approx(drift, rel=0.3)
    missed = off(rhythm.beats, true)
    assert np.median(missed) < 0.01
    assert np.mean(missed < 0.035) > 0.97


def test_a_machine_does_not_drift() -> None:
    assert heard(tiny_track(seconds=30.0).waveform).drift == 0


# No beat


@pytest.mark.parametrize(
    "waveform",
    [
        silence(20),
        noise(60, np.random.default_rng(2)),
        tone(440, 30),
        chord((110.0, 220.5, 331.0), 60),
        sweep(100, 5000, 30),
        clicks_at([3.0, 7.7], 20),
        click_train(128, 2.0),
        np.zeros(0, np.float32),
    ],
    ids=["silence", "noise", "tone", "drone", "sweep", "two clicks", "too short", "nothing"],
)
def test_where_there_is_no_beat_none_is_found(waveform: Waveform) -> None:
    assert rhythm_of(waveform) is None


def test_clicks_at_random_are_no_beat() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        assert rhythm_of(clicks_at(np.sort(rng.uniform(0, 60, 120)), 60)) is None


def test_a_mix_has_no_one_tempo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onsets, "LONGEST", 20.0)
    assert rhythm_of(click_train(128, 19.0)) is not None
    assert rhythm_of(click_train(128, 21.0)) is None


# Half or double


@pytest.mark.parametrize(
    ("bpm", "style", "expected"),
    [
        (172, "Halftime", 172),
        (86, "Drum & Bass", 172),
        (86, "Ambient / Electronic", 86),
        (138, "Trance", 138),
        (69, "Trance", 138),
        (70, "Trap", 140),
        (124, "Deep House", 124),
    ],
)
def test_the_style_decides_between_half_and_double(bpm: float, style: str, expected: float) -> None:
    waveform = tiny_track(bpm, 30.0, half_time=style in ("Halftime", "Trap")).waveform
    assert heard(waveform, {style: 0.9, "Techno / Tech House": 0.1}).bpm == pytest.approx(expected, abs=0.05)


def test_without_a_style_the_drums_decide() -> None:
    assert heard(tiny_track(65.0, 30.0).waveform).bpm == pytest.approx(65, abs=0.05)
    assert heard(tiny_track(126.0, 30.0).waveform, {"Gabber": 1.0}).bpm == pytest.approx(126, abs=0.05)


def test_the_prior_of_each_style_is_highest_at_its_usual_tempo() -> None:
    octaves = np.linspace(5.5, 8, 2501)
    for style in styles():
        likeliest = 2 ** octaves[prior(2**octaves, {style.label: 1.0}).argmax()]
        assert style.bpm[0] < likeliest < style.bpm[1], style.label


def test_a_style_that_mostly_has_no_beat_counts_less() -> None:
    assert [style.label for style in styles() if style.beatless] == ["Ambient / Electronic"]
    ambient, trance, both = (
        float(prior(np.array([97.0]), dict.fromkeys(labels, 1 / len(labels)))[0])
        for labels in (["Ambient / Electronic"], ["Trance"], ["Ambient / Electronic", "Trance"])
    )
    assert both == pytest.approx(0.25 * ambient + 0.75 * trance)  # a third of its half, beside a half


def test_the_style_may_be_wrong() -> None:
    """At a tempo that is no drum & bass, two fifths of the prior of any music are left."""
    bpm = np.array([128.0])
    assert prior(bpm, {"Drum & Bass": 1.0}) / prior(bpm, {}) == pytest.approx(0.4, abs=0.001)


def test_the_prior_is_a_density() -> None:
    octaves = np.linspace(3, 11, 8001)
    for shares in ({}, {"Trance": 1.0}, {"Halftime": 0.5, "Ambient / Electronic": 0.5}):
        total = float(np.sum(prior(2**octaves, shares)) * (octaves[1] - octaves[0]))
        assert total == pytest.approx(np.sqrt(2 * np.pi), rel=1e-3)  # bells are not divided by it
    low, high = next(style.bpm for style in styles() if style.label == "Trance")
    inside, half = prior(np.array([(low + high) / 2, (low + high) / 4]), {"Trance": 1.0})
    assert inside > 10 * half


# Any tempo

GROOVES = {
    "four": ("X...X...X...X...", "....X.......X...", "..x...x...x...x."),
    "house": ("X...X...X...X...", "....X.......X...", "x.x.x.x.x.x.x.xx"),
    "rock": ("X.......X.......", "....X.......X...", "x.x.x.x.x.x.x.x."),
    "hip hop": ("X.....x..xX.....", "....X.......X...", "x.x.x.x.x.x.x.x."),
    "808": ("X..X....X.X.....", "....X.......X...", "xxxxxxxxxxxxxxxx"),
    "two-step": ("X.........x.....", "....X.......X...", "..x.x.x...x.xxx."),
    "half-time": ("X.....x.........", "........X.......", "x...x...x...x..."),
    "trap hats": ("X.....x...x..x..", "........X.......", "x.x.xxx.x.x.x.xx"),
    "break": ("X.X.......XX....", "....X..x.x..X..x", "x.x.x.x.x.x.x.x."),
    "triplets": ("X.....X.....", "...X.....X..", "x.xx.xx.xx.x"),
}  # kick, snare and hat in the steps of a bar; X is louder than x


def groove(name: str, bpm: float, *, swing: float = 0.0, harmony: bool = False, seconds: float = 14.0) -> Waveform:
    """Drums, and with `harmony` a bass on the eighths and a chord on each bar; swing in steps."""
    rng = np.random.default_rng([len(name), round(bpm)])
    kick = (tone(52, 0.18) + tone(110, 0.18) * np.exp(-np.arange(round(0.18 * RATE)) / 300)) * _fading(0.18, 0.06)
    drums = (kick, noise(0.15, rng) * _fading(0.15, 0.04) * 1.2, np.diff(noise(0.04, rng)) * 0.25)
    waveform = np.zeros(round((seconds + 1) * RATE), np.float32)
    steps, bar = len(GROOVES[name][0]), 240 / bpm
    for pattern, drum in zip(GROOVES[name], drums, strict=True):
        for count in range(int(seconds / bar * steps)):
            mark = pattern[count % steps]
            at = round((0.3 + (count + swing * (count % 2)) * bar / steps) * RATE)
            waveform[at : at + drum.size] += (drum * {"X": 1.0, "x": 0.6, ".": 0.0}[mark])[: waveform.size - at]
    if harmony:
        for count in range(int(seconds / bar * 8)):
            hertz = (55.0, 55.0, 65.4, 49.0)[count // 8 % 4]
            sounds = [tone(hertz, bar / 10, level=0.2) * _fading(bar / 10, bar / 12)]
            if count % 8 == 0:
                sounds.append(chord((4 * hertz, 4.8 * hertz, 6 * hertz), bar, level=0.3).astype(np.float64))
            for sound in sounds:
                at = round((0.3 + count * bar / 8) * RATE)
                waveform[at : at + sound.size] += sound[: waveform.size - at]
    return np.asarray(waveform[: round(seconds * RATE)] / np.abs(waveform).max(), np.float32)


def _fading(seconds: float, decay: float) -> Array:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.exp(-times / decay) * np.minimum((seconds - times) / 0.005, 1)


def octaves_off(name: str, bpm: float, **how: float) -> float:
    found = heard(groove(name, bpm, harmony=bool(how.get("harmony")), swing=how.get("swing", 0.0))).bpm
    return float(np.log2(found / bpm))


def test_the_tempo_of_a_groove_is_found_at_any_tempo_but_for_octaves() -> None:
    off = [
        octaves_off(name, bpm, harmony=(bpm // 8 + number) % 2, swing=0.3 * (name in ("house", "hip hop")))
        for number, name in enumerate(GROOVES)
        for bpm in range(60, 221, 8)
    ]
    beyond = [abs(each - round(each)) > 0.01 for each in off]
    assert np.mean(beyond) <= 0.02
    assert np.mean(np.abs(off) < 0.01) > 0.75  # at the level that is written


@pytest.mark.parametrize("name", ["hip hop", "808", "rock", "break"])
def test_hip_hop_is_not_heard_a_third_too_fast(name: str) -> None:
    for bpm in (95.0, 97.5, 100.0, 102.0):
        off = octaves_off(name, bpm)
        assert off == pytest.approx(round(off), abs=0.01)  # 4:3 is 0.415


@pytest.mark.parametrize("bpm", [180, 185, 190, 200, 210])
def test_a_fast_four_on_the_floor_is_not_heard_at_two_thirds(bpm: float) -> None:
    assert heard(groove("four", bpm, seconds=36.0)).bpm == pytest.approx(bpm, abs=0.1)


def test_a_tempo_that_may_be_another_has_less_confidence() -> None:
    sure, unsure = heard(groove("four", 126.0)), heard(groove("four", 210.0))
    assert sure.confidence > 0.9
    assert unsure.confidence < 0.8


@pytest.mark.parametrize("frames", [400, 5000])
def test_onsets_agree_with_themselves_as_sums_of_products_say(frames: int) -> None:
    onsets = standardised(np.random.default_rng(1).random((frames, 8)))
    found = autocorrelations(onsets, 100.0)
    assert found.shape == (2, min(frames, 1657))  # 16 beats at 58 BPM
    lags = np.array([0, 1, 57, 390])
    smooth = onsets.copy()
    smooth[1:-1] = (onsets[:-2] + 2 * onsets[1:-1] + onsets[2:]) / 4
    for row, bands in zip(found, (smooth, smooth[:, :2]), strict=True):
        sums = np.array([np.sum(bands[: frames - lag] * bands[lag:]) for lag in lags])
        assert row[lags] == pytest.approx(sums / sums[0] / np.maximum(1 - lags / frames, 0.1))


def test_some_tracks_are_counted_at_another_level_than_their_drums_suggest() -> None:
    likelihood = np.zeros(TEMPI.size)
    slow, fast = (int(np.abs(TEMPI - bpm).argmin()) for bpm in (87, 174))
    likelihood[fast] = 1.0
    counted = at_any_level(likelihood)
    assert fast - slow == OCTAVE
    assert counted[fast] == pytest.approx(1 - CONVENTION + CONVENTION / 2)
    assert counted[slow] == pytest.approx(CONVENTION / 2)
    assert np.count_nonzero(counted) == 2


# Bars


@pytest.mark.parametrize("first", [0.0, 0.7, 1.3])
def test_the_bars_begin_where_the_chords_change(first: float) -> None:
    track = tiny_track(124.0, 30.0, first=first)
    rhythm = heard(track.waveform, {"Deep House": 1.0})
    assert off(rhythm.beats, np.array(track.beats)).max() < 0.005
    assert off(rhythm.downbeats, np.array(track.downbeats)).max() < 0.005


def test_each_fourth_beat_begins_a_bar() -> None:
    rhythm = heard(tiny_track(128.0, 20.0, first=0.3).waveform)
    place = np.searchsorted(rhythm.beats, rhythm.downbeats)
    assert rhythm.beats[place].tolist() == rhythm.downbeats.tolist()
    assert np.diff(place).tolist() == [4] * (len(place) - 1)


def test_the_templates_have_a_place_for_each_step() -> None:
    for template in templates():
        assert template.shape == (STEPS, 11)
        assert scores(np.roll(template, 5, axis=0), template).argmax() == 5


@pytest.mark.parametrize(
    ("gain", "family", "step"),
    [
        (0.2, "House", 3),  # where the two templates disagree, and neither by much, the style decides
        (0.2, "Bass", 9),
        (1.0, "House", 9),  # yet a style may be wrong: much stronger evidence counts more
        (1.0, "Bass", 9),
    ],
)
def test_the_style_weighs_the_templates_and_may_be_wrong(
    monkeypatch: pytest.MonkeyPatch, gain: float, family: str, step: int
) -> None:
    four, broken = templates()
    described = gain * (np.roll(four, 3, axis=0) + np.roll(broken, 9, axis=0))
    monkeypatch.setattr(bars, "features", lambda *_: (0.5, described))
    accumulator = OnsetAccumulator(RATE)
    accumulator.add(silence(2.0))
    envelopes = accumulator.envelopes()
    beat = bars.first_downbeat(envelopes.onset_strength(), envelopes, BeatGrid.constant(120.0), {family: 1.0})
    assert beat == pytest.approx(0.5 + step / 4)


# Music


@pytest.mark.parametrize("style", ["Techno / Tech House", "Drum & Bass", "Brostep"])
def test_rendered_music_is_understood(style: str) -> None:
    track = render(style, 31, 20.0, lead_in=0.77)
    rhythm = heard(track.waveform, {style: 0.8, "Ambient / Electronic": 0.2}, track.sample_rate)
    assert rhythm.bpm == pytest.approx(track.truth.bpm, abs=0.1)
    assert mir_eval.beat.f_measure(np.array(track.truth.beats), rhythm.beats, f_measure_threshold=0.02) > 0.95
    assert mir_eval.beat.f_measure(np.array(track.truth.downbeats), rhythm.downbeats) > 0.85


def test_the_loops_have_the_tempo_of_their_names(shared_audio: Path) -> None:
    loops = sorted((shared_audio / "house-loops").glob("*.mp3"))
    assert len(loops) == 18
    errors = [
        heard(decode(path, RATE), {"House / Nu Disco / Disco": 1.0}).bpm - float(path.name.partition("bpm")[0])
        for path in loops
    ]
    assert np.abs(errors).max() < 0.05  # of 8 s


def test_the_listener_hears_it_all_in_one_go(tmp_path: Path) -> None:
    track = tiny_track(124.0, 12.0, first=0.3)
    model = Model.open("house12")
    path = write_wav(tmp_path / "track.wav", np.stack([track.waveform, track.waveform]), RATE)
    analysis = Listener(model)(path)
    assert analysis.rhythm is not None
    assert analysis.key is not None
    assert analysis.loudness is not None
    assert analysis.rhythm.bpm == pytest.approx(124, abs=0.05)
    assert analysis.key.name() == "Am"
    assert -30 < analysis.loudness.integrated < -5
    alone = Listener(model, parts=("key",))(path)
    assert (alone.rhythm, alone.loudness) == (None, None)
    assert alone.key == analysis.key
    assert np.array_equal(alone.timeline.probabilities, analysis.timeline.probabilities)
    fast = Listener(model, fast=True)(path)
    assert (fast.rhythm, fast.key, fast.loudness) == (None, None, None)
    with pytest.raises(ValueError, match="there is no mood to listen for, only rhythm, key, loudness"):
        Listener(model, parts=("mood", "key"))


# The parts


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 60_000), max_size=6))
def test_blocks_of_any_length_are_heard_as_the_whole(cuts: list[int]) -> None:
    waveform = noise(60_000 / RATE, np.random.default_rng(5))
    whole, streamed = OnsetAccumulator(RATE), OnsetAccumulator(RATE)
    whole.add(waveform)
    for start, end in pairwise([0, *sorted(cuts), 60_000]):
        streamed.add(waveform[start:end])
    one, other = whole.envelopes(), streamed.envelopes()
    assert other.energies == pytest.approx(one.energies, rel=1e-4)
    assert other.fine == pytest.approx(one.fine, rel=1e-5)


def test_a_frame_is_centred_on_its_moment() -> None:
    listener = OnsetAccumulator(RATE)
    listener.add(clicks_at([1.0], 2.0, hz=3000))
    envelopes = listener.envelopes()
    assert envelopes.energies.sum(1).argmax() / envelopes.frame_rate == pytest.approx(1.0, abs=0.011)
    assert envelopes.fine.argmax() / envelopes.fine_rate == pytest.approx(1.0, abs=0.002)
    assert envelopes.energies.sum(0).argmax() == 5  # 1,760 to 3,520 Hz


def test_a_beat_grid_is_a_line_there_and_back() -> None:
    grid = BeatGrid(np.array([0.0, 10.0, 20.0]), np.array([0.0, 20.0, 42.0]))
    times = np.array([-1.0, 3.3, 12.0, 25.0])
    assert grid.beats_at(times) == pytest.approx([-2, 6.6, 24.4, 53])
    assert grid.times_of(grid.beats_at(times)) == pytest.approx(times)


def test_folding_gives_the_mean_of_each_phase() -> None:
    beats = np.arange(400) / 10
    values = np.where(np.arange(400) % 40 == 10, 5.0, 1.0)  # on the second beat of four
    assert fold(values, beats, 4, 40) == pytest.approx(np.where(np.arange(40) == 10, 5, 1))
    assert fold(np.ones((400, 3)), beats, 4, 8) == pytest.approx(np.ones((8, 3)))


def test_the_vertex_of_a_parabola() -> None:
    assert vertex(*(-((x - 0.3) ** 2) for x in (-1, 0, 1))) == pytest.approx(0.3)
    assert vertex(1.0, 1.0, 1.0) == 0


def test_beats_do_not_hang_on_the_last_bit_of_what_was_computed_before() -> None:
    accumulator = OnsetAccumulator(RATE)
    accumulator.add(groove("break", 174.0, seconds=20.0))
    envelopes = accumulator.envelopes()
    moments = 0.3 + np.arange(55, dtype=np.float64) * 60 / 174
    expected = bars.lateness(envelopes, moments, tilt=0.012)
    for seed in range(5):
        shaken = moments + np.random.default_rng(seed).normal(0, 1e-13, moments.size)
        assert bars.lateness(envelopes, shaken, tilt=0.012) == pytest.approx(expected, abs=1e-9)
