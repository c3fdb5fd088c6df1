"""The contract that every container keeps, and what is particular to each layout.

Oracles: mutagen by the names that other programs use, the ffmpeg command line for the sound, and the bytes themselves.
"""

import hashlib
import io
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import imageio_ffmpeg
import mutagen
import mutagen.id3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.audio.signature import _AT_START, _FORMS, _IN_OGG, kind_of
from earmark.errors import TagError
from earmark.library.tags import Change, Journal, audio_bytes, read, undo, write
from earmark.library.tags.containers import CONTAINERS, Container, identify
from earmark.library.tags.fields import READ, WRITTEN, Family, says_something, values_of
from earmark.library.tags.layouts import asf, id3
from earmark.library.tags.layouts.id3 import _syncsafe
from earmark.library.tags.layouts.iff import _packed
from earmark.library.tags.layouts.layout import Layout, LayoutError, Values
from earmark.library.tags.patch import Splice, apply, digest, digest_after, inverse, patch
from earmark.library.tags.read import read_identified
from earmark.library.track import Tags
from earmark.testing.tagged import CUES, KINDS, encode, frames_of, old_tag, plant

NEW = {
    "genre": ("Drum & Bass", "Größe 東京"),
    "style": ("Liquid", "x/y; z"),
    "bpm": ("173.98",),
    "key": ("Am",),
    "energy": ("7",),
    "comment": ("8A - Energy 7\nzweite Zeile",),
    "provenance": ('{"model":"house12","styles":{"Drum & Bass":0.97}}' * 5,),
}

# What a program that knows nothing of earmark asks mutagen for.
ID3_NAMES = {
    "genre": "TCON",
    "style": "TXXX:STYLE",
    "bpm": "TBPM",
    "key": "TKEY",
    "energy": "TXXX:EnergyLevel",
    "comment": "COMM::eng",
    "provenance": "TXXX:EARMARK",
}
COMMENT_NAMES = {
    "genre": "GENRE",
    "style": "STYLE",
    "bpm": "BPM",
    "key": "INITIALKEY",
    "energy": "ENERGYLEVEL",
    "comment": "COMMENT",
    "provenance": "EARMARK",
}
FREE = "----:com.apple.iTunes:"
NAMES = {
    Family.ID3: ID3_NAMES,
    Family.VORBIS: COMMENT_NAMES,
    Family.MP4: {
        "genre": "\xa9gen",
        "style": f"{FREE}STYLE",
        "bpm": f"{FREE}BPM",
        "key": f"{FREE}initialkey",
        "energy": f"{FREE}EnergyLevel",
        "comment": "\xa9cmt",
        "provenance": f"{FREE}EARMARK",
    },
    Family.APE: COMMENT_NAMES | {"energy": "EnergyLevel"},
    Family.ASF: {
        "genre": "WM/Genre",
        "style": "STYLE",
        "bpm": "WM/BeatsPerMinute",
        "key": "WM/InitialKey",
        "energy": "EnergyLevel",
        "comment": "Description",
        "provenance": "EARMARK",
    },
}


ID3_TYPES: Any = mutagen.id3  # mutagen says of few of its functions what they take


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a file of each kind without tags."""
    folder = tmp_path_factory.mktemp("plain")
    return {kind: encode(folder / f"{kind.replace(' ', '-')}{KINDS[kind][-1]}", kind) for kind in KINDS}


@pytest.fixture(scope="session")
def planted(plain: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[bytes]]]:
    """Return a file of each kind with what other programs leave in it, and the bytes that must stay."""
    folder = tmp_path_factory.mktemp("planted")
    found = {}
    for kind, path in plain.items():
        copy = Path(shutil.copy(path, folder / path.name))
        found[kind] = copy, plant(copy, kind)
    return found


def changes_to(path: Path, new: Mapping[str, tuple[str, ...]]) -> list[Change]:
    """The changes that make a file say this."""
    tags = read(path)
    return [Change(name, values_of(tags, name), values) for name, values in new.items()]


def decoded(path: Path) -> str:
    """What the ffmpeg command hears, as a checksum."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:a", "-f", "md5", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def texts(file: Any, name: str) -> list[str]:  # noqa: ANN401  mutagen's classes have no common type
    """What stands under a name, by mutagen."""
    value = file.tags[name]
    found = value.text if hasattr(value, "text") else value
    return [each.decode() if isinstance(each, bytes) else str(each) for each in found]


# The contract


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_found_under_the_names_that_others_use(
    kind: str, planted: dict[str, tuple[Path, list[bytes]]], tmp_path: Path
) -> None:
    path = Path(shutil.copy(planted[kind][0], tmp_path))
    write(path, changes_to(path, NEW), Journal(tmp_path / "journal").start())
    file = mutagen.File(path)
    names = NAMES[identify(path)[0].family]
    for field, values in NEW.items():
        assert texts(file, names[field]) == list(values), field
    assert {name: values_of(read(path), name) for name in NEW} == NEW
    if KINDS[kind][0] == "ipod":
        assert file.tags["tmpo"] == [174]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_else_stays_and_undo_gives_every_byte_back(
    kind: str, planted: dict[str, tuple[Path, list[bytes]]], tmp_path: Path
) -> None:
    original, blobs = planted[kind]
    path = Path(shutil.copy2(original, tmp_path))
    path.chmod(0o640)
    os.utime(path, ns=(1_500_000_000_123_456_789, 1_400_000_000_987_654_321))
    before, seen, heard, tags = path.read_bytes(), path.stat(), decoded(path), read(path)
    journal = Journal(tmp_path / "journal")
    for new in (NEW, {"genre": ("Trance",), "bpm": ("140",), "comment": ()}):
        write(path, changes_to(path, new), journal.start())
    after, now = path.read_bytes(), path.stat()
    assert after != before
    assert decoded(path) == heard
    assert all(blob in after for blob in blobs)
    assert (read(path).title, read(path).artist) == (tags.title, tags.artist)
    assert (now.st_mode, now.st_mtime_ns) == (seen.st_mode, seen.st_mtime_ns)
    assert len(journal.runs()) == 2
    for run in journal.runs():
        assert list(undo(journal, run.name)) == [path]
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == seen.st_mtime_ns
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_tags_has_empty_ones_and_takes_some(kind: str, plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain[kind], tmp_path))
    assert read(path) == Tags()
    heard, before = decoded(path), path.read_bytes()
    journal = Journal(tmp_path / "journal")
    write(path, changes_to(path, NEW), journal.start(), verify="decode")
    assert {name: values_of(read(path), name) for name in NEW} == NEW
    assert decoded(path) == heard
    assert list(undo(journal)) == [path]
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "wma"])
def test_a_comment_of_several_values_keeps_them_all(kind: str, plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain[kind], tmp_path))
    journal = Journal(tmp_path / "journal")
    write(path, [Change("comment", (), ("from Anna", "peak time"))], journal.start())
    assert (read(path).comment, read(path).more_comments) == ("from Anna", ("peak time",))
    write(path, [Change("comment", ("from Anna", "peak time"), ("from Anna / 8A", "peak time"))], journal.start())
    assert values_of(read(path), "comment") == ("from Anna / 8A", "peak time")


def test_several_comments_are_refused_where_there_is_room_for_one(plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain["wma"], tmp_path))
    before = path.read_bytes()
    with pytest.raises(TagError, match=r"not changed: it would have several comments, and ASF has room for one"):
        write(path, [Change("comment", (), ("from Anna", "peak time"))], Journal(tmp_path / "journal").start())
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
def test_artist_title_and_genre_are_read_whatever_the_container(
    kind: str, plain: dict[str, Path], tmp_path: Path
) -> None:
    """As ffmpeg writes them: in `LIST INFO` for WAV, in ID3 for AIFF, in APE for True Audio."""
    path = tmp_path / plain[kind].name
    tags = ("title=Tïtel", "artist=Somebody & 坂本", "genre=Deep House")
    more = [part for tag in tags for part in ("-metadata", tag)] + (["-write_id3v2", "1"] if kind == "aiff" else [])
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(plain[kind]), "-c", "copy", *more, str(path)]
    subprocess.run(command, check=True, timeout=120)
    assert read(path) == Tags(title="Tïtel", artist="Somebody & 坂本", genres=("Deep House",))


UNKNOWN = {
    "a.aac": ("AAC", ""),
    "a.mka": ("Matroska", ""),
    "a.caf": ("CAF", ""),
    "a.wav": ("RF64", "-rf64 always"),
    "a.w64": ("Wave64", ""),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_kind_whose_tags_nobody_knows_has_none_and_is_not_written(name: str, tmp_path: Path) -> None:
    kind, options = UNKNOWN[name]
    path = tmp_path / name
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "sine=duration=0.2"]
    subprocess.run([*command, "-metadata", "title=T", *options.split(), str(path)], check=True, timeout=120)
    assert read(path) == Tags()
    assert refused(path, tmp_path) == f"tags of {kind} are neither read nor written"


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".wav", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_what_its_content_says(
    kind: str, suffix: str, planted: dict[str, tuple[Path, list[bytes]]], tmp_path: Path
) -> None:
    original, _ = planted[kind]
    path = Path(shutil.copy(original, tmp_path / f"a{suffix}"))
    assert identify(path)[0] is identify(original)[0]
    assert read(path) == read(original)


def test_each_container_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    told = {*_AT_START.values(), *_FORMS.values(), *_IN_OGG.values()}
    for head in (b"\0\0\0\x20ftypM4A ", b"\xff\xfb\x90\x64"):
        (tmp_path / "a").write_bytes(head)
        told.add(kind_of(tmp_path / "a"))
    assert {container.name for container in CONTAINERS} <= told


@pytest.mark.parametrize("head", [b"", b"ID3", b"OggS", b"\xff\xff\xff\xff", b"\xff\xe8\x90\x64", b"RIFF", b"\0" * 400])
def test_a_head_that_says_nothing_is_of_no_kind(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(head)
    assert kind_of(path) == ""


def test_flac_whose_streaminfo_stands_second_is_written(plain: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "second.flac"
    content = plain["flac"].read_bytes()
    path.write_bytes(b"fLaC\x01\0\0\x05" + bytes(5) + content[4:])
    before, journal = path.read_bytes(), Journal(tmp_path / "journal")
    write(path, changes_to(path, NEW), journal.start())
    assert {name: values_of(read(path), name) for name in NEW} == NEW
    assert list(undo(journal)) == [path]
    assert path.read_bytes() == before


def test_an_mp3_whose_tag_is_followed_by_zeros_is_one(plain: dict[str, Path], tmp_path: Path) -> None:
    tag = b"ID3\4\0\0" + _syncsafe(30) + b"TIT2\0\0\0\x02\0\0\3T" + bytes(18)
    path = tmp_path / "a.flac"
    path.write_bytes(tag + bytes(5000) + plain["mp3"].read_bytes())
    assert identify(path)[0].name == "MP3"
    assert read(path).title == "T"


def test_ogg_flac_is_not_flac(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "sine=duration=0.2"]
    subprocess.run([*command, "-metadata", "title=T", "-c:a", "flac", "-f", "ogg", str(path)], check=True, timeout=120)
    assert read(path) == Tags(title="T")
    assert refused(path, tmp_path) == "tags of Ogg FLAC are read, but not written"


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp3")
    with pytest.raises(TagError, match=r"a\.mp3: it is not a regular file"):
        read(tmp_path / "a.mp3")


LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("eis.ogg", "melt.opus", "parallel.m4a")]


@pytest.mark.parametrize("name", ["gold.wav", "modula.flac", "tribb.mp3", "trip1.aiff", *LONG])
def test_real_music_sounds_the_same_and_comes_back(name: str, shared_audio: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    shutil.copyfile(shared_audio / "tracks" / name, path)
    before, heard, title = path.read_bytes(), decoded(path), read(path).title
    journal = Journal(tmp_path / "journal")
    write(path, changes_to(path, NEW), journal.start())
    assert {field: values_of(read(path), field) for field in NEW} == NEW
    assert (read(path).title, decoded(path)) == (title, heard)
    assert title == path.stem.rstrip("1") or name == "trip1.aiff"
    assert list(undo(journal)) == [path]
    assert path.read_bytes() == before


def test_files_of_one_collection_keep_their_version_of_id3(
    planted: dict[str, tuple[Path, list[bytes]]], tmp_path: Path
) -> None:
    versions = {}
    for kind in ("mp3 2.2", "mp3 2.3", "mp3 2.3 unsynchronised", "mp3 2.4", "mp3"):
        path = Path(shutil.copy(planted[kind][0], tmp_path))
        write(path, changes_to(path, NEW), Journal(tmp_path / "journal").start())
        versions[kind] = path.read_bytes()[3]
    assert versions == {"mp3 2.2": 2, "mp3 2.3": 3, "mp3 2.3 unsynchronised": 3, "mp3 2.4": 4, "mp3": 4}


# Values of every kind


@pytest.fixture(scope="session")
def contents(planted: dict[str, tuple[Path, list[bytes]]]) -> dict[str, tuple[Container, bytes]]:
    """Return the containers and contents of the planted files."""
    return {kind: (identify(path)[0], path.read_bytes()) for kind, (path, _) in planted.items()}


def rewritten(container: Container, content: bytes, values: dict[str, tuple[str, ...]]) -> tuple[bytes, bytes]:
    """A file changed in memory, and changed back."""
    assert container.open is not None
    opened = container.open(io.BytesIO(content))
    changes = opened.set(values)
    there, back = io.BytesIO(), io.BytesIO()
    apply(changes, io.BytesIO(content), there.write)
    apply(inverse(changes), io.BytesIO(there.getvalue()), back.write)
    anew = container.open(io.BytesIO(there.getvalue()))
    assert anew.rest == opened.rest
    assert anew.foreign([*values, *opened.taken_over]) == opened.foreign([*values, *opened.taken_over])
    return there.getvalue(), back.getvalue()


# Any character but NUL, which separates values, and halves of characters, which cannot be encoded.
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, min_size=1, max_size=300).filter(says_something)
SEVERAL = st.lists(
    st.one_of(TEXT, st.sampled_from(["a/b", "a;b", "a\\\\b", "a\nb", "=", "\ufeffx", " ", "ÿ\xfe"])), max_size=5
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(styles=SEVERAL, key=TEXT, comment=TEXT)
def test_any_text_is_read_back_and_taken_back(
    kind: str, contents: dict[str, tuple[Container, bytes]], styles: list[str], key: str, comment: str
) -> None:
    container, content = contents[kind]
    names = [field.names[container.family][0] for field in WRITTEN if field.name in ("style", "key", "comment")]
    values = dict(zip(names, (tuple(styles), (key,), (comment,)), strict=True))
    changed, back = rewritten(container, content, values)
    assert back == content
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        path.write_bytes(changed)
        tags = read_identified(path, container, container.reader(io.BytesIO(changed)))
    assert (tags.styles, tags.key, tags.comment) == (tuple(filter(says_something, styles)), key, comment)


@given(content=st.binary(max_size=60), data=st.data())
def test_a_patch_can_be_turned_round(content: bytes, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, len(content)), max_size=8)))
    splices = [
        Splice(start, content[start:end], data.draw(st.binary(max_size=9)))
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]
    expected = bytearray(content)
    for splice in reversed(splices):
        expected[splice.offset : splice.offset + len(splice.old)] = splice.new
    there, back = io.BytesIO(), io.BytesIO()
    changes = patch(splices)
    apply(changes, io.BytesIO(content), there.write)
    assert there.getvalue() == bytes(expected)
    apply(inverse(changes), there, back.write)
    assert back.getvalue() == content


def test_a_patch_of_another_file_is_not_applied() -> None:
    with pytest.raises(ValueError, match="at byte 1 stands something else"):
        apply(patch([Splice(1, b"b", b"x")]), io.BytesIO(b"acc"), io.BytesIO().write)
    with pytest.raises(ValueError, match="overlap"):
        patch([Splice(0, b"ab", b"x"), Splice(1, b"bc", b"y")])


@pytest.mark.parametrize("block", [1, 3, 1000])
def test_a_file_is_copied_and_hashed_block_by_block(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.library.tags.patch.BLOCK", block)
    content = bytes(range(50))
    changes = patch([Splice(10, content[10:20], b"new"), Splice(40, b"", b"!")])
    expected = content[:10] + b"new" + content[20:40] + b"!" + content[40:]
    there = io.BytesIO()
    apply(changes, io.BytesIO(content), there.write)
    assert there.getvalue() == expected
    assert digest_after(changes, io.BytesIO(content)) == hashlib.sha256(expected).hexdigest()
    assert digest(io.BytesIO(content), 5, 30) == hashlib.sha256(content[5:35]).hexdigest()
    assert digest(io.BytesIO(content), 5) == hashlib.sha256(content[5:]).hexdigest()


def test_a_patch_holds_what_differs_and_nothing_else() -> None:
    assert patch([Splice(5, b"same", b"same")]) == ()
    assert patch([Splice(5, b"a long text", b"a new text"), Splice(2, b"aa", b"aaa")]) == (
        Splice(4, b"", b"a"),
        Splice(7, b"long", b"new"),
    )


# Tempo


@pytest.mark.parametrize("kind", ["m4a aac", "mp3 2.4", "opus"])
def test_a_tempo_keeps_its_decimals(kind: str, plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain[kind], tmp_path))
    run = Journal(tmp_path / "journal").start()
    for tempo in ("127.98", "128", "174.5"):
        write(path, changes_to(path, {"bpm": (tempo,)}), run)
        assert read(path).bpm == float(tempo)


def test_in_mp4_the_whole_tempo_counts_where_another_program_changed_it(plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain["m4a aac"], tmp_path))
    write(path, changes_to(path, {"bpm": ("127.98",)}), Journal(tmp_path / "journal").start())
    file: Any = mutagen.File(path)
    file["tmpo"] = [64]
    file.save()
    assert read(path).bpm == 64


@pytest.mark.parametrize(("whole", "tempo"), [(127, 127.98), (128, 127.98), (129, 129.0), (126, 126.0)])
def test_in_mp4_the_decimals_count_within_one_bpm_of_the_whole_tempo(
    whole: int, tempo: float, plain: dict[str, Path], tmp_path: Path
) -> None:
    path = Path(shutil.copy(plain["m4a aac"], tmp_path))
    write(path, changes_to(path, {"bpm": ("127.98",)}), Journal(tmp_path / "journal").start())
    file: Any = mutagen.File(path)
    file["tmpo"] = [whole]
    file.save()
    assert read(path).bpm == tempo


@pytest.mark.parametrize(
    ("text", "tempo"), [("128,5", 128.5), ("0", None), ("fast", None), ("inf", None), (" 90 ", 90)]
)
def test_tempos_of_other_programs(text: str, tempo: float | None, plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain["flac"], tmp_path))
    file: Any = mutagen.File(path)
    file.add_tags() if file.tags is None else None
    file["BPM"] = [text]
    file.save()
    assert read(path).bpm == tempo


# Names


def test_a_field_with_two_names_says_the_same_under_both(plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain["flac"], tmp_path))
    file: Any = mutagen.File(path)
    file["tempo"], file["description"], file["KEY"] = ["90"], ["a comment"], ["eyJrZXkiOiI4QSJ9"]
    file.save()
    assert (read(path).bpm, read(path).comment, read(path).key) == (90.0, "a comment", "")
    new = {"bpm": ("174",), "comment": ("another",), "key": ("Am",)}
    write(path, changes_to(path, new), Journal(tmp_path / "journal").start())
    file = mutagen.File(path)
    assert {name: file[name] for name in ("BPM", "TEMPO", "DESCRIPTION", "COMMENT", "INITIALKEY", "KEY")} == {
        "BPM": ["174"],
        "TEMPO": ["174"],
        "DESCRIPTION": ["another"],
        "COMMENT": ["another"],
        "INITIALKEY": ["Am"],
        "KEY": ["eyJrZXkiOiI4QSJ9"],
    }


def test_a_comment_keeps_its_language_and_those_with_a_description_stay(tmp_path: Path, plain: dict[str, Path]) -> None:
    path = Path(shutil.copy(plain["mp3"], tmp_path))
    tags: Any = ID3_TYPES.ID3()
    for language, description, text in (("deu", "", "eins"), ("fra", "", "deux"), ("eng", "iTunNORM", "0000")):
        tags.add(ID3_TYPES.COMM(encoding=3, lang=language, desc=description, text=[text]))
    tags.save(path)
    assert read(path).comment == "eins"
    write(path, changes_to(path, {"comment": ("neu",)}), Journal(tmp_path / "journal").start())
    tags = ID3_TYPES.ID3(path)
    assert {key: str(tags[key]) for key in tags} == {
        "COMM::deu": "neu",
        "COMM::fra": "deux",
        "COMM:iTunNORM:eng": "0000",
    }


def test_a_genre_as_a_number_gives_way_in_mp4(plain: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    container, _ = identify(plain["m4a aac"])
    content, _ = rewritten(container, plain["m4a aac"].read_bytes(), {"\xa9gen": ("x",)})
    text = struct.pack(">I4s", 25, b"\xa9gen") + struct.pack(">I4sII", 17, b"data", 1, 0) + b"x"
    number = struct.pack(">I4s", 25, b"gnre") + struct.pack(">I4sIIB", 17, b"data", 0, 0, 0)
    assert content.count(text) == 1
    content = content.replace(text, number[:7] + b"e" + number[8:])
    # One byte is no genre number: mutagen keeps the atom as it is, and reads no genre.
    path.write_bytes(content)
    write(path, changes_to(path, {"genre": ("Trance",)}), Journal(tmp_path / "journal").start())
    assert read(path).genres == ("Trance",)
    assert b"gnre" not in path.read_bytes()


# What a new tag takes over


def test_a_new_id3_tag_takes_over_what_the_old_one_says_and_leaves_it(plain: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(plain["mp3"].read_bytes() + old_tag())
    assert read(path) == Tags(
        title="An old title",
        artist="An old artist",
        album="An old album",
        genres=("Trance",),
        comment="An old comment",
    )
    write(path, [Change("key", (), ("Am",))], Journal(tmp_path / "journal").start())
    tags: Any = ID3_TYPES.ID3(path, load_v1=False)
    said_now = {key: [str(text) for text in tags[key].text] for key in tags}
    assert said_now == {
        "TIT2": ["An old title"],
        "TPE1": ["An old artist"],
        "TALB": ["An old album"],
        "TDRC": ["1999"],
        "TRCK": ["3"],
        "TCON": ["Trance"],
        "COMM::eng": ["An old comment"],
        "TKEY": ["Am"],
    }
    assert path.read_bytes().endswith(old_tag())


def test_a_new_chunk_takes_over_what_others_say_and_leaves_them(plain: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    content = plain["wav"].read_bytes()
    info = b"INFO" + b"INAM" + struct.pack("<I", 7) + b"T\xc3\xaftel\0\0" + b"IGNR" + struct.pack("<I", 6) + b"Dance\0"
    content += b"LIST" + struct.pack("<I", len(info)) + info
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    assert read(path) == Tags(title="Tïtel", genres=("Dance",))
    write(path, [Change("bpm", (), ("128",))], Journal(tmp_path / "journal").start())
    assert read(path) == Tags(title="Tïtel", genres=("Dance",), bpm=128.0)
    assert info in path.read_bytes()


def with_list(plain: Path, path: Path, content: bytes) -> Path:
    """Write a WAV file with a chunk of the kind LIST at its end."""
    chunks = plain.read_bytes()[8:] + b"LIST" + struct.pack("<I", len(content)) + content
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
    return path


@pytest.mark.parametrize("genre", [b"(17)", b"17\0\0"])
def test_a_genre_in_numbers_is_taken_over_as_it_is_read(genre: bytes, plain: dict[str, Path], tmp_path: Path) -> None:
    path = with_list(plain["wav"], tmp_path / "a.wav", b"INFOIGNR\x04\0\0\0" + genre)
    assert read(path) == Tags(genres=("Rock",))
    write(path, [Change("key", (), ("Am",))], Journal(tmp_path / "journal").start())
    assert read(path) == Tags(genres=("Rock",), key="Am")


def test_an_empty_list_says_nothing(plain: dict[str, Path], tmp_path: Path) -> None:
    assert read(with_list(plain["wav"], tmp_path / "a.wav", b"")) == Tags()


def test_a_wav_that_ends_without_its_pad_byte(plain: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    content = plain["wav"].read_bytes()
    samples = content.index(b"data") + 8
    mono = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)  # 8 bit: a sample is a byte
    body = b"WAVE" + mono + b"data" + struct.pack("<I", 4001) + content[samples : samples + 4001]
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    before, heard = path.read_bytes(), decoded(path)
    journal = Journal(tmp_path / "journal")
    write(path, [Change("key", (), ("Am",))], journal.start())
    assert (read(path).key, decoded(path)) == ("Am", heard)
    assert struct.unpack("<I", path.read_bytes()[4:8])[0] == path.stat().st_size - 8
    write(path, [Change("key", ("Am",), ("Bbm",))], journal.start())
    assert (read(path).key, decoded(path)) == ("Bbm", heard)
    assert len([*undo(journal), *undo(journal)]) == 2
    assert path.read_bytes() == before


# Ogg


def pages_of(content: bytes) -> list[tuple[int, int, bool]]:
    """Serial number, sequence number and whether the checksum is right, of each page, bit by bit as RFC 3533 has it."""
    table = []
    for byte in range(256):
        register = byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(register)
    found = []
    position = 0
    while position < len(content):
        serial, sequence, checksum, segments = struct.unpack_from("<IIIB", content, position + 14)
        size = 27 + segments + sum(content[position + 27 : position + 27 + segments])
        page = bytearray(content[position : position + size])
        page[22:26] = bytes(4)
        register = 0
        for byte in page:
            register = (register << 8 ^ table[register >> 24 ^ byte]) & 0xFFFFFFFF
        found.append((serial, sequence, register == checksum))
        position += size
    return found


@pytest.mark.parametrize("kind", ["ogg", "opus"])
@pytest.mark.parametrize("length", [1, 255, 65_000, 66_000, 300_000])
def test_pages_stay_numbered_however_long_the_comments(
    kind: str, length: int, plain: dict[str, Path], tmp_path: Path
) -> None:
    path = Path(shutil.copy(plain[kind], tmp_path))
    heard = decoded(path)
    write(path, [Change("comment", (), ("x" * length,))], Journal(tmp_path / "journal").start())
    pages = pages_of(path.read_bytes())
    assert [sequence for _, sequence, _ in pages] == list(range(len(pages)))
    assert all(right for _, _, right in pages)
    assert decoded(path) == heard
    assert read(path).comment == "x" * length


@pytest.mark.parametrize("length", [1, 300_000])  # on as many pages, and on more
def test_a_page_with_a_wrong_checksum_keeps_it(length: int, plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain["opus"], tmp_path))
    content = bytearray(path.read_bytes())
    pages = [match.start() for match in re.finditer(b"OggS", content)]
    content[pages[1 if length == 1 else 3] + 22] ^= 1
    path.write_bytes(content)
    with pytest.raises(TagError, match="the checksum of a page is wrong"):
        write(path, [Change("comment", (), ("x" * length,))], Journal(tmp_path / "journal").start())
    assert path.read_bytes() == content


# What is refused


def refused(path: Path, tmp_path: Path, new: dict[str, tuple[str, ...]] | None = None) -> str:
    """Why a file is not written; it must be what it was."""
    before = path.read_bytes()
    tags = read(path)
    changes = [Change(name, values_of(tags, name), values) for name, values in (new or {"key": ("Am",)}).items()]
    with pytest.raises(TagError) as error:
        write(path, changes, Journal(tmp_path / "journal").start())
    assert path.read_bytes() == before
    assert not (tmp_path / "journal").exists()
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []
    return error.value.reason


def header(version: int, flags: int, body: bytes) -> bytes:
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, flags]) + size + body


LATIN, WIDE = b"\0STYLE\0Techno", b"\1" + "\ufeffSTYLE\0\ufeffTechno".encode("utf-16-le")


@pytest.mark.parametrize(
    ("version", "flags", "content", "name"),
    [
        (3, 0x00, LATIN, "TXXX:STYLE"),
        (3, 0x20, b"g" + LATIN, "TXXX:STYLE"),  # a letter for its group comes first
        (3, 0x80, LATIN, "TXXX*"),  # compressed
        (3, 0x40, LATIN, "TXXX*"),  # encrypted
        (4, 0x40, b"g" + LATIN, "TXXX:STYLE"),
        (4, 0x01, bytes([0, 0, 0, len(LATIN)]) + LATIN, "TXXX:STYLE"),  # its length comes first
        (4, 0x41, b"g" + bytes([0, 0, 0, len(LATIN)]) + LATIN, "TXXX:STYLE"),
        (4, 0x02, WIDE.replace(b"\xff", b"\xff\0"), "TXXX:STYLE"),  # zeros strewn in
        (4, 0x03, bytes([0, 0, 0, len(WIDE)]) + WIDE.replace(b"\xff", b"\xff\0"), "TXXX:STYLE"),
        (4, 0x08, LATIN, "TXXX*"),
        (4, 0x04, LATIN, "TXXX*"),
        (4, 0x00, WIDE, "TXXX:STYLE"),
        (4, 0x00, b"\2" + "STYLE\0Techno".encode("utf-16-be"), "TXXX:STYLE"),
        (4, 0x00, "\3GRÖSSE\0L".encode(), "TXXX:GRÖSSE"),
    ],
)
def test_a_frame_is_known_by_its_description_whatever_its_flags(
    version: int, flags: int, content: bytes, name: str
) -> None:
    """Or the frame of another program would be taken for ours and replaced; what cannot be looked into never is."""
    frame = b"TXXX" + bytes([0, 0, 0, len(content), 0, flags]) + content  # shorter than 128 bytes, alike in both
    layout = id3.open_at_head(io.BytesIO(header(version, 0, frame + bytes(20)) + b"sound"))
    assert [(each.name, each.raw) for each in layout.raw_fields] == [(name, frame)]


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (header(3, 0x40, struct.pack(">IHI", 6, 0, 0) + frames_of(3)), "extended header"),
        (header(4, 0x00, frames_of(3)), "as old versions of iTunes wrote them"),
    ],
    ids=["extended header", "sizes of 2.3 in 2.4"],
)
def test_tags_that_cannot_be_changed_byte_by_byte(
    tag: bytes, reason: str, plain: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(tag + plain["mp3"].read_bytes())
    assert reason in refused(path, tmp_path)


def with_number(content: bytes, offset: int, form: str, number: int) -> bytes:
    """The same with another number at an offset."""
    raw = struct.pack(form, number)
    return content[:offset] + raw + content[offset + len(raw) :]


def riff(content: bytes, more: bytes) -> bytes:
    return with_number(content + more, 4, "<I", len(content + more) - 8)


def id3_chunk(content: bytes) -> int:
    return content.lower().index(b"id3 ")


def comment_block(content: bytes) -> tuple[int, int]:
    """Where the header of the comments stands in a FLAC file, and their size."""
    position = 4
    while content[position] & 0x7F != 4:
        position += 4 + int.from_bytes(content[position + 1 : position + 4], "big")
    return position, int.from_bytes(content[position + 1 : position + 4], "big")


def first_comment(content: bytes) -> int:
    """Where the length of the first comment stands in a FLAC file."""
    start = comment_block(content)[0] + 4
    return start + 8 + int(struct.unpack_from("<I", content, start)[0])


def two_id3_chunks(content: bytes) -> bytes:
    chunk = content[id3_chunk(content) :]
    size = 8 + struct.unpack_from("<I", chunk, 4)[0]
    return riff(content, chunk[: size + size % 2])


def two_blocks_of_comments(content: bytes) -> bytes:
    start, size = comment_block(content)
    block = bytes([4]) + content[start + 1 : start + 4 + size]
    return content[:start] + block + content[start:]


def a_longer_block_of_comments(content: bytes) -> bytes:
    start, size = comment_block(content)
    end = start + 4 + size
    return content[: start + 1] + (size + 1).to_bytes(3, "big") + content[start + 4 : end] + b"\0" + content[end:]


def an_asf_object_twice(content: bytes) -> bytes:
    start = content.index(asf.CONTENT)
    raw = content[start : start + struct.unpack_from("<Q", content, start + 16)[0]]
    size, count = struct.unpack_from("<QI", content, 16)
    return content[:16] + struct.pack("<QI", size + len(raw), count + 1) + content[28:size] + raw + content[size:]


def page(content: bytes, number: int) -> int:
    return [match.start() for match in re.finditer(b"OggS", content)][number]


DAMAGE: dict[tuple[str, str], Callable[[bytes], bytes]] = {
    ("mp3 2.4", "unknown version, 2.5, or damaged"): lambda c: with_number(c, 3, "B", 5),
    ("wav", "more than one ID3 chunk"): two_id3_chunks,
    ("wav", "holds no ID3 tag, or is cut off"): lambda c: with_number(c, id3_chunk(c) + 8, "B", 0),
    ("wav", "do not agree with its length"): lambda c: with_number(c, 4, "<I", len(c) - 12),
    ("wav", "a container of the kind"): lambda c: c.replace(b"WAVE", b"AVI ", 1),
    ("flac", "more than one block of comments"): two_blocks_of_comments,
    ("flac", "shorter than their block"): a_longer_block_of_comments,
    ("flac", "does not begin as FLAC does"): lambda c: c.replace(b"fLaC", b"fLaX", 1),
    ("flac", "reaches beyond its end"): lambda c: c[:5] + b"\xff\xff\xff" + c[8:],
    ("flac", "its comments are cut off"): lambda c: with_number(c, first_comment(c), "<I", 1 << 24),
    ("wavpack", "of an old version, or damaged"): lambda c: with_number(c, c.rindex(b"APETAGEX") + 8, "<I", 1000),
    ("wavpack", "the number of items"): lambda c: with_number(c, c.rindex(b"APETAGEX") + 16, "<I", 99),
    ("wavpack", "has lost its header"): lambda c: c.replace(b"APETAGEX", b"apetagex", 1),
    ("wavpack", "an item of its APE tag"): lambda c: with_number(c, c.index(b"APETAGEX") + 32, "<I", 1 << 24),
    ("wma", "does not begin as ASF does"): lambda c: b"x" + c[1:],
    ("wma", "the number of objects"): lambda c: with_number(c, 24, "<I", 99),
    ("wma", "holds an object twice"): an_asf_object_twice,
    ("wma", "an object reaches beyond"): lambda c: with_number(c, c.index(asf.CONTENT) + 16, "<Q", 1 << 24),
    ("m4a aac", "has no film atom"): lambda c: c.replace(b"moov", b"moox"),
    ("m4a aac", "it is fragmented"): lambda c: c + struct.pack(">I4s", 8, b"moof"),
    ("m4a aac", "reaches beyond its end"): lambda c: c + struct.pack(">I4s", 100, b"free"),
    ("ogg", "only Vorbis and Opus"): lambda c: c.replace(b"\x01vorbis", b"\x01xorbis", 1),
    ("ogg", "its second packet holds no comments"): lambda c: c.replace(b"\x03vorbis", b"\x03xorbis", 1),
    ("ogg", "begins no page of Ogg"): lambda c: c + b"junk",
    ("ogg", "another stream is woven into its headers"): lambda c: with_number(c, page(c, 1) + 14, "<I", 7),
    ("ogg", "or a page is missing"): lambda c: with_number(c, page(c, 1) + 18, "<I", 7),
    ("ogg", "it ends within its headers"): lambda c: c[: page(c, 1)],
}


@pytest.mark.parametrize(("kind", "reason"), DAMAGE)
def test_a_layout_that_is_not_whole_is_refused(
    kind: str, reason: str, contents: dict[str, tuple[Container, bytes]]
) -> None:
    """A change would be made in the wrong place, or hide the damage."""
    container, content = contents[kind]
    assert container.open is not None
    assert container.open(io.BytesIO(content)).raw_fields  # without the damage it is understood
    damaged = DAMAGE[kind, reason](content)
    assert damaged != content
    with pytest.raises(LayoutError, match=re.escape(reason)):
        container.open(io.BytesIO(damaged))


@pytest.mark.parametrize("kind", ["flac", "aiff", "wav", "m4a aac", "wma", "ogg", "opus", "tta", "mp3 2.3"])
@settings(max_examples=25)
@given(data=st.data())
def test_damaged_files_are_refused_or_written_well(
    kind: str,
    contents: dict[str, tuple[Container, bytes]],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    container, content = contents[kind]
    damaged = bytearray(content[: data.draw(st.integers(0, len(content)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, min(3000, len(damaged) - 1)))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / f"a{container.suffixes[0]}"
    path.write_bytes(damaged)
    journal = Journal(path.parent / "journal")
    try:
        write(path, changes_to(path, {"key": ("Am",), "style": ("A", "B")}), journal.start())
    except TagError:
        assert path.read_bytes() == damaged
    else:
        assert (read(path).key, read(path).styles) == ("Am", ("A", "B"))
        assert list(undo(journal)) == [path]
        assert path.read_bytes() == damaged


def test_files_that_are_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    for content, reason in ((b"", "damaged"), (b"a text", "damaged"), (b"%PDF-1.4", "damaged")):
        path.write_bytes(content)
        with pytest.raises(TagError, match=f"{re.escape(str(path))}: .*{reason}"):
            read(path)
    with pytest.raises(TagError, match="there is no such file"):
        read(tmp_path / "missing.flac")
    with pytest.raises(TagError, match="it is a folder"):
        read(tmp_path)


def test_values_that_no_tag_can_hold(plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain["flac"], tmp_path))
    assert refused(path, tmp_path, {"genre": ("a\0b",)}) == "not changed: its genre would hold an empty value or a NUL"
    assert refused(path, tmp_path, {"genre": ("",)}) == "not changed: its genre would hold an empty value or a NUL"
    assert "a value cannot be encoded" in refused(path, tmp_path, {"genre": ("\ud800",)})
    assert "16 MB" in refused(path, tmp_path, {"comment": ("x" * (1 << 24),)})
    path = Path(shutil.copy(plain["wma"], tmp_path))
    assert "64 kB" in refused(path, tmp_path, {"comment": ("x" * 40_000,)})


def test_containers_that_are_only_read(plain: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.oga"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(plain["flac"]), "-c:a", "flac"]
    subprocess.run([*command, "-metadata", "artist=Somebody", str(path)], check=True, timeout=120)
    assert read(path).artist == "Somebody"
    assert refused(path, tmp_path) == "tags of Ogg FLAC are read, but not written"


def test_sizes_that_a_container_cannot_say() -> None:
    with pytest.raises(LayoutError, match="longer than 4 GB"):
        _packed("<", 1 << 32)
    assert _packed(">", (1 << 32) - 1) == b"\xff\xff\xff\xff"
    with pytest.raises(LayoutError, match="longer than 256 MB"):
        _syncsafe(1 << 28)
    assert _syncsafe((1 << 28) - 1) == b"\x7f\x7f\x7f\x7f"


def test_a_genre_that_other_programs_would_take_for_a_number_is_refused(plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain["mp3"], tmp_path))
    assert refused(path, tmp_path, {"genre": ("31",)}) == "not changed: what is read back is not what was written"


def test_a_change_that_was_planned_for_other_tags_is_refused(plain: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(plain["flac"], tmp_path))
    with pytest.raises(TagError, match="its genre is no longer what it was when the change was planned"):
        write(path, [Change("genre", ("House",), ("Trance",))], Journal(tmp_path / "journal").start())


# The table


def test_the_page_shows_the_table() -> None:
    page = (Path(__file__).parents[1] / "docs" / "tag.md").read_text(encoding="utf-8")
    for field in (*WRITTEN, *READ):
        cells = [" ".join(f"`{name}`" for name in field.names[family]) for family in Family]
        assert f"| {field.name} | {' | '.join(cells)} |" in page
    for container in CONTAINERS:
        how = "written" if container.open else "read only"
        assert f"| {container.name} | {' '.join(container.suffixes)} | {container.family} | {how} |" in page


def test_no_name_stands_for_two_fields() -> None:
    for family in Family:
        names = [name.casefold() for field in (*READ, *WRITTEN) for name in field.names[family]]
        assert len(names) == len(set(names))


# The checks of a copy can fail


def swapped(content: bytes, old: bytes) -> Splice:
    """The first of these bytes becomes another one."""
    return Splice(content.index(old), old[:1], bytes([old[0] ^ 1]))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda opened, values, content: [*opened.set(values), swapped(content, content[-2000:])],
            "a part of the file that is not its tag would be another",
        ),
        (
            lambda opened, values, content: [*opened.set(values), swapped(content, CUES)],
            "a field of another program would be another one",
        ),
        (
            lambda opened, values, _: opened.set(dict.fromkeys(values, ("Bm",))),
            "what is read back is not what was written",
        ),
        (
            lambda opened, values, _: opened.set({**values, "TIT2": ("another title",)}),
            "a field of another program would be another one",
        ),
    ],
    ids=["sound", "cues", "value", "title"],
)
def test_a_layout_that_does_something_else_is_found_out(
    spoil: Callable[[Layout, Values, bytes], list[Splice]],
    reason: str,
    planted: dict[str, tuple[Path, list[bytes]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = Path(shutil.copy(planted["mp3 2.4"][0], tmp_path))

    def spoiling(file: BinaryIO) -> Layout:
        opened = id3.open_at_head(file)
        return replace(opened, set=lambda values: patch(spoil(opened, values, path.read_bytes())))

    container = replace(identify(path)[0], open=spoiling)
    writing = sys.modules[write.__module__]
    monkeypatch.setattr(writing, "identify", lambda path: (container, identify(path)[1]))
    assert reason in refused(path, tmp_path)


def test_sound_that_ffmpeg_hears_differently_is_refused(
    plain: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(plain["flac"], tmp_path))
    heard = iter(("this", "that"))
    monkeypatch.setitem(audio_bytes.VERIFIERS, "packets", lambda _path, _demuxers: next(heard))
    assert refused(path, tmp_path) == "not changed: FFmpeg would hear something else afterwards"


def test_other_sound_is_found_out_by_its_packets_and_by_decoding(plain: dict[str, Path], tmp_path: Path) -> None:
    for kind, path in plain.items():
        container, _ = identify(path)
        again = encode(tmp_path / path.name, kind, seconds=1.0)
        for how in (audio_bytes.packets, audio_bytes.samples):
            assert how(path, container.demuxers) == how(again, container.demuxers)
        longer = encode(tmp_path / path.name, kind, seconds=1.1)
        for how in (audio_bytes.packets, audio_bytes.samples):
            assert how(path, container.demuxers) != how(longer, container.demuxers)
