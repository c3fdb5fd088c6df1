"""Plans of transitions: where, how long, how, and the invariants that hold for all of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from earmark.dj.deck import Deck
from earmark.dj.grid import BEATS, Grid
from earmark.dj.playback import Playback, schedule
from earmark.dj.structure import PHRASE, Section
from earmark.dj.techniques import BANDS, techniques, usual
from earmark.dj.transition import STRETCH, Transition, plan
from earmark.errors import EarmarkError
from earmark.styles import families_of, styles

FAMILIES = families_of(tuple(style.label for style in styles()))
FORM = (
    ("intro", 16),
    ("break", 8),
    ("build", 8),
    ("drop", 32),
    ("break", 16),
    ("build", 8),
    ("drop", 32),
    ("outro", 16),
)


def deck(
    bpm: float,
    form: tuple[tuple[str, int], ...] = FORM,
    style: str = "Deep House",
    *,
    first: float = 0.0,
    level: float = -10.0,
    heard: bool = True,
) -> Deck:
    bars = sum(length for _, length in form)
    starts = np.cumsum([0, *(length for _, length in form)]).tolist()
    times = first + np.arange(bars * BEATS + 1) * 60 / bpm
    sections = tuple(Section(name, start, length) for (name, length), start in zip(form, starts, strict=False))
    path = Path(f"{style} {bpm:g}.flac")
    return Deck(path, float(times[-1]) + 0.4, Grid(times, heard), sections, level, style=style, family=FAMILIES[style])


def at(transition: Transition, place: float) -> tuple[list[float], list[float]]:
    old, new = transition.gains(np.array([place]))
    return old[:, 0].tolist(), new[:, 0].tolist()


def test_deep_house_blends_the_outro_of_the_one_over_the_intro_of_the_other() -> None:
    found = plan(deck(122), deck(125))
    assert (found.technique.name, found.leave, found.enter, found.bars, found.loop) == ("blend", 120, 0, 16, 0)
    assert found.matched
    assert found.factor == pytest.approx(122 / 125)
    assert "16 bars at 122.00 BPM, the new track -2.4 %" in found.reason


def test_a_long_intro_makes_a_long_blend() -> None:
    long = (("intro", 37), *FORM[1:])
    assert plan(deck(122, (*FORM[:-1], ("outro", 40))), deck(122, long)).bars == 32


def test_an_outro_that_is_too_short_is_looped() -> None:
    found = plan(deck(122, (*FORM[:-1], ("outro", 8))), deck(122))
    assert (found.leave, found.bars, found.loop) == (120, 16, 8)
    assert found.played().tolist() == [*range(120, 128), *range(120, 128)]
    assert "looped" in found.reason


def test_brostep_is_cut_on_the_drop() -> None:
    found = plan(deck(145, style="Brostep"), deck(140, style="Brostep"))
    assert found.technique.name == "cut"
    assert found.enter + found.bars == 32  # the first drop of the new track falls on the end
    assert found.leave + found.bars == 120  # of the last drop of the old one
    before, after = at(found, found.bars - 0.1), at(found, found.bars)
    assert before[0][0] == 1
    assert before[1][0] == 0
    assert after[0] == pytest.approx([0, 0, 0], abs=1e-12)
    assert after[1] == pytest.approx([1, 1, 1])


def test_two_tracks_of_drum_and_bass_drop_together() -> None:
    found = plan(deck(174, style="Drum & Bass"), deck(172, style="Drum & Bass"))
    assert found.technique.name == "double drop"
    assert (found.leave + 8, found.enter + 8) == (88, 32)


def test_where_tempi_do_not_meet_the_old_track_goes_in_an_echo() -> None:
    found = plan(deck(100, style="House / Nu Disco / Disco"), deck(128))
    assert (found.technique.name, found.matched, found.factor) == ("echo out", False, 1.0)
    assert "100.0 and 128.0 BPM are more than 8% apart" in found.reason


@pytest.mark.parametrize(("one", "two"), [(87.0, 172.0), (172.0, 87.0)])
def test_half_and_double_tempo_meet(one: float, two: float) -> None:
    found = plan(deck(one, style="Trap"), deck(two, style="Drum & Bass"))
    assert found.matched
    assert abs(found.factor - 1) < 0.02
    assert {found.a.counted, found.b.counted} == {1, 2}


def test_without_a_beat_there_is_a_fade() -> None:
    found = plan(deck(120, style="Ambient / Electronic", heard=False), deck(125))
    assert (found.technique.name, found.matched) == ("fade", False)
    assert found.reason.endswith(": a slow fade; without a beat in both tracks there is nothing to align")
    assert found.leave + found.bars == found.a.grid.bars


def test_a_track_is_not_left_before_it_may() -> None:
    found = plan(deck(120), deck(120), after=250.0)
    assert found.a.grid.bar(found.leave) >= 250.0


def test_a_way_to_mix_can_be_asked_for() -> None:
    assert plan(deck(120), deck(120), technique="cut").technique.name == "cut"
    assert "without a beat" not in plan(deck(120), deck(120), technique="fade").reason
    assert "do not meet" not in plan(deck(120), deck(120), technique="echo out").reason
    with pytest.raises(EarmarkError, match="no way to mix called 'magic', only blend, swap, cut"):
        plan(deck(120), deck(120), technique="magic")


def test_a_cut_without_a_drop_becomes_a_short_blend() -> None:
    plain = (("intro", 16), ("break", 64), ("outro", 16))
    found = plan(deck(145, style="Brostep"), deck(145, plain, "Brostep"))
    assert found.technique.name == "swap"
    assert "; no cut, for which a drop is missing, or too short or too early; " in found.reason


@pytest.mark.parametrize("style", ["Brostep", "Drum & Bass"])
def test_a_track_too_short_to_be_alone_after_its_drop_gets_a_short_blend(style: str) -> None:
    short = (("intro", 8), ("drop", 7))
    assert plan(deck(145, style=style), deck(145, short, style)).technique.name == "swap"


def test_every_pair_of_styles_has_a_technique() -> None:
    for one, family in FAMILIES.items():
        for two, other in FAMILIES.items():
            assert usual((one, family), (two, other)).name in techniques()
    assert usual(("", ""), ("", "")).name == "blend"


@pytest.mark.parametrize("name", techniques())
def test_shares_rise_from_nothing_to_all(name: str) -> None:
    shares = techniques()[name].shares(np.linspace(-0.2, 1.2, 2001), 0.01)
    assert shares.shape == (len(BANDS), 2001)
    assert np.all(shares[:, 0] == 0)
    assert np.all(shares[:, -1] == 1)
    assert np.all(np.diff(shares, axis=1) >= 0)


FORMS = st.lists(
    st.tuples(st.sampled_from(("intro", "break", "build", "drop", "outro")), st.integers(4, 40)), min_size=1, max_size=9
).map(tuple)
DECKS = st.builds(
    deck,
    st.floats(60, 200),
    FORMS,
    st.sampled_from(sorted(FAMILIES)),
    first=st.floats(0, 2),
    level=st.floats(-30, -4),
    heard=st.booleans(),
)


@settings(max_examples=100, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # shrinking is slow
@given(DECKS, DECKS, DECKS)
def test_what_holds_for_every_set_of_three(one: Deck, two: Deck, three: Deck) -> None:
    first = plan(one, two)
    second = plan(two, three, after=first.entered)
    for found in (first, second):
        check(found)
    played = schedule([one, two, three], [first, second])
    for each in played:
        lasting(each)
    for old, new in zip(played, played[1:], strict=False):
        assert new.came_at == pytest.approx(old.went_at)
        if old.went and old.went.matched:
            together(old, new, old.went)
    assert played[-1].until >= played[1].until - 1e-6


def check(found: Transition) -> None:
    """The bars exist, the stretch is small, and the powers of both tracks add up to one."""
    assert 0 <= found.leave < found.a.grid.bars
    assert 0 <= found.enter < found.b.grid.bars
    assert found.bars >= 1
    assert abs(found.factor - 1) <= STRETCH + 1e-9
    assert found.played().max() <= max(found.a.grid.bars - 1, found.leave) or found.technique.name == "echo out"
    old, new = found.gains(np.linspace(-1, found.bars + 1, 257))
    assert old**2 + new**2 == pytest.approx(np.ones((len(BANDS), 257)))
    assert np.minimum(old[0], new[0]).max() <= np.sqrt(0.5) + 1e-9  # never two basslines at full level


def lasting(each: Playback) -> None:
    """Spans follow each other in the mix, and stay within the file."""
    for one, two in zip(each.spans, each.spans[1:], strict=False):
        assert two.at == pytest.approx(one.until)
    for span in each.spans:
        assert span.until > span.at
        assert -1e-6 <= span.start < span.end <= each.deck.duration + 1e-6
        assert abs(span.factor - 1) <= STRETCH + 0.01


def together(old: Playback, new: Playback, how: Transition) -> None:
    """In the transition the beats of the one lie on those of the other."""
    end = old.went_at + min(how.bars, how.b.grid.bars - how.enter) * BEATS * how.beat
    mine = old.beats[(old.beats > old.went_at - 1e-6) & (old.beats < end - 1e-3)]
    yours = new.beats[(new.beats > old.went_at - 1e-6) & (new.beats < end - 1e-3)]
    step = max(how.a.counted, how.b.counted)
    fewer, more = sorted((mine, yours), key=len)
    assert len(more) <= step * (len(fewer) + 1)
    for beat in fewer:
        assert np.abs(more - beat).min() < 0.003


def test_phrases_lie_on_phrases() -> None:
    found = plan(deck(120), deck(124))
    assert found.leave % PHRASE == found.enter % PHRASE == 0


def test_after_a_transition_a_track_glides_to_its_own_tempo() -> None:
    first, second = deck(120), deck(126)
    _, new = schedule([first, second], [plan(first, second)])
    factors = [span.factor for span in new.spans]
    assert factors[0] == pytest.approx(120 / 126)
    assert factors[-1] == pytest.approx(1)
    assert np.all(np.diff(factors) > 0)
    assert max(np.diff(factors)) < 0.006


def test_a_transition_that_begins_too_early_is_refused() -> None:
    one, two, three = deck(120), deck(120), deck(120)
    early = Transition(two, three, techniques()["cut"], 2, 0, 4, 0, matched=True, reason="")
    with pytest.raises(ValueError, match="before it has come in"):
        schedule([one, two, three], [plan(one, two), early])
