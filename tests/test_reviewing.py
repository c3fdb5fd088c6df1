"""Reviewing: what is asked first, what is kept, and what a lesson says."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from earmark.app import reviewing
from earmark.app.reviewing import Corrections, queue
from earmark.errors import EarmarkError, ManifestError, MissingExtra
from earmark.learning.data import manifest
from earmark.library import Catalogue, Track
from earmark.library.track import Tags
from earmark.testing import noise, tone, write_wav
from earmark.testing.tracks import heard_track


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """Return an empty catalogue."""
    with Catalogue(tmp_path / "catalogue.db") as opened:
        yield opened


def _keep(catalogue: Catalogue, name: str, share: float, embedding: tuple[float, ...]) -> Track:
    tags = Tags(title=name, artist=f"artist of {name}")
    return catalogue.keep(heard_track(f"/music/{name}.mp3", {"Trance": share}, tags=tags, embedding=embedding))


def test_the_track_of_which_the_model_is_least_sure_comes_first(catalogue: Catalogue, tmp_path: Path) -> None:
    for name, share, embedding in (("sure", 0.99, (1, 0, 0)), ("open", 0.2, (0, 1, 0)), ("half", 0.6, (0, 0, 1))):
        _keep(catalogue, name, share, embedding)
    found = queue(catalogue, Corrections(tmp_path / "none.csv"), 10)
    assert [track.path.stem for track, _ in found] == ["open", "half", "sure"]
    gains = [gain for _, gain in found]
    assert gains == sorted(gains, reverse=True)
    assert 0 < gains[-1] < gains[0] <= 1


def test_a_twin_of_what_stands_before_it_teaches_little(catalogue: Catalogue, tmp_path: Path) -> None:
    _keep(catalogue, "open", 0.2, (0.0, 1.0, 0.0))
    _keep(catalogue, "twin", 0.21, (0.0, 1.0, 0.001))
    _keep(catalogue, "other", 0.6, (1.0, 0.0, 0.0))
    _keep(catalogue, "third", 0.7, (0.0, 0.0, 1.0))
    names = [track.path.stem for track, _ in queue(catalogue, Corrections(tmp_path / "none.csv"), 10)]
    assert names[0] == "open"
    assert names.index("twin") > names.index("other")


def test_what_was_reviewed_is_not_asked_again_nor_what_is_like_it(catalogue: Catalogue, tmp_path: Path) -> None:
    tracks = [_keep(catalogue, str(number), 0.3, tuple(np.eye(4)[number].tolist())) for number in range(4)]
    said = Corrections(tmp_path / "said.csv")
    said.add(tracks[2], "Trance")
    assert [track.path.stem for track, _ in queue(catalogue, said, 10)] == ["0", "1", "3"]


def test_an_empty_catalogue_has_nothing_to_review(catalogue: Catalogue, tmp_path: Path) -> None:
    assert queue(catalogue, Corrections(tmp_path / "none.csv"), 5) == []


def test_corrections_are_a_manifest_that_is_read_back(catalogue: Catalogue, tmp_path: Path) -> None:
    said = Corrections.of(catalogue.path)
    odd = _keep(catalogue, 'a, "b" ;\nc', 0.5, (1.0, 0.0))
    other = _keep(catalogue, "other", 0.5, (1.0, 0.0))
    said.add(odd, "  Deep \n House ")
    said.add(other, "My own")
    said.add(odd, "Trance")
    assert [(each.path.name, each.style) for each in said.all().values()] == [
        (odd.path.name, "Trance"),
        ("other.mp3", "My own"),
    ]
    read = manifest.read(said.path)
    assert [(entry.path, entry.labels, entry.artist) for entry in read.entries] == [
        (odd.path, ("Trance",), odd.tags.artist),
        (other.path, ("My own",), other.tags.artist),
    ]
    said.remove(odd.path)
    assert list(said.all()) == [other.path]
    with pytest.raises(ManifestError, match="a style needs a name"):
        said.add(other, "  ")
    assert said.path.parent == tmp_path


def test_a_file_that_is_something_else_is_refused_and_kept(catalogue: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_text("my,own,table\n1,2,3\n")
    track = _keep(catalogue, "x", 0.5, (1.0, 0.0))
    with pytest.raises(ManifestError, match="its first line must be path,style,artist,title"):
        Corrections(path).add(track, "Trance")
    assert path.read_text() == "my,own,table\n1,2,3\n"


@pytest.mark.parametrize(
    ("styles", "message"),
    [
        ((), "two styles at the least"),
        (("A", "A"), "two styles at the least"),
        (("A", "A", "B"), "one track only of B"),
    ],
)
def test_too_little_to_teach_says_what_is_missing(
    catalogue: Catalogue, tmp_path: Path, tiny: Path, styles: tuple[str, ...], message: str
) -> None:
    said = Corrections(tmp_path / "said.csv")
    for number, style in enumerate(styles):
        said.add(_keep(catalogue, str(number), 0.5, (1.0, 0.0)), style)
    with pytest.raises(EarmarkError, match=message):
        reviewing.teach(catalogue, said, tmp_path / "out", model=str(tiny))


def test_a_lesson_without_its_extra_says_what_to_install(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install 'earmark\[teach\]'"):
        reviewing.teach(catalogue, Corrections(tmp_path / "said.csv"), tmp_path / "out", model="house12")


def test_a_lesson_compares_the_new_model_with_what_was_heard(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    said = Corrections(tmp_path / "said.csv")
    for number in range(12):
        style = ("Tones", "Noises")[number % 2]
        sound = tone(300 + 40 * number, 4.0, level=0.3) if style == "Tones" else noise(4.0, rng, level=0.3)
        path = tmp_path / f"{number}.wav"
        write_wav(path, sound, 22_050)
        tags = Tags(title=str(number), artist=f"artist {number}")
        track = catalogue.keep(heard_track(path, {"Trance": 0.9}, tags=tags))
        said.add(track, style)
    lesson = reviewing.teach(catalogue, said, tmp_path / "out", model="house12")
    assert lesson.tracks == 12
    assert lesson.before == 0  # the catalogue says Trance of all of them
    assert lesson.right >= 9
    assert lesson.model == tmp_path / "out"
    assert (tmp_path / "out" / "config.json").exists()
