"""A picture of a mix as SVG: the whole of it, and each transition with its waveforms, beats, sections and curves.

Above is the old track, below the new one; their beats are lines that meet where they are aligned. Curves are the gains
of bass, middle and treble, from 0 to 1.
"""

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from earmark.dj.grid import BEATS
from earmark.dj.mixing import Mix
from earmark.dj.playback import Playback
from earmark.dj.strip import OUTLINE, Outline
from earmark.dj.techniques import BANDS

WIDTH: Final = 1200  # units
EDGE: Final = 16
LANE: Final = 54  # height of a track in the overview
WAVE: Final = 70  # height of a waveform of a transition
CURVES: Final = 44  # height of its curves
AROUND: Final = 4  # bars before and after a transition
MARKS: Final = 24  # of minutes, at most
COLUMNS: Final = 600  # of a waveform, at most
LETTER: Final = 6.0  # width of a letter, about
OLD, NEW = "#2f6fb3", "#d9822b"
INK, FAINT, LINE = "#1b1f24", "#5b6470", "#d9dee4"
COLOURS: Final = dict(zip(BANDS, ("#b3372f", "#5b6470", "#2fa39a"), strict=True))


def picture(mix: Mix) -> str:
    """The text of the SVG file."""
    parts, top = _overview(mix)
    for number, (old, new) in enumerate(zip(mix.playbacks, mix.playbacks[1:], strict=False)):
        drawn, height = _transition(old, new, mix.outlines[number], mix.outlines[number + 1], top)
        parts += drawn
        top += height
    style = "text{font:11px sans-serif;fill:#1b1f24}.s{fill:#5b6470;font-size:10px}.h{font-weight:bold;font-size:12px}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" width="{WIDTH}" height="{top:.0f}">'
    )
    return "\n".join(
        [head, f"<style>{style}</style>", '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>\n"]
    )


def _overview(mix: Mix) -> tuple[list[str], float]:
    """All tracks on two lanes, with the minutes."""
    scale = _Scale(0.0, mix.seconds)
    parts = []
    for number, (playback, outline) in enumerate(zip(mix.playbacks, mix.outlines, strict=True)):
        top = EDGE + 16 + number % 2 * LANE
        parts.append(_wave(outline, playback, scale, top, LANE - 18, (OLD, NEW)[number % 2]))
        name = f"{number + 1}  {playback.deck.name}"
        place = min(max(scale(playback.at), EDGE), WIDTH - EDGE - LETTER * len(name))
        parts.append(_text(place, top - 3, name))
        if playback.went:
            parts.append(_shade(playback, scale, EDGE, 2 * LANE))
    bottom = EDGE + 2 * LANE + 14
    longest = mix.seconds / 60
    step = next((minutes for minutes in (1, 2, 5, 10, 20) if longest / minutes <= MARKS), 60)
    minutes = range(0, int(longest) + 1, step)
    parts += [_text(scale(60.0 * minute), bottom, f"{minute}:00", "s") for minute in minutes]
    return parts, bottom + 24.0


class _Scale:
    """Seconds of the mix to units of the picture."""

    def __init__(self, first: float, last: float) -> None:
        self.first, self.last = first, last

    def __call__(self, seconds: float) -> float:
        return EDGE + (seconds - self.first) / (self.last - self.first) * (WIDTH - 2 * EDGE)


def _transition(old: Playback, new: Playback, above: Outline, below: Outline, top: float) -> tuple[list[str], float]:
    """One transition, and its height."""
    went = old.went
    if went is None:
        return [], 0.0
    around = AROUND * BEATS * went.beat
    scale = _Scale(old.went_at - around, old.went_at + went.seconds + around)
    first, second = top + 42, top + 42 + WAVE + CURVES + 14
    end = second + WAVE + CURVES
    parts = [
        _text(EDGE, top + 12, f"{old.deck.name}  →  {new.deck.name}", "h"),
        _text(EDGE, top + 26, went.reason, "s"),
        _shade(old, scale, first, end - first),
    ]
    for playback, outline, at, colour in ((old, above, first, OLD), (new, below, second, NEW)):
        parts += _beats(playback, scale, at, WAVE + CURVES)
        parts.append(_wave(outline, playback, scale, at, WAVE, colour))
        parts += _sections(playback, scale, at)
        parts += _curves(playback, scale, at + WAVE + 4, CURVES - 8)
    place = EDGE
    for band, colour in COLOURS.items():
        parts.append(_line(place, end + 10, place + 18, end + 10, colour, 2))
        parts.append(_text(place + 23, end + 14, band, "s"))
        place += 90
    return parts, end - top + 34


def _wave(outline: Outline, playback: Playback, scale: _Scale, top: float, height: float, colour: str) -> str:
    """A waveform, as far as it lies in the picture."""
    times = outline.at + (np.arange(outline.levels.size) + 0.5) / OUTLINE
    inside = (times >= max(scale.first, playback.at)) & (times <= min(scale.last, playback.until))
    times, levels = times[inside], outline.levels[inside]
    if not times.size:
        return ""
    step = -(-times.size // COLUMNS)
    whole = times.size // step * step
    times = times[:whole].reshape(-1, step).mean(1)
    levels = levels[:whole].reshape(-1, step).max(1)
    levels = levels / max(float(outline.levels.max()), 1e-9)
    middle = top + height / 2
    upper = [f"{scale(x):.1f},{middle - y * height / 2:.1f}" for x, y in zip(times, levels, strict=True)]
    lower = [f"{scale(x):.1f},{middle + y * height / 2:.1f}" for x, y in zip(times, levels, strict=True)]
    return f'<polygon points="{" ".join([*upper, *reversed(lower)])}" fill="{colour}" opacity=".75"/>'


def _beats(playback: Playback, scale: _Scale, top: float, height: float) -> Iterable[str]:
    """Lines on the beats, darker ones on the downbeats."""
    grid = playback.deck.grid
    for beats, colour in ((playback.beats, "#e6eaee"), (_downbeats(playback), "#aab3bd")):
        for moment in beats[(beats >= scale.first) & (beats <= scale.last)] if grid.heard else ():
            x = scale(float(moment))
            yield _line(x, top, x, top + height, colour)


def _downbeats(playback: Playback) -> NDArray[np.float64]:
    """The moments of the mix on which bars of a track begin."""
    bars = playback.deck.grid.times[::BEATS]
    return np.array(
        [
            span.at + (bar - span.start) / span.factor
            for span in playback.spans
            for bar in bars
            if span.start - 1e-6 <= bar < span.end - 1e-6
        ]
    )


def _sections(playback: Playback, scale: _Scale, top: float) -> Iterable[str]:
    """The name of each section where it begins in the picture."""
    for section in playback.deck.sections:
        moment = playback.moment(playback.deck.grid.bar(section.bar))
        end = playback.moment(playback.deck.grid.bar(section.end) - 0.05)
        if end < scale.first or not moment < min(scale.last, playback.until):  # NaN where it is not heard
            continue
        yield _text(max(scale(moment), EDGE) + 3, top - 2, section.name, "s")


def _curves(playback: Playback, scale: _Scale, top: float, height: float) -> Iterable[str]:
    """The gains of the bands."""
    moments = np.linspace(max(scale.first, playback.at), min(scale.last, playback.until), 160)
    gains = playback.gains(moments)
    for band, values in zip(BANDS, gains, strict=True):
        points = " ".join(
            f"{scale(x):.1f},{top + (1 - y) * height:.1f}"
            for x, y in zip(moments.tolist(), values.tolist(), strict=True)
        )
        yield f'<polyline points="{points}" fill="none" stroke="{COLOURS[band]}" stroke-width="1.6"/>'


def _shade(old: Playback, scale: _Scale, top: float, height: float) -> str:
    """A shade behind the transition by which a track goes."""
    left = scale(old.went_at)
    width = scale(old.went_at + old.went.seconds) - left if old.went else 0.0
    return f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" fill="#000" opacity=".05"/>'


def _line(left: float, top: float, right: float, bottom: float, colour: str, width: int = 1) -> str:
    ends = f'x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    chosen = f' class="{kind}"' if kind else ""
    readable = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f'<text x="{x:.1f}" y="{y:.1f}"{chosen}>{escape(readable)}</text>'
