"""Acoustic fingerprints: find the same recording in any encoding, at any level, wherever it begins.

Twelve times a second, 32 bits tell how the spectrum changes: whether the level of a band, beside its neighbour's, is
higher than 0.4 s before. What only scales the sound or bends its spectrum a little (a lossy codec, a resampler, a
change of level) leaves most of these signs as they are; other music has other signs, even at the same tempo and with
the same instruments.

    waveform -> levels of 33 bands, 200 to 2,000 Hz, in frames of 0.6 s -> differences -> signs -> a code (uint32)

Conventions: a *fingerprint* is uint32, shape (frames,); a frame in which nothing is heard is 0. One fingerprint is laid
over another at every offset; their *distance* is the share of bits that differ (0-1) at the best one: near 0.5 for
different music, where half of the bits agree by chance. Other speeds and other pitches are other recordings.

References: J. Haitsma and T. Kalker, A highly robust audio fingerprinting system, ISMIR 2002.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from earmark.spectra import filtered, hann

Waveform: TypeAlias = NDArray[np.float32]
Fingerprint: TypeAlias = NDArray[np.uint32]

SAMPLE_RATE: Final = 6000  # Hz
FRAME: Final = 3600  # samples
HOP: Final = 500  # samples
LAG: Final = 5  # frames
LOWEST, HIGHEST = 200.0, 2000.0  # Hz; what every codec that is meant for music keeps
BITS: Final = 32

QUIET: Final = 1e-3
"""A frame below this share of the loudest one's level (-60 dB) is not heard: there, codecs write what they like."""

SHORTEST: Final = 36  # frames that two fingerprints must have in common to be compared: 3 s

SAME: Final = 0.22
"""Below this distance two recordings are the same. Measured: up to 0.18 between a recording and its copies (mp3 at
64 kbit/s, Opus at 48, other levels, cut at any place), and between those; 0.29 and more between drum loops that share
samples, 0.43 and more between different tracks of one style and tempo."""


@dataclass(frozen=True)
class Overlay:
    """Two fingerprints at their best offset.

    Attributes:
        distance: share of the bits that differ (0-1).
        offset: seconds by which what they share comes later in the first one.
    """

    distance: float
    offset: float


def fingerprint(blocks: Iterable[Waveform]) -> Fingerprint:
    """The fingerprint of a waveform at `SAMPLE_RATE`, which comes in blocks of any length.

    That of a file is `fingerprint(recording.blocks(SAMPLE_RATE))` of an `audio.Recording`.

    Shape: (frames,); none for a waveform of less than a second.
    """
    window = hann(FRAME, periodic=False).astype(np.float32)
    summed = _bands()
    parts = [np.sqrt(filtered(np.abs(np.fft.rfft(frames * window)) ** 2, summed)) for frames in _frames(blocks)]
    levels = np.concatenate([*parts, np.empty((0, BITS + 1))])  # (frames, bands)
    steps = np.diff(levels, axis=1)  # (frames, BITS)
    rises = steps[LAG:] > steps[:-LAG]
    codes = np.packbits(rises, axis=1, bitorder="little").view("<u4").ravel().astype(np.uint32)
    loudness = levels.sum(1)
    heard = np.minimum(loudness[LAG:], loudness[:-LAG]) > QUIET * loudness.max(initial=0)
    return np.where(heard, np.maximum(codes, 1), 0).astype(np.uint32)


def _frames(blocks: Iterable[Waveform]) -> Iterator[Waveform]:
    """The frames of a waveform, as many at once as the blocks allow.

    Shape: (frames, FRAME).
    """
    rest = np.empty(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        if rest.size >= FRAME:
            frames = np.lib.stride_tricks.sliding_window_view(rest, FRAME)[::HOP]
            yield frames
            rest = rest[len(frames) * HOP :]


def _bands() -> NDArray[np.float32]:
    """Share of each bin of the power spectrum in each band; an edge divides the bin that it falls into.

    Shape: (FRAME / 2 + 1, BITS + 1).
    """
    edges = np.geomspace(LOWEST, HIGHEST, BITS + 2) * FRAME / SAMPLE_RATE
    below = np.clip(edges - np.arange(FRAME // 2 + 1)[:, None], 0, 1)  # the share of each bin below each edge
    return np.diff(below, axis=1).astype(np.float32)


def overlay(one: Fingerprint, other: Fingerprint) -> Overlay | None:
    """Lay one fingerprint over another where they agree best; None where they have too little in common for that.

    At least half of what is heard in the shorter one must lie on the longer one: the end of a track on the beginning of
    another proves nothing.
    """
    needed = max(SHORTEST, min(np.count_nonzero(one), np.count_nonzero(other)) / 2)
    size = 1 << (one.size + other.size).bit_length()  # so long that nothing comes round to meet the other end
    signs, heard = _spectra(one, size)
    other_signs, other_heard = _spectra(other, size)
    agreeing = np.fft.irfft((signs * other_signs.conj()).sum(1), size)  # (offsets,): bits alike minus bits that differ
    common = np.round(np.fft.irfft(heard * other_heard.conj(), size))  # (offsets,): frames heard in both
    distances = np.where(common >= needed, 0.5 - agreeing / (2 * BITS * np.maximum(common, 1)), np.inf)
    best = int(np.argmin(distances))
    if np.isinf(distances[best]):
        return None
    frames = best if best < one.size else best - size
    return Overlay(max(0.0, float(distances[best])), frames * HOP / SAMPLE_RATE)


def _spectra(codes: Fingerprint, size: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Spectra whose products correlate two fingerprints: of their bits as signs (-1, 1), and of the heard frames.

    Shape: (size / 2 + 1, BITS) and (size / 2 + 1,).
    """
    heard = codes > 0
    bits = np.unpackbits(codes.astype("<u4").view(np.uint8), bitorder="little").reshape(-1, BITS)
    signs = np.where(heard[:, None], 2.0 * bits - 1, 0)
    return np.fft.rfft(signs, size, axis=0), np.fft.rfft(heard.astype(np.float64), size)


def pairs(fingerprints: Sequence[Fingerprint]) -> Iterator[tuple[int, int, Overlay]]:
    """Find the same recordings among many: the indices of two, the lower one first, and how they lie on each other.

    Three copies give at least two pairs, which link them; not always the third.
    """
    for one, other in candidates(fingerprints):
        found = overlay(fingerprints[one], fingerprints[other])
        if found is not None and found.distance < SAME:
            yield one, other, found


def candidates(fingerprints: Sequence[Fingerprint]) -> list[tuple[int, int]]:
    """The pairs that are worth laying over each other: they share two codes at about the same offset.

    A bad copy has few codes without a wrong bit, but it has some; other music has hardly any. All codes are sorted, and
    where one occurs in several tracks each track is paired with the next one only, so that the work grows with the
    number of tracks and not with its square. In each track only the first place of a code counts.
    """
    lengths = [codes.size for codes in fingerprints]
    if not any(lengths):
        return []
    codes = np.concatenate(fingerprints)
    tracks = np.repeat(np.arange(len(lengths)), lengths)
    frames = np.concatenate([np.arange(length) for length in lengths])
    _, first = np.unique(codes.astype(np.uint64) << 32 | tracks.astype(np.uint64), return_index=True)
    codes, tracks, frames = codes[first], tracks[first], frames[first]  # by code, then by track
    linked = np.flatnonzero((codes[1:] == codes[:-1]) & (codes[1:] > 0))
    offsets = frames[linked] - frames[linked + 1] + max(lengths)
    span = 2 * max(lengths) + 1
    links = (tracks[linked] * len(lengths) + tracks[linked + 1]) * span + offsets
    # Half a frame more or less makes a neighbouring offset: each link counts for two.
    place, votes = np.unique(np.concatenate([links, links + 1]), return_counts=True)
    return [divmod(int(pair), len(lengths)) for pair in np.unique(place[votes > 1] // span)]
