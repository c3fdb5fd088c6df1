"""The charts of the report, each as PNG, for light and for dark paper.

matplotlib's object-oriented interface alone: no window, no state that others could see. Shares are 0-1.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Sheet
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from earmark.measures.classification import Reliability
from earmark.measures.uncertainty import Figure

DOTS_PER_INCH = 200  # shown at half the size, so sharp on fine screens
WIDTH = 7.6  # inches
SMALL = 8.5  # points
LETTER = 0.09  # inches
NARROWEST = 0.24  # inches; a cell
UPRIGHT = 0.35  # inches; above narrower cells names stand upright
WRITTEN_CELLS = 40  # in a larger matrix numbers would be too small to read
DARK_CELL = 0.4  # from this share on, a cell needs the other colour of ink


@dataclass(frozen=True)
class Theme:
    """Colours of the paper, the text, the guiding lines and the marks."""

    paper: str
    ink: str
    faint: str
    line: str
    mark: str
    other: str
    full: str
    ink_on_full: str


LIGHT = Theme("#ffffff", "#1b1f24", "#5b6470", "#d9dee4", "#2f6fb3", "#d9822b", "#0b3c6f", "#ffffff")
DARK = Theme("#15181c", "#e6e9ed", "#9aa4af", "#343b43", "#6aaaf0", "#f0a85c", "#b5d8ff", "#15181c")


@dataclass(frozen=True)
class Bar:
    """One row of `bars`: a share, the number of its tracks, and the share of the other model, if there is one."""

    name: str
    figure: Figure
    count: int
    other: float | None = None


def bars(
    rows: Sequence[Bar],
    theme: Theme,
    axis: str,
    *,
    legend: tuple[str, str] | None = None,
    chance: float | None = None,
    percent: bool = True,
) -> bytes:
    """Shares with their intervals, from top to bottom."""
    sheet, axes = _sheet(theme, 0.9 + 0.3 * len(rows) + (0.3 if legend else 0))
    places = np.arange(len(rows))
    values = np.array([row.figure.value for row in rows])
    axes.barh(places, values, height=0.62, color=theme.mark, alpha=0.85, label=_entry(legend[0]) if legend else None)
    reach = np.abs(np.array([(row.figure.low, row.figure.high) for row in rows]).T - values)  # (2, rows)
    axes.errorbar(values, places, xerr=reach, fmt="none", ecolor=theme.ink, elinewidth=1.1, capsize=2.5)
    if legend:
        others = [np.nan if row.other is None else row.other for row in rows]
        axes.plot(
            others,
            places,
            "D",
            color=theme.other,
            markeredgecolor=theme.paper,
            markersize=6.5,
            label=_entry(legend[1]),
        )
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=SMALL, labelcolor=theme.ink
        )
    if chance is not None:
        axes.axvline(chance, color=theme.faint, linewidth=1, linestyle=(0, (4, 3)))
    _name_rows(axes, [f"{row.name}  ({row.count:,})" for row in rows])
    axes.set_xlim(0, 1)
    axes.set_xlabel(axis, color=theme.faint, fontsize=SMALL)
    if percent:
        _share_axis(axes, "x")
    axes.grid(axis="x", color=theme.line, linewidth=0.8)
    axes.tick_params(axis="y", length=0)
    return _png(sheet)


def confusion(counts: NDArray[np.intp], rows: Sequence[str], columns: Sequence[str], theme: Theme) -> bytes:
    """The confusion matrix: tracks of each class from top to bottom, by first answer from left to right.

    Shape: counts (rows, columns).
    """
    longest = LETTER * max(map(len, (*rows, *columns)))  # inches
    cell = max(NARROWEST, min(0.5, (WIDTH - longest) / len(columns)))
    upright = cell < UPRIGHT
    above = longest if upright else 0.65 * longest
    sheet, axes = _sheet(theme, 0.5 + cell * len(rows) + above, width=max(WIDTH, longest + cell * len(columns)))
    totals = counts.sum(1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    axes.imshow(shares, LinearSegmentedColormap.from_list("", [theme.paper, theme.mark, theme.full]), vmin=0, vmax=1)
    if len(columns) <= WRITTEN_CELLS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                ink = theme.ink_on_full if shares[row, column] > DARK_CELL else theme.ink
                axes.text(column, row, str(count), ha="center", va="center", color=ink, fontsize=min(SMALL, 26 * cell))
    for row, name in enumerate(rows):
        corner = columns.index(name) - 0.5, row - 0.5
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=theme.faint, linewidth=1.3, zorder=3))
    _name_rows(axes, rows)
    written = list(map(_drawable, columns))
    slant: dict[str, Any] = {"rotation": 90} if upright else {"rotation": 40, "ha": "left", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(columns)), written, fontsize=SMALL, **slant)
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=theme.line, linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set_ylabel("track", color=theme.faint, fontsize=SMALL)
    axes.set_xlabel("first answer", color=theme.faint, fontsize=SMALL)
    return _png(sheet)


def reliability(found: Reliability, theme: Theme) -> bytes:
    """Confidence from left to right, accuracy from bottom to top; below, the number of tracks of each."""
    sheet = _blank(theme, 4.6, width=5.2)
    axes, below = sheet.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    bins = len(found.count)
    middles = (np.arange(bins) + 0.5) / bins
    full = found.count > 0
    axes.plot([0, 1], [0, 1], color=theme.faint, linewidth=1, linestyle=(0, (4, 3)))
    axes.vlines(
        found.confidence[full],
        *np.sort([found.confidence[full], found.accuracy[full]], axis=0),
        color=theme.other,
        linewidth=1.5,
    )
    sizes = 18 + 140 * found.count[full] / found.count.max()
    axes.scatter(found.confidence[full], found.accuracy[full], sizes, color=theme.mark, zorder=3, linewidths=0)
    below.bar(middles, found.count, width=0.85 / bins, color=theme.mark, alpha=0.85)
    axes.set_ylabel("share that is right", color=theme.faint, fontsize=SMALL)
    below.set_ylabel("tracks", color=theme.faint, fontsize=SMALL)
    below.set_xlabel("confidence in the answer", color=theme.faint, fontsize=SMALL)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.03, 1.03)
    for one in (axes, below):
        _dress(one, theme)
        one.grid(color=theme.line, linewidth=0.8)
    _share_axis(axes, "y")
    _share_axis(below, "x")
    return _png(sheet)


def coverage(
    curves: Sequence[tuple[str, NDArray[np.floating], NDArray[np.floating]]],
    own: Sequence[tuple[float, float]],
    theme: Theme,
) -> bytes:
    """The share of tracks that are answered from left to right, the share of these that are right bottom to top.

    Args:
        curves: for each model its name, the coverage and the accuracy at rising thresholds, both (thresholds,).
        own: for each model coverage and accuracy at the threshold that it comes with.
        theme: the colours.
    """
    sheet, axes = _sheet(theme, 3.6, width=5.2)
    for (name, covered, right), point, colour in zip(curves, own, (theme.mark, theme.other), strict=False):
        axes.plot(covered, right, color=colour, linewidth=2, label=_entry(name))
        axes.plot(*point, "o", color=colour, markeredgecolor=theme.paper, markersize=9)
    lowest = min(float(np.nanmin(right)) for _, _, right in curves)
    axes.set_ylim(max(0.0, np.floor(10 * lowest - 0.5) / 10), 1.02)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("share of tracks that are answered", color=theme.faint, fontsize=SMALL)
    axes.set_ylabel("share of answers that are right", color=theme.faint, fontsize=SMALL)
    if len(curves) > 1:
        axes.legend(loc="lower left", frameon=False, fontsize=SMALL, labelcolor=theme.ink)
    axes.grid(color=theme.line, linewidth=0.8)
    _share_axis(axes, "x")
    _share_axis(axes, "y")
    return _png(sheet)


def scatter(names: Sequence[str], truths: NDArray[np.floating], estimates: NDArray[np.floating], theme: Theme) -> bytes:
    """For each value a square: the truth from left to right, the estimate from bottom to top.

    Shape: truths and estimates (tracks, values).
    """
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    sheet = _blank(theme, 2.7 * rows, width=2.6 * columns)
    grid = sheet.subplots(rows, columns, squeeze=False).ravel()
    for axes, name, truth, estimate in zip(grid, names, truths.T, estimates.T, strict=False):
        _dress(axes, theme)
        ends = [min(truth.min(), estimate.min()), max(truth.max(), estimate.max())]
        axes.plot(ends, ends, color=theme.faint, linewidth=1, linestyle=(0, (4, 3)))
        axes.scatter(truth, estimate, 14, color=theme.mark, alpha=0.6, linewidths=0)
        axes.set_title(_drawable(name), color=theme.ink, fontsize=SMALL + 1)
        axes.set_xlabel("truth", color=theme.faint, fontsize=SMALL)
        axes.set_ylabel("estimate", color=theme.faint, fontsize=SMALL)
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    return _png(sheet)


def _blank(theme: Theme, height: float, width: float = WIDTH) -> Sheet:
    sheet = Sheet(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor=theme.paper, layout="constrained")
    FigureCanvasAgg(sheet)
    return sheet


def _sheet(theme: Theme, height: float, width: float = WIDTH) -> tuple[Sheet, Axes]:
    sheet = _blank(theme, height, width)
    axes = sheet.add_subplot()
    _dress(axes, theme)
    return sheet, axes


def _dress(axes: Axes, theme: Theme) -> None:
    axes.set_facecolor(theme.paper)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.ink, labelsize=SMALL, color=theme.line)
    for side, spine in axes.spines.items():
        spine.set_color(theme.line)
        spine.set_visible(side in {"left", "bottom"})


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), list(map(_drawable, names)), fontsize=SMALL)
    axes.set_ylim(len(names) - 0.5, -0.5)  # the first on top


def _share_axis(axes: Axes, which: str) -> None:
    {"x": axes.xaxis, "y": axes.yaxis}[which].set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def _entry(name: str) -> str:
    """A name as a legend shows it; the legend leaves out what begins with an underscore, and nothing at all."""
    return f" {_drawable(name)}"


def _drawable(name: str) -> str:
    """A name in letters that the font has; it stands in full in the tables."""
    return "".join(letter if ord(letter) in _glyphs() else "?" for letter in " ".join(name.split()))


def _png(sheet: Sheet) -> bytes:
    for text in sheet.findobj(Text):
        text.set_parse_math(False)  # a style may be called "Money $"
    image = io.BytesIO()
    sheet.savefig(image, format="png", metadata={"Software": None})
    return image.getvalue()
