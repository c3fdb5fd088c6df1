"""Importing from Keras, against what Keras 2.1.6 and kapre 0.1.3.1 answer themselves (tests/golden/make_keras.py)."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import imageio_ffmpeg
import librosa
import mutagen
import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earmark.cli import main
from earmark.errors import BundleError
from earmark.hearing import Listener, Model
from earmark.hearing.model import PROBABILITIES
from earmark.learning import bundle, keras_import
from earmark.learning.bundle import export_onnx
from earmark.learning.networks.frontend import MelSpectrogram
from earmark.learning.networks.keras.kapre import Melspectrogram
from earmark.learning.networks.keras.network import LAYERS
from earmark.styles import styles
from earmark.testing import tiny_track

GOLDEN = Path(__file__).parent / "golden" / "keras"
LABELS = {"sequential": None, "model": None, "tags": list("abcde"), "linear": list("abcd")}
TASKS = {"sequential": "styles", "model": "styles", "tags": "tags", "linear": "styles"}
RATE = 4000  # Hz
Answers = Mapping[str, NDArray[np.float32]]


def read(name: str, path: Path | None = None, seconds: float | None = None) -> keras_import.Imported:
    path = path or GOLDEN / f"{name}.h5"
    return keras_import.read(path, name, labels=LABELS[name], sample_rate=RATE, seconds=seconds)


def answers(name: str) -> Answers:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as stored:
        return dict(stored)


def outputs(imported: keras_import.Imported, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the network in Keras gives, from logits."""
    if imported.config.provenance["ends_in"] == "linear":
        return logits
    return PROBABILITIES[imported.config.task](logits)


# Agreement with Keras


@pytest.mark.parametrize("name", LABELS)
def test_the_network_answers_as_keras_does(name: str) -> None:
    imported, golden = read(name), answers(name)
    assert "keras==2.1.6 kapre==0.1.3.1" in str(golden["versions"])
    waveforms = torch.from_numpy(golden["waveforms"])
    with torch.no_grad():
        together, embedding = imported.network(waveforms)
        # Silence alone is left out where it is normalised: TensorFlow's logarithm of equal numbers differs by 1e-5 dB
        # from one lane of the processor to the next, and unit deviation makes whole numbers of that.
        alone = [imported.network(waveform[None])[0] for waveform in waveforms[1:]]
    assert outputs(imported, together.numpy()) == pytest.approx(golden["together"], abs=1e-5)
    assert outputs(imported, torch.cat(alone).numpy()) == pytest.approx(golden["alone"][1:], abs=1e-5)
    assert np.ptp(golden["together"], 0).max() > 0.3  # else agreement would say little
    assert np.abs(golden["together"] - golden["alone"])[1:].max() > 0.05  # the neighbours count
    assert imported.config.task == TASKS[name]
    assert embedding.shape == (5, {"sequential": 4 + 6, "model": 5 + 6 + 7, "tags": 6 + 6, "linear": 10}[name])


class AllOfThem(nn.Module):
    """The four networks side by side, so that one export does for all."""

    def __init__(self) -> None:
        super().__init__()
        self.networks = nn.ModuleList(read(name).network for name in LABELS)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        logits, embeddings = zip(*(network(waveform) for network in self.networks), strict=True)
        return torch.cat(logits, 1), torch.cat(embeddings, 1)


def test_every_layer_answers_as_keras_does_once_exported() -> None:
    session = onnxruntime.InferenceSession(export_onnx(AllOfThem().eval(), 1500, any_length=False))
    golden = {name: answers(name) for name in LABELS}
    borders = np.cumsum([stored["together"].shape[1] for stored in golden.values()])[:-1]
    for window in range(1, 5):
        waveforms = [stored["waveforms"][window : window + 1] for stored in golden.values()]
        for index, (name, stored) in enumerate(golden.items()):
            logits = session.run(["logits"], {"waveform": waveforms[index]})[0]
            alone = outputs(read(name), np.split(logits, borders, 1)[index])
            assert alone == pytest.approx(stored["alone"][window : window + 1], abs=1e-4)
    for index, (name, stored) in enumerate(golden.items()):
        logits = session.run(["logits"], {"waveform": stored["waveforms"]})[0]
        assert outputs(read(name), np.split(logits, borders, 1)[index]) == pytest.approx(stored["together"], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sequential", "model", "tags"])
def test_the_bundle_answers_as_keras_does(name: str, tmp_path: Path) -> None:
    keras_import.import_keras(GOLDEN / f"{name}.h5", tmp_path / name, labels=LABELS[name], sample_rate=RATE)
    golden = answers(name)
    model = Model.open(tmp_path / name)
    model.verify()
    assert model.config.task == TASKS[name]
    assert model.config.window == model.config.hop == model.config.shortest == 1500 / RATE
    # The windows of one track are heard one by one.
    heard = model.hear(golden["waveforms"][1:].ravel())
    assert heard.timeline.probabilities == pytest.approx(golden["alone"][1:], abs=1e-4)
    alone = [model.run(each[None])[1][0] for each in golden["waveforms"][1:]]
    assert heard.embedding == pytest.approx(np.average(alone, 0, heard.timeline.weights), rel=1e-5, abs=1e-6)


def test_every_layer_that_is_understood_stands_in_some_golden_file() -> None:
    found = {layer.kind for name in LABELS for layer in read(name).file.layers}
    assert found == set(LAYERS)


def test_the_mel_layer_is_the_one_of_our_own_network_for_a_batch_of_one() -> None:
    ours = MelSpectrogram(12_000, 1024, 96)
    layer = Melspectrogram(
        (1, 349_440), n_dft=1024, n_hop=1024, n_mels=96, power_melgram=2.0, return_decibel_melgram=True
    )
    layer.real_kernels.copy_(ours.real_kernels[:, None, None])
    layer.imag_kernels.copy_(-ours.imag_kernels[:, None, None])  # kapre's sign; the square knows none
    layer.mel.copy_(ours.mel)
    waveform = torch.from_numpy(tiny_track(seconds=29.12, sample_rate=12_000).waveform)[None]
    torch.testing.assert_close(layer(waveform), ours(waveform), atol=1e-3, rtol=0)
    # Beside a louder one a quiet window is cut off at -80 dB of that one.
    both = layer(torch.cat([waveform, 1e-3 * waveform]))
    torch.testing.assert_close(both[:1], layer(waveform))
    assert both[1].max() == pytest.approx(-60, abs=1e-3)
    assert both[1].min() == -80


# The architecture of 2018, full size


BLOCKS = ((64, (2, 4)), (96, (4, 5)), (160, (3, 4)), (512, (4, 4)))  # filters, pool


def layers_of_2018(generator: np.random.Generator) -> list[tuple[str, str, dict[str, Any], list[tuple[str, Any]]]]:
    """Name, kind, options and weights of each layer: drawn at random, so that answers differ from window to window."""
    ours = MelSpectrogram(12_000, 1024, 96)
    mel = {"sr": 12_000, "n_dft": 1024, "n_hop": 1024, "n_mels": 96, "fmin": 0.0, "fmax": 6000.0, "padding": "same"}
    mel |= {"power_melgram": 2.0, "return_decibel_melgram": True, "htk": False, "norm": 1, "trainable_kernel": False}
    layers: list[tuple[str, str, dict[str, Any], list[tuple[str, Any]]]] = [
        (
            "melspectrogram_1",
            "Melspectrogram",
            {**mel, "trainable_fb": False, "image_data_format": "channels_last"},
            [
                ("real_kernels", ours.real_kernels[:, None, None]),
                ("imag_kernels", -ours.imag_kernels[:, None, None]),
                ("Variable", ours.mel),
            ],
        ),
        ("normalization2d_1", "Normalization2D", {"str_axis": "data_sample", "int_axis": 0}, []),
    ]
    before = 1
    for index, (filters, pool) in enumerate(BLOCKS):
        kernel = generator.normal(0, 0.5 * before**-0.5, (3, 3, before, filters))
        norm = [
            ("gamma", generator.uniform(0.5, 2, filters)),
            ("beta", generator.normal(0, 0.3, filters)),
            ("moving_mean", generator.normal(0, 0.3, filters)),
            ("moving_variance", generator.uniform(0.5, 2, filters)),
        ]
        convolution = {"filters": filters, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}
        pooling = {"pool_size": pool, "strides": pool, "padding": "valid"}
        if index:
            layers.append((f"dropout_{index}", "Dropout", {"rate": 0.1}, []))
        layers += [
            (
                f"conv2d_{index + 1}",
                "Conv2D",
                {**convolution, "activation": "linear", "use_bias": True},
                [("kernel", kernel), ("bias", generator.normal(0, 0.3, filters))],
            ),
            (f"{index}_bn", "BatchNormalization", {"axis": 3, "epsilon": 0.001, "momentum": 0.99}, norm),
            (f"activation_{index}", "Activation", {"activation": "elu"}, []),
            (f"pool_{index}", "MaxPooling2D", pooling, []),
        ]
        before = filters
    dense = [("kernel", generator.normal(0, 0.01, (512, 12))), ("bias", np.zeros(12))]
    layers += [
        ("flatten_1", "Flatten", {}, []),
        ("dense_1", "Dense", {"units": 12, "activation": "softmax", "use_bias": True}, dense),
    ]
    return layers


def write_2018(path: Path, generator: np.random.Generator) -> None:
    """Write the network of 2018 in full size as Keras would, with random weights."""
    layers = layers_of_2018(generator)
    entry = {"batch_input_shape": [None, 1, 349_440], "dtype": "float32", "sparse": False, "name": "input_1"}
    graph: list[dict[str, Any]] = [
        {"name": "input_1", "class_name": "InputLayer", "config": entry, "inbound_nodes": []}
    ]
    for name, kind, options, _ in layers:
        node = [[[graph[-1]["name"], 0, 0, {}]]]
        config = {"name": name, "trainable": True, **options}
        graph.append({"name": name, "class_name": kind, "config": config, "inbound_nodes": node})
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [["dense_1", 0, 0]]}
    model = {"class_name": "Model", "config": {"name": "model_1", "layers": graph, **ends}}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.1.6", b"tensorflow"
        file.attrs["model_config"] = json.dumps(model).encode()
        for name, _, _, weights in layers:
            group = file.create_group(f"model_weights/{name}")
            group.attrs["weight_names"] = [f"{name}/{weight}:0".encode() for weight, _ in weights]
            for weight, array in weights:
                group[f"{name}/{weight}:0"] = np.asarray(array, np.float32)


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras_import.Imported, Path]:
    folder = tmp_path_factory.mktemp("2018")
    write_2018(folder / "28_mdl.h5", np.random.default_rng(0))
    return keras_import.import_keras(folder / "28_mdl.h5", folder / "emusic"), folder / "emusic"


def test_the_network_of_2018_round_trips(full_size: tuple[keras_import.Imported, Path]) -> None:
    imported, folder = full_size
    assert imported.file.parameters == 2_041_580
    assert imported.trainable == 940_044
    assert [layer.name for layer in imported.file.layers] == [
        *("melspectrogram_1", "normalization2d_1"),
        *("conv2d_1", "0_bn", "activation_0", "pool_0", "dropout_1"),
        *("conv2d_2", "1_bn", "activation_1", "pool_1", "dropout_2"),
        *("conv2d_3", "2_bn", "activation_2", "pool_2", "dropout_3"),
        *("conv2d_4", "3_bn", "activation_3", "pool_3"),
        *("flatten_1", "dense_1"),
    ]
    config = Model.open(folder).config
    assert [layer["name"] for layer in config.settings["layers"]] == [layer.name for layer in imported.file.layers]
    assert config.styles == [style.label for style in styles()]
    assert config.families["Halftime"] == "Bass"
    assert (config.sample_rate, config.window, config.name) == (12_000, 29.12, "emusic")
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "2,041,580 parameters, 940,044 of which" in text
    assert imported.file.input_name == "input_1"
    for row in (
        "input_1 | InputLayer | 1 x 349440 | 0",
        "Melspectrogram | 96 x 342 x 1 | 1,099,872",
        "MaxPooling2D | 4 x 4 x 160 | 0",
        "Dense | 12 | 6,156",
    ):
        assert row in text


def test_onnx_and_torch_agree_on_the_network_of_2018(full_size: tuple[keras_import.Imported, Path]) -> None:
    _, folder = full_size
    waveforms = np.stack([tiny_track(bpm, 29.12, 12_000).waveform for bpm in (100, 174)])
    logits, embedding = Model.open(folder).run(waveforms)
    with torch.no_grad():
        expected, summary = bundle.load_network(folder)(torch.from_numpy(waveforms))
    assert logits == pytest.approx(expected.numpy(), abs=1e-4)
    assert embedding == pytest.approx(summary.numpy(), rel=1e-4, abs=1e-4)
    assert embedding.shape == (2, 64 + 96 + 160 + 512)
    assert np.abs(logits[0] - logits[1]).max() > 0.1


# The prediction of the original


def test_ten_pieces_are_heard_as_the_original_would_have(
    full_size: tuple[keras_import.Imported, Path], shared_audio: Path, tmp_path: Path
) -> None:
    """Against a re-enactment: mutagen tells the duration, ffmpeg cuts, librosa loads."""
    model = Model.open(full_size[1])
    for name, suffix in (("tribb.mp3", ".mp3"), ("gold.wav", ".wav")):
        path = shared_audio / "tracks" / name
        heard = Listener(model, original=True)(path).timeline
        expected = PROBABILITIES["styles"](model.run(pieces_of_the_original(path, tmp_path / name, suffix))[0])
        assert heard.mean() == pytest.approx(expected.mean(0), abs=0.01)
        others = np.roll(expected, 1, 0)  # the pieces differ, or agreement would say little
        assert np.abs(heard.probabilities - expected).mean() < 0.3 * np.abs(heard.probabilities - others).mean()


def pieces_of_the_original(path: Path, folder: Path, suffix: str) -> NDArray[np.float32]:
    folder.mkdir()
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    length = (mutagen.File(path).info.length + 1) / 10
    batch = np.zeros((10, 349_440), np.float32)
    for piece in range(10):
        cut = folder / f"{piece}{suffix}"
        place = ["-ss", str(piece * length), "-t", str(length)]
        subprocess.run([ffmpeg, "-v", "error", *place, "-i", path, "-vn", cut], check=True)
        waveform, _ = librosa.load(cut, sr=12_000, mono=True)
        batch[piece, : min(waveform.size, 349_440)] = waveform[:349_440]
    return batch


# What is refused


@pytest.fixture
def change(tmp_path: Path) -> Callable[..., Path]:
    """Return what copies a golden file and changes the copy: its config as text, or the file itself."""

    def changed(
        name: str, replace: Mapping[str, str] | None = None, act: Callable[[h5py.File], object] | None = None
    ) -> Path:
        path = Path(shutil.copy(GOLDEN / f"{name}.h5", tmp_path / "changed.h5"))
        with h5py.File(path, "r+") as file:
            config = file.attrs["model_config"]
            for old, new in (replace or {}).items():
                assert old in config, old
                config = config.replace(old, new)
            file.attrs["model_config"] = config
            if act:
                act(file)
        return path

    return changed


CONFIGS: dict[str, tuple[str, dict[str, str], str]] = {
    "lambda": (
        "sequential",
        {'"class_name": "ELU", "config": {"name": "elu_1"': '"class_name": "Lambda", "config": {"name": "elu_1"'},
        "layer 'elu_1' (Lambda): this kind of layer is not understood; Spectrogram, Melspectrogram,",
    ),
    "dilation": ("sequential", {'"dilation_rate": [1, 1]': '"dilation_rate": [2, 2]'}, "dilation_rate is [2, 2]"),
    "order of the axes": ("sequential", {"channels_last": "channels_first"}, "image_data_format is 'channels_first'"),
    "unknown option": (
        "sequential",
        {'"use_bias": true': '"groups": 2, "use_bias": true'},
        "layer 'conv2d_1' (Conv2D): the option groups (2) is not understood",
    ),
    "missing option": ("sequential", {'"filters": 4, ': ""}, "layer 'conv2d_1' (Conv2D): "),
    "unknown activation": ("sequential", {'"softmax"': '"swish"'}, "ends in layer 'dense_1' with swish"),
    "activation in between": ("model", {'"selu"': '"swish"'}, "the activation 'swish' is not understood"),
    "ends in relu": ("sequential", {'"softmax"': '"relu"'}, "nobody can tell what its outputs mean"),
    "double precision": ("sequential", {'"dtype": "float32"': '"dtype": "float64"'}, "dtype is 'float64'"),
    "input in double precision": ("model", {'"dtype": "float32"': '"dtype": "float64"'}, "not plain float32"),
    "stereo": ("sequential", {"[null, 1, 1500]": "[null, 2, 1500]"}, "not that of mono sound: (1, samples)"),
    "another length": ("sequential", {"[null, 1, 1500]": "[null, 1, 3000]"}, "layer 'dense_1' (Dense): kernel has"),
    "too short": ("sequential", {"[null, 1, 1500]": "[null, 1, 150]"}, "layer 'pool_1' (MaxPooling2D): a size of"),
    "kernels of another size": (
        "sequential",
        {'"n_dft": 64': '"n_dft": 32'},
        "real_kernels has the shape (64, 1, 1, 33)",
    ),
    "misshapen": (
        "sequential",
        {'"filters": 4': '"filters": 5'},
        "kernel has the shape (3, 3, 1, 4), not (3, 3, 1, 5)",
    ),
    "bias without use": (
        "sequential",
        {'"use_bias": true': '"use_bias": false'},
        "a weight bias, for which there is no use",
    ),
    "bias that is missing": ("model", {'"use_bias": false': '"use_bias": true'}, "it has no weight bias"),
    "late front end": (
        "sequential",
        {
            '"class_name": "ELU", "config": {"name": "elu_1", "trainable": true, "alpha": 1.0}': (
                '"class_name": "Spectrogram", "config": {"name": "elu_1"}'
            )
        },
        "layer 'elu_1' is a Spectrogram, but a spectrogram must come first, and only there",
    ),
    "branch": (
        "model",
        {'[[["leaky_re_lu_1", 0, 0, {}]]]': '[[["batch_normalization_2", 0, 0, {}]]]'},
        "layer 'batch_normalization_2' feeds both 'leaky_re_lu_1' and 'average_pooling2d_1'",
    ),
    "loose end": ("model", {'[["probabilities", 0, 0]]': '[["dense_3", 0, 0]]'}, "its layers are no chain"),
    "two inputs": (
        "model",
        {'[[["leaky_re_lu_1", 0, 0, {}]]]': '[[["leaky_re_lu_1", 0, 0, {}], ["input_1", 0, 0, {}]]]'},
        "2 inputs of layer 'average_pooling2d_1'",
    ),
    "used twice": (
        "model",
        {'[[["leaky_re_lu_1", 0, 0, {}]]]': '[[["leaky_re_lu_1", 0, 0, {}]], [["input_1", 0, 0, {}]]]'},
        "2 calls of layer 'average_pooling2d_1'",
    ),
    "arguments": (
        "model",
        {'[[["leaky_re_lu_1", 0, 0, {}]]]': '[[["leaky_re_lu_1", 0, 0, {"training": true}]]]'},
        "only a chain of layers without arguments",
    ),
    "another model": ("model", {'"class_name": "Model"': '"class_name": "Nest"'}, "its model is a Nest"),
    "no layers": ("model", {'"layers": ': '"strata": '}, "its model_config is not one of Keras 2: KeyError: 'layers'"),
    "no JSON": ("model", {'"layers": ': ""}, "its model_config is not JSON"),
}


@pytest.mark.parametrize(("name", "replace", "message"), CONFIGS.values(), ids=CONFIGS)
def test_a_config_that_is_not_understood_is_refused(
    change: Callable[..., Path], name: str, replace: dict[str, str], message: str
) -> None:
    path = change(name, replace)
    with pytest.raises(BundleError, match=f"^{re.escape(str(path))}: .*{re.escape(message)}"):
        read(name, path)


def _set(place: str, value: NDArray[Any]) -> Callable[[h5py.File], None]:
    def act(file: h5py.File) -> None:
        if place in file:
            del file[place]
        file[place] = value

    return act


KERNEL = "model_weights/dense_1/dense_1/kernel:0"  # (72, 12)
FILES: dict[str, tuple[Callable[[h5py.File], object], str]] = {
    "no config": (lambda file: file.attrs.__delitem__("model_config"), "it has no model_config"),
    "Keras 3": (lambda file: file.attrs.__setitem__("keras_version", "3.1.0"), "written by Keras 3.1.0; only Keras 2"),
    "Theano": (lambda file: file.attrs.__setitem__("backend", "theano"), "written with the backend theano"),
    "missing weight": (lambda file: file.__delitem__(KERNEL), "the weight 'dense_1/kernel:0' is missing"),
    "no weights": (
        lambda file: file.__delitem__("model_weights"),
        "layer 'melspectrogram_1' (Melspectrogram): it has no",
    ),
    "extra weight": (
        _set("model_weights/dense_1/dense_1/scale:0", np.ones(12, np.float32)),
        "weights that belong to no layer: dense_1/dense_1/scale:0",
    ),
    "weights of another layer": (
        _set("model_weights/dense_9/dense_9/kernel:0", np.ones(12, np.float32)),
        "weights that belong to no layer: dense_9/dense_9/kernel:0",
    ),
    "misshapen weight": (_set(KERNEL, np.ones((12, 72), np.float32)), "kernel has the shape (12, 72), not (72, 12)"),
    "half precision": (_set(KERNEL, np.ones((72, 12), np.float16)), "is of type float16, not float32"),
    "not a number": (_set(KERNEL, np.full((72, 12), np.nan, np.float32)), "holds numbers that are not finite"),
}


@pytest.mark.parametrize(("act", "message"), FILES.values(), ids=FILES)
def test_a_file_with_something_missing_or_besides_is_refused(
    change: Callable[..., Path], act: Callable[[h5py.File], object], message: str
) -> None:
    path = change("sequential", act=act)
    with pytest.raises(BundleError, match=f"^{re.escape(str(path))}: .*{re.escape(message)}"):
        read("sequential", path)


def test_what_is_no_keras_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"absent\.h5: there is no such file"):
        read("model", tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("a text that goes by the name of a model", encoding="utf-8")
    with pytest.raises(BundleError, match=r"text\.h5: not an HDF5 file, or damaged"):
        read("model", tmp_path / "text.h5")
    (tmp_path / "half.h5").write_bytes((GOLDEN / "model.h5").read_bytes()[:30_000])
    with pytest.raises(BundleError, match=r"half\.h5: not an HDF5 file, or damaged"):
        read("model", tmp_path / "half.h5")


def test_harmless_differences_change_nothing(change: Callable[..., Path]) -> None:
    """Bytes for text, `layers` around the list, frozen layers, and names that TensorFlow has numbered."""

    def act(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(config | {"config": {"layers": config["config"]}}).encode()
        file.attrs["keras_version"], file.attrs["backend"] = b"2.1.5", b"tensorflow"
        group = file["model_weights/dense_1"]
        group.move("dense_1", "dense_1_1")
        group.attrs["weight_names"] = np.array([b"dense_1_1/kernel:0", b"dense_1_1/bias:0"])

    plain, changed = (
        read("sequential"),
        read("sequential", change("sequential", {'"trainable": true': '"trainable": false'}, act)),
    )
    for name, weight in plain.network.state_dict().items():
        assert torch.equal(weight, changed.network.state_dict()[name]), name


def test_an_end_whose_outputs_nobody_can_tell_is_refused() -> None:
    def ends(*kinds_and_activations: tuple[str, str | None]) -> list[dict[str, Any]]:
        return [
            {"name": kind.lower(), "kind": kind, "options": {"activation": activation} if activation else {}}
            for kind, activation in kinds_and_activations
        ]

    found = keras_import.without_ending(ends(("Dense", "sigmoid"), ("Activation", "linear"), ("Flatten", None)))
    assert found == (ends(("Dense", "linear"), ("Activation", "linear"), ("Flatten", None)), "sigmoid", 0)
    same = ends(("Conv2D", "relu"), ("Dense", "linear"))
    assert keras_import.without_ending(same) == (same, "linear", 1)
    for kinds, message in (
        (ends(("Dense", "linear"), ("ELU", None)), "ends in layer 'elu' with ELU"),
        (ends(("Conv2D", "softmax"), ("GlobalAveragePooling2D", None)), "with softmax, which is pooled"),
        (ends(("Flatten", None)), "no layer in it that has learned anything"),
    ):
        with pytest.raises(BundleError, match=message):
            keras_import.without_ending(kinds)


def test_a_softmax_over_one_axis_of_several_is_refused(change: Callable[..., Path]) -> None:
    # The last dense layer becomes one of 2 x 2 outputs, each pair with a softmax of its own.
    def act(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        layers = config["config"]["layers"]
        dense = next(layer for layer in layers if layer["name"] == "dense_7")
        assert dense["config"]["units"] == 4
        square: dict[str, Any] = {
            "name": "square",
            "class_name": "Reshape",
            "config": {"name": "square", "target_shape": [2, 2]},
        }
        softmax: dict[str, Any] = {
            "name": "pairs",
            "class_name": "Activation",
            "config": {"name": "pairs", "activation": "softmax"},
        }
        layers[-1]["inbound_nodes"] = [[["pairs", 0, 0, {}]]]
        square["inbound_nodes"], softmax["inbound_nodes"] = [[["dense_7", 0, 0, {}]]], [[["square", 0, 0, {}]]]
        config["config"]["layers"] = [*layers, square, softmax]
        file.attrs["model_config"] = json.dumps(config)

    with pytest.raises(BundleError, match="layer 'pairs': its softmax is over one axis of several"):
        read("linear", change("linear", act=act))


# An input whose length is open

OPEN = {"[null, 1, 1500]": "[null, 1, null]"}


def test_an_open_length_is_given(change: Callable[..., Path]) -> None:
    path = change("model", OPEN)  # it takes the mean over all frames, so it fits any length
    with pytest.raises(
        BundleError, match=r"changed\.h5: the length of its input is open: give the one .* by --seconds$"
    ):
        read("model", path)
    imported, golden = read("model", path, seconds=1500 / RATE), answers("model")
    assert (imported.network.samples, imported.config.window) == (1500, 1500 / RATE)
    with torch.no_grad():
        logits, _ = imported.network(torch.from_numpy(golden["waveforms"]))
    assert outputs(imported, logits.numpy()) == pytest.approx(golden["together"], abs=1e-5)
    assert "It leaves the length of its input open; 0.375 s were given" in keras_import.card(imported)


def test_an_open_length_is_learned_from_the_layers_that_fix_it(change: Callable[..., Path]) -> None:
    """A dense layer of 15 frames of 3 values; each is 32 samples, 100 apart, within the sound."""
    imported, golden = read("linear", change("linear", OPEN)), answers("linear")
    assert imported.network.samples == 14 * 100 + 32
    with torch.no_grad():
        logits, _ = imported.network(torch.from_numpy(golden["waveforms"][:, :1432]))
    assert outputs(imported, logits.numpy()) == pytest.approx(golden["together"], abs=1e-5)


def test_layers_that_fix_a_range_say_which(change: Callable[..., Path]) -> None:
    path = change("sequential", OPEN)  # 24 to 29 frames of 64 samples give four after poolings by 2 and 3
    message = r"the length of its input is open, and its layers fit 0.36825 to 0.464 s: give the one of its training "
    with pytest.raises(BundleError, match=message + "by --seconds$"):
        read("sequential", path)
    for samples in (23 * 64 + 1, 1500, 29 * 64):
        assert read("sequential", path, samples / RATE).network.samples == samples
    for samples in (23 * 64, 29 * 64 + 1):
        with pytest.raises(BundleError, match=rf"fit 0.36825 to 0.464 s, not {samples / RATE:g} \(--seconds\)$"):
            read("sequential", path, samples / RATE)


def test_the_command_takes_the_length(
    change: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["earmark", "import-keras", str(change("model", OPEN)), str(tmp_path / "open"), "--seconds"]
    monkeypatch.setattr("sys.argv", [*arguments, "0"])
    with pytest.raises(SystemExit):
        main()
    assert "--seconds must be above 0" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", [*arguments, "0.5"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "hears 0.5 s at 4000 Hz, names 12 styles" in capsys.readouterr().out
    assert Model.open(tmp_path / "open").config.window == 0.5


def test_a_length_that_is_not_that_of_the_file_is_refused() -> None:
    assert read("model", seconds=0.375).network.samples == 1500
    with pytest.raises(BundleError, match=r"model\.h5: its input is 0\.375 s long, not 1 \(--seconds\)$"):
        read("model", seconds=1)


def padded(image: NDArray[np.float64], size: Sequence[int], strides: Sequence[int], fill: float) -> NDArray[np.float64]:
    """TensorFlow's "same": (height, width, channels) with the edge of which the larger half comes last."""
    edges = []
    for length, each, stride in zip(image.shape, size, strides, strict=False):
        excess = max((-(-length // stride) - 1) * stride + each - length, 0)
        edges.append((excess // 2, excess - excess // 2))
    return np.pad(image, [*edges, (0, 0)], constant_values=fill)


def patches(image: NDArray[np.float64], size: tuple[int, int], strides: tuple[int, int]) -> NDArray[np.float64]:
    """All rectangles of an image, (height, width, channels) -> (rows, columns, channels, height, width)."""
    return np.lib.stride_tricks.sliding_window_view(image, size, axis=(0, 1))[:: strides[0], :: strides[1]]


def forward(waveform: NDArray[np.float32], weights: Mapping[str, NDArray[np.float32]]) -> NDArray[np.floating]:
    """The network of model.h5 (see make_keras.py), written once more: NumPy, a sound of any length alone."""

    def normalised(image: NDArray[np.float64], name: str, epsilon: float = 0.001) -> NDArray[np.float64]:
        deviation = np.sqrt(weights[f"{name}/moving_variance"] + epsilon)
        scaled = weights.get(f"{name}/gamma", 1) * (image - weights[f"{name}/moving_mean"]) / deviation
        shifted: NDArray[np.float64] = scaled + weights.get(f"{name}/beta", 0)
        return shifted

    def convolved(image: NDArray[np.float64], name: str, strides: tuple[int, int]) -> NDArray[np.float64]:
        kernel = weights[f"{name}/kernel"]
        found = np.einsum("rcihw,hwio->rco", patches(image, kernel.shape[:2], strides), kernel)
        moved: NDArray[np.float64] = found + weights.get(f"{name}/bias", 0)
        return moved

    sound = padded(waveform[:, None].astype(np.float64), (64,), (24,), 0)[:, 0]
    frames = np.lib.stride_tricks.sliding_window_view(sound, 64)[::24]
    real, imaginary = (frames @ weights[f"melspectrogram_2/{part}_kernels"][:, 0, 0] for part in ("real", "imag"))
    image = (np.sqrt((real**2 + imaginary**2) @ weights["melspectrogram_2/Variable"]) ** 1.5).T[..., None]
    centred = image - image.mean((1, 2), keepdims=True)
    image = centred / (np.sqrt((centred**2).mean((1, 2), keepdims=True)) + 1e-10)
    image = normalised(image.transpose(1, 2, 0), "batch_normalization_1").transpose(2, 0, 1)
    image = np.maximum(convolved(padded(image, (3, 5), (1, 2), 0), "conv2d_3", (1, 2)), 0)
    image = patches(padded(image, (3, 2), (2, 2), -np.inf), (3, 2), (2, 2)).max((3, 4))
    image = normalised(convolved(image, "conv2d_4", (2, 1)), "batch_normalization_2", 0.01)
    image = np.where(image > 0, image, 0.2 * image)
    held = patches(padded(image, (2, 4), (2, 3), np.nan), (2, 4), (2, 3))
    image = convolved(np.nanmean(held, (3, 4)), "conv2d_5", (1, 1))
    image = 1.0507009873554805 * np.where(image > 0, image, 1.6732632423543772 * np.expm1(np.minimum(image, 0)))
    row = normalised(image.mean((0, 1)) @ weights["dense_2/kernel"], "batch_normalization_3")
    logits = np.log1p(np.exp(row)) @ weights["dense_3/kernel"] + weights["dense_3/bias"]
    shares: NDArray[np.floating] = np.exp(logits - logits.max())
    answer: NDArray[np.floating] = shares / shares.sum()
    return answer


@pytest.mark.parametrize("samples", [1000, 1777, 4000])
def test_other_lengths_answer_as_an_independent_forward_pass_does(change: Callable[..., Path], samples: int) -> None:
    golden = answers("model")
    imported = read("model", change("model", OPEN), samples / RATE)
    weights = {f"{each.name}/{name}": array for each in imported.file.layers for name, array in each.weights.items()}
    for waveform, expected in zip(golden["waveforms"][1:], golden["alone"][1:], strict=True):
        assert forward(waveform, weights) == pytest.approx(expected, abs=1e-4)  # Keras itself, at its own length
    sound = golden["waveforms"][1:].ravel()[:samples]
    with torch.no_grad():
        logits, _ = imported.network(torch.from_numpy(sound[None]))
    assert outputs(imported, logits.numpy())[0] == pytest.approx(forward(sound, weights), abs=1e-4)


# Names


def test_other_numbers_of_outputs_need_names() -> None:
    with pytest.raises(
        BundleError, match=r"the layers give 5 outputs, for which there are 12 names: --styles names them$"
    ):
        keras_import.read(GOLDEN / "tags.h5", "tags", sample_rate=RATE)
    with pytest.raises(
        BundleError, match=r"the layers give 12 outputs, for which there are 3 names: --styles names them$"
    ):
        keras_import.read(GOLDEN / "model.h5", "model", labels=["a", "b", "c"])


def test_labels_of_ones_own_are_their_own_families() -> None:
    labels = ["Trance", "Gqom", "Trap", "Footwork"]
    config = keras_import.read(GOLDEN / "linear.h5", "linear", labels=labels).config
    assert config.families == {"Trance": "Trance", "Gqom": "Gqom", "Trap": "Bass", "Footwork": "Footwork"}


def test_the_sample_rate_must_be_stated_once() -> None:
    with pytest.raises(BundleError, match=r"tags\.h5: it does not state its sample rate: give it by --sample-rate$"):
        keras_import.read(GOLDEN / "tags.h5", "tags", labels=LABELS["tags"])
    with pytest.raises(BundleError, match=r"model\.h5: its sample rate is 4000 Hz, not 8000 \(--sample-rate\)$"):
        keras_import.read(GOLDEN / "model.h5", "model", sample_rate=8000)


@pytest.mark.parametrize(
    "text",
    [
        "n_labels;keys\n1;Trap\n0;Drum & Bass\n",
        "n_labels;keys\nDrum & Bass;0\nTrap;1\n",
        "﻿keys;n_labels\n0;Drum & Bass\n1;Trap\n\n",
    ],
)
def test_a_table_of_labels_is_read_whichever_column_holds_the_numbers(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.csv").write_text(text, encoding="utf-8")
    assert keras_import.read_labels(tmp_path / "keys.csv") == ["Drum & Bass", "Trap"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "two columns were expected, n_labels;keys"),
        ("n_labels,keys\n0,Trap\n", "two columns were expected"),
        ("n_labels;keys\n0;Trap;1\n", "two columns were expected"),
        ("n_labels;keys\n0;1\n", "one column must hold the numbers"),
        ("n_labels;keys\nTechno;Trap\n", "one column must hold the numbers"),
        ("n_labels;keys\n1;Techno\n2;Trap\n", "the numbers must run from 0, each with a name of its own"),
        ("n_labels;keys\n0;Trap\n1;Trap\n", "the numbers must run from 0, each with a name of its own"),
        ("n_labels;keys\n0;\n1;Trap\n", "the numbers must run from 0, each with a name of its own"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "keys.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match=f"keys.csv: .*{message}"):
        keras_import.read_labels(tmp_path / "keys.csv")


# Writing


def test_a_folder_that_is_no_model_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "song.mp3").write_bytes(b"irreplaceable")
    with pytest.raises(BundleError, match="music: this is not a model, so it is not overwritten"):
        keras_import.import_keras(GOLDEN / "model.h5", tmp_path / "music")
    assert (tmp_path / "music" / "song.mp3").read_bytes() == b"irreplaceable"


def test_the_card_says_what_a_linear_end_is_taken_for() -> None:
    imported = read("linear")
    text = keras_import.card(imported)
    assert "Trained with the loss mse and the optimiser Adam." in text
    assert "It ends without a softmax or a sigmoid. Its outputs are taken for logits" in text
    assert "Written by Keras 2.1.6 on TensorFlow" in text


# The command


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command_imports_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "keys.csv").write_text("n_labels;keys\n0;Trap\n1;Gqom\n2;Trance\n3;Footwork\n", encoding="utf-8")
    styles_option = ("--styles", tmp_path / "keys.csv")
    assert command(monkeypatch, "import-keras", GOLDEN / "linear.h5", tmp_path / "mine", *styles_option) == 0
    answer = capsys.readouterr()
    assert answer.out.splitlines() == [
        "10 layers, 3,950 parameters (2,760 trainable)",
        "hears 0.375 s at 4000 Hz, names 4 styles",
        f"written: {tmp_path / 'mine'}",
    ]
    assert "no softmax at its end: its outputs are taken for logits" in answer.err
    assert Model.open(tmp_path / "mine").config.styles == ["Trap", "Gqom", "Trance", "Footwork"]


def test_the_command_says_in_one_line_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.h5").write_text("no model", encoding="utf-8")
    assert command(monkeypatch, "import-keras", tmp_path / "a.h5", tmp_path / "out") == 1
    assert command(monkeypatch, "import-keras", GOLDEN / "tags.h5", tmp_path / "out") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"earmark: {tmp_path / 'a.h5'}: not an HDF5 file, or damaged: ")
    assert lines[1] == f"earmark: {GOLDEN / 'tags.h5'}: it does not state its sample rate: give it by --sample-rate"
    assert not (tmp_path / "out").exists()
