"""Manifests: what is read and written, what is refused and how it is said, and who is on which side of the split."""

import doctest
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.errors import ManifestError
from earmark.learning.data import manifest as manifests
from earmark.learning.data import splits
from earmark.learning.data.manifest import Manifest, ManifestEntry, labelled, read, require_trainable, spell, write
from earmark.learning.data.splits import SPLITS, first_artist, split_of
from earmark.styles import styles

LABELS = [style.label for style in styles()]

Write = Callable[[str | bytes], Path]


@pytest.fixture
def listed(tmp_path: Path) -> Write:
    """Return what writes a CSV file and gives its path."""

    def write_csv(text: str | bytes) -> Path:
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_csv


def test_reads_what_the_synth_writes(listed: Write, tmp_path: Path) -> None:
    read_ = read(listed("path,style,artist,split\nb/1.opus,Trance,trance-001,valid\na/1.opus,Deep House,d-2,train\n"))
    assert read_ == Manifest(
        "styles",
        ("Deep House", "Trance"),
        (
            ManifestEntry(tmp_path / "b/1.opus", ("Trance",), artist="trance-001", split="valid"),
            ManifestEntry(tmp_path / "a/1.opus", ("Deep House",), artist="d-2"),
        ),
    )
    assert read_.labels().tolist() == [1, 0]
    assert read_.targets().tolist() == [[0, 1], [1, 0]]
    assert read_.part("valid") == Manifest("styles", read_.classes, read_.entries[:1])


def test_tags_have_any_number_of_labels(listed: Write) -> None:
    read_ = read(listed("path,tags\n1.mp3,techno;Slow\n2.mp3,\n3.mp3,Slow; Slow ;techno\n"))
    assert read_.classes == ("Slow", "techno")
    assert read_.targets().tolist() == [[1, 1], [0, 0], [1, 1]]
    assert read_.entries[2].labels == ("Slow", "techno")
    with pytest.raises(ValueError, match="one label each"):
        read_.labels()


def test_values_are_numbers(listed: Write) -> None:
    read_ = read(listed("path,value:valence,value:arousal\n1.mp3,0.25,-3\n"))
    assert (read_.task, read_.classes) == ("values", ("arousal", "valence"))
    assert read_.targets().tolist() == [[-3, 0.25]]
    assert read_.targets().dtype == np.float32
    assert read_.part("test").targets().shape[1] == 2


def test_spreadsheets_write_marks_and_semicolons_and_empty_rows(listed: Write, tmp_path: Path) -> None:
    text = '\ufeffpath;tags;title\r\n1.mp3;"a;b";"Zwölf; Uhr"\r\n;;\r\n2.mp3;a;\r\n'
    assert read(listed(text)).entries == (
        ManifestEntry(tmp_path / "1.mp3", ("a", "b"), title="Zwölf; Uhr", split=split_of("", tmp_path / "1.mp3")),
        ManifestEntry(tmp_path / "2.mp3", ("a",), split=split_of("", tmp_path / "2.mp3")),
    )


def test_paths_are_those_of_the_folder_of_the_manifest(listed: Write, tmp_path: Path) -> None:
    read_ = read(listed("path,style\nx/../1.mp3,a\n/elsewhere/2.mp3,b\n"))
    assert [entry.path for entry in read_.entries] == [tmp_path / "1.mp3", Path("/elsewhere/2.mp3")]
    moved = tmp_path / "moved"
    write(read_, moved / "list.csv")
    assert (moved / "list.csv").read_text().splitlines()[1].startswith(f"{tmp_path}/1.mp3,")
    write(read_, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text().splitlines()[1].startswith("1.mp3,")


@pytest.mark.parametrize("label", LABELS)
def test_the_twelve_are_known_in_other_spellings(label: str) -> None:
    folder = "-".join("".join(c if c.isalnum() else " " for c in label.lower()).split())  # as the synth names them
    for spelling in (label, label.upper(), f" {label} ", folder, label.replace("&", "and"), label.replace("/", "")):
        assert spell(spelling) == label


def test_other_names_stay_as_they_are_written() -> None:
    assert [spell(name) for name in ("Tech House", "dnb", "Grand House", "天")] == [
        "Tech House",
        "dnb",
        "Grand House",
        "天",
    ]


def test_classes_are_the_twelve_in_their_order_and_then_the_others() -> None:
    order = manifests.class_order(["Zouk", "Trap", "Ambient / Electronic", "Acid", "Trap"])
    assert order == ("Ambient / Electronic", "Trap", "Acid", "Zouk")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("style\na\n", "line 1: there is no column 'path'"),
        ("path\n1.mp3\n", "line 1: a manifest has a column style, or tags, or value:NAME; this one has none of them"),
        ("path,style,tags\n", "line 1: .* this one has style and tags"),
        ("path,style,value:x\n", "line 1: .* this one has style and value:x"),
        ("path,style,genre\n", "line 1: unknown column 'genre'"),
        ("path,value:\n", "line 1: unknown column 'value:'"),
        ("path,style,style\n", "line 1: the column 'style' is there twice"),
        ("path,style\n1.mp3,a\n,b\n", "line 3: the path is empty"),
        ("path,style\n1.mp3, \n", "line 2: a label is empty"),
        ("path,tags\n1.mp3,a;;b\n", "line 2: a label is empty"),
        ("path,style\n1.mp3\n", "line 2: 1 values for 2 columns"),
        ("path,style\n1.mp3,a,b\n", "line 2: 3 values for 2 columns"),
        ('path,style,title\n1.mp3,a,"two\nlines"\n2.mp3,,\n', "line 4: a label is empty"),
        ("path,style,split\n1.mp3,a,dev\n", "line 2: the split is 'dev', not one of train, valid, test"),
        ("path,style,split\n1.mp3,a,\n", "line 2: the split is '', not one of train, valid, test"),
        ("path,style\n1.mp3,a\n./1.mp3,b\n", r"line 3: .*1\.mp3 is in line 2 already"),
        (
            "path,style\n1.mp3,Psy Trance\n2.mp3,psytrance\n",
            "line 3: the label 'psytrance' was spelled 'Psy Trance' further up",
        ),
        ("path,value:x\n1.mp3,loud\n", "line 2: the value 'x' is 'loud', not a number"),
        ("path,value:x\n1.mp3,inf\n", "line 2: the value 'x' is 'inf', not a number"),
        ("path,value:x\n1.mp3,\n", "line 2: the value 'x' is '', not a number"),
        ('path,style\n"1".mp3,a\n', "line 2: "),
        ("path,style\n1.mp3,\0\n", "line 2: not text"),
        ("path,style\n1.mp3,Größe\n".encode("latin-1"), "line 2: not UTF-8 text"),
        ("path,style\n1.mp3,a\n".encode("utf-16"), "line 1: not UTF-8 text"),
    ],
)
def test_what_is_not_understood_is_one_line_that_says_where(listed: Write, text: str | bytes, said: str) -> None:
    path = listed(text)
    with pytest.raises(ManifestError, match=rf"^{path}(, |: ){said}") as raised:
        read(path)
    assert "\n" not in str(raised.value)


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_whatever_is_in_a_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, rest: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.csv", "any.parquet"):
        path = folder / name
        path.write_bytes((b"path,style\n" if name == "any.csv" else b"PAR1") + rest)
        try:
            read(path)
        except ManifestError as error:
            assert str(error).startswith(str(path))  # noqa: PT017  that it may be raised is the point


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet", "list.xlsx", "list"])
def test_what_is_no_manifest_at_all(tmp_path: Path, name: str) -> None:
    with pytest.raises(ManifestError, match=r"No such file|a manifest is a file \.csv or \.parquet"):
        read(tmp_path / name)


WORDS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=";/"), min_size=1, max_size=8)
TEXTS = st.lists(WORDS, max_size=2).map(" ".join)


@st.composite
def manifest(draw: st.DrawFn) -> Manifest:
    """Return any manifest whose labels are spelled in one way."""
    task = draw(st.sampled_from(["styles", "tags", "values"]))
    pool = [f"label {index}" for index in range(3)] + LABELS[:2]
    names = draw(st.lists(WORDS.filter(lambda name: name not in {".", ".."}), max_size=5, unique=True))
    classes = tuple(sorted(pool[:2])) if task == "values" else ()
    entries = []
    for name in names:
        count = {"styles": (1, 1), "tags": (0, 3), "values": (0, 0)}[task]
        labels = draw(st.lists(st.sampled_from(pool), min_size=count[0], max_size=count[1], unique=True))
        values = draw(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False) for _ in classes]))
        artist, title, split = draw(TEXTS), draw(TEXTS), draw(st.sampled_from(SPLITS))
        entries.append(ManifestEntry(Path("/music") / name, tuple(labels), values, artist, title, split))
    if task == "values":
        return Manifest("values", classes, tuple(entries))
    return labelled("tags" if task == "tags" else "styles", entries)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@given(manifest())
@settings(max_examples=30)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, suffix: str, made: Manifest) -> None:
    path = tmp_path_factory.getbasetemp() / f"round{suffix}"
    write(made, path)
    assert read(path) == made
    assert not list(path.parent.glob("*.part"))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ManifestEntry(Path("/a\udcff.mp3"), ("x",)), "cannot be written as text"),
        (ManifestEntry(Path("/a.mp3"), ("x",), artist="\0"), "cannot be written as text"),
        (ManifestEntry(Path("/a.mp3"), ("x;y",)), "holds a ';'"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, suffix: str, entry: ManifestEntry, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        write(labelled("tags", [entry]), tmp_path / f"list{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_does_not_fit_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Manifest("styles", ("a",), (ManifestEntry(Path("1"), ("a", "b")),))
    with pytest.raises(ValueError, match="does not fit"):
        Manifest("values", ("a", "b"), (ManifestEntry(Path("1"), values=(1.0,)),))
    with pytest.raises(ValueError, match="does not fit"):
        Manifest("tags", ("a",), (ManifestEntry(Path("1"), ("a",), split="dev"),))


def test_what_can_be_trained_on(tmp_path: Path) -> None:
    files = [tmp_path / f"{index}.wav" for index in range(4)]
    for file in files:
        file.touch()
    splits = ("train", "train", "valid", "test")
    entries = [
        ManifestEntry(path, (label,), split=split) for path, label, split in zip(files, "abab", splits, strict=True)
    ]
    require_trainable(labelled("styles", entries))
    for wrong, said in (
        ([], "no tracks"),
        (entries[::2], "all tracks are 'a'; learning needs at least two classes"),
        (entries[:2], "no track is in the split 'valid'"),
        (entries[2:], "no track is in the split 'train'"),
        ([entries[0], *entries[2:]], "no training track is 'b'"),
        (
            [*entries, ManifestEntry(tmp_path / "x", ("a",)), ManifestEntry(tmp_path / "y", ("a",))],
            f"there is no file {tmp_path}/x, and 1 more",
        ),
    ):
        with pytest.raises(ManifestError, match=f"^list.csv: {said}$"):
            require_trainable(labelled("styles", wrong), Path("list.csv"))


# Who is who ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Björk", "BJORK"),
        ("The Prodigy", "Prodigy"),
        ("(The Prodigy)", "Prodigy"),
        ("A-Trak", "ATrak"),
        ("Somebody", "Somebody feat. Else"),
        ("Somebody", "Somebody Ft Else"),
        ("Somebody", "Somebody (featuring Else)"),
        ("Above & Beyond", "Above and Beyond"),
        ("Somebody", "Somebody, Else"),
        ("Somebody", "Somebody x Else"),
        ("Somebody", "Somebody vs. Else"),
        ("Somebody", "Somebody; Else"),
        ("陳綺貞", " 陳綺貞 "),
    ],
)
def test_one_artist_in_two_spellings(one: str, other: str) -> None:
    assert first_artist(one) == first_artist(other) != ""


def test_names_that_only_look_like_credits() -> None:
    assert first_artist("Max Vangeli") == "maxvangeli"
    assert first_artist("Andy Stott") == "andystott"
    assert first_artist("With Confidence") == "confidence"
    assert first_artist("The The") == "the"
    assert first_artist("!!!") == "!!!"
    assert first_artist("+") == "+"


@pytest.mark.parametrize("name", ["", " ", "Unknown Artist", "various artists", "VA", "V.A."])
def test_nobody(name: str) -> None:
    assert first_artist(name) == ""


def test_the_split_of_an_artist_is_known_for_ever() -> None:
    # Stored: another answer here would move the tracks of everybody's manifests.
    artists = ["Aphex Twin", "Björk", "Goldie", "Underworld", "Roni Size", "Burial", "Orbital", "808 State"]
    stored = ["train", "test", "train", "train", "train", "train", "train", "test"]
    assert [split_of(artist, Path("x.mp3")) for artist in artists] == stored


def test_the_case_of_a_file_name_does_not_move_a_track() -> None:
    names = [f"{number} Track" for number in range(50)]
    assert [split_of("", Path(f"{name}.WAV")) for name in names] == [
        split_of("", Path(f"{name.lower()}.mp3")) for name in names
    ]


def test_shares_are_those_of_the_artists() -> None:
    splits = [split_of(f"artist {index}", Path("x.mp3")) for index in range(5000)]
    shares = [splits.count(split) / len(splits) for split in SPLITS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)  # four standard deviations
    halves = [split_of(f"artist {index}", Path("x.mp3"), shares=(0.5, 0.0, 0.5)) for index in range(2000)]
    assert "valid" not in halves
    other = [split_of(f"artist {index}", Path("x.mp3"), seed=1) for index in range(2000)]
    assert other != splits[:2000]


@given(st.text(max_size=20), st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=20))
def test_folder_and_encoding_do_not_move_a_track(artist: str, name: str) -> None:
    here = split_of(artist, Path("/here") / f"{name}.mp3")
    assert split_of(artist, Path("/there/deep") / f"{name}.flac") == here
    assert here in SPLITS


@pytest.mark.parametrize("module", [manifests, splits])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module) == doctest.TestResults(failed=0, attempted=1)


@pytest.mark.parametrize(("there", "listed"), [("Beyonc\u00e9", "Beyonce\u0301"), ("Beyonce\u0301", "Beyonc\u00e9")])
def test_a_manifest_of_another_system_spells_accents_as_it_likes(there: str, listed: str, tmp_path: Path) -> None:
    (tmp_path / f"{there}.mp3").touch()
    (tmp_path / "list.csv").write_text(f"path,style\n{listed}.mp3,R&B\n", encoding="utf-8")
    (entry,) = read(tmp_path / "list.csv").entries
    assert entry.path == tmp_path / f"{there}.mp3"
