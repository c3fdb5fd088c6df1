"""The table of the library in the browser: its columns, and the filters above it."""

from html import escape
from typing import Any

from nicegui import ui

from earmark.app.catalogue import open_catalogue
from earmark.app.query import CONFIDENCES
from earmark.errors import EarmarkError
from earmark.web.pages.frame import colours
from earmark.web.site import Site

COLUMNS = (
    ("name", "track", 200, 4),
    ("style", "style", 165, 3),
    ("probability", "p", 58, 0),
    ("bpm", "BPM", 68, 0),
    ("key", "key", 58, 0),
    ("duration", "time", 64, 0),
    ("family", "family", 90, 1),
    ("genre", "genre tag", 120, 2),
)
"""Columns of the table: the field, its heading, its least width in pixels, and its share of what is left."""
SORTABLE = {
    "name": "title",
    "style": "style",
    "probability": "probability",
    "bpm": "bpm",
    "key": "key",
    "duration": "time",
}
SHOWN = {
    "style": "p => p.value || (p.data && p.data.error ? '⚠ ' + p.data.error : '')",
    "probability": "p => p.value == null ? '' : p.value.toFixed(2)",
    "bpm": "p => p.value == null ? '' : p.value.toFixed(1)",
    "duration": "p => p.value == null ? '' : Math.floor(p.value / 60) + ':' + String(p.value % 60).padStart(2, '0')",
}


def options() -> dict[str, Any]:
    """The settings of the grid that shows the table; static/library.js brings it its rows."""
    columns = []
    for field, heading, width, flex in COLUMNS:
        column: dict[str, Any] = {
            "field": field,
            "colId": SORTABLE.get(field, field),
            "headerName": heading,
            "sortable": field in SORTABLE,
            "minWidth": width,
            **({"flex": flex} if flex else {"width": width}),
        }
        if field in SHOWN:
            column[":valueFormatter"] = SHOWN[field]
        if not flex and field != "key":
            column["type"] = "rightAligned"
        if field == "style":
            column[":cellStyle"] = f"p => ({{borderLeft: '6px solid ' + ({colours()}[p.value] || 'transparent')}})"
        columns.append(column)
    return {
        "columnDefs": columns,
        "rowModelType": "infinite",
        "cacheBlockSize": 100,
        "maxBlocksInCache": 20,
        "rowSelection": {"mode": "multiRow", "checkboxes": True, "headerCheckbox": False, "enableClickSelection": True},
        ":datasource": "earmark.datasource()",
        ":getRowId": "p => String(p.data.id)",
    }


def draw_filters(site: Site) -> None:
    """Draw the filters, with the styles and families that the catalogue knows.

    Args:
        site: the settings of the server.
    """
    try:
        with open_catalogue(site.catalogue) as opened:
            known = opened.families()
    except EarmarkError:  # nothing was scanned yet
        known = {}
    choices = {
        "style": sorted(known),
        "family": sorted(set(known.values())),
        "confidence": list(CONFIDENCES),
        "key": [f"{number}{letter}" for number in range(1, 13) for letter in "AB"],
    }
    field = '<input type="search" data-filter="words" size="24" placeholder="artist, title, style …">'
    parts = [f"<label>search{field}</label>"]
    for name, values in choices.items():
        listed = "".join(f"<option>{escape(value)}</option>" for value in values)
        parts.append(
            f'<label>{name}<select data-filter="{name}"><option value="">any</option>{listed}</select></label>'
        )
    parts.append('<label>BPM<input data-filter="bpm" size="8" placeholder="124-128"></label>')
    for name, words in (("unknown", "unlike anything"), ("failed", "errors"), ("missing", "missing")):
        parts.append(f'<label>{words}<input type="checkbox" data-filter="{name}"></label>')
    ui.html(f'<form class="em-filters" role="search" onsubmit="return false">{"".join(parts)}</form>', sanitize=False)
