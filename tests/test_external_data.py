"""Each weight of a bundle is stored once, and whatever reads ONNX from a path finds it."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data, uses_external_data
from safetensors.numpy import load_file, save

from earmark.errors import BundleError
from earmark.hearing import Model
from earmark.hearing.bundle import CARD, CHECK, CONFIG, NETWORK, WEIGHTS, read_config, shipped
from earmark.learning import bundle_files
from earmark.learning.bundle import load_network
from earmark.learning.bundle_files import CheckSample
from earmark.learning.external_data import SMALLEST, read_network, refer
from earmark.learning.teaching.answer import taught, write
from earmark.learning.teaching.fitted import LinearHead, Standardise

SIDE = 32
SQUARE = np.random.default_rng(0).normal(0, 1, (SIDE, SIDE)).astype(np.float32)
OTHER = SQUARE + 1
SMALL = np.arange(SMALLEST // 4 - 1, dtype=np.float32)


def network(**constants: NDArray[np.float32]) -> bytes:
    """A network that gives each of its constants."""
    stored = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    stored.append(helper.make_tensor("typed", TensorProto.FLOAT, SQUARE.shape, SQUARE.ravel()))  # no raw bytes
    names = [*constants, "typed"]
    graph = helper.make_graph(
        [helper.make_node("Identity", [name], [f"{name}_out"]) for name in names],
        "constants",
        [],
        [helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, None) for name in names],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    serialised: bytes = model.SerializeToString()
    return serialised


def referring(content: bytes) -> set[str]:
    return {each.name for each in onnx.load_from_string(content).graph.initializer if uses_external_data(each)}


def test_a_constant_refers_to_the_weights_that_hold_the_same_bytes_whatever_their_name(tmp_path: Path) -> None:
    weights = save({"first": SMALL, "layer.weight": SQUARE, "last": OTHER + 1})
    whole = network(square=SQUARE, other=OTHER, small=SMALL)
    light = refer(whole, weights)
    assert referring(light) == {"square", "typed"}
    assert len(whole) - len(light) > 2 * SQUARE.nbytes - 200
    (tmp_path / NETWORK).write_bytes(light)
    (tmp_path / WEIGHTS).write_bytes(weights)
    session = onnxruntime.InferenceSession(tmp_path / NETWORK)
    heard = dict(zip(["square", "other", "small", "typed"], session.run(None, {}), strict=True))
    for name, values in {"square": SQUARE, "other": OTHER, "small": SMALL, "typed": SQUARE}.items():
        np.testing.assert_array_equal(heard[name], values)


@pytest.fixture
def mine(tiny: Path, tmp_path: Path) -> Path:
    """Return a bundle of the test's own."""
    return Path(shutil.copytree(tiny, tmp_path / "mine"))


def written(mine: Path, content: bytes, weights: bytes) -> Path:
    """Put a network and weights into a bundle, checksums and all."""
    config = json.loads((mine / CONFIG).read_text(encoding="utf-8"))
    for name, data in {NETWORK: content, WEIGHTS: weights}.items():
        (mine / name).write_bytes(data)
        config["sha256"][name] = hashlib.sha256(data).hexdigest()
    (mine / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    return mine


def test_the_network_is_read_back_with_all_of_its_constants(mine: Path) -> None:
    weights = save({"layer.weight": SQUARE})
    written(mine, refer(network(square=SQUARE, other=OTHER), weights), weights)
    model = onnx.load_from_string(read_network(mine, read_config(mine)))
    assert not referring(model.SerializeToString())
    for constant, values in zip(model.graph.initializer, [SQUARE, OTHER, SQUARE], strict=True):
        np.testing.assert_array_equal(numpy_helper.to_array(constant), values)


@pytest.mark.parametrize(
    ("location", "offset", "length"),
    [("../secret", 0, SQUARE.nbytes), (WEIGHTS, 10**6, SQUARE.nbytes), (WEIGHTS, 0, 10**6), (WEIGHTS, 0, None)],
    ids=["another file", "behind the end", "beyond the end", "no length"],
)
def test_a_reference_to_something_else_than_the_weights_is_refused(
    mine: Path, location: str, offset: int, length: int | None
) -> None:
    model = onnx.load_from_string(network(square=SQUARE))
    set_external_data(model.graph.initializer[0], location, offset, length)
    model.graph.initializer[0].ClearField("raw_data")
    written(mine, model.SerializeToString(), save({"layer.weight": SQUARE}))
    with pytest.raises(BundleError, match=r"mine/model\.onnx: square is not in weights\.safetensors$"):
        read_network(mine, read_config(mine))


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_model_holds_no_weight_twice(name: str) -> None:
    folder = shipped()[name]
    stored = {values.tobytes() for values in load_file(folder / WEIGHTS).values() if values.nbytes >= SMALLEST}
    model = onnx.load(folder / NETWORK, load_external_data=False)
    assert sum(uses_external_data(each) for each in model.graph.initializer) >= len(stored) / 2
    assert not any(each.raw_data in stored for each in model.graph.initializer)
    by_others = onnx.load(folder / NETWORK)  # as any program reads it
    by_us = onnx.load_from_string(read_network(folder, read_config(folder)))
    assert {each.name: each.raw_data for each in by_others.graph.initializer} == {
        each.name: each.raw_data for each in by_us.graph.initializer
    }


def test_a_bundle_whose_network_holds_its_weights_itself_is_heard_as_before(tmp_path: Path) -> None:
    light = shipped()["emusic12"]
    old = Path(shutil.copytree(light, tmp_path / "emusic12"))
    written(old, read_network(light, read_config(light)), (light / WEIGHTS).read_bytes())
    assert (old / NETWORK).stat().st_size > 8_000_000
    Model.open(old).verify()
    with np.load(light / CHECK) as check:
        waveform, logits = check["waveform"], check["logits"]
    heard = Model.open(old).run(waveform)
    for one, other in zip(heard, Model.open(light).run(waveform), strict=True):
        np.testing.assert_array_equal(one, other)
    # Whatever writes it again stores its weights once.
    bundle_files.write(
        old,
        read_config(old),
        (light / CARD).read_text(encoding="utf-8"),
        network=read_network(old, read_config(old)),
        weights=(old / WEIGHTS).read_bytes(),
        check=CheckSample(waveform, logits),
    )
    assert (old / NETWORK).read_bytes() == (light / NETWORK).read_bytes()


def test_a_model_taught_on_top_of_another_stores_the_weights_of_both_once(tmp_path: Path) -> None:
    base = shipped()["emusic12"]
    config = read_config(base)
    with np.load(base / CHECK) as check:
        waveform = check["waveform"][:1]
    _, embedding = Model.open(base).run(waveform)
    draws = np.random.default_rng(0)
    dims = embedding.shape[1]
    standardise = Standardise(np.zeros(dims, np.float32), np.ones(dims, np.float32))
    head = LinearHead(standardise, draws.normal(0, 1, (2, dims)), np.zeros(2))
    upon = taught(head, 2)
    settings = {
        "base": {"architecture": config.architecture, "settings": config.settings, "styles": len(config.styles)}
    }
    styles = ["Left", "Right"]
    own = dataclasses.replace(
        config,
        name="mine",
        architecture="taught",
        settings=settings | upon.settings,
        styles=styles,
        families=dict(zip(styles, styles, strict=True)),
        sha256={},
    )
    write(tmp_path / "mine", upon, own, "# mine\n", base)
    assert (tmp_path / "mine" / NETWORK).stat().st_size < 100_000
    assert (tmp_path / "mine" / WEIGHTS).stat().st_size < (base / WEIGHTS).stat().st_size + 100_000
    logits, same = Model.open(tmp_path / "mine").run(waveform)
    assert logits == pytest.approx(head(embedding), rel=1e-4, abs=1e-4)
    np.testing.assert_allclose(same, embedding, atol=1e-5)
    with torch.no_grad():
        further, _ = load_network(tmp_path / "mine")(torch.from_numpy(waveform))
    assert further.numpy() == pytest.approx(logits, rel=1e-3, abs=1e-3)


def test_a_model_whose_weights_were_damaged_is_not_opened(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shipped()["emusic12"], tmp_path / "mine"))
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(BundleError, match=r"mine/weights\.safetensors: damaged: its checksum is not"):
        Model.open(folder)
    (folder / WEIGHTS).unlink()
    with pytest.raises(BundleError, match=r"mine/weights\.safetensors: missing"):
        Model.open(folder)
