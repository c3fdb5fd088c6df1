"""A playable sound: a patch of settings, and the one instrument that plays all patches.

A `Patch` names a source (see `SOURCES`), an envelope, a moving filter and some dirt. `play` renders a loop of notes:
sources note by note (equal notes once), then the filter over the whole loop, following the notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from earmark.synth import filters
from earmark.synth.harmony import hertz
from earmark.synth.oscillators import fm, oscillator, plucked_string, spectral_pad, struck

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from earmark.synth.clock import Clock
    from earmark.synth.track import Audio


@dataclass(frozen=True)
class Note:
    """A note of a loop: `step` and `length` in sixteenths, `pitch` in MIDI, `velocity` in 0-1."""

    step: float
    length: float
    pitch: int
    velocity: float = 0.8
    slide: bool = False
    """Glide here from the pitch before."""


@dataclass(frozen=True)
class Patch:
    """All that makes a sound; times in seconds, frequencies in Hz, everything else in 0-1 unless said."""

    source: str = "wave"
    wave: str = "saw"
    voices: int = 1
    detune: float = 12.0  # cents between the outermost voices
    width: float = 0.6
    sub: float = 0.0
    noise: float = 0.0
    attack: float = 0.004
    decay: float = 0.3
    sustain: float = 0.6
    release: float = 0.08
    cutoff: float = 18_000.0
    envelope: float = 0.0  # octaves the filter opens at a note
    envelope_decay: float = 0.2
    resonance: float = 0.8
    lfo: tuple[float, ...] = ()  # lengths of a turn in steps, one per note in turn
    lfo_depth: float = 0.0  # octaves
    vowels: tuple[str, ...] = ()
    comb: float = 0.0
    vibrato: float = 0.0  # cents
    drive: float = 0.0
    highpass: float = 20.0
    glide: float = 0.06
    ratio: float = 2.0  # of FM
    index: float = 2.0  # of FM, radians
    partials: tuple[tuple[float, float, float], ...] = ()  # of a struck body
    brightness: float = 0.5
    bandwidth: float = 25.0  # of a spectral pad, cents
    rolloff: float = 1.4


def _pitch_curve(
    patch: Patch, note: Note, before: float, samples: int, sample_rate: int
) -> float | npt.NDArray[np.float64]:
    """The frequency of a note over time, Hz: constant, gliding, or with vibrato."""
    hz = hertz(note.pitch)
    if not (note.slide or patch.vibrato):
        return hz
    seconds = np.arange(samples) / sample_rate
    curve = np.full(samples, hz)
    if note.slide:
        curve *= (before / hz) ** np.exp(-seconds / patch.glide)
    if patch.vibrato:
        depth = patch.vibrato / 1200 * np.minimum(seconds / 0.4, 1)
        curve *= 2 ** (depth * np.sin(2 * np.pi * 5.4 * seconds))
    return curve


def _waves(
    patch: Patch, hz: float | npt.NDArray[np.float64], samples: int, sample_rate: int, rng: np.random.Generator
) -> Audio:
    """Unison of one wave over the stereo field, with a sub octave. Shape: `(2, samples)` or `(1, samples)`."""
    out = np.zeros((2 if patch.width and patch.voices > 1 else 1, samples), dtype=np.float32)
    spread = np.linspace(-1, 1, patch.voices) if patch.voices > 1 else np.zeros(1)
    for position in spread:
        # The distances between voices grow outwards, as in the JP-8000's supersaw.
        factor = 2 ** (patch.detune / 2400 * np.sign(position) * abs(position) ** 1.5)
        voice = oscillator(hz * factor, samples, sample_rate, patch.wave, phase=float(rng.random()))
        if out.shape[0] == 1:
            out[0] += voice
        else:
            pan = 0.5 + 0.5 * patch.width * position * (1 if rng.random() < 0.5 else -1)  # noqa: PLR2004  a coin
            out[0] += np.float32(np.sqrt(1 - pan)) * voice
            out[1] += np.float32(np.sqrt(pan)) * voice
    out /= np.float32(np.sqrt(patch.voices))
    if patch.sub:
        out += np.float32(patch.sub) * oscillator(hz * 0.5, samples, sample_rate, "sine")
    return out


def _fm(
    patch: Patch, hz: float | npt.NDArray[np.float64], samples: int, sample_rate: int, _rng: np.random.Generator
) -> Audio:
    seconds = np.arange(samples, dtype=np.float32) / np.float32(sample_rate)
    index = np.float32(patch.index) * (0.15 + np.exp(-seconds / np.float32(max(patch.envelope_decay, 0.02))))
    sound = fm(hz, samples, sample_rate, ratio=patch.ratio, index=index.astype(np.float32), feedback=patch.noise)
    if patch.sub:
        sound = sound + np.float32(patch.sub) * oscillator(hz, samples, sample_rate, "sine")
    return sound[None]


def _string(
    patch: Patch, hz: float | npt.NDArray[np.float64], samples: int, sample_rate: int, rng: np.random.Generator
) -> Audio:
    sound = plucked_string(
        float(np.mean(hz)), samples, sample_rate, rng, brightness=patch.brightness, decay=4 * patch.decay
    )
    return sound[None]


def _body(
    patch: Patch, hz: float | npt.NDArray[np.float64], samples: int, sample_rate: int, _rng: np.random.Generator
) -> Audio:
    return struck(float(np.mean(hz)), samples, sample_rate, patch.partials)[None]


SOURCES: Final[
    dict[
        str,
        Callable[[Patch, float | npt.NDArray[np.float64], int, int, np.random.Generator], Audio],
    ]
] = {"wave": _waves, "fm": _fm, "string": _string, "body": _body}


def _envelope(patch: Patch, gate: int, samples: int, sample_rate: int) -> Audio:
    """Attack, decay, sustain while the gate is open, release. Shape: `(samples,)`."""
    seconds = np.arange(samples, dtype=np.float32) / np.float32(sample_rate)
    level = patch.sustain + (1 - patch.sustain) * np.exp(-seconds / np.float32(max(patch.decay, 0.01)))
    level *= np.minimum(seconds / np.float32(max(patch.attack, 0.0015)), 1)
    tail = samples - gate
    if tail > 0:
        level[gate:] *= np.exp(-5 * np.arange(tail, dtype=np.float32) / tail) - np.float32(np.exp(-5.0))
    return np.asarray(level, dtype=np.float32)


def play(patch: Patch, notes: Sequence[Note], clock: Clock, steps: int, rng: np.random.Generator) -> Audio:
    """Render a loop of `steps` sixteenths; what rings on after its end is part of the result.

    Returns:
        Shape `(2, samples)`, samples being the loop and at most three seconds more.
    """
    if patch.source == "pad":
        return _play_pad(patch, notes, clock, steps, rng)
    rate = clock.sample_rate
    loop = round(steps * clock.step_seconds * rate)
    ring = int(min(3.0, patch.release + 0.02) * rate)
    out = np.zeros((2, loop + ring + filters.HOP), dtype=np.float32)
    known: dict[tuple[int, float], Audio] = {}
    before = hertz(notes[0].pitch) if notes else 0.0
    for note in notes:
        start = clock.sample(note.step) - clock.sample(0)
        gate = max(64, int(note.length * clock.step_seconds * rate))
        samples = min(gate + int(min(3.0, patch.release) * rate), out.shape[1] - start)
        identity = (note.pitch, note.length)
        if samples <= gate // 2 or start < 0:
            continue
        if note.slide or identity not in known or known[identity].shape[1] < samples:
            hz = _pitch_curve(patch, note, before, samples, rate)
            sound = SOURCES[patch.source](patch, hz, samples, rate, rng) * _envelope(patch, gate, samples, rate)
            if not note.slide:
                known[identity] = sound
        else:
            sound = known[identity][:, :samples]
        out[:, start : start + samples] += np.float32(note.velocity) * sound
        before = hertz(note.pitch)
    if patch.noise and patch.source == "wave":
        follow = np.abs(out[0])
        out += np.float32(patch.noise) * follow * rng.standard_normal(out.shape, dtype=np.float32)
    return _shape(patch, out, notes, clock)


def _play_pad(patch: Patch, notes: Sequence[Note], clock: Clock, steps: int, rng: np.random.Generator) -> Audio:
    """Chords held by a spectral pad: notes that begin together sound as one band of noise per harmonic."""
    rate = clock.sample_rate
    ring = int(min(3.0, patch.release) * rate)
    out = np.zeros((2, round(steps * clock.step_seconds * rate) + ring), dtype=np.float32)
    formants = filters.VOWELS[patch.vowels[0]] if patch.vowels else ()
    for step in sorted({note.step for note in notes}):
        chord = [note for note in notes if note.step == step]
        start = clock.sample(step) - clock.sample(0)
        gate = int(max(note.length for note in chord) * clock.step_seconds * rate)
        samples = min(gate + ring, out.shape[1] - start)
        fade = _envelope(patch, min(gate, samples), samples, rate) * np.float32(max(note.velocity for note in chord))
        pitches = [hertz(note.pitch) for note in chord]
        for channel in out:
            channel[start : start + samples] += fade * spectral_pad(
                pitches, samples, rate, rng, bandwidth=patch.bandwidth, rolloff=patch.rolloff, formants=formants
            )
    plain = Patch(cutoff=patch.cutoff, lfo=patch.lfo, lfo_depth=patch.lfo_depth, comb=patch.comb, drive=patch.drive)
    return _shape(plain, out, notes, clock)


def _since(
    notes: Sequence[Note], clock: Clock, frames: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each frame: which note began last, and how many seconds ago."""
    onsets = np.array(sorted({clock.seconds(note.step) - clock.lead_in for note in notes}) or [0.0])
    index = np.maximum(np.searchsorted(onsets, frames + 0.008, side="right") - 1, 0)
    return index, np.maximum(frames - onsets[index], 0)


def _shape(patch: Patch, audio: Audio, notes: Sequence[Note], clock: Clock) -> Audio:
    """The moving filter, vowels, flanger and dirt of a patch over a loop. Shape: `(2, samples)`."""
    rate = clock.sample_rate
    if patch.drive and patch.vowels:  # growls: the dirt comes before the mouth
        audio = _saturate(audio, patch.drive)
    moves = patch.envelope or patch.lfo_depth or patch.vowels or patch.comb
    if moves or patch.cutoff < 15_000:  # noqa: PLR2004  an open filter is no filter
        frames = filters.frame_seconds(audio.shape[1], rate)
        index, since = _since(notes, clock, frames)
        octaves = patch.envelope * np.exp(-since / max(patch.envelope_decay, 0.01))
        turn = np.zeros_like(since)
        if patch.lfo:
            turn = since / (np.array(patch.lfo)[index % len(patch.lfo)] * clock.step_seconds)
            octaves = octaves + patch.lfo_depth * (0.5 - 0.5 * np.cos(2 * np.pi * turn))
        response = filters.lowpass_response(patch.cutoff * 2**octaves, patch.resonance, rate)
        if patch.vowels and patch.source != "pad":
            mouth = 0.5 - 0.5 * np.cos(2 * np.pi * turn) if patch.lfo else np.minimum(since / 0.25, 1)
            response *= filters.vowel_response(patch.vowels, mouth * (len(patch.vowels) - 1), rate)
        if patch.comb:
            sweep = 300 * 2 ** (1.5 + 1.5 * np.sin(2 * np.pi * frames * 0.23 + index))
            response *= filters.comb_response(sweep, patch.comb, rate)
        mono = audio.shape[0] == 2 and (patch.voices == 1 or not patch.width) and patch.source != "pad"  # noqa: PLR2004
        filtered = filters.moving(
            audio[:1] if mono and np.array_equal(audio[0, ::97], audio[1, ::97]) else audio, response
        )
        audio = np.repeat(filtered, 2, axis=0) if filtered.shape[0] == 1 else filtered
    if patch.drive and not patch.vowels:
        audio = _saturate(audio, patch.drive)
    if patch.highpass > 30:  # noqa: PLR2004  below, the master takes care
        audio = filters.static(audio, rate, "highpass", patch.highpass)
    return audio


def _saturate(audio: Audio, drive: float) -> Audio:
    """Soft clipping; `drive` 0 is clean, 1 is a fuzz box."""
    gain = np.float32(1 + 11 * drive * drive)
    level = np.float32(1.5 * audio.std() + 1e-6)
    return np.asarray(np.tanh(gain * audio / level / 3) * (3 * level / gain**0.7), dtype=np.float32)
