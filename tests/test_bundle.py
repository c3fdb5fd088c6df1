"""Bundles are read strictly: whatever is wrong with one is a `BundleError` that names the file and the reason.

They are written under another name, heard, and only then renamed.
"""

import dataclasses
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save
from torch import nn

from earmark.errors import BundleError
from earmark.hearing import Model
from earmark.hearing.bundle import CARD, CHECK, CONFIG, FORMAT, NETWORK, WEIGHTS, Config, locate, read_config, shipped
from earmark.hearing.session import open_session
from earmark.learning import bundle as writing
from earmark.learning.external_data import read_network
from earmark.learning.networks import ARCHITECTURES


@pytest.fixture
def bundle(tiny: Path, tmp_path: Path) -> Path:
    """Return a tiny bundle of the test's own, to be damaged."""
    return Path(shutil.copytree(tiny, tmp_path / "mine"))


def rewrite(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the config of a bundle."""
    config = json.loads((bundle / CONFIG).read_text(encoding="utf-8"))
    change(config)
    (bundle / CONFIG).write_text(json.dumps(config), encoding="utf-8")


def replace(bundle: Path, name: str, content: bytes) -> None:
    """Replace a file of a bundle, checksum and all."""
    (bundle / name).write_bytes(content)
    rewrite(bundle, lambda config: config["sha256"].update({name: hashlib.sha256(content).hexdigest()}))


def fails(bundle: Path, name: str, reason: str) -> Any:  # noqa: ANN401  pytest does not name this type
    """Expect an error that names a file of the bundle, or "" for the folder, and the reason."""
    return pytest.raises(BundleError, match=f"^{re.escape(str(bundle / name))}: {reason}$")


def test_a_config_takes_from_the_network_what_is_not_said() -> None:
    network = SimpleNamespace(sample_rate=8000, samples=12_000)
    config = Config.of(
        network,
        name="mine",
        architecture="fcn",
        settings={"layers": 4},
        styles=("Trap", "Gabber"),
        provenance={"by": "me"},
    )
    assert config == Config(
        format=FORMAT,
        name="mine",
        task="styles",
        architecture="fcn",
        settings={"layers": 4},
        sample_rate=8000,
        window=1.5,
        hop=1.5,
        shortest=1.5,
        styles=["Trap", "Gabber"],
        families={"Trap": "Bass", "Gabber": "Gabber"},
        temperature=1.0,
        unknown_threshold=0.0,
        provenance={"by": "me"},
        measures={},
        sha256={},
    )


def test_a_config_takes_what_is_said_in_place_of_its_defaults() -> None:
    said: dict[str, Any] = {
        "task": "tags",
        "window": 2.0,
        "hop": 0.5,
        "shortest": 0.25,
        "families": {"Trap": "Any"},
        "temperature": 0.7,
        "unknown_threshold": 0.3,
        "measures": {"precision_at_1": 0.9},
    }
    network = SimpleNamespace(sample_rate=8000, samples=12_000)
    config = Config.of(network, name="", architecture="", settings={}, styles=["Trap"], provenance={}, **said)
    assert {key: getattr(config, key) for key in said} == said
    windows = Config.of(network, name="", architecture="", settings={}, styles=[], provenance={}, window=2.0)
    assert (windows.window, windows.hop, windows.shortest) == (2.0, 2.0, 2.0)


def test_a_session_has_one_thread_and_names_the_file_that_it_cannot_run(bundle: Path) -> None:
    options = open_session(bundle / NETWORK).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    value = onnx.helper.make_tensor_value_info("waveform", onnx.TensorProto.DOUBLE, ["samples"])
    same = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.DOUBLE, ["samples"])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Erf", ["waveform"], ["logits"])], "erf", [value], [same])
    unknown = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    for content in (b"", b"no network", (bundle / NETWORK).read_bytes()[:40], unknown.SerializeToString()):
        with fails(bundle, NETWORK, ".*"):
            open_session(bundle / NETWORK, content)


def test_an_intact_bundle_opens_and_verifies(bundle: Path) -> None:
    model = Model.open(bundle)
    model.verify()
    assert model.config.styles == ["Still", "Up", "Down"]
    assert model.config.name == "tiny"


def test_a_bundle_is_found_by_name_or_by_folder(bundle: Path) -> None:
    assert locate("house12") == shipped()["house12"]
    assert locate(str(bundle)) == locate(bundle) == bundle
    assert all(read_config(folder).name == name for name, folder in shipped().items())


def test_what_is_no_bundle_is_refused_with_the_names_of_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"^nope: there is no model of this name .* the models are .*house12"):
        Model.open("nope")
    with fails(tmp_path, "", r"not a model: it holds no config\.json"):
        Model.open(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "not JSON: Expecting .*"),
        (b"", "not JSON: Expecting value.*"),
        (b'{"name": "\xff"}', "not JSON: .*can't decode byte 0xff.*"),
        (b"[]", "an object was expected"),
    ],
    ids=["cut off", "empty", "not UTF-8", "a list"],
)
def test_a_config_that_is_no_json_object_is_refused(bundle: Path, text: bytes, reason: str) -> None:
    (bundle / CONFIG).write_bytes(text)
    with fails(bundle, CONFIG, reason):
        Model.open(bundle)


@pytest.mark.parametrize("key", ["architecture", "format", "hop", "sha256", "styles", "temperature"])
def test_a_missing_key_is_refused(bundle: Path, key: str) -> None:
    rewrite(bundle, lambda config: config.pop(key))
    with fails(bundle, CONFIG, f"missing: {key}"):
        Model.open(bundle)


def test_unknown_keys_are_refused(bundle: Path) -> None:
    rewrite(bundle, lambda config: config.update(zeal=1, colour="red"))
    with fails(bundle, CONFIG, "unknown: colour, zeal"):
        Model.open(bundle)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("format", "1", "format is '1', but must be of type int"),
        ("format", True, "format is True, but must be of type int"),
        ("name", None, "name is None, but must be of type str"),
        ("sample_rate", 8000.5, r"sample_rate is 8000\.5, but must be of type int"),
        ("window", "1", "window is '1', but must be of type float"),
        ("styles", "Still", "styles is 'Still', but must be of type list"),
        ("families", [], r"families is \[\], but must be of type dict"),
        ("window", 0, "window is 0, but must be positive"),
        ("hop", -1.0, r"hop is -1\.0, but must be positive"),
        ("temperature", float("nan"), "temperature is nan, but must be positive"),
        ("shortest", float("inf"), "shortest is inf, but must be positive"),
        ("styles", ["Still", "Up", ["Down"]], "the name of a style or of a family is no text"),
        ("families", {"Still": "Rest", "Up": "Motion", "Down": 1}, "the name of a style or of a family is no text"),
        ("styles", ["Still", "Up"], "the families do not name each of the styles once"),
        ("styles", ["Still", "Up", "Down", "Down"], "the families do not name each of the styles once"),
        ("families", {"Still": "Rest", "Up": "Motion"}, "the families do not name each of the styles once"),
        ("sha256", {NETWORK: "", CHECK: ""}, r"no checksum for weights\.safetensors"),
    ],
)
def test_a_value_that_cannot_be_is_refused(bundle: Path, key: str, value: object, reason: str) -> None:
    rewrite(bundle, lambda config: config.update({key: value}))
    with fails(bundle, CONFIG, reason):
        Model.open(bundle)


def test_a_whole_number_may_stand_for_a_fraction(bundle: Path) -> None:
    rewrite(bundle, lambda config: config.update(window=2, hop=1, temperature=3))
    config = Model.open(bundle).config
    assert (config.window, config.hop, config.temperature) == (2, 1, 3)


def test_a_newer_format_is_refused_before_its_keys_are_looked_at(bundle: Path) -> None:
    rewrite(bundle, lambda config: config.update(format=FORMAT + 1, new_key=1))
    with fails(bundle, CONFIG, f"format {FORMAT + 1} is newer than {FORMAT}, which this version of earmark reads"):
        Model.open(bundle)


@pytest.mark.parametrize("name", [NETWORK, WEIGHTS, CHECK])
def test_a_missing_file_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with fails(bundle, name, "missing"):
        Model.open(bundle).verify()


@pytest.mark.parametrize("name", [NETWORK, WEIGHTS, CHECK])
def test_one_flipped_bit_is_found(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with fails(bundle, name, r"damaged: its checksum is not the one in config\.json"):
        Model.open(bundle).verify()


def test_a_file_that_is_no_network_is_refused(bundle: Path) -> None:
    replace(bundle, NETWORK, b"not a network")
    with fails(bundle, NETWORK, "(?s:.+)"):
        Model.open(bundle)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("waveform", "sound", r"takes \['sound'\] and gives \['logits', 'embedding'\]"),
        ("logits", "scores", r"takes \['waveform'\] and gives \['scores', 'embedding'\]"),
        ("embedding", "summary", r"takes \['waveform'\] and gives \['logits', 'summary'\]"),
    ],
)
def test_a_network_with_other_inputs_or_outputs_is_refused(bundle: Path, old: str, new: str, reason: str) -> None:
    network = onnx.load(bundle / NETWORK)
    for value in (*network.graph.input, *network.graph.output):
        value.name = new if value.name == old else value.name
    for node in network.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    replace(bundle, NETWORK, network.SerializeToString())
    with fails(bundle, NETWORK, reason):
        Model.open(bundle)


def test_a_network_that_knows_another_number_of_styles_is_refused(bundle: Path) -> None:
    styles = ["Still", "Up", "Down", "Round"]
    rewrite(bundle, lambda config: config.update(styles=styles, families=dict.fromkeys(styles, "All")))
    with fails(bundle, "", "3 logits for 4 styles"):
        Model.open(bundle)


@pytest.mark.parametrize(
    ("logits", "distance"),
    [([[0, 2.5, -2]], r"0\.5"), ([[0, 2, -2 - 2e-3]], r"0\.002"), ([[0, float("nan"), -2]], "nan")],
    ids=["far off", "a little off", "not a number"],
)
def test_other_logits_than_those_of_the_check_sample_are_refused(
    bundle: Path, logits: list[list[float]], distance: str
) -> None:
    with np.load(bundle / CHECK) as check:
        waveform = check["waveform"]
    other = io.BytesIO()
    np.savez(other, waveform=waveform, logits=np.array(logits, np.float32))
    replace(bundle, CHECK, other.getvalue())
    with fails(bundle, "", f"the check sample gives logits that are off by {distance}"):
        Model.open(bundle).verify()


def test_the_shipped_model_verifies() -> None:
    model = Model.open("house12")
    model.verify()
    assert len(model.config.styles) == 12
    assert set(model.config.families.values()) == {"House", "Techno", "Trance", "Bass", "Ambient"}


# Writing


class Mean(nn.Module):
    """The tiny network in torch."""

    def __init__(self, styles: int, slope: float = 10.0) -> None:
        super().__init__()
        self.slopes = nn.Parameter(torch.tensor([0.0, slope, -slope])[:styles])

    def forward(self, waveform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = waveform.mean(1, keepdim=True)  # (batch, 1)
        return mean * self.slopes, torch.cat([mean, waveform.abs().mean(1, keepdim=True)], 1)


RAMP = np.linspace(-0.2, 0.6, 8000, dtype=np.float32)[None]


@pytest.fixture
def mean_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "mean", Mean)


@pytest.fixture
def no_export(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every network be exported as the tiny one, which saves the seconds that it takes."""
    network = (tiny / NETWORK).read_bytes()
    monkeypatch.setattr(writing, "export_onnx", lambda *_, **__: network)


@pytest.mark.usefixtures("mean_is_known")
def test_a_written_bundle_hears_what_the_network_hears(tiny: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(read_config(tiny), settings={"slope": 7.0}, sha256={})
    writing.write(tmp_path / "deep/er/mine", Mean(3, slope=7.0), config, "# mine\n", RAMP)
    folder = tmp_path / "deep/er/mine"
    model = Model.open(folder)
    model.verify()
    waveforms = np.random.default_rng(0).uniform(-1, 1, (10, 6000)).astype(np.float32)
    network = writing.load_network(folder)
    with torch.no_grad():
        logits, embedding = network(torch.from_numpy(waveforms))
    assert model.run(waveforms)[0] == pytest.approx(logits.numpy(), abs=1e-5)
    assert model.run(waveforms)[1] == pytest.approx(embedding.numpy(), abs=1e-5)
    assert model.run(waveforms[:1])[0] == pytest.approx(logits[:1].numpy(), abs=1e-5)
    assert network.state_dict()["slopes"].tolist() == [0.0, 7.0, -7.0]
    assert not network.training
    assert (folder / CARD).read_text(encoding="utf-8") == "# mine\n"
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]
    settled = model.config
    assert dataclasses.replace(settled, sha256={}) == config
    assert sorted(settled.sha256) == sorted([NETWORK, WEIGHTS, CHECK])


@pytest.mark.usefixtures("mean_is_known", "no_export")
def test_a_bundle_replaces_the_one_that_stands_there(tiny: Path, bundle: Path) -> None:
    (bundle / "notes.txt").touch()
    writing.write(bundle, Mean(3), read_config(tiny), "# new\n", RAMP)
    Model.open(bundle).verify()
    assert (bundle / CARD).read_text(encoding="utf-8") == "# new\n"
    assert sorted(path.name for path in bundle.iterdir()) == sorted([CONFIG, NETWORK, WEIGHTS, CARD, CHECK])
    assert [path.name for path in bundle.parent.iterdir()] == ["mine"]


@pytest.mark.usefixtures("mean_is_known", "no_export")
def test_a_bundle_that_hears_something_else_than_torch_never_takes_the_place_of_a_good_one(
    tiny: Path, bundle: Path
) -> None:
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    with pytest.raises(BundleError, match=r"\.mine\.\w+\.new: the check sample gives logits that are off by 1$"):
        writing.write(bundle, Mean(3, slope=5.0), read_config(tiny), "# wrong\n", RAMP)
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before
    assert [path.name for path in bundle.parent.iterdir()] == ["mine"]  # nothing is left over
    neighbour = bundle.with_name("mine.old")  # somebody else's
    neighbour.mkdir()
    writing.write(bundle, Mean(3), read_config(tiny), "# right\n", RAMP)
    assert neighbour.is_dir()
    neighbour.rmdir()
    assert [path.name for path in bundle.parent.iterdir()] == ["mine"]


@pytest.mark.usefixtures("mean_is_known", "no_export")
def test_weights_that_do_not_fit_the_architecture_are_refused(tiny: Path, bundle: Path) -> None:
    writing.write(bundle, Mean(3), read_config(tiny), "", RAMP)
    replace(bundle, WEIGHTS, save({"slopes": torch.zeros(3), "offset": torch.zeros(3)}))
    with fails(bundle, WEIGHTS, r"(?s:.*)Unexpected key\(s\) in state_dict: \"offset\"(?s:.*)"):
        writing.load_network(bundle)
    replace(bundle, WEIGHTS, save({}))
    with fails(bundle, WEIGHTS, r"(?s:.*)Missing key\(s\) in state_dict: \"slopes\"(?s:.*)"):
        writing.load_network(bundle)


def test_an_architecture_that_nobody_knows_is_refused(tiny: Path) -> None:
    with pytest.raises(BundleError, match=r"^tiny: unknown architecture 'mean', not one of .*descriptors"):
        writing.load_network(tiny)


@pytest.mark.usefixtures("mean_is_known")
def test_settings_that_the_architecture_does_not_have_are_refused(tiny: Path) -> None:
    config = dataclasses.replace(read_config(tiny), settings={"slop": 7.0})
    with pytest.raises(BundleError, match=r"^tiny: settings of mean: .*unexpected keyword argument 'slop'"):
        writing.build(config)


def test_the_shipped_model_can_be_trained_further() -> None:
    folder = shipped()["house12"]
    model, network = Model.open(folder), writing.load_network(folder)
    with np.load(folder / CHECK) as check, torch.no_grad():
        logits, embedding = network(torch.from_numpy(check["waveform"]))
        assert logits.numpy() == pytest.approx(check["logits"], abs=1e-3)
        assert embedding.numpy() == pytest.approx(model.run(check["waveform"])[1], abs=1e-3)


def test_the_shipped_network_is_what_its_weights_give() -> None:
    folder = shipped()["house12"]
    config = read_config(folder)
    network = writing.load_network(folder)
    exported = writing.export_onnx(network, round(config.window * config.sample_rate), any_length=True)
    model, stored = onnx.load_from_string(exported), onnx.load_from_string(read_network(folder, config))
    assert [node.op_type for node in model.graph.node] == [node.op_type for node in stored.graph.node]
    assert {each.name: each.raw_data for each in model.graph.initializer} == {
        each.name: each.raw_data for each in stored.graph.initializer
    }
    assert not any(node.metadata_props for node in stored.graph.node)  # no stack traces, no addresses
