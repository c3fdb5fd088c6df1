# /// script
# dependencies = ["numpy", "onnxruntime"]
# ///
"""Name the styles of a WAV file with an exported model: python hear.py MODEL.onnx TRACK.wav."""

import json
import sys
import wave

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
about = session.get_modelmeta().custom_metadata_map
rate = int(about["sample_rate"])
window, hop, shortest = (round(float(about[key]) * rate) for key in ("window", "hop", "shortest"))  # samples

with wave.open(sys.argv[2]) as track:
    if (track.getsampwidth(), track.getframerate()) != (2, rate):
        sys.exit(f"{sys.argv[2]}: must have 16 bits at {rate} Hz")
    frames = np.frombuffer(track.readframes(track.getnframes()), "<i2").reshape(-1, track.getnchannels())
waveform = frames.mean(1, dtype=np.float32) / 32768  # the mean of the channels
waveform = np.pad(waveform, (0, max(0, shortest - len(waveform))))

last = max(0, len(waveform) - window)  # the last window ends with the track
probabilities = [
    session.run(["probabilities"], {"waveform": waveform[None, start : start + window]})[0][0]
    for start in [*range(0, last, hop), last]
]
track_probabilities = np.mean(probabilities, 0)

for probability, style in sorted(zip(track_probabilities, json.loads(about["styles"]), strict=True), reverse=True)[:3]:
    print(f"{probability:.4f}  {style}")
if track_probabilities.max() < float(about["unknown_threshold"]):
    print("unlike anything the model knows")
