"""The truth of rendered tracks is true, and their sound is sound."""

import functools

import librosa
import numpy as np
import numpy.typing as npt
import pytest

from earmark import styles
from earmark.synth import STYLES, Track, render
from earmark.synth.composition import compose_track
from earmark.synth.harmony import TONICS, Key
from earmark.synth.performance import strike
from earmark.synth.studio import open_studio

SECONDS = 10.0
TONAL = ("Deep House", "EDM & Big Room", "Trance", "Progressive House")


@functools.cache
def rendered(style: str, seed: int = 1, seconds: float = SECONDS) -> Track:
    return render(style, seed, seconds)


def onset_rise(track: Track, moment: float) -> float:
    """How much the level rises at a moment, in dB: 25 ms after against 25 ms before."""
    waveform, rate = track.waveform, track.sample_rate
    at, span = round(moment * rate), rate // 40
    before = np.mean(waveform[max(0, at - span) : at] ** 2) + 1e-7
    after = np.mean(waveform[at : at + span] ** 2) + 1e-7
    return float(10 * np.log10(after / before))


def test_there_is_a_recipe_for_every_style() -> None:
    assert tuple(style.label for style in styles.styles()) == STYLES


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_loud_clean_and_in_range(style: str) -> None:
    track = rendered(style)
    audio = track.audio
    assert audio.shape == (2, round(SECONDS * 44_100))
    assert audio.dtype == np.float32
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() < 10 ** (-0.15 / 20), "the peak leaves no headroom"
    assert -24 < 10 * np.log10(np.mean(audio**2)) < -4, "dBFS RMS"
    assert np.abs(audio.mean(axis=1)).max() < 5e-4, "direct current"
    flat = np.mean(np.abs(audio) >= 0.999 * np.abs(audio).max())
    assert flat < 2e-3, "flattened peaks: clipping"
    assert np.abs(audio[:, 0]).max() < 1e-3, "a click at the start"
    assert np.abs(audio[:, -1]).max() < 1e-3, "a click at the end"


@pytest.mark.parametrize("style", ["Trance", "Halftime"])
def test_a_seed_gives_the_same_bytes_and_another_seed_another_track(style: str) -> None:
    first, again, other = render(style, 5, 3.0), render(style, 5, 3.0), render(style, 6, 3.0)
    assert first.audio.tobytes() == again.audio.tobytes()
    assert first.truth == again.truth
    assert float(np.mean(np.abs(first.audio - other.audio))) > 0.01


@pytest.mark.parametrize("style", STYLES)
def test_sections_follow_each_other_and_beats_keep_the_tempo(style: str) -> None:
    truth = rendered(style).truth
    assert truth.sections[0].start == 0.0
    assert truth.sections[-1].end == SECONDS
    for before, after in zip(truth.sections, truth.sections[1:], strict=False):
        assert before.end == after.start
    assert np.diff(truth.beats) == pytest.approx(60 / truth.bpm)
    assert truth.downbeats == truth.beats[::4]


@pytest.mark.parametrize("style", [style for style in STYLES if not style.startswith("Ambient")])
def test_kicks_sound_where_the_truth_says(style: str) -> None:
    track = rendered(style)
    kicks = track.truth.onsets["kick"]
    assert len(kicks) >= 4
    stem = Track(track.stems["drums"], track.sample_rate, track.truth)
    rises = [onset_rise(stem, moment) for moment in kicks if 0.05 < moment < SECONDS - 0.1]
    assert np.median(rises) > 3, "dB"
    lowest = min(abs(kicks[-1] - beat) for beat in track.truth.beats)
    assert lowest < 4 * 60 / track.truth.bpm


@pytest.mark.parametrize("style", ["Trance", "Techno / Tech House", "EDM & Big Room", "House / Nu Disco / Disco"])
def test_librosa_hears_the_stated_tempo_of_four_to_the_floor(style: str) -> None:
    track = render(style, 2, 12.0, sample_rate=22_050)
    heard = float(np.atleast_1d(librosa.feature.tempo(y=track.waveform, sr=22_050, aggregate=np.mean))[0])
    octave = np.log2(heard / track.truth.bpm)
    assert abs(octave - round(octave)) < 0.06, f"{heard:.1f} BPM heard, {track.truth.bpm} stated"


@pytest.mark.parametrize("bpm", [118.0, 128.0, 141.5])
def test_a_stated_tempo_is_kept(bpm: float) -> None:
    track = render("Techno / Tech House", 3, 6.0, bpm=bpm, lead_in=0.2)
    assert track.truth.bpm == bpm
    assert track.truth.beats[:2] == pytest.approx((0.2, 0.2 + 60 / bpm))
    assert np.abs(track.stems["drums"][:, : round(0.19 * 44_100)]).max() == 0.0


@pytest.mark.parametrize("style", TONAL)
def test_the_stems_in_tune_belong_to_the_stated_key(style: str) -> None:
    track = rendered(style)
    tuned = track.stems["music"] + track.stems.get("bass", 0)
    chroma = librosa.feature.chroma_cqt(y=tuned.mean(axis=0), sr=44_100).mean(axis=1)
    tonic, mode = track.truth.key.split()
    scale = [0, 2, 4, 5, 7, 9, 11] if mode == "major" else [0, 2, 3, 5, 7, 8, 10]
    inside = chroma[[(TONICS.index(tonic) + step) % 12 for step in scale]].mean()
    outside = (chroma.sum() - 7 * inside) / 5
    assert inside > 1.25 * outside


def test_a_stated_key_is_kept() -> None:
    assert render("Trance", 1, 2.0, key=Key(6, "minor")).truth.key == "F# minor"


def strokes_of(style: str, drum: str, artists: int = 8) -> list[npt.NDArray[np.float64]]:
    """Beats at which a drum is struck in eight bars at 172 BPM, for some artists; nothing is rendered."""
    beats = []
    for artist in range(artists):
        rng = np.random.default_rng(artist)
        studio = open_studio(style, artist, 22_050)
        piece = compose_track(studio, rng, 8 * 240 / 172, 22_050, bpm=172)
        struck = strike(studio, piece, rng).get(drum, [])
        beats.append(np.array([sample for sample, _ in struck]) / 22_050 * 172 / 60)
    return beats


def test_halftime_has_the_tempo_of_drum_and_bass_with_half_the_kicks_and_its_snare_on_three() -> None:
    def share_on(style: str, places: tuple[int, ...]) -> float:
        """Of the snares on a beat, those on the given beats of the bar (0 is the first)."""
        snares = np.concatenate(strokes_of(style, "snare"))
        on_beat = np.round(snares[np.abs(snares - np.round(snares)) < 0.05]).astype(int) % 4
        return float(np.isin(on_beat, places).mean())

    two_step = sum(beats.size for beats in strokes_of("Drum & Bass", "kick"))
    half = sum(beats.size for beats in strokes_of("Halftime", "kick"))
    assert half < 0.75 * two_step
    assert share_on("Halftime", (2,)) > 0.8
    assert share_on("Drum & Bass", (1, 3)) > 0.8


def test_a_drop_is_louder_than_the_break_before_it_and_has_the_low_end() -> None:
    for style in ("EDM & Big Room", "Trance", "Brostep"):
        track = rendered(style, 0, 20.0)
        levels: dict[str, list[float]] = {}
        for section in track.truth.sections:
            start, end = (round(moment * 44_100) for moment in (section.start, section.end))
            low = track.stems["drums"][:, start:end] + track.stems["bass"][:, start:end]
            levels.setdefault(section.name, []).append(float(10 * np.log10(np.mean(low**2) + 1e-9)))
        assert max(levels["drop"]) > max(levels["break"]) + 10, style


def test_the_stems_are_the_mix_before_mastering() -> None:
    track = rendered("Progressive House")
    mix = np.sum(list(track.stems.values()), axis=0).mean(axis=0)
    assert np.corrcoef(mix, track.waveform)[0, 1] > 0.8


def test_artists_sound_different_and_keep_their_kit() -> None:
    same = [render("Techno / Tech House", seed, 2.0, artist=4, bpm=130) for seed in (1, 2)]
    other = render("Techno / Tech House", 1, 2.0, artist=5, bpm=130)
    assert same[0].truth.artist == same[1].truth.artist == "techno-004"
    assert other.truth.artist == "techno-005"

    def first_kick(track: Track) -> npt.NDArray[np.float32]:
        at = round(track.truth.onsets["kick"][0] * 44_100)
        kick = track.stems["drums"][0, at : at + 2_000]
        return np.asarray(kick / np.abs(kick).max())

    assert np.corrcoef(first_kick(same[0]), first_kick(same[1]))[0, 1] > 0.9
    assert np.corrcoef(first_kick(same[0]), first_kick(other))[0, 1] < 0.9


def test_what_cannot_be_rendered_is_named() -> None:
    with pytest.raises(ValueError, match="unknown style 'Polka'"):
        render("Polka")
    with pytest.raises(ValueError, match="16000 Hz at least, not 8000"):
        render("Trance", seconds=1.0, sample_rate=8_000)
    with pytest.raises(ValueError, match="longer than 0"):
        render("Trance", seconds=0)
