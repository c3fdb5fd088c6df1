"""Make the Keras files of this folder and what the networks in them answer, by the software of 2018 itself.

Keras 2.1.6 and kapre 0.1.3.1 run unchanged on TensorFlow 2.15 in its compatibility mode, once a few names that Python
and librosa have dropped since are there again. So the `.h5` files are written by `model.save`, and the answers are
those of `model.predict`. In an environment of its own, with Python 3.11:

    pip install "tensorflow-cpu==2.15.*" "numpy<2" h5py librosa pyyaml six
    pip download --no-deps --no-binary :all: keras==2.1.6 kapre==0.1.3.1
    tar xzf Keras-2.1.6.tar.gz && tar xzf kapre-0.1.3.1.tar.gz
    python tests/golden/make_keras.py Keras-2.1.6 kapre-0.1.3.1 tests/golden/keras

Each file comes with an `.npz`: `waveforms` (windows, samples); `together`, the outputs of all windows as one batch;
`alone`, those of each window as a batch of one; `versions`. Every layer that earmark reads is in some file:

sequential   a plain list of layers; the 2018 architecture in small: ELU layers, softmax in the dense layer; trained
             for a step
model        a graph; frames that overlap, magnitudes to the power 1.5, ReLU, softmax in a layer of its own
tags         a spectrogram without mel bands, in decibels; permuted and reshaped; sigmoid
linear       a graph that ends in plain numbers; a mel layer after decibels of the spectrogram; no convolution
"""
# ruff: noqa: PLC0415  what is imported depends on what was patched before
# mypy: ignore-errors

import argparse
import collections
import collections.abc
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import librosa
import numpy as np
from numpy.typing import NDArray

RATE = 4000  # Hz
SAMPLES = 1500
WINDOWS = 5


def revive(sources: Sequence[Path]) -> dict[str, str]:
    """Make the libraries of 2018 importable from their sources."""
    import tensorflow as tf

    tf.compat.v1.disable_v2_behavior()
    for name in ("Iterable", "Mapping", "Sequence", "Callable"):
        setattr(collections, name, getattr(collections.abc, name))
    inspect.getargspec = lambda function: inspect.getfullargspec(function)[:4]
    mel = librosa.filters.mel
    # What librosa called norm=1 in 2018 it calls "slaney" now.
    librosa.filters.mel = lambda **options: mel(**options | {"norm": "slaney" if options["norm"] == 1 else None})
    for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
        del sys.modules[name]  # the new Keras, which TensorFlow has imported
    version = tf.__version__
    sys.modules["tensorflow"] = tf.compat.v1
    sys.path[:0] = [str(source) for source in sources]
    import kapre
    import keras

    return {
        "keras": keras.__version__,
        "kapre": kapre.__version__,
        "tensorflow": version,
        "h5py": h5py.__version__,
        "librosa": librosa.__version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
    }


def sequential() -> Any:  # noqa: ANN401  a model of Keras
    """The architecture of 2018 in small."""
    from kapre.time_frequency import Melspectrogram
    from kapre.utils import Normalization2D
    from keras.layers import ELU, BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
    from keras.models import Sequential

    mel = {"power_melgram": 2.0, "return_decibel_melgram": True}
    model = Sequential()
    model.add(Melspectrogram(sr=RATE, n_dft=64, n_hop=64, n_mels=12, input_shape=(1, SAMPLES), **mel))
    model.add(Normalization2D(str_axis="data_sample"))
    for index, (filters, pool) in enumerate([(4, (2, 2)), (6, (2, 3))]):
        model.add(Conv2D(filters, (3, 3), padding="same"))
        model.add(BatchNormalization(axis=3, name=f"{index}_bn"))
        model.add(ELU())
        model.add(MaxPooling2D(pool, name=f"pool_{index}"))
        model.add(Dropout(0.1))
    model.add(Flatten())
    model.add(Dense(12, activation="softmax"))
    model.compile("adam", "categorical_crossentropy")
    return model


def graph() -> Any:  # noqa: ANN401  a model of Keras
    """Frames that overlap, unusual powers, strides and paddings."""
    from kapre.time_frequency import Melspectrogram
    from kapre.utils import Normalization2D
    from keras.layers import (
        Activation,
        AveragePooling2D,
        BatchNormalization,
        Conv2D,
        Dense,
        GlobalAveragePooling2D,
        Input,
        LeakyReLU,
        MaxPooling2D,
    )
    from keras.models import Model

    mel = {"power_melgram": 1.5, "return_decibel_melgram": False, "fmin": 50.0, "fmax": 1800.0}
    sound = Input((1, SAMPLES))
    hidden = Melspectrogram(sr=RATE, n_dft=64, n_hop=24, n_mels=13, **mel)(sound)
    hidden = Normalization2D(int_axis=1)(hidden)
    hidden = BatchNormalization(axis=1, scale=False)(hidden)
    hidden = Conv2D(5, (3, 5), strides=(1, 2), padding="same", activation="relu")(hidden)
    hidden = MaxPooling2D((3, 2), strides=(2, 2), padding="same")(hidden)
    hidden = Conv2D(6, (2, 3), strides=(2, 1), use_bias=False)(hidden)
    hidden = BatchNormalization(center=False, epsilon=0.01)(hidden)
    hidden = LeakyReLU(0.2)(hidden)
    hidden = AveragePooling2D((2, 4), strides=(2, 3), padding="same")(hidden)
    hidden = Conv2D(7, (1, 1), activation="selu")(hidden)
    hidden = GlobalAveragePooling2D()(hidden)
    hidden = Dense(8, use_bias=False)(hidden)
    hidden = BatchNormalization()(hidden)
    hidden = Activation("softplus")(hidden)
    hidden = Dense(12)(hidden)
    model = Model(sound, Activation("softmax", name="probabilities")(hidden))
    model.compile("sgd", "categorical_crossentropy")
    return model


def tags() -> Any:  # noqa: ANN401  a model of Keras
    """A spectrogram without mel bands, turned and cut up."""
    from kapre.time_frequency import Spectrogram
    from kapre.utils import Normalization2D
    from keras.layers import Activation, AveragePooling2D, Conv2D, Dense, GlobalMaxPooling2D, Permute, Reshape
    from keras.models import Sequential

    options = {"power_spectrogram": 1.0, "return_decibel_spectrogram": True, "padding": "valid"}
    model = Sequential()
    model.add(Spectrogram(n_dft=32, n_hop=50, input_shape=(1, SAMPLES), **options))  # (17, 30, 1)
    model.add(Normalization2D(str_axis="time"))
    model.add(Permute((2, 1, 3)))  # (30, 17, 1)
    model.add(Reshape((-1, 17, 2)))  # (15, 17, 2)
    model.add(Conv2D(6, (3, 3), activation="tanh"))
    model.add(AveragePooling2D((2, 2)))
    model.add(Conv2D(6, (2, 2), padding="same", activation="softsign"))
    model.add(Activation("elu"))
    model.add(Normalization2D(str_axis="channel"))
    model.add(GlobalMaxPooling2D())
    model.add(Dense(5))
    model.add(Activation("sigmoid"))
    model.compile("adam", "binary_crossentropy")
    return model


def linear() -> Any:  # noqa: ANN401  a model of Keras
    """Plain numbers out of dense layers; normalised over the batch."""
    from kapre.time_frequency import Melspectrogram
    from kapre.utils import Normalization2D
    from keras.layers import Activation, Dense, Dropout, Flatten, Input, Reshape
    from keras.models import Model

    mel = {"power_melgram": 1.0, "return_decibel_melgram": True, "htk": True, "trainable_fb": True}
    sound = Input((1, SAMPLES))
    hidden = Melspectrogram(sr=RATE, n_dft=32, n_hop=100, n_mels=6, padding="valid", **mel)(sound)
    hidden = Normalization2D(str_axis="batch")(hidden)
    hidden = Dense(3, activation="hard_sigmoid")(hidden)
    hidden = Flatten()(hidden)
    hidden = Dropout(0.5)(hidden)
    hidden = Dense(10, activation="relu")(hidden)
    hidden = Activation("linear")(hidden)
    model = Model(sound, Reshape((4,))(Dense(4)(hidden)))
    model.compile("adam", "mse")
    return model


def stir(model: Any, generator: np.random.Generator) -> None:  # noqa: ANN401  a model of Keras
    """Give a model weights whose answers depend on every layer; the front end keeps its own."""
    for layer in model.layers:
        if layer.__class__.__name__ in ("Spectrogram", "Melspectrogram"):
            continue
        stirred = []
        for weight, array in zip(layer.weights, layer.get_weights(), strict=True):
            name, shape = weight.name.rpartition("/")[2], array.shape
            if name.startswith("kernel"):
                drawn = generator.normal(0, 1.5 / np.sqrt(np.prod(shape[:-1])), shape)
            elif name.startswith(("gamma", "moving_variance")):
                drawn = generator.uniform(0.5, 2, shape)
            else:
                drawn = generator.normal(0, 0.3, shape)
            stirred.append(drawn.astype(np.float32))
        layer.set_weights(stirred)


def listen_to(generator: np.random.Generator) -> NDArray[np.float32]:
    """Windows of different levels, one of them silent: each shifts the maximum of the batch for the others."""
    time = np.arange(SAMPLES) / RATE
    rows = [np.zeros(SAMPLES)]
    for level in (0.9, 0.1, 0.005, 0.0003):
        tones = sum(np.sin(2 * np.pi * pitch * time + pitch) for pitch in generator.uniform(60, 1900, 3))
        burst = np.exp(-20 * (time % generator.uniform(0.1, 0.2))) * generator.standard_normal(SAMPLES)
        rows.append(level * (0.2 * tones + 0.4 * burst))
    return (np.round(np.stack(rows).clip(-1, 1) * 2**15) / 2**15).astype(np.float32)


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keras", type=Path, help="the unpacked sources of Keras 2.1.6")
    parser.add_argument("kapre", type=Path, help="the unpacked sources of kapre 0.1.3.1")
    parser.add_argument("out", type=Path, help="the folder to write")
    arguments = parser.parse_args()
    versions = " ".join(f"{name}=={version}" for name, version in revive([arguments.keras, arguments.kapre]).items())
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed, make in enumerate((sequential, graph, tags, linear)):
        generator = np.random.default_rng(seed)
        model = make()
        if make is sequential:  # a step of training, so that its file holds the state of the optimiser, too
            model.train_on_batch(np.zeros((1, 1, SAMPLES)), np.ones((1, 12)) / 12)
        stir(model, generator)
        waveforms = listen_to(generator)
        assert len(waveforms) == WINDOWS
        together = model.predict(waveforms[:, None], batch_size=WINDOWS)
        alone = model.predict(waveforms[:, None], batch_size=1)
        name = "model" if make is graph else make.__name__
        model.save(str(arguments.out / f"{name}.h5"), include_optimizer=True)
        np.savez_compressed(
            arguments.out / f"{name}.npz", waveforms=waveforms, together=together, alone=alone, versions=versions
        )
        print(
            f"{name}: {model.count_params()} parameters, neighbours shift by up to {np.abs(together - alone).max():.2g}"
        )
        print(together.round(2))


if __name__ == "__main__":
    main()
