"""Essentia's MusicExtractor, as it is; essentia_extractor.py FILE..."""

import json
import os
import sys

import essentia
from essentia import standard

essentia.log.infoActive = essentia.log.warningActive = False
for file in sys.argv[1:]:
    found, _ = standard.MusicExtractor()(file)
    names = found.descriptorNames()
    answer = {"bpm": float(found["rhythm.bpm"]), "beats": found["rhythm.beats_position"].tolist()}
    key = f"{found['tonal.key_edma.key']} {found['tonal.key_edma.scale']}"
    print(json.dumps({"cpu": sum(os.times()[:4]), **answer, "key": key, "values": len(names)}), flush=True)
