"""Tempo: the rates at which the onsets of a track repeat, and the one of them that is the beat.

Onsets agree with those a beat later, two beats, a bar; less with those a third of a beat or a beat and a half later.
So the autocorrelation of the onsets at many multiples of a beat, weighed, says how likely that beat is. The weights
stand in tempo.json and were fitted to grooves at all tempi alike by bench/fit_tempo.py.

Nothing in the onsets tells 87 from 174 beats a minute for certain. Which of them is *the* beat is a convention of each
style (drum & bass and halftime are counted at 174 though the snare of halftime falls on every fourth beat), so it is
decided together with the style: `prior` weighs the tempi that are usual in each style with the style's probability.

Conventions: a tempo is in beats per minute (BPM); a *salience* is how well onsets agree with those some beats later, a
correlation (0-1 for music, about 0 for noise).
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.hearing.rhythm.onsets import BANDS
from earmark.styles import styles as known_styles

Array = NDArray[np.float64]

SLOWEST, FASTEST = 58.0, 222.0  # BPM
STEP: Final = 0.005  # octaves between two tempi that are tried
TEMPI: Final[Array] = SLOWEST * 2.0 ** (STEP * np.arange(round(np.log2(FASTEST / SLOWEST) / STEP) + 1))
LOW: Final = 2  # bands with kick and bass, whose onsets are compared by themselves, too
OCTAVE: Final = round(1 / STEP)  # steps
CONVENTION: Final = 0.12  # share of tracks that are counted at another level than their drums suggest
SAME: Final = 0.03  # octaves; tempi that are closer are one answer
BEATS: Final = (1, 2, 3, 4, 8)  # after which the onsets of a clear beat agree
MULTIPLES: Final = (
    *(1 / 8, 1 / 6, 1 / 4, 1 / 3, 3 / 8, 1 / 2, 2 / 3, 3 / 4, 1.0, 4 / 3),
    *(3 / 2, 2.0, 8 / 3, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0),
)  # of a beat, after which onsets are compared

SELDOM: Final = 1 / 3
"""Weight of a style that mostly has no beat: a track that has one is less likely to be of it."""

CENTRE, SPREAD = 132.0, 0.55  # BPM and octaves: where the beat of electronic music lies when the style is not known
DOUBT: Final = 0.4  # how much the style is mistrusted

HARMONICS: Final = ((4, 0.006), (8, 0.002), (16, 0.001))  # how many, and how far around the tempo so far (relative)
GROUPS: Final = ((0, 2), (2, 5), (5, BANDS))  # bands: low, middle, high


class TempoEstimate(NamedTuple):
    """A first tempo in BPM, its salience, and the probability that it is the tempo, at its level of the metre."""

    bpm: float
    salience: float
    confidence: float


def estimate(onsets: Array, frame_rate: float, styles: Mapping[str, float]) -> TempoEstimate:
    """The most probable tempo, to about 0.2 %.

    Args:
        onsets: the onset strength, `standardised`; (frames, bands).
        frame_rate: in Hz.
        styles: the probability of each style.
    """
    correlation, low = autocorrelations(onsets, frame_rate)
    logits = features(correlation, low, frame_rate) @ weights()
    probability = at_any_level(np.exp(logits - logits.max())) * prior(TEMPI, styles)
    probability /= probability.sum()
    near = round(SAME / STEP)
    around = np.convolve(probability, np.ones(2 * near + 1), "same")
    first = max(int(around.argmax()) - near, 0)
    best = first + int(probability[first : first + 2 * near + 1].argmax())
    return TempoEstimate(
        bpm=float(TEMPI[best]),
        salience=float(salience(correlation, frame_rate, TEMPI[best : best + 1])[0]),
        confidence=min(float(around.max()), 1.0),
    )


def features(correlation: Array, low: Array, frame_rate: float) -> Array:
    """Evidence for each of the `TEMPI`, as a function of which its likelihood is written.

    That is the autocorrelation (lags,) of all bands, and that of the `LOW` ones, at `MULTIPLES` of the beat; and
    the octaves between the tempo and 120 BPM, and their square.

    Shape: (TEMPI, 2 MULTIPLES + 2).
    """
    lags = np.outer(60 * frame_rate / TEMPI, MULTIPLES)  # frames
    agreement = [np.interp(lags, np.arange(each.size), each, right=0) for each in (correlation, low)]
    octaves = np.log2(TEMPI / 120)
    return np.column_stack([*agreement, octaves, octaves**2])


def at_any_level(likelihood: Array) -> Array:
    """The likelihood of `TEMPI`, if `CONVENTION` of all tracks are counted at half or twice the tempo of their drums.

    Shape: (TEMPI,) -> (TEMPI,).
    """
    padded, tried = np.pad(likelihood, OCTAVE), np.pad(np.ones_like(likelihood), OCTAVE)
    total, count = np.zeros(likelihood.size), np.zeros(likelihood.size)
    for start in (0, OCTAVE, 2 * OCTAVE):
        total += padded[start : start + likelihood.size]
        count += tried[start : start + likelihood.size]
    counted: Array = (1 - CONVENTION) * likelihood + CONVENTION * total / count
    return counted


@cache
def weights() -> Array:
    """Weight of each of the `features` in the logarithm of the likelihood of a tempo, (features,)."""
    table = json.loads(Path(__file__).with_name("tempo.json").read_text(encoding="utf-8"))
    return np.array(table["weights"])


def prior(bpm: Array, styles: Mapping[str, float]) -> Array:
    """Density over octaves of the tempo of the beat, given the probabilities of the styles."""
    octaves = np.log2(bpm)

    def bell(centre: float, width: float) -> Array:
        density: Array = np.exp(-0.5 * ((octaves - centre) / width) ** 2) / width
        return density

    table = {style.label: style for style in known_styles()}
    shares = {
        table[label]: share * (SELDOM if table[label].beatless else 1)
        for label, share in styles.items()
        if label in table
    }
    trust = (1 - DOUBT) / max(sum(shares.values()), 1e-9)
    likely = (DOUBT if shares else 1.0) * bell(np.log2(CENTRE), SPREAD)
    for style, share in shares.items():
        low, high = np.log2(style.bpm)
        likely = likely + trust * share * bell((low + high) / 2, (high - low) / 2 + 0.02)
    return likely


def autocorrelations(onsets: Array, frame_rate: float) -> Array:
    """Agreement of the onsets with those some frames later: 1 at 0, on average 0 for noise; the bands count alike.

    Args:
        onsets: the onset strength, `standardised`; (frames, bands).
        frame_rate: in Hz.

    Returns:
        That of all bands, and that of the `LOW` ones, for the lags that a tempo asks for; (2, lags).
    """
    frames = len(onsets)
    lags = min(frames, int(max(MULTIPLES) * 60 * frame_rate / SLOWEST) + 2)
    smooth = onsets.T.copy()  # (bands, frames)
    # An onset may last a single frame, and periods are no whole number of those.
    smooth[:, 1:-1] = (smooth[:, :-2] + 2 * smooth[:, 1:-1] + smooth[:, 2:]) / 4
    size = _transformed(frames + lags)  # what wraps around comes later than all lags
    spectrum = np.fft.rfft(smooth, size)
    power = np.square(spectrum.real) + np.square(spectrum.imag)  # (bands, bins)
    products = np.fft.irfft([power.sum(0), power[:LOW].sum(0)], size)[:, :lags]
    overlap = 1 - np.arange(lags) / frames
    correlations: Array = products / np.maximum(products[:, :1], 1e-30) / np.maximum(overlap, 0.1)
    return correlations


def _transformed(samples: int) -> int:
    """A length of so many samples or a little more, whose Fourier transform is quick: 2, 3 and 5 are its factors."""
    return min(odd << max(0, -(-samples // odd) - 1).bit_length() for odd in (1, 3, 5, 9, 15, 25, 27))


def standardised(onset_strength: Array) -> Array:
    """Onset strength (frames, bands) with mean 0 and deviation 1 in each band, or all 0 if that never changes."""
    centred = onset_strength - onset_strength.mean(0)
    deviation = np.sqrt(np.square(centred).mean(0))
    scaled: Array = centred / np.where(deviation > 0, deviation, 1)
    return scaled


def onset_count(onsets: Array) -> float:
    """Number of frames with onsets, `standardised`; a few strong ones among many weak ones count alone."""
    power = np.square(np.maximum(onsets.sum(1), 0))
    return float(np.sum(power) ** 2 / max(float(np.sum(np.square(power))), 1e-30))


def salience(correlation: Array, frame_rate: float, tempi: Array) -> Array:
    """The mean correlation some beats later, for each tempo in BPM; beyond all lags it is 0.

    Shape: (..., lags) and (tempi,) -> (..., tempi).
    """
    last = correlation.shape[-1] - 1
    lags = np.outer(BEATS, 60 * frame_rate / tempi)  # frames, (BEATS, tempi)
    below = np.minimum(lags.astype(np.int64), last - 1)
    values = correlation[..., below] + (lags - below) * (correlation[..., below + 1] - correlation[..., below])
    mean: Array = np.where(lags <= last, values, 0).mean(-2)
    return mean


def refine(onsets: Array, frame_rate: float, bpm: float) -> float:
    """The tempo in BPM at which the whole track repeats best, if its tempo is constant.

    What repeats with the beat, whatever its rhythm within the beat, has all its power at multiples of the beat's
    frequency. The power at 16 of them together is highest at the true tempo, and the longer the track the narrower is
    that peak: some thousandths of a BPM for half a minute. A rhythm that swings changes phases only.

    Args:
        onsets: the onset strength, `standardised`; (frames, bands).
        frame_rate: in Hz.
        bpm: about that.
    """
    signals = np.stack([onsets[:, first:last].sum(1) for first, last in GROUPS])  # (groups, frames)
    frames = signals.shape[1]
    size = 1 << (4 * frames - 1).bit_length()
    spectrum = np.fft.rfft(signals, size)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).sum(0)
    places = np.arange(power.size)
    for harmonics, span in HARMONICS:
        cycles = frames / frame_rate * bpm / 60 * harmonics  # of the highest harmonic in the track
        steps = max(4, int(8 * cycles * span))
        tempi = bpm * (1 + span * np.arange(-steps, steps + 1) / steps)
        combs = np.outer(np.arange(1, harmonics + 1), tempi / 60 / frame_rate * size)  # (harmonics, tempi)
        sums = np.interp(combs, places, power, right=0).sum(0)
        best = int(sums.argmax())
        bpm = float(tempi[best])
        if 0 < best < sums.size - 1:
            bpm += float(vertex(*sums[best - 1 : best + 2]) * (tempi[1] - tempi[0]))
    return bpm


def vertex(before: Array | float, top: Array | float, after: Array | float) -> Array:
    """Place of the top of the parabola through three values at -1, 0 and 1, if the middle one is the largest."""
    bend = np.subtract(before, top) + np.subtract(after, top)
    place: Array = 0.5 * np.subtract(before, after) / np.where(bend < 0, bend, np.inf)
    return place
