"""The planner against brute force on small cases, with the cost written out a second time, in plain numbers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from earmark.dj.candidates import Candidates, artist, key
from earmark.dj.cost import Weights, read_weights, step_cost, step_parts
from earmark.dj.course import Energy, Point, course, point
from earmark.dj.planner import Plan, plan
from earmark.dj.search import playing_seconds
from earmark.dj.wish import Wish
from earmark.errors import PlanError
from earmark.library import Catalogue
from earmark.library.track import Summary
from earmark.testing.tracks import heard_track

STYLES = ("Deep House", "Progressive House", "Techno / Tech House", "Trap")
WEIGHTS = read_weights()
NONE = np.empty(0, np.intp)


def made_up(count: int, seed: int = 0, *, artists: int = 0, dims: int = 0) -> Candidates:
    """Tracks by chance, one in six with a tempo, key or energy that is not known."""
    generator = np.random.default_rng(seed)
    summaries = []
    for number in range(count):
        unknown = generator.random(3) < 1 / 6
        summaries.append(
            Summary(
                path=Path(f"/music/{number}.mp3"),
                content_hash=f"{number:032x}",
                title=f"Title {number}",
                artist=f"Artist {generator.integers(artists or count)}",
                duration=float(generator.uniform(120, 480)),
                styles=STYLES,
                probabilities=generator.dirichlet(np.full(len(STYLES), 0.5)),
                bpm=None if unknown[0] else float(generator.choice([87, 122, 124, 126, 130, 174])),
                camelot="" if unknown[1] else f"{generator.integers(1, 13)}{generator.choice(['A', 'B'])}",
                energy=None if unknown[2] else float(generator.random()),
                id=number + 1,
            )
        )
    sounds = generator.normal(size=(count, dims)).astype(np.float32) if dims else None
    if sounds is not None:
        sounds /= np.linalg.norm(sounds, axis=1, keepdims=True)
    return Candidates.of(summaries, sounds)


# The cost once more, from docs/sets.md.


def tempo(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return WEIGHTS.other.unknown
    choices = []
    for factor in (0.5, 1, 2):
        ratio = max(one * factor / other, other / (one * factor))
        choices.append((ratio, 0 if factor == 1 else WEIGHTS.other.double))
    ratio, double = min(choices)
    return min(((ratio - 1) / WEIGHTS.spans.tempo) ** 2, 4) + double


def keys(one: str, other: str) -> float:
    if not one or not other:
        return WEIGHTS.other.unknown
    hours = abs(int(one[:-1]) - int(other[:-1]))
    return min(1, 0.25 * (min(hours, 12 - hours) + (one[-1] != other[-1])))


def energy(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return WEIGHTS.other.unknown
    return min(((one - other) / WEIGHTS.spans.energy) ** 2, 4)


def style(one: Sequence[float], other: Sequence[float]) -> float:
    return math.sqrt(max(0, 1 - sum(math.sqrt(a * b) for a, b in zip(one, other, strict=True))))


def cost_of(tracks: Candidates, rows: Sequence[int], found: Plan, wish: Wish) -> float:
    """The cost of a set in the course of a plan."""
    step, place = WEIGHTS.step, WEIGHTS.place
    summaries = [tracks.summaries[row] for row in rows]
    total, seconds = 0.0, 0.0
    chance = np.random.default_rng(wish.seed).random(len(tracks))
    for number, (row, one) in enumerate(zip(rows, summaries, strict=True)):
        share = number / (len(rows) - 1)
        total += wish.variety * chance[row]
        way = found.course
        if way.bpm:
            first, last = way.bpm
            total += place.tempo * tempo(one.bpm, first * (last / first) ** share)
        if way.energy:
            shares, levels = zip(*way.energy, strict=True)
            total += place.energy * energy(one.energy, float(np.interp(share, shares, levels)))
        if way.mixtures:
            first_style, last_style = (mixture.astype(float) ** 2 for mixture in way.mixtures)
            wanted = (1 - share) * first_style + share * last_style
            total += place.style * style(one.probabilities.tolist(), wanted.tolist())
        if number and wish.seconds:
            length = wish.seconds / len(rows)
            total += place.clock * ((seconds - number * length) / length) ** 2
        if number:
            before = summaries[number - 1]
            total += step.tempo * tempo(before.bpm, one.bpm) + step.key * keys(before.camelot, one.camelot)
            total += step.style * style(before.probabilities.tolist(), one.probabilities.tolist())
            total += step.energy * energy(before.energy, one.energy)
            if tracks.sounds.shape[1]:
                cosine = float(tracks.sounds[rows[number - 1]].astype(float) @ tracks.sounds[row].astype(float))
                total += step.sound * min(1.0, 1 - cosine)
        if number == len(rows) - 1 and wish.seconds:
            total += place.clock * ((seconds + one.duration - wish.seconds) * len(rows) / wish.seconds) ** 2
        seconds += max(one.duration - WEIGHTS.other.overlap, one.duration / 2)
    return total


def allowed(tracks: Candidates, wish: Wish, count: int) -> Iterator[tuple[int, ...]]:
    """All sets of so many tracks that meet a wish."""
    end = point(tracks, wish.last) if len(wish.last) else Point(None, None, None)
    progress = course(tracks, point(tracks, wish.first), end, wish.energy).progress(tracks)
    asked = {*wish.play.tolist(), *(ends[0] for ends in (wish.first, wish.last) if len(ends) == 1)}
    for rows in permutations(range(len(tracks)), count):
        artists = [tracks.artists[row] for row in rows if row not in asked]
        others = {tracks.artists[row] for row in asked}
        if rows[0] not in wish.first or (len(wish.last) and rows[-1] not in wish.last):
            continue
        if not set(wish.play.tolist()) <= set(rows) or (set(wish.avoid.tolist()) - asked) & set(rows):
            continue
        if not wish.repeat_artists and (len(set(artists)) < len(artists) or set(artists) & others):
            continue
        if all(progress[after] >= progress[before] - 1e-6 for before, after in zip(rows, rows[1:], strict=False)):
            yield rows


def lasts_as_asked(tracks: Candidates, rows: Sequence[int], wish: Wish) -> bool:
    lengths = [tracks.summaries[row].duration for row in rows]
    total = sum(max(length - WEIGHTS.other.overlap, length / 2) for length in lengths[:-1]) + lengths[-1]
    return not wish.seconds or abs(total - wish.seconds) <= total / len(rows)


WISHES = {
    "from a track": Wish(np.array([0]), tracks=4),
    "to a track": Wish(np.array([0]), np.array([3]), tracks=5),
    "one that must be played": Wish(np.array([0]), np.array([3]), tracks=5, play=np.array([5])),
    "two that must be played": Wish(np.array([0]), tracks=5, play=np.array([5, 2])),
    "one that is avoided": Wish(np.array([0]), np.array([3]), tracks=4, avoid=np.array([1, 2])),
    "artists twice": Wish(np.array([0]), tracks=5, repeat_artists=True),
    "sixteen minutes": Wish(np.array([0]), seconds=16 * 60),
    "chance": Wish(np.array([0]), tracks=4, variety=2, seed=5),
    "rising": Wish(np.array([0]), tracks=4, energy=Energy.RISE),
    "peaking": Wish(np.array([0]), np.array([3]), tracks=4, energy=Energy.PEAK),
    "several to begin and to end with": Wish(np.array([0, 1, 2]), np.array([3, 4, 5, 6, 7]), tracks=4),
}


@pytest.mark.parametrize("dims", [0, 3])
@pytest.mark.parametrize("name", WISHES)
def test_no_set_that_meets_the_wish_is_cheaper(name: str, dims: int) -> None:
    wish = WISHES[name]
    for seed in range(3):
        tracks = made_up(8, seed, artists=12, dims=dims)
        found = plan(tracks, wish, WEIGHTS)
        sets = sorted((cost_of(tracks, rows, found, wish), rows) for rows in allowed(tracks, wish, len(found.rows)))
        cost, rows = next(one for one in sets if lasts_as_asked(tracks, one[1], wish))
        assert found.exact
        assert found.rows == rows
        assert found.cost == pytest.approx(cost, abs=2e-3)  # single precision, and roots near 0


def test_there_is_no_set_where_none_is_found() -> None:
    wish = Wish(np.array([0, 1]), np.array([3, 4]), tracks=5)
    none = 0
    for seed in range(12):
        tracks = made_up(8, seed, artists=6)
        try:
            plan(tracks, wish, WEIGHTS)
        except PlanError:
            none += 1
            assert not any(allowed(tracks, wish, 5))
        else:
            assert any(allowed(tracks, wish, 5))
    assert 0 < none < 12


def test_where_no_set_meets_the_wish_that_is_said() -> None:
    tracks = made_up(8, artists=2)
    with pytest.raises(PlanError, match="makes 2, fewer than the 4 of the set; --repeat-artists allows more"):
        plan(tracks, Wish(np.array([0]), tracks=4), WEIGHTS)
    with pytest.raises(PlanError, match="tracks to choose from: 8, fewer than the 9 of the set"):
        plan(tracks, Wish(np.array([0]), tracks=9), WEIGHTS)
    with pytest.raises(PlanError, match="the set needs 3 tracks at least, more than the 2 asked for"):
        plan(tracks, Wish(np.array([0]), np.array([1]), tracks=2, play=np.array([2])), WEIGHTS)
    with pytest.raises(PlanError, match="begins and ends with the same track"):
        plan(tracks, Wish(np.array([0]), np.array([0]), tracks=3), WEIGHTS)
    with pytest.raises(PlanError, match="no track is left to end with"):
        plan(tracks, Wish(np.array([0]), np.array([1, 2]), tracks=3, avoid=np.array([1, 2])), WEIGHTS)


def test_a_wide_search_is_exact_and_a_narrow_one_is_never_better_and_says_so() -> None:
    tracks = made_up(12, 3, artists=40)
    wish = Wish(np.array([0]), np.array([7]), tracks=7)
    exact = plan(tracks, wish, WEIGHTS)
    narrow = [plan(tracks, wish, WEIGHTS, widest=width) for width in (4, 16, 64)]
    assert exact.exact
    assert not any(found.exact for found in narrow)
    assert all(found.cost >= exact.cost - 1e-9 for found in narrow)
    assert narrow[-1].cost <= 1.05 * exact.cost


def test_a_journey_never_goes_back() -> None:
    tracks = made_up(300, 1)
    house, techno = tracks.of_style("Deep House"), tracks.of_style("Techno / Tech House")
    found = plan(tracks, Wish(house, techno, tracks=12), WEIGHTS)
    assert len(found.rows) == 12
    assert list(found.progress) == sorted(found.progress)
    assert found.progress[0] < 0.2
    assert found.progress[-1] > 0.8
    assert found.rows[0] in house
    assert found.rows[-1] in techno
    assert len({tracks.artists[row] for row in found.rows}) == 12


def test_a_set_lasts_about_as_long_as_was_asked_for() -> None:
    tracks = made_up(300, 2)
    for minutes in (30, 60, 120):
        found = plan(tracks, Wish(np.array([0]), seconds=60 * minutes), WEIGHTS)
        assert found.seconds == pytest.approx(60 * minutes, rel=0.1)
        plays = playing_seconds(tracks, WEIGHTS.other.overlap)[list(found.rows)]
        assert found.starts == pytest.approx(np.cumsum([0, *plays[:-1]]))
        assert found.seconds == pytest.approx(found.starts[-1] + tracks.seconds[found.rows[-1]])


def test_chance_gives_another_set_and_the_same_seed_the_same() -> None:
    tracks = made_up(300, 2)
    wish = Wish(np.array([0]), tracks=8, variety=1)
    sets = [plan(tracks, replace(wish, seed=seed), WEIGHTS).rows for seed in (1, 1, 2, 3)]
    assert sets[0] == sets[1]
    assert len(set(sets)) == 3
    still = [plan(tracks, replace(wish, variety=0, seed=seed), WEIGHTS).rows for seed in (1, 2)]
    assert still[0] == still[1]


def test_who_must_be_played_is_played_among_many() -> None:
    tracks = made_up(500, 4, artists=100)
    play = np.array([11, 99, 250])
    found = plan(tracks, Wish(np.array([0]), np.array([499]), tracks=10, play=play), WEIGHTS)
    assert set(play.tolist()) <= set(found.rows)
    assert (found.rows[0], found.rows[-1]) == (0, 499)


def test_copies_are_one_candidate() -> None:
    tracks = made_up(3)
    copy = replace(tracks.summaries[0], path=Path("/copies/0.mp3"))
    assert [each.path.name for each in Candidates.of([*tracks.summaries, copy]).summaries] == [
        "0.mp3",
        "1.mp3",
        "2.mp3",
    ]
    assert tracks.row(copy) == 0


def test_models_with_other_styles_are_compared_by_those_that_they_share() -> None:
    one, other = made_up(2).summaries
    deep = replace(one, styles=("Deep House", "Mine"), probabilities=np.array([1.0, 0.0]))
    mine = replace(other, styles=("Mine", "Trap"), probabilities=np.array([0.25, 0.75]))
    tracks = Candidates.of([deep, mine])
    assert tracks.styles == ("Deep House", "Mine", "Trap")
    assert tracks.mixtures == pytest.approx(np.array([[1, 0, 0], [0, 0.5, math.sqrt(0.75)]]))


def test_embeddings_come_from_the_catalogue_and_tracks_without_one_are_not_known(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(6, 9))
    embeddings[1] = embeddings[0] + 0.01
    with Catalogue(tmp_path / "catalogue.db") as catalogue:
        for number, embedding in enumerate(embeddings):
            model = "other" if number == 5 else "test"
            catalogue.keep(heard_track(f"/m/{number}.mp3", embedding=tuple(embedding), model=model), version="1")
        outside = Summary.of(heard_track("/outside.mp3"))
        tracks = Candidates.of_catalogue(catalogue, more=[outside])
    assert [summary.path.stem for summary in tracks.summaries] == ["outside", *"012345"]
    assert np.linalg.norm(tracks.sounds, axis=1) == pytest.approx([0, 1, 1, 1, 1, 1, 0])
    (costs,) = step_parts(tracks, np.array([1]), slice(None), WEIGHTS)["sound"]
    assert costs[[0, 6]].tolist() == [WEIGHTS.other.unknown] * 2
    assert costs[2] < 0.05 < costs[3:6].min()
    wider, row = tracks.including(Summary.of(heard_track("/new.mp3")), embeddings[0].astype(np.float32))
    assert row == len(tracks) == len(wider) - 1
    assert wider.sounds[row] == pytest.approx(tracks.sounds[1], abs=1e-5)
    assert tracks.including(tracks.summaries[2])[1] == 2


def test_artists_and_keys_are_read() -> None:
    assert artist("Nina Kraviz feat. Someone") == artist("NINA KRAVIZ, Another") == "nina kraviz"
    assert [key("1A"), key("1B"), key("12B"), key("")] == [0, 1, 23, 24]


def test_a_step_between_the_same_values_costs_nothing() -> None:
    (one,) = made_up(1).summaries
    known = replace(one, bpm=124.0, camelot="8A", energy=0.5)
    tracks = Candidates.of([known, replace(known, path=Path("/b.mp3"), content_hash="b")])
    assert step_cost(tracks, np.array([0]), slice(None), WEIGHTS) == pytest.approx(0, abs=2e-3)


def weights_of(folder: Path, text: str) -> Weights:
    path = folder / "weights.toml"
    path.write_text(text, encoding="utf-8")
    return read_weights(path)


def test_the_weights_of_a_user_take_the_place_of_ours(tmp_path: Path) -> None:
    mine = weights_of(tmp_path, "[step]\nkey = 3\n[other]\noverlap = 60\n")
    assert mine.step == replace(WEIGHTS.step, key=3)
    assert mine.other == replace(WEIGHTS.other, overlap=60)
    assert mine.place == WEIGHTS.place


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[stop]\nkey = 1\n", "there is no section 'stop', only step, place, spans, other"),
        ("[step]\nkeys = 1\n", r"\[step\] has no 'keys', only tempo, key, style, sound, energy"),
        ("[step]\nkey = -1\n", r"\[step\] key is -1, but must be a number that is not negative"),
        ('[step]\nkey = "much"\n', r"\[step\] key is 'much', but must be a number"),
        ("[spans]\ntempo = 0\n", r"\[spans\] tempo is 0, but a difference must have a size"),
        ("step = [", "weights.toml: "),
    ],
)
def test_weights_that_are_none_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        weights_of(tmp_path, text)


def test_weights_change_the_set() -> None:
    tracks = made_up(40, 6)
    wish = Wish(np.array([0]), tracks=6)
    weights = replace(WEIGHTS, step=replace(WEIGHTS.step, tempo=0, style=0, sound=0, energy=0, key=1))
    rows = plan(tracks, wish, weights).rows
    costs = [
        keys(tracks.summaries[a].camelot, tracks.summaries[b].camelot) for a, b in zip(rows, rows[1:], strict=False)
    ]
    assert sum(costs) <= 0.75
    assert rows != plan(tracks, wish, WEIGHTS).rows


def lengths(seconds: Sequence[float], style: Sequence[int]) -> Candidates:
    """Tracks of these lengths and styles, all by different artists, alike in all else."""
    shares = np.eye(len(STYLES)) * 0.7 + 0.075
    return Candidates.of(
        Summary(Path(f"/{row}"), f"{row}", "", "", length, STYLES, shares[which], 124.0, "8A", 0.5, id=row + 1)
        for row, (length, which) in enumerate(zip(seconds, style, strict=True))
    )


def test_a_set_is_as_long_as_was_asked_where_tracks_differ_much_in_length() -> None:
    tracks = lengths(
        [30] * 12 + [240, 60, 240, 120, 240, 240, 60], [0, 3, 1, 3, 1, 1, 2, 3, 1, 1, 2, 3, *[0, 0, 2, 3, 0, 2, 0]]
    )
    for repeat in (False, True):
        for minutes in (2, 3, 5, 8, 10, 12, 15):
            wish = Wish(
                tracks.of_style(STYLES[0]), tracks.of_style(STYLES[2]), seconds=60 * minutes, repeat_artists=repeat
            )
            found = plan(tracks, wish, WEIGHTS)
            assert abs(found.seconds - 60 * minutes) <= found.seconds / len(found.rows)
            assert found.as_long_as_asked


def test_a_length_that_cannot_be_is_said() -> None:
    tracks = lengths([60] * 5, [0] * 5)
    found = plan(tracks, Wish(np.array([0]), seconds=3600), WEIGHTS)
    assert len(found.rows) == 5
    assert not found.as_long_as_asked
    assert plan(tracks, Wish(np.array([0]), tracks=3), WEIGHTS).as_long_as_asked
