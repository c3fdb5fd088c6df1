"""YAMNet, against TensorFlow Lite (tests/golden/make_yamnet.py), SciPy, and what is known about simple sounds."""

import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from earmark.audio import decode
from earmark.errors import BundleError
from earmark.learning.downloads import YAMNET
from earmark.learning.networks.yamnet import graph, tflite
from earmark.learning.networks.yamnet.classes import CLASSES, DIMS, NAMES
from earmark.learning.networks.yamnet.network import YamnetEar, YamnetPatches, YamnetTags
from earmark.learning.networks.yamnet.patches import FRAMES, HOP, OFFSET, SAMPLE_RATE, WINDOW, front_end, mel_matrix

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.opus"))
PATCH = (FRAMES - 1) * HOP + WINDOW  # samples
Floats = NDArray[np.float32]


@pytest.fixture(scope="session")
def file(shared_teachers: Path) -> Path:
    """Return the file that Google publishes."""
    return shared_teachers / YAMNET.file


@pytest.fixture(scope="session")
def network(file: Path) -> graph.Network:
    """Return the network in that file."""
    return graph.read(file)


@pytest.fixture(scope="session")
def hears(file: Path) -> graph.Yamnet:
    """Return the network, ready to hear."""
    return graph.Yamnet(file)


@pytest.fixture(scope="session")
def golden() -> Mapping[str, NDArray[Any]]:
    """Return six sounds, their patches, and what TensorFlow Lite says of them, in real numbers."""
    with np.load(Path(__file__).parent / "golden" / "yamnet.npz", allow_pickle=False) as stored:
        known = dict(stored)
    for name, (scale, zero) in zip(("scores", "embeddings"), known["quantisation"], strict=True):
        known[name] = (known[name] - zero) * scale
    known["waveforms"] = (known["waveforms"] / 32768).astype(np.float32)
    return known


def tone(frequency: float, rate: int = SAMPLE_RATE, seconds: float = 1.0) -> Floats:
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate).astype(np.float32)


# The front end


def test_patches_are_those_of_plain_fourier_sums(golden: Mapping[str, NDArray[Any]]) -> None:
    patches = np.concatenate([front_end(waveform) for waveform in golden["waveforms"]])
    assert patches.shape == (6, 96, 64)
    assert patches == pytest.approx(golden["patches"], abs=1e-3)
    assert np.ptp(golden["patches"]) > 8  # from silence to a drum


def test_magnitudes_are_those_of_scipy() -> None:
    waveform = np.random.default_rng(0).standard_normal(PATCH, np.float32)
    _, _, spectra = signal.stft(
        waveform, window="hann", nperseg=400, noverlap=240, nfft=512, boundary=None, padded=False, return_onesided=True
    )
    magnitude = np.abs(spectra.T) * 200  # it divides by the sum of the window
    assert magnitude.shape == (96, 257)
    assert front_end(waveform)[0] == pytest.approx(np.log(magnitude @ mel_matrix() + 0.001), abs=1e-4)


@pytest.mark.parametrize("frequency", [200.0, 1000.0, 4000.0, 7000.0])
def test_a_tone_stands_in_its_band_with_its_level(frequency: float) -> None:
    patch = front_end(tone(frequency))[0]
    mel = 1127 * np.log(1 + np.array([125, frequency, 7500]) / 700)
    band = (mel[1] - mel[0]) / (mel[2] - mel[0]) * 65 - 1  # centres stand at 1, 2, ... 64 of 65
    assert np.abs(patch.argmax(1) - band).max() <= 1
    louder = front_end(2 * tone(frequency))[0]
    strongest = round(float(band))
    assert louder[:, strongest] - patch[:, strongest] == pytest.approx(np.full(96, np.log(2)), abs=0.01)


def test_silence_is_the_logarithm_of_the_offset_and_short_sound_is_filled_up_with_it() -> None:
    assert front_end(np.zeros(PATCH, np.float32)) == pytest.approx(np.full((1, 96, 64), np.log(OFFSET)))
    (patch,) = front_end(tone(1000)[:3200])
    assert patch[:17].max(1).min() > 3
    assert patch[21:] == pytest.approx(np.full((75, 64), np.log(OFFSET)))


@settings(max_examples=25)
@given(st.integers(0, 40_000), st.sampled_from([24, 48, 96, 100]))
def test_a_patch_begins_at_every_hop_that_leaves_room_for_one(samples: int, hop: int) -> None:
    waveform = (np.arange(samples) % 999 / 999).astype(np.float32)
    patches = front_end(waveform, hop)
    assert len(patches) == max(0, samples - PATCH) // (hop * 160) + 1
    last = (len(patches) - 1) * hop * 160
    assert patches[-1] == pytest.approx(front_end(waveform[last:])[0], abs=1e-4)


def test_bands_lie_between_125_and_7500_hz() -> None:
    matrix = mel_matrix()
    heard = np.flatnonzero(matrix.any(1)) * 16_000 / 512
    assert (heard[0], heard[-1]) == (156.25, 7468.75)
    # Neighbouring triangles of height 1 add up to 1, from the first centre to the last.
    inside = matrix[(np.arange(257) * 31.25 > 180) & (np.arange(257) * 31.25 < 7200)]
    assert inside.sum(1) == pytest.approx(np.ones(len(inside)), abs=1e-6)


# The front end in torch, at 22,050 Hz


def test_spectra_at_22050_hz_are_those_of_the_resampled_sound() -> None:
    layer = YamnetPatches(hop=48)
    worst = []
    for example in EXAMPLES[:4]:
        waveform = decode(example, 22_050, duration=6)
        patches = layer(torch.from_numpy(waveform)[None])[0].numpy()
        expected = front_end(soxr.resample(waveform, 22_050, 16_000, "VHQ"))
        assert len(expected) == len(patches)
        worst.append(np.abs(patches - expected).mean())
        assert np.ptp(expected) > 5
    assert max(worst) < 0.002


def test_a_tone_is_as_loud_at_22050_hz_whichever_frame_it_is_in() -> None:
    (patches,) = YamnetPatches()(torch.from_numpy(tone(1234, 22_050))[None]).numpy()
    (expected,) = front_end(tone(1234))
    heard = expected.mean(0) > -2  # neighbouring bands too; what leaks below is of another kind at each rate
    assert patches[0][:, heard] == pytest.approx(expected[:, heard], abs=0.02)


@pytest.mark.parametrize(("samples", "patches"), [(21_499, 1), (42_666, 1), (42_667, 2), (642_096, 30)])
def test_the_number_of_patches_at_22050_hz(samples: int, patches: int) -> None:
    assert YamnetPatches()(torch.zeros(1, samples)).shape == (1, patches, 96, 64)


# The network


def test_it_hears_what_tensorflow_lite_hears(hears: graph.Yamnet, golden: Mapping[str, NDArray[Any]]) -> None:
    scores, embeddings = hears.hear(golden["patches"])
    # 8-bit activations: a step of a logit is 0.31, at a score of 0.5 that is 0.08.
    assert np.abs(scores - golden["scores"]).max() < 0.08
    assert np.corrcoef(scores.ravel(), golden["scores"].ravel())[0, 1] > 0.997
    assert np.corrcoef(embeddings.ravel(), golden["embeddings"].ravel())[0, 1] > 0.998
    assert (scores.argmax(1) == golden["scores"].argmax(1)).all()
    best = dict(zip(golden["names"].tolist(), golden["scores"].argmax(1).tolist(), strict=True))
    assert NAMES[best["techno"]] == "Music"
    assert NAMES[best["silence"]] == "Silence"


def test_the_reference_patch_is_speech(hears: graph.Yamnet, shared_teachers: Path) -> None:
    patch = np.fromfile(shared_teachers / "yamnet_test_spectra.bin", np.float32).reshape(1, 96, 64)
    (scores,), _ = hears.hear(patch)
    assert NAMES[int(scores.argmax())] == "Speech"
    assert scores.max() == pytest.approx(0.94, abs=0.01)  # TensorFlow Lite says 0.9414


def test_real_house_loops_are_music_with_a_drum_machine(hears: graph.Yamnet, shared_audio: Path) -> None:
    loops = sorted((shared_audio / "house-loops").glob("*.mp3"))[:4]
    scores = np.stack([hears.hear(front_end(decode(loop, SAMPLE_RATE)))[0].mean(0) for loop in loops])
    numbers = {name: number for number, name in NAMES.items()}
    assert scores[:, numbers["Music"]].min() > 0.8
    music = np.array([number for number, name in NAMES.items() if name not in {"Music", "Drum kit", "Synthesizer"}])
    assert numbers["Drum machine"] in {int(music[row.argmax()]) for row in scores[:, music]}


def test_any_number_of_patches_is_heard_one_by_one(hears: graph.Yamnet) -> None:
    patches = np.random.default_rng(0).normal(-3, 2, (graph.BATCH + 3, 96, 64)).astype(np.float32)
    scores, embeddings = hears.hear(patches)
    assert (scores.shape, embeddings.shape) == ((len(patches), CLASSES), (len(patches), DIMS))
    for place in (0, graph.BATCH - 1, graph.BATCH, len(patches) - 1):
        (alone,), (embedding,) = hears.hear(patches[place : place + 1])
        assert scores[place] == pytest.approx(alone, abs=1e-5)
        assert embeddings[place] == pytest.approx(embedding, abs=1e-4)
    assert np.ptp(scores, 0).max() > 0.01
    nothing = hears.hear(patches[:0])
    assert (nothing[0].shape, nothing[1].shape) == ((0, 521), (0, 1024))


def test_the_onnx_graph_is_valid_and_holds_3_7_million_weights(network: graph.Network) -> None:
    model = graph.to_onnx(network)
    onnx.checker.check_model(model, full_check=True)
    weights = sum(int(np.prod(constant.dims)) for constant in model.graph.initializer)
    assert weights == pytest.approx(3.74e6, rel=0.01)
    assert [each.name for each in model.graph.output] == ["scores", "embedding"]


def test_the_layers_are_those_of_a_mobilenet(network: graph.Network) -> None:
    shapes = [(layer.weight.shape, layer.stride, layer.groups) for layer in network.convolutions]
    assert len(shapes) == 27
    assert shapes[0] == ((32, 1, 3, 3), 2, 1)
    assert shapes[1:3] == [((32, 1, 3, 3), 1, 32), ((64, 32, 1, 1), 1, 1)]
    assert shapes[-1] == ((1024, 1024, 1, 1), 1, 1)
    assert np.prod([stride for _, stride, _ in shapes]) == 32
    assert (network.weight.shape, network.bias.shape) == ((521, 1024), (521,))


def test_torch_answers_as_onnx_runtime_does(network: graph.Network, hears: graph.Yamnet) -> None:
    ear = YamnetEar().eval()
    ear.take(network)
    patches = np.random.default_rng(1).normal(-3, 2, (5, 96, 64)).astype(np.float32)
    scores, embedding = ear.hear(torch.from_numpy(patches)[None])
    assert (scores.shape, embedding.shape) == ((1, 5, 521), (1, 5, 1024))
    expected = hears.hear(patches)
    assert scores[0].numpy() == pytest.approx(expected[0], abs=1e-5)
    assert embedding[0].numpy() == pytest.approx(expected[1], abs=1e-4)
    assert not any(weight.requires_grad for weight in ear.parameters())


def test_at_22050_hz_it_hears_what_it_hears_at_16_khz(network: graph.Network, hears: graph.Yamnet) -> None:
    ear = YamnetEar(hop=48).eval()
    ear.take(network)
    for example in EXAMPLES[:3]:
        scores, _ = ear(torch.from_numpy(decode(example, 22_050, duration=5))[None])
        expected, _ = hears.hear(front_end(decode(example, 16_000, duration=5)))
        assert scores[0].numpy() == pytest.approx(expected[: scores.shape[1]], abs=0.01)
        assert expected.max() > 0.5


def test_tags_are_the_log_odds_of_the_mean_score(network: graph.Network) -> None:
    tags = YamnetTags(3, classes=[132, 236, 494]).eval()
    tags.ear.take(network)
    waveform = torch.from_numpy(decode(EXAMPLES[-1], 22_050, duration=5))[None]
    logits, embedding = tags(waveform)
    scores, embeddings = tags.ear(waveform)
    assert scores.shape == (1, 5, 521)
    mean = scores[0, :, [132, 236, 494]].mean(0)
    assert logits[0].sigmoid().numpy() == pytest.approx(mean.clamp_min(1e-3).numpy(), abs=1e-6)
    assert embedding[0].numpy() == pytest.approx(embeddings[0].mean(0).numpy(), abs=1e-6)


def test_weights_that_do_not_fit_are_refused(network: graph.Network) -> None:
    first, *others = network.convolutions
    short = graph.Network([*others, first], network.weight, network.bias)
    with pytest.raises(ValueError, match="does not fit"):
        YamnetEar().take(short)
    with pytest.raises(ValueError, match=r"weights of shape \(3, 1024\) do not fit Linear"):
        YamnetEar().take(graph.Network(network.convolutions, network.weight[:3], network.bias[:3]))
    with pytest.raises(ValueError, match="2 classes for 3 outputs"):
        YamnetTags(3, classes=[1, 2])


# The file


def test_a_file_that_is_not_the_known_one_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(b"\x1c\0\0\0TFL3")
    with pytest.raises(
        BundleError, match=rf"^{other}: not the YAMNet that is known here: its sha256 is [0-9a-f]{{64}}"
    ):
        graph.read(other)
    with pytest.raises(BundleError, match=rf"^{tmp_path / 'none'}: No such file"):
        graph.read(tmp_path / "none")


def test_what_is_no_tflite_file_is_refused() -> None:
    with pytest.raises(BundleError, match=r"^a\.tflite: not a model of TensorFlow Lite"):
        tflite.read(Path("a.tflite"), b"a text")
    with pytest.raises(BundleError, match=r"^a\.tflite: damaged: "):
        tflite.read(Path("a.tflite"), struct.pack("<I4s", 4000, b"TFL3"))


@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.9, 0.9999])
def test_a_file_that_is_cut_off_is_refused(file: Path, share: float) -> None:
    content = file.read_bytes()
    with pytest.raises(BundleError, match="damaged"):
        tflite.read(file, content[: int(share * len(content))])


def test_another_chain_of_layers_is_refused(file: Path) -> None:
    operators = tflite.read(file, file.read_bytes())
    with pytest.raises(BundleError, match="the operators are no MobileNet: QUANTIZE, RESHAPE, CONV_2D"):
        graph.network_of(file, [*operators[:2], *operators[3:]])
    strange = replace(operators[3], options={**operators[3].options, "padding": 1})
    with pytest.raises(BundleError, match=r"a CONV_2D with .*'padding': 1.* is not understood"):
        graph.network_of(file, [*operators[:3], strange, *operators[4:]])


def test_quantised_constants_become_real_numbers_along_their_axis() -> None:
    quantisation = tflite.Quantisation(np.array([0.5, 2], np.float32), np.array([0, 10]), axis=1)
    tensor = tflite.Tensor("weights", (2, 2), quantisation, np.array([[2, 11], [-4, 9]], np.int8))
    assert tensor.values.tolist() == [[1, 2], [-2, -2]]
    whole = tflite.Quantisation(np.array([0.25], np.float32), np.array([-128]), axis=0)
    assert whole.limits == (0, 63.75)
    with pytest.raises(ValueError, match="hidden is no constant"):
        _ = tflite.Tensor("hidden", (2,), whole, None).values
