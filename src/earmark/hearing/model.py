"""The model: an opened bundle; waveform in, timeline and embedding out. NumPy and ONNX Runtime, never torch."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Waveform, keep_memory, windows
from earmark.errors import BundleError
from earmark.hearing import bundle
from earmark.hearing.activity import Activity, NoMusic, without_silent_ends
from earmark.hearing.optimised import open_network
from earmark.timeline import Timeline

SOUNDS = "sounds"  # the output of the models that have an ear, beside logits and embedding
CHECK_TOLERANCE = 1e-3  # of logits: processors round differently, a wrong network is off by far more


@dataclass(frozen=True)
class Heard:
    """Style probabilities over time, the weighted mean of the windows' embeddings, (dims,), and what is no music."""

    timeline: Timeline
    embedding: NDArray[np.float32]
    no_music: NoMusic = ""


class Model:
    """An open bundle.

    It holds the weights and nothing else: hearing changes nothing and has no randomness, so a model may be shared.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = bundle.read_config(folder)
        keep_memory()
        self._session = open_network(folder, self.config)
        self._require_interface()

    @classmethod
    def open(cls, source: str | Path) -> Self:
        """Open a bundle by its name, if it comes with earmark or was added, or by its folder.

        Raises:
            BundleError: there is none, or something is wrong with it; the message says what.
        """
        return cls(bundle.locate(source))

    def hear(self, waveform: Waveform) -> Heard:
        """Hear a waveform (samples,) at the model's sample rate.

        Raises:
            ValueError: the waveform is empty.
        """
        return self.hear_windows(self.windows([waveform]))

    def windows(self, blocks: Iterable[Waveform]) -> Iterator[tuple[float, Waveform]]:
        """Cut a stream of blocks at the model's sample rate into its windows; starts in seconds."""
        rate = self.config.sample_rate
        window, hop = round(self.config.window * rate), round(self.config.hop * rate)
        for start, waveform in windows(blocks, window, hop):
            yield start / rate, waveform

    def hear_windows(self, windows: Iterable[tuple[float, Waveform]]) -> Heard:
        """Hear windows as they come, so that only one of them need be in memory.

        Raises:
            ValueError: there is no window.
            BundleError: the outputs of the model are values, no probabilities; `run` gives them as they are.
        """
        self.require_probabilities()
        starts, logits, embeddings = [], [], []
        activity = Activity(self.config.sample_rate)
        length = 0
        for start, waveform in windows:
            starts.append(start)
            length = len(waveform)
            activity.add(waveform)
            sound = without_silent_ends(waveform, self.config.sample_rate)
            window_logits, window_embedding = self.run(sound[None])
            logits.append(window_logits[0])
            embeddings.append(window_embedding[0])
        if not starts:
            raise ValueError("there is nothing to hear: the waveform is empty")
        weights = activity.weights()  # (windows,)
        timeline = replace(self.to_timeline(np.array(starts), length, np.stack(logits)), weights=weights)
        embedding = np.average(np.stack(embeddings), 0, weights if weights.any() else None)
        return Heard(timeline, embedding.astype(np.float32), activity.no_music())

    def is_unknown(self, heard: Heard) -> bool:
        """Whether what was heard is no music, or like nothing that the model knows."""
        _, best = heard.timeline.top(1)[0]
        return bool(heard.no_music) or best < self.config.unknown_threshold

    def require_probabilities(self) -> None:
        """Make sure that the outputs of the model are probabilities.

        Raises:
            BundleError: they are values.
        """
        if self.config.task not in PROBABILITIES:
            raise BundleError(f"{self.folder}: the model gives {self.config.task}, no probabilities of styles or tags")

    def to_timeline(self, starts: NDArray[np.float64], samples: int, logits: NDArray[np.float32]) -> Timeline:
        """The probabilities of some windows, as a timeline.

        Args:
            starts: of the windows, in seconds, (windows,).
            samples: the length of each window.
            logits: (windows, styles), as `run` gives them.
        """
        return Timeline(
            styles=tuple(self.config.styles),
            starts=starts,
            window=samples / self.config.sample_rate,
            probabilities=PROBABILITIES[self.config.task](logits / self.config.temperature),
        )

    def run(self, waveforms: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (batch, styles) and embeddings (batch, dims) of waveforms (batch, samples) of one window each."""
        logits, embedding = self._session.run(["logits", "embedding"], {"waveform": self._filled(waveforms)})
        return logits, embedding

    def _filled(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Waveforms (batch, samples), with silence behind what is shorter than the model can hear."""
        missing = round(self.config.shortest * self.config.sample_rate) - waveforms.shape[1]
        return np.pad(waveforms, ((0, 0), (0, missing))) if missing > 0 else waveforms

    def sounds(self, waveform: Waveform) -> dict[str, float]:
        """The scores (0-1) of the kinds of sound in a waveform (samples,), one window or less; see `sounds`.

        Empty where the model has no ear for them.

        Raises:
            ValueError: the waveform is empty.
        """
        if not waveform.size:
            raise ValueError("there is nothing to hear: the waveform is empty")
        if SOUNDS not in [node.name for node in self._session.get_outputs()]:
            return {}
        from earmark.hearing.sounds import KINDS  # noqa: PLC0415  few models have an ear for them

        (scores,) = self._session.run([SOUNDS], {"waveform": self._filled(waveform[None])})  # (1, classes)
        return {kind.name: float(scores[0, kind.number]) for kind in KINDS}

    def verify(self) -> None:
        """Compare the files with their checksums, and the logits of the check sample.

        Raises:
            BundleError: a file is damaged, or the logits are not the ones that were stored with the model.
        """
        bundle.require_intact(self.folder, self.config, bundle.NETWORK, bundle.WEIGHTS)
        check = bundle.read_checked(self.folder, self.config, bundle.CHECK)
        with np.load(io.BytesIO(check), allow_pickle=False) as sample:
            waveform, expected = sample["waveform"], sample["logits"]
        logits, _ = self.run(waveform)
        distance = float(np.abs(logits - expected).max())
        if not distance <= CHECK_TOLERANCE:  # nor is it, if it is not a number
            raise BundleError(f"{self.folder}: the check sample gives logits that are off by {distance:.2g}")

    def _require_interface(self) -> None:
        inputs = [node.name for node in self._session.get_inputs()]
        outputs = [node.name for node in self._session.get_outputs()]
        if inputs != ["waveform"] or outputs[:2] != ["logits", "embedding"] or outputs[2:] not in ([], [SOUNDS]):
            raise BundleError(f"{self.folder / bundle.NETWORK}: takes {inputs} and gives {outputs}")
        styles = self._session.get_outputs()[0].shape[-1]
        if styles != len(self.config.styles):
            raise BundleError(f"{self.folder}: {styles} logits for {len(self.config.styles)} styles")


def _softmax(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    exponential = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities: NDArray[np.float32] = (exponential / exponential.sum(-1, keepdims=True)).astype(np.float32)
    return probabilities


def _sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    probabilities: NDArray[np.float32] = (0.5 + 0.5 * np.tanh(logits / 2)).astype(np.float32)
    return probabilities


PROBABILITIES = {"styles": _softmax, "tags": _sigmoid}
"""From logits (windows, styles), divided by the temperature, to probabilities; a task that is missing has none."""
