"""Write yamnet.npz: what TensorFlow Lite hears in six sounds with Google's YAMNet.

The sounds, their patches and the answers come from here alone, nothing of earmark is imported. The patches are taken
with plain Fourier sums in float64. Made with ai-edge-litert 2.3.0 and numpy 2.4.6; the file is the one that lies at
models/yamnet_spectra_in.tflite of github.com/google-coral/coralmicro:

    python tests/golden/make_yamnet.py yamnet_spectra_in.tflite
"""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found]  # of an environment of its own
from numpy.typing import NDArray

HERE = Path(__file__).parent
RATE, FRAME, HOP, N_FFT, FRAMES = 16_000, 400, 160, 512, 96
SAMPLES = (FRAMES - 1) * HOP + FRAME
EMBEDDING, SCORES = 90, 92  # the numbers of the 8-bit tensors

Floats = NDArray[np.float64]


def sounds() -> dict[str, NDArray[np.int16]]:
    """Six sounds of one patch each, in 16 bits."""
    generator = np.random.default_rng(0)
    time = np.arange(SAMPLES) / RATE
    noise = generator.standard_normal(SAMPLES)
    beat, eighth = time % (60 / 128), (time + 30 / 128) % (60 / 128)
    kick = np.sin(2 * np.pi * (50 * beat - 8 * np.exp(-30 * beat))) * np.exp(-9 * beat)
    hat = noise * np.exp(-60 * eighth)
    chord = sum(np.sign(np.sin(2 * np.pi * pitch * time)) for pitch in (220.0, 261.6, 329.6))
    sines = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220.0, 277.2, 329.6, 440.0))
    waveforms = {
        "techno": 0.6 * kick + 0.1 * hat + 0.04 * chord,
        "hats": 0.3 * hat,
        "pad": 0.1 * sines * np.minimum(1, 2 * time),
        "noise": 0.1 * noise,
        "tone": 0.3 * np.sin(2 * np.pi * 1000 * time),
        "silence": 0 * time,
    }
    return {name: np.round(waveform * 32767).astype(np.int16) for name, waveform in waveforms.items()}


def patch_of(waveform: Floats) -> NDArray[np.float32]:
    """The log-mel patch of a waveform (samples,), frame by frame and band by band."""
    window = np.array([0.5 - 0.5 * np.cos(2 * np.pi * n / FRAME) for n in range(FRAME)])
    kernel = np.exp(-2j * np.pi * np.outer(np.arange(FRAME), np.arange(N_FFT // 2 + 1)) / N_FFT)
    corners = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)
    bins = 1127 * np.log(1 + np.arange(N_FFT // 2 + 1) * RATE / N_FFT / 700)
    patch = np.empty((FRAMES, 64))
    for frame in range(FRAMES):
        magnitude = abs((waveform[frame * HOP : frame * HOP + FRAME] * window) @ kernel)
        for band in range(64):
            triangle = np.interp(bins, corners[band : band + 3], [0, 1, 0], left=0, right=0)
            patch[frame, band] = np.log(magnitude @ triangle + 0.001)
    return patch.astype(np.float32)


def main() -> None:
    interpreter = Interpreter(sys.argv[1], experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    (place,) = [each["index"] for each in interpreter.get_input_details()]
    details = {each["index"]: each["quantization"] for each in interpreter.get_tensor_details()}
    waveforms = sounds()
    patches, answers = [], []
    for name, waveform in waveforms.items():
        patches.append(patch_of(waveform / 32768))
        interpreter.set_tensor(place, patches[-1][None])
        interpreter.invoke()
        answers.append([interpreter.get_tensor(index).ravel() for index in (SCORES, EMBEDDING)])
        score = (answers[-1][0] + 128.0) / 256
        print(f"{name:8}", ", ".join(f"{best}: {score[best]:.2f}" for best in np.argsort(-score)[:5]))
    np.savez_compressed(
        HERE / "yamnet.npz",
        names=np.array(list(waveforms)),
        waveforms=np.stack(list(waveforms.values())),
        patches=np.stack(patches),
        scores=np.stack([scores for scores, _ in answers]),
        embeddings=np.stack([embedding for _, embedding in answers]),
        quantisation=np.array([details[index] for index in (SCORES, EMBEDDING)]),  # scale and zero point
        versions=np.array(f"ai-edge-litert=={version('ai-edge-litert')} numpy=={np.__version__}"),
    )


if __name__ == "__main__":
    main()
