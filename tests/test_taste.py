"""Taste: contexts from collections, factors that tell tastes apart, a head for what nobody played, and the commands."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from earmark.app.exporting import write_set
from earmark.cli import main
from earmark.errors import BundleError, EarmarkError
from earmark.learning.taste.contexts import contexts
from earmark.learning.taste.factors import CONFIDENCE, REGULARISATION, Feedback, factorise, fold_in
from earmark.learning.taste.head import Head
from earmark.learning.taste.taste import Taste, recommend
from earmark.library import Catalogue, Tags
from earmark.library.catalogue import EmbeddingColumn
from earmark.library.embeddings import unit
from earmark.library.exports import FORMATS
from earmark.library.imports import Collection, ImportedTrack, Play, Playlist
from earmark.library.similarity import Similarity
from earmark.testing.listeners import Listeners, between, listeners
from earmark.testing.tracks import heard_track

Earmark = Callable[..., tuple[int, str, str]]


def path(name: str) -> PurePosixPath:
    return PurePosixPath(f"/m/{name}.mp3")


def test_contexts_are_playlists_evenings_and_plays() -> None:
    a, b, c = map(path, "abc")
    collection = Collection(
        tracks=(ImportedTrack(a, plays=7), ImportedTrack(b, plays=0), ImportedTrack(c, plays=1)),
        playlists=(Playlist("Warm", ("Sets",), (a, b, a)), Playlist("Single", (), (a,))),
        history=(
            Play(a, datetime(2024, 7, 1, 23, 0), 200, public=True),  # noqa: DTZ001  the time of that place
            Play(b, datetime(2024, 7, 2, 4, 0), 200, public=True),  # noqa: DTZ001  the same
            Play(c, datetime(2024, 7, 2, 4, 5), 20, public=False),  # noqa: DTZ001  the same
            Play(c, datetime(2024, 7, 2, 22, 0), 200, public=True),  # noqa: DTZ001  the same
        ),
    )
    found = {
        each.name: {Path(track).stem: much for track, much in each.weights.items()} for each in contexts(collection)
    }
    assert found == {
        "Sets/Warm": {"a": 1.0, "b": 1.0},
        "2024-07-01": {"a": 1.0, "b": 1.0},
        "plays": {"a": 3.0, "c": 1.0},
    }


def test_contexts_are_of_this_machine(tmp_path: Path) -> None:
    collection = Collection(playlists=(Playlist("P", (), (path("a"), path("b"))),))
    (found,) = contexts(collection, {"/m": tmp_path})
    assert sorted(found.weights) == [tmp_path / "a.mp3", tmp_path / "b.mp3"]


def test_playlists_that_earmark_made_are_no_contexts() -> None:
    two = (path("a"), path("b"))
    collection = Collection(
        playlists=(
            Playlist("Trance", ("earmark",), two),
            Playlist("Set", ("earmark", "sets"), two),
            Playlist("earmark", (), two),
            Playlist("Trance", ("Mine", "earmark"), two),
        )
    )
    assert [each.name for each in contexts(collection)] == ["earmark", "Mine/earmark/Trance"]


# Factors


def of(plays: NDArray[np.bool_]) -> Feedback:
    rows, columns = np.nonzero(plays)
    return Feedback(rows, columns, np.ones(len(rows), np.float32), (plays.shape[0], plays.shape[1]))


def two_camps() -> NDArray[np.bool_]:
    """Forty contexts in two camps, of twenty tracks each; each context has twelve of its camp."""
    rng = np.random.default_rng(0)
    plays = np.zeros((40, 40), bool)
    for row in range(40):
        plays[row, 20 * (row % 2) + rng.permutation(20)[:12]] = True
    return plays


def test_factors_tell_what_belongs_together() -> None:
    pytest.importorskip("implicit")
    plays = two_camps()
    users, items = factorise(of(plays))
    scores = users @ items.T
    camp = np.arange(40) // 20 == (np.arange(40) % 2)[:, None]
    held_out = camp & ~plays
    assert scores[held_out].min() > scores[~camp].max()
    again = factorise(of(plays))
    np.testing.assert_array_equal(again[0], users)


def test_folding_in_solves_what_the_factorisation_solves() -> None:
    rng = np.random.default_rng(1)
    items = rng.normal(size=(30, 5)).astype(np.float32)
    inside, weights = np.array([3, 4, 9]), np.array([1.0, 2.0, 1.0])
    found = fold_in(items[inside], weights, items)
    certain, wanted = np.ones(30), np.zeros(30)
    certain[inside], wanted[inside] = CONFIDENCE * weights, 1

    def loss(each: NDArray[np.floating]) -> float:
        return float(certain @ (wanted - items @ each) ** 2 + REGULARISATION * each @ each)

    for _ in range(50):
        assert loss(found) <= loss(found + rng.normal(0, 0.01, 5)) + 1e-5


# The head


def test_head_finds_a_linear_map_and_says_how_much_it_explains() -> None:
    rng = np.random.default_rng(2)
    directions = unit(rng.normal(size=(400, 10)))
    truth = rng.normal(size=(10, 4))
    factors = directions @ truth + 0.3
    head = Head.fit(directions, factors + rng.normal(0, 0.05, (400, 4)), np.full(400, 50.0))
    np.testing.assert_allclose(head.factors(directions), factors, atol=0.1)
    assert head.explained > 0.95
    nothing = Head.fit(directions, rng.normal(size=(400, 4)), np.ones(400))
    assert nothing.explained < 0.05


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 1000))
def test_a_head_of_hardly_any_tracks_is_finite(tracks: int, factors: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    head = Head.fit(rng.normal(size=(tracks, 3)), rng.normal(size=(tracks, factors)), rng.uniform(1, 5, tracks))
    assert np.isfinite(head.factors(np.ones((2, 3), np.float32))).all()
    assert np.isfinite(head.explained)


# Taste, in a world that is known


@pytest.fixture(scope="module")
def world() -> tuple[EmbeddingColumn, Listeners, NDArray[np.bool_], Taste]:
    """Return 600 tracks, 120 listeners, which tracks are cold, and the taste that was learned from the others."""
    pytest.importorskip("implicit")
    rng = np.random.default_rng(4)
    column = EmbeddingColumn("m", np.arange(600), between(unit(rng.normal(size=(60, 12))), 600, rng))
    space = Similarity(column).space
    truth = listeners(space.place(column.matrix).directions, 120, each=30, tastes=4)
    cold = rng.random(600) < 0.25
    heard = {str(at): column.matrix[at] for at in range(600)}
    lists = [
        (f"user {at}", dict.fromkeys(map(str, np.flatnonzero(row & ~cold)), 1.0)) for at, row in enumerate(truth.plays)
    ]
    return column, truth, cold, Taste.learn(lists, heard, space, "m")


def known_in(taste: Taste, tracks: int) -> NDArray[np.intp]:
    known = np.full(tracks, -1)
    known[[int(each) for each in taste.paths]] = np.arange(len(taste.paths))
    return known


def test_listeners_play_what_appeals_to_them(
    world: tuple[EmbeddingColumn, Listeners, NDArray[np.bool_], Taste],
) -> None:
    _, truth, _, _ = world
    worth = truth.tastes @ truth.appeal.T
    assert truth.plays.sum(1).tolist() == [30] * 120
    assert worth[truth.plays].mean() > worth[~truth.plays].mean() + 0.5


def test_tracks_that_nobody_played_are_recommended_to_who_would(
    world: tuple[EmbeddingColumn, Listeners, NDArray[np.bool_], Taste],
) -> None:
    column, truth, cold, taste = world
    known, similarity = known_in(taste, 600), Similarity(column)
    found = []
    for name, played, row in zip(taste.contexts, truth.plays, range(120), strict=True):
        wanted, tracks = taste.wanted([taste.context(name)])
        seeds = column.matrix[[int(taste.paths[track]) for track in tracks]]
        scores = recommend(taste, similarity, known, wanted, seeds)
        first = np.flatnonzero(cold)[np.argsort(-scores[cold])[:15]]
        found.append((played[first].mean(), played[cold].mean(), row))
    hits, chance, _ = np.mean(found, axis=0)
    assert hits > 2.5 * chance


def test_a_track_in_many_contexts_goes_by_its_own_factors(
    world: tuple[EmbeddingColumn, Listeners, NDArray[np.bool_], Taste],
) -> None:
    column, _, cold, taste = world
    known = known_in(taste, 600)
    heard = taste.head.factors(taste.space.place(column.matrix).directions)
    found = taste.factors(column.matrix, known)
    np.testing.assert_array_equal(found[cold], heard[cold])
    counts = np.bincount(taste.feedback.tracks)
    most = int(np.argmax(counts))
    own, here = taste.track_factors[most], int(taste.paths[most])
    share = counts[most] / (counts[most] + 10)
    np.testing.assert_allclose(found[here], share * own + (1 - share) * heard[here], atol=1e-5)


def test_a_taste_survives_its_file(
    world: tuple[EmbeddingColumn, Listeners, NDArray[np.bool_], Taste], tmp_path: Path
) -> None:
    column, _, _, taste = world
    renamed = replace(taste, paths=("/m/\udce9.mp3", *taste.paths[1:]))
    renamed.save(tmp_path / "t.npz")
    loaded = Taste.load(tmp_path / "t.npz")
    assert (loaded.model, loaded.contexts, loaded.paths) == (taste.model, taste.contexts, renamed.paths)
    known = np.full(600, -1)
    np.testing.assert_array_equal(loaded.factors(column.matrix, known), taste.factors(column.matrix, known))
    np.testing.assert_array_equal(loaded.wanted([3, 4])[0], taste.wanted([3, 4])[0])
    assert loaded.head.explained == taste.head.explained


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no taste was learned yet; `earmark learn-taste` does it"),
        (b"PK no", "not a taste, or damaged"),
        (b"", "not a taste"),
        (b"RIFF", "not a taste, or damaged$"),
    ],
)
def test_what_is_no_taste_is_said(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(BundleError, match=message):
        Taste.load(tmp_path / "t.npz")


def test_too_little_is_said() -> None:
    column = EmbeddingColumn("m", np.arange(3), unit(np.eye(3)))
    heard = {str(at): column.matrix[at] for at in range(3)}
    space = Similarity(column).space
    with pytest.raises(EarmarkError, match=r"too little to learn from: 1 of 2 playlists and evenings have 2 tracks"):
        Taste.learn([("a", {"0": 1.0, "1": 1.0}), ("b", {"2": 1.0, "gone": 1.0})], heard, space, "m")


# The commands


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Earmark:
    """Return what runs the command in this process: its status, and what it printed."""
    monkeypatch.setenv("EARMARK_CATALOGUE", str(tmp_path / "catalogue.db"))
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments), "--taste", str(tmp_path / "taste.npz")])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, os.fsdecode(out), os.fsdecode(err)

    return run


@pytest.fixture
def playlists(tmp_path: Path) -> Path:
    """Return a folder of four playlists of two camps; of each camp twelve tracks were heard, eight are in lists."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "lists"
    folder.mkdir()
    with Catalogue(tmp_path / "catalogue.db") as opened:
        for number in range(24):
            place = np.repeat(np.eye(2)[number // 12], 2) + 0.3 * rng.normal(size=4)
            tags = Tags(title=f"Song {number}", artist=f"Artist {number}")
            opened.keep(
                heard_track(
                    f"/m/{number}.mp3", embedding=tuple(place.tolist()), tags=tags, duration=100.0 + 9 * number
                ),
                version="1",
            )
    for name, first in {"deep": 0, "deeper": 2, "hard": 12, "harder": 14}.items():
        lines = [f"/m/{number}.mp3" for number in range(first, first + 6)]
        (folder / f"{name}.m3u8").write_text("\n".join([*lines, "/m/unheard.mp3"]), encoding="utf-8")
    return folder


def test_learn_then_recommend(earmark_: Earmark, playlists: Path, tmp_path: Path) -> None:
    pytest.importorskip("implicit")
    status, out, err = earmark_("learn-taste", playlists)
    assert status == 0
    assert out.startswith("learned from 4 playlists and evenings with 16 tracks")
    assert err == "earmark: left out: 1 track that the catalogue has not heard\n"
    status, out, _ = earmark_("recommend", "--playlist", "hard", "--limit", "4", "--json")
    found = json.loads(out)
    numbers = [int(Path(each["path"]).stem) for each in found]
    assert status == 0
    assert len(numbers) == 4
    assert all(12 <= number < 24 and number not in range(12, 18) for number in numbers)
    assert all(int(Path(each["like"]).stem) in range(12, 18) for each in found)
    status, out, _ = earmark_("recommend", "--limit", "24", "--paths")
    assert {int(Path(line).stem) for line in out.splitlines()} == {8, 9, 10, 11, 20, 21, 22, 23}
    status, out, _ = earmark_("recommend", "--like", "song 3", "--new", "--limit", "4", "--m3u8", tmp_path / "o.m3u8")
    assert status == 0
    assert out.splitlines()[0].startswith("like  Artist 3 – Song 3")
    assert max(map(len, out.splitlines())) <= 80
    assert (tmp_path / "o.m3u8").read_text(encoding="utf-8").count("/m/") == 5
    status, _, err = earmark_("recommend", "--m3u8", tmp_path / "o.m3u8")
    assert (status, err) == (1, f"earmark: {tmp_path / 'o.m3u8'}: it exists already; --replace overwrites it\n")


@pytest.mark.parametrize("form", ["rekordbox", "traktor"])
def test_sets_that_earmark_exported_are_left_out_and_that_is_said(
    earmark_: Earmark, playlists: Path, tmp_path: Path, form: str
) -> None:
    pytest.importorskip("implicit")
    with Catalogue(tmp_path / "catalogue.db") as opened:
        write_set(opened.find(limit=12), form, playlists / f"set{FORMATS[form].suffix}", "Friday")
    status, out, err = earmark_("learn-taste", playlists)
    assert status == 0
    assert out.startswith("learned from 4 playlists and evenings with 16 tracks")
    assert err.splitlines() == [
        "earmark: left out: 1 playlist in a folder `earmark`, as earmark exports them",
        "earmark: left out: 1 track that the catalogue has not heard",
    ]


@pytest.mark.usefixtures("playlists")  # which fills the catalogue
def test_with_nothing_but_what_earmark_exported_that_is_said(earmark_: Earmark, tmp_path: Path) -> None:
    pytest.importorskip("implicit")
    with Catalogue(tmp_path / "catalogue.db") as opened:
        write_set(opened.find(limit=12), "rekordbox", tmp_path / "mine.xml", "Friday")
    status, out, err = earmark_("learn-taste", tmp_path / "mine.xml")
    assert (status, out) == (1, "")
    assert err == (
        "earmark: too little to learn from: 0 playlists and evenings"
        " (left out: 1 in a folder `earmark`, as earmark exports them)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recommend"], "no taste was learned yet; `earmark learn-taste` does it"),
        (["recommend", "--playlist", "a", "--like", "b"], "--playlist and --like exclude each other"),
        (["learn-taste", "notes.txt"], "notes.txt: neither a collection nor a playlist: .xml, .nml, .m3u8, .m3u"),
        (["learn-taste", ".", "--moved", "x"], "--moved must be of the form OLD=NEW, not 'x'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    earmark_: Earmark, playlists: Path, arguments: list[str], message: str
) -> None:
    assert playlists
    status, _, err = earmark_(*arguments)
    assert status in (1, 2)
    assert message in err
    assert err.count("\n") == 1


def test_a_playlist_that_there_is_not_is_said_with_those_there_are(earmark_: Earmark, playlists: Path) -> None:
    pytest.importorskip("implicit")
    earmark_("learn-taste", playlists)
    status, _, err = earmark_("recommend", "--playlist", "soft")
    assert (status, err) == (
        1,
        "earmark: no playlist or evening is called 'soft'; there are: deep, deeper, hard, harder\n",
    )


def test_without_the_extra_it_says_what_to_install(
    earmark_: Earmark, playlists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "implicit"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "implicit", None)
    status, _, err = earmark_("learn-taste", playlists)
    assert status == 1
    assert err == "earmark: `earmark learn-taste` needs more than the base install: pip install 'earmark[taste]'\n"
