"""The hash of a content: tags by any program leave it alone, and nothing else does."""

import io
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from earmark.errors import UnreadableAudio
from earmark.library.content import BLOCK, bytes_hash, content_hash
from earmark.testing import noise, write_wav

# Without types: mutagen annotates some of its functions, and those that are not may not be called from typed code.
mutagen: Any = import_module("mutagen")
id3: Any = import_module("mutagen.id3")
apev2: Any = import_module("mutagen.apev2")

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SECONDS = 4.0
RATE = 44_100

# Noise, so that no codec makes it shorter than several blocks.
FORMATS = {
    "mp3": ["-c:a", "libmp3lame", "-b:a", "320k"],
    "flac": ["-c:a", "flac"],
    "m4a": ["-c:a", "aac", "-b:a", "320k"],
    "alac.m4a": ["-c:a", "alac"],
    "ogg": ["-c:a", "libvorbis", "-b:a", "192k"],
    "opus": ["-c:a", "libopus", "-b:a", "192k"],
    "wav": ["-c:a", "pcm_s24le"],
    "aiff": ["-c:a", "pcm_s16be"],
    "wma": ["-c:a", "wmav2", "-b:a", "320k"],
    "wv": ["-c:a", "wavpack"],
    "tta": ["-c:a", "tta"],
}


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what gives the same noise in each format."""
    folder = tmp_path_factory.mktemp("encoded")
    source = write_wav(folder / "source.wav", noise(SECONDS, np.random.default_rng(1), RATE), RATE)

    def encode(name: str) -> Path:
        path = folder / f"sound.{name}"
        if not path.exists():
            subprocess.run([FFMPEG, "-v", "error", "-i", source, *FORMATS[name], path], check=True)
        return path

    return encode


@pytest.fixture
def copied(encoded: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Return what gives a file of each format that the test may change."""
    return lambda name: Path(shutil.copy(encoded(name), tmp_path / f"elsewhere, renamed.{name}"))


def retag(path: Path) -> None:
    """Write a long title and, where that is easy, a cover, as a tagger does."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, id3.ID3):
        file.tags.add(id3.TIT2(encoding=3, text=["a title"]))
        file.tags.add(id3.APIC(encoding=3, mime="image/png", type=3, desc="", data=b"\xff\xfb\x90\x64" * 40_000))
    elif path.suffix == ".m4a":
        file.tags["\xa9nam"] = ["a title" * 5000]
    else:
        file.tags["title"] = ["a title" * 5000]
    file.save()


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_was_renamed_and_tagged_holds_the_same(
    encoded: Callable[[str], Path], copied: Callable[[str], Path], name: str
) -> None:
    before = content_hash(encoded(name))
    path = copied(name)
    retag(path)
    assert path.stat().st_size > encoded(name).stat().st_size + 1000
    assert content_hash(path) == before
    assert len(before) == 32
    assert int(before, 16) > 0


def test_each_sound_has_its_own(encoded: Callable[[str], Path]) -> None:
    assert len({content_hash(encoded(name)) for name in FORMATS}) == len(FORMATS)


def lyrics3() -> bytes:
    return b"LYRICSBEGIN" + b"IND0000200LYR00100" + b"la" * 50 + b"000129LYRICS200" + b"TAG" + bytes(125)


@pytest.mark.parametrize(
    ("name", "tail"),
    [
        ("mp3", b"TAG" + bytes(125)),
        ("mp3", lyrics3()),
        ("mp3", bytes(3000)),
        ("flac", b"TAG" + bytes(125)),
        ("wv", b"TAG" + bytes(125)),
        ("tta", b"TAG" + bytes(125)),
    ],
)
def test_a_tag_after_the_sound_does_not_count(copied: Callable[[str], Path], name: str, tail: bytes) -> None:
    path = copied(name)
    before = content_hash(path)
    with path.open("ab") as file:
        file.write(tail)
    assert content_hash(path) == before


def test_an_ape_tag_does_not_count_in_an_mp3(copied: Callable[[str], Path]) -> None:
    path = copied("mp3")
    before = content_hash(path)
    tag = apev2.APEv2()
    tag["REPLAYGAIN_TRACK_GAIN"] = "-3.00 dB" * 500
    tag.save(path)
    assert content_hash(path) == before


def test_an_id3_tag_before_the_sound_does_not_count(copied: Callable[[str], Path]) -> None:
    tag = id3.ID3()
    tag.add(id3.TIT2(encoding=3, text=["a title"]))
    written = io.BytesIO()
    tag.save(written)
    path = copied("flac")
    before = content_hash(path)
    path.write_bytes(written.getvalue() + path.read_bytes())
    assert content_hash(path) == before


def test_moving_the_index_of_an_mp4_to_the_front_does_not_count(copied: Callable[[str], Path], tmp_path: Path) -> None:
    path = copied("m4a")
    fast = tmp_path / "fast.m4a"
    subprocess.run([FFMPEG, "-v", "error", "-i", path, "-c", "copy", "-movflags", "+faststart", fast], check=True)
    assert fast.read_bytes().index(b"moov") < path.read_bytes().index(b"moov")
    assert content_hash(fast) == content_hash(path)


@pytest.mark.parametrize("name", ["mp3", "wav", "opus"])
def test_one_changed_byte_of_sound_counts(copied: Callable[[str], Path], name: str) -> None:
    path = copied(name)
    before = content_hash(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 + 17] ^= 1
    path.write_bytes(content)
    assert content_hash(path) != before


def test_half_a_file_is_another_one(copied: Callable[[str], Path]) -> None:
    path = copied("wav")
    before = content_hash(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert content_hash(path) != before


def test_the_same_bytes_at_another_rate_are_another_sound(copied: Callable[[str], Path]) -> None:
    path = copied("aiff")
    wav = write_wav(path.with_suffix(".wav"), noise(SECONDS, np.random.default_rng(1), RATE), RATE)
    before = content_hash(wav)
    content = bytearray(wav.read_bytes())
    assert struct.unpack_from("<I", content, 24) == (RATE,)
    struct.pack_into("<I", content, 24, 48_000)
    wav.write_bytes(content)
    assert content_hash(wav) != before


def test_a_file_shorter_than_a_block_counts_to_its_last_byte(tmp_path: Path) -> None:
    waveform = noise(0.2, np.random.default_rng(2), RATE)
    one = write_wav(tmp_path / "one.wav", waveform, RATE)
    assert one.stat().st_size < BLOCK
    waveform[-1] = -waveform[-1]
    assert content_hash(write_wav(tmp_path / "other.wav", waveform, RATE)) != content_hash(one)


def test_what_is_no_sound_is_known_by_its_bytes(tmp_path: Path) -> None:
    for name, text in {"a.mp3": "one text", "b.wav": "one text", "c.mp3": "another text", "d.mp3": ""}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    a, b, c, d = (content_hash(tmp_path / name) for name in ("a.mp3", "b.wav", "c.mp3", "d.mp3"))
    assert a == b == bytes_hash(tmp_path / "a.mp3")
    assert len({a, c, d}) == 3


def test_a_recording_of_no_length_is_known_by_its_bytes(tmp_path: Path) -> None:
    empty = write_wav(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    assert content_hash(empty) == bytes_hash(empty)


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match=r"gone\.mp3: there is no such file"):
        content_hash(tmp_path / "gone.mp3")
    with pytest.raises(UnreadableAudio, match="no file can have this name"):
        content_hash(Path("a\0b.mp3"))


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read")
def test_what_may_not_be_read_says_why(copied: Callable[[str], Path]) -> None:
    path = copied("mp3")
    path.chmod(0)
    with pytest.raises(UnreadableAudio, match="it cannot be read: Permission denied"):
        content_hash(path)


def test_real_music_keeps_its_hash_when_it_is_tagged(shared_audio: Path, tmp_path: Path) -> None:
    for track in sorted((shared_audio / "tracks").iterdir()):
        path = Path(shutil.copyfile(track, tmp_path / track.name))
        retag(path)
        assert content_hash(path) == content_hash(track), track.name


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp3")
    for hash_of in (content_hash, bytes_hash):
        with pytest.raises(UnreadableAudio, match=r"a\.mp3: it is not a regular file"):
            hash_of(tmp_path / "a.mp3")
