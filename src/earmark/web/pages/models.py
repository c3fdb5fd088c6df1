"""The page with the cards of the models: what each was measured on, and how well it hears each style."""

from html import escape
from typing import Any

from nicegui import ui

from earmark.app.models import Card, cards
from earmark.web.pages.charts import confusion_table, reliability_picture, style_bars
from earmark.web.pages.frame import colours, frame
from earmark.web.site import Site

NONE = "It carries no score of styles: nobody measured it, or it gives tags or values."
OLD = "It carries no confusion matrix and no reliability; models that are made now do."


def draw(site: Site) -> None:
    """Draw the page."""
    with frame("/models"):
        for card in sorted(cards(), key=lambda card: card.name != site.model):  # the one that hears stands first
            _draw_card(card, hears=card.name == site.model)


def _draw_card(card: Card, *, hears: bool) -> None:
    with ui.element("article").classes("em-card"):
        badge = '<span class="em-badge">hears now</span>' if hears else ""
        ui.html(f"<h2>{escape(card.name)} {badge}</h2>", sanitize=False)
        ui.label(card.summary)
        if card.measured:
            ui.label(card.measured)
        if not card.scores:
            ui.label(NONE).classes("em-dim")
        for number, score in enumerate(card.scores):
            ui.html(described(score, opened=not number), sanitize=False).classes("w-full")
        with ui.expansion("the card").classes("w-full"):
            ui.markdown(card.text).classes("em-markdown")


def described(score: dict[str, Any], *, opened: bool = False) -> str:
    """One test as HTML: its figures with 95 % intervals, its styles, its mistakes, and its confidence."""
    reliability, confusion = score.get("reliability"), score.get("confusion")
    parts = [f"<p>{escape(figures(score))}</p>", '<div class="em-charts">']
    if confusion:
        parts.append(_section("What is taken for what", confusion_table(confusion), wide=True))
    if reliability:
        parts.append(_section("Can its confidence be trusted?", reliability_picture(reliability)))
    parts.append("</div>" + _section("Right at first, by style", style_bars(score["by_class"], colours())))
    if not (reliability and confusion):
        parts.append(f'<p class="em-dim">{OLD}</p>')
    shown = " open" if opened else ""
    return f"<details class=em-score{shown}><summary>{escape(heading(score))}</summary>{''.join(parts)}</details>"


def _section(title: str, content: str, *, wide: bool = False) -> str:
    return f"<section{' class=em-wide' if wide else ''}><h3>{title}</h3>{content}</section>"


def heading(score: dict[str, Any]) -> str:
    """The test, and on how many tracks."""
    return f"{score['protocol']}: {score['tracks']:,} tracks of {score['classes']} classes"


def figures(score: dict[str, Any]) -> str:
    """The share of tracks whose class is among the first answers, with intervals, and the error of the confidence.

    >>> figures({"micro": [[0.72, 0.7, 0.74]], "calibration_error": 0.03})
    'right at first .72 (.70-.74); error of the confidence .03'
    """
    names = ("right at first", "among the first two", "among the first three")
    parts = [
        f"{name} {_short(value)} ({_short(low)}-{_short(high)})"
        for name, (value, low, high) in zip(names, score["micro"], strict=False)
    ]
    return "; ".join((*parts, f"error of the confidence {_short(score['calibration_error'])}"))


def _short(share: float) -> str:
    return f"{share:.2f}".removeprefix("0")
