"""Transitions between rendered tracks, whose beats are known, measured in the mix.

    python -m bench.mix               measures a pair of each style, and writes its section of docs/mix.md
    python -m bench.mix --picture     makes docs/mix.svg
    python -m bench.mix --keep DIR    keeps the tracks there, and takes those that are there already

The tracks are those of bench.structure, two of each style as they come; all are heard as any file is. A beat of the
synthesizer is looked for in the mix: where its playback says it is, corrected by how late its stroke sounds beside the
same stroke of the file (cross-correlation of their envelopes), which is what the stretching did.
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from bench.page import ROOT, table, write
from bench.structure import MEASURED, rendered
from numpy.typing import NDArray

from earmark.audio import Recording, decode
from earmark.dj import mixing, picture
from earmark.dj.deck import load
from earmark.dj.playback import Playback
from earmark.dj.sound import playing
from earmark.dj.transition import Transition, plan
from earmark.hearing import Listener, Model
from earmark.hearing.loudness import Meter
from earmark.synth import STYLES, Truth

PAGE = ROOT / "docs" / "mix.md"
PICTURE = ROOT / "docs" / "mix.svg"
RATE: Final = 44_100  # Hz
LATEST: Final = 0.020  # seconds around a stroke in which it is looked for
STROKE: Final = 0.030  # seconds of a stroke
NEAR: Final = 0.010  # seconds: two beats that are together
FADE: Final = 0.012  # seconds before a seam or a jump, in which a click would be
AROUND: Final = 2.0  # seconds on both sides that it is compared with
MOSTLY: Final = 0.9  # of the bars
LOUDER: Final = 1.0  # LU


@dataclass(frozen=True)
class Pair:
    """The figures of one transition.

    `offsets` are those between the beats of both tracks in seconds, `bars` the share of bars that begin together,
    `clicks` the number of seams and jumps at which samples differ more than anywhere near, of `seams`. `peak` is in
    dBTP, `step` and `swell` in LU: between the drops of both tracks, and from the louder of them up to the loudest
    moment of the transition. `bass` is the highest gain that the quieter of the two basslines reaches, in dB.
    """

    style: str
    how: Transition
    offsets: NDArray[np.float64]
    bars: float
    clicks: int
    seams: int
    peak: float
    step: float
    swell: float
    bass: float


def moments(playback: Playback, times: tuple[float, ...]) -> NDArray[np.float64]:
    """The moments of the mix at which moments of a file sound, loops and all."""
    found = [
        span.at + (time - span.start) / span.factor
        for span in playback.spans
        for time in times
        if span.start - 1e-3 <= time < span.end - 1e-3  # a grid that is a little late
    ]
    return np.array(found)


def heard_moments(playback: Playback, truth: Truth) -> NDArray[np.float64]:
    """The moments of the mix at which the beats of a track are heard, loops and all; (beats,)."""
    beats = np.array(truth.beats)
    struck = np.array(sorted({moment for drum in ("kick", "snare") for moment in truth.onsets.get(drum, ())}))
    file = decode(playback.deck.path, RATE)
    mixed = np.concatenate(list(playing(playback, RATE)), axis=1).mean(0)
    found = []
    for span in playback.spans:
        for beat in beats[(beats >= span.start) & (beats < span.end)]:
            moment = span.at + (beat - span.start) / span.factor
            if abs(span.factor - 1) > 1e-6 and struck.size and np.abs(struck - beat).min() < 1e-3:  # noqa: PLR2004
                moment += lateness(file, beat, mixed, moment - playback.at)
            found.append(moment)
    return np.array(found)


def lateness(file: NDArray[np.float32], beat: float, mixed: NDArray[np.float32], moment: float) -> float:
    """Seconds by which a stroke comes after a moment of one sound, if it comes at a beat of another."""
    one, two = (
        envelope(sound, at, reach) for sound, at, reach in ((file, beat, STROKE), (mixed, moment, STROKE + LATEST))
    )
    if one.size == 0 or two.size <= one.size:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(two, one.size)
    windows = windows - windows.mean(1, keepdims=True)
    likeness = windows @ (one - one.mean()) / (np.linalg.norm(windows, axis=1) + 1e-9)
    return float(int(np.argmax(likeness)) - (windows.shape[0] - 1) / 2) / 2000


def envelope(sound: NDArray[np.float32], at: float, reach: float) -> NDArray[np.float64]:
    """The level around a moment, 2,000 times a second."""
    hop = RATE // 2000
    first = round((at - reach) * RATE)
    count = 2 * round(reach * 2000) + 1
    if first < 0 or first + count * hop > sound.size:
        return np.empty(0)
    pieces = sound[first : first + count * hop].reshape(count, hop).astype(np.float64)
    levels: NDArray[np.float64] = np.sqrt(np.square(pieces).mean(1))
    return levels


def together(old: NDArray[np.float64], new: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """Seconds between each beat of the one and the nearest of the other, between two moments."""
    mine, yours = (beats[(beats >= start - NEAR) & (beats < end - NEAR)] for beats in (old, new))
    fewer, more = sorted((mine, yours), key=len)
    if not fewer.size:
        return np.empty(0)
    offsets: NDArray[np.float64] = np.abs(fewer[:, None] - more).min(1)
    return offsets


def clicks(sound: NDArray[np.float32], playbacks: tuple[Playback, ...], how: Transition) -> tuple[int, int]:
    """How many seams and jumps are steeper than anything near, and how many there are."""
    steep = np.abs(np.diff(sound))
    old = playbacks[0]
    jumps = {old.went_at + place * how.seconds for points in how.technique.curves for place, _ in points}
    seams = {span.at for playback in playbacks for span in playback.spans} | jumps
    found = 0
    for moment in seams:
        start, end = round((moment - FADE) * RATE), round(moment * RATE)
        near = np.concatenate(
            [steep[max(0, start - round(AROUND * RATE)) : max(start, 0)], steep[end : end + round(AROUND * RATE)]]
        )
        if start >= 0 and near.size and steep[start:end].size:
            found += bool(steep[start:end].max() > near.max())
    return found, len(seams)


def meter(path: Path) -> Meter:
    """The loudness of a file."""
    measured = Meter()
    with Recording(path) as recording:
        for _ in recording.blocks(RATE, tap=measured.add):
            pass
    return measured


def drop_level(curve: NDArray[np.float32], playback: Playback, truth: Truth, start: float, end: float) -> float:
    """The mean loudness of a track's drops in the mix where it is alone, between two moments; in LUFS."""
    chosen = []
    for section in truth.sections:
        if section.name == "drop":
            first, last = (playback.moment(moment) for moment in (section.start, section.end))
            seconds = np.arange(np.ceil(max(first, start) + 2), np.floor(min(last if last == last else end, end) - 1))  # noqa: PLR0124
            chosen += [curve[int(second)] for second in seconds if first == first and second < curve.size]  # noqa: PLR0124
    return float(10 * np.log10(np.mean(10 ** (np.array(chosen) / 10)))) if chosen else float("nan")


def measure(folder: Path, place: int, listener: Listener) -> Pair:
    """Mix a pair, and measure it."""
    pair = [rendered(folder, MEASURED + number, place) for number in range(2)]
    one, two = (load(listener(path)) for path, _ in pair)
    truths = [truth for _, truth in pair]
    how = plan(one, two)
    out = folder / "mix.wav"
    mix = mixing.render([one, two], [how], out)
    old, new = mix.playbacks
    start, end = old.went_at, old.went_at + how.seconds
    offsets = np.empty(0)
    bars = 0.0
    if how.matched:
        offsets = together(heard_moments(old, truths[0]), heard_moments(new, truths[1]), start, end)
        firsts = [moments(each, truth.downbeats) for each, truth in zip(mix.playbacks, truths, strict=True)]
        bars = float(np.mean(together(firsts[0], firsts[1], start, end) <= NEAR))
    loudness = meter(out).loudness()
    if loudness is None:
        raise ValueError(f"{out}: silence")
    levels = [
        drop_level(loudness.curve, playback, truth, *alone)
        for playback, truth, alone in ((old, truths[0], (0.0, start)), (new, truths[1], (end, mix.seconds)))
    ]
    within = loudness.curve[int(start) + 1 : int(end)]
    gains = np.minimum(*(each.gains(np.linspace(start, end, 20_000))[0] for each in mix.playbacks))
    count, seams = clicks(decode(out, RATE), mix.playbacks, how)
    return Pair(
        STYLES[place],
        how,
        offsets,
        bars,
        count,
        seams,
        loudness.true_peak,
        abs(levels[0] - levels[1]),
        float(within.max()) - float(np.nanmax(levels)),
        20 * float(np.log10(max(gains.max(), 1e-6))),
    )


def report(pairs: list[Pair]) -> str:
    """The table of the page, and its summary."""
    head = ("style", "technique", "stretch", "beats within 10 ms", "worst beat", "peak", "step between drops", "swell")
    rows: list[tuple[str, ...]] = []
    for pair in pairs:
        near = f"{np.mean(pair.offsets <= NEAR):.0%} of {pair.offsets.size}" if pair.offsets.size else "-"
        worst = f"{1000 * pair.offsets.max():.1f} ms" if pair.offsets.size else "-"
        row = (
            *(pair.style, f"{pair.how.technique.name}, {pair.how.bars} bars", f"{100 * (pair.how.factor - 1):+.1f} %"),
            *(near, worst, f"{pair.peak:.1f} dBTP", f"{pair.step:.1f} LU", f"{pair.swell:+.1f} LU"),
        )
        rows.append(row)
    beats = np.concatenate([pair.offsets for pair in pairs])
    steps = np.array([pair.step for pair in pairs if np.isfinite(pair.step)])
    matched = [pair for pair in pairs if pair.how.matched]
    found, seams = sum(pair.clicks for pair in pairs), sum(pair.seams for pair in pairs)
    within = f"{np.mean(beats <= NEAR):.1%} are within 10 ms, half within {1000 * np.median(beats):.1f} ms"
    sentences = (
        f"Of all {beats.size} beats of the transitions {within}.",
        f"In {sum(pair.bars > MOSTLY for pair in pairs)} of {len(matched)} transitions at one tempo bars lie on bars.",
        f"{found} of {seams} seams and jumps are steeper than what is around them.",
        f"The highest peak is {max(pair.peak for pair in pairs):.1f} dBTP.",
        f"{np.mean(steps <= LOUDER):.0%} of {steps.size} steps between the drops of two tracks are within 1 LU.",
        f"The quieter bassline never has more than {max(pair.bass for pair in pairs):.1f} dB.",
    )
    return "\n".join([table(head, rows), "", *sentences])


def main() -> None:
    """Measure and write the table, or make the picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--picture", action="store_true")
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    listener = Listener(Model.open("house12"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if chosen.picture:
            paths = [rendered(folder, MEASURED + number, STYLES.index("Deep House"))[0] for number in range(2)]
            decks = [load(listener(path), title=name) for name, path in zip(("One", "Two"), paths, strict=True)]
            one, two = (replace(deck, style="Deep House", family="House") for deck in decks)
            mix = mixing.render([one, two], [plan(one, two)], folder / "mix.wav")
            PICTURE.write_text(picture.picture(mix), encoding="utf-8")
            return
        pairs = []
        for place in range(len(STYLES)):
            pairs.append(measure(folder, place, listener))
            print(pairs[-1].style, flush=True)
    write("mix", report(pairs), PAGE)


if __name__ == "__main__":
    main()
