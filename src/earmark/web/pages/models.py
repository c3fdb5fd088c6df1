"""The page with the cards of the models: what each was measured on, and how well it hears each style."""

from typing import Any

from nicegui import ui

from earmark.app.models import Card, cards
from earmark.web.pages.frame import colours, frame


def draw() -> None:
    """Draw the page."""
    with frame("/models"):
        for card in cards():
            _draw_card(card)


def _draw_card(card: Card) -> None:
    with ui.element("article").classes("em-card"):
        ui.label(card.name).props("role=heading aria-level=2").classes("text-lg font-bold")
        ui.label(card.summary)
        if card.measured:
            ui.label(card.measured)
        for score in card.scores:
            _draw_score(score)
        with ui.expansion("the card").classes("w-full"):
            ui.markdown(card.text).classes("em-markdown")


def _draw_score(score: dict[str, Any]) -> None:
    """One test: its figures with 95 % intervals, and the share of right first answers for each style."""
    with ui.expansion(heading(score)).classes("w-full"):
        ui.label(figures(score))
        with ui.element("ul").classes("em-bars"):
            for style, (share, tracks) in score["by_class"].items():
                with ui.element("li"):
                    ui.label(f"{style} ({tracks})")
                    with ui.element("span").classes("em-bar"):
                        colour = colours().get(style, "#888")
                        ui.element("i").style(f"width: {100 * share:.1f}%; background: {colour}")
                    ui.label(f"{share:.2f}").classes("text-right font-bold")


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
