"""A picture of a set as SVG: its tracks along the time, and below them tempo, energy, progress and keys."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from earmark.dj.candidates import key
from earmark.dj.cost import wheel
from earmark.dj.planner import Plan
from earmark.dj.sets import Step
from earmark.styles import styles

WIDTH: Final = 1200  # units
EDGE: Final = 90  # on the left, for names
RIGHT: Final = 16
TRACKS: Final = 46  # height of the tracks
LANE: Final = 84  # height of a curve, with the room around it
CURVE: Final = 56  # height of the curve alone
KEYS: Final = 30
LEAST: Final = 4.0  # BPM, energies, percent: a range that is smaller is drawn as what it is, a level line
LETTER: Final = 6.5  # width of a letter
OTHER: Final = "#8a94a0"  # colour of styles that have none
INK, FAINT, LINE, CLASH = "#1b1f24", "#5b6470", "#d9dee4", "#b3372f"
NEAR: Final = 2  # hours on Camelot's wheel within which keys go together


def picture(steps: Sequence[Step], plan: Plan) -> str:
    """The text of the SVG file."""
    colours = {style.label: style.colour for style in styles()}
    ends = [*(step.start for step in steps[1:]), plan.seconds]

    def across(seconds: float) -> float:
        return EDGE + seconds / plan.seconds * (WIDTH - EDGE - RIGHT)

    parts = []
    for number, (step, end) in enumerate(zip(steps, ends, strict=True), 1):
        left, width = across(step.start), across(end) - across(step.start)
        colour = colours.get(step.track.style(), OTHER)
        parts.append(
            f'<rect x="{left:.1f}" y="20" width="{max(width - 1, 0.5):.1f}" height="{TRACKS}" fill="{colour}"/>'
        )
        parts.append(_text(left + 4, 14, _fitting(f"{number}  {step.track.title or step.track.path.stem}", width)))
        parts.append(_text(left + 4, 20 + TRACKS + 13, _fitting(step.track.verdict(), width), "s"))
    top = 20.0 + TRACKS + 30
    middles = [across((step.start + end) / 2) for step, end in zip(steps, ends, strict=True)]
    tracks = [step.track for step in steps]
    parts += _curve("tempo", middles, [track.bpm for track in tracks], "{:.0f}", top)
    energies = [None if track.energy is None else 1 + 9 * track.energy for track in tracks]
    parts += _curve("energy", middles, energies, "{:.0f}", top + LANE)
    top += 2 * LANE
    if plan.course.mixtures:
        parts += _curve("journey", middles, [100 * share for share in plan.progress], "{:.0f} %", top)
        top += LANE
    parts += _keys(middles, [track.camelot for track in tracks], top)
    height = top + KEYS
    style = f"text{{font:11px sans-serif;fill:{INK}}}.s{{fill:{FAINT};font-size:10px}}.c{{fill:{CLASH}}}"
    size = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    background = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, f"<style>{style}</style>", background, *parts, "</svg>\n"])


def _curve(name: str, middles: Sequence[float], values: Sequence[float | None], form: str, top: float) -> list[str]:
    """A line through the values of the tracks, with a point and a number for each that is known."""
    known = [(x, value) for x, value in zip(middles, values, strict=True) if value is not None]
    parts = [_text(8, top + CURVE / 2, name)]
    if not known:
        return parts
    low, high = min(value for _, value in known), max(value for _, value in known)
    middle, half = (low + high) / 2, max(high - low, LEAST) / 2
    points = [(x, top + CURVE / 2 - (value - middle) / half * (CURVE / 2 - 10) + 8) for x, value in known]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    for (x, y), (_, value) in zip(points, known, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{INK}"/>')
        parts.append(_text(x + 5, y - 4, form.format(value), "s"))
    return parts


def _keys(middles: Sequence[float], camelot: Sequence[str], top: float) -> list[str]:
    """The keys, and between two of them how far apart they are, where they do not go together."""
    parts = [_text(8, top + 12, "key")]
    parts += [_text(x - 8, top + 12, name) for x, name in zip(middles, camelot, strict=True) if name]
    for place, (before, after) in enumerate(zip(camelot, camelot[1:], strict=False)):
        if before and after:
            hours, mode = wheel(key(before), key(after))
            if abs(hours) + mode > NEAR:
                parts.append(_text(float(np.mean(middles[place : place + 2])) - 3, top + 12, "≠", "c"))
    return parts


def _fitting(text: str, width: float) -> str:
    """As much of a text as the width holds."""
    letters = int((width - 6) / LETTER)
    return text if len(text) <= letters else f"{text[: letters - 1]}…" if letters > 1 else ""


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}>{escape(text)}</text>'
