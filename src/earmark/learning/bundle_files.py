"""The folder of a bundle: its files and their checksums, written whole or not at all. Needs no torch.

The folder is written under a temporary name, heard by ONNX Runtime, compared with its check sample, and only then
renamed.
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import BundleError
from earmark.files import replacing_folder
from earmark.hearing import Model
from earmark.hearing.bundle import ATTRIBUTION, CARD, CHECK, CONFIG, NETWORK, WEIGHTS, Config
from earmark.learning import external_data


@dataclass(frozen=True)
class CheckSample:
    """A waveform (1, samples) and the logits (1, styles) that a network must give for it."""

    waveform: NDArray[np.float32]
    logits: NDArray[np.float32]


def require_replaceable(folder: Path) -> None:
    """Make sure that writing a bundle destroys nothing but a bundle.

    Raises:
        BundleError: something else is there.
    """
    if folder.exists() and not (folder / CONFIG).is_file():
        raise BundleError(
            f"{folder}: this is not a model, so it is not overwritten; choose another name or move it away"
        )


def write(
    folder: Path,
    config: Config,
    card: str,
    *,
    network: bytes,
    weights: bytes,
    check: CheckSample,
    attribution: str = "",
) -> None:
    """Write a bundle, replacing one that stands there.

    Args:
        folder: where; its last part is the bundle's name.
        config: all but the checksums, which are filled in here.
        card: the text of README.md.
        network: an ONNX model with all of its weights; in `model.onnx` those that `weights` holds are references to it.
        weights: the content of `weights.safetensors`.
        check: the content of `check.npz`.
        attribution: the text of ATTRIBUTION.md, works that it learned from and whose they are; empty for no file.

    Raises:
        BundleError: ONNX Runtime does not give the logits of the check sample, or something else than a bundle stands
            there.
    """
    require_replaceable(folder)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, waveform=check.waveform, logits=check.logits)
    content = {NETWORK: external_data.refer(network, weights), WEIGHTS: weights, CHECK: buffer.getvalue()}
    settings = asdict(config) | {"sha256": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}}
    content[CONFIG] = (json.dumps(settings, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    content[CARD] = card.encode()
    if attribution:
        content[ATTRIBUTION] = attribution.encode()
    with replacing_folder(folder) as fresh:
        for name, data in content.items():
            (fresh / name).write_bytes(data)
        Model.open(fresh).verify()
