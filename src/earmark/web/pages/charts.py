"""Charts of a score as HTML: its styles, what they were taken for, and how far its confidence can be trusted.

Each is a table as well, so that it can be read aloud, and no chart speaks by its colours alone. The scores are those of
`app.models.Card`; what an older model does not carry has no chart.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

SIDE, BELOW, MARGIN, TOP = 220, 50, 34, 6  # of the picture of reliability, pixels: square, counts below it, edges
MISTAKES: Final = 3  # that are told in words
OFTEN: Final = 0.05  # share of a style's tracks, from which on a mistake is worth a sentence
POINT: Final = (3.0, 8.0)  # radius of a point with few tracks, and of the one with most


def style_bars(by_class: Mapping[str, Sequence[float]], colours: Mapping[str, str]) -> str:
    """The share of right first answers for each style, with the number of its tracks."""
    rows = [
        f'<li><span>{escape(name)} <small class="em-dim">{tracks}</small></span>'
        f'<span class="em-bar"><i style="width:{100 * share:.1f}%;background:{colours.get(name, "#888")}"></i></span>'
        f"<b>{_short(share)}</b></li>"
        for name, (share, tracks) in by_class.items()
    ]
    return f'<ul class="em-bars" aria-label="right at first, by style">{"".join(rows)}</ul>'


def confusion_table(found: Mapping[str, Any]) -> str:
    """A row for each style that was tested, a column for each answer; the fuller a cell, the more of the row."""
    classes, counts = found["classes"], found["counts"]
    heads = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in classes)
    rows = [_row(index, name, classes, counts[index]) for index, name in enumerate(classes) if sum(counts[index])]
    return (
        f'<p class="em-dim">{escape(mistaken(found))}</p>'
        '<div class="em-scroll" tabindex="0" role="region" aria-label="what the tracks of each style were taken for">'
        '<table class="em-confusion">'
        f"<thead><tr><td>tracks of ↓ named →</td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def mistaken(found: Mapping[str, Any]) -> str:
    """The commonest mistakes in words.

    >>> mistaken({"classes": ["Trap", "Trance"], "counts": [[60, 40], [0, 100]]})
    'Mistaken most: 40 of 100 Trap for Trance.'
    """
    classes, counts = found["classes"], found["counts"]
    wrong = [
        (count / sum(row), f"{count} of {sum(row)} {classes[true]} for {classes[named]}")
        for true, row in enumerate(counts)
        for named, count in enumerate(row)
        if named != true and count and count / sum(row) >= OFTEN
    ]
    most = [said for _, said in sorted(wrong, key=lambda each: -each[0])[:MISTAKES]]
    return f"Mistaken most: {'; '.join(most)}." if most else "No style is often mistaken for another."


def reliability_picture(found: Mapping[str, Sequence[Any]]) -> str:
    """Confidence from left to right, the share that was right from bottom to top; below, the number of tracks."""
    bins = [each for each in zip(found["confidence"], found["accuracy"], found["count"], strict=True) if each[2]]
    most = max(count for *_, count in bins)
    places = len(found["count"])

    def x(share: float) -> float:
        return MARGIN + SIDE * share

    def y(share: float) -> float:
        return TOP + SIDE * (1 - share)

    floor = TOP + SIDE + 8 + BELOW
    parts = [
        *(f'<path d="M{x(at):.0f} {y(0)}V{y(1)}M{x(0)} {y(at):.0f}H{x(1)}" class="em-guide"/>' for at in (0, 0.5, 1)),
        f'<path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" class="em-guide" stroke-dasharray="4 3"/>',
    ]
    for confidence, accuracy, count in bins:
        radius = POINT[0] + (POINT[1] - POINT[0]) * (count / most) ** 0.5
        at, height = x(confidence), BELOW * count / most
        width = 0.85 * SIDE / places
        corner = x((min(int(confidence * places), places - 1) + 0.075) / places)
        parts += [
            f'<path d="M{at:.1f} {y(confidence):.1f}V{y(accuracy):.1f}" class="em-off"/>',
            f'<circle cx="{at:.1f}" cy="{y(accuracy):.1f}" r="{radius:.1f}"/>',
            f'<rect x="{corner:.1f}" y="{floor - height:.1f}" width="{width:.1f}" height="{height:.1f}"/>',
        ]
    parts += [
        f'<text x="{MARGIN - 6}" y="{y(share) + 4}" text-anchor="end">{text}</text>'
        for share, text in ((0, "0"), (0.5, ".5"), (1, "1"))
    ]
    parts += [
        f'<text x="{x(share)}" y="{floor + 14}" text-anchor="middle">{text}</text>'
        for share, text in ((0, "0"), (0.5, "confidence"), (1, "1"))
    ]
    rows = "".join(
        f"<tr><td>{_short(confidence)}</td><td>{_short(accuracy)}</td><td>{count:,}</td></tr>"
        for confidence, accuracy, count in bins
    )
    label = "A point for each confidence: on the dashed line, as many answers are right as it says; above, more."
    return (
        f'<figure class="em-reliability"><svg viewBox="0 0 {MARGIN + SIDE + 12} {floor + 20}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg><figcaption>{label}</figcaption>'
        "<details><summary>as a table</summary><table><thead><tr><th>confidence</th><th>right</th><th>tracks</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></details></figure>"
    )


def _row(index: int, name: str, classes: Sequence[str], row: Sequence[int]) -> str:
    total = sum(row)
    cells = [
        f'<td style="--em-share:{count / total:.3f}"{" class=em-right" if named == index else ""} '
        f'title="{count} of {total} {escape(name)}: {escape(classes[named])}">{count or ""}</td>'
        for named, count in enumerate(row)
    ]
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>'


def _short(share: float) -> str:
    return f"{share:.2f}".removeprefix("0")
