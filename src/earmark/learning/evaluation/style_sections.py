"""The report of a model that names styles, from its figures."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from earmark.learning.evaluation import charts
from earmark.learning.evaluation.charts import Bar
from earmark.learning.evaluation.document import Block, Picture, Section, Table, Tile, Tiles
from earmark.learning.evaluation.styles import Coverage, Precisions, StyleFigures
from earmark.learning.evaluation.wording import between, count, hundredths, hundredths_between, percent, percent_between
from earmark.measures.scores import RANKS

PRECISION = tuple(f"P@{k} %" for k in RANKS)

FEWEST = 10  # answers of which the share that is right is drawn


def tiles(found: StyleFigures) -> Tiles:
    """The most important figures."""
    micro, macro, family, *_ = found.precisions
    own = found.silence[0]
    return Tiles(
        (
            *(
                Tile(percent(over.value), f"right among the first {k}" if k > 1 else "first answer right",
                     f"{between(over)}; mean of the styles {percent(mean.value)}")
                for k, over, mean in zip(RANKS, micro.at, macro.at, strict=True)
            ),
            Tile(percent(family.at[0].value), "family right", between(family.at[0])),
            Tile(percent(own.coverage), "answered", f"of these {percent_between(own.right)} right"),
            Tile(f"{found.calibration_error:.3f}", "calibration error", f"mean confidence {percent(found.confidence)}"),
        )
    )  # fmt: skip


def sections(found: StyleFigures, model: str, other: tuple[str, StyleFigures] | None) -> Iterator[Section]:
    """All sections; the other model appears where it fits into the same pictures."""
    yield Section("How often it is right", tuple(_precisions(found.precisions)))
    yield Section("Style by style", tuple(_by_style(found, model, other)))
    if len(found.by_family) > 1:
        yield Section("Family by family", (_by_family(found),))
    yield Section("What is taken for what", tuple(_confusion(found)))
    yield Section("Can its confidence be believed?", tuple(_reliability(found)))
    yield Section("When it may keep silent", tuple(_coverage(found, model, other)))
    if found.mistakes:
        yield Section("Its surest mistakes", tuple(_mistakes(found)))


def _precisions(rows: tuple[Precisions, ...]) -> Iterator[Block]:
    yield (
        "Precision at k (P@k): how often the right one is among the k most probable; P@1 is the accuracy. Micro counts "
        "tracks or windows, macro is the mean over the classes, so that small ones count as much as large ones. A "
        "track's probabilities are the means over its windows."
    )
    yield Table(
        "llrrrr",
        ("asked for", "average", "of", *PRECISION),
        tuple(
            (
                row.asked,
                row.average,
                f"{row.count:,}" if row.average == "micro" else count(row.classes, "class"),
                *map(hundredths_between, row.at),
            )
            for row in rows
        ),
    )


def _by_style(found: StyleFigures, model: str, other: tuple[str, StyleFigures] | None) -> Iterator[Block]:
    theirs = {row.name: row.at[0].value for row in other[1].by_style} if other else {}
    rows = [Bar(row.name, row.at[0], row.tracks, theirs.get(row.name)) for row in found.by_style]
    legend = (model, other[0]) if other else None
    yield Picture(
        "styles",
        "P@1 of each style, with intervals; in brackets the number of tracks.",
        lambda theme: charts.bars(rows, theme, "first answer right", legend=legend),
    )
    yield Table(
        "lrrrrrr",
        ("style", "tracks", *PRECISION, "answered", "rightly %"),
        tuple(
            (
                row.name,
                f"{row.tracks:,}",
                hundredths_between(row.at[0]),
                *(hundredths(figure.value) for figure in row.at[1:]),
                f"{row.answered:,}",
                hundredths(row.rightly),
            )
            for row in found.by_style
        ),
    )
    yield '"Answered" counts the tracks for which the style was the first answer; "rightly" is how many of these it is.'


def _by_family(found: StyleFigures) -> Table:
    return Table(
        "lrrrrr",
        ("family", "tracks", "family right %", *(f"style {name}" for name in PRECISION)),
        tuple(
            (
                row.name,
                f"{row.tracks:,}",
                hundredths_between(row.right),
                hundredths_between(row.at[0]),
                *(hundredths(figure.value) for figure in row.at[1:]),
            )
            for row in found.by_family
        ),
    )


def _confusion(found: StyleFigures) -> Iterator[Block]:
    present = np.flatnonzero(found.confusion.sum(1))
    styles = np.array(found.styles)
    yield Picture(
        "confusion",
        "Confusion matrix: a row for what the tracks are, a column for each first answer. Numbers are tracks, colours "
        "shares of the row; right answers are framed.",
        partial(charts.confusion, found.confusion[present], styles[present].tolist(), styles.tolist()),
    )
    if found.confused:
        yield "What is confused most often:"
        yield Table(
            "llr",
            ("is", "is taken for", "tracks"),
            tuple((pair.style, pair.answer, f"{pair.tracks:,}") for pair in found.confused),
        )


def _reliability(found: StyleFigures) -> Iterator[Block]:
    right = found.precisions[0].at[0].value
    lean = "as sure as it is right"
    if abs(found.confidence - right) > 0.02:  # noqa: PLR2004  two points are within any interval
        lean = "too sure" if found.confidence > right else "too modest"
    yield (
        f"The mean confidence is {percent(found.confidence)} and {percent(right)} of the answers are right: on these "
        f"tracks the model is {lean}. Expected calibration error, over {len(found.reliability.count)} bins: "
        f"{found.calibration_error:.3f} (0 is perfect)."
    )
    yield Picture(
        "reliability",
        "Reliability diagram: on the dashed line confidence and accuracy agree; larger dots are of more tracks.",
        partial(charts.reliability, found.reliability),
    )


def _coverage(found: StyleFigures, model: str, other: tuple[str, StyleFigures] | None) -> Iterator[Block]:
    own = found.silence[0]
    yield (
        f"The model calls a track unlike anything it knows where its confidence is below {own.threshold:.3f}. It "
        f"answers {percent(own.coverage)} of these tracks, and {percent_between(own.right)} of those rightly. With "
        "another threshold:"
    )
    yield Table(
        "rrr",
        ("confidence at least", "answered", "of these right"),
        tuple(_coverage_row(row) for row in found.silence[1:]),
    )
    both = [(model, found), *([other] if other else [])]
    tracks = found.precisions[0].count
    kept = {name: each.curve[:, each.curve[1] * tracks >= min(FEWEST, tracks)] for name, each in both}
    curves = [(name, covered, right) for name, (_, covered, right) in kept.items()]
    points = [(each.silence[0].coverage, each.silence[0].right) for _, each in both]
    yield Picture(
        "coverage",
        f"Coverage against accuracy as the threshold falls, from {FEWEST} answers on; the dot is the model's own.",
        lambda theme: charts.coverage(curves, [(share, right.value) for share, right in points], theme),
    )


def _coverage_row(row: Coverage) -> tuple[str, str, str]:
    return f"{row.threshold:.3f}", percent(row.coverage), percent_between(row.right)


def _mistakes(found: StyleFigures) -> Iterator[Block]:
    yield "Wrong answers, the surest first. Are the labels right?"
    yield Table(
        "lllr",
        ("track", "is", "answer", "confidence"),
        tuple((row.path, row.style, row.answer, percent(row.confidence)) for row in found.mistakes),
    )
