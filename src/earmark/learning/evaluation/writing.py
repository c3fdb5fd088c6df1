"""The report on the disk: `report.md` with its pictures, `report.html` that holds everything, `report.json`.

The pages are written after the pictures that they show.
"""

import json
from pathlib import Path

from earmark.files import write_bytes, write_text
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
        write_bytes(folder / f"{name}.png", light)
    write_text(folder / RECORD, json.dumps(evaluation.as_json(), indent=1) + "\n")
    # The name of a file can be any bytes, which are not always text.
    write_text(folder / MARKDOWN, markdown.render(document), errors="backslashreplace")
    write_text(folder / WEBPAGE, webpage.render(document, pictures), errors="backslashreplace")
