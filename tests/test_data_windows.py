"""The cache of decoded windows: what is in it, that it goes on where it was, and that it does not trust itself."""

import os
import pickle
import subprocess
import sys
import time
import zlib
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.audio import Recording, decode
from earmark.errors import EarmarkError, UnreadableAudio
from earmark.learning.data.windows import WindowCache
from earmark.synth.encoding import write_audio
from earmark.testing import noise, sweep, tone, write_wav

RATE = 8000
EXAMPLE = min((Path(__file__).parents[1] / "examples").glob("*.opus"))


@pytest.fixture
def cache(tmp_path: Path) -> WindowCache:
    """Return an empty cache: up to three windows of a quarter of a second from each track."""
    return WindowCache(tmp_path / "cache", RATE, RATE // 4, 3)


def ramp(path: Path, seconds: float) -> Path:
    """Write a signal whose value says where it is."""
    return write_wav(path, np.linspace(0, 0.9, round(seconds * RATE), dtype=np.float32), RATE)


def test_windows_are_spread_evenly_from_beginning_to_end(cache: WindowCache, tmp_path: Path) -> None:
    track = ramp(tmp_path / "a.wav", 2.25)
    whole = decode(track, RATE)
    assert cache.windows(track).steps.shape == (3, RATE // 4)
    for index, start in enumerate((0, RATE, 2 * RATE)):
        expected = whole[start : start + RATE // 4]
        assert cache.waveform(track, index) == pytest.approx(expected, abs=float(expected.max()) / 32767 / 2 + 1e-7)
    assert cache.windows(track).heard.tolist() == [2000] * 3


def test_a_single_window_is_in_the_middle(tmp_path: Path) -> None:
    track = ramp(tmp_path / "a.wav", 2.25)
    single = WindowCache(tmp_path / "cache", RATE, RATE // 4, 1)
    assert single.waveform(track, 0)[0] == pytest.approx(decode(track, RATE)[RATE], abs=1e-4)


@pytest.mark.parametrize("samples", [1, 1999, 2000])
def test_a_short_track_has_one_window_followed_by_silence(cache: WindowCache, tmp_path: Path, samples: int) -> None:
    track = write_wav(tmp_path / "a.wav", np.full(samples, 0.5, np.float32), RATE)
    windows = cache.windows(track)
    assert windows.steps.shape == (1, 2000)
    assert windows.heard.tolist() == [samples]
    waveform = cache.waveform(track, 0)
    assert waveform[:samples] == pytest.approx(0.5, abs=1e-4)
    assert not waveform[samples:].any()


def test_windows_that_would_be_the_same_are_one(cache: WindowCache, tmp_path: Path) -> None:
    assert len(cache.windows(ramp(tmp_path / "a.wav", 0.25)).heard) == 1
    assert len(cache.windows(write_wav(tmp_path / "b.wav", np.zeros(2001, np.float32), RATE)).heard) == 2


@pytest.mark.parametrize("gain", [4.0, 1.0, 1e-4])
def test_nothing_clips_and_what_is_soft_is_as_exact(cache: WindowCache, tmp_path: Path, gain: float) -> None:
    # 32-bit float in a wav: peaks beyond full scale, as lossy decoders give them.
    waveform = gain * noise(1, np.random.default_rng(0), RATE, level=1.0)
    header = b"RIFF" + (36 + 4 * RATE).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += b"\3\0\1\0" + RATE.to_bytes(4, "little") + (4 * RATE).to_bytes(4, "little") + b"\4\0\x20\0"
    track = tmp_path / "float.wav"
    track.write_bytes(header + b"data" + (4 * RATE).to_bytes(4, "little") + waveform.astype("<f4").tobytes())
    kept = np.concatenate([cache.waveform(track, index) for index in range(3)])
    expected = np.concatenate([waveform[start : start + 2000] for start in (0, 3000, 6000)])
    assert np.abs(kept).max() == pytest.approx(np.abs(expected).max(), rel=1e-6)
    assert np.abs(kept - expected).max() <= gain / 32767 / 2 * 1.01


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=50))
@settings(max_examples=30)
def test_every_sample_is_within_half_a_step(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    folder = tmp_path_factory.mktemp("any")
    cache = WindowCache(folder, RATE, len(values), 1)
    track = folder / "a.wav"
    track.write_bytes(b"x")
    object.__setattr__(cache, "_decode", lambda _: (np.array([values], np.float32), np.array([len(values)])))
    expected = np.array(values, np.float32)
    step = np.abs(expected).max() / 32767
    assert np.abs(cache.waveform(track, 0) - expected).max() <= step * 0.51 + 1e-20


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".wav"])
def test_seeking_gives_what_decoding_gives(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    track = tmp_path / f"long{suffix}"
    write_audio(track, np.stack([sweep(100, 3000, 20, 44_100)] * 2), 44_100)
    sought = WindowCache(tmp_path / "sought", RATE, RATE // 2, 3)
    with Recording(track) as recording:
        assert sought._seek(recording) is not None  # noqa: SLF001  or there is nothing to compare
    whole = WindowCache(tmp_path / "whole", RATE, RATE // 2, 3)
    expected = sought.windows(track)
    monkeypatch.setattr(WindowCache, "_seek", lambda *_: None)
    found = whole.windows(track)
    assert found.heard.tolist() == expected.heard.tolist() == [RATE // 2] * 3
    assert np.abs(found.steps.astype(int) - expected.steps.astype(int)).max() <= 1


def test_a_file_that_ends_before_it_says_is_decoded_whole(tmp_path: Path) -> None:
    track = write_wav(tmp_path / "cut.wav", tone(440, 60, RATE), RATE)
    track.write_bytes(track.read_bytes()[: 20 * RATE * 2 + 44])
    cache = WindowCache(tmp_path / "cache", RATE, RATE, 3)
    assert cache.windows(track).heard.tolist() == [RATE] * 3
    assert all(np.abs(cache.waveform(track, index)).max() > 0.4 for index in range(3))


def test_filling_goes_on_where_it_was(cache: WindowCache, tmp_path: Path) -> None:
    tracks = [ramp(tmp_path / f"{index}.wav", 1) for index in range(4)]
    filling = cache.fill(tracks)
    assert [next(filling), next(filling)] == tracks[:2]
    assert isinstance(filling, Generator)
    filling.close()
    there = {file: file.stat().st_mtime_ns for file in cache.folder.iterdir()}
    assert set(there) == {cache.file_of(track) for track in tracks[:2]}
    assert list(cache.fill(tracks)) == tracks
    assert {file: file.stat().st_mtime_ns for file in there} == there
    assert {cache.file_of(track) for track in tracks} == set(cache.folder.iterdir())


def test_what_cannot_be_heard_is_a_result(cache: WindowCache, tmp_path: Path) -> None:
    junk = tmp_path / "junk.mp3"
    junk.write_bytes(b"no sound at all" * 100)
    good = ramp(tmp_path / "a.wav", 1)
    outcomes = list(cache.fill([junk, tmp_path / "gone.wav", good]))
    assert [str(each) for each in outcomes[:2]] == [
        f"{junk}: it is not audio, or damaged beyond recognition",
        f"{tmp_path}/gone.wav: it cannot be opened: No such file or directory",
    ]
    assert outcomes[2] == good
    with pytest.raises(UnreadableAudio, match="not audio"):
        cache.waveform(junk, 0)


def test_several_processes_fill_it(cache: WindowCache, tmp_path: Path) -> None:
    tracks = [ramp(tmp_path / f"{index}.wav", 1) for index in range(3)]
    assert pickle.loads(pickle.dumps(cache)) == cache  # noqa: S301  our own, as it travels to a worker
    assert list(cache.fill(tracks, workers=2)) == tracks
    assert len(list(cache.folder.glob("*.npy"))) == 3


def test_a_track_that_changes_is_another_entry(cache: WindowCache, tmp_path: Path) -> None:
    track = write_wav(tmp_path / "a.wav", np.full(4000, 0.1, np.float32), RATE)
    first = cache.file_of(track)
    assert cache.waveform(track, 0)[0] == pytest.approx(0.1, abs=1e-4)
    write_wav(track, np.full(4000, 0.7, np.float32), RATE)
    os.utime(track, ns=(1, 1))
    assert cache.waveform(track, 0)[0] == pytest.approx(0.7, abs=1e-4)
    assert cache.file_of(track) != first
    others = [
        WindowCache(cache.folder, *changed) for changed in ((RATE + 1, 2000, 3), (RATE, 2001, 3), (RATE, 2000, 2))
    ]
    assert len({each.file_of(track) for each in (cache, *others)}) == 4


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "junk", "zip", "other"])
def test_what_is_damaged_is_made_anew(cache: WindowCache, tmp_path: Path, damage: str) -> None:
    track = ramp(tmp_path / "a.wav", 2)
    expected = cache.waveform(track, 1)
    file = cache.file_of(track)
    raw = file.read_bytes()
    if damage == "other":
        np.save(file, np.zeros((3, 2000), np.int16))
    else:
        middle = len(raw) // 2
        file.write_bytes(
            {
                "flip": raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :],
                "cut": raw[:middle],
                "empty": b"",
                "junk": b"junk" * 1000,
                "zip": b"PK\3\4" + raw,
            }[damage]
        )
    assert np.array_equal(cache.waveform(track, 1), expected)
    assert file.read_bytes() == raw
    assert cache.verify() == []


def test_every_bit_of_a_window_counts(cache: WindowCache, tmp_path: Path) -> None:
    track = ramp(tmp_path / "a.wav", 0.25)
    cache.windows(track)
    file = cache.file_of(track)
    raw = file.read_bytes()
    body = len(raw) - (12 + 2 * 2000)
    record = raw[body:]
    assert int.from_bytes(record[:4], "little") == zlib.crc32(record[4:])
    for place in range(body, body + 14):  # checksum, scale, heard and the first sample
        file.write_bytes(raw[:place] + bytes([raw[place] ^ 4]) + raw[place + 1 :])
        assert cache.verify() == [file]
        assert not file.exists()


def test_verify_removes_what_is_damaged_or_unfinished(cache: WindowCache, tmp_path: Path) -> None:
    tracks = [ramp(tmp_path / f"{index}.wav", 1) for index in range(3)]
    assert list(cache.fill(tracks)) == tracks
    assert cache.verify() == []
    left = cache.folder / ".abc.1234.part"
    left.write_bytes(b"")
    cache.file_of(tracks[1]).write_bytes(b"")
    assert cache.verify() == [left, cache.file_of(tracks[1])]
    assert set(cache.folder.iterdir()) == {cache.file_of(tracks[0]), cache.file_of(tracks[2])}


def test_a_killed_process_leaves_whole_files_only(cache: WindowCache, tmp_path: Path) -> None:
    tracks = [ramp(tmp_path / f"{index}.wav", 20) for index in range(200)]
    script = (
        "import sys\nfrom pathlib import Path\nfrom earmark.learning.data.windows import WindowCache\n"
        f"cache = WindowCache(Path(sys.argv[1]), {RATE}, {cache.samples}, {cache.per_track})\n"
        "for path in cache.fill(map(Path, sys.argv[2:])): print(path, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, cache.folder, *tracks], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    there = list(cache.folder.glob("*.npy"))
    assert 3 <= len(there) < 200
    assert [file for file in cache.verify() if file.suffix == ".npy"] == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = WindowCache(tmp_path / "file", RATE, 2000, 3)
    with pytest.raises(EarmarkError, match=r"file: the cache cannot be written: "):
        cache.windows(ramp(tmp_path / "a.wav", 1))


def test_reading_is_faster_than_decoding(tmp_path: Path) -> None:
    cache = WindowCache(tmp_path, 16_000, 16_000 * 10, 1)

    def seconds() -> float:
        begin = time.process_time()
        cache.waveform(EXAMPLE, 0)
        return time.process_time() - begin

    decoded = seconds()
    assert min(seconds() for _ in range(5)) < decoded / 5
