"""A collection as points of a plane."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from earmark.app.atlas import arrange, atlas
from earmark.errors import EarmarkError
from earmark.library import Catalogue
from earmark.library.projection import plane
from earmark.testing.tracks import heard_track


def test_the_two_directions_that_differ_most_are_the_axes() -> None:
    rng = np.random.default_rng(0)
    spread = np.array([0.1, 5.0, 0.1, 2.0])
    matrix = (rng.normal(0, 1, (3000, 4)) * spread + 7).astype(np.float32)
    points = plane(matrix)
    assert np.abs(np.corrcoef(points[:, 0], matrix[:, 1])[0, 1]) > 0.98
    assert np.abs(np.corrcoef(points[:, 1], matrix[:, 3])[0, 1]) > 0.98
    assert np.abs(points).max() == 1
    assert (plane(matrix) == points).all()


def test_one_far_off_track_does_not_shrink_the_others() -> None:
    matrix = np.random.default_rng(1).normal(0, 1, (1000, 3)).astype(np.float32)
    matrix[0] = 1000
    assert np.abs(plane(matrix)[1:]).max(0).min() > 0.2


def test_few_tracks_and_none_have_points() -> None:
    assert plane(np.zeros((0, 5), np.float32)).shape == (0, 2)
    assert (plane(np.ones((1, 5), np.float32)) == 0).all()
    assert plane(np.ones((3, 1), np.float32)).shape == (3, 2)


def test_the_map_of_a_catalogue_has_a_point_for_each_track(tmp_path: Path) -> None:
    with Catalogue(tmp_path / "catalogue.db") as opened:
        for number, style in enumerate(("Trance", "Trap", "Trance")):
            embedding = (1.0, float(number), 0.5)
            opened.keep(heard_track(f"/music/{number}.mp3", {style: 0.9}, embedding=embedding))
        found = atlas(opened).as_json()
    assert found["ids"] == [1, 2, 3]
    assert [found["styles"][each] for each in found["style"]] == ["Trance", "Trap", "Trance"]
    assert found["x"][0] != found["x"][2]


def test_an_arranged_map_keeps_groups_together_as_long_as_the_tracks_are_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    centres = rng.normal(0, 1, (3, 8))
    with Catalogue(tmp_path / "catalogue.db") as opened:
        for number in range(30):
            embedding = tuple((centres[number % 3] + rng.normal(0, 0.05, 8)).tolist())
            opened.keep(heard_track(f"/music/{number}.mp3", embedding=embedding))
        out = tmp_path / "map.npz"
        shares: list[float] = []

        @contextmanager
        def staging() -> Iterator[Callable[[str, float], None]]:
            yield lambda title, share: shares.append(share) if title == "arranged" else None

        assert arrange(opened, out, staging=staging) == 30
        assert shares[0] == 0
        assert shares == sorted(shares)
        assert 0.9 < shares[-1] <= 1
        points = atlas(opened, out).points
        assert not np.array_equal(points, atlas(opened).points)
        distances = np.linalg.norm(points[:, None] - points, axis=-1)
        np.fill_diagonal(distances, np.inf)
        assert ((distances.argmin(1) % 3) == np.arange(30) % 3).mean() > 0.9
        opened.keep(heard_track("/music/new.mp3", embedding=(1.0,) * 8))
        assert np.array_equal(atlas(opened, out).points, atlas(opened).points)


def test_too_few_tracks_are_not_arranged(tmp_path: Path) -> None:
    with Catalogue(tmp_path / "catalogue.db") as opened:
        opened.keep(heard_track("/music/one.mp3"))
        with pytest.raises(EarmarkError, match="there are 1 tracks on the map"):
            arrange(opened, tmp_path / "map.npz")
