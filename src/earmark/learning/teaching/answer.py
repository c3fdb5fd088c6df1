"""The answer of a taught model: what is put on top of a frozen base, and the bundle of both.

`taught` replaces the answer of the base by that of a head, `merged` joins the two. The network of the bundle is the
base's own with more nodes, and its weights are those of the base with more arrays, under the names that
the modules of `earmark.learning.networks.taught` give them. No torch is needed to make them.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from earmark.errors import BundleError
from earmark.hearing.bundle import ATTRIBUTION, CHECK, WEIGHTS, Config, read_checked, read_config
from earmark.hearing.session import open_session
from earmark.learning import bundle_files
from earmark.learning.bundle_files import CheckSample
from earmark.learning.external_data import read_network
from earmark.learning.teaching.distances import Values
from earmark.learning.teaching.fitted import FittedHead, Weights
from earmark.learning.teaching.gate import Gate
from earmark.learning.teaching.graph import Graph, on_top

SMALLEST = 1e-12  # probability: nothing is impossible, or its logarithm would be no logit


@dataclass(frozen=True)
class Answer:
    """What answers on top of a base.

    Attributes:
        styles: the number of logits.
        settings: of the architecture, beside those of the base.
        arrays: its weights by name.
        nodes: adds it to a graph, given the names of the base's logits and of its embedding; returns that of the
            logits.
    """

    styles: int
    settings: dict[str, Any]
    arrays: Weights
    nodes: Callable[[Graph, str, str], str]


def taught(head: FittedHead, styles: int) -> Answer:
    """The answer of a head alone."""
    return Answer(
        styles,
        {"head": head.settings},
        _named("head", head.arrays),
        lambda graph, _, embedding: head.nodes(graph, embedding),
    )


def merged(
    head: FittedHead,
    gate: Gate,
    *,
    styles: int,
    base_styles: int,
    taught: Sequence[int],
    temperatures: tuple[float, float],
) -> Answer:
    """The answers of the base and of a head, weighed by a gate.

    Args:
        head: hears the taught styles.
        gate: weighs one against the other.
        styles: how many there are in all, those of the base first.
        base_styles: how many the base knows.
        taught: which of all styles each of the head's is.
        temperatures: of the base and of the head.
    """
    everything = np.eye(styles)
    place_base, place_head = everything[:base_styles], everything[list(taught)]

    def probabilities(graph: Graph, logits: str, temperature: float, place: Values) -> str:
        scaled = graph.node("Div", logits, graph.constant(temperature))
        return graph.node("MatMul", graph.node("Softmax", scaled, axis=-1), graph.constant(place))

    def nodes(graph: Graph, logits: str, embedding: str) -> str:
        share = gate.nodes(graph, embedding)
        rest = graph.node("Sub", graph.constant(1.0), share)
        base = probabilities(graph, logits, temperatures[0], place_base)
        own = probabilities(graph, head.nodes(graph, embedding), temperatures[1], place_head)
        both = graph.node("Add", graph.node("Mul", share, own), graph.node("Mul", rest, base))
        return graph.node("Log", graph.at_least(both, SMALLEST))

    settings = {
        "head": head.settings,
        "gate": gate.settings,
        "taught": list(taught),
        "temperatures": list(temperatures),
    }
    return Answer(styles, settings, _named("head", head.arrays) | _named("gate", gate.arrays), nodes)


def write(out: Path, answer: Answer, config: Config, card: str, model: Path) -> None:
    """Write the bundle of an answer on top of a model, whose weights it holds, and so whose attribution.

    Its check sample is the waveform of the model's own.

    Raises:
        BundleError: the model is damaged, or something else than a bundle stands at `out`.
    """
    base = read_config(model)
    network = on_top(read_network(model, base), answer.nodes, answer.styles)
    with np.load(io.BytesIO(read_checked(model, base, CHECK)), allow_pickle=False) as sample:
        waveform = sample["waveform"][:1]  # (1, samples)
    logits = open_session(out, network).run(["logits"], {"waveform": waveform})[0]
    arrays = {name: np.ascontiguousarray(values, np.float32) for name, values in answer.arrays.items()}
    weights = save(_named("base", _weights(model, base)) | arrays)
    works = model / ATTRIBUTION
    bundle_files.write(
        out,
        config,
        card,
        network=network,
        weights=weights,
        check=CheckSample(waveform, logits),
        attribution=works.read_text(encoding="utf-8") if works.is_file() else "",
    )


def _weights(model: Path, config: Config) -> dict[str, NDArray[np.generic]]:
    try:
        weights: dict[str, NDArray[np.generic]] = load(read_checked(model, config, WEIGHTS))
    except SafetensorError as error:
        raise BundleError(f"{model / WEIGHTS}: {error}") from error
    return weights


def _named(owner: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{owner}.{name}": array for name, array in arrays.items()}
