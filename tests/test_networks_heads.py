"""Heads say what the scikit-learn fits say that they were made from."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from earmark.learning.data.manifest import ManifestEntry
from earmark.learning.networks.heads import BLUR, Gate, Head, NeighbourHead, head_of
from earmark.learning.teaching.heads import HEADS, Candidate, candidates, fit_neighbours, logits_of
from earmark.learning.teaching.labelled import LabelledEmbeddings

DIMS = 6
STYLES = ("A", "B", "C")


def lesson(per_style: tuple[int, ...], windows: int = 1, *, spread: float = 1.5, seed: int = 0) -> LabelledEmbeddings:
    """Tracks around a centre for each style, every track the same window several times."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(per_style)), per_style)
    rows = (
        3 + generator.normal(size=(len(per_style), DIMS))[labels] + spread * generator.normal(size=(len(labels), DIMS))
    )
    return of_rows(rows.astype(np.float32), labels, windows)


def of_rows(rows: NDArray[np.float32], labels: NDArray[np.intp], windows: int = 1) -> LabelledEmbeddings:
    styles = STYLES[: labels.max() + 1]
    entries = tuple(ManifestEntry(f"/{track}", (styles[label],)) for track, label in enumerate(labels))  # type: ignore[arg-type]
    track_of = np.repeat(np.arange(len(labels)), windows)
    logits = np.zeros((len(track_of), 1), np.float32)
    return LabelledEmbeddings(styles, entries, labels, np.arange(len(labels)), rows[track_of], logits, track_of)


def test_every_head_is_a_row_of_the_table_under_the_name_of_its_network() -> None:
    assert {head.network for head in HEADS.values()} == set(Head.__subclasses__())
    assert all(kind == head.network.kind for kind, head in HEADS.items())
    assert list(HEADS) == ["linear", "svm", "neighbours"]  # of equals the simplest is chosen


@pytest.fixture
def unheard() -> NDArray[np.float32]:
    return (3 + 2 * np.random.default_rng(1).normal(size=(50, DIMS))).astype(np.float32)


@pytest.mark.parametrize("styles", [2, 3])
def test_the_linear_head_is_the_logistic_regression(styles: int, unheard: NDArray[np.float32]) -> None:
    taught = lesson((20,) * styles)
    head = Candidate("linear", {"C": 0.5}).fit(taught)
    scaler = StandardScaler().fit(taught.windows)
    oracle = LogisticRegression(C=0.5, max_iter=2000).fit(scaler.transform(taught.windows), taught.labels)
    ours = torch.from_numpy(logits_of(head, unheard)).log_softmax(-1).numpy()
    np.testing.assert_allclose(ours, oracle.predict_log_proba(scaler.transform(unheard)), atol=1e-4)
    if styles == 3:
        decision = oracle.decision_function(scaler.transform(unheard))
        np.testing.assert_allclose(logits_of(head, unheard), decision, atol=1e-4)


def test_the_kernel_head_is_one_svm_against_the_rest_for_each_style(unheard: NDArray[np.float32]) -> None:
    taught = lesson((20, 20, 20))
    head = Candidate("svm", {"C": 2.0, "width": 0.7}).fit(taught)
    scaler = StandardScaler().fit(taught.windows)
    oracle = OneVsRestClassifier(SVC(C=2.0, gamma=0.7 / DIMS)).fit(scaler.transform(taught.windows), taught.labels)
    decision = oracle.decision_function(scaler.transform(unheard))
    np.testing.assert_allclose(logits_of(head, unheard), decision, atol=1e-4)


def test_the_kernel_head_of_two_styles_is_one_svm_and_its_opposite(unheard: NDArray[np.float32]) -> None:
    taught = lesson((20, 20))
    scaler = StandardScaler().fit(taught.windows)
    oracle = SVC(C=1.0, gamma=0.3 / DIMS).fit(scaler.transform(taught.windows), taught.labels)
    decision = oracle.decision_function(scaler.transform(unheard))
    ours = logits_of(Candidate("svm", {"C": 1.0, "width": 0.3}).fit(taught), unheard)
    np.testing.assert_allclose(ours, np.stack([-decision, decision], 1), atol=1e-4)


def falling(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = 1 - distances / distances[:, -1:]
    return weights


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_the_neighbour_head_is_the_weighted_vote_of_the_nearest(metric: str, unheard: NDArray[np.float32]) -> None:
    taught = lesson((15, 15, 15))
    scaler = StandardScaler().fit(taught.windows)
    oracle = KNeighborsClassifier(6, weights=falling, metric=metric).fit(
        scaler.transform(taught.windows), taught.labels
    )
    shares = oracle.predict_proba(scaler.transform(unheard))
    ours = logits_of(fit_neighbours(taught, 5, metric), unheard)
    np.testing.assert_allclose(ours, np.log((1 - BLUR) * shares + BLUR / 3), atol=1e-4)


def test_a_neighbour_of_a_small_style_has_the_vote_of_several_of_a_large_one(unheard: NDArray[np.float32]) -> None:
    taught = lesson((6, 24))
    scaler = StandardScaler().fit(taught.windows, sample_weight=taught.track_weights())
    found = NearestNeighbors(n_neighbors=8).fit(scaler.transform(taught.windows)).kneighbors(scaler.transform(unheard))
    weights = falling(found[0]) * np.where(taught.labels[found[1]] == 0, 30 / 2 / 6, 30 / 2 / 24)
    share = (weights * (taught.labels[found[1]] == 0)).sum(1) / weights.sum(1)
    ours = logits_of(fit_neighbours(taught, 7, "euclidean"), unheard)
    np.testing.assert_allclose(ours[:, 0], np.log((1 - BLUR) * share + BLUR / 2), atol=1e-4)


def test_the_answer_does_not_jump_where_neighbours_change_places() -> None:
    head = NeighbourHead(2, 1, points=3, neighbours=2, metric="euclidean")
    head.points.copy_(torch.tensor([[0.0], [1.0], [5.0]]))
    head.votes.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    left, right = head(torch.tensor([[2.5 - 1e-5], [2.5 + 1e-5]]))  # the points 0 and 5 are equally far from here
    torch.testing.assert_close(left, right, atol=0.01, rtol=0)


@pytest.mark.parametrize(
    "candidate", [each for each in candidates(("linear", "svm", "neighbours")) if "10" not in str(each)]
)
def test_a_track_counts_once_however_many_windows_it_has(candidate: Candidate, unheard: NDArray[np.float32]) -> None:
    short, long = lesson((8, 12, 10)), lesson((8, 12, 10), windows=5)
    np.testing.assert_allclose(
        logits_of(candidate.fit(short), unheard), logits_of(candidate.fit(long), unheard), atol=2e-2
    )


def test_styles_count_alike_however_many_tracks_they_have() -> None:
    few = lesson((20, 20), spread=0.5, seed=3)
    copies = np.concatenate([np.arange(20), np.tile(np.arange(20, 40), 10)])
    many = of_rows(few.windows[copies], few.labels[copies])
    here = few.windows
    for candidate in (Candidate("linear", {"C": 1e-3}), Candidate("linear", {"C": 1.0})):
        one, other = (logits_of(candidate.fit(each), here) for each in (few, many))
        assert (one[:, 1] - one[:, 0]).mean() == pytest.approx((other[:, 1] - other[:, 0]).mean(), abs=0.25)


@pytest.mark.parametrize("candidate", candidates(("linear", "svm", "neighbours")))
def test_a_head_is_built_again_from_its_settings_and_weights(
    candidate: Candidate, unheard: NDArray[np.float32]
) -> None:
    head = candidate.fit(lesson((9, 9, 9)))
    again = head_of(3, head.settings)
    again.load_state_dict(head.state_dict(), strict=True)
    np.testing.assert_array_equal(logits_of(head, unheard), logits_of(again, unheard))


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(ValueError, match="the metric is 'taxi', not one of euclidean, cosine"):
        NeighbourHead(2, 3, 4, 1, "taxi")


def test_the_gate_opens_near_taught_points_and_nowhere_else() -> None:
    gate = Gate(1, own=2, others=2, neighbours=1)
    gate.own.copy_(torch.tensor([[0.0], [1.0]]))
    gate.others.copy_(torch.tensor([[10.0], [11.0]]))
    gate.nearer.copy_(torch.tensor([0.0, 4.0]))
    gate.typical.copy_(torch.tensor([np.log(3.0), 4.0]))
    near, middle, other, beyond = gate(torch.tensor([[1.1], [5.5], [10.0], [-30.0]]))[:, 0].tolist()
    assert near > 0.99
    assert middle == pytest.approx(
        1 / (1 + (4.5 / 3) ** 4), abs=1e-4
    )  # equally near to both, but 1.5 times the typical distance
    assert other < 1e-3
    assert beyond < 1e-3  # nearer to what was taught than to the others, but like nothing of it
