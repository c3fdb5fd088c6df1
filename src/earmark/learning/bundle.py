"""Write a bundle: a network and what is known about it, as the folder that `earmark.hearing.bundle` reads.

The folder is written under a temporary name, heard by ONNX Runtime, compared with torch, and only then renamed.
"""

import hashlib
import io
import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import nn

from earmark.errors import BundleError
from earmark.files import replacing_folder
from earmark.hearing import Model
from earmark.hearing.bundle import CARD, CHECK, CONFIG, NETWORK, WEIGHTS, Config, read_checked, read_config
from earmark.learning.networks import ARCHITECTURES

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
    """The network as ONNX: `waveform` (batch, samples) -> `logits`, `embedding`.

    Args:
        network: in evaluation mode.
        samples: of the waveform to trace with.
        any_length: whether other numbers of samples may be heard as well.
    """
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
                output_names=["logits", "embedding"],
                dynamic_shapes=(shape,),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    finally:
        exported.level = level
    assert program is not None  # noqa: S101  with dynamo=True it never is
    model = program.model_proto
    for part in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        del part.metadata_props[:]  # stack traces and addresses: other bytes each time, and nobody's business
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def require_replaceable(folder: Path) -> None:
    """Make sure that writing a bundle destroys nothing but a bundle.

    Raises:
        BundleError: something else is there.
    """
    if folder.exists() and not (folder / CONFIG).is_file():
        raise BundleError(f"{folder}: there is something that is no model; it would be replaced")


def write(
    folder: Path,
    network: nn.Module,
    config: Config,
    card: str,
    check: NDArray[np.float32],
) -> None:
    """Write a bundle, replacing one that stands there.

    Args:
        folder: where; its last part is the bundle's name.
        network: its parameters and buffers become `weights.safetensors` and `model.onnx`.
        config: all but the checksums, which are filled in here.
        card: the text of README.md.
        check: a waveform (1, samples) for the check sample.

    Raises:
        BundleError: ONNX Runtime does not hear what torch hears, or something else than a bundle stands there.
    """
    require_replaceable(folder)
    network.eval()
    samples = round(config.window * config.sample_rate)
    content = {
        NETWORK: export_onnx(network, samples, any_length=config.shortest < config.window),
        WEIGHTS: save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}),
    }
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(check))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, waveform=check, logits=logits.numpy())
    content[CHECK] = buffer.getvalue()

    settings = asdict(config) | {"sha256": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}}
    content[CONFIG] = (json.dumps(settings, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    content[CARD] = card.encode()
    _replace(folder, content)


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


def _replace(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write the files beside `folder`, open them as a model, then put them in its place."""
    with replacing_folder(folder) as fresh:
        for name, data in content.items():
            (fresh / name).write_bytes(data)
        Model.open(fresh).verify()
