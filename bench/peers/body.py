"""Writes the network of `emusic12` from its spectrogram on, for the recipe of 2018; python -m bench.peers.body OUT."""

import sys

import onnx
import onnx.shape_inference
import onnx.utils

from earmark.hearing.bundle import locate, read_config
from earmark.learning.external_data import read_network

folder = locate("emusic12")
network = onnx.load_model_from_string(read_network(folder, read_config(folder)))
(spectrogram,) = [
    node.output[0] for node in network.graph.node if node.op_type == "Unsqueeze"
]  # (batch, 1, mel, frames)
extractor = onnx.utils.Extractor(onnx.shape_inference.infer_shapes(network))
onnx.save_model(extractor.extract_model([spectrogram], ["logits"]), sys.argv[1])
