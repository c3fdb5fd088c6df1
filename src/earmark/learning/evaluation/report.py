"""The report: from the record of an evaluation to a document, and to files.

    report.html   one page that holds everything
    report.md     the same as Markdown, with its pictures beside it
    report.json   all figures

The pages are written after the pictures that they show.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from earmark import __version__
from earmark.files import write_bytes, write_text
from earmark.learning.evaluation import markdown, style_sections, tags, values, webpage
from earmark.learning.evaluation.charts import DARK, LIGHT
from earmark.learning.evaluation.comparison import PairedDifference
from earmark.learning.evaluation.document import Block, Document, Note, Section, Table, Tiles
from earmark.learning.evaluation.results import Evaluation, Opponent, Speed
from earmark.learning.evaluation.selection import ALL
from earmark.learning.evaluation.styles import StyleFigures
from earmark.learning.evaluation.tags import TagFigures
from earmark.learning.evaluation.wording import count, duration, percent, plain, plain_between, points_between
from earmark.measures.uncertainty import McNemar

MARKDOWN, WEBPAGE, RECORD = "report.md", "report.html", "report.json"
ENOUGH = 0.05  # below which probability a difference is not put down to chance


def compose(evaluation: Evaluation) -> Document:
    """Compose the document of an evaluation."""
    opponent = evaluation.opponent
    tiles, sections = _figures(evaluation)
    return Document(
        title=f"{evaluation.model} on {evaluation.manifest}",
        opening=(_what(evaluation), *map(Note, evaluation.warnings), tiles, _uncertainty(evaluation)),
        sections=(
            *([_against(evaluation.model, opponent)] if opponent else []),
            *sections,
            _speed(evaluation.speed),
            *_failures(evaluation),
        ),
    )


def _figures(evaluation: Evaluation) -> tuple[Tiles, tuple[Section, ...]]:
    found, opponent = evaluation.figures, evaluation.opponent
    if isinstance(found, StyleFigures):
        other = None
        if opponent and isinstance(opponent.figures, StyleFigures):
            other = (opponent.model, opponent.figures)
        return style_sections.tiles(found), tuple(style_sections.sections(found, evaluation.model, other))
    if isinstance(found, TagFigures):
        return tags.tiles(found), tags.sections(found)
    return values.tiles(found), values.sections(found)


def _what(evaluation: Evaluation) -> str:
    part = "all tracks" if evaluation.split == ALL else f"the {evaluation.split} part"
    tracks = count(len(evaluation.tracks), "track")
    artists = f" of {count(evaluation.artists, 'artist')}" if evaluation.artists else ""
    sound = f"{duration(evaluation.speed.audio)} of sound in {count(evaluation.windows, 'window')}"
    sentences = [f"The model {evaluation.model} heard {part} of {evaluation.manifest}: {tracks}{artists}, {sound}."]
    if evaluation.skipped:
        left_out = f", and with them {count(evaluation.left_out, 'track')}" if evaluation.left_out else ""
        sentences.append(f"Left out, because a model does not know them: {', '.join(evaluation.skipped)}{left_out}.")
    if evaluation.failures:
        sentences.append(f"{count(len(evaluation.failures), 'file')} could not be heard: see the end.")
    sentences.append(f"Measured with earmark {__version__}.")
    return " ".join(sentences)


def _uncertainty(evaluation: Evaluation) -> str:
    drawn = "artists are drawn, each with all of their tracks" if evaluation.artists else "tracks are drawn"
    return (
        "In brackets, and as lines in the pictures, are 95 % intervals: what other tracks of this kind could have "
        f"given. They come from a bootstrap in which {drawn}."
    )


def _against(model: str, opponent: Opponent) -> Section:
    contrasts = opponent.contrasts
    blocks: list[Block] = [
        Table(
            "lrrr",
            ("measure", model, opponent.model, "difference"),
            tuple(_contrast_row(row) for row in contrasts.measures),
        )
    ]
    if contrasts.mcnemar:
        blocks += _mcnemar(contrasts.mcnemar, model, opponent.model)
    return Section(f"Against {opponent.model}", tuple(blocks))


def _contrast_row(row: PairedDifference) -> tuple[str, ...]:
    show = percent if row.is_share else plain
    difference = points_between(row.difference) if row.is_share else plain_between(row.difference)
    return row.name, show(row.first), show(row.second), difference


def _mcnemar(test: McNemar, model: str, other: str) -> list[Block]:
    verdict = "such a difference would be nothing unusual"
    if test.p_value < ENOUGH:
        verdict = "so great a difference would be rare"
    text = (
        f"Of the tracks that one has right and the other wrong, {test.first_only:,} are right with {model} and "
        f"{test.second_only:,} with {other}. Were the models equally good, {verdict}: p = {test.p_value:.2g} "
        "(McNemar's test, exact)."
    )
    return [
        text,
        Table(
            "lrr",
            ("", f"{other} right", f"{other} wrong"),
            (
                (f"{model} right", f"{test.both:,}", f"{test.first_only:,}"),
                (f"{model} wrong", f"{test.second_only:,}", f"{test.neither:,}"),
            ),
        ),
    ]


def _speed(speed: Speed) -> Section:
    text = (
        f"{duration(speed.audio)} of sound in {duration(speed.wall)} with {count(speed.workers, 'process')}, their "
        f"start included: {speed.audio / speed.wall:.0f} seconds of sound a second, and "
        f"{speed.audio / speed.cpu:.0f} for each second of processor time."
    )
    return Section("Speed", (text,))


def _failures(evaluation: Evaluation) -> Iterator[Section]:
    if evaluation.failures:
        yield Section("What could not be heard", (Table("ll", ("file", "reason"), evaluation.failures),))


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
