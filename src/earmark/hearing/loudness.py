"""Loudness by EBU R128, the measure of ITU-R BS.1770, from the channels at their own rate.

    channels -> K-weighted -> mean squares of 100 ms -> blocks of 400 ms and of 3 s -> gates -> LUFS and LU
    channels -> four times the rate where a peak may hide between two samples -> dBTP

Conventions: a *step* is a tenth of a second, and all blocks begin and end with one. The *power* of a step is the sum of
the mean squares of its channels, each with the weight of its place: 1 in front, 1.41 (1.5 dB) behind, 0 for the
subwoofer. A mono file is one channel, 3 LU below the same sound on two. Rates and lengths may be any.

References: ITU-R BS.1770-5, EBU R 128, EBU Tech 3341 (short-term loudness) and 3342 (range). The filters of BS.1770 are
given for 48 kHz; their analogue prototypes follow B. De Man, Evaluation of implementations of the EBU R128 loudness
measurement, AES 2018.
"""

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.analysis import Loudness
from earmark.audio import Channels, Sound
from earmark.spectra import energies, filtered

STEPS: Final = 10  # per second
MOMENTARY, SHORT_TERM = 4, 30  # steps
SILENT: Final = -70.0  # LUFS: what is below counts as silence in all gates
WEIGHTS: Final = {"LFE": 0.0, "B": 1.41, "S": 1.41, "TB": 1.41, "TS": 1.41}  # of places that begin so; others: 1
USUAL: Final = {6: ("FL", "FR", "FC", "LFE", "BL", "BR"), 8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")}

LOWEST: Final = 4_000  # Hz: below twice the corner of its shelf the weighting has no meaning; nothing is measured then
HIGHEST: Final = 1_500_000  # Hz: its poles come so near to 1 that double precision does not tell them apart; the same
DENSE: Final = 96_000  # Hz, from which on twice the rate is enough, and from the double on the rate itself
TAPS: Final = 12  # of the interpolating filter on the original samples
REACH: Final = TAPS - 1
CHUNK: Final = 8  # samples beside which values are sought at once: as many as flags in the word that is looked at
HOPEFUL: Final = 0.7  # of the highest level so far: 3 dB, by which a sine at a quarter of the rate passes its samples


class Meter:
    """Measures a file whose sound comes in blocks of any length: hand its `add` to `Recording.blocks` as the tap."""

    def __init__(self) -> None:
        self._rate = 0
        self._places: tuple[str, ...] = ()
        self._weighting = KWeighting(1, 48_000)
        self._known = np.empty((0, REACH), np.float32)  # the last samples of the block before
        self._powers: list[NDArray[np.float64]] = []  # of whole steps
        self._position = 0  # samples since the rate last changed
        self._step = 0  # the step that is not complete yet, and the energy in it
        self._energy = 0.0
        self._peak = 0.0

    def add(self, sound: Sound) -> None:
        """Take the next block."""
        if not LOWEST <= sound.rate <= HIGHEST:
            return
        if (sound.rate, sound.layout) != (self._rate, self._places):
            self._rate, self._places = sound.rate, sound.layout
            self._weighting = KWeighting(len(sound.channels), sound.rate)
            self._known = np.zeros((len(sound.channels), REACH), np.float32)
            self._position, self._step, self._energy = 0, 0, 0.0
        self._gather(self._weighting.filter(sound.channels))
        self._peak = true_peak(sound.channels, sound.rate, self._peak)
        seam = np.concatenate([self._known, [channel[:REACH] for channel in sound.channels]], axis=1)
        if np.abs(seam).max() > HOPEFUL * self._peak:
            self._peak = true_peak(seam, sound.rate, self._peak)
        last = np.concatenate([self._known, [channel[-REACH:] for channel in sound.channels]], axis=1)
        self._known = last[:, -REACH:]

    def _gather(self, weighted: NDArray[np.float32]) -> None:
        """Add the energy of weighted channels (channels, samples) to its steps."""
        end = self._position + weighted.shape[1]
        last = (end * STEPS) // self._rate  # the step that will be incomplete
        borders = -(-np.arange(self._step, last + 1) * self._rate // STEPS)  # where steps begin
        starts = borders - self._position
        starts[0] = 0
        begun = starts < weighted.shape[1]  # not so the last one, if a step ends with these samples
        sums = np.zeros(starts.size)  # (steps that end here + 1,)
        sums[begun] = _weights(self._places) @ _energies(weighted, starts[begun], self._rate)
        sums[0] += self._energy
        self._energy = float(sums[-1])
        self._powers.append(sums[:-1] / (borders[1:] - borders[:-1]))
        self._position, self._step = end, last

    def loudness(self) -> Loudness | None:
        """The loudness of all blocks; None for silence, and for less than 400 ms. Call it once, at the end."""
        if self._places:
            self._gather(self._weighting.flush())
        powers = np.concatenate([*self._powers, np.empty(0)])  # (steps,)
        blocks = _means(powers, MOMENTARY)
        integrated = _lufs(_gated(blocks, 10.0))
        if integrated <= SILENT:
            return None
        peak = 20 * np.log10(self._peak) if self._peak else -np.inf
        return Loudness(integrated, _range(_means(powers, SHORT_TERM)), float(peak), _curve(powers))


def _energies(channels: NDArray[np.float32], starts: NDArray[np.int64], rate: int) -> NDArray[np.float64]:
    """The energy of channels (channels, samples) in each step, given where those begin; (channels, starts)."""
    if starts.size < 2 or rate % STEPS:  # noqa: PLR2004  or else all but the first and the last are as long
        return np.add.reduceat(np.square(channels), starts, axis=1).astype(np.float64)
    first, last = starts[1], starts[-1]
    whole = channels[:, first:last].reshape(len(channels), starts.size - 2, rate // STEPS)
    stretches = (channels[:, None, :first], whole, channels[:, None, last:])
    return np.concatenate([energies(each) for each in stretches], axis=1, dtype=np.float64)


@cache
def _weights(layout: tuple[str, ...]) -> NDArray[np.float32]:
    """The weights of channels, given FFmpeg's names of their places; (channels,).

    A file that does not say where its channels belong has the usual ones.
    """
    places = USUAL.get(len(layout), layout) if "NONE" in layout else layout
    return np.array(
        [next((w for start, w in WEIGHTS.items() if place.startswith(start)), 1.0) for place in places], np.float32
    )


class KWeighting:
    """The frequency weighting of BS.1770, which models a head (bass is cut, treble raised by 4 dB), on a stream.

    A recursive filter goes sample by sample; a block of them is one matrix product. With the impulse response h, what
    comes out of a block is

        out = lower triangle of h(row - column) @ block + Q @ state,     next state = P @ state + U @ block

    where `state` is what still rings from the blocks before, in coordinates in which the columns of Q are orthonormal:
    the filter's own are ten thousand times larger than the sound that they stand for, and would drown it in rounding.
    The states within a group of blocks are one more product, so that only the one before each group is a recursion.
    """

    BLOCK: Final = 32  # samples: shorter ones have more states, longer ones a larger triangle
    GROUP: Final = 16  # blocks
    UNIT: Final = BLOCK * GROUP

    def __init__(self, channels: int, rate: int) -> None:
        self._matrices = _k_matrices(rate, self.BLOCK, self.GROUP)
        self._state = np.zeros((channels, ORDER))
        self._rest = np.empty((channels, 0), np.float32)  # too short for a group

    def filter(self, channels: Channels) -> NDArray[np.float32]:
        """Weight the next samples of the channels; what makes no whole group waits for those after them.

        Shape: (channels, samples).
        """
        waiting = self._rest.shape[1]
        whole = (waiting + channels[0].size) // self.UNIT * self.UNIT
        if not whole:
            self._rest = np.concatenate([self._rest, channels], axis=1)
            return self._rest[:, :0]
        groups = np.empty((len(channels), whole), np.float32)
        groups[:, :waiting] = self._rest
        for row, channel in zip(groups, channels, strict=True):
            row[waiting:] = channel[: whole - waiting]
        self._rest = np.array([channel[whole - waiting :] for channel in channels])
        return self._groups(groups.reshape(len(channels), -1, self.UNIT))

    def flush(self) -> NDArray[np.float32]:
        """Weight the samples that still wait for a whole group. Shape: (channels, samples)."""
        waiting = self._rest.shape[1]
        padded = np.pad(self._rest, ((0, 0), (0, -waiting % self.UNIT)))
        self._rest = self._rest[:, :0]
        return self._groups(padded.reshape(len(padded), -1, self.UNIT))[:, :waiting]

    def _groups(self, groups: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weight groups (channels, groups, UNIT); as (channels, samples)."""
        channels, count, _ = groups.shape
        m = self._matrices
        rows = groups.reshape(-1, self.BLOCK)
        updates = filtered(rows, m.update).reshape(-1, self.GROUP * ORDER)  # (channels * groups, ...)
        carried = np.empty((channels, count + 1, ORDER))  # the states before each group, and after the last
        carried[:, 0] = self._state
        carried[:, 1:] = filtered(updates, m.advance).reshape(channels, count, ORDER)
        # Each state is the sum of all inputs so far, each as often multiplied by P as it is old. Sums over 2, 4, 8 ...
        # groups, until nothing rings any longer.
        for place, power in enumerate(m.powers):
            carried[:, 1 << place :] += carried[:, : -(1 << place)] @ power
        self._state = carried[:, -1]
        states = filtered(updates, m.within)
        states += filtered(carried[:, :-1].reshape(-1, ORDER).astype(np.float32), m.carry)
        out = filtered(rows, m.triangle)
        out += filtered(states.reshape(-1, ORDER), m.ringing)
        return out.reshape(channels, count * self.UNIT)


ORDER: Final = 4  # of the filter


class _Matrices(NamedTuple):
    """The matrices of the weighting, to be multiplied with from the right.

    `update` and `triangle` take a block of samples, `ringing` the state before it. `within` takes the updates of all
    blocks of a group to their states, `advance` to the state after the group; `carry` takes the state before the group
    to those of its blocks. `powers` are P over 1, 2, 4, 8 ... groups, as long as they matter.
    """

    triangle: NDArray[np.float32]
    ringing: NDArray[np.float32]
    update: NDArray[np.float32]
    within: NDArray[np.float32]
    advance: NDArray[np.float32]
    carry: NDArray[np.float32]
    powers: tuple[NDArray[np.float64], ...]


@cache
def _k_matrices(rate: int, block: int, group: int) -> _Matrices:
    (shelf_over, shelf_under), (pass_over, pass_under) = _k_sections(rate)
    over, under = np.polymul(shelf_over, pass_over), np.polymul(shelf_under, pass_under)
    order = len(under) - 1
    step = np.eye(order, k=-1)  # direct form: the state holds what went through the recursion before
    step[0] = -under[1:]
    response = np.zeros(block)
    ringing = np.zeros((block, order))
    update = np.zeros((order, block))
    state, power = np.zeros(order), np.eye(order)
    tap = over[1:] - over[0] * under[1:]
    state[0] = 1.0  # after an input of 1
    response[0] = over[0]
    for sample in range(block):
        ringing[sample] = tap @ power
        update[:, block - 1 - sample] = state
        if sample + 1 < block:
            response[sample + 1] = tap @ state
        state, power = step @ state, step @ power
    ages = np.arange(block)[:, None] - np.arange(block)
    triangle = np.where(ages >= 0, response[np.maximum(ages, 0)], 0.0)
    orthonormal, scale = np.linalg.qr(ringing)
    step = (scale @ power @ np.linalg.inv(scale)).T  # P, from the right
    aged = [np.linalg.matrix_power(step, age) for age in range(group + 1)]
    nothing = np.zeros((order, order))
    within = np.block([[aged[to - at - 1] if to > at else nothing for to in range(group)] for at in range(group)])
    power = aged[group]
    powers = []
    while np.abs(power).max() > 1e-7:  # noqa: PLR2004  what float32 tells apart
        powers.append(power)
        power = power @ power
    single = np.float32
    return _Matrices(
        triangle=np.ascontiguousarray(triangle.T, single),
        ringing=np.ascontiguousarray(orthonormal.T, single),
        update=np.ascontiguousarray((scale @ update).T, single),
        within=within.astype(single),
        advance=np.concatenate(aged[group - 1 :: -1]).astype(single),
        carry=np.concatenate(aged[:group], axis=1).astype(single),
        powers=tuple(powers),
    )


def _k_sections(rate: int) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """Numerator and denominator of the two second-order sections: a shelf for the head, a high-pass."""
    k, quality = np.tan(np.pi * 1681.974450955533 / rate), 0.7071752369554196  # bilinear, exact at the corner
    gain = 10 ** (3.999843853973347 / 20)
    band = gain**0.4996667741545416
    over = np.array([gain + band * k / quality + k * k, 2 * (k * k - gain), gain - band * k / quality + k * k])
    under = np.array([1 + k / quality + k * k, 2 * (k * k - 1), 1 - k / quality + k * k])
    shelf = over / under[0], under / under[0]
    k, quality = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    under = np.array([1 + k / quality + k * k, 2 * (k * k - 1), 1 - k / quality + k * k])
    return shelf, (np.array([1.0, -2.0, 1.0]), under / under[0])  # BS.1770 leaves this numerator as it is


def true_peak(channels: Channels, rate: int, floor: float = 0.0) -> float:
    """The highest level that a waveform passes through between its samples, or `floor` if that is higher.

    It is sought beside samples that reach `HOPEFUL` of the highest level so far: between two lower ones a waveform
    that has less above a quarter of its rate than below cannot come so high.

    Channels are (samples,); between the first and between the last `REACH` / 2 samples nothing is sought.
    """
    factor = 4 if rate < DENSE else 2 if rate < 2 * DENSE else 1
    levels = [max(float(channel.max(initial=0)), -float(channel.min(initial=0))) for channel in channels]
    peak = max(floor, *levels)
    samples = channels[0].size
    if factor == 1 or samples <= REACH:
        return peak
    bank = _interpolation(factor, min(CHUNK + 1, samples - REACH))
    high = np.zeros(-(-samples // CHUNK) * CHUNK, np.bool)
    for channel, level in zip(channels, levels, strict=True):
        hopeful = np.float32(HOPEFUL * peak)  # as precise as the samples, so that a level beyond it is one of theirs
        if level <= hopeful:
            continue
        np.greater(np.abs(channel), hopeful, out=high[:samples])
        starts = np.flatnonzero(high.view(np.uint64) != 0) * CHUNK - TAPS // 2
        starts = np.minimum(np.maximum(starts, 0), samples - len(bank))  # what lies beyond either end is not known
        around = np.lib.stride_tricks.as_strided(channel, (samples - len(bank) + 1, len(bank)), channel.strides * 2)
        values = filtered(around[starts], bank)
        peak = max(peak, float(values.max()), -float(values.min()))
    return peak


@cache
def _interpolation(factor: int, gaps: int) -> NDArray[np.float32]:
    """Matrix from samples in a row to the values in so many gaps between them: a sinc under a Hann window.

    Shape: (gaps + REACH, gaps * (factor - 1)).
    """
    matrix = np.zeros((gaps + REACH, gaps, factor - 1))
    places = np.arange(TAPS) - TAPS / 2 + 1  # of the samples, counted from the one before the value
    for phase in range(1, factor):
        distance = places - phase / factor
        taps = np.sinc(distance) * np.cos(np.pi * distance / TAPS) ** 2
        for gap in range(gaps):
            matrix[gap : gap + TAPS, gap, phase - 1] = taps / taps.sum()
    return matrix.reshape(gaps + REACH, -1).astype(np.float32)


def _means(powers: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """The mean power of each block of so many steps.

    Shape: (steps in the track - steps + 1,); none if the track is shorter.
    """
    if powers.size < steps:
        return np.empty(0)
    sums = np.cumsum(np.concatenate([[0.0], powers]))
    means: NDArray[np.float64] = np.maximum(0, sums[steps:] - sums[:-steps]) / steps
    return means


def _lufs(power: float) -> float:
    return float(-0.691 + 10 * np.log10(power)) if power > 0 else -np.inf


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _gated(blocks: NDArray[np.float64], below: float) -> float:
    """The mean power of the blocks that are heard, and not more than `below` LU weaker than the mean of those."""
    return float(np.mean(kept)) if (kept := _heard(blocks, below)).size else 0.0


def _heard(blocks: NDArray[np.float64], below: float) -> NDArray[np.float64]:
    blocks = blocks[blocks > _power(SILENT)]
    if not blocks.size:
        return blocks
    kept: NDArray[np.float64] = blocks[blocks > blocks.mean() * 10 ** (-below / 10)]
    return kept


def _range(blocks: NDArray[np.float64]) -> float:
    """The loudness range (EBU Tech 3342): from the 10th to the 95th percentile of the short-term loudness, in LU."""
    heard = _heard(blocks, 20.0)
    if not heard.size:
        return 0.0
    # Not by `percentile`, which loads masked arrays: a third of what NumPy costs.
    low, high = np.interp((10, 95), np.linspace(0, 100, heard.size), np.sort(heard))
    return float(10 * np.log10(high / low))


def _curve(powers: NDArray[np.float64]) -> NDArray[np.float32]:
    """The loudness of the 3 s around each whole second, of what lies within the track; in LUFS, `SILENT` at least.

    Shape: (seconds,).
    """
    sums = np.cumsum(np.concatenate([[0.0], powers]))
    middles = np.arange(0, powers.size, STEPS)
    first = np.maximum(0, middles - SHORT_TERM // 2)
    last = np.minimum(powers.size, middles + SHORT_TERM // 2)
    means = (sums[last] - sums[first]) / (last - first)
    return np.array([max(SILENT, _lufs(mean)) for mean in means], np.float32)
