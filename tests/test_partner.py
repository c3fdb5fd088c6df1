"""Back to back: a session of turns, its rules, its log; twenty turns against a scripted partner."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earmark.dj import log
from earmark.dj.candidates import Candidates
from earmark.dj.cost import read_weights, step_cost
from earmark.dj.joints import Joints
from earmark.dj.partner import HUMAN, LIVE, MACHINE, Mixed, Mood, Played, Session, heard
from earmark.errors import PlanError
from earmark.library.similarity import Space
from earmark.library.track import Summary
from earmark.styles import styles

LABELS = tuple(style.label for style in styles())
WEIGHTS = read_weights()


def track(
    number: int, *, artist: str = "", bpm: float = 124.0, energy: float = 0.5, style: str = "Deep House"
) -> Summary:
    probabilities = np.full(len(LABELS), 0.02)
    probabilities[LABELS.index(style)] += 1 - probabilities.sum()
    return Summary(
        path=Path(f"/music/{number}.mp3"),
        content_hash=f"content {number}",
        title=f"Title {number}",
        artist=artist or f"Artist {number}",
        duration=300.0,
        styles=LABELS,
        probabilities=probabilities,
        bpm=bpm,
        camelot="8A",
        energy=energy,
        id=number + 1,
    )


def crate(count: int = 80, artists: int = 50) -> Candidates:
    generator = np.random.default_rng(1)
    return Candidates.of(
        track(
            number,
            artist=f"Artist {number % artists}",
            bpm=float(generator.uniform(118, 132)),
            energy=float(generator.random()),
            style=str(generator.choice(["Deep House", "Techno / Tech House", "Trance"])),
        )
        for number in range(count)
    )


def test_twenty_turns_never_repeat_a_track_or_an_artist_and_are_a_set(tmp_path: Path) -> None:
    tracks = crate()
    path = tmp_path / "session.json"
    generator = np.random.default_rng(7)
    session = Session(tracks, WEIGHTS)
    moods = list(Mood)
    for turn in range(20):
        played = {each.played.track.path for each in session.turns}
        artists = {each.played.track.artist for each in session.turns}
        if turn % 2 == 0:  # the scripted partner plays what was not played, by whomever the machine has not taken
            free = [one for one in tracks.summaries if one.path not in played and one.artist not in artists]
            assert (
                session.hears(Played(free[generator.integers(len(free))])).split("; ")[0].removesuffix(" 0.78")
                in LABELS
            )
        else:
            picks = session.picks(moods[turn // 2 % len(moods)])
            assert len(picks) == 4
            session.plays(picks[0], picks)
        log.save(session.turns, path)
        session = Session(tracks, WEIGHTS, turns=log.read(path))  # the power fails after every turn
    assert [each.player for each in session.turns] == [HUMAN, MACHINE] * 10
    assert len({each.played.track.path for each in session.turns}) == 20
    assert len({each.played.track.artist for each in session.turns}) == 20
    assert all(len(each.alternatives) == 3 and each.reasons for each in session.turns[1::2])
    steps = session.steps()
    assert [step.track.path for step in steps] == [each.played.track.path for each in session.turns]
    assert [step.start for step in steps] == [270.0 * place for place in range(20)]
    assert all(step.reasons for step in steps)


def test_the_pick_is_the_cheapest_step_and_the_alternatives_follow() -> None:
    tracks = crate()
    session = Session(tracks, WEIGHTS)
    session.hears(Played(tracks.summaries[0]))
    costs = step_cost(tracks, np.array([0]), slice(None), WEIGHTS)[0]
    picks = session.picks()
    others = [row for row in np.argsort(costs, kind="stable") if tracks.artists[row] != tracks.artists[0]]
    seen: set[int] = set()
    expected = [row for row in others if tracks.artists[row] not in seen and not seen.add(tracks.artists[row])][:4]  # type: ignore[func-returns-value]
    assert [pick.track.id - 1 for pick in picks] == expected
    assert [pick.cost for pick in picks] == pytest.approx([float(costs[row]) for row in expected], abs=1e-4)


def test_the_mood_moves_the_energy() -> None:
    tracks = Candidates.of([track(0, energy=0.6), *(track(number, energy=number / 10) for number in range(1, 10))])
    session = Session(tracks, WEIGHTS)
    session.hears(Played(tracks.summaries[0]))
    energies = {mood: session.picks(mood)[0].track.energy or 0.0 for mood in Mood}
    assert energies == pytest.approx({Mood.FOLLOW: 0.6, Mood.CONTRAST: 0.2, Mood.UP: 0.7, Mood.DOWN: 0.4}, abs=0.11)
    assert energies[Mood.DOWN] < energies[Mood.FOLLOW] < energies[Mood.UP]


def test_more_energy_is_more_even_where_what_has_less_fits_better() -> None:
    tracks = Candidates.of(
        [
            track(0, energy=0.6),
            *(track(number, energy=0.5) for number in range(1, 6)),
            *(track(number, energy=0.65, bpm=150.0, style="Trance") for number in range(6, 9)),
        ]
    )
    session = Session(tracks, WEIGHTS)
    session.hears(Played(tracks.summaries[0]))
    assert [pick.track.energy for pick in session.picks(Mood.FOLLOW)] == [0.5] * 4
    assert [pick.track.energy for pick in session.picks(Mood.UP)] == [0.65, 0.65, 0.65, 0.5]
    assert [pick.track.energy for pick in session.picks(Mood.DOWN)] == [0.5] * 4


def test_a_track_from_outside_is_answered_by_what_sounds_like_it() -> None:
    sounds = np.eye(3, dtype=np.float32)
    tracks = replace(Candidates.of([track(number) for number in range(3)], sounds), space=Space.of(sounds))
    placed = Space.of(sounds).place(sounds).directions
    tracks = replace(tracks, sounds=placed)
    session = Session(tracks, WEIGHTS)
    session.hears(Played(track(9), embedding=np.array([0.1, 0.9, 0.1], np.float32)))
    assert session.picks()[0].track.id == 2


def test_whose_turn_it_is_and_what_was_played_is_remembered() -> None:
    tracks = crate(6, artists=6)
    session = Session(tracks, WEIGHTS)
    session.hears(Played(tracks.summaries[0]))
    with pytest.raises(PlanError, match="it is the machine's turn"):
        session.hears(Played(tracks.summaries[1]))
    session.plays(session.picks()[0])
    with pytest.raises(PlanError, match="it is the human's turn"):
        session.picks()
    copy = replace(tracks.summaries[0], path=Path("/copies/0.mp3"))
    with pytest.raises(PlanError, match="was played before"):
        session.hears(Played(copy))
    assert session.takes_back().player == MACHINE
    assert session.takes_back().player == HUMAN
    with pytest.raises(PlanError, match="nothing was played yet"):
        session.takes_back()


def test_an_artist_returns_only_if_that_is_asked_for() -> None:
    tracks = Candidates.of([track(number, artist="Ada feat. Bo" if number else "Ada") for number in range(3)])
    session = Session(tracks, WEIGHTS)
    session.hears(Played(tracks.summaries[0]))
    with pytest.raises(PlanError, match="no track by an artist who was not played yet is left in the crate"):
        session.picks()
    again = Session(tracks, WEIGHTS, repeat_artists=True)
    again.hears(Played(tracks.summaries[0]))
    assert [pick.track.id for pick in again.picks()] == [2, 3]


def test_the_machine_may_begin() -> None:
    tracks = Candidates.of([track(0, energy=0.1), track(1, energy=0.5), track(2, energy=0.9, style="Trap")])
    session = Session(tracks, WEIGHTS)
    picks = session.picks()
    assert picks[0].track.id == 2
    session.plays(picks[0])
    assert session.turns[0].player == MACHINE
    with pytest.raises(PlanError, match="the crate is empty"):
        Session(Candidates.of([]), WEIGHTS).picks()


def test_transitions_are_rendered_from_where_the_track_was_entered() -> None:
    asked: list[tuple[int, int, float]] = []

    def mix(before: Summary, after: Summary, entered: float) -> Mixed:
        asked.append((before.id, after.id, entered))
        return Mixed(Path(f"{before.id}-{after.id}.flac"), "a long blend", 32.5)

    tracks = crate(20, artists=20)
    session = Session(tracks, WEIGHTS)
    session.hears(Played(tracks.summaries[3]))
    first = session.plays(session.picks()[0], mix=mix)
    assert first.mixed == Mixed(Path(f"4-{first.played.track.id}.flac"), "a long blend", 32.5)
    unplayed = next(one for one in tracks.summaries if one.id not in (4, first.played.track.id))
    session.hears(Played(unplayed), mix=mix)
    second = session.plays(session.picks()[0], mix=mix)
    assert asked == [
        (4, first.played.track.id, 0.0),
        (first.played.track.id, unplayed.id, 32.5),
        (unplayed.id, second.played.track.id, 32.5),
    ]


def test_live_sound_is_answered_but_neither_mixed_nor_in_the_set(tmp_path: Path) -> None:
    def mix(before: Summary, after: Summary, entered: float) -> Mixed:
        raise AssertionError(f"there is no file to mix: {before.path}, {after.path} from {entered}")

    tracks = crate(20, artists=20)
    session = Session(tracks, WEIGHTS)
    for _ in range(2):
        session.hears(Played(replace(track(99), path=LIVE, content_hash="", artist="", title="")), mix=mix)
        session.plays(session.picks()[0], mix=mix)
    assert [step.track.path for step in session.steps()] == [turn.played.track.path for turn in session.turns[1::2]]
    log.save(session.turns, tmp_path / "session.json")
    assert len(log.read(tmp_path / "session.json")) == 4


def test_what_was_heard_is_one_sentence() -> None:
    one = track(1, bpm=121.04, energy=0.6)
    assert heard(Played(one, ("drum machine", "singing"))) == (
        "Deep House 0.78; 121.0 BPM; 8A; energy 6; with drum machine, singing"
    )
    assert heard(Played(replace(one, unknown=True))).startswith(
        "unlike anything I know, nearest Deep House 0.78; 121.0"
    )
    mixture = one.probabilities * 0.6
    mixture[LABELS.index("Trance")] += 0.4
    doubtful = replace(one, probabilities=mixture, bpm=None, camelot="", energy=None)
    assert heard(Played(doubtful)) == "Deep House 0.47, perhaps Trance 0.41"


def test_nothing_is_lost_in_the_log(tmp_path: Path) -> None:
    tracks = crate(20, artists=20)
    session = Session(tracks, WEIGHTS)
    embedding = np.random.default_rng(0).normal(size=5).astype(np.float32)
    session.hears(Played(track(77, artist="Größe"), ("singing",), embedding))
    picks = session.picks()
    mixed = Mixed(Path("a.flac"), "cut", 8.0, Joints(100.0, 24.0, 48.0, (-2.5, 0.0)))
    session.plays(picks[1], picks, mix=lambda before, after, entered: mixed)  # noqa: ARG005
    none = np.zeros(0)  # so that the rest can be compared
    log.save(session.turns, tmp_path / "log.json")
    back = log.read(tmp_path / "log.json")
    for one, other in zip(session.turns, back, strict=True):
        assert (one.player, one.reasons, one.mixed, one.played.sounds) == (
            other.player,
            other.reasons,
            other.mixed,
            other.played.sounds,
        )
        for before, after in zip(
            (one.played.track, *one.alternatives), (other.played.track, *other.alternatives), strict=True
        ):
            assert replace(before, probabilities=none) == replace(after, probabilities=none)
            assert after.probabilities == pytest.approx(before.probabilities, abs=1e-6)
    assert back[0].played.embedding == pytest.approx(embedding, rel=1e-5)
    assert back[1].played.embedding is None
    written = json.loads((tmp_path / "log.json").read_text())
    del written["turns"][1]["transition"]["joints"]  # as an earlier earmark wrote it
    (tmp_path / "log.json").write_text(json.dumps(written))
    assert log.read(tmp_path / "log.json")[1].mixed == replace(mixed, joints=None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no JSON", "log.json: no log of a session: Expecting value"),
        ("[]", "log.json: no log of a session"),
        ('{"format": 2, "turns": []}', "log.json: its format is 2, not 1; it is of another earmark"),
        (
            '{"format": 1, "turns": [{"player": "nobody"}]}',
            "log.json: no log of a session: ValueError: nobody is called",
        ),
        ('{"format": 1, "turns": [{"player": "human"}]}', "log.json: no log of a session: KeyError: 'embedding'"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "log.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=reason):
        log.read(path)
    with pytest.raises(PlanError, match=r"none.json: cannot be read: No such file"):
        log.read(tmp_path / "none.json")


def test_the_log_is_plain_json(tmp_path: Path) -> None:
    session = Session(crate(5, artists=5), WEIGHTS)
    session.plays(session.picks()[0])
    log.save(session.turns, tmp_path / "log.json")
    (turn,) = json.loads((tmp_path / "log.json").read_text(encoding="utf-8"))["turns"]
    assert turn["player"] == "machine"
    assert turn["track"].keys() >= {"path", "artist", "title", "styles", "bpm", "camelot", "energy"}
