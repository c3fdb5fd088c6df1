"""Manifests from the user's own crates."""

from collections.abc import Callable
from datetime import date
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from earmark.errors import ManifestError
from earmark.learning.data.collections import from_collection
from earmark.learning.data.manifest import read, write
from earmark.library.exports import FORMATS
from earmark.library.imports import IMPORTERS, Collection, ImportedTrack, Play, Playlist
from earmark.testing.tracks import heard_track


@pytest.fixture
def place(tmp_path: Path) -> Callable[[str], PurePosixPath]:
    """Return what makes a file and names its place."""

    def make(name: str) -> PurePosixPath:
        (tmp_path / name).touch()
        return PurePosixPath(tmp_path / name)

    return make


def labels(collected: object) -> dict[str, tuple[str, ...]]:
    return {entry.path.name: entry.labels for entry in collected.manifest.entries}  # type: ignore[attr-defined]


def reasons(collected: object) -> dict[str, str]:
    return {each.path.name: each.reason for each in collected.dropped}  # type: ignore[attr-defined]


def test_genres_in_their_most_frequent_spelling(place: Callable[[str], PurePosixPath], tmp_path: Path) -> None:
    genres = [("Gabber",), ("gabber",), ("GABBER", "Gabber"), ("dnb",), ("drum-and-bass",), (), ("House", "Gabber")]
    tracks = [ImportedTrack(place(f"{n}.mp3"), "T", f"A{n}", genre) for n, genre in enumerate(genres)]
    collected = from_collection(
        Collection((*tracks, ImportedTrack(PurePosixPath("/gone.mp3"), genres=("x",)))), "genre"
    )
    assert labels(collected) == {
        "0.mp3": ("Gabber",),
        "1.mp3": ("Gabber",),
        "2.mp3": ("Gabber",),
        "3.mp3": ("dnb",),
        "4.mp3": ("Drum & Bass",),  # spelled anew, not interpreted
    }
    assert reasons(collected) == {
        "5.mp3": "it has no genre",
        "6.mp3": "it has more than one genre: House, Gabber",
        "gone.mp3": "there is no such file",
    }
    write(collected.manifest, tmp_path / "list.csv")
    assert read(tmp_path / "list.csv") == collected.manifest


def test_several_labels_are_tags(place: Callable[[str], PurePosixPath]) -> None:
    track = ImportedTrack(place("a.mp3"), genres=("House", "Dub"))
    collected = from_collection(Collection((track,)), "genre", several=True)
    assert (collected.manifest.task, labels(collected)) == ("tags", {"a.mp3": ("House", "Dub")})


def test_playlists_all_or_some(place: Callable[[str], PurePosixPath]) -> None:
    a, b, c, d = (place(f"{name}.mp3") for name in "abcd")
    collection = Collection(
        (ImportedTrack(a, "One", "Somebody"),),
        (
            Playlist("Peak", ("Clubs",), (a, b, a)),
            Playlist("Warm", ("Clubs", "Early"), (c,)),
            Playlist("Home", (), (b, d)),
        ),
    )
    everything = from_collection(collection, "playlist")
    assert labels(everything) == {"a.mp3": ("Peak",), "c.mp3": ("Warm",), "d.mp3": ("Home",)}
    assert reasons(everything) == {"b.mp3": "it has more than one playlist: Peak, Home"}
    assert everything.manifest.entries[0].artist == "Somebody"
    assert labels(from_collection(collection, "playlist", only=["Clubs"])) == {
        "a.mp3": ("Peak",),
        "b.mp3": ("Peak",),
        "c.mp3": ("Warm",),
    }
    assert labels(from_collection(collection, "playlist", only=["Early", "Home"])) == {
        "c.mp3": ("Warm",),
        "b.mp3": ("Home",),
        "d.mp3": ("Home",),
    }
    with pytest.raises(ManifestError, match=r"^no playlist and no folder is called 'peak'$"):
        from_collection(collection, "playlist", only=["peak"])


def test_stars_and_plays_are_values(place: Callable[[str], PurePosixPath]) -> None:
    a, b, c = (place(f"{name}.mp3") for name in "abc")
    collection = Collection(
        (
            ImportedTrack(a, rating=5, plays=0),
            ImportedTrack(b, plays=7, last_played=date(2024, 7, 1)),
            ImportedTrack(c),
        ),
        history=(Play(c, None, 200.0, public=True), Play(c, None, 3.0, public=False), Play(c, None, 9.0, public=True)),
    )
    rated = from_collection(collection, "rating")
    assert (rated.manifest.task, rated.manifest.classes) == ("values", ("rating",))
    assert {entry.path.name: entry.values for entry in rated.manifest.entries} == {"a.mp3": (5.0,)}
    assert reasons(rated) == {"b.mp3": "it has no rating", "c.mp3": "it has no rating"}
    played = from_collection(collection, "plays").manifest
    assert {entry.path.name: entry.values for entry in played.entries} == {
        "a.mp3": (0.0,),
        "b.mp3": (7.0,),
        "c.mp3": (2.0,),
    }


def test_a_collection_of_another_machine(tmp_path: Path) -> None:
    (tmp_path / "Deep").mkdir()
    (tmp_path / "Deep/Somebody - One.mp3").touch()
    track = ImportedTrack(PureWindowsPath(r"D:\Music\Deep\Somebody - One.mp3"), genres=("Rest; Rave",))
    collected = from_collection(Collection((track,)), "genre", moved={"d:/music": tmp_path})
    (entry,) = collected.manifest.entries
    assert entry.path == tmp_path / "Deep/Somebody - One.mp3"
    assert (entry.artist, entry.title) == ("Somebody", "One")
    assert entry.labels == ("Rest, Rave",)  # what separates labels in a manifest cannot be in one
    assert reasons(from_collection(Collection((track,)), "genre")).popitem()[1] == "there is no such file"


NFC, NFD = "Beyonc\u00e9", "Beyonce\u0301"


@pytest.mark.parametrize(("there", "listed"), [(NFC, NFD), (NFD, NFC)])
def test_accents_may_be_spelled_in_one_sign_or_two(there: str, listed: str, tmp_path: Path) -> None:
    (tmp_path / there).mkdir()
    path = tmp_path / there / f"{there}.mp3"
    path.touch()
    place = PurePosixPath(f"/Users/{listed}/Music", listed, f"{listed}.mp3")
    track = ImportedTrack(place, genres=("R&B",))
    moved = {f"/Users/{there}/Music": tmp_path}
    (entry,) = from_collection(Collection((track,)), "genre", moved=moved).manifest.entries
    assert (entry.path, entry.labels) == (path, ("R&B",))
    other = PurePosixPath(tmp_path / listed / f"{there}.mp3")  # the same file once more
    lists = (Playlist(listed, (), (place, other)), Playlist("Peak", (), (other,)))
    collection = Collection((track, ImportedTrack(other, "One", "Somebody")), lists)
    both = from_collection(collection, "playlist", several=True, moved=moved)
    assert [(each.path, each.labels) for each in both.manifest.entries] == [(path, (listed, "Peak"))]
    some = from_collection(collection, "playlist", only=[there], moved=moved)
    assert labels(some) == {f"{there}.mp3": (listed,)}


@pytest.mark.parametrize(("there", "listed"), [(NFC, NFD), (NFD, NFC)])
@pytest.mark.parametrize(("program", "suffix"), [("m3u8", "m3u8"), ("rekordbox", "xml"), ("traktor", "nml")])
def test_every_import_finds_names_with_accents(
    program: str, suffix: str, there: str, listed: str, tmp_path: Path
) -> None:
    path = tmp_path / f"{there}.mp3"
    path.touch()
    exported = tmp_path / f"list.{suffix}"
    FORMATS[program].write([heard_track(tmp_path / f"{listed}.mp3")], exported)
    collection = IMPORTERS[program.removesuffix("8")](exported)
    (entry,) = from_collection(collection, "playlist").manifest.entries
    assert entry.path == path


def test_two_files_whose_names_read_alike_stay_two(tmp_path: Path) -> None:
    for name in (NFC, NFD):
        (tmp_path / f"{name}.mp3").touch()
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell the two spellings apart")
    tracks = tuple(
        ImportedTrack(PurePosixPath(tmp_path, f"{name}.mp3"), genres=(genre,))
        for name, genre in ((NFC, "House"), (NFD, "Dub"))
    )
    assert labels(from_collection(Collection(tracks), "genre")) == {f"{NFC}.mp3": ("House",), f"{NFD}.mp3": ("Dub",)}
