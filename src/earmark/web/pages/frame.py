"""The frame that all pages share: header, way around, colours."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Final

from nicegui import ui
from nicegui.element import Element

from earmark.styles import styles
from earmark.web.names import legible

PLACES: Final = {
    "/": "Listen",
    "/library": "Library",
    "/teach": "Teach",
    "/booth": "Booth",
    "/models": "Models",
    "/api/docs": "API",
}


BRAND: Final = '<a class="em-brand" href="/"><img src="/static/icon.svg" alt="" width="28" height="28">earmark</a>'
BUTTONS: Final = (
    '<button type="button" id="em-theme" class="em-round">◐</button>'
    '<button type="button" id="em-help" class="em-round" aria-label="keys" title="keys">?</button>'
)
KEYS: Final = {
    "Space": "play and pause",
    "← →": "five seconds back and on, in a waveform",
    "+ −": "zoom a waveform; from a minute down the beats are drawn",
    "/": "search",
    "1 … 9, Enter, s": "in Teach: say a style, agree, skip",
    "?": "this list",
}


@contextmanager
def frame(place: str) -> Iterator[None]:
    """Draw what stands around a page; its content is drawn within.

    Args:
        place: the address of the page, one of `PLACES`.
    """
    title = PLACES[place]
    ui.page_title(f"{title} · earmark")
    ui.add_head_html('<link rel="stylesheet" href="/static/earmark.css"><script src="/static/frame.js"></script>')
    links = "".join(
        f'<a href="{address}"{" aria-current=page" if address == place else ""}>{escape(name)}</a>'
        for address, name in PLACES.items()
    )
    ui.html('<a class="em-skip" href="#main">to the content</a>', sanitize=False)
    with ui.header().classes("em-header"):
        ui.html(f'<nav class="em-nav" aria-label="pages">{BRAND}{links}{BUTTONS}</nav>', sanitize=False).classes(
            "w-full"
        )
    ui.html(_keys(), sanitize=False)
    with ui.element("main").props("id=main"):
        ui.html(f"<h1>{escape(title)}</h1>", sanitize=False)
        yield


def _keys() -> str:
    rows = "".join(f"<dt><kbd>{escape(key)}</kbd></dt><dd>{escape(does)}</dd>" for key, does in KEYS.items())
    close = '<form method="dialog"><button class="em-button em-strong">Close</button></form>'
    return f'<dialog id="em-keys" aria-label="keys"><h2>Keys</h2><dl>{rows}</dl>{close}</dialog>'


def button(text: str, on_click: Callable[[], object], *, strong: bool = False) -> Element:
    """A button in the colours of the page, which can be read in light and dark."""
    made = Element("button").props("type=button").classes("em-button em-strong" if strong else "em-button")
    with made:
        ui.label(text)
    return made.on("click", on_click)


def complain(error: Exception) -> None:
    """Tell in a corner of the page what went wrong."""
    ui.notify(legible(str(error)), type="negative")


def enable(made: Element, *, enabled: bool) -> None:
    """Let a button be clicked, or not."""
    made.props(remove="disabled") if enabled else made.props("disabled")


def colours() -> dict[str, str]:
    """The colour of each style, the same as on the terminal."""
    return {style.label: style.colour for style in styles()}
