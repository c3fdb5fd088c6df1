"""Reasons for an answer: the seconds and the bands without which the model would be less sure of it.

A part of a window is silenced and the model asked again; what the probability of the style loses is how much that part
decided. Nothing is said of parts together: two that hold the same reason each count for little.

Reference: M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Recording, Waveform
from earmark.errors import UnreadableAudio
from earmark.hearing.model import Model
from earmark.hearing.sounds import HeardSound, audible
from earmark.spectra import hann, mel_slaney
from earmark.timeline import Timeline

PARTS: Final = 10  # stretches of a window
EDGES: Final = (0, 60, 120, 250, 500, 1000, 2000, 4000, 8000)  # Hz; the last band has no upper end
RAMP: Final = 0.02  # seconds in which a stretch fades out and in, so that the cut itself is not heard
FRAME: Final = 2048  # samples of the picture's spectra
PICTURE: Final = (64, 240)  # bands and columns of the picture
FLOOR: Final = -80.0  # dB below the loudest, where the picture is black


@dataclass(frozen=True)
class Part:
    """A stretch in seconds, or a band in Hz, from `low` to `high`, and what the probability loses without it."""

    low: float
    high: float
    loss: float


@dataclass(frozen=True)
class Reasons:
    """Reasons for a style in one window of a recording.

    Attributes:
        style: the one that is asked about.
        probability: of it, in this window as it is.
        start: of the window, in seconds.
        stretches: in the order of time, in seconds from the beginning of the recording.
        bands: from low to high.
        sounds: that the ear of the model hears in the window, by name; none where it has no ear.
        picture: mel spectrogram of the window, `PICTURE`, 0 (silence) to 255, low bands first.
    """

    style: str
    probability: float
    start: float
    stretches: tuple[Part, ...]
    bands: tuple[Part, ...]
    sounds: tuple[HeardSound, ...]
    picture: NDArray[np.uint8]

    def as_json(self) -> dict[str, Any]:
        """The reasons as they stand in JSON."""
        parts = {
            name: [{key: round(value, 4) for key, value in vars(part).items()} for part in getattr(self, name)]
            for name in ("stretches", "bands")
        }
        return {
            "style": self.style,
            "probability": round(self.probability, 4),
            "start": round(self.start, 3),
            **parts,
            "sounds": [{"name": each.name, "score": round(each.score, 4)} for each in self.sounds],
            "picture": self.picture.tolist(),
        }


def explain(model: Model, path: Path, style: str = "", timeline: Timeline | None = None) -> Reasons:
    """Ask a model for the reasons of its answer, in the window of a file that speaks for it most.

    Args:
        model: the model.
        path: the file.
        style: one of the model's; by default that of the answer.
        timeline: that the model heard in the file, if it has heard it already.

    Raises:
        UnreadableAudio: it cannot be decoded.
        BundleError: the model gives no probabilities.
        ValueError: the model knows no such style.
    """
    config = model.config
    with Recording(path) as recording:
        if timeline is None:
            timeline = model.hear_windows(model.windows(recording.blocks(config.sample_rate))).timeline
        style = style or timeline.top(1)[0][0]
        column = timeline.styles.index(style)
        start = _strongest(timeline, column)
        blocks = list(recording.blocks(config.sample_rate, start=start, duration=timeline.window))
    if not blocks:
        raise UnreadableAudio(path, "it is shorter than it was when it was heard")
    waveform = np.concatenate(blocks)
    whole = _probability(model, waveform, column)

    def losses(edges: Sequence[tuple[float, float]], without: Iterable[Waveform]) -> tuple[Part, ...]:
        return tuple(
            Part(low, high, whole - _probability(model, each, column))
            for (low, high), each in zip(edges, without, strict=True)
        )

    return Reasons(
        style,
        whole,
        start,
        losses(*_stretches(waveform, config.sample_rate, start)),
        losses(*_bands(waveform, config.sample_rate)),
        audible(model.sounds(waveform)),
        picture(waveform, config.sample_rate),
    )


def _strongest(timeline: Timeline, column: int) -> float:
    """The start of the window that speaks for a style most, in seconds; of those that have a vote, if any has."""
    shares = timeline.probabilities[:, column]
    if timeline.weights is not None and timeline.weights.any():
        shares = np.where(timeline.weights > 0, shares, -1)
    return float(timeline.starts[shares.argmax()])


def _probability(model: Model, waveform: Waveform, column: int) -> float:
    """The probability of a style in a window, heard as in the answer: silence at its ends is left out."""
    return float(model.hear_windows([(0.0, waveform)]).timeline.probabilities[0, column])


def _stretches(waveform: Waveform, rate: int, start: float) -> tuple[list[tuple[float, float]], Iterator[Waveform]]:
    """The stretches of a window in seconds, and the window without each."""
    cuts = np.linspace(0, len(waveform), PARTS + 1).astype(int)
    pairs = list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
    edges = [(start + low / rate, start + high / rate) for low, high in pairs]
    return edges, (silenced(waveform, low, high, rate) for low, high in pairs)


def silenced(waveform: Waveform, low: int, high: int, rate: int) -> Waveform:
    """A waveform that is silent between two samples; it fades within."""
    ramp = min(round(RAMP * rate), (high - low) // 2)
    gain = np.zeros(high - low, np.float32)
    if ramp:
        fade = hann(2 * ramp, periodic=False)[ramp:]
        gain[:ramp], gain[-ramp:] = fade, fade[::-1]
    out = waveform.copy()
    out[low:high] *= gain
    return out


def _bands(waveform: Waveform, rate: int) -> tuple[list[tuple[float, float]], Iterator[Waveform]]:
    """The bands of a window in Hz, and the window without each."""
    lows = [edge for edge in EDGES if edge < rate / 2]
    edges: list[tuple[float, float]] = list(zip(lows, [*lows[1:], rate / 2], strict=True))
    spectrum = np.fft.rfft(waveform)
    frequencies = np.fft.rfftfreq(len(waveform), 1 / rate)
    bands = np.searchsorted(lows, frequencies, side="right") - 1  # the band of each frequency
    kept = (np.where(bands == number, 0, spectrum) for number in range(len(lows)))
    return edges, (np.fft.irfft(each, len(waveform)).astype(np.float32) for each in kept)


def picture(waveform: Waveform, rate: int) -> NDArray[np.uint8]:
    """Mel spectrogram of a waveform (samples,), `PICTURE`, 0 (`FLOOR` below the loudest) to 255, low bands first."""
    bands, columns = PICTURE
    padded = np.pad(waveform, (0, max(0, FRAME - len(waveform))))
    starts = np.linspace(0, len(padded) - FRAME, columns).astype(int)
    frames = np.stack([padded[start : start + FRAME] for start in starts]) * hann(FRAME)
    power = np.abs(np.fft.rfft(frames)) ** 2
    mel = power @ mel_slaney(rate, FRAME, bands)
    level = 10 * np.log10(np.maximum(mel, 1e-12) / max(float(mel.max()), 1e-12))
    return np.round(np.clip(1 - level / FLOOR, 0, 1) * 255).astype(np.uint8).T
