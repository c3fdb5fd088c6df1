"""Sources of pitched sound: band-limited wavetables, FM, plucked strings, struck bodies and spectral pads.

*Conventions.* Frequencies in Hz, lengths in samples; every function returns float32 of shape `(samples,)` with a
level near 1, and is vectorised over time. Oscillators count phase in 32-bit integers: one turn is 2**32, so it wraps by
itself and the upper twelve bits index a table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from earmark.synth.track import Audio

TURN: Final = 2.0**32
TABLE_BITS: Final = 12
TABLE_SIZE: Final = 2**TABLE_BITS


def _odd(k: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(k % 2 == 1, dtype=np.float64)


WAVES: Final[dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]]] = {
    # Amplitude of harmonic k of each wave; all harmonics are sines.
    "sine": lambda k: (k == 1).astype(np.float64),
    "saw": lambda k: 1 / k,
    "square": lambda k: _odd(k) / k,
    "triangle": lambda k: _odd(k) * np.where(k % 4 == 1, 1.0, -1.0) / k**2,
    "pulse": lambda k: np.sin(np.pi * k * 0.22) / k,
    "thin": lambda k: np.sin(np.pi * k * 0.08) / k**0.8,
    "organ": lambda k: np.isin(k, (1, 2, 3, 4, 6, 8)) / k**0.6,
    "reed": lambda k: np.exp(-(((k - 4.5) / 3.0) ** 2)) + 0.4 / k,
    "warm": lambda k: 1 / k**1.8,
}


@lru_cache(maxsize=512)
def wavetable(wave: str, harmonics: int) -> Audio:
    """One period of a wave cut off above a harmonic, peak 1. Shape: `(4096,)`."""
    k = np.arange(1, harmonics + 1, dtype=np.float64)
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, dtype=np.complex128)
    # The sigma factor takes the ringing of the cut-off harmonics away (Lanczos).
    spectrum[1 : harmonics + 1] = -1j * WAVES[wave](k) * np.sinc(k / (harmonics + 1)) ** 0.5
    table = np.fft.irfft(spectrum, TABLE_SIZE)
    return np.asarray(table / np.abs(table).max(), dtype=np.float32)


def oscillator(
    frequency: float | npt.NDArray[np.float64],
    samples: int,
    sample_rate: int,
    wave: str = "saw",
    *,
    phase: float = 0.0,
) -> Audio:
    """A band-limited wave; `frequency` may move (shape `(samples,)`), `phase` is in turns."""
    highest = float(np.max(frequency))
    # Table sizes in half octaves keep the cache small and stay below 0.45 of the sample rate.
    limit = max(1.0, min(TABLE_SIZE / 4, 0.45 * sample_rate / max(highest, 1.0)))
    table = wavetable(wave, int(2 ** (np.floor(2 * np.log2(limit)) / 2)))
    start = np.uint32(int(phase % 1.0 * TURN) % int(TURN))
    if isinstance(frequency, np.ndarray):
        turns = np.cumsum((frequency * (TURN / sample_rate)).astype(np.uint32), dtype=np.uint32)
    else:
        turns = np.arange(samples, dtype=np.uint32) * np.uint32(frequency * TURN / sample_rate)
    return np.asarray(table[(turns + start) >> np.uint32(32 - TABLE_BITS)])


def fm(
    frequency: float | npt.NDArray[np.float64],
    samples: int,
    sample_rate: int,
    *,
    ratio: float,
    index: npt.NDArray[np.float32],
    feedback: float = 0.0,
) -> Audio:
    """Two-operator frequency modulation; `index` (radians) is an envelope of shape `(samples,)`."""
    increment = np.asarray(frequency, dtype=np.float64) * (2 * np.pi / sample_rate)
    steps = np.arange(samples) * increment if increment.ndim == 0 else np.cumsum(increment)
    phase = np.mod(steps, 2 * np.pi * 1024).astype(np.float32)
    modulator = np.sin(np.mod(steps * ratio, 2 * np.pi).astype(np.float32))
    if feedback:
        modulator = np.sin(np.mod(steps * ratio, 2 * np.pi).astype(np.float32) + np.float32(feedback) * modulator)
    return np.asarray(np.sin(phase + index * modulator), dtype=np.float32)


def plucked_string(
    frequency: float, samples: int, sample_rate: int, rng: np.random.Generator, *, brightness: float, decay: float
) -> Audio:
    """A plucked string after Karplus and Strong.

    Each turn through the string averages neighbours, which multiplies harmonic k of the burst by cos(pi k / period).
    So period r is the burst with its spectrum times that factor to the power r: all periods in one inverse FFT.

    Args:
        frequency: of the string, in Hz.
        samples: length.
        sample_rate: in Hz.
        rng: the burst of noise that plucks.
        brightness: 0 (thumb) to 1 (plectrum).
        decay: seconds until the fundamental has fallen by 60 dB.
    """
    period = max(8, int(sample_rate / frequency))
    stretch = sample_rate / frequency / period  # the integer period is played back this much slower
    turns = int(samples / stretch / period) + 2
    burst = np.fft.rfft(rng.uniform(-1, 1, period))
    k = np.arange(burst.size)
    burst *= (k > 0) / np.maximum(k, 1) ** (1.1 - brightness)
    loss = np.maximum(np.cos(np.pi * k / period), 0) ** (0.35 + 0.5 * (1 - brightness)) * 10 ** (
        -3 / (decay * frequency)
    )
    spectra = burst * np.maximum(loss, 1e-9) ** np.arange(turns)[:, None]
    string = np.fft.irfft(spectra, period).ravel()  # (turns * period,)
    string = np.interp(np.arange(samples) / stretch, np.arange(string.size), string)
    return np.asarray(string / (np.abs(string).max() + 1e-9), dtype=np.float32)


def struck(
    frequency: float,
    samples: int,
    sample_rate: int,
    partials: Sequence[tuple[float, float, float]],
) -> Audio:
    """A struck body (piano, bell, marimba): partials of (frequency ratio, level, seconds to -60 dB)."""
    seconds = np.arange(samples, dtype=np.float32) / np.float32(sample_rate)
    sound = np.zeros(samples, dtype=np.float32)
    for ratio, level, decay in partials:
        if frequency * ratio < 0.45 * sample_rate:
            tone = oscillator(frequency * ratio, samples, sample_rate, "sine", phase=0.25 * (ratio % 1))
            sound += np.float32(level) * np.exp(seconds * np.float32(-6.9 / decay)) * tone
    return sound / np.float32(sum(level for _, level, _ in partials))


def spectral_pad(
    frequencies: Sequence[float],
    samples: int,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    bandwidth: float,
    rolloff: float,
    formants: Sequence[tuple[float, float]] = (),
) -> Audio:
    """A lush chord made in the frequency domain (PADsynth, Paul Nasca): every harmonic is a narrow band of noise.

    Args:
        frequencies: of the notes, in Hz.
        samples: length.
        sample_rate: in Hz.
        rng: the phases.
        bandwidth: of the fundamental, in cents: 5 is a solo, 40 an ensemble.
        rolloff: harmonic k has level k ** -rolloff.
        formants: (centre, width) in Hz of vowel resonances that shape the harmonics.
    """
    size = int(fft.next_fast_len(samples, real=True))
    magnitude = np.zeros(size // 2 + 1)
    for frequency in frequencies:
        for k in range(1, max(2, min(40, int(9_000 / frequency)))):
            centre = frequency * k
            level = k**-rolloff
            if formants:
                level *= 0.04 + sum(np.exp(-(((centre - f) / w) ** 2)) for f, w in formants)
            width = centre * (2 ** (bandwidth / 1200) - 1) + 0.3
            low = max(0, int((centre - 3 * width) * size / sample_rate))
            high = min(magnitude.size, int((centre + 3 * width) * size / sample_rate) + 2)
            offsets = np.arange(low, high) * (sample_rate / size) - centre
            magnitude[low:high] += level * np.exp(-((offsets / width) ** 2)) / np.sqrt(width)
    phases = np.exp(2j * np.pi * rng.random(magnitude.size))
    pad = fft.irfft(magnitude * phases, size)[:samples]
    return np.asarray(pad / (3.0 * pad.std() + 1e-9), dtype=np.float32)
