"""The desk: room, echo, side-chain, and the mastering chain.

Levels in dB, times in seconds; audio float32, shape `(2, samples)`. Nothing modifies its input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, signal

from earmark.synth.filters import shelf, static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from earmark.synth.track import Audio


def gain(decibels: float) -> np.float32:
    """The factor of a level."""
    return np.float32(10 ** (decibels / 20))


def rms(audio: Audio) -> np.float32:
    """Root of the mean square over all channels; one pass without a temporary."""
    flat = audio.ravel()
    return np.float32(np.sqrt(np.vdot(flat, flat) / max(1, flat.size)))


def impulse_response(seconds: float, brightness: float, sample_rate: int, rng: np.random.Generator) -> Audio:
    """The tail of a room: noise that decays to -60 dB in `seconds`, its treble sooner. Shape: `(2, samples)`."""
    samples = int(seconds * sample_rate)
    t = np.arange(samples, dtype=np.float32) / np.float32(sample_rate)
    noise = rng.standard_normal((2, samples), dtype=np.float32)
    dark = static(noise, sample_rate, "lowpass", 500 + 2500 * brightness)
    tail = dark * np.exp(-6.9 * t / np.float32(seconds)) * 2 + noise * np.float32(0.2 + 0.8 * brightness) * np.exp(
        -6.9 * t / np.float32(0.3 * seconds)
    )
    delay = int(rng.uniform(0.003, 0.03) * sample_rate)
    tail[:, : max(1, delay)] = 0
    return np.asarray(tail / np.sqrt(np.sum(tail * tail) / 2), dtype=np.float32)


def reverb(send: Audio, response: Audio, sample_rate: int) -> Audio:
    """Reverberation of a room, computed at half the sample rate: above, rooms reflect next to nothing.

    Shape: `(samples,)` to `(2, samples)`.
    """
    mono = static(send, sample_rate, "lowpass", 0.22 * sample_rate)[::2]
    wet = np.stack([signal.oaconvolve(mono, channel)[: mono.size] for channel in response[:, ::2]]).astype(np.float32)
    out = np.zeros((2, 2 * mono.size), dtype=np.float32)
    out[:, ::2] = wet
    out[:, 1:-1:2] = 0.5 * (wet[:, 1:] + wet[:, :-1])
    return static(out[:, : send.size], sample_rate, "highpass", 160)


def echo(send: Audio, seconds: float, feedback: float, sample_rate: int, repeats: int = 4) -> Audio:
    """A ping-pong delay. Shape: `(2, samples)` to `(2, samples)`."""
    out = np.zeros_like(send)
    step = max(1, int(seconds * sample_rate))
    wet = static(send, sample_rate, "bandpass", (350, 5000))
    for repeat in range(1, repeats + 1):
        if step * repeat >= send.shape[1]:
            break
        side = wet[::-1] if repeat % 2 else wet
        out[:, step * repeat :] += np.float32(feedback ** (repeat - 1)) * side[:, : -step * repeat]
    return out


def side_chain(kicks: Sequence[int], samples: int, depth: float, release: float, sample_rate: int) -> Audio:
    """The gain that ducks under every kick: down by `depth` (0-1) in 2 ms, up again within `release` seconds."""
    curve = np.ones(samples, dtype=np.float32)
    rise = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, int(release * sample_rate), dtype=np.float32))
    duck = 1 - np.float32(depth) * (1 - rise)
    attack = max(2, int(0.002 * sample_rate))
    shape = np.concatenate([np.linspace(1, 1 - depth, attack, dtype=np.float32), duck])
    for kick in kicks:
        start = max(0, kick - attack)
        end = min(samples, start + shape.size)
        curve[start:end] = np.minimum(curve[start:end], shape[: end - start])
    return curve


def compress(audio: Audio, threshold: float, ratio: float, sample_rate: int) -> Audio:
    """A bus compressor: RMS over 10 ms, release about 120 ms, gain interpolated between blocks."""
    block = sample_rate // 200
    blocks = audio.shape[1] // block
    if blocks < 2:  # noqa: PLR2004  too short to have dynamics
        return audio
    cut = audio[:, : blocks * block].reshape(2, blocks, block)
    power = np.einsum("cbs,cbs->b", cut, cut) / (2 * block)
    level = 10 * np.log10(ndimage.maximum_filter1d(power, 3) + 1e-9)
    over = np.maximum(level - threshold, 0) * (1 - 1 / ratio)
    release = np.exp(-1 / (0.12 * 200))
    smooth = signal.lfilter([1 - release], [1, -release], over)
    reduction = 10 ** (-np.maximum(smooth, 0.6 * over) / 20)
    curve = np.interp(np.arange(audio.shape[1]), (np.arange(blocks) + 0.5) * block, reduction)
    return np.asarray(audio * curve.astype(np.float32), dtype=np.float32)


def limit(audio: Audio, ceiling: float, sample_rate: int) -> Audio:
    """Keep peaks below `ceiling` (linear): the gain falls within 5 ms before a peak and recovers over 50 ms."""
    block = max(16, sample_rate // 700)
    count = -(-audio.shape[1] // block)
    padded = np.zeros((2, count * block), dtype=np.float32)
    padded[:, : audio.shape[1]] = np.abs(audio)
    peaks = padded.reshape(2, count, block).max(axis=(0, 2))
    needed = np.minimum(ceiling / np.maximum(peaks, 1e-9), 1)
    held = ndimage.minimum_filter1d(needed, 7)
    smooth = np.minimum(ndimage.uniform_filter1d(held, 5), ndimage.minimum_filter1d(needed, 3))
    curve = np.interp(np.arange(audio.shape[1]), (np.arange(count) + 0.5) * block, smooth)
    return np.asarray(np.clip(audio * curve.astype(np.float32), -ceiling, ceiling), dtype=np.float32)


@dataclass(frozen=True)
class Master:
    """The settings of the mastering chain."""

    loudness: float = -10.0  # dBFS RMS of the loudest five seconds or so
    ceiling: float = -0.5  # dBFS peak
    ratio: float = 2.0
    drive: float = 0.2
    bass: float = 0.0  # dB of a shelf at 110 Hz
    treble: float = 0.0  # dB of a shelf at 5 kHz
    width: float = 1.0
    noise: float = -78.0  # dBFS of the noise floor
    bandwidth: float = 20_000.0  # Hz, as a lossy codec or an old record leaves it


def master(mix: Audio, settings: Master, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Tone, glue, drive, loudness, ceiling: the last chain every mix goes through."""
    side = (mix[0] - mix[1]) * np.float32(0.5 * (settings.width - 1))
    audio = np.stack([mix[0] + side, mix[1] - side])
    if settings.bass:
        audio = shelf(audio, sample_rate, 110, settings.bass, "low")
    if settings.treble:
        audio = shelf(audio, sample_rate, 5000, settings.treble, "high")
    audio = audio * gain(-16.0 - _loudness(audio, sample_rate))
    audio = compress(audio, -19.0, settings.ratio, sample_rate)
    audio = audio * gain(settings.loudness + 1.0 - _loudness(audio, sample_rate))
    if settings.drive:
        k = np.float32(0.3 + 1.2 * settings.drive)
        audio = np.tanh(audio * k) / np.tanh(k)
    if settings.bandwidth < 0.45 * sample_rate:
        audio = static(
            static(audio, sample_rate, "lowpass", settings.bandwidth), sample_rate, "lowpass", settings.bandwidth
        )
    hiss = gain(settings.noise) * rng.standard_normal((2, 3 * sample_rate), dtype=np.float32)
    audio = audio + np.tile(hiss, -(-audio.shape[1] // hiss.shape[1]))[:, : audio.shape[1]]
    # Saturating and limiting lopsided waves makes direct current: most of it goes before the last, light pass of the
    # limiter, the rest after.
    ceiling = 10 ** (settings.ceiling / 20)
    audio = static(limit(audio, 0.9 * ceiling, sample_rate), sample_rate, "highpass", 24)
    audio = limit(audio, ceiling, sample_rate)
    return fade_edges(audio - audio.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32), sample_rate)


def _loudness(audio: Audio, sample_rate: int) -> float:
    """RMS of the loud part, dBFS: the 80th percentile of the level of 400 ms blocks."""
    block = int(0.4 * sample_rate)
    count = max(1, audio.shape[1] // block)
    cut = audio[:, : count * block].reshape(2, count, -1)
    power = np.einsum("cbs,cbs->b", cut, cut) / (2 * cut.shape[2])
    return float(10 * np.log10(np.percentile(power, 80) + 1e-10))


def fade_edges(audio: Audio, sample_rate: int, seconds: float = 0.01) -> Audio:
    """Cut into a sound without a click: short ramps at both ends."""
    ramp = np.linspace(0, 1, min(max(2, int(seconds * sample_rate)), audio.shape[1] // 2), dtype=np.float32)
    out = audio.copy()
    if ramp.size:
        out[:, : ramp.size] *= ramp
        out[:, -ramp.size :] *= ramp[::-1]
    return out
