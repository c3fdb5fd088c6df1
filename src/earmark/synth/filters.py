"""Filters that stand still, as second-order sections, and filters that move, in the short-time spectrum.

A moving filter is a magnitude per frame and frequency, multiplied onto the short-time Fourier transform: any cut-off,
vowel, comb or notch may follow any curve, without instability and without a loop over samples. Frames of 1,024 samples,
a Hann window on both sides, 75 % overlap: the windows' squares add up to 1.5 everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy import fft, signal

from earmark.spectra import hann

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from earmark.synth.track import Audio

FRAME: Final = 1024
HOP: Final = 256

VOWELS: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    # Centre and width of the first formants of a sung vowel, in Hz.
    "a": ((800, 140), (1150, 160), (2900, 300), (3900, 400)),
    "e": ((400, 100), (1900, 200), (2600, 300), (3600, 400)),
    "i": ((300, 90), (2250, 220), (3000, 320), (3700, 400)),
    "o": ((450, 110), (820, 140), (2800, 300), (3500, 400)),
    "u": ((330, 90), (700, 130), (2600, 300), (3400, 400)),
}


def static(
    audio: Audio, sample_rate: int, kind: Literal["lowpass", "highpass", "bandpass"], hz: float | Sequence[float]
) -> Audio:
    """Second-order Butterworth along time; `hz` is a corner, or two for a band."""
    nyquist = 0.49 * sample_rate
    corner = [min(float(h), nyquist) for h in hz] if not isinstance(hz, int | float) else min(float(hz), nyquist)
    sections = signal.butter(2, corner, kind, fs=sample_rate, output="sos")
    return np.asarray(signal.sosfilt(sections.astype(np.float32), audio), dtype=np.float32)


def shelf(audio: Audio, sample_rate: int, hz: float, decibels: float, kind: Literal["low", "high"]) -> Audio:
    """First-order shelf: `decibels` below or above the corner."""
    corner: Literal["lowpass", "highpass"] = "lowpass" if kind == "low" else "highpass"
    b, a = signal.butter(1, min(hz, 0.45 * sample_rate), corner, fs=sample_rate)
    part = signal.lfilter(b.astype(np.float32), a.astype(np.float32), audio)
    return np.asarray(audio + np.float32(10 ** (decibels / 20) - 1) * part, dtype=np.float32)


def frame_count(samples: int) -> int:
    """Number of frames of a moving filter over a sound."""
    return (samples + FRAME) // HOP + 1


def frame_seconds(samples: int, sample_rate: int) -> npt.NDArray[np.float64]:
    """The moment at the middle of each frame. Shape: `(frames,)`."""
    return (np.arange(frame_count(samples)) * HOP - FRAME / 2) / sample_rate


def frequencies(sample_rate: int) -> npt.NDArray[np.float32]:
    """The frequency of each bin of a frame. Shape: `(513,)`."""
    return np.fft.rfftfreq(FRAME, 1 / sample_rate).astype(np.float32)


def moving(audio: Audio, response: npt.NDArray[np.float32]) -> Audio:
    """Multiply a magnitude onto the short-time spectrum.

    Args:
        audio: shape `(..., samples)`.
        response: magnitudes, shape `(frame_count(samples), 513)`.

    Returns:
        Shape `(..., samples)`.
    """
    samples = audio.shape[-1]
    frames = response.shape[0]
    window = hann(FRAME).astype(np.float32)
    channels = []
    for channel in audio.reshape(-1, samples):
        padded = np.zeros((frames - 1) * HOP + FRAME, dtype=np.float32)
        padded[FRAME : FRAME + samples] = channel[: padded.size - FRAME]
        spectra = fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP] * window)  # (frames, 513)
        spectra *= response
        pieces = fft.irfft(spectra, FRAME) * (window / np.float32(1.5))
        out = np.zeros((frames + FRAME // HOP - 1, HOP), dtype=np.float32)
        for part in range(FRAME // HOP):
            out[part : part + frames] += pieces[:, part * HOP : (part + 1) * HOP]
        channels.append(out.ravel()[FRAME : FRAME + samples])
    return np.stack(channels).reshape(audio.shape)


def lowpass_response(
    cutoff: npt.NDArray[np.float64], resonance: float, sample_rate: int, poles: int = 4
) -> npt.NDArray[np.float32]:
    """A resonant low-pass whose corner (Hz, shape `(frames,)`) moves. Shape: `(frames, 513)`."""
    ratio = frequencies(sample_rate) / np.clip(cutoff, 30, 0.45 * sample_rate).astype(np.float32)[:, None]
    square = ratio * ratio
    q = np.float32(max(resonance, 0.5))
    power = 1 / ((1 - square) ** 2 + square / (q * q))
    if poles == 4:  # noqa: PLR2004  a second pair without resonance
        power /= 1 + square * square
    return np.sqrt(power)


def vowel_response(
    names: Sequence[str], position: npt.NDArray[np.float64], sample_rate: int
) -> npt.NDArray[np.float32]:
    """Resonances that glide through vowels; `position` (frames,) counts along `names`. Shape: `(frames, 513)`."""
    table = np.array([VOWELS[name] for name in names])  # (vowels, formants, 2)
    along = np.clip(position, 0, len(names) - 1)
    before = np.minimum(along.astype(int), len(names) - 1)
    after = np.minimum(before + 1, len(names) - 1)
    share = (along - before)[:, None, None]
    formants = (table[before] * (1 - share) + table[after] * share).astype(np.float32)  # (frames, formants, 2)
    hz = frequencies(sample_rate)
    response = np.full((along.size, hz.size), 0.05, dtype=np.float32)
    for index, level in enumerate((1.0, 0.7, 0.35, 0.2)):
        distance = (hz - formants[:, index, :1]) / formants[:, index, 1:]
        response += np.float32(level) / (1 + distance * distance)
    return response


def comb_response(notch: npt.NDArray[np.float64], depth: float, sample_rate: int) -> npt.NDArray[np.float32]:
    """A flanger: notches at odd multiples of a moving frequency (Hz, `(frames,)`). Shape: `(frames, 513)`."""
    phase = np.pi * frequencies(sample_rate) / (2 * notch.astype(np.float32)[:, None])
    return np.asarray(np.sqrt(1 - np.float32(depth) * np.sin(phase) ** 2), dtype=np.float32)
