"""Teaching: nobody is tested by an artist it heard, figures are honest, wrong labels show, the bundle holds it all."""

import csv
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from earmark.cli import main
from earmark.errors import BundleError, ManifestError
from earmark.hearing import Listener, Model
from earmark.hearing.bundle import FORMAT, Config, read_config
from earmark.learning import bundle
from earmark.learning.data.embeddings import Embedded, embed
from earmark.learning.data.manifest import Manifest, ManifestEntry, labelled
from earmark.learning.networks import ARCHITECTURES
from earmark.learning.teaching import (
    HEADS,
    LabelledEmbeddings,
    OtherTracks,
    merging,
    other_tracks,
    prepare,
    read,
    read_others,
    reason_against,
    require_mergeable,
    require_teachable,
    study,
    usability,
    write,
)
from earmark.learning.teaching.accuracy import measure, share_of
from earmark.learning.teaching.gate import Gate
from earmark.learning.teaching.heads import Candidate, candidates
from earmark.learning.teaching.label_issues import rank
from earmark.learning.teaching.labelled import group
from earmark.learning.teaching.validation import (
    cross_validate,
    fit_track_temperature,
    fold,
    held_out_logits,
    loss_of,
    nested_probabilities,
    track_probabilities,
)
from earmark.measures.classification import apply_temperature
from earmark.testing import noise, tone, write_wav
from earmark.testing.bundles import tiny_bundle

DIMS = 8
LINEAR = Candidate("linear", {"C": 1.0})


def lesson(
    labels: NDArray[np.intp], rows: NDArray[np.floating], artists: list[str] | None = None
) -> LabelledEmbeddings:
    """A track for each row, which is its only window."""
    styles = tuple(f"Style {number}" for number in range(labels.max() + 1))
    entries = [
        ManifestEntry(Path(f"/{track}.wav"), (styles[label],), artist=artists[track] if artists else f"artist {track}")
        for track, label in enumerate(labels)
    ]
    heard = [
        Embedded(entry.path, row[None].astype(np.float32), np.zeros((1, 3), np.float32))
        for entry, row in zip(entries, rows, strict=True)
    ]
    return prepare(Manifest("styles", styles, tuple(entries)), heard)


def blobs(per_style: int, styles: int = 3, *, distance: float = 3.0, seed: int = 0) -> LabelledEmbeddings:
    """Styles so far apart, in units of the deviation within; an artist makes two tracks of one style."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(styles), per_style)
    centres = distance * np.eye(styles, DIMS)
    artists = [f"{label} {number // 2}" for label in range(styles) for number in range(per_style)]
    return lesson(labels, centres[labels] + generator.normal(size=(len(labels), DIMS)), artists)


# Who may be tested against whom


def test_tracks_of_an_artist_copies_and_nameless_tracks_are_grouped() -> None:
    sounds = [np.full((1, 2), value, np.float32) for value in (0, 1, 2, 3, 3, 4, 5)]
    artists = ["The Förster", "forster feat. Else", "", "One", "Another", "", "ONE"]
    entries = [ManifestEntry(Path(f"/{n}"), artist=artist) for n, artist in enumerate(artists)]
    groups = group(entries, sounds)
    assert groups[0] == groups[1]
    assert groups[3] == groups[4] == groups[6]  # a copy under another name ties the two artists together
    assert len(set(groups)) == 4  # two nameless tracks are nobody's but their own


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 8)), min_size=12, max_size=40).filter(
        lambda tracks: min(np.bincount([style for style, _ in tracks], minlength=3)) >= 2
    )
)
@settings(max_examples=30)
def test_an_artist_is_never_on_both_sides_of_a_measured_fold(tracks: list[tuple[int, int]]) -> None:
    labels = np.array([style for style, _ in tracks])
    rows = np.arange(len(tracks) * DIMS, dtype=np.float32).reshape(-1, DIMS)
    taught = lesson(labels, rows, [f"artist {artist}" for _, artist in tracks])
    folds = fold(taught)
    assert sorted(np.concatenate([test for _, test in folds.parts])) == list(range(len(tracks)))
    for train, test in folds.parts:
        assert not set(train) & set(test)
        assert not set(taught.groups[train]) & set(taught.groups[test][folds.measured[test]])
        if folds.measured.any():
            assert set(taught.labels[train]) == {0, 1, 2}


def test_a_leak_would_show() -> None:
    """Every artist has a sound of his own and styles are drawn by lot: there is nothing to learn but who it is."""
    generator = np.random.default_rng(0)
    artist_of = np.repeat(np.arange(30), 4)
    labels = generator.permutation(np.arange(30) % 3)[artist_of]
    rows = (4 * generator.normal(size=(30, DIMS)))[artist_of] + 0.1 * generator.normal(size=(120, DIMS))
    taught = lesson(labels, rows, [f"artist {artist}" for artist in artist_of])
    leaking = replace(taught, groups=np.arange(120))
    nearest = Candidate("neighbours", {"k": 3, "metric": "euclidean"})

    def accuracy(of: LabelledEmbeddings) -> float:
        return float((held_out_logits(of, fold(of), nearest).argmax(1) == labels).mean())

    assert accuracy(leaking) > 0.95
    assert accuracy(taught) < 0.55


def test_a_style_by_one_artist_is_learned_but_not_measured() -> None:
    taught = blobs(8)
    alone = lesson(
        taught.labels, taught.windows, ["soloist" if label == 2 else f"{n}" for n, label in enumerate(taught.labels)]
    )
    found = study(alone, ["linear"])
    assert found.folds.measured.tolist() == [True] * 16 + [False] * 8
    assert found.unmeasured() == ["Style 2"]
    assert found.accuracy is not None
    assert found.accuracy.tracks == 16
    assert set(found.accuracy.by_style) == {"Style 0", "Style 1"}
    for train, _ in found.folds.parts:
        assert 2 in alone.labels[train]


def test_styles_by_one_artist_each_are_not_measured_at_all() -> None:
    taught = blobs(6)
    alone = lesson(taught.labels, taught.windows, [f"artist {label}" for label in taught.labels])
    found = study(alone, ["linear"])
    assert found.accuracy is None
    assert found.curve == []
    assert found.unmeasured() == ["Style 0", "Style 1", "Style 2"]
    assert (found.best.candidate.fit(alone)(alone.windows).argmax(1) == alone.labels).mean() > 0.9


# Honest figures


def test_the_honest_figure_of_noise_is_that_of_guessing_while_the_best_of_many_flatters() -> None:
    generator = np.random.default_rng(0)
    lucky, honest = [], []
    for _ in range(4):
        labels = np.repeat([0, 1], 20)
        taught = lesson(labels, generator.normal(size=(40, DIMS)))
        folds = fold(taught)
        trials, selection = cross_validate(taught, folds, candidates(("linear", "neighbours")))
        lucky.append(max((trial.logits.argmax(1) == labels).mean() for trial in trials))
        honest.append((selection.held_out.argmax(1) == labels).mean())
    assert np.mean(lucky) > 0.55
    assert abs(np.mean(honest) - 0.5) < 0.08


def test_a_folds_tracks_are_predicted_by_what_was_best_on_the_others() -> None:
    """One candidate is right on the first fold only, one on all but the first: neither is chosen where it is right."""
    taught = blobs(10, 2, distance=0)
    folds = fold(taught)
    first = np.isin(np.arange(20), folds.parts[0][1])
    right = np.where(np.eye(2)[taught.labels] == 1, 3.0, -3.0)
    trial = cross_validate(taught, folds, [LINEAR])[0][0]
    here = replace(trial, logits=np.where(first[:, None], right, -right))
    there = replace(trial, logits=np.where(first[:, None], -right, right))
    honest = nested_probabilities(taught, folds, [here, there])
    assert (honest.argmax(1) == taught.labels).tolist() == (~first).tolist()


def test_well_separated_styles_are_all_right_and_the_interval_says_how_few_they_were() -> None:
    taught = blobs(10, distance=40)
    selection = cross_validate(taught, fold(taught), [LINEAR])[1]
    found = measure(taught, fold(taught), selection.held_out)
    assert found is not None
    assert (found.tracks, found.artists) == (30, 15)
    assert found.micro.value == found.macro.value == 1.0
    assert found.micro.low == pytest.approx(0.796, abs=1e-3)  # Wilson's interval for 15 of 15
    assert found.guess == pytest.approx(1 / 3)
    assert selection.held_out.max() < 0.9999  # ten tracks without a mistake are no certainty


def test_weights_are_alike_for_styles_and_1_on_average() -> None:
    taught = lesson(np.array([0] * 9 + [1] * 3), np.eye(12, DIMS))
    assert taught.track_weights().tolist() == pytest.approx([6 / 9] * 9 + [6 / 3] * 3)
    assert taught.window_weights().tolist() == pytest.approx(taught.track_weights().tolist())  # a window each


def test_two_percent_of_the_taught_tracks_are_called_unknown() -> None:
    taught = blobs(50, 2, distance=2)
    held_out = cross_validate(taught, fold(taught), candidates(["linear"]))[1].held_out
    assert (held_out.max(1) < study(taught, ["linear"]).threshold).sum() == 2  # of 100


def test_the_loss_counts_styles_alike_and_trusts_the_label_of_a_rare_style_less() -> None:
    labels = np.array([0] * 9 + [1] * 2)
    taught = lesson(labels, np.arange(11 * DIMS, dtype=float).reshape(11, DIMS))
    probabilities = np.tile([0.9, 0.1], (11, 1))  # right for the nine, wrong for the two
    common = -(0.95 * np.log(0.9) + 0.05 * np.log(0.1))  # a tenth of doubt, half of it for each style
    rare = -(1 / 6 * np.log(0.9) + 5 / 6 * np.log(0.1))
    assert loss_of(probabilities, taught) == pytest.approx((common + rare) / 2)


@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_the_temperature_follows_the_scale_of_the_logits(factor: float) -> None:
    taught = blobs(20, distance=1.5)
    logits = held_out_logits(taught, fold(taught), LINEAR)
    (plain, loss), (scaled, same) = (fit_track_temperature(taught, each) for each in (logits, factor * logits))
    assert scaled / plain == pytest.approx(factor, rel=0.02)
    assert same == pytest.approx(loss, abs=1e-4)


def test_the_mean_over_windows_comes_after_the_softmax() -> None:
    logits = np.log([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9]])
    found = track_probabilities(logits, np.array([0, 0, 1]), 1.0)
    np.testing.assert_allclose(found, [[0.6, 0.4], [0.1, 0.9]])


def test_the_learning_curve_rises_where_there_is_something_to_learn() -> None:
    curve = study(blobs(40, distance=2.0), ["linear"]).curve
    assert [round(point.per_style) for point in curve] == [2, 5, 10, 20, 32]
    assert curve[-1].accuracy.value > curve[0].accuracy.value + 0.1
    assert all(point.accuracy.low < point.accuracy.value < point.accuracy.high for point in curve)


def test_the_learning_curve_rises_in_its_sizes_where_styles_have_unequal_numbers_of_tracks() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [60, 8, 8])
    rows = 2 * np.eye(3, DIMS)[labels] + generator.normal(size=(76, DIMS))
    curve = study(lesson(labels, rows), ["linear"]).curve
    assert [point.per_style for point in curve] == [2, 5, 10, 20, pytest.approx(48)]  # of the largest, in four folds


def test_intervals_are_over_groups() -> None:
    hits = np.repeat([1.0, 0.0], 50)
    tracks, artists = (share_of(hits, groups) for groups in (np.arange(100), np.repeat(np.arange(4), 25)))
    assert tracks.value == artists.value == 0.5
    assert artists.high - artists.low > 3 * (tracks.high - tracks.low)


# Labels that are wrong


@pytest.mark.parametrize("planted", [3, 17, 25])
def test_a_planted_wrong_label_is_ranked_first_and_flagged(planted: int) -> None:
    taught = blobs(12, distance=8)
    labels = taught.labels.copy()
    labels[planted] = (labels[planted] + 1) % 3
    wrong = lesson(labels, taught.windows, [entry.artist for entry in taught.entries])
    found = study(wrong).label_issues
    assert len(found) == 36
    assert found[0].entry.path == Path(f"/{planted}.wav")
    assert found[0].looks_like == f"Style {taught.labels[planted]}"
    assert [issue.entry.path for issue in found if issue.flagged] == [Path(f"/{planted}.wav")]
    assert [issue.margin for issue in found] == sorted(issue.margin for issue in found)


def test_a_track_is_flagged_if_another_style_is_as_probable_as_it_is_for_its_own() -> None:
    taught = lesson(np.array([0, 0, 0, 1, 1, 1]), np.eye(6, DIMS))
    first = np.array([0.9, 0.5, 0.1, 0.2, 0.3, 0.4])  # so probable is style 0; on average 0.5 for its own tracks
    found = rank(taught, np.stack([first, 1 - first], 1))  # and style 1 0.7 for its own
    assert [(issue.entry.path.stem, round(issue.margin, 3), issue.flagged) for issue in found] == [
        ("2", -0.8, True),
        ("1", 0.0, False),
        ("5", 0.2, False),
        ("4", 0.4, False),
        ("3", 0.6, False),
        ("0", 0.8, False),
    ]


# What cannot be taught


def of(*labels: str) -> Manifest:
    return labelled("styles", [ManifestEntry(Path(f"/{n}.wav"), (label,)) for n, label in enumerate(labels)])


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (of(), "crate: there are no tracks to learn from"),
        (of("Acid", "Acid"), "crate: all tracks are 'Acid'; teaching needs at least two styles"),
        (of("Acid", "Acid", "Gqom"), "crate: 'Gqom' has 1 track; teaching needs at least 2 of each style"),
        (
            labelled("tags", [ManifestEntry(Path("/a.wav"), ("Acid",))]),
            "crate: it names tags; teaching needs one style",
        ),
    ],
)
def test_what_cannot_be_taught_is_said_before_anything_is_heard(manifest: Manifest, reason: str) -> None:
    with pytest.raises(ManifestError, match=reason):
        require_teachable(manifest, "crate")


def test_tracks_that_could_not_be_heard_may_leave_too_little() -> None:
    heard = [Embedded(Path(f"/{n}.wav"), np.ones((1, 2), np.float32), np.ones((1, 1), np.float32)) for n in range(3)]
    with pytest.raises(ManifestError, match="crate: 'Gqom' has 1 track"):
        prepare(of("Acid", "Acid", "Gqom", "Gqom"), heard, "crate")


def test_a_folder_without_styles_and_a_split_without_tracks_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=rf"{tmp_path}: there is no folder of a style in it"):
        read(tmp_path)
    for style in ("Acid", "Gqom"):
        (tmp_path / style).mkdir()
        for name in "ab":
            write_wav(tmp_path / style / f"{name}.wav", tone(440, 0.1, 8000), 8000)
    assert [entry.labels for entry in read(tmp_path).manifest.entries] == [("Acid",), ("Acid",), ("Gqom",), ("Gqom",)]
    with pytest.raises(ManifestError, match="no track is in the split 'verse'"):
        read(tmp_path, ["verse"])


# Merging


def far_and_near(seed: int = 0) -> tuple[LabelledEmbeddings, OtherTracks]:
    """Two taught styles, and other music elsewhere, which the base calls 0 if its third value is positive, else 1."""
    generator = np.random.default_rng(seed)
    taught = blobs(16, 2, distance=6)
    rows = generator.normal(size=(30, DIMS)) - 5
    rows[:, 2] = generator.choice([-4, 4], 30) + generator.normal(size=30)
    heard = [
        Embedded(Path(f"/other {n}.wav"), row[None].astype(np.float32), np.array([[row[2], -row[2], -9]], np.float32))
        for n, row in enumerate(rows)
    ]
    entries = [ManifestEntry(each.path, artist=f"other {n // 2}") for n, each in enumerate(heard)]
    return other_tracks(taught, heard, entries)


def test_the_gate_tells_taught_from_other_music_and_from_what_is_neither() -> None:
    taught, others = far_and_near()
    gate = merging.fit_gate(taught, others)
    own, far, neither = (
        gate(rows.astype(np.float32))[:, 0].mean() for rows in (taught.windows, others.windows, np.full((1, DIMS), 60))
    )
    assert own > 0.9
    assert far < 0.1
    assert neither < 0.01


def test_where_taught_and_other_music_sound_alike_a_third_is_taken_to_be_taught() -> None:
    taught = blobs(30, 2, distance=0)
    rows = np.random.default_rng(1).normal(size=(60, DIMS)).astype(np.float32)
    heard = [Embedded(Path(f"/other {n}.wav"), row[None], np.zeros((1, 3), np.float32)) for n, row in enumerate(rows)]
    entries = [ManifestEntry(each.path, artist=f"other {n // 2}") for n, each in enumerate(heard)]
    gate = merging.fit_gate(*other_tracks(taught, heard, entries))
    assert 1 / (1 + np.exp(-gate.nearer[0])) == pytest.approx(1 / 3, abs=0.05)


def test_merged_held_out_taught_tracks_win_and_others_keep_their_answer() -> None:
    taught, others = far_and_near()
    found = study(taught, ["linear"])
    base = config(["Left", "Right", "Never"])
    merged = merging.measure(taught, others, found.folds, found.best, base, np.random.default_rng(0))
    assert merged.styles == ("Left", "Right", "Never", "Style 0", "Style 1")
    assert merged.others == 30
    assert merged.won.value > 0.9
    assert merged.kept.value > 0.95


def test_no_gate_is_fitted_to_an_artist_that_it_is_tested_on(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = blobs(16, 2, distance=6)
    rows = np.random.default_rng(0).normal(size=(30, DIMS)).astype(np.float32) - 5
    heard = [Embedded(Path(f"/other {n}.wav"), row[None], np.zeros((1, 3), np.float32)) for n, row in enumerate(rows)]
    # Half of the other tracks are by artists of taught ones.
    entries = [ManifestEntry(each.path, artist=f"{n % 2} {n // 2}") for n, each in enumerate(heard)]
    taught, others = other_tracks(plain, heard, entries)
    assert set(taught.groups) & set(others.groups)
    fitted: list[tuple[set[int], set[int]]] = []
    fit = merging.fit_gate

    def noted(labelled: LabelledEmbeddings, others: OtherTracks) -> Gate:
        fitted.append((set(labelled.groups.tolist()), set(others.groups.tolist())))
        return fit(labelled, others)

    monkeypatch.setattr(merging, "fit_gate", noted)
    found = study(taught, ["linear"])
    merging.measure(
        taught, others, found.folds, found.best, config(["Left", "Right", "Never"]), np.random.default_rng(0)
    )
    for (_, test), (own, far) in zip(found.folds.parts, fitted, strict=True):
        tested = set(taught.groups[test].tolist())
        assert not tested & own
        assert not tested & far


def test_other_music_is_without_what_is_taught_and_copies_of_it() -> None:
    taught = blobs(4)
    copies = [Embedded(Path("/copy.wav"), taught.windows[:1], taught.logits[:1])]
    same = [Embedded(entry.path, np.zeros((1, DIMS), np.float32), taught.logits[:1]) for entry in taught.entries]
    new = [
        Embedded(Path(f"/new {n}.wav"), np.full((2, DIMS), n, np.float32), np.zeros((2, 3), np.float32))
        for n in range(10)
    ]
    heard = [*copies, *same, *new]
    entries = [ManifestEntry(each.path, artist="0 0" if each is new[0] else "") for each in heard]
    again, others = other_tracks(taught, heard, entries)
    assert others.track_of.tolist() == np.repeat(np.arange(10), 2).tolist()
    assert others.groups[0] == again.groups[0] == again.groups[1]  # the same artist made taught tracks
    assert not set(others.groups[1:]) & set(again.groups)
    with pytest.raises(
        ManifestError, match="library: 9 tracks are left without the taught ones; merging needs at least 10"
    ):
        other_tracks(taught, heard[:-1], entries, "library")


def test_merging_needs_taught_tracks_of_two_artists() -> None:
    taught, others = far_and_near()
    with pytest.raises(ManifestError, match="by one artist; merging needs at least two of each"):
        merging.fit_gate(replace(taught, groups=np.zeros_like(taught.groups)), others)


# What is of no use


def test_a_merging_by_which_few_tracks_get_their_label_is_not_usable() -> None:
    taught, others = far_and_near()
    found = study(taught, ["linear"])
    base = config(["Left", "Right", "Never"])
    merged = merging.measure(taught, others, found.folds, found.best, base, np.random.default_rng(0))
    assert reason_against(found, None) == reason_against(found, merged) == ""
    few = replace(merged, won=replace(merged.won, value=0.05))
    assert reason_against(found, few) == "beside the model's own styles, 5% of your tracks get your label"


def test_a_head_that_is_no_better_than_drawing_lots_is_not_usable() -> None:
    found = study(blobs(12, 3), ["linear"])
    assert found.accuracy is not None
    assert found.accuracy.macro.value > 1 / 3
    assert reason_against(found, None) == ""
    lots = replace(found, accuracy=replace(found.accuracy, macro=replace(found.accuracy.macro, value=0.33)))
    assert reason_against(lots, None) == (
        "33% of the tracks by unheard artists are right, styles counting alike, and drawing lots gives 33%"
    )
    assert lots.accuracy is not None
    assert reason_against(replace(lots, accuracy=replace(lots.accuracy, tracks=19)), None) == ""  # too few to know


# The bundle


class Loudness(nn.Module):
    """A base that hears how loud a window is at 16 pitches, and calls it Low or High by the louder half.

    Shape: (batch, samples) -> (batch, 2), (batch, 16).
    """

    sample_rate, samples = 8000, 4000

    def __init__(self, styles: int) -> None:
        super().__init__()
        assert styles == 2
        angle = 2 * np.pi * torch.arange(80)[:, None] * torch.arange(1, 17) * 200 / 8000  # 200 to 3200 Hz
        self.waves = nn.Parameter(torch.cat([angle.sin(), angle.cos()], 1))  # (80, 32)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        parts = (torch.unflatten(waveform, 1, (-1, 80)) @ self.waves) ** 2  # (batch, frames, 32)
        levels = (parts[..., :16] + parts[..., 16:]).mean(1).add(1e-3).log()  # (batch, 16)
        return torch.stack([levels[:, :8].mean(1), levels[:, 8:].mean(1)], 1), levels


def config(styles: list[str], **changes: object) -> Config:
    plain = Config(
        format=FORMAT,
        name="base",
        task="styles",
        architecture="loudness",
        settings={},
        sample_rate=8000,
        window=0.5,
        hop=0.5,
        shortest=0.5,
        styles=styles,
        families=dict.fromkeys(styles, "House"),
        temperature=1.0,
        unknown_threshold=0.3,
        provenance={"summary": "made by hand", "data": "Sines, (c) nobody"},
        measures={},
        sha256={},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Write a small base of an architecture that only this module knows, and return its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "loudness", Loudness)
        folder = tmp_path_factory.mktemp("models") / "base"
        check = noise(0.5, np.random.default_rng(0), 8000)[None]
        bundle.write(folder, Loudness(2), config(["Low", "High"]), "# base\n", check)
        yield folder


def pitched(hz: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """A second of a tone within 40 Hz of a pitch, in noise."""
    sound = tone(hz + generator.uniform(-40, 40), 1.2, 8000, level=0.4) + noise(1.2, generator, 8000, level=0.2)
    return sound.astype(np.float32)


PITCHES = {"Hum": 600.0, "Whistle": 1400.0}
OTHER_PITCHES = (2200.0, 2600.0, 3000.0)


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two styles of eight tracks, one of which is in the wrong folder, beside other music."""
    folder = tmp_path_factory.mktemp("music")
    generator = np.random.default_rng(0)
    for style, hz in PITCHES.items():
        (folder / "styles" / style).mkdir(parents=True)
        for number in range(8):
            wrong = style == "Hum" and number == 5
            sound = pitched(PITCHES["Whistle"] if wrong else hz, generator)
            write_wav(folder / "styles" / style / f"{number}.wav", sound, 8000)
    (folder / "others").mkdir()
    for number in range(15):
        write_wav(folder / "others" / f"{number}.wav", pitched(OTHER_PITCHES[number % 3], generator), 8000)
    return folder


@pytest.fixture(scope="module")
def heard_crate(crate: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> LabelledEmbeddings:
    manifest = read(crate / "styles").manifest
    cache = tmp_path_factory.mktemp("cache")
    return prepare(
        manifest,
        [each for each in embed([e.path for e in manifest.entries], base, cache, 1) if isinstance(each, Embedded)],
    )


@pytest.mark.parametrize("kind", HEADS)
def test_the_bundle_hears_what_the_head_hears(
    kind: str, heard_crate: LabelledEmbeddings, base: Path, tmp_path: Path
) -> None:
    found = study(heard_crate, [kind])
    write(found, base, tmp_path / "taught", tmp_path / "report")
    model = Model.open(tmp_path / "taught")
    model.verify()
    assert model.config.styles == ["Hum", "Whistle"]
    assert model.config.families == {"Hum": "Hum", "Whistle": "Whistle"}
    generator = np.random.default_rng(7)
    waveforms = np.stack([pitched(hz, generator)[:4000] for hz in (600, 1400, 2600)])
    logits, embeddings = model.run(waveforms)
    _, expected = Model.open(base).run(waveforms)
    np.testing.assert_allclose(embeddings, expected, atol=1e-4)
    np.testing.assert_allclose(logits, found.best.candidate.fit(heard_crate)(expected), atol=1e-3)
    assert logits.argmax(1)[:2].tolist() == [0, 1]
    network = bundle.load_network(tmp_path / "taught")
    with torch.no_grad():
        again, _ = network(torch.from_numpy(waveforms))
    np.testing.assert_allclose(again.numpy(), logits, atol=1e-4)
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_whose_works_the_base_learned_from_stands_beside_what_was_taught(
    heard_crate: LabelledEmbeddings, base: Path, tmp_path: Path
) -> None:
    pool = tmp_path / "base"
    shutil.copytree(base, pool)
    settings = json.loads((pool / "config.json").read_text(encoding="utf-8"))
    settings["provenance"]["ear"] = "Taught by somebody. Sound: see ATTRIBUTION.md"
    (pool / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    (pool / "ATTRIBUTION.md").write_text("Ännchen, CC-BY\n", encoding="utf-8")
    found = study(heard_crate, ["linear"])
    write(found, pool, tmp_path / "taught", tmp_path / "report")
    assert (tmp_path / "taught" / "ATTRIBUTION.md").read_text(encoding="utf-8") == "Ännchen, CC-BY\n"
    card = " ".join((tmp_path / "taught" / "README.md").read_text(encoding="utf-8").split())
    assert "Data behind `base`: Sines, (c) nobody. Taught by somebody. Sound: see ATTRIBUTION.md." in card
    write(found, base, tmp_path / "taught", tmp_path / "report")
    assert not (tmp_path / "taught" / "ATTRIBUTION.md").exists()


def test_the_card_and_the_report_hold_the_figures(
    heard_crate: LabelledEmbeddings, base: Path, tmp_path: Path, crate: Path
) -> None:
    found = study(heard_crate, ["linear"])
    write(found, base, tmp_path / "taught", tmp_path / "report")
    card = (tmp_path / "taught" / "README.md").read_text(encoding="utf-8")
    config_text = (tmp_path / "taught" / "config.json").read_text(encoding="utf-8")
    assert found.accuracy is not None
    assert f"{found.accuracy.micro.value:.3f} ({found.accuracy.micro.low:.3f}" in card
    assert "16 of 16 tracks name no artist" in card
    assert "Sines, (c) nobody" in card
    assert str(crate) not in card + config_text
    with (tmp_path / "report" / "suspects.csv").open(encoding="utf-8", newline="") as file:
        suspects = list(csv.DictReader(file))
    assert suspects[0]["path"] == str(crate / "styles" / "Hum" / "5.wav")
    assert (suspects[0]["style"], suspects[0]["looks_like"], suspects[0]["flagged"]) == ("Hum", "Whistle", "yes")
    assert len(suspects) == 16
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert len(report["candidates"]) == len(candidates(["linear"]))
    assert report["accuracy"]["micro"][0] == round(found.accuracy.micro.value, 3)
    counts = np.array(report["accuracy"]["confusion"]["counts"])
    assert counts.sum() == sum(report["accuracy"]["reliability"]["count"]) == found.accuracy.tracks
    assert counts.trace() / counts.sum() == pytest.approx(found.accuracy.micro.value)
    assert report["learning_curve"][0]["tracks_per_style"] == 2
    assert (tmp_path / "report" / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("**/*.part"))


def test_a_merged_bundle_answers_with_both(
    heard_crate: LabelledEmbeddings, base: Path, crate: Path, tmp_path: Path
) -> None:
    entries = read_others(crate / "others")
    heard = [
        each for each in embed([e.path for e in entries], base, tmp_path / "cache", 1) if isinstance(each, Embedded)
    ]
    taught, others = other_tracks(heard_crate, heard, entries)
    found = study(taught, ["linear"])
    merged = write(found, base, tmp_path / "merged", tmp_path / "report", others=others)
    assert merged is not None
    model, alone = Model.open(tmp_path / "merged"), Model.open(base)
    model.verify()
    assert model.config.styles == ["Low", "High", "Hum", "Whistle"]
    assert model.config.families["Low"] == "House"
    generator = np.random.default_rng(8)
    new = [model.hear(pitched(hz, generator)).timeline.top(1)[0][0] for hz in (600, 600, 1400, 1400)]
    assert new == ["Hum", "Hum", "Whistle", "Whistle"]
    for hz in (2200, 2600, 3000):
        sound = pitched(hz, generator)
        before, after = alone.hear(sound).timeline, model.hear(sound).timeline
        assert after.top(1)[0][0] == before.top(1)[0][0] == "High"
        np.testing.assert_allclose(after.mean()[:2], before.mean(), atol=0.1)
    sound = pitched(900, generator)[None, :4000]  # between all: the probabilities are the weighted sum
    logits, embedding = alone.run(sound)
    share = merging.fit_gate(taught, others)(embedding)[0, 0]
    head = apply_temperature(found.best.candidate.fit(taught)(embedding), found.best.temperature)
    mixed = np.concatenate([(1 - share) * apply_temperature(logits, 1.0), share * head], 1)
    np.testing.assert_allclose(apply_temperature(model.run(sound)[0], 1.0), mixed, atol=1e-4)
    network = bundle.load_network(tmp_path / "merged")
    with torch.no_grad():
        np.testing.assert_allclose(network(torch.from_numpy(sound))[0].numpy(), model.run(sound)[0], atol=1e-3)
    assert f"{merged.kept.value:.3f} (" in (tmp_path / "merged" / "README.md").read_text(encoding="utf-8")


def test_what_is_no_model_is_not_replaced(heard_crate: LabelledEmbeddings, base: Path, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "one.wav").write_bytes(b"precious")
    with pytest.raises(BundleError, match=rf"{tmp_path / 'music'}: this is not a model"):
        write(study(heard_crate, ["linear"]), base, tmp_path / "music", tmp_path / "report")
    assert (tmp_path / "music" / "one.wav").read_bytes() == b"precious"


def test_a_model_of_tags_cannot_keep_its_styles(tmp_path: Path) -> None:
    tags = tiny_bundle(tmp_path / "tags", task="tags")
    with pytest.raises(BundleError, match=rf"{tags}: it names tags; only a model that names styles"):
        require_mergeable(tags)


# The command


@pytest.fixture
def earmark(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return the command, run in this process: exit status, standard output and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["earmark", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        return status, *capsys.readouterr()

    return run


def test_the_command_teaches_and_says_what_it_found(
    earmark: Callable[..., tuple[int, str, str]], crate: Path, base: Path, tmp_path: Path
) -> None:
    options = ("--model", base, "--cache", tmp_path / "cache", "--workers", "1", "--head", "linear")
    status, printed, said = earmark("teach", crate / "styles", tmp_path / "mine", *options)
    assert status == 0, said
    for part in (
        "Hum",
        "8 tracks without one",
        "linear (C",
        "Accuracy on unheard artists",
        "Learning curve",
        "Hum/5.wav",
    ):
        assert part in printed
    assert f"written: {tmp_path / 'mine'}" in printed.replace("\n", "")
    listen = Listener(Model.open(tmp_path / "mine"))
    sound = write_wav(tmp_path / "new.wav", pitched(1400, np.random.default_rng(9)), 8000)
    assert listen(sound).timeline.top(1)[0][0] == "Whistle"


WITHOUT_TORCH = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnxscript", "lightning_fabric", "h5py", "pydantic"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from earmark.cli import main
main()
"""


@pytest.mark.parametrize("merge", [False, True])
def test_a_model_is_taught_where_torch_is_not_installed(
    crate: Path, base: Path, tmp_path: Path, *, merge: bool
) -> None:
    options = ["--model", base, "--cache", tmp_path / "cache", "--workers", "1", "--head", "linear"]
    options += ["--with-styles", crate / "others"] if merge else []
    command = [sys.executable, "-c", WITHOUT_TORCH, "teach", crate / "styles", tmp_path / "mine", *options]
    answer = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    sound = pitched(1400, np.random.default_rng(9))
    model = Model.open(tmp_path / "mine")
    assert model.hear(sound).timeline.top(1)[0][0] == "Whistle"
    with torch.no_grad():  # and it can be trained further where torch is
        logits, _ = bundle.load_network(tmp_path / "mine")(torch.from_numpy(sound[None, :4000]))
    np.testing.assert_allclose(logits.numpy(), model.run(sound[None, :4000])[0], atol=1e-4)


def test_a_file_that_cannot_be_heard_is_named_and_the_rest_is_taught(
    earmark: Callable[..., tuple[int, str, str]],
    crate: Path,
    base: Path,
    tmp_path: Path,
) -> None:
    for style in PITCHES:
        (tmp_path / "styles" / style).mkdir(parents=True)
        for path in (crate / "styles" / style).iterdir():
            (tmp_path / "styles" / style / path.name).write_bytes(path.read_bytes())
    bad = tmp_path / "styles" / "Hum" / "5.wav"
    bad.write_bytes(b"nothing")
    options = ("--model", base, "--cache", tmp_path / "cache", "--workers", "1", "--head", "linear")
    status, printed, said = earmark("teach", tmp_path / "styles", tmp_path / "mine", *options)
    assert status == 1
    assert f"earmark: {bad}: " in said
    assert "No label looks wrong." in printed
    assert read_config(tmp_path / "mine").measures["tracks"] == 15


def test_a_model_that_is_not_usable_is_written_anyway_only(
    earmark: Callable[..., tuple[int, str, str]],
    crate: Path,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(usability, "LEAST_WON", 1.01)  # whatever is won is too little
    options = ["--model", base, "--cache", tmp_path / "cache", "--workers", "1", "--head", "linear"]
    options += ["--with-styles", crate / "others"]
    status, printed, said = earmark("teach", crate / "styles", tmp_path / "mine", *options)
    assert status == 1
    assert "Accuracy on unheard artists" in printed
    assert "written" not in printed
    message = r"earmark: not usable yet: beside the model's own styles, \d+% of your tracks get your label"
    assert re.search(rf"^{message}; not written without --anyway$", said, re.MULTILINE)
    assert not list(tmp_path.glob("mine*"))
    status, printed, said = earmark("teach", crate / "styles", tmp_path / "mine", *options, "--anyway")
    assert status == 0
    assert re.search(rf"^{message}$", said, re.MULTILINE)
    assert Model.open(tmp_path / "mine").config.styles == ["Low", "High", "Hum", "Whistle"]


def test_a_head_that_is_not_in_the_table_is_refused_before_anything_is_heard(
    earmark: Callable[..., tuple[int, str, str]], crate: Path, base: Path, tmp_path: Path
) -> None:
    status, _, said = earmark(
        "teach", crate / "styles", tmp_path / "mine", "--model", base, "--cache", tmp_path / "cache", "--head", "tree"
    )
    assert (status, said) == (1, "earmark: there is no head called 'tree'; the heads are linear, svm, neighbours\n")
    assert not (tmp_path / "cache").exists()


def test_the_page_lists_every_head_and_how_many_settings_it_has() -> None:
    page = (Path(__file__).parents[1] / "docs/teach.md").read_text(encoding="utf-8")
    for kind, head in HEADS.items():
        assert f"| `{kind}` | {head.title} | " in page
        assert f" | {len(head.grid)} |" in page.partition(f"| `{kind}` |")[2].splitlines()[0]


@pytest.mark.parametrize("target", ["crate", "report"])
def test_the_command_refuses_to_replace_what_is_no_model(
    earmark: Callable[..., tuple[int, str, str]], crate: Path, base: Path, target: str
) -> None:
    out = crate / "styles" if target == "crate" else crate / "others"
    status, _, said = earmark("teach", crate / "styles", out, "--model", base)
    assert status == 1
    assert "this is not a model, so it is not overwritten" in said.replace("\n", " ")
    assert (crate / "styles" / "Hum" / "0.wav").exists()


@pytest.mark.slow
def test_five_hundred_tracks_are_studied_in_less_than_a_minute_of_processor_time() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(500) % 12
    centres = generator.normal(size=(12, 82))
    taught = lesson(labels, centres[labels] + generator.normal(size=(500, 82)), [f"{n // 3}" for n in range(500)])
    start = time.process_time()
    study(taught)
    assert time.process_time() - start < 60
