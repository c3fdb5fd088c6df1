"""Sections on the bars of a track, and the bars themselves."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.analysis import Rhythm
from earmark.dj import structure
from earmark.dj.grid import BEATS, Grid
from earmark.dj.structure import NAMES, Section, most_probable, sections
from earmark.hearing.rhythm import Envelopes, OnsetAccumulator
from earmark.synth import render
from earmark.testing.tracks import steady

RATE = 22_050


def envelopes(waveform: np.ndarray) -> Envelopes:
    accumulator = OnsetAccumulator(RATE)
    accumulator.add(waveform)
    return accumulator.envelopes()


def test_a_grid_has_whole_bars_from_the_first_downbeat() -> None:
    grid = Grid.of(steady(120, 0.7, 21.0), 21.0)
    assert grid.heard
    assert grid.bar(0) == pytest.approx(0.7)
    assert grid.bars == 10
    assert grid.bar(10) == pytest.approx(20.7)
    assert grid.bpm == pytest.approx(120)


def test_the_first_beat_that_the_start_of_the_file_cuts_off_moves_nothing() -> None:
    beats = np.maximum(np.arange(41) * 0.5 - 0.018, 0)
    grid = Grid.of(Rhythm(120, 1, 0.0, beats, beats[::4]), 20.4)
    assert grid.bar(0) == pytest.approx(1.982)
    assert np.diff(grid.times) == pytest.approx(np.full(grid.bars * BEATS, 0.5))


def test_a_track_without_a_beat_is_counted_in_bars_of_two_seconds() -> None:
    grid = Grid.of(None, 31.0)
    assert (grid.heard, grid.bars, grid.bar(15)) == (False, 15, 30.0)


def test_counted_twice_as_fast_a_grid_keeps_its_times() -> None:
    grid = Grid.of(steady(87, 0.0, 60.0), 60.0)
    doubled = grid.doubled()
    assert doubled.bpm == pytest.approx(174)
    assert doubled.times[::2] == pytest.approx(grid.times)
    assert doubled.bars == 2 * grid.bars


@pytest.fixture(scope="module")
def club() -> tuple[Envelopes, Grid, dict[int, str]]:
    """A rendered track that nothing was fitted to, with the bar on which each section begins."""
    track = render("EDM & Big Room", seed=810_001, seconds=170, sample_rate=RATE)
    truth = track.truth
    beats = np.array(truth.beats)
    grid = Grid.of(Rhythm(truth.bpm, 1, 0.0, beats, beats[::4]), track.seconds)
    starts = {round(section.start * truth.bpm / 60 / BEATS): str(section.name) for section in truth.sections}
    return envelopes(track.waveform), grid, starts


def test_the_sections_of_a_club_track_are_found_within_a_bar(club: tuple[Envelopes, Grid, dict[int, str]]) -> None:
    heard, grid, true = club
    found = sections(heard, grid)
    near = [bar for bar in true if any(abs(section.bar - bar) <= 1 for section in found)]
    assert len(near) >= len(true) - 1
    assert abs(len(found) - len(true)) <= 1
    named = [name for section in found for name in [section.name] * section.bars]
    truth = [name for _, name in sorted(true.items())]
    lengths = np.diff([*sorted(true), grid.bars])
    expected = [name for name, bars in zip(truth, lengths, strict=True) for _ in range(bars)]
    assert np.mean(np.array(named) == np.array(expected)) > 0.8


def test_level_changes_no_section(club: tuple[Envelopes, Grid, dict[int, str]]) -> None:
    heard, grid, _ = club
    quiet = Envelopes(
        heard.frame_rate, heard.energies * np.float32(0.01), heard.fine_rate, heard.fine * np.float32(0.01)
    )
    assert sections(quiet, grid) == sections(heard, grid)


def test_silence_at_both_ends_is_no_bar(club: tuple[Envelopes, Grid, dict[int, str]]) -> None:
    heard, grid, _ = club
    frames = round(grid.bar(4) * heard.frame_rate)
    hushed = heard.energies.copy()
    hushed[:frames] = 0
    hushed[round(grid.bar(grid.bars - 2) * heard.frame_rate) :] = 0
    cut = structure.sounding(Envelopes(heard.frame_rate, hushed, heard.fine_rate, heard.fine), grid)
    assert cut.bar(0) == pytest.approx(grid.bar(4))
    assert cut.bars == grid.bars - 6


def test_a_recording_too_long_for_one_track_is_one_drop() -> None:
    empty = Envelopes(100.0, np.empty((0, 8), np.float32), 1000.0, np.empty(0, np.float32))
    assert sections(empty, Grid.of(None, 3600.0)) == (Section("drop", 0, 1800),)


@given(
    st.integers(1, 150),
    st.integers(0, 2**32 - 1),
)
def test_sections_cover_all_bars_and_only_neighbours_that_occur(bars: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    found = most_probable(generator.normal(0, 3, (bars, len(NAMES))), generator.normal(-3, 2, bars))
    assert found[0].bar == 0
    assert [section.end for section in found] == [*(section.bar for section in found[1:]), bars]
    assert all(section.bars > 0 for section in found)
    pairs = {(one.name, two.name) for one, two in zip(found, found[1:], strict=False)}
    assert pairs <= structure.NEXT.keys()


def test_the_table_has_every_kind_of_section() -> None:
    table = json.loads(Path(structure.__file__).with_name("structure.json").read_text(encoding="utf-8"))
    assert set(table) == {*NAMES, "weight", "beginning"}
    for name in NAMES:
        eigenvalues = np.linalg.eigvalsh(np.array(table[name]["precision"]))
        assert eigenvalues.min() > 0
