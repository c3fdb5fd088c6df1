"""The model that was chosen on the page, and the one before it, to go back to."""

import json
from dataclasses import dataclass
from pathlib import Path

from earmark import files
from earmark.web import notes


@dataclass(frozen=True)
class Choice:
    """A file beside the catalogue that names two models; there may be none yet."""

    path: Path

    @property
    def chosen(self) -> str:
        """The model that was chosen; "" for none."""
        return self._names()[0]

    @property
    def before(self) -> str:
        """The model before it; "" for none."""
        return self._names()[1]

    def choose(self, name: str, before: str) -> None:
        """Choose a model instead of the one that hears now, which is then the one before."""
        files.write_text(self.path, json.dumps({"model": name, "before": before}))

    def _names(self) -> tuple[str, str]:
        return notes.read(self.path, lambda note: (str(note["model"]), str(note["before"]))) or ("", "")
