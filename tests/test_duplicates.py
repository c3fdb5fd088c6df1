"""The same recording more than once in a collection."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.errors import FileError, UnreadableAudio
from earmark.hearing import Listener, Model
from earmark.library.duplicates import Copies, Fingerprinted, _teams, candidates, find_copies, fingerprint_of
from earmark.library.embeddings import read_embeddings
from earmark.testing import noise, write_wav
from earmark.testing.tracks import heard_track

if TYPE_CHECKING:
    from earmark.library.track import Track

RATE = 8000
EXAMPLE = Path(__file__).parents[1] / "examples" / "10-progressive-house.opus"
LOOPS = ("123bpm_hse_drm_id_003_0254", "125bpm_hse_drm_id_002_0808", "128bpm_hse_drm_id_003_0288")


def listen(paths: Sequence[Path]) -> Iterator[Fingerprinted]:
    for path in paths:
        try:
            yield fingerprint_of(path)
        except UnreadableAudio as error:
            yield error


def nobody(paths: Sequence[Path]) -> list[Fingerprinted]:
    assert not paths
    return []


def waveform(seed: int, seconds: float = 12) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    loudness = rng.uniform(0.1, 1, round(2 * seconds)).repeat(RATE // 2).astype(np.float32)
    return np.cumsum(noise(seconds, rng, RATE)).astype(np.float32) * np.float32(2e-3) * loudness


def named(found: Sequence[Copies | FileError]) -> list[tuple[bool, list[str]]]:
    return [(each.identical, [track.path.name for track in each.tracks]) for each in found if isinstance(each, Copies)]


def test_files_with_the_same_content_are_found_without_listening() -> None:
    tracks = [heard_track(f"/m/{name}.mp3", content=content) for name, content in zip("abcd", "xyxx", strict=True)]
    tracks[1] = replace(tracks[1], analysis=None)
    vanished = replace(heard_track("/m/e.mp3", content="y"), missing=True)
    assert named(list(find_copies([*tracks, vanished], nobody))) == [(True, ["a.mp3", "c.mp3", "d.mp3"])]


def test_other_encodings_are_found_by_listening(tmp_path: Path) -> None:
    same, other = waveform(1), waveform(2)
    write_wav(tmp_path / "a.wav", same, RATE)
    write_wav(tmp_path / "b.wav", (same * np.float32(0.3))[800:], RATE)
    write_wav(tmp_path / "c.wav", other, RATE)
    tracks = [heard_track(tmp_path / f"{name}.wav", duration=12.0) for name in "abc"]
    broken = heard_track(tmp_path / "d.wav", duration=12.0)
    unheard = replace(heard_track(tmp_path / "0.wav"), analysis=None)  # takes a place among the files, but no row
    again = replace(heard_track(tmp_path / "e.wav", duration=12.0), content_hash=tracks[0].content_hash)
    found = list(find_copies([unheard, *tracks, broken, again], listen))
    # A pair with the same content and a pair with the same recording that share a track are one group.
    assert named(found) == [(False, ["a.wav", "e.wav", "b.wav"])]
    (group,) = [each for each in found if isinstance(each, Copies)]
    assert [[track.path.name for track in twins] for twins in group.twins()] == [["a.wav", "e.wav"]]
    assert [each.path.name for each in found if isinstance(each, UnreadableAudio)] == ["d.wav"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [(0, 1)]),
        ({"duration": 301.9}, [(0, 1)]),
        ({"duration": 302.1}, []),
        ({"embedding": (1.0, 0.61)}, [(0, 1)]),  # 0.854 along the other
        ({"embedding": (1.0, 0.63)}, []),  # 0.846
        ({"embedding": (0.0, 0.0)}, []),
        ({"model": "another"}, []),
    ],
)
def test_candidates_last_and_sound_alike(change: dict[str, object], expected: list[tuple[int, int]]) -> None:
    tracks = [heard_track("/a"), heard_track("/b", **change)]  # type: ignore[arg-type]
    assert [pair for each in read_embeddings(tracks) for pair in candidates(each)] == expected


def test_candidates_of_a_large_collection() -> None:
    rng = np.random.default_rng(0)
    tracks: list[Track] = []
    for number in range(2000):
        embedding = tuple(rng.normal(size=64))
        track = heard_track(f"/{number}", duration=float(rng.uniform(180, 480)), embedding=embedding)
        tracks.append(track)
    tracks += [replace(track, path=Path(f"{track.path}.mp3")) for track in tracks[::100]]
    before = time.process_time()
    (heard,) = read_embeddings(tracks)
    assert candidates(heard) == [(number * 100, 2000 + number) for number in range(20)]
    assert time.process_time() - before < 5


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] != pair[1])))
def test_teams_are_what_is_linked(pairs: list[tuple[int, int]]) -> None:
    teams = _teams(pairs)
    team_of = {member: number for number, team in enumerate(teams) for member in team}
    assert len(team_of) == sum(map(len, teams)) == len({index for pair in pairs for index in pair})
    assert all(team_of[one] == team_of[other] for one, other in pairs)
    reached = {member: {member} for member in team_of}
    for _ in pairs:
        for one, other in pairs:
            reached[one] |= reached[other]
            reached[other] |= reached[one]
    assert all(reached[member] <= set(teams[team_of[member]]) for member in team_of)
    assert all(len(set.union(*(reached[member] for member in team))) == len(team) for team in teams)


def test_real_music_in_other_encodings(shared_audio: Path, tmp_path: Path) -> None:
    loops = [shared_audio / "house-loops" / f"{name}.mp3" for name in LOOPS]
    copy = tmp_path / "copy.opus"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(loops[0]), "-b:a", "48k", str(copy)]
    subprocess.run(command, check=True)
    found = list(find_copies([heard_track(path, duration=7.8) for path in (*loops, copy)], listen))
    assert named(found) == [(False, [loops[0].name, "copy.opus"])]


def test_a_worn_copy_is_found_by_what_the_shipped_model_heard(tmp_path: Path) -> None:
    """The embedding of this one moves far: to a cosine of 0.88."""
    copy = tmp_path / "copy.mp3"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(EXAMPLE), "-vn", "-b:a", "48k", str(copy)]
    subprocess.run(command, check=True)
    listener = Listener(Model.open("house12"), parts=())
    tracks = [
        heard_track(path, duration=30.0, embedding=tuple(listener(path).embedding.tolist())) for path in (EXAMPLE, copy)
    ]
    assert named(list(find_copies(tracks, listen))) == [(False, [EXAMPLE.name, "copy.mp3"])]
