"""Collections for other programs, read back by other people's readers."""

import csv
import json
import math
import re
import runpy
import struct
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, cast

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrekordbox import RekordboxXml
from traktor_nml_utils import TraktorCollection

from earmark.analysis import Key, Rhythm
from earmark.cli.export_library import Format as Choice
from earmark.cli.export_library import Playlists
from earmark.errors import ExchangeError, MissingExtra
from earmark.library.exports import FORMATS, GROUPINGS, Format, certain, in_heard_words, light
from earmark.library.exports import serato as serato_exports
from earmark.library.exports.crates import by_family, by_style, none
from earmark.library.exports.grid import TOLERANCE, from_the_start, marks
from earmark.library.exports.rekordbox import COLOURS, colour_of_styles
from earmark.library.exports.writing import file_name
from earmark.library.track import Tags, Track
from earmark.styles import styles
from earmark.testing.tracks import LABELS, heard_track, steady

GOLDEN = Path(__file__).parent / "golden"
MADE = runpy.run_path(str(GOLDEN / "make_exports.py"))


@pytest.fixture
def collection() -> list[Track]:
    return cast(list[Track], MADE["collection"]())


@pytest.fixture(autouse=True)
def one_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all folders on one drive, as they are on most machines."""
    monkeypatch.setattr("earmark.library.exports.serato.os.path.ismount", lambda folder: str(folder) == "/")


def windows(path: str) -> Track:
    """A track of a catalogue on Windows."""
    return replace(heard_track("x"), path=cast(Path, PureWindowsPath(path)))


# What they look like, byte for byte


@pytest.mark.parametrize("form", MADE["OUTPUTS"])
def test_golden_files(form: str, collection: list[Track], tmp_path: Path) -> None:
    out = tmp_path / MADE["OUTPUTS"][form]
    FORMATS[form].write(collection, out)
    expected = GOLDEN / "exports" / out.name
    written = MADE["files"](out) if out.is_dir() else [out]
    known = MADE["files"](expected) if out.is_dir() else [expected]
    assert [path.relative_to(tmp_path) for path in written] == [path.relative_to(GOLDEN / "exports") for path in known]
    for one, other in zip(written, known, strict=True):
        assert MADE["settled"](one.read_bytes()) == other.read_bytes()


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_collection(form: str, tmp_path: Path) -> None:
    FORMATS[form].write([], tmp_path / "out")
    sizes = {path.name: path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}
    assert len(sizes) == 1
    assert all(sizes.values())
    assert not [name for name in sizes if name.endswith(".part")]


# The table


def test_the_formats_and_their_files() -> None:
    assert {name: (row.suffix, row.has_playlists) for name, row in FORMATS.items()} == {
        "m3u8": (".m3u8", True),
        "rekordbox": (".xml", True),
        "traktor": (".nml", True),
        "serato": ("", True),
        "csv": (".csv", False),
        "parquet": (".parquet", False),
        "json": (".json", False),
    }


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_every_format_keeps_the_contract(form: Format, collection: list[Track], tmp_path: Path) -> None:
    """Written whole and the same each time; what `problem` lets through is written, the rest leaves nothing behind."""
    assert FORMATS[form.name] is form
    assert form.is_table is not form.has_playlists
    assert form.contents[0].islower()
    assert form.contents[-1] not in ". "
    for folder in ("one", "two"):
        form.write(collection, tmp_path / folder / f"out{form.suffix}")
    one, two = (
        {path.relative_to(tmp_path / folder): path.read_bytes() for path in MADE["files"](tmp_path / folder)}
        for folder in ("one", "two")
    )
    assert one == two
    assert (list(one) == [Path(f"out{form.suffix}")]) is bool(form.suffix)
    assert [form.problem(track.path, tmp_path / "one") for track in collection] == [""] * 5
    broken = replace(collection[0], path=Path("/music/\udcff.mp3"))
    if form.name == "rekordbox":  # a URL can hold any name
        assert form.problem(broken.path, tmp_path) == ""
    else:
        assert form.problem(broken.path, tmp_path) == "its name is not UTF-8 text"
        with pytest.raises(ExchangeError, match="its name is not UTF-8 text"):
            form.write([broken], tmp_path / "three" / "out")
        assert MADE["files"](tmp_path / "three") == []
    if form.has_playlists:
        form.write(collection, tmp_path / "grouped", by_family)
        written = [path for path in (tmp_path / "grouped", *tmp_path.glob("grouped/**/*")) if path.is_file()]
        assert any("Bass" in path.name or b'"Bass"' in path.read_bytes() for path in written)
    else:
        with pytest.raises(ValueError, match=f"^{form.name} has no playlists$"):
            form.write(collection, tmp_path / "grouped", by_family)
        assert not (tmp_path / "grouped").exists()


def test_the_command_offers_every_format() -> None:
    assert [each.value for each in Choice] == list(FORMATS)  # written out there, so that --help loads nothing
    assert {each.value for each in Playlists} == set(GROUPINGS)


# rekordbox

# Elements, where they may stand, and their attributes, from Pioneer's description of the format (xml_format_list.pdf).
TRACK_ATTRIBUTES = {
    *("TrackID", "Name", "Artist", "Composer", "Album", "Grouping", "Genre", "Kind", "Size", "TotalTime", "DiscNumber"),
    *("TrackNumber", "Year", "AverageBpm", "DateModified", "DateAdded", "BitRate", "SampleRate", "Comments"),
    *("PlayCount", "LastPlayed", "Rating", "Location", "Remixer", "Tonality", "Label", "Mix", "Colour"),
}
REKORDBOX = {
    ("", "DJ_PLAYLISTS"): ({"Version"}, set()),
    ("DJ_PLAYLISTS", "PRODUCT"): ({"Name", "Version", "Company"}, set()),
    ("DJ_PLAYLISTS", "COLLECTION"): ({"Entries"}, set()),
    ("DJ_PLAYLISTS", "PLAYLISTS"): (set(), set()),
    ("COLLECTION", "TRACK"): ({"TrackID", "Location"}, TRACK_ATTRIBUTES),
    ("TRACK", "TEMPO"): ({"Inizio", "Bpm", "Metro", "Battito"}, set()),
    ("TRACK", "POSITION_MARK"): ({"Name", "Type", "Start", "Num"}, {"End"}),
    ("PLAYLISTS", "NODE"): ({"Type", "Name", "Count"}, set()),
    ("NODE", "NODE"): ({"Type", "Name"}, {"Count", "KeyType", "Entries"}),
    ("NODE", "TRACK"): ({"Key"}, set()),
}
COLOUR_WORDS = {"0xFF007F", "0xFF0000", "0xFFA500", "0xFFFF00", "0x00FF00", "0x25FDE9", "0x0000FF", "0x660099"}


def check_rekordbox(path: Path) -> None:
    """Assert that a file is as Pioneer describes it."""

    def check(element: ET.Element, parent: str) -> None:
        needed, allowed = REKORDBOX[parent, element.tag]
        assert needed <= set(element.keys()) <= needed | allowed, element.attrib
        for child in element:
            check(child, element.tag)
        if "Entries" in element.keys() or "Count" in element.keys():  # noqa: SIM118  an element has children, too
            assert int(element.get("Entries") or element.get("Count") or -1) == len(element)

    assert path.read_bytes().startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    root = ET.parse(path).getroot()  # noqa: S314  our own file
    check(root, "")
    numbers = [track.get("TrackID") for track in root.iterfind("COLLECTION/TRACK")]
    assert len(set(numbers)) == len(numbers)
    assert {track.get("Key") for track in root.iterfind(".//NODE/TRACK")} <= set(numbers)
    for track in root.iterfind("COLLECTION/TRACK"):
        assert re.match(r"file://localhost/[^/]", track.get("Location", ""))
        assert track.get("Colour") in {None, *COLOUR_WORDS}


def test_rekordbox_reads_tracks_grid_cue_and_playlists(collection: list[Track], tmp_path: Path) -> None:
    out = tmp_path / "rekordbox.xml"
    FORMATS["rekordbox"].write(collection, out)
    check_rekordbox(out)
    read = RekordboxXml(out)
    assert (read.product_name, read.frmt_version, read.num_tracks) == ("earmark", "1.0.0", 5)
    one, two, three, four, five = read.get_tracks()
    assert one["Location"] == "music/deep/one.flac"  # pyrekordbox takes the slash for a part of the host
    assert [one[name] for name in ("Name", "Artist", "Album", "Genre", "Comments", "Tonality", "Kind")] == [
        *("One", "Somebody", "First", "Techno", "by hand", "Am", "FLAC File"),
    ]
    assert (one["AverageBpm"], one["TotalTime"], one["Size"], one["Colour"]) == (122.0, 300, 4_000_000, "0xFFFF00")
    (tempo,) = one.tempos
    assert (tempo["Inizio"], tempo["Bpm"], tempo["Metro"], tempo["Battito"]) == (0.25, 122.0, "4/4", 1)
    (mark,) = one.marks
    assert (mark["Type"], mark["Start"], mark["Num"], mark["Name"]) == ("cue", 0.25, -1, "")
    assert two["Name"] == 'Two "B" <&> \u2028\nnext line'
    assert two["Artist"] == "Björk & 坂本"
    assert two["Genre"] == "Deep; House; Dub"
    assert two["Tonality"] == "F#"
    assert two["Location"] == "music/trap & bass/Two's #2 100% ♥.mp3"
    assert (three["Name"], three["Genre"], three["AverageBpm"], three["Tonality"]) == ("three", "Trap", 0.0, "")
    assert four["Colour"] is None
    assert four["Genre"] == ""
    assert five["TotalTime"] == 0
    folder = read.get_playlist("earmark")
    assert [(node.name, node.get_tracks()) for node in folder.get_playlists()] == [
        ("Deep House", [1]),
        ("Trap", [2, 3]),
    ]


def test_rekordbox_without_playlists(collection: list[Track], tmp_path: Path) -> None:
    FORMATS["rekordbox"].write(collection, tmp_path / "a.xml", none)
    check_rekordbox(tmp_path / "a.xml")
    assert RekordboxXml(tmp_path / "a.xml").root_playlist_folder.get_playlists() == []


def test_rekordbox_on_windows(tmp_path: Path) -> None:
    FORMATS["rekordbox"].write([windows(r"D:\Musik\Ärger & Co\a b.mp3")], tmp_path / "a.xml")
    assert 'Location="file://localhost/D:/Musik/%C3%84rger%20%26%20Co/a%20b.mp3"' in (tmp_path / "a.xml").read_text()
    assert RekordboxXml(tmp_path / "a.xml").get_track(0)["Location"] == "D:/Musik/Ärger & Co/a b.mp3"


def test_every_style_has_a_colour_that_rekordbox_knows() -> None:
    assert set(COLOURS.values()) == COLOUR_WORDS
    assert set(colour_of_styles()) == set(LABELS)
    assert set(colour_of_styles().values()) == COLOUR_WORDS
    assert colour_of_styles()["Deep House"] == COLOURS["lemon"] == "0xFFFF00"
    by_its_colour: dict[str, set[str]] = {}
    for style in styles():
        by_its_colour.setdefault(style.rekordbox, set()).add(style.family)
    assert sum(len(families) > 1 for families in by_its_colour.values()) == 1  # Ambient and Techno


# Traktor


def test_traktor_reads_tracks_grid_and_playlists(collection: list[Track], tmp_path: Path) -> None:
    out = tmp_path / "collection.nml"
    FORMATS["traktor"].write(collection, out)
    nml = TraktorCollection(out).nml  # refuses what its schema does not know
    assert (nml.version, nml.head.program, nml.collection.entries) == (19, "Traktor", 5)
    one, two, three, four, five = nml.collection.entry
    assert (one.location.volume, one.location.dir, one.location.file) == (
        *("Macintosh HD", "/:music/:deep/:", "one.flac"),
    )
    assert (one.title, one.artist, one.album.title) == ("One", "Somebody", "First")
    assert (one.info.genre, one.info.comment, one.info.key, one.info.playtime) == ("Techno", "by hand", "Am", 300)
    assert one.info.filesize == math.ceil(4_000_000 / 1024)
    assert (one.tempo.bpm, one.musical_key.value_attribute) == (122.0, 21)
    grid, cue = one.cue_v2
    assert (grid.type, grid.start, grid.grid.bpm, grid.hotcue) == (4, 250.0, 122.0, -1)
    assert (cue.type, cue.start, cue.hotcue) == (0, 250.0, 0)
    assert two.title == 'Two "B" <&> \u2028\nnext line'
    assert (two.location.dir, two.location.file) == ("/:music/:trap & bass/:", "Two's #2 100% ♥.mp3")
    assert (two.tempo.bpm, two.musical_key.value_attribute) == (140.03, 6)
    assert three.tempo is None
    assert four.info.genre is None
    assert five.info.playtime is None
    (folder,) = nml.playlists.node.subnodes.node
    assert (folder.name, folder.subnodes.count) == ("earmark", 2)
    listed = {node.name: [entry.primarykey.key for entry in node.playlist.entry] for node in folder.subnodes.node}
    keys = [f"{each.location.volume}{each.location.dir}{each.location.file}" for each in nml.collection.entry]
    assert listed == {"Deep House": [keys[0]], "Trap": [keys[1], keys[2]]}


def test_traktor_on_windows_and_on_a_stick(tmp_path: Path) -> None:
    tracks = [windows(r"C:\Music\Warm up.flac"), heard_track("/Volumes/USB Stick/Sets/b.aiff")]
    FORMATS["traktor"].write(tracks, tmp_path / "a.nml")
    read = [each.location for each in TraktorCollection(tmp_path / "a.nml").nml.collection.entry]
    assert [(each.volume, each.dir, each.file) for each in read] == [
        ("C:", "/:Music/:", "Warm up.flac"),
        ("USB Stick", "/:Sets/:", "b.aiff"),
    ]


def test_the_same_playlist_keeps_its_number(collection: list[Track], tmp_path: Path) -> None:
    for name in ("a.nml", "b.nml"):
        FORMATS["traktor"].write(collection, tmp_path / name)
    assert (tmp_path / "a.nml").read_bytes() == (tmp_path / "b.nml").read_bytes()


# The grid


def test_one_mark_is_enough_for_a_machine() -> None:
    rhythm = steady(174.0, 2.0, 400.0)
    (mark,) = marks(rhythm, decimals=6)
    assert (mark.time, mark.bpm, mark.beat) == (2.0, 174.0, 1)
    (first,) = from_the_start([mark])
    beats = round((2.0 - first.time) * 174 / 60)
    assert 0 <= first.time < 60 / 174
    assert first.time + beats * 60 / 174 == pytest.approx(2.0)
    assert (first.beat + beats - 1) % 4 == 0  # so the downbeat is where it was


@pytest.mark.parametrize("decimals", [2, 6])
def test_marks_follow_a_tempo_that_moves(decimals: int) -> None:
    times = np.cumsum(np.concatenate([[0.5], 60 / np.linspace(120, 126, 600)]))
    rhythm = Rhythm(123.0, 0.8, 3.0, times, times[::4])
    found = marks(rhythm, decimals)
    assert 5 < len(found) < 75
    for bar in rhythm.downbeats:
        last = [mark for mark in found if mark.time <= bar + TOLERANCE][-1]
        bars = (bar - last.time) * last.bpm / 240
        assert abs(bars - round(bars)) * 240 / last.bpm <= TOLERANCE + 1e-9


def test_a_first_beat_that_the_file_cuts_off_does_not_bend_the_grid() -> None:
    rhythm = steady(128.0, 60 * 4 / 128 - 0.011, 60.0)
    cut = replace(rhythm, beats=np.append(0.0, rhythm.beats), downbeats=np.append(0.0, rhythm.downbeats))
    (mark,) = marks(cut, decimals=6)
    assert mark.time == pytest.approx(60 * 4 / 128 - 0.011)
    (first,) = from_the_start([mark])
    assert first.time == pytest.approx(60 / 128 - 0.011)
    assert first.beat == 2


def test_what_two_decimals_round_away_is_made_good() -> None:
    rhythm = steady(127.9949, 0.1, 600.0)
    assert len(marks(rhythm, decimals=6)) == 1
    assert 2 <= len(marks(rhythm, decimals=2)) <= 4


def test_no_beats_no_grid() -> None:
    nothing = np.empty(0)
    assert marks(Rhythm(0.0, 0.0, 0.0, nothing, nothing), 2) == []
    assert marks(Rhythm(120.0, 0.9, 0.0, nothing, nothing), 2) == []
    for bpm in (0.0, math.nan):  # beats, but no tempo
        assert marks(Rhythm(bpm, 0.0, 0.0, np.array([1.0, 2.0]), np.array([1.0])), 2) == []
    assert from_the_start([]) == []


# M3U8


def test_m3u8_lists_files_beside_captions(collection: list[Track], tmp_path: Path) -> None:
    near = heard_track(tmp_path / "sets/#1.mp3", tags=Tags("T", "A"))
    FORMATS["m3u8"].write([*collection[:2], near, collection[4]], tmp_path / "sets/all.m3u8")
    assert (tmp_path / "sets/all.m3u8").read_text(encoding="utf-8").split("\n") == [
        "#EXTM3U",
        *("#EXTINF:300,Somebody - One", "/music/deep/one.flac"),
        *('#EXTINF:300,Björk & 坂本 - Two "B" <&> next line', "/music/trap & bass/Two's #2 100% ♥.mp3"),
        *("#EXTINF:300,A - T", "./#1.mp3"),
        *("#EXTINF:-1,five", "/music/five.mp3"),
        "",
    ]


def test_m3u8_by_style_is_a_folder(collection: list[Track], tmp_path: Path) -> None:
    disco = heard_track("/music/six.mp3", {"House / Nu Disco / Disco": 0.9})
    FORMATS["m3u8"].write([*collection, disco], tmp_path / "lists", by_style)
    assert {path.name: path.read_text().count("#EXTINF") for path in (tmp_path / "lists").iterdir()} == {
        "Deep House.m3u8": 1,
        "House - Nu Disco - Disco.m3u8": 1,
        "Trap.m3u8": 2,
    }


# Serato


def crate(raw: bytes) -> list[tuple[str, Any]]:
    """The records of a crate, by the description in Mixxx's wiki."""
    records = []
    while raw:
        tag, (length,) = raw[:4].decode("ascii"), struct.unpack(">I", raw[4:8])
        content, raw = raw[8 : 8 + length], raw[8 + length :]
        assert len(content) == length
        records.append((tag, crate(content) if tag[0] == "o" else content.decode("utf-16-be")))
    return records


def test_crates_hold_paths_from_the_root_of_the_drive(collection: list[Track], tmp_path: Path) -> None:
    FORMATS["serato"].write(collection, tmp_path)
    folder = tmp_path / "_Serato_/Subcrates"
    read = {path.name: crate(path.read_bytes()) for path in folder.iterdir()}
    version = ("vrsn", "1.0/Serato ScratchLive Crate")
    assert read == {
        "earmark.crate": [
            version,
            *(
                ("otrk", [("ptrk", f"music/{name}")])
                for name in (
                    *("deep/one.flac", "trap & bass/Two's #2 100% ♥.mp3", "three.wav", "four.aiff", "five.mp3"),
                )
            ),
        ],
        "earmark%%Deep House.crate": [version, ("otrk", [("ptrk", "music/deep/one.flac")])],
        "earmark%%Trap.crate": [
            version,
            ("otrk", [("ptrk", "music/trap & bass/Two's #2 100% ♥.mp3")]),
            ("otrk", [("ptrk", "music/three.wav")]),
        ],
    }


def test_crates_on_a_stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stick = tmp_path / "stick"
    monkeypatch.setattr("earmark.library.exports.serato.os.path.ismount", lambda folder: Path(folder) == stick)
    FORMATS["serato"].write([heard_track(stick / "Sets/a.mp3")], stick / "_Serato_", none)
    (path,) = (stick / "_Serato_/Subcrates").iterdir()
    assert crate(path.read_bytes())[1] == ("otrk", [("ptrk", "Sets/a.mp3")])
    with pytest.raises(ExchangeError, match=r"^/music/a\.mp3: it is not on the drive of the crate, .*/stick$"):
        FORMATS["serato"].write([heard_track("/music/a.mp3")], stick)


def test_drives_of_windows() -> None:
    drive = serato_exports.drive_of(PureWindowsPath(r"E:\_Serato_"))
    assert drive == PureWindowsPath("E:\\")
    assert serato_exports.problem(PureWindowsPath(r"E:\Music\a.mp3"), drive) == ""
    assert "not on the drive" in serato_exports.problem(PureWindowsPath(r"C:\Music\a.mp3"), drive)
    assert "not on the drive" in serato_exports.problem(PurePosixPath("/Music/a.mp3"), drive)


# Tables


def test_tables_say_the_same(collection: list[Track], tmp_path: Path) -> None:
    for form in ("csv", "json", "parquet"):
        FORMATS[form].write(collection, tmp_path / form)
    rows = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    assert pq.read_table(tmp_path / "parquet").to_pylist() == rows
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    for row, line in zip(rows, cells, strict=True):
        for name, cell in line.items():
            value = row[name]
            if isinstance(value, list):
                assert cell == ";".join(value)
            elif isinstance(value, float):
                assert float(cell) == value
            else:
                assert cell == ("" if value is None else str(value))


def test_tables_keep_tags_and_what_was_heard_apart(collection: list[Track], tmp_path: Path) -> None:
    FORMATS["parquet"].write(collection, tmp_path / "a.parquet")
    one, two, three, four, five = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert (one["tag_genres"], one["style"], one["family"]) == (["Techno"], "Deep House", "House")
    assert one["probability"] == pytest.approx(0.8)
    assert one["family_probability"] == pytest.approx(0.95 + 0.05 * 3 / 10)
    assert (one["tag_bpm"], one["bpm"], one["tag_key"], one["key"], one["camelot"]) == (120.0, 122.0, "8A", "Am", "8A")
    assert (one["first_downbeat"], one["loudness"], one["true_peak"], one["duration"]) == (0.25, -8.5, -0.3, 300.0)
    assert [each["style"] for each in one["styles"]][:2] == ["Deep House", "Progressive House"]
    assert len(one["styles"]) == 12
    assert one["segments"] == [{"start": 0.0, "end": 300.0, "style": "Deep House", "probability": pytest.approx(0.8)}]
    assert len(one["beats"]) == math.floor((300 - 0.25) * 122 / 60) + 1
    assert (len(one["loudness_curve"]), one["embedding"]) == (300, [1.0, 0.0])
    assert (two["camelot"], two["key"]) == ("2B", "F#")
    assert three["bpm"] is None
    assert (four["style"], four["unknown"], four["probability"]) == (None, True, None)
    assert four["styles"][0]["style"] == "Techno / Tech House"
    assert (five["error"], five["styles"], five["unknown"]) == ("it is empty", None, None)


def test_silence_has_no_level_in_json(tmp_path: Path) -> None:
    track = heard_track("/a.mp3", duration=2.0)
    assert track.analysis is not None
    assert track.analysis.loudness is not None
    quiet = replace(track.analysis.loudness, true_peak=-math.inf, curve=np.array([-math.inf, -20.0], np.float32))
    FORMATS["json"].write([replace(track, analysis=replace(track.analysis, loudness=quiet))], tmp_path / "a.json")
    (row,) = json.loads((tmp_path / "a.json").read_text())
    assert (row["true_peak"], row["loudness_curve"]) == (None, [None, -20.0])


def test_parquet_needs_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"^writing Parquet needs more than the base install: .*earmark\[train\]"):
        FORMATS["parquet"].write([], tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


# Choices


def test_crates_come_in_the_order_of_the_styles() -> None:
    tracks = [heard_track(f"/{label}.mp3".replace(" / ", "-"), {label: 0.9}) for label in reversed(LABELS)]
    assert [each.name for each in by_style(tracks)] == list(LABELS)
    assert [each.name for each in by_family(tracks)] == ["Ambient", "Bass", "House", "Trance", "Techno"]
    own = heard_track("/x.mp3", {"Gabber": 0.9}, labels=("Gabber", "Schranz"))
    assert [each.name for each in by_style([own, tracks[0]])] == ["Trap", "Gabber"]
    assert set(GROUPINGS) == {"by-style", "by-family", "none"}


def test_a_style_that_is_not_certain_is_not_named(tmp_path: Path) -> None:
    tracks = [heard_track("/a.mp3", {"Trap": 0.7}), heard_track("/b.mp3", {"Trap": 0.5})]
    kept = list(certain(tracks, 0.6))
    assert [[track.path.name for track in each.tracks] for each in by_style(kept)] == [["a.mp3"]]
    FORMATS["rekordbox"].write(kept, tmp_path / "a.xml")
    assert [track["Genre"] for track in RekordboxXml(tmp_path / "a.xml").get_tracks()] == ["Trap", ""]


def test_heard_genres_replace_the_users_own_only_when_asked(collection: list[Track]) -> None:
    assert [track.tags.genres for track in in_heard_words(collection)] == [
        *(("Deep House",), ("Trap",), ("Trap",), (), ()),
    ]


@pytest.mark.parametrize("form", [row.name for row in FORMATS.values() if row.has_playlists])
def test_light_tracks_are_told_the_same(form: str, collection: list[Track], tmp_path: Path) -> None:
    for name, tracks in {"a": collection, "b": list(map(light, collection))}.items():
        FORMATS[form].write(tracks, tmp_path / name)
    one, other = ([p.read_bytes() for p in MADE["files"](tmp_path / n) or [tmp_path / n]] for n in "ab")
    assert one == other
    assert all(track.analysis is None or track.analysis.embedding.size == 0 for track in map(light, collection))


# Names

BROKEN = [
    ("m3u8", "/m/two\nlines.mp3", "its name has more than one line"),
    ("m3u8", "/m/\udcff.mp3", "its name is not UTF-8 text"),
    ("m3u8", "/m/blank.mp3 ", "its name begins or ends with a blank"),
    ("traktor", "/m/bell\x07.mp3", "its name holds a character that XML cannot: U+0007"),
    ("traktor", "/m/\udcff.mp3", "its name is not UTF-8 text"),
    ("serato", "/m/\udcff.mp3", "its name is not UTF-8 text"),
    ("csv", "/m/\udcff.mp3", "its name is not UTF-8 text"),
    ("json", "/m/\udcff.mp3", "its name is not UTF-8 text"),
    ("parquet", "/m/\udcff.mp3", "its name is not UTF-8 text"),
]


@pytest.mark.parametrize(("form", "path", "reason"), BROKEN)
def test_names_that_a_format_cannot_hold(form: str, path: str, reason: str, tmp_path: Path) -> None:
    assert FORMATS[form].problem(Path(path), tmp_path / "out") == reason
    with pytest.raises(ExchangeError, match=re.escape(reason)):
        FORMATS[form].write([heard_track("/m/good.mp3"), heard_track(path)], tmp_path / "out")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []  # nothing half-written


def test_a_failure_leaves_the_file_before(tmp_path: Path) -> None:
    out = tmp_path / "a.m3u8"
    FORMATS["m3u8"].write([heard_track("/m/good.mp3")], out)
    before = out.read_bytes()
    with pytest.raises(ExchangeError):
        FORMATS["m3u8"].write([heard_track("/m/a\nb.mp3")], out)
    assert out.read_bytes() == before


def test_rekordbox_names_any_file(tmp_path: Path) -> None:
    FORMATS["rekordbox"].write([heard_track("/m/\udcff bell\x07\n.mp3")], tmp_path / "a.xml")
    check_rekordbox(tmp_path / "a.xml")
    assert "/m/%FF%20bell%07%0A.mp3" in (tmp_path / "a.xml").read_text()


@settings(max_examples=50)
@given(st.text(), st.text())
def test_any_text_is_valid_xml(tmp_path_factory: pytest.TempPathFactory, title: str, artist: str) -> None:
    folder = tmp_path_factory.mktemp("x")
    track = heard_track("/m/a.mp3", tags=Tags(title, artist))
    for form, root in {"rekordbox": "COLLECTION/TRACK", "traktor": "COLLECTION/ENTRY"}.items():
        FORMATS[form].write([track], folder / form)
        element = ET.parse(folder / form).getroot().find(root)  # noqa: S314  our own file
        assert element is not None
        read = element.get("Name") or element.get("TITLE")
        assert read == (re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", title) or "a")


def test_names_of_files() -> None:
    assert file_name('a/b\\c:d*e?f"g<h>i|j\x00k. ') == "a-b-c-d-e-f-g-h-i-j-k"
    assert file_name("...") == "-"


def test_keys() -> None:
    assert [Key(tonic, True, 1.0).camelot() for tonic in (9, 4, 11)] == ["8A", "9A", "10A"]
