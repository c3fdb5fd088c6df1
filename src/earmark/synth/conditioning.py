"""A track that follows a row of the measured descriptor tables (`recipes.house12.tables`): same style and statistics.

Tempo, key and the density of strokes are composed; then the finished mix is moved, in a few passes, until its measures
are those of the row:

    mean cepstra    the 13 MFCC means give the row's 40-band envelope back by the inverse DCT: a smooth equaliser
    their spread    the deviations within a second: the equaliser moves with the music's own fluctuation, more or less
    treble          two bands above the cepstra's 3.5 kHz are set so that spectral centroid and spread agree
    beats           at the beats, the shares of six bands in the energy: kick against bass against hats
    chroma          the bins that the tables count as pitch classes are raised or lowered by up to 9 dB
    steadiness      how much the energy of the frames varies within a second, against its mean: below 200 Hz, where most
                    of it is, quiet frames come closer to loud ones, or move away from them
    energy          mean power against the peak: the ceiling at which the sound is limited

Beats, cepstra and steadiness undo some of each other: each pass goes over them twice on the spectra, which costs
little, before it touches the sound.

What comes out carries a style that a program was asked for. It is sound to learn descriptors from, never a label.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import fft, ndimage

from earmark.synth import cepstrum
from earmark.synth.filters import static
from earmark.synth.harmony import SCALES, Key
from earmark.synth.mix import fade_edges, rms
from earmark.synth.recipes import RECIPES
from earmark.synth.render import render
from earmark.synth.track import SAMPLE_RATE, Track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from earmark.synth.track import Audio

PASSES: Final = 3
ROUNDS: Final = 2  # in a pass
REACH: Final = 1.25  # how far a pass goes of what its rounds ask for: overlapping frames blur a part of it away
NOISE_FLOOR: Final = 10 ** (-52 / 20)  # against the RMS of the mix
BELOW_BANDS: Final = 4  # bins: 0 to 60 Hz
BEAT_BANDS: Final = (0, 10, 20, 40, 80, 160, 551)
"""Edges in bins of 20 Hz: 0, 200, 400, 800, 1600, 3200 and 22,000 Hz, of which the tables' audio has 11,025: Essentia's
`BeatsLoudness` as its `MusicExtractor` uses it, after Scheirer (JASA 103(1), 1998)."""
STEEPEST: Final = 1.6  # log10 of the strongest gain: 32 dB
BASS: Final = 10  # bins: 0 to 200 Hz
BASS_STEEPEST: Final = 0.9  # log10 of the most that one step moves the bass of a frame: 18 dB
BASS_EXPONENTS: Final = (0.0, 2.0)
"""What becomes of the bass of a frame against that of its second: from all alike to the square of what it was."""


@dataclass(frozen=True)
class Target:
    """The values of a row, in the units of the tables: `cepstra` and `chroma` are means."""

    bpm: float
    onset_rate: float  # per second
    cepstra: cepstrum.Array  # (13,)
    deviations: cepstrum.Array  # (13,)
    chroma: cepstrum.Array  # (12,)
    centroid: float
    spread: float
    energy: float
    energy_deviation: float
    beat_balance: cepstrum.Array | None  # (6,), shares; only one of the tables has it

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Target:
        """Read the columns by their numbers: both tables number the first 68 alike."""
        columns = {name.split("-", 1)[0]: name for name in row}

        def values(first: int, last: int) -> cepstrum.Array:
            return np.array([float(row[columns[str(number)]]) for number in range(first, last + 1)])

        onset_rate = next((float(value) for name, value in row.items() if name.endswith("onset_rate")), 5.0)
        bpm = float(row[columns["71"]]) if "71" in columns else float(row[columns["69"]])
        return cls(
            bpm=bpm,
            onset_rate=onset_rate,
            cepstra=values(9, 21),
            deviations=values(43, 55),
            chroma=values(22, 33),
            centroid=float(values(4, 4)[0]),
            spread=float(values(5, 5)[0]),
            energy=float(values(2, 2)[0]),
            energy_deviation=float(values(36, 36)[0]),
            beat_balance=values(81, 86) if {str(number) for number in range(81, 87)} <= columns.keys() else None,
        )


def fold_tempo(bpm: float, low: float, high: float) -> float:
    """The octave of a tempo that lies in, or closest to, a range."""
    octaves = [bpm * 2.0**octave for octave in range(-2, 3)]
    middle = np.sqrt(low * high)
    return float(min(octaves, key=lambda tempo: abs(np.log2(tempo / middle))))


def nearest_key(chroma: cepstrum.Array, scales: tuple[str, ...]) -> Key:
    """The key whose scale, tonic and fifth weighted, correlates best with a chroma vector that begins at A."""
    best, best_score = Key(9, scales[0]), -np.inf
    compressed = np.sqrt(chroma)
    for scale in dict.fromkeys(scales):
        template = np.zeros(12)
        template[list(SCALES[scale])] = 1
        template[[0, 7]] += (1.5, 0.5)
        for tonic in range(12):
            score = float(np.corrcoef(np.roll(template, tonic), np.roll(compressed, 9))[0, 1])
            if score > best_score:
                best, best_score = Key(tonic, scale), score
    return best


def render_row(
    row: Mapping[str, str],
    style: str,
    seed: int = 0,
    seconds: float = 30.0,
    *,
    artist: int | None = None,
    sample_rate: int = SAMPLE_RATE,
    passes: int = PASSES,
) -> Track:
    """Render a track of a style that follows a row of the tables.

    Args:
        row: a line of a table as `csv.DictReader` gives it.
        style: one of the twelve labels. Halftime has no rows: give it those of Drum & Bass.
        seed: of the composition.
        seconds: length.
        artist: the preset family.
        sample_rate: in Hz.
        passes: how often the mix is measured and moved; 0 leaves it at tempo, key and density.
    """
    target = Target.from_row(row)
    recipe = RECIPES[style]
    low, _, high = recipe.tempo
    track = render(
        style,
        seed,
        seconds,
        artist=artist,
        sample_rate=sample_rate,
        bpm=round(fold_tempo(target.bpm, low, high), 2),
        key=nearest_key(target.chroma, recipe.scales),
        density=float(np.clip((target.onset_rate - 5.0) / 3.0, -0.8, 0.8)),
    )
    if not passes:
        return track
    # The mix before mastering still has the peaks that a quiet row needs; following the row is its mastering.
    # A noise floor, as every real record has one: the logarithm of digital silence would swallow all means.
    mix: Audio = np.asarray(np.sum(list(track.stems.values()), axis=0), dtype=np.float32)
    hiss = np.random.default_rng(seed).standard_normal(mix.shape, dtype=np.float32) * np.float32(NOISE_FLOOR * rms(mix))
    audio = static(mix + hiss, sample_rate, "highpass", 24)
    aim = target.energy
    for _ in range(passes):
        audio = audio / loudest(audio, aim)
        heard = as_measured(shoulder(audio), sample_rate)
        aim *= float(np.clip(target.energy / power_over_peak(heard), 0.5, 2.0))
        aim = float(np.clip(aim, 0.3 * target.energy, 3.0 * target.energy))
        audio = follow(audio, heard, target, sample_rate, track.truth.beats)
    limited = shoulder(audio / loudest(audio, aim))
    limited *= np.float32(0.98) / (np.abs(limited).max() + np.float32(1e-9))
    return replace(track, audio=fade_edges(limited, sample_rate))


def as_measured(audio: Audio, sample_rate: int) -> Audio:
    """The sound as the tables were measured: the mono sum below 11,025 Hz, clipped as 16 bits do, peak 1.

    Shape: `(2, samples)` to `(samples,)`.
    """
    spectrum = fft.rfft(np.float32(0.5) * (audio[0] + audio[1]))
    spectrum[int(spectrum.size * cepstrum.NYQUIST / (sample_rate / 2)) :] = 0
    waveform = np.clip(fft.irfft(spectrum, audio.shape[1]), -1, 1)
    return np.asarray(waveform / (np.abs(waveform).max() + 1e-9), dtype=np.float32)


def power_over_peak(waveform: Audio) -> float:
    """Mean power over the squared peak: the tables' energy."""
    return float(np.mean(waveform * waveform) / (np.max(waveform * waveform) + 1e-12))


def follow(audio: Audio, heard: Audio, target: Target, sample_rate: int, beats: Sequence[float] = ()) -> Audio:
    """Move a mix towards a row by one step of the equaliser, measured on `heard`; `beats` are in seconds.

    Shape: `(2, samples)` and `(samples,)` to `(2, samples)`.
    """
    spectra = cepstrum.magnitudes(heard, sample_rate)
    if spectra.shape[0] < cepstrum.SECOND:
        return audio
    bins = np.broadcast_to(_chroma_gains(spectra, target), spectra.shape)
    for _ in range(ROUNDS):
        bins = bins + _beat_gains(_moved(spectra, bins), target, beats)
        bins += _band_gains(_moved(spectra, bins), target)
        bins += _steady_gains(_moved(spectra, bins), target)
    bins += _treble_gains(_moved(spectra, bins), target)
    return _apply(audio, (REACH * bins).astype(np.float32), sample_rate)


def _moved(spectra: npt.NDArray[np.float32], gains: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Spectra after log10 gains. Shape: `(frames, 551)` twice to `(frames, 551)`."""
    return np.asarray(spectra * np.exp(np.float32(np.log(10)) * gains.astype(np.float32)), dtype=np.float32)


def beat_balance(spectra: npt.NDArray[np.float32], beats: Sequence[float]) -> cepstrum.Array:
    """The shares of six bands in the energy at the beats, the mean over the beats. Shape: `(frames, 551)` to `(6,)`."""
    power = spectra[beat_frames(spectra, beats)].astype(np.float64) ** 2
    bands = np.add.reduceat(power, BEAT_BANDS[:-1], axis=1)  # (beats, 6)
    return np.asarray((bands / (bands.sum(axis=1, keepdims=True) + 1e-12)).mean(axis=0))


def beat_frames(spectra: npt.NDArray[np.float32], beats: Sequence[float]) -> npt.NDArray[np.intp]:
    """The louder of the two frames of 50 ms in which each beat sounds. Shape: `(beats,)`."""
    first = (np.asarray(beats) * cepstrum.SECOND).astype(np.intp)
    first = first[first < spectra.shape[0] - 1]
    energy = (spectra * spectra).sum(axis=1)
    return np.asarray(np.where(energy[first + 1] > energy[first], first + 1, first))


def _beat_gains(spectra: npt.NDArray[np.float32], target: Target, beats: Sequence[float]) -> npt.NDArray[np.float64]:
    """log10 gains, at the beats only and at most 6 dB, that bring the balance of the bands to the row's.

    Shape: `(frames, 551)`.
    """
    gains = np.zeros(spectra.shape)
    if target.beat_balance is None or not len(beats):
        return gains
    measured = beat_balance(spectra, beats)
    wanted = np.clip(0.5 * np.log10((target.beat_balance + 1e-3) / (measured + 1e-3)), -0.3, 0.3)
    gains[beat_frames(spectra, beats)] = np.repeat(wanted, np.diff(BEAT_BANDS))
    return gains


def _band_gains(spectra: npt.NDArray[np.float32], target: Target) -> npt.NDArray[np.float64]:
    """log10 gains that bring mean and deviation of the cepstra to the row's. Shape: `(frames, 551)`."""
    measured = cepstrum.cepstra(spectra)
    grouped = cepstrum.by_second(measured)
    means = grouped.mean(axis=1)  # (seconds, 13)
    deviations = grouped.std(axis=1).mean(axis=0)
    ratio = np.clip(target.deviations / np.maximum(deviations, 1e-3), 0.4, 2.5)
    centres = np.repeat(means, cepstrum.SECOND, axis=0)
    rest = measured.shape[0] - centres.shape[0]
    centres = np.concatenate([centres, np.repeat(centres[-1:], rest, axis=0)])
    change = (target.cepstra - means.mean(axis=0)) + (ratio - 1) * (measured - centres)  # (frames, 13)
    room = (target.cepstra[0] - means[:, 0].mean()) / np.sqrt(cepstrum.BANDS)  # log10: how much too weak the bands are
    # At a given energy, bands are too weak where loud sections stand against quiet ones: bring those closer.
    level = np.interp(np.arange(measured.shape[0]) / cepstrum.SECOND - 0.5, np.arange(means.shape[0]), means[:, 0])
    change[:, 0] -= np.clip(2 * room, 0, 0.6) * (level - level.mean())
    bands = np.clip(change @ cepstrum.cosines(), -STEEPEST, STEEPEST)  # (frames, 40)
    middles = (np.arange(cepstrum.BINS) @ cepstrum.mel_bands()) / cepstrum.mel_bands().sum(axis=0)
    # Bins between the middles of two bands take from both.
    place = np.interp(np.arange(cepstrum.BINS), middles, np.arange(cepstrum.BANDS))
    below = np.minimum(place.astype(int), cepstrum.BANDS - 2)
    share = place - below
    gains = bands[:, below] * (1 - share) + bands[:, below + 1] * share
    # Much of the energy lies below the bands, that is below 66 Hz: the lowest bins make room too.
    gains[:, :BELOW_BANDS] -= np.clip(room, -0.4, 0.4)
    return np.asarray(gains, dtype=np.float64)


def fluctuation(energy: npt.NDArray[np.floating]) -> float:
    """Deviation of the energy of the frames within a second, the mean over the seconds, against the mean energy.

    Shape: `(frames,)`.
    """
    grouped = cepstrum.by_second(np.asarray(energy, dtype=np.float64)[:, None])  # (seconds, 20, 1)
    return float(grouped.std(axis=1).mean() / (grouped.mean() + 1e-12))


def _steady_gains(spectra: npt.NDArray[np.float32], target: Target) -> npt.NDArray[np.float64]:
    """log10 gains of the bass that make the energy fluctuate within a second as the row's. Shape: `(frames, 551)`.

    The bass of a frame, relative to the second around it, is raised to the power that gives the fluctuation: found by
    bisection, as more of it always fluctuates more.
    """
    power = spectra.astype(np.float64) ** 2
    bass, rest = power[:, :BASS].sum(axis=1) + 1e-9, power[:, BASS:].sum(axis=1)
    level = 0.5 * np.log10(bass / ndimage.uniform_filter1d(bass, cepstrum.SECOND))  # (frames,), log10 of an amplitude
    wanted = target.energy_deviation / max(target.energy, 1e-6)
    low, high = BASS_EXPONENTS
    gains = np.zeros_like(level)
    for _ in range(12):
        exponent = 0.5 * (low + high)
        gains = np.clip((exponent - 1) * level, -BASS_STEEPEST, BASS_STEEPEST)
        if fluctuation(bass * 10 ** (2 * gains) + rest) > wanted:
            high = exponent
        else:
            low = exponent
    return np.outer(gains, np.interp(np.arange(cepstrum.BINS), [BASS - 2, BASS + 2], [1, 0]))


def _treble_gains(spectra: npt.NDArray[np.float32], target: Target) -> npt.NDArray[np.float64]:
    """log10 gains of the bands 3.5-6.5 kHz and above that bring centroid and spread closest to the row's.

    Shape: `(551,)`.
    """
    place = np.arange(1, cepstrum.BINS + 1) / cepstrum.BINS
    edges = (175, 325)  # bins of 20 Hz
    parts = np.split(spectra.astype(np.float64), edges, axis=1)
    places = np.split(place, edges)
    # Sums of weight, place and square place in the low, middle and high band: shape (3, 3, frames).
    sums = np.array([[part @ where**power for part, where in zip(parts, places, strict=True)] for power in range(3)])
    choices = np.linspace(-1.2, 1.2, 25)  # log10
    best, best_error = (0.0, 0.0), np.inf
    for middle in choices:
        kept = sums[:, 0] + 10**middle * sums[:, 1]  # (3, frames)
        total, first, second = kept[:, None] + 10 ** choices[:, None] * sums[:, None, 2]  # (25, frames) each
        centroid = first / (total + 1e-12)
        spread = np.sqrt(np.maximum(second / (total + 1e-12) - centroid**2, 0))
        errors = ((centroid.mean(axis=1) - target.centroid) / 0.05) ** 2
        errors += ((spread.mean(axis=1) - target.spread) / 0.03) ** 2
        errors += 0.02 * (middle**2 + (middle - choices) ** 2)  # no more than is needed
        if errors.min() < best_error:
            best, best_error = (float(middle), float(choices[errors.argmin()])), float(errors.min())
    bins = np.arange(cepstrum.BINS)
    return np.asarray(np.interp(bins, [160, 190, 310, 340], [0.0, best[0], best[0], best[1]]))


def _chroma_gains(spectra: npt.NDArray[np.float32], target: Target) -> npt.NDArray[np.float64]:
    """log10 gains of the bins that count as pitch classes, at most 9 dB. Shape: `(551,)`."""
    measured = cepstrum.chroma(spectra).mean(axis=0)
    wanted = np.clip(0.4 * np.log10((target.chroma + 1e-4) / (measured + 1e-4)), -0.45, 0.45)
    weights = cepstrum.chroma_bins()
    counted = (weights > 0).any(axis=1) & (np.arange(cepstrum.BINS) < 100)  # noqa: PLR2004  bins, below 2 kHz
    return np.where(counted, wanted[weights.argmax(axis=1)], 0.0)


def _apply(audio: Audio, gains: npt.NDArray[np.float32], sample_rate: int) -> Audio:
    """Multiply log10 gains of shape `(frames, 551)`, one per 50 ms, onto the short-time spectrum.

    Frames of 50 ms overlap by half under a sine window on both sides, so their bins are those of the measure. Above
    11 kHz the last gain holds.
    """
    length = cepstrum.frame_length(sample_rate)
    hop = length // 2
    samples = audio.shape[1]
    count = -(-samples // hop) + 1
    window = np.sin(np.pi * (np.arange(length) + 0.5) / length).astype(np.float32)
    # Frame i is centred on sample i * hop, that is at measured frame (i - 1) / 2.
    place = np.clip((np.arange(count) - 1) / 2, 0, gains.shape[0] - 1)
    below = place.astype(int)
    share = (place - below).astype(np.float32)[:, None]
    above = np.minimum(below + 1, gains.shape[0] - 1)
    factor = np.empty((count, length // 2 + 1), dtype=np.float32)
    factor[:, : cepstrum.BINS] = np.exp(np.float32(np.log(10)) * (gains[below] * (1 - share) + gains[above] * share))
    factor[:, cepstrum.BINS :] = factor[:, cepstrum.BINS - 1 : cepstrum.BINS]
    out = np.empty_like(audio)
    for channel, moved in zip(audio, out, strict=True):
        padded = np.zeros((count + 1) * hop, dtype=np.float32)
        padded[hop : hop + samples] = channel
        spectra = fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, length)[::hop] * window)
        pieces = fft.irfft(spectra * factor, length) * window  # (count, length)
        joined = pieces[:-1, hop:] + pieces[1:, :hop]
        moved[:] = joined.ravel()[:samples]
    return out


def loudest(audio: Audio, energy: float) -> np.float32:
    """The ceiling at which a soft limiter leaves a mono sum whose power over its squared peak is at least `energy`."""
    some = audio[:, :: max(1, audio.shape[1] // 40_000)]
    low, high = 0.02 * float(np.abs(some).max()), 1.5 * float(np.abs(some).max())
    ceiling = high
    for _ in range(18):  # a lower ceiling means more energy: bisect
        ceiling = 0.5 * (low + high)
        if power_over_peak(shoulder(some / np.float32(ceiling)).mean(axis=0)) > energy:
            low = ceiling
        else:
            high = ceiling
    return np.float32(ceiling)


def shoulder(audio: Audio) -> Audio:
    """A soft limiter: linear to 0.8, then a tanh that ends at 1."""
    magnitude = np.abs(audio)
    bent = np.float32(0.8) + np.float32(0.2) * np.tanh((magnitude - np.float32(0.8)) / np.float32(0.2))
    return np.where(magnitude > 0.8, np.copysign(bent, audio), audio)  # noqa: PLR2004  where the shoulder begins
