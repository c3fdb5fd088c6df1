"""Heads say what the scikit-learn fits say that they were made from: in NumPy, in ONNX and in torch."""

from collections.abc import Callable, Mapping

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from earmark.learning.data.manifest import ManifestEntry
from earmark.learning.networks import heads as modules
from earmark.learning.networks.heads import Head, head_of
from earmark.learning.networks.taught import Merged
from earmark.learning.teaching import answer
from earmark.learning.teaching.fitted import BLUR, FittedHead, NeighbourHead, Standardise
from earmark.learning.teaching.gate import Gate
from earmark.learning.teaching.graph import Graph, on_top
from earmark.learning.teaching.heads import HEADS, Candidate, candidates, fit_neighbours
from earmark.learning.teaching.labelled import LabelledEmbeddings
from earmark.measures.classification import apply_temperature

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
    assert set(HEADS) == {network.kind for network in Head.__subclasses__()}
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
    ours = log_softmax(head(unheard), axis=1)
    np.testing.assert_allclose(ours, oracle.predict_log_proba(scaler.transform(unheard)), atol=1e-4)
    if styles == 3:
        decision = oracle.decision_function(scaler.transform(unheard))
        np.testing.assert_allclose(head(unheard), decision, atol=1e-4)


def test_the_kernel_head_is_one_svm_against_the_rest_for_each_style(unheard: NDArray[np.float32]) -> None:
    taught = lesson((20, 20, 20))
    head = Candidate("svm", {"C": 2.0, "width": 0.7}).fit(taught)
    scaler = StandardScaler().fit(taught.windows)
    oracle = OneVsRestClassifier(SVC(C=2.0, gamma=0.7 / DIMS)).fit(scaler.transform(taught.windows), taught.labels)
    decision = oracle.decision_function(scaler.transform(unheard))
    np.testing.assert_allclose(head(unheard), decision, atol=1e-4)


def test_the_kernel_head_of_two_styles_is_one_svm_and_its_opposite(unheard: NDArray[np.float32]) -> None:
    taught = lesson((20, 20))
    scaler = StandardScaler().fit(taught.windows)
    oracle = SVC(C=1.0, gamma=0.3 / DIMS).fit(scaler.transform(taught.windows), taught.labels)
    decision = oracle.decision_function(scaler.transform(unheard))
    ours = Candidate("svm", {"C": 1.0, "width": 0.3}).fit(taught)(unheard)
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
    ours = fit_neighbours(taught, 5, metric)(unheard)
    np.testing.assert_allclose(ours, np.log((1 - BLUR) * shares + BLUR / 3), atol=1e-4)


def test_a_neighbour_of_a_small_style_has_the_vote_of_several_of_a_large_one(unheard: NDArray[np.float32]) -> None:
    taught = lesson((6, 24))
    scaler = StandardScaler().fit(taught.windows, sample_weight=taught.track_weights())
    found = NearestNeighbors(n_neighbors=8).fit(scaler.transform(taught.windows)).kneighbors(scaler.transform(unheard))
    weights = falling(found[0]) * np.where(taught.labels[found[1]] == 0, 30 / 2 / 6, 30 / 2 / 24)
    share = (weights * (taught.labels[found[1]] == 0)).sum(1) / weights.sum(1)
    ours = fit_neighbours(taught, 7, "euclidean")(unheard)
    np.testing.assert_allclose(ours[:, 0], np.log((1 - BLUR) * share + BLUR / 2), atol=1e-4)


UNIT = Standardise(np.zeros(1, np.float32), np.ones(1, np.float32))


def test_the_answer_does_not_jump_where_neighbours_change_places() -> None:
    points = np.array([[0], [1], [5]], np.float32)
    head = NeighbourHead(UNIT, points, np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), 2, "euclidean")
    left, right = head(np.array([[2.5 - 1e-5], [2.5 + 1e-5]]))  # the points 0 and 5 are equally far from here
    np.testing.assert_allclose(left, right, atol=0.01)


@pytest.mark.parametrize(
    "candidate", [each for each in candidates(("linear", "svm", "neighbours")) if "10" not in str(each)]
)
def test_a_track_counts_once_however_many_windows_it_has(candidate: Candidate, unheard: NDArray[np.float32]) -> None:
    short, long = lesson((8, 12, 10)), lesson((8, 12, 10), windows=5)
    np.testing.assert_allclose(candidate.fit(short)(unheard), candidate.fit(long)(unheard), atol=2e-2)


def test_styles_count_alike_however_many_tracks_they_have() -> None:
    few = lesson((20, 20), spread=0.5, seed=3)
    copies = np.concatenate([np.arange(20), np.tile(np.arange(20, 40), 10)])
    many = of_rows(few.windows[copies], few.labels[copies])
    here = few.windows
    for candidate in (Candidate("linear", {"C": 1e-3}), Candidate("linear", {"C": 1.0})):
        one, other = (candidate.fit(each)(here) for each in (few, many))
        assert (one[:, 1] - one[:, 0]).mean() == pytest.approx((other[:, 1] - other[:, 0]).mean(), abs=0.25)


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(ValueError, match="the metric is 'taxi', not one of euclidean, cosine"):
        modules.NeighbourHead(2, 3, 4, 1, "taxi")


def test_the_gate_opens_near_taught_points_and_nowhere_else() -> None:
    own, others = np.array([[0], [1]], np.float32), np.array([[10], [11]], np.float32)
    gate = Gate(UNIT, own, others, np.array([0.0, 4.0]), np.array([np.log(3.0), 4.0]), 1)
    near, middle, other, beyond = gate(np.array([[1.1], [5.5], [10.0], [-30.0]]))[:, 0].tolist()
    assert near > 0.99
    assert middle == pytest.approx(
        1 / (1 + (4.5 / 3) ** 4), abs=1e-4
    )  # equally near to both, but 1.5 times the typical distance
    assert other < 1e-3
    assert beyond < 1e-3  # nearer to what was taught than to the others, but like nothing of it


# The same answer without torch and with it


def base() -> bytes:
    """A network that takes its input for the embedding, with three logits."""
    weights = np.random.default_rng(2).normal(size=(DIMS, 3)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["waveform", "weights"], ["logits"]),
        helper.make_node("Identity", ["waveform"], ["embedding"]),
    ]
    sizes = {"waveform": DIMS, "logits": 3, "embedding": DIMS}
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name, size in sizes.items()]
    graph = helper.make_graph(nodes, "base", values[:1], values[1:], [numpy_helper.from_array(weights, "weights")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    serialised: bytes = model.SerializeToString()
    return serialised


def in_onnx(build: Callable[[Graph, str, str], str], styles: int, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(on_top(base(), build, styles))
    logits, embedding = session.run(["logits", "embedding"], {"waveform": rows})
    np.testing.assert_array_equal(embedding, rows)
    answered: NDArray[np.float32] = logits
    return answered


def in_torch(module: torch.nn.Module, arrays: Mapping[str, NDArray[np.floating]]) -> torch.nn.Module:
    module.load_state_dict({name: torch.from_numpy(values.astype(np.float32)) for name, values in arrays.items()})
    return module


@torch.no_grad()
def heard(module: torch.nn.Module, *inputs: NDArray[np.floating]) -> NDArray[np.floating]:
    answered: NDArray[np.floating] = module(*map(torch.from_numpy, inputs)).numpy()
    return answered


@pytest.mark.parametrize("styles", [2, 3])
@pytest.mark.parametrize("candidate", candidates(("linear", "svm", "neighbours")), ids=str)
def test_a_head_answers_the_same_in_numpy_onnx_and_torch(
    candidate: Candidate, styles: int, unheard: NDArray[np.float32]
) -> None:
    head: FittedHead = candidate.fit(lesson((9, 12, 10)[:styles]))
    logits = head(unheard)
    assert np.ptp(logits, axis=0).max() > 0.01  # else agreement would say little
    module = in_torch(head_of(styles, head.settings), head.arrays)
    probabilities = softmax(logits, axis=1)
    np.testing.assert_allclose(softmax(heard(module, unheard), axis=1), probabilities, atol=1e-5)
    graph = in_onnx(lambda graph, _, embedding: head.nodes(graph, embedding), styles, unheard)
    np.testing.assert_allclose(softmax(graph, axis=1), probabilities, atol=1e-5)
    # Logarithms of small shares magnify the rounding of float32: they are compared without it.
    precise = heard(module.double(), unheard.astype(np.float64))
    np.testing.assert_allclose(precise, logits, atol=1e-5)


def gate(neighbours: int = 3) -> Gate:
    generator = np.random.default_rng(4)
    mean, scale = (3 * np.ones(DIMS, np.float32), generator.uniform(0.5, 2, DIMS).astype(np.float32))
    own, others = (generator.normal(place, 1, (12, DIMS)).astype(np.float32) for place in (-0.5, 0.5))
    return Gate(Standardise(mean, scale), own, others, np.array([-0.4, 3.0]), np.array([1.2, 2.5]), neighbours)


def test_the_gate_answers_the_same_in_numpy_onnx_and_torch(unheard: NDArray[np.float32]) -> None:
    here = gate()
    share = here(unheard)
    assert share.min() < 0.1
    assert share.max() > 0.5
    module = in_torch(modules.Gate(**here.settings), here.arrays)
    np.testing.assert_allclose(heard(module, unheard), share, atol=1e-5)
    graph = in_onnx(lambda graph, _, embedding: here.nodes(graph, embedding), 1, unheard)
    np.testing.assert_allclose(graph, share, atol=1e-5)


@pytest.mark.parametrize("candidate", [Candidate(kind, head.grid[0]) for kind, head in HEADS.items()], ids=str)
def test_base_and_head_are_merged_the_same_in_numpy_onnx_and_torch(
    candidate: Candidate, unheard: NDArray[np.float32]
) -> None:
    head, temperatures = candidate.fit(lesson((9, 12))), (1.3, 0.6)
    joined = answer.merged(head, gate(), styles=4, base_styles=3, taught=[1, 3], temperatures=temperatures)  # 1 in both
    graph = onnxruntime.InferenceSession(on_top(base(), joined.nodes, 4))
    logits = graph.run(["logits"], {"waveform": unheard})[0]
    base_logits = onnxruntime.InferenceSession(base()).run(["logits"], {"waveform": unheard})[0]
    share = gate()(unheard)
    expected = np.zeros((len(unheard), 4))
    expected[:, :3] = (1 - share) * apply_temperature(base_logits, temperatures[0])
    expected[:, [1, 3]] += share * apply_temperature(head(unheard), temperatures[1])
    np.testing.assert_allclose(np.exp(logits), expected, atol=1e-5)
    torch_base = torch.nn.Identity()
    torch_base.sample_rate = torch_base.samples = 1  # type: ignore[assignment]
    parts = (head_of(2, head.settings), modules.Gate(**gate().settings))
    module = Merged(torch_base, *parts, styles=4, base_styles=3, taught=[1, 3], temperatures=temperatures)
    in_torch(module, joined.arrays)
    with torch.no_grad():
        merged = module.merge(torch.from_numpy(base_logits), torch.from_numpy(unheard))
    np.testing.assert_allclose(merged.numpy(), expected, atol=1e-5)


def test_what_the_new_answer_does_not_need_is_left_out_of_the_network(unheard: NDArray[np.float32]) -> None:
    def build(graph: Graph, _: str, embedding: str) -> str:
        return graph.sum(embedding)

    network = on_top(base(), build, 1)
    assert b"base.weights" not in network
    assert b"base.weights" in on_top(base(), lambda graph, logits, _: graph.sum(logits), 1)
    again = onnxruntime.InferenceSession(on_top(network, build, 1))  # taught twice: no name meets its like
    logits = again.run(["logits"], {"waveform": unheard})[0]
    np.testing.assert_allclose(logits[:, 0], unheard.sum(1), rtol=1e-5)
