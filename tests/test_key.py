"""Keys are tested with cadences, whose key is what harmony books say, in all 24 keys and any tuning."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earmark.analysis import MAJOR_KEYS, Key
from earmark.audio import Waveform, decode
from earmark.hearing.key import FINE, PROFILES, PitchAccumulator, Pitches, chroma, correlations, estimate_key, tuning
from earmark.synth import render
from earmark.testing import chord, click_train, noise, silence, sweep, tiny_track, tone

RATE = 22_050  # Hz
# Tonic, subdominant, dominant, tonic: semitones above the tonic. The dominant is major in minor keys, too.
MAJOR = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))
MINOR = ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7))
CAMELOT = {
    name: f"{place}{ring}"
    for ring, names in {
        "A": "Abm Ebm Bbm Fm Cm Gm Dm Am Em Bm F#m C#m",
        "B": "B F# Db Ab Eb Bb F C G D A E",
    }.items()
    for place, name in enumerate(names.split(), 1)
}


def heard(waveform: Waveform, rate: int = RATE) -> Key | None:
    listener = PitchAccumulator(rate)
    listener.add(waveform)
    return estimate_key(listener.pitches())


def named(waveform: Waveform, rate: int = RATE) -> str:
    key = heard(waveform, rate)
    return key.name() if key else "none"


def cadence(tonic: int, *, minor: bool, cents: float = 0.0, rate: int = RATE, seconds: float = 0.7) -> Waveform:
    """Four chords with three harmonics to each tone, around middle C."""

    def hertz(semitones: int) -> float:
        return float(440 * 2 ** ((48 + tonic + semitones - 69 + cents / 100) / 12))

    chords = []
    for tones in MINOR if minor else MAJOR:
        partials = [
            chord(tuple(partial * hertz(each) for each in tones), seconds, rate, level=0.3 / partial)
            for partial in (1, 2, 3)
        ]
        chords.append(np.sum(partials, axis=0))
    return np.concatenate(chords).astype(np.float32)


@pytest.mark.parametrize("minor", [False, True], ids=["major", "minor"])
@pytest.mark.parametrize("tonic", range(12), ids=MAJOR_KEYS)
def test_a_cadence_is_in_its_key(tonic: int, *, minor: bool) -> None:
    key = heard(cadence(tonic, minor=minor))
    assert key is not None
    assert (key.tonic, key.minor) == (tonic, minor)


@pytest.mark.parametrize("cents", [-45, -30, 20, 45])
def test_a_track_off_concert_pitch_is_in_the_key_that_it_was_played_in(cents: float) -> None:
    for tonic, minor in ((2, True), (7, False), (10, True)):
        assert named(cadence(tonic, minor=minor, cents=cents)) == Key(tonic, minor, 1).name()


@pytest.mark.parametrize("cents", [-40, 0, 15, 40])
def test_the_tuning_is_found(cents: float) -> None:
    listener = PitchAccumulator(RATE)
    listener.add(cadence(4, minor=True, cents=cents, seconds=1.5))
    assert tuning(listener.pitches().strength) * 100 == pytest.approx(cents, abs=4)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_any_sample_rate_will_do(rate: int) -> None:
    assert named(cadence(9, minor=True, rate=rate), rate) == "Am"


def test_the_level_does_not_count() -> None:
    waveform = cadence(5, minor=False)
    loud, quiet = heard(waveform), heard(waveform * np.float32(0.001))
    assert loud is not None
    assert quiet is not None
    assert quiet.name() == loud.name()
    assert quiet.confidence == pytest.approx(loud.confidence, abs=0.01)


def test_drums_do_not_drown_the_harmony() -> None:
    waveform = cadence(3, minor=True, seconds=2.0)
    drums = click_train(128, 8.0, RATE)[: waveform.size]
    assert named((0.3 * waveform + drums).astype(np.float32)) == "Ebm"


def test_a_bass_on_the_tonic_leaves_the_thirds_to_decide() -> None:
    bass = tone(110, 2.8, level=0.1)
    for minor, name in ((True, "Am"), (False, "A")):
        waveform = 0.3 * cadence(9, minor=minor)
        assert named((waveform + bass[: waveform.size]).astype(np.float32)) == name


def test_what_has_no_harmony_has_no_key() -> None:
    assert heard(silence(10)) is None
    assert heard(noise(15, np.random.default_rng(0))) is None
    assert heard(click_train(128, 10)) is None
    assert heard(tone(440, 10)) is None  # a tone is no harmony
    assert heard(np.zeros(100, np.float32)) is None
    assert PitchAccumulator(RATE).pitches().tonality == 0


@pytest.mark.parametrize("exponent", [0, 1, 2], ids=["white", "pink", "brown"])
def test_noise_has_no_key(exponent: int) -> None:
    for seed in range(10):
        spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(RATE * 15))
        coloured = np.fft.irfft(spectrum / np.maximum(np.arange(spectrum.size), 1) ** (exponent / 2))
        assert heard((0.3 * coloured / np.abs(coloured).max()).astype(np.float32)) is None, seed


def test_real_drums_alone_have_no_key(shared_audio: Path) -> None:
    loops = sorted((shared_audio / "house-loops").glob("*.mp3"))
    assert [path.name for path in loops if heard(decode(path, RATE))] == []


def test_a_doubtful_key_has_less_confidence() -> None:
    sure, doubtful = heard(cadence(0, minor=True)), heard(sweep(100, 1600, 8.0))
    assert sure is not None
    assert sure.confidence > 0.6
    assert doubtful is None or doubtful.confidence < sure.confidence


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 60_000), max_size=6))
def test_blocks_of_any_length_are_heard_as_the_whole(cuts: list[int]) -> None:
    waveform = cadence(6, minor=True)[:60_000]
    whole, streamed = PitchAccumulator(RATE), PitchAccumulator(RATE)
    whole.add(waveform)
    for start, end in pairwise([0, *sorted(cuts), 60_000]):
        streamed.add(waveform[start:end])
    assert streamed.pitches().strength == pytest.approx(whole.pitches().strength, abs=1e-4)
    assert streamed.pitches().tonality == pytest.approx(whole.pitches().tonality, abs=1e-5)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), semitones=st.integers(1, 11))
def test_a_transposition_rotates_the_chroma(seed: int, semitones: int) -> None:
    strength = np.random.default_rng(seed).random(FINE)
    moved = np.roll(strength, semitones * FINE // 12)
    assert chroma(moved) == pytest.approx(np.roll(chroma(strength), semitones))


# The parts


def pitches(classes: NDArray[np.float64], tonality: float = 1.0) -> Pitches:
    """Twelve pitch classes at concert pitch."""
    strength = np.zeros(FINE)
    strength[:: FINE // 12] = classes
    return Pitches(strength, tonality)


def strength_of(waveform: Waveform) -> NDArray[np.float64]:
    accumulator = PitchAccumulator(RATE)
    accumulator.add(waveform.astype(np.float32))
    return accumulator.pitches().strength


def test_a_chroma_between_relative_keys_is_minor_unless_major_is_much_more_like_it() -> None:
    """Of electronic dance music 85 % is minor: 1.7 nepers, which 0.15 of correlation outweigh."""
    major, minor = PROFILES[0], np.roll(PROFILES[1], 9)  # C and Am
    keys = [estimate_key(pitches(share * major + (1 - share) * minor)) for share in (0.0, 0.5, 0.55, 0.7, 1.0)]
    assert [key.name() if key else "" for key in keys] == ["Am", "Am", "Am", "C", "C"]
    confidence = [key.confidence if key else 0 for key in keys]
    assert confidence == pytest.approx([0.994, 0.872, 0.751, 0.778, 0.841], abs=0.001)


def test_what_is_like_no_key_or_hardly_a_tone_or_one_tone_alone_has_no_key() -> None:
    tritone, nearly_one = np.zeros(12), np.full(12, 0.005)
    tritone[[0, 6]], nearly_one[0] = 1, 1
    assert estimate_key(pitches(tritone)) is None  # its best correlation is 0.343
    assert estimate_key(pitches(np.tile([1.0, 0.0], 6))) is None
    assert estimate_key(pitches(nearly_one)) is None
    fifth = np.zeros(12)
    fifth[[0, 7]] = 1
    assert estimate_key(pitches(fifth)) is None
    assert estimate_key(pitches(PROFILES[0], tonality=0.0)) is None


def test_a_loud_fourth_is_no_tonic_if_its_scale_does_not_sound() -> None:
    """Tonic and fourth equally loud, the fifth weak, as where the fourth is the second chord of a loop."""
    chroma_of_loop = np.array([1.0, 0.0, 0.5, 0.7, 0.0, 0.9, 0.0, 0.35, 0.55, 0.0, 0.5, 0.0])  # natural minor on C
    own, of_fourth = correlations(chroma_of_loop)[1, [0, 5]]
    assert of_fourth > own
    key = estimate_key(pitches(chroma_of_loop))
    assert key is not None
    assert key.name() == "Cm"


def test_the_fewer_tones_there_are_the_more_they_must_be_like_a_key() -> None:
    """Below 0.5 % of the power, the correlation must be 0.25 higher for each neper."""
    unlike = np.array([1.0, 0.8, 0.3, 0.5, 0.6, 0.2, 0.3, 0.9, 0.4, 0.3, 0.4, 0.5])
    best = float(correlations(unlike).max())
    least = 0.005 * np.exp((0.35 - best) / 0.25)
    assert 0.35 < best < 0.8
    assert estimate_key(pitches(unlike, tonality=0.9 * least)) is None
    assert estimate_key(pitches(unlike, tonality=1.1 * least)) is not None


def test_a_semitone_takes_in_what_is_near_it() -> None:
    strength = np.zeros(FINE)
    strength[[0, 3, -3]] = 1, 0.5, 0.5  # 30 cents to either side
    assert chroma(strength)[0] == pytest.approx(1 + np.cos(0.3 * np.pi) ** 2)
    assert chroma(strength)[[1, 11]] == pytest.approx([0, 0], abs=1e-9)


def test_a_quiet_tone_counts_by_the_root_of_its_amplitude() -> None:
    strength = strength_of(tone(440, 6) + 0.1 * tone(660, 6))
    assert strength[40] / strength[90] == pytest.approx(0.1**0.5, rel=0.1)


def test_a_quiet_passage_counts_as_much_as_a_loud_one() -> None:
    strength = strength_of(np.concatenate([tone(440, 6), 0.01 * tone(660, 6)]))
    assert strength[40] / strength[90] == pytest.approx(1, abs=0.1)


def test_tones_from_c2_to_a6_count() -> None:
    harmony = tone(440, 6)
    for hertz, fine, counts in ((69.3, 10, True), (1661.2, 80, True), (46.2, 60, False), (2960.0, 60, False)):
        share = strength_of(harmony + tone(hertz, 6))[fine] / strength_of(harmony)[90]
        assert (share > 0.5) == counts, hertz


@pytest.mark.parametrize(
    "key", [Key(tonic, minor, 1.0) for tonic in range(12) for minor in (False, True)], ids=Key.name
)
def test_each_key_has_its_place_on_the_wheel(key: Key) -> None:
    assert key.camelot() == CAMELOT[key.name()]


def test_a_key_is_understood_in_any_spelling() -> None:
    for names in ("F#m Gbm f#m G♭m", "C#m Dbm", "F# Gb", "Db C#", "Abm G#m", "Ebm D#m", "Bbm A#m", "B Cb", "E Fb"):
        spellings = [Key.from_name(name) for name in names.split()]
        assert {key.name() for key in spellings} == {names.split()[0]}
    for name in ("", "m", "H", "8A", "Amm", "A minor", "C##"):
        with pytest.raises(ValueError, match="is no key"):
            Key.from_name(name)


def test_neighbours_on_the_wheel_are_a_fifth_apart() -> None:
    for tonic in range(12):
        place, above = (int(Key(each, True, 1).camelot()[:-1]) for each in (tonic, (tonic + 7) % 12))
        assert above == place % 12 + 1
        relative = Key((tonic + 3) % 12, False, 1).camelot()
        assert relative == f"{place}B"


def test_music_is_heard_in_its_key() -> None:
    assert named(tiny_track(seconds=16.0).waveform) == "Am"
    track = render("Trance", 7, 12.0)
    tonic, mode = track.truth.key.split()
    assert named(track.waveform, track.sample_rate) == Key.from_name(tonic + "m" * (mode == "minor")).name()
