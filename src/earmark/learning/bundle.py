"""Networks of torch as bundles, and back: a network and what is known about it, as `earmark.hearing.bundle` reads it.

What ONNX Runtime hears is compared with torch before a bundle is put in its place.
"""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import nn

from earmark.errors import BundleError
from earmark.hearing.bundle import WEIGHTS, Config, read_checked, read_config
from earmark.learning import bundle_files
from earmark.learning.bundle_files import CheckSample
from earmark.learning.networks import ARCHITECTURES
from earmark.learning.networks.pool import LogOpinionPool, Opinions
from earmark.learning.simplification import simplify

OPSET = 18


def build(config: Config) -> nn.Module:
    """The network of a config, with weights not yet loaded.

    Raises:
        BundleError: the architecture is unknown, or has other settings.
    """
    if config.architecture not in ARCHITECTURES:
        raise BundleError(
            f"{config.name}: unknown architecture {config.architecture!r}, not one of {', '.join(ARCHITECTURES)}"
        )
    try:
        return ARCHITECTURES[config.architecture](len(config.styles), **config.settings)
    except (TypeError, ValueError, KeyError) as error:
        raise BundleError(f"{config.name}: settings of {config.architecture}: {error}") from error


def load_network(folder: Path) -> nn.Module:
    """The network of a bundle for further training, in evaluation mode.

    Raises:
        BundleError: the bundle is damaged, or its weights do not fit its architecture.
    """
    config = read_config(folder)
    network = build(config)
    try:
        network.load_state_dict(load(read_checked(folder, config, WEIGHTS)), strict=True)
    except RuntimeError as error:
        raise BundleError(f"{folder / WEIGHTS}: {error}") from error
    return network.eval()


def export_onnx(network: nn.Module, samples: int, *, any_length: bool) -> bytes:
    """The network as ONNX: `waveform` (batch, samples) -> `logits`, `embedding`, and `sounds` if it is a pool.

    Args:
        network: in evaluation mode.
        samples: of the waveform to trace with.
        any_length: whether other numbers of samples may be heard as well.
    """
    outputs = ["logits", "embedding"]
    if isinstance(network, LogOpinionPool):
        network, outputs = Opinions(network).eval(), [*outputs, "sounds"]
    batch = torch.export.Dim("batch")
    shape: dict[int, object] = {0: batch}
    if any_length:
        shape[1] = torch.export.Dim("samples", min=samples // 2)
    # Two rows: an example batch of one would be taken for a constant.
    example = torch.linspace(-1, 1, 2 * samples).reshape(2, samples).sin()
    exported = logging.getLogger("torch.onnx")
    level, exported.level = exported.level, logging.ERROR
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's, about its own insides
            program = torch.onnx.export(
                network,
                (example,),
                input_names=["waveform"],
                output_names=outputs,
                dynamic_shapes=(shape,),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
                optimize=False,
            )
    finally:
        exported.level = level
    assert program is not None  # noqa: S101  with dynamo=True it never is
    simplify(program.model)
    model = program.model_proto
    for part in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        del part.metadata_props[:]  # stack traces and addresses: other bytes each time, and nobody's business
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def write(
    folder: Path,
    network: nn.Module,
    config: Config,
    card: str,
    check: NDArray[np.float32],
    attribution: str = "",
) -> None:
    """Write a bundle, replacing one that stands there.

    Args:
        folder: where; its last part is the bundle's name.
        network: its parameters and buffers become `weights.safetensors` and `model.onnx`.
        config: all but the checksums, which are filled in here.
        card: the text of README.md.
        check: a waveform (1, samples) for the check sample.
        attribution: the text of ATTRIBUTION.md, as `bundle_files.write` takes it.

    Raises:
        BundleError: ONNX Runtime does not hear what torch hears, or something else than a bundle stands there.
    """
    bundle_files.require_replaceable(folder)
    network.eval()
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(check))
    samples = round(config.window * config.sample_rate)
    bundle_files.write(
        folder,
        config,
        card,
        network=export_onnx(network, samples, any_length=config.shortest < config.window),
        weights=save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}),
        check=CheckSample(check, logits.numpy()),
        attribution=attribution,
    )


def check_waveform(sample_rate: int, samples: int) -> NDArray[np.float32]:
    """A check sample: three seconds of chords over a kick at 124 BPM, in steps that compress well, then silence.

    Shape: (1, samples).
    """
    time = np.arange(3 * sample_rate) / sample_rate
    beat = time % (60 / 124)
    kick = np.sin(2 * np.pi * (50 * beat - 8 * np.exp(-30 * beat))) * np.exp(-9 * beat)
    chord = sum(np.sign(np.sin(2 * np.pi * pitch * time)) for pitch in (220.0, 261.6, 329.6))
    steps = np.round((0.6 * kick + 0.1 * chord) * 256) / 256
    waveform = np.zeros((1, samples), np.float32)
    waveform[0, : len(steps)] = steps[:samples]
    return waveform
