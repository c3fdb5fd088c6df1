"""Changes of tags on the terminal: a difference for each file, and the numbers of all."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from earmark.app.tagging import Tally
from earmark.cli.messages import some
from earmark.library.tags import Change
from earmark.library.tags.journal import RunSummary
from earmark.library.tags.policy import BETWEEN_COMMENTS

LONGEST = 60  # characters of a value


def difference(path: Path, changes: Sequence[Change]) -> RenderableType:
    """The file, and each field with what it says and what it shall say."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for change in changes:
        table.add_row(change.field, _line(change))
    return Group(Text(str(path), "bold"), Padding(table, (0, 0, 1, 2), expand=False))


def _line(change: Change) -> Text:
    """The old and the new values; of a text that is only continued, the addition."""
    before, after = (_shown(change.field, values) for values in (change.before, change.after))
    if not before:
        return Text(_short(after), "green")
    if after.startswith((f"{before}; ", f"{before}{BETWEEN_COMMENTS}")):
        return Text.assemble((_short(before), "dim"), (_short(after[len(before) :]), "green"))
    return Text.assemble((_short(before), "red strike"), (" → ", "dim"), (_short(after), "green"))


def _shown(field: str, values: Sequence[str]) -> str:
    """Values on one line; of the provenance only the model and the version."""
    text = _origin(values[0]) if field == "provenance" and values else "; ".join(values)
    return "".join(character if character.isprintable() else "�" for character in " ".join(text.split()))


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _origin(text: str) -> str:
    try:
        said = json.loads(text)
        return f"{said['model']}, earmark {said['earmark']}"
    except (ValueError, KeyError, TypeError):  # somebody else wrote it
        return text


def conclusion(tally: Tally, run: str) -> Text:
    """The numbers of files, and the way back; `run` is the name of the run, "" where nothing was written."""
    parts = [f"{some(tally.changed, 'file')} {'written' if run else 'would change'}"]
    parts += [f"{tally.unchanged} unchanged"] if tally.unchanged else []
    parts += [f"{tally.refused} refused"] if tally.refused else []
    text = Text(", ".join(parts))
    if tally.changed:
        text.append(f"; `earmark tag --undo {run}` takes it back" if run else "; --write writes the changes", "dim")
    return text


def runs(past: Sequence[RunSummary]) -> RenderableType:
    """The runs, the latest first."""
    if not past:
        return Text("no run has written tags yet")
    table = Table("run", "when", "files", "undone", box=None, header_style="dim")
    for each in past:
        when = datetime.strptime(each.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).astimezone()
        undone = "all" if each.undone == each.files else str(each.undone or "")
        table.add_row(each.name, f"{when:%Y-%m-%d %H:%M}", str(each.files), undone)
    return table
