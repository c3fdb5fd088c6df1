"""Mixes, rendered: physics of the parts, and of click tracks, tones and noise that are mixed."""

import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.analysis import Key
from earmark.audio import Recording, decode
from earmark.dj import cue, mixing, picture, setlist, sound
from earmark.dj.deck import Deck, load
from earmark.dj.equaliser import equalised, reach
from earmark.dj.grid import BEATS, Grid
from earmark.dj.joints import Joints
from earmark.dj.limiter import CEILING, Limiter
from earmark.dj.recorder import rate_of, recorder
from earmark.dj.sound import Reel, stereo
from earmark.dj.strip import FAINTER
from earmark.dj.structure import Section
from earmark.dj.transition import Transition, plan
from earmark.errors import ExchangeError, MissingExtra, UnreadableAudio
from earmark.hearing.loudness import Meter, true_peak
from earmark.testing import clicks_at, noise, tone, write_wav
from earmark.testing.tracks import heard_track, steady

RATE = 44_100

Stereo = NDArray[np.float32]


def on_deck(
    path: Path,
    waveform: NDArray[np.float32],
    bpm: float,
    form: tuple[tuple[str, int], ...],
    *,
    first: float = 0.0,
    level: float = -14.0,
    style: str = "Deep House",
    family: str = "House",
) -> Deck:
    write_wav(path, waveform, RATE)
    bars = sum(length for _, length in form)
    starts = np.cumsum([0, *(length for _, length in form)]).tolist()
    sections = tuple(Section(name, start, length) for (name, length), start in zip(form, starts, strict=False))
    times = first + np.arange(bars * BEATS + 1) * 60 / bpm
    seconds = waveform.shape[-1] / RATE
    return Deck(path, seconds, Grid(times), sections, level, title=path.stem, style=style, family=family)


FORM = (("intro", 8), ("drop", 16), ("outro", 16))


def clicks(path: Path, bpm: float, hz: float, *, first: float = 0.0) -> Deck:
    bars = sum(length for _, length in FORM)
    seconds = first + bars * BEATS * 60 / bpm + 0.3
    return on_deck(path, clicks_at(np.arange(first, seconds, 60 / bpm), seconds, RATE, hz=hz), bpm, FORM, first=first)


def strokes(waveform: NDArray[np.float32], hz: float, moments: NDArray[np.floating]) -> NDArray[np.float64]:
    """How late clicks of a frequency come after some moments, in seconds, by the steepest rise of their band."""
    wanted = np.abs(np.fft.rfftfreq(4000, 1 / RATE) / hz - 1) < 0.2
    late = []
    for moment in moments:
        start = round(moment * RATE) - 2000
        near = np.abs(np.fft.irfft(np.fft.rfft(waveform[start : start + 4000], 4000) * wanted))[1000:3000]
        late.append((int(np.argmax(near > near.max() / 2)) - 1000) / RATE)
    return np.array(late)


def test_two_click_tracks_at_120_and_126_bpm_are_aligned_through_the_transition(tmp_path: Path) -> None:
    one, two = clicks(tmp_path / "a.wav", 120, 3500), clicks(tmp_path / "b.wav", 126, 9000, first=0.2)
    how = plan(one, two)
    assert how.bars == 16
    mix = mixing.render([one, two], [how], tmp_path / "mix.flac")
    waveform = decode(tmp_path / "mix.flac", RATE)
    beats = mix.playbacks[0].went_at + np.arange(8, how.bars * BEATS - 8) * how.beat
    mine, yours = strokes(waveform, 3500, beats), strokes(waveform, 9000, beats)
    assert np.abs(mine - yours).max() < 0.003
    gliding = np.array([mix.playbacks[1].moment(beat) for beat in two.grid.times[66:-2]])
    assert np.abs(strokes(waveform, 9000, gliding)).max() < 0.003


def test_one_transition_can_be_rendered_alone(tmp_path: Path) -> None:
    one, two = clicks(tmp_path / "a.wav", 120, 3500), clicks(tmp_path / "b.wav", 126, 9000)
    how = plan(one, two)
    mix = mixing.render_transition(how, tmp_path / "short.wav", bars=4)
    assert mix.seconds == pytest.approx((how.bars + 8) * BEATS * 0.5, abs=0.1)
    waveform = decode(tmp_path / "short.wav", RATE)
    beats = 4 * BEATS * 0.5 + np.arange(8, how.bars * BEATS - 8) * how.beat
    assert np.abs(strokes(waveform, 3500, beats) - strokes(waveform, 9000, beats)).max() < 0.003


def test_a_transition_begins_and_ends_on_samples_of_its_tracks(tmp_path: Path) -> None:
    """Before and after it the tracks go on as they are, at their own tempo and with the gain of the transition."""
    one, two = (
        on_deck(tmp_path / f"{bpm}.wav", noise(76.3, np.random.default_rng(bpm), RATE, level=0.1), bpm, FORM)
        for bpm in (120, 126)
    )
    mix = mixing.render_transition(plan(one, two), tmp_path / "short.wav", bars=8)
    joints = Joints.of(mix, RATE)
    waveform, old, new = (decode(path, RATE) for path in (tmp_path / "short.wav", one.path, two.path))
    assert waveform.size == round(mix.seconds * RATE) == round(joints.seconds * RATE)
    left, joined = round(joints.left * RATE), round(joints.joined * RATE)
    assert joints.left * RATE == pytest.approx(left, abs=1e-6)
    gains = [10 ** (gain / 20) for gain in joints.gains]
    np.testing.assert_allclose(waveform[:RATE], gains[0] * old[left : left + RATE], atol=2e-4)
    tail = round(0.05 * RATE)
    np.testing.assert_allclose(waveform[-tail:], gains[1] * new[joined - tail : joined], atol=2e-4)
    assert np.abs(waveform[-tail:]).max() > 0.09
    assert mix.playbacks[1].spans[-1].factor == pytest.approx(1)


def hum(path: Path, hz: float, style: str = "Deep House", family: str = "House") -> Deck:
    """A steady tone of 40 bars at 120 BPM, with a drop in the middle."""
    return on_deck(
        path,
        tone(hz, 80.0, RATE, level=0.25),
        120,
        (("intro", 8), ("build", 8), ("drop", 16), ("outro", 8)),
        style=style,
        family=family,
    )


def amplitude(waveform: NDArray[np.float32], hz: float, start: float, seconds: float = 0.25) -> float:
    """The level of a tone in a stretch of a waveform."""
    piece = waveform[round(start * RATE) : round((start + seconds) * RATE)].astype(np.float64)
    turns = np.exp(-2j * np.pi * hz * np.arange(piece.size) / RATE)
    return float(2 * np.abs((piece * np.hanning(piece.size)) @ turns) / np.hanning(piece.size).sum())


def test_fades_are_of_constant_power_and_the_bass_changes_hands_once(tmp_path: Path) -> None:
    high, low = hum(tmp_path / "a.wav", 1000), hum(tmp_path / "b.wav", 1300)
    how = plan(high, low)
    mix = mixing.render([high, low], [how], tmp_path / "mix.wav")
    waveform = decode(tmp_path / "mix.wav", RATE)
    moments = mix.playbacks[0].went_at + np.linspace(0.5, how.seconds - 0.5, 20)
    powers = np.array([(amplitude(waveform, 1000, at) ** 2 + amplitude(waveform, 1300, at) ** 2) for at in moments])
    assert 10 * np.log10(powers / 0.25**2) == pytest.approx(np.zeros(20), abs=0.15)

    deep, deeper = hum(tmp_path / "c.wav", 60), hum(tmp_path / "d.wav", 90)
    how = plan(deep, deeper)
    mix = mixing.render([deep, deeper], [how], tmp_path / "bass.wav")
    waveform = decode(tmp_path / "bass.wav", RATE)
    swap = mix.playbacks[0].went_at + how.bass_swap * BEATS * how.beat
    before, after = swap - 1.0, swap + 1.0
    assert amplitude(waveform, 60, before) == pytest.approx(0.25, rel=0.02)
    assert amplitude(waveform, 90, before) < 0.005
    assert amplitude(waveform, 60, after) < 0.005
    assert amplitude(waveform, 90, after) == pytest.approx(0.25, rel=0.02)


def test_a_cut_falls_on_the_drop_without_a_click(tmp_path: Path) -> None:
    one = hum(tmp_path / "a.wav", 1000, style="Brostep", family="Bass")
    two = hum(tmp_path / "b.wav", 1300, style="Brostep", family="Bass")
    how = plan(one, two)
    assert how.technique.name == "cut"
    mix = mixing.render([one, two], [how], tmp_path / "mix.wav")
    waveform = decode(tmp_path / "mix.wav", RATE)
    drop = mix.playbacks[1].moment(two.grid.bar(16))
    assert drop == pytest.approx(mix.playbacks[0].went_at + how.seconds)
    assert amplitude(waveform, 1000, drop - 0.3) > 0.15
    assert amplitude(waveform, 1000, drop + 0.01) < 0.003
    assert amplitude(waveform, 1300, drop + 0.01) == pytest.approx(0.25, rel=0.02)
    steepest = 0.5 * 2 * np.pi * 1300 / RATE  # of both tones together
    assert np.abs(np.diff(waveform)).max() < steepest


def test_tracks_of_different_loudness_are_brought_to_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    loud = on_deck(tmp_path / "a.wav", noise(80, rng, RATE, level=0.5), 120, FORM, level=-9.0)
    quiet = on_deck(tmp_path / "b.wav", noise(80, rng, RATE, level=0.5 * 10 ** (-8 / 20)), 120, FORM, level=-17.0)
    mix = mixing.render([loud, quiet], [plan(loud, quiet)], tmp_path / "mix.wav")
    meter = Meter()
    with Recording(tmp_path / "mix.wav") as recording:
        for _ in recording.blocks(RATE, tap=meter.add):
            pass
    heard = meter.loudness()
    assert heard is not None
    assert np.ptp(heard.curve[2:-3]) < 0.5  # LU, from the one through the transition to the other
    assert mix.as_json()["tracks"][0]["gain"] == -5.0


def test_an_echo_sounds_on_where_tempi_do_not_meet(tmp_path: Path) -> None:
    one, two = clicks(tmp_path / "a.wav", 100, 3500), clicks(tmp_path / "b.wav", 128, 9000)
    how = plan(one, two)
    assert how.technique.name == "echo out"
    mix = mixing.render([one, two], [how], tmp_path / "mix.wav")
    waveform = decode(tmp_path / "mix.wav", RATE)
    left = mix.playbacks[0].went_at
    levels = [amplitude(waveform, 3500, left + number * how.beat, 0.01) for number in range(4)]
    assert levels[1] / levels[0] == pytest.approx(FAINTER, rel=0.1)
    assert levels[3] / levels[2] == pytest.approx(FAINTER, rel=0.1)


def test_the_equaliser_at_rest_changes_no_sample() -> None:
    heard = np.random.default_rng(0).normal(0, 0.3, (2, 20_000)).astype(np.float32)
    out = equalised(heard, np.ones((3, 20_000 - 2 * reach(RATE))), RATE)
    assert out == pytest.approx(heard[:, reach(RATE) : -reach(RATE)], abs=1e-6)


@pytest.mark.parametrize(("hz", "band"), [(60, 0), (1000, 1), (8000, 2)])
def test_each_band_is_moved_by_its_own_gain(hz: float, band: int) -> None:
    heard = np.stack([tone(hz, 1.0, RATE)] * 2)
    size = heard.shape[1] - 2 * reach(RATE)
    for place in range(3):
        gains = np.ones((3, size))
        gains[place] = 0
        out = equalised(heard, gains, RATE)
        left = np.abs(out[0, RATE // 4 : RATE // 2]).max() / 0.5
        assert left == pytest.approx(0.0 if place == band else 1.0, abs=0.02)


def test_the_limiter_keeps_the_peaks_between_the_samples_below_its_ceiling() -> None:
    rng = np.random.default_rng(1)
    wave = np.stack([tone(RATE / 4 - 3, 2.0, RATE, level=1.4)] * 2) + rng.normal(0, 0.1, (2, 2 * RATE)).astype(
        np.float32
    )
    wave[:, : RATE // 2] *= 0.1
    limiter = Limiter(RATE)
    blocks = [limiter.limit(block) for block in np.array_split(wave, 13, axis=1)]
    out = np.concatenate([*blocks, limiter.flush()], axis=1)
    assert out.shape == wave.shape
    assert 20 * np.log10(true_peak(out, RATE)) <= CEILING
    assert out[:, : RATE // 4] == pytest.approx(wave[:, : RATE // 4])
    assert limiter.deepest < 0.7


def test_what_is_played_at_its_own_tempo_is_the_file_sample_by_sample(tmp_path: Path) -> None:
    heard = noise(60, np.random.default_rng(2), RATE, level=0.3)
    one = on_deck(tmp_path / "a.wav", heard, 128, FORM)
    mix = mixing.render([one], [], tmp_path / "mix.wav")
    assert mix.seconds == pytest.approx(60)
    assert np.abs(decode(tmp_path / "mix.wav", RATE) - decode(tmp_path / "a.wav", RATE)).max() < 1e-4


def counted(blocks: list[Stereo]) -> Iterator[Stereo]:
    yield from blocks


def test_a_reel_reads_stretches_and_forgets_what_is_long_past() -> None:
    numbers = np.arange(1000, dtype=np.float32)
    reel = Reel(counted([np.stack([block, block]) for block in np.array_split(numbers, 17)]), kept=50)
    assert reel.read(-3, 2)[0].tolist() == [0, 0, 0, 0, 1]
    assert reel.read(500, 510)[1].tolist() == list(range(500, 510))
    assert reel.read(460, 462)[0].tolist() == [460, 461]
    with pytest.raises(ValueError, match="sample 10 was read and let go"):
        reel.read(10, 20)
    assert reel.read(998, 1002)[0].tolist() == [998, 999, 0, 0]


@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_of_another_rate_and_of_one_channel_becomes_stereo_at_the_rate_of_the_mix(
    tmp_path: Path, channels: int
) -> None:
    heard = tone(440, 2.0, 22_050)
    write_wav(tmp_path / "a.wav", np.stack([heard, -heard])[:channels], 22_050)
    out = np.concatenate(list(stereo(tmp_path / "a.wav", RATE)), axis=1)
    assert out.shape == (2, 2 * RATE)
    assert amplitude(out[0], 440, 0.5) == pytest.approx(0.5, rel=0.01)
    assert amplitude(out[1], 440, 0.5) == pytest.approx(0.5, rel=0.01)


def test_a_mix_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    one, two = clicks(tmp_path / "a.wav", 120, 3500), clicks(tmp_path / "b.wav", 126, 9000)

    def stop(title: str, share: float) -> None:
        assert title
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mixing.render([one, two], [plan(one, two)], tmp_path / "out" / "mix.flac", progress=stop)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_mix(tmp_path: Path) -> None:
    few = [clicks(tmp_path / f"{number}.wav", 120 + number, 3500) for number in range(2)]
    peaks = []
    for decks in (few, few * 2):
        transitions: list[Transition] = []
        for one, two in pairwise(decks):
            after = transitions[-1].entered if transitions else 0.0
            transitions.append(plan(one, two, after=after))
        tracemalloc.start()
        mixing.render(decks, transitions, tmp_path / "mix.wav")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.15 * peaks[0]


def test_without_the_extra_a_mix_of_different_tempi_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise MissingExtra("mixing tracks of different tempi", "dj")

    monkeypatch.setattr(sound, "_library", absent)
    one, two = clicks(tmp_path / "a.wav", 120, 3500), clicks(tmp_path / "b.wav", 126, 9000)
    with pytest.raises(MissingExtra, match=r"pip install 'earmark\[dj\]'"):
        mixing.render([one, two], [plan(one, two)], tmp_path / "mix.flac")
    assert not (tmp_path / "mix.flac").exists()


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".mp3", ".opus"])
def test_every_format_holds_what_was_recorded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    heard = np.stack([tone(440, 1.5, rate_of(path))] * 2)
    with recorder(path) as write:
        for block in np.array_split(heard, 4, axis=1):
            write(block)
    found = decode(path, RATE)
    assert found.size == pytest.approx(1.5 * RATE, abs=2500)
    assert amplitude(found, 440, 0.5) == pytest.approx(0.5, rel=0.02)


def test_a_mix_of_another_format_is_refused() -> None:
    with pytest.raises(ExchangeError, match=r"mix\.doc: a mix is written as one of \.flac, \.wav, \.mp3, \.opus"):
        rate_of(Path("mix.doc"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> mixing.Mix:
    folder = tmp_path_factory.mktemp("mix")
    one, two = clicks(folder / 'a "&" <b>.wav', 120, 3500), clicks(folder / "c.wav", 126, 9000)
    return mixing.render([one, two], [plan(one, two)], folder / "mix.flac")


def test_the_cue_sheet_names_each_track_where_its_bass_takes_over(mixed: mixing.Mix) -> None:
    lines = cue.sheet(mixed, Path("mix.flac")).splitlines()
    assert lines[:3] == ['FILE "mix.flac" WAVE', "  TRACK 01 AUDIO", "    TITLE \"a '&' <b>\""]
    assert lines[3] == "    INDEX 01 00:00:00"
    # left at bar 24 of 2 s, swapped eight bars later, half a beat before the one
    assert lines[-1] == "    INDEX 01 01:03:56"


def test_the_picture_is_xml_with_both_waveforms_beats_and_curves(mixed: mixing.Mix) -> None:
    root = ET.fromstring(picture.picture(mixed))  # noqa: S314  our own
    kinds = [each.tag.rpartition("}")[2] for each in root.iter()]
    assert kinds.count("polygon") == 4
    assert kinds.count("polyline") == 6
    assert kinds.count("line") > 2 * 16 * BEATS
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert 'a "&" <b>  →  c' in texts
    assert {"bass", "middle", "treble", "outro", "intro", "drop"} <= set(texts)


def test_the_decisions_are_numbers_that_json_can_hold(mixed: mixing.Mix) -> None:
    found = mixed.as_json()
    (transition,) = found["transitions"]
    assert (transition["technique"], transition["bars"], transition["at"]) == ("blend", 16, 48.0)
    assert transition["tempo"]["stretch"] == pytest.approx(120 / 126, abs=1e-4)
    assert found["tracks"][1]["spans"][-1]["stretch"] == 1.0


def test_a_set_is_read_from_a_playlist_and_from_json(tmp_path: Path) -> None:
    (tmp_path / "set.m3u8").write_text("#EXTM3U\nb.flac\na.flac\n", encoding="utf-8")
    (tmp_path / "set.json").write_text('{"tracks": [{"path": "b.flac"}, {"path": "/a.flac"}]}', encoding="utf-8")
    assert [path.name for path in setlist.read(tmp_path / "set.m3u8")] == ["b.flac", "a.flac"]
    assert setlist.read(tmp_path / "set.json") == [tmp_path / "b.flac", Path("/a.flac")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", 'a track without a "path"'),
        ("{", "it is no JSON"),
        ("{}", "it names no tracks"),
        ("[]", "names no tracks"),
    ],
)
def test_a_set_that_names_no_files_says_so(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "set.json").write_text(text, encoding="utf-8")
    with pytest.raises(ExchangeError, match=rf"set\.json: .*{reason}"):
        setlist.read(tmp_path / "set.json")


def test_a_deck_is_loaded_with_its_bars_sections_and_level(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", clicks_at(np.arange(0, 40, 0.5), 40, RATE), RATE)
    analysis = heard_track(path, rhythm=steady(120, 0.0, 40.0), key=Key(9, minor=True, confidence=1)).analysis
    assert analysis is not None
    found = load(analysis, title="One", artist="Somebody")
    assert found.name == "Somebody - One"
    assert found.grid.bars == 20
    assert found.sections[-1].end == 20
    assert found.level == pytest.approx(-8.5 + 3.01)  # one channel on two
    assert (found.style, found.family) == ("Deep House", "House")


def test_a_file_of_a_bar_is_too_short_to_be_mixed(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(440, 2.5, RATE), RATE)
    analysis = heard_track(path).analysis
    assert analysis is not None
    with pytest.raises(UnreadableAudio, match="too short to be mixed: 4 bars are the least"):
        load(analysis)
