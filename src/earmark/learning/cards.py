"""The blocks of a model card, in Markdown: each kind of model adds the sentences that are its own.

A card opens with name, summary and signature. Sections follow: the data and whose they are, the figures, and at the end
what to know before trusting it. Blocks are parted by an empty line.
"""

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earmark.hearing.bundle import Config
from earmark.measures import scores
from earmark.measures.scores import Score

WIDTH = 120  # characters of a line of prose


def card(name: str, summary: str, *blocks: str) -> str:
    """A card of blocks, of which empty ones are left out; prose is broken into lines of at most 120 characters."""
    text = _joined(f"# {name}", sentence(summary), *blocks)
    return "\n\n".join(map(_filled, text.split("\n\n"))) + "\n"


def section(title: str, *blocks: str) -> str:
    """A section of blocks, of which empty ones are left out."""
    return _joined(f"## {title}", *blocks)


def sentence(text: str) -> str:
    """A text with a capital letter at its beginning and a full stop at its end.

    >>> sentence("imported from the Keras file a.h5")
    'Imported from the Keras file a.h5.'
    """
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def signature(config: Config) -> str:
    """Input and output of a model, as a sentence: sample rate in Hz, window in seconds, number of outputs."""
    return (
        f"Waveform in (mono, {config.sample_rate} Hz, windows of {config.window:.4g} s), "
        f"{len(config.styles)} {config.task} out."
    )


def bullets(items: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {item}" for item in items)


def limits(*blocks: str) -> str:
    """The last section: what the figures do not say."""
    return section("What to know before trusting it", *blocks)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; a cell is text, or a number that is written as it is.

    >>> print(table(["style", "tracks"], [["Techno", 12]]))
    | style | tracks |
    |---|---|
    | Techno | 12 |
    """
    lines = [columns, *rows]
    head, *body = (f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)
    return "\n".join([head, "|" + "---|" * len(columns), *body])


def precision(found: list[Score]) -> str:
    """Precision at 1, 2 and 3 of each score with its interval, as a table."""
    return table(["protocol", "tracks", "average", "P@1", "P@2", "P@3"], scores.rows(found))


def precision_by_style(score: Score) -> str:
    """Precision at 1 of each style, as a table."""
    rows = ((style, count, f"{share:.2f}") for style, (share, count) in score.by_class.items())
    return table(["style", "tracks", "P@1"], rows)


def fidelity(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Agreement of a student with its teacher on each kind of sound, as a table.

    An unknown figure is left empty; a row of which none is known is left out.

    Args:
        measured: for each kind of sound `stretches`, their number; `correlations`, one for each class; `mean`, that of
            these; `agreement`, the share of stretches with the same strongest class; `tags`, the mean correlation of
            the tags. As it stands in the `measures` of a bundle.
    """
    found = list(measured.values())
    rows = [(name, [each["correlations"][name] for each in found]) for name in found[0]["correlations"]]
    for title, key in (("**mean of these**", "mean"), ("same strongest class", "agreement"), ("50 tags, mean", "tags")):
        rows.append((title, [each[key] for each in found]))
    rows = [(title, figures) for title, figures in rows if any(map(_figure, figures))]
    kinds = [f"{kind} ({each['stretches']} stretches)" for kind, each in measured.items()]
    return table(["class", *kinds], ([title, *map(_figure, figures)] for title, figures in rows))


def enclosed(card: str) -> str:
    """The card of another model as part of a section: its title left away, its sections one level lower."""
    return card.partition("\n")[2].strip().replace("\n#", "\n##")


def _joined(*blocks: str) -> str:
    return "\n\n".join(block.strip("\n") for block in blocks if block)


def _filled(paragraph: str) -> str:
    """A paragraph of prose or a list in lines that are not too long; tables, code and titles stay as they are."""
    lines = paragraph.splitlines()
    if paragraph.startswith(("|", "#", "    ", "```")) or all(len(line) <= WIDTH for line in lines):
        return paragraph
    # A line that begins with a dash is an item; one that does not goes on with the item or the sentence before it.
    items = re.split(r"\n(?=- )", paragraph)
    return "\n".join(
        textwrap.fill(
            " ".join(item.split()),
            WIDTH,
            subsequent_indent="  " if item.startswith("- ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )


def _cell(value: object) -> str:
    """One line, in which a bar does not end the cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def _figure(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.2f}"
