"""Agreement of our YAMNet with Google's 8-bit one, and its cost; prints the figures of the card.

    python bench/yamnet.py yamnet_spectra_in.tflite AUDIO... --litert PYTHON

PYTHON is an interpreter that has ai-edge-litert, which is no dependency of earmark. Both programs hear the same patches
on one thread, in turns; a machine that slows down slows both.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.audio import decode
from earmark.learning.networks.yamnet.classes import NAMES
from earmark.learning.networks.yamnet.graph import Yamnet
from earmark.learning.networks.yamnet.network import YamnetPatches
from earmark.learning.networks.yamnet.patches import SAMPLE_RATE, front_end
from earmark.runner import gather

ROUNDS = 5
EACH = 60  # patches of one file at most, spread over it
MUSIC = range(211, 259)  # the numbers of the kinds of music

ORACLE = """
import sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter

patches = np.load(sys.argv[2])
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
place, out = (each[0]["index"] for each in (interpreter.get_input_details(), interpreter.get_output_details()))
scores = []
start = time.process_time()
for patch in patches:
    interpreter.set_tensor(place, patch[None])
    interpreter.invoke()
    scores.append(interpreter.get_tensor(out)[0].copy())
print((time.process_time() - start) / len(patches))
np.save(sys.argv[3], np.stack(scores))
"""


def main() -> None:
    """Let both hear the same patches, and our spectra the same sound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("audio", type=Path, nargs="+")
    parser.add_argument("--litert", default="python")
    chosen = parser.parse_args()
    files = [path for path in gather(map(str, chosen.audio)) if isinstance(path, Path)]

    every = [front_end(decode(file, SAMPLE_RATE)) for file in files]
    patches = np.concatenate([some[np.linspace(0, len(some) - 1, min(EACH, len(some))).astype(int)] for some in every])
    yamnet = Yamnet(chosen.file)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        heard, answer = Path(folder, "patches.npy"), Path(folder, "scores.npy")
        np.save(heard, patches)
        command = [chosen.litert, "-c", ORACLE, str(chosen.file), str(heard), str(answer)]
        for _ in range(ROUNDS):
            start = time.process_time()
            scores, _ = yamnet.hear(patches)
            ours.append((time.process_time() - start) / len(patches))
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            theirs.append(float(said.stdout))
        expected = np.load(answer)

    print(f"{len(patches)} patches of {len(files)} files")
    compare("8-bit network", expected, scores)
    for number, name in NAMES.items():
        if number in MUSIC and expected[:, number].max() > 1 / 256:
            print(f"    {name:24}{np.corrcoef(scores[:, number], expected[:, number])[0, 1]:.4f}")
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    print(
        f"{1000 * min(ours):.2f} ms of processor a patch, TensorFlow Lite {1000 * min(theirs):.2f}; ratio {ratio:.2f}"
    )

    layer, pairs = YamnetPatches(), []
    for file in files:
        waveform = torch.from_numpy(decode(file, layer.SAMPLE_RATE, duration=30))
        direct, resampled = layer(waveform[None])[0].numpy(), front_end(decode(file, SAMPLE_RATE, duration=30), 96)
        count = min(len(direct), len(resampled))
        pairs.append((resampled[:count], direct[:count]))
    resampled, direct = (np.concatenate(each) for each in zip(*pairs, strict=True))
    compare("spectra at 22,050 Hz", yamnet.hear(resampled)[0], yamnet.hear(direct)[0])


def compare(name: str, expected: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
    """Print how far scores agree."""
    distance = np.abs(scores - expected)
    correlation = np.corrcoef(scores.ravel(), expected.ravel())[0, 1]
    print(f"{name}: correlation {correlation:.7f}, difference {distance.mean():.5f}, at most {distance.max():.4f}")


if __name__ == "__main__":
    main()
