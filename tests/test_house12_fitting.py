"""Fitting perceptrons to rows: it learns, it repeats itself, and it does not know what it was told not to know."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from earmark.learning.networks.descriptors import DescriptorNetwork
from earmark.recipes.house12.fitting import _balance, _disturbed, _mixed, _targets, fit, one_thread, predict
from earmark.recipes.house12.recipe import FitConfig
from earmark.recipes.house12.shifts import Pairs
from earmark.recipes.house12.tables import UNLABELLED, Genres, Indices, Labels, Rows

CONFIG = FitConfig(members=2, hidden=(24,), knots=9, epochs=30, batch_size=32, dropout=0.1, seed=1)


def changed(**settings: object) -> FitConfig:
    return FitConfig.model_validate({**CONFIG.model_dump(), **settings})


def made_up_rows(tracks: int = 240, seed: int = 0) -> tuple[Rows, Indices]:
    """Three classes that differ in the first three descriptors."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, tracks)
    rows = generator.standard_normal((tracks, 70)).astype(np.float32)
    rows[np.arange(tracks), labels] += 3
    return rows, labels


def test_it_learns_what_can_be_learned() -> None:
    rows, labels = made_up_rows(600)
    fresh, fresh_labels = made_up_rows(seed=9)
    probabilities = predict(fit(rows, labels, 3, CONFIG), fresh)
    assert probabilities.sum(1) == pytest.approx(1)
    assert (probabilities.argmax(1) == fresh_labels).mean() > 0.85


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    rows, labels = made_up_rows(60)
    with one_thread():
        weights = [
            torch.cat([p.flatten() for p in fit(rows, labels, 3, changed(epochs=3, seed=seed)).parameters()])
            for seed in (1, 1, 2)
        ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_global_generator_is_neither_used_nor_moved() -> None:
    rows, labels = made_up_rows(60)
    before = torch.get_rng_state()
    fit(rows, labels, 3, changed(epochs=2))
    assert torch.equal(before, torch.get_rng_state())


def test_rows_without_weight_teach_nothing() -> None:
    rows, labels = made_up_rows()
    wrong = (labels + 1) % 3
    weights = np.repeat([1.0, 0.0], len(rows)).astype(np.float32)
    network = fit(np.tile(rows, (2, 1)), np.concatenate([labels, wrong]), 3, CONFIG, weights=weights)
    assert (predict(network, rows).argmax(1) == labels).mean() > 0.9


def test_what_is_no_music_gets_a_spread_out_answer() -> None:
    rows, labels = made_up_rows()
    sounds = rows[:40] * 0 + np.linspace(2, 4, 40, dtype=np.float32)[:, None]
    config = changed(non_music=0.2, label_smoothing=0.0)
    told, untold = (fit(rows, labels, 3, config, non_music=each) for each in (sounds, None))
    assert predict(told, sounds).max(1).mean() < 0.5
    assert predict(told, sounds).max(1).mean() < predict(untold, sounds).max(1).mean()
    assert (predict(told, rows).argmax(1) == labels).mean() > 0.9


def test_scatter_makes_it_robust_against_the_same_damage() -> None:
    rows, labels = made_up_rows()
    rows[np.arange(len(rows)), labels + 3] += 2
    other, _ = made_up_rows(seed=3)

    def damaged(whole: Rows) -> Rows:
        after = whole.copy()
        after[:, 0] -= 4  # the first class loses its mark, as a low-pass would take it away
        return after

    config = changed(degraded=0.5)
    taught, untaught = (fit(rows, labels, 3, config, scatter=kinds) for kinds in ([Pairs(other, damaged(other))], []))
    right = [(predict(network, damaged(rows)).argmax(1) == labels).mean() for network in (taught, untaught)]
    assert right[0] > 0.9
    assert right[0] > right[1]


def test_a_row_without_a_label_teaches_the_auxiliary_one_that_it_has() -> None:
    rows, labels = made_up_rows(300)
    few = np.where(np.arange(300) < 12, labels, UNLABELLED)
    config = changed(epochs=20)
    fresh, fresh_labels = made_up_rows(seed=9)
    taught, untaught = (fit(rows, few, 3, config, auxiliary=auxiliary) for auxiliary in ([Labels(labels, 3)], []))
    right = [(predict(network, fresh).argmax(1) == fresh_labels).mean() for network in (taught, untaught)]
    assert right[0] > right[1] + 0.05


def test_the_outputs_of_auxiliary_labels_are_cut_off() -> None:
    rows, labels = made_up_rows(60)
    network = fit(rows, labels, 3, changed(epochs=2), auxiliary=[Labels(labels % 2, 2)])
    with_auxiliary = sum(parameter.numel() for parameter in network.parameters())
    alone = fit(rows, labels, 3, changed(epochs=2))
    assert with_auxiliary == sum(parameter.numel() for parameter in alone.parameters())
    assert predict(network, rows).shape == (60, 3)
    assert predict(network, rows).sum(1) == pytest.approx(1)


def test_a_class_is_the_sum_of_its_genres() -> None:
    rows, genres = made_up_rows(600)
    fresh, fresh_genres = made_up_rows(seed=9)
    made_of = Genres(Labels(genres, 3), (1, 0, 1))  # the first and the last are one class, which no line tells apart
    network = fit(rows, np.array([1, 0, 1])[genres], 2, CONFIG, genres=made_of)
    probabilities = predict(network, fresh)
    assert network.genres == [1, 0, 1]
    assert probabilities.shape == (240, 2)
    assert (probabilities.argmax(1) == np.array([1, 0, 1])[fresh_genres]).mean() > 0.9
    alone = predict(fit(rows, genres, 3, CONFIG), fresh)
    assert abs(probabilities[:, 0] - alone[:, 1]).mean() < 0.1


def test_a_genre_of_no_class_is_told_apart_and_asked_for_nothing() -> None:
    rows, genres = made_up_rows()
    labels = np.array([0, 1, UNLABELLED])[genres]
    network = fit(rows, labels, 2, CONFIG, genres=Genres(Labels(genres, 3), (0, 1, UNLABELLED)))
    assert predict(network, rows).sum(1) == pytest.approx(1)
    known = labels != UNLABELLED
    assert (predict(network, rows).argmax(1) == labels)[known].mean() > 0.9


def test_rows_are_mixed_with_their_targets_and_keep_their_tempo() -> None:
    inputs = torch.arange(4.0)[None, :, None].repeat(2, 1, 74)  # row n holds n throughout
    targets = torch.eye(4).repeat(2, 1, 1)
    mixed, target = _mixed(inputs, targets, changed(mixed=0.5), torch.Generator().manual_seed(0))
    assert torch.equal(mixed[..., 68:], inputs[..., 68:])
    assert target.sum(-1).numpy() == pytest.approx(1)
    assert target.diagonal(dim1=1, dim2=2).min() >= 0.5
    assert (target @ torch.arange(4.0)).numpy() == pytest.approx(mixed[..., 0].numpy(), abs=1e-6)
    same, unmixed = _mixed(inputs, targets, changed(mixed=0.0), torch.Generator())
    assert torch.equal(same, inputs)
    assert torch.equal(unmixed, targets)


def by_tempo(bpm: NDArray[np.float64], generator: np.random.Generator) -> tuple[Rows, Indices]:
    """Rows that tell nothing but their tempo, (tracks, 70), and whether it is in an odd band of 3 BPM."""
    rows = generator.standard_normal((len(bpm), 70)).astype(np.float32)
    angle = 2 * np.pi * np.log2(bpm)
    rows[:, 68:] = np.stack([np.sin(angle), np.cos(angle)], 1)
    return rows, (bpm // 3).astype(int) % 2


def test_harmonics_tell_tempi_apart_that_are_close() -> None:
    generator = np.random.default_rng(0)
    rows, labels = by_tempo(generator.uniform(117, 135, 400), generator)
    fresh, fresh_labels = by_tempo(generator.uniform(117, 135, 400), generator)
    right = [
        (predict(fit(rows, labels, 2, changed(harmonics=count)), fresh).argmax(1) == fresh_labels).mean()
        for count in (1, 5)
    ]
    assert right[1] > right[0] + 0.1


def test_noise_turns_the_tempo_and_all_its_harmonics_alike() -> None:
    network = DescriptorNetwork(2, harmonics=4)
    slow, fast = (torch.from_numpy(by_tempo(np.full(50, bpm), np.random.default_rng(0))[0]) for bpm in (125.0, 130.0))
    inputs = network.inputs(slow).expand(1, -1, -1)
    config = FitConfig(harmonics=4, noise=0.0, varispeed=0.04)
    generator = torch.Generator().manual_seed(0)
    moved = _disturbed(inputs, torch.ones(1, 50, dtype=torch.bool), config, generator)[0]
    assert torch.equal(moved[:, :68], inputs[0, :, :68])
    pairs = torch.view_as_complex(moved[:, 68:].flip(1).reshape(-1, 4, 2).contiguous()).flip(1)
    assert pairs.abs().numpy() == pytest.approx(2**0.5, abs=1e-4)
    unit = pairs / pairs.abs()
    for lower, upper in zip(range(3), range(1, 4), strict=True):
        assert (unit[:, lower] ** 2 - unit[:, upper]).abs().max() < 1e-4
    turn = torch.angle(unit[:, 0]) - torch.angle(torch.complex(slow[:, 69], slow[:, 68]))
    speed = 2 ** (((turn + torch.pi) % (2 * torch.pi) - torch.pi) / (2 * torch.pi))
    assert speed.min() >= 0.96 - 1e-4
    assert speed.max() <= 1.04 + 1e-4
    assert speed.std() > 0.01
    undamaged = _disturbed(inputs, torch.zeros(1, 50, dtype=torch.bool), config, generator)[0]
    assert undamaged.numpy() == pytest.approx(inputs[0].numpy(), abs=1e-5)
    assert not torch.allclose(network.inputs(fast)[:, 68:], inputs[0, :, 68:], atol=0.1)


def test_noise_has_the_deviations_of_the_settings() -> None:
    inputs = DescriptorNetwork(2).inputs(torch.from_numpy(by_tempo(np.full(2000, 125.0), np.random.default_rng(0))[0]))
    generator = torch.Generator().manual_seed(0)
    config = FitConfig(noise=0.5, tempo_noise=0.01)
    moved = _disturbed(inputs[None], torch.zeros(1, 2000, dtype=torch.bool), config, generator)[0]
    assert float((moved - inputs)[:, :68].std()) == pytest.approx(0.5, rel=0.02)
    turn = torch.atan2(moved[:, 68], moved[:, 69]) - torch.atan2(inputs[:, 68], inputs[:, 69])
    octaves = (turn + torch.pi) % (2 * torch.pi) / (2 * torch.pi) - 0.5
    assert float((2**octaves).std()) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize(("share", "expected"), [(0.0, [1, 1, 1]), (0.5, [3**-0.5, 1, 3**0.5]), (1.0, [1 / 3, 1, 3])])
def test_rare_classes_weigh_more_as_far_as_the_balance_says(share: float, expected: list[float]) -> None:
    labels = Labels(np.repeat([0, 1, 2, UNLABELLED], [27, 9, 3, 50]), 3)
    balance = _balance(labels, changed(class_balance=share))
    assert balance.tolist() == pytest.approx([each * (13 / 9) ** share for each in expected])


def test_targets_are_smoothed_and_absent_where_there_is_no_label() -> None:
    targets = _targets(Labels(np.array([1, 0, UNLABELLED]), 4), torch.ones(4), changed(label_smoothing=0.2))
    assert targets.numpy() == pytest.approx(
        np.array([[0.05, 0.85, 0.05, 0.05], [0.85, 0.05, 0.05, 0.05], [0, 0, 0, 0]])
    )


def test_one_thread_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
