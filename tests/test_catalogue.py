"""The catalogue: nothing is lost in it, what is asked is found, and what it cannot understand it leaves alone."""

import re
import runpy
import shutil
import sqlite3
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from earmark.analysis import Analysis, Key, Loudness, Rhythm
from earmark.errors import CatalogueError
from earmark.library import Catalogue, Query, Tags, Track
from earmark.library.catalogue import rows, schema
from earmark.library.track import Summary
from earmark.testing.tracks import heard_track
from earmark.timeline import Timeline

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/catalogue.md"
STYLES = ("Deep House", "Deep House Dub", "Trance", "Größenwahn")
FAMILIES = {"Deep House": "House", "Deep House Dub": "House", "Trance": "Trance", "Größenwahn": "Eigenes"}


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with hasty(tmp_path / "catalogue.db") as opened:
        yield opened


def hasty(path: Path) -> Catalogue:
    """Open a catalogue that does not wait for the disk: no power failure is tested here."""
    catalogue = Catalogue(path)
    catalogue._connection.execute("PRAGMA synchronous = OFF")  # noqa: SLF001  no option for users
    return catalogue


def heard(
    path: str,
    style: str = "Deep House",
    *,
    bpm: float | None = 126.0,
    key: Key | None = None,
    **changes: Any,  # noqa: ANN401  whatever a track holds
) -> Track:
    """A track in which one style was heard with a probability of 0.7."""
    row = np.array([[0.7 if each == style else 0.1 for each in STYLES]], np.float32)
    analysis = Analysis(
        path=Path(path),
        duration=200.0,
        timeline=Timeline(STYLES, np.zeros(1), 29.12, row),
        families=FAMILIES,
        unknown=changes.pop("unknown", False),
        embedding=np.arange(3, dtype=np.float32),
        model=changes.pop("model", "house12"),
        rhythm=None if bpm is None else Rhythm(bpm, 0.9, 0.0, np.arange(4.0), np.zeros(1)),
        key=key,
    )
    content_hash = changes.pop("content_hash", f"content of {path!a}")
    return Track(Path(path), 1000, 5, content_hash, analysis=analysis, **changes)


def same(one: object, other: object) -> bool:
    """Whether two values are equal to the last bit, NaN being NaN, whatever they hold."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if is_dataclass(one) and type(one) is type(other):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    if isinstance(one, float) and isinstance(other, float) and one != one:  # noqa: PLR0124  only NaN is not itself
        return other != other  # noqa: PLR0124  the same
    return type(one) is type(other) and one == other


# What comes out is what went in

TEXT = st.text(st.characters(), max_size=20)  # lone surrogates and NUL among them
NUMBER = st.floats(width=64)
DOUBLES = hnp.arrays(np.float64, st.integers(0, 9))
FLOATS = hnp.arrays(np.float32, st.integers(0, 9))
NAMES = st.lists(TEXT, min_size=1, max_size=4, unique=True)
TAGS = st.builds(
    Tags,
    title=TEXT,
    artist=TEXT,
    album=TEXT,
    genres=st.lists(TEXT, max_size=3).map(tuple),
    styles=st.lists(TEXT, max_size=3).map(tuple),
    bpm=st.none() | st.floats(allow_nan=False),
    key=TEXT,
    energy=TEXT,
    comment=TEXT,
    provenance=TEXT,
)
# A name that a file can have, some of its bytes no UTF-8.
PATHS = st.binary(min_size=1, max_size=20).map(
    lambda name: Path(
        "/music", name.replace(b"/", b"_").replace(b"\0", b"_").strip(b".").decode(errors="surrogateescape"), "a"
    )
)


@st.composite
def analyses(draw: st.DrawFn, path: Path) -> Analysis:
    styles = tuple(draw(NAMES))
    starts = draw(hnp.arrays(np.float64, st.integers(1, 5), elements=st.floats(0, 1e6)))
    shape = (len(starts), len(styles))
    return Analysis(
        path=path,
        duration=draw(NUMBER),
        timeline=Timeline(
            styles,
            starts,
            draw(NUMBER),
            draw(hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))),
            draw(st.none() | hnp.arrays(np.float64, len(starts), elements=st.floats(0, 1))),
        ),
        families={style: draw(TEXT) for style in styles},
        unknown=draw(st.booleans()),
        embedding=draw(FLOATS),
        model=draw(TEXT),
        rhythm=draw(st.none() | st.builds(Rhythm, NUMBER, NUMBER, NUMBER, DOUBLES, DOUBLES)),
        key=draw(st.none() | st.builds(Key, st.integers(0, 11), st.booleans(), NUMBER)),
        loudness=draw(st.none() | st.builds(Loudness, NUMBER, NUMBER, NUMBER, FLOATS)),
        warnings=tuple(draw(st.lists(TEXT, max_size=2))),
        no_music=draw(st.sampled_from(["", "noise", "silence"])),
    )


@st.composite
def any_track(draw: st.DrawFn) -> Track:
    path = draw(PATHS)
    return Track(
        path=path,
        size=draw(st.integers(0, 2**63 - 1)),
        modified=draw(st.integers(-(2**63), 2**63 - 1)),
        content_hash=draw(st.text(string.hexdigits, min_size=1, max_size=32)),
        tags=draw(TAGS),
        analysis=draw(st.none() | analyses(path)),
        error=draw(TEXT),
        missing=draw(st.booleans()),
    )


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """Return a catalogue for tests of many examples."""
    with hasty(tmp_path_factory.mktemp("scratch") / "scratch.db") as catalogue:
        yield catalogue


def emptied(catalogue: Catalogue) -> Catalogue:
    for table in ("tracks", "analyses", "models"):
        catalogue._connection.execute(f"DELETE FROM {table}")  # noqa: S608, SLF001  no option for users
    return catalogue


@settings(max_examples=60)
@given(track=any_track())
def test_a_track_comes_out_as_it_went_in(scratch: Catalogue, track: Track) -> None:
    catalogue = emptied(scratch)
    kept = catalogue.keep(track)
    assert same(replace(kept, id=0), track)
    assert same(catalogue.track(track.path), kept)
    assert [each.path for each in catalogue.states_below("/music")] == ([] if track.missing else [track.path])
    assert_sound(catalogue.path)


def assert_sound(path: Path) -> None:
    """The index of words fits the tracks, and no reference leads to nothing."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_what_was_noted_is_there_when_the_catalogue_is_opened_again(tmp_path: Path) -> None:
    track = heard("/music/a.mp3", tags=Tags(title="A", genres=("House", "Techno")))
    with Catalogue(tmp_path / "a.db") as catalogue:
        kept = catalogue.keep(track)
    with Catalogue(tmp_path / "a.db", create=False) as catalogue:
        assert [same(each, kept) for each in catalogue.tracks()] == [True]


def test_a_track_noted_again_replaces_what_was_noted_about_its_path(catalogue: Catalogue) -> None:
    first = catalogue.keep(heard("/music/a.mp3", "Trance"))
    second = catalogue.keep(replace(heard("/music/a.mp3", content_hash="other"), size=2000, error="tags"))
    assert second.id == first.id
    assert [same(each, second) for each in catalogue.tracks()] == [True]
    assert catalogue.find(Query(style="Trance")) == []
    assert [each.id for each in catalogue.find(Query(style="Deep House"))] == [first.id]


def test_a_relative_path_begins_at_the_current_folder(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert catalogue.keep(heard("x/../a.mp3")).path == tmp_path / "a.mp3"
    assert catalogue.state("a.mp3") == catalogue.state(tmp_path / "a.mp3") is not None


def test_what_was_heard_needs_a_content_to_belong_to(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match=r"a\.mp3: .*no content hash"):
        catalogue.keep(heard("/a.mp3", content_hash=""))


# Copies, moves, models


def test_a_copy_shares_what_was_heard(catalogue: Catalogue) -> None:
    first = catalogue.keep(heard("/music/a.mp3", content_hash="c"), version="1")
    copy = catalogue.keep(replace(heard("/music/b.mp3", content_hash="c"), analysis=None), version="1")
    assert first.analysis
    assert same(copy.analysis, replace(first.analysis, path=Path("/music/b.mp3")))
    again = catalogue.keep(heard("/music/a.mp3", "Trance", content_hash="c"), version="2")
    (_, shown) = catalogue.tracks()
    assert again.analysis
    assert same(shown.analysis, replace(again.analysis, path=Path("/music/b.mp3")))
    assert catalogue.count(Query(style="Trance")) == 2
    assert [state.version for state in catalogue.states_of("c")] == ["2", "2"]


def test_what_another_version_heard_is_not_taken(catalogue: Catalogue) -> None:
    catalogue.keep(heard("/music/a.mp3", content_hash="c"), version="1")
    assert (catalogue.knows("c", "1"), catalogue.knows("c", "2"), catalogue.knows("d", "1")) == (True, False, False)
    assert catalogue.keep(replace(heard("/b.mp3", content_hash="c"), analysis=None), version="2").analysis is None


def test_a_newer_version_replaces_the_older_one_and_another_model_does_not(catalogue: Catalogue) -> None:
    catalogue.keep(heard("/a.mp3", "Trance", model="one"), version="one 1")
    catalogue.keep(heard("/a.mp3", "Deep House", model="two"), version="two 1")
    content = catalogue.states_below("/a.mp3")[0].content_hash
    assert [catalogue.knows(content, version) for version in ("one 1", "two 1")] == [True, True]
    catalogue.keep(heard("/a.mp3", "Deep House", model="two"), version="two 2")
    assert [catalogue.knows(content, version) for version in ("one 1", "two 1", "two 2")] == [True, False, True]
    back = catalogue.keep(replace(heard("/a.mp3"), analysis=None), version="one 1")
    assert back.analysis
    assert (back.analysis.model, back.analysis.timeline.top(1)[0][0]) == ("one", "Trance")
    assert_sound(catalogue.path)


def former_paths(catalogue: Catalogue, track: int) -> list[str]:
    """Where a track was before, the oldest place first."""
    with sqlite3.connect(catalogue.path) as connection:
        return [path for (path,) in connection.execute("SELECT path FROM moves WHERE track = ? ORDER BY id", (track,))]


def test_a_move_keeps_the_track_and_remembers_where_it_was(catalogue: Catalogue) -> None:
    first = catalogue.keep(heard("/music/a.mp3"))
    second = catalogue.keep(replace(first, path=Path("/other/b.mp3"), missing=False), moved=first.id)
    third = catalogue.keep(replace(first, path=Path("/other/c.mp3")), moved=first.id)
    assert (second.id, third.id, third.path) == (first.id, first.id, Path("/other/c.mp3"))
    assert former_paths(catalogue, first.id) == ["/music/a.mp3", "/other/b.mp3"]
    assert [track.id for track in catalogue.find(Query(words="other"))] == [first.id]
    assert catalogue.find(Query(words="music")) == []


def test_a_move_to_where_somebody_else_has_noted_it_already_changes_nothing_else(catalogue: Catalogue) -> None:
    first = catalogue.keep(heard("/music/a.mp3"))
    quicker = catalogue.keep(heard("/other/b.mp3"))
    assert catalogue.keep(heard("/other/b.mp3"), moved=first.id).id == quicker.id
    assert former_paths(catalogue, first.id) == []


def test_only_tracks_below_a_folder_are_below_it(catalogue: Catalogue) -> None:
    inside = ["/music/a.mp3", "/music/x/b.mp3", "/music/\udcff.mp3", "/music/\udcff/\udcfe.mp3", "/music/zz~"]
    for path in [*inside, "/music", "/music-2/c.mp3", "/musi/c.mp3", "/music\udcff/d.mp3", "/other/e.mp3", "/music0"]:
        catalogue.keep(heard(path))
    assert {str(state.path) for state in catalogue.states_below("/music")} == {*inside, "/music"}
    assert {str(state.path) for state in catalogue.states_below("/music/x/")} == {"/music/x/b.mp3"}
    assert {str(state.path) for state in catalogue.states_below("/music/a.mp3")} == {"/music/a.mp3"}
    assert len(catalogue.states_below("/")) == len(inside) + 6


# Finding


def labelled(catalogue: Catalogue, query: Query, **page: Any) -> list[str]:  # noqa: ANN401  what find takes
    return [track.path.stem for track in catalogue.find(query, **page)]


@pytest.fixture
def stocked(six: Path, tmp_path: Path) -> Iterator[Catalogue]:
    """Return a catalogue of six tracks, a to f."""
    with hasty(Path(shutil.copy(six, tmp_path))) as opened:
        yield opened


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("six") / "six.db"
    with hasty(path) as catalogue:
        stock(catalogue)
    return path


def stock(catalogue: Catalogue) -> None:
    catalogue.keep(
        heard("/m/a.mp3", bpm=125.98, key=Key(9, minor=True, confidence=1), tags=Tags(title="Förster", artist="AC/DC"))
    )
    catalogue.keep(
        heard("/m/b.mp3", "Deep House Dub", bpm=128.04, tags=Tags(title='It\'s "on"', genres=("Tech House", "Größe")))
    )
    catalogue.keep(
        heard("/m/c.mp3", "Trance", bpm=None, key=Key(0, minor=False, confidence=1), tags=Tags(album="Forest"))
    )
    catalogue.keep(heard("/m/d.mp3", "Größenwahn", bpm=174.0, unknown=True))
    catalogue.keep(Track(Path("/m/e.mp3"), 1, 1, "e", error="it is not audio"))
    catalogue.keep(heard("/m/f.mp3", missing=True))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), "abcde"),
        (Query(words="for"), "ac"),
        (Query(words="FORSTER"), "a"),
        (Query(words="fo\u0308r"), "ac"),
        (Query(words="for ac/d"), "a"),
        (Query(words="& for"), "ac"),
        (Query(words="or"), ""),
        (Query(words='it\'s "on"'), "b"),
        (Query(words="house*"), "ab"),
        (Query(words="deep house"), "ab"),
        (Query(words="deep", genre="house"), "b"),
        (Query(words="dub"), "b"),
        (Query(words="ouse"), ""),
        (Query(words="eigenes"), "d"),
        (Query(words="grossen"), ""),
        (Query(words="mp3 OR AND NOT"), ""),
        (Query(words="m"), "abcde"),
        (Query(genre="house"), "b"),
        (Query(genre="hous"), ""),
        (Query(genre="GROSSE"), ""),
        (Query(genre="große"), "b"),
        (Query(style="Deep House"), "a"),
        (Query(style="Deep House Dub"), "b"),
        (Query(style="Größenwahn"), ""),
        (Query(family="House"), "ab"),
        (Query(family="Eigenes"), "d"),
        (Query(bpm=(124, 128)), "ab"),
        (Query(bpm=(126, 126)), "a"),
        (Query(bpm=(126.1, 128)), "b"),
        (Query(bpm=(128.1, 174)), "d"),
        (Query(bpm=(128, 124)), ""),
        (Query(bpm=(87, 87)), ""),
        (Query(bpm=(87, 87), half_double=True), "d"),
        (Query(bpm=(250, 256.1), half_double=True), "ab"),
        (Query(keys=("8A",)), "a"),
        (Query(keys=("8A", "8B")), "ac"),
        (Query(unknown=True), "d"),
        (Query(failed=True), "e"),
        (Query(missing=True), "f"),
        (Query(missing=True, style="Deep House"), "f"),
        (Query(missing=True, style="Trance"), ""),
        (Query(family="House", bpm=(120, 127), keys=("8A",), words="ac"), "a"),
    ],
    ids=str,
)
def test_a_query_finds_what_meets_it(stocked: Catalogue, query: Query, expected: str) -> None:
    assert "".join(labelled(stocked, query)) == expected
    assert stocked.count(query) == len(expected)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("added", "abcde"),
        ("title", "abcde"),
        ("artist", "abcde"),
        ("path", "abcde"),
        ("style", "abcde"),
        ("probability", "acbde"),
        ("bpm", "abdce"),
        ("key", "acbde"),
        ("time", "bcdae"),
    ],
)
def test_a_list_is_sorted_and_its_pages_follow_each_other(tmp_path: Path, sort: str, expected: str) -> None:
    """What has no such value comes last; the reverse is the reverse."""
    with hasty(tmp_path / "sorted.db") as catalogue:
        key = Key(9, minor=True, confidence=1)
        first = heard("/m/a.mp3", bpm=125.98, key=key, tags=Tags(title="Émile", artist="zz"))
        assert first.analysis
        catalogue.keep(replace(first, analysis=replace(first.analysis, duration=400.0)))
        catalogue.keep(heard("/m/b.mp3", "Deep House Dub", bpm=128.04, tags=Tags(title="fame", artist="ZZ")))
        catalogue.keep(heard("/m/c.mp3", "Trance", bpm=None, key=Key(0, minor=False, confidence=1)))
        catalogue.keep(heard("/m/d.mp3", "Größenwahn", bpm=174.0, unknown=True))
        catalogue.keep(Track(Path("/m/e.mp3"), 1, 1, "e", error="it is not audio"))
        with sqlite3.connect(catalogue.path) as connection:
            connection.execute("UPDATE analyses SET confidence = 0.5 WHERE style = 'Deep House Dub'")
            connection.execute("UPDATE analyses SET confidence = 0.4 WHERE unknown")
        connection.close()
        for query in (Query(), Query(words="m")):
            assert "".join(labelled(catalogue, query, sort=sort)) == expected
            assert "".join(labelled(catalogue, query, sort=sort, descending=True)) == expected[::-1]
            ordered = catalogue.find(query, sort=sort)
            assert catalogue.ids(query, sort=sort).tolist() == [track.id for track in ordered]
            assert catalogue.ids(query, sort=sort, descending=True).tolist() == [track.id for track in ordered[::-1]]
            found: list[Track] = []
            while page := catalogue.find(query, sort=sort, after=found[-1].id if found else 0, limit=2):
                found += page
            assert "".join(track.path.stem for track in found) == expected


def test_a_mark_counts_at_once(stocked: Catalogue) -> None:
    stocked.mark([1, 2], missing=True)
    stocked.mark([6], missing=False)
    assert labelled(stocked, Query()) == ["c", "d", "e", "f"]
    assert labelled(stocked, Query(missing=True)) == ["a", "b"]
    assert_sound(stocked.path)


def test_a_deleted_track_is_not_found(stocked: Catalogue) -> None:
    with sqlite3.connect(stocked.path) as connection:
        connection.execute("DELETE FROM tracks WHERE path = '/m/a.mp3'")
    connection.close()
    assert labelled(stocked, Query(family="House")) == ["b"]
    assert_sound(stocked.path)


def test_the_families_are_those_of_the_models_that_listened(stocked: Catalogue) -> None:
    assert stocked.families() == FAMILIES


WORDS = ["house", "deep", "größe", "ac/dc", "it's", "mix", "m"]


@settings(max_examples=15)
@given(data=st.data())
def test_queries_agree_with_looking_at_each_track(scratch: Catalogue, data: st.DataObject) -> None:
    """Values are drawn so that plain string search is a fair oracle: words stand alone in the title."""
    keys = [None, *(Key(tonic, minor, 1.0) for tonic in (0, 9) for minor in (False, True))]
    tempo = st.none() | st.floats(60, 200)
    catalogue = emptied(scratch)
    for number in range(data.draw(st.integers(0, 12))):
        title = " ".join(data.draw(st.lists(st.sampled_from(WORDS), max_size=3)))
        track = heard(
            f"/{number}",
            data.draw(st.sampled_from(STYLES)),
            bpm=data.draw(tempo),
            key=data.draw(st.sampled_from(keys)),
            unknown=data.draw(st.booleans()),
            missing=data.draw(st.booleans()),
            tags=Tags(title=title),
        )
        catalogue.keep(track)
    tracks = list(catalogue.tracks())
    for _ in range(5):
        low, width = data.draw(st.integers(600, 2000)), data.draw(st.integers(0, 400))
        query = Query(
            words=data.draw(st.sampled_from(["", *WORDS])),
            style=data.draw(st.sampled_from(["", *STYLES])),
            family=data.draw(st.sampled_from(["", *FAMILIES.values()])),
            bpm=data.draw(st.sampled_from([None, (low / 10, (low + width) / 10)])),
            keys=data.draw(st.sampled_from([(), ("8A",), ("8B", "5A")])),
            unknown=data.draw(st.booleans()),
            missing=data.draw(st.booleans()),
        )
        expected = [track.id for track in tracks if meets(track, query)]
        found: list[int] = []
        while page := catalogue.find(query, after=found[-1] if found else 0, limit=3):
            found += [track.id for track in page]
        assert found == expected
        assert catalogue.count(query) == len(expected)


def meets(track: Track, query: Query) -> bool:
    """Whether a track meets a query, by looking at it."""
    analysis = track.analysis
    assert analysis
    style = "" if analysis.unknown else analysis.timeline.top(1)[0][0]
    names = f"{track.tags.title} {style} {analysis.family()[0]}"
    tempo = np.floor(analysis.rhythm.bpm * 10 + 0.5) if analysis.rhythm else np.nan
    return (
        (not query.words or any(word.startswith(query.words) for word in names.lower().split()))
        and query.style in ("", style)
        and query.family in ("", analysis.family()[0])
        and (not query.bpm or bool(round(query.bpm[0] * 10) <= tempo <= round(query.bpm[1] * 10)))
        and (not query.keys or (analysis.key is not None and analysis.key.camelot() in query.keys))
        and (analysis.unknown or not query.unknown)
        and track.missing == query.missing
    )


# Many tracks


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a catalogue of 20,000 tracks, made by the script that the benchmark uses."""
    path = tmp_path_factory.mktemp("large") / "large.db"
    fill: Callable[[Path, int], None] = runpy.run_path(str(ROOT / "bench/catalogue.py"))["fill"]
    fill(path, 20_000)
    return path


QUERIES = [
    Query(),
    Query(style="Trance"),
    Query(family="House", bpm=(124, 128), keys=("8A", "8B")),
    Query(words="mix"),
    Query(words="ba", style="Trance"),
    Query(failed=True),
    Query(missing=True),
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_no_question_looks_at_every_track(large: Path, query: Query) -> None:
    with Catalogue(large) as catalogue:
        asked: list[str] = []
        catalogue._connection.set_trace_callback(asked.append)  # noqa: SLF001  what it really asks
        page = catalogue.find(query, after=10_000, limit=50)
        catalogue.count(query)
        catalogue.track("/nowhere")
        catalogue.states_of("none")
        catalogue.states_below("/home/me/Music/Baiba 5")
        catalogue.knows("none", "1")
        catalogue._connection.set_trace_callback(None)  # noqa: SLF001  the same
        own = [sql for sql in asked if not re.match(r"--|PRAGMA|.*main[.']", sql)]  # not what FTS5 asks itself
        plans = [
            [row[3] for row in catalogue._connection.execute(f"EXPLAIN QUERY PLAN {sql}")]  # noqa: SLF001  the same
            for sql in own
        ]
    assert len(plans) == (10 if query.words else 8)  # which styles there are is asked for words, twice
    assert page
    for plan in plans:
        for step in plan:
            assert not re.match(r"SCAN (?!models$|search VIRTUAL TABLE INDEX \d+:M)", step), plan
            assert "USE TEMP B-TREE" not in step, plan


def test_pages_follow_each_other_without_gap_or_overlap(large: Path) -> None:
    query = Query(family="House", bpm=(124, 128))
    with Catalogue(large) as catalogue:
        ids: list[int] = []
        while page := catalogue.find(query, after=ids[-1] if ids else 0, limit=1777):
            ids += [track.id for track in page]
        assert ids == sorted(set(ids))
        assert len(ids) == catalogue.count(query)
        with sqlite3.connect(large) as connection:
            sql = "SELECT sum(1 - missing) FROM tracks WHERE family = 'House' AND round(bpm, 1) BETWEEN 124 AND 128"
            assert connection.execute(sql).fetchone() == (len(ids),)
        connection.close()
        assert len(ids) > 3000


def test_all_tracks_can_be_read_while_others_write(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.library.catalogue.PAGE", 3)
    for number in range(10):
        catalogue.keep(heard(f"/{number}.mp3"))
    with hasty(catalogue.path) as other:
        seen = []
        for track in catalogue.tracks():
            seen.append(track.path.stem)
            other.keep(replace(track, error="noted meanwhile"))
            if track.id == 1:
                other.keep(heard("/new.mp3"))
    assert seen == [*map(str, range(10)), "new"]
    assert catalogue.count(Query(failed=True)) == 11


# The file


def test_there_must_be_one_if_none_may_be_made(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none\.db: there is no catalogue here; `earmark scan FOLDER` makes one"):
        Catalogue(tmp_path / "none.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogueError, match=r"file: the folder of the catalogue cannot be made"):
        Catalogue(tmp_path / "file/a.db")


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"ID3" + bytes(5000))
    with pytest.raises(CatalogueError, match=r"song\.mp3: it is not a catalogue"):
        Catalogue(path)
    assert path.read_bytes() == b"ID3" + bytes(5000)


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tracks (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(CatalogueError, match=r"other\.db: it is a database of another program"):
        Catalogue(path)
    assert path.read_bytes() == before


def test_a_newer_catalogue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    Catalogue(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations VALUES ('007-moods', '2031-01-01')")
    connection.close()
    with pytest.raises(CatalogueError, match=r"new\.db: it was made by a newer earmark, which added 007-moods; update"):
        Catalogue(path)


SHARES = {"less": 0.4, "half": 0.5, "more": 0.8, "most": 0.9}


def test_a_migration_that_is_missing_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    with Catalogue(path) as catalogue:
        catalogue.keep(heard("/a.mp3"))
    later = ("004-colours", "ALTER TABLE tracks ADD COLUMN colour TEXT;\nUPDATE tracks SET colour = 'red';\n")
    real = schema.migrations()
    monkeypatch.setattr(schema, "migrations", lambda: (*real, later))
    for _ in range(2):
        with Catalogue(path) as catalogue:
            assert [track.path for track in catalogue.tracks()] == [Path("/a.mp3")]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT colour FROM tracks").fetchall() == [("red",)]
        names = [name for (name,) in connection.execute("SELECT name FROM migrations")]
        assert names == ["001-tracks", "002-weights", "003-confidence", "004-colours"]
    connection.close()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(confidence=(0.5, 0.85)), ["half", "more"]),
        (Query(confidence=(0.95, 1.1)), []),
        (Query(confidence=(0.4, 0.85), words="mo", style="Trap"), ["more"]),
        (Query(confidence=(0.0, 0.85), missing=True), ["gone"]),
    ],
    ids=str,
)
def test_tracks_are_found_by_the_probability_of_their_first_style(
    tmp_path: Path, query: Query, expected: list[str]
) -> None:
    with hasty(tmp_path / "a.db") as catalogue:
        for name, share in SHARES.items():
            catalogue.keep(heard_track(f"/{name}.mp3", {"Trap": share}))
        catalogue.keep(replace(heard_track("/gone.mp3", {"Trap": 0.6}), missing=True))
        catalogue.keep(Track(Path("/worse.mp3"), 1, 1, "e", error="it is not audio"))
        assert labelled(catalogue, query) == expected
        assert labelled(catalogue, query, sort="path", descending=True) == expected[::-1]
        assert catalogue.count(query) == len(expected)
        ids = catalogue.ids(query).tolist()
        assert [track.path.stem for track in catalogue.by_ids(ids)] == expected
        there = [name for name in expected if name != "gone"]
        assert [each.path.stem for each in catalogue.summaries(query)] == there
        assert labelled(catalogue, query, after=ids[0] if ids else 0) == expected[1:]


def test_the_probability_of_the_first_style_is_asked_of_an_index(tmp_path: Path) -> None:
    with Catalogue(tmp_path / "a.db") as catalogue:
        asked = "EXPLAIN QUERY PLAN SELECT id FROM analyses WHERE confidence >= 0.5"
        (plan,) = catalogue._connection.execute(asked).fetchall()  # noqa: SLF001
        assert "analyses_by_confidence" in plan["detail"]


def test_the_windows_of_an_older_catalogue_count_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    with monkeypatch.context() as patched:
        first = schema.migrations()[:1]
        patched.setattr(schema, "migrations", lambda: first)
        Catalogue(path).close()
    kept = heard("/a.mp3")
    assert kept.analysis
    cells = {"content": "c", "model": 1, **rows.analysis_cells(kept.analysis)}
    old = {name: cell for name, cell in cells.items() if name not in ("weights", "no_music")}
    with sqlite3.connect(path) as connection:
        for table, row in (("models", rows.model_cells(kept.analysis, "v")), ("analyses", old)):
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])  # noqa: S608
        connection.execute(
            "INSERT INTO tracks VALUES (1, '/a.mp3', 1, 1, 'c', 0, '', 1, 1, '', '', NULL, '', '', '', '', '[]', '[]',"
            " NULL, '', '', '', '')"
        )
    connection.close()
    with Catalogue(path) as catalogue:
        (track,) = catalogue.tracks()
    assert track.analysis
    assert (track.analysis.timeline.weights, track.analysis.no_music) == (None, "")
    assert track.analysis.timeline.mean() == pytest.approx(kept.analysis.timeline.probabilities.mean(0))


def test_a_migration_that_fails_leaves_the_catalogue_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    Catalogue(path).close()
    broken = ("004-broken", "CREATE TABLE colours (name TEXT);\nINSERT INTO nowhere VALUES (1);\n")
    real = schema.migrations()
    with monkeypatch.context() as patched:
        patched.setattr(schema, "migrations", lambda: (*real, broken))
        with pytest.raises(CatalogueError, match=r"old\.db: no such table: nowhere"):
            Catalogue(path)
    with sqlite3.connect(path) as connection:
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'colours'").fetchone()
    connection.close()
    Catalogue(path).close()


def test_the_file_is_as_the_conventions_say(tmp_path: Path) -> None:
    names = ("journal_mode", "foreign_keys", "synchronous", "application_id")
    with Catalogue(tmp_path / "a.db") as catalogue:
        pragmas = [catalogue._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]  # noqa: SLF001
    assert pragmas == ["wal", 1, 2, schema.APPLICATION]


def test_many_processes_may_open_a_new_catalogue_at_once(tmp_path: Path) -> None:
    program = "import sys; from earmark.library import Catalogue; Catalogue(sys.argv[1]).close()"
    opened = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path / "new.db"], stderr=subprocess.PIPE) for _ in range(4)
    ]
    assert [process.communicate()[1] for process in opened] == [b""] * 4
    assert_sound(tmp_path / "new.db")


def test_a_writer_that_does_not_finish_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE", 0.1)
    with Catalogue(tmp_path / "a.db") as catalogue:
        other = sqlite3.connect(catalogue.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogueError, match=r"a\.db: another program has been writing to it for 30 s; try again"):
            catalogue.keep(heard("/a.mp3"))
        other.close()
        assert catalogue.keep(heard("/a.mp3")).path == Path("/a.mp3")


def test_a_full_disk_is_named_and_loses_nothing_that_was_noted(catalogue: Catalogue) -> None:
    kept = catalogue.keep(heard("/a.mp3"))
    (pages,) = catalogue._connection.execute("PRAGMA page_count").fetchone()  # noqa: SLF001  as if the disk ended there
    catalogue._connection.execute(f"PRAGMA max_page_count = {pages}")  # noqa: SLF001  the same
    long = heard("/b.mp3")
    assert long.analysis
    long = replace(long, analysis=replace(long.analysis, embedding=np.zeros(100_000, np.float32)))
    with pytest.raises(CatalogueError, match=r"catalogue\.db: the disk is full"):
        catalogue.keep(long)
    assert [same(track, kept) for track in catalogue.tracks()] == [True]
    assert_sound(catalogue.path)


# The page that describes it


def test_the_documentation_names_each_table_and_column(catalogue: Catalogue) -> None:
    page = PAGE.read_text(encoding="utf-8")
    described = {
        table: re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
        for table, text in re.findall(r"^### `(\w+)`\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    }
    with sqlite3.connect(catalogue.path) as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search%' ORDER BY name"
        tables = [name for (name,) in connection.execute(names)]
        actual = {name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in tables}
    connection.close()
    assert described == actual
    assert [name for name, _ in schema.migrations()] == re.findall(r"^\* `(\d{3}-[\w-]+)`", page, re.MULTILINE)


def test_a_track_takes_as_many_bytes_as_the_documentation_says(tmp_path: Path) -> None:
    """Five minutes at 128 BPM, 20 windows of twelve styles, an embedding of 1,000 numbers."""
    rng = np.random.default_rng(0)
    styles = tuple(f"style {number}" for number in range(12))
    beats = np.arange(640) * 60 / 128
    with hasty(tmp_path / "a.db") as catalogue:
        for number in range(40):
            analysis = Analysis(
                path=Path("a"),
                duration=300.0,
                timeline=Timeline(styles, np.arange(20.0), 29.12, rng.random((20, 12)).astype(np.float32)),
                families=dict.fromkeys(styles, "one"),
                unknown=False,
                embedding=rng.random(1000).astype(np.float32),
                model="m",
                rhythm=Rhythm(128.0, 1.0, 0.0, beats, beats[::4]),
                key=Key(0, minor=False, confidence=1.0),
                loudness=Loudness(-8.0, 4.0, -0.1, rng.random(300).astype(np.float32)),
            )
            tags = Tags("A title of usual length", "An artist", "An album", ("House",), comment="a comment")
            catalogue.keep(
                Track(Path(f"/home/me/Music/An artist/{number}.mp3"), 1, 1, f"{number:032x}", tags, analysis)
            )
    (stated,) = re.findall(r"five minutes takes about ([\d,]+) bytes", PAGE.read_text(encoding="utf-8"))
    Catalogue(tmp_path / "empty.db").close()
    each = (used(tmp_path / "a.db") - used(tmp_path / "empty.db")) / 40
    assert each == pytest.approx(int(stated.replace(",", "")), rel=0.05)


def used(path: Path) -> int:
    """How many bytes of a catalogue are in use."""
    with sqlite3.connect(path) as connection:
        page, pages, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
    connection.close()
    return int(page * (pages - free))


def test_looking_up_loads_no_decoder_and_no_tag_reader(tmp_path: Path) -> None:
    """What a scan needs is imported by the scan, so that `earmark find` answers at once."""
    code = (
        "import sys; from earmark.library import Catalogue; Catalogue(sys.argv[1]).count(); "
        "print(sorted({'av', 'mutagen', 'pyarrow', 'earmark.library.scanning'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "catalogue.db")]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(("noted", "asked"), [("Beyonc\u00e9", "Beyonce\u0301"), ("Beyonce\u0301", "Beyonc\u00e9")])
def test_a_track_is_found_however_its_accents_are_spelled(
    catalogue: Catalogue, noted: str, asked: str, tmp_path: Path
) -> None:
    kept = catalogue.keep(heard(str(tmp_path / noted / f"{noted}.mp3")), version="1")
    found = catalogue.track(tmp_path / asked / f"{asked}.mp3")
    assert found is not None
    assert found.id == kept.id
    assert [track.id for track in catalogue.find(Query(words=asked))] == [kept.id]
    assert [track.id for track in catalogue.find(Query(words="beyonce"))] == [kept.id]


def test_two_files_whose_names_read_alike_are_two_tracks(catalogue: Catalogue, tmp_path: Path) -> None:
    one, other = tmp_path / "Beyonc\u00e9.mp3", tmp_path / "Beyonce\u0301.mp3"
    for path in (one, other):
        path.touch()
    if one.samefile(other):
        pytest.skip("this file system does not tell the two spellings apart")
    catalogue.keep(heard(str(one)), version="1")
    assert catalogue.track(other) is None
    kept = catalogue.keep(heard(str(other)), version="1")
    assert [getattr(catalogue.track(path), "id", 0) for path in (one, other)] == [kept.id - 1, kept.id]


def test_summaries_are_those_of_the_tracks(catalogue: Catalogue) -> None:
    loud = Loudness(-9.5, 4.0, -0.3, np.full(200, -9.5, np.float32))
    rows = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1]], np.float32)
    weighted = Timeline(STYLES, np.array([0.0, 29.12]), 29.12, rows, np.array([1.0, 0.25]))
    first = heard("/m/a.flac", key=Key(9, minor=True, confidence=0.8), tags=Tags("One", "Ada"))
    tracks = [
        replace(first, analysis=replace(first.analysis, loudness=loud, timeline=weighted)),  # type: ignore[type-var]
        heard("/m/b.flac", "Trance", bpm=None, model="other"),
        heard("/m/gone.flac", missing=True),
        heard("/m/noise.flac"),
        Track(Path("/m/unheard.flac"), 1, 1, "x"),
    ]
    tracks[3] = replace(tracks[3], analysis=replace(tracks[3].analysis, no_music="noise"))  # type: ignore[type-var]
    kept = [catalogue.keep(track, version="1") for track in tracks]
    found = list(catalogue.summaries())
    assert [summary.id for summary in found] == [kept[0].id, kept[1].id]
    for summary, track in zip(found, kept, strict=False):
        expected = Summary.of(track)
        assert summary.probabilities == pytest.approx(expected.probabilities)
        assert summary.verdict() == (track.analysis.verdict()[0] if track.analysis else "")
        assert replace(summary, probabilities=rows) == replace(expected, probabilities=rows)  # type: ignore[arg-type]
    assert found[0].probabilities == pytest.approx([0.58, 0.1, 0.22, 0.1])
    assert found[0].energy == pytest.approx(0.7)
    assert (found[0].camelot, found[1].energy) == ("8A", None)
    assert [summary.path.name for summary in catalogue.summaries(Query(style="Trance"))] == ["b.flac"]
    with pytest.raises(ValueError, match=r"unheard.flac was not heard"):
        Summary.of(kept[4])


@pytest.mark.parametrize(
    ("shares", "unknown"),
    [
        ({"Trance": 0.9}, False),
        ({"Deep House": 0.4, "Progressive House": 0.3}, False),
        ({"Deep House": 0.4, "Progressive House": 0.05, "Trap": 0.3}, False),
        ({"Deep House": 0.2, "Progressive House": 0.2, "Trap": 0.2}, True),
        ({"Deep House": 0.24, "Progressive House": 0.24, "House / Nu Disco / Disco": 0.24, "Trap": 0.1}, True),
        (
            {"Deep House": 0.24, "Progressive House": 0.24, "House / Nu Disco / Disco": 0.24, "EDM & Big Room": 0.2},
            True,
        ),
    ],
)
def test_a_summary_is_called_as_its_analysis_is(shares: dict[str, float], *, unknown: bool) -> None:
    track = heard_track("/m/a.flac", shares, unknown=unknown)
    assert track.analysis is not None
    assert Summary.of(track).verdict() == (track.analysis.verdict()[0] or "unknown")
