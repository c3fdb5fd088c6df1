"""The report on the disk: `report.md` with its pictures, `report.html` that holds everything, `report.json`.

Each file is written under a temporary name, then renamed; the pages come after the pictures that they show.
"""

import json
from pathlib import Path

from earmark.learning.evaluation import markdown, webpage
from earmark.learning.evaluation.contents import compose
from earmark.learning.evaluation.figures import DARK, LIGHT
from earmark.learning.evaluation.results import Evaluation

MARKDOWN, WEBPAGE, RECORD = "report.md", "report.html", "report.json"


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write the report into a folder, which is made if it is not there."""
    document = compose(evaluation)
    pictures = {picture.name: (picture.draw(LIGHT), picture.draw(DARK)) for picture in document.pictures()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (light, _) in pictures.items():
        _write(folder / f"{name}.png", light)
    _write(folder / RECORD, (json.dumps(evaluation.as_json(), indent=1) + "\n").encode())
    # The name of a file can be any bytes, which are not always text.
    _write(folder / MARKDOWN, markdown.render(document).encode("utf-8", "backslashreplace"))
    _write(folder / WEBPAGE, webpage.render(document, pictures).encode("utf-8", "backslashreplace"))


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    temporary.replace(path)
