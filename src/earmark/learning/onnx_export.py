"""One ONNX file that is all of a model: for programs in which there is no earmark.

A bundle's network gives logits; what they mean stands in its config. Here the network gets the last layer, and the file
gets the config, as metadata of ONNX, which are pairs of text:

    earmark.format      1; of these metadata
    name, task          as in the config
    styles, families    JSON: a list of the outputs in their order, an object that gives the family of each
    sample_rate         Hz
    window, hop         seconds
    shortest            seconds; a shorter waveform must be filled up with silence to this
    temperature         already within `probabilities`; not within `logits`
    unknown_threshold   a strongest style below this is like nothing that the model knows
    provenance, card    JSON, and the text of the card: where the model comes from, its licence, how well it hears
    attribution         the text of ATTRIBUTION.md, where there is one: works that it learned from, and whose they are

Input and outputs: `waveform` (batch, samples), float32, mono -> `logits` (batch, styles), `embedding` (batch, dims)
and, unless the task is `values`, `probabilities` (batch, styles).
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray
from onnx import TensorProto, helper

from earmark.errors import BundleError
from earmark.files import replacement
from earmark.hearing import Model
from earmark.hearing.bundle import ATTRIBUTION, CARD, CHECK, NETWORK, Config, read_checked
from earmark.hearing.model import CHECK_TOLERANCE, PROBABILITIES
from earmark.hearing.session import open_session
from earmark.learning.external_data import read_network

FORMAT = "1"
MARK = "earmark.format"
LAYERS = {"styles": "Softmax", "tags": "Sigmoid"}
"""The last layer for each task that has probabilities; `hearing.model.PROBABILITIES` holds the same in NumPy."""


@dataclass(frozen=True)
class Exported:
    """An exported model: the file, its size in bytes, the width of each output, and the config of the model in it."""

    path: Path
    size: int
    outputs: Mapping[str, int]
    config: Config


def export(source: str | Path, out: Path) -> Exported:
    """Write a model as one ONNX file; the same model gives the same bytes.

    Args:
        source: the name of a shipped model, or the folder of one.
        out: replaced if it is an earlier export.

    Raises:
        BundleError: the model is damaged, the file does not hear what the model hears or cannot be written, or
            something that is no export stands in its place.
    """
    require_replaceable(out)
    model = Model.open(source)
    model.verify()
    network = onnx.load_from_string(read_network(model.folder, model.config))
    _leave_out_sounds(network)
    _add_probabilities(network, model.config)
    works = model.folder / ATTRIBUTION
    about = metadata(model.config, _text(model.folder / CARD), _text(works) if works.is_file() else "")
    helper.set_model_props(network, about)
    try:
        onnx.checker.check_model(network, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BundleError(f"{model.folder / NETWORK}: cannot be exported: {error}") from error

    content = network.SerializeToString(deterministic=True)
    try:
        outputs = _write(out, content, model)
    except OSError as error:
        raise BundleError(f"{out}: cannot be written: {error.strerror}") from error
    return Exported(out, len(content), {name: values.shape[-1] for name, values in outputs.items()}, model.config)


def require_replaceable(out: Path) -> None:
    """Make sure that writing an export destroys nothing but an export.

    Raises:
        BundleError: something else is there.
    """
    if not out.exists():
        return
    try:
        properties = {entry.key for entry in onnx.load_from_string(out.read_bytes()).metadata_props}
    except (OSError, DecodeError):
        properties = set()
    if MARK not in properties:
        raise BundleError(
            f"{out}: this was not written by `earmark export`, so it is not overwritten; choose another name"
        )


def metadata(config: Config, card: str, attribution: str = "") -> dict[str, str]:
    """Metadata that a program needs to use the file; see the head of this module."""
    about = {
        MARK: FORMAT,
        "name": config.name,
        "task": config.task,
        "styles": json.dumps(config.styles, ensure_ascii=False),
        "families": json.dumps(config.families, ensure_ascii=False),
        "sample_rate": str(config.sample_rate),
        "window": str(config.window),
        "hop": str(config.hop),
        "shortest": str(config.shortest),
        "temperature": str(config.temperature),
        "unknown_threshold": str(config.unknown_threshold),
        "provenance": json.dumps(config.provenance, ensure_ascii=False),
        "card": card,
    }
    return about | ({"attribution": attribution} if attribution else {})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BundleError(f"{path}: missing") from None
    except UnicodeDecodeError as error:
        raise BundleError(f"{path}: {error}") from error


def _leave_out_sounds(network: onnx.ModelProto) -> None:
    """Take the classes of sound of a pool from the outputs: their names are known to earmark alone."""
    kept = [output for output in network.graph.output if output.name != "sounds"]
    del network.graph.output[:]
    network.graph.output.extend(kept)


def _add_probabilities(network: onnx.ModelProto, config: Config) -> None:
    """Put the division by the temperature and the last layer behind the logits."""
    if config.task not in LAYERS:
        return
    temperature = helper.make_tensor("earmark.temperature", TensorProto.FLOAT, [], [config.temperature])
    network.graph.initializer.append(temperature)
    network.graph.node.extend(
        [
            helper.make_node("Div", ["logits", "earmark.temperature"], ["earmark.scaled"]),
            helper.make_node(LAYERS[config.task], ["earmark.scaled"], ["probabilities"]),
        ]
    )
    logits = next(output for output in network.graph.output if output.name == "logits")
    network.graph.output.add().CopyFrom(logits)
    network.graph.output[-1].name = "probabilities"


def _write(out: Path, content: bytes, model: Model) -> dict[str, NDArray[np.float32]]:
    """Write the file beside `out`, compare it with its model, then put it in its place; its outputs for the sample.

    Raises:
        BundleError: the outputs are not those of the model.
    """
    with np.load(io.BytesIO(read_checked(model.folder, model.config, CHECK)), allow_pickle=False) as sample:
        waveform = sample["waveform"]
    with replacement(out) as fresh:
        fresh.write_bytes(content)
        outputs = _run(fresh, waveform)
        _require_same(out, outputs, _expected(model, waveform))
    return outputs


def _run(path: Path, waveform: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    session = open_session(path)
    names = [node.name for node in session.get_outputs()]
    return dict(zip(names, session.run(names, {"waveform": waveform}), strict=True))


def _expected(model: Model, waveform: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    logits, embedding = model.run(waveform)
    outputs = {"logits": logits, "embedding": embedding}
    if model.config.task in PROBABILITIES:
        outputs["probabilities"] = PROBABILITIES[model.config.task](logits / model.config.temperature)
    return outputs


def _require_same(
    out: Path, outputs: Mapping[str, NDArray[np.float32]], expected: Mapping[str, NDArray[np.float32]]
) -> None:
    if outputs.keys() != expected.keys():
        raise BundleError(f"{out}: would give {', '.join(outputs)} in place of {', '.join(expected)}")
    for name, values in expected.items():
        distance = float(np.abs(outputs[name] - values).max())
        if not distance <= CHECK_TOLERANCE:  # nor is it, if it is not a number
            raise BundleError(f"{out}: would give {name} for the check sample that are off by {distance:.2g}")
