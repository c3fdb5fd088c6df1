"""Fingerprints: the physics of them, copies made by ffmpeg that are found, and other music that is not."""

import itertools
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.audio import Recording
from earmark.fingerprint import (
    FRAME,
    HOP,
    LAG,
    SAME,
    SAMPLE_RATE,
    SHORTEST,
    Fingerprint,
    Waveform,
    candidates,
    fingerprint,
    overlay,
    pairs,
)
from earmark.synth import render

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.opus"))

# What ffmpeg makes of a recording: another encoding, another level, another beginning.
COPIES = {
    "mp3 64k": (["-b:a", "64k"], ".mp3"),
    "opus 48k": (["-c:a", "libopus", "-b:a", "48k"], ".opus"),
    "-12 dB": (["-af", "volume=-12dB"], ".wav"),
    "0.35 s later": (["-af", "adelay=350:all=1"], ".wav"),
    "begins at 4.63 s": (["-ss", "4.63", "-b:a", "96k"], ".mp3"),
    "mono mp3 64k, later and softer": (["-af", "adelay=1737:all=1,volume=-9dB", "-ac", "1", "-b:a", "64k"], ".mp3"),
}


def of_file(path: Path) -> Fingerprint:
    with Recording(path) as recording:
        return fingerprint(recording.blocks(SAMPLE_RATE))


def copies_of(path: Path, folder: Path) -> dict[str, Path]:
    """Make all copies of a file; with one call for each, as one for all was seen to wait for itself for ever."""
    made = {name: folder / f"{path.stem} {name}{suffix}" for name, (_, suffix) in COPIES.items()}
    for name, (options, _) in COPIES.items():
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", path, "-vn", *options, made[name]]
        subprocess.run(command, check=True, timeout=120)
    return made


def music(seconds: float, seed: int = 0) -> Waveform:
    """Return something with a spectrum that moves: a new chord of noise bands every 0.2 s."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(0.2 * SAMPLE_RATE)) / SAMPLE_RATE
    steps = [
        sum(np.sin(2 * np.pi * rng.uniform(200, 2000) * t + rng.uniform(0, 7)) for _ in range(8)) / 8
        for _ in range(round(seconds / 0.2))
    ]
    return np.concatenate(steps).astype(np.float32)


def rendered(style: str, seed: int, seconds: float, bpm: float) -> Fingerprint:
    """Return the fingerprint of a track by always the same artist of the synth: one set of instruments."""
    track = render(style, seed, seconds, bpm=bpm, artist=1)
    return fingerprint([soxr.resample(track.audio.mean(0), track.sample_rate, SAMPLE_RATE).astype(np.float32)])


def distance(one: Fingerprint, other: Fingerprint) -> float:
    found = overlay(one, other)
    assert found is not None
    return found.distance


def test_a_code_for_each_twelfth_of_a_second() -> None:
    waveform = music(10)
    frames = (waveform.size - FRAME) // HOP + 1
    assert fingerprint([waveform]).shape == (frames - LAG,)
    assert fingerprint([waveform]).dtype == np.uint32


@given(st.lists(st.integers(0, 40_000), max_size=6))
@settings(max_examples=20)
def test_the_blocks_in_which_it_comes_do_not_matter(cuts: list[int]) -> None:
    waveform = music(6)
    assert np.array_equal(fingerprint(np.split(waveform, sorted(cuts))), fingerprint([waveform]))


def test_the_level_does_not_matter() -> None:
    whole = fingerprint([music(10)])
    assert np.array_equal(fingerprint([music(10) / np.float32(16)]), whole)  # a power of two changes no digit
    assert distance(fingerprint([music(10) * np.float32(0.251)]), whole) < 0.001


@pytest.mark.parametrize(("share", "same"), [(0.18, True), (0.21, True), (0.23, False), (0.29, False)])
def test_recordings_are_the_same_up_to_the_distance_between_bad_copies_and_loops(share: float, *, same: bool) -> None:
    rng = np.random.default_rng(4)
    one = rng.integers(1, 1 << 32, 400, np.uint32)
    flipped = rng.permutation(np.arange(32 * 400) < share * 32 * 400 * 400 / 380)  # some frames stay as they are
    bits = np.packbits(flipped.reshape(400, 32), axis=1, bitorder="little").view("<u4").ravel()
    bits[::20] = 0  # or no code would be alike, and the two would never be compared
    other = (one ^ bits).astype(np.uint32)
    assert distance(one, other) == pytest.approx(share, abs=0.006)
    assert [(first, second) for first, second, _ in pairs([one, other])] == ([(0, 1)] if same else [])


def test_silence_is_not_heard() -> None:
    assert not fingerprint([np.zeros(10 * SAMPLE_RATE, np.float32)]).any()
    waveform = music(10)
    waveform[: 5 * SAMPLE_RATE] *= np.float32(1e-4)  # -80 dB
    heard = fingerprint([waveform]) > 0
    seconds = np.arange(heard.size) * HOP / SAMPLE_RATE  # where the earlier of the two frames of a code begins
    assert not heard[seconds < 5 - FRAME / SAMPLE_RATE].any()
    assert heard[seconds > 5].all()


def test_two_silent_halves_do_not_make_two_tracks_alike() -> None:
    rest = np.zeros(30 * SAMPLE_RATE, np.float32)
    one, other = (fingerprint([np.concatenate([music(10, seed), rest])]) for seed in (1, 2))
    assert distance(one, other) > 0.4


@pytest.mark.parametrize("samples", [0, 1, FRAME - 1, FRAME + LAG * HOP - 1])
def test_what_is_too_short_has_no_codes(samples: int) -> None:
    assert fingerprint([np.ones(samples, np.float32)]).shape == (0,)
    assert fingerprint([]).shape == (0,)


def test_too_little_in_common_is_no_answer() -> None:
    short = fingerprint([music(3)])
    assert 0 < short.size < SHORTEST
    assert overlay(short, fingerprint([music(60)])) is None
    assert overlay(short, np.empty(0, np.uint32)) is None


@pytest.mark.parametrize("late", [0.0, 0.0417, 0.35, 2.0, 7.77])  # 0.0417 s: half a frame, where codes agree the least
def test_the_offset_is_found(late: float) -> None:
    waveform = music(30)
    later = np.concatenate([np.zeros(round(late * SAMPLE_RATE), np.float32), waveform])
    found, back = (overlay(*order) for order in itertools.permutations((fingerprint([later]), fingerprint([waveform]))))
    assert found is not None
    assert back is not None
    assert found.offset == pytest.approx(late, abs=HOP / SAMPLE_RATE / 2 + 1e-3)
    assert back.offset == -found.offset
    assert back.distance == pytest.approx(found.distance, abs=1e-9)
    assert found.distance < SAME


def test_a_part_is_found_in_the_whole() -> None:
    waveform = music(60)
    found = overlay(fingerprint([waveform]), fingerprint([waveform[20 * SAMPLE_RATE : 32 * SAMPLE_RATE]]))
    assert found is not None
    assert found.offset == 20
    assert found.distance == pytest.approx(0, abs=1e-9)


def test_the_distance_is_the_share_of_bits_that_differ() -> None:
    rng = np.random.default_rng(3)
    one = rng.integers(1, 2**32, 400, dtype=np.uint32)
    flips = np.zeros(400, np.uint32)
    for bit in range(32):
        flips |= (rng.random(400) < 0.1).astype(np.uint32) << np.uint32(bit)
    expected = np.bitwise_count(flips).sum() / (400 * 32)
    assert distance(one, one ^ flips) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("share", "expected"), [(0.18, 1), (0.21, 1), (0.23, 0), (0.26, 0), (0.29, 0)])
def test_recordings_are_the_same_while_less_than_22_percent_of_the_bits_differ(share: float, expected: int) -> None:
    """Copies were measured up to 0.18, drum loops that share samples from 0.29: between them the line is drawn."""
    rng = np.random.default_rng(6)
    one = rng.integers(1, 2**32, 1000, dtype=np.uint32)
    kept = np.arange(0, 1000, 20)  # these codes are right, so that the two are compared at all
    flips = np.zeros(1000, np.uint32)
    others = np.setdiff1d(np.arange(1000), kept)
    spread = rng.permutation(np.arange(others.size * 32) < round(share * 1000 * 32)).reshape(-1, 32)
    flips[others] = (spread.astype(np.uint32) << np.arange(32, dtype=np.uint32)).sum(1, dtype=np.uint32)
    other = one ^ flips
    assert distance(one, other) == pytest.approx(share, abs=1e-9)
    assert len(list(pairs([one, other]))) == expected


def test_pairs_of_nothing() -> None:
    assert list(pairs([])) == []
    assert list(pairs([np.empty(0, np.uint32), np.zeros(500, np.uint32), np.zeros(500, np.uint32)])) == []


def test_many_copies_hang_together() -> None:
    rng = np.random.default_rng(4)
    strangers = [rng.integers(1, 2**32, 300, dtype=np.uint32) for _ in range(40)]
    copy = strangers[7]
    crate = [*strangers, *(np.where(rng.random(300) < 0.5, copy, copy ^ np.uint32(1 << 9)) for _ in range(30))]
    found = {(one, other) for one, other, _ in pairs(crate)}
    assert {index for pair in found for index in pair} == {7, *range(40, 70)}
    reached = {7}
    for _ in crate:
        reached |= {index for pair in found if reached & set(pair) for index in pair}
    assert reached == {7, *range(40, 70)}


def test_only_what_has_codes_in_common_is_compared() -> None:
    rng = np.random.default_rng(5)
    crate = [rng.integers(1, 2**32, 3600, dtype=np.uint32) for _ in range(100)]
    crate[90][:3500:50] = crate[10][100::50]  # one code in fifty is right
    assert candidates(crate) == [(10, 90)]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Return the copies of one of the examples."""
    folder = tmp_path_factory.mktemp("copies")
    return {path.stem: copies_of(path, folder) for path in EXAMPLES[3:4]}


def test_copies_are_found_and_nothing_else(copies: dict[str, dict[str, Path]]) -> None:
    paths = [*EXAMPLES, *(path for made in copies.values() for path in made.values())]
    found = list(pairs([of_file(path) for path in paths]))
    together = {stem: {stem} for stem in copies}
    for one, other, _ in found:
        stems = {paths[index].stem.partition(" ")[0] for index in (one, other)}
        assert len(stems) == 1, f"{paths[one]} is not {paths[other]}"
        together[stems.pop()] |= {paths[one].stem, paths[other].stem}
    assert together == {stem: {stem, *(path.stem for path in made.values())} for stem, made in copies.items()}


def test_the_same_instruments_at_the_same_tempo_are_other_music() -> None:
    made = [rendered("Deep House", seed, 10, bpm=124) for seed in range(3)]
    assert min(distance(one, other) for one, other in itertools.combinations(made, 2)) > 0.35


@pytest.mark.slow
def test_real_music_and_loops(shared_audio: Path, tmp_path: Path) -> None:
    tracks = sorted((shared_audio / "tracks").iterdir())
    loops = sorted((shared_audio / "house-loops").iterdir())
    made = {track: copies_of(track, tmp_path) for track in tracks}
    paths = [*tracks, *loops, *(path for each in made.values() for path in each.values())]
    origin = {path: track for track, each in made.items() for path in each.values()}
    prints = [of_file(path) for path in paths]
    styles = ("Deep House", "Trance", "Techno / Tech House")
    synthetic = [rendered(style, seed, 20, bpm=128) for style in styles for seed in range(8)]
    found = list(pairs([*prints, *synthetic]))
    same = {tuple(origin.get(paths[index], paths[index]) for index in pair[:2]) for pair in found}
    assert same == {(track, track) for track in tracks}
    for track, each in made.items():
        whole = prints[paths.index(track)]
        for name, path in each.items():
            assert distance(prints[paths.index(path)], whole) < 0.18, (track, name)
    strangers = [*prints[: len(tracks) + len(loops)], *synthetic]
    assert min(distance(one, other) for one, other in itertools.combinations(strangers, 2)) > 0.26
