"""A tiny model with known answers."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from earmark.hearing.bundle import CARD, CHECK, CONFIG, NETWORK, WEIGHTS
from earmark.hearing.sounds import CLASSES

DRUM_MACHINE = 158  # among the classes of sound


def tiny_bundle(folder: Path, *, ear: bool = False, **changes: Any) -> Path:  # noqa: ANN401  whatever a config holds
    """Write a model with known answers, and return its folder.

    It hears the mean m of a window: its logits are 0, 10 m and -10 m for the styles Still, Up and Down, its embedding
    is m and the mean of the absolute values. A window is 1 s of 8 kHz, windows do not overlap, and what is shorter than
    0.5 s is filled up.

    Args:
        folder: where; its last part is the name.
        ear: whether it scores kinds of sound, too: the drum machine by the mean absolute value, all others 0.
        changes: of keys of the config.
    """
    folder.mkdir(parents=True)
    waveform = np.linspace(-0.2, 0.6, 8000, dtype=np.float32)[None]  # (1, samples), mean 0.2
    check = io.BytesIO()
    np.savez(check, waveform=waveform, logits=np.array([[0, 2, -2]], np.float32))
    content = {NETWORK: _tiny_network(ear=ear), WEIGHTS: b"none", CHECK: check.getvalue(), CARD: b"# tiny\n"}
    config = {
        "format": 1,
        "name": folder.name,
        "task": "styles",
        "architecture": "mean",
        "settings": {},
        "sample_rate": 8000,
        "window": 1.0,
        "hop": 1.0,
        "shortest": 0.5,
        "styles": ["Still", "Up", "Down"],
        "families": {"Still": "Rest", "Up": "Motion", "Down": "Motion"},
        "temperature": 1.0,
        "unknown_threshold": 0.5,
        "provenance": {"summary": "made by hand"},
        "measures": {},
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in content.items() if name != CARD},
    }
    for name, data in content.items():
        (folder / name).write_bytes(data)
    (folder / CONFIG).write_text(json.dumps(config | changes), encoding="utf-8")
    return folder


def _tiny_network(*, ear: bool) -> bytes:
    nodes = [
        helper.make_node("ReduceMean", ["waveform", "time"], ["mean"], keepdims=1),
        helper.make_node("Abs", ["waveform"], ["absolute"]),
        helper.make_node("ReduceMean", ["absolute", "time"], ["level"], keepdims=1),
        helper.make_node("Concat", ["mean", "level"], ["embedding"], axis=1),
        helper.make_node("MatMul", ["mean", "slopes"], ["logits"]),
    ]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 2]),
    ]
    constants = [
        helper.make_tensor("time", TensorProto.INT64, [1], [1]),
        helper.make_tensor("slopes", TensorProto.FLOAT, [1, 3], [0.0, 10.0, -10.0]),
    ]
    if ear:
        nodes.append(helper.make_node("MatMul", ["level", "kinds"], ["sounds"]))
        outputs.append(helper.make_tensor_value_info("sounds", TensorProto.FLOAT, ["batch", CLASSES]))
        kinds = [float(number == DRUM_MACHINE) for number in range(CLASSES)]
        constants.append(helper.make_tensor("kinds", TensorProto.FLOAT, [1, CLASSES], kinds))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["batch", "samples"])],
        outputs,
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    serialised: bytes = model.SerializeToString()
    return serialised
