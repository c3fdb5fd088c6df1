"""Copies on one side of the split: the rule, its stability, and the way from sources to a finished manifest."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.errors import UnreadableAudio
from earmark.fingerprint import SAMPLE_RATE
from earmark.learning.data.completion import complete
from earmark.learning.data.duplicates import Group, contradicting, crossing, find_duplicates, keep_together
from earmark.learning.data.manifest import Manifest, ManifestEntry, labelled
from earmark.learning.data.probing import Probed, probe
from earmark.learning.data.report import report
from earmark.learning.data.sources import Collected, Dropped
from earmark.learning.data.splits import SPLITS, first_artist, split_of
from earmark.testing import noise, write_wav


def entry(name: str, artist: str, split: str, label: str = "x") -> ManifestEntry:
    return ManifestEntry(Path("/m") / name, (label,), artist=artist, split=split)


def sides(manifest: Manifest) -> dict[str, str]:
    return {each.path.name: each.split for each in manifest.entries}


def group(*names: str) -> Group:
    return tuple(Path("/m") / name for name in names)


def test_copies_go_to_the_side_nearest_to_training_with_all_of_their_artists() -> None:
    manifest = labelled(
        "styles",
        [
            entry("a1", "A", "test"),
            entry("a2", "A", "test"),
            entry("b1", "B", "valid"),
            entry("b2", "The B feat. C", "valid"),
            entry("c1", "C", "train"),
            entry("n1", "", "test"),
            entry("n2", "", "train"),
            entry("n3", "", "test"),
        ],
    )
    kept = sides(keep_together(manifest, [group("a1", "b1"), group("n1", "n2")]))
    assert kept == {
        "a1": "valid",
        "a2": "valid",
        "b1": "valid",
        "b2": "valid",
        "c1": "train",
        "n1": "train",
        "n2": "train",
        "n3": "test",
    }
    assert keep_together(manifest, []) == manifest
    assert keep_together(labelled("styles", []), []).entries == ()


def test_spellings_of_an_artist_go_together_and_unknown_artists_do_not() -> None:
    manifest = labelled(
        "styles",
        [
            entry("1", "The Förster & Else", "test"),
            entry("2", "FORSTER", "test"),
            entry("3", "Various Artists", "test"),
            entry("4", "Various Artists", "test"),
            entry("copy of 1", "", "train"),
            entry("copy of 3", "", "valid"),
        ],
    )
    kept = sides(keep_together(manifest, [group("1", "copy of 1"), group("3", "copy of 3")]))
    assert kept == {
        "1": "train",
        "2": "train",
        "3": "valid",
        "4": "test",
        "copy of 1": "train",
        "copy of 3": "valid",
    }


CRATES = st.lists(st.tuples(st.sampled_from("ABCDEFGH"), st.integers(0, 6)), min_size=1, max_size=25)


def crate(tracks: list[tuple[str, int]]) -> tuple[Manifest, list[Group]]:
    """Return tracks split by artist, and the groups of those with the same recording."""
    entries = []
    groups: dict[int, list[Path]] = {}
    for index, (artist, recording) in enumerate(tracks):
        path = Path(f"/m/{index}")
        entries.append(ManifestEntry(path, ("x",), artist=artist, split=split_of(artist, path)))
        groups.setdefault(recording, []).append(path)
    return labelled("styles", entries), [tuple(each) for each in groups.values() if len(each) > 1]


@given(CRATES, CRATES)
def test_more_tracks_move_others_towards_training_only(
    tracks: list[tuple[str, int]], more: list[tuple[str, int]]
) -> None:
    before = sides(keep_together(*crate(tracks)))
    after = sides(keep_together(*crate([*tracks, *more])))
    assert all(SPLITS.index(after[name]) <= SPLITS.index(split) for name, split in before.items())


@given(CRATES, st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_nothing_is_on_two_sides(
    tracks: list[tuple[str, int]], shuffle: random.Random
) -> None:
    manifest, groups = crate(tracks)
    kept = keep_together(manifest, groups)
    assert crossing(kept, groups) == []
    assert report(kept, {}).divided == ()
    entries = list(manifest.entries)
    shuffle.shuffle(entries)
    shuffled = keep_together(replace(manifest, entries=tuple(entries)), [each[::-1] for each in groups])
    assert sides(shuffled) == sides(kept)


def test_what_is_wrong_with_copies() -> None:
    manifest = labelled(
        "styles", [entry("1", "A", "test", "a"), entry("2", "B", "train", "b"), entry("3", "B", "train")]
    )
    assert crossing(manifest, [group("1", "2"), group("2", "3")]) == [group("1", "2")]
    assert contradicting(manifest, [group("2", "3")]) == [group("2", "3")]
    rated = (ManifestEntry(Path("/m") / name, (), (stars,)) for name, stars in (("1", 4.0), ("2", 5.0), ("3", 5.0)))
    values = Manifest("values", ("rating",), tuple(rated))
    assert contradicting(values, [group("1", "2"), group("2", "3")]) == [group("1", "2")]


def test_files_with_the_same_recording(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one, other = (np.cumsum(noise(20, rng, SAMPLE_RATE)).astype(np.float32) * np.float32(1e-3) for _ in range(2))
    one, other = (each * rng.uniform(0, 1, 40).repeat(SAMPLE_RATE // 2).astype(np.float32) for each in (one, other))
    late = np.concatenate([np.zeros(1000, np.float32), one * np.float32(0.3)])
    files = [write_wav(tmp_path / f"{index}.wav", each, SAMPLE_RATE) for index, each in enumerate((one, other, late))]
    heard = list(probe([*files, tmp_path / "gone.wav"], fingerprints=True))
    assert [str(each) for each in heard if isinstance(each, UnreadableAudio)] == [
        f"{tmp_path}/gone.wav: there is no such file"
    ]
    found = {each.path: each for each in heard if isinstance(each, Probed)}
    assert [found[file].duration for file in files] == pytest.approx([20, 20, 20 + 1000 / SAMPLE_RATE])
    prints = {path: each.fingerprint for path, each in found.items() if each.fingerprint is not None}
    assert find_duplicates(prints) == [(files[0], files[2])]
    opened = list(probe(files, fingerprints=False))
    assert opened == [Probed(file, found[file].duration) for file in files]

    entries = [
        ManifestEntry(file, ("x",), artist=name, split=split)
        for file, name, split in zip(files, ("A", "B", "C"), ("train", "test", "test"), strict=True)
    ]
    gone = ManifestEntry(tmp_path / "gone.wav", ("y",))
    collected = Collected(labelled("styles", [*entries, gone]), (Dropped(Path("/m/z"), "it has no genre tag"),))
    manifest, said = complete(collected, heard)
    assert [each.split for each in manifest.entries] == ["train", "test", "train"]
    assert manifest.classes == ("x",)  # nothing is left of the other
    assert said.reasons() == {"it has no genre tag": 1, "there is no such file": 1}
    assert (said.duplicates, said.crossing) == (((files[0], files[2]),), ())
    published, said = complete(replace(collected, published=True), heard)
    assert [each.split for each in published.entries] == ["train", "test", "test"]
    assert said.crossing == ((files[0], files[2]),)


def test_the_report_counts() -> None:
    manifest = labelled(
        "styles",
        [
            entry("1", "A", "train", "Trance"),
            entry("2", "A feat. B", "valid", "Trance"),
            entry("3", "", "train", "Deep House"),
            entry("4", "C", "test", "Deep House"),
        ],
    )
    lengths = {Path("/m/1"): 1800.0, Path("/m/2"): 900.0, Path("/m/3"): None, Path("/m/4"): 90.0}
    dropped = [Dropped(Path("/m/5"), "damaged | beyond hope"), Dropped(Path("/m/6"), "damaged | beyond hope")]
    made = report(manifest, lengths, dropped, [group("3", "4")])
    assert [row.cells() for row in made.classes] == [
        ("Deep House", "2", "1", "0", "1", "1", "0.03"),
        ("Trance", "2", "1", "1", "0", "1", "0.75"),
    ]
    assert made.total.cells() == ("all", "4", "2", "1", "1", "2", "0.78")
    assert (made.nameless, made.endless, made.divided) == (1, 1, (first_artist("A"),))
    assert made.reasons() == {"damaged | beyond hope": 2}
    assert made.remarks() == [
        "1 track of unknown artists, split by the names of their files",
        "1 track without a known length, not in the hours",
        "1 artist on more than one side of the split",
        "1 recording there more than once, in 2 files",
        "1 recording with copies on more than one side of the split",
    ]
    assert made.warnings() == [
        "no tracks of Deep House in valid: training cannot watch how well it knows them",
        "no tracks of Trance in test: how well they are known cannot be measured",
    ]
    page = made.markdown("list.csv").splitlines()
    assert page[:3] == ["# list.csv", "", "| class | tracks | train | valid | test | artists | hours |"]
    assert "| 2 | damaged \\| beyond hope |" in page
    assert "- /m/5: damaged | beyond hope" in page
    assert page.count("- /m/3, /m/4") == 2
    assert f"- {made.warnings()[1]}" in page


def test_a_warning_names_ten_classes_and_counts_the_rest() -> None:
    many = labelled("styles", [entry(str(n), "", "train", f"Style {n:02}") for n in range(13)])
    names = ", ".join(f"Style {n:02}" for n in range(10))
    assert report(many, {}).warnings()[1].startswith(f"no tracks of {names} and 3 more in test: ")


def test_unknown_artists_on_several_sides_are_not_one_artist_that_is_divided() -> None:
    manifest = labelled(
        "styles",
        [
            entry("1", "", "train"),
            entry("2", "Various Artists", "test"),
            entry("3", "A", "train"),
            entry("4", "The A", "test"),
        ],
    )
    found = report(manifest, {})
    assert (found.divided, found.nameless) == (("a",), 2)


def test_a_track_with_two_tags_is_in_two_classes_and_once_in_all() -> None:
    manifest = labelled(
        "tags",
        [ManifestEntry(Path("/m/1"), ("a", "b")), ManifestEntry(Path("/m/2"), ("b",)), ManifestEntry(Path("/m/3"))],
    )
    made = report(manifest, {})
    assert [sum(row.splits) for row in (*made.classes, made.total)] == [1, 2, 3]
    assert made.remarks()[-1] == "not searched for duplicates"
