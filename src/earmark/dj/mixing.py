"""A mix: tracks and the transitions between them, rendered into one file in one pass.

    sound       each track as its playback says: where, how fast
    strip       its level, its equaliser, its echo
    limiter     no peak above -1 dBTP
    recorder    the file, which appears when it is whole

Memory is bounded by the longest transition, not by the mix. All tracks are brought to one loudness, that of their loud
parts, before they meet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from earmark.dj import recorder
from earmark.dj.deck import Deck
from earmark.dj.grid import BEATS
from earmark.dj.limiter import Limiter
from earmark.dj.playback import Playback, Span, schedule
from earmark.dj.strip import Outline, Strip
from earmark.dj.transition import Transition

LOUDNESS: Final = -14.0  # LUFS, of the loud parts of each track
BLOCK: Final = 0.75  # seconds that are mixed at once
SETTLED: Final = 0.1  # seconds at its own tempo with which a transition that is rendered alone ends

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Mix:
    """A mix that was rendered.

    `seconds` is its length, `reduction` how far the limiter went, in dB, `loudness` what the loud parts of each track
    were brought to, in LUFS. `outlines` are the highest levels of each track (see `strip.OUTLINE`).
    """

    playbacks: tuple[Playback, ...]
    seconds: float
    reduction: float
    loudness: float
    outlines: tuple[Outline, ...] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Every decision."""
        return {
            "seconds": round(self.seconds, 3),
            "loudness": self.loudness,
            "limiter": round(self.reduction, 2),
            "tracks": [
                {**each.as_json(), "gain": round(self.loudness - each.deck.level, 2)} for each in self.playbacks
            ],
            "transitions": [
                {"at": round(each.went_at, 4), **each.went.as_json()} for each in self.playbacks if each.went
            ],
        }


def render(
    decks: Sequence[Deck],
    transitions: Sequence[Transition],
    out: Path,
    *,
    loudness: float = LOUDNESS,
    progress: Progress = lambda title, share: None,  # noqa: ARG005
) -> Mix:
    """Mix tracks into a file, which appears when it is whole.

    Args:
        decks: the tracks in their order.
        transitions: from each to the next.
        out: the file; its suffix chooses the format, one of `recorder.FORMATS`.
        loudness: of the loud parts of each track, in LUFS.
        progress: is told what is being mixed, and the share (0-1) of the mix that is done.

    Raises:
        ExchangeError: no file of this suffix can be written.
        MissingExtra: tempi differ, and the extra `dj` is not installed.
        UnreadableAudio: a track cannot be read any more.
        ValueError: decks and transitions do not belong together.
    """
    return _rendered(schedule(decks, transitions), out, loudness, progress)


def render_transition(transition: Transition, out: Path, *, bars: int = 16, loudness: float = LOUDNESS) -> Mix:
    """Render one transition, with so many bars of the old track before it and of the new one after it; see `render`.

    In the bars after it, the new track finds its own tempo, so that it can go on from there as it is.
    """
    old, new = schedule([transition.a, transition.b], [transition], glide=bars)
    around = bars * BEATS * transition.beat
    begin, end = old.went_at - around, old.went_at + transition.seconds + around
    parts = [_part(each, begin, max(end, new.spans[-1].at + SETTLED)) for each in (old, new)]
    return _rendered(tuple(parts), out, loudness, lambda title, share: None)  # noqa: ARG005


def _part(playback: Playback, begin: float, end: float) -> Playback:
    """What of a playback lies between two moments of the mix, which then begins with the first."""
    begin = max(begin, 0.0)
    spans = []
    for span in playback.spans:
        at, until = max(span.at, begin), min(span.until, end)
        if until > at:
            start = span.start + (at - span.at) * span.factor
            spans.append(Span(start, start + (until - at) * span.factor, at - begin, until - begin))
    beats = playback.beats[(playback.beats >= begin) & (playback.beats < end)] - begin
    return Playback(
        playback.deck,
        tuple(spans),
        beats,
        playback.came,
        playback.came_at - begin,
        playback.went,
        playback.went_at - begin,
    )


def _rendered(playbacks: tuple[Playback, ...], out: Path, loudness: float, progress: Progress) -> Mix:
    rate = recorder.rate_of(out)
    end = max(round(each.until * rate) for each in playbacks)
    limiter = Limiter(rate)
    block = round(BLOCK * rate)
    strips = [Strip(each, rate, 10 ** ((loudness - each.deck.level) / 20)) for each in playbacks]
    with recorder.recorder(out) as write:
        for start in range(0, end, block):
            stop = min(start + block, end)
            mixed = np.zeros((2, stop - start), np.float32)
            for strip in strips:
                strip.add(mixed, start)
            write(limiter.limit(mixed))
            now = [strip.playback.deck.name for strip in strips if strip.at <= stop < strip.until]
            progress(" + ".join(now), stop / end)
        write(limiter.flush())
    return Mix(
        playbacks,
        end / rate,
        20 * float(np.log10(limiter.deepest)),
        loudness,
        tuple(strip.outline() for strip in strips),
    )
