"""The key of a track: its tonic, major or minor.

    waveform -> spectra of 0.37 s -> peaks between 65 Hz and 1.8 kHz -> tuning of the track
             -> chroma -> correlation with the mean chroma of each key in electronic music, and with its scale

Peaks, not whole spectra: what has a pitch stands out from its neighbours, what drums leave behind does not. The
pitches of all peaks, modulo a semitone, gather around the tuning of the track, so that a track that was pitched up by a
quarter of a tone is read in the key that it was played in. The mean chroma tells which tone of a scale is the tonic;
the scale keeps a loud fourth from passing for one, if the sixth above it does not sound.

Conventions: pitch classes are counted from C (0-11); a chroma is their strength, (12,).

References: A. Faraldo, E. Gómez, S. Jordà, P. Herrera, Key estimation in electronic dance music, ECIR 2016, for the
profiles (EDMA, the means over a corpus of electronic dance music). P. Knees et al., Two data sets for tempo estimation
and key detection in electronic dance music annotated from user corrections, ISMIR 2015.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.analysis import Key
from earmark.audio import Waveform
from earmark.spectra import energies, hann, real_fft

Array = NDArray[np.float64]

WINDOW: Final = 0.3715  # seconds, about: 8,192 samples at 22,050 Hz
LOWEST, HIGHEST = 65.0, 1760.0  # Hz: C2 to A6; below, there is mostly the kick
CONCERT: Final = 440.0  # Hz
A: Final = 9  # its pitch class
FINE: Final = 120  # divisions of the octave in which peaks are counted: ten to a semitone
CENTS: Final = FINE // 12

PROMINENT: Final = 4.0  # times the mean power around it: what is less is no tone
CERTAIN: Final = 8.0  # times that mean: noise does not rise so high
AROUND: Final = 12  # bins on each side over which that mean is taken
AT_ONCE: Final = 64  # frames whose peaks are looked for together
COMPRESSION: Final = 0.5  # exponent of the amplitude of a peak: a quiet chord counts beside a loud bass

PROFILES: Final[Array] = np.array(
    [
        (  # major
            *(0.16519551, 0.04749026, 0.08293076, 0.06687112, 0.09994645, 0.09274123),
            *(0.05294487, 0.13159476, 0.05218986, 0.07443653, 0.06940723, 0.0642515),
        ),
        (  # minor
            *(0.17235348, 0.05336489, 0.0761009, 0.10043649, 0.05621498, 0.08527853),
            *(0.0497915, 0.13451001, 0.07458916, 0.05003023, 0.09187879, 0.05545106),
        ),
    ]
)

SCALES: Final[Array] = np.array(
    [(1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1), (1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0)], np.float64
)  # major, natural minor

FAINTEST: Final = 0.35  # correlation with the best key; less is no harmony
TONAL: Final = 0.005  # share of certain tones in the power; real drums alone mostly have less, music has 0.01 and more
DOUBT: Final = 0.25  # by which the correlation must be higher for each neper that the share is lower
HARMONY: Final = 3.0  # pitch classes at least: a tone, or one with a fifth, is neither major nor minor
DECIDED: Final = 12.0  # nepers of evidence in a correlation of 1 with a profile
SCALE: Final = 6.0  # nepers in a correlation of 1 with a scale, which a key shares with its relative
MINOR: Final = 0.85  # share of minor keys, about, in the electronic dance music of Knees et al.


class Pitches(NamedTuple):
    """Strength of each of the `FINE` divisions of the octave from C on, (FINE,).

    `tonality` is the share of the power that is in tones which stand out further than noise ever does.
    """

    strength: Array
    tonality: float


class PitchAccumulator:
    """Accumulates the pitches of a waveform that comes in blocks of any length; sample rate in Hz."""

    def __init__(self, sample_rate: int) -> None:
        self._length = 1 << round(np.log2(WINDOW * sample_rate))
        self._window = hann(self._length).astype(np.float32)
        self._resolution = sample_rate / self._length  # Hz
        self._first, last = int(LOWEST / self._resolution), int(HIGHEST / self._resolution) + 2
        self._bins = slice(self._first - AROUND - 1, last + AROUND + 1)
        self._held = np.empty(0, np.float32)
        self._waiting: list[NDArray[np.float32]] = []  # powers (frames, bins) whose peaks were not looked for yet
        self._strength = np.zeros(FINE)
        self._tones = self._power = 0.0

    def add(self, waveform: Waveform) -> None:
        """Take the next block. Each sample is in one spectrum."""
        joined = np.concatenate([self._held, waveform])
        whole = joined.size // self._length * self._length
        self._held = joined[whole:]
        windowed = joined[:whole].reshape(-1, self._length) * self._window  # (frames, length)
        self._power += float(energies(windowed).sum(dtype=np.float64)) / self._length / 2
        spectra = real_fft(windowed)[:, self._bins]
        self._waiting.append(np.square(spectra.real) + np.square(spectra.imag))
        if sum(map(len, self._waiting)) >= AT_ONCE:
            self._add_peaks()

    def _add_peaks(self) -> None:
        """Add the peaks of the frames that wait, each frame's to a sum of at most 1 for the loudest peak."""
        power = np.concatenate(self._waiting, dtype=np.float64)  # (frames, bins)
        self._waiting.clear()
        sums = np.cumsum(power, axis=1)
        around = (sums[:, 2 * AROUND + 1 :] - sums[:, : -2 * AROUND - 1]) / (2 * AROUND + 1)
        inner = power[:, AROUND + 1 : -AROUND]
        before, after = power[:, AROUND : -AROUND - 1], power[:, AROUND + 2 : power.shape[1] - AROUND + 1]
        frame, place = np.nonzero((inner > before) & (inner >= after) & (inner > PROMINENT * around))
        low, peak, high = (each[frame, place] for each in (before, inner, after))
        self._tones += float(peak[peak > CERTAIN * around[frame, place]].sum())
        low, top, high = (np.log(each + 1e-30) for each in (low, peak, high))
        offset = 0.5 * (low - high) / np.minimum(low - 2 * top + high, -1e-9)  # of a parabola's top, in bins
        hertz = (self._first + place + offset) * self._resolution
        octaves = np.log2(np.maximum(hertz, LOWEST / 2) / CONCERT) + A / 12
        amplitude = np.exp(0.5 * top)
        loudest = np.zeros(len(inner))
        np.maximum.at(loudest, frame, amplitude)
        strength = (amplitude / loudest[frame]) ** COMPRESSION
        self._strength += np.bincount(np.round(octaves * FINE).astype(np.int64) % FINE, strength, FINE)

    def pitches(self) -> Pitches:
        """The pitches of all blocks so far."""
        if self._waiting:
            self._add_peaks()
        return Pitches(self._strength.copy(), self._tones / self._power if self._power else 0.0)


def estimate_key(pitches: Pitches) -> Key | None:
    """The key of a track; None where there is no harmony."""
    if not pitches.strength.any() or not pitches.tonality:
        return None
    classes = chroma(pitches.strength)
    correlation = correlations(classes)  # (2, 12)
    doubt = max(0.0, DOUBT * float(np.log(TONAL / pitches.tonality)))
    if correlation.max() < FAINTEST + doubt or pitch_classes(classes) < HARMONY:
        return None
    evidence = DECIDED * correlation + SCALE * correlations(classes, SCALES) + np.log([[1 - MINOR], [MINOR]])
    minor, tonic = (int(index) for index in np.unravel_index(evidence.argmax(), evidence.shape))
    return Key(tonic, bool(minor), float(1 / np.exp(evidence - evidence.max()).sum()))


def tuning(strength: Array) -> float:
    """Tuning above concert pitch in semitones (-0.5 to 0.5), given the strength of fine pitches (FINE,)."""
    angles = 2 * np.pi * np.arange(FINE) / CENTS
    return float(np.angle(np.sum(strength * np.exp(1j * angles))) / (2 * np.pi))


def chroma(strength: Array) -> Array:
    """The strength of the twelve pitch classes (12,), given that of fine pitches (FINE,), at the track's own tuning.

    A semitone takes in what is nearest to it: a pitch half way to the next one counts nowhere.
    """
    shift = tuning(strength) * CENTS
    distance = (np.arange(FINE)[None] - shift - CENTS * np.arange(12)[:, None] + FINE / 2) % FINE - FINE / 2
    weights = np.cos(np.pi * np.clip(distance / CENTS, -0.5, 0.5))  # (12, FINE)
    classes: Array = weights**2 @ strength
    return classes


def pitch_classes(classes: Array) -> float:
    """Number of pitch classes that sound in a chroma (12,): 1 for one alone, 12 if all are equally strong."""
    return float(classes.sum() ** 2 / np.sum(classes**2))


def correlations(classes: Array, profiles: Array = PROFILES) -> Array:
    """Correlation of a chroma with the profile of each key, (2, 12): major and minor on each tonic.

    Args:
        classes: the chroma, (12,).
        profiles: of major and minor, from the tonic on, (2, 12).
    """
    rotated = np.stack([np.roll(classes, -tonic) for tonic in range(12)])  # (tonics, 12)
    rotated = rotated - rotated.mean(1, keepdims=True)
    profiles = profiles - profiles.mean(1, keepdims=True)
    norms = np.linalg.norm(profiles, axis=1)[:, None] * np.linalg.norm(rotated, axis=1)
    products: Array = profiles @ rotated.T / np.maximum(norms, 1e-12)
    return products
