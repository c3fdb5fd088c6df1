"""What a file says is not taken for empty: numbers in words, older tags beside the newest; and spaces say nothing."""

import random
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import mutagen
import mutagen.apev2
import mutagen.id3
import pytest

from earmark.analysis import Analysis
from earmark.errors import TagError
from earmark.library.tags import Change, Journal, Policy, Settings, plan, read, undo, write
from earmark.library.tags.fields import says_something, values_of
from earmark.library.track import Tags
from earmark.testing.tagged import encode, old_tag
from earmark.testing.tracks import heard_track, steady

ID3: Any = mutagen.id3
APE: Any = mutagen.apev2

APE_TAG = {
    "Title": "Größe",
    "Artist": "Künstler feat. somebody with a very long name",
    "Genre": ["Techno", "House"],
    "BPM": "130",
    "Album Artist": "Various",
    "Year": "2009",
    "Track": "3/12",
    "Style": "Dub Techno",
    "REPLAYGAIN_TRACK_GAIN": "-7.40 dB",
    "MP3GAIN_MINMAX": "089,171",
}


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return files without tags."""
    folder = tmp_path_factory.mktemp("sounds")
    kinds = {"mp3": "mp3", "tta": "tta", "wav": "wav", "flac": "flac", "m4a": "m4a aac"}
    return {suffix: encode(folder / f"a.{suffix}", kind) for suffix, kind in kinds.items()}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return an empty journal."""
    return Journal(tmp_path / "journal")


def with_ape(path: Path, said: dict[str, Any]) -> bytes:
    """Put an APE tag at the end of a file; return the tag."""
    before = path.stat().st_size
    tag = APE.APEv2()
    for name, value in said.items():
        tag[name] = value
    tag.save(path)
    return path.read_bytes()[before:]


def with_id3(path: Path, *frames: Any) -> None:  # noqa: ANN401  mutagen says of few of its functions what they take
    """Put an ID3v2.4 tag at the head of a file."""
    tag = ID3.ID3()
    for frame in frames:
        tag.add(frame)
    tag.save(path, v1=0)


def heard(path: Path) -> Analysis:
    """Drum & Bass at 174 BPM."""
    analysis = heard_track(path, {"Drum & Bass": 0.97}, rhythm=steady(174, 0, 60)).analysis
    assert analysis is not None
    return analysis


def fields_planned(path: Path, policy: Policy, fields: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """What would be written into a file, by field."""
    changes = plan(read(path), heard(path), Settings(fields=fields, policy=policy))
    return {change.field: change.after for change in changes}


# Said, but no number


@pytest.mark.parametrize("text", ["128 BPM", "120-128", "ca. 128", "128/64"])
def test_a_tempo_in_words_is_kept_unless_it_is_to_be_replaced(
    text: str, sounds: dict[str, Path], tmp_path: Path, journal: Journal
) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_id3(path, ID3.TBPM(encoding=3, text=[text]))
    before = path.read_bytes()
    assert (read(path).bpm, read(path).bpm_text) == (None, text)
    assert "bpm" not in fields_planned(path, Policy.FILL, ("bpm",))
    assert "bpm" not in fields_planned(path, Policy.APPEND, ("bpm",))
    changes = plan(read(path), heard(path), Settings(fields=("bpm",), policy=Policy.REPLACE))
    assert [(change.before, change.after) for change in changes] == [((text,), ("174",))]
    write(path, changes, journal.start())
    assert (read(path).bpm, read(path).bpm_text) == (174.0, "")
    assert list(undo(journal)) == [path]
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["0", "0.00", " ", "\t\n", "inf", "-1"])
def test_a_tempo_that_says_nothing_is_filled(text: str, sounds: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_id3(path, ID3.TBPM(encoding=3, text=[text]))
    assert (read(path).bpm, read(path).bpm_text) == (None, "")
    assert fields_planned(path, Policy.FILL, ("bpm",)) == {"bpm": ("174",)}


def test_a_second_name_counts_where_the_first_one_says_nothing(sounds: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(sounds["flac"], tmp_path))
    file: Any = mutagen.File(path)
    file["BPM"], file["TEMPO"], file["GENRE"] = ["0"], ["128 BPM"], ["  ", "Techno", "\u200b"]
    file.save()
    assert (read(path).bpm, read(path).bpm_text, read(path).genres) == (None, "128 BPM", ("Techno",))
    path = Path(shutil.copy(sounds["m4a"], tmp_path))
    file = mutagen.File(path)
    file["tmpo"], file["----:com.apple.iTunes:BPM"] = [0], [b"about 90"]
    file.save()
    assert (read(path).bpm, read(path).bpm_text) == (None, "about 90")


def test_the_text_of_a_tempo_is_not_part_of_a_track_in_json(tmp_path: Path) -> None:
    track = heard_track(tmp_path / "a.mp3", tags=Tags(bpm_text="128 BPM"))
    assert set(track.as_json()["tags"]) == set(vars(Tags())) - {"bpm_text", "more_comments"}


# Spaces


@pytest.mark.parametrize("policy", Policy)
def test_spaces_are_empty(policy: Policy, sounds: dict[str, Path], tmp_path: Path, journal: Journal) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_id3(path, ID3.TCON(encoding=3, text=["  "]), ID3.COMM(encoding=3, lang="eng", desc="", text=[" \n"]))
    before = path.read_bytes()
    assert read(path) == Tags()
    changes = plan(read(path), heard(path), Settings(fields=("genre",), policy=policy))
    assert changes == (Change("genre", (), ("Drum & Bass",)),)
    write(path, changes, journal.start())
    assert [str(text) for text in ID3.ID3(path)["TCON"].text] == ["Drum & Bass"]
    assert list(undo(journal)) == [path]
    assert path.read_bytes() == before


def test_a_blank_value_among_others_is_not_written_again(
    sounds: dict[str, Path], tmp_path: Path, journal: Journal
) -> None:
    path = Path(shutil.copy(sounds["flac"], tmp_path))
    file: Any = mutagen.File(path)
    file["GENRE"] = ["Jungle", " "]
    file.save()
    changes = plan(read(path), heard(path), Settings(fields=("genre",), policy=Policy.APPEND))
    write(path, changes, journal.start())
    file = mutagen.File(path)
    assert file["GENRE"] == ["Jungle", "Drum & Bass"]


def test_what_says_something() -> None:
    assert [text for text in ("a", " 東 ", "\ud800", "-") if not says_something(text)] == []
    assert [
        text for text in ("", " ", "\t\r\n", "\u3000", "\xa0", "\0", "\ufeff", "\u200b ") if says_something(text)
    ] == []


def test_a_blank_value_is_not_written(sounds: dict[str, Path], tmp_path: Path, journal: Journal) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with pytest.raises(TagError, match="not changed: its genre would hold an empty value or a NUL"):
        write(path, [Change("genre", (), ("  ",))], journal.start())


# Older tags


@pytest.mark.parametrize("suffix", ["mp3", "tta"])
@pytest.mark.parametrize("old", [b"", old_tag()], ids=["alone", "before ID3v1"])
def test_an_ape_tag_is_read_and_taken_over_and_stays(
    suffix: str, old: bytes, sounds: dict[str, Path], tmp_path: Path, journal: Journal
) -> None:
    path = Path(shutil.copy(sounds[suffix], tmp_path))
    tag = with_ape(path, APE_TAG)
    path.write_bytes(path.read_bytes() + old)
    before = path.read_bytes()
    said = Tags(
        title="Größe",
        artist="Künstler feat. somebody with a very long name",
        album="An old album" if old else "",
        genres=("Techno", "House"),
        styles=("Dub Techno",),
        bpm=130.0,
        comment="An old comment" if old else "",
    )
    assert read(path) == said
    assert fields_planned(path, Policy.FILL, ("genre", "style", "bpm")) == {}
    write(path, [Change("key", (), ("Am",))], journal.start())
    assert path.read_bytes().endswith(tag + old)
    tags: Any = ID3.ID3(path, load_v1=False)
    assert {key: [str(text) for text in tags[key].text] for key in tags} == {
        "TIT2": ["Größe"],
        "TPE1": ["Künstler feat. somebody with a very long name"],
        "TCON": ["Techno", "House"],
        "TBPM": ["130"],
        "TPE2": ["Various"],
        "TDRC": ["2009"],
        "TRCK": ["3/12"],
        "TXXX:STYLE": ["Dub Techno"],
        "TXXX:REPLAYGAIN_TRACK_GAIN": ["-7.40 dB"],
        "TKEY": ["Am"],
        **({"TALB": ["An old album"], "COMM::eng": ["An old comment"]} if old else {}),
    }
    assert read(path) == Tags(**{**vars(said), "key": "Am"})
    assert list(undo(journal)) == [path]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("said", "genres", "title"),
    [
        ({"Genre": "17"}, ("Rock",), "An old title"),
        ({"Genre": ["House", "(17)"]}, ("House", "Rock"), "An old title"),
        ({"Title": "\u200b", "Genre": " \x07"}, ("Trance",), "An old title"),
    ],
    ids=["number", "number in brackets", "nothing"],
)
def test_an_ape_tag_with_genres_in_numbers_or_with_nothing_to_see_is_taken_over_as_it_is_read(
    said: dict[str, Any],
    genres: tuple[str, ...],
    title: str,
    sounds: dict[str, Path],
    tmp_path: Path,
    journal: Journal,
) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_ape(path, said)
    path.write_bytes(path.read_bytes() + old_tag())
    assert (read(path).genres, read(path).title) == (genres, title)
    write(path, [Change("key", (), ("Am",))], journal.start())
    assert (read(path).genres, read(path).title, read(path).key) == (genres, title, "Am")


def test_what_is_written_counts_although_the_ape_tag_says_something_else(
    sounds: dict[str, Path], tmp_path: Path, journal: Journal
) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_ape(path, APE_TAG)
    write(path, [Change("genre", ("Techno", "House"), ("Trance",)), Change("bpm", ("130",), ("138",))], journal.start())
    assert (read(path).genres, read(path).bpm, read(path).title) == (("Trance",), 138.0, "Größe")


def test_field_by_field_the_newest_tag_that_says_something_counts(sounds: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_id3(path, ID3.TIT2(encoding=3, text=["of ID3v2"]), ID3.TBPM(encoding=3, text=["0"]))
    with_ape(path, {"Title": "of APE", "Artist": "of APE", "BPM": "130"})
    path.write_bytes(path.read_bytes() + old_tag())
    found = read(path)
    assert (found.title, found.artist, found.album, found.bpm) == ("of ID3v2", "of APE", "An old album", 130.0)


def test_an_ape_tag_counts_where_id3v2_is_of_an_unknown_version(sounds: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_ape(path, {"Title": "of APE"})
    path.write_bytes(b"ID3\x05\0\0\0\0\0\x0a" + bytes(10) + path.read_bytes() + old_tag())
    assert (read(path).title, read(path).album) == ("of APE", "An old album")


def test_a_damaged_ape_tag_says_nothing(sounds: dict[str, Path], tmp_path: Path, journal: Journal) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    tag = with_ape(path, APE_TAG)
    content = path.read_bytes()
    size = content.rindex(b"APETAGEX") + 12
    for wrong in (struct.pack("<I", 3), struct.pack("<I", 1 << 31), struct.pack("<I", len(tag) - 50)):
        path.write_bytes(content[:size] + wrong + content[size + 4 :])
        before = path.read_bytes()
        assert read(path).title in ("", "Größe")
        write(path, [Change("key", (), ("Am",))], journal.start())
        assert list(undo(journal)) == [path]
        assert path.read_bytes() == before


DAMAGED_ITEMS = {
    "a text that is no UTF-8": lambda content: content.replace("Größe".encode(), b"Gr\xff\xfe\xff\xfee"),
    "a key that is no ASCII": lambda content: content.replace(b"Title\0", b"T\xfftle\0"),
    "a kind that there is not": lambda content: content.replace(b"\0\0\0\0Title\0", b"\6\0\0\0Title\0"),
}


@pytest.mark.parametrize("damage", DAMAGED_ITEMS)
def test_a_damaged_ape_item_says_nothing_and_the_others_are_taken_over(
    damage: str, sounds: dict[str, Path], tmp_path: Path, journal: Journal
) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    length = len(with_ape(path, APE_TAG))
    before = path.read_bytes()
    path.write_bytes(DAMAGED_ITEMS[damage](before))
    damaged = path.read_bytes()
    assert damaged != before
    assert (read(path).title, read(path).genres, read(path).bpm) == ("", ("Techno", "House"), 130.0)
    assert fields_planned(path, Policy.FILL, ("genre", "style", "bpm")) == {}
    write(path, [Change("key", (), ("Am",))], journal.start())
    assert path.read_bytes().endswith(damaged[-length:])
    assert sorted(ID3.ID3(path, load_v1=False)) == sorted(
        ["TPE1", "TCON", "TBPM", "TPE2", "TDRC", "TRCK", "TXXX:STYLE", "TXXX:REPLAYGAIN_TRACK_GAIN", "TKEY"]
    )
    assert list(undo(journal)) == [path]
    assert path.read_bytes() == damaged


def test_an_ape_item_of_a_wrong_size_ends_what_is_read_and_nothing_is_made_up(
    sounds: dict[str, Path], tmp_path: Path
) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    tag = with_ape(path, {"Title": "one", "Artist": "somebody", "BPM": "130"})
    wrong = tag.replace(struct.pack("<2I", 8, 0) + b"Artist", struct.pack("<2I", 7, 0) + b"Artist")
    path.write_bytes(sounds["mp3"].read_bytes() + wrong)
    assert (read(path).title, read(path).artist, read(path).bpm) == ("one", "", 130.0)


def test_two_ape_keys_of_one_frame_are_both_taken_over(
    sounds: dict[str, Path], tmp_path: Path, journal: Journal
) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_ape(path, {"Label": "One Records", "Publisher": ["Two Ltd", "One Records"]})
    write(path, [Change("key", (), ("Am",))], journal.start())
    assert list(ID3.ID3(path)["TPUB"].text) == ["One Records", "Two Ltd"]


def test_an_ape_tag_before_lyrics_is_read(sounds: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_ape(path, {"Title": "of APE"})
    lyrics = b"LYRICSBEGININD0000200LYR00003la\n"
    path.write_bytes(path.read_bytes() + lyrics + f"{len(lyrics):06}LYRICS200".encode() + old_tag())
    assert (read(path).title, read(path).album) == ("of APE", "An old album")


def test_a_damaged_item_refuses_a_file_whose_only_tag_is_ape(tmp_path: Path, journal: Journal) -> None:
    path = encode(tmp_path / "a.wv", "wavpack")
    with_ape(path, {"Title": "Größe", "Genre": "Techno"})
    path.write_bytes(path.read_bytes().replace("Größe".encode(), b"Gr\xff\xfe\xff\xfee"))
    before = path.read_bytes()
    for act in (lambda: read(path), lambda: write(path, [Change("key", (), ("Am",))], journal.start())):
        with pytest.raises(TagError, match=r"a\.wv: its tags or its structure are damaged"):
            act()
    assert path.read_bytes() == before


def test_a_cover_in_an_ape_tag_stays_there(sounds: dict[str, Path], tmp_path: Path, journal: Journal) -> None:
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    with_ape(path, {"Title": "T", "Cover Art (Front)": b"a.png\0\x89PNG\xff\xfe"})
    write(path, [Change("key", (), ("Am",))], journal.start())
    assert sorted(ID3.ID3(path)) == ["TIT2", "TKEY"]
    assert b"a.png\0\x89PNG\xff\xfe" in path.read_bytes()


def test_the_mark_of_a_short_ape_tag_is_no_id3v1(sounds: dict[str, Path], tmp_path: Path, journal: Journal) -> None:
    """The header of an APE tag of 131 bytes has "TAG" where ID3v1 would begin."""
    path = Path(shutil.copy(sounds["mp3"], tmp_path))
    tag = with_ape(path, {"Title": "x" * (131 - 64 - len("Title") - 9)})
    assert len(tag) == 131
    write(path, [Change("key", (), ("Am",))], journal.start())
    assert sorted(ID3.ID3(path, load_v1=False)) == ["TIT2", "TKEY"]


def test_the_chunks_of_a_wav_count_where_its_id3_tag_says_nothing(sounds: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(sounds["wav"], tmp_path))
    metadata = [part for tag in ("artist=Somebody", "title=One", "genre=Techno") for part in ("-metadata", tag)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(sounds["wav"]), "-c", "copy", "-y", *metadata]
    subprocess.run([*command, str(path)], check=True, timeout=120)
    file: Any = mutagen.File(path)
    file.add_tags()
    file.tags.add(ID3.TIT2(encoding=3, text=["Two"]))
    file.save()
    assert read(path) == Tags(title="Two", artist="Somebody", genres=("Techno",))
    assert fields_planned(path, Policy.FILL, ("genre",)) == {}


@pytest.mark.parametrize("suffix", ["mp3", "tta"])
def test_whatever_is_in_an_older_tag_no_byte_is_harmed(
    suffix: str, sounds: dict[str, Path], tmp_path: Path, journal: Journal
) -> None:
    """Damage anywhere behind the sound: the file is refused, or written, read the same and taken back."""
    path = Path(shutil.copy(sounds[suffix], tmp_path))
    tag = with_ape(path, APE_TAG | {"Cover Art (Front)": b"\xff\xd8\0"})
    content = path.read_bytes() + old_tag()
    rng = random.Random(0)  # noqa: S311  no secret
    written = 0
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 6)):
            damaged[-rng.randrange(1, len(tag) + 128)] = rng.choice((0, 255, rng.randrange(256)))
        path.write_bytes(damaged)
        try:
            said = read(path)
            write(path, [Change("key", values_of(said, "key"), ("Am",))], journal.start())
        except TagError:
            pass
        else:
            written += 1
            assert read(path) == replace(said, key="Am")
            assert list(undo(journal)) == [path]
        assert path.read_bytes() == damaged
    assert written > 50
