"""Where files are, in the words of other programs."""

import os
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.library import places

KNOWN = [
    # As rekordbox 6.6.2 and 6.8.4 wrote them on Windows and macOS.
    (
        PureWindowsPath("C:/Music/PioneerDJ/Demo Tracks/Demo Track 1.mp3"),
        "file://localhost/C:/Music/PioneerDJ/Demo%20Tracks/Demo%20Track%201.mp3",
    ),
    (
        PurePosixPath("/Volumes/USB/Solomun - Midnight Express.mp3"),
        "file://localhost/Volumes/USB/Solomun%20-%20Midnight%20Express.mp3",
    ),
    (PureWindowsPath(r"\\server\share\Old place\known.mp3"), "file://localhost//server/share/Old%20place/known.mp3"),
    (PurePosixPath('/m/100% #1 & "you"?.mp3'), "file://localhost/m/100%25%20%231%20%26%20%22you%22%3F.mp3"),
    (PurePosixPath("/m/Übergang ♥.mp3"), "file://localhost/m/%C3%9Cbergang%20%E2%99%A5.mp3"),
    (PurePosixPath("//m/a.mp3"), "file://localhost/m/a.mp3"),  # POSIX keeps two slashes; a URL would name a server
    (PurePosixPath(os.fsdecode(b"/m/\xff.mp3")), "file://localhost/m/%FF.mp3"),
]


@pytest.mark.parametrize(("path", "url"), KNOWN)
def test_urls_as_rekordbox_writes_them(path: PurePath, url: str) -> None:
    assert places.to_url(path) == url


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file://localhost/C%3A/Music/a.wav", PureWindowsPath("C:/Music/a.wav")),  # another program escapes the colon
        ("file://localhost//home/me/a.mp3", PurePosixPath("/home/me/a.mp3")),  # pyrekordbox doubles the slash
        ("file:///home/me/a.mp3", PurePosixPath("/home/me/a.mp3")),
        ("FILE://LOCALHOST/home/me/a.mp3", PurePosixPath("/home/me/a.mp3")),
        ("file://nas/music/a.mp3", PureWindowsPath("//nas/music/a.mp3")),
        ("file://localhost/m/a#b?c.mp3", PurePosixPath("/m/a#b?c.mp3")),
        ("file://localhostspotify:track:4uLU6hMCjMI75M1A2tKUQC", None),
        ("file://localhost", None),
        ("https://example.org/a.mp3", None),
        ("file://localhost/a%00b.mp3", None),
        ("", None),
    ],
)
def test_urls_of_other_programs(url: str, path: PurePath | None) -> None:
    assert places.from_url(url) == path


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)
posix = st.lists(names, min_size=1, max_size=5).map(lambda parts: PurePosixPath("/", *parts))
windows = st.lists(
    st.text(st.characters(exclude_characters='/\\\0:*?"<>|', exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda name: name.strip(". ") == name
    ),
    min_size=1,
    max_size=5,
).map(lambda parts: PureWindowsPath("C:/", *parts))


@given(st.one_of(posix, windows))
def test_a_url_leads_back(path: PurePath) -> None:
    url = places.to_url(path)
    found = places.from_url(url)
    # "/c:/..." on Linux and "C:/..." on Windows have the same URL; drives are what there is more of.
    if isinstance(path, PureWindowsPath) or not places.DRIVE.match(path.parts[1]):
        assert found == path
    assert "//" not in url.removeprefix("file://")


@given(st.one_of(posix, windows))
def test_a_volume_leads_back(path: PurePath) -> None:
    volume, parts = places.to_volume(path)
    composed = type(path)(path.anchor, *parts) if path.drive else PurePosixPath("/", *parts)
    assert places.from_volume(volume, parts) == composed
    if isinstance(path, PureWindowsPath):
        assert composed == path


def test_volumes_as_traktor_names_them() -> None:
    assert places.to_volume(PurePosixPath("/Users/me/Music/a.mp3")) == (
        "Macintosh HD",
        ("Users", "me", "Music", "a.mp3"),
    )
    assert places.to_volume(PurePosixPath("/Volumes/USB Stick/a.mp3")) == ("USB Stick", ("a.mp3",))
    assert places.to_volume(PureWindowsPath(r"D:\Music\Warm up.flac")) == ("D:", ("Music", "Warm up.flac"))
    decomposed = "c\u030c.mp3"  # as macOS may keep it on the disk
    assert places.to_volume(PurePosixPath("/m", decomposed))[1] == ("m", "\u010d.mp3")


def test_another_machines_volume() -> None:
    assert places.from_volume("osx", ("Users", "jo", "a.mp3")) == PurePosixPath("/Users/jo/a.mp3")
    assert places.from_volume("Stick", ("Sets", "a.mp3")) == PurePosixPath("/Volumes/Stick/Sets/a.mp3")
    assert places.from_volume("", ("m", "a.mp3")) == PurePosixPath("/m/a.mp3")


def test_what_was_moved_is_found_by_the_longest_beginning_that_fits() -> None:
    moved = {"C:/Music": Path("/srv/music"), "C:/Music/Sets": Path("/srv/sets"), "/old": Path("/new")}
    assert places.located(PureWindowsPath(r"c:\music\Deep\a.mp3"), moved) == Path("/srv/music/Deep/a.mp3")
    assert places.located(PureWindowsPath(r"C:\Music\Sets\a.mp3"), moved) == Path("/srv/sets/a.mp3")
    assert places.located(PurePosixPath("/old/a.mp3"), moved) == Path("/new/a.mp3")
    assert places.located(PurePosixPath("/older/a.mp3"), moved) == Path("/older/a.mp3")
