"""Essentia's extractors of rhythm and key, as they are; essentia_rhythm_key.py FILE..."""

import json
import os
import sys

import essentia
from essentia import standard

essentia.log.infoActive = essentia.log.warningActive = False
for file in sys.argv[1:]:
    waveform = standard.MonoLoader(filename=file, sampleRate=44_100)()
    bpm, beats, _, _, _ = standard.RhythmExtractor2013(method="multifeature")(waveform)
    tonic, scale, _ = standard.KeyExtractor()(waveform)
    answer = {"bpm": float(bpm), "beats": beats.tolist()}
    print(json.dumps({"cpu": sum(os.times()[:4]), **answer, "key": f"{tonic} {scale}"}), flush=True)
