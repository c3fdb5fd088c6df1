"""The page with the cards of the models."""

from nicegui import ui

from earmark.app.models import cards
from earmark.web.pages.frame import frame


def draw() -> None:
    """Draw the page."""
    with frame("/models"):
        for card in cards():
            with ui.element("article").classes("em-card"):
                ui.label(card.name).props("role=heading aria-level=2").classes("text-lg font-bold")
                ui.label(card.summary)
                if card.measured:
                    ui.label(card.measured)
                with ui.expansion("the card").classes("w-full"):
                    ui.markdown(card.text).classes("em-markdown")
