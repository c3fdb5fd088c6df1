"""Artist and title from the name of a file."""

import doctest
from pathlib import Path

import pytest

from earmark.library.imports import file_names
from earmark.library.track import Tags


@pytest.mark.parametrize(
    ("name", "artist", "title"),
    [
        ("Somebody - One.mp3", "Somebody", "One"),
        ("03 - Somebody - One.mp3", "Somebody", "One"),
        ("03. Somebody - One (Else Remix).mp3", "Somebody", "One (Else Remix)"),
        ("03 Somebody - One.mp3", "Somebody", "One"),
        ("Somebody – One.mp3", "Somebody", "One"),
        ("808 State - Pacific.mp3", "808 State", "Pacific"),
        ("Jean-Michel - One-Two.mp3", "Jean-Michel", "One-Two"),
        ("track-01.mp3", "", "track-01"),
        ("03 - One.mp3", "03", "One"),
        (" - One.mp3", "", " - One"),
    ],
)
def test_artist_and_title(name: str, artist: str, title: str) -> None:
    assert file_names.read(Path(name)) == Tags(artist=artist, title=title)


def test_tags_are_completed_field_by_field() -> None:
    path = Path("Somebody - One.mp3")
    assert file_names.complete(Tags(title="Else", genres=("Techno",)), path) == Tags(
        artist="Somebody", title="Else", genres=("Techno",)
    )
    assert file_names.complete(Tags(artist="A", title="T"), path) == Tags(artist="A", title="T")


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(file_names) == doctest.TestResults(failed=0, attempted=2)
