"""Drum patterns, written down: one line per drum, 16 or 32 steps.

`X` is an accent, `x` a hit, `o` a ghost note, `r` a roll of four within the step, `.` nothing. A groove plays in the
drop; `thin` and `thicken` make relatives of it. The snare of a half-time groove stands on the third beat (step 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np

Groove = dict[str, str]
VELOCITIES: Final = {"X": 1.0, "x": 0.8, "o": 0.35, "r": 0.6}
FOUR: Final = "X...X...X...X..."
BACKBEAT: Final = "....X.......X..."

GROOVES: Final[dict[str, tuple[Groove, ...]]] = {
    "house": (
        {
            "kick": FOUR,
            "clap": BACKBEAT,
            "open": "..x...x...x...x.",
            "hat": "x.o.x.o.x.o.x.oo",
            "shaker": "xoxoxoxoxoxoxoxo",
        },
        {
            "kick": FOUR,
            "clap": BACKBEAT,
            "open": "..x...x...x...x.",
            "hat": "..xo..xo..xo..xo",
            "conga": "..o..x...o.x..x.",
        },
        {
            "kick": FOUR,
            "clap": "....X.......X..o",
            "open": "..x...x...x..x..",
            "rim": "...x..x....x..x.",
            "hat": "x.x.x.x.x.x.x.xx",
        },
        {
            "kick": "X...X...X...X..o",
            "clap": BACKBEAT,
            "open": "..x...x...x...x.",
            "cowbell": "...x..x...x..x..",
            "shaker": "x.xox.xox.xox.xo",
        },
    ),
    "disco": (
        {
            "kick": FOUR,
            "snare": BACKBEAT,
            "open": "..x...x...x...x.",
            "hat": "x.o.x.o.x.o.x.o.",
            "conga": "..xo..x.o.x...xo",
            "shaker": "xoxoxoxoxoxoxoxo",
        },
        {
            "kick": FOUR,
            "snare": "....X..o.o..X..o",
            "hat": "xoXoxoXoxoXoxoXo",
            "cowbell": "x..x..x...x.x...",
            "clap": BACKBEAT,
        },
        {
            "kick": "X...X...X...X.x.",
            "snare": "....X.......X.o.",
            "open": "..x...x...x...x.",
            "shaker": "xxxxxxxxxxxxxxxx",
            "tom": "..............xx",
        },
    ),
    "deep": (
        {
            "kick": FOUR,
            "clap": BACKBEAT,
            "open": "..x...x...x...x.",
            "hat": "o.x.o.xoo.x.o.xo",
            "rim": "...x......x.....",
        },
        {
            "kick": FOUR,
            "snare": "....o.......o...",
            "open": "..x...x...x...x.",
            "shaker": "oxoxoxoxoxoxoxox",
            "conga": "...x..o....x..xo",
        },
        {
            "kick": "X...X...X...X.o.",
            "clap": "....x..o....x...",
            "hat": "..x...x...x...xo",
            "shaker": "x.xox.xox.xox.xo",
            "tom": ".......o......x.",
        },
    ),
    "tech": (
        {
            "kick": FOUR,
            "clap": BACKBEAT,
            "open": "..x...x...x...x.",
            "hat": "xxoxxxoxxxoxxxox",
            "tom": "...x..o...x..o..",
        },
        {
            "kick": FOUR,
            "hat": "..x...x...x...x.",
            "ride": "..x...x...x...x.",
            "rim": "x..x..x..x..x.x.",
            "shaker": "xoxxxoxxxoxxxoxx",
        },
        {
            "kick": FOUR,
            "clap": "....X.......X...",
            "open": "..X...X...X...X.",
            "hat": "xoxoxoxoxoxoxoxo",
            "glitch": ".......x.....x..",
        },
        {
            "kick": "X...X...X...X..x",
            "clap": "............X...",
            "open": "..x...x...x...x.",
            "conga": "x..xo.x..x.xo.x.",
            "shaker": "oxoxoxoxoxoxoxox",
        },
        {
            "kick": FOUR,
            "hat": "x.xxx.xxx.xxx.xx",
            "open": "..x...x...x...x.",
            "rim": "......x...x.....",
            "tom": "x.....x.....x...",
        },
    ),
    "big": (
        {"kick": FOUR, "clap": BACKBEAT, "open": "..X...X...X...X."},
        {"kick": FOUR, "snare": BACKBEAT, "clap": BACKBEAT, "hat": "..x...x...x...x."},
        {"kick": "X...X...X...X.x.", "clap": BACKBEAT, "ride": "..x...x...x...x.", "tom": "..............xx"},
    ),
    "future": (
        {
            "kick": FOUR,
            "clap": BACKBEAT,
            "hat": "..x...x...x...x.",
            "open": "..x...x...x..x..",
            "shaker": "xoxoxoxoxoxoxoxo",
        },
        {
            "kick": FOUR,
            "clap": BACKBEAT,
            "snare": "....X.......X..o",
            "open": "..x...x...x...x.",
            "rim": "...x..x.......x.",
        },
        {
            "kick": "X...X...X...X..x",
            "clap": "....X.......X...",
            "hat": "xoxoxoxoxoxoxoxo",
            "glitch": "..x....x..x....x",
        },
    ),
    "trance": (
        {"kick": FOUR, "clap": BACKBEAT, "open": "..X...X...X...X.", "hat": "xoxoxoxoxoxoxoxo"},
        {
            "kick": FOUR,
            "snare": BACKBEAT,
            "open": "..x...x...x...x.",
            "ride": "..x...x...x...x.",
            "shaker": "xxxxxxxxxxxxxxxx",
        },
        {
            "kick": FOUR,
            "clap": BACKBEAT,
            "open": "..x...x...x...x.",
            "hat": "xxoxxxoxxxoxxxox",
            "tom": "..........o..o..",
        },
    ),
    "break": (  # two-step and chopped breaks of drum & bass
        {"kick": "X.........X.....", "snare": BACKBEAT, "hat": "x.x.x.x.x.x.x.x.", "ride": "x...x...x...x..."},
        {
            "kick": "X.........X.....",
            "snare": "....X..o.o..X..o",
            "hat": "x.xox.xox.xox.xo",
            "shaker": "xoxoxoxoxoxoxoxo",
        },
        {
            "kick": "X.x.......XX....",
            "snare": "....X..o.o..X...",
            "hat": "x.x.x.x.x.x.x.x.",
            "open": "..............x.",
        },
        {
            "kick": "X.....x...X.....X.........X.....",
            "snare": "....X.......X..o....X..o.o..X.o.",
            "ride": "x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.",
            "hat": "xxoxxxoxxxoxxxoxxxoxxxoxxxoxxxox",
        },
        {
            "kick": "X.X.......X.....X.X.......X..X..",
            "snare": "....X..o.o..X..o....X..o.o....X.",
            "hat": "x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.",
            "open": "................x...............",
        },
    ),
    "halftime": (  # the same tempo, half as many kicks, the snare on three
        {
            "kick": "X...............",
            "snare": "........X.......",
            "hat": "x...x...x...x...",
            "glitch": "......x....x..x.",
        },
        {
            "kick": "X.....x.........X...............",
            "snare": "........X...............X.......",
            "hat": "x.x.x.x.x.x.x.xrx.x.x.x.x.x.x.x.",
            "rim": "...x..............x......x......",
        },
        {
            "kick": "X.........x.....",
            "snare": "........X.......",
            "shaker": "x.o.x.o.x.o.x.o.",
            "tom": "..............o.",
            "glitch": "...x.........x..",
        },
        {
            "kick": "X..x............X.........x.....",
            "snare": "........X...............X......o",
            "hat": "..x...x...x...x...x...x...x...xr",
            "ride": "x.......x.......x.......x.......",
        },
    ),
    "brostep": (
        {"kick": "X.........x.....", "snare": "........X.......", "hat": "x.x.x.x.x.x.x.x."},
        {
            "kick": "X.....x.........X.........x.x...",
            "snare": "........X...............X.......",
            "hat": "..x...x...x...x...x...x...x..xxx",
            "crash": "X...............................",
        },
        {
            "kick": "X..x............X.........x.....",
            "snare": "........X...............X.....o.",
            "ride": "x...x...x...x...x...x...x...x...",
            "open": "....x.......x.......x.......x...",
        },
        {
            "kick": "X...............X.....X.........",
            "snare": "........X...............X.......",
            "hat": "x.xxx.x.x.xxx.x.x.xxx.x.x.xxx.xr",
        },
    ),
    "trap": (
        {
            "kick": "X.....x...x.....X.........x..x..",
            "snare": "........X...............X.......",
            "hat": "x.x.x.x.x.xrx.x.x.x.x.xrx.x.xrxr",
            "clap": "........X...............X.......",
        },
        {
            "kick": "X......x..x.....X..x......x.....",
            "clap": "........X...............X.......",
            "hat": "x.x.x.xxx.x.x.r.x.x.x.xxx.r.xxrr",
            "open": "..............x.................",
        },
        {
            "kick": "X.....X.........X...x.....X.....",
            "snare": "........X...............X.....o.",
            "hat": "xxx.xxx.xxx.xrx.xxx.xxx.xxx.rrrr",
            "rim": "...x.......x..x....x.......x....",
        },
        {
            "kick": "X..x..x.........X..x..x...x.....",
            "clap": "........X..o............X..o.o..",
            "hat": "x.x.x.x.x.x.x.x.xrx.x.x.x.xrx.xr",
            "cowbell": "x..x..x.x..x..x.x..x..x.x..x..x.",
        },
    ),
    "drift": (
        {},
        {"kick": "X.........o.....", "rim": "........o.......", "shaker": "o...o...o...o..."},
        {
            "kick": "x.......o.......",
            "snare": "....o.......o...",
            "hat": "o.o.o.o.o.o.o.o.",
            "glitch": "......o......o..",
        },
        {"glitch": "...o......o.....", "tom": "x.........o....."},
        {},
    ),
}


def hits(pattern: str, bars: int) -> list[tuple[float, float]]:
    """(step, velocity) of every stroke of a repeated pattern; a roll is four strokes within its step."""
    strokes: list[tuple[float, float]] = []
    for bar_step in range(bars * 16):
        mark = pattern[bar_step % len(pattern)]
        if mark == "r":
            strokes += [(bar_step + part / 4, VELOCITIES["r"] * (0.7 + 0.1 * part)) for part in range(4)]
        elif mark != ".":
            strokes.append((float(bar_step), VELOCITIES[mark]))
    return strokes


def vary(groove: Groove, density: float, rng: np.random.Generator) -> Groove:
    """A relative of a groove with more (density > 0) or fewer (< 0) of its small strokes; kick and snare stay.

    `density` runs from -1 (most small strokes gone) to 1 (most free sixteenths of the hats and shakers filled).
    """
    relative: Groove = {}
    for drum, pattern in groove.items():
        if drum in {"kick", "snare", "clap", "crash"}:
            relative[drum] = pattern
            continue
        marks = list(pattern)
        for step, mark in enumerate(marks):
            if mark == "." and density > 0 and drum not in {"ride", "crash", "open"} and rng.random() < 0.8 * density:
                marks[step] = "o" if step % 2 else "x"
            elif mark != "." and density < 0 and rng.random() < -0.9 * density:
                marks[step] = "."
        relative[drum] = "".join(marks)
    return relative
