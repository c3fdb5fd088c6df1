"""Collections of other programs: what is read, and what is refused."""

import re
import time
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyrekordbox import RekordboxXml

from earmark.analysis import Key
from earmark.errors import ExchangeError
from earmark.library.exports import FORMATS, Grouping
from earmark.library.exports.crates import by_family, by_style
from earmark.library.imports import IMPORTERS, Collection, ImportedTrack, Play, Playlist, joined
from earmark.library.imports.records import day, genres_of, stars_of, tempo, whole
from earmark.library.track import Tags, Track
from earmark.testing.tracks import LABELS, heard_track, steady

# By hand, in the manner of rekordbox 6.8 and Traktor 3.11.
SAMPLES = Path(__file__).parent / "golden/imports"
REKORDBOX = (SAMPLES / "rekordbox.xml").read_text(encoding="utf-8")
TRAKTOR = (SAMPLES / "collection.nml").read_text(encoding="utf-8")


Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what makes a file."""

    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


# rekordbox


def test_rekordbox(write: Write) -> None:
    path = write("rekordbox.xml", REKORDBOX)
    one = PureWindowsPath("C:/Music/Demo Tracks/One #1.mp3")
    two, three = PureWindowsPath("C:/Music/Two.mp3"), PureWindowsPath("C:/Music/Three.mp3")
    assert IMPORTERS["rekordbox"](path) == Collection(
        (
            ImportedTrack(one, "One & only", "Somebody", ("Techno", "Dub"), 128.0, "Fm", 4, 3, date(2024, 7, 1)),
            ImportedTrack(two, "Two", plays=0),
            ImportedTrack(three, "Three", rating=1),
        ),
        (Playlist("Friday", ("Clubs",), (one, three)), Playlist("By place", (), (two,))),
        elsewhere=1,
    )


def test_rekordbox_as_pyrekordbox_writes_it(tmp_path: Path) -> None:
    made = RekordboxXml(name="rekordbox", version="6", company="x")
    made.add_track("/home/me/Ä b.mp3", TrackID=5, Name="Ä", Artist="Me", Rating=3, Genre="House")
    made.add_playlist_folder("F").add_playlist("P").add_track(5)
    made.save(str(tmp_path / "a.xml"))
    read = IMPORTERS["rekordbox"](tmp_path / "a.xml")
    place = PurePosixPath("/home/me/Ä b.mp3")
    assert read.playlists == (Playlist("P", ("F",), (place,)),)
    assert (read.tracks[0].path, read.tracks[0].title, read.tracks[0].genres) == (place, "Ä", ("House",))


# Traktor


def test_traktor(write: Write) -> None:
    read = IMPORTERS["traktor"](write("collection.nml", TRAKTOR))
    luna, two = PurePosixPath("/Users/jo/Music/8065021_La_Luna.mp3"), PureWindowsPath("C:/Music/Two.mp3")
    assert read.tracks == (
        ImportedTrack(
            luna, "La Luna", "Toto & Frank", ("Funky / Groove",), 124.999985, "Bbm", 4, 2, date(2019, 10, 19)
        ),
        ImportedTrack(two, "Two", key="2d", plays=0),
    )
    assert read.playlists == (Playlist("Bar", ("Foo",), (luna, two)),)
    assert read.history == (
        Play(two, datetime(2019, 1, 1, 19, 7, 19), 241.700394, public=True),  # noqa: DTZ001  of that place
        Play(two, None, 13.9, public=False),
    )
    assert read.elsewhere == 1


# M3U


def test_m3u8(write: Write, tmp_path: Path) -> None:
    lines = [
        *("\ufeff#EXTM3U", "#PLAYLIST:Deep ones", "#EXTINF:272,Somebody - One - Live"),
        *("deep/one.flac", "", "# a comment", "/music/two.mp3\r", "#EXTINF:-1,Three", r"C:\Music\three \u2028.mp3"),
        *("file:///music/fo%20ur.mp3", "https://example.org/stream", r"..\five.mp3", "/music/two.mp3"),
    ]
    read = IMPORTERS["m3u"](write("x.m3u8", "\n".join(lines).replace(r"\u2028", "\u2028")))
    paths: list[PurePath] = [
        tmp_path / "deep/one.flac",
        PurePosixPath("/music/two.mp3"),
        PureWindowsPath("C:\\Music\\three \u2028.mp3"),
        PurePosixPath("/music/fo ur.mp3"),
        tmp_path.parent / "five.mp3",
    ]
    assert read.playlists == (Playlist("Deep ones", (), (*paths, paths[1])),)
    assert [track.path for track in read.tracks] == paths
    assert [(track.artist, track.title) for track in read.tracks[:3]] == [
        *(("Somebody", "One - Live"), ("", ""), ("", "Three")),
    ]
    assert read.elsewhere == 1


def test_old_m3u_is_of_an_old_windows_unless_it_is_utf_8(write: Write, tmp_path: Path) -> None:
    for raw in ("/m/Ärger.mp3".encode("cp1252"), "/m/Ärger.mp3".encode()):
        read = IMPORTERS["m3u"](write("Old.m3u", raw))
        assert read.playlists == (Playlist("Old", (), (PurePosixPath("/m/Ärger.mp3"),)),)
    path = write("new.m3u8", b"#EXTM3U\n\xc4rger.mp3")
    with pytest.raises(ExchangeError, match=rf"^{re.escape(str(path))}, line 2: not UTF-8 text"):
        IMPORTERS["m3u"](path)
    with pytest.raises(ExchangeError, match=r"audio\.m3u: not a playlist: it holds a NUL$"):
        IMPORTERS["m3u"](write("audio.m3u", b"RIFF\0\0"))
    with pytest.raises(ExchangeError, match=r"none\.m3u: No such file or directory$"):
        IMPORTERS["m3u"](tmp_path / "none.m3u")


# What is refused

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE NML [<!ENTITY l0 "ha">{LAUGHS}]><NML><ENTRY TITLE="&l9;"/></NML>'
THIEF = '<!DOCTYPE NML [<!ENTITY x SYSTEM "file:///etc/passwd">]><NML><ENTRY TITLE="&x;"/></NML>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BOMB, "it declares a document type, which no collection of Traktor does"),
        (THIEF, "it declares a document type, which no collection of Traktor does"),
        ("<NML>" + "<NODE>" * 1000, "line 1: more than 200 elements deep"),
        (TRAKTOR[:-20], "line 29: not whole XML: unclosed token"),
        (TRAKTOR.replace("</ENTRY>", "</ENTRI>", 1), "line 12: not whole XML: mismatched tag"),
        (REKORDBOX, "not a collection of Traktor: it begins with <DJ_PLAYLISTS>, not <NML>"),
        ("", "line 1: not whole XML: no element found"),
        ("RIFF\0\0\0\0WAVE", "line 1: not whole XML: not well-formed (invalid token)"),
        ("<NML/>", "there is no track in it"),
        ('<?xml version="1.0" encoding="klingon"?><NML/>', "not XML that can be read: unknown encoding: klingon"),
        (b'<NML TITLE="\xff"/>', "line 1: not whole XML: not well-formed (invalid token)"),
    ],
)
def test_damage_is_one_line_with_the_name_of_the_file(write: Write, content: str | bytes, reason: str) -> None:
    path = write("a.nml", content)
    with pytest.raises(ExchangeError) as raised:
        IMPORTERS["traktor"](path)
    assert str(raised.value).startswith(str(path))
    assert str(raised.value).endswith(reason)
    assert "\n" not in str(raised.value)


def test_a_bomb_is_refused_at_once(write: Write) -> None:
    path = write("a.nml", BOMB)
    before = time.process_time()
    tracemalloc.start()
    with pytest.raises(ExchangeError):
        IMPORTERS["traktor"](path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - before < 0.5
    assert peak < 2_000_000


@pytest.mark.parametrize("form", ["rekordbox", "traktor"])
def test_a_file_that_is_not_there(form: str, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=r"^.*none\.xml: No such file or directory$"):
        IMPORTERS[form](tmp_path / "none.xml")


@given(st.binary(max_size=200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_collection_or_an_error(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "any"
    for form, start in {"traktor": b"<NML>", "rekordbox": b"<DJ_PLAYLISTS>", "m3u": b"#EXTM3U\n"}.items():
        for content in (raw, start + raw):
            path.write_bytes(content)
            try:
                IMPORTERS[form](path)
            except ExchangeError as error:
                assert str(error).startswith(str(path))  # noqa: PT017  any other error fails the test


@pytest.mark.parametrize("form", ["rekordbox", "traktor"])
def test_a_large_collection_is_read_as_a_stream(form: str, tmp_path: Path) -> None:
    head, track, tail = {
        "rekordbox": (
            "<DJ_PLAYLISTS><COLLECTION>",
            '<TRACK TrackID="{0}" Name="Track {0}" Comments="{1}" Location="file://localhost/m/{0}.mp3"/>',
            "</COLLECTION></DJ_PLAYLISTS>",
        ),
        "traktor": (
            "<NML><COLLECTION>",
            '<ENTRY TITLE="Track {0}" AUDIO_ID="{1}"><LOCATION DIR="/:m/:" FILE="{0}.mp3" VOLUME=""/></ENTRY>',
            "</COLLECTION></NML>",
        ),
    }[form]
    path = tmp_path / "large"
    with path.open("w") as file:
        file.writelines([head, *(track.format(number, "x" * 10_000) for number in range(1000)), tail])
    tracemalloc.start()
    read = IMPORTERS[form](path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(read.tracks), read.tracks[-1].title] == [1000, "Track 999"]
    assert peak < path.stat().st_size / 3  # a tree of elements takes more than the file


# There and back

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff;"), max_size=20)
file_names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="/\\\ufffe\uffff"),
    min_size=1,
    max_size=12,
).map(lambda name: f"{name}.mp3")


@st.composite
def collections(draw: st.DrawFn) -> list[Track]:
    names = draw(st.lists(file_names, min_size=1, max_size=5, unique=True))
    tracks: list[Track] = []
    for name in names:
        style = draw(st.sampled_from(LABELS))
        genre = draw(texts.map(str.strip))
        tags = Tags(draw(texts) or "untitled", draw(texts), genres=(genre,) if genre else ())
        bpm = draw(st.floats(60, 200).map(lambda number: round(number, 2)))
        key = Key(draw(st.integers(0, 11)), draw(st.booleans()), 1.0)
        tracks.append(heard_track(f"/Users/m/{name}", {style: 0.9}, tags=tags, rhythm=steady(bpm, 0.3, 60.0), key=key))
    return tracks


@settings(max_examples=25)
@given(collections(), st.sampled_from([by_style, by_family]))
def test_what_is_exported_is_imported(
    tmp_path_factory: pytest.TempPathFactory, tracks: list[Track], grouping: Grouping
) -> None:
    folder = tmp_path_factory.mktemp("x")
    for form in ("rekordbox", "traktor"):
        FORMATS[form].write(tracks, folder / form, grouping)
        read = IMPORTERS[form](folder / form)
        for track, back in zip(tracks, read.tracks, strict=True):
            if form == "rekordbox":  # Traktor composes letters, as in `test_places`
                assert back.path == PurePosixPath(track.path)
            assert (back.title, back.artist) == (track.tags.title, track.tags.artist)
            assert track.analysis is not None
            assert track.analysis.rhythm is not None
            assert track.analysis.key is not None
            assert back.genres == (track.tags.genres or (track.analysis.timeline.top(1)[0][0],))
            assert back.bpm == track.analysis.rhythm.bpm
            assert back.key == track.analysis.key.name()
        assert [(each.name, each.folders) for each in read.playlists] == [
            (crate.name, ("earmark",)) for crate in grouping(tracks)
        ]
        place = dict(zip((track.path for track in tracks), (back.path for back in read.tracks), strict=True))
        assert [each.tracks for each in read.playlists] == [
            tuple(place[track.path] for track in crate.tracks) for crate in grouping(tracks)
        ]
    FORMATS["m3u8"].write(tracks, folder / "a.m3u8")
    (playlist,) = IMPORTERS["m3u"](folder / "a.m3u8").playlists
    assert playlist.tracks == tuple(PurePosixPath(track.path) for track in tracks)


def test_a_line_that_is_too_long_for_a_name_is_a_track_like_others(tmp_path: Path) -> None:
    (tmp_path / "a.m3u8").write_text(f"a\\{'b' * 400}.mp3\nc.mp3\n", encoding="utf-8")
    (playlist,) = IMPORTERS["m3u"](tmp_path / "a.m3u8").playlists
    assert playlist.tracks == (tmp_path / "a" / f"{'b' * 400}.mp3", tmp_path / "c.mp3")


# Words and numbers


def test_numbers_of_other_programs() -> None:
    assert [stars_of(text) for text in ("0", "", "51", "255", "196", "999", "x")] == [None, None, 1, 5, 4, 5, None]
    assert [whole(text) for text in ("12", "-1", "1.5", "²", "9" * 30)] == [12, None, None, None, None]
    assert [tempo(text) for text in ("124.5", "0.00", "nan", "inf", "x", "")] == [124.5, None, None, None, None, None]
    assert [day(text) for text in ("2024-07-01", "2019/1/20", "2024-02-31", "", "0")] == [
        *(date(2024, 7, 1), date(2019, 1, 20), None, None, None),
    ]
    assert genres_of(" ; House ;;Drum & Bass/Jungle;House") == ("House", "Drum & Bass/Jungle")


def test_several_collections_as_one() -> None:
    one, two, three = (PurePosixPath(f"/{name}") for name in "abc")
    first = Collection((ImportedTrack(one, "first"), ImportedTrack(two)), (Playlist("P", (), (one,)),), elsewhere=1)
    second = Collection((ImportedTrack(three), ImportedTrack(one, "second")), (Playlist("P", (), ()),), elsewhere=2)
    both = joined([first, second])
    assert [(track.path, track.title) for track in both.tracks] == [(one, "first"), (two, ""), (three, "")]
    assert (len(both.playlists), both.elsewhere) == (2, 3)
    assert joined([]) == Collection()
