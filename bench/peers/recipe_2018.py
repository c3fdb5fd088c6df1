"""The recipe of 2018: ten pieces by ffmpeg, each read and made a mel spectrogram by librosa, one batch for the network.

recipe_2018.py FFMPEG BODY FILE..., where BODY is the network of `emusic12` from its spectrogram on, as ONNX.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import librosa
import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before ONNX Runtime is loaded: nothing is reported
import onnxruntime

RATE, SAMPLES, BANDS, SIZE, PIECES = 12_000, 349_440, 96, 1024, 10
PADDING = -SAMPLES % SIZE // 2  # on both ends, as the mel layer of the original does

ffmpeg, body, *files = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
network = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
for file in files:
    length = (librosa.get_duration(path=file) + 1) / PIECES  # seconds
    batch = np.full((PIECES, 1, BANDS, -(-SAMPLES // SIZE)), -80, np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for piece in range(PIECES):
            path = Path(folder, f"{piece}.wav")
            cut = [ffmpeg, "-v", "error", "-ss", str(piece * length), "-t", str(length), "-i", file, str(path)]
            subprocess.run(cut, check=True)
            waveform, _ = librosa.load(path, sr=RATE, mono=True)
            waveform = librosa.util.fix_length(waveform, size=SAMPLES)
            mel = librosa.feature.melspectrogram(
                y=np.pad(waveform, PADDING), sr=RATE, n_fft=SIZE, hop_length=SIZE, n_mels=BANDS, center=False
            )
            batch[piece, 0] = librosa.power_to_db(mel, ref=np.max, top_db=80)
    (logits,) = network.run(None, {network.get_inputs()[0].name: batch})
    print(json.dumps({"cpu": sum(os.times()[:4]), "best": int(logits.mean(0).argmax())}), flush=True)
