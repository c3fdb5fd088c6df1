"""Where manifests come from, on small files written exactly as the published ones are."""

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import mutagen
import numpy as np
import pytest

from earmark.errors import ManifestError
from earmark.learning.data.manifest import read, write
from earmark.learning.data.sources import Collected, as_styles, from_folder, from_jamendo, from_magnatagatune, tags_of
from earmark.learning.data.sources import from_tags as sources_from_tags
from earmark.learning.data.splits import split_of
from earmark.library.track import Tags
from earmark.synth.encoding import write_audio
from earmark.testing import write_wav

Track = Callable[..., Path]


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a short file without tags for each suffix."""
    folder = tmp_path_factory.mktemp("blank")
    for suffix in (".mp3", ".flac", ".opus", ".wav"):
        write_audio(folder / f"blank{suffix}", np.zeros((2, 4800), np.float32), 48_000)
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture
def track(tmp_path: Path, blank: dict[str, Path]) -> Track:
    """Return what makes a file with tags below the folder of the test."""

    def make(name: str, **tags: str | list[str]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(blank[path.suffix], path)
        if tags:
            file = mutagen.File(path, easy=True)
            if file.tags is None:
                file.add_tags()
            file.update(tags)
            file.save()
        return path

    return make


def listing(collected: Collected, root: Path) -> dict[str, tuple[tuple[str, ...], str, str]]:
    return {
        str(entry.path.relative_to(root)): (entry.labels, entry.artist, entry.title)
        for entry in collected.manifest.entries
    }


def reasons(collected: Collected, root: Path) -> dict[str, str]:
    return {str(each.path.relative_to(root)): each.reason for each in collected.dropped}


def test_a_folder_for_each_style(track: Track, tmp_path: Path) -> None:
    track("DRUM AND BASS/deep/01 - Somebody - Rollers.mp3")
    track("DRUM AND BASS/named.flac", artist="Else", title="One")
    track("Psytrance/untitled.opus")
    track("loose.wav")
    track("Psytrance/.hidden.mp3")
    (tmp_path / "Psytrance/cover.jpg").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "Trance").mkdir()
    collected = from_folder(tmp_path)
    assert listing(collected, tmp_path) == {
        "DRUM AND BASS/deep/01 - Somebody - Rollers.mp3": (("Drum & Bass",), "Somebody", "Rollers"),
        "DRUM AND BASS/named.flac": (("Drum & Bass",), "Else", "One"),
        "Psytrance/untitled.opus": (("Psytrance",), "", "untitled"),
    }
    assert collected.manifest.classes == ("Drum & Bass", "Psytrance")
    assert reasons(collected, tmp_path) == {
        "loose.wav": "it is in no folder of a style",
        "Trance": "there is no audio file in this folder",
    }
    for entry in collected.manifest.entries:
        assert entry.split == split_of(entry.artist, entry.path)
    write(collected.manifest, tmp_path / "list.csv")
    assert read(tmp_path / "list.csv") == collected.manifest


def test_a_file_whose_name_is_no_text_is_left_out(track: Track, tmp_path: Path) -> None:
    track("Trance/a.mp3")
    odd = track("Trance/b.mp3")
    try:
        odd.rename(odd.with_name("b\udcff.mp3"))
    except OSError:
        pytest.skip("this file system takes text only")
    collected = from_folder(tmp_path)
    assert [entry.path.name for entry in collected.manifest.entries] == ["a.mp3"]
    assert [each.reason for each in collected.dropped] == ["its name is not UTF-8 text, as a manifest is"]


def test_folders_that_are_no_data_set(tmp_path: Path, track: Track) -> None:
    with pytest.raises(ManifestError, match="nowhere: No such file"):
        from_folder(tmp_path / "nowhere")
    with pytest.raises(ManifestError, match="there is no folder of a style in it"):
        from_folder(tmp_path)
    track("Psytrance/a.mp3")
    track("psy-trance/b.mp3")
    with pytest.raises(ManifestError, match="the label 'psy-trance' was spelled 'Psytrance' further up"):
        from_folder(tmp_path)


def test_genre_tags_go_through_the_crosswalk(track: Track, tmp_path: Path) -> None:
    track("a/one.mp3", artist="A", title="T", genre="Uplifting Trance")
    track("a/two.flac", artist="B", genre=["drum'n'bass", "Jungle"])
    track("three.mp3", genre="Polka")
    track("four.opus", genre=["Trance", "Deep House"])
    track("five.wav")
    (tmp_path / "six.mp3").write_bytes(b"\xff" * 5000)
    collected = sources_from_tags(tmp_path)
    assert listing(collected, tmp_path) == {
        "a/one.mp3": (("Trance",), "A", "T"),
        "a/two.flac": (("Drum & Bass",), "B", "two"),
    }
    said = reasons(collected, tmp_path)
    assert said.pop("six.mp3").startswith("its tags or its structure are damaged: ")
    assert said == {
        "three.mp3": "no style is called 'Polka'",
        "four.opus": "several styles: Trance, Deep House",
        "five.wav": "it has no genre tag",
    }


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".opus"])
def test_the_tags_count_before_the_name_of_the_file(track: Track, suffix: str) -> None:
    path = track(f"X - Y{suffix}", artist="A", genre="Techno")
    assert tags_of(path) == (Tags(artist="A", title="Y", genres=("Techno",)), "")


def test_the_id3_chunk_of_a_wav(tmp_path: Path) -> None:
    id3 = import_module("mutagen.id3")  # its classes have no types
    path = write_wav(tmp_path / "x.wav", np.zeros(100, np.float32))
    file = mutagen.File(path)
    file.add_tags()
    for frame in (id3.TPE1(text="A"), id3.TIT2(text="T"), id3.TCON(text=["(31)", "Techno"])):
        file.tags.add(frame)
    file.save()
    assert tags_of(path) == (Tags(artist="A", title="T", genres=("Trance", "Techno")), "")


def add_info(path: Path, **fields: str) -> None:
    """Put a LIST chunk of INFO fields at the end of a WAV file, as most programs tag them."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)

    info = b"".join(chunk(name.encode(), text.encode() + b"\0") for name, text in fields.items())
    content = path.read_bytes()[8:] + chunk(b"LIST", b"INFO" + info)
    path.write_bytes(b"RIFF" + len(content).to_bytes(4, "little") + content)


def test_a_wav_with_list_info_has_its_artist_and_his_side_of_the_split(track: Track, tmp_path: Path) -> None:
    names = [f"{number}.wav" for number in range(20)]  # by their names alone they would be on several sides
    for name in names:
        add_info(track(f"Techno/{name}"), IART="Somebody", INAM="One", IGNR="Trance")
    collected = from_folder(tmp_path)
    assert listing(collected, tmp_path) == {f"Techno/{name}": (("Techno",), "Somebody", "One") for name in names}
    assert {entry.split for entry in collected.manifest.entries} == {split_of("Somebody", Path())}
    assert len({split_of("", Path(name)) for name in names}) > 1
    assert {entry.labels for entry in sources_from_tags(tmp_path).manifest.entries} == {("Trance",)}


JAMENDO = (
    "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    "track_0000773\tartist_000104\talbum_000126\t73/773.mp3\t275.3\tgenre---electronic\n"
    "track_0000775\tartist_000104\talbum_000126\t75/775.mp3\t198.1\tgenre---drumnbass\tmood/theme---dark\n"
    "track_0004569\tartist_000332\talbum_000709\t69/4569.mp3\t240.0\tgenre---house\tgenre---deephouse\n"
)


def test_mtg_jamendo(track: Track, tmp_path: Path) -> None:
    table = tmp_path / "autotagging.tsv"
    table.write_text(JAMENDO)
    track("audio/73/773.mp3")
    track("audio/75/775.low.mp3")
    collected = from_jamendo([table], tmp_path / "audio")
    assert listing(collected, tmp_path) == {
        "audio/73/773.mp3": (("genre---electronic",), "artist_000104", "track_0000773"),
        "audio/75/775.low.mp3": (("genre---drumnbass", "mood/theme---dark"), "artist_000104", "track_0000775"),
    }
    assert reasons(collected, tmp_path) == {"audio/69/4569.mp3": "there is no such file"}
    assert collected.manifest.task == "tags"
    assert not collected.published
    styles = as_styles(collected)
    assert listing(styles, tmp_path) == {"audio/75/775.low.mp3": (("Drum & Bass",), "artist_000104", "track_0000775")}
    assert reasons(styles, tmp_path)["audio/73/773.mp3"] == "no style is called 'electronic'"


def test_the_published_split_of_mtg_jamendo(track: Track, tmp_path: Path) -> None:
    header, *lines = JAMENDO.splitlines()
    tables = []
    for line, split in zip(lines, ("train", "validation", "test"), strict=True):
        tables.append(tmp_path / f"autotagging_genre-{split}.tsv")
        tables[-1].write_text(f"{header}\n{line}\n")
        track(f"audio/{line.split()[3]}")
    collected = from_jamendo(tables, tmp_path / "audio")
    assert [entry.split for entry in collected.manifest.entries] == ["train", "valid", "test"]
    assert collected.published
    with pytest.raises(ManifestError, match=r"773\.mp3 is listed twice"):
        from_jamendo([*tables, tables[0]], tmp_path / "audio")
    (tmp_path / "all.tsv").write_text(JAMENDO)
    with pytest.raises(ManifestError, match=r"all\.tsv: not one of the tables of a split"):
        from_jamendo([*tables, tmp_path / "all.tsv"], tmp_path / "audio")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the columns are not TRACK_ID"),
        ("TRACK_ID\tARTIST_ID\n", "line 1: the columns are not TRACK_ID"),
        (JAMENDO + "track_1\tartist_1\talbum_1\t1/1.mp3\t2.0\n", "line 5: 5 values for 6 columns"),
        (JAMENDO + "track_1\tartist_1\talbum_1\t1/1.mp3\t2.0\thouse\n", "line 5: the tags are 'house'"),
    ],
)
def test_what_is_no_table_of_mtg_jamendo(tmp_path: Path, text: str, said: str) -> None:
    table = tmp_path / "x.tsv"
    table.write_text(text)
    with pytest.raises(ManifestError, match=f"^{table}, {said}"):
        from_jamendo([table], tmp_path)


ANNOTATIONS = (
    '"clip_id"\t"no voice"\t"techno"\t"ambient"\t"mp3_path"\n'
    '"2"\t"1"\t"1"\t"0"\t"0/one-30-59.mp3"\n'
    '"6"\t"0"\t"0"\t"0"\t"c/two-0-29.mp3"\n'
    '"10"\t"0"\t"0"\t"1"\t"f/three-0-29.mp3"\n'
    '"11"\t"0"\t"1"\t"0"\t"d/gone.mp3"\n'
)
CLIPS = (
    '"clip_id"\t"track_number"\t"title"\t"artist"\t"album"\t"url"\t"segmentStart"\t"segmentEnd"\t"original_url"\t'
    '"mp3_path"\n'
    + "".join(
        f'"{clip}"\t"1"\t"T{clip}"\t"{artist}"\t"L"\t"http://x/"\t"0"\t"29"\t"http://y.mp3"\t"{path}"\n'
        for clip, artist, path in (
            (2, "Somebody", "0/one-30-59.mp3"),
            (6, "Somebody", "c/two-0-29.mp3"),
            (10, "Else", "f/three-0-29.mp3"),
            (11, "Else", "d/gone.mp3"),
            (12, "No file", ""),
        )
    )
)


@pytest.fixture
def magna(track: Track, tmp_path: Path) -> tuple[Path, Path]:
    """Return the two tables; the files of three clips are there."""
    for name in ("0/one-30-59.mp3", "c/two-0-29.mp3", "f/three-0-29.mp3"):
        track(name)
    annotations, clips = tmp_path / "annotations_final.csv", tmp_path / "clip_info_final.csv"
    annotations.write_text(ANNOTATIONS)
    clips.write_text(CLIPS)
    return annotations, clips


def test_magnatagatune(magna: tuple[Path, Path], tmp_path: Path) -> None:
    collected = from_magnatagatune(*magna, tmp_path)
    assert listing(collected, tmp_path) == {
        "0/one-30-59.mp3": (("no voice", "techno"), "Somebody", "T2"),
        "c/two-0-29.mp3": ((), "Somebody", "T6"),
        "f/three-0-29.mp3": (("ambient",), "Else", "T10"),
    }
    assert reasons(collected, tmp_path) == {"d/gone.mp3": "there is no such file"}
    one, two, _ = collected.manifest.entries
    assert one.split == two.split == split_of("Somebody", Path())
    by_folder = from_magnatagatune(*magna, tmp_path, by_folder=True)
    assert [entry.split for entry in by_folder.manifest.entries] == ["train", "valid", "test"]
    assert (collected.published, by_folder.published) == (False, True)


def test_magnatagatune_as_styles(magna: tuple[Path, Path], tmp_path: Path) -> None:
    collected = as_styles(from_magnatagatune(*magna, tmp_path))
    assert {name: labels for name, (labels, _, _) in listing(collected, tmp_path).items()} == {
        "0/one-30-59.mp3": ("Techno / Tech House",),
        "f/three-0-29.mp3": ("Ambient / Electronic",),
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"mp3_path"', '"path"', "line 1: the columns clip_id, mp3_path are not all there"),
        ('"2"\t"1"', '"2"\t"0.5"', "line 2: not 0 or 1 for each tag"),
        ('"2"\t"1"', '"2"', "line 2: 4 values for 5 columns"),
        ('"6"', '"99"', "line 3: the clip 99 is not in "),
        ('"0/one', '"x/one', "line 2: .*a path that begins with 0 to f"),
    ],
)
def test_what_is_no_table_of_magnatagatune(
    magna: tuple[Path, Path], tmp_path: Path, old: str, new: str, said: str
) -> None:
    magna[0].write_text(ANNOTATIONS.replace(old, new))
    with pytest.raises(ManifestError, match=f"^{magna[0]}, {said}"):
        from_magnatagatune(*magna, tmp_path, by_folder=True)
